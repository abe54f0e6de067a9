package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// Roster gives all plans of shifts of a tenant, the one added last being last.
func (d *DB) Roster(ctx context.Context, in packaging.Scope) (packaging.Roster, error) {
	return rosterOf(ctx, d.read, in.Tenant())
}

func rosterOf(ctx context.Context, q querier, tenant packaging.TenantID) (r packaging.Roster, err error) {
	type row struct {
		plan  int64
		from  packaging.Day
		shift packaging.Shift
	}
	rows, err := collect(ctx, q, func(s scanner) (r row, err error) {
		return r, s.Scan(&r.plan, &r.from, &r.shift.Name, &r.shift.Start, &r.shift.End, &r.shift.Days)
	}, `
		SELECT p.id, p.valid_from, coalesce(s.name, ''), coalesce(s.starts, 0), coalesce(s.ends, 0), coalesce(s.days, 0)
		FROM shift_plans p LEFT JOIN shifts s ON s.plan_id = p.id
		WHERE p.tenant_id = ? ORDER BY p.id, s.place`, tenant)
	var last int64
	for _, one := range rows {
		if one.plan != last {
			r, last = append(r, packaging.Plan{From: one.from}), one.plan
		}
		if one.shift.Name != "" {
			r[len(r)-1].Shifts = append(r[len(r)-1].Shifts, one.shift)
		}
	}
	return r, err
}

// SetShifts adds a plan, which begins on a later day than today, or where it is the first, whenever it says. A plan that
// can't be is Invalid.
func (d *DB) SetShifts(ctx context.Context, by packaging.Person, p packaging.Plan) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error { return t.setShifts(by.Tenant, by.Author, p) })
}

func (t *tx) setShifts(tenant packaging.Tenant, by packaging.Author, p packaging.Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	r, err := rosterOf(t.ctx, t, tenant.ID)
	if err != nil {
		return err
	}
	if len(r) > 0 && p.From <= packaging.DayOf(t.now, tenant.Location()) {
		return packaging.Fail(packaging.Invalid, "shifts.too_early")
	}
	if err := append(slices.Clone(r), p).CheckChange(); err != nil {
		return err
	}
	id, err := t.insert(`INSERT INTO shift_plans (tenant_id, valid_from, set_at) VALUES (?, ?, ?)`, tenant.ID, p.From, millis(t.now))
	if err != nil {
		return err
	}
	for place, s := range p.Shifts {
		if err := t.exec(`INSERT INTO shifts (plan_id, tenant_id, place, name, starts, ends, days) VALUES (?,?,?,?,?,?,?)`,
			id, tenant.ID, place, s.Name, s.Start, s.End, s.Days); err != nil {
			return err
		}
	}
	e := packaging.Entry{TenantID: tenant.ID, By: by, Deed: packaging.ShiftsSet, Object: "shifts", New: p.String()}
	if before := r.PlanOf(p.From); before.From != "" {
		e.Old = before.String()
	}
	return t.record(e)
}

// ShiftReport gives what happened in a shift, as of now. In a limited scope it is that of some lines, and of what its person
// did elsewhere.
func (d *DB) ShiftReport(ctx context.Context, in packaging.Scope, o packaging.Occurrence) (r packaging.ShiftReport, err error) {
	err = d.read.snapshot(ctx, func(q querier) error {
		r, err = reportOf(ctx, q, in, o, d.now())
		return err
	})
	return r, err
}

