package db

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"lineboard/internal/packaging"
)

// Lanes returns the overview: each line with its counts and its first orders. Lines that the API names and that are not
// set up here come after them. A lane without a line comes last, if there are orders without one. A retired line shows
// as long as something is open there.
func (d *DB) Lanes(ctx context.Context, in packaging.Scope) ([]packaging.Lane, error) {
	lines, err := d.Lines(ctx, in)
	if err != nil {
		return nil, err
	}
	others, err := d.UnknownLines(ctx, in)
	if err != nil {
		return nil, err
	}
	l := lanes{place: map[laneKey]int{}}
	for _, line := range lines {
		l.lane(laneKey{id: line.ID}).Line = line
	}
	if err := d.countOrders(ctx, in, &l); err != nil {
		return nil, err
	}
	query, args := foremost(in)
	first, err := collect(ctx, d.read, scanOrder, query, args...)
	for _, o := range first {
		lane := l.lane(laneKeyOf(o.Line.ID, o.APILine()))
		if o.Status == packaging.PendingRelease {
			lane.Next = append(lane.Next, o)
		} else {
			lane.Running = append(lane.Running, o)
		}
	}
	for _, line := range others {
		if i, has := l.place[laneKeyOf(0, line.Code)]; has {
			l.all[i].Line = line
		}
	}
	slices.SortStableFunc(l.all[len(lines):], func(a, b packaging.Lane) int {
		if without := (a.Line.Code == "") != (b.Line.Code == ""); without {
			return strings.Compare(b.Line.Code, a.Line.Code) // who has no line comes last
		}
		return packaging.ByCode(a.Line, b.Line)
	})
	return slices.DeleteFunc(l.all, func(l packaging.Lane) bool { return l.Line.Retired && l.Idle() }), err
}

// foremost selects the orders that come first in each lane: two that run, and two that wait. Without the bound of the
// urgency SQLite would read all orders that were ever Done.
func foremost(in packaging.Scope) (query string, args []any) {
	w := inScope(in, "o.")
	return selectOrder + `
		WHERE o.id IN (SELECT id FROM (
			SELECT o.id, row_number() OVER (PARTITION BY o.line_id, CASE WHEN o.line_id IS NULL THEN o.api_line END, o.urgency
				ORDER BY CASE o.urgency WHEN 4 THEN -coalesce(r.answered_at, 0) END, o.id) AS place
			FROM orders o LEFT JOIN releases r ON r.id = o.last_release_id
			WHERE ` + w.sql + ` AND ` + onBoards + ` AND o.urgency < 6
				AND (o.urgency = 4 OR o.urgency = 1 AND coalesce(r.outcome, '') NOT IN ('sending', 'unknown'))
				AND o.id NOT IN (SELECT i.order_id FROM queues q JOIN queue_orders i ON i.queue_id = q.id AND i.place >= q.position
					WHERE q.tenant_id = ? AND q.stop = '')) WHERE place <= 2)
		ORDER BY CASE o.urgency WHEN 4 THEN -coalesce(r.answered_at, 0) END, o.id`, append(w.args, in.Tenant())
}

// Troubles returns the orders of boards whose latest release needs a person or is under way: its outcome is not known,
// or it was not carried out or is odd, and nobody has acknowledged that.
func (d *DB) Troubles(ctx context.Context, in packaging.Scope) ([]packaging.Order, error) {
	w := inScope(in, "o.")
	return collect(ctx, d.read, scanOrder, selectOrder+`
		WHERE `+w.sql+` AND `+onBoards+` AND o.urgency < 6 AND o.id IN (
			SELECT order_id FROM releases WHERE tenant_id = ? AND outcome IN ('sending', 'unknown')
			UNION ALL SELECT order_id FROM releases WHERE tenant_id = ? AND outcome = 'refused'
			UNION ALL SELECT order_id FROM releases WHERE tenant_id = ? AND outcome = 'released' AND (list_source = '' OR oddities <> '[]'))
		AND (r.outcome IN ('sending', 'unknown') AND r.closed_at IS NULL OR a.at IS NULL AND (
			r.outcome = 'refused' OR r.outcome = 'released' AND (r.list_source = '' OR r.oddities <> '[]')))
		ORDER BY o.id`, append(w.args, in.Tenant(), in.Tenant(), in.Tenant())...)
}

// lanes grow as orders of another line come up.
type lanes struct {
	all   []packaging.Lane
	place map[laneKey]int
}

