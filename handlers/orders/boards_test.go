package orders_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/handlers"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// A tablet's first visit takes the board, all that it refers to, and what the service worker keeps for when the server
// is away.
func TestTheFirstVisitOfABoardOfFiftyOrdersTakesLessThan150KB(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 50 {
		pairs = append(pairs, fmt.Sprintf("Order%03d", i), "Pending release")
	}
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders(pairs...)})
	b := s.SignIn("supervisor1")
	b.Header.Set("Accept-Encoding", "gzip")
	total := 0
	take := func(path string) string {
		a := b.Get(path)
		if a.Status != http.StatusOK {
			t.Fatalf("%s: %d", path, a.Status)
		}
		total += len(a.Body)
		for name, values := range a.Header {
			total += len(name) + len(strings.Join(values, "")) + 4
		}
		return a.Body
	}
	take("/lines/L1")
	take("/offline")
	take("/sw.js")
	b.Header.Del("Accept-Encoding")
	kept := regexp.MustCompile(`"(/static/[^"]+)"`).FindAllStringSubmatch(b.Get("/sw.js").Body, -1)
	for _, ref := range regexp.MustCompile(
		`(?:src|href)="(/static/[^"]+)"`,
	).FindAllStringSubmatch(b.Get("/lines/L1").Body, -1) {
		picture := strings.HasSuffix(ref[1], ".png") // which a device takes to install Lineboard, not to show it
		if !picture && !slices.ContainsFunc(kept, func(k []string) bool { return k[1] == ref[1] }) {
			t.Errorf("the worker does not keep %s", ref[1])
		}
	}
	b.Header.Set("Accept-Encoding", "gzip")
	for _, file := range kept {
		take(file[1])
	}
	if most := 150_000; total >= most || len(kept) < 5 {
		t.Errorf("%d bytes in %d files, of %d at most", total, len(kept)+3, most)
	} else {
		t.Logf("%d bytes in %d files", total, len(kept)+3)
	}
}

func TestALineShowsWhatNeedsAPersonFirst(t *testing.T) {
	t.Parallel()
	s := site.New(
		t,
		site.Options{
			Orders: handlerstest.RemoteOrders(
				"a", "Open", "b", "In progress", "c", "Suspended", "d", "Waiting for QA", "e", "Pending release", "f",
				"Pending release", "g", "Done", "h", "Pending release",
			),
		},
	)
	b := s.SignIn("supervisor1")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "cut_after", Times: 1})
	b.Post(handlerstest.OrderPath(s.Order("f"), "/release"))
	page := b.Get("/lines/L1")
	for selector, want := range map[string][]string{
		".trouble .key": {"f"}, ".next .key": {"e"}, ".running .key": {"b"}, ".rest .key": {"h", "c", "d", "a"},
	} {
		if diff := cmp.Diff(want, page.All(selector)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", selector, diff)
		}
	}
	if text := page.Text(".rest"); !strings.Contains(text, "Waiting for QA") {
		t.Errorf("a status that is not documented is not shown as it is: %q", text)
	}
}

