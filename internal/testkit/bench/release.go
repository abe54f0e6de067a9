package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"

	"lineboard/db"
	"lineboard/internal/sandbox"
)

// The most that Lineboard should add to a release, in ms.
const (
	smallAim = 3.0
	bulkAim  = 500.0
)

// few is a small order: that of the API's documentation, quantity 10 and 10 percent extra.
const few = 11

// side is one of those that release orders of the same sizes in turns.
type side struct {
	name    string
	filled  *store   // nil for the bare call
	program *program // likewise
	person  *person
	armed   map[string]order
	took    map[string][]float64 // in ms, by size
	used    map[string][]float64 // of a processor by Lineboard, likewise; 0 where that is not known
	settled int                  // serials that it must have stored
}

const (
	small     = "small"
	bulk      = "bulk"
	afterBulk = "after" // a small one right after a large one, whose serials go into the index then
)

// measureReleases presses the button of orders, small and large, on the filled databases, and makes the bare call for
// others like them.
func (b *bench) measureReleases(ctx context.Context, filled map[string]*store) error {
	b.say("releases")
	bare := &side{name: "bare"}
	ours := &side{name: chosen, filled: filled[chosen]}
	sides := []*side{bare, ours}
	if err := b.prepare(ctx, sides); err != nil {
		return err
	}
	before, _ := ours.program.resident()
	if err := ours.program.awaitIdle(ctx); err != nil {
		return err
	}
	if err := b.releaseInTurns(ctx, sides, small, 0, b.rounds*b.small, few); err != nil {
		return err
	}
	for round := range b.rounds {
		if err := b.releaseInTurns(ctx, sides, bulk, round, 1, b.bulk); err != nil {
			return err
		}
		if err := b.releaseInTurns(ctx, sides, afterBulk, round*b.small, b.small, few); err != nil {
			return err
		}
	}
	after, _ := ours.program.resident()
	if err := b.checkReleases(ctx, sides); err != nil {
		return err
	}
	if b.wants(partRelease) {
		b.addRelease(small, few, smallAim, ours, bare)
		b.addRelease(bulk, b.bulk, bulkAim, ours, bare)
		b.addRelease(afterBulk, few, besideAim, ours, bare)
		if before > 0 {
			b.table.add(
				partRelease, "resident memory after these", figure{after, "MB"}, figure{before, "MB"}, "before them",
			)
		}
	}
	if b.wants(partStorage) {
		b.table.add(partStorage, fmt.Sprintf("  adding %s by a release, checked", thousands(int64(b.bulk))),
			figure{median(ours.took[bulk]), "ms"}, figure{b.rowsTook, "ms"},
			"the rows alone, unchecked, in one transaction")
	}
	return nil
}

