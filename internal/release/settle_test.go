package release_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/release"
)

// ledger is a store of unknown releases.
type ledger struct {
	mu       sync.Mutex
	orders   map[packaging.OrderID]packaging.Order
	settled  map[packaging.OrderID]packaging.Settlement
	says     []string
	running  bool             // In progress was seen
	missing  *packaging.Order // its list is missing
	filled   []string
	recorded []packaging.Entry
	reads    error // of Unsettled
	settles  error // of SettleByStatus
	notes    error // of what a question came to
	fills    error // of FillList
}

// unknown is a ledger with one order whose release ended now for a reason.
func unknown(reason packaging.Reason) *ledger {
	return &ledger{
		orders: map[packaging.OrderID]packaging.Order{7: {
			ID: 7, TenantID: 1, Facts: packaging.Facts{Key: "Order143"},
			Release: &packaging.Release{
				ID: 9, Outcome: packaging.Unknown, Reason: reason, Requested: time.Now(), Answered: time.Now(),
			},
		}},
		settled: map[packaging.OrderID]packaging.Settlement{},
	}
}

// settlements is what was settled so far.
func (l *ledger) settlements() map[packaging.OrderID]packaging.Settlement {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.settled)
}

func (l *ledger) Unsettled(context.Context) (all []packaging.Order, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reads != nil {
		return nil, l.reads
	}
	for id, o := range l.orders {
		if _, settled := l.settled[id]; !settled {
			all = append(all, o)
		}
	}
	return all, nil
}

func (l *ledger) Order(_ context.Context, _ packaging.Scope, id packaging.OrderID) (packaging.Order, error) {
	return l.orders[id], nil
}

func (l *ledger) NoteAsked(_ context.Context, _ packaging.Order, says string, _ time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.says = append(l.says, says)
	return l.notes
}

func (l *ledger) SettleByStatus(_ context.Context, o packaging.Order, s packaging.Settlement) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.settles != nil {
		return l.settles
	}
	l.settled[o.ID] = s
	return nil
}

func (l *ledger) WithoutList(context.Context) (all []packaging.Order, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.missing != nil {
		all = append(all, *l.missing)
	}
	return all, nil
}

func (l *ledger) SeenRunning(context.Context, packaging.Order) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running, nil
}

func (l *ledger) FillList(_ context.Context, _ packaging.Order, details packaging.Facts) error {
	serials := details.Serials
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fills != nil {
		return l.fills
	}
	l.missing, l.filled = nil, serials
	return nil
}

func (l *ledger) Record(_ context.Context, e packaging.Entry) error {
	l.recorded = append(l.recorded, e)
	return nil
}

// cloud answers questions about orders, and keeps when it was asked.
type cloud struct {
	mu      sync.Mutex
	details func() (packaging.Facts, error)
	open    []packaging.Facts
	asked   []time.Time
}

func (c *cloud) Details(context.Context, string) (packaging.Facts, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, time.Now())
	return c.details()
}

func (c *cloud) Open(context.Context) ([]packaging.Facts, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		return nil, 0, &packaging.CallError{Reason: packaging.NotConnected}
	}
	return c.open, 0, nil
}

func (c *cloud) says(status packaging.Status, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.details = func() (packaging.Facts, error) {
		return packaging.Facts{Key: "Order143", Status: status, Serials: []string{"a"}}, err
	}
}

func settler(l *ledger, c *cloud) *release.Settler { return loggingSettler(l, c, &bytes.Buffer{}) }

func loggingSettler(l *ledger, c *cloud, log *bytes.Buffer) *release.Settler {
	return release.NewSettler(l, func(context.Context, packaging.TenantID) (release.StatusAPI, error) { return c, nil },
		release.DefaultPace, time.Now, slog.New(slog.NewTextHandler(log, nil)))
}

// running runs a settler for the rest of a bubble.
func running(t *testing.T, s *release.Settler) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

var gone = &packaging.CallError{Reason: packaging.NotConnected}

