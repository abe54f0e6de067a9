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

// run reads the whole file and verifies all histories, once.
func (c *checks) run(ctx context.Context) error {
	damage, err := c.store.Damage(ctx)
	if err == nil && len(damage) > 0 {
		c.fault(func(s *packaging.SelfCheck) { s.Damage = damage })
	}
	if err == nil {
		err = c.histories(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		c.fault(func(s *packaging.SelfCheck) { s.Damage = append(s.Damage, err.Error()) })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Ended = c.now()
	return nil
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
