package db

import (
	"context"

	"lineboard/internal/packaging"
)

// Acknowledge keeps that a person has looked at the result of a release, so that it need not stand on the boards any
// more. One that is acknowledged already stays as it is. Where the order has another result by now, or none, that is a
// Conflict; an odd one without a comment is Invalid.
func (d *DB) Acknowledge(
	ctx context.Context, by packaging.Person, id packaging.OrderID, release packaging.ReleaseID, comment string,
) error {
	return d.authorizedTx(ctx, by, packaging.SettleOrders, func(t *tx, by packaging.Person) error {
		return t.acknowledge(ctx, by, packaging.ResultSeen{Order: id, Release: release}, comment)
	})
}

// AcknowledgeAll keeps that a person has looked at several results without anything odd: all of them or none.
func (d *DB) AcknowledgeAll(ctx context.Context, by packaging.Person, results []packaging.ResultSeen) error {
	return d.authorizedTx(ctx, by, packaging.SettleOrders, func(t *tx, by packaging.Person) error {
		for _, seen := range results {
			if err := t.acknowledge(ctx, by, seen, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) acknowledge(ctx context.Context, by packaging.Person, seen packaging.ResultSeen, comment string) error {
	o, err := orderOf(ctx, t, by.Scope(), seen.Order)
	if err != nil {
		return err
	}
	r := o.Release
	switch {
	case r == nil || r.ID != seen.Release || !r.HasResult():
		return packaging.Fail(packaging.Conflict, "acknowledge.result_changed")
	case r.Seen.Given():
		return nil
	case r.Odd() && comment == "":
		return packaging.Fail(packaging.Invalid, "error.comment_missing")
	}
	if err := t.exec(`
		INSERT INTO acknowledgements (release_id, tenant_id, list_source, user_id, username, full_name, role, station, at, comment)
		VALUES (?1,?2,(SELECT result FROM releases WHERE id = ?1),?3,?4,?5,?6,?7,?8,?9)`,
		r.ID, o.TenantID, by.ID, by.Username, by.FullName, by.Role, by.Station, millis(t.now), comment); err != nil {
		return err
	}
	if err := t.bumpRevision(o); err != nil {
		return err
	}
	e := entryOf(packaging.ResultAcknowledged, by.Author, o)
	e.Outcome, e.Serials, e.Comment = r.Says(), r.Serials, comment
	return t.record(e)
}