func TestWhatAStatusProves(t *testing.T) {
	list := packaging.Settlement{
		Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress, Serials: []string{"a"},
	}
	out := func(s packaging.Status) packaging.Settlement {
		return packaging.Settlement{Outcome: packaging.Released, Proof: s, Status: s, Serials: []string{"a"}}
	}
	not := func(s packaging.Status) packaging.Settlement {
		return packaging.Settlement{Outcome: packaging.Refused, Reason: packaging.StillPending, Proof: s, Status: s}
	}
	for _, test := range []struct {
		reason packaging.Reason
		status packaging.Status
		after  time.Duration // by when it is settled, 0 for never
		want   packaging.Settlement
	}{
		{packaging.Cut, packaging.InProgress, 3 * time.Second, list},
		{packaging.TimedOut, packaging.InProgress, 3 * time.Second, list},
		{packaging.Cut, packaging.Done, 3 * time.Second, out(packaging.Done)},
		// A line may have refused the order that the cloud pushed.
		{packaging.Cut, packaging.Suspended, 0, packaging.Settlement{}},
		// The other side may still be at it: a first "Pending release" proves nothing.
		{packaging.Cut, packaging.PendingRelease, 18 * time.Second, not(packaging.PendingRelease)},
		{packaging.Unreadable, packaging.Open, 18 * time.Second, not(packaging.Open)},
		{packaging.TimedOut, packaging.PendingRelease, 18 * time.Second, not(packaging.PendingRelease)},
		{packaging.ServerError, packaging.PendingRelease, 18 * time.Second, not(packaging.PendingRelease)},
		{packaging.Interrupted, packaging.PendingRelease, 18 * time.Second, not(packaging.PendingRelease)},
		{packaging.Cut, "Waiting for QA", 0, packaging.Settlement{}},
		{packaging.Cut, "", 0, packaging.Settlement{}},
	} {
		t.Run(string(test.reason)+" "+string(test.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, c := unknown(test.reason), &cloud{open: []packaging.Facts{}}
				c.says(test.status, nil)
				running(t, settler(l, c))
				if test.after > 0 {
					time.Sleep(test.after - 1500*time.Millisecond)
					if _, early := l.settlements()[7]; early {
						t.Error("settled too early")
					}
					time.Sleep(1500 * time.Millisecond)
				} else {
					time.Sleep(time.Hour)
				}
				synctest.Wait()
				got, settled := l.settlements()[7]
				if settled != (test.after > 0) {
					t.Fatalf("settled %v", settled)
				}
				if test.want.Outcome == packaging.Refused && time.Since(got.Since) < release.DefaultPace.Doubt {
					t.Errorf("settled though it was first said at %v", got.Since)
				}
				got.Since = time.Time{}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		})
	}
}

func TestHowLateAStatusWasSeenDoesNotDependOnWhatTheClockWasSetTo(t *testing.T) {
	pending := packaging.Settlement{
		Outcome: packaging.Refused, Reason: packaging.StillPending, Proof: packaging.PendingRelease,
		Status: packaging.PendingRelease,
	}
	for name, set := range map[string]time.Duration{"forward": 24 * time.Hour, "back": -24 * time.Hour} {
		for how, askAt := range map[string]func(*testing.T, *release.Settler, time.Duration){
			"by itself": func(t *testing.T, s *release.Settler, d time.Duration) {
				if d == 0 {
					running(t, s)
				}
			},
			"by a person": func(t *testing.T, s *release.Settler, _ time.Duration) {
				if err := s.Ask(t.Context(), supervisor, 7); err != nil {
					t.Error(err)
				}
			},
		} {
			t.Run(name+", asked "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l, c := unknown(packaging.TimedOut), &cloud{}
					// the call has ended only just, and then the clock was set
					l.orders[7].Release.Answered = time.Now().Add(-set)
					c.says(packaging.PendingRelease, nil)
					s := settler(l, c)
					askAt(t, s, 0)
					time.Sleep(14 * time.Second)
					askAt(t, s, 14*time.Second)
					if got := l.settlements(); len(got) != 0 {
						t.Fatalf("settled while the call may still be carried out: %+v", got)
					}
					time.Sleep(4 * time.Second)
					askAt(t, s, 18*time.Second)
					synctest.Wait()
					got := l.settlements()[7]
					got.Since = time.Time{}
					if diff := cmp.Diff(pending, got); diff != "" {
						t.Errorf("(-want +got)\n%s", diff)
					}
				})
			})
		}
	}
}

