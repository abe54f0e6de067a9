package e2e

import (
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/handlers"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/browser"
	house "lineboard/internal/testkit/site"
)

// sizes are those of a tablet in both directions, a phone, and a screen on the wall.
var sizes = []size{{1280, 800}, {800, 1280}, {390, 844}, {1920, 1080}}

type size struct{ width, height int }

func (s size) String() string { return fmt.Sprintf("%d×%d", s.width, s.height) }

//go:embed measure.js
var measure string

// measured gives what of the page is not as a screen at a packaging line must be. Targets are 48 px and type is 20 px on a
// tablet and larger; key data (order, line, serials) is 26 px.
func (p person) measured(at size) (wrong []string) {
	p.t.Helper()
	rules := `{target: 48, body: 20, key: 26}`
	if at.width < 768 {
		rules = `{target: 44, body: 15, key: 20}`
	}
	p.Eval("("+measure+")("+rules+")", &wrong)
	return wrong
}

// inEverySizeAndLight checks the page that the window shows, with all that can be unfolded on it. What is wrong in the same
// way everywhere is told once.
func (p person) inEverySizeAndLight() {
	p.t.Helper()
	said := map[string]bool{}
	p.Eval(`document.querySelectorAll("details:not([open])").forEach(d => { d.open = true; d.dataset.shut = "" })`, nil)
	for _, size := range sizes {
		p.Viewport(size.width, size.height)
		for _, dark := range []bool{false, true} {
			p.Dark(dark)
			p.settle()
			wrong := p.measured(size)
			// What axe looks at beside colours is the same in the dark.
			violations := p.Axe
			if dark {
				violations = p.AxeColours
			}
			for _, v := range violations() {
				wrong = append(wrong, v.String())
			}
			for _, text := range wrong {
				if !said[text] {
					said[text] = true
					p.t.Errorf("%s, dark %v: %s", size, dark, text)
				}
			}
			p.picture(fmt.Sprintf("%d-%v", size.width, dark))
		}
	}
	p.Dark(false)
	p.Viewport(sizes[0].width, sizes[0].height)
	p.Eval(`document.querySelectorAll("details[data-shut]").forEach(d => { d.open = false; delete d.dataset.shut })`, nil)
}

// picture keeps what the window shows, where somebody wants to look at it.
func (p person) picture(name string) {
	p.t.Helper()
	if folder := os.Getenv("LINEBOARD_PICTURES"); folder != "" {
		p.Screenshot(filepath.Join(folder, strings.NewReplacer("/", "_", " ", "-").Replace(p.t.Name())+"-"+name+".png"))
	}
}

