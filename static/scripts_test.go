package static

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/testkit/browser"
	"lineboard/internal/testkit/thorough"
)

// openModules opens a page that loads the modules as they are written, one by one.
func openModules(t *testing.T) *browser.Page {
	t.Helper()
	thorough.Once(t)
	mux := http.NewServeMux()
	mux.Handle("GET /js/", http.FileServerFS(files))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!DOCTYPE html><html lang="en" data-day="d"><title>Modules</title>
			<link rel="icon" href="data:,"><main></main><div id="announcer" role="status"></div></html>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p := browser.Open(t)
	p.Goto(server.URL)
	return p
}

// evaluate returns what a JavaScript expression over the exports of a module is.
func evaluate[T any](t *testing.T, p *browser.Page, module, expression string) (value T) {
	t.Helper()
	p.Eval(fmt.Sprintf(`import("/js/%s.js").then(m => (%s))`, module, expression), &value)
	return value
}

func TestPureFunctionsOfTheScripts(t *testing.T) {
	p := openModules(t)
	type list = []any
	for _, test := range []struct {
		name, module, expression string
		want                     list
	}{
		{
			"lengths of time", "clock",
			`[-5000, 0, 59_999, 60_000, 3_599_000, 3_600_000, 86_399_000, 90_000_000].map(ms => m.formatDuration(ms))`,
			list{"0 s", "0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "23 h 59 min", "1 d 1 h"},
		},
		{
			"the word for days", "clock", `[m.formatDuration(2 * 86_400_000, "Tage")]`, list{"2 Tage 0 h"},
		},
		{
			"clocks, at midnight and where summer time begins", "clock",
			`[[0, "UTC"], [0, "Europe/Brussels"], [Date.UTC(2026, 2, 29, 1), "Europe/Brussels"], [0, "Nowhere/At_all"]].map(a => m.formatClock(...a))`,
			list{"00:00:00", "01:00:00", "03:00:00", nil},
		},
		{
			"the second tap of two", "press", `[m.isTooEarly(1000, 1499), m.isTooEarly(1000, 1500)]`, list{true, false},
		},
		{
			"a press without an answer has a button to reload", "problem",
			`(() => {
				const main = document.querySelector("main");
				main.innerHTML = '<section id="release" data-lost="Not known." data-reload="Reload"><form></form></section>';
				m.showUnreachable(main.querySelector("form"), true);
				const says = [...main.querySelectorAll(".lost p")].map(p => p.textContent);
				const leads = main.querySelector(".lost a.button").getAttribute("href");
				main.innerHTML = "";
				return [...says, leads];
			})()`,
			list{"Not known.", "Reload", "/"},
		},
		{
			"keys that write a character", "scan",
			`[{key: "a"}, {key: "]"}, {key: "Enter"}, {key: "a", ctrlKey: true}, {key: "a", altKey: true}, {key: "a", metaKey: true}]
				.map(e => m.isCharacter(e))`,
			list{true, true, false, false, false, false},
		},
		{
			"the separator of a barcode's fields", "scan",
			`[{key: "]", ctrlKey: true}, {key: "$", code: "BracketRight", ctrlKey: true}, {key: "F8"}, {key: "]", ctrlKey: false}, {key: "a", ctrlKey: true}, {key: "]", ctrlKey: true, altKey: true}]
				.map(e => m.isSeparator(e))`,
			list{true, true, true, false, false, false},
		},
		{
			"the separator as a number on the keypad", "scan",
			`(() => [["0029", "↔"], ["029", "↔"], ["29", "a"], ["0129", "↔"], ["", "↔"]].map(([digits, written]) => {
				const code = m.newAltCode(); [...digits].forEach(d => code.press({code: "Numpad" + d, altKey: true}));
				return code.release({key: "Shift"}) + " " + code.release({key: "Alt"}) + " " + code.writes({data: written});
			}))()`,
			list{"false true true", "false true true", "false true false", "false false false", "false false false"},
		},
		{
			"line ends as control characters", "scan",
			`[{key: "j", ctrlKey: true}, {key: "M", ctrlKey: true}, {key: "j", ctrlKey: false}, {key: "j", ctrlKey: true, shiftKey: true}, {key: "c", ctrlKey: true}]
				.map(e => m.endsLine(e))`,
			list{true, true, false, false, false},
		},
		{
			"the keys of a scan, and Caps Lock", "scan",
			`((press, off = {code: "", shiftKey: false, getModifierState: () => false}, caps = {...off, getModifierState: lock => lock === "CapsLock"}) => [
				press([{...off, key: "z", code: "KeyY"}, {...off, key: "A", code: "KeyQ", shiftKey: true}, {...off, key: "]", code: "BracketRight", ctrlKey: true},
					{...off, key: "Dead", code: "Equal"}, {...off, key: "Shift", code: "ShiftLeft"}], r => r.change({inputType: "insertText", data: "\u001d"})),
				press([{...caps, key: "z", code: "KeyY"}]),
				press([{...caps, key: "z", code: "KeyY"}, {...off, key: "z", code: "KeyY"}]),
				press([{...off, key: "z"}]),
				press([{...off, key: "z", code: "KeyY"}], r => r.change({inputType: "insertFromPaste"})), press([]),
				press([{...off, key: "Process", code: "KeyY"}, {...off, key: "Process", code: "Convert"}], r => r.change({inputType: "insertCompositionText"})),
				press([{...off, key: "1", code: "Numpad1"}], r => r.change({inputType: "insertText"})),
				press([{...off, key: "Unidentified", code: "KeyY"}]),
			].map(taken => taken.keys + "/" + taken.caps + "/" + taken.typed))((events, after = () => {}) => {
				const r = m.newRecorder(); events.forEach(r.press); after(r); return r.take();
			})`,
			list{
				"KeyY +KeyQ Equal GS/off/keys", "KeyY/on/keys", "KeyY KeyY//keys", "//", "/off/pasted", "//",
				"KeyY/off/keys", "Numpad1/off/keys", "/off/keys",
			},
		},
		{
			"characters that come without a key, or by AltGr", "scan",
			`((press, off = {code: "", shiftKey: false, getModifierState: () => false}, altGr = {...off, getModifierState: lock => lock === "AltGraph"}) => [
				press([{...altGr, key: "[", code: "Digit8"}, "["], [{...off, key: "g", code: "KeyG"}, "g"]),
				press([{...off, key: "a", code: "KeyA"}, "a"], [{...off, key: "]", code: "Digit9", ctrlKey: true, altKey: true}, "]"]),
				press([{...off, key: "a", code: "KeyA"}, "a"], [null, "é~"]),
				press([{...off, key: "Dead", code: "Backquote"}], [{...off, key: "â", code: "KeyA"}, "â"], [{...off, key: "b", code: "KeyB"}, "b"], [null, "|"]),
				press([{...off, key: "Dead", code: "Backquote"}], [{...altGr, key: "]", code: "Digit9"}, "^", "]"]),
				press([{...off, key: "Dead", code: "Backquote"}], [{...altGr, key: "]", code: "Digit9"}, "]"]),
				press([{...off, key: "Dead", code: "Backquote"}], [{...altGr, key: "]", code: "Digit9"}, "^]"]),
				press([{...altGr, key: "Dead", code: "Digit4"}], [{...off, key: "a", code: "KeyA"}, "a"]),
				press([{...off, key: "a", code: "KeyA"}, "a"], [{...off, key: "]"}, "]"]),
				press([null, "é~"]), press([{...off, key: "z"}, "z"]),
			])((...pairs) => {
				const r = m.newRecorder();
				for (const [event, ...written] of pairs) {
					if (event) r.press(event);
					for (const data of written) r.change({inputType: "insertText", data});
				}
				return r.take().keys;
			})`,
			list{"=5b KeyG", "KeyA =5d", "KeyA =e9 =7e", "Backquote KeyA KeyB =7c", "Backquote =5d", "Backquote =5d", "Backquote =5d", "Dead KeyA", "KeyA =5d", "", ""},
		},
		{
			"the digits of a PIN", "station", `[m.typed("12", "3"), m.typed("12", ""), m.typed("", "")]`,
			list{"123", "1", ""},
		},
		{
			"a version that the server tells", "connection", `[m.parseVersion("line:3 17")]`,
			list{map[string]any{"topic": "line:3", "version": 17.0}},
		},
		{
			"seconds until a stream is tried again", "connection",
			`[[1, 0], [1, 1], [3, 1], [20, 0], [20, 1]].map(a => m.retryDelay(...a))`,
			list{0.5, 1.0, 4.0, 30.0, 60.0},
		},
		{
			"heights of the rows of a wall", "wall",
			`[[120, 90], [120, 150], [120, 400]].map(a => m.heightOf(...a))`,
			list{120.0, 150.0, 240.0},
		},
		{
			"pages of a wall", "wall",
			`[[12, 8, 0], [12, 8, 1], [12, 8, 2], [8, 8, 5], [0, 8, 3], [3, 0, 4]].map(a => m.pageOf(...a)).map(p => (p.at + 1) + "/" + p.pages)`,
			list{"1/2", "2/2", "1/2", "1/1", "1/1", "2/3"},
		},
		{
			"the newest version of several topics", "parts",
			`[["a"], ["a", "b"], ["a", "c"]].map(topics => m.newestVersion(topics, new Map([["a", 3], ["b", 7]])))`,
			list{3.0, 7.0, nil},
		},
		{
			"pages of which a copy may be kept", "kept",
			`["/", "/lines/L1", "/lines/L1/queue", "/orders/12", "/orders/12/serials", "/orders", "/history", "/orders/12/list", "/admin"]
				.map(path => m.mayKeep(path, ""))`,
			list{true, true, true, true, true, false, false, false, false},
		},
		{
			"an armed page", "kept", `[m.mayKeep("/orders/12", "?arm=1")]`, list{false},
		},
		{
			"requests with which somebody comes or goes", "kept",
			`["/login", "/logout", "/tenant", "/station/lock", "/orders/12/release"].map(m.changesReader)`,
			list{true, true, true, true, false},
		},
		{
			"a copy says that it is one", "kept",
			`[m.asCopy('<html lang="en"><p id="copy" hidden class="x">', 5)]`,
			list{`<html data-copy-age="5" lang="en"><p id="copy" class="x">`},
		},
		{
			"a copy that is twelve hours old is not shown, and deleted", "kept",
			`[0, 43199999, 43200000, -1].map(age => [m.isTooOld(age), m.asCopy("page", age)].join(" "))`,
			list{"false page", "false page", "true ", "true "},
		},
		{
			"a station's copy lasts until the station would have been locked", "kept",
			`[0, 400, 999, 1000, -1].map(age => m.asCopy('<div data-lock-in="1000">', age))`,
			list{`<div data-lock-in="1000">`, `<div data-lock-in="600">`, `<div data-lock-in="1">`, nil, nil},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, evaluate[list](t, p, test.module, test.expression)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Lists keep their rows where they are until somebody presses the button that says how many changed.
func TestUpdatesOfAListWaitForAPress(t *testing.T) {
	p := openModules(t)
	p.Eval(`import("/js/apply.js").then(m => {
		globalThis.htmx = { process() {} };
		globalThis.apply = rows => {
			const fresh = document.createElement("div");
			fresh.innerHTML = list(rows);
			m.apply(document.querySelector("[data-live]"), fresh.firstElementChild);
		};
		globalThis.list = rows => '<div data-live="/" data-kind="list" data-topics="a" data-version="' + rows.length +
			'" data-update="1 update" data-updates="{n} updates" data-updated="Up to date">' +
			rows.map(([key, text]) => '<p data-row="' + key + '">' + text + '</p>').join("") + '</div>';
		document.querySelector("main").innerHTML = list([["1", "first"], ["2", "second"], ["3", "third"]]);
	})`, nil)
	expect := func(button string, rows ...string) {
		t.Helper()
		if diff := cmp.Diff(rows, p.All("[data-row]")); diff != "" {
			t.Errorf("rows (-want +got)\n%s", diff)
		}
		got := ""
		if buttons := p.All(".updates"); len(buttons) == 1 {
			got = buttons[0]
		}
		if got != button {
			t.Errorf("the button says %q, want %q", got, button)
		}
	}
	p.Eval(`apply([["1", "first"], ["2", "changed"], ["3", "third"]])`, nil)
	expect("", "first", "changed", "third")
	p.Eval(`apply([["0", "new"], ["1", "first"], ["2", "changed"]])`, nil)
	expect("2 updates", "first", "changed", "third")
	p.Eval(`apply([["0", "new"], ["2", "changed again"], ["1", "first"]])`, nil)
	expect("2 updates", "first", "changed again", "third")
	p.Click("2 updates")
	expect("Up to date", "new", "changed again", "first")
	p.In("main").Gone("Up to date")
	p.Eval(`apply([["2", "changed again"], ["0", "new"], ["1", "first"]])`, nil)
	expect("1 update", "new", "changed again", "first")
	// It is as it was: nothing waits any more.
	p.Eval(`apply([["0", "new"], ["2", "changed again"], ["1", "first"]])`, nil)
	expect("", "new", "changed again", "first")
}

func TestWhatAPersonHasBegunStays(t *testing.T) {
	p := openModules(t)
	got := evaluate[[]any](t, p, "fields", `(() => {
		const form = document.createElement("form");
		form.innerHTML = '<input name="a" value="x"><input type="checkbox" name="b" value="1"><input type="checkbox" name="b" value="2">' +
			'<select name="c"><option>1<option>2</select><textarea name="d"></textarea><input type="hidden" name="e" value="y"><input name="f">';
		const begunAtFirst = m.begunFields(form).length;
		form.a.value = "mine";
		form.b[1].checked = true;
		form.c.selectedIndex = 1;
		form.d.value = "words";
		const begun = m.begunFields(form);
		const fresh = document.createElement("form");
		fresh.innerHTML = '<input name="a" value="z"><input type="checkbox" name="b" value="2"><select name="c"><option>1<option>2</select>' +
			'<textarea name="d"></textarea><input name="f" value="theirs">';
		m.restoreFields(begun, fresh);
		return [begunAtFirst, begun.map(field => field.name).join(), fresh.a.value, fresh.b.checked, fresh.c.value, fresh.d.value, fresh.f.value];
	})()`)
	want := []any{0.0, "a,b,c,d", "mine", true, "2", "words", "theirs"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The time of a page is the server's: as of when it was made, and for a copy that many ms later. The device's own clock
// shows only that it slept, and then the server is asked, whose proxy has a time of its own.
func TestTimeIsTheServersHoweverWrongTheDeviceIs(t *testing.T) {
	p := openModules(t)
	got := evaluate[[]any](t, p, "dom", `(async () => {
		document.head.insertAdjacentHTML("beforeend", '<link rel="manifest" href="/manifest">');
		document.querySelector("main").innerHTML = '<time data-clock datetime="2031-05-06T07:08:09Z" data-zone="UTC"></time>';
		const clock = document.querySelector("[data-clock]");
		const page = await import("/js/clock.js?of=page");
		document.documentElement.dataset.copyAge = String(2 * 3_600_000);
		const copy = await import("/js/clock.js?of=copy");
		const hours = m => Math.floor((m.now() - Date.UTC(2031, 4, 6, 7, 8, 9)) / 3_600_000);
		const before = [hours(page), hours(copy)];
		let isAway = true, asked = 0;
		window.fetch = async () => {
			asked++;
			if (isAway) throw new Error("away");
			return new Response("", { headers: {
				"Lineboard-Time": String(Date.UTC(2031, 4, 6, 17, 8, 9)), Date: "Thu, 01 Jan 1970 00:00:00 GMT",
			} });
		};
		page.startClock();
		const shown = what => new Promise(done => {
			const look = () => what() ? done(true) : setTimeout(look, 20);
			look();
		});
		await shown(() => clock.textContent.startsWith("07:"));
		const deviceNow = Date.now;
		Date.now = () => deviceNow() + 10 * 3_600_000; // it slept for ten hours, in view
		await shown(() => asked > 0);
		isAway = false;
		await shown(() => clock.textContent.startsWith("17:"));
		return [...before, hours(page)];
	})()`)
	if diff := cmp.Diff([]any{0.0, 2.0, 10.0}, got); diff != "" {
		t.Errorf("hours after the page was made (-want +got)\n%s", diff)
	}
}

// A browser that opens no calendar for a script gets no button for it.
func TestACalendarIsOfferedWhereTheBrowserHasOne(t *testing.T) {
	for _, lacks := range []bool{false, true} {
		p := openModules(t)
		p.Eval(fmt.Sprintf(`%t && delete HTMLInputElement.prototype.showPicker`, lacks), nil)
		hidden := evaluate[bool](t, p, "dates", `(() => {
			document.querySelector("main").innerHTML = '<button class="pick-date" hidden></button><input class="calendar">';
			m.startDates();
			return document.querySelector(".pick-date").hidden;
		})()`)
		if hidden != lacks {
			t.Errorf("the browser lacks it: %t, the button is hidden: %t", lacks, hidden)
		}
	}
}

// However late answers are, and in whatever order they come, each is shown at the place of its own scan.
func TestEachScanHasItsOwnAnswerAtItsPlace(t *testing.T) {
	p := openModules(t)
	got := evaluate[[]string](t, p, "scans", `(async () => {
		const places = [];
		const place = number => {
			places.push(number + " pending");
			const set = text => { places[number - 1] = number + " " + text; };
			return { answer: set, fail: () => set("not checked") };
		};
		const answers = {};
		const ask = (scan, signal) => new Promise((resolve, reject) => {
			answers[scan] = resolve;
			signal.addEventListener("abort", reject);
		});
		const take = m.newScans(ask, place, 60_000);
		const scans = ["a", "b", "c"].map(take);
		const before = places.join();
		answers.c("C"); await scans[2];
		answers.a("A"); await scans[0];
		const between = places.join();
		answers.b("B"); await scans[1];
		const late = m.newScans(ask, place, 1);
		places.length = 0;
		await late("d");
		answers.d("D");
		return [before, between, places.join()];
	})()`)
	want := []string{"1 pending,2 pending,3 pending", "1 A,2 pending,3 C", "1 not checked"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A wall in a browser that is too old loads itself anew, and nothing on it asks htmx for parts. While something between
// it and the server, or nobody, answers, it stays, says so, and asks again.
func TestAWallInATooOldBrowserLoadsItselfAnew(t *testing.T) {
	thorough.Once(t)
	source, err := files.ReadFile("old.js")
	if err != nil {
		t.Fatal(err)
	}
	answers, loads := make(chan int, 5), make(chan bool, 5)
	for _, status := range []int{http.StatusOK, http.StatusBadGateway, 0, http.StatusOK, http.StatusOK} {
		answers <- status
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := <-answers
		loads <- true
		w.Header().Set("Connection", "close") // a browser asks again by itself where one that it used before ends
		if answer == 0 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(answer)
		_, _ = io.WriteString(w, `<!DOCTYPE html><html lang="en"><title>Wall</title><link rel="icon" href="data:,">
			<body class="wall"><form hx-post="/there"></form>
			<p id="display-lost" hidden>No answer for <span data-heard></span></p></body></html>`)
	}))
	t.Cleanup(server.Close)
	p := browser.Open(t)
	p.Goto(server.URL)
	<-loads
	var after []int
	run := fmt.Sprintf(`globalThis.waits = [];
		window.setTimeout = (then, ms) => { waits.push({ then, ms }); if (waits.length > 1) waits.next(); };
		waits.after = () => new Promise(next => { waits.next = next; waits.at(-1).then(); });
		(0, eval)(%q);
		delete window.CSSLayerBlockRule;
		(0, eval)(%[1]q);
		return waits.map(w => w.ms).concat(document.querySelectorAll("[hx-post]").length);`, source)
	p.Eval("(() => {"+run+"})()", &after)
	if diff := cmp.Diff([]int{60_000, 0}, after); diff != "" {
		t.Fatalf("the wait, and forms that are htmx's (-want +got)\n%s", diff)
	}
	for _, refused := range []string{"a proxy's error", "no answer"} {
		var says string
		p.Eval(`Promise.race([waits.after().then(() => document.querySelector("#display-lost:not([hidden])").textContent),
			new Promise(end => addEventListener("pagehide", () => end("it leaves")))])`, &says)
		if <-loads; says != "No answer for 0 min" {
			t.Fatalf("%s: %q", refused, says)
		}
	}
	var begun bool
	p.Eval("(waits.at(-1).then(), true)", &begun)
	<-loads
	<-loads // asked, and then loaded
}
