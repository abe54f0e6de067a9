package db

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// selectSessions reads sessions that go on, of active people. What names one in a list is the beginning of the hash
// that it is kept under, from which there is no way to the token.
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

// Sessions returns the sessions at a tenant that were begun after started and used after seen, the latest used first.
func (d *DB) Sessions(
	ctx context.Context, tenant packaging.TenantID, started, seen time.Time,
) ([]packaging.Session, error) {
	return collect(ctx, d.read, scanSession, selectSessions+`s.tenant_id = ? ORDER BY s.seen_at DESC, s.token_hash`,
		millis(started), millis(seen), tenant)
}

// OwnSessions returns a person's sessions at all of their tenants, limited and ordered as [DB.Sessions].
func (d *DB) OwnSessions(
	ctx context.Context, user packaging.UserID, started, seen time.Time,
) ([]packaging.Session, error) {
	return collect(ctx, d.read, scanSession, selectSessions+`s.user_id = ? ORDER BY s.seen_at DESC, s.token_hash`,
		millis(started), millis(seen), user)
}

// EndSessionOf ends a session at the tenant of the administrator.
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
			TenantID: s.Person.Tenant.ID, By: by, Deed: packaging.SessionEnded,
			Object: packaging.SaysSession.Of(s.Person.Username),
			Old:    strings.Trim(s.Device.Address+" · "+s.Device.Agent, " ·"),
		}); err != nil {
			return 0, err
		}
	}
	return len(sessions), t.exec(
		`DELETE FROM sessions WHERE token_hash IN (SELECT s.token_hash FROM sessions s WHERE `+which+`)`, args...,
	)
}

// StartSession stores a session under the hash of its token and records the sign-in.
func (d *DB) StartSession(ctx context.Context, token [32]byte, p packaging.Person, from packaging.Device) error {
	return d.authorizedTx(ctx, p, packaging.ViewOrders, func(t *tx, p packaging.Person) error {
		return t.startSession(token, p, from, t.now)
	})
}

// ContinueSession ends a session and has its person go on under another token, at the tenant that they are given at:
// the sign-in began when it did. A session that has ended is not found.
func (d *DB) ContinueSession(
	ctx context.Context, was, token [32]byte, p packaging.Person, from packaging.Device,
) error {
	return d.authorizedTx(ctx, p, packaging.ViewOrders, func(t *tx, p packaging.Person) error {
		before, err := scanSession(t.row(selectSessions+`s.token_hash = ? AND s.user_id = ?`, 0, 0, was[:], p.ID))
		if err != nil {
			return err
		}
		if err := t.endSession(was, before.Person); err != nil {
			return err
		}
		return t.startSession(token, p, from, before.Started)
	})
}

func (t *tx) startSession(token [32]byte, p packaging.Person, from packaging.Device, began time.Time) error {
	agent := []rune(strings.ToValidUTF8(from.Agent, "�"))
	if err := t.exec(`INSERT INTO sessions (token_hash, user_id, tenant_id, created_at, seen_at, address, agent, station, sso) VALUES (?,?,?,?,?,?,?,?,?)`,
		token[:], p.ID, p.Tenant.ID, millis(began), millis(t.now), from.Address,
		string(agent[:min(len(agent), packaging.MaxAgent)]), p.Station, p.SignedOn); err != nil {
		return err
	}
	if err := t.startAtStation(token, p); err != nil {
		return err
	}
	e := packaging.Entry{TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.SignedIn, New: from.Address}
	if p.SignedOn {
		e.Object = "single sign-on"
	}
	return t.record(e)
}

// Session returns whom a session belongs to, with their role as of now and the station that it was begun at, where it
// was begun after started and used after seen. A person who was deactivated, or left the tenant, has no session.
func (d *DB) Session(
	ctx context.Context, token [32]byte, started, seen time.Time,
) (p packaging.Person, lastSeen time.Time, err error) {
	var at int64
	var elsewhere, signedOn bool
	var station packaging.Station
	p, err = scanPerson(d.read.QueryRowContext(ctx, `
		SELECT `+personColumns+`, s.seen_at, EXISTS (SELECT 1 FROM members e WHERE e.user_id = u.id AND e.tenant_id <> t.id),
			coalesce(a.id, 0), coalesce(a.name, ''), s.sso
		FROM sessions s
		LEFT JOIN station_sessions b ON b.token_hash = s.token_hash LEFT JOIN stations a ON a.id = b.station_id
		JOIN users u ON u.id = s.user_id
		JOIN members m ON m.user_id = s.user_id AND m.tenant_id = s.tenant_id
		JOIN tenants t ON t.id = s.tenant_id
		WHERE s.token_hash = ? AND u.active AND s.created_at > ? AND s.seen_at > ?`, token[:], millis(started),
		millis(seen)), &at, &elsewhere, &station.ID, &station.Name, &signedOn)
	p.Elsewhere, p.StationID, p.Station, p.SignedOn = elsewhere, station.ID, station.Name, signedOn
	return p, moment(at), coded(err)
}

// TouchSession notes that a session was used now.
func (d *DB) TouchSession(ctx context.Context, token [32]byte) error {
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`UPDATE sessions SET seen_at = ? WHERE token_hash = ?`, millis(t.now), token[:])
	})
}

// EndSession revokes a session, and records the sign-out. One that has ended already is left alone. Of one that is
// locked at a station its person may be far away: the history then names the station alone.
func (d *DB) EndSession(ctx context.Context, token [32]byte, p packaging.Person) error {
	return d.tx(ctx, func(t *tx) error { return t.endSession(token, p) })
}

func (t *tx) endSession(token [32]byte, p packaging.Person) error {
	switch use, err := useOf(t.ctx, t, p.Tenant.ID, token); {
	case packaging.CodeOf(err) == packaging.NotFound: // it was begun elsewhere
	case err != nil:
		return err
	case use.Left(t.now) == 0:
		_, err := t.endSessions(packaging.Author{Station: p.Station}, `s.token_hash = ?`, token[:])
		return err
	}
	var user packaging.UserID
	err := t.row(`DELETE FROM sessions WHERE token_hash = ? RETURNING user_id`, token[:]).Scan(&user)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.record(packaging.Entry{TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.SignedOut})
}

// DropSessions forgets sessions that ended by themselves: begun before started or last used before seen.
func (d *DB) DropSessions(ctx context.Context, started, seen time.Time) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		return t.exec(`DELETE FROM sessions WHERE created_at <= ? OR seen_at <= ?`, millis(started), millis(seen))
	})
}

// signOut ends a person's sessions, at whichever tenant.
func (s *setupTx) signOut(user packaging.UserID) error {
	_, err := s.endSessions(s.by, `s.user_id = ?`, user)
	return err
}
