package db

import (
	"context"
	"database/sql"
	"strings"

	"lineboard/internal/packaging"
)

const selectQueue = `
SELECT q.id, q.tenant_id, l.id, l.code, l.name, q.user_id, q.username, q.full_name, q.role, q.station, q.started_at, q.ended_at, q.stop,
  q.position, q.discarded_at IS NOT NULL
FROM queues q JOIN lines l ON l.id = q.line_id
`

func scanQueue(row scanner) (q packaging.Queue, err error) {
	var started int64
	var ended sql.Null[int64]
	err = row.Scan(
		&q.ID, &q.TenantID, &q.Line.ID, &q.Line.Code, &q.Line.Name,
		&q.By.ID, &q.By.Username, &q.By.FullName, &q.By.Role, &q.By.Station, &started, &ended, &q.Stop,
		&q.At, &q.Discarded,
	)
	q.Started, q.Ended = moment(started), moment(ended.V)
	return q, err
}

// StartQueue stores a queue of a line's orders and records it. Each order must be one that can be released now, on this
// line, and be as the person saw it. A line has one running queue at a time. The signatures that the tenant wants are
// under the whole queue and are stored with it. Without just these, nothing is started.
func (d *DB) StartQueue(
	ctx context.Context, by packaging.Person, line packaging.LineID, picks []packaging.QueuePick,
	signed ...packaging.Signature,
) (q packaging.Queue, err error) {
	err = d.authorizedTx(asRelease(ctx), by, packaging.ReleaseOrders, func(t *tx, by packaging.Person) error {
		if err := mustSee(by, line); err != nil {
			return err
		}
		var orders []packaging.Order
		var keys []string
		for _, pick := range picks {
			o, err := orderOf(ctx, t, by.Scope(), pick.Order)
			if err != nil {
				return err
			}
			switch obstacle := o.ReleaseObstacle(); {
			case obstacle != packaging.NoObstacle:
				return packaging.Fail(packaging.Conflict, "obstacle."+string(obstacle))
			case o.Line.ID != line, pick.Revision != 0 && pick.Revision != o.Revision:
				return packaging.Fail(packaging.Conflict, "obstacle.order_changed")
			}
			orders, keys = append(orders, o), append(keys, o.Key)
		}
		rules, err := rulesOf(ctx, t, by.Tenant.ID)
		if err != nil {
			return err
		}
		if signed, err = t.signers(signed); err != nil {
			return err
		}
		releases := packaging.ReleaseDigests(orders)
		if rules.SignaturesMissing(by, packaging.QueueRecord(orders[0].Line, releases), signed) {
			return packaging.Fail(packaging.Conflict, "queue.signature_missing")
		}
		if err := t.insertQueue(by, line, picks, releases); err != nil {
			return err
		}
		if q, err = queueOf(ctx, t, by.Scope(), line); err != nil {
			return err
		}
		e := queueEntry(packaging.QueueStarted, by.Author, q)
		e.New = strings.Join(keys, ", ")
		if err := t.record(e); err != nil {
			return err
		}
		return t.signRecord(
			packaging.SignedQueue, int64(q.ID), line, signed, queueEntry(packaging.Signed, by.Author, q),
		)
	})
	return q, err
}

func (t *tx) insertQueue(
	by packaging.Person, line packaging.LineID, picks []packaging.QueuePick, releases [][32]byte,
) error {
	id, err := t.insert(`INSERT INTO queues (tenant_id, line_id, user_id, username, full_name, role, station, started_at) VALUES (?,?,?,?,?,?,?,?)`,
		by.Tenant.ID, line, by.ID, by.Username, by.FullName, by.Role, by.Station, millis(t.now))
	if isTaken(err) {
		return packaging.Fail(packaging.Conflict, "queue.running_already").Because(err)
	}
	if err != nil {
		return err
	}
	for place, pick := range picks {
		if err := t.exec(`INSERT INTO queue_orders (queue_id, tenant_id, place, order_id, content) VALUES (?,?,?,?,?)`,
			id, by.Tenant.ID, place, pick.Order, releases[place][:]); err != nil {
			return err
		}
	}
	return nil
}

// Queue returns the latest queue of a line, with its orders as they stand.
func (d *DB) Queue(ctx context.Context, in packaging.Scope, line packaging.LineID) (packaging.Queue, error) {
	return queueOf(ctx, d.read, in, line)
}