func TestDoubtCountsFromTheFirstAnswerAfterTheLastQuestionThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.TimedOut), &cloud{}
		s := settler(l, c)
		ask := func(status packaging.Status, err error) {
			t.Helper()
			c.says(status, err)
			if err := s.Ask(t.Context(), supervisor, 7); err != nil {
				t.Fatal(err)
			}
		}
		ask("", gone)
		time.Sleep(time.Hour)
		ask(packaging.PendingRelease, nil) // the API is back, and has the release still to do
		if got := l.settlements(); len(got) != 0 {
			t.Fatalf("settled by the first answer: %+v", got)
		}
		time.Sleep(14 * time.Second)
		ask("", gone)
		time.Sleep(14 * time.Second)
		ask(packaging.PendingRelease, nil)
		time.Sleep(14 * time.Second)
		ask(packaging.PendingRelease, nil)
		if got := l.settlements(); len(got) != 0 {
			t.Fatalf("settled over a question that failed: %+v", got)
		}
		first := time.Now().Add(-14 * time.Second)
		time.Sleep(time.Second)
		ask(packaging.PendingRelease, nil)
		if got := l.settlements()[7]; got.Outcome != packaging.Refused || !got.Since.Equal(first) {
			t.Errorf("settled %+v, want since %v", got, first)
		}
	})
}

func TestAnOrderThatWasSeenInProgressWasOutWhateverItsStatusIsNow(t *testing.T) {
	for _, now := range []packaging.Status{
		packaging.Suspended, packaging.PendingRelease, packaging.Open, "Waiting for QA",
	} {
		synctest.Test(t, func(t *testing.T) {
			l, c := unknown(packaging.Cut), &cloud{}
			l.running = true
			c.says(now, nil)
			running(t, settler(l, c))
			time.Sleep(3 * time.Second)
			want := packaging.Settlement{
				Outcome: packaging.Released, Proof: packaging.InProgress, Status: now, Serials: []string{"a"},
			}
			if diff := cmp.Diff(want, l.settlements()[7]); diff != "" {
				t.Errorf("%s (-want +got)\n%s", now, diff)
			}
		})
	}
}

func TestAfterAContradictionPendingReleaseIsNoSignAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.StatusContradicts), &cloud{}
		l.orders[7].Release.Contradicted = time.Now()
		c.says(packaging.PendingRelease, nil)
		running(t, settler(l, c))
		time.Sleep(time.Hour)
		if got := l.settlements(); len(got) != 0 {
			t.Errorf("settled %+v", got)
		}
	})
}

func TestAMissingListIsAskedForUntilItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.Cut), &cloud{}
		o := l.orders[7]
		l.orders = nil
		o.Release.Outcome, o.Release.Reason, o.Release.Proof, o.Release.Settled = packaging.Released, "", packaging.ByStatus, time.Now()
		l.missing = &o
		c.details = func() (packaging.Facts, error) {
			return packaging.Facts{Key: "Order143", Status: packaging.InProgress}, nil
		}
		s := settler(l, c)
		pass := func(d time.Duration) { // a look each minute: eleven days of two a second take half a minute
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Minute) {
				if err := s.AskDue(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		pass(10 * 24 * time.Hour)
		c.mu.Lock()
		asked := len(c.asked)
		c.mu.Unlock()
		if asked < 30 || asked > 100 {
			t.Errorf("asked %d times in 10 days", asked)
		}
		c.says(packaging.Done, nil)
		pass(27 * time.Hour)
		l.mu.Lock()
		defer l.mu.Unlock()
		if diff := cmp.Diff([]string{"a"}, l.filled); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestAnAnswerIsAsOldAsItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.TimedOut), &cloud{}
		c.details = func() (packaging.Facts, error) {
			time.Sleep(14 * time.Second)
			return packaging.Facts{Key: "Order143", Status: packaging.PendingRelease}, nil
		}
		s := settler(l, c)
		for range 3 { // after 0, 14 and 28 s; the first answer comes after 14 s
			if err := s.Ask(t.Context(), supervisor, 7); err != nil || len(l.settlements()) != 0 {
				t.Fatalf("%v, settled %+v", err, l.settlements())
			}
		}
		if err := s.Ask(t.Context(), supervisor, 7); err != nil || len(l.settlements()) != 1 {
			t.Errorf("%v, settled %+v", err, l.settlements())
		}
	})
}

