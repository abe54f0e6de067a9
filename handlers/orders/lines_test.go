package orders_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// story is an order's timeline as its page tells it, the newest first.
func story(a site.Answer) (all []string) {
	for _, item := range a.All("#story li > p:first-child") {
		all = append(all, strings.Join(strings.Fields(item), " "))
	}
	return all
}

func TestAnOrdersPageTellsWhatTheCacheSawAndWhatPeopleDidInOneTimeline(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", sandbox.Open)})
	b, o := s.SignIn("supervisor1"), s.Order("a")
	s.Box.SetStatus("a", sandbox.PendingRelease)
	s.Refresh()
	b.Post(handlerstest.OrderPath(o, "/release"))
	s.Box.SetStatus("a", sandbox.Done)
	s.Refresh()
	page := b.Get(handlerstest.OrderPath(o, ""))
	if diff := cmp.Diff([]string{
		"Status In progress → Done", "Status Pending release → In progress", "Released11 serial numbers received",
		"Release requested",
		"Status Open → Pending release", "First seen here, Open",
	}, story(page)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	sources := page.All("#story small")
	for i, want := range []string{
		"details of the order", "answer to the release", "Person supervisor1", "Person supervisor1",
		"list of open orders", "list of open orders",
	} {
		if !strings.Contains(sources[i], "2026-11-23 07:00:0") ||
			!strings.HasSuffix(strings.TrimSpace(sources[i]), want) {
			t.Errorf("entry %d: %q, want by %s", i, sources[i], want)
		}
	}
	if got := story(s.SignIn("operator1").Get(handlerstest.OrderPath(o, ""))); len(got) != 4 ||
		slices.Contains(got, "Release requested") {
		t.Errorf("who may not see the history is told %q", got)
	}
	for i := range 6 {
		s.Box.SetStatus("a", []string{sandbox.Open, sandbox.Suspended}[i%2])
		s.Refresh()
	}
	short := b.Get(handlerstest.OrderPath(o, ""))
	whole := b.Get(short.Attr("#story .further a", "href"))
	if got := story(short); len(got) != 8 || got[0] != "Status Open → Suspended" {
		t.Errorf("the latest: %q", got)
	}
	if got := story(whole); len(got) != 12 || got[11] != "First seen here, Open" {
		t.Errorf("all of it: %q", got)
	}
}

func TestAnOrdersPageSaysWhatWasChangedSinceItWasFirstEntered(t *testing.T) {
	t.Parallel()
	first := handlerstest.RemoteOrders("a", sandbox.PendingRelease, "b", sandbox.PendingRelease)
	first[0].Lot = "LOT-1"
	first[0].Quantity = 12000
	first[0].Product, first[0].GTIN, first[0].Expiry, first[0].ExtraPercent = "One", "05412345101437", "2029-02-28", 10
	s := site.New(t, site.Options{Orders: first})
	b, o := s.SignIn("auditor1"), s.Order("a")
	if says := b.Get(handlerstest.OrderPath(o, "")).Text(".changed-facts"); says != "" {
		t.Errorf("of an order that has not changed: %q", says)
	}
	for _, lot := range []string{"LOT-2", "LOT-3", "LOT-1"} {
		changed := first[0]
		changed.Lot, changed.Quantity = lot, 9000
		changed.Product, changed.GTIN, changed.Expiry, changed.ExtraPercent = "Another", "09506000134369", "2031-01-31", 7
		s.Box.Put(changed)
		s.Refresh()
	}
	s.SignIn("supervisor1").Post(handlerstest.OrderPath(o, "/line"), "was", was(s.Order("a")), "line", "L2")
	// What it was at first, though the lot is just that again.
	if diff := cmp.Diff(
		[]string{
			"Product: One", "GTIN: 05412345101437", "Lot: LOT-1", "Expiry: 2029-02-28",
			"Quantity: 12,000", "Extra: 10 %", "Line: Blister line 1",
		},
		trimmed(b.Get(handlerstest.OrderPath(o, "")).All(".changed-facts li")),
	); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if says := b.Get(handlerstest.OrderPath(s.Order("b"), "")).Text(".changed-facts"); says != "" {
		t.Errorf("of another order: %q", says)
	}
}

// trimmed has each text on one line.
func trimmed(texts []string) (all []string) {
	for _, text := range texts {
		all = append(all, strings.Join(strings.Fields(text), " "))
	}
	return all
}

func TestAnOrderThatTheAPILostShowsSoAndComesBack(t *testing.T) {
	t.Parallel()
	var lost atomic.Bool
	s := site.New(t, site.Options{
		Orders: handlerstest.RemoteOrders("a", sandbox.PendingRelease),
		Handler: func(box *sandbox.Sandbox) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if lost.Load() && strings.HasSuffix(r.URL.Path, "/open") {
					fmt.Fprint(w, `{"success":true,"message":"Open packaging orders","data":[]}`)
					return
				}
				if lost.Load() && r.URL.Query().Has("order_id") {
					r.URL.RawQuery = "order_id=none"
				}
				box.ServeHTTP(w, r)
			})
		},
	})
	b, o := s.SignIn("supervisor1"), s.Order("a")
	lost.Store(true)
	s.Refresh()
	page := b.Get(handlerstest.OrderPath(o, ""))
	if mark := page.Text(".order-head .mark"); mark != "No longer in cloud" ||
		story(page)[0] != "Movilitas.Cloud does not know the order any more" {
		t.Errorf("%s, %q", mark, story(page))
	}
	lost.Store(false)
	s.Refresh()
	page = b.Get(handlerstest.OrderPath(o, ""))
	if mark := page.Text(".order-head .mark"); mark != "Pending release" ||
		story(page)[0] != "Movilitas.Cloud knows the order again" {
		t.Errorf("%s, %q", mark, story(page))
	}
}

