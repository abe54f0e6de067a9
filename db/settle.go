package db

import (
	"context"
	"time"

	"lineboard/internal/packaging"
)

// Unsettled returns the orders of all tenants whose latest release has an unknown outcome that can still be known, the
// oldest release first.
func (d *DB) Unsettled(ctx context.Context) ([]packaging.Order, error) { return unsettled(ctx, d.read) }

func unsettled(ctx context.Context, q querier) ([]packaging.Order, error) {
	return collect(ctx, q, scanOrder, selectOrder+`
		WHERE o.id IN (SELECT r.order_id FROM releases r WHERE `+isUnknown+
		`) AND r.outcome = 'unknown' AND r.closed_at IS NULL ORDER BY r.id`)
}

// isUnknown is the condition that the outcome of a release, r, is unknown, as the index of the unsettled wants it.
const isUnknown = `r.outcome IN ('sending', 'unknown') AND r.outcome = 'unknown'`

// WithoutList returns the orders of all tenants whose latest release is known to be out while its list is missing, the
// oldest release first.
func (d *DB) WithoutList(ctx context.Context) ([]packaging.Order, error) {
	return withoutList(ctx, d.read)
}

func withoutList(ctx context.Context, q querier) ([]packaging.Order, error) {
	return collect(ctx, q, scanOrder, selectOrder+`
		WHERE o.id IN (
				SELECT order_id FROM releases WHERE outcome = 'released' AND (list_source = '' OR oddities <> '[]'))
			AND r.outcome = 'released' AND r.list_source = '' ORDER BY r.id`)
}

// program is who the history names for what Lineboard found out by itself.
var program = packaging.Author{Username: "lineboard", FullName: "Lineboard"}

// NoteAsked records that the API was asked about an order's release, whose outcome is unknown or whose list is missing,
// and what that came to: a status, or a reason. pendingSince is when the API first said Pending release, zero if it
// does not say so. It returns a Conflict if nothing is left to ask.
func (d *DB) NoteAsked(ctx context.Context, o packaging.Order, says string, pendingSince time.Time) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		o, err := t.orderIn(o.Release.Outcome, o)
		if err != nil {
			return err
		}
		r := *o.Release
		if r.HasResult() && !r.ListMissing() {
			return packaging.Fail(packaging.Conflict, "obstacle.settled")
		}
		r.Asked, r.AskedSays = t.now, says
		if r.Outcome == packaging.Unknown {
			r.FirstPending = pendingSince
		}
		if err := t.storeRelease(r); err != nil {
			return err
		}
		if r.ListMissing() && r.ContradictedBy("", packaging.Status(says)) {
			return t.reopen(o, r, packaging.Status(says))
		}
		return t.bumpRevision(o)
	})
}

// SeenRunning reports whether the API said In progress of an order after its release was requested.
func (d *DB) SeenRunning(ctx context.Context, o packaging.Order) (bool, error) {
	return seenRunning(ctx, d.read, o)
}

