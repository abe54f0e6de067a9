package db

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"lineboard/internal/packaging"
)

// notStaged is the condition that a block, s, is of a list that is here as a whole.
const notStaged = `s.id >> 24 NOT IN (SELECT list FROM staged_lists)`

// errEnough ends the reading of blocks.
var errEnough = errors.New("enough was read")

// eachSerialAfter hands the serials of a list after a place to do, in the order received, until it fails with
// errEnough. The order must be in the scope: the list of one outside it is empty.
func eachSerialAfter(
	ctx context.Context, q querier, in packaging.Scope, list packaging.ListID, after int64, do func(
		int64, []byte,
	) error,
) error {
	w := inScope(in, "")
	err := eachBlock(ctx, q, func(b readBlock) error {
		place := b.first - 1
		return eachPacked(b.packed, func(serial []byte) error {
			if place++; place <= after {
				return nil
			}
			return do(place, serial)
		})
	}, `
		SELECT s.id, s.product_id, '', s.packed FROM serial_blocks s
		WHERE s.id >= coalesce((SELECT max(id) FROM serial_blocks WHERE id BETWEEN ?1 AND ?2), ?1) AND s.id < ?3
			AND `+notStaged+` AND EXISTS (SELECT 1 FROM orders WHERE id = ?4 AND `+w.sql+`) ORDER BY s.id`,
		append([]any{serialKey(list, 0), serialKey(list, after+1), serialKey(list+1, 0), list.Order()}, w.args...)...)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// Serials returns up to limit serials of a list, from the one after the given place.
func (d *DB) Serials(
	ctx context.Context, in packaging.Scope, list packaging.ListID, after int64, limit int,
) ([]packaging.Serial, error) {
	return serialsOf(ctx, d.read, in, list, "", after, limit)
}

func serialsOf(
	ctx context.Context, q querier, in packaging.Scope, list packaging.ListID, text string, after int64, limit int,
) (serials []packaging.Serial, err error) {
	err = eachSerialAfter(ctx, q, in, list, after, func(place int64, serial []byte) error {
		if len(serials) == limit {
			return errEnough
		}
		if bytes.Contains(serial, []byte(text)) {
			serials = append(serials, packaging.Serial{Seq: place, Value: string(serial)})
		}
		return nil
	})
	return serials, err
}

// FindSerials returns up to limit serials of a list that contain text, case-sensitive as serials are, from the one
// after the given place.
func (d *DB) FindSerials(
	ctx context.Context, in packaging.Scope, list packaging.ListID, text string, after int64, limit int,
) (found []packaging.Serial, err error) {
	err = d.search(ctx, in.Reader(), text, func(ctx context.Context, q querier) error {
		found, err = serialsOf(ctx, q, in, list, text, after, limit)
		return err
	})
	return found, err
}

// EachSerial hands the serials of a list to do, in the order received, until it fails. It holds no more than a page of
// them. Who had the order in their scope when it began gets all of the list.
func (d *DB) EachSerial(
	ctx context.Context, in packaging.Scope, list packaging.ListID, do func(packaging.Serial) error,
) error {
	const page = 5_000
	person := in.Reader()
	for after := int64(0); ; in = packaging.Everything(in.Tenant()) {
		var serials []packaging.Serial
		err := d.readLong(ctx, person, pageLimit, func(ctx context.Context, q querier) (err error) {
			serials, err = serialsOf(ctx, q, in, list, "", after, page)
			return err
		})
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

// listsOfGTIN joins the first block, f, of each list of the order of a list_gtins row, l.
const listsOfGTIN = `CROSS JOIN releases r ON r.order_id = l.order_id AND r.outcome = 'released' AND r.list_source <> ''
			CROSS JOIN serial_blocks f ON f.id = ((r.round << 32 | r.order_id) << 24) + 1`

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
	// A pack is looked for under its own GTIN, and in lists of orders that got its GTIN later under the one that they
	// had.
	targets := make([]packTarget, len(packs))
	for i, pack := range packs {
		targets[i] = packTarget{PackID: pack, was: pack.GTIN}
	}
	later, err := collect(ctx, d.read, func(row scanner) (t packTarget, err error) {
		return t, row.Scan(&t.GTIN, &t.Serial, &t.was, &t.list)
	}, `
		WITH asked AS MATERIALIZED (SELECT value ->> 'GTIN' AS gtin, value ->> 'Serial' AS serial FROM json_each(?))
		SELECT a.gtin, a.serial, p.gtin, f.id >> 24 FROM asked a
		CROSS JOIN list_gtins l ON l.tenant_id = ? AND l.gtin = a.gtin
		`+listsOfGTIN+` CROSS JOIN products p ON p.id = f.product_id`, string(asked), in.Tenant())
	if err != nil {
		return nil, err
	}
	places, err := placesOf(ctx, d.read, in.Tenant(), append(targets, later...))
	if err != nil || len(places) == 0 {
		return nil, err
	}
	return d.packsAt(ctx, in, places)
}

// FindRepeats returns the serials of a list that are in other lists of the same product (see [tx.keepList]), each with
// an order that has it too: of those in the scope, the last one.
func (d *DB) FindRepeats(
	ctx context.Context, in packaging.Scope, list packaging.ListID, serials []string,
) (map[string]packaging.OrderID, error) {
	l := &newList{serials: serials, of: packaging.Order{
		ID: list.Order(), TenantID: in.Tenant(), Release: &packaging.Release{Round: list.Round()},
	}}
	err := d.read.QueryRowContext(ctx, `
		SELECT p.gtin FROM serial_blocks s JOIN products p ON p.id = s.product_id WHERE s.id = ? AND p.tenant_id = ?`,
		serialKey(list, 1), in.Tenant()).Scan(&l.of.GTIN)
	if err != nil {
		return nil, coded(err)
	}
	l.hashed = newSerialHasher(in.Tenant(), l.of.GTIN).hashed(serials)
	r, err := l.repeatsNow(ctx, d.read)
	if err != nil || len(r.with) == 0 {
		return nil, err
	}
	seen, err := ordersInScope(ctx, d.read, in, slices.Collect(maps.Keys(r.with)))
	if err != nil {
		return nil, err
	}
	repeats := map[string]packaging.OrderID{}
	for _, other := range slices.Sorted(maps.Keys(r.with)) {
		if !seen[other.Order()] {
			continue
		}
		for at := range r.with[other].ours {
			repeats[serials[at]] = other.Order()
		}
	}
	return repeats, nil
}

// ordersInScope returns which orders of lists are in the scope.
func ordersInScope(
	ctx context.Context, q querier, in packaging.Scope, lists []packaging.ListID,
) (map[packaging.OrderID]bool, error) {
	orders := make([]packaging.OrderID, len(lists))
	for i, list := range lists {
		orders[i] = list.Order()
	}
	asked, err := json.Marshal(orders)
	if err != nil {
		return nil, err
	}
	w := inScope(in, "o.")
	w.and(true, `o.id IN (SELECT value FROM json_each(?))`, string(asked))
	seen, err := collect(ctx, q, func(row scanner) (id packaging.OrderID, err error) { return id, row.Scan(&id) },
		`SELECT o.id FROM orders o WHERE `+w.sql, w.args...)
	is := map[packaging.OrderID]bool{}
	for _, id := range seen {
		is[id] = true
	}
	return is, err
}

// packsAt returns the packs at the places, as far as they are in the scope.
func (d *DB) packsAt(
	ctx context.Context, in packaging.Scope, places []packPlace,
) ([]packaging.PackFound, error) {
	list, err := json.Marshal(places)
	if err != nil {
		return nil, err
	}
	w := inScope(in, "o.")
	scan := func(row scanner) (found packaging.PackFound, err error) {
		var key, shown int64
		err = row.Scan(&key, &found.GTIN, &found.Serial, &found.GTINChanged, &shown, &found.ShownBy)
		found.ShownAt = moment(shown)
		found.Order, found.Round, found.Place = listOf(key).Order(), listOf(key).Round(), placeOf(key)
		return found, err
	}
	return collect(ctx, d.read, scan, `
		WITH found AS MATERIALIZED (SELECT DISTINCT value ->> 'Key' AS id, value ->> 'GTIN' AS gtin,
			value ->> 'Serial' AS serial, value ->> 'Was' AS was FROM json_each(?))
		SELECT found.id, found.gtin, found.serial,
			(found.was <> '') + (SELECT count(*) FROM list_gtins l WHERE l.order_id = o.id) > 1,
			coalesce(shown.at, 0), coalesce(shown.full_name, '')
		FROM found CROSS JOIN orders o ON o.id = `+of(orderOfSerial, "found.id")+`
		LEFT JOIN shown_serials shown ON shown.serial_id = found.id
		WHERE `+w.sql+` ORDER BY found.id LIMIT ?`, append(append([]any{string(list)}, w.args...), maxPacksFound)...)
}

// OrdersOfSerial returns the orders that a serial number came with, the newest first and at most limit. They are
// several where products share it, or where it came twice.
func (d *DB) OrdersOfSerial(
	ctx context.Context, in packaging.Scope, serial string, limit int,
) (orders []packaging.Order, err error) {
	err = d.readLong(ctx, in.Reader(), reportLimit, func(ctx context.Context, q querier) error {
		orders, err = ordersOfSerial(ctx, q, in, serial, limit)
		return err
	})
	return orders, err
}

func ordersOfSerial(
	ctx context.Context, q querier, in packaging.Scope, serial string, limit int,
) ([]packaging.Order, error) {
	targets, err := collect(ctx, q, func(row scanner) (packTarget, error) {
		t := packTarget{PackID: packaging.PackID{Serial: serial}}
		return t, row.Scan(&t.was)
	}, `SELECT gtin FROM products WHERE tenant_id = ?`, in.Tenant())
	if err != nil {
		return nil, err
	}
	for i := range targets {
		targets[i].GTIN = targets[i].was
	}
	places, err := placesOf(ctx, q, in.Tenant(), targets)
	if err != nil {
		return nil, err
	}
	found := make([]packaging.OrderID, len(places))
	for i, p := range places {
		found[i] = listOf(p.Key).Order()
	}
	list, err := json.Marshal(found)
	if err != nil {
		return nil, err
	}
	w := inScope(in, "o.")
	w.and(true, `o.id IN (SELECT value FROM json_each(?))`, string(list))
	return collect(
		ctx, q, scanOrder, selectOrder+`WHERE `+w.sql+` ORDER BY o.id DESC LIMIT ?`, append(w.args, limit)...,
	)
}
