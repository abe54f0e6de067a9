package db

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"lineboard/internal/packaging"
)

// ThrottlingBegan records that passwords are slowed down: in the histories of the person's tenants, or of all tenants
// where it is an address. Names that nobody has are in no history.
func (d *DB) ThrottlingBegan(ctx context.Context, what packaging.Throttling) error {
	return d.recordThrottling(ctx, packaging.ThrottlingBegan, what)
}

// ThrottlingEnded records that it is over, with how many tries there were.
func (d *DB) ThrottlingEnded(ctx context.Context, what packaging.Throttling) error {
	return d.recordThrottling(ctx, packaging.ThrottlingEnded, what)
}

func (d *DB) recordThrottling(ctx context.Context, deed packaging.Deed, what packaging.Throttling) error {
	return d.tx(ctx, func(t *tx) error {
		e := packaging.Entry{By: program, Deed: deed, Object: packaging.SaysAddress.Of(what.Address)}
		if deed == packaging.ThrottlingEnded {
			e.New = strconv.Itoa(what.Tries)
		}
		if what.Username == "" {
			tenants, err := collect(ctx, t, scanTenant, selectTenant)
			for _, tenant := range tenants {
				e.TenantID = tenant.ID
				err = errors.Join(err, t.record(e))
			}
			return err
		}
		people, err := collect(ctx, t, scanPeople, selectPerson+`u.username = ?`, what.Username)
		for _, p := range people {
			e.TenantID, e.Object = p.Tenant.ID, packaging.SaysUser.Of(p.Username)
			if what.Address != "" {
				e.Object = packaging.SaysUserAt.Of(p.Username, what.Address)
			}
			err = errors.Join(err, t.record(e))
		}
		return err
	})
}

// Try counts a try under each of its guesses, before it is known whether it is right: of many at once, none slips by.
// If it is too early for a try, wait is how long to wait, and nothing is counted.
func (d *DB) Try(
	ctx context.Context, guesses ...packaging.Guess,
) (tried []packaging.Tried, wait time.Duration, err error) {
	err = d.tx(ctx, func(t *tx) error {
		if err := t.exec(
			`DELETE FROM wrong_tries WHERE last_at < ?`, millis(t.now.Add(-packaging.TriesForgotten)),
		); err != nil {
			return err
		}
		// The clock may have been set back: what is ahead of it was now.
		if err := t.exec(`UPDATE wrong_tries SET last_at = ?1 WHERE last_at > ?1`, millis(t.now)); err != nil {
			return err
		}
		for _, g := range guesses {
			var wrong float64
			var last int64
			err := t.row(`SELECT tries, last_at FROM wrong_tries WHERE what = ?`, g.What).Scan(&wrong, &last)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			since := t.now.Sub(moment(last))
			wait = max(wait, g.WaitAfter(g.Left(wrong, since))-since)
			tried = append(tried, packaging.Tried{Guess: g, At: t.now, Before: moment(last)})
		}
		if wait > 0 {
			return nil
		}
		for _, g := range guesses {
			if err := t.exec(`INSERT INTO wrong_tries (what, tries, last_at) VALUES (?, 1, ?)
				ON CONFLICT (what) DO UPDATE SET tries = tries + 1, last_at = excluded.last_at`, g.What,
				millis(t.now)); err != nil {
				return err
			}
		}
		return nil
	})
	return tried, wait, err
}

// TriedRight counts a try as right. The wrong ones before it are forgotten. If the guess is shared, they stay, as if
// the try had not been.
func (d *DB) TriedRight(ctx context.Context, all []packaging.Tried) error {
	return d.tx(ctx, func(t *tx) error {
		for _, tried := range all {
			if err := t.triedRight(tried); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) triedRight(tried packaging.Tried) error {
	if !tried.Shared {
		return t.exec(`DELETE FROM wrong_tries WHERE what = ?`, tried.What)
	}
	if err := t.exec(`DELETE FROM wrong_tries WHERE what = ? AND tries = 1`, tried.What); err != nil {
		return err
	}
	return t.exec(`UPDATE wrong_tries SET tries = tries - 1, last_at = iif(last_at = ?, ?, last_at) WHERE what = ?`,
		millis(tried.At), millis(tried.Before), tried.What)
}
