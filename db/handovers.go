package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

const selectHandover = `
SELECT h.id, h.tenant_id, h.day, h.shift, h.begins_at, h.ends_at, h.at, h.user_id, h.username, h.full_name, h.role, h.station, h.remarks,
	(SELECT human_id FROM humans WHERE user_id = h.user_id),
	t.at, t.user_id, t.username, t.full_name, t.role, t.station, t.remarks
FROM handovers h LEFT JOIN takeovers t ON t.handover_id = h.id
`

func scanHandover(row scanner) (h packaging.Handover, err error) {
	var begin, until, at int64
	var taken struct {
		at                               sql.Null[int64]
		user                             sql.Null[packaging.UserID]
		role                             sql.Null[packaging.Role]
		username, name, station, remarks sql.Null[string]
	}
	err = row.Scan(
		&h.ID, &h.TenantID, &h.Day, &h.Shift, &begin, &until, &at,
		&h.By.ID, &h.By.Username, &h.By.FullName, &h.By.Role, &h.By.Station, &h.Remarks, &h.Human,
		&taken.at, &taken.user, &taken.username, &taken.name, &taken.role, &taken.station, &taken.remarks,
	)
	h.Begin, h.Until, h.At = moment(begin), moment(until), moment(at)
	if taken.at.Valid {
		h.Taken = &packaging.Takeover{At: moment(taken.at.V), Remarks: taken.remarks.V, By: packaging.Author{
			ID: taken.user.V, Username: taken.username.V, FullName: taken.name.V, Role: taken.role.V,
			Station: taken.station.V,
		}}
	}
	return h, err
}

// Handover returns how a shift was handed over; it is NotFound where it was not.
func (d *DB) Handover(ctx context.Context, in packaging.Scope, o packaging.Occurrence) (packaging.Handover, error) {
	return handoverOf(ctx, d.read, in, o)
}

func handoverOf(
	ctx context.Context, q querier, in packaging.Scope, o packaging.Occurrence,
) (packaging.Handover, error) {
	h, err := scanHandover(
		q.QueryRowContext(
			ctx, selectHandover+`WHERE h.tenant_id = ? AND h.day = ? AND h.shift = ?`, in.Tenant(), o.Day, o.Name,
		),
	)
	if err != nil {
		return h, coded(err)
	}
	w := withinItems(in)
	w.and(true, "i.handover_id = ?", h.ID)
	h.Items, err = collect(ctx, q, scanItem, selectItem+`WHERE `+w.sql+` ORDER BY i.place`, w.args...)
	return h, err
}

// Handovers returns those of some days, without their items.
func (d *DB) Handovers(ctx context.Context, in packaging.Scope, from, to packaging.Day) ([]packaging.Handover, error) {
	return collect(
		ctx, d.read, scanHandover,
		selectHandover+`WHERE h.tenant_id = ? AND h.day >= ? AND h.day <= ? ORDER BY h.begins_at`, in.Tenant(), from,
		to,
	)
}

const selectItem = `
SELECT i.place, i.kind, i.line_code, i.line_name, i.order_id, i.order_key, i.note_id, i.words, i.since, i.from_id, i.from_place,
	coalesce(a.at, 0), coalesce(a.full_name, ''), i.handover_id,
	coalesce((SELECT last_release_id FROM orders o WHERE o.id = i.order_id), 0),
	EXISTS (SELECT 1 FROM handover_items n WHERE n.from_id = i.handover_id AND n.from_place = i.place)
FROM handover_items i LEFT JOIN handover_acks a ON a.handover_id = i.handover_id AND a.place = i.place
`

// withinItems begins a condition on items with the scope.
func withinItems(in packaging.Scope) where {
	w := where{"i.tenant_id = ?", []any{in.Tenant()}}
	w.and(
		in.Limited(), "i.line_code IN (SELECT code FROM lines WHERE id IN (SELECT value FROM json_each(?)))",
		lineList(in),
	)
	return w
}

