package handlers_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

const earlyShift = "/shifts/2026-11-23/Early"

// finger does what a person does on pages without scripts, and counts what it touches: links, buttons, boxes, and
// fields that do not have the focus already. Keys are not counted.
type finger struct {
	*site.Browser
	t    *testing.T
	at   *url.URL
	page *goquery.Document
	form url.Values // what was typed, chosen and ticked
	taps int
}

func newFinger(t *testing.T, b *site.Browser, path string) *finger {
	t.Helper()
	f := &finger{Browser: b, t: t, at: &url.URL{Path: "/"}}
	f.open(path)
	return f
}

// open goes to an address, and to where that leads.
func (f *finger) open(address string) { f.t.Helper(); f.show(f.Get(f.resolve(address))) }

func (f *finger) resolve(address string) string {
	to, err := f.at.Parse(address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.at = to
	return to.RequestURI()
}

func (f *finger) show(a site.Answer) {
	f.t.Helper()
	for range 5 {
		if to := a.Header.Get("Location"); to != "" {
			a = f.Get(f.resolve(to))
		}
	}
	page, err := goquery.NewDocumentFromReader(strings.NewReader(a.Body))
	if err != nil || a.Status != http.StatusOK {
		f.t.Fatalf("%s: %d %v %s", f.at, a.Status, err, a.Text("main"))
	}
	f.page, f.form = page, url.Values{}
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

// named returns the first of some elements with a name.
func (f *finger) named(selector, name string) *goquery.Selection {
	return f.page.Find(selector).FilterFunction(func(_ int, e *goquery.Selection) bool {
		return squeezed(e.AttrOr("aria-label", e.Text())) == name
	}).First()
}

// tap touches a link, a button, a box or what unfolds a part of the page.
func (f *finger) tap(name string) {
	f.t.Helper()
	f.taps++
	e := f.named("a[href], button, summary, label:has(input)", name)
	switch {
	case e.Length() == 0:
		f.t.Fatalf("%s: nothing to touch is called %q in %s", f.at, name, squeezed(f.page.Find("body").Text()))
	case e.Is("a"):
		f.open(e.AttrOr("href", ""))
	case e.Is("label"):
		box := e.Find("input")
		f.form.Add(box.AttrOr("name", ""), box.AttrOr("value", "on"))
	case e.Is("button"):
		f.send(e)
	}
}

// field returns the field with a label.
func (f *finger) field(label string) *goquery.Selection {
	f.t.Helper()
	field := f.page.Find("#" + f.named("label[for]", label).AttrOr("for", "none"))
	if field.Length() == 0 {
		f.t.Fatalf("%s: no field is called %q", f.at, label)
	}
	return field
}

// write types into a field, which is touched first unless it has the focus.
func (f *finger) write(label, text string) {
	f.t.Helper()
	field := f.field(label)
	if _, focused := field.Attr("autofocus"); !focused {
		f.taps++
	}
	f.form.Set(field.AttrOr("name", ""), text)
}

// choose takes an option of a list: one touch opens it, another takes it.
func (f *finger) choose(label, option string) {
	f.t.Helper()
	list := f.field(label)
	f.taps += 2
	found := false
	list.Find("option").Each(func(_ int, o *goquery.Selection) {
		if squeezed(o.Text()) == option {
			found = true
			f.form.Set(list.AttrOr("name", ""), o.AttrOr("value", option))
		}
	})
	if !found {
		f.t.Fatalf("%s: %q has no choice %q", f.at, label, option)
	}
}

// send sends the form of a button as a browser does.
func (f *finger) send(button *goquery.Selection) {
	f.t.Helper()
	form := button.Closest("form")
	values := url.Values{}
	form.Find("input[name], textarea[name], select[name]").Each(func(_ int, e *goquery.Selection) {
		name, kind := e.AttrOr("name", ""), e.AttrOr("type", "text")
		_, isChecked := e.Attr("checked")
		switch chosen := e.Find("option[selected]"); {
		case e.Is("select") && chosen.Length() > 0:
			values.Add(name, chosen.AttrOr("value", chosen.Text()))
		case e.Is("select"):
			values.Add(name, e.Find("option").AttrOr("value", ""))
		case kind == "file", (kind == "checkbox" || kind == "radio") && !isChecked:
		case e.Is("textarea"):
			values.Add(name, e.Text())
		default:
			values.Add(name, e.AttrOr("value", ""))
		}
	})
	for name, typed := range f.form {
		if form.Find("[name='"+name+"'][type=checkbox]").Length() > 0 {
			values[name] = append(values[name], typed...)
		} else if form.Find("[name='"+name+"']").Length() > 0 {
			values[name] = typed
		}
	}
	if name := button.AttrOr("name", ""); name != "" {
		values.Set(name, button.AttrOr("value", ""))
	}
	action := f.resolve(button.AttrOr("formaction", form.AttrOr("action", f.at.RequestURI())))
	switch {
	case strings.EqualFold(form.AttrOr("method", "get"), "get"):
		f.open(strings.SplitN(action, "?", 2)[0] + "?" + values.Encode())
	case form.AttrOr("enctype", "") == "multipart/form-data":
		body, kind := multipartOf(f.t, values)
		f.show(f.Send("POST", action, kind, body))
	default:
		f.show(f.Send("POST", action, "application/x-www-form-urlencoded", strings.NewReader(values.Encode())))
	}
}

func multipartOf(t *testing.T, values url.Values) (io.Reader, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, all := range values {
		for _, value := range all {
			if err := w.WriteField(name, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &body, w.FormDataContentType()
}

// see fails the test unless the page says something.
func (f *finger) see(text string) {
	f.t.Helper()
	if said := squeezed(f.page.Find("body").Text()); !strings.Contains(said, text) {
		f.t.Fatalf("%s does not say %q but %q", f.at, text, said)
	}
}

// within fails the test if more was touched than that.
func (f *finger) within(most int) {
	f.t.Helper()
	if f.taps > most {
		f.t.Errorf("%d taps, want %d at most", f.taps, most)
	}
}

func TestAReleaseAtAStationWithABadgeTakesSixTapsAtMost(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.SignIn("administrator1").Post(
		"/admin/stations/badge", "person", idOf(s, "supervisor1"), "badge", handlerstest.ABadge,
	)
	handlerstest.ConfirmBadge(s.SignIn("supervisor1"))
	f := newFinger(t, s.Tablet("Tablet 1", "L1"), "/")
	f.write("Badge", handlerstest.ABadge)
	f.tap("Sign in")
	f.see("Next to release")
	f.tap("Release to line")
	f.tap("Release Order143 to Blister line 1")
	f.see("Order143 Released")
	f.tap("Acknowledge")
	f.within(6)
}

func TestAShiftIsSignedInSevenTapsAtMost(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	s.Clock.Move(8 * time.Hour)
	f := newFinger(t, s.SignIn("manager1"), "/")
	f.taps = 0
	f.tap("Shifts")
	f.open(f.page.Find("a.shift-row[href='"+earlyShift+"']").AttrOr("href", ""))
	f.taps++
	f.tap("Review and sign")
	f.tap("Reviewed and found in order")
	f.write("Comment", "Seen at the line")
	f.write("Your password, again", site.Password)
	f.tap("Sign Early · Mon 2026-11-23")
	f.see("Signed, version 1")
	f.within(7)
}

func TestAPackIsIdentifiedByOneTapAndAScan(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	f := newFinger(t, s.SignIn("operator1"), "/lines/L1")
	f.tap("Scan a pack")
	f.write("Barcode of the pack", "05412345101437")
	f.within(1)
}

// A normal shift: some orders wait on each line, one is suspended, one outcome is not known, five notes were written.
func TestAHandOverOfANormalShiftTakesSixTicksAtMost(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	out := s.SignIn("supervisor1")
	for _, key := range []string{"Order143", "Order146", "Order148"} {
		out.Post(fmt.Sprintf("/orders/%d/release", s.Order(key).ID), "revision", fmt.Sprint(s.Order(key).Revision))
	}
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.CutAfter, Times: 1})
	unknown := s.Order("Order149")
	out.Post(fmt.Sprintf("/orders/%d/release", unknown.ID), "revision", fmt.Sprint(unknown.Revision))
	for _, words := range []string{
		"Printer cleaned", "Reject bin emptied", "Carton jam, cleared", "New foil at 05:40", "Door 2 sticks",
	} {
		out.Post("/lines/L1/notes", "words", words)
	}
	f := newFinger(t, out, earlyShift+"/handover")
	f.write("Your password, again", site.Password)
	f.tap("Hand over Early · Mon 2026-11-23")
	f = newFinger(t, s.SignIn("manager1"), earlyShift+"/handover")
	ticks := f.page.Find("input[type=checkbox][name=item]")
	if n := ticks.Length(); n == 0 || n > 6 {
		t.Errorf("%d ticks: %s", n, squeezed(f.page.Find("main").Text()))
	}
	ticks.Each(func(_ int, box *goquery.Selection) {
		f.taps++
		f.form.Add("item", box.AttrOr("value", ""))
	})
	f.write("Your password, again", site.Password)
	f.tap("Take over Early · Mon 2026-11-23")
	f.see("Person manager1 took it over")
	if left := f.page.Find("input[type=checkbox][name=item]").Length(); left > 0 {
		t.Errorf("%d points are left", left)
	}
}

func TestScanIsInTheBarForEveryRoleAndAtAStation(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	people := map[string]*site.Browser{"a station": handlerstest.AtTablet(t, s)}
	for _, who := range []string{"supervisor1", "operator1", "manager1", "auditor1", "administrator1"} {
		people[who] = s.SignIn(who)
	}
	for who, b := range people {
		page := b.Get("/lines/L1")
		if to := page.Attr("header.bar a.to-scan", "href"); to != "/scan?line=L1" || page.Text("header.bar a.to-scan") == "" {
			t.Errorf("%s: the bar leads to %q", who, to)
		}
	}
}

// Ten jobs beside the main one, on pages without scripts.
func TestTenJobsAreDoneWithoutScripts(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	for _, job := range []struct {
		name, who, path string
		do              func(f *finger)
	}{
		{"several orders are released in sequence", "supervisor1", "/lines/L2/queue", func(f *finger) {
			f.tap("Add Order148")
			f.tap("Add Order149")
			f.tap("Move up Order149")
			f.tap("Release 2 orders")
			f.tap("Release 2 orders to Bottle line 2, one at a time")
			for limit := time.Now().Add(60 * time.Second); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
				if f.open("/lines/L2/queue"); strings.Contains(
					f.page.Text(), "All orders of the sequence are released.",
				) {
					return
				}
			}
			f.see("All orders of the sequence are released.")
		}},
		{"a result is acknowledged", "supervisor1", "/lines/L2", func(f *finger) {
			f.see("Order148 Released · 88 serials")
			f.tap("Acknowledge")
			if strings.Contains(f.page.Find(".strips").Text(), "Order148") {
				f.t.Error("it stays")
			}
		}},
		{"a note is written", "supervisor1", "/lines/L1", func(f *finger) {
			f.write("Write a note about Blister line 1", "Printer cleaned at 10:20")
			f.tap("Save the note")
			f.see("Printer cleaned at 10:20")
		}},
		{"an order's line is set", "supervisor1", "/orders?q=Order154", func(f *finger) {
			f.tap("Order154")
			f.tap("Change the line")
			f.choose("Line of this order", "Bottle line 2")
			f.tap("Set the line")
			f.see("Line set here by")
		}},
		{"orders are imported", "supervisor1", "/imports", func(f *finger) {
			f.write("or paste it", `[{"order_id": "Week49-1", "line": "L2", "lot": "W49"}]`)
			f.tap("See what would change")
			f.see("Week49-1")
			f.tap("Import 1 order")
			f.see("Week49-1")
		}},
		{"a shift is handed over", "supervisor1", earlyShift, func(f *finger) {
			f.tap("Hand-over")
			f.see("Open now")
			f.write("Remarks", "All calm")
			f.write("Your password, again", site.Password)
			f.tap("Hand over Early · Mon 2026-11-23")
			f.see("Another person has to take it over.")
		}},
		{"the history is searched", "auditor1", "/history", func(f *finger) {
			f.write("Search", "requested")
			f.choose("Line", "Bottle line 2")
			f.tap("Search")
			f.see("Line: Bottle line 2")
			f.see("Release requested")
		}},
		{"a person is added", "administrator1", "/admin/people", func(f *finger) {
			f.tap("Add a person")
			f.write("Full name", "Sofie Peeters")
			f.write("Username", "sofie")
			f.write("Password", "several words of hers")
			f.tap("Supervisor releases and settles")
			f.tap("Add a person")
			f.see("Sofie Peeters")
		}},
		{"a station is added", "administrator1", "/admin/stations", func(f *finger) {
			f.write("Name", "Tablet 7")
			f.choose("Line", "Bottle line 2")
			f.tap("Add the station")
			f.see("Code of Tablet 7")
		}},
		{"a hint is put away and another language is chosen", "manager1", "/orders", func(f *finger) {
			f.tap("What is this page?")
			f.tap("Got it")
			if strings.Contains(f.page.Text(), "Touch an order to open it.") {
				f.t.Error("the hint stays")
			}
			f.tap("Deutsch")
			f.see("Aufträge")
		}},
	} {
		t.Run(job.name, func(t *testing.T) { job.do(newFinger(t, s.SignIn(job.who), job.path)) })
	}
}

func idOf(s *site.Site, username string) string {
	b := s.SignIn("administrator1").Get("/admin/stations")
	at := slices.IndexFunc(b.All("#person option, select[name=person] option"), func(name string) bool {
		return strings.Contains(name, username)
	})
	return b.Values("select[name=person] option")[max(at, 0)]
}
