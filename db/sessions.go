package db

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// selectSessions reads sessions that go on, of active people. What names one in a list is the beginning of the hash that
// it is kept under, from which there is no way to the token.
const selectSessions = `
SELECT ` + personColumns + `, lower(hex(substr(s.token_hash, 1, 8))), s.address, s.agent, s.station, s.created_at, s.seen_at
FROM sessions s
JOIN users u ON u.id = s.user_id
JOIN tenants t ON t.id = s.tenant_id
WHERE u.active AND s.created_at > ? AND s.seen_at > ? AND `

func scanSession(row scanner) (s packaging.Session, err error) {
	var started, seen int64
	var station string
	s.Person, err = scanPerson(row, &s.ID, &s.Device.Address, &s.Device.Agent, &station, &started, &seen)
	s.Person.Station, s.Started, s.Seen = station, moment(started), moment(seen)
	return s, err
}

// Sessions gives the sessions at a tenant that were begun after started and used after seen, the latest used first.
func (d *DB) Sessions(ctx context.Context, tenant packaging.TenantID, started, seen time.Time) ([]packaging.Session, error) {
	return collect(ctx, d.read, scanSession, selectSessions+`s.tenant_id = ? ORDER BY s.seen_at DESC, s.token_hash`,
		millis(started), millis(seen), tenant)
}

// OwnSessions gives a person's sessions at all of their tenants, likewise.
func (d *DB) OwnSessions(ctx context.Context, user packaging.UserID, started, seen time.Time) ([]packaging.Session, error) {
	return collect(ctx, d.read, scanSession, selectSessions+`s.user_id = ? ORDER BY s.seen_at DESC, s.token_hash`,
		millis(started), millis(seen), user)
}

// EndSessionOf ends a session at the tenant of whoever ends it.
func (d *DB) EndSessionOf(ctx context.Context, by packaging.Person, id string) error {
	return d.endListed(ctx, by, packaging.Administer, id, `s.tenant_id = ?`, by.Tenant.ID)
}

// EndOwnSession ends one of a person's own sessions, at whichever tenant.
func (d *DB) EndOwnSession(ctx context.Context, by packaging.Person, id string) error {
	return d.endListed(ctx, by, packaging.ViewOrders, id, `s.user_id = ?`, by.ID)
}

func (d *DB) endListed(ctx context.Context, by packaging.Person, a packaging.Action, id, whose string, key any) error {
	return d.authorizedTx(ctx, by, a, func(t *tx, by packaging.Person) error {
		n, err := t.endSessions(by.Author, whose+` AND lower(hex(substr(s.token_hash, 1, 8))) = ?`, key, id)
		if err == nil && n == 0 {
			err = packaging.Fail(packaging.NotFound, "error.not_found")
		}
		return err
	})
}

// endSessions ends the sessions that match, each with its entry in the history of its tenant.
func (t *tx) endSessions(by packaging.Author, which string, args ...any) (int, error) {
	sessions, err := collect(t.ctx, t, scanSession, selectSessions+which, append([]any{0, 0}, args...)...)
	if err != nil {
		return 0, err
	}
	for _, s := range sessions {
		if err := t.record(packaging.Entry{
			TenantID: s.Person.Tenant.ID, By: by, Deed: packaging.SessionEnded, Object: "session of " + s.Person.Username,
			Old: strings.Trim(s.Device.Address+" · "+s.Device.Agent, " ·"),
		}); err != nil {
			return 0, err
		}
	}
	return len(sessions), t.exec(`DELETE FROM sessions WHERE token_hash IN (SELECT s.token_hash FROM sessions s WHERE `+which+`)`, args...)
}

// ChangePassword gives a person another password, by its hash, and ends all of their sessions but the one of the token.
func (d *DB) ChangePassword(ctx context.Context, by packaging.Person, hash string, but [32]byte) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		if err := t.exec(`UPDATE users SET password_hash = ? WHERE id = ?`, hash, by.ID); err != nil {
			return err
		}
		people, err := collect(ctx, t, scanPeople, selectPerson+`u.id = ?`, by.ID)
		if err != nil {
			return err
		}
		for _, p := range people {
			e := packaging.Entry{TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.PasswordSet, Object: "user " + p.Username}
			e.By.Station = by.Station
			if err := t.record(e); err != nil {
				return err
			}
		}
		_, err = t.endSessions(by.Author, `s.user_id = ? AND s.token_hash <> ?`, by.ID, but[:])
		return err
	})
}

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
		e := packaging.Entry{By: program, Deed: deed, Object: "address " + what.Address}
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
			e.TenantID, e.Object = p.Tenant.ID, strings.TrimSuffix("user "+p.Username+" at "+what.Address, " at ")
			err = errors.Join(err, t.record(e))
		}
		return err
	})
}