// reportOf is the one query of a report: pages, files and signatures have their numbers from here.
func reportOf(ctx context.Context, q querier, in packaging.Scope, o packaging.Occurrence, now time.Time) (r packaging.ShiftReport, err error) {
	r = packaging.ShiftReport{Occurrence: o, AsOf: now.UTC().Truncate(time.Millisecond)}
	if r.Releases, err = releasedIn(ctx, q, in, o.Begin, o.Until); err != nil {
		return r, err
	}
	where, args := historyWhere(in, packaging.HistoryFilter{From: o.Begin, To: o.Until})
	entries := func(condition string, most int) ([]packaging.Entry, error) {
		return collect(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM history
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
	if r.People, err = peopleOf(ctx, q, where, args); err != nil {
		return r, err
	}
	if r.Notes, err = notesIn(ctx, q, in, o.Begin, o.Until); err != nil {
		return r, err
	}
	r.History, err = rangeOf(ctx, q, in, where, args)
	return r, err
}

// Work gives the releases that were requested from one time to another, and the notes that were written, as they were.
func (d *DB) Work(ctx context.Context, in packaging.Scope, from, to time.Time) (releases []packaging.ReportedRelease, notes []packaging.Note, err error) {
	if releases, err = releasedIn(ctx, d.read, in, from, to); err != nil {
		return nil, nil, err
	}
	notes, err = notesIn(ctx, d.read, in, from, to)
	return releases, notes, err
}

// Activities returns what happened in each of the periods, in their order.
func (d *DB) Activities(ctx context.Context, in packaging.Scope, periods []packaging.Period) ([]packaging.Activity, error) {
	spans := make([][2]int64, len(periods))
	for i, p := range periods {
		spans[i] = [2]int64{millis(p.From), millis(p.Until)}
	}
	list, err := json.Marshal(spans)
	if err != nil {
		return nil, err
	}
	all := make([]packaging.Activity, len(periods))
	err = d.read.snapshot(ctx, func(q querier) error {
		return errors.Join(countReleases(ctx, q, in, string(list), all), countNotes(ctx, q, in, string(list), all))
	})
	return all, err
}

// countReleases fills in what became of the releases of each period. CROSS JOIN has each period looked up in the index of
// times.
func countReleases(ctx context.Context, q querier, in packaging.Scope, periods string, into []packaging.Activity) error {
	w := within(in, "r.")
	_, err := collect(ctx, q, func(row scanner) (place int, err error) {
		var a packaging.Activity
		var changed int64
		err = row.Scan(&place, &a.Elsewhere, &a.Requested, &a.Released, &a.Refused, &a.Unknown, &a.Sending, &a.WasUnknown,
			&a.Serials, &a.Missing, &a.Odd, &changed)
		if err == nil {
			a.Changed = moment(changed)
			into[place] = a
		}
		return place, err
	}, `
		SELECT p.key, count(*) FILTER (WHERE r.proof = 'person'), count(*) FILTER (WHERE r.proof <> 'person'),
			count(*) FILTER (WHERE r.proof <> 'person' AND r.outcome = 'released'),
			count(*) FILTER (WHERE r.outcome = 'refused'), count(*) FILTER (WHERE r.outcome = 'unknown'),
			count(*) FILTER (WHERE r.outcome = 'sending'), count(*) FILTER (WHERE r.outcome = 'unknown' OR r.proof = 'status'),
			sum(r.serials_received), count(*) FILTER (WHERE r.outcome = 'released' AND r.list_source = ''),
			count(*) FILTER (WHERE r.oddities <> '[]'),
			max(max(coalesce(r.answered_at, 0), coalesce(r.settled_at, 0), coalesce(r.list_at, 0), coalesce(r.flagged_at, 0)))
		FROM json_each(?) AS p
		CROSS JOIN releases r ON r.requested_at >= p.value ->> 0 AND r.requested_at < p.value ->> 1
		WHERE `+w.sql+` GROUP BY p.key`, append([]any{periods}, w.args...)...)
	return err
}

// countNotes fills in the notes of each period, and when one of them was withdrawn last.
func countNotes(ctx context.Context, q querier, in packaging.Scope, periods string, into []packaging.Activity) error {
	w := within(in, "n.")
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

func releasedIn(ctx context.Context, q querier, in packaging.Scope, from, to time.Time) ([]packaging.ReportedRelease, error) {
	w := within(in, "r.")
	w.and(true, "r.requested_at >= ? AND r.requested_at < ?", millis(from), millis(to))
	return collect(ctx, q, scanReported, selectReported+`WHERE `+w.sql+` ORDER BY r.requested_at, r.id`, w.args...)
}

func notesIn(ctx context.Context, q querier, in packaging.Scope, from, to time.Time) ([]packaging.Note, error) {
	w := within(in, "n.")
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
	o.id, o.order_key, o.product, (SELECT min(e.at) FROM order_events e
		WHERE e.order_id = o.id AND e.at <= r.requested_at AND e.kind IN ('seen', 'status') AND e.new_value = 'Pending release')
FROM releases r JOIN orders o ON o.id = r.order_id
`

func scanReported(row scanner) (r packaging.ReportedRelease, err error) {
	var n nullRelease
	var order packaging.OrderID
	var pending sql.Null[int64]
	if err := row.Scan(&n.id, &n.userID, &n.username, &n.fullName, &n.role, &n.lineID, &n.lineCode, &n.lineName, &n.requested, &n.answered,
		&n.outcome, &n.reason, &n.status, &n.message, &n.code, &n.httpStatus, &n.received, &n.expected, &n.oddities,
		&n.proof, &n.settled, &n.asked, &n.askedSays, &n.list, &n.listBy, &n.listAt, &n.flagged, &n.station,
		&order, &r.OrderKey, &r.Product, &pending); err != nil {
		return r, err
	}
	release, err := n.release(order)
	if err == nil {
		r.Release, r.PendingSince = *release, moment(pending.V)
	}
	return r, err
}

// peopleOf counts what each person did. A signature that names no line is under a shift, and that is told by itself.
func peopleOf(ctx context.Context, q querier, where string, args []any) ([]packaging.PersonDeeds, error) {
	return collect(ctx, q, func(row scanner) (p packaging.PersonDeeds, err error) {
		var deeds string
		if err := row.Scan(&p.Username, &p.FullName, &deeds); err != nil {
			return p, err
		}
		return p, json.Unmarshal([]byte(deeds), &p.Deeds)
	}, `
		SELECT username, full_name, json_group_object(deed, n) FROM (
			SELECT user_id, username, full_name, deed, count(*) AS n FROM history
			WHERE `+where+` AND user_id > 0 AND NOT (deed = 'signed' AND line_code = '') GROUP BY user_id, username, full_name, deed)
		GROUP BY user_id, username, full_name ORDER BY full_name, username`, args...)
}

// rangeOf says which entries of the history are of a time.
func rangeOf(ctx context.Context, q querier, in packaging.Scope, where string, args []any) (r packaging.HistoryRange, err error) {
	var hash []byte
	err = q.QueryRowContext(ctx, `
		SELECT coalesce(min(seq), 0), coalesce(max(seq), 0), count(*) FROM history WHERE `+where, args...).
		Scan(&r.First, &r.Last, &r.Entries)
	if err == nil && r.Last > 0 {
		err = q.QueryRowContext(ctx, `SELECT hash FROM history WHERE tenant_id = ? AND seq = ?`, in.Tenant(), r.Last).Scan(&hash)
		copy(r.LastHash[:], hash)
	}
	return r, coded(err)
}

// OtherReviewer says whether the tenant wants a shift to be signed by somebody who did nothing in it.
func (d *DB) OtherReviewer(ctx context.Context, in packaging.Scope) (bool, error) {
	return otherReviewer(ctx, d.read, in.Tenant())
}

func otherReviewer(ctx context.Context, q querier, tenant packaging.TenantID) (other bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT other_reviewer FROM shift_rules WHERE tenant_id = ?`, tenant).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return other, coded(err)
}

// SetOtherReviewer sets that, and records it where it changes.
func (d *DB) SetOtherReviewer(ctx context.Context, by packaging.Person, other bool) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		was, err := otherReviewer(ctx, t, by.Tenant.ID)
		if err != nil || was == other {
			return err
		}
		if err := t.exec(`INSERT INTO shift_rules (tenant_id, other_reviewer) VALUES (?, ?)
			ON CONFLICT (tenant_id) DO UPDATE SET other_reviewer = excluded.other_reviewer`, by.Tenant.ID, other); err != nil {
			return err
		}
		says := map[bool]string{false: "anybody who may review", true: "somebody who did nothing in the shift"}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.ShiftsSet, Object: "who signs a shift", Old: says[was], New: says[other],
		})
	})
}
