package db

import (
	"context"

	"lineboard/internal/packaging"
)

// addEvent adds an event to the timeline of an order: one of now, unless it says when it was. A status that contradicts
// what the order's release was settled as opens that again.
func (t *tx) addEvent(tenant packaging.TenantID, order packaging.OrderID, e packaging.OrderEvent) error {
	if e.At.IsZero() {
		e.At = t.now
	}
	if e.Kind == packaging.StatusChanged {
		if err := t.contradict(tenant, order, packaging.Status(e.Old), packaging.Status(e.New)); err != nil {
			return err
		}
	}
	return t.exec(`
		INSERT INTO order_events (tenant_id, order_id, at, kind, field, old_value, new_value, source, full_name, station)
		VALUES (?,?,?,?,?,?,?,?,?,?)`,
		tenant, order, millis(e.At), e.Kind, e.Field, e.Old, e.New, e.Source, e.By.FullName, e.By.Station)
}

const selectEvent = `
	SELECT e.at, e.kind, e.field, e.old_value, e.new_value, e.source, e.full_name, e.station
	FROM order_events e JOIN orders o ON o.id = e.order_id `

func scanEvent(row scanner) (e packaging.OrderEvent, err error) {
	var at int64
	err = row.Scan(&at, &e.Kind, &e.Field, &e.Old, &e.New, &e.Source, &e.By.FullName, &e.By.Station)
	e.At = moment(at)
	return e, err
}

// timelineOf returns the latest events of an order, at most limit, the newest first. One outside the scope has none.
func timelineOf(
	ctx context.Context, q querier, in packaging.Scope, order packaging.OrderID, limit int,
) ([]packaging.OrderEvent, error) {
	w := inScope(in, "o.")
	w.and(true, "e.order_id = ?", order)
	return collect(
		ctx, q, scanEvent, selectEvent+`WHERE `+w.sql+` ORDER BY e.id DESC LIMIT ?`, append(w.args, limit)...,
	)
}

// firstChangesOf returns the first change of each fact of an order, and of its line. Old is the first value. A fact
// that had none at first, or that never changed, is left out.
func firstChangesOf(
	ctx context.Context, q querier, in packaging.Scope, order packaging.OrderID,
) ([]packaging.OrderEvent, error) {
	w := inScope(in, "o.")
	w.and(
		true,
		`e.id IN (SELECT min(id) FROM order_events WHERE order_id = ? AND kind IN ('facts', 'line') AND old_value <> '' GROUP BY kind, field)`,
		order,
	)
	return collect(ctx, q, scanEvent, selectEvent+`WHERE `+w.sql+` ORDER BY e.id`, w.args...)
}
