package handlers_test

import (
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// orders makes orders of the sandbox: pairs of an ID and a status, on line L1.
func orders(pairs ...string) (all []sandbox.Order) {
	for i := 0; i+1 < len(pairs); i += 2 {
		o := sandbox.Order143(time.Now())
		o.ID, o.Status, o.Serials = pairs[i], pairs[i+1], nil
		all = append(all, o)
	}
	return all
}

// A tablet's first visit takes the board, all that it refers to, and what the service worker keeps for when the server is away.
func TestTheFirstVisitOfABoardOfFiftyOrdersTakesLessThan150KB(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 50 {
		pairs = append(pairs, fmt.Sprintf("Order%03d", i), "Pending release")
	}
	s := site.New(t, site.Options{Orders: orders(pairs...)})
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
	for _, ref := range regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllStringSubmatch(b.Get("/lines/L1").Body, -1) {
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
	s := site.New(t, site.Options{Orders: orders("a", "Open", "b", "In progress", "c", "Suspended", "d", "Waiting for QA", "e", "Pending release", "f", "Pending release", "g", "Done", "h", "Pending release")})
	b := s.SignIn("supervisor1")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "cut_after", Times: 1})
	b.Post(path(s.Order("f"), "/release"))
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
	all := orders("run", "In progress", "first", "Pending release", "second", "Pending release", "stop", "Suspended", "lost", "Pending release", "new", "Pending release")
	all[4].LineCode, all[4].LineName = "", ""
	all[5].LineCode, all[5].LineName = "L9", "A line that is new"
	s := site.New(t, site.Options{Orders: all})
	page := s.SignIn("operator1").Get("/")
	if diff := cmp.Diff([]string{"Blister line 1", "Bottle line 2", "A line that is new", "No line yet"}, page.All(".lane h2 a > span")); diff != "" {
		t.Errorf("lanes (-want +got)\n%s", diff)
	}
	for n, want := range []struct{ running, next string }{
		{"run", "first"}, {"Nothing runs", "Nothing waits"}, {"Nothing runs", "new"}, {"Nothing runs", "lost"},
	} {
		lane := ".lane:nth-child(" + string(rune('1'+n)) + ") "
		if running, next := page.Text(lane+".lane-running"), page.Text(lane+".lane-next"); !strings.Contains(running, want.running) || !strings.Contains(next, want.next) {
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

func TestOrdersAreFoundByTextStatusAndLine(t *testing.T) {
	t.Parallel()
	all := orders("Order_1", "Open", "Order%2", "Pending release", "Xrder3", "Waiting for QA", "Order4", "Done")
	all[2].Lot, all[3].LineCode, all[3].LineName = "LOT-Ü77", "L2", "Bottle line 2"
	s := site.New(t, site.Options{Orders: all})
	b := s.SignIn("auditor1")
	for query, want := range map[string][]string{
		"":                           {"Xrder3", "Order%2", "Order_1"}, // the sandbox does not list Done
		"q=rder":                     {"Xrder3", "Order%2", "Order_1"},
		"q=ORDER_1":                  {"Order_1"},
		"q=%25":                      {"Order%2"},
		"q=_":                        {"Order_1"},
		"q=LOT-":                     {"Xrder3"},
		"q=05412345101437":           {"Xrder3", "Order%2", "Order_1"},
		"status=Open":                {"Order_1"},
		"status=Waiting+for+QA":      {"Xrder3"},
		"line=l1":                    {"Xrder3", "Order%2", "Order_1"},
		"line=L2":                    {},
		"q=rder&status=Open&line=L1": {"Order_1"},
		"q='+OR+1=1+--":              {},
	} {
		if diff := cmp.Diff(want, b.Get("/orders?"+query).All("tbody .key")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", query, diff)
		}
	}
	if options := b.Get("/orders").All("#status option"); !strings.Contains(strings.Join(options, "|"), "Waiting for QA") {
		t.Errorf("the filter offers %q", options)
	}
}

func TestManyOrdersComeInPages(t *testing.T) {
	t.Parallel()
	var pairs []string
	for i := range 120 {
		pairs = append(pairs, "Order"+string(rune('A'+i/26))+string(rune('A'+i%26)), "Open")
	}
	s := site.New(t, site.Options{Orders: orders(pairs...)})
	b := s.SignIn("operator1")
	seen := map[string]bool{}
	for next := "/orders"; next != ""; {
		page := b.Get(next)
		for _, key := range page.All("tbody .key") {
			if seen[key] {
				t.Errorf("%s comes twice", key)
			}
			seen[key] = true
		}
		next = page.Attr("a[rel=next]", "href")
	}
	if len(seen) != 120 {
		t.Errorf("%d orders on all pages", len(seen))
	}
}

func TestPagesTellHowOldTheOrdersAre(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	if text := b.Get("/").Text(".fresh"); !strings.Contains(text, "07:00:00 (0 s ago)") {
		t.Errorf("fresh: %q", text)
	}
	s.Clock.Move(2 * time.Minute)
	if text := b.Get("/").Text(".fresh-stale"); !strings.Contains(text, "2 min") || !strings.Contains(text, "This is old.") {
		t.Errorf("stale: %q", text)
	}
	s.Remote.Close()
	if err := s.Sync.Refresh(t.Context(), s.Tenant("ghent").ID); err == nil {
		t.Fatal("the refresh worked without an API")
	}
	if text := b.Get("/lines/L1").Text(".fresh"); !strings.Contains(text, "Movilitas.Cloud could not be reached.") || !strings.Contains(text, "07:00:00") {
		t.Errorf("not reached: %q", text)
	}
}

func TestTheHistoryIsFilteredByLineOrderPersonOutcomeAndTime(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: orders("a", "Pending release", "b", "Pending release")})
	first, second := s.SignIn("supervisor1"), s.SignIn("manager1")
	first.Post(path(s.Order("a"), "/release"))
	s.Clock.Move(time.Hour)
	s.Box.SetStatus("b", sandbox.Suspended)
	second.Post(path(s.Order("b"), "/release"))
	b := s.SignIn("auditor1")
	for query, want := range map[string]int{
		"line=L1": 4, "line=L2": 0, "order=a": 2, "order=A": 0, "order=b": 2, "person=manager1": 3, "outcome=released": 1,
		"outcome=refused": 1, "outcome=unknown": 0, "from=2026-11-23T07:30&order=a": 0, "from=2026-11-23T07:30&order=b": 2,
		"to=2026-11-23T07:30&order=a": 2, "to=2026-11-23T07:30&order=b": 0, "outcome=released&person=manager1": 0,
	} {
		if got := len(b.Get("/history?" + query).All("tbody tr")); got != want {
			t.Errorf("%s: %d entries, want %d", query, got, want)
		}
	}
	refused := b.Get("/history?outcome=refused").Text("tbody")
	for _, says := range []string{"Person manager1", "Manager", "Not released", "Packaging order b is in status: Suspended", "Blister line 1", "2026-11-23 08:00:00 +01:00"} {
		if !strings.Contains(refused, says) {
			t.Errorf("%q is not in %q", says, refused)
		}
	}
}

func TestTheHistoryExportCarriesWhatItsHashesAreMadeOf(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: orders("=cmd|' /C calc'!A0", "Pending release")})
	b := s.SignIn("supervisor1")
	b.Post(path(s.Order("=cmd|' /C calc'!A0"), "/release"))
	a := b.Get("/history.csv")
	if a.Status != http.StatusOK || !strings.Contains(a.Header.Get("Content-Disposition"), "ghent-history-20261123-07") {
		t.Fatalf("%d %q", a.Status, a.Header.Get("Content-Disposition"))
	}
	rows, err := csv.NewReader(strings.NewReader(a.Body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	entries := s.History()
	if len(rows)-1 != len(entries) {
		t.Fatalf("%d rows for %d entries", len(rows)-1, len(entries))
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for i, row := range rows[1:] {
		e := entries[i]
		if row[column["hash"]] != hex.EncodeToString(e.Hash[:]) || row[column["previous_hash"]] != hex.EncodeToString(e.Prev[:]) {
			t.Errorf("entry %d has another hash", e.Seq)
		}
		for name, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("entry %d: column %d begins as a formula: %q", e.Seq, name, cell)
			}
		}
		if key := strings.TrimPrefix(row[column["order_id"]], "'"); key != e.OrderKey {
			t.Errorf("entry %d: order %q, want %q", e.Seq, key, e.OrderKey)
		}
	}
	if rows[1][column["deed"]] != string(packaging.Exported) {
		t.Errorf("the export itself is not the newest entry: %v", rows[1])
	}
}

