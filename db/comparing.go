package db

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"lineboard/internal/packaging"
)

// A list is compared with all others of its product when it comes (see [tx.keepList]). Where the GTIN of its order
// comes or changes later, it is compared anew, in the background: lists may have millions of serials, and one import
// may bring the GTINs of many orders. Until then its row in lists_to_compare waits. A list that comes meanwhile finds
// both GTINs itself.
//
// The later GTINs are those of the order, and nobody knows which of its lists came before each. So a list of a second
// round is compared under one that the order had between its lists alone, too, as look-ups of packs find it under that
// one. A pack too many is looked at; of one too few nobody would know.

// compareLater has a list compared in the background.
func (t *tx) compareLater(tenant packaging.TenantID, list packaging.ListID) error {
	return t.exec(`INSERT INTO lists_to_compare (tenant_id, list) VALUES (?, ?)`, tenant, list)
}

// toCompare is a list that waits to be compared.
type toCompare struct {
	tenant packaging.TenantID
	list   packaging.ListID
	asked  int64 // the last time that it was wanted
}

// CompareLists compares the lists that became of another product with the others of it, and flags both where they share
// serials. One that can't be compared now waits until this is called again.
func (d *DB) CompareLists(ctx context.Context) error {
	var failed error
	tried := map[packaging.ListID]int64{} // those that failed
	for {
		waiting, err := collect(ctx, d.slow, func(row scanner) (c toCompare, err error) {
			return c, row.Scan(&c.tenant, &c.list, &c.asked)
		}, `SELECT tenant_id, list, max(id) FROM lists_to_compare GROUP BY list ORDER BY max(id)`)
		if err != nil {
			return errors.Join(failed, err)
		}
		waiting = slices.DeleteFunc(waiting, func(c toCompare) bool { return tried[c.list] == c.asked })
		if len(waiting) == 0 {
			return failed
		}
		for _, c := range waiting {
			if err := d.compareList(inBackground(ctx), c); err != nil {
				tried[c.list], failed = c.asked, errors.Join(failed, err)
			}
		}
	}
}

// compareList compares a list and stores what was found. All that is of the same product by the row that waits is read
// after it was written, and what comes later compares itself.
func (d *DB) compareList(ctx context.Context, c toCompare) error {
	release, err := releaseOf(ctx, d.slow, c.list)
	if err != nil {
		return err
	}
	var l *newList
	if err := d.inTurn(ctx, release.Serials, func() (err error) {
		if l, err = storedList(ctx, d.slow, c.tenant, release.Release); err == nil {
			l.repeats, err = l.repeatsNow(ctx, d.slow)
		}
		return err
	}); err != nil {
		return err
	}
	for {
		err = d.tx(ctx, func(t *tx) error {
			gtins, err := gtinsOfList(t.ctx, t, l.of)
			if err != nil {
				return err
			}
			if since, err := l.listsSince(t.ctx, t, gtins); err != nil || len(since.lists) > 0 {
				return cmp.Or(err, errListStale)
			}
			return t.storeCompared(c, l.repeats)
		})
		if !errors.Is(err, errListStale) {
			return err
		}
		if err := d.inTurn(ctx, release.Serials, func() error { return l.repeatAnew(ctx, d.slow) }); err != nil {
			return err
		}
	}
}

// inTurn does what takes the processor for a list of so many serials, a few long ones at once. It writes in slices at
// most: the list of a release may wait for this.
func (d *DB) inTurn(ctx context.Context, serials int64, do func() error) error {
	if serials > maxUnstaged {
		if err := d.longLists.Acquire(ctx, 1); err != nil {
			return coded(err)
		}
		defer d.longLists.Release(1)
	}
	return do()
}

// storedList returns the list of a release as one to be compared.
func storedList(ctx context.Context, q querier, tenant packaging.TenantID, r packaging.Release) (*newList, error) {
	l := &newList{of: packaging.Order{ID: r.OrderID, TenantID: tenant, Release: &r}}
	list := l.of.List()
	err := eachBlock(ctx, q, func(b readBlock) error {
		l.of.GTIN = b.gtin
		return eachPacked(b.packed, func(serial []byte) error {
			l.serials = append(l.serials, string(serial))
			return nil
		})
	}, `SELECT s.id, s.product_id, p.gtin, s.packed FROM serial_blocks s JOIN products p ON p.id = s.product_id
		WHERE s.id BETWEEN ? AND ? ORDER BY s.id`, serialKey(list, 0), serialKey(list+1, 0)-1)
	l.hashed = newSerialHasher(tenant, l.of.GTIN).hashed(l.serials)
	return l, err
}

// storeCompared flags a list with what its release does not tell yet, and has those compared that share its serials:
// they may not tell of this one.
func (t *tx) storeCompared(c toCompare, r repeats) error {
	release, err := releaseOf(t.ctx, t, c.list)
	if err != nil {
		return err
	}
	found, err := t.beforeAndAgain(c.list, r)
	if err != nil {
		return err
	}
	var more []packaging.Oddity
	for _, odd := range found {
		for _, told := range release.Oddities {
			if told.Kind == odd.Kind {
				odd.Count -= told.Count
			}
		}
		if odd.Count > 0 {
			more = append(more, odd)
		}
	}
	if len(more) > 0 {
		if err := t.flag(c.tenant, c.list, more...); err != nil {
			return err
		}
		for _, other := range slices.Sorted(maps.Keys(r.with)) {
			if err := t.compareLater(c.tenant, other); err != nil {
				return err
			}
		}
	}
	return t.exec(forgetCompared, c.list, c.asked)
}

// forgetCompared forgets that a list was to be compared.
const forgetCompared = `DELETE FROM lists_to_compare WHERE list = ? AND id <= ?`

// beforeAndAgain returns how many serials of a list came before, and how many came again.
func (t *tx) beforeAndAgain(list packaging.ListID, r repeats) ([]packaging.Oddity, error) {
	came, err := t.came(list)
	if err != nil {
		return nil, err
	}
	var earlier []packaging.ListID
	var again int64
	for other, with := range r.with {
		first, err := t.came(other)
		if err != nil {
			return nil, err
		}
		if cmp.Or(cmp.Compare(first, came), cmp.Compare(other, list)) < 0 {
			earlier = append(earlier, other)
		} else {
			again += int64(len(with.ours))
		}
	}
	return []packaging.Oddity{
		{Kind: packaging.SeenBefore, Count: r.places(earlier...)}, {Kind: packaging.SeenAgain, Count: again},
	}, nil
}

// came returns the entry of the history with which a list came, 0 if the history does not tell.
func (t *tx) came(list packaging.ListID) (entry int64, err error) {
	err = t.row(`
		SELECT coalesce(min(h.id), 0) FROM orders o
		JOIN releases r ON r.order_id = o.id AND r.round = ? AND r.outcome = 'released'
		JOIN history h ON h.tenant_id = o.tenant_id AND h.order_key = o.order_key AND h.release_id = r.id
			AND h.serials > 0
		WHERE o.id = ?`, list.Round(), list.Order()).Scan(&entry)
	return entry, coded(err)
}
