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
	if kind, object, ok := v.Order.SignedRecord(); ok {
		if v.Signatures, err = signaturesOf(ctx, q, in.Tenant(), kind, object); err != nil {
			return v, err
		}
	}
	if v.Serials, err = serialsOf(ctx, q, in, v.Order.ShownList(), "", 0, limits.Serials); err != nil {
		return v, err
	}
	if v.Deliveries, err = deliveriesOf(ctx, q, in, id); err != nil {
		return v, err
	}
	if r := v.Order.Release; r != nil && r.List != packaging.NoList {
		if v.Undelivered, err = destinationsWithout(ctx, q, in, r.ID); err != nil {
			return v, err
		}
	}
	if v.Earlier, err = earlierReleases(ctx, q, v.Order); err != nil {
		return v, err
	}
	if v.Order.SetBack() || v.Order.Release != nil && v.Order.Release.Round > 0 {
		if v.BackSince, err = setBackSince(ctx, q, v.Order); err != nil {
			return v, err
		}
	}
	if v.Events, err = timelineOf(ctx, q, in, id, limits.Events); err != nil {
		return v, err
	}
	if viewer.May(packaging.ViewHistory) {
		of := packaging.HistoryFilter{OrderKey: v.Order.Key, Limit: limits.Entries}
		if v.History, err = historyOf(ctx, q, in, of); err != nil {
			return v, err
		}
	}
	if v.FirstChanges, err = firstChangesOf(ctx, q, in, id); err != nil {
		return v, err
	}
	imported, err := importedFactsOf(ctx, q, in, []packaging.OrderID{id})
	if err != nil {
		return v, err
	}
	v.Imported = imported[id]
	if v.Notes, err = orderNotes(ctx, q, in, id, limits.Notes); err != nil {
		return v, err
	}
	if v.Raw, err = rawOf(ctx, q, in, id); err != nil {
		return v, err
	}
	if r := v.Order.Release; r != nil && r.Lost {
		if v.Lost, err = lostReleases(ctx, q, `release_id = ?`, r.ID); err != nil {
			return v, err
		}
	}
	if r := v.Order.Release; r != nil && r.Outcome == packaging.Unknown {
		v.Answer, err = answerBody(ctx, q, in, r.ID, limits.AnswerBytes)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
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
