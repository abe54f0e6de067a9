package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

const selectStation = `
SELECT s.id, s.tenant_id, s.name, l.id, l.code, l.name, s.language, coalesce(s.bound_at, 0), coalesce(s.code_until, 0)
FROM stations s JOIN lines l ON l.id = s.line_id
`

func scanStation(row scanner) (s packaging.Station, err error) {
	var bound, waits int64
	err = row.Scan(&s.ID, &s.TenantID, &s.Name, &s.Line.ID, &s.Line.Code, &s.Line.Name, &s.Language, &bound, &waits)
	s.Bound, s.Waits = moment(bound), moment(waits)
	return s, err
}

// Stations gives the tenant's stations, by line and name.
func (d *DB) Stations(ctx context.Context, tenant packaging.TenantID) ([]packaging.Station, error) {
	return collect(ctx, d.read, scanStation, selectStation+`WHERE s.tenant_id = ? ORDER BY l.code, s.name`, tenant)
}

// StationOf gives the station whose tablet carries the token.
func (d *DB) StationOf(ctx context.Context, token [32]byte) (packaging.Station, error) {
	s, err := scanStation(d.read.QueryRowContext(ctx, selectStation+`WHERE s.token_hash = ?`, token[:]))
	return s, coded(err)
}

func (t *tx) station(tenant packaging.TenantID, id packaging.StationID) (packaging.Station, error) {
	s, err := scanStation(t.row(selectStation+`WHERE s.tenant_id = ? AND s.id = ?`, tenant, id))
	return s, coded(err)
}

// AddStation adds a station at a line, and gives the code that binds its tablet: it is nowhere else.
func (d *DB) AddStation(ctx context.Context, by packaging.Person, name string, line packaging.LineID, language string) (s packaging.Station, code string, err error) {
	err = d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		if !by.Sees(line) {
			return packaging.Fail(packaging.NotFound, "error.not_found")
		}
		id, err := t.insert(`INSERT INTO stations (tenant_id, line_id, name, language) VALUES (?, ?, ?, ?)`, by.Tenant.ID, line, name, language)
		var lite *sqlite.Error
		if errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
			return packaging.Fail(packaging.Conflict, "stations.name_taken").Because(err)
		}
		if err != nil {
			return err
		}
		if s, err = t.station(by.Tenant.ID, packaging.StationID(id)); err != nil {
			return err
		}
		e := stationEntry(packaging.StationSet, by.Author, s)
		e.New = s.Line.Name
		if err := t.record(e); err != nil {
			return err
		}
		s, code, err = t.makeCode(d.box, by, s.ID)
		return err
	})
	return s, code, err
}

// SetStationLanguage sets the language (BCP 47) that a station speaks to whoever has chosen none, empty for the browser's.
func (d *DB) SetStationLanguage(ctx context.Context, by packaging.Person, id packaging.StationID, language string) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		s, err := t.station(by.Tenant.ID, id)
		if err != nil || s.Language == language {
			return err
		}
		if err := t.exec(`UPDATE stations SET language = ? WHERE id = ?`, language, s.ID); err != nil {
			return err
		}
		e := stationEntry(packaging.StationSet, by.Author, s)
		e.Object, e.Old, e.New = "language of "+e.Object, s.Language, language
		return t.record(e)
	})
}

// MakeCode gives a new code that binds a tablet to the station. The code before it is worth nothing any more; a tablet
// that is bound stays so until the new code is entered.
func (d *DB) MakeCode(ctx context.Context, by packaging.Person, id packaging.StationID) (s packaging.Station, code string, err error) {
	err = d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		s, code, err = t.makeCode(d.box, by, id)
		return err
	})
	return s, code, err
}

