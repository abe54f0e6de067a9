package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/site"
)

// ear is an open stream of events.
type ear struct {
	events chan string // "changed line/1", without versions; closed when the stream ends
	close  func()
}

// listen opens a stream of these topics.
func listen(t *testing.T, b *site.Browser, base string, topics ...packaging.Topic) *ear {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	query := ""
	for _, topic := range topics {
		query += "&t=" + string(topic)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/events?"+query[1:], nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Accept-Encoding", "gzip")
	answer, err := b.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" ||
		answer.Header.Get("Content-Encoding") != "" {
		t.Fatalf("the stream is answered with %d %v", answer.StatusCode, answer.Header)
	}
	e := &ear{make(chan string, 1000), cancel}
	go func() {
		defer close(e.events)
		defer answer.Body.Close()
		event := ""
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				event = name
			}
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && event != "beat" {
				topic, _, _ := strings.Cut(data, " ")
				e.events <- event + " " + topic
			}
		}
	}()
	return e
}

// next is the next event, "" when the stream has ended.
func (e *ear) next(t *testing.T) string {
	t.Helper()
	select {
	case event := <-e.events:
		return event
	case <-time.After(60 * time.Second):
		t.Fatal("nothing is told")
		return ""
	}
}

// heard are the events that have come.
func (e *ear) heard() (all []string) {
	for {
		select {
		case event := <-e.events:
			all = append(all, event)
		default:
			return all
		}
	}
}

// manyLines gives a tenant so many lines and returns them.
func manyLines(t *testing.T, s *site.Site, slug string, n int) []packaging.Line {
	t.Helper()
	setup := s.Setup(slug)
	for i := range n {
		setup.Lines = append(
			setup.Lines, packaging.Line{Code: fmt.Sprintf("M%02d", i), Name: fmt.Sprintf("Line M%02d", i)},
		)
	}
	if err := s.Store.Provision(t.Context(), db.Site{setup}); err != nil {
		t.Fatal(err)
	}
	lines, err := s.Store.Lines(t.Context(), packaging.Everything(s.Tenant(slug).ID))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(lines, func(l packaging.Line) bool { return !strings.HasPrefix(l.Code, "M") })
}

