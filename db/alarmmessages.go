package db

import (
	"context"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// DueMessages returns what recipients are to be told by now, the oldest first and one of each recipient: what comes
// after it waits until it is out, or its third try has failed. Each message is marked as tried.
func (d *DB) DueMessages(ctx context.Context) (due []packaging.AlarmMessage, err error) {
	const isDue = `m.sent_at IS NULL AND m.given_up_at IS NULL AND m.try_at <= ?1 AND NOT EXISTS (
		SELECT 1 FROM alarm_messages b WHERE b.tenant_id = m.tenant_id AND b.recipient_id = m.recipient_id AND b.sent_at IS NULL
			AND b.given_up_at IS NULL AND (b.tries < 3 OR b.tries = 3 AND b.try_at > ?1)
			AND (b.made_at, b.id) < (m.made_at, m.id))`
	var any bool
	err = d.read.QueryRowContext(
		ctx, `SELECT EXISTS (SELECT 1 FROM alarm_messages m WHERE `+isDue+`)`, millis(d.now()),
	).Scan(&any)
	if err != nil || !any {
		return nil, coded(err)
	}
	err = d.tx(inBackground(ctx), func(t *tx) (err error) {
		due, err = collect(t.ctx, t, scanMessage, `
			SELECT m.id, m.made_at, m.tries, m.tenant_id, t.slug, t.name, t.time_zone, r.id, r.name, r.kind, r.address
			FROM alarm_messages m JOIN recipients r ON r.id = m.recipient_id JOIN tenants t ON t.id = m.tenant_id
			WHERE `+isDue+` ORDER BY m.made_at, m.id LIMIT 20`, millis(t.now))
		for i := range due {
			if err == nil {
				due[i].Items, err = collect(t.ctx, t, scanAlarmItem, `SELECT i.says, i.at, `+alarmColumns+fromAlarms+`
					JOIN alarm_items i ON i.alarm_id = a.id WHERE i.message_id = ? ORDER BY i.place`, due[i].ID)
			}
			if err == nil {
				due[i].Tries++
				err = t.exec(`UPDATE alarm_messages SET tries = tries + 1, under_way = 1, try_at = ? WHERE id = ?`,
					millis(t.now.Add(pause(due[i].Tries))), due[i].ID)
			}
		}
		return err
	})
	return due, err
}

func scanMessage(row scanner) (m packaging.AlarmMessage, err error) {
	var made int64
	err = row.Scan(&m.ID, &made, &m.Tries, &m.Tenant.ID, &m.Tenant.Slug, &m.Tenant.Name, &m.Tenant.TimeZone,
		&m.Recipient.ID,
		&m.Recipient.Name, &m.Recipient.Kind, &m.Recipient.Address)
	m.Made = moment(made)
	return m, err
}

func scanAlarmItem(row scanner) (i packaging.AlarmItem, err error) {
	var at int64
	i.Alarm, err = scanAlarm(headed{row, []any{&i.Says, &at}})
	i.At = moment(at)
	return i, err
}

// headed scans a row that has more columns at its begin.
type headed struct {
	row   scanner
	first []any
}

func (h headed) Scan(into ...any) error { return h.row.Scan(append(h.first, into...)...) }

// pause is how long after the begin of a try a message is tried again: a try must be over by then.
func pause(tries int) time.Duration {
	return packaging.MessageLimit + min(15*time.Second<<min(tries-1, 10), 10*time.Minute)
}

// messageLives is how long a message is tried.
const messageLives = 24 * time.Hour

// ResumeMessages makes due what the program before was sending when it ended.
func (d *DB) ResumeMessages(ctx context.Context) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		return t.exec(`UPDATE alarm_messages SET under_way = 0, try_at = ? WHERE under_way = 1`, millis(t.now))
	})
}

// MessageSent notes that a recipient has taken a message.
func (d *DB) MessageSent(ctx context.Context, id string) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		return t.exec(
			`UPDATE alarm_messages SET sent_at = ?, under_way = 0, problem = '' WHERE id = ? AND sent_at IS NULL`,
			millis(t.now), id,
		)
	})
}

// MessageFailed notes why a message did not go out. One that has been tried for a day is given up, and that stands in
// the history.
func (d *DB) MessageFailed(ctx context.Context, m packaging.AlarmMessage, why string) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		if t.now.Sub(m.Made) < messageLives {
			return t.exec(`UPDATE alarm_messages SET problem = ?, under_way = 0 WHERE id = ? AND sent_at IS NULL`, why,
				m.ID)
		}
		if err := t.exec(`UPDATE alarm_messages SET problem = ?, under_way = 0, given_up_at = ? WHERE id = ? AND sent_at IS NULL`,
			why, millis(t.now), m.ID); err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: m.Tenant.ID, Deed: packaging.AlarmUndelivered,
			Object:  packaging.SaysRecipient.Of(m.Recipient.Name),
			Message: why,
		})
	})
}

// DropMessages forgets messages that went out, or were given up, before a moment. While an alarm lasts, those stay that
// say whom to tell of its end.
func (d *DB) DropMessages(ctx context.Context, before time.Time) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		return t.exec(`DELETE FROM alarm_messages WHERE coalesce(sent_at, given_up_at) < ? AND NOT EXISTS (
			SELECT 1 FROM alarm_items i JOIN alarms a ON a.id = i.alarm_id
			WHERE i.message_id = alarm_messages.id AND i.says IN ('began', 'passed_on') AND a.ended_at IS NULL)`, millis(before))
	})
}

// Target returns where a recipient is told, and what a webhook is signed with.
func (d *DB) Target(
	ctx context.Context, tenant packaging.TenantID, id packaging.RecipientID,
) (target, key secret.Text, err error) {
	r, sealed, err := recipientOf(ctx, d.read, tenant, id)
	if err != nil {
		return target, key, err
	}
	if sealed.target == nil {
		return secret.New(r.Address), key, nil
	}
	if target, err = d.box.Open(sealed.target, recipientOwner(tenant, id, "target")); err == nil && sealed.key != nil {
		key, err = d.box.Open(sealed.key, recipientOwner(tenant, id, "key"))
	}
	return target, key, err
}
