package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"lineboard/internal/packaging"
)

// Rules returns what the tenant wants of its stations and signatures.
func (d *DB) Rules(ctx context.Context, tenant packaging.TenantID) (packaging.Rules, error) {
	return rulesOf(ctx, d.read, tenant)
}

func rulesOf(ctx context.Context, q querier, tenant packaging.TenantID) (r packaging.Rules, err error) {
	var after int64
	err = q.QueryRowContext(ctx, `
		SELECT lock_after, sign_releases, second_signer, release_unanchored, release_uncopied FROM rules
		WHERE tenant_id = ?`, tenant).
		Scan(&after, &r.SignReleases, &r.SecondSigner, &r.ReleaseUnanchored, &r.ReleaseUncopied)
	if errors.Is(err, sql.ErrNoRows) {
		return packaging.DefaultRules, nil
	}
	r.LockAfter = time.Duration(after) * time.Millisecond
	return r, coded(err)
}

// SetRules changes what the tenant wants, and records it. set gets the rules as they are in the transaction. Invalid if
// they can't be as it leaves them.
func (d *DB) SetRules(ctx context.Context, by packaging.Person, set func(*packaging.Rules)) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		was, err := rulesOf(ctx, t, by.Tenant.ID)
		if err != nil {
			return err
		}
		r := was
		if set(&r); r == was {
			return nil
		}
		if err := r.Check(); err != nil {
			return err
		}
		if err := t.exec(`
			INSERT INTO rules (tenant_id, lock_after, sign_releases, second_signer, release_unanchored, release_uncopied)
			VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant_id) DO UPDATE SET lock_after = excluded.lock_after, sign_releases = excluded.sign_releases,
				second_signer = excluded.second_signer, release_unanchored = excluded.release_unanchored,
				release_uncopied = excluded.release_uncopied`,
			by.Tenant.ID, r.LockAfter.Milliseconds(), r.SignReleases, r.SecondSigner, r.ReleaseUnanchored,
			r.ReleaseUncopied); err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.RulesSet, Object: packaging.SaysRules.Of(),
			Old: was.String(), New: r.String(),
		})
	})
}

// OtherReviewer says whether the tenant wants a shift to be signed by somebody who did nothing in it.
func (d *DB) OtherReviewer(ctx context.Context, in packaging.Scope) (bool, error) {
	return otherReviewer(ctx, d.read, in.Tenant())
}

func otherReviewer(ctx context.Context, q querier, tenant packaging.TenantID) (other bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT other_reviewer FROM shift_rules WHERE tenant_id = ?`, tenant).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return other, coded(err)
}

// SetOtherReviewer sets that, and records it where it changes.
func (d *DB) SetOtherReviewer(ctx context.Context, by packaging.Person, other bool) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		was, err := otherReviewer(ctx, t, by.Tenant.ID)
		if err != nil || was == other {
			return err
		}
		if err := t.exec(`INSERT INTO shift_rules (tenant_id, other_reviewer) VALUES (?, ?)
			ON CONFLICT (tenant_id) DO UPDATE SET other_reviewer = excluded.other_reviewer`, by.Tenant.ID,
			other); err != nil {
			return err
		}
		says := map[bool]string{false: packaging.SaysAnybody.Of(), true: packaging.SaysOtherReviewer.Of()}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.ShiftsSet, Object: packaging.SaysSigning.Of(),
			Old: says[was],
			New: says[other],
		})
	})
}
