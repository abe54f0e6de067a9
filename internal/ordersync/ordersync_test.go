package ordersync_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/ordersync"
	"lineboard/internal/packaging"
)

// cache is a store in memory.
type cache struct {
	mu       sync.Mutex
	more     []packaging.Tenant // beside ghent
	cached   map[string]packaging.CachedOrder
	applied  []packaging.Refresh
	failures []*packaging.CallError
	reads    error // of Tenants
}

func (c *cache) Tenants(context.Context) ([]packaging.Tenant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]packaging.Tenant{{ID: 1, Slug: "ghent"}}, c.more...), c.reads
}

func (c *cache) CachedOrders(context.Context, packaging.TenantID) (map[string]packaging.CachedOrder, error) {
	return c.cached, nil
}

func (c *cache) ApplyRefresh(_ context.Context, _ packaging.TenantID, r packaging.Refresh) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.applied = append(c.applied, r)
	return true, nil
}

func (c *cache) RefreshFailed(
	_ context.Context, _ packaging.TenantID, _ time.Time, failure *packaging.CallError,
) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = append(c.failures, failure)
	return nil
}

// api is a remote API with a list and details.
type api struct {
	mu      sync.Mutex
	list    []packaging.Facts
	fails   error
	details map[string]packaging.Facts
	asked   []string
	atOnce  int
	most    int
}

func (a *api) Open(context.Context) ([]packaging.Facts, int, error) { return a.list, 0, a.fails }

func (a *api) Details(ctx context.Context, key string) (packaging.Facts, error) {
	a.mu.Lock()
	a.asked = append(a.asked, key)
	a.atOnce++
	a.most = max(a.most, a.atOnce)
	a.mu.Unlock()
	time.Sleep(time.Millisecond) // of the bubble's clock, so that calls overlap
	a.mu.Lock()
	defer a.mu.Unlock()
	a.atOnce--
	if f, ok := a.details[key]; ok {
		return f, nil
	}
	if key == "broken" {
		return packaging.Facts{}, &packaging.CallError{Reason: packaging.ServerError}
	}
	return packaging.Facts{}, &packaging.CallError{Reason: packaging.OrderNotFound}
}

func syncer(c *cache, a ordersync.API) *ordersync.Syncer { return syncerOf(c, a, 30*time.Second) }

func syncerOf(c *cache, a ordersync.API, interval time.Duration) *ordersync.Syncer {
	return ordersync.New(c, func(context.Context, packaging.TenantID) (ordersync.API, error) { return a, nil },
		interval, func(packaging.TenantID) {}, time.Now, slog.New(slog.DiscardHandler))
}

func complete(key string) packaging.Facts {
	return packaging.Facts{
		Key: key, LineCode: "L1", Product: "p", GTIN: "g", Lot: "l", Expiry: "e", Quantity: "1", ExtraPercent: "0",
		Status: packaging.Open,
	}
}

func TestDetailsAreAskedOnlyWhereSomethingIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bare := packaging.Facts{Key: "bare", Status: packaging.Open}
		statusless := complete("statusless")
		statusless.Status = ""
		asked := packaging.Facts{Key: "asked a minute ago", Status: packaging.Open}
		old := packaging.Facts{Key: "asked an hour ago", Status: packaging.Open}
		a := &api{
			list: []packaging.Facts{complete("whole"), bare, statusless, asked, old},
			details: map[string]packaging.Facts{
				"bare": {Key: "bare", Lot: "from details"}, "statusless": {Status: packaging.Suspended},
				"asked an hour ago": {}, "running": complete("running"),
			},
		}
		ago := func(d time.Duration) packaging.CachedOrder { return packaging.CachedOrder{Asked: time.Now().Add(-d)} }
		c := &cache{cached: map[string]packaging.CachedOrder{
			"whole": {}, "statusless": ago(0), "asked a minute ago": ago(time.Minute),
			"asked an hour ago": ago(time.Hour), "running": {}, "deleted": {}, "broken": {},
		}}
		if err := syncer(c, a).Refresh(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		slices.Sort(a.asked)
		if diff := cmp.Diff(
			[]string{"asked an hour ago", "bare", "broken", "deleted", "running", "statusless"}, a.asked,
		); diff != "" {
			t.Errorf("asked (-want +got)\n%s", diff)
		}
		r := c.applied[0]
		if r.Listed[1].Lot != "from details" || r.Listed[2].Status != packaging.Suspended {
			t.Errorf("details are not filled in: %+v", r.Listed)
		}
		if len(r.Unlisted) != 1 || r.Unlisted[0].Key != "running" || len(r.Gone) != 1 || r.Gone[0] != "deleted" {
			t.Errorf("unlisted %+v, gone %v", r.Unlisted, r.Gone)
		}
	})
}