// releaseInTurns has the sides release count orders of a size, from a place on.
func (b *bench) releaseInTurns(ctx context.Context, sides []*side, size string, place, count, serials int) error {
	for i := range count {
		for _, s := range sides {
			if err := s.release(ctx, b.remote, size, place+i, serials); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) addRelease(size string, serials int, aim float64, ours, bare *side) {
	what := fmt.Sprintf(
		"release of %s serials into %s, from POST to 303", thousands(int64(serials)),
		thousands(int64(ours.filled.serials)),
	)
	if size == afterBulk {
		what += ", right after " + thousands(int64(b.bulk))
	}
	b.table.add(
		partRelease, what, figure{median(ours.took[size]), "ms"}, figure{median(bare.took[size]), "ms"},
		"bare PATCH to the same sandbox",
	)
	b.table.add(
		partRelease, "  what Lineboard adds", figure{median(differences(ours.took[size], bare.took[size])), "ms"},
		figure{aim, "ms"}, "aim, or less",
	)
}

// prepare gives the sandbox the orders of all sides, starts Lineboard on the databases, and opens the orders' pages.
func (b *bench) prepare(ctx context.Context, sides []*side) error {
	if err := b.remote.signIn(ctx); err != nil {
		return err
	}
	// Before the servers start, since they ask for the orders once; after the filling, since orders seen later have
	// later keys, and serials are stored by them.
	for _, s := range sides {
		if err := b.remote.put(ctx, b.ordersOf(s)); err != nil {
			return err
		}
	}
	for _, s := range sides {
		s.took, s.used, s.armed = map[string][]float64{}, map[string][]float64{}, map[string]order{}
		if s.filled == nil {
			continue
		}
		var err error
		if s.program, err = b.serve(ctx, s.filled.name); err != nil {
			return err
		}
		if s.person, err = signIn(ctx, s.program); err != nil {
			return err
		}
		for _, o := range b.ordersOf(s) {
			if s.armed[o.ID], err = s.person.arm(ctx, o.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *side) key(size string, place int) string {
	return fmt.Sprintf("%s-%s-%03d", s.name, size, place)
}

// ordersOf are a side's orders. They come with their serials, so that the sandbox takes no time to think of some.
func (b *bench) ordersOf(s *side) []sandbox.Order {
	var orders []sandbox.Order
	add := func(size string, place, quantity int, extra float64, count int) {
		o := sandbox.Order{
			ID: s.key(size, place), LineCode: otherLine, LineName: "Blister line 1", Product: "Paracetamol 500 mg",
			GTIN: gtin(0), Lot: "PA26C01", Expiry: "2029-05-31", Quantity: quantity, ExtraPercent: extra,
			Status: sandbox.PendingRelease,
		}
		if s.filled != nil {
			o.GTIN = gtin(place % s.filled.products)
		}
		random := newSerials(filledOrders + len(orders))
		for range count {
			o.Serials = append(o.Serials, random.next())
		}
		orders = append(orders, o)
	}
	for i := range b.rounds * b.small {
		add(small, i, 10, 10, few)
		add(afterBulk, i, 10, 10, few)
	}
	for i := range b.rounds {
		add(bulk, i, b.bulk, 0, b.bulk)
	}
	return orders
}

// release releases one order and keeps how long that took.
func (s *side) release(ctx context.Context, r *remote, size string, place, serials int) (err error) {
	var took time.Duration
	if s.filled == nil {
		took, err = r.release(ctx, s.key(size, place))
	} else {
		before, _ := s.program.processor()
		took, err = s.person.press(ctx, s.armed[s.key(size, place)])
		after, _ := s.program.processor()
		s.used[size] = append(s.used[size], milliseconds(after-before))
	}
	s.took[size] = append(s.took[size], milliseconds(took))
	s.settled += serials
	return err
}

// checkReleases stops the servers and makes sure that each release was stored as released, with all its serials: a
// figure of something that went wrong would be a lie.
func (b *bench) checkReleases(ctx context.Context, sides []*side) error {
	for _, s := range sides {
		if s.filled == nil {
			continue
		}
		if err := b.stop(s.program); err != nil {
			return err
		}
		if err := s.check(ctx, b.database(s.filled.name)); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (s *side) check(ctx context.Context, path string) error {
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro")
	if err != nil {
		return err
	}
	defer pool.Close()
	var others, received, stored int
	err = pool.QueryRowContext(ctx, `
		SELECT count(*) FILTER (WHERE outcome <> 'released' OR oddities <> '[]'), sum(serials_received)
		FROM releases WHERE order_id > ?1`, s.filled.orders[len(s.filled.orders)-1]).Scan(&others, &received)
	if err != nil {
		return err
	}
	blocks, err := pool.QueryContext(
		ctx, `SELECT packed FROM serial_blocks WHERE id >> 24 > ?`, s.filled.orders[len(s.filled.orders)-1],
	)
	if err != nil {
		return err
	}
	defer blocks.Close()
	for blocks.Next() {
		var packed []byte
		if err := blocks.Scan(&packed); err != nil {
			return err
		}
		serials, err := db.UnpackSerials(packed)
		if err != nil {
			return err
		}
		stored += len(serials)
	}
	if others > 0 || received != s.settled || stored != s.settled {
		return fmt.Errorf("%d releases have another outcome or are odd; %d serials were received and %d are stored, not %d",
			others, received, stored, s.settled)
	}
	return blocks.Err()
}
