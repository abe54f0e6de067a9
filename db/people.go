package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// Credential gives whom a username in any case belongs to, and the hash of their password, where they are active and
// belong to a tenant.
func (d *DB) Credential(ctx context.Context, username string) (user packaging.UserID, passwordHash string, err error) {
	err = d.read.QueryRowContext(ctx, `
		SELECT u.id, u.password_hash FROM users u
		WHERE u.username = ? AND u.active AND EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id)`, username).
		Scan(&user, &passwordHash)
	return user, passwordHash, coded(err)
}

// personColumns are a person at a tenant, of users u, members m and tenants t.
const personColumns = `u.id, u.username, u.full_name, u.language, u.hints, t.id, t.slug, t.name, t.time_zone, t.base_url,
	(SELECT coalesce(group_concat(role, '+' ORDER BY role), '') FROM member_roles r WHERE r.user_id = u.id AND r.tenant_id = t.id),
	(SELECT json_group_array(line_id) FROM member_lines l WHERE l.user_id = u.id AND l.tenant_id = t.id)`

const selectPerson = `
SELECT ` + personColumns + `
FROM users u JOIN members m ON m.user_id = u.id JOIN tenants t ON t.id = m.tenant_id
WHERE u.active AND `

// scanPerson reads personColumns, and what follows them into more.
func scanPerson(row scanner, more ...any) (p packaging.Person, err error) {
	var lines, hints string
	err = row.Scan(append([]any{
		&p.ID, &p.Username, &p.FullName, &p.Language, &hints, &p.Tenant.ID, &p.Tenant.Slug, &p.Tenant.Name, &p.Tenant.TimeZone, &p.Tenant.BaseURL,
		&p.Role, &lines,
	}, more...)...)
	if err != nil {
		return p, err
	}
	return p, errors.Join(json.Unmarshal([]byte(lines), &p.Lines), json.Unmarshal([]byte(hints), &p.HintsDropped))
}

func scanPeople(row scanner) (packaging.Person, error) { return scanPerson(row) }

// Memberships gives a person once for each tenant that they belong to, by the tenant's name.
func (d *DB) Memberships(ctx context.Context, user packaging.UserID) ([]packaging.Person, error) {
	return collect(ctx, d.read, scanPeople, selectPerson+`u.id = ? ORDER BY t.name, t.id`, user)
}

// People gives the tenant's people, by username; those who are not active any more are left out.
func (d *DB) People(ctx context.Context, tenant packaging.TenantID) ([]packaging.Person, error) {
	return collect(ctx, d.read, scanPeople, selectPerson+`t.id = ? ORDER BY u.username`, tenant)
}

// SetLanguage keeps which language a person reads (BCP 47).
func (d *DB) SetLanguage(ctx context.Context, user packaging.UserID, language string) error {
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`UPDATE users SET language = ? WHERE id = ?`, language, user)
	})
}

// DropHint keeps that a person needs a hint no more.
func (d *DB) DropHint(ctx context.Context, user packaging.UserID, hint string) error {
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`UPDATE users SET hints = json_insert(hints, '$[#]', ?1)
			WHERE id = ?2 AND NOT EXISTS (SELECT 1 FROM json_each(hints) WHERE value = ?1)`, hint, user)
	})
}

// StartSession stores a session under the hash of its token and records the sign-in.
func (d *DB) StartSession(ctx context.Context, token [32]byte, p packaging.Person, from packaging.Device) error {
	return d.authorizedTx(ctx, p, packaging.ViewOrders, func(t *tx, p packaging.Person) error { return t.startSession(token, p, from, t.now) })
}

// ContinueSession ends a session and has its person go on under another token, at the tenant that they are given at: the
// sign-in began when it did. A session that has ended is not found.
func (d *DB) ContinueSession(ctx context.Context, was, token [32]byte, p packaging.Person, from packaging.Device) error {
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
		token[:], p.ID, p.Tenant.ID, millis(began), millis(t.now), from.Address, string(agent[:min(len(agent), packaging.MaxAgent)]), p.Station, p.SignedOn); err != nil {
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

// Session gives whom a session belongs to, with their role as of now and the station that it was begun at, where it was
// begun after started and used after seen. A person who was deactivated, or left the tenant, has no session.
func (d *DB) Session(ctx context.Context, token [32]byte, started, seen time.Time) (p packaging.Person, lastSeen time.Time, err error) {
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
		WHERE s.token_hash = ? AND u.active AND s.created_at > ? AND s.seen_at > ?`, token[:], millis(started), millis(seen)), &at, &elsewhere, &station.ID, &station.Name, &signedOn)
	p.Elsewhere, p.StationID, p.Station, p.SignedOn = elsewhere, station.ID, station.Name, signedOn
	return p, moment(at), coded(err)
}

// TouchSession notes that a session was used now.
func (d *DB) TouchSession(ctx context.Context, token [32]byte) error {
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`UPDATE sessions SET seen_at = ? WHERE token_hash = ?`, millis(t.now), token[:])
	})
}

// EndSession revokes a session, and records the sign-out. One that has ended already is left alone. Of one that is locked at
// a station its person may be far away: the history then names the station alone.
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
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`DELETE FROM sessions WHERE created_at <= ? OR seen_at <= ?`, millis(started), millis(seen))
	})
}

// RecordFailedSignIn records a wrong password, given from an address, in the history of each tenant that the person
// belongs to.
func (d *DB) RecordFailedSignIn(ctx context.Context, user packaging.UserID, address string) error {
	return d.tx(ctx, func(t *tx) error {
		people, err := collect(ctx, t, scanPeople, selectPerson+`u.id = ?`, user)
		if err != nil {
			return err
		}
		for _, p := range people {
			if err := t.record(packaging.Entry{TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.SignInDeclined, New: address}); err != nil {
				return err
			}
		}
		return nil
	})
}
