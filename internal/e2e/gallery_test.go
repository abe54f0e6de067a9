package e2e

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/internal/deliver"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
	house "lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// exhibition is a site with something of everything, in every state that a page can show, and with lines and orders of
// the plant beside them.
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
	odd := sandbox.Order143(now)
	odd.ID, odd.Serials = "PO-2026-110008", []string{"21AB0001", "21AB0002", "21AB0001", "x y"}
	lines, orders := beside(t, "L1", "L2", "L3")
	h := house.New(t, house.Options{
		Orders: slices.Concat(sandbox.Sample(now), []sandbox.Order{long, odd}, orders), Patience: 3 * time.Second,
		Deliveries: deliver.Options{Roots: map[string]string{"share": filepath.Join(t.TempDir(), "gone")}},
	})
	setup := h.Setup("ghent")
	setup.Lines = append(setup.Lines, lines...)
	if err := h.Store.Provision(t.Context(), db.Site{setup}); err != nil {
		t.Fatal(err)
	}
	h.Refresh()
	h.ThreeShifts("ghent")
	h.AddPerson("manager2")
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
	for _, to := range []packaging.Destination{
		{Name: "Line PC", Kind: packaging.PullDestination, Format: packaging.JSONFormat},
		{
			Name: "Fileserver of packaging, share SERIALS$", Kind: packaging.FolderDestination, Address: "share",
			Format: packaging.CSVFormat, FileName: "{{.Order}}-{{.Number}}.csv",
		},
	} {
		to.Line.Code, to.LateAfter, to.GiveUp = "L1", time.Minute, time.Hour
		if _, err := h.Store.AddDestination(t.Context(), h.Person("administrator1"), to, secret.Text{}); err != nil {
			t.Fatal(err)
		}
	}
	release("Order143")
	release("PO-2026-110008")
	release("Order145", sandbox.Fault{Kind: sandbox.HTML})
	release("Order150", sandbox.Fault{Kind: sandbox.CutAfter})
	h.Box.SetStatus("Order144", sandbox.Suspended)
	release("Order144")
	h.Clock.Move(5 * time.Minute)
	b.Post(e.order("Order150") + "/ask") // settled: it is out, without its list
	b.Post(e.order("Order139")+"/line", "was", fmt.Sprint(h.Order("Order139").Line.ID), "line", "L2")
	b.Post(
		e.order("Order143")+"/notes", "words",
		"The printer was cleaned at 10:20, and the first label after it was thrown away.",
	)
	b.Post("/lines/L1/notes", "words", "Waits for maintenance")
	b.Post("/history/views", "name", "What went wrong on blister line 1", "query", "exceptions=1&line=L1")
	b.Post("/history/verify")
	h.SignIn("administrator1").Post(
		"/admin/alarms/rules", "kind", "list", "delay", "0", "from", "00:00", "to", "00:00", "sound", "yes",
	)
	if err := h.Alarms.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// beside is the plant without some of its lines. The nasty IDs of their orders come on another line.
func beside(t *testing.T, codes ...string) (lines []packaging.Line, orders []sandbox.Order) {
	t.Helper()
	lines, all := plantData(t)
	for _, o := range all {
		if without := slices.Contains(codes, o.LineCode); !without || len(o.ID) > 20 {
			if without {
				o.LineCode = "BL-07"
			}
			orders = append(orders, o)
		}
	}
	return slices.DeleteFunc(lines, func(l packaging.Line) bool { return slices.Contains(codes, l.Code) }), orders
}

// serials are those of an order.
func (e exhibition) serials(key string) (all []string) {
	e.t.Helper()
	for _, one := range must(
		e.Store.Serials(e.t.Context(), packaging.Everything(e.Tenant("ghent").ID), e.Order(key).List(), 0, 20),
	) {
		all = append(all, one.Value)
	}
	return all
}

