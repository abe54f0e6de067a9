package db

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"lineboard/internal/packaging"
)

// newList is a list of serials that is about to be stored. What takes long is done before the writer is taken.
type newList struct {
	of       packaging.Order
	serials  []string
	came     bool  // there was a list, even an empty one
	leaks    int64 // how many of them hold a credential of the connection
	oddities []packaging.Oddity
	hashed   []hashedSerial
	blocks   []serialBlock
	marks    []int64
	product  int64 // 0 where the product is new
	digest   [sha256.Size]byte
	repeats  repeats
	staged   bool
}

// repeats says which serials of a list the tenant has already for the same product: a pack's identity is GTIN and
// serial.
type repeats struct {
	asOf  int64                      // the newest entry of the history at the time
	later int64                      // lists of which this is a later GTIN, at the time
	in    map[packaging.ListID]int64 // serials in each other list
	again map[int32]bool             // places, from 0, of those that another list has
}

// newList prepares a list, and stages a long one. done must be called once the list is stored or given up.
func (d *DB) newList(
	ctx context.Context, o packaging.Order, serials []string, came bool,
) (l *newList, done func(), err error) {
	if len(serials) > packaging.MaxSerials {
		return nil, nil, fmt.Errorf("%d serial numbers of one order can't be stored", len(serials))
	}
	l = &newList{of: o, serials: serials, came: came}
	if r := o.Release; r != nil {
		l.oddities = packaging.CheckSerials(serials, r.Expected, r.ExpectedKnown)
	}
	if len(serials) == 0 {
		return l, func() {}, nil
	}
	if len(serials) > maxUnstaged {
		if err := d.longLists.Acquire(ctx, 1); err != nil {
			return nil, nil, coded(err)
		}
		defer d.longLists.Release(1)
	}
	l.pack(d)
	if l.product, err = productOf(ctx, d.read, o); err == nil {
		l.repeats, err = l.repeatsNow(ctx, d.read)
	}
	if err != nil {
		return nil, nil, err
	}
	if l.product != 0 {
		l.digest = digestOf(l.product, serials)
	}
	if done, err = d.stage(ctx, l); err != nil || !l.staged {
		return l, done, err
	}
	if l.repeats, err = l.repeatsSince(ctx, d.read); err != nil { // little is left to compare in the transaction
		done()
		return nil, nil, err
	}
	return l, done, nil
}

// pack makes the blocks of the list and their marks.
func (l *newList) pack(d *DB) {
	l.hashed = newSerialHasher(l.of.TenantID, l.of.GTIN).hashed(l.serials)
	l.blocks = packBlocks(1, l.serials)
	number := d.blocks.Add(int64(len(l.blocks))) - int64(len(l.blocks))
	for i := range l.blocks {
		l.blocks[i].number = number + int64(i) + 1
	}
	l.marks = marksOf(l.hashed, l.blocks)
}

func digestOf(product int64, serials []string) [sha256.Size]byte {
	digest := newListDigest()
	for i, s := range serials {
		digest.add(int64(i)+1, product, s)
	}
	return digest.sum()
}

// productOf returns the key of an order's product, 0 if there is none yet.
func productOf(ctx context.Context, q querier, o packaging.Order) (id int64, err error) {
	err = q.QueryRowContext(
		ctx, `SELECT id FROM products WHERE tenant_id = ? AND gtin = ?`, o.TenantID, o.GTIN,
	).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, coded(err)
}

// repeatsNow compares the list with all others.
func (l *newList) repeatsNow(ctx context.Context, q querier) (r repeats, err error) {
	r = repeats{in: map[packaging.ListID]int64{}, again: map[int32]bool{}}
	spellings, err := json.Marshal(packaging.GTINSpellings(l.of.GTIN))
	if err != nil {
		return r, err
	}
	// First: a list that comes after this is looked for again.
	if err := q.QueryRowContext(ctx, `
		SELECT coalesce(max(id), 0),
			(SELECT count(*) FROM list_gtins WHERE tenant_id = ? AND gtin IN (SELECT value FROM json_each(?)))
		FROM history`, l.of.TenantID, string(spellings)).Scan(&r.asOf, &r.later); err != nil {
		return r, coded(err)
	}
	targets, err := collect(ctx, q, func(row scanner) (t packTarget, err error) { return t, row.Scan(&t.was, &t.list) },
		`
		WITH gtins AS MATERIALIZED (SELECT value AS gtin FROM json_each(?2))
		SELECT p.gtin, 0 FROM gtins g CROSS JOIN products p ON p.tenant_id = ?1 AND p.gtin = g.gtin
		UNION ALL
		SELECT p.gtin, f.id >> 24 FROM gtins g
		CROSS JOIN list_gtins l ON l.tenant_id = ?1 AND l.gtin = g.gtin
		`+listsOfGTIN+` CROSS JOIN products p ON p.id = f.product_id`, l.of.TenantID, string(spellings))
	if err != nil {
		return r, err
	}
	numbers := map[int64]bool{}
	for gtin := range gtinsOf(targets) {
		hashed := l.hashed
		if gtin != l.of.GTIN {
			hashed = newSerialHasher(l.of.TenantID, gtin).hashed(l.serials)
		}
		some, err := blocksWith(ctx, q, hashesOf(hashed))
		if err != nil {
			return r, err
		}
		for _, n := range some {
			numbers[n] = true
		}
	}
	err = eachBlockOf(ctx, q, l.of.TenantID, slices.Sorted(maps.Keys(numbers)), func(b readBlock) error {
		if !slices.ContainsFunc(targets, func(t packTarget) bool {
			return t.was == b.gtin && (t.list == 0 || t.list == b.list)
		}) {
			return nil
		}
		return l.compare(b, &r)
	})
	return r, err
}