func TestTheOverviewShowsEachLineWithWhatRunsAndWhatWaits(t *testing.T) {
	t.Parallel()
	all := handlerstest.RemoteOrders(
		"run", "In progress", "first", "Pending release", "second", "Pending release", "stop", "Suspended", "lost",
		"Pending release", "new", "Pending release",
	)
	all[4].LineCode, all[4].LineName = "", ""
	all[5].LineCode, all[5].LineName = "L9", "A line that is new"
	s := site.New(t, site.Options{Orders: all})
	page := s.SignIn("operator1").Get("/")
	if diff := cmp.Diff(
		[]string{"Blister line 1", "Bottle line 2", "A line that is new", "No line yet"}, page.All(".lane h2 a > span"),
	); diff != "" {
		t.Errorf("lanes (-want +got)\n%s", diff)
	}
	for n, want := range []struct{ running, next string }{
		{"run", "first"},
		{"None known to run", "None known to wait"},
		{"None known to run", "new"},
		{"None known to run", "lost"},
	} {
		lane := ".lane:nth-child(" + string(rune('1'+n)) + ") "
		if running, next := page.Text(lane+".lane-running"), page.Text(lane+
			".lane-next"); !strings.Contains(running, want.running) || !strings.Contains(next, want.next) {
			t.Errorf("lane %d: running %q, next %q", n+1, running, next)
		}
	}
	if diff := cmp.Diff([]string{"2", "1"}, page.All(".lane:first-child .counts .n")); diff != "" {
		t.Errorf("counts (-want +got)\n%s", diff)
	}
	if to := page.Attr(".lane:last-child h2 a", "href"); to != "/orders?line=-" {
		t.Errorf("orders without a line are at %q", to)
	}
	b := s.SignIn("operator1")
	if diff := cmp.Diff([]string{"lost"}, b.Get("/orders?line=-").All("tbody .key")); diff != "" {
		t.Errorf("orders without a line (-want +got)\n%s", diff)
	}
	if to := page.Attr(".lane:nth-child(3) h2 a", "href"); to != "/orders?line=L9" {
		t.Fatalf("orders of a line that is not set up are at %q", to)
	}
	unknown := b.Get("/orders?line=L9")
	if diff := cmp.Diff([]string{"new"}, unknown.All("tbody .key")); diff != "" {
		t.Errorf("orders of a line that is not set up (-want +got)\n%s", diff)
	}
	if text := unknown.Text("tbody"); !strings.Contains(text, "L9 (not set up here)") {
		t.Errorf("an unknown line is not shown as it is: %q", text)
	}
}

func TestPagesTellHowOldTheOrdersAre(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	if all, hidden := b.Get("/").All(".age"), b.Get("/").All(".age[hidden]"); len(all) == 0 || len(all) != len(hidden) {
		t.Errorf("of %d ages %d are hidden while no script counts on", len(all), len(hidden))
	}
	if text := b.Get("/").Text(".fresh"); !strings.Contains(text, "07:00:00 (0 s ago)") {
		t.Errorf("fresh: %q", text)
	}
	s.Clock.Move(2 * time.Minute)
	if text := b.Get("/").Text(".fresh-stale"); !strings.Contains(text, "2 min") ||
		!strings.Contains(text, "This is old.") {
		t.Errorf("stale: %q", text)
	}
	s.Remote.Close()
	if err := s.Sync.Refresh(t.Context(), s.Tenant("ghent").ID); err == nil {
		t.Fatal("the refresh worked without an API")
	}
	if text := b.Get("/lines/L1").Text(".fresh"); !strings.Contains(text, "Movilitas.Cloud could not be reached.") ||
		!strings.Contains(text, "07:00:00") {
		t.Errorf("not reached: %q", text)
	}
}

func TestTheWallShowsTheLanesAndNothingToPress(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("run", "In progress", "next", "Pending release")})
	page := s.SignIn("manager1").Get("/?wall")
	if diff := cmp.Diff([]string{"Blister line 1", "Bottle line 2"}, page.All(".wall-row h2")); diff != "" {
		t.Errorf("lanes (-want +got)\n%s", diff)
	}
	if got := page.Text(".wall-idle h2"); got != "Bottle line 2" {
		t.Errorf("silent is %q", got)
	}
	if got := page.All("nav, button"); len(got) != 0 {
		t.Errorf("there is something to press: %q", got)
	}
	if page.Text(".bar .brand") != "Plant Ghent" || page.Attr("[data-clock]", "datetime") == "" ||
		page.Text(".fresh time") == "" {
		t.Error("the wall does not say whose lines these are, what time it is, or how old its orders are")
	}
}

