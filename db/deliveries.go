package db

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// Deliveries are made by the trigger lists_make_deliveries, in the transaction that stores the list.

const deliveryColumns = `v.id, v.uid, v.tenant_id, v.release_id, r.round << 32 | r.order_id, v.made_at, ` + deliveryFacts + `,
	v.fixed_at IS NOT NULL OR v.digest IS NOT NULL, v.state, v.held_for, v.since, v.by_name, v.why, v.sends, v.format,
	coalesce((SELECT body FROM list_templates WHERE id = v.template_id), ''), v.name, coalesce(v.size, 0), v.digest, v.link,
	v.tries, coalesce(v.tried_at, 0), coalesce(v.begun_at, 0), v.next_at, v.problem, v.detail, ` + destinationColumns

// deliveryFacts are what a list says of its order: as the order is now, until the list goes out for the first time.
// What the order has lost stays as it was.
const deliveryFacts = `iif(v.fixed_at IS NULL AND v.digest IS NULL,
	(SELECT json_patch(v.facts, known) FROM order_facts WHERE release_id = v.release_id), v.facts)`

const fromDeliveries = ` FROM deliveries v JOIN destinations d ON d.id = v.destination_id
	JOIN lines l ON l.id = d.line_id JOIN releases r ON r.id = v.release_id `

const selectDelivery = `SELECT ` + deliveryColumns + fromDeliveries

// scanDelivery reads deliveryColumns, and what follows them into more.
func scanDelivery(row scanner, more ...any) (v packaging.Delivery, err error) {
	var made, since, tried, begun, next int64
	var facts, held string
	var digest []byte
	fields := []any{
		&v.ID, &v.UID, &v.Tenant, &v.Release, &v.List, &made, &facts, &v.Fixed, &v.State, &held,
		&since, &v.By, &v.Why, &v.Sends, &v.Form.Format, &v.Form.Template, &v.Name, &v.Size, &digest, &v.Link,
		&v.Tries, &tried, &begun, &next, &v.Problem, &v.Detail,
	}
	destination, done := destinationFields(&v.Destination)
	if err := row.Scan(append(append(fields, destination...), more...)...); err != nil {
		return v, err
	}
	v.Made, v.Since, v.Next = moment(made), moment(since), moment(next)
	v.Tried, v.Begun = moment(tried), moment(begun)
	v.Frozen = digest != nil
	copy(v.Digest[:], digest)
	return v, cmp.Or(json.Unmarshal([]byte(facts), &v.Facts), json.Unmarshal([]byte(held), &v.HeldFor), done())
}

func scanOneDelivery(row scanner) (packaging.Delivery, error) { return scanDelivery(row) }

// NextDelivery returns the delivery that a destination is to have next: of those that wait, the one that may be tried
// first, perhaps only later. NotFound if none waits, or if the destination is stopped.
func (d *DB) NextDelivery(ctx context.Context, to packaging.DestinationID) (packaging.Delivery, error) {
	v, err := scanDelivery(d.read.QueryRowContext(ctx, selectDelivery+`
		WHERE v.destination_id = ? AND v.state = 'waiting' AND d.stopped_at IS NULL AND d.retired_at IS NULL
		ORDER BY v.next_at, v.id LIMIT 1`, to))
	return v, coded(err)
}

// BeginTry decides that a delivery goes out now, and stores what it is from its first try on: its facts, how it is
// written, its name, size in bytes, SHA-256 and link. One that was tried before stays what it was. It returns the
// delivery as it is then, and false for one that does not go: it does not wait any more, or its destination is stopped.
// It fails where a program has read it with other facts meanwhile.
func (d *DB) BeginTry(ctx context.Context, v packaging.Delivery) (now packaging.Delivery, goes bool, err error) {
	err = d.tx(inBackground(ctx), func(t *tx) error {
		if now, err = t.delivery(packaging.Everything(v.Tenant), v.ID); err != nil {
			return err
		}
		if goes = now.State == packaging.DeliveryWaiting && now.Destination.Stopped.IsZero(); !goes {
			return nil
		}
		if err := t.freezeDelivery(now, v); err != nil {
			return err
		}
		if err := t.exec(`UPDATE deliveries SET begun_at = ? WHERE id = ?`, millis(t.now), v.ID); err != nil {
			return err
		}
		now, err = t.delivery(packaging.Everything(v.Tenant), v.ID)
		return err
	})
	return now, goes, err
}

func (t *tx) delivery(in packaging.Scope, id packaging.DeliveryID) (packaging.Delivery, error) {
	w := deliveriesWithin(in)
	w.and(true, "v.id = ?", id)
	v, err := scanDelivery(t.row(selectDelivery+`WHERE `+w.sql, w.args...))
	return v, coded(err)
}