func TestProbesAnswerWithoutASignIn(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	for _, where := range []string{"/healthz", "/readyz"} {
		if a := s.Browser().Get(where); a.Status != http.StatusOK {
			t.Errorf("%s: %d", where, a.Status)
		}
	}
}

func TestAnErrorTakesThePlaceOfThePageEvenWhereAPartWasAskedFor(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	b.Header.Set("HX-Request", "true")
	if a := b.Get("/orders/999999"); a.Status != http.StatusNotFound || a.Header.Get("HX-Retarget") != "body" {
		t.Errorf("%d, retarget %q", a.Status, a.Header.Get("HX-Retarget"))
	}
}

func TestTheWallShowsTheLanesAndNothingToPress(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: orders("run", "In progress", "next", "Pending release")})
	page := s.SignIn("manager1").Get("/?wall")
	if diff := cmp.Diff([]string{"Blister line 1", "Bottle line 2"}, page.All(".lane h2 a > span")); diff != "" {
		t.Errorf("lanes (-want +got)\n%s", diff)
	}
	if got := page.Text(".lane-silent h2 a > span"); got != "Bottle line 2" {
		t.Errorf("silent is %q", got)
	}
	if got := page.All("nav, button"); len(got) != 0 {
		t.Errorf("there is something to press: %q", got)
	}
	if page.Text(".bar .brand") != "Plant Ghent" || page.Attr("[data-clock]", "datetime") == "" || page.Text(".fresh time") == "" {
		t.Error("the wall does not say whose lines these are, what time it is, or how old its orders are")
	}
}

