package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"lineboard/internal/packaging"
)

// endSessionsAt ends the sessions at a station. The schema does it too when its tablet changes, and records nothing.
func (t *tx) endSessionsAt(by packaging.Author, id packaging.StationID) error {
	_, err := t.endSessions(by, `s.token_hash IN (SELECT token_hash FROM station_sessions WHERE station_id = ?)`, id)
	return err
}

// startAtStation notes that a session was begun at a station.
func (t *tx) startAtStation(token [32]byte, p packaging.Person) error {
	if p.StationID == 0 {
		return nil
	}
	return t.exec(
		`INSERT INTO station_sessions (token_hash, station_id, used_at) VALUES (?, ?, ?)`, token[:], p.StationID,
		millis(t.now),
	)
}

// StationUse returns how a session at a station stands.
func (d *DB) StationUse(ctx context.Context, tenant packaging.TenantID, token [32]byte) (u packaging.Use, err error) {
	return useOf(ctx, d.read, tenant, token)
}

func useOf(ctx context.Context, q querier, tenant packaging.TenantID, token [32]byte) (u packaging.Use, err error) {
	var used, after int64
	err = q.QueryRowContext(ctx, `
		SELECT s.used_at, s.locked, coalesce(r.lock_after, ?)
		FROM station_sessions s LEFT JOIN rules r ON r.tenant_id = ? WHERE s.token_hash = ?`,
		packaging.DefaultRules.LockAfter.Milliseconds(), tenant, token[:]).Scan(&used, &u.Locked, &after)
	u.Used, u.LockAfter = moment(used), time.Duration(after)*time.Millisecond
	return u, coded(err)
}

// UseStation notes that a person uses the session at a station now.
func (d *DB) UseStation(ctx context.Context, token [32]byte) error {
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`UPDATE station_sessions SET used_at = ? WHERE token_hash = ?`, millis(t.now), token[:])
	})
}

// LockStation locks a person's session at a station until somebody signs in there, and records it.
func (d *DB) LockStation(ctx context.Context, by packaging.Person, token [32]byte) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		var id packaging.StationID
		err := t.row(
			`UPDATE station_sessions SET locked = 1 WHERE token_hash = ? AND locked = 0 RETURNING station_id`, token[:],
		).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) { // it is locked already
			return nil
		}
		if err != nil {
			return err
		}
		s, err := t.station(by.Tenant.ID, id)
		if err != nil {
			return err
		}
		return t.record(stationEntry(packaging.StationLocked, by.Author, s))
	})
}