// longest is the longest ID of an order of the plant.
func (e exhibition) longest() string {
	e.t.Helper()
	_, orders := plantData(e.t)
	return slices.MaxFunc(orders, func(a, b sandbox.Order) int { return len(a.ID) - len(b.ID) }).ID
}

// order is the path of an order.
func (e exhibition) order(key string) string {
	e.t.Helper()
	return fmt.Sprintf("/orders/%d", e.Order(key).ID)
}

// entrance opens a window in which nobody has signed in.
func (e exhibition) entrance() person { return visitor(e.t, e.site) }

// visited keeps which pages were looked at.
type visited struct {
	mu     sync.Mutex
	routes map[string]bool
}

// note finds the route that a path belongs to: one that names it before one with gaps.
func (v *visited) note(path string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.routes == nil {
		v.routes = map[string]bool{}
	}
	if slices.Contains(house.Pages, path) {
		v.routes[path] = true
		return
	}
	for _, route := range house.Pages {
		form := regexp.MustCompile(`:\w+`).ReplaceAllString(route, `[^/]+`)
		if regexp.MustCompile("^" + form + "$").MatchString(path) {
			v.routes[route] = true
		}
	}
}

func (v *visited) has(route string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.routes[route]
}

// gallery is one part of what there is to see: an exhibition of its own, and a window in front of it.
type gallery struct {
	exhibition
	p    person
	seen *visited
}

// exhibit is a page, or a state of one that something must be done for.
type exhibit struct {
	name, path string
	do         func(p person)
	status     int // of a page about a problem, which the browser reports on its console
}

// unfold opens a menu.
func unfold(menu string) func(person) {
	return func(p person) {
		p.t.Helper()
		p.Eval(`document.querySelector("`+menu+`").open = true`, nil)
	}
}

// fromTop shows a page from its top again: where its address leads, something to press may lie half under the bar.
func fromTop(p person) {
	p.t.Helper()
	p.Eval(`scrollTo({top: 0, behavior: "instant"})`, nil)
}

// Every page is looked at, in each state that it has, in every size and light.
func TestEveryPageIsInOrderInEverySizeAndLight(t *testing.T) {
	thorough.Unraced(t)
	t.Parallel()
	seen := &visited{}
	t.Cleanup(func() { // when all parts have ended
		for _, route := range house.Pages {
			if !seen.has(route) {
				t.Errorf("nobody looked at %s", route)
			}
		}
	})
	for name, show := range map[string]func(gallery){
		"before signing in": gallery.beforeSigningIn, "lines": gallery.lines, "orders": gallery.orders,
		"records": gallery.records, "work": gallery.work,
		"shifts": gallery.shifts, "other people": gallery.otherPeople, "setup": gallery.setup,
		"station": gallery.station,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newExhibition(t)
			g := gallery{e, e.entrance(), seen}
			show(g)
			g.p.asksNobodyElse()
		})
	}
	t.Run("first start", func(t *testing.T) {
		t.Parallel()
		first, link := firstStart(t)
		g := gallery{exhibition{t: t}, first, seen}
		g.look(
			exhibit{name: "before the first administrator", path: "/setup"},
			exhibit{name: "a link that is wrong", path: "/setup?key=wrong", status: 403},
			exhibit{name: "the first start", path: link},
		)
		first.asksNobodyElse()
	})
}

// lookAs signs somebody in, looks at exhibits, and signs them out.
func (g gallery) lookAs(who string, exhibits ...exhibit) {
	g.t.Helper()
	g.p.visit("/login")
	g.p.signIn(who)
	g.look(exhibits...)
	g.p.visit("/")
	g.p.signOut()
	g.p.At("/login")
}

// look looks at exhibits one after the other, each from where the one before has left the window.
func (g gallery) look(exhibits ...exhibit) {
	g.t.Helper()
	for _, x := range exhibits {
		g.t.Run(x.name, func(t *testing.T) { x.inspect(g.p.as(t), g.seen) })
	}
}

