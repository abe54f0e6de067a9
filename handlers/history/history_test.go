package history_test

import (
	"context"
	"database/sql"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

func TestTheHistoryIsFilteredByLineOrderPersonOutcomeAndTime(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release")})
	first, second := s.SignIn("supervisor1"), s.SignIn("manager1")
	first.Post(handlerstest.OrderPath(s.Order("a"), "/release"))
	s.Clock.Move(time.Hour)
	s.Box.SetStatus("b", sandbox.Suspended)
	second.Post(handlerstest.OrderPath(s.Order("b"), "/release"))
	b := s.SignIn("auditor1")
	for query, want := range map[string]int{
		"line=L1": 4, "line=L2": 0, "order=a": 2, "order=A": 0, "order=b": 2, "person=manager1": 3,
		"outcome=released": 1,
		"outcome=refused":  1, "outcome=unknown": 0, "from=2026-11-23T07:30&order=a": 0,
		"from=2026-11-23T07:30&order=b": 2,
		"to=2026-11-23T07:30&order=a":   2, "to=2026-11-23T07:30&order=b": 0, "outcome=released&person=manager1": 0,
	} {
		if got := len(b.Get("/history?" + query).All("tbody tr:not(.day)")); got != want {
			t.Errorf("%s: %d entries, want %d", query, got, want)
		}
	}
	refused := b.Get("/history?outcome=refused").Text("tbody")
	for _, says := range []string{
		"Person manager1", "Manager", "Not released", "Packaging order b is in status: Suspended", "Blister line 1",
		"2026-11-23 +01:00", "08:00:00",
	} {
		if !strings.Contains(refused, says) {
			t.Errorf("%q is not in %q", says, refused)
		}
	}
}

// tampering goes round the program and what its schema forbids.
func tampering(t *testing.T, path string, statements ...string) {
	t.Helper()
	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, statement := range statements {
		if _, err := raw.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func TestTheHistoryIsFoundByWordsSerialActionAndExceptions(t *testing.T) {
	t.Parallel()
	s := site.New(
		t, site.Options{Orders: handlerstest.RemoteOrders("Order-143", "Pending release", "b", "Pending release")},
	)
	b := s.SignIn("supervisor1")
	b.Post(handlerstest.OrderPath(s.Order("Order-143"), "/release"))
	s.Box.SetStatus("b", sandbox.Suspended)
	b.Post(handlerstest.OrderPath(s.Order("b"), "/release"))
	s.Browser().Post("/login", "username", "manager1", "password", "not the password")
	list, err := s.Store.Serials(
		t.Context(), packaging.Everything(s.Tenant("ghent").ID), s.Order("Order-143").List(), 0, 1,
	)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d serials, %v", len(list), err)
	}
	for query, want := range map[string]int{
		"q=order-143":                              2,
		"q=ORDER-1":                                2,
		"q=rele+suspend":                           1, // words may be cut short, and all must be there
		"q=" + url.QueryEscape(`"; DROP (*`):       0,
		"q=" + url.QueryEscape(`suspended"`):       1,
		"q=" + url.QueryEscape(`-- * "`):           0,
		"q=" + url.QueryEscape("NOT OR NEAR"):      0,
		"q=blister&person=supervisor1":             4,
		"deed=sign_in_declined":                    1,
		"deed=release_ended&outcome=refused":       1,
		"deed=release_ended&order=b":               1,
		"exceptions=1":                             2 + odd(t, s),
		"exceptions=1&person=manager1":             1,
		"exceptions=1&line=L2":                     0,
		"serial=" + url.QueryEscape(list[0].Value): 2 + odd(t, s),
		"serial=nothing-has-it":                    0,
		"order=Order-143&deed=release_requested":   1,
		"person=provisioning&deed=line_set":        2,
		"from=2026-11-23&to=2026-11-24&line=L1":    4 + odd(t, s),
		"from=2026-11-23&to=2026-11-23&line=L1":    4 + odd(t, s),
		"from=2026-11-24&line=L1":                  0,
		"to=0001-01-01":                            0,
		"from=9999-12-31T23:59":                    0,
	} {
		a := b.Get("/history?" + query)
		if got := len(a.All("tbody tr:not(.day)")); got != want || a.Status != http.StatusOK {
			t.Errorf("%s: %d entries, want %d (%d)", query, got, want, a.Status)
		}
	}
	for _, query := range []string{"q=" + strings.Repeat("x+", 501), "before=x", "after=-1"} {
		if a, csv := b.Get("/history?"+query), b.Get("/history.csv?"+query); a.Status != http.StatusBadRequest ||
			strings.HasPrefix(query, "q=") && csv.Status != http.StatusBadRequest {
			t.Errorf("%.10s: %d and %d", query, a.Status, csv.Status)
		}
	}
	if a := b.Get("/history?q=" + strings.Repeat("x", 998)); a.Status != http.StatusOK {
		t.Errorf("a long word: %d", a.Status)
	}
	found := b.Get("/history?serial=" + url.QueryEscape(list[0].Value))
	if says := found.Text(".found-order"); !strings.Contains(says, list[0].Value+" belongs to Order-143") {
		t.Errorf("it says %q", says)
	}
	if says := b.Get("/history?serial=nothing-has-it").Text(".problem"); !strings.Contains(
		says, "No list that is here has the serial number “nothing-has-it”.",
	) {
		t.Errorf("of an unknown serial it says %q", says)
	}
}

// odd counts the entries about odd lists.
func odd(t *testing.T, s *site.Site) (n int) {
	t.Helper()
	for _, e := range s.History() {
		if e.Deed == packaging.ListOdd {
			n++
		}
	}
	return n
}

func TestAFilterInUseIsAChipThatTakesItAway(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("auditor1")
	a := b.Get("/history?line=L1&q=signed&exceptions=1&outcome=refused&person=auditor1&deed=signed_in&from=2026-11-23")
	want := []string{
		"Search: signed", "Line: Blister line 1", "Person: Person auditor1", "Action: Signed in",
		"Outcome: Not released", "From: 2026-11-23", "Only: Exceptions", "Remove all",
	}
	var got []string
	for _, chip := range a.All("main ul.chips:not(.history-tools .chips) li") {
		got = append(got, strings.Join(strings.Fields(chip), " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("chips %q, want %q", got, want)
	}
	if to := a.Attr(
		"ul.chips a[aria-label='Remove the filter Line: Blister line 1']", "href",
	); strings.Contains(to, "line=") || !strings.Contains(to, "q=signed") {
		t.Errorf("without the line it leads to %q", to)
	}
}

func TestPagesOfTheHistoryGoBothWaysAndMissNothing(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	for i := range 130 {
		if err := s.Store.Record(t.Context(), packaging.Entry{
			TenantID: s.Tenant("ghent").ID, By: s.Person("supervisor1").Author, Deed: packaging.Exported,
			Object: fmt.Sprintf("file %d", i),
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, query := range []string{"?", "?deed=exported", "?q=file+supervisor1"} {
		var down, up []string
		where, last := "/history"+query, ""
		for where != "" {
			a := b.Get(where)
			for i, row := range a.All("tbody tr .cell-what") {
				down = append(down, fmt.Sprint(a.All("tbody tr .entry time")[i], row))
			}
			last, where = where, a.Attr("nav.pages a[rel=next]", "href")
		}
		if last == "/history"+query {
			t.Fatalf("%s is one page", query)
		}
		for where = last; where != ""; {
			a := b.Get(where)
			var page []string
			for i, row := range a.All("tbody tr .cell-what") {
				page = append(page, fmt.Sprint(a.All("tbody tr .entry time")[i], row))
			}
			up = append(page, up...)
			where = a.Attr("nav.pages a[rel=prev]", "href")
		}
		if len(down) < 130 || !slices.Equal(down, up) {
			t.Errorf("%s: %d entries down, %d up", query, len(down), len(up))
		}
	}
}

func TestAnEntryHasAPageWithAllOfIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "supervisor-2")
	b := s.SignIn("supervisor1")
	b.Post(handlerstest.OrderPath(s.Order("Order143"), "/release"))
	e := s.History()[0]
	where := b.Get("/history").Attr("tbody tr .entry", "href")
	a := b.Get(where)
	for _, says := range []string{
		"11 serial numbers received", "Person supervisor1", "Supervisor", "order status", "Pending release",
		"In progress", "Order143",
		"Blister line 1 (L1)", "+01:00 (Europe/Brussels)", e.At.Format("2006-01-02 15:04:05.000"),
		"Packaging order released",
		fmt.Sprintf("%x", e.Hash), fmt.Sprintf("%x", e.Prev), "Its hash fits its content and the entry before it.",
	} {
		if !strings.Contains(a.Text("main"), says) {
			t.Errorf("%q is not on the page of %s", says, where)
		}
	}
	seen := whole(t, s, s.Order("Order143"))
	for what, says := range seen {
		if page := b.Get("/history/" + fmt.Sprint(s.History()[0].Seq)).Text("main"); !strings.Contains(page, says) {
			t.Errorf("the page of an entry does not say its %s, %q: %s", what, says, page)
		}
	}
	before := b.Get(a.Attr("a[rel=prev]", "href"))
	if !strings.Contains(before.Text("main"), "Release requested") || before.Attr("a[rel=next]", "href") != where {
		t.Errorf("the one before it: %q", before.Text("main"))
	}
	for _, none := range []string{
		"/history/0", "/history/999999", "/history/x", "/history/-1", "/history/99999999999999999999",
	} {
		if a := b.Get(none); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", none, a.Status)
		}
	}
	tampering(
		t, s.Path, `DROP TRIGGER history_is_never_changed`,
		fmt.Sprintf(`UPDATE history SET message = 'x' WHERE seq = %d`, e.Seq),
	)
	if says := b.Get(where).Text("[role=alert]"); !strings.Contains(says, "Its hash does not fit") {
		t.Errorf("of a changed one it says %q", says)
	}
}

// whole records an entry that has everything, and returns what its page must say of each part.
func whole(t *testing.T, s *site.Site, o packaging.Order) map[string]string {
	t.Helper()
	by := s.Person("manager1").Author
	by.Username, by.Station = "m.janssen", "Tablet of line 1"
	if err := s.Store.Record(t.Context(), packaging.Entry{
		TenantID: o.TenantID, By: by, Deed: packaging.ReleaseEnded, OrderID: o.ID, OrderKey: o.Key,
		LineCode: "L1", LineName: "Blister line 1", Object: "what was set", Old: "as it was", New: "as it is",
		Outcome: packaging.Refused, Reason: string(packaging.OtherRefusal), Took: 4711 * time.Millisecond, HTTPStatus: 418,
		Code: "E4711", Message: "the API's own words", Serials: 4242, Comment: "in their own words",
	}); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"username": "m.janssen", "full name": "Person manager1", "role": "Manager", "station": "Tablet of line 1",
		"order": "Order143", "line": "Blister line 1 (L1)", "object": "what was set", "value before": "as it was",
		"value after": "as it is", "outcome": "Not released", "reason": string(packaging.OtherRefusal), "time taken": "4.7 s",
		"HTTP status": "418", "code": "E4711", "message": "the API's own words", "serials": "4,242",
		"comment": "in their own words",
	}
}

func TestCheckingTheHistoryIsInTheHistory(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	if err := s.Anchors.WriteAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, username := range []string{"operator1", "administrator1"} {
		if a := s.SignIn(username).Post("/history/verify"); a.Status != http.StatusForbidden {
			t.Errorf("%s: %d", username, a.Status)
		}
	}
	b := s.SignIn("auditor1")
	if a := b.Post("/history/verify"); a.Status != http.StatusOK ||
		!strings.Contains(a.Text("[role=status]"), "The history is intact") ||
		!strings.Contains(a.Text("[role=status]"), "1 anchor outside") {
		t.Errorf("%d %q", a.Status, a.Text("main"))
	}
	e := s.History()[0]
	if e.Deed != packaging.HistoryVerified || e.By.Username != "auditor1" ||
		!strings.HasPrefix(e.New, "entries 1 to ") {
		t.Errorf("history %+v", e)
	}
	tampering(
		t, s.Path, `DROP TRIGGER history_is_never_changed`,
		`UPDATE history SET full_name = 'Somebody else' WHERE seq = 3`,
	)
	a := b.Post("/history/verify")
	if says := a.Text("[role=alert]"); !strings.Contains(says, "broken at entry 3: its content was changed") {
		t.Errorf("it says %q", says)
	}
	if says := a.Text("[role=alert]"); !strings.Contains(says, "Schema: trigger history_is_never_changed is missing.") {
		t.Errorf("it says %q", says)
	}
	if e := s.History()[0]; e.New != "broken: content at 3 to 3; 0 anchors compared; 1 parts of the schema differ, first trigger history_is_never_changed missing" {
		t.Errorf("history %q", e.New)
	}
	if !strings.Contains(s.Log.String(), "not proven to be what it was") {
		t.Error("the log says nothing")
	}
	tampering(t, s.Path, `UPDATE lines SET name = 'Another line' WHERE code = 'L2'`)
	if says := b.Post("/history/verify").Text("[role=alert]"); !strings.Contains(says, "Line: changed by hand since") {
		t.Errorf("of a changed record it says %q", says)
	}
}

// Serial lists are compared once for all who ask meanwhile, on a page that shows how far it is without scripts too.
// What was done by hand to a record before it was written again stays on the page of the check, and is an exception.
func TestWhatTheHistoryHasOfChangesByHandIsNamedByEachCheck(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release")})
	tampering(t, s.Path, `UPDATE users SET full_name = 'Somebody Else' WHERE username = 'operator1'`)
	member := s.Person("operator1")
	if err := s.Store.SetPersonActive(t.Context(), s.Person("administrator1"), member.ID, false); err != nil {
		t.Fatal(err)
	}
	where := fmt.Sprintf("users [%d]", member.ID)
	b := s.SignIn("auditor1")
	for range 2 {
		says := b.Post("/history/verify").Text(".result[role=status]")
		for _, want := range []string{
			"The history is intact", "1 record was changed by hand before Lineboard wrote it again.",
			"Person: had been changed by hand when entry ", where,
		} {
			if !strings.Contains(says, want) {
				t.Errorf("the check says %q, want %q", says, want)
			}
		}
	}
	want := "Found before it was written again: Person (" + where + "), changed by hand"
	if page := b.Get("/history?exceptions=yes"); !strings.Contains(page.Body, want) {
		t.Errorf("the exceptions lack %q", want)
	}
}

func TestSerialListsAreComparedBesideTheChainWithAnEndThatIsShownAndRecorded(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release")})
	b, other := s.SignIn("auditor1"), s.SignIn("manager1")
	supervisor := s.SignIn("supervisor1")
	for _, key := range []string{"a", "b"} {
		supervisor.Post(handlerstest.OrderPath(s.Order(key), "/release"))
	}
	if a := b.Get("/history/verify"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/history" {
		t.Errorf("before any check: %d to %q", a.Status, a.Header.Get("Location"))
	}
	for _, who := range []*site.Browser{b, other} {
		a := who.Post("/history/verify")
		if says := a.Text("#lists [role=status]"); !strings.Contains(says, "waits") {
			t.Errorf("after the press it says %q", says)
		}
		if to := a.Attr("#lists a.button", "href"); to != "/history/verify" {
			t.Errorf("to see how far it is: %q", to)
		}
	}
	lists := func() (results []string) {
		for _, e := range s.History() {
			if e.Deed == packaging.HistoryVerified && e.Object == "serial lists" {
				results = append(results, e.By.Username+": "+e.New)
			}
		}
		return results
	}
	compare := func() site.Answer {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Checks.Run(ctx) }()
		for limit := time.Now().Add(time.Minute); strings.Contains(other.Get("/history/verify").Body, "<progress"); {
			if time.Now().After(limit) {
				t.Fatal("the page never shows the end")
			}
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return other.Get("/history/verify")
	}
	a := compare()
	if says := a.Text("#lists"); !strings.Contains(says, "All lists match the history: 2 lists compared.") ||
		!strings.Contains(says, "2 of 2") || !strings.Contains(says, "2026-11-23") ||
		!strings.Contains(says, "Person auditor1") {
		t.Errorf("at the end it says %q", says)
	}
	if got := lists(); !slices.Equal(got, []string{"auditor1: 2 of 2 serial lists compared"}) {
		t.Errorf("in the history: %q", got)
	}

	tampering(
		t, s.Path, `DROP TRIGGER serials_never_change`,
		`UPDATE serial_blocks SET packed = CAST(char(6) || 'forged' AS BLOB) WHERE id = (SELECT min(id) FROM serial_blocks)`,
	)
	other.Post("/history/verify")
	if says := compare().Text("#lists [role=alert]"); !strings.Contains(says, "Lists differ from the history.") ||
		!strings.Contains(says, "List of serial numbers: changed by hand since entry") {
		t.Errorf("of a changed list it says %q", says)
	}
	if got := lists(); !strings.Contains(
		got[0], "manager1: 2 of 2 serial lists compared; 1 records differ, first serials [",
	) {
		t.Errorf("in the history: %q", got)
	}

	// The stop of the server ends it.
	b.Post("/history/verify")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := s.Checks.Run(stopped); err != nil {
		t.Error(err)
	}
	if says := b.Get("/history/verify").Text("#lists [role=alert]"); !strings.Contains(says, "The server was stopped") {
		t.Errorf("after a stop it says %q", says)
	}
	if got := lists(); got[0] != "auditor1: 0 of 0 serial lists compared; the server was stopped" {
		t.Errorf("in the history: %q", got)
	}
}

func TestViewsOfTheHistoryAreKeptAndSharedByManagers(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	first, manager, auditor := s.SignIn("supervisor1"), s.SignIn("manager1"), s.SignIn("auditor1")
	names := func(b *site.Browser) (all []string) {
		for _, view := range b.Get("/history").All("ul.chips a") {
			all = append(all, strings.Join(strings.Fields(view), " "))
		}
		return all
	}
	if a := first.Post(
		"/history/views", "name", " Mine ", "query", "person=supervisor1&before=7&nonsense=1",
	); a.Header.Get("Location") != "/history?person=supervisor1" {
		t.Fatalf("%d to %q", a.Status, a.Header.Get("Location"))
	}
	if a := manager.Post(
		"/history/views", "name", "Blister", "query", "line=L1&exceptions=1", "shared", "1",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d", a.Status)
	}
	if e := handlerstest.LastEntry(s, packaging.ViewSaved); e.Object != "Blister" || e.New != "exceptions=1&line=L1 (shared)" ||
		e.By.Username != "manager1" {
		t.Errorf("the view is recorded as %+v", e)
	}
	for b, want := range map[*site.Browser][]string{
		first:   {"Exceptions", "Mine", "Blister of Person manager1"},
		manager: {"Exceptions", "Blister shared"},
		auditor: {"Exceptions", "Blister of Person manager1"},
	} {
		if got := names(b); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if a := first.Post(
		"/history/views", "name", "Theirs", "query", "line=L1", "shared", "1",
	); a.Status != http.StatusForbidden {
		t.Errorf("a supervisor shares: %d", a.Status)
	}
	for _, wrong := range [][2]string{
		{"", "line=L1"},
		{"Nothing", ""},
		{"Nothing", "nonsense=1"},
		{strings.Repeat("x", 61), "line=L1"},
		{"Broken", "%zz"},
	} {
		if a := first.Post("/history/views", "name", wrong[0], "query", wrong[1]); a.Status != http.StatusBadRequest {
			t.Errorf("%q: %d", wrong, a.Status)
		}
	}
	first.Post("/history/views", "name", "Mine", "query", "line=L2") // in its place
	a := first.Get("/history?line=L2")
	remove := a.Attr("ul.chips form", "action")
	if auditor.Post(remove); len(names(first)) != 3 {
		t.Error("somebody else removes it")
	}
	if first.Post(remove).Status != http.StatusSeeOther || len(names(first)) != 2 {
		t.Errorf("not removed: %q", names(first))
	}
	if e := s.History()[0]; e.Deed != packaging.ViewRemoved || e.Object != "Mine" || e.Old != "line=L2" ||
		e.By.Username != "supervisor1" {
		t.Errorf("history %+v", e)
	}
}

func TestTheHistoryGoesOnAcrossMidnightAndAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	s.Clock.Move(-3 * time.Hour)
	b.Post("/login", "username", "supervisor1", "password", site.Password)
	a := s.SignIn("manager1").Post("/history/verify")
	if says := a.Text("[role=status]"); !strings.Contains(says, "The history is intact") ||
		!strings.Contains(says, "The server's clock was set back.") {
		t.Errorf("it says %q", says)
	}
	// Between the two times there is what was written before the clock was set back, and what after it.
	if got := len(
		b.Get("/history?deed=signed_in&from=2026-11-23T00:00&to=2026-11-23T23:59").All("tbody tr:not(.day)"),
	); got != 3 {
		t.Errorf("%d sign-ins that day", got)
	}
	if got := len(b.Get("/history?deed=signed_in&to=2026-11-23T06:00").All("tbody tr:not(.day)")); got != 2 {
		t.Errorf("%d sign-ins before six", got)
	}
	// A clock that is set back to nothing makes the longest history that there can be.
	s.Clock.Move(-56 * 365 * 24 * time.Hour)
	b = s.SignIn("auditor1")
	for query, want := range map[string]int{
		"to=2026-11-22&deed=signed_in": 1, "from=1971-01-01&deed=signed_in": 3,
		"from=1960-01-01&to=9000-01-01&deed=signed_in": 4,
	} {
		if got := len(b.Get("/history?" + query).All("tbody tr:not(.day)")); got != want {
			t.Errorf("%s: %d sign-ins, want %d", query, got, want)
		}
	}
}

func TestHistoryByTimeHasBothHoursOfTheAutumnNight(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	for _, at := range []string{
		"2027-10-31T00:10:00Z", "2027-10-31T00:40:00Z", "2027-10-31T01:10:00Z", "2027-10-31T01:40:00Z",
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Move(moment.Sub(s.Clock.Now()))
		s.SignIn("auditor1")
	}
	b := s.SignIn("manager1")
	for query, want := range map[string]int{
		"from=2027-10-31T02:00&to=2027-10-31T03:00": 4,
		"from=2027-10-31T02:30&to=2027-10-31T02:30": 2,
		"from=2027-10-31T01:00&to=2027-10-31T02:00": 2, // until the clock shows 02:00 for the last time
		"from=2027-10-31T03:00&to=2027-10-31T04:00": 0,
	} {
		if got := len(
			b.Get("/history?deed=signed_in&person=auditor1&" + query).All(".history tbody tr:not(.day)"),
		); got != want {
			t.Errorf("%s: %d entries, want %d", query, got, want)
		}
	}
}

// Offsets of 30 and 45 minutes, a clock that is put back by half an hour, midnights that are skipped, a leap day and the
// end of a year.
func TestHistoryByTimeCountsByTheClockOfTheSiteWhateverItsZone(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	for _, c := range []struct {
		zone    string
		entries []string
		counts  map[string]int
		shows   string
	}{
		{
			"Asia/Kathmandu",
			[]string{"2027-12-31T18:14:30Z", "2027-12-31T18:15:30Z"},
			map[string]int{
				"2027-12-31 2027-12-31": 1, "2028-01-01 2028-01-01": 1,
				"2027-12-31T00:00 2027-12-31T23:59": 1, "2027-12-31T23:59 2027-12-31T23:59": 1, // to 23:59:59
				"2027-12-31T23:59:30 2027-12-31T23:59:30": 1, " 2027-12-31T23:59:29": 0,
			},
			"+05:45",
		},
		{
			"Australia/Adelaide",
			[]string{"2027-07-01T14:29:30Z", "2027-07-01T14:30:30Z"},
			map[string]int{"2027-07-01 2027-07-01": 1, "2027-07-02T00:00 2027-07-02T00:01": 1},
			"+09:30",
		},
		{
			"Australia/Lord_Howe",
			[]string{
				"2027-04-03T14:35:00Z", "2027-04-03T14:55:00Z", "2027-04-03T15:05:00Z", "2027-04-03T15:25:00Z",
				"2027-04-03T15:35:00Z",
			},
			map[string]int{"2027-04-04T01:30 2027-04-04T02:00": 4, "2027-04-04T02:00 2027-04-04T02:10": 1},
			"+10:30",
		},
		{
			"Asia/Beirut",
			[]string{"2027-03-27T21:59:30Z", "2027-03-27T22:00:30Z"},
			map[string]int{
				"2027-03-27 2027-03-27": 1, "2027-03-28 2027-03-28": 1,
				"2027-03-28T00:30 2027-03-28T01:01": 1, // 00:30 is skipped
				"2027-03-27T23:59 2027-03-28T00:30": 1,
			},
			"+03:00",
		},
		{ // midnight comes twice
			"America/Havana",
			[]string{"2027-11-07T03:59:30Z", "2027-11-07T04:00:30Z", "2027-11-07T05:00:30Z", "2027-11-08T04:59:30Z"},
			map[string]int{
				"2027-11-06 2027-11-06": 1, "2027-11-07 2027-11-07": 3, "2027-11-07T00:00 2027-11-07T00:00": 2,
				"2027-11-07T00:00 2027-11-07T23:59": 3, "2027-11-06T23:59 2027-11-06T23:59": 1,
			},
			"-05:00",
		},
		{
			"America/Santiago",
			[]string{"2027-09-05T03:59:30Z", "2027-09-05T04:00:30Z"},
			map[string]int{"2027-09-04 2027-09-04": 1, "2027-09-05 2027-09-05": 1},
			"-03:00",
		},
		{
			"Europe/Brussels",
			[]string{"2028-02-28T23:00:30Z", "2028-02-29T22:59:30Z", "2028-02-29T23:00:30Z"},
			map[string]int{
				"2028-02-29 2028-02-29": 2, "29.02.2028 29.02.2028": 2, "2028-03-01 2028-03-01": 1,
			},
			"+01:00",
		},
	} {
		admin := s.SignIn("administrator1")
		if a := admin.Post(
			"/admin/site", "site", "Plant Ghent", "zone", c.zone,
		); a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", c.zone, a.Status, a.Text("[role=alert]"))
		}
		for _, at := range c.entries {
			moment, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			s.Clock.Move(moment.Sub(s.Clock.Now()))
			if err := s.Store.Record(t.Context(), packaging.Entry{
				TenantID: s.Tenant("ghent").ID, By: s.Person("supervisor1").Author, Deed: packaging.Exported, Object: at,
			}); err != nil {
				t.Fatal(err)
			}
		}
		b, shown := s.SignIn("manager1"), ""
		for span, want := range c.counts {
			from, to, _ := strings.Cut(span, " ")
			page := b.Get("/history?deed=exported&person=supervisor1&from=" + from + "&to=" + to)
			if got := len(page.All(".history tbody tr:not(.day)")); got != want {
				t.Errorf("%s, %s: %d entries, want %d", c.zone, span, got, want)
			}
			shown += page.Body
		}
		if !strings.Contains(shown, c.shows) {
			t.Errorf("%s: no time has %s", c.zone, c.shows)
		}
	}
	b := s.SignIn("manager1")
	if page := b.Get("/history?from=2027-02-29"); page.Status == http.StatusOK &&
		!strings.Contains(page.Text("main"), "2027-02-29") {
		t.Errorf("a day that is none: %d %s", page.Status, page.Text("main"))
	}
}

func TestTheHistoryOfAShiftIsItsHoursOnTheNightWhenTheClockIsChangedToo(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	for _, at := range []string{
		"2027-03-27T20:59:58Z", "2027-03-27T21:00:00Z", "2027-03-28T03:59:58Z", "2027-03-28T04:00:00Z",
		"2027-03-28T20:30:00Z",
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Move(moment.Sub(s.Clock.Now()))
		if err := s.Store.Record(t.Context(), packaging.Entry{
			TenantID: s.Tenant("ghent").ID, By: s.Person("supervisor1").Author, Deed: packaging.Exported, Object: at,
		}); err != nil {
			t.Fatal(err)
		}
	}
	b := s.SignIn("manager1")
	for query, want := range map[string][]string{
		// seven hours
		"shift=Night&day=2027-03-27":                     {"2027-03-28T03:59:58Z", "2027-03-27T21:00:00Z"},
		"shift=night&day=2027-03-27&to=2027-03-28T00:00": {"2027-03-27T21:00:00Z"},
		"shift=Late&day=2027-03-27":                      {"2027-03-27T20:59:58Z"},
		"shift=Early&day=2027-03-28":                     {"2027-03-28T04:00:00Z"},
		// the one that runs
		"shift=Night": {"2027-03-28T20:30:00Z"},
		"shift=Early": {"2027-03-28T04:00:00Z"}, // the last one
		// from 23:00Z to 22:00Z
		"day=2027-03-28": {"2027-03-28T20:30:00Z", "2027-03-28T04:00:00Z", "2027-03-28T03:59:58Z"},
		"day=2027-03-27&from=2027-03-27T22:00&deed=exported": {"2027-03-27T21:00:00Z"},
	} {
		rows, err := csv.NewReader(
			strings.NewReader(b.Get("/history.csv?deed=exported&person=supervisor1&" + query).Body),
		).ReadAll()
		if err != nil || len(rows) == 0 {
			t.Fatalf("%s: %v", query, err)
		}
		object := slices.Index(rows[0], "object")
		var got []string
		for _, row := range rows[1:] {
			got = append(got, row[object])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the file has %q, want %q", query, got, want)
		}
		if n := len(
			b.Get("/history?deed=exported&person=supervisor1&" + query).All(".history tbody tr:not(.day)"),
		); n != len(want) {
			t.Errorf("%s: the page has %d entries, want %d", query, n, len(want))
		}
	}

	page := b.Get("/history?shift=Night&person=supervisor1")
	if chip := page.Text(
		"ul.chips a[aria-label^='Remove the filter Shift']",
	); !strings.Contains(chip, "Night · Sun 2027-03-28") || !strings.Contains(chip, "22:00–06:00") {
		t.Errorf("of the latest shift it says %q", chip)
	}
	if file := page.Attr("a[download]", "href"); !strings.Contains(file, "day=2027-03-28") {
		t.Errorf("the file of what is shown is %q", file)
	}
	b.Get("/history.csv?shift=Night")
	if e := s.History()[0]; e.New != "day=2027-03-28&shift=Night" {
		t.Errorf("the export is recorded as of %q", e.New)
	}
	if a := b.Post(
		"/history/views", "name", "The night", "query", "shift=Night&exceptions=1",
	); a.Header.Get("Location") != "/history?exceptions=1&shift=Night" {
		t.Errorf("a view of the latest night leads to %q", a.Header.Get("Location"))
	}
	if to := b.Get("/shifts/2027-03-27/Night").Attr(
		".tools a[href^='/history']", "href",
	); to != "/history?day=2027-03-27&shift=Night" {
		t.Errorf("from its report the history is %q", to)
	}
	for query, want := range map[string]struct {
		page, file int
		says       string
	}{
		"shift=Afternoon":                 {200, 404, "There is no shift “Afternoon” then."},
		"shift=Night&day=2026-11-01":      {200, 404, "There is no shift “Night” then."}, // before the first plan
		"shift=Night&day=2027-02-30":      {400, 400, "“2027-02-30” is no day."},
		"day=x":                           {400, 400, "“x” is no day."},
		"shift=" + strings.Repeat("N", 9): {200, 404, "There is no shift"},
	} {
		page, file := b.Get("/history?"+query), b.Get("/history.csv?"+query)
		if page.Status != want.page || file.Status != want.file || !strings.Contains(page.Text(".problem"), want.says) {
			t.Errorf("%s: %d and %d, %q", query, page.Status, file.Status, page.Text(".problem"))
		}
	}
}

func TestAPageOfTheHistoryIsToldHowManyEntriesCameSince(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	record := func(line string, n int) {
		for range n {
			if err := s.Store.Record(t.Context(), packaging.Entry{
				TenantID: s.Tenant("ghent").ID, By: s.Person("supervisor1").Author, Deed: packaging.Exported,
				LineCode: line,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	record("L1", 1)
	b := s.SignIn("auditor1")
	asks := map[string]string{}
	for _, query := range []string{
		"", "?deed=exported", "?deed=exported&line=L2", "?shift=Early&line=L1", "?q=nothing+has+it",
	} {
		asks[query] = b.Get("/history"+query).Attr("[data-topics=history]", "data-live")
		if a := b.Get(asks[query]); a.Status != http.StatusOK || a.Text(".news") != "" {
			t.Errorf("%q: %d, before anything is new it says %q", asks[query], a.Status, a.Text(".news"))
		}
	}
	record("L1", 2)
	record("L2", 1)
	for query, want := range map[string]string{
		"": "3 new entries", "?deed=exported": "3 new entries", "?deed=exported&line=L2": "1 new entry",
		"?shift=Early&line=L1": "2 new entries", "?q=nothing+has+it": "",
	} {
		a := b.Get(asks[query])
		if says := a.Text(".news"); says != want || want != "" &&
			a.Attr(".news", "href") != "/history"+strings.ReplaceAll(
				query, "?shift=Early&line=L1", "?line=L1&shift=Early",
			) {
			t.Errorf("%q says %q, want %q, and leads to %q", query, says, want, a.Attr(".news", "href"))
		}
	}
	record("L1", 200)
	if says := b.Get(asks[""]).Text(".news"); says != "More than 99 new entries" {
		t.Errorf("of many it says %q", says)
	}
	for _, still := range []string{
		"?before=5", "?to=2026-11-22T00:00", "?day=2026-11-22", "?shift=Early&day=2026-11-22",
	} {
		if b.Get("/history"+still).Attr("[data-topics=history]", "data-live") != "" {
			t.Errorf("nothing new comes to %s, and it asks for it", still)
		}
	}
	for _, wrong := range []string{"after=x", "after=-1", "day=x", "serial=none", "q=" + strings.Repeat("x", 1001)} {
		if a := b.Get("/history/new?" + wrong); a.Status != http.StatusBadRequest {
			t.Errorf("%.20s: %d", wrong, a.Status)
		}
	}
}

func TestASearchOfTheHistoryHasEightWordsAtMost(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("manager1")
	words := func(n int) string { return url.QueryEscape(strings.TrimSpace(strings.Repeat("a ", n))) }
	if a := b.Get("/history?q=" + words(8)); a.Status != http.StatusOK {
		t.Errorf("eight words: %d", a.Status)
	}
	for _, path := range []string{"/history?q=", "/history.csv?q="} {
		if a := b.Get(path + words(284)); a.Status != http.StatusBadRequest {
			t.Errorf("%s with 284 words: %d", path, a.Status)
		}
	}
	if a := b.Get("/history?q=" + words(9)); !strings.Contains(a.Text("main"), "At most 8 words") {
		t.Errorf("the page does not say why")
	}
}

func TestADateIsTypedAsThePageWritesDates(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	b.Post("/language", "language", "de")
	for path, want := range map[string]string{
		"day=23.11.2026": "23.11.2026", "day=2026-11-23": "23.11.2026", "day=23/11/2026": "23.11.2026",
		"day=2026.+11.+23.": "23.11.2026",
	} {
		page := b.Get("/history?" + path)
		if page.Status != http.StatusOK || page.Attr("#day", "value") != want ||
			len(page.All(".history tbody tr")) == 0 {
			t.Errorf("%s: %d, the field has %q", path, page.Status, page.Attr("#day", "value"))
		}
	}
	page := b.Get("/history?from=23.11.2026+6:30")
	if page.Status != http.StatusOK || page.Attr("#from", "value") != "23.11.2026 06:30" ||
		page.Attr("#from", "placeholder") != "TT.MM.JJJJ hh:mm" {
		t.Errorf("from: %d %q", page.Status, page.Attr("#from", "value"))
	}
	if a := b.Get("/history?day=11/23/2026"); a.Status != http.StatusBadRequest {
		t.Errorf("a month first: %d", a.Status)
	}
}