func was(o packaging.Order) string { return fmt.Sprint(int64(o.Line.ID)) }

func TestASupervisorSetsAnOrdersLineAndGivesItBack(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", sandbox.PendingRelease)})
	b, o := s.SignIn("supervisor1"), s.Order("a")
	page := b.Get(handlerstest.OrderPath(o, ""))
	if diff := cmp.Diff(
		[]string{"Choose a line", "Blister line 1", "Bottle line 2"}, page.All("#set-line option"),
	); diff != "" {
		t.Errorf("offered (-want +got)\n%s", diff)
	}
	armed := b.Get(handlerstest.OrderPath(o, "?arm=1")).Attr("form.execute input[name=revision]", "value")
	if a := b.Post(handlerstest.OrderPath(o, "/line"), "was", was(o), "line", "L2"); a.Status != http.StatusSeeOther {
		t.Fatalf("set: %d %s", a.Status, a.Text("main"))
	}
	if a := b.Post(handlerstest.OrderPath(o, "/release"), "revision", armed); a.Status != http.StatusConflict ||
		len(s.Box.Released()) != 0 {
		t.Errorf("a release that was armed on the old line: %d", a.Status)
	}
	s.Refresh()
	page = b.Get(handlerstest.OrderPath(o, ""))
	if said := page.Text(".set-here"); !strings.Contains(
		said, "Line set here by Person supervisor1, 2026-11-23 07:00:0",
	) || !strings.Contains(said, "Movilitas.Cloud says L1.") {
		t.Errorf("after a refresh: %q", said)
	}
	if got := story(page); !slices.Contains(got, "Line Blister line 1 → Bottle line 2") {
		t.Errorf("timeline: %q", got)
	}
	if all := b.Get("/history?order=a").Text("tbody"); !strings.Contains(
		all, "Line set: Blister line 1 → Bottle line 2",
	) {
		t.Errorf("history: %q", all)
	}
	if keys := b.Get("/lines/L2").All(".next .key"); len(keys) != 1 || keys[0] != "a" {
		t.Errorf("its line's board has %q", keys)
	}
	if a := b.Post(handlerstest.OrderPath(o, "/line"), "was", was(o), "line", "L1"); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("main [role=alert]"), "has changed since you looked") {
		t.Errorf("who saw the old line: %d %q", a.Status, a.Text("main [role=alert]"))
	}
	if a := b.Post(handlerstest.OrderPath(o, "/line"), "was", was(s.Order("a"))); a.Status != http.StatusSeeOther {
		t.Fatalf("given back: %d", a.Status)
	}
	if now := s.Order("a"); now.Line.Code != "L1" || now.LineSetBy != "" ||
		b.Get(handlerstest.OrderPath(o, "")).Text(".set-here") != "" {
		t.Errorf("given back: %+v", now)
	}
}

