package orders_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/db"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// started arms and executes what is picked.
func started(t *testing.T, b *site.Browser, page site.Answer) site.Answer {
	t.Helper()
	armed := b.Get(page.Attr("a.release", "href"))
	return b.Post("/lines/L1/queue", "pick", armed.Attr("input[name=pick]", "value"))
}

func outcomes(s *site.Site) (all []string) {
	for _, r := range s.Box.Released() {
		all = append(all, r.OrderID)
	}
	return all
}

func TestAQueueReleasesItsOrdersOneAtATimeInTheChosenOrder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	under, most := 0, 0
	s := site.New(t, site.Options{
		Orders: handlerstest.RemoteOrders(
			"a", "Pending release", "b", "Pending release", "c", "Pending release", "d", "Pending release",
		),
		Handler: func(box *sandbox.Sandbox) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch {
					mu.Lock()
					under++
					most = max(most, under)
					mu.Unlock()
					defer func() { mu.Lock(); under--; mu.Unlock() }()
				}
				box.ServeHTTP(w, r)
			})
		},
	})
	b := s.SignIn("supervisor1")
	page := handlerstest.PickOrders(t, b, "c", "a", "d")
	page = b.Get(page.Attr(`a[aria-label="Move up d"]`, "href"))
	if diff := cmp.Diff([]string{"c", "d", "a"}, page.All("ol .key")); diff != "" {
		t.Fatalf("picked (-want +got)\n%s", diff)
	}
	page = b.Get(page.Attr("a.release", "href"))
	if got := page.Text("form.execute button"); got != "Release 3 orders to Blister line 1, one at a time" {
		t.Errorf("the second button says %q", got)
	}
	if a := b.Post("/lines/L1/queue", "pick", page.Attr("input[name=pick]", "value")); a.Status != http.StatusSeeOther {
		t.Fatalf("start: %d %s", a.Status, a.Text("main"))
	}
	ended(t, s)
	if diff := cmp.Diff([]string{"c", "d", "a"}, outcomes(s)); diff != "" || most != 1 {
		t.Errorf("released (-want +got), %d at once\n%s", most, diff)
	}
	if text := b.Get("/lines/L1/queue").Text(".queue"); !strings.Contains(
		text, "All orders of the sequence are released.",
	) {
		t.Errorf("the page says %q", text)
	}
	if e := s.History()[0]; e.Deed != packaging.QueueEnded || e.Reason != "done" {
		t.Errorf("history %+v", e)
	}
}

func TestAQueueStopsAtTheFirstOutcomeThatIsNotReleased(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before   func(*site.Site)
		says     string
		released []string
		marks    []string
	}{
		"refused": {
			func(s *site.Site) { s.Box.SetStatus("b", sandbox.Suspended) },
			"The sequence stopped: an order was not released, or its outcome is not known.",
			[]string{"a"},
			[]string{"Released", "Not released", "Not sent"},
		},
		"unknown": {
			func(s *site.Site) {
				s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "cut_after", Times: 1})
			},
			"The sequence stopped: an order was not released, or its outcome is not known.",
			[]string{"a"},
			[]string{"Outcome unknown", "Not sent", "Not sent"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := site.New(
				t,
				site.Options{
					Orders: handlerstest.RemoteOrders(
						"a", "Pending release", "b", "Pending release", "c", "Pending release",
					),
				},
			)
			b := s.SignIn("supervisor1")
			page := handlerstest.PickOrders(t, b, "a", "b", "c")
			test.before(s)
			if a := started(t, b, page); a.Status != http.StatusSeeOther {
				t.Fatalf("start: %d", a.Status)
			}
			ended(t, s)
			if diff := cmp.Diff(test.released, outcomes(s)); diff != "" {
				t.Errorf("released (-want +got)\n%s", diff)
			}
			after := b.Get("/lines/L1/queue")
			if text := after.Text(".queue"); !strings.Contains(text, test.says) {
				t.Errorf("the page says %q", text)
			}
			if diff := cmp.Diff(test.marks, after.All(".queue .mark > span")); diff != "" {
				t.Errorf("marks (-want +got)\n%s", diff)
			}
		})
	}
}