func (t *tx) makeCode(box *secret.Box, by packaging.Person, id packaging.StationID) (s packaging.Station, code string, err error) {
	var b strings.Builder
	for range packaging.CodeSize {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(packaging.CodeLetters))))
		if err != nil {
			return s, "", err
		}
		b.WriteByte(packaging.CodeLetters[n.Int64()])
	}
	code = b.String()
	if err := t.exec(`UPDATE stations SET code_mark = ?, code_until = ? WHERE id = ? AND tenant_id = ?`,
		codeMark(box, code), millis(t.now.Add(packaging.CodeLasts)), id, by.Tenant.ID); err != nil {
		return s, "", err
	}
	if s, err = t.station(by.Tenant.ID, id); err != nil {
		return s, "", err
	}
	return s, code, t.record(stationEntry(packaging.StationCoded, by.Author, s))
}

func codeMark(box *secret.Box, code string) []byte {
	return box.Mark(secret.New(code), "code of a station")
}

// BindStation gives the station whose code was entered the tablet that carries the token from now on. The code is then
// used up, and a tablet that the station had before is unbound. Nobody is signed in there: the history names the address. A
// code that is wrong, used or too old is not found.
func (d *DB) BindStation(ctx context.Context, code string, token [32]byte, address string) (s packaging.Station, err error) {
	err = d.tx(ctx, func(t *tx) error {
		var id packaging.StationID
		var tenant packaging.TenantID
		if err := t.row(`SELECT id, tenant_id FROM stations WHERE code_mark = ? AND code_until > ?`, codeMark(d.box, code), millis(t.now)).
			Scan(&id, &tenant); err != nil {
			return err
		}
		if err := t.endSessionsAt(packaging.Author{}, id); err != nil {
			return err
		}
		if err := t.exec(`UPDATE stations SET code_mark = NULL, code_until = NULL, token_hash = ?, bound_at = ? WHERE id = ?`,
			token[:], millis(t.now), id); err != nil {
			return err
		}
		if s, err = t.station(tenant, id); err != nil {
			return err
		}
		e := stationEntry(packaging.StationBound, packaging.Author{}, s)
		e.New = address
		return t.record(e)
	})
	return s, err
}

// UnbindStation takes the station's tablet away, and ends the sessions there.
func (d *DB) UnbindStation(ctx context.Context, by packaging.Person, id packaging.StationID) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		s, err := t.station(by.Tenant.ID, id)
		if err != nil {
			return err
		}
		if s.Bound.IsZero() {
			return nil
		}
		if err := t.endSessionsAt(by.Author, s.ID); err != nil {
			return err
		}
		if err := t.exec(`UPDATE stations SET token_hash = NULL, bound_at = NULL WHERE id = ?`, s.ID); err != nil {
			return err
		}
		return t.record(stationEntry(packaging.StationUnbound, by.Author, s))
	})
}

// endSessionsAt ends the sessions at a station. The schema does it too when its tablet changes, and records nothing.
func (t *tx) endSessionsAt(by packaging.Author, id packaging.StationID) error {
	_, err := t.endSessions(by, `s.token_hash IN (SELECT token_hash FROM station_sessions WHERE station_id = ?)`, id)
	return err
}

// RemoveStation forgets a station that has no tablet. What was done there keeps its name.
func (d *DB) RemoveStation(ctx context.Context, by packaging.Person, id packaging.StationID) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		s, err := t.station(by.Tenant.ID, id)
		if err != nil {
			return err
		}
		if !s.Bound.IsZero() {
			return packaging.Fail(packaging.Conflict, "stations.still_bound")
		}
		if err := t.exec(`DELETE FROM stations WHERE id = ?`, s.ID); err != nil {
			return err
		}
		return t.record(stationEntry(packaging.StationRemoved, by.Author, s))
	})
}

func stationEntry(deed packaging.Deed, by packaging.Author, s packaging.Station) packaging.Entry {
	return packaging.Entry{
		TenantID: s.TenantID, By: by, Deed: deed, LineCode: s.Line.Code, LineName: s.Line.Name, Object: "station " + s.Name,
	}
}