func scanItem(row scanner) (packaging.HandoverItem, error) {
	i, _, err := scanItemOf(row)
	return i, err
}

func scanItemOf(row scanner) (i packaging.HandoverItem, of packaging.HandoverID, err error) {
	var order sql.Null[packaging.OrderID]
	var note sql.Null[packaging.NoteID]
	var from sql.Null[packaging.HandoverID]
	var place sql.Null[int]
	var since, acked int64
	err = row.Scan(
		&i.Place, &i.Kind, &i.Line.Code, &i.Line.Name, &order, &i.OrderKey, &note, &i.Words, &since, &from, &place,
		&acked,
		&i.AckBy, &of, &i.Release, &i.Carried,
	)
	i.OrderID, i.NoteID, i.From = order.V, note.V, packaging.ItemRef{Handover: from.V, Place: place.V}
	i.Since, i.Acked = moment(since), moment(acked)
	return i, of, err
}

// unacknowledgedItems returns what was handed over, needs somebody, and nobody acknowledged, the oldest first; each
// names itself as where it is from.
func unacknowledgedItems(ctx context.Context, q querier, in packaging.Scope) ([]packaging.HandoverItem, error) {
	w := withinItems(in)
	return collect(ctx, q, func(row scanner) (packaging.HandoverItem, error) {
		i, of, err := scanItemOf(row)
		i.From = packaging.ItemRef{Handover: of, Place: i.Place}
		return i, err
	}, selectItem+`
		WHERE `+w.sql+` AND a.place IS NULL AND i.kind NOT IN ('sending', 'waiting', 'queue')
			AND NOT EXISTS (SELECT 1 FROM handover_items n WHERE n.from_id = i.handover_id AND n.from_place = i.place)
		ORDER BY i.handover_id, i.place`, w.args...)
}

// LeftHandovers returns the hand-overs with items that nobody acknowledged, the oldest first, with those items.
func (d *DB) LeftHandovers(ctx context.Context, in packaging.Scope) (all []packaging.Handover, err error) {
	err = d.read.snapshot(ctx, func(q querier) error {
		left, err := unacknowledgedItems(ctx, q, in)
		if err != nil || len(left) == 0 {
			return err
		}
		var keys []packaging.HandoverID
		for _, i := range left {
			keys = append(keys, i.From.Handover)
		}
		list, err := json.Marshal(slices.Compact(keys))
		if err != nil {
			return err
		}
		all, err = collect(ctx, q, scanHandover, selectHandover+`
			WHERE h.tenant_id = ? AND h.id IN (SELECT value FROM json_each(?)) ORDER BY h.id`, in.Tenant(),
			string(list))
		for n := range all {
			for _, i := range left {
				if i.From.Handover == all[n].ID {
					all[n].Items = append(all[n].Items, i)
				}
			}
		}
		return err
	})
	return all, err
}

// OpenItems returns what would be handed over now: what is open, and what earlier hand-overs left.
func (d *DB) OpenItems(
	ctx context.Context, in packaging.Scope, o packaging.Occurrence,
) ([]packaging.HandoverItem, error) {
	return openItems(ctx, d.read, in, o, d.now())
}

