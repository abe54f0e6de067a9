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

	"lineboard/internal/memory"
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
	kept     map[int64]bool // answers by themselves with as many serials, and whether they are the same
	here     bool           // with a held answer: its release has the list already
}

// repeats says which serials of a list the tenant has already for the same product: a pack's identity is GTIN and
// serial.
type repeats struct {
	asOf  int64                       // the newest entry of the history at the time
	later int64                       // later GTINs of lists that are of the same product, at the time
	with  map[packaging.ListID]shared // by the other list
}

// shared is what two lists have in common.
type shared struct {
	theirs int64          // how many serials of the other one
	ours   map[int32]bool // places in the list itself, from 0
}

// places is how many serials of the list others have.
func (r repeats) places(others ...packaging.ListID) int64 {
	places := map[int32]bool{}
	for _, other := range others {
		maps.Copy(places, r.with[other].ours)
	}
	return int64(len(places))
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
	err = d.inTurn(ctx, int64(len(serials)), func() (err error) {
		small := func() {}
		if len(serials) >= largeList {
			small = memory.BeginLarge()
		}
		drop, err := d.prepare(ctx, l)
		if err != nil {
			small()
			return err
		}
		done = func() { drop(); small() }
		return nil
	})
	return l, done, err
}

// largeList is from how many serials on a list is worth the work of the collector.
const largeList = 500_000

// prepare does what a list needs before the transaction that stores it, and stages a long one.
func (d *DB) prepare(ctx context.Context, l *newList) (done func(), err error) {
	if l.came {
		if err := l.findKept(ctx, d.read); err != nil {
			return nil, err
		}
	}
	if len(l.serials) == 0 {
		return func() {}, nil
	}
	l.pack(d)
	if l.product, err = productOf(ctx, d.read, l.of); err == nil {
		l.repeats, err = l.repeatsNow(ctx, d.read)
	}
	if err != nil {
		return nil, err
	}
	if l.product != 0 {
		l.digest = digestOf(l.product, l.serials)
	}
	if done, err = d.stage(ctx, l); err != nil || !l.staged {
		return done, err
	}
	if err = l.repeatAnew(ctx, d.read); err != nil { // little is left to compare in the transaction
		done()
		return nil, err
	}
	return done, nil
}