func TestTheAPIIsAskedSoonThenEveryFewMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c, start := unknown(packaging.Cut), &cloud{}, time.Now()
		c.says("", gone)
		running(t, settler(l, c))
		time.Sleep(20 * time.Minute)
		l.mu.Lock()
		c.mu.Lock()
		defer c.mu.Unlock()
		defer l.mu.Unlock()
		for i, want := range []time.Duration{
			2 * time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 4 * time.Minute, 7 * time.Minute,
			10 * time.Minute,
		} {
			if i >= len(c.asked) {
				t.Fatalf("asked %d times in 20 minutes", len(c.asked))
			}
			if at := c.asked[i].Sub(start); at < want*8/10 || at > want*13/10+time.Second {
				t.Errorf("question %d after %v, want about %v", i+1, at, want)
			}
		}
		if len(l.says) != len(c.asked) || l.says[0] != string(packaging.NotConnected) {
			t.Errorf("kept %v", l.says)
		}
	})
}

func TestWhereDetailsFailTheListOfOpenOrdersTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.Cut), &cloud{
			open: []packaging.Facts{{Key: "Order14"}, {Key: "Order143", Status: packaging.PendingRelease}},
		}
		c.says("", &packaging.CallError{Reason: packaging.ServerError})
		running(t, settler(l, c))
		time.Sleep(18 * time.Second)
		if s := l.settlements()[7]; s.Outcome != packaging.Refused {
			t.Errorf("settled %+v", s)
		}
	})
}

func TestAnAnswerThatDoesNotSayWhichOrderItIsOfProvesNothing(t *testing.T) {
	for _, key := range []string{"", "Order144"} {
		synctest.Test(t, func(t *testing.T) {
			l, c := unknown(packaging.Cut), &cloud{
				open: []packaging.Facts{{Key: "Order144", Status: packaging.PendingRelease}},
			}
			c.details = func() (packaging.Facts, error) {
				return packaging.Facts{Key: key, Status: packaging.InProgress, Serials: []string{"a"}}, nil
			}
			running(t, settler(l, c))
			time.Sleep(time.Hour)
			l.mu.Lock()
			if len(l.settled) != 0 || len(l.says) == 0 || l.says[0] != string(packaging.Unreadable) {
				t.Errorf("details of %q: settled %+v, kept %v", key, l.settled, l.says)
			}
			l.mu.Unlock()
			c.mu.Lock()
			c.open = append(c.open, packaging.Facts{Key: "Order143", Status: packaging.PendingRelease})
			c.mu.Unlock()
			time.Sleep(10 * time.Minute)
			if s := l.settlements()[7]; s.Outcome != packaging.Refused || len(s.Serials) != 0 {
				t.Errorf("details of %q: by the list of open orders settled %+v", key, s)
			}
		})
	}
}

func TestAnOrderThatIsNotFoundProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.Cut), &cloud{open: []packaging.Facts{}}
		c.says("", &packaging.CallError{Reason: packaging.OrderNotFound})
		running(t, settler(l, c))
		time.Sleep(time.Hour)
		if len(l.settlements()) != 0 {
			t.Errorf("settled %+v", l.settlements())
		}
	})
}

func TestAStatusThatSettlesNothingIsAskedForAsSeldomAsAnyOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.Cut), &cloud{}
		l.orders[7].Release.Contradicted = time.Now() // Pending release is no sign, however long the API says so
		c.says(packaging.PendingRelease, nil)
		running(t, settler(l, c))
		time.Sleep(20 * time.Minute)
		if got := l.settlements(); len(got) != 0 {
			t.Errorf("settled %+v", got)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if n := len(c.asked); n < 5 || n > 12 {
			t.Errorf("asked %d times in 20 minutes", n)
		}
	})
}

func TestAListThatCanNotBeStoredIsStillMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c, log := unknown(packaging.Cut), &cloud{}, &bytes.Buffer{}
		o := l.orders[7]
		o.Release.Outcome, o.Release.Reason, o.Release.Proof = packaging.Released, "", packaging.ByStatus
		o.Release.Settled = time.Now()
		l.orders, l.missing, l.fills = map[packaging.OrderID]packaging.Order{7: o}, &o, errors.New("disk")
		c.says(packaging.InProgress, nil)
		s := loggingSettler(l, c, log)
		if err := s.Ask(t.Context(), supervisor, 7); !errors.Is(err, l.fills) {
			t.Errorf("asking gave %v", err)
		}
		l.fills = nil
		if err := s.Ask(t.Context(), supervisor, 7); err != nil || len(l.filled) != 1 {
			t.Errorf("asked again: %v, the list %q", err, l.filled)
		}
		if n := strings.Count(log.String(), "missing list came"); n != 1 {
			t.Errorf("the log says %s", log)
		}
	})
}

func TestOnceTheAPIAnswersAgainNothingWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.Cut), &cloud{}
		c.says("", gone)
		s := settler(l, c)
		running(t, s)
		time.Sleep(time.Hour)
		c.says(packaging.InProgress, nil)
		s.Wake(2) // another tenant's
		time.Sleep(time.Second)
		if len(l.settlements()) != 0 {
			t.Fatal("settled before its time")
		}
		s.Wake(1)
		time.Sleep(time.Second)
		if len(l.settlements()) != 1 {
			t.Error("not settled")
		}
	})
}

func TestOnlyWhatWasAskedAboutForAMinuteIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.Cut), &cloud{}
		c.says("", gone)
		s := settler(l, c)
		running(t, s)
		asked := func() int {
			time.Sleep(time.Second)
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.asked)
		}
		time.Sleep(20 * time.Second)
		if s.Wake(1); asked() != 3 { // the fourth question is due in a minute anyway
			t.Errorf("woken after 20 seconds: asked %d times", len(c.asked))
		}
		time.Sleep(50 * time.Second)
		if s.Wake(1); asked() != 5 {
			t.Errorf("woken after a minute: asked %d times", len(c.asked))
		}
	})
}

func TestLaterQuestionsKeepTheirGapWithinATenth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, c := unknown(packaging.Cut), &cloud{}
		c.says("", gone)
		running(t, settler(l, c))
		time.Sleep(10 * time.Hour)
		c.mu.Lock()
		defer c.mu.Unlock()
		shortest, longest := time.Hour, time.Duration(0)
		for i := 5; i < len(c.asked); i++ {
			gap := c.asked[i].Sub(c.asked[i-1])
			shortest, longest = min(shortest, gap), max(longest, gap)
		}
		last := release.DefaultPace.After[4] - release.DefaultPace.After[3]
		if shortest < last*9/10 || longest > last*11/10+time.Second || longest-shortest < last/20 {
			t.Errorf("gaps of %v to %v, want %v ± 10 %%", shortest, longest, last)
		}
	})
}

