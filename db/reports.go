package db

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// ShiftReport returns what happened in a shift, as of now. In a limited scope it is that of some lines, and of what its
// person did elsewhere.
func (d *DB) ShiftReport(
	ctx context.Context, in packaging.Scope, o packaging.Occurrence,
) (r packaging.ShiftReport, err error) {
	err = d.snapshotLong(ctx, in.Reader(), reportLimit, func(ctx context.Context, q querier) error {
		r, err = reportOf(ctx, q, in, o, d.now())
		return err
	})
	return r, err
}

// reportOf is the one query of a report: pages, files and signatures have their numbers from here.
func reportOf(
	ctx context.Context, q querier, in packaging.Scope, o packaging.Occurrence, now time.Time,
) (r packaging.ShiftReport, err error) {
	r = packaging.ShiftReport{Occurrence: o, AsOf: now.UTC().Truncate(time.Millisecond)}
	if r.Releases, err = releasedIn(ctx, q, in, o.Begin, o.Until); err != nil {
		return r, err
	}
	if r.Brought, err = broughtIn(ctx, q, in, o.Begin, o.Until); err != nil {
		return r, err
	}
	where, args := historyWhere(in, packaging.HistoryFilter{From: o.Begin, To: o.Until})
	entries := func(condition string, most int) ([]packaging.Entry, error) {
		return manyEntries(ctx, q, `SELECT `+entryColumns+` FROM history
			WHERE `+where+` AND (`+condition+`) ORDER BY seq LIMIT ?`, append(slices.Clone(args), most)...)
	}
	if r.Declined, err = entries(`deed = 'release_declined'`, -1); err != nil {
		return r, err
	}
	if r.Exceptions, err = entries(isException, packaging.MaxExceptions+1); err != nil {
		return r, err
	}
	if r.More = len(r.Exceptions) > packaging.MaxExceptions; r.More {
		r.Exceptions = r.Exceptions[:packaging.MaxExceptions]
	}
	if r.Notes, err = notesIn(ctx, q, in, o.Begin, o.Until); err != nil {
		return r, err
	}
	r.People, r.History, err = workOf(ctx, q, in, where, args)
	return r, err
}

func releasedIn(
	ctx context.Context, q querier, in packaging.Scope, from, to time.Time,
) ([]packaging.ReportedRelease, error) {
	var all [][]packaging.ReportedRelease // each is long: to grow them into one would copy them again and again
	for after := packaging.ReleaseID(0); ; {
		w := inScope(in, "r.")
		w.and(true, "r.requested_at < ? AND (r.requested_at, r.id) > (?, ?)", millis(to), millis(from), after)
		some, err := manyReported(ctx, q, selectReported+`WHERE `+w.sql+` ORDER BY r.requested_at, r.id LIMIT ?`,
			append(w.args, reportedAtOnce)...)
		if err != nil {
			return nil, err
		}
		all = append(all, some)
		if len(some) < reportedAtOnce {
			return slices.Concat(all...), nil
		}
		last := some[len(some)-1]
		from, after = last.Requested, last.ID
	}
}

// broughtIn returns where the lists stand of the releases that were requested in a time.
func broughtIn(
	ctx context.Context, q querier, in packaging.Scope, from, to time.Time,
) (all []packaging.BroughtLists, err error) {
	w := inScope(in, "r.")
	w.and(true, "r.requested_at >= ? AND r.requested_at < ?", millis(from), millis(to))
	var last packaging.DestinationID
	_, err = collect(ctx, q, func(row scanner) (packaging.DestinationID, error) {
		var id packaging.DestinationID
		var one packaging.BroughtLists
		var state packaging.DeliveryState
		var n int64
		if err := row.Scan(&id, &one.Line.Code, &one.Line.Name, &one.Destination, &state, &n); err != nil {
			return id, err
		}
		if id != last { // a retired destination may have the name of another
			last, one.States = id, map[packaging.DeliveryState]int64{}
			all = append(all, one)
		}
		all[len(all)-1].Lists += n
		all[len(all)-1].States[state] += n
		return id, nil
	}, `SELECT d.id, l.code, l.name, d.name, v.state, count(*)
		FROM releases r JOIN deliveries v ON v.release_id = r.id JOIN destinations d ON d.id = v.destination_id
		JOIN lines l ON l.id = d.line_id
		WHERE `+w.sql+` GROUP BY d.id, v.state
		ORDER BY l.code COLLATE naturally, d.name COLLATE naturally, d.id`, w.args...)
	return all, err
}

// reportedAtOnce is how many releases one query reads.
const reportedAtOnce = 2_000

// manyReported reads releases of a query by selectReported, in its order.
func manyReported(
	ctx context.Context, q querier, query string, args ...any,
) (all []packaging.ReportedRelease, err error) {
	whole, err := eachJoined(ctx, q, reportedColumns, query, args, func(row scanner) error {
		r, err := scanReported(row)
		all = append(all, r)
		return err
	})
	if err != nil || whole {
		return all, err
	}
	return collect(ctx, q, scanReported, query, args...) // something in them is not as it was written
}