// startAtStation notes that a session was begun at a station.
func (t *tx) startAtStation(token [32]byte, p packaging.Person) error {
	if p.StationID == 0 {
		return nil
	}
	return t.exec(`INSERT INTO station_sessions (token_hash, station_id, used_at) VALUES (?, ?, ?)`, token[:], p.StationID, millis(t.now))
}

// StationUse gives how a session at a station stands.
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
		err := t.row(`UPDATE station_sessions SET locked = 1 WHERE token_hash = ? AND locked = 0 RETURNING station_id`, token[:]).Scan(&id)
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

// Colleagues gives who can sign in at the station by PIN: those who work on its line and have one, by name.
func (d *DB) Colleagues(ctx context.Context, s packaging.Station) ([]packaging.Colleague, error) {
	return collect(ctx, d.read, func(row scanner) (c packaging.Colleague, err error) {
		return c, row.Scan(&c.ID, &c.Username, &c.FullName)
	}, `
		SELECT u.id, u.username, u.full_name FROM station_factors f JOIN users u ON u.id = f.user_id
		WHERE f.tenant_id = ?1 AND f.pin_hash IS NOT NULL AND u.active AND (
			NOT EXISTS (SELECT 1 FROM member_lines l WHERE l.user_id = u.id AND l.tenant_id = ?1)
			OR EXISTS (SELECT 1 FROM member_lines l WHERE l.user_id = u.id AND l.tenant_id = ?1 AND l.line_id = ?2))
		ORDER BY u.full_name, u.id`, s.TenantID, s.Line.ID)
}

// PIN gives a person of the tenant, and the hash of their PIN there. Whoever has none, or is not active, is not found.
func (d *DB) PIN(ctx context.Context, tenant packaging.TenantID, user packaging.UserID) (p packaging.Person, hash string, err error) {
	p, err = scanPerson(d.read.QueryRowContext(ctx, `
		SELECT `+personColumns+`, f.pin_hash
		FROM users u JOIN members m ON m.user_id = u.id JOIN tenants t ON t.id = m.tenant_id
		JOIN station_factors f ON f.user_id = u.id AND f.tenant_id = t.id
		WHERE u.active AND t.id = ? AND u.id = ? AND f.pin_hash IS NOT NULL`, tenant, user), &hash)
	return p, hash, coded(err)
}

// BadgeOwner gives whose badge it is at the tenant.
func (d *DB) BadgeOwner(ctx context.Context, tenant packaging.TenantID, badge secret.Text) (packaging.Person, error) {
	p, err := scanPerson(d.read.QueryRowContext(ctx, selectPerson+`t.id = ?1 AND u.id = (
		SELECT user_id FROM station_factors WHERE tenant_id = ?1 AND badge_mark = ?2)`, tenant, badgeMark(d.box, tenant, badge)))
	return p, coded(err)
}

func badgeMark(box *secret.Box, tenant packaging.TenantID, badge secret.Text) []byte {
	return box.Mark(badge, fmt.Sprintf("badge of tenant %d", tenant))
}

