package ordersync_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/ordersync"
	"lineboard/internal/packaging"
)

// cache is a store that remembers what it was told.
type cache struct {
	mu       sync.Mutex
	cached   map[string]packaging.CachedOrder
	applied  []packaging.Refresh
	failures []*packaging.CallError
}

func (c *cache) Tenants(context.Context) ([]packaging.Tenant, error) {
	return []packaging.Tenant{{ID: 1, Slug: "ghent"}}, nil
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

func (c *cache) RefreshFailed(_ context.Context, _ packaging.TenantID, _ time.Time, failure *packaging.CallError) error {
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

func syncer(c *cache, a *api) *ordersync.Syncer {
	return ordersync.New(c, func(context.Context, packaging.TenantID) (ordersync.API, error) { return a, nil },
		30*time.Second, func(packaging.TenantID) {}, time.Now, slog.New(slog.DiscardHandler))
}

func complete(key string) packaging.Facts {
	return packaging.Facts{Key: key, LineCode: "L1", Product: "p", GTIN: "g", Lot: "l", Expiry: "e", Quantity: "1", ExtraPercent: "0", Status: packaging.Open}
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
				"bare": {Key: "bare", Lot: "from details"}, "statusless": {Status: packaging.Suspended}, "asked an hour ago": {}, "running": complete("running"),
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
		if diff := cmp.Diff([]string{"asked an hour ago", "bare", "broken", "deleted", "running", "statusless"}, a.asked); diff != "" {
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
		"the API says why": {&packaging.CallError{Reason: packaging.TimedOut, Message: "no answer"}, packaging.TimedOut},
		"anything else":    {errors.New("no credentials"), packaging.NotConfigured},
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