func TestDetailsAreAskedAFewAtATimeAndTheLongestUnaskedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a := &cache{cached: map[string]packaging.CachedOrder{}}, &api{details: map[string]packaging.Facts{}}
		for i := range 120 {
			key := "order" + string(rune('A'+i))
			c.cached[key] = packaging.CachedOrder{Asked: time.Now().Add(time.Duration(i) * time.Second)}
			a.details[key] = complete(key)
		}
		if err := syncer(c, a).Refresh(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if len(a.asked) != 50 || a.most > 4 || a.most < 2 {
			t.Errorf("%d asked, %d at once", len(a.asked), a.most)
		}
		for i := range 50 {
			if !slices.Contains(a.asked, "order"+string(rune('A'+i))) {
				t.Errorf("order %d was not asked though it waits longer than others", i)
			}
		}
	})
}

func TestAFailedRefreshIsToldAndTakesNothingAway(t *testing.T) {
	for name, test := range map[string]struct {
		fails error
		want  packaging.Reason
	}{
		"the API says why": {
			&packaging.CallError{Reason: packaging.TimedOut, Message: "no answer"}, packaging.TimedOut,
		},
		"anything else": {errors.New("no credentials"), packaging.NotConfigured},
	} {
		c := &cache{cached: map[string]packaging.CachedOrder{"a": {}}}
		if err := syncer(c, &api{fails: test.fails}).Refresh(t.Context(), 1); err == nil {
			t.Errorf("%s: no error", name)
		}
		if len(c.applied) != 0 || len(c.failures) != 1 || c.failures[0].Reason != test.want {
			t.Errorf("%s: applied %v, failures %v", name, c.applied, c.failures)
		}
	}
}

func TestRunRefreshesAtOnceThenOnTheIntervalAndStopsWhenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cache{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- syncer(c, &api{}).Run(ctx) }()
		count := func() int {
			synctest.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.applied)
		}
		if n := count(); n != 1 {
			t.Errorf("%d refreshes at start", n)
		}
		time.Sleep(5 * time.Minute)
		if n := count(); n < 10 || n > 12 {
			t.Errorf("%d refreshes in five minutes", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stopped with %v", err)
		}
	})
}

func TestAnOrderThatRunsIsAskedAboutEachMinuteAndOneThatIsGoneEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
		running := func(key string) packaging.Facts {
			f := complete(key)
			f.Status = packaging.InProgress
			return f
		}
		done := complete("ends")
		done.Status = packaging.Done
		a := &api{
			list: []packaging.Facts{
				running("ends"), running("just asked"), running("asked before the clock was set back"),
				complete("open"),
			},
			details: map[string]packaging.Facts{"ends": done, "back": complete("back")},
		}
		c := &cache{cached: map[string]packaging.CachedOrder{
			"ends": {Asked: ago(61 * time.Second)}, "just asked": {Asked: ago(59 * time.Second)}, "open": {},
			"asked before the clock was set back": {Asked: ago(-24 * time.Hour)},
			"back":                                {Asked: ago(61 * time.Minute), Gone: true},
			"gone of late":                        {Asked: ago(59 * time.Minute), Gone: true},
		}}
		if err := syncer(c, a).Refresh(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		slices.Sort(a.asked)
		if diff := cmp.Diff([]string{"asked before the clock was set back", "back", "ends"}, a.asked); diff != "" {
			t.Errorf("asked (-want +got)\n%s", diff)
		}
		if r := c.applied[0]; r.Listed[0].Status != packaging.Done || !r.Listed[0].Detailed || len(r.Unlisted) != 1 ||
			r.Unlisted[0].Key != "back" {
			t.Errorf("listed %+v, unlisted %+v", r.Listed, r.Unlisted)
		}
	})
}

// slow is an API whose list takes a second, or until the caller gives up.
type slow struct {
	*api
	lists atomic.Int32
}

func (s *slow) Open(ctx context.Context) ([]packaging.Facts, int, error) {
	s.lists.Add(1)
	select {
	case <-time.After(time.Second):
		return s.api.Open(ctx)
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
}

func TestWhatDetailsSayIsKeptAndAListedOrderIsNeverGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listed := packaging.Facts{Key: "listed, and unknown to details", Status: packaging.Open}
		c := &cache{cached: map[string]packaging.CachedOrder{"deleted": {}, "broken": {}}}
		if err := syncer(c, &api{list: []packaging.Facts{listed}}).Refresh(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		r := c.applied[0]
		slices.Sort(r.Asked)
		if diff := cmp.Diff([]string{"broken", "deleted", listed.Key}, r.Asked); diff != "" {
			t.Errorf("kept as asked (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff([]string{"deleted"}, r.Gone); diff != "" {
			t.Errorf("gone (-want +got)\n%s", diff)
		}
	})
}

func TestTheTenantsMustBeReadAtTheStartAndMayFailLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := errors.New("disk")
		if err := syncer(&cache{reads: disk}, &api{}).Run(t.Context()); !errors.Is(err, disk) {
			t.Errorf("at the start: %v", err)
		}
		c := &cache{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- syncer(c, &api{}).Run(ctx) }()
		synctest.Wait()
		c.mu.Lock()
		c.reads = disk
		c.mu.Unlock()
		time.Sleep(time.Minute)
		cancel()
		if err := <-ended; err != nil || len(c.applied) < 2 {
			t.Errorf("later: %v, %d refreshes", err, len(c.applied))
		}
	})
}

