package browser

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	form = `<main><h1>An order</h1>
<p id=said>Packed   by
	a person</p><p class=aside hidden>Not shown</p><p class=aside>Shown</p><p class=aside>Shown too</p>
<form action=/done>
<label for=who>User name</label> <input id=who name=who value=somebody>
<label>Expiry <input type=date name=expiry></label>
<label>Line <select name=line><option value=1>Line 1<option value=2>Line  2<option disabled>Line 3</select></label>
<label><input type=checkbox name=armed value=yes> Armed</label>
<label for=fixed>Fixed</label> <input id=fixed readonly value=fixed>
<button>Release to line</button>
<button type=button disabled>Sign off</button>
</form>
<nav aria-label=One><a href=/done?from=one>Details</a></nav> <nav aria-label=Two id=two><a href=/done?from=two>Details</a></nav>
<p class=far><a href=/done>Far   down</a></p>
<button type=button class=under>Covered</button><div class=over>over it</div>
<p><button type=button id=late>Change</button> <span id=key></span></p>
</main>`
	style = `a { line-height: 48px } .far { margin-top: 3000px } .over { position: relative; height: 60px; margin-top: -60px; background: #fff }
.under { height: 60px; display: block } .wide { width: 3000px }
@media (prefers-color-scheme: dark) { body { background: #000; color: #fff } }
@keyframes slide { from { transform: translateX(0) } to { transform: translateX(300px) } }
.slide { animation: slide .5s linear forwards }
.pale { color: #bbb; background: #fff } .tiny { width: 10px; height: 10px; padding: 0; border: 0; float: left }`
	script = `document.getElementById("late")?.addEventListener("click", event => {
  if (!event.isTrusted) return;
  document.getElementById("said").textContent = "Changed by a script";
});
document.addEventListener("keydown", event => { document.getElementById("key").textContent += event.key + " " });`
)

func page(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set(
			"Content-Security-Policy",
			"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'",
		)
		fmt.Fprintf(w, `<!doctype html><html lang=en><head><title>A page</title>
<meta name=viewport content="width=device-width"><link rel=icon href=/icon.svg><link rel=stylesheet href=/style.css></head>
<body>%s<script src=/script.js></script></body></html>`, body)
	}
}