func seenRunning(ctx context.Context, q querier, o packaging.Order) (seen bool, err error) {
	err = q.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM order_events WHERE order_id = ? AND kind = ? AND new_value = ? AND at >= ?)`,
		o.ID, packaging.StatusChanged, packaging.InProgress, millis(o.Release.Requested)).Scan(&seen)
	return seen, coded(err)
}

// SettleByStatus settles an unknown release by what the order's status shows, with its list if the details had it. The
// history says no more than that. It returns a Conflict if the release was settled meanwhile, or if it was to be
// refused and the order was seen In progress meanwhile.
func (d *DB) SettleByStatus(ctx context.Context, o packaging.Order, s packaging.Settlement) error {
	return d.withList(ctx, o, s.Serials, len(s.Serials) > 0, func(list *newList) error {
		list.leaks = s.Leaks
		return d.settleByStatus(ctx, o, s, list)
	})
}

func (d *DB) settleByStatus(ctx context.Context, o packaging.Order, s packaging.Settlement, list *newList) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		o, err := t.orderIn(packaging.Unknown, o)
		if err != nil {
			return err
		}
		r := *o.Release
		if s.Outcome == packaging.Refused {
			running, err := seenRunning(ctx, t, o)
			if err != nil {
				return err
			}
			if running || r.IsClosed() {
				return packaging.Fail(packaging.Conflict, "obstacle.settled")
			}
			r.FirstPending, r.SecondPending = s.Since, t.now
		}
		r.Outcome, r.Reason, r.Status, r.Proof = s.Outcome, s.Reason, s.Proof, packaging.ByStatus
		r.Settled, r.Asked, r.AskedSays = t.now, t.now, string(s.Status)
		r.SettledBy, r.SettledWhy, r.Closed = "", "", time.Time{}
		if list.came {
			r.List, r.ListAt = packaging.ListInDetails, t.now
		}
		if r.Outcome == packaging.Released && !r.Contradicted.IsZero() {
			r.Oddities = []packaging.Oddity{{Kind: packaging.Contradicted, Count: 1}}
		}
		if err := t.keepList(o, &r, list); err != nil {
			return err
		}
		if err := t.storeRelease(r); err != nil {
			return err
		}
		if err := t.setStatus(o, s.Status, false, t.now, packaging.BySettlement); err != nil {
			return err
		}
		e := entryOf(packaging.ReleaseSettled, program, o)
		if e.Proof, err = t.provenAlone(r); err != nil {
			return err
		}
		if e.Proof == packaging.ByStatus {
			e.Status = s.Proof
		}
		e.Outcome, e.Reason, e.Serials = r.Says(), string(r.Reason), r.Serials
		e.Object, e.Old, e.New = "outcome, by the order's status", string(packaging.Unknown), string(s.Proof)
		if r.Outcome == packaging.Refused {
			e.Message = packaging.SaysPendingTwice.Of(s.Proof, instant(r.FirstPending), instant(r.SecondPending))
		}
		if err := t.record(e); err != nil {
			return err
		}
		return t.recordOdd(program, o, r, r.Oddities...)
	})
}

// instant returns a time as the history has it in words: UTC, to the second.
func instant(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// contradict opens the release of an order again if the order's new status contradicts what it was settled as.
func (t *tx) contradict(tenant packaging.TenantID, id packaging.OrderID, old, now packaging.Status) error {
	o, err := orderOf(t.ctx, t, packaging.Everything(tenant), id)
	if err != nil || o.Release == nil || !o.Release.ContradictedBy(old, now) {
		return err
	}
	return t.reopen(o, *o.Release, now)
}

// reopen makes the outcome of a release unknown again, which a status contradicts.
func (t *tx) reopen(o packaging.Order, r packaging.Release, now packaging.Status) error {
	e := entryOf(packaging.ReleaseReopened, program, o)
	e.Object, e.Old, e.New = "outcome", string(r.Says()), string(now)
	e.Outcome, e.Reason = packaging.Unknown, string(r.Reason)
	r.Outcome, r.Reason, r.Proof, r.Contradicted = packaging.Unknown, packaging.StatusContradicts, packaging.NoProof, t.now
	r.Settled, r.FirstPending, r.SecondPending = time.Time{}, time.Time{}, time.Time{}
	r.SettledBy, r.SettledWhy, r.Closed = "", "", time.Time{}
	if err := t.storeRelease(r); err != nil {
		return err
	}
	if err := t.bumpRevision(o); err != nil {
		return err
	}
	return t.record(e)
}

// FillList adds the missing list of a release, as the details of its order have it. It does nothing if no list is
// missing any more.
func (d *DB) FillList(ctx context.Context, o packaging.Order, details packaging.Facts) error {
	return d.withList(ctx, o, details.Serials, true, func(list *newList) error {
		list.leaks = details.Leaks
		return d.fillList(ctx, o, list)
	})
}

func (d *DB) fillList(ctx context.Context, o packaging.Order, list *newList) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		o, err := t.orderIn(packaging.Released, o)
		if err != nil || !o.Release.ListMissing() {
			return err
		}
		r := *o.Release
		r.List, r.ListAt, r.Asked = packaging.ListInDetails, t.now, t.now
		return t.addMissing(program, o, r, list, "serial list, from the order's details")
	})
}

// addMissing stores the list that a release lacked, and records by whom it was added and what it is.
func (t *tx) addMissing(
	by packaging.Author, o packaging.Order, r packaging.Release, list *newList, object string,
) error {
	if err := t.keepList(o, &r, list); err != nil {
		return err
	}
	if err := t.storeRelease(r); err != nil {
		return err
	}
	if err := t.bumpRevision(o); err != nil {
		return err
	}
	e := entryOf(packaging.ListAdded, by, o)
	e.Object, e.Outcome, e.Serials = object, r.Says(), r.Serials
	if err := t.record(e); err != nil {
		return err
	}
	return t.recordOdd(by, o, r, r.Oddities...)
}

// AddList adds the missing serial list of an order that is out: one whose release was settled by its status, or that
// was released elsewhere. It is the list of the release with the number, or of the latest for 0 (see
// [DB.OrderOfRelease]). A list that is here is never replaced.
func (d *DB) AddList(
	ctx context.Context, by packaging.Person, id packaging.OrderID, number int, kept packaging.KeptAnswerID,
	serials []string,
) error {
	o, err := d.OrderOfRelease(ctx, by.Scope(), id, number)
	if err != nil {
		return err
	}
	return d.withList(ctx, o, serials, true, func(list *newList) error {
		return d.addList(ctx, by, id, number, kept, list)
	})
}

func (d *DB) addList(
	ctx context.Context, by packaging.Person, id packaging.OrderID, number int, kept packaging.KeptAnswerID,
	list *newList,
) error {
	return d.authorizedTx(ctx, by, packaging.SettleOrders, func(t *tx, by packaging.Person) error {
		o, err := orderOfRelease(ctx, t, by.Scope(), id, number)
		if err != nil {
			return err
		}
		if !o.MayAddList() {
			return packaging.Fail(packaging.Conflict, "obstacle.list_not_missing")
		}
		if err := t.mustWait(o, kept); err != nil {
			return err
		}
		if o.Release == nil || !o.Release.ListMissing() {
			if err := t.startElsewhere(by, &o); err != nil {
				return err
			}
		}
		r := *o.Release
		r.List, r.ListBy, r.ListAt = packaging.ListByPerson, by.FullName, t.now
		object := ""
		if r.Repeated || r.Round > 0 {
			object = releaseNumber(r)
		}
		return t.addMissing(by.Author, o, r, list, object)
	})
}

// startElsewhere returns an order that was released elsewhere a release that its list can belong to.
func (t *tx) startElsewhere(by packaging.Person, o *packaging.Order) error {
	press := packaging.Press{}
	if r := o.Release; r != nil { // released once more, and elsewhere before it came to that here
		press.Again = r.AgainWhy
	}
	if err := t.startRelease(by, press, o); err != nil {
		return err
	}
	r := o.Release
	r.Outcome, r.Proof, r.Answered, r.Settled, r.Status = packaging.Released, packaging.ByPerson, t.now, t.now, o.Status
	return t.storeRelease(*r)
}