func openItems(
	ctx context.Context, q querier, in packaging.Scope, o packaging.Occurrence, now time.Time,
) ([]packaging.HandoverItem, error) {
	r := itemReader{ctx: ctx, q: q}
	// The plus signs in ORDER BY keep SQLite from reading along the IDs, past all that ever was.
	const (
		whose = `coalesce(o.last_release_id, 0), coalesce(l.code, o.line_code), coalesce(l.name, o.line_name), o.id, o.order_key, NULL, `
		words = `trim(o.product || ' · ' || o.lot, ' ·')`
		order = whose + words
	)
	ofOrders := inScope(in, "o.")
	releases := func(kind packaging.ItemKind, condition string) {
		r.add(kind, `SELECT `+order+`, r.requested_at FROM releases r JOIN orders o ON o.id = r.order_id LEFT JOIN lines l ON l.id = o.line_id
			WHERE r.tenant_id = ? AND `+ofOrders.sql+` AND `+condition+` ORDER BY +r.id`, append(
			[]any{in.Tenant()}, ofOrders.args...,
		)...)
	}
	orders := func(kind packaging.ItemKind, status packaging.Status) {
		w := ofOrders
		w.and(
			true,
			"o.gone = 0 AND o.urgency = ? AND o.status = ? AND (coalesce(r.outcome, '') NOT IN ('sending', 'unknown') OR r.closed_at IS NOT NULL)",
			status.Urgency(), status,
		)
		r.add(kind, `SELECT `+order+`, o.confirmed_at FROM orders o LEFT JOIN lines l ON l.id = o.line_id
			LEFT JOIN releases r ON r.id = o.last_release_id WHERE `+w.sql+` ORDER BY +o.id`, w.args...)
	}
	releases(packaging.UnknownOutcome, isUnknown+` AND r.closed_at IS NULL`)
	const oddNow = `r.id = o.last_release_id AND r.outcome = 'released' AND (r.list_source = '' OR r.oddities <> '[]')
		AND o.urgency < 6 AND NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.release_id = r.id AND a.list_source = r.result)`
	releases(packaging.OddList, oddNow)
	// Lists that are late at their line, of orders whose list is not odd too.
	r.add(packaging.OddList, `
		SELECT `+whose+`'`+packaging.ToDestination+`' ||
			group_concat(d.name, ', ' ORDER BY d.name COLLATE naturally) || ' · ' || `+
		words+`, min(v.since)
		FROM deliveries v JOIN destinations d ON d.id = v.destination_id JOIN releases r ON r.id = v.release_id
		JOIN orders o ON o.id = r.order_id LEFT JOIN lines l ON l.id = o.line_id
		WHERE v.tenant_id = ? AND `+ofOrders.sql+` AND `+isOpen+` AND v.since + d.late_after <= ? AND NOT (`+oddNow+`)
		GROUP BY o.id ORDER BY o.id`, append(append([]any{in.Tenant()}, ofOrders.args...), millis(now))...)
	orders(packaging.SuspendedOrder, packaging.Suspended)
	// The first condition is that of the index, which SQLite takes for no other.
	releases(packaging.RunningRelease, `r.outcome IN ('sending', 'unknown') AND r.outcome = 'sending'`)
	queues := inScope(in, "q.")
	r.add(packaging.RunningQueue, `
		SELECT 0, l.code, l.name, NULL, '', NULL, (SELECT group_concat(o.order_key, ', ' ORDER BY i.place)
			FROM queue_orders i JOIN orders o ON o.id = i.order_id WHERE i.queue_id = q.id AND i.place >= q.position), q.started_at
		FROM lines l CROSS JOIN queues q ON q.line_id = l.id AND q.stop = '' -- line by line: few of the sequences run
		WHERE l.tenant_id = ? AND `+queues.sql+`
		ORDER BY l.code COLLATE naturally`, append([]any{in.Tenant()}, queues.args...)...)
	orders(packaging.WaitingOrder, packaging.PendingRelease)
	r.addNotes(in, o)
	if r.err != nil {
		return nil, r.err
	}
	left, err := unacknowledgedItems(ctx, q, in)
	return packaging.Carry(r.items, left), err
}

// itemReader reads items one kind after the other, until an error.
type itemReader struct {
	ctx   context.Context
	q     querier
	items []packaging.HandoverItem
	err   error
}

