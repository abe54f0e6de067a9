package db

import (
	"context"

	"lineboard/internal/packaging"
)

// Unsettled returns the orders of all tenants whose latest release has an unknown outcome, the oldest first.
func (d *DB) Unsettled(ctx context.Context) ([]packaging.Order, error) {
	return collect(ctx, d.read, scanOrder, selectOrder+`WHERE r.outcome = 'unknown' ORDER BY r.id`)
}

// program is who the history names for what Lineboard found out by itself.
var program = packaging.Author{Username: "lineboard", FullName: "Lineboard"}

// NoteAsked keeps that the API was asked about an unknown release, and what that came to: a status, or a reason.
func (d *DB) NoteAsked(ctx context.Context, o packaging.Order, says string) error {
	return d.tx(ctx, func(t *tx) error {
		o, err := t.orderIn(packaging.Unknown, o)
		if err != nil {
			return err
		}
		o.Release.Asked, o.Release.AskedSays = t.now, says
		if err := t.storeRelease(*o.Release); err != nil {
			return err
		}
		return t.bumpRevision(o)
	})
}

// SettleByStatus settles an unknown release by what the order's status proves, with its list where details had it. The
// history says no more than that.
func (d *DB) SettleByStatus(ctx context.Context, o packaging.Order, s packaging.Settlement) error {
	list, err := d.newList(ctx, o, s.Serials, len(s.Serials) > 0)
	if err != nil {
		return err
	}
	return d.tx(ctx, func(t *tx) error {
		o, err := t.orderIn(packaging.Unknown, o)
		if err != nil {
			return err
		}
		r := *o.Release
		r.Outcome, r.Reason, r.Status, r.Proof = s.Outcome, s.Reason, s.Status, packaging.ByStatus
		r.Settled, r.Asked, r.AskedSays = t.now, t.now, string(s.Status)
		if list.came {
			r.List, r.ListAt = packaging.ListInDetails, t.now
		}
		if err := t.keepList(o, &r, list); err != nil {
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
		return t.recordOdd(program, o, r, r.Oddities...)
	})
}

// AddList adds the missing serial list of an order that is out: one whose release was settled by its status, or that
// was released elsewhere. A list that is here is never replaced.
func (d *DB) AddList(ctx context.Context, by packaging.Person, id packaging.OrderID, serials []string) error {
	o, err := d.Order(ctx, by.Scope(), id)
	if err != nil {
		return err
	}
	list, err := d.newList(ctx, o, serials, true)
	if err != nil {
		return err
	}
	return d.authorizedTx(ctx, by, packaging.SettleOrders, func(t *tx, by packaging.Person) error {
		o, err := orderOf(ctx, t, by.Scope(), id)
		if err != nil {
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
		if err := t.keepList(o, &r, list); err != nil {
			return err
		}
		if err := t.storeRelease(r); err != nil {
			return err
		}
		if err := t.bumpRevision(o); err != nil {
			return err
		}
		e := entryOf(packaging.ListAdded, by.Author, o)
		e.Outcome, e.Serials = r.Outcome, r.Serials
		if err := t.record(e); err != nil {
			return err
		}
		return t.recordOdd(by.Author, o, r, r.Oddities...)
	})
}

// startElsewhere returns an order that was released elsewhere a release that its list can belong to.
func (t *tx) startElsewhere(by packaging.Person, o *packaging.Order) error {
	if err := t.startRelease(by, 0, o); err != nil {
		return err
	}
	r := o.Release
	r.Outcome, r.Proof, r.Answered, r.Settled, r.Status = packaging.Released, packaging.ByPerson, t.now, t.now, o.Status
	return t.storeRelease(*r)
}
