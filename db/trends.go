package db

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"lineboard/internal/packaging"
)

// Trends fills in what became of the releases of each period, and how long their orders had waited.
func (d *DB) Trends(ctx context.Context, in packaging.Scope, trends []packaging.Trend) error {
	periods := make([][2]int64, len(trends))
	for i, t := range trends {
		periods[i] = [2]int64{millis(t.From), millis(t.Until)}
	}
	list, err := json.Marshal(periods)
	if err != nil {
		return err
	}
	counts := make([]packaging.Activity, len(trends))
	waits := make([][]time.Duration, len(trends))
	err = d.snapshotLong(ctx, in.Reader(), reportLimit, func(ctx context.Context, q querier) error {
		return errors.Join(countReleases(ctx, q, in, string(list), counts), readWaits(ctx, q, in, string(list), waits))
	})
	for i := range trends {
		trends[i].Figures = counts[i].Figures
		trends[i].Waiting = packaging.SpansOf(waits[i])
	}
	return err
}

// readWaits reads how long the orders of each period had been in Pending release when their release was sent.
func readWaits(ctx context.Context, q querier, in packaging.Scope, periods string, into [][]time.Duration) error {
	w := inScope(in, "r.")
	_, err := collect(ctx, q, func(row scanner) (place int, err error) {
		var waited int64
		if err = row.Scan(&place, &waited); err == nil {
			into[place] = append(into[place], time.Duration(waited)*time.Millisecond)
		}
		return place, err
	}, `
		SELECT key, waited FROM (
			SELECT p.key, r.requested_at - (SELECT min(e.at) FROM order_events e
				WHERE e.order_id = r.order_id AND e.at <= r.requested_at AND e.kind IN ('seen', 'status')
				AND e.new_value = 'Pending release') AS waited
			FROM json_each(?) AS p
			CROSS JOIN releases r ON r.requested_at >= p.value ->> 0 AND r.requested_at < p.value ->> 1
			WHERE `+w.sql+` AND (r.proof <> 'person' OR r.settled_by <> '')
		) WHERE waited IS NOT NULL`, append([]any{periods}, w.args...)...)
	return err
}
