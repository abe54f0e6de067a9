package db

import (
	"context"
	"database/sql"
	"errors"

	"lineboard/internal/packaging"
)

// ShownPlace returns the place of the serial number of a list that was shown as a test code, 0 if none was. The same
// one is shown again: no further one is exposed.
func (d *DB) ShownPlace(ctx context.Context, in packaging.Scope, list packaging.ListID) (place int64, err error) {
	w := inScope(in, "o.")
	w.and(true, "s.serial_id BETWEEN ? AND ?", serialKey(list, 0), serialKey(list+1, 0)-1)
	err = d.read.QueryRowContext(ctx, `
		SELECT s.serial_id FROM shown_serials s JOIN orders o ON o.id = s.order_id WHERE `+w.sql+
		` LIMIT 1`, w.args...).Scan(&place)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return place & (1<<placeBits - 1), coded(err)
}

// ShowSerial records that a serial number of an order's list is shown as a test code. It is refused with a Conflict
// once the line has begun with the order, as far as its status tells, and if no list of it is here.
func (d *DB) ShowSerial(ctx context.Context, by packaging.Person, list packaging.ListID, place int64) error {
	return d.authorizedTx(ctx, by, packaging.ReleaseOrders, func(t *tx, by packaging.Person) error {
		o, err := orderOf(ctx, t, by.Scope(), list.Order())
		if err != nil {
			return err
		}
		if !by.MayOn(packaging.ReleaseOrders, o.Line.ID) {
			return packaging.Fail(packaging.Forbidden, "error.may_not_release")
		}
		var began bool
		if err := t.row(`
			SELECT EXISTS (SELECT 1 FROM order_events WHERE order_id = ?1 AND kind = 'status'
				AND (old_value IN (?2, ?3) OR new_value IN (?2, ?3)))`,
			o.ID, packaging.Suspended, packaging.Done).Scan(&began); err != nil {
			return err
		}
		if began || !o.LineMayBegin() {
			return packaging.Fail(packaging.Conflict, "error.line_began")
		}
		var serial string
		switch found, err := serialsOf(ctx, t, by.Scope(), list, "", place-1, 1); {
		case err != nil:
			return err
		case len(found) == 0:
			return packaging.Fail(packaging.NotFound, "error.not_found")
		default:
			serial = found[0].Value
		}
		if err := t.exec(`
			INSERT INTO shown_serials (serial_id, tenant_id, order_id, at, user_id, username, full_name) VALUES (?,?,?,?,?,?,?)
			ON CONFLICT DO NOTHING`,
			serialKey(list, place), o.TenantID, o.ID, millis(t.now), by.ID, by.Username, by.FullName); err != nil {
			return err
		}
		e := entryOf(packaging.SerialShown, by.Author, o)
		e.Object, e.New = "serial", serial
		return t.record(e)
	})
}
