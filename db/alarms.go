package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"lineboard/internal/packaging"
)

// alarmFacts returns all facts of a site that alarms can be about. Each query reads an index that has nothing else.
func alarmFacts(ctx context.Context, q querier, tenant packaging.TenantID) (all []packaging.AlarmFact, err error) {
	for _, query := range []string{
		`SELECT 'unknown', 'release ' || r.id, ` + factOrder + `, r.answered_at FROM ` + factTables + `
			WHERE r.tenant_id = ? AND ` + isUnknown + ` AND r.closed_at IS NULL AND r.contradicted_at IS NULL`,
		`SELECT 'contradicted', 'release ' || r.id, ` + factOrder + `, r.contradicted_at FROM ` + factTables + `
			WHERE r.tenant_id = ? AND ` + isUnknown + ` AND r.closed_at IS NULL AND r.contradicted_at IS NOT NULL`,
		`SELECT 'refused', 'release ' || r.id, ` + factOrder + `, r.answered_at FROM ` + factTables + `
			WHERE r.tenant_id = ? AND r.outcome = 'refused' AND r.id = o.last_release_id AND ` + onBoards + ` AND ` +
			unacknowledged,
		`SELECT 'list', 'release ' || r.id, ` + factOrder + `, coalesce(r.flagged_at, r.answered_at) FROM ` +
			factTables + `
			WHERE r.tenant_id = ? AND r.outcome = 'released' AND (r.list_source = '' OR r.oddities <> '[]') AND r.id = o.last_release_id
				AND ` + unacknowledged,
		`SELECT 'delivery', 'delivery ' || v.id, l.id, l.code, l.name, o.id, o.order_key, v.since
			FROM deliveries v JOIN destinations d ON d.id = v.destination_id JOIN lines l ON l.id = d.line_id
			JOIN releases r ON r.id = v.release_id JOIN orders o ON o.id = r.order_id
			WHERE v.tenant_id = ? AND ` + isOpen,
		`SELECT 'sequence', 'sequence ' || q.id, l.id, l.code, l.name, 0, '', q.ended_at
			FROM lines l JOIN queues q ON q.id = (SELECT max(id) FROM queues WHERE line_id = l.id)
			WHERE l.tenant_id = ? AND q.stop NOT IN ('', 'done') AND q.discarded_at IS NULL
				AND EXISTS (SELECT 1 FROM queue_orders n JOIN orders o ON o.id = n.order_id LEFT JOIN releases r ON r.id = o.last_release_id
					WHERE n.queue_id = q.id AND n.place >= q.position AND o.urgency = 1 AND ` + onBoards + `
						AND (r.id IS NULL OR r.requested_at < q.started_at))`,
		`SELECT 'stale', 'orders', 0, '', '', 0, '', succeeded_at FROM refreshes WHERE tenant_id = ? AND succeeded_at < tried_at`,
		`SELECT 'credentials', 'credentials', 0, '', '', 0, '', succeeded_at FROM refreshes
			WHERE tenant_id = ? AND succeeded_at < tried_at AND problem IN ('no_token', 'token_rejected', 'channel_key', 'sign_in_rejected', 'not_configured')`,
		`SELECT 'handover', 'hand-over ' || h.id, 0, '', '', 0, '', h.at FROM handovers h
			WHERE h.tenant_id = ? AND h.id = (SELECT max(id) FROM handovers WHERE tenant_id = h.tenant_id)
				AND NOT EXISTS (SELECT 1 FROM takeovers k WHERE k.handover_id = h.id)`,
	} {
		some, err := collect(ctx, q, scanFact, query, tenant)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// What facts about a release say of its order, and where that stands.
const (
	factOrder      = `coalesce(l.id, 0), coalesce(l.code, ''), coalesce(l.name, ''), o.id, o.order_key`
	factTables     = `releases r JOIN orders o ON o.id = r.order_id LEFT JOIN lines l ON l.id = o.line_id`
	unacknowledged = `NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.release_id = r.id AND a.list_source = r.result)`
)

func scanFact(row scanner) (f packaging.AlarmFact, err error) {
	var since int64
	err = row.Scan(&f.Kind, &f.Subject, &f.Line.ID, &f.Line.Code, &f.Line.Name, &f.OrderID, &f.OrderKey, &since)
	f.Since = moment(since)
	return f, err
}

// takesCare is who takes care of an alarm: who took it over, while they are there. Nobody waits for somebody who is gone.
const takesCare = `(SELECT u.id FROM users u JOIN members m ON m.user_id = u.id AND m.tenant_id = a.tenant_id
			WHERE u.id = a.taken_by AND u.active)`

const alarmColumns = `a.id, a.rule_id, a.kind, a.subject, coalesce(l.id, 0), coalesce(l.code, ''), coalesce(l.name, ''), coalesce(o.id, 0),
		coalesce(o.order_key, ''), a.since, a.detail, a.began_at, a.said_at, a.sound, a.next, coalesce(` + takesCare + `, 0), a.username,
		a.full_name, coalesce(a.taken_at, 0), coalesce(a.ended_at, 0), (SELECT json_group_array(DISTINCT m.recipient_id)
			FROM alarm_items i JOIN alarm_messages m ON m.id = i.message_id WHERE i.alarm_id = a.id)`

const fromAlarms = `
	FROM alarms a LEFT JOIN lines l ON l.id = a.line_id LEFT JOIN orders o ON o.id = a.order_id `

const selectAlarm = `SELECT ` + alarmColumns + fromAlarms

func scanAlarm(row scanner) (a packaging.Alarm, err error) {
	var since, began, said, taken, ended int64
	var told string
	f := &a.Fact
	err = row.Scan(&a.ID, &a.Rule, &f.Kind, &f.Subject, &f.Line.ID, &f.Line.Code, &f.Line.Name, &f.OrderID, &f.OrderKey,
		&since,
		&f.Detail, &began, &said, &a.Sound, &a.Next, &a.Taken.ID, &a.Taken.Username, &a.Taken.FullName, &taken, &ended, &told)
	if err != nil {
		return a, err
	}
	f.Since, a.Began, a.Said, a.At, a.Ended = moment(since), moment(began), moment(said), moment(taken), moment(ended)
	return a, json.Unmarshal([]byte(told), &a.Told)
}

func lastingAlarms(ctx context.Context, q querier, tenant packaging.TenantID) ([]packaging.Alarm, error) {
	return collect(
		ctx, q, scanAlarm, selectAlarm+`WHERE a.tenant_id = ? AND a.ended_at IS NULL ORDER BY a.began_at, a.id`, tenant,
	)
}

// LastingAlarms returns the alarms that a person sees, the oldest first: those of their lines and those of no line.
func (d *DB) LastingAlarms(ctx context.Context, in packaging.Scope) ([]packaging.Alarm, error) {
	all, err := lastingAlarms(ctx, d.read, in.Tenant())
	return slices.DeleteFunc(all, func(a packaging.Alarm) bool {
		return a.Fact.Line.ID != 0 && in.Limited() && !slices.Contains(in.Lines(), a.Fact.Line.ID)
	}), err
}

// RaiseAlarms lets alarms of a site begin, be repeated, be passed on and end, as its rules say. Facts are those of the
// installation; the others are read in the same transaction. It writes nothing where nothing changes.
func (d *DB) RaiseAlarms(ctx context.Context, tenant packaging.Tenant, facts []packaging.AlarmFact) error {
	steps, err := d.alarmSteps(ctx, d.read, tenant, facts)
	if err != nil || len(steps) == 0 {
		return err
	}
	return d.tx(inBackground(ctx), func(t *tx) error {
		steps, err := d.alarmSteps(t.ctx, t, tenant, facts)
		if err != nil {
			return err
		}
		for _, step := range steps {
			if err := t.takeStep(tenant.ID, step); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *DB) alarmSteps(
	ctx context.Context, q querier, tenant packaging.Tenant, facts []packaging.AlarmFact,
) ([]packaging.AlarmStep, error) {
	rules, err := alarmRules(ctx, q, tenant.ID)
	if err != nil {
		return nil, err
	}
	lasting, err := lastingAlarms(ctx, q, tenant.ID)
	if err != nil || len(rules)+len(lasting) == 0 {
		return nil, err
	}
	own, err := alarmFacts(ctx, q, tenant.ID)
	if err != nil {
		return nil, err
	}
	end, err := credentialsEnd(ctx, q, d.box, tenant.ID)
	if err != nil {
		return nil, err
	}
	now := d.now().In(tenant.Location())
	if ending, ok := end.Fact(now, tenant.Location()); ok {
		own = append(own, ending)
	}
	return packaging.AlarmSteps(rules, lasting, slices.Concat(own, facts), now), nil
}

func (t *tx) takeStep(tenant packaging.TenantID, step packaging.AlarmStep) (err error) {
	a := step.Alarm
	switch step.Says {
	case packaging.AlarmBegan:
		if a.ID, err = t.insertAlarm(tenant, a); err == nil {
			err = t.record(alarmEntry(packaging.AlarmStarted, tenant, program, a))
		}
	case packaging.AlarmOver, packaging.AlarmWithdrawn:
		if err = t.exec(`UPDATE alarms SET ended_at = ? WHERE id = ?`, millis(t.now), a.ID); err == nil {
			err = t.record(alarmEntry(packaging.AlarmEnded, tenant, program, a))
		}
	default:
		err = t.exec(`UPDATE alarms SET said_at = ?, next = ? WHERE id = ?`, millis(t.now), a.Next, a.ID)
	}
	for _, recipient := range step.To {
		if err != nil {
			return err
		}
		err = t.say(tenant, recipient, a.ID, step.Says)
	}
	return err
}

func (t *tx) insertAlarm(tenant packaging.TenantID, a packaging.Alarm) (packaging.AlarmID, error) {
	f := a.Fact
	id, err := t.insert(`
		INSERT INTO alarms (tenant_id, rule_id, kind, subject, line_id, order_id, since, detail, began_at, said_at, sound, next)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tenant, a.Rule, f.Kind, f.Subject, nullable(f.Line.ID), nullable(f.OrderID), millis(f.Since), f.Detail,
		millis(t.now),
		millis(t.now), a.Sound, a.Next)
	return packaging.AlarmID(id), err
}

// say adds an alarm to what a recipient will be told: to the message that waits for its first try, or to a new one.
func (t *tx) say(
	tenant packaging.TenantID, recipient packaging.RecipientID, alarm packaging.AlarmID, says packaging.AlarmSays,
) error {
	var message string
	err := t.row(`SELECT m.id FROM alarm_messages m WHERE m.tenant_id = ? AND m.recipient_id = ? AND m.tries = 0 AND m.sent_at IS NULL
		AND m.given_up_at IS NULL ORDER BY m.made_at DESC, m.id LIMIT 1`, tenant, recipient).Scan(&message)
	if errors.Is(err, sql.ErrNoRows) {
		message = rand.Text()
		err = t.exec(`INSERT INTO alarm_messages (id, tenant_id, recipient_id, made_at, try_at) VALUES (?, ?, ?, ?, ?)`,
			message, tenant, recipient, millis(t.now), millis(t.now))
	}
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO alarm_items (message_id, place, alarm_id, says, at)
		VALUES (?1, (SELECT count(*) FROM alarm_items WHERE message_id = ?1), ?2, ?3, ?4)`, message, alarm, says,
		millis(t.now))
}

// TakeAlarm notes that a person takes care of an alarm. From then on it is not repeated, and nobody else is told.
func (d *DB) TakeAlarm(ctx context.Context, by packaging.Person, id packaging.AlarmID) error {
	return d.authorizedTx(ctx, by, packaging.TakeAlarms, func(t *tx, by packaging.Person) error {
		a, err := scanAlarm(t.row(selectAlarm+`WHERE a.tenant_id = ? AND a.id = ?`, by.Tenant.ID, id))
		switch {
		case err != nil:
			return err
		case a.Fact.Line.ID != 0 && !by.Sees(a.Fact.Line.ID):
			return packaging.Fail(packaging.NotFound, "error.not_found")
		case !a.Ended.IsZero():
			return packaging.Fail(packaging.Conflict, "alarms.is_over")
		case a.Taken.ID != 0 && a.Taken.ID != by.ID:
			return packaging.Fail(packaging.Conflict, "alarms.is_taken", "Who", a.Taken.FullName)
		case a.Taken.ID != 0:
			return nil
		}
		if err := t.exec(`UPDATE alarms SET taken_by = ?, username = ?, full_name = ?, taken_at = ? WHERE id = ?`,
			by.ID, by.Username, by.FullName, millis(t.now), id); err != nil {
			return err
		}
		return t.record(alarmEntry(packaging.AlarmTaken, by.Tenant.ID, by.Author, a))
	})
}

func alarmEntry(
	deed packaging.Deed, tenant packaging.TenantID, by packaging.Author, a packaging.Alarm,
) packaging.Entry {
	return packaging.Entry{
		TenantID: tenant, By: by, Deed: deed, Object: packaging.SaysAlarm.Of(a.Fact.Kind), New: a.Fact.Subject,
		Message: a.Fact.Detail,
		OrderID: a.Fact.OrderID, OrderKey: a.Fact.OrderKey, LineCode: a.Fact.Line.Code, LineName: a.Fact.Line.Name,
	}
}
