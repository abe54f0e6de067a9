package db

import (
	"context"
	"crypto/rand"
	"math/big"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

const selectStation = `
SELECT s.id, s.tenant_id, s.name, l.id, l.code, l.name, s.language, s.keyboard, coalesce(s.bound_at, 0), coalesce(s.code_until, 0)
FROM stations s JOIN lines l ON l.id = s.line_id
`

func scanStation(row scanner) (s packaging.Station, err error) {
	var bound, waits int64
	err = row.Scan(
		&s.ID, &s.TenantID, &s.Name, &s.Line.ID, &s.Line.Code, &s.Line.Name, &s.Language, &s.Keyboard, &bound, &waits,
	)
	s.Bound, s.Waits = moment(bound), moment(waits)
	return s, err
}

// Stations returns the tenant's stations, by line and name.
func (d *DB) Stations(ctx context.Context, tenant packaging.TenantID) ([]packaging.Station, error) {
	return collect(ctx, d.read, scanStation, selectStation+
		`WHERE s.tenant_id = ? ORDER BY l.code COLLATE naturally, s.name COLLATE naturally`, tenant)
}

// StationOf returns the station whose tablet carries the token.
func (d *DB) StationOf(ctx context.Context, token [32]byte) (packaging.Station, error) {
	s, err := scanStation(d.read.QueryRowContext(ctx, selectStation+`WHERE s.token_hash = ?`, token[:]))
	return s, coded(err)
}

func (t *tx) station(tenant packaging.TenantID, id packaging.StationID) (packaging.Station, error) {
	s, err := scanStation(t.row(selectStation+`WHERE s.tenant_id = ? AND s.id = ?`, tenant, id))
	return s, coded(err)
}

// AddStation adds a station at a line, and gives the code that binds its tablet: it is nowhere else.
func (d *DB) AddStation(
	ctx context.Context, by packaging.Person, name string, line packaging.LineID, language string,
) (s packaging.Station, code string, err error) {
	err = d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		if !by.Sees(line) {
			return packaging.Fail(packaging.NotFound, "error.not_found")
		}
		id, err := t.insert(
			`INSERT INTO stations (tenant_id, line_id, name, language) VALUES (?, ?, ?, ?)`, by.Tenant.ID, line, name,
			language,
		)
		if isTaken(err) {
			return packaging.Fail(packaging.Conflict, "stations.name_taken").Because(err)
		}
		if err != nil {
			return err
		}
		if err := t.mustStandApart(
			name, `SELECT name FROM stations WHERE tenant_id = ? AND id <> ?`, by.Tenant.ID, id,
		); err != nil {
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

// SetStationLanguage sets the language (BCP 47) that a station uses for people who have chosen none, empty for the
// browser's.
func (d *DB) SetStationLanguage(
	ctx context.Context, by packaging.Person, id packaging.StationID, language string,
) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		s, err := t.station(by.Tenant.ID, id)
		if err != nil || s.Language == language {
			return err
		}
		if err := t.exec(`UPDATE stations SET language = ? WHERE id = ?`, language, s.ID); err != nil {
			return err
		}
		e := stationEntry(packaging.StationSet, by.Author, s)
		e.Object, e.Old, e.New = packaging.SaysStationLanguage.Of(s.Name), s.Language, language
		return t.record(e)
	})
}

// SetStationKeyboard keeps what a scan showed of the scanner and the keyboard of a station that has a tablet.
func (d *DB) SetStationKeyboard(
	ctx context.Context, by packaging.Person, id packaging.StationID, keyboard string,
) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		return t.exec(
			`UPDATE stations SET keyboard = ? WHERE id = ? AND tenant_id = ? AND token_hash IS NOT NULL`, keyboard, id,
			by.Tenant.ID,
		)
	})
}

// MakeCode returns a new code that binds a tablet to the station. The code before it is worth nothing any more; a
// tablet that is bound stays so until the new code is entered.
func (d *DB) MakeCode(
	ctx context.Context, by packaging.Person, id packaging.StationID,
) (s packaging.Station, code string, err error) {
	err = d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		s, code, err = t.makeCode(d.box, by, id)
		return err
	})
	return s, code, err
}

func (t *tx) makeCode(
	box *secret.Box, by packaging.Person, id packaging.StationID,
) (s packaging.Station, code string, err error) {
	if code, err = newCode(); err != nil {
		return s, "", err
	}
	if err := t.exec(`UPDATE stations SET code_mark = ?, code_until = ? WHERE id = ? AND tenant_id = ?`,
		codeMark(box, code), millis(t.now.Add(packaging.CodeLasts)), id, by.Tenant.ID); err != nil {
		return s, "", err
	}
	if s, err = t.station(by.Tenant.ID, id); err != nil {
		return s, "", err
	}
	return s, code, t.record(stationEntry(packaging.StationCoded, by.Author, s))
}

// newCode returns a code at random.
func newCode() (string, error) {
	var b strings.Builder
	for range packaging.CodeSize {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(packaging.CodeLetters))))
		if err != nil {
			return "", err
		}
		b.WriteByte(packaging.CodeLetters[n.Int64()])
	}
	return b.String(), nil
}

func codeMark(box *secret.Box, code string) []byte {
	return box.Mark(secret.New(code), "code of a station")
}

// BindStation returns the station whose code was entered the tablet that carries the token from now on. The code is
// then used up, and a tablet that the station had before is unbound. Nobody is signed in there: the history names the
// address. A code that is wrong, used or too old is not found.
func (d *DB) BindStation(
	ctx context.Context, code string, token [32]byte, address string,
) (s packaging.Station, err error) {
	err = d.tx(ctx, func(t *tx) error {
		var id packaging.StationID
		var tenant packaging.TenantID
		if err := t.row(
			`SELECT id, tenant_id FROM stations WHERE code_mark = ? AND code_until > ?`, codeMark(d.box, code),
			millis(t.now),
		).
			Scan(&id, &tenant); err != nil {
			return err
		}
		if err := t.endSessionsAt(packaging.Author{}, id); err != nil {
			return err
		}
		if err := t.exec(`UPDATE stations SET code_mark = NULL, code_until = NULL, token_hash = ?, bound_at = ?, keyboard = '' WHERE id = ?`,
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
		if err := t.exec(
			`UPDATE stations SET token_hash = NULL, bound_at = NULL, keyboard = '' WHERE id = ?`, s.ID,
		); err != nil {
			return err
		}
		return t.record(stationEntry(packaging.StationUnbound, by.Author, s))
	})
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
		TenantID: s.TenantID, By: by, Deed: deed, LineCode: s.Line.Code, LineName: s.Line.Name,
		Object: packaging.SaysStation.Of(s.Name),
	}
}
