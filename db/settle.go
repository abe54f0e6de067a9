package db

import (
	"context"
	"encoding/json"
	"slices"

	"lineboard/internal/packaging"
)

// Unsettled gives the orders of all tenants whose latest release has an unknown outcome, the oldest first.
func (d *DB) Unsettled(ctx context.Context) ([]packaging.Order, error) {
	return collect(ctx, d.read, scanOrder, selectOrder+`WHERE r.outcome = 'unknown' ORDER BY r.id`)
}

// program is who the history names for what Lineboard found out by itself.
var program = packaging.Author{Username: "lineboard", FullName: "Lineboard"}

// errSettled says that a release was settled by somebody else meanwhile.
var errSettled = packaging.Fail(packaging.Conflict, "obstacle.settled")

// unknownRelease gives an order whose latest release is the given one and still unknown.
func (t *tx) unknownRelease(tenant packaging.TenantID, id packaging.OrderID, release packaging.ReleaseID) (packaging.Order, error) {
	o, err := orderOf(t.ctx, t, packaging.Everything(tenant), id)
	if err == nil && (o.Release == nil || o.Release.ID != release || o.Release.Outcome != packaging.Unknown) {
		err = errSettled
	}
	return o, err
}

// NoteAsked keeps that the API was asked about an unknown release, and what that came to: a status, or a reason.
func (d *DB) NoteAsked(ctx context.Context, o packaging.Order, says string) error {
	return d.tx(ctx, func(t *tx) error {
		o, err := t.unknownRelease(o.TenantID, o.ID, o.Release.ID)
		if err != nil {
			return err
		}
		o.Release.Asked, o.Release.AskedSays = t.now, says
		if err := t.storeRelease(*o.Release); err != nil {
			return err
		}
		return t.touch(o)
	})
}

// SettleByStatus settles an unknown release by what the order's status proves, with its list where details had it. The
// history says no more than that.
func (d *DB) SettleByStatus(ctx context.Context, o packaging.Order, s packaging.Settlement) error {
	list := serialList{values: s.Serials, came: len(s.Serials) > 0}
	seen, err := d.seenBefore(ctx, o, list.values)
	if err != nil {
		return err
	}
	return d.tx(ctx, func(t *tx) error {
		o, err := t.unknownRelease(o.TenantID, o.ID, o.Release.ID)
		if err != nil {
			return err
		}
		r := *o.Release
		r.Outcome, r.Reason, r.Status, r.Proof = s.Outcome, s.Reason, s.Status, packaging.ByStatus
		r.Settled, r.Asked, r.AskedSays = t.now, t.now, string(s.Status)
		if list.came {
			r.List, r.ListAt = packaging.ListInDetails, t.now
		}
		if err := t.keepList(o, &r, list, seen); err != nil {
			return err
		}
		if err := t.storeRelease(r); err != nil {
			return err
		}
		if err := t.setStatus(o, s.Status, false, packaging.BySettlement); err != nil {
			return err
		}
		e := entryOf(packaging.ReleaseSettled, program, o)
		e.Outcome, e.Reason, e.Serials = r.Outcome, string(r.Reason), r.Serials
		e.Object, e.Old, e.New = "outcome, by the order's status", string(packaging.Unknown), string(s.Status)
		if err := t.record(e); err != nil {
			return err
		}
		return t.recordOdd(program, o, r)
	})
}

// AddList adds the missing serial list of an order that is out: one whose release was settled by its status, or that was
// released elsewhere. A list that is here is never replaced.
func (d *DB) AddList(ctx context.Context, by packaging.Person, id packaging.OrderID, serials []string) error {
	o, err := d.Order(ctx, by.Scope(), id)
	if err != nil {
		return err
	}
	seen, err := d.seenBefore(ctx, o, serials)
	if err != nil {
		return err
	}
	return d.tx(ctx, func(t *tx) error {
		if o, err = orderOf(ctx, t, by.Scope(), id); err != nil {
			return err
		}
		if err := t.mayStill(by, packaging.SettleOrders, o.Line.ID); err != nil {
			return err
		}
		if !o.MayAddList() {
			return packaging.Fail(packaging.Conflict, "obstacle.list_not_missing")
		}
		if o.Release == nil || !o.Release.ListMissing() {
			if err := t.startElsewhere(by, &o); err != nil {
				return err
			}
		}
		r := *o.Release
		r.List, r.ListBy, r.ListAt = packaging.ListByPerson, by.FullName, t.now
		if err := t.keepList(o, &r, serialList{values: serials, came: true}, seen); err != nil {
			return err
		}
		if err := t.storeRelease(r); err != nil {
			return err
		}
		if err := t.touch(o); err != nil {
			return err
		}
		e := entryOf(packaging.ListAdded, by.Author, o)
		e.Outcome, e.Serials = r.Outcome, r.Serials
		if err := t.record(e); err != nil {
			return err
		}
		return t.recordOdd(by.Author, o, r)
	})
}

// startElsewhere gives an order that was released elsewhere a release that its list can belong to.
func (t *tx) startElsewhere(by packaging.Person, o *packaging.Order) error {
	if err := t.startRelease(by, 0, o); err != nil {
		return err
	}
	r := o.Release
	r.Outcome, r.Proof, r.Answered, r.Settled, r.Status = packaging.Released, packaging.ByPerson, t.now, t.now, o.Status
	return t.storeRelease(*r)
}

// serialList is a list as it came; came is true where there was one, be it empty.
type serialList struct {
	values []string
	came   bool
}

// keepList stores the list of a release and notes what is odd about it.
func (t *tx) keepList(o packaging.Order, r *packaging.Release, list serialList, seen int64) error {
	if !list.came {
		return nil
	}
	r.Serials = int64(len(list.values))
	r.Oddities = packaging.CheckSerials(list.values, r.Expected, r.ExpectedKnown)
	if seen > 0 {
		r.Oddities = append(r.Oddities, packaging.Oddity{Kind: packaging.SeenBefore, Count: seen})
	}
	return t.addSerials(o, list.values)
}

// seenBefore counts the serials of a list that the tenant got before for the same product: a pack's identity is GTIN and
// serial. It reads before the writer is held, since a long list takes a while.
func (d *DB) seenBefore(ctx context.Context, o packaging.Order, serials []string) (n int64, err error) {
	if len(serials) == 0 {
		return 0, nil
	}
	// Sorted, they are looked up in the order in which the index has them.
	list, err := json.Marshal(slices.Sorted(slices.Values(serials)))
	if err != nil {
		return 0, err
	}
	err = d.read.QueryRowContext(ctx, `
		SELECT count(*) FROM json_each(?1) AS new
		WHERE EXISTS (
			SELECT 1 FROM serials s
			WHERE s.product_id = (SELECT id FROM products WHERE tenant_id = ?2 AND gtin = ?3) AND s.serial = new.value)`,
		string(list), o.TenantID, o.GTIN).Scan(&n)
	return n, coded(err)
}
