package db

import (
	"context"

	"lineboard/internal/packaging"
)

const selectDisplay = `
SELECT d.id, d.tenant_id, d.name, d.language, coalesce(d.bound_at, 0), coalesce(d.code_until, 0) FROM displays d
`

func scanDisplay(row scanner) (d packaging.Display, err error) {
	var bound, waits int64
	err = row.Scan(&d.ID, &d.TenantID, &d.Name, &d.Language, &bound, &waits)
	d.Bound, d.Waits = moment(bound), moment(waits)
	return d, err
}

// Displays returns the tenant's displays, by name.
func (d *DB) Displays(ctx context.Context, tenant packaging.TenantID) ([]packaging.Display, error) {
	return collect(ctx, d.read, scanDisplay, selectDisplay+
		`WHERE d.tenant_id = ? ORDER BY d.name COLLATE naturally`, tenant)
}

// DisplayOf returns the display whose screen carries the token.
func (d *DB) DisplayOf(ctx context.Context, token [32]byte) (packaging.Display, error) {
	one, err := scanDisplay(d.read.QueryRowContext(ctx, selectDisplay+`WHERE d.token_hash = ?`, token[:]))
	return one, coded(err)
}

func (t *tx) display(tenant packaging.TenantID, id packaging.DisplayID) (packaging.Display, error) {
	d, err := scanDisplay(t.row(selectDisplay+`WHERE d.tenant_id = ? AND d.id = ?`, tenant, id))
	return d, coded(err)
}

// AddDisplay adds a display, and gives the code that binds its screen: it is nowhere else.
func (d *DB) AddDisplay(
	ctx context.Context, by packaging.Person, name, language string,
) (one packaging.Display, code string, err error) {
	err = d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		id, err := t.insert(
			`INSERT INTO displays (tenant_id, name, language) VALUES (?, ?, ?)`, by.Tenant.ID, name, language,
		)
		if isTaken(err) {
			return packaging.Fail(packaging.Conflict, "displays.name_taken").Because(err)
		}
		if err != nil {
			return err
		}
		if err := t.mustStandApart(
			name, `SELECT name FROM displays WHERE tenant_id = ? AND id <> ?`, by.Tenant.ID, id,
		); err != nil {
			return err
		}
		if one, err = t.display(by.Tenant.ID, packaging.DisplayID(id)); err != nil {
			return err
		}
		e := displayEntry(packaging.StationSet, by.Author, one)
		e.New = packaging.SaysAllLines.Of()
		if err := t.record(e); err != nil {
			return err
		}
		one, code, err = t.makeDisplayCode(d, by, one.ID)
		return err
	})
	return one, code, err
}

// MakeDisplayCode returns a new code that binds a screen to the display. The code before it is worth nothing any more.
func (d *DB) MakeDisplayCode(
	ctx context.Context, by packaging.Person, id packaging.DisplayID,
) (one packaging.Display, code string, err error) {
	err = d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		one, code, err = t.makeDisplayCode(d, by, id)
		return err
	})
	return one, code, err
}

func (t *tx) makeDisplayCode(
	d *DB, by packaging.Person, id packaging.DisplayID,
) (one packaging.Display, code string, err error) {
	if code, err = newCode(); err != nil {
		return one, "", err
	}
	if err := t.exec(`UPDATE displays SET code_mark = ?, code_until = ? WHERE id = ? AND tenant_id = ?`,
		codeMark(d.box, code), millis(t.now.Add(packaging.CodeLasts)), id, by.Tenant.ID); err != nil {
		return one, "", err
	}
	if one, err = t.display(by.Tenant.ID, id); err != nil {
		return one, "", err
	}
	return one, code, t.record(displayEntry(packaging.StationCoded, by.Author, one))
}

// BindDisplay returns the display whose code was entered. The screen that carries the token shows it from now on; one
// that was bound before does not. A code that is wrong, used or too old is not found.
func (d *DB) BindDisplay(
	ctx context.Context, code string, token [32]byte, address string,
) (one packaging.Display, err error) {
	err = d.tx(ctx, func(t *tx) error {
		var id packaging.DisplayID
		var tenant packaging.TenantID
		if err := t.row(
			`SELECT id, tenant_id FROM displays WHERE code_mark = ? AND code_until > ?`, codeMark(d.box, code),
			millis(t.now),
		).
			Scan(&id, &tenant); err != nil {
			return err
		}
		if err := t.exec(`UPDATE displays SET code_mark = NULL, code_until = NULL, token_hash = ?, bound_at = ? WHERE id = ?`,
			token[:], millis(t.now), id); err != nil {
			return err
		}
		if one, err = t.display(tenant, id); err != nil {
			return err
		}
		e := displayEntry(packaging.StationBound, packaging.Author{}, one)
		e.New = address
		return t.record(e)
	})
	return one, err
}

// UnbindDisplay takes the display's screen away: it shows nothing any more.
func (d *DB) UnbindDisplay(ctx context.Context, by packaging.Person, id packaging.DisplayID) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		one, err := t.display(by.Tenant.ID, id)
		if err != nil || one.Bound.IsZero() {
			return err
		}
		if err := t.exec(`UPDATE displays SET token_hash = NULL, bound_at = NULL WHERE id = ?`, one.ID); err != nil {
			return err
		}
		return t.record(displayEntry(packaging.StationUnbound, by.Author, one))
	})
}

// RemoveDisplay forgets a display that has no screen.
func (d *DB) RemoveDisplay(ctx context.Context, by packaging.Person, id packaging.DisplayID) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		one, err := t.display(by.Tenant.ID, id)
		if err != nil {
			return err
		}
		if !one.Bound.IsZero() {
			return packaging.Fail(packaging.Conflict, "displays.still_bound")
		}
		if err := t.exec(`DELETE FROM displays WHERE id = ?`, one.ID); err != nil {
			return err
		}
		return t.record(displayEntry(packaging.StationRemoved, by.Author, one))
	})
}

func displayEntry(deed packaging.Deed, by packaging.Author, d packaging.Display) packaging.Entry {
	return packaging.Entry{TenantID: d.TenantID, By: by, Deed: deed, Object: packaging.SaysDisplay.Of(d.Name)}
}
