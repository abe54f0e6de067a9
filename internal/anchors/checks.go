package anchors

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// Checks are the checks of histories that people ask for. A chain is verified while its person waits. Serial lists take
// minutes at a large site: they are compared in the background, one site after the other, once for all who ask
// meanwhile.
type Checks struct {
	verifier *Verifier
	record   func(context.Context, packaging.Entry) error
	changed  func(packaging.TenantID) // pages about the check are out of date
	now      func() time.Time
	log      *slog.Logger

	wake  chan struct{} // has room for one
	mu    sync.Mutex
	last  map[packaging.TenantID]packaging.HistoryCheck
	queue []packaging.TenantID // whose lists wait
}

// NewChecks returns Checks whose results record adds to the history. changed is called at most once a second while
// lists are compared, and at the end.
func NewChecks(
	verifier *Verifier, record func(context.Context, packaging.Entry) error, changed func(packaging.TenantID),
	now func() time.Time, log *slog.Logger,
) *Checks {
	return &Checks{
		verifier: verifier, record: record, changed: changed, now: now, log: log,
		wake: make(chan struct{}, 1), last: map[packaging.TenantID]packaging.HistoryCheck{},
	}
}

// Check verifies a tenant's history but for serial lists, records the verdict, and has the lists compared. It fails as
// [Verifier.Verify] does, or when the verdict can't be recorded.
func (c *Checks) Check(ctx context.Context, tenant packaging.Tenant, by packaging.Author) error {
	verdict, err := c.verifier.Verify(ctx, tenant.ID)
	if err != nil {
		return err
	}
	if !verdict.Whole() {
		c.log.Error("the history is not proven to be what it was", "tenant", tenant.Slug, "verdict", verdict.String())
	}
	if err := c.record(ctx, verified(tenant.ID, by, "history", verdict.String())); err != nil {
		return err
	}
	c.change(tenant.ID, func(last *packaging.HistoryCheck) {
		last.By, last.At, last.Verdict = by, c.now(), verdict
		if !last.Lists.Open() {
			last.Lists = packaging.ListCheck{By: by, Asked: last.At}
			c.queue = append(c.queue, tenant.ID)
		}
	})
	select {
	case c.wake <- struct{}{}:
	default: // it knows
	}
	return nil
}

func verified(tenant packaging.TenantID, by packaging.Author, object, result string) packaging.Entry {
	return packaging.Entry{TenantID: tenant, By: by, Deed: packaging.HistoryVerified, Object: object, New: result}
}

// Last returns the last check of a tenant's history.
func (c *Checks) Last(tenant packaging.TenantID) packaging.HistoryCheck {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last[tenant]
}

// change changes what is known of a tenant's check.
func (c *Checks) change(tenant packaging.TenantID, do func(*packaging.HistoryCheck)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last[tenant]
	do(&last)
	c.last[tenant] = last
}

// Run compares the serial lists that are asked for until ctx ends. Of those under way then it records how far they
// came.
func (c *Checks) Run(ctx context.Context) error {
	for {
		for tenant, ok := c.next(); ok; tenant, ok = c.next() {
			c.compare(ctx, tenant)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		}
	}
}

// next takes the next tenant from the queue.
func (c *Checks) next() (tenant packaging.TenantID, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return 0, false
	}
	tenant, c.queue = c.queue[0], c.queue[1:]
	return tenant, true
}

// compare compares the serial lists of a tenant, and records what came of it.
func (c *Checks) compare(ctx context.Context, tenant packaging.TenantID) {
	c.change(tenant, func(last *packaging.HistoryCheck) { last.Lists.Begun = c.now() })
	shown := time.Now()
	faults, err := c.verifier.VerifyLists(ctx, tenant, func(done, all int) {
		c.change(tenant, func(last *packaging.HistoryCheck) { last.Lists.Done, last.Lists.Lists = done, all })
		if now := time.Now(); now.Sub(shown) >= time.Second {
			shown = now
			c.changed(tenant)
		}
	})
	c.change(tenant, func(last *packaging.HistoryCheck) {
		last.Lists.Ended, last.Lists.Faults = c.now(), faults
		last.Lists.Stopped = err != nil && ctx.Err() != nil
		last.Lists.Failed = err != nil && ctx.Err() == nil
	})
	result := c.Last(tenant).Lists
	if !result.Whole() {
		c.log.Error(
			"serial lists are not proven to be what they were", "tenant", tenant, "result", result.String(), "err", err,
		)
	}
	entry := verified(tenant, result.By, "serial lists", result.String())
	if err := c.record(context.WithoutCancel(ctx), entry); err != nil {
		c.log.Error("a check of serial lists was not recorded", "tenant", tenant, "result", result.String(), "err", err)
	}
	c.changed(tenant)
}
