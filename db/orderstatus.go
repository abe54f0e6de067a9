package db

import (
	"time"

	"lineboard/internal/packaging"
)

// setStatus stores what the API proved about an order at a time, and adds what is new of that to its timeline. A
// release may take long: what the order was is what its row says now, not what it was when it was claimed.
func (t *tx) setStatus(
	o packaging.Order, status packaging.Status, gone bool, at time.Time, source packaging.Source,
) error {
	var was packaging.Status
	var wasGone bool
	if err := t.row(`SELECT status, gone FROM orders WHERE id = ?`, o.ID).Scan(&was, &wasGone); err != nil {
		return err
	}
	var events []packaging.OrderEvent
	switch {
	case gone && !wasGone:
		events = append(events, packaging.OrderEvent{Kind: packaging.OrderLost})
	case wasGone && !gone:
		events = append(events, packaging.OrderEvent{Kind: packaging.OrderBack})
	}
	if status != was {
		events = append(
			events, packaging.OrderEvent{Kind: packaging.StatusChanged, Old: string(was), New: string(status)},
		)
	}
	for _, e := range events {
		e.Source = source
		if err := t.addEvent(o.TenantID, o.ID, e); err != nil {
			return err
		}
	}
	return t.exec(`UPDATE orders SET status = ?, gone = ?, confirmed_at = ?, revision = revision + 1 WHERE id = ?`,
		status, gone, millis(at), o.ID)
}

// bumpRevision notes that what pages show of an order has changed.
func (t *tx) bumpRevision(o packaging.Order) error {
	return t.exec(`UPDATE orders SET revision = revision + 1 WHERE id = ?`, o.ID)
}