func TestOrdersThatWouldLookTheSameAreToldApart(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: orders("Order143", "Pending release", "Order143\u200b", "Pending release", "\u202e341redrO", "Pending release")})
	b, o := s.SignIn("supervisor1"), s.Order("Order143\u200b")
	for _, page := range []string{"/lines/L1", "/orders"} {
		got := b.Get(page).All("main a.key, main .key bdi")
		for _, want := range []string{"Order143", "Order143[U+200B]", "[U+202E]341redrO"} {
			if !slices.Contains(got, want) {
				t.Errorf("%s shows %q, not %q", page, got, want)
			}
		}
	}
	if a := b.Get(path(o, "?arm=1")); !strings.Contains(a.Text("main"), "Release Order143[U+200B] to Blister line 1") {
		t.Errorf("armed: %q", a.Text("main button"))
	}
	if a := b.Post(path(o, "/release"), "revision", fmt.Sprint(o.Revision)); a.Status != http.StatusSeeOther || s.Box.Released()[0].OrderID != "Order143\u200b" {
		t.Errorf("%d, released %q", a.Status, s.Box.Released())
	}
}

func TestASearchThatIsTooLongIsToldSo(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	for text, want := range map[string]int{
		strings.Repeat("_", 26_000): http.StatusBadRequest, strings.Repeat("_", 1_001): http.StatusBadRequest, strings.Repeat("_", 1_000): http.StatusOK,
	} {
		if a := b.Get("/orders?q=" + text); a.Status != want {
			t.Errorf("%d characters: %d, want %d", len(text), a.Status, want)
		}
	}
}

func TestASearchIsKeptUpToDateAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	page := s.SignIn("operator1").Get("/orders?q=Order14&status=Pending+release")
	if at := page.Attr("[data-kind=list]", "data-live"); at != "/orders?q=Order14&status=Pending+release" {
		t.Errorf("it is asked for again at %q", at)
	}
	if topics := page.Attr("[data-kind=list]", "data-topics"); !strings.Contains(topics, "orders") {
		t.Errorf("it is told of %q", topics)
	}
	if rows := page.All("tbody tr[data-row]"); len(rows) == 0 {
		t.Error("no row can be told from another")
	}
}