func site(t *testing.T) string {
	t.Helper()
	file := func(contentType, content string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			fmt.Fprint(w, content)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", page(form))
	mux.HandleFunc("GET /done", func(w http.ResponseWriter, r *http.Request) {
		page("<main><h1>Done</h1><p>"+r.URL.RawQuery+"</p></main>")(w, r)
	})
	mux.Handle("GET /bad",
		page(`<main><h1>Bad</h1><img src=/missing.png alt=missing><p onclick="x">p</p></main><script>1</script>
<script src=/bad.js></script>`))
	mux.Handle("GET /poor", page(`<main><h1>Poor</h1><p class=pale>Pale</p><button class=tiny aria-label=A></button>
<button class=tiny aria-label=B></button></main>`))
	mux.Handle("GET /wide", page(`<main><h1>Wide</h1><p class=wide>wide</p></main>`))
	mux.Handle(
		"GET /slide",
		page(
			`<main><h1>Slide</h1><form action=/done><button class=slide name=x value=slid>Catch me</button></form></main>`,
		),
	)
	mux.Handle("GET /icon.svg", file("image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"/>`))
	mux.Handle("GET /style.css", file("text/css", style))
	mux.Handle("GET /script.js", file("text/javascript", script))
	mux.Handle(
		"GET /bad.js",
		file("text/javascript", `console.error("lost", 3, {}); console.log("all is well"); nothing.there()`),
	)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// failure is a test that notes that it failed, and ends the goroutine as a real one would.
type failure struct {
	testing.TB
	said string
}

func (f *failure) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failing runs a helper that must fail its test, with this patience, and gives what it said.
func failing(t *testing.T, p *Page, patience time.Duration, helper func(p *Page)) string {
	t.Helper()
	inner := &failure{TB: t}
	part := *p
	part.t = inner
	part.patience = patience
	done := make(chan struct{})
	go func() {
		defer close(done)
		helper(&part)
	}()
	<-done
	if inner.said == "" {
		t.Error("the helper did not fail")
	}
	return inner.said
}

func TestAPersonFillsInAFormAndSendsIt(t *testing.T) {
	address := site(t)
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts=%v", scripts), func(t *testing.T) {
			t.Parallel()
			p := Open(t)
			if !scripts {
				p.NoScript()
			}
			p.Goto(address)
			p.See("Packed by a person")
			p.Fill("User name", "Zoë & co")
			p.Fill("Expiry", "2027-02-28")
			p.Choose("Line", "Line 2")
			p.Click("Armed")
			p.Click("Release to line")
			p.At("/done")
			p.See("Done")
			want := url.Values{"who": {"Zoë & co"}, "expiry": {"2027-02-28"}, "line": {"2"}, "armed": {"yes"}}
			got, err := url.Parse(p.URL())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Query()); diff != "" {
				t.Errorf("what was sent (-want +got):\n%s", diff)
			}
			if got := p.ConsoleErrors(); len(got) != 0 {
				t.Errorf("errors: %q", got)
			}
		})
	}
}

func TestAFieldIsEmptiedByFillingInNothing(t *testing.T) {
	p := Open(t)
	p.Goto(site(t))
	p.Fill("User name", "")
	var value string
	p.Eval(`document.getElementById("who").value`, &value)
	if value != "" {
		t.Errorf("the field holds %q", value)
	}
	if got := failing(t, p, Patience, func(p *Page) {
		p.Fill("Fixed", "changed")
	}); !strings.Contains(got, `holds "fixed"`) {
		t.Errorf("a field that can't be changed: %s", got)
	}
}

func TestKeysAreStruckOneByOne(t *testing.T) {
	p := Open(t)
	p.Goto(site(t))
	p.Type("aZ 1!\t\x1b")
	if got, want := p.Text("#key"), "a Z 1 ! Tab Escape"; got != want {
		t.Errorf("keys %q, want %q", got, want)
	}
	p.Click("Change")
	p.Fill("User name", "sc")
	p.Type("\ban-1\n")
	p.At("/done?who=san-1&expiry=&line=1")
	if got := failing(t, p, Patience, func(p *Page) { p.Type("é") }); !strings.Contains(got, "no key for 'é'") {
		t.Errorf("a letter without a key: %s", got)
	}
}

func TestAClickIsThatOfARealMouse(t *testing.T) {
	address := site(t)
	p := Open(t)
	p.Goto(address)
	p.Click("Change")
	p.See("Changed by a script")
	p.Gone("Packed by a person")
	p.Click("Far down")
	p.At("/done")
	p.Goto(address)
	p.In("#two").Click("Details")
	p.At("/done?from=two")
	p.Goto(address + "/slide")
	p.Click("Catch me")
	p.At("/done?x=slid")
}

func TestAFailureSaysWhatThereIs(t *testing.T) {
	address := site(t)
	p := Open(t)
	for name, test := range map[string]struct {
		helper func(p *Page)
		want   []string
	}{
		"a button that is not there": {
			func(p *Page) { p.Click("Release") },
			[]string{`"Release", to press it`, `button "Release to line"`, `link "Far down"`, "Packed by a person"},
		},
		"two of a name":             {func(p *Page) { p.Click("Details") }, []string{"there are 2 of that name"}},
		"a disabled button":         {func(p *Page) { p.Click("Sign off") }, []string{"it is disabled"}},
		"a covered button":          {func(p *Page) { p.Click("Covered") }, []string{`covered by <div class="over">`}},
		"a field that is not there": {func(p *Page) { p.Fill("Name", "x") }, []string{`textbox "User name"`}},
		"an option that is not": {
			func(p *Page) { p.Choose("Line", "Line 4") }, []string{"there are Line 1, Line 2, Line 3"},
		},
		"a disabled option": {func(p *Page) { p.Choose("Line", "Line 3") }, []string{"it is disabled"}},
		"a hidden text": {
			func(p *Page) { p.See("Not shown") }, []string{`the text "Not shown": it is not there`},
		},
		"a text that stays": {func(p *Page) { p.Gone("An order") }, []string{"it is still there"}},
		"a part that is not there": {
			func(p *Page) { p.In("#three").Click("Details") }, []string{"there is no #three"},
		},
		"an element that is not":    {func(p *Page) { p.Text(".none") }, []string{"there is none"}},
		"another address":           {func(p *Page) { p.At("/done") }, []string{"the window is at /"}},
		"an address nobody listens": {func(p *Page) { p.Goto("http://127.0.0.1:1/") }, []string{"ERR_"}},
		"an expression that throws": {
			func(p *Page) { p.Eval("nothing.there()", nil) }, []string{"nothing is not defined"},
		},
		"a selector that is no such": {func(p *Page) { p.All("..") }, []string{"not a valid selector"}},
	} {
		t.Run(name, func(t *testing.T) {
			p.Goto(address)
			got := failing(t, p, time.Nanosecond, test.helper) // time for a single try
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("it said %q, without %q", got, want)
				}
			}
		})
	}
}

func TestTextsAreThoseThatCanBeRead(t *testing.T) {
	p := Open(t)
	p.Goto(site(t))
	if diff := cmp.Diff([]string{"Shown", "Shown too"}, p.All(".aside")); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
	if got := p.All(".none"); len(got) != 0 {
		t.Errorf("All of nothing: %q", got)
	}
	if got := p.Text("#said"); got != "Packed by a person" {
		t.Errorf("Text %q", got)
	}
	if diff := cmp.Diff([]string{"Details"}, p.In("#two").All("a")); diff != "" {
		t.Errorf("All in a part (-want +got):\n%s", diff)
	}
}

func TestAWindowIsWhatItIsToldToBe(t *testing.T) {
	address := site(t)
	p := Open(t)
	p.Goto(address)
	media := func(query string) (is bool) {
		p.Eval("matchMedia("+quote(query)+").matches", &is)
		return is
	}
	if !media(
		"(prefers-color-scheme: light) and (width: 1280px) and (height: 800px) and (pointer: fine) and (hover: hover)",
	) {
		t.Error("a new window is not light, 1280×800, and used with a mouse")
	}
	p.Dark(true)
	p.Viewport(390, 844)
	p.Touch()
	if !media(
		"(prefers-color-scheme: dark) and (width: 390px) and (height: 844px) and (pointer: coarse) and (hover: none)",
	) {
		t.Error("the window is not dark, 390×844, and used with fingers")
	}
	p.Dark(false)
	if !media("(prefers-color-scheme: light)") {
		t.Error("the window does not go back")
	}
	if p.Overflow() {
		t.Error("a page that fits overflows")
	}
	p.Goto(address + "/wide")
	if !p.Overflow() {
		t.Error("a page that is too wide does not overflow")
	}
}

func TestScriptsCanBeTurnedOff(t *testing.T) {
	p := Open(t)
	p.NoScript()
	p.Goto(site(t))
	p.Click("Change")
	if got := p.Text("#said"); got != "Packed by a person" {
		t.Errorf("a script ran: %q", got)
	}
	if got := p.Axe(); len(got) != 0 {
		t.Errorf("axe: %v", got)
	}
}

func TestAWindowCanBeCutOff(t *testing.T) {
	p := Open(t)
	p.Goto(site(t))
	var answer string
	fetch := func() string {
		p.Eval(`fetch("/done").then(r => r.status + "", e => e.name)`, &answer)
		return answer
	}
	var online bool
	p.Offline(true)
	if p.Eval("navigator.onLine", &online); online || fetch() != "TypeError" {
		t.Errorf("offline, the browser says %v and gets %s", online, answer)
	}
	p.Offline(false)
	if p.Eval("navigator.onLine", &online); !online || fetch() != "200" {
		t.Errorf("online, the browser says %v and gets %s", online, answer)
	}
}

func TestWhatGoesWrongIsCollected(t *testing.T) {
	address := site(t)
	p := Open(t)
	p.Goto(address + "/bad")
	got := p.ConsoleErrors()
	for _, want := range []string{
		"console: lost 3 Object",
		"exception: ReferenceError: nothing is not defined",
		"404 (Not Found) " + address + "/missing.png",
		"inline script violates the following Content Security Policy",
		"inline event handler violates the following Content Security Policy",
	} {
		if !slices.ContainsFunc(got, func(text string) bool {
			return strings.Contains(strings.ToLower(text), strings.ToLower(want))
		}) {
			t.Errorf("nothing says %q in %q", want, got)
		}
	}
	if slices.ContainsFunc(got, func(text string) bool { return strings.Contains(text, "all is well") }) {
		t.Errorf("what is no error is in %q", got)
	}
	if diff := cmp.Diff([]string{strings.TrimPrefix(address, "http://")}, p.Hosts()); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

func TestAxeFindsWhatIsHardToUse(t *testing.T) {
	address := site(t)
	p := Open(t)
	p.Goto(address + "/poor")
	var rules []string
	for _, violation := range p.Axe() {
		rules = append(rules, violation.Rule)
		if violation.Rule == "color-contrast" && !strings.Contains(violation.String(), `<p class="pale">Pale</p>`) {
			t.Errorf("the element is not in %s", violation)
		}
	}
	if diff := cmp.Diff([]string{"color-contrast", "target-size"}, rules); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
	if got := p.In("h1").Axe(); len(got) != 0 {
		t.Errorf("violations in the heading: %v", got)
	}
	if got := p.ConsoleErrors(); len(got) != 0 {
		t.Errorf("axe leaves errors: %q", got)
	}
}

func TestAPictureIsTaken(t *testing.T) {
	p := Open(t)
	p.Viewport(390, 844)
	p.Goto(site(t))
	path := filepath.Join(t.TempDir(), "new", "page.png")
	p.Screenshot(path)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.DecodeConfig(file)
	if err != nil || picture.Width != 390 || picture.Height != 844 {
		t.Errorf("a picture of %d×%d, %v", picture.Width, picture.Height, err)
	}
}

func TestWindowsShareNothing(t *testing.T) {
	address := site(t)
	one, other := Open(t), Open(t)
	one.Goto(address)
	one.Eval(`document.cookie = "who=one"`, nil)
	other.Goto(address)
	var cookies string
	other.Eval("document.cookie", &cookies)
	if cookies != "" {
		t.Errorf("the other window has %q", cookies)
	}
}

func TestAxeIsAsItsMakersShippedIt(t *testing.T) {
	sum := sha256.Sum256([]byte(axe))
	if got, want := hex.EncodeToString(
		sum[:],
	), "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"; got != want {
		t.Errorf("axe.min.js has sha256 %s, want %s", got, want)
	}
}

func TestWithoutAChromiumTheTestFails(t *testing.T) {
	t.Setenv("LINEBOARD_CHROMIUM", "")
	t.Setenv("PATH", t.TempDir())
	if _, err := find(); err == nil || !strings.Contains(err.Error(), "make install") {
		t.Errorf("find: %v", err)
	}
	t.Setenv("LINEBOARD_CHROMIUM", "/not/there")
	if _, err := find(); err == nil || !strings.Contains(err.Error(), "/not/there") {
		t.Errorf("find: %v", err)
	}
}
