package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"lineboard/handlers"
	"lineboard/internal/packaging"
	"lineboard/internal/replica"
)

// Replica says how the database is copied beside Lineboard.
type Replica struct {
	Sync  func(context.Context) error // returns once all that was committed before is copied; nil for no copy
	Wait  time.Duration               // that a release waits at most
	Guard *replica.Guard              // knows whether a standby took over; nil without a standby
}

// replication is the part of the settings that says so.
type replication struct {
	CopySocket string        `placeholder:"PATH" help:"Control socket of Litestream: releases wait until it has copied them."`
	CopyWait   time.Duration `default:"2s" help:"How long a release waits for the copy."`
}

// minCopyWait and maxCopyWait bound the wait for the copy: people stand at the line meanwhile.
const (
	minCopyWait = 100 * time.Millisecond
	maxCopyWait = 10 * time.Second
)

func (r *replication) check() error {
	if r.CopyWait < minCopyWait || r.CopyWait > maxCopyWait {
		return fmt.Errorf("--copy-wait must be between %v and %v", minCopyWait, maxCopyWait)
	}
	return nil
}

// replica returns how the data in a folder is copied.
func (r *replication) replica(data string) (Replica, error) {
	if r.CopySocket == "" {
		return Replica{}, nil
	}
	database, err := filepath.Abs(filepath.Join(data, databaseFile))
	if err != nil {
		return Replica{}, err
	}
	return Replica{Sync: replica.NewLitestream(r.CopySocket, database).Sync, Wait: r.CopyWait}, nil
}

// copyOf returns the copy that releases wait for, nil for none.
func (a *App) copyOf(r Replica) *replica.Copy {
	if r.Sync == nil {
		return nil
	}
	return replica.New(replica.Options{
		Sync: r.Sync, Limit: r.Wait, Guard: r.Guard, Commits: a.Store.Commits, GoesOn: a.goesOn, Refuses: a.refuses,
		Marked: func(orders []packaging.Order) {
			for _, o := range orders {
				a.Hub.Publish(packaging.OrderTopic(o.ID).Of(o.TenantID))
			}
		},
		Now: a.parts.Now, Log: a.parts.Log,
	})
}

// goesOn reports whether a tenant wants releases to go on without the copy.
func (a *App) goesOn(ctx context.Context, tenant packaging.TenantID) (bool, error) {
	rules, err := a.Store.Rules(ctx, tenant)
	return rules.ReleaseUncopied, err
}

// refuses reports whether any tenant wants releases to be refused without the copy.
func (a *App) refuses(ctx context.Context) (bool, error) {
	tenants, err := a.Store.Tenants(ctx)
	for _, t := range tenants {
		goes, failed := a.goesOn(ctx, t.ID)
		if !goes && failed == nil {
			return true, nil
		}
		err = errors.Join(err, failed)
	}
	return false, err
}

// copyShown is the copy as pages show it, nil for none.
func (a *App) copyShown() handlers.Copy {
	if a.Copy == nil {
		return nil
	}
	return a.Copy
}

// runCopy has everything copied, until ctx ends.
func (a *App) runCopy(ctx context.Context) error {
	if a.Copy == nil {
		return nil
	}
	return a.Copy.Run(ctx)
}

// copied says how the copy is.
func (a *App) copied() packaging.CopyState {
	if a.Copy == nil {
		return packaging.CopyState{}
	}
	return a.Copy.State()
}