func gtinsOf(targets []packTarget) map[string]bool {
	gtins := map[string]bool{}
	for _, t := range targets {
		gtins[t.was] = true
	}
	return gtins
}

func hashesOf(hashed []hashedSerial) []int64 {
	hashes := make([]int64, len(hashed))
	for i, h := range hashed {
		hashes[i] = h.hash
	}
	return slices.Compact(hashes)
}

// compare notes the serials of another list's block that the list has too.
func (l *newList) compare(b readBlock, r *repeats) error {
	hasher := newSerialHasher(l.of.TenantID, l.of.GTIN)
	return eachPacked(b.packed, func(serial []byte) error {
		hash := hasher.hash(string(serial))
		i, _ := slices.BinarySearchFunc(l.hashed, hash, func(h hashedSerial, hash int64) int {
			return cmp.Compare(h.hash, hash)
		})
		had := false
		for ; i < len(l.hashed) && l.hashed[i].hash == hash; i++ {
			if l.serials[l.hashed[i].at] == string(serial) {
				r.again[l.hashed[i].at], had = true, true
			}
		}
		if had {
			r.in[b.list]++
		}
		return nil
	})
}

// repeatsSince returns the repeats as of now: the list is compared with those that came since it was last.
func (l *newList) repeatsSince(ctx context.Context, q querier) (r repeats, err error) {
	spellings, err := json.Marshal(packaging.GTINSpellings(l.of.GTIN))
	if err != nil {
		return r, err
	}
	r = repeats{in: maps.Clone(l.repeats.in), again: maps.Clone(l.repeats.again)}
	if err := q.QueryRowContext(ctx, `
		SELECT coalesce(max(id), 0),
			(SELECT count(*) FROM list_gtins WHERE tenant_id = ? AND gtin IN (SELECT value FROM json_each(?)))
		FROM history`, l.of.TenantID, string(spellings)).Scan(&r.asOf, &r.later); err != nil {
		return r, coded(err)
	}
	if r.later != l.repeats.later {
		return l.repeatsNow(ctx, q)
	}
	begun := map[packaging.ListID]bool{}
	err = eachBlock(ctx, q, func(b readBlock) error {
		if !begun[b.list] { // it may have come while the list was compared before
			begun[b.list] = true
			delete(r.in, b.list)
		}
		return l.compare(b, &r)
	}, `
		WITH gtins AS MATERIALIZED (SELECT value AS gtin FROM json_each(?3)),
		since AS MATERIALIZED (SELECT DISTINCT f.id >> 24 AS list FROM history h JOIN releases r ON r.id = h.release_id
			JOIN serial_blocks f ON f.id = ((r.round << 32 | r.order_id) << 24) + 1 JOIN products p ON p.id = f.product_id
			WHERE h.id > ?1 AND h.id <= ?4 AND h.tenant_id = ?2 AND h.serials > 0 AND p.gtin IN gtins)
		SELECT s.id, s.product_id, '', s.packed FROM since CROSS JOIN serial_blocks s
			ON s.id BETWEEN since.list << 24 AND since.list << 24 | 16777215 WHERE `+notStaged,
		l.repeats.asOf, l.of.TenantID, string(spellings), r.asOf)
	return r, err
}

// keepList stores the list of a release and notes what is odd about it. Serials that another list has are noted with
// both.
func (t *tx) keepList(o packaging.Order, r *packaging.Release, l *newList) error {
	if !l.came {
		return nil
	}
	again := repeats{}
	if len(l.serials) > 0 {
		if o.GTIN != l.of.GTIN || o.List() != l.of.List() {
			return errListStale
		}
		var err error
		if again, err = l.repeatsSince(t.ctx, t); err != nil {
			return err
		}
	}
	r.Serials = int64(len(l.serials))
	if l.of.Release == nil {
		l.oddities = packaging.CheckSerials(l.serials, r.Expected, r.ExpectedKnown)
	}
	r.Oddities = append(r.Oddities, l.oddities...)
	if l.leaks > 0 {
		r.Oddities = append(r.Oddities, packaging.Oddity{Kind: packaging.HoldsSecret, Count: l.leaks})
	}
	if n := len(again.again); n > 0 {
		r.Oddities = append(r.Oddities, packaging.Oddity{Kind: packaging.SeenBefore, Count: int64(n)})
	}
	for _, other := range slices.SortedFunc(maps.Keys(again.in), cmp.Compare[packaging.ListID]) {
		if err := t.flagSeenAgain(o.TenantID, other, again.in[other]); err != nil {
			return err
		}
	}
	if err := t.addSerials(l); err != nil {
		return err
	}
	return t.endKept(o, l.serials)
}

// errListStale says that the order of a list became another one since the list was prepared: it is prepared again.
var errListStale = errors.New("the order of the list has changed meanwhile")

// maxStale is how often a list is prepared again.
const maxStale = 3

// withList runs do with a list that is prepared, and prepares it again where the order changed meanwhile.
func (d *DB) withList(
	ctx context.Context, o packaging.Order, serials []string, came bool, do func(*newList) error,
) error {
	for range maxStale {
		err := d.oneList(ctx, o, serials, came, do)
		if !errors.Is(err, errListStale) {
			return err
		}
		number := 0
		if o.Release != nil {
			number = o.Release.Number()
		}
		if o, err = d.OrderOfRelease(ctx, packaging.Everything(o.TenantID), o.ID, number); err != nil {
			return err
		}
	}
	return errListStale
}

func (d *DB) oneList(
	ctx context.Context, o packaging.Order, serials []string, came bool, do func(*newList) error,
) error {
	l, done, err := d.newList(ctx, o, serials, came)
	if err != nil {
		return err
	}
	defer done()
	return do(l)
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
