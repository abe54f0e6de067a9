package db

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"lineboard/internal/packaging"
)

// newList is a list of serials that is about to be stored. came is true if there was a list, even an empty one.
type newList struct {
	serials []string
	came    bool
	leaks   int64 // how many of them hold a credential of the connection
	repeats repeats
}

// repeats says which serials of a list the tenant has already for the same product: a pack's identity is GTIN and
// serial.
type repeats struct {
	gtin  string
	asOf  int64                      // the newest entry of the history at the time
	later int64                      // lists of which this is a later GTIN, at the time
	count int64                      // serials of the list
	in    map[packaging.ListID]int64 // serials in each other list
}

// newList looks for repeats before the writer is taken, since a long list takes a while. The transaction that stores
// the list looks again if others came meanwhile.
func (d *DB) newList(ctx context.Context, o packaging.Order, serials []string, came bool) (l newList, err error) {
	l.serials, l.came = serials, came
	l.repeats, err = repeatsOf(ctx, d.read, o, serials)
	return l, err
}

func repeatsOf(ctx context.Context, q querier, o packaging.Order, serials []string) (r repeats, err error) {
	r.gtin, r.in = o.GTIN, map[packaging.ListID]int64{}
	if len(serials) == 0 {
		return r, nil
	}
	spellings, err := json.Marshal(packaging.GTINSpellings(o.GTIN))
	if err != nil {
		return r, err
	}
	// First: a list that comes between the two queries is looked for again.
	if err := q.QueryRowContext(ctx, `
		SELECT coalesce(max(id), 0),
			(SELECT count(*) FROM list_gtins WHERE tenant_id = ? AND gtin IN (SELECT value FROM json_each(?)))
		FROM history`, o.TenantID, string(spellings)).Scan(&r.asOf, &r.later); err != nil {
		return r, coded(err)
	}
	// Sorted, they are looked up in the order of the index.
	list, err := json.Marshal(slices.Sorted(slices.Values(serials)))
	if err != nil {
		return r, err
	}
	_, err = collect(ctx, q, func(row scanner) (list packaging.ListID, err error) {
		var n int64
		err = row.Scan(&list, &n, &r.count)
		r.in[list] = n
		return list, err
	}, `
		WITH gtins AS MATERIALIZED (SELECT value AS gtin FROM json_each(?3)),
		again AS MATERIALIZED (
			SELECT new.key AS place, s.id FROM gtins g
			CROSS JOIN products p ON p.tenant_id = ?2 AND p.gtin = g.gtin
			CROSS JOIN json_each(?1) AS new
			CROSS JOIN serials s ON s.product_id = p.id AND s.serial = new.value
			UNION ALL
			SELECT new.key, s.id FROM gtins g
			CROSS JOIN list_gtins l ON l.tenant_id = ?2 AND l.gtin = g.gtin
			`+listsOfGTIN+`
			CROSS JOIN json_each(?1) AS new
			CROSS JOIN serials s ON s.product_id = f.product_id AND s.serial = new.value AND s.id >> 24 = f.id >> 24)
		SELECT id >> 24, count(DISTINCT id), (SELECT count(DISTINCT place) FROM again) FROM again GROUP BY 1`,
		string(list), o.TenantID, string(spellings))
	return r, err
}

// repeats returns those of a new list, as of this transaction.
func (t *tx) repeats(o packaging.Order, l newList) (repeats, error) {
	spellings, err := json.Marshal(packaging.GTINSpellings(o.GTIN))
	if err != nil {
		return l.repeats, err
	}
	var others bool
	if err := t.row(`
		WITH gtins AS MATERIALIZED (SELECT value AS gtin FROM json_each(?3))
		SELECT EXISTS (SELECT 1 FROM history h JOIN releases r ON r.id = h.release_id
				JOIN serials s ON s.id = ((r.round << 32 | r.order_id) << 24) + 1 JOIN products p ON p.id = s.product_id
				WHERE h.id > ?1 AND h.tenant_id = ?2 AND h.serials > 0 AND p.gtin IN gtins)
			OR (SELECT count(*) FROM list_gtins WHERE tenant_id = ?2 AND gtin IN gtins) <> ?4`,
		l.repeats.asOf, o.TenantID, string(spellings), l.repeats.later).Scan(&others); err != nil {
		return l.repeats, err
	}
	if !others && l.repeats.gtin == o.GTIN {
		return l.repeats, nil
	}
	return repeatsOf(t.ctx, t, o, l.serials)
}

// keepList stores the list of a release and notes what is odd about it. Serials that another list has are noted with
// both.
func (t *tx) keepList(o packaging.Order, r *packaging.Release, l newList) error {
	if !l.came {
		return nil
	}
	again, err := t.repeats(o, l)
	if err != nil {
		return err
	}
	r.Serials = int64(len(l.serials))
	r.Oddities = append(r.Oddities, packaging.CheckSerials(l.serials, r.Expected, r.ExpectedKnown)...)
	if l.leaks > 0 {
		r.Oddities = append(r.Oddities, packaging.Oddity{Kind: packaging.HoldsSecret, Count: l.leaks})
	}
	if again.count > 0 {
		r.Oddities = append(r.Oddities, packaging.Oddity{Kind: packaging.SeenBefore, Count: again.count})
	}
	for _, other := range slices.SortedFunc(maps.Keys(again.in), cmp.Compare[packaging.ListID]) {
		if err := t.flagSeenAgain(o.TenantID, other, again.in[other]); err != nil {
			return err
		}
	}
	return t.addSerials(o, l.serials)
}

// flagSeenAgain notes with the release of a list that serials of it came again, and records that.
func (t *tx) flagSeenAgain(tenant packaging.TenantID, list packaging.ListID, n int64) error {
	o, err := orderOf(t.ctx, t, packaging.Everything(tenant), list.Order())
	if err != nil {
		return err
	}
	one, err := releaseOf(t.ctx, t, list)
	if err != nil {
		return err
	}
	r := one.Release
	o.Release = &r
	i := slices.IndexFunc(r.Oddities, func(odd packaging.Oddity) bool { return odd.Kind == packaging.SeenAgain })
	if i < 0 {
		i, r.Oddities = len(r.Oddities), append(r.Oddities, packaging.Oddity{Kind: packaging.SeenAgain})
	}
	r.Oddities[i].Count += n
	r.Flagged = t.now
	if err := t.storeRelease(r); err != nil {
		return err
	}
	if err := t.bumpRevision(o); err != nil {
		return err
	}
	return t.recordOdd(program, o, r, packaging.Oddity{Kind: packaging.SeenAgain, Count: n})
}