// inspect goes to an exhibit and looks at it.
func (x exhibit) inspect(p person, seen *visited) {
	p.t.Helper()
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
			p.t.Errorf("the browser reports: %s", text)
		}
	}
}

func (g gallery) beforeSigningIn() {
	g.look([]exhibit{
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
		{name: "a display", do: func(p person) {
			_, code, err := g.Store.AddDisplay(p.t.Context(), g.Person("administrator1"), "Hall A", "")
			if err != nil {
				p.t.Fatal(err)
			}
			p.visit("/station")
			p.Fill("Code of the station", code)
			p.Click("Bind this tablet")
			p.At("/wall")
		}},
	}...)
}

func (g gallery) lines() {
	g.lookAs("supervisor1", []exhibit{
		{name: "all lines", path: "/"},
		{name: "the menu of pages", do: unfold("nav .menu")},
		{name: "the menu of a person", do: unfold(".menu.who")},
		{name: "all lines on the wall", path: "/?wall"},
		{name: "a line", path: "/lines/L1"},
		{name: "a line without trouble", path: "/lines/L2"},
		{name: "a line with its notes", path: "/lines/L1"},
		{name: "a line to set up", path: "/adopt?code=L3"},
		{name: "a queue to pick", path: "/lines/L2/queue"},
		{name: "a code to scan", path: "/scan"},
		{
			name: "a pack that was scanned",
			path: "/scan?code=0105412345101437" + url.QueryEscape("21"+g.serials("Order143")[0]),
		},
		{name: "a code that is none", path: "/scan?code=nonsense"},
	}...)
}

func (g gallery) orders() {
	o := g.order
	g.lookAs("supervisor1", []exhibit{
		{name: "orders", path: "/orders"},
		{name: "the hint of a page", do: unfold(".menu.hint")},
		{name: "no orders found", path: "/orders?q=nothing-has-this"},
		{name: "orders of a line that is not set up", path: "/orders?line=L3"},
		{name: "an order to release", path: o("Order146")},
		{name: "an order that is armed", path: o("Order146") + "?arm=1"},
		{
			name: "an order with long names",
			path: o("PO-2026-000000000000000000000000000000000000004711-Rework") + "?arm=1",
		},
		{name: "an order with the longest ID", path: o(g.longest()) + "?arm=1"},
		{name: "an order that is released", path: o("Order143")},
		{name: "an order whose list is on its way", path: o("Order143") + "#deliveries", do: fromTop},
		{name: "an order whose list is held", path: o("PO-2026-110008") + "#deliveries", do: fromTop},
		{name: "an order that was refused", path: o("Order144")},
		{name: "an order whose outcome is unknown", path: o("Order145")},
		{name: "an order that is out without a list", path: o("Order150")},
		{name: "an order that is suspended", path: o("Order136")},
		{name: "an order of a status that is not documented", path: o("Order138")},
		{name: "an order whose line was set here", path: o("Order139") + "?story=all"},
		{name: "the story of an order", path: o("Order143") + "/story"},
		{name: "a list to add", path: o("Order150") + "/list"},
		{name: "an order that is not there", path: "/orders/999999", status: 404},
	}...)
}

func (g gallery) records() {
	g.lookAs("supervisor1", []exhibit{
		{name: "serials", path: g.order("Order143") + "/serials"},
		{name: "serials not found", path: g.order("Order143") + "/serials?q=none"},
		{name: "history", path: "/history"},
		{
			name: "history with filters",
			path: "/history?q=order&line=L1&exceptions=1&person=supervisor1&deed=release_ended",
		},
		{name: "history that has nothing", path: "/history?q=nothing-has-this"},
		{name: "history of no time", path: "/history?from=never", status: 400},
		{name: "an entry of the history", path: "/history/9"},
		{name: "a check of the history", path: "/history/verify"},
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
		{name: "what only administrators see", path: "/admin", status: 403},
	}...)
}