func TestAQueueReleasesNoOrderThatHasChangedSinceItWasStarted(t *testing.T) {
	t.Parallel()
	var s *site.Site
	var moves sync.Once
	s = site.New(t, site.Options{
		Orders: handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release", "c", "Pending release"),
		Handler: func(box *sandbox.Sandbox) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch {
					moves.Do(func() { // while the first one is being released
						moved, _ := box.Order("b")
						moved.LineCode, moved.LineName = "L2", "Bottle line 2"
						box.Put(moved)
						if err := s.Sync.Refresh(r.Context(), s.Tenant("ghent").ID); err != nil {
							t.Error(err)
						}
					})
				}
				box.ServeHTTP(w, r)
			})
		},
	})
	b := s.SignIn("supervisor1")
	if a := started(t, b, handlerstest.PickOrders(t, b, "a", "b", "c")); a.Status != http.StatusSeeOther {
		t.Fatalf("start: %d", a.Status)
	}
	ended(t, s)
	if diff := cmp.Diff([]string{"a"}, outcomes(s)); diff != "" {
		t.Errorf("released (-want +got)\n%s", diff)
	}
	if text := b.Get("/lines/L1/queue").Text(".queue"); !strings.Contains(
		text, "The sequence stopped: an order could not be released any more.",
	) {
		t.Errorf("the page says %q", text)
	}
	if e := s.History()[1]; e.Deed != packaging.ReleaseDeclined || e.OrderKey != "b" || e.Reason != "order_changed" {
		t.Errorf("history %+v", e)
	}
}

func TestAQueueIsStoppedByAPersonAndByARestart(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*testing.T, *site.Site, *site.Browser){
		"person": func(t *testing.T, _ *site.Site, b *site.Browser) {
			if a := b.Post("/lines/L1/queue/stop"); a.Status != http.StatusSeeOther {
				t.Errorf("stop: %d", a.Status)
			}
		},
		"restart": func(t *testing.T, s *site.Site, _ *site.Browser) {
			if err := s.Store.InterruptQueues(t.Context()); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			held := handlerstest.HoldReleases()
			s := site.New(t, site.Options{
				Orders:  handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release"),
				Handler: held.Handler,
			})
			b := s.SignIn("supervisor1")
			started(t, b, handlerstest.PickOrders(t, b, "a", "b"))
			held.Await(t)
			if text := b.Get("/lines/L1/queue").Text(".queue"); !strings.Contains(text, "1 of 2 releasing") {
				t.Errorf("the page says %q", text)
			}
			if a := s.SignIn("manager1").Post("/lines/L1/queue", "pick", "2.0"); a.Status != http.StatusConflict ||
				!strings.Contains(a.Text("main"), "runs on this line already") {
				t.Errorf("a second queue: %d %q", a.Status, a.Text("main"))
			}
			stop(t, s, b)
			held.LetGo()
			s.Releaser.Stop(t.Context())
			if diff := cmp.Diff([]string{"a"}, outcomes(s)); diff != "" {
				t.Errorf("released (-want +got)\n%s", diff)
			}
			for _, e := range s.History() {
				if e.Deed == packaging.QueueEnded && e.Reason != name {
					t.Errorf("ended by %s", e.Reason)
				}
			}
		})
	}
}

// stopped has its queue stopped by a person at the worst moment: when the next order's turn has come and it is not
// claimed yet.
type stopped struct {
	*db.DB
	by   packaging.Author
	over chan struct{} // closed when the queue has come to its end by itself
}

func (s stopped) AdvanceQueue(ctx context.Context, q packaging.Queue) (bool, error) {
	running, err := s.DB.AdvanceQueue(ctx, q)
	return running, errors.Join(err, s.DB.EndQueue(ctx, q, s.by, packaging.StopByPerson))
}

func (s stopped) EndQueue(ctx context.Context, q packaging.Queue, by packaging.Author, why packaging.QueueStop) error {
	defer close(s.over)
	return s.DB.EndQueue(ctx, q, by, why)
}

func TestAQueueThatIsStoppedBetweenTwoReleasesReleasesNoMore(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release")})
	store := stopped{s.Store, s.Person("manager1").Author, make(chan struct{})}
	q := release.NewQueuer(store, s.Releaser, slog.New(slog.DiscardHandler))
	a, b := s.Order("a"), s.Order("b")
	if err := q.Start(
		t.Context(), s.Person("supervisor1"), a.Line.ID, []packaging.QueuePick{{Order: a.ID}, {Order: b.ID}},
	); err != nil {
		t.Fatal(err)
	}
	<-store.over
	if diff := cmp.Diff([]string{"a"}, outcomes(s)); diff != "" || s.Order("b").Release != nil {
		t.Errorf("released (-want +got)\n%s", diff)
	}
	if e := s.History()[0]; e.Deed != packaging.QueueEnded || e.Reason != "person" || e.By.Username != "manager1" {
		t.Errorf("after the stop, the history says %+v", e)
	}
}

