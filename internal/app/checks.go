package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"lineboard/db"
	"lineboard/internal/anchors"
	"lineboard/internal/packaging"
)

// checks is what Lineboard finds out about its own data after a start.
type checks struct {
	store   *db.DB
	anchors string
	writer  *anchors.Writer
	halt    func(why error)
	again   time.Duration // until another check begins after one that could not end
	now     func() time.Time
	log     *slog.Logger

	mu    sync.Mutex
	state packaging.SelfCheck
}

// State returns what was found so far.
func (c *checks) State() packaging.SelfCheck {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := c.state
	if err := c.writer.Err(); err != nil {
		state.Unanchored = err.Error()
	}
	return state
}

// fault notes a fault. It stops releases.
func (c *checks) fault(note func(*packaging.SelfCheck)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	note(&c.state)
	c.log.Error("the data is faulty: releases are stopped",
		"schema", c.state.Schema, "damage", c.state.Damage, "histories", c.state.Broken)
	c.halt(packaging.Fail(packaging.Unavailable, "error.data_faulty"))
}

// schema compares the schema with this program's.
func (c *checks) schema(ctx context.Context) error {
	faults, err := c.store.SchemaFaults(ctx)
	if err == nil && len(faults) > 0 {
		c.fault(func(s *packaging.SelfCheck) { s.Schema = faults })
	}
	return err
}

// checkAgain is how long after a check that could not end another one begins, unless a test says otherwise.
const checkAgain = 5 * time.Second

// run reads the whole file and verifies all histories, once. While a check can't end, since a disk or a file can't be
// read, releases are stopped, and it begins again.
func (c *checks) run(ctx context.Context) error {
	for {
		found, err := c.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil && !found {
			c.lift()
		}
		if err == nil || found {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.state.Ended, c.state.Unchecked = c.now(), ""
			return nil
		}
		c.cannotCheck(err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(c.again):
		}
	}
}

// once checks the file and the histories. found is true if they have a fault; the error is why it could not end.
func (c *checks) once(ctx context.Context) (found bool, err error) {
	damage, err := c.store.Damage(ctx)
	if err == nil && len(damage) > 0 {
		found = true
		c.fault(func(s *packaging.SelfCheck) { s.Damage = damage })
	}
	if err != nil {
		return found, err
	}
	err = c.histories(ctx)
	if err != nil && found && ctx.Err() == nil {
		c.fault(func(s *packaging.SelfCheck) { s.Damage = append(s.Damage, err.Error()) })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return found || len(c.state.Broken) > 0, err
}

// cannotCheck stops releases until a check can end. It says so once for each reason.
func (c *checks) cannotCheck(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Unchecked == why.Error() {
		return
	}
	c.state.Unchecked = why.Error()
	c.log.Error("the data can't be checked: releases are stopped until it can", "error", why)
	if !c.state.Faulty() {
		c.halt(packaging.Fail(packaging.Unavailable, "error.data_unchecked"))
	}
}

// lift lets releases go on that a check which could not end has stopped.
func (c *checks) lift() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Unchecked == "" {
		return
	}
	c.state.Unchecked = ""
	if !c.state.Faulty() {
		c.log.Info("the data could be checked: releases go on")
		c.halt(nil)
	}
}

// histories verifies the history of each tenant, with all its records.
func (c *checks) histories(ctx context.Context) error {
	return verdicts(ctx, c.store, c.anchors, func(t packaging.Tenant, verdict packaging.Verdict) {
		c.noteAnchors(verdict.Anchors)
		if broken, ok := brokenIn(t, verdict); ok {
			c.log.Error("a history or a record of it is not what it was", "tenant", t.Slug, "verdict", broken.Verdict)
			c.fault(func(s *packaging.SelfCheck) { s.Broken = append(s.Broken, broken) })
		}
	})
}

// brokenIn returns what a verdict says of a tenant's own history and records, and whether they are faulty. The schema
// is no tenant's, and is compared once.
func brokenIn(t packaging.Tenant, v packaging.Verdict) (packaging.BrokenHistory, bool) {
	v.Schema = nil
	return packaging.BrokenHistory{Tenant: t.ID, Slug: t.Slug, Verdict: v.String()}, v.Faulty()
}

// noteAnchors notes what became of the anchors that were written.
func (c *checks) noteAnchors(found packaging.AnchorsFound) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found.Lost > 0 && c.state.Anchors.Lost == 0 {
		c.log.Error("anchors of the history are missing", "file", c.anchors, "missing", found.Lost)
	}
	if found.Lost > 0 || found.Gone {
		c.state.Anchors = found
	}
}