// repeatAnew compares the list with what came since it was last compared, or with all others where that takes less.
func (l *newList) repeatAnew(ctx context.Context, q querier) error {
	r, settled, err := l.repeatsSince(ctx, q)
	if err == nil && !settled {
		r, err = l.repeatsNow(ctx, q)
	}
	l.repeats = r
	return err
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

// asOf begins repeats: what comes after it is looked for again. It returns the GTINs of the list, as JSON, too.
func (l *newList) asOf(ctx context.Context, q querier) (r repeats, gtins string, err error) {
	if gtins, err = gtinsOfList(ctx, q, l.of); err != nil {
		return r, "", err
	}
	err = q.QueryRowContext(ctx, `
		SELECT coalesce(max(id), 0), (SELECT count(*) FROM list_gtins
				WHERE tenant_id = ?1 AND gtin IN (SELECT value FROM json_each(?2)) AND order_id <> ?3)
			+ (SELECT count(*) FROM list_gtins WHERE order_id = ?3)
		FROM history`, l.of.TenantID, gtins, l.of.ID).Scan(&r.asOf, &r.later)
	return r, gtins, coded(err)
}

// gtinsOfList returns the GTINs that make the list of an order the same product as another, as JSON: that of the order,
// and all that it had since a list came. One that nobody knows makes no two orders the same product.
func gtinsOfList(ctx context.Context, q querier, o packaging.Order) (string, error) {
	later, err := collect(ctx, q, func(row scanner) (gtin string, err error) { return gtin, row.Scan(&gtin) },
		`SELECT gtin FROM list_gtins WHERE order_id = ?`, o.ID)
	if err != nil {
		return "", err
	}
	gtins := []string{}
	for _, gtin := range append(later, o.GTIN) {
		if gtin != "" {
			gtins = append(gtins, packaging.GTINSpellings(gtin)...)
		}
	}
	slices.Sort(gtins)
	list, err := json.Marshal(slices.Compact(gtins))
	return string(list), err
}

// sameProduct returns where serials of the same product as an order's list are: in all lists that stand under one of
// its GTINs, in those whose orders had one of them later, and in the other lists of the order.
func sameProduct(
	ctx context.Context, q querier, o packaging.Order, gtins string,
) ([]packTarget, error) {
	return collect(ctx, q, func(row scanner) (t packTarget, err error) { return t, row.Scan(&t.was, &t.list) }, `
		WITH gtins AS MATERIALIZED (SELECT value AS gtin FROM json_each(?2))
		SELECT p.gtin, 0 FROM gtins g CROSS JOIN products p ON p.tenant_id = ?1 AND p.gtin = g.gtin
		UNION
		SELECT p.gtin, f.id >> 24 FROM gtins g
		CROSS JOIN list_gtins l ON l.tenant_id = ?1 AND l.gtin = g.gtin
		`+listsOfGTIN+` CROSS JOIN products p ON p.id = f.product_id
		UNION
		SELECT p.gtin, f.id >> 24 FROM (SELECT ?3 AS order_id) l
		`+listsOfGTIN+` CROSS JOIN products p ON p.id = f.product_id`, o.TenantID, gtins, o.ID)
}

// repeatsNow compares the list with all others.
func (l *newList) repeatsNow(ctx context.Context, q querier) (r repeats, err error) {
	r, gtins, err := l.asOf(ctx, q) // first: a list that comes after this is looked for again
	if err != nil {
		return r, err
	}
	targets, err := sameProduct(ctx, q, l.of, gtins)
	if err != nil {
		return r, err
	}
	r.with = map[packaging.ListID]shared{}
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
		if b.list == l.of.List() || !slices.ContainsFunc(targets, func(t packTarget) bool {
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
		with, had := r.with[b.list], false
		for ; i < len(l.hashed) && l.hashed[i].hash == hash; i++ {
			if l.serials[l.hashed[i].at] != string(serial) {
				continue
			}
			if with.ours == nil {
				with.ours = map[int32]bool{}
			}
			with.ours[l.hashed[i].at], had = true, true
		}
		if had {
			with.theirs++
			r.with[b.list] = with
		}
		return nil
	})
}

// repeatsSince returns the repeats as of now: the list is compared with those that came since it was last. settled is
// false where that would take long: then the list is to be compared with all others once more.
func (l *newList) repeatsSince(ctx context.Context, q querier) (r repeats, settled bool, err error) {
	r, gtins, err := l.asOf(ctx, q)
	if err != nil {
		return r, false, err
	}
	since, err := l.listsSince(ctx, q, gtins)
	if err != nil {
		return r, false, err
	}
	if r.later != l.repeats.later || since.serials > maxUnstaged {
		return l.repeats, false, nil
	}
	r.with = maps.Clone(l.repeats.with)
	for _, list := range since.lists { // it may have come while the list was compared before
		delete(r.with, list)
		if err := eachBlock(ctx, q, func(b readBlock) error { return l.compare(b, &r) }, `
			SELECT s.id, s.product_id, '', s.packed FROM serial_blocks s WHERE s.id BETWEEN ? AND ? AND `+notStaged,
			serialKey(list, 0), serialKey(list+1, 0)-1); err != nil {
			return r, false, err
		}
	}
	return r, true, nil
}

// newcomers are lists that came after something.
type newcomers struct {
	lists   []packaging.ListID
	serials int64 // of all of them
}

// listsSince returns the lists of the same product that came since the list was last compared.
func (l *newList) listsSince(ctx context.Context, q querier, gtins string) (since newcomers, err error) {
	since.lists, err = collect(ctx, q, func(row scanner) (list packaging.ListID, err error) {
		var serials int64
		err = row.Scan(&list, &serials)
		since.serials += serials
		return list, err
	}, newLists, l.repeats.asOf, l.of.TenantID, gtins, l.of.ID)
	return since, err
}

// newLists reads the newest entries of the history alone: the plus keeps it from the indexes of a tenant's entries,
// through which it would read all of them, in the transaction of a release.
const newLists = `
	SELECT DISTINCT r.round << 32 | r.order_id, r.serials_received
	FROM history h JOIN releases r ON r.id = h.release_id
	JOIN serial_blocks f ON f.id = ((r.round << 32 | r.order_id) << 24) + 1 JOIN products p ON p.id = f.product_id
	WHERE h.id > ?1 AND +h.tenant_id = ?2 AND h.serials > 0
		AND (p.gtin IN (SELECT value FROM json_each(?3)) OR r.order_id = ?4)
		AND NOT EXISTS (SELECT 1 FROM history e WHERE e.tenant_id = h.tenant_id AND e.order_key = h.order_key
			AND e.release_id = h.release_id AND e.serials > 0 AND e.id <= ?1)`

// keepList stores the list of a release and notes what is odd about it. Serials that another list has are noted with
// both.
func (t *tx) keepList(o packaging.Order, r *packaging.Release, l *newList) error {
	if !l.came {
		return nil
	}
	again, settled := repeats{}, true
	if len(l.serials) > 0 {
		if o.GTIN != l.of.GTIN || o.List() != l.of.List() {
			return errListStale
		}
		var err error
		if again, settled, err = l.repeatsSince(t.ctx, t); err != nil {
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
	others := slices.Sorted(maps.Keys(again.with))
	if n := again.places(others...); n > 0 {
		r.Oddities = append(r.Oddities, packaging.Oddity{Kind: packaging.SeenBefore, Count: n})
	}
	for _, other := range others {
		seen := packaging.Oddity{Kind: packaging.SeenAgain, Count: again.with[other].theirs}
		if err := t.flag(o.TenantID, other, seen); err != nil {
			return err
		}
	}
	if err := t.addSerials(l); err != nil {
		return err
	}
	if !settled {
		if err := t.compareLater(o.TenantID, o.List()); err != nil {
			return err
		}
	}
	return t.endKept(l)
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

// flag notes more that is odd about a list that is here, and records it: its serials came before or came again.
func (t *tx) flag(tenant packaging.TenantID, list packaging.ListID, found ...packaging.Oddity) error {
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
	for _, more := range found {
		i := slices.IndexFunc(r.Oddities, func(odd packaging.Oddity) bool { return odd.Kind == more.Kind })
		if i < 0 {
			i, r.Oddities = len(r.Oddities), append(r.Oddities, packaging.Oddity{Kind: more.Kind})
		}
		r.Oddities[i].Count += more.Count
	}
	r.Flagged = t.now
	if err := t.storeRelease(r); err != nil {
		return err
	}
	if err := t.bumpRevision(o); err != nil {
		return err
	}
	return t.recordOdd(program, o, r, found...)
}