// StationFactors says what a person of the tenant can sign in with at its stations.
func (d *DB) StationFactors(ctx context.Context, tenant packaging.TenantID, user packaging.UserID) (pin, badge bool, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT pin_hash IS NOT NULL, badge_mark IS NOT NULL FROM station_factors WHERE tenant_id = ? AND user_id = ?`,
		tenant, user).Scan(&pin, &badge)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return pin, badge, coded(err)
}

// SetPIN stores the hash of a person's own PIN at the tenant, or takes the PIN away where the hash is empty.
func (d *DB) SetPIN(ctx context.Context, by packaging.Person, hash string) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		if err := t.exec(`INSERT INTO station_factors (user_id, tenant_id, pin_hash) VALUES (?, ?, nullif(?, ''))
			ON CONFLICT DO UPDATE SET pin_hash = excluded.pin_hash`, by.ID, by.Tenant.ID, hash); err != nil {
			return err
		}
		return t.record(packaging.Entry{TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.PINSet, Object: "user " + by.Username, New: given(hash != "")})
	})
}

// SetBadge stores the mark of the badge of a person of the tenant, or takes the badge away where it is empty. A badge that
// somebody has is a Conflict. That of another person is for administrators.
func (d *DB) SetBadge(ctx context.Context, by packaging.Person, user packaging.UserID, badge secret.Text) error {
	action := packaging.Administer
	if user == by.ID {
		action = packaging.ViewOrders
	}
	return d.authorizedTx(ctx, by, action, func(t *tx, by packaging.Person) error {
		var mark []byte
		if !badge.Empty() {
			mark = badgeMark(d.box, by.Tenant.ID, badge)
		}
		owner, err := scanPerson(t.row(selectPerson+`t.id = ? AND u.id = ?`, by.Tenant.ID, user))
		if err != nil {
			return err
		}
		err = t.exec(`INSERT INTO station_factors (user_id, tenant_id, badge_mark) VALUES (?, ?, ?)
			ON CONFLICT (user_id, tenant_id) DO UPDATE SET badge_mark = excluded.badge_mark`, user, by.Tenant.ID, mark)
		var lite *sqlite.Error
		if errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
			return packaging.Fail(packaging.Conflict, "pin.badge_taken").Because(err)
		}
		if err != nil {
			return err
		}
		return t.record(packaging.Entry{TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.BadgeSet, Object: "user " + owner.Username, New: given(mark != nil)})
	})
}

// given says in the history that something is there, without saying what.
func given(is bool) string {
	if is {
		return "set"
	}
	return "none"
}

// Try counts a try at something that could be guessed, under each of the guesses that it is, before it is known whether it
// is right: of many at once, none slips by. Where wait is not 0 it is too early for one, and nothing is counted.
func (d *DB) Try(ctx context.Context, guesses ...packaging.Guess) (tried []packaging.Tried, wait time.Duration, err error) {
	err = d.tx(ctx, func(t *tx) error {
		if err := t.exec(`DELETE FROM wrong_tries WHERE last_at < ?`, millis(t.now.Add(-packaging.TriesForgotten))); err != nil {
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
				ON CONFLICT (what) DO UPDATE SET tries = tries + 1, last_at = excluded.last_at`, g.What, millis(t.now)); err != nil {
				return err
			}
		}
		return nil
	})
	return tried, wait, err
}

// TriedRight makes a try count as the right one that it was: the wrong ones before it are forgotten, or, where the guess is
// shared, stand as if it had not been.
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

// Rules gives what the tenant wants of its stations and signatures.
func (d *DB) Rules(ctx context.Context, tenant packaging.TenantID) (packaging.Rules, error) {
	return rulesOf(ctx, d.read, tenant)
}

func rulesOf(ctx context.Context, q querier, tenant packaging.TenantID) (r packaging.Rules, err error) {
	var after int64
	err = q.QueryRowContext(ctx, `SELECT lock_after, sign_releases, second_signer FROM rules WHERE tenant_id = ?`, tenant).
		Scan(&after, &r.SignReleases, &r.SecondSigner)
	if errors.Is(err, sql.ErrNoRows) {
		return packaging.DefaultRules, nil
	}
	r.LockAfter = time.Duration(after) * time.Millisecond
	return r, coded(err)
}

// SetRules changes what the tenant wants, and records it.
func (d *DB) SetRules(ctx context.Context, by packaging.Person, r packaging.Rules) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		was, err := rulesOf(ctx, t, by.Tenant.ID)
		if err != nil || was == r {
			return err
		}
		if err := t.exec(`INSERT INTO rules (tenant_id, lock_after, sign_releases, second_signer) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant_id) DO UPDATE SET lock_after = excluded.lock_after, sign_releases = excluded.sign_releases, second_signer = excluded.second_signer`,
			by.Tenant.ID, r.LockAfter.Milliseconds(), r.SignReleases, r.SecondSigner); err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.RulesSet, Object: "stations and signatures", Old: was.String(), New: r.String(),
		})
	})
}