func (g gallery) work() {
	g.lookAs("supervisor1", []exhibit{
		{name: "a queue that is picked", path: "/lines/L2/queue", do: func(p person) {
			p.Click("Add Order148")
			p.Click("Add Order149")
			p.See("Release 2 orders")
		}},
		{name: "a queue that is armed", do: func(p person) {
			p.Click("Release 2 orders")
			p.See("one at a time")
		}},
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
		{name: "an order with facts from a file", path: g.order("Order146")},
		{name: "imports that were", path: "/imports"},
	}...)
}

func (g gallery) shifts() {
	g.lookAs("supervisor1", []exhibit{
		{name: "shifts", path: "/shifts"},
		{name: "the report of a shift that runs", path: shiftPage},
		{name: "its exports", do: unfold(".menu.exports")},
		{name: "a shift to hand over", path: shiftPage + "/handover"},
		{name: "a shift that is handed over", do: func(p person) {
			p.Fill("Remarks", "Line 1 waits for maintenance")
			p.signs("Hand over Early · Mon 2026-11-23", "Another person has to take it over.")
		}},
	}...)
	g.lookAs("manager1", []exhibit{
		{name: "a shift to take over", path: shiftPage + "/handover"},
		{name: "a shift whose points are acknowledged", do: func(p person) {
			p.Eval(`document.querySelectorAll("input[name=item]").forEach((box, i) => { if (i) box.click() })`, nil)
			p.signs("Take over Early · Mon 2026-11-23", "Acknowledge what is ticked")
		}},
	}...)
	g.Clock.Move(8 * time.Hour)
	g.AddPerson("manager3")
	g.lookAs("manager3", []exhibit{
		{name: "lines after a shift", path: "/"},
		{name: "a shift to sign", path: shiftPage + "/sign"},
		{name: "a shift that is signed", do: func(p person) {
			p.Click("Reviewed and found in order")
			p.Fill("Comment", "Sven asks at the line")
			p.signs("Sign Early · Mon 2026-11-23", "Signed, version 1")
		}},
		{name: "shifts that were", path: "/shifts"},
		{name: "trends by day", path: "/shifts/trends"},
		{name: "trends by week", path: "/shifts/trends?by=week"},
	}...)
	g.lookAs("auditor1", exhibit{name: "the report of an auditor", path: shiftPage})
}

func (g gallery) otherPeople() {
	g.lookAs("manager2", []exhibit{ // of two sites; of the first one no orders were fetched yet
		{name: "lines without orders", path: "/"},
		{name: "a line without orders", path: "/lines/L1"},
		{name: "no orders", path: "/orders"},
		{name: "no shifts", path: "/shifts"},
	}...)
	g.lookAs("operator1", []exhibit{
		{name: "a line of an operator", path: "/lines/L2"},
		{name: "an order of an operator", path: g.order("Order146")},
	}...)
	g.lookAs("auditor1", exhibit{name: "the setup of an auditor", path: "/admin/stations"})
}

