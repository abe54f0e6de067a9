package orders_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// boundDisplay is a browser that an administrator's code has bound as a display.
func boundDisplay(t *testing.T, s *site.Site) (display, admin *site.Browser) {
	t.Helper()
	admin = s.SignIn("administrator1")
	code := admin.Post("/admin/displays", "name", "Hall A", "language", "de").Text(".new-code .code")
	display = s.Browser()
	if a := display.Get("/wall"); a.Header.Get("Location") != "/station" {
		t.Fatalf("before it is bound, a display gets %d, %q", a.Status, a.Header.Get("Location"))
	}
	if a := display.Post("/station", "code", code); a.Header.Get("Location") != "/wall" {
		t.Fatalf("its code leads to %q: %s", a.Header.Get("Location"), a.Text("main"))
	}
	return display, admin
}

func TestADisplayShowsTheLinesForDaysAndIsNobodys(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	display, _ := boundDisplay(t, s)
	for range 5 {
		s.Clock.Move(24 * time.Hour) // no session lasts so long
		s.Refresh()
		a := display.Get("/wall")
		if a.Status != http.StatusOK || len(a.All(".wall-row")) < 2 ||
			!strings.Contains(a.Text(".brand"), "Plant Ghent") {
			t.Fatalf("after a day: %d %s", a.Status, a.Text("body"))
		}
		if said := a.Text(".wall-totals"); !strings.Contains(said, "Early · 0 freigegeben") {
			t.Errorf("the bar says %q", said)
		}
		if n := len(a.All("a:not(.skip), button, form")); n != 0 {
			t.Errorf("there are %d things to press", n)
		}
	}
	// It is let in to nothing else.
	for _, path := range []string{"/", "/orders", "/lines/L1", "/history", "/events?t=orders", "/fresh"} {
		if a := display.Get(path); a.Status == http.StatusOK {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	admin := s.SignIn("administrator1") // whose session has ended
	if listed := admin.Get("/admin/stations").Text("#displays"); !strings.Contains(listed, "Hall A") ||
		!strings.Contains(listed, "Bound since") {
		t.Errorf("under Stations it is listed as %q", listed)
	}
	if a := admin.Post("/admin/displays/1/unbind"); a.Status != http.StatusSeeOther {
		t.Fatalf("unbind: %d", a.Status)
	}
	if a := display.Get("/wall"); a.Header.Get("Location") != "/station" {
		t.Errorf("a display that was unbound gets %d", a.Status)
	}
	display.Header.Set("HX-Request", "true")
	if a := display.Get("/wall"); a.Status != http.StatusUnauthorized {
		t.Errorf("its open page is answered with %d", a.Status)
	}
	if a := admin.Post("/admin/displays/1/remove"); a.Status != http.StatusSeeOther ||
		strings.Contains(admin.Get("/admin/stations").Text("#displays"), "Hall A") {
		t.Errorf("remove: %d", a.Status)
	}
}

func TestACodeOfADisplayWorksOnceAndForAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	admin := s.SignIn("administrator1")
	code := admin.Post("/admin/displays", "name", "Hall A").Text(".new-code .code")
	if a := admin.Post("/admin/displays", "name", "hall a"); a.Status != http.StatusConflict {
		t.Errorf("a second display of the name: %d", a.Status)
	}
	s.Clock.Move(16 * time.Minute)
	if a := s.Browser().Post("/station", "code", code); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("a code that is too old: %d", a.Status)
	}
	code = admin.Post("/admin/displays/1/code").Text(".new-code .code")
	first := s.Browser()
	first.Post("/station", "code", code)
	if a := s.Browser().Post("/station", "code", code); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("a code that was used: %d", a.Status)
	}
	if a := first.Get("/wall"); a.Status != http.StatusOK {
		t.Errorf("the first screen: %d", a.Status)
	}
	if a := admin.Post("/admin/displays/1/remove"); a.Status != http.StatusConflict {
		t.Errorf("a display with a screen is removed: %d", a.Status)
	}
}

