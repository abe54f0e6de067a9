package db

import (
	"context"
	"encoding/json"
	"errors"

	"lineboard/internal/packaging"
)

// Activities returns what happened in each of the periods, in their order.
func (d *DB) Activities(
	ctx context.Context, in packaging.Scope, periods []packaging.Period,
) ([]packaging.Activity, error) {
	spans := make([][2]int64, len(periods))
	for i, p := range periods {
		spans[i] = [2]int64{millis(p.From), millis(p.Until)}
	}
	list, err := json.Marshal(spans)
	if err != nil {
		return nil, err
	}
	all := make([]packaging.Activity, len(periods))
	err = d.snapshotLong(ctx, in.Reader(), reportLimit, func(ctx context.Context, q querier) error {
		return errors.Join(countReleases(ctx, q, in, string(list), all), countNotes(ctx, q, in, string(list), all))
	})
	return all, err
}

// countReleases fills in what became of the releases of each period. CROSS JOIN has each period looked up in the index
// of times.
func countReleases(
	ctx context.Context, q querier, in packaging.Scope, periods string, into []packaging.Activity,
) error {
	w := inScope(in, "r.")
	_, err := collect(ctx, q, func(row scanner) (place int, err error) {
		var a packaging.Activity
		var changed int64
		err = row.Scan(&place, &a.Elsewhere, &a.Requested, &a.Released, &a.Refused, &a.Unknown, &a.Sending,
			&a.WasUnknown,
			&a.ByPerson, &a.Serials, &a.Missing, &a.Odd, &changed)
		if err == nil {
			a.Changed = moment(changed)
			into[place] = a
		}
		return place, err
	}, `
		SELECT p.key, count(*) FILTER (WHERE r.proof = 'person' AND r.settled_by = ''),
			count(*) FILTER (WHERE r.proof <> 'person' OR r.settled_by <> ''),
			count(*) FILTER (WHERE r.proof <> 'person' AND r.outcome = 'released'),
			count(*) FILTER (WHERE r.outcome = 'refused' AND r.reason NOT IN ('still_pending', 'not_carried_out', 'by_word')
				AND NOT (r.reason = 'record_lost' AND r.proof <> 'answer')),
			count(*) FILTER (WHERE r.outcome = 'unknown' OR r.settled_by <> '' OR r.reason IN ('still_pending', 'not_carried_out')
				OR r.outcome = 'refused' AND r.reason = 'record_lost' AND r.proof <> 'answer'),
			count(*) FILTER (WHERE r.outcome = 'sending'),
			count(*) FILTER (WHERE r.outcome = 'unknown' OR r.proof = 'status' OR r.settled_by <> ''),
			count(*) FILTER (WHERE r.settled_by <> ''),
			sum(r.serials_received), count(*) FILTER (WHERE r.outcome = 'released' AND r.list_source = ''),
			count(*) FILTER (WHERE r.oddities <> '[]'),
			max(max(coalesce(r.answered_at, 0), coalesce(r.settled_at, 0), coalesce(r.list_at, 0), coalesce(r.flagged_at, 0),
				coalesce(r.contradicted_at, 0), coalesce(r.closed_at, 0)))
		FROM json_each(?) AS p
		CROSS JOIN releases r ON r.requested_at >= p.value ->> 0 AND r.requested_at < p.value ->> 1
		WHERE `+w.sql+` GROUP BY p.key`, append([]any{periods}, w.args...)...)
	return err
}

// countNotes fills in the notes of each period, and when one of them was withdrawn last.
func countNotes(ctx context.Context, q querier, in packaging.Scope, periods string, into []packaging.Activity) error {
	w := inScope(in, "n.")
	_, err := collect(ctx, q, func(row scanner) (place int, err error) {
		var notes, withdrawn int64
		if err = row.Scan(&place, &notes, &withdrawn); err == nil {
			into[place].Notes, into[place].Changed = notes, later(into[place].Changed, moment(withdrawn))
		}
		return place, err
	}, `
		SELECT p.key, count(*), coalesce(max(w.at), 0)
		FROM json_each(?) AS p
		CROSS JOIN notes n ON n.at >= p.value ->> 0 AND n.at < p.value ->> 1
		LEFT JOIN note_withdrawals w ON w.note_id = n.id
		WHERE `+w.sql+` GROUP BY p.key`, append([]any{periods}, w.args...)...)
	return err
}