func (g gallery) setup() {
	g.lookAs("administrator1", []exhibit{
		{name: "setup", path: "/admin"},
		{name: "the connection", path: "/admin/connection"},
		{name: "a test of the connection", path: "/admin/connection", do: func(p person) {
			p.Click("Test only")
			p.See("The connection works")
			// The page goes to the report. From its top, nothing to press lies half under the bar.
			p.Eval(`new Promise(there => {
				const look = () => document.querySelector("#report").getBoundingClientRect().top < innerHeight / 3 ? there() : requestAnimationFrame(look);
				look();
			}).then(() => scrollTo(0, 0))`, nil)
		}},
		{name: "the site", path: "/admin/site"},
		{name: "lines", path: "/admin/lines"},
		{name: "the kinds of destinations", path: "/admin/lines/L1/destinations/new"},
		{name: "a new SFTP server", path: "/admin/lines/L1/destinations/new?kind=sftp"},
		{name: "a destination", path: "/admin/lines/L1/destinations/new?kind=pull", do: func(p person) {
			p.Fill("Name", "Packaging MES")
			p.Click("Save")
			p.At("/admin/destinations/3")
		}},
		{name: "people", path: "/admin/people"},
		{name: "a person to add", path: "/admin/people/new"},
		{name: "a person", path: fmt.Sprint("/admin/people/", g.Person("supervisor1").ID)},
		{name: "rules of releases", path: "/admin/releases"},
		{name: "no stations", path: "/admin/stations"},
		{name: "a station with its code", do: func(p person) {
			p.Fill("Name", "Tablet 7")
			p.Choose("Line", "Bottle line 2")
			p.Click("Add the station")
			p.See("Code of Tablet 7")
		}},
		{name: "sessions", path: "/admin/sessions"},
		{name: "data", path: "/admin/data"},
		{name: "health", path: "/admin/health"},
		{name: "no tokens", path: "/admin/tokens"},
		{name: "a token that was made", do: func(p person) {
			p.Fill("Name", "SAP Ghent")
			p.Click("send orders")
			p.Click("Make the token")
			p.See("It is shown this once")
		}},
		{name: "tokens", path: "/admin/tokens"},
		{name: "the interface for programs", path: "/admin/tokens/api"},
		{name: "the division into shifts", path: "/admin/shifts"},
		{name: "alarms", path: "/admin/alarms", do: func(p person) {
			p.Click("Add a recipient")
			p.Fill("Name", "Night shift")
			p.Fill("E-mail addresses, or URL", "night@plant.example")
			p.Click("Add the recipient")
			p.See("Saved.")
			p.Click("Add a rule")
			p.Click("Save the rule")
			p.See("after 5 minutes")
		}},
		{name: "single sign-on", path: "/admin/sso"},
	}...)
}

func (g gallery) station() {
	o := g.order
	g.SetPIN("supervisor1", supervisorsPIN)
	g.SetPIN("manager1", managersPIN)
	g.p.visit("/station")
	g.p.Fill("Code of the station", g.StationCode("Tablet 1", "L1"))
	g.p.Click("Bind this tablet")
	g.p.At("/login")
	g.look([]exhibit{
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
			g.Clock.Move(packaging.DefaultRules.LockAfter - 15*time.Second)
			p.wake()
			p.See("This screen locks in")
		}},
		{name: "a lock over the page", status: 423, do: func(p person) {
			g.Clock.Move(packaging.DefaultRules.LockAfter + time.Second)
			p.wake()
			p.See("Locked. The page stays as it was")
		}},
		{name: "a lock in the page's place", path: o("Order146"), status: 423},
	}...)
	g.SetRules(packaging.Rules{LockAfter: packaging.DefaultRules.LockAfter, SignReleases: true, SecondSigner: true})
	g.look([]exhibit{
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
			p.ready()
			p.execute("Order146")
			p.See("Order146 is released to Blister line 1.")
		}},
	}...)
	g.SetRules(packaging.DefaultRules)
	// It takes as long as a release may, unless the connection is cut.
	g.look(exhibit{name: "an order that is being released", do: func(p person) {
		g.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.HTML, Times: 1, Delay: time.Hour})
		p.visit(o("PO-2026-000000000000000000000000000000000000004711-Rework") + "?arm=1")
		p.ready()
		p.In(".execute").Eval(`document.querySelector(".execute .release").click()`, nil)
		p.See("Releasing")
		p.Text(".result-sending")
	}})
	g.Remote.CloseClientConnections()
}

// firstStart opens a window at a Lineboard without anybody in it, and gives the path of the link to begin with.
func firstStart(t *testing.T) (person, string) {
	t.Helper()
	setup, path := handlers.NewSetup(time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC), true)
	h := house.New(t, house.Options{Empty: true, Setup: setup})
	return visitor(t, &site{program: &program{address: h.Web.URL, t: t}, password: house.Password}), path
}