func (r *itemReader) add(kind packaging.ItemKind, query string, args ...any) {
	if r.err != nil {
		return
	}
	var some []packaging.HandoverItem
	some, r.err = collect(r.ctx, r.q, func(row scanner) (i packaging.HandoverItem, err error) {
		var order sql.Null[packaging.OrderID]
		var note sql.Null[packaging.NoteID]
		var since int64
		err = row.Scan(&i.Release, &i.Line.Code, &i.Line.Name, &order, &i.OrderKey, &note, &i.Words, &since)
		i.Kind, i.OrderID, i.NoteID, i.Since = kind, order.V, note.V, moment(since)
		return i, err
	}, query, args...)
	r.items = append(r.items, some...)
}

// addNotes adds those of the shift, and what was written since the hand-over before: after it, or between two shifts.
func (r *itemReader) addNotes(in packaging.Scope, o packaging.Occurrence) {
	notes := inScope(in, "n.")
	notes.and(
		true, "n.at >= min(?, coalesce((SELECT max(at) FROM handovers WHERE tenant_id = n.tenant_id), ?)) AND n.at < ?",
		millis(o.Begin), millis(o.Begin), millis(o.Until),
	)
	notes.and(true, "NOT EXISTS (SELECT 1 FROM handover_items i WHERE i.note_id = n.id)")
	r.add(packaging.ShiftNote, `
		SELECT 0, n.line_code, n.line_name, n.order_id, n.order_key, n.id, n.words, n.at FROM notes n
		WHERE `+notes.sql+` AND NOT EXISTS (SELECT 1 FROM note_withdrawals w WHERE w.note_id = n.id) ORDER BY n.id`, notes.args...)
}