func TestOnlyAnAPIThatAnswersIsSaidToAnswer(t *testing.T) {
	for _, fails := range []error{nil, &packaging.CallError{Reason: packaging.NotConnected}} {
		answered := 0
		s := ordersync.New(&cache{},
			func(context.Context, packaging.TenantID) (ordersync.API, error) { return &api{fails: fails}, nil },
			time.Hour, func(packaging.TenantID) { answered++ }, time.Now, slog.New(slog.DiscardHandler))
		if err := s.Refresh(t.Context(), 1); (err == nil) != (fails == nil) || (answered == 1) != (fails == nil) {
			t.Errorf("with %v: %v, answered %d times", fails, err, answered)
		}
	}
}

func TestATenantHasOneRefreshUnderWayThatAllShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a := &cache{}, &slow{api: &api{}}
		s := syncerOf(c, a, time.Hour)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := s.Refresh(t.Context(), 1); err != nil {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			if started, again, err := s.RefreshNow(t.Context(), 1); err != nil || again != 0 || started.IsZero() {
				t.Errorf("a person's: %v, %v, %v", started, again, err)
			}
		})
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := s.Refresh(impatient, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who does not wait gets %v", err)
		}
		all.Wait()
		if n := a.lists.Load(); n != 1 || len(c.applied) != 1 {
			t.Errorf("%d lists asked for, %d applied", n, len(c.applied))
		}
		if err := s.Refresh(t.Context(), 1); err != nil || a.lists.Load() != 2 {
			t.Errorf("the next one: %v, %d lists", err, a.lists.Load())
		}
	})
}

func TestPeopleRefreshATenantOnceInTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a := &cache{}, &slow{api: &api{}}
		s := syncerOf(c, a, time.Hour)
		press := func(tenant packaging.TenantID) time.Duration {
			t.Helper()
			_, again, err := s.RefreshNow(t.Context(), tenant)
			if err != nil {
				t.Fatal(err)
			}
			return again
		}
		if again := press(1); again != 0 {
			t.Fatalf("the first has to wait for %v", again)
		}
		time.Sleep(3 * time.Second)
		if again := press(1); again != 6*time.Second { // the refresh took one
			t.Errorf("again in %v", again)
		}
		if again := press(2); again != 0 {
			t.Errorf("another tenant has to wait for %v", again)
		}
		time.Sleep(5 * time.Second) // with the refreshes, ten since the first press
		if again := press(1); again != 0 {
			t.Errorf("after ten seconds: again in %v", again)
		}
		if n := a.lists.Load(); n != 3 {
			t.Errorf("%d lists asked for", n)
		}
	})
}

func TestAFailingTenantIsTriedSoonAndThenLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cache{}
		a := &api{fails: &packaging.CallError{Reason: packaging.Throttled}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		start := time.Now()
		go func() { ended <- syncerOf(c, a, 60*time.Second).Run(ctx) }()
		var tries []time.Duration
		for range 6 {
			n := len(tries)
			for {
				synctest.Wait()
				c.mu.Lock()
				more := len(c.failures) > n
				c.mu.Unlock()
				if more {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			tries = append(tries, time.Since(start))
		}
		for i, want := range []time.Duration{
			10 * time.Second, 20 * time.Second, 40 * time.Second, 60 * time.Second, 60 * time.Second,
		} {
			if gap := tries[i+1] - tries[i]; gap < want*9/10 || gap > want*11/10 {
				t.Errorf("after failure %d it waits for %v, want about %v", i+1, gap, want)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestATenantThatIsAddedLaterIsRefreshedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cache{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- syncer(c, &api{}).Run(ctx) }()
		synctest.Wait()
		c.mu.Lock()
		c.more = append(c.more, packaging.Tenant{ID: 2, Slug: "basel"})
		before := len(c.applied)
		c.mu.Unlock()
		time.Sleep(6 * time.Second)
		synctest.Wait()
		c.mu.Lock()
		if n := len(c.applied) - before; n != 1 {
			t.Errorf("%d refreshes within six seconds", n)
		}
		c.mu.Unlock()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestStoppingEndsARefreshThatAPersonBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, a := &cache{}, &slow{api: &api{}}
		s := syncerOf(c, a, time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(2 * time.Second)
		pressed := make(chan error)
		go func() {
			_, _, err := s.RefreshNow(t.Context(), 1)
			pressed <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-pressed; !errors.Is(err, context.Canceled) {
			t.Errorf("the person gets %v", err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(c.applied) != 1 || len(c.failures) != 0 {
			t.Errorf("%d refreshes applied, failures %v", len(c.applied), c.failures)
		}
	})
}