// change changes what stands on a line.
func change(t *testing.T, s *site.Site, tenant packaging.TenantID, l packaging.Line, lot string) {
	t.Helper()
	_, err := s.Store.ApplyRefresh(t.Context(), tenant, packaging.Refresh{
		Started: s.Clock.Now(),
		Listed: []packaging.Facts{{
			Key: "of " + l.Code, LineCode: l.Code, Lot: lot, Status: packaging.PendingRelease, Raw: []byte("{}"),
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEachOf200StreamsIsToldOfItsLineAndNothingOfAnotherOrAnotherTenant(t *testing.T) {
	t.Parallel()
	const lines, streams, rounds = 10, 10, 3 // lines of a tenant, streams of a line
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "operator-b", "supervisor-b")
	before := runtime.NumGoroutine()
	type one struct {
		tenant packaging.TenantID
		line   packaging.Line
		ears   []*ear
	}
	var all []one
	for slug, people := range map[string][2]string{
		"ghent": {"operator1", "supervisor1"}, "basel": {"operator-b", "supervisor-b"},
	} {
		for _, l := range manyLines(t, s, slug, lines) {
			o := one{tenant: s.Tenant(slug).ID, line: l}
			var b *site.Browser
			for i := range streams {
				if i%5 == 0 { // a browser has few of them
					b = s.SignIn(people[i/5])
				}
				o.ears = append(o.ears, listen(t, b, s.Web.URL, packaging.LineTopic(l.ID)))
			}
			all = append(all, o)
		}
	}
	told := func(o one) string { return "changed " + string(packaging.LineTopic(o.line.ID)) }
	for _, o := range all {
		for _, e := range o.ears {
			if got := e.next(t); got != told(o) {
				t.Fatalf("a stream begins with %q", got)
			}
		}
	}
	for round := range rounds {
		for _, o := range all {
			change(t, s, o.tenant, o.line, fmt.Sprint("LOT", round))
			for _, e := range o.ears {
				if got := e.next(t); got != told(o) {
					t.Fatalf("%s: %q is told", o.line.Code, got)
				}
			}
		}
	}
	for _, o := range all {
		for _, e := range o.ears {
			if more := e.heard(); len(more) > 0 {
				t.Errorf("%s of tenant %d: told as well: %s", o.line.Code, o.tenant, more)
			}
			e.close()
		}
	}
	for limit := time.Now().Add(60 * time.Second); s.Hub.Subscribers() > 0 ||
		runtime.NumGoroutine() > before+100; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf(
				"%d streams and %d goroutines are left, %d before", s.Hub.Subscribers(), runtime.NumGoroutine(), before,
			)
		}
	}
}

func TestOnePersonHoldsFewStreams(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	topic := packaging.OrdersTopic
	b := s.SignIn("operator1")
	var open []*ear
	for range 8 {
		open = append(open, listen(t, b, s.Web.URL, topic))
	}
	b.Header.Set("Accept", "text/event-stream")
	b.Client.Timeout = time.Minute // a stream has no end
	if a := b.Get("/events?t=" + string(topic)); a.Status != http.StatusServiceUnavailable {
		t.Errorf("a ninth stream: %d", a.Status)
	}
	b.Client.Timeout = 0
	listen(t, s.SignIn("operator1"), s.Web.URL, topic)
	open[0].close()
	for s.Hub.Subscribers() != 8 {
		time.Sleep(5 * time.Millisecond)
	}
	listen(t, b, s.Web.URL, topic)
}

func TestOnePersonHolds256StreamsInAllTheirBrowsers(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	topic := packaging.OrdersTopic
	for range 256 / 8 {
		b := s.SignIn("operator1")
		for range 8 {
			listen(t, b, s.Web.URL, topic)
		}
	}
	further := s.SignIn("operator1")
	further.Client.Timeout = time.Minute // a stream has no end
	further.Header.Set("Accept", "text/event-stream")
	if a := further.Get("/events?t=" + string(topic)); a.Status != http.StatusServiceUnavailable ||
		a.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %d, Retry-After %q", a.Status, a.Header.Get("Retry-After"))
	}
	listen(t, s.SignIn("supervisor1"), s.Web.URL, topic)
}

func TestAStreamEndsWithItsSessionAndDoesNotKeepItAlive(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	out, idle, demoted := s.SignIn("operator1"), s.SignIn("auditor1"), s.SignIn("supervisor1")
	ears := map[*site.Browser]*ear{}
	for _, b := range []*site.Browser{out, idle, demoted} {
		ears[b] = listen(t, b, s.Web.URL, packaging.OrdersTopic)
		ears[b].next(t)
	}
	ends := func(b *site.Browser) {
		t.Helper()
		for got := ears[b].next(t); got != "over -"; got = ears[b].next(t) {
			if got == "" {
				t.Fatal("the stream ends without a word")
			}
		}
		if got := ears[b].next(t); got != "" {
			t.Errorf("after its end: %q", got)
		}
	}
	out.Post("/logout")
	ends(out)

	person := s.Person("supervisor1")
	if err := s.Store.Provision(
		t.Context(),
		db.Site{
			s.Setup(
				"ghent",
				db.PersonSetup{
					Username: person.Username, FullName: person.FullName, Role: packaging.Operator,
					Password: secret.New(site.Password),
				},
			),
		},
	); err != nil {
		t.Fatal(err)
	}
	ends(demoted)

	// What a page asks for by itself does not count as use.
	idle.Header.Set("Lineboard-Unasked", "1")
	s.Clock.Move(90 * time.Minute)
	if a := idle.Get("/fresh"); a.Status != http.StatusOK {
		t.Fatalf("after 90 minutes: %d", a.Status)
	}
	s.Clock.Move(31 * time.Minute)
	ends(idle)
	if a := idle.Get("/fresh"); a.Status != http.StatusSeeOther {
		t.Errorf("after two hours without use: %d", a.Status)
	}
}

func TestWhereNoStreamIsAskedForTheVersionsAreTheAnswer(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("operator1")
	ask := func() []string { t.Helper(); return strings.Split(b.Get("/events?t=orders&t=fresh").Body, "\n") }
	before := ask()
	s.Refresh()
	if after := ask(); len(after) != 3 || after[0] != before[0] || after[1] == before[1] {
		t.Errorf("before a refresh that found nothing new %q, after it %q", before, after)
	}
	for path, want := range map[string]int{
		"/events": http.StatusBadRequest, "/events?" + strings.Repeat("t=a&", 16): http.StatusBadRequest,
	} {
		if a := b.Get(path); a.Status != want {
			t.Errorf("%s: %d, want %d", path, a.Status, want)
		}
	}
	if a := s.Browser().Get("/events?t=orders"); a.Status != http.StatusSeeOther {
		t.Errorf("to somebody who is not signed in: %d", a.Status)
	}
}