// reportedColumns is how many columns selectReported has.
const reportedColumns = 40

func notesIn(ctx context.Context, q querier, in packaging.Scope, from, to time.Time) ([]packaging.Note, error) {
	w := inScope(in, "n.")
	w.and(true, "n.at >= ? AND n.at < ?", millis(from), millis(to))
	return collect(ctx, q, scanNote, selectNote+`WHERE `+w.sql+` ORDER BY n.id`, w.args...)
}

// isException picks what a manager looks at in a shift: the exceptions of the history, and lists that a person added.
var isException = fmt.Sprintf(`deed IN ('%s', '%s') OR outcome IN ('refused', 'unknown') OR deed = '%s' AND reason <> '%s'`,
	packaging.ListAdded, strings.Join(texts(packaging.Exceptions), `', '`), packaging.QueueEnded, packaging.QueueDone)

func texts[T ~string](all []T) []string {
	said := make([]string, len(all))
	for i, one := range all {
		said[i] = string(one)
	}
	return said
}

const selectReported = `
SELECT r.id, r.user_id, r.username, r.full_name, r.role, r.line_id, r.line_code, r.line_name, r.requested_at, r.answered_at,
	r.outcome, r.reason, r.order_status, r.message, r.code, r.http_status, r.serials_received, r.serials_expected,
	r.oddities, r.proof, r.settled_at, r.asked_at, r.asked_says, r.list_source, r.list_by, r.list_at, r.flagged_at, r.station,
	r.pending_since, r.pending_again, r.contradicted_at, r.settled_by, r.settled_why, r.closed_at,
	r.round, r.again_why, o.id, o.order_key, o.product, (SELECT min(e.at) FROM order_events e
		WHERE e.order_id = o.id AND e.at <= r.requested_at AND e.kind IN ('seen', 'status') AND e.new_value = 'Pending release')
FROM releases r JOIN orders o ON o.id = r.order_id
`

func scanReported(row scanner) (r packaging.ReportedRelease, err error) {
	var n nullRelease
	var order packaging.OrderID
	var pending sql.Null[int64]
	if err := row.Scan(&n.id, &n.userID, &n.username, &n.fullName, &n.role, &n.lineID, &n.lineCode, &n.lineName,
		&n.requested, &n.answered,
		&n.outcome, &n.reason, &n.status, &n.message, &n.code, &n.httpStatus, &n.received, &n.expected, &n.oddities,
		&n.proof, &n.settled, &n.asked, &n.askedSays, &n.list, &n.listBy, &n.listAt, &n.flagged, &n.station,
		&n.pendingSince, &n.pendingAgain, &n.contradicted, &n.settledBy, &n.settledWhy, &n.closed, &n.round,
		&n.againWhy,
		&order, &r.OrderKey, &r.Product, &pending); err != nil {
		return r, err
	}
	release, err := n.release(order)
	if err == nil {
		r.Release, r.PendingSince = *release, moment(pending.V)
	}
	return r, err
}

// workOf counts what each person did, and says which entries of the history are of a time: one look at the entries
// finds both. A signature that names no line is under a shift, and a shift lists its own signatures.
func workOf(
	ctx context.Context, q querier, in packaging.Scope, where string, args []any,
) (people []packaging.PersonDeeds, r packaging.HistoryRange, err error) {
	type person struct {
		id                 packaging.UserID
		username, fullName string
	}
	deeds := map[person]map[packaging.Deed]int64{}
	_, err = collect(ctx, q, func(row scanner) (p person, err error) {
		var deed packaging.Deed
		var ofShift bool
		var n, first, last int64
		if err := row.Scan(&p.id, &p.username, &p.fullName, &deed, &ofShift, &n, &first, &last); err != nil {
			return p, err
		}
		if r.First == 0 || first < r.First {
			r.First = first
		}
		r.Last, r.Entries = max(r.Last, last), r.Entries+n
		if p.id > 0 && !ofShift {
			if deeds[p] == nil {
				deeds[p] = map[packaging.Deed]int64{}
			}
			deeds[p][deed] += n
		}
		return p, nil
	}, `SELECT user_id, username, full_name, deed, deed = 'signed' AND line_code = '' AS of_shift,
			count(*), min(seq), max(seq)
		FROM history WHERE `+where+` GROUP BY user_id, username, full_name, deed, of_shift`, args...)
	if err != nil {
		return nil, r, err
	}
	for _, p := range slices.SortedFunc(maps.Keys(deeds), func(a, b person) int {
		return cmp.Or(cmp.Compare(a.fullName, b.fullName), cmp.Compare(a.username, b.username), cmp.Compare(a.id, b.id))
	}) {
		people = append(people, packaging.PersonDeeds{Username: p.username, FullName: p.fullName, Deeds: deeds[p]})
	}
	if r.Last == 0 {
		return people, r, nil
	}
	var hash []byte
	err = q.QueryRowContext(ctx, `SELECT hash FROM history WHERE tenant_id = ? AND seq = ?`, in.Tenant(), r.Last).
		Scan(&hash)
	copy(r.LastHash[:], hash)
	return people, r, coded(err)
}