// settle waits until the page has taken the colours and the size that the window has now.
func (p person) settle() {
	p.t.Helper()
	p.Eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => Promise.all(
		document.getAnimations().filter(a => a instanceof CSSTransition).map(a => a.finished.catch(() => {})))).then(() => {})`, nil)
}

// tooWide names what sticks out of the window on the right.
func (p person) tooWide() (elements []string) {
	p.t.Helper()
	p.Eval(`[...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
		.slice(0, 8).map(e => e.cloneNode().outerHTML)`, &elements)
	return elements
}

// still checks that nothing moved on the page since it began to load.
func (p person) still() {
	p.t.Helper()
	p.whole()
	p.settle()
	var moved []string
	p.Eval(`new Promise(done => {
		new PerformanceObserver(list => done(list.getEntries().filter(e => !e.hadRecentInput && e.value > 0.0001).map(e =>
			e.value.toFixed(4) + " " + e.sources.map(s => [s.previousRect, s.currentRect].map(r => [r.x, r.y, r.width, r.height].map(Math.round)).join(" to ") + " " +
				(s.node?.innerText ?? s.node?.data ?? "").slice(0, 60)).join(" | "))))
			.observe({type: "layout-shift", buffered: true});
		setTimeout(() => done([]), 60);
	})`, &moved)
	for _, what := range moved {
		p.t.Errorf("%s moves while it loads: %s", p.path(), what)
	}
}

// exhibition is a site with something of everything, in every state that a page can show.
type exhibition struct {
	*house.Site
	*site
	t *testing.T
}

func newExhibition(t *testing.T) exhibition {
	t.Helper()
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	long := sandbox.Order143(now)
	long.ID, long.Serials = "PO-2026-000000000000000000000000000000000000004711-Rework", nil
	long.Product, long.Lot = "Hydroxypropylmethylcellulose-acetate-succinate 0.5 mg/ml, 250 ml oral suspension with measuring cup", "LOT-00000000000000000001"
	h := house.New(t, house.Options{
		Orders: append(sandbox.Sample(now), long), Patience: 3 * time.Second,
	})
	h.ThreeShifts("ghent")
	h.AddPerson("ghent", "manager2")
	h.AddTenant("antwerp", "Plant Antwerp", "manager2")
	e := exhibition{h, &site{program: &program{address: h.Web.URL, t: t}, password: house.Password}, t}
	b := h.SignIn("supervisor1")
	release := func(order string, faults ...sandbox.Fault) {
		t.Helper()
		for _, f := range faults {
			f.Call, f.Times = sandbox.ReleaseToLine, 1
			h.Box.Inject(f)
		}
		o := h.Order(order)
		b.Post(fmt.Sprintf("/orders/%d/release", o.ID), "revision", fmt.Sprint(o.Revision))
		if h.Order(order).Release == nil {
			t.Fatalf("%s was not sent", order)
		}
	}
	release("Order143")
	release("Order145", sandbox.Fault{Kind: sandbox.HTML})
	release("Order150", sandbox.Fault{Kind: sandbox.CutAfter})
	h.Box.SetStatus("Order144", sandbox.Suspended)
	release("Order144")
	h.Clock.Move(5 * time.Minute)
	b.Post(e.order("Order150") + "/ask") // settled: it is out, without its list
	b.Post(e.order("Order139")+"/line", "was", fmt.Sprint(h.Order("Order139").Line.ID), "line", "L2")
	b.Post(e.order("Order143")+"/notes", "words", "The printer was cleaned at 10:20, and the first label after it was thrown away.")
	b.Post("/lines/L1/notes", "words", "Waits for maintenance")
	b.Post("/history/views", "name", "What went wrong on blister line 1", "query", "exceptions=1&line=L1")
	return e
}

// serials are those of an order.
func (e exhibition) serials(key string) (all []string) {
	e.t.Helper()
	for _, one := range must(e.Store.Serials(e.t.Context(), packaging.Everything(e.Tenant("ghent").ID), e.Order(key).ID, 0, 20)) {
		all = append(all, one.Value)
	}
	return all
}

// order is the path of an order.
func (e exhibition) order(key string) string {
	e.t.Helper()
	return fmt.Sprintf("/orders/%d", e.Order(key).ID)
}

// entrance opens a window in which nobody has signed in.
func (e exhibition) entrance() person { return person{browser.Open(e.t), e.t, e.site} }

// visited keeps which pages were looked at.
type visited map[string]bool

// note finds the route that a path belongs to: one that names it before one with gaps.
func (v visited) note(path string) {
	for _, route := range house.Pages {
		if route == path {
			v[route] = true
			return
		}
	}
	for _, route := range house.Pages {
		form := regexp.MustCompile(`:\w+`).ReplaceAllString(route, `[^/]+`)
		if regexp.MustCompile("^" + form + "$").MatchString(path) {
			v[route] = true
		}
	}
}

// exhibit is a page, or a state of one that something must be done for.
type exhibit struct {
	name, path string
	do         func(p person)
	status     int // of a page about a problem, which the browser reports on its console
}

// Every page is looked at, in each state that it has, in every size and light.
func TestEveryPageIsInOrderInEverySizeAndLight(t *testing.T) {
	t.Parallel()
	e := newExhibition(t)
	o := e.order
	seen := visited{}
	p := e.entrance()
	look := func(who string, exhibits ...exhibit) {
		t.Helper()
		if who != "" {
			p.visit("/login")
			p.signIn(who)
		}
		for _, x := range exhibits {
			t.Run(strings.TrimSpace(who+" "+x.name), func(t *testing.T) {
				p := p.as(t)
				wrong := len(p.ConsoleErrors())
				if x.path != "" {
					p.visit(x.path)
					p.still()
				}
				if x.do != nil {
					x.do(p)
					p.whole()
				}
				seen.note(p.path())
				p.inEverySizeAndLight()
				for _, text := range p.ConsoleErrors()[wrong:] {
					if x.status == 0 || !strings.Contains(text, fmt.Sprint("status of ", x.status)) {
						t.Errorf("the browser reports: %s", text)
					}
				}
			})
		}
		if who != "" {
			p.visit("/")
			p.Click("Sign out")
			p.At("/login")
		}
	}

	look("", []exhibit{
		{name: "signing in", path: "/login"},
		{name: "signing in in vain", path: "/login", status: 401, do: func(p person) {
			p.Fill("Username", "supervisor1")
			p.Fill("Password", "not the password")
			p.Click("Sign in")
			p.See("not right")
		}},
		{name: "without the server", path: "/offline"},
		{name: "a tablet to bind", path: "/station"},
		{name: "a link that was used", path: "/setup", status: 410},
	}...)
	look("supervisor1", []exhibit{
		{name: "all lines", path: "/"},
		{name: "all lines on the wall", path: "/?wall"},
		{name: "a line", path: "/lines/L1"},
		{name: "a line without trouble", path: "/lines/L2"},
		{name: "a line with its notes", path: "/lines/L1?notes=own"},
		{name: "a line to set up", path: "/adopt?code=L3"},
		{name: "a queue to pick", path: "/lines/L2/queue"},
		{name: "a queue that is picked", path: "/lines/L2/queue", do: func(p person) {
			p.Click("Add Order148")
			p.Click("Add Order149")
			p.See("Release 2 orders")
		}},
		{name: "a queue that is armed", do: func(p person) {
			p.Click("Release 2 orders")
			p.See("one at a time")
		}},
		{name: "a code to scan", path: "/scan"},
		{name: "a pack that was scanned", path: "/scan?code=0105412345101437" + url.QueryEscape("21"+e.serials("Order143")[0])},
		{name: "a code that is none", path: "/scan?code=nonsense"},
		{name: "orders", path: "/orders"},
		{name: "no orders found", path: "/orders?q=nothing-has-this"},
		{name: "orders of a line that is not set up", path: "/orders?line=L3"},
		{name: "an order to release", path: o("Order146")},
		{name: "an order that is armed", path: o("Order146") + "?arm=1"},
		{name: "an order with long names", path: o("PO-2026-000000000000000000000000000000000000004711-Rework") + "?arm=1"},
		{name: "an order that is released", path: o("Order143")},
		{name: "an order that was refused", path: o("Order144")},
		{name: "an order whose outcome is unknown", path: o("Order145")},
		{name: "an order that is out without a list", path: o("Order150")},
		{name: "an order that is suspended", path: o("Order136")},
		{name: "an order of a status that is not documented", path: o("Order138")},
		{name: "an order whose line was set here", path: o("Order139") + "?story=all"},
		{name: "the story of an order", path: o("Order143") + "/story"},
		{name: "a list to add", path: o("Order150") + "/list"},
		{name: "serials", path: o("Order143") + "/serials"},
		{name: "serials not found", path: o("Order143") + "/serials?q=none"},
		{name: "imports", path: "/imports"},
		{name: "a file with faults", path: "/imports", status: 422, do: func(p person) {
			p.give("week-49.csv", "order_id;expiry\nA;05.2028\n;\nB;soon\n")
			p.Click("See what would change")
			p.See("is not guessed")
		}},
		{name: "what a file would change", path: "/imports", do: func(p person) {
			p.give("week-49.csv", plan)
			p.Click("See what would change")
			p.See("Import 2 orders")
		}},
		{name: "what was imported", do: func(p person) {
			p.Click("Import 2 orders")
			p.See("Imported week-49.csv")
		}},
		{name: "an order with facts from a file", path: o("Order146")},
		{name: "imports that were", path: "/imports"},
		{name: "shifts", path: "/shifts"},
		{name: "the report of a shift that runs", path: shiftPage},
		{name: "a shift to hand over", path: shiftPage + "/handover"},
		{name: "a shift that is handed over", do: func(p person) {
			p.Fill("Remarks", "Line 1 waits for maintenance")
			p.signs("Hand over Early · Mon 2026-11-23", "Another person has to take it over.")
		}},
		{name: "history", path: "/history"},
		{name: "history with filters", path: "/history?q=order&line=L1&exceptions=1&person=supervisor1&deed=release_ended"},
		{name: "history that has nothing", path: "/history?q=nothing-has-this"},
		{name: "history of no time", path: "/history?from=never", status: 400},
		{name: "an entry of the history", path: "/history/9"},
		{name: "help", path: "/help"},
		{name: "an account", path: "/account"},
		{name: "a password that is not taken", path: "/account", status: 422, do: func(p person) {
			p.Eval(`document.querySelector("form[action='/account/password']").noValidate = true`, nil)
			p.Fill("Password now", house.Password)
			p.Fill("New password", "short")
			p.Fill("New password again", "short")
			p.Click("Change the password")
			p.See("at least")
		}},
		{name: "a PIN to set", path: "/account/pin"},
		{name: "what is not there", path: "/nothing", status: 404},
		{name: "an order that is not there", path: "/orders/999999", status: 404},
		{name: "what only administrators see", path: "/admin", status: 403},
	}...)
	look("manager2", []exhibit{ // of two sites; of the first one no orders were fetched yet
		{name: "lines without orders", path: "/"},
		{name: "a line without orders", path: "/lines/L1"},
		{name: "no orders", path: "/orders"},
		{name: "no shifts", path: "/shifts"},
	}...)
	look("manager1", []exhibit{
		{name: "a shift to take over", path: shiftPage + "/handover"},
		{name: "a shift whose points are acknowledged", do: func(p person) {
			p.Eval(`document.querySelectorAll("input[name=item]").forEach((box, i) => { if (i) box.click() })`, nil)
			p.signs("Take over Early · Mon 2026-11-23", "Acknowledge what is ticked")
		}},
	}...)
	e.Clock.Move(8 * time.Hour)
	e.AddPerson("ghent", "manager3")
	look("manager3", []exhibit{
		{name: "lines after a shift", path: "/"},
		{name: "a shift to sign", path: shiftPage + "/sign"},
		{name: "a shift that is signed", do: func(p person) {
			p.Click("Reviewed and found in order")
			p.signs("Sign Early · Mon 2026-11-23", "Signed, version 1")
		}},
		{name: "shifts that were", path: "/shifts"},
	}...)
	look("operator1", []exhibit{
		{name: "a line of an operator", path: "/lines/L2"},
		{name: "an order of an operator", path: o("Order146")},
	}...)
	look("auditor1", []exhibit{
		{name: "the report of an auditor", path: shiftPage},
		{name: "the setup of an auditor", path: "/admin/stations"},
	}...)
	look("administrator1", []exhibit{
		{name: "setup", path: "/admin"},
		{name: "the connection", path: "/admin/connection"},
		{name: "a test of the connection", path: "/admin/connection", do: func(p person) {
			p.Click("Only test")
			p.See("The connection works")
			// The page goes to the report. From its top, nothing to press lies half under the bar.
			p.Eval(`new Promise(there => {
				const look = () => document.querySelector("#report").getBoundingClientRect().top < innerHeight / 3 ? there() : requestAnimationFrame(look);
				look();
			}).then(() => scrollTo(0, 0))`, nil)
		}},
		{name: "the site", path: "/admin/site"},
		{name: "lines", path: "/admin/lines"},
		{name: "people", path: "/admin/people"},
		{name: "a person to add", path: "/admin/people/new"},
		{name: "a person", path: fmt.Sprint("/admin/people/", e.Person("supervisor1").ID)},
		{name: "no stations", path: "/admin/stations"},
		{name: "a station with its code", do: func(p person) {
			p.Fill("Name", "Tablet 7")
			p.Choose("Line", "Bottle line 2")
			p.Click("Add the station")
			p.See("Code of Tablet 7")
		}},
		{name: "sessions", path: "/admin/sessions"},
		{name: "no tokens", path: "/admin/tokens"},
		{name: "a token that was made", do: func(p person) {
			p.Fill("Name", "SAP Ghent")
			p.Click("Make the token")
			p.See("It is shown this once")
		}},
		{name: "tokens", path: "/admin/tokens"},
		{name: "the division into shifts", path: "/admin/shifts"},
		{name: "single sign-on", path: "/admin/sso"},
	}...)

	// At a tablet.
	e.SetPIN("supervisor1", supervisorsPIN)
	e.SetPIN("manager1", managersPIN)
	p.visit("/station")
	p.Fill("Code of the station", e.StationCode("Tablet 1", "L1"))
	p.Click("Bind this tablet")
	p.At("/login")
	look("", []exhibit{
		{name: "a station", path: "/login"},
		{name: "the PIN of somebody", do: func(p person) { p.choose("supervisor1") }},
		{name: "a wrong PIN", status: 401, do: func(p person) {
			p.Type("111112\n")
			p.See("That is not right.")
		}},
		{name: "signing in at a station with a password", path: "/login?way=password"},
		{name: "a line at a station", path: "/login", do: func(p person) {
			p.choose("supervisor1")
			p.Type(supervisorsPIN + "\n")
			p.At("/lines/L1")
		}},
		{name: "the station of the tablet", path: "/station"},
		{name: "a warning of the lock", path: "/orders", do: func(p person) {
			e.Clock.Move(packaging.DefaultRules.LockAfter - 15*time.Second)
			p.wake()
			p.See("This screen locks in")
		}},
		{name: "a lock over the page", status: 423, do: func(p person) {
			e.Clock.Move(packaging.DefaultRules.LockAfter + time.Second)
			p.wake()
			p.See("Locked. The page stays as it was")
		}},
		{name: "a lock in the page's place", path: o("Order146"), status: 423},
	}...)
	e.SetRules(packaging.Rules{LockAfter: packaging.DefaultRules.LockAfter, SignReleases: true, SecondSigner: true})
	look("", []exhibit{
		{name: "a release to sign", do: func(p person) {
			p.choose("supervisor1")
			p.Type(supervisorsPIN + "\n")
			p.See("Order146")
			p.visit(o("Order146") + "?arm=1")
			p.See("Username of the second person")
		}},
		{name: "a release that is signed", do: func(p person) {
			p.Click("I checked order, product, lot and line")
			p.Click("I verified this release as the second person")
			p.In(".signing fieldset:first-of-type").Fill("PIN or password", supervisorsPIN)
			p.Fill("Username of the second person", "manager1")
			p.In(".signing fieldset:last-of-type").Fill("PIN or password", managersPIN)
			time.Sleep(guard)
			p.execute("Order146")
			p.See("Order146 is released to Blister line 1.")
		}},
	}...)
	e.SetRules(packaging.DefaultRules)
	// The last: it takes as long as a release may, unless the connection is cut.
	look("", exhibit{name: "an order that is being released", do: func(p person) {
		e.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.HTML, Times: 1, Delay: time.Hour})
		p.visit(o("PO-2026-000000000000000000000000000000000000004711-Rework") + "?arm=1")
		time.Sleep(guard)
		p.In(".execute").Eval(`document.querySelector(".execute .release").click()`, nil)
		p.See("Releasing")
		p.Text(".result-sending")
	}})
	e.Remote.CloseClientConnections()

	first, link := firstStart(t)
	p = first
	look("", []exhibit{
		{name: "before the first administrator", path: "/setup"},
		{name: "a link that is wrong", path: "/setup?key=wrong", status: 403},
		{name: "the first start", path: link},
	}...)
	for _, route := range house.Pages {
		if !seen[route] {
			t.Errorf("nobody looked at %s", route)
		}
	}
	for _, host := range p.Hosts() {
		if !slices.Contains([]string{"http://" + host}, p.site.address) {
			t.Errorf("a page asks another host: %s", host)
		}
	}
}

// firstStart opens a window at a Lineboard without anybody in it, and gives the path of the link to begin with.
func firstStart(t *testing.T) (person, string) {
	t.Helper()
	setup, path := handlers.NewSetup(time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC), true)
	h := house.New(t, house.Options{Empty: true, Setup: setup})
	return person{browser.Open(t), t, &site{program: &program{address: h.Web.URL, t: t}, password: house.Password}}, path
}
