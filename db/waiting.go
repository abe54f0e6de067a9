package db

import (
	"context"

	"lineboard/internal/packaging"
)

// Waiting returns what waits at a site. Each query reads an index that has nothing else.
func (d *DB) Waiting(ctx context.Context, tenant packaging.TenantID) (packaging.Waiting, error) {
	return waitingOf(ctx, d.read, tenant)
}

func waitingOf(ctx context.Context, q querier, tenant packaging.TenantID) (w packaging.Waiting, err error) {
	w.Lists = map[packaging.DeliveryState]int{}
	if _, err := collect(ctx, q, func(row scanner) (state packaging.DeliveryState, err error) {
		var n int
		var since int64
		if err := row.Scan(&state, &n, &since); err != nil {
			return state, err
		}
		w.Lists[state] = n
		if at := moment(since); w.OldestList.IsZero() || at.Before(w.OldestList) {
			w.OldestList = at
		}
		return state, nil
	}, `
		SELECT v.state, count(*), min(v.since) FROM deliveries v JOIN destinations d ON d.id = v.destination_id
		WHERE v.tenant_id = ? AND `+isOpen+` GROUP BY v.state`, tenant); err != nil {
		return w, err
	}
	if err := q.QueryRowContext(ctx, `SELECT count(*) FROM alarms WHERE tenant_id = ? AND ended_at IS NULL`, tenant).
		Scan(&w.Alarms); err != nil {
		return w, coded(err)
	}
	var made int64
	err = q.QueryRowContext(ctx, `
		SELECT count(*), coalesce(min(made_at), 0) FROM alarm_messages
		WHERE tenant_id = ? AND sent_at IS NULL AND given_up_at IS NULL`, tenant).Scan(&w.Messages, &made)
	w.OldestMessage = moment(made)
	return w, coded(err)
}
