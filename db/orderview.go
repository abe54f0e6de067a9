package db

import (
	"context"
	"slices"

	"lineboard/internal/packaging"
)

// OrderView returns what the page of an order shows to a person, read as one state of the database. An order outside
// the person's scope is NotFound.
func (d *DB) OrderView(
	ctx context.Context, viewer packaging.Person, id packaging.OrderID, limits packaging.OrderViewLimits,
) (v packaging.OrderView, err error) {
	err = d.read.snapshot(ctx, func(q querier) error {
		v, err = orderView(ctx, q, viewer, id, limits)
		return err
	})
	return v, err
}

func orderView(
	ctx context.Context, q querier, viewer packaging.Person, id packaging.OrderID, limits packaging.OrderViewLimits,
) (v packaging.OrderView, err error) {
	in := viewer.Scope()
	if v.Order, err = orderOf(ctx, q, in, id); err != nil {
		return v, err
	}
	if err := readRelease(ctx, q, in, &v, limits); err != nil {
		return v, err
	}
	if err := readRecords(ctx, q, in, &v, limits); err != nil {
		return v, err
	}
	if viewer.May(packaging.ViewHistory) {
		of := packaging.HistoryFilter{OrderKey: v.Order.Key, Limit: limits.Entries}
		if v.History, err = historyOf(ctx, q, in, of); err != nil {
			return v, err
		}
	}
	if !viewer.MaySetLine(v.Order) {
		return v, nil
	}
	if v.Lines, err = linesOf(ctx, q, in); err != nil {
		return v, err
	}
	v.Lines = slices.DeleteFunc(v.Lines, func(l packaging.Line) bool { return l.Retired })
	v.UnknownLines, err = unknownLines(ctx, q, in)
	return v, err
}

// readRelease reads what belongs to the order's releases: lists and where they went, signatures, answers, losses.
func readRelease(
	ctx context.Context, q querier, in packaging.Scope, v *packaging.OrderView, limits packaging.OrderViewLimits,
) (err error) {
	o := v.Order
	if kind, object, ok := o.SignedRecord(); ok {
		if v.Signatures, err = signaturesOf(ctx, q, in.Tenant(), kind, object); err != nil {
			return err
		}
	}
	if v.Serials, err = serialsOf(ctx, q, in, o.ShownList(), "", 0, limits.Serials); err != nil {
		return err
	}
	if v.Deliveries, err = deliveriesOf(ctx, q, in, o.ID); err != nil {
		return err
	}
	if v.Earlier, err = earlierReleases(ctx, q, o); err != nil {
		return err
	}
	if v.Kept, err = keptAnswers(ctx, q, `k.tenant_id = ? AND k.order_key = ?`, o.TenantID, o.Key); err != nil {
		return err
	}
	r := o.Release
	if o.SetBack() || r != nil && r.Round > 0 {
		if v.BackSince, err = setBackSince(ctx, q, o); err != nil {
			return err
		}
	}
	if r == nil {
		return nil
	}
	if r.List != packaging.NoList {
		if v.Undelivered, err = destinationsWithout(ctx, q, in, r.ID); err != nil {
			return err
		}
	}
	if r.Lost {
		if v.Lost, err = lostReleases(ctx, q, `release_id = ?`, r.ID); err != nil {
			return err
		}
	}
	if r.Outcome == packaging.Unknown {
		v.Answer, err = answerBody(ctx, q, in, r.ID, limits.AnswerBytes)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return err
		}
	}
	return nil
}

// readRecords reads what the API, files and people said of the order.
func readRecords(
	ctx context.Context, q querier, in packaging.Scope, v *packaging.OrderView, limits packaging.OrderViewLimits,
) (err error) {
	id := v.Order.ID
	if v.Events, err = timelineOf(ctx, q, in, id, limits.Events); err != nil {
		return err
	}
	if v.FirstChanges, err = firstChangesOf(ctx, q, in, id); err != nil {
		return err
	}
	imported, err := importedFactsOf(ctx, q, in, []packaging.OrderID{id})
	if err != nil {
		return err
	}
	v.Imported = imported[id]
	if v.Notes, err = orderNotes(ctx, q, in, id, limits.Notes); err != nil {
		return err
	}
	v.Raw, err = rawOf(ctx, q, in, id)
	return err
}