// HandOver hands a shift over with what was shown to the person: where anything that is open has changed since, it is a
// Conflict. A shift is handed over once it has begun, and once.
func (d *DB) HandOver(
	ctx context.Context, by packaging.Person, o packaging.Occurrence, remarks string, shown [32]byte,
	s packaging.Signature,
) error {
	return d.authorizedTx(ctx, by, packaging.HandOver, func(t *tx, by packaging.Person) error {
		if err := mustSee(by, 0); err != nil {
			return err
		}
		if t.now.Before(o.Begin) {
			return packaging.Fail(packaging.Conflict, "handover.too_early")
		}
		if _, err := handoverOf(ctx, t, by.Scope(), o); packaging.CodeOf(err) != packaging.NotFound {
			return errors.Join(err, packaging.Fail(packaging.Conflict, "handover.done_already"))
		}
		items, err := openItems(ctx, t, by.Scope(), o, t.now)
		if err != nil {
			return err
		}
		if packaging.HandoverRecord(o, items, "").Digest() != shown {
			return packaging.Fail(packaging.Conflict, "handover.changed")
		}
		id, err := t.insert(`
			INSERT INTO handovers (tenant_id, day, shift, begins_at, ends_at, at, user_id, username, full_name, role, station, remarks)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
			by.Tenant.ID, o.Day, o.Name, millis(o.Begin), millis(o.Until), millis(t.now), by.ID, by.Username,
			by.FullName,
			by.Role, by.Station, remarks)
		if err != nil {
			return err
		}
		for _, i := range items {
			if err := t.addItem(by.Tenant.ID, packaging.HandoverID(id), i); err != nil {
				return err
			}
		}
		e := packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.ShiftHandedOver, Object: o.Label(),
			New: packaging.SaysItems.Of(len(items)), Comment: remarks,
		}
		if err := t.record(e); err != nil {
			return err
		}
		s.TenantID, s.Kind, s.Object, s.Place, s.By = by.Tenant.ID, packaging.SignedHandover, id, 1, by.Author
		s.Content = packaging.HandoverRecord(o, items, remarks).Digest()
		return t.sign(s, e)
	})
}

func (t *tx) addItem(tenant packaging.TenantID, h packaging.HandoverID, i packaging.HandoverItem) error {
	var fromPlace any
	if i.From.Place != 0 {
		fromPlace = i.From.Place
	}
	return t.exec(`
		INSERT INTO handover_items (handover_id, tenant_id, place, kind, line_code, line_name, order_id, order_key, note_id, words, since, from_id, from_place)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		h, tenant, i.Place, i.Kind, i.Line.Code, i.Line.Name, nullable(i.OrderID), i.OrderKey, nullable(i.NoteID),
		i.Words,
		millis(i.Since),
		nullable(i.From.Handover), fromPlace)
}

// TakeOver takes a shift over that another person handed over, and acknowledges these of its items.
func (d *DB) TakeOver(
	ctx context.Context, by packaging.Person, o packaging.Occurrence, places []int, remarks string, shown [32]byte,
	s packaging.Signature,
) error {
	return d.authorizedTx(ctx, by, packaging.HandOver, func(t *tx, by packaging.Person) error {
		if err := mustSee(by, 0); err != nil {
			return err
		}
		h, err := handoverOf(ctx, t, by.Scope(), o)
		switch {
		case err != nil:
			return err
		case h.Taken != nil:
			return packaging.Fail(packaging.Conflict, "handover.taken_already")
		case !h.MayTakeOver(by):
			return packaging.Fail(packaging.Forbidden, "error.other_person")
		case packaging.TakeoverRecord(h, nil, "").Digest() != shown:
			return packaging.Fail(packaging.Conflict, "handover.changed")
		}
		if err := t.exec(`INSERT INTO takeovers (handover_id, tenant_id, at, user_id, username, full_name, role, station, remarks) VALUES (?,?,?,?,?,?,?,?,?)`,
			h.ID, h.TenantID, millis(t.now), by.ID, by.Username, by.FullName, by.Role, by.Station,
			remarks); err != nil {
			return err
		}
		if err := t.acknowledgeItems(by, h, places); err != nil {
			return err
		}
		e := packaging.Entry{
			TenantID: h.TenantID, By: by.Author, Deed: packaging.ShiftTakenOver, Object: o.Label(),
			New: packaging.SaysAcknowledged.Of(len(places), h.ToAcknowledge()), Comment: remarks,
		}
		if err := t.record(e); err != nil {
			return err
		}
		s.TenantID, s.Kind, s.Object, s.Place, s.By = by.Tenant.ID, packaging.SignedTakeover, int64(h.ID), 1, by.Author
		s.Content = packaging.TakeoverRecord(h, places, remarks).Digest()
		return t.sign(s, e)
	})
}

// AcknowledgeItems acknowledges items that were left open when their shift was taken over.
func (d *DB) AcknowledgeItems(ctx context.Context, by packaging.Person, o packaging.Occurrence, places []int) error {
	return d.authorizedTx(ctx, by, packaging.HandOver, func(t *tx, by packaging.Person) error {
		if err := mustSee(by, 0); err != nil {
			return err
		}
		h, err := handoverOf(ctx, t, by.Scope(), o)
		switch {
		case err != nil:
			return err
		case !h.MayAcknowledge(by):
			return packaging.Fail(packaging.Forbidden, "error.other_person")
		}
		if err := t.acknowledgeItems(by, h, places); err != nil {
			return err
		}
		var what []string
		for _, p := range places {
			what = append(what, h.Items[p-1].Label())
		}
		return t.record(packaging.Entry{
			TenantID: h.TenantID, By: by.Author, Deed: packaging.ItemsAcknowledged, Object: o.Label(),
			New: strings.Join(what, "; "),
		})
	})
}

func (t *tx) acknowledgeItems(by packaging.Person, h packaging.Handover, places []int) error {
	for _, p := range places {
		if p < 1 || p > len(h.Items) || !h.Items[p-1].Open() {
			return packaging.Fail(packaging.Conflict, "handover.changed")
		}
		if err := t.exec(`INSERT INTO handover_acks (handover_id, place, at, user_id, full_name) VALUES (?,?,?,?,?)`,
			h.ID, p, millis(t.now), by.ID, by.FullName); err != nil {
			return err
		}
	}
	return nil
}