func pressOf(b *site.Browser, o packaging.Order) {
	b.Post(handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
}

func TestTheWorstLineIsFirstOnTheWall(t *testing.T) {
	t.Parallel()
	orders := handlerstest.RemoteOrders("fine", "In progress", "asked", "Pending release", "no", "Pending release")
	orders[1].LineCode, orders[1].LineName = "L2", "Bottle line 2"
	orders[2].LineCode, orders[2].LineName = "L3", "Sachet line 3"
	s := site.New(t, site.Options{Orders: orders})
	b := s.SignIn("supervisor1")
	if _, err := s.Store.AdoptLine(t.Context(), s.Person("supervisor1"), "L3", "Sachet line 3"); err != nil {
		t.Fatal(err)
	}
	s.Box.SetStatus("no", sandbox.Suspended)
	pressOf(b, s.Order("no"))
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.HTML, Times: 1})
	pressOf(b, s.Order("asked"))
	s.Clock.Move(4 * time.Minute)
	page := b.Get("/?wall")
	if diff := cmp.Diff(
		[]string{"Bottle line 2", "Sachet line 3", "Blister line 1"}, page.All(".wall-row h2"),
	); diff != "" {
		t.Errorf("the lines (-want +got)\n%s", diff)
	}
	var tiles []string
	for _, tile := range page.All(".wall-tile") {
		tiles = append(tiles, strings.TrimSpace(tile))
	}
	if len(tiles) != 3 || !strings.HasPrefix(tiles[0], "Outcome unknown") || !strings.Contains(tiles[0], "4 min") ||
		!strings.HasPrefix(tiles[1], "Not released") || tiles[2] != "running" {
		t.Errorf("the tiles say %q", tiles)
	}
	if keys := page.All(".wall-row .key"); len(keys) != 3 || keys[0] != "asked" || keys[1] != "no" ||
		keys[2] != "fine" {
		t.Errorf("the orders are %q", keys)
	}
}

// A display is nobody's session: it goes on where sessions end after a minute.
func TestADisplayOutlastsSessionsThatEndAfterAMinute(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{SessionIdle: time.Minute})
	display, _ := boundDisplay(t, s)
	person := s.SignIn("supervisor1")
	for range 5 * 15 { // as its script asks, every four seconds
		s.Clock.Move(4 * time.Second)
		if a := display.Get("/wall"); a.Status != http.StatusOK || len(a.All(".wall-row")) < 2 {
			t.Fatalf("the display: %d %s", a.Status, a.Text("body"))
		}
	}
	if a := person.Get("/orders"); a.Status == http.StatusOK {
		t.Error("the session of a person lasts, so that this shows nothing")
	}
}

// An alarm stands on a display in one strip, and leads nowhere: nobody is signed in there.
func TestAnAlarmOnADisplayLeadsNowhere(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	display, admin := boundDisplay(t, s)
	admin.Post("/admin/alarms/rules", "kind", "refused", "delay", "0", "from", "00:00", "to", "00:00")
	b := s.SignIn("supervisor1")
	for _, key := range []string{"Order143", "Order144"} {
		s.Box.SetStatus(key, sandbox.Suspended)
		pressOf(b, s.Order(key))
	}
	if err := s.Alarms.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	wall := display.Get("/wall")
	if strips := wall.All(".alarms .strip"); len(strips) != 1 || !strings.Contains(strips[0], "+1") {
		t.Errorf("the display has the alarms %q", strips)
	}
	if ways := wall.All("#display a, #display button:not([hidden])"); len(ways) > 0 {
		t.Errorf("the display leads to %q", ways)
	}
	if page := b.Get("/"); page.Attr(".alarms .strip a", "href") == "" || len(page.All(".alarms > .strip")) != 1 {
		t.Errorf("the overview has the alarms %q", page.All(".alarms .strip"))
	}
}
