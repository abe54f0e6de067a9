package db

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"lineboard/internal/packaging"
)

// A serial's key is its list's key and its place in the list.
const placeBits = 24

func serialKey(list packaging.ListID, place int64) int64 { return int64(list)<<placeBits | place }

// orderOfSerial is the SQL of the order that a serial's key, $, belongs to (see [packaging.ListID]).
const orderOfSerial = "($ >> 24 & 4294967295)"

// batch is how many serials one statement inserts; more gain nothing.
const batch = 250

// addSerials stores the list of an order's latest release as it came: order, case and duplicates included.
func (t *tx) addSerials(o packaging.Order, serials []string) error {
	if len(serials) == 0 {
		return nil
	}
	if len(serials) > packaging.MaxSerials {
		return fmt.Errorf("%d serial numbers of one order can't be stored", len(serials))
	}
	product, err := t.product(o.TenantID, o.GTIN)
	if err != nil {
		return err
	}
	digest := newListDigest()
	for i, s := range serials {
		digest.add(int64(i)+1, product, s)
	}
	if err := t.touchList(o.TenantID, o.List(), digest.sum()); err != nil {
		return err
	}
	full, err := t.PrepareContext(t.ctx, insertSerials(batch))
	if err != nil {
		return err
	}
	defer full.Close()
	args := make([]any, 0, 3*batch)
	for i, s := range serials {
		args = append(args, serialKey(o.List(), int64(i)+1), product, s)
		if len(args) == cap(args) {
			if _, err := full.ExecContext(t.ctx, args...); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if len(args) == 0 {
		return nil
	}
	// Lists end anywhere: this statement is not kept.
	_, err = t.Tx.ExecContext(t.ctx, insertSerials(len(args)/3), args...)
	return err
}

func insertSerials(n int) string {
	return `INSERT INTO serials (id, product_id, serial) VALUES (?,?,?)` + strings.Repeat(`,(?,?,?)`, n-1)
}

// product returns the key of the tenant's product, which it adds where it is new.
func (t *tx) product(tenant packaging.TenantID, gtin string) (id int64, err error) {
	if err := t.exec(`INSERT INTO products (tenant_id, gtin) VALUES (?, ?) ON CONFLICT DO NOTHING`, tenant, gtin); err != nil {
		return 0, err
	}
	return id, t.row(`SELECT id FROM products WHERE tenant_id = ? AND gtin = ?`, tenant, gtin).Scan(&id)
}

func scanSerial(row scanner) (s packaging.Serial, err error) {
	err = row.Scan(&s.Seq, &s.Value)
	s.Seq &= 1<<placeBits - 1
	return s, err
}

// selectSerials reads the serials of a list from the one after a place. The order must be in the scope: the list of
// one outside it is empty.
func selectSerials(in packaging.Scope, list packaging.ListID, after int64) (string, []any) {
	w := inScope(in, "")
	return `SELECT s.id, s.serial FROM serials s WHERE s.id > ? AND s.id < ? AND EXISTS (SELECT 1 FROM orders WHERE id = ? AND ` + w.sql + `)`,
		append([]any{serialKey(list, after), serialKey(list+1, 0), list.Order()}, w.args...)
}

// Serials returns up to limit serials of a list, from the one after the given place.
func (d *DB) Serials(
	ctx context.Context, in packaging.Scope, list packaging.ListID, after int64, limit int,
) ([]packaging.Serial, error) {
	return serialsOf(ctx, d.read, in, list, after, limit)
}

func serialsOf(
	ctx context.Context, q querier, in packaging.Scope, list packaging.ListID, after int64, limit int,
) ([]packaging.Serial, error) {
	query, args := selectSerials(in, list, after)
	return collect(ctx, q, scanSerial, query+` ORDER BY s.id LIMIT ?`, append(args, limit)...)
}

// FindSerials returns up to limit serials of a list that contain text, case-sensitive as serials are, from the one
// after the given place.
func (d *DB) FindSerials(
	ctx context.Context, in packaging.Scope, list packaging.ListID, text string, after int64, limit int,
) (found []packaging.Serial, err error) {
	query, args := selectSerials(in, list, after)
	err = d.search(ctx, text, func(ctx context.Context, q querier) error {
		found, err = collect(ctx, q, scanSerial, query+` AND instr(s.serial, ?) > 0 ORDER BY s.id LIMIT ?`,
			append(args, text, limit)...)
		return err
	})
	return found, err
}

// EachSerial hands the serials of a list to do, in the order received, until it fails. It holds no more than a page of
// them.
func (d *DB) EachSerial(
	ctx context.Context, in packaging.Scope, list packaging.ListID, do func(packaging.Serial) error,
) error {
	const page = 5_000
	for after := int64(0); ; {
		serials, err := serialsOf(ctx, d.slow, in, list, after, page)
		if err != nil {
			return err
		}
		for _, s := range serials {
			if err := do(s); err != nil {
				return err
			}
		}
		if len(serials) < page {
			return nil
		}
		after = serials[page-1].Seq
	}
}

// listsOfGTIN joins the first serial, f, of each list of the order of a list_gtins row, l.
const listsOfGTIN = `CROSS JOIN releases r ON r.order_id = l.order_id AND r.outcome = 'released' AND r.list_source <> ''
			CROSS JOIN serials f ON f.id = ((r.round << 32 | r.order_id) << 24) + 1`

// maxPacksFound is how many places of packs are given: more than one of a pack is a defect already.
const maxPacksFound = 50

// FindPacks returns where packs are in the lists of orders. A list is of the GTIN that its order had when it came, and
// of those that the order has had since.
func (d *DB) FindPacks(
	ctx context.Context, in packaging.Scope, packs []packaging.PackID,
) ([]packaging.PackFound, error) {
	asked, err := json.Marshal(packs)
	if err != nil {
		return nil, err
	}
	w := inScope(in, "o.")
	scan := func(row scanner) (found packaging.PackFound, err error) {
		var key, shown int64
		err = row.Scan(&key, &found.GTIN, &found.Serial, &found.GTINChanged, &shown, &found.ShownBy)
		found.ShownAt = moment(shown)
		list := packaging.ListID(key >> placeBits)
		found.Order, found.Round, found.Place = list.Order(), list.Round(), key&(1<<placeBits-1)
		return found, err
	}
	// CROSS JOIN has each serial looked up in the index, whatever the planner thinks of two lists.
	return collect(ctx, d.read, scan, `
		WITH asked AS MATERIALIZED (SELECT value ->> 'GTIN' AS gtin, value ->> 'Serial' AS serial FROM json_each(?)),
		found AS (
			SELECT s.id, a.gtin, s.serial, p.gtin AS was FROM asked a
			CROSS JOIN products p ON p.tenant_id = ? AND p.gtin = a.gtin
			CROSS JOIN serials s ON s.product_id = p.id AND s.serial = a.serial
			UNION
			SELECT s.id, a.gtin, s.serial, p.gtin FROM asked a
			CROSS JOIN list_gtins l ON l.tenant_id = ? AND l.gtin = a.gtin
			`+listsOfGTIN+`
			CROSS JOIN products p ON p.id = f.product_id
			CROSS JOIN serials s ON s.product_id = p.id AND s.serial = a.serial AND s.id >> 24 = f.id >> 24)
		SELECT found.id, found.gtin, found.serial,
			(found.was <> '') + (SELECT count(*) FROM list_gtins l WHERE l.order_id = o.id) > 1,
			coalesce(shown.at, 0), coalesce(shown.full_name, '')
		FROM found CROSS JOIN orders o ON o.id = `+of(orderOfSerial, "found.id")+`
		LEFT JOIN shown_serials shown ON shown.serial_id = found.id
		WHERE `+w.sql+` ORDER BY found.id LIMIT ?`,
		append(append([]any{string(asked), in.Tenant(), in.Tenant()}, w.args...), maxPacksFound)...)
}

// OrdersOfSerial returns the orders that a serial number came with, the newest first and at most limit. They are
// several where products share it, or where it came twice.
func (d *DB) OrdersOfSerial(
	ctx context.Context, in packaging.Scope, serial string, limit int,
) ([]packaging.Order, error) {
	w := inScope(in, "o.")
	w.and(true, `o.id IN (SELECT `+of(orderOfSerial, "s.id")+` FROM products p
		JOIN serials s ON s.product_id = p.id AND s.serial = ? WHERE p.tenant_id = ?)`, serial, in.Tenant())
	return collect(ctx, d.slow, scanOrder, selectOrder+`WHERE `+w.sql+` ORDER BY o.id DESC LIMIT ?`, append(w.args, limit)...)
}