func TestALineIsNotSetWhileAReleaseIsNotSettled(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", sandbox.PendingRelease)})
	b, o := s.SignIn("supervisor1"), s.Order("a")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "cut_after", Times: 1})
	b.Post(handlerstest.OrderPath(o, "/release"))
	if page := b.Get(handlerstest.OrderPath(o, "")); len(page.All(".set-line")) != 0 {
		t.Error("it is offered")
	}
	a := b.Post(handlerstest.OrderPath(o, "/line"), "was", was(o), "line", "L2")
	if a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("main"), "Its line stays as it is until that is settled.") ||
		s.Order("a").Line.Code != "L1" {
		t.Errorf("%d, line %+v", a.Status, s.Order("a").Line)
	}
}

func TestWhoMayNotSetLinesIsNotOfferedItAndIsRefused(t *testing.T) {
	t.Parallel()
	all := handlerstest.RemoteOrders("a", sandbox.PendingRelease, "b", sandbox.PendingRelease)
	all[1].LineCode = "L9"
	s := site.New(t, site.Options{Orders: all})
	o := s.Order("a")
	for _, username := range []string{"operator1", "auditor1", "administrator1"} {
		b := s.SignIn(username)
		for _, where := range []string{"/", handlerstest.OrderPath(o, ""), "/orders?line=L9"} {
			if page := b.Get(where); len(page.All(".set-line, a[href^='/adopt']")) != 0 {
				t.Errorf("%s is offered it at %s", username, where)
			}
		}
		for _, a := range []site.Answer{
			b.Post(handlerstest.OrderPath(o, "/line"), "was", was(o), "line", "L2"), b.Get("/adopt?code=L9"),
			b.Post("/adopt", "code", "L9", "name", "x"),
		} {
			if a.Status != http.StatusForbidden {
				t.Errorf("%s: %d", username, a.Status)
			}
		}
	}
	if lines, err := s.Store.Lines(t.Context(), packaging.Everything(s.Tenant("ghent").ID)); err != nil ||
		len(lines) != 2 || s.Order("a").Line.Code != "L1" {
		t.Errorf("lines %v, %v", lines, err)
	}
}