// laneKey tells lanes apart: by the line, or by what the API calls one that is not set up here, empty for no line.
type laneKey struct {
	id      packaging.LineID
	apiLine string
}

func laneKeyOf(id packaging.LineID, apiLine string) laneKey {
	if id != 0 {
		return laneKey{id: id}
	}
	return laneKey{apiLine: strings.ToLower(apiLine)}
}

func (l *lanes) lane(key laneKey) *packaging.Lane {
	if _, ok := l.place[key]; !ok {
		l.place[key] = len(l.all)
		l.all = append(l.all, packaging.Lane{})
	}
	return &l.all[l.place[key]]
}

// laneCount is how many orders of a lane are of an urgency, or how many releases have an outcome.
type laneCount struct {
	line    sql.Null[packaging.LineID]
	apiLine string
	urgency int // 0 for releases
	outcome string
	n       int
}

func (c laneCount) addTo(lane *packaging.Lane) {
	switch c.urgency {
	case 0:
		switch c.outcome {
		case string(packaging.Sending):
			lane.Releases.Sending += c.n
		case string(packaging.Unknown):
			lane.Releases.Unknown += c.n
		case string(packaging.Refused):
			lane.Releases.Refused += c.n
		case string(packaging.SaidPending):
			lane.Releases.SaidPending += c.n
		default:
			lane.Releases.Odd += c.n
		}
	case 1:
		lane.Counts.Pending += c.n
	case 2:
		lane.Counts.Suspended += c.n
	case 3:
		lane.Counts.Other += c.n
	case 4:
		lane.Counts.Running += c.n
	case 5:
		lane.Counts.Open += c.n
	}
}

func (d *DB) countOrders(ctx context.Context, in packaging.Scope, l *lanes) error {
	scan := func(row scanner) (c laneCount, err error) {
		return c, row.Scan(&c.line, &c.apiLine, &c.urgency, &c.outcome, &c.n)
	}
	w := inScope(in, "o.")
	// The first part reads the index orders_of_line alone.
	counts, err := collect(ctx, d.read, scan, `
		SELECT o.line_id, '', o.urgency, '', count(*) FROM orders o
		WHERE `+w.sql+` AND `+onBoards+` AND o.line_id IS NOT NULL AND o.urgency < 6 GROUP BY o.line_id, o.urgency
		UNION ALL
		SELECT NULL, o.api_line, o.urgency, '', count(*) FROM orders o
		WHERE `+w.sql+` AND `+onBoards+` AND o.line_id IS NULL AND o.urgency < 6 GROUP BY o.api_line, o.urgency
		UNION ALL
		SELECT o.line_id, o.api_line, 0, r.outcome, count(*) FROM releases r JOIN orders o ON o.id = r.order_id
		WHERE r.tenant_id = ? AND `+w.sql+` AND r.outcome IN ('sending', 'unknown') AND r.closed_at IS NULL
		GROUP BY o.line_id, o.api_line, r.outcome
		UNION ALL
		SELECT o.line_id, o.api_line, 0, 'odd', count(*) FROM releases r JOIN orders o ON o.id = r.order_id
		LEFT JOIN acknowledgements a ON a.release_id = r.id AND a.list_source = r.result
		WHERE r.tenant_id = ? AND r.id = o.last_release_id AND `+w.sql+
		` AND r.outcome = 'released' AND (r.list_source = '' OR r.oddities <> '[]') AND o.urgency < 6 AND a.at IS NULL
		GROUP BY o.line_id, o.api_line
		UNION ALL
		SELECT o.line_id, o.api_line, 0, CASE WHEN r.reason IN ('still_pending', 'not_carried_out', 'by_word')
			OR r.reason = 'record_lost' AND r.proof <> 'answer' THEN 'said_pending' ELSE r.outcome END AS says, count(*)
		FROM releases r JOIN orders o ON o.last_release_id = r.id
		LEFT JOIN acknowledgements a ON a.release_id = r.id AND a.list_source = r.result
		WHERE r.tenant_id = ? AND `+w.sql+` AND r.outcome = 'refused' AND o.urgency < 6 AND o.gone = 0 AND a.at IS NULL
		GROUP BY o.line_id, o.api_line, says`,
		slices.Concat(
			w.args, w.args, []any{in.Tenant()}, w.args, []any{in.Tenant()}, w.args, []any{in.Tenant()}, w.args,
		)...)
	for _, c := range counts {
		c.addTo(l.lane(laneKeyOf(c.line.V, c.apiLine)))
	}
	return err
}