func TestOrdersThatWouldLookTheSameAreToldApart(t *testing.T) {
	t.Parallel()
	s := site.New(
		t,
		site.Options{
			Orders: handlerstest.RemoteOrders(
				"Order143", "Pending release", "Order143\u200b", "Pending release", "\u202e341redrO", "Pending release",
				"\u041erder143", "Pending release",
			),
		},
	)
	b, o := s.SignIn("supervisor1"), s.Order("Order143\u200b")
	for _, page := range []string{"/lines/L1", "/orders"} {
		got := b.Get(page).All("main a.key, main .key bdi")
		for _, want := range []string{"Order143", "Order143[U+200B]", "[U+202E]341redrO", "\u041e[U+041E]rder143"} {
			if !slices.Contains(got, want) {
				t.Errorf("%s shows %q, not %q", page, got, want)
			}
		}
	}
	if a := b.Get(handlerstest.OrderPath(o, "?arm=1")); !strings.Contains(
		a.Text("main"), "Release Order143[U+200B] to Blister line 1",
	) {
		t.Errorf("armed: %q", a.Text("main button"))
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision),
	); a.Status != http.StatusSeeOther || s.Box.Released()[0].OrderID != "Order143\u200b" {
		t.Errorf("%d, released %q", a.Status, s.Box.Released())
	}
}

// outage is what the clients of an API know that went down, or is back.
type outage struct {
	*manufacturer.Clients
	since time.Time // zero while the API answers
}

func (o *outage) Down(packaging.TenantID) (since time.Time, down bool) {
	return o.since, !o.since.IsZero()
}

func TestAnArmedReleaseSaysThatTheCloudIsDownAndCanNotBePressedMeanwhile(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	clients := &outage{Clients: manufacturer.NewClients(nil), since: s.Clock.Now().Add(-time.Minute)}
	s.Web = httptest.NewServer(handlers.New(handlers.Config{
		Store: s.Store, Hub: s.Hub, Releaser: s.Releaser, Settler: s.Settler, Guard: s.Guard,
		Log: slog.New(slog.DiscardHandler),
		Now: s.Clock.Now, Clients: clients, Interval: 30 * time.Second, Patience: time.Minute, Idle: 2 * time.Hour,
		Limit: 12 * time.Hour,
	}))
	t.Cleanup(s.Web.Close)
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	armed := []string{
		fmt.Sprintf("/lines/L1?arm=%d", o.ID), handlerstest.OrderPath(o, "?arm=1"),
		fmt.Sprintf("/lines/L1/queue?arm=1&pick=%d.%d", o.ID, o.Revision),
	}
	for _, at := range armed {
		page := b.Get(at)
		if said := page.Text(".cloud-down"); !strings.Contains(said, "has not answered since 06:59:00") {
			t.Errorf("%s says %q", at, said)
		}
		if n := len(page.All("button.release[disabled]")); n != 1 {
			t.Errorf("%s: the button can be pressed", at)
		}
		if topics := page.Attr("main > .live", "data-topics"); !strings.Contains(topics, "fresh") {
			t.Errorf("%s does not hear that the cloud is back: it listens to %q", at, topics)
		}
	}
	clients.since = time.Time{}
	for _, at := range armed {
		if page := b.Get(at); page.Text(".cloud-down") != "" || len(page.All("button.release:not([disabled])")) != 1 {
			t.Errorf("%s: the cloud is back, and the button can't be pressed", at)
		}
	}
}

func TestAQueuedOrderSaysItsPlaceAndIsNotOfferedAsNext(t *testing.T) {
	t.Parallel()
	held := handlerstest.HoldReleases()
	s := site.New(t, site.Options{
		Orders:  handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release", "c", "Pending release"),
		Handler: held.Handler,
	})
	b := s.SignIn("supervisor1")
	started(t, b, handlerstest.PickOrders(t, b, "a", "b"))
	held.Await(t)
	board := b.Get("/lines/L1")
	if next := board.Text(".hero .key"); next != "c" {
		t.Errorf("%s is offered as next", next)
	}
	if rows := strings.Join(board.All(".rows .row"), " | "); !strings.Contains(rows, "2nd in sequence") {
		t.Errorf("the rows say %q", rows)
	}
	if next := b.Get("/").Text(".lane-next .key"); next != "c" {
		t.Errorf("the overview offers %s as next", next)
	}
	held.LetGo()
	s.Releaser.Stop(t.Context())
}
