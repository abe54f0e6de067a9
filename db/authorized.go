package db

import (
	"context"
	"database/sql"
	"errors"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// authorizedTx runs do in a write transaction for a person who may still do an action, and passes the person as they
// are in it. What a person does goes through it and nothing else. The tenant is the one that they act for, and it does
// not change while the transaction runs. It fails with Forbidden if they may not do the action any more.
func (d *DB) authorizedTx(
	ctx context.Context, by packaging.Person, a packaging.Action, do func(*tx, packaging.Person) error,
) error {
	return d.tx(ctx, func(t *tx) error {
		now, err := t.reauthorize(by, a)
		if err != nil {
			return err
		}
		return do(t, now)
	})
}

// reauthorize reloads a person inside the write transaction. It fails with Forbidden if they were deactivated or lost
// the role since their request began.
func (t *tx) reauthorize(by packaging.Person, a packaging.Action) (packaging.Person, error) {
	if by.Token != 0 {
		return t.reauthorizeToken(by, a)
	}
	now, err := scanPerson(t.row(selectPerson+`u.id = ? AND t.id = ?`, by.ID, by.Tenant.ID))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return by, packaging.Fail(packaging.Forbidden, "error.forbidden")
	case err != nil:
		return by, err
	case now.Role.May(a) && !now.May(a):
		return by, errUnconfirmed
	case !now.May(a) && a == packaging.ReleaseOrders:
		return by, packaging.Fail(packaging.Forbidden, "error.may_not_release")
	case !now.May(a):
		return by, packaging.Fail(packaging.Forbidden, "error.forbidden")
	}
	now.StationID, now.Station, now.SignedOn = by.StationID, by.Station, by.SignedOn
	return now, t.lookAtRights(now)
}

// reauthorizeToken returns the holder of an API token. It fails with Forbidden if the token was revoked, has expired or
// does not allow the action.
func (t *tx) reauthorizeToken(by packaging.Person, a packaging.Action) (packaging.Person, error) {
	k, err := scanToken(
		t.row(`SELECT `+tokenColumns+` FROM api_tokens k WHERE k.id = ? AND k.tenant_id = ?`, by.Token, by.Tenant.ID),
	)
	if err == nil && (k.Ended(t.now) || !k.Allows(a)) {
		err = packaging.Fail(packaging.Forbidden, "error.forbidden")
	}
	if err != nil {
		return by, err
	}
	return by, t.lookAtRights(by)
}

// mustSee fails with NotFound if a person does not see a line.
func mustSee(p packaging.Person, line packaging.LineID) error {
	if !p.Sees(line) {
		return packaging.Fail(packaging.NotFound, "error.not_found")
	}
	return nil
}

// setupTx is an authorizedTx of a person who administers the tenant.
func (d *DB) setupTx(ctx context.Context, by packaging.Person, do func(*setupTx) error) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		return do(&setupTx{t, d.box, by.Author, by.Tenant.ID})
	})
}

// setupTx is a write transaction that sets up one tenant, and records what it changed as done by an author.
type setupTx struct {
	*tx
	box    *secret.Box
	by     packaging.Author
	tenant packaging.TenantID
}

// at is the same transaction for what a person of several tenants has at another one.
func (s *setupTx) at(tenant packaging.TenantID) *setupTx {
	return &setupTx{s.tx, s.box, s.by, tenant}
}

// recordChange records a change, unless there was none.
func (s *setupTx) recordChange(deed packaging.Deed, object, before, after string) error {
	if before == after {
		return nil
	}
	return s.record(packaging.Entry{TenantID: s.tenant, By: s.by, Deed: deed, Object: object, Old: before, New: after})
}