// freezeDelivery stores what a delivery, as it is now in the transaction, is from its first time out on.
func (t *tx) freezeDelivery(now, v packaging.Delivery) error {
	if now.Fixed && now.Facts != v.Facts {
		return fmt.Errorf("delivery %s was read with other facts meanwhile", v.UID)
	}
	if !now.Fixed {
		if err := t.fixDelivery(v); err != nil {
			return err
		}
	}
	var template any
	if v.Form.Format == packaging.OwnFormat {
		var id int64
		if err := t.row(
			`SELECT id FROM list_templates WHERE tenant_id = ? AND body = ?`, v.Tenant, v.Form.Template,
		).Scan(&id); err != nil {
			return err
		}
		template = id
	}
	if err := t.exec(`UPDATE deliveries SET format = ?, template_id = ?, name = ?, size = ?, digest = ? WHERE id = ? AND digest IS NULL`,
		v.Form.Format, template, v.Name, v.Size, v.Digest[:], v.ID); err != nil {
		return err
	}
	return t.exec(`UPDATE deliveries SET link = ? WHERE id = ? AND link = ''`, v.Link, v.ID)
}

// fixDelivery keeps the facts of a delivery for ever.
func (t *tx) fixDelivery(v packaging.Delivery) error {
	facts, err := json.Marshal(v.Facts)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE deliveries SET facts = ?, fixed_at = ? WHERE id = ?`, string(facts), millis(t.now), v.ID)
}

// OpenDelivery returns a delivery by its id elsewhere, for a program that is to have its list: from the first time on,
// the list says the same. One that a person is to look at stays closed.
func (d *DB) OpenDelivery(ctx context.Context, in packaging.Scope, uid string) (packaging.Delivery, error) {
	v, err := deliveryByUID(ctx, d.read, in, uid)
	if err != nil || v.Fixed || v.State == packaging.DeliveryHeld {
		return v, err
	}
	err = d.tx(inBackground(ctx), func(t *tx) error {
		v, err = deliveryByUID(t.ctx, t, in, uid)
		if err != nil || v.Fixed || v.State == packaging.DeliveryHeld {
			return err
		}
		v.Fixed = true
		return t.fixDelivery(v)
	})
	return v, err
}

// NoteFailedTry stores a try that failed, and when the next one may be. Without a next one the delivery stops until a
// person sends it.
func (d *DB) NoteFailedTry(ctx context.Context, v packaging.Delivery, try packaging.DeliveryTry, next time.Time) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		if err := t.noteTry(v, try); err != nil {
			return err
		}
		if !next.IsZero() {
			return t.exec(`UPDATE deliveries SET next_at = ? WHERE id = ?`, millis(next), v.ID)
		}
		result, err := t.ExecContext(t.ctx,
			`UPDATE deliveries SET state = 'stopped', since = ?, by_name = '', why = ? WHERE id = ? AND state = 'waiting'`,
			millis(t.now), string(try.Problem), v.ID)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 { // a person has carried it meanwhile
			return err
		}
		return t.recordDelivery(packaging.ListStopped, program, v, packaging.Entry{
			Reason: string(try.Problem), Message: try.Detail,
		})
	})
}

func (t *tx) noteTry(v packaging.Delivery, try packaging.DeliveryTry) error {
	return t.exec(`
		UPDATE deliveries SET tries = tries + 1, tried_at = ?, begun_at = NULL, problem = ?, detail = ? WHERE id = ?`,
		millis(try.At), try.Problem, try.Detail, v.ID)
}

// NoteTaken stores that a destination took a delivery, by its own word.
func (d *DB) NoteTaken(ctx context.Context, v packaging.Delivery, try packaging.DeliveryTry) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		if err := t.noteTry(v, try); err != nil {
			return err
		}
		now, err := t.delivery(packaging.Everything(v.Tenant), v.ID)
		if err != nil {
			return err
		}
		return t.take(program, now, packaging.Entry{Took: try.Took})
	})
}

// take brings a delivery, as it is in the transaction, to taken, and records it with what e adds. One that was taken
// already stays as it is: it was a repetition.
func (t *tx) take(by packaging.Author, v packaging.Delivery, e packaging.Entry) error {
	name := ""
	if by.Username != program.Username {
		name = by.FullName
	}
	result, err := t.ExecContext(t.ctx, `
		UPDATE deliveries SET state = 'taken', since = ?, by_name = ?, why = '' WHERE id = ? AND state <> 'taken'`,
		millis(t.now), name, v.ID)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	e.Serials, e.New = v.Facts.Count, strings.TrimSpace(v.Name+" "+fmt.Sprintf("%x", v.Digest))
	return t.recordDelivery(packaging.ListTaken, by, v, e)
}

// recordDelivery records what happened to a delivery, with what e adds.
func (t *tx) recordDelivery(
	deed packaging.Deed, by packaging.Author, v packaging.Delivery, e packaging.Entry,
) error {
	o, err := orderOf(t.ctx, t, packaging.Everything(v.Tenant), v.List.Order())
	if err != nil {
		return err
	}
	about := entryOf(deed, by, o)
	about.ReleaseID = v.Release
	about.LineCode, about.LineName = v.Destination.Line.Code, v.Destination.Line.Name
	about.Object, about.Code = v.Destination.Name, v.UID
	about.Old, about.New, about.Reason, about.Message = e.Old, e.New, e.Reason, e.Message
	about.Serials, about.Took, about.Comment = e.Serials, e.Took, e.Comment
	return t.record(about)
}

// deliveriesWithin returns the condition on deliveries whose destination is on a line of the scope.
func deliveriesWithin(in packaging.Scope) where {
	w := where{"d.tenant_id = ?", []any{in.Tenant()}}
	w.and(in.Limited(), "d.line_id IN (SELECT value FROM json_each(?))", lineList(in))
	return w
}

// deliveriesOf returns the deliveries of the lists of an order, the oldest first.
func deliveriesOf(
	ctx context.Context, q querier, in packaging.Scope, id packaging.OrderID,
) ([]packaging.Delivery, error) {
	w := deliveriesWithin(in)
	w.and(true, "v.release_id IN (SELECT id FROM releases WHERE order_id = ?)", id)
	return collect(
		ctx, q, scanOneDelivery, selectDelivery+`WHERE `+w.sql+` ORDER BY v.release_id, d.name COLLATE naturally, v.id`,
		w.args...,
	)
}

// destinationsWithout returns the destinations of the line of a release that get no delivery of its list.
func destinationsWithout(
	ctx context.Context, q querier, in packaging.Scope, id packaging.ReleaseID,
) ([]packaging.Destination, error) {
	w := deliveriesWithin(in)
	w.and(true, `d.retired_at IS NULL AND d.line_id = (SELECT line_id FROM releases WHERE id = ?1 AND list_source <> '')
		AND NOT EXISTS (SELECT 1 FROM deliveries v WHERE v.destination_id = d.id AND v.release_id = ?1)`)
	w.sql = strings.NewReplacer("d.tenant_id = ?", "d.tenant_id = ?2", "json_each(?)", "json_each(?3)").Replace(w.sql)
	return collect(ctx, q, scanDestination, selectDestination+`WHERE `+w.sql+` ORDER BY d.name COLLATE naturally`,
		append([]any{id}, w.args...)...)
}

// LateDeliveries returns the lists that wait longer than the sites of their destinations want, the one that waits
// longest first.
func (d *DB) LateDeliveries(ctx context.Context, in packaging.Scope) ([]packaging.Delivery, error) {
	return lateDeliveries(ctx, d.read, in, d.now())
}

// isOpen is the condition that a list is not at its destination d yet, in the words of the index deliveries_open. Nothing
// is for one that is retired.
const isOpen = `v.state IN ('waiting', 'held', 'stopped') AND d.retired_at IS NULL`

func lateDeliveries(ctx context.Context, q querier, in packaging.Scope, now time.Time) ([]packaging.Delivery, error) {
	w := deliveriesWithin(in)
	w.and(true, "v.tenant_id = ? AND "+isOpen, in.Tenant())
	w.and(true, "v.since + d.late_after <= ?", millis(now))
	return collect(
		ctx, q, scanOneDelivery, selectDelivery+`WHERE `+w.sql+` ORDER BY v.since, v.id LIMIT 200`, w.args...,
	)
}

// SendDelivery sends a list that does not wait by itself, or again, for a reason. Its id and its bytes stay the same.
func (d *DB) SendDelivery(ctx context.Context, by packaging.Person, id packaging.DeliveryID, why string) error {
	why, err := reason(why)
	if err != nil {
		return err
	}
	return d.deliveryTx(ctx, by, id, func(t *tx, by packaging.Person, v packaging.Delivery) error {
		if v.Destination.Retired {
			return packaging.Fail(packaging.Conflict, "delivery.retired")
		}
		if err := t.exec(`UPDATE deliveries SET state = 'waiting', since = ?, by_name = ?, why = ?, sends = sends + 1, next_at = 0 WHERE id = ?`,
			millis(t.now), by.FullName, why, id); err != nil {
			return err
		}
		return t.recordDelivery(packaging.ListSent, by.Author, v, packaging.Entry{
			Old: string(v.State), Comment: why,
		})
	})
}

// CarryDelivery notes that a person brought a list to its destination, with their reason. It is tried no more.
func (d *DB) CarryDelivery(ctx context.Context, by packaging.Person, id packaging.DeliveryID, why string) error {
	why, err := reason(why)
	if err != nil {
		return err
	}
	return d.deliveryTx(ctx, by, id, func(t *tx, by packaging.Person, v packaging.Delivery) error {
		if !v.Open() {
			return packaging.Fail(packaging.Conflict, "delivery.not_open")
		}
		if err := t.exec(`UPDATE deliveries SET state = 'carried', since = ?, by_name = ?, why = ? WHERE id = ?`,
			millis(t.now), by.FullName, why, id); err != nil {
			return err
		}
		return t.recordDelivery(packaging.ListCarried, by.Author, v, packaging.Entry{
			Old: string(v.State), Comment: why,
		})
	})
}

// deliveryTx is a write transaction of a person about a delivery on one of their lines.
func (d *DB) deliveryTx(
	ctx context.Context, by packaging.Person, id packaging.DeliveryID,
	do func(*tx, packaging.Person, packaging.Delivery) error,
) error {
	return d.authorizedTx(ctx, by, packaging.SettleOrders, func(t *tx, by packaging.Person) error {
		v, err := t.delivery(by.Scope(), id)
		if err != nil {
			return err
		}
		return do(t, by, v)
	})
}

// SendList sends the list of an order's latest release to a destination that came after it, for a reason.
func (d *DB) SendList(
	ctx context.Context, by packaging.Person, id packaging.OrderID, to packaging.DestinationID, why string,
) error {
	why, err := reason(why)
	if err != nil {
		return err
	}
	return d.authorizedTx(ctx, by, packaging.SettleOrders, func(t *tx, by packaging.Person) error {
		o, err := orderOf(ctx, t, by.Scope(), id)
		if err != nil {
			return err
		}
		if o.Release == nil || o.Release.List == packaging.NoList {
			return packaging.Fail(packaging.Conflict, "delivery.no_list")
		}
		var key packaging.DeliveryID
		err = t.row(`
			INSERT INTO deliveries (tenant_id, destination_id, release_id, uid, made_at, facts, held_for, since, state, by_name, why, sends)
			SELECT tenant_id, destination_id, release_id, uid, made_at, facts, held_for, ?, 'waiting', ?, ?, 1 FROM new_deliveries n
			WHERE tenant_id = ? AND release_id = ? AND destination_id = ?
				AND NOT EXISTS (SELECT 1 FROM deliveries v WHERE v.release_id = n.release_id AND v.destination_id = n.destination_id)
			RETURNING id`,
			millis(t.now), by.FullName, why, o.TenantID, o.Release.ID, to).Scan(&key)
		if err != nil { // NotFound where it has one already, or there is no such destination
			return err
		}
		v, err := t.delivery(by.Scope(), key)
		if err != nil {
			return err
		}
		return t.recordDelivery(packaging.ListSent, by.Author, v, packaging.Entry{Comment: why})
	})
}

// PullDestinations returns the destinations whose lists programs ask for, by line and name.
func (d *DB) PullDestinations(ctx context.Context, in packaging.Scope) ([]packaging.Destination, error) {
	w := deliveriesWithin(in)
	return collect(ctx, d.read, scanDestination, selectDestination+`
		WHERE `+w.sql+` AND d.kind = 'pull' AND d.retired_at IS NULL
		ORDER BY l.code COLLATE naturally, d.name COLLATE naturally`, w.args...)
}

// Offers returns up to limit lists that are there to be taken from a destination, in the order in which they came to be
// so, from the one after the cursor. Of one that was offered several times it has the latest offer alone. With all,
// those that were taken or carried already come too. A Conflict says that no offer has the cursor: the database is not
// the one that it came from.
func (d *DB) Offers(
	ctx context.Context, in packaging.Scope, destinations []packaging.DestinationID, cursor string, all bool, limit int,
) (offers []packaging.Offer, err error) {
	err = d.read.snapshot(ctx, func(q querier) error {
		after, err := offerOf(ctx, q, in.Tenant(), cursor)
		if err != nil {
			return err
		}
		w := deliveriesWithin(in)
		list, err := json.Marshal(destinations)
		if err != nil {
			return err
		}
		w.and(true, "d.id IN (SELECT value FROM json_each(?)) AND f.id > ?", string(list), after)
		w.and(true, "f.id = (SELECT max(id) FROM delivery_offers WHERE delivery_id = v.id)")
		w.and(!all, "v.state = 'waiting'")
		offers, err = collect(ctx, q, func(row scanner) (o packaging.Offer, err error) {
			var id int64
			var mark string
			o.Delivery, err = scanDelivery(row, &id, &mark)
			o.Cursor = fmt.Sprintf("%d-%s", id, mark)
			return o, err
		}, `SELECT `+deliveryColumns+`, f.id, f.mark`+fromDeliveries+`
			JOIN delivery_offers f ON f.delivery_id = v.id WHERE `+w.sql+
			` ORDER BY f.id LIMIT ?`, append(w.args, limit)...)
		return err
	})
	return offers, err
}

// offerOf returns the number of the offer that a cursor names, 0 for none.
func offerOf(ctx context.Context, q querier, tenant packaging.TenantID, cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	number, mark, _ := strings.Cut(cursor, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || mark == "" {
		return 0, packaging.Fail(packaging.Invalid, "api.bad_cursor")
	}
	var same bool
	err = q.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM delivery_offers WHERE id = ? AND mark = ? AND tenant_id = ?)`, id, mark,
		tenant).Scan(&same)
	if err == nil && !same {
		err = packaging.Fail(packaging.Conflict, "api.unknown_cursor")
	}
	return id, coded(err)
}