func queueOf(ctx context.Context, db querier, in packaging.Scope, line packaging.LineID) (packaging.Queue, error) {
	w := inScope(in, "q.")
	w.and(true, "q.line_id = ?", line)
	q, err := scanQueue(db.QueryRowContext(ctx, selectQueue+`WHERE `+w.sql+` ORDER BY q.id DESC LIMIT 1`, w.args...))
	if err != nil {
		return q, coded(err)
	}
	orders := inScope(in, "o.") // one that moved to another line meanwhile is that line's
	fromQueue := strings.Replace(
		selectOrder, "FROM orders o", "FROM queue_orders i JOIN orders o ON o.id = i.order_id", 1,
	)
	q.Orders, err = collect(ctx, db, scanOrder, fromQueue+
		`WHERE i.queue_id = ? AND `+orders.sql+` ORDER BY i.place`, append([]any{q.ID}, orders.args...)...)
	return q, err
}

// AdvanceQueue notes that the order whose turn it was is released. It says whether the queue still runs: a person may
// have stopped it.
func (d *DB) AdvanceQueue(ctx context.Context, q packaging.Queue) (running bool, err error) {
	err = d.tx(asRelease(ctx), func(t *tx) error {
		if err := t.exec(
			`UPDATE queues SET position = position + 1 WHERE id = ? AND tenant_id = ?`, q.ID, q.TenantID,
		); err != nil {
			return err
		}
		return t.row(`SELECT stop = '' FROM queues WHERE id = ?`, q.ID).Scan(&running)
	})
	return running, err
}

// EndQueue ends a running queue and records why. One that has ended already stays as it is.
func (d *DB) EndQueue(ctx context.Context, q packaging.Queue, by packaging.Author, why packaging.QueueStop) error {
	return d.tx(ctx, func(t *tx) error { return t.endQueue(q, by, why) })
}

func (t *tx) endQueue(q packaging.Queue, by packaging.Author, why packaging.QueueStop) error {
	var running bool
	if err := t.row(`SELECT stop = '' FROM queues WHERE id = ? AND tenant_id = ?`, q.ID, q.TenantID).
		Scan(&running); err != nil || !running {
		return err
	}
	if err := t.exec(`UPDATE queues SET stop = ?, ended_at = ? WHERE id = ?`, why, millis(t.now), q.ID); err != nil {
		return err
	}
	e := queueEntry(packaging.QueueEnded, by, q)
	e.Reason = string(why)
	return t.record(e)
}

// StopQueue ends the latest queue of a line, by a person. One that has ended already stays as it is.
func (d *DB) StopQueue(ctx context.Context, by packaging.Person, line packaging.LineID) error {
	return d.authorizedTx(ctx, by, packaging.ReleaseOrders, func(t *tx, by packaging.Person) error {
		q, err := queueOf(ctx, t, by.Scope(), line)
		if err != nil {
			return err
		}
		return t.endQueue(q, by.Author, packaging.StopByPerson)
	})
}

// DiscardQueue gives up what a stopped queue has left, by a person. Its orders wait as before. One that is discarded
// already stays as it is; one that runs, or is not the line's latest any more, is a Conflict.
func (d *DB) DiscardQueue(
	ctx context.Context, by packaging.Person, line packaging.LineID, id packaging.QueueID,
) error {
	return d.authorizedTx(ctx, by, packaging.ReleaseOrders, func(t *tx, by packaging.Person) error {
		q, err := queueOf(ctx, t, by.Scope(), line)
		if err != nil {
			return err
		}
		if q.ID != id || q.Running() {
			return packaging.Fail(packaging.Conflict, "queue.another")
		}
		if q.Discarded {
			return nil
		}
		if err := t.exec(`UPDATE queues SET discarded_at = ? WHERE id = ?`, millis(t.now), q.ID); err != nil {
			return err
		}
		return t.record(queueEntry(packaging.QueueDiscarded, by.Author, q))
	})
}

// InterruptQueues ends the queues that ran when the process before this one ended.
func (d *DB) InterruptQueues(ctx context.Context) error {
	return d.tx(ctx, func(t *tx) error {
		running, err := collect(ctx, t, scanQueue, selectQueue+`WHERE q.stop = ''`)
		if err != nil {
			return err
		}
		for _, q := range running {
			if err := t.endQueue(q, program, packaging.StopByRestart); err != nil {
				return err
			}
		}
		return nil
	})
}

func queueEntry(deed packaging.Deed, by packaging.Author, q packaging.Queue) packaging.Entry {
	return packaging.Entry{
		TenantID: q.TenantID, By: by, Deed: deed, LineCode: q.Line.Code, LineName: q.Line.Name, Object: "queue",
	}
}