func TestWhatKeepsAReleaseUnsettledIsLogged(t *testing.T) {
	for name, test := range map[string]struct {
		ledger func(*ledger)
		answer error
		want   string // empty for nothing
	}{
		"it is settled": {func(*ledger) {}, nil, ""},
		"the releases can't be read": {
			func(l *ledger) { l.reads = errors.New("disk") }, nil, "unknown releases not asked about",
		},
		"the API does not answer": {func(*ledger) {}, gone, "release still unsettled"},
		"the outcome can't be stored": {
			func(l *ledger) { l.settles = errors.New("disk") }, nil, "release still unsettled",
		},
		"the program stops meanwhile":  {func(l *ledger) { l.reads = context.Canceled }, nil, ""},
		"a question is cut by the end": {func(*ledger) {}, context.Canceled, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, c, log := unknown(packaging.Cut), &cloud{}, &bytes.Buffer{}
			test.ledger(l)
			c.says(packaging.InProgress, test.answer)
			s := loggingSettler(l, c, log)
			ctx, end := context.WithCancel(t.Context())
			if errors.Is(l.reads, context.Canceled) {
				end()
			}
			if errors.Is(test.answer, context.Canceled) {
				c.details = func() (packaging.Facts, error) { end(); return packaging.Facts{}, ctx.Err() }
			}
			time.AfterFunc(10*time.Second, end)
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
			warned := strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), "level=ERROR")
			if warned != (test.want != "") || !strings.Contains(log.String(), test.want) {
				t.Errorf("%s: the log says %s", name, log)
			}
			settled := strings.Contains(log.String(), "release settled by its order's status")
			if settled != (name == "it is settled") {
				t.Errorf("%s: settled %v by the log %s", name, settled, log)
			}
		})
	}
}

func TestWhatAPersonLearnsWhoHasItAsked(t *testing.T) {
	for name, test := range map[string]struct {
		settles error
		want    packaging.Code // empty for no error
	}{
		"it is settled":            {nil, ""},
		"it was settled meanwhile": {packaging.Fail(packaging.Conflict, "obstacle.settled"), ""},
		"the outcome can't be stored": {
			packaging.Fail(packaging.Unavailable, "error.disk_full"), packaging.Unavailable,
		},
	} {
		l, c := unknown(packaging.Cut), &cloud{}
		l.settles = test.settles
		c.says(packaging.InProgress, nil)
		err := settler(l, c).Ask(t.Context(), supervisor, 7)
		if (err != nil) != (test.want != "") || err != nil && packaging.CodeOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the page shows is what was stored: that it could not be is told, whatever else went wrong.
func TestAPersonLearnsThatNothingCouldBeKeptOfTheirQuestion(t *testing.T) {
	for name, api := range map[string]func(*cloud) (release.StatusAPI, error){
		"the API does not answer": func(c *cloud) (release.StatusAPI, error) { c.says("", gone); return c, nil },
		"it says nothing":         func(c *cloud) (release.StatusAPI, error) { c.says("", nil); return c, nil },
		"it can't be asked":       func(*cloud) (release.StatusAPI, error) { return nil, errors.New("no key") },
	} {
		for _, full := range []bool{false, true} {
			l, c := unknown(packaging.Cut), &cloud{}
			if full {
				l.notes = packaging.Fail(packaging.Unavailable, "error.disk_full")
			}
			s := release.NewSettler(l,
				func(context.Context, packaging.TenantID) (release.StatusAPI, error) { return api(c) },
				release.DefaultPace, time.Now, slog.New(slog.DiscardHandler))
			if err := s.Ask(t.Context(), supervisor, 7); (err != nil) != full || len(l.says) != 1 {
				t.Errorf("%s, disk full %v: %v, kept %q", name, full, err, l.says)
			}
		}
	}
}

func TestAPersonMayHaveItAskedNow(t *testing.T) {
	l, c := unknown(packaging.Cut), &cloud{}
	c.says(packaging.InProgress, nil)
	s := settler(l, c)
	operator := supervisor
	operator.Role = packaging.Operator
	if err := s.Ask(t.Context(), operator, 7); packaging.CodeOf(err) != packaging.Forbidden || len(c.asked) != 0 {
		t.Errorf("an operator: %v", err)
	}
	if err := s.Ask(t.Context(), supervisor, 7); err != nil || len(l.settlements()) != 1 {
		t.Errorf("%v, settled %v", err, l.settlements())
	}
	if len(l.recorded) != 1 || l.recorded[0].Deed != packaging.ReleaseAsked || l.recorded[0].By.ID != supervisor.ID {
		t.Errorf("recorded %+v", l.recorded)
	}
	c.says("", gone)
	l.settled = map[packaging.OrderID]packaging.Settlement{}
	if err := s.Ask(t.Context(), supervisor, 7); err != nil || len(l.says) != 1 {
		t.Errorf("without an answer: %v, kept %v", err, l.says)
	}
}