func deliveryByUID(ctx context.Context, q querier, in packaging.Scope, uid string) (packaging.Delivery, error) {
	w := deliveriesWithin(in)
	w.and(true, "v.uid = ?", uid)
	v, err := scanDelivery(q.QueryRowContext(ctx, selectDelivery+`WHERE `+w.sql, w.args...))
	return v, coded(err)
}

// TakeDelivery notes that a program took a delivery of which it named the bytes. v has how they were written, their
// size and SHA-256. A Conflict says that a person holds the list or has carried it, that another program took it, or
// that the destination is stopped or retired. One that was taken already stays as it is.
func (d *DB) TakeDelivery(ctx context.Context, by packaging.Person, v packaging.Delivery) error {
	return d.authorizedTx(ctx, by, packaging.TakeLists, func(t *tx, by packaging.Person) error {
		now, err := t.delivery(by.Scope(), v.ID)
		if err != nil {
			return err
		}
		if now.State == packaging.DeliveryTaken && now.Destination.Kind == packaging.PullDestination {
			return takenBefore(now, by)
		}
		if err := mayBePulled(now); err != nil {
			return err
		}
		if err := t.freezeDelivery(now, v); err != nil {
			return err
		}
		if err := t.exec(`UPDATE deliveries SET problem = '', detail = '' WHERE id = ?`, v.ID); err != nil {
			return err
		}
		if now, err = t.delivery(by.Scope(), v.ID); err != nil {
			return err
		}
		var e packaging.Entry
		if now.Digest != v.Digest { // it was taken in another form before
			e.Message = fmt.Sprintf("read as %s %x", v.Form.Format, v.Digest)
		}
		return t.take(by.Author, now, e)
	})
}