func TestALineThatTheAPINamesIsSetUpWithOneForm(t *testing.T) {
	t.Parallel()
	all := handlerstest.RemoteOrders(
		"a", sandbox.PendingRelease, "b", sandbox.PendingRelease, "c", sandbox.PendingRelease,
	)
	all[0].LineCode, all[0].LineName = "L/9", "Tube line 9"
	all[1].LineCode, all[1].LineName = "L/9", "Tube line 9"
	all[2].LineCode, all[2].LineName = "L8", ""
	s := site.New(t, site.Options{Orders: all})
	b := s.SignIn("manager1")
	if lanes := b.Get("/").All(".lane h2 a > span"); !slices.Contains(lanes, "Tube line 9") ||
		!slices.Contains(lanes, "L8") {
		t.Errorf("lanes %q", lanes)
	}
	if options := b.Get("/orders").All("#line option"); !slices.Contains(options, "L8 (not set up here)") ||
		!slices.Contains(options, "L/9 (not set up here)") {
		t.Errorf("the search offers %q", options)
	}
	if links := strings.Join(
		b.Get(handlerstest.OrderPath(s.Order("c"), "")).All(".set-line a"), "|",
	); !strings.Contains(links, "Set up L8") || !strings.Contains(links, "Set up L/9") {
		t.Errorf("the choice of an order's line has %q", links)
	}
	to := b.Get("/").Attr(".lane a[href^='/adopt'][href*='9']", "href")
	form := b.Get(to)
	if form.Status != http.StatusOK || form.Attr("input[name=name]", "value") != "Tube line 9" ||
		form.Attr("input[name=code]", "value") != "L/9" {
		t.Fatalf("%s: %d %q", to, form.Status, form.Attr("input[name=name]", "value"))
	}
	for _, name := range []string{"", "  ", strings.Repeat("x", 101), "a\nb", "\xff"} {
		if a := b.Post("/adopt", "code", "L/9", "name", name); a.Status != http.StatusBadRequest ||
			!strings.Contains(a.Text("[role=alert]"), "1 to 100 characters") {
			t.Errorf("%q: %d", name, a.Status)
		}
	}
	a := b.Post("/adopt", "code", "L/9", "name", " Tubes ")
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/lines/L%2F9" {
		t.Fatalf("%d to %q", a.Status, a.Header.Get("Location"))
	}
	board := b.Get(a.Header.Get("Location"))
	if board.Text("h1 span") != "Tubes" || len(board.All("main .key")) != 2 {
		t.Errorf("its board: %q with %q", board.Text("h1"), board.All("main .key"))
	}
	if got := story(b.Get(handlerstest.OrderPath(s.Order("a"), "")))[0]; got != "Line L/9 → Tubes" {
		t.Errorf("timeline: %q", got)
	}
	if row := b.Get("/history").Text("tbody tr.day:first-child + tr"); !strings.Contains(
		row, "Set up line L/9 as Tubes, with all its orders",
	) {
		t.Errorf("history: %q", row)
	}
	s.Refresh()
	if s.Order("b").Line.Name != "Tubes" {
		t.Errorf("after a refresh: %+v", s.Order("b").Line)
	}
	for _, a := range []site.Answer{
		b.Get("/adopt?code=L/9"), b.Get("/adopt?code=L1"), b.Get("/adopt"),
		b.Post("/adopt", "code", "L/9", "name", "x"),
	} {
		if a.Status != http.StatusNotFound {
			t.Errorf("what is set up, or is none: %d", a.Status)
		}
	}
}

func TestARunningOrderThatEndsIsDoneWithTheNextRefresh(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.Box.SetStatus("Order139", sandbox.Done)
	s.Refresh()
	if o := s.Order("Order139"); o.Status != packaging.Done {
		t.Errorf("status %s", o.Status)
	}
}

func TestWhoIsLimitedToALineMovesNoOrderToOrFromAnother(t *testing.T) {
	t.Parallel()
	all := handlerstest.RemoteOrders(
		"a", sandbox.PendingRelease, "b", sandbox.PendingRelease, "c", sandbox.PendingRelease,
	)
	all[1].LineCode, all[1].LineName = "L2", ""
	all[2].LineCode, all[2].LineName = "L9", ""
	s := site.New(t, site.Options{Orders: all})
	s.Limit("supervisor1", "L1")
	b := s.SignIn("supervisor1")
	page := b.Get(handlerstest.OrderPath(s.Order("a"), ""))
	if options := page.All("#set-line option"); !slices.Equal(options, []string{"Choose a line", "Blister line 1"}) ||
		len(page.All("a[href^='/adopt']")) != 0 {
		t.Errorf("offered %q", options)
	}
	for _, key := range []string{"a", "b", "c"} {
		o := s.Order(key)
		to := map[string]string{"a": "L2", "b": "L1", "c": "L1"}[key]
		if a := b.Post(
			handlerstest.OrderPath(o, "/line"), "was", was(o), "line", to,
		); a.Status != http.StatusNotFound || s.Order(key).LineSetBy != "" {
			t.Errorf("%s to %s: %d", key, to, a.Status)
		}
	}
}