func TestWhatAStoppedSequenceHasLeftIsDiscardedOnce(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release")})
	s.Box.SetStatus("a", sandbox.Suspended)
	b := s.SignIn("supervisor1")
	started(t, b, handlerstest.PickOrders(t, b, "a", "b"))
	ended(t, s)
	board := b.Get("/lines/L1")
	id := board.Values(".sequence [name=queue]")
	if len(id) != 1 {
		t.Fatalf("the board says %q of the sequence", board.Text(".sequence"))
	}
	if a := b.Post("/lines/L1/queue/discard", "queue", "999"); a.Status != http.StatusConflict {
		t.Errorf("another sequence: %d", a.Status)
	}
	for range 2 {
		if a := b.Post("/lines/L1/queue/discard", "queue", id[0]); a.Status != http.StatusSeeOther {
			t.Errorf("discard: %d %s", a.Status, a.Text("main"))
		}
	}
	if said := b.Get("/lines/L1").Text(".sequence"); said != "" {
		t.Errorf("after it is discarded the board says %q", said)
	}
	history := s.History()
	if e := history[0]; e.Deed != packaging.QueueDiscarded || e.By.Username != "supervisor1" ||
		history[1].Deed == packaging.QueueDiscarded {
		t.Errorf("the history says %+v, %+v", e, history[1])
	}
	if o := s.Order("b"); o.ReleaseObstacle() != packaging.NoObstacle {
		t.Errorf("what was left can't be released any more: %s", o.ReleaseObstacle())
	}
}

func TestAReleaseOfAQueueIsOfTheOrderWhoseTurnItIs(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release")})
	by, a, b := s.Person("supervisor1"), s.Order("a"), s.Order("b")
	q, err := s.Store.StartQueue(t.Context(), by, a.Line.ID, []packaging.QueuePick{{Order: a.ID}, {Order: b.ID}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Store.Claim(
		t.Context(), by, packaging.Press{Order: b.ID, Queue: q.ID},
	); !errors.Is(err, packaging.NotItsTurn) {
		t.Errorf("the second order before the first: %v", err)
	}
	if _, err := s.Store.Claim(t.Context(), by, packaging.Press{Order: a.ID, Queue: q.ID}); err != nil {
		t.Errorf("the first: %v", err)
	}
}

func TestWhatCanNotBeQueuedIsNotStarted(t *testing.T) {
	t.Parallel()
	all := handlerstest.RemoteOrders("a", "Pending release", "b", "Suspended", "c", "Pending release")
	all[2].LineCode, all[2].LineName = "L2", "Bottle line 2"
	s := site.New(t, site.Options{Orders: all})
	b := s.SignIn("supervisor1")
	for pick, want := range map[string]int{
		"": http.StatusBadRequest, "x": http.StatusBadRequest, "1": http.StatusBadRequest,
		"2.0": http.StatusConflict, "3.0": http.StatusConflict, "1.99": http.StatusConflict,
		"999.0": http.StatusNotFound,
	} {
		if a := b.Post("/lines/L1/queue", "pick", pick); a.Status != want {
			t.Errorf("%q: %d, want %d", pick, a.Status, want)
		}
	}
	if a := s.SignIn("operator1").Post("/lines/L1/queue", "pick", "1.0"); a.Status != http.StatusForbidden {
		t.Errorf("an operator: %d", a.Status)
	}
	if len(s.Box.Released()) != 0 {
		t.Errorf("released %v", outcomes(s))
	}
}

// ended waits until the line's queue has ended.
func ended(t *testing.T, s *site.Site) {
	t.Helper()
	tenant := s.Tenant("ghent").ID
	line, err := s.Store.Line(t.Context(), packaging.Everything(tenant), "L1")
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if q, err := s.Store.Queue(t.Context(), packaging.Everything(tenant), line.ID); err != nil || !q.Running() {
			return
		}
	}
	t.Fatal("the queue does not end")
}