// takenBefore fails for a list that another program took: two of them must not print it. Who says so again is right.
func takenBefore(v packaging.Delivery, by packaging.Person) error {
	if v.By != by.FullName {
		return packaging.Fail(packaging.Conflict, "api.taken_by_another")
	}
	return nil
}

// mayBePulled fails for a delivery that no program may take now.
func mayBePulled(v packaging.Delivery) error {
	switch {
	case v.Destination.Kind != packaging.PullDestination:
		return packaging.Fail(packaging.NotFound, "error.not_found")
	case v.State == packaging.DeliveryHeld:
		return packaging.Fail(packaging.Conflict, "api.held")
	case v.State == packaging.DeliveryCarried:
		return packaging.Fail(packaging.Conflict, "api.carried")
	case v.State == packaging.DeliveryStopped || v.Destination.Retired:
		return packaging.Fail(packaging.Conflict, "api.destination_retired")
	case !v.Destination.Stopped.IsZero():
		return packaging.Fail(packaging.Conflict, "api.destination_stopped")
	}
	return nil
}

// EachListed hands the serial numbers of a delivery's list to do, in the order received, until it fails.
func (d *DB) EachListed(ctx context.Context, v packaging.Delivery, do func(packaging.Serial) error) error {
	return d.EachSerial(ctx, packaging.Everything(v.Tenant), v.List, do)
}
