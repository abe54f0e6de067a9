package db

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// AlarmRules returns the rules of a site's alarms that concern a scope, by kind.
func (d *DB) AlarmRules(ctx context.Context, in packaging.Scope) ([]packaging.AlarmRule, error) {
	all, err := alarmRules(ctx, d.read, in.Tenant())
	return slices.DeleteFunc(all, func(r packaging.AlarmRule) bool { return !r.Concerns(in) }), err
}

func alarmRules(ctx context.Context, q querier, tenant packaging.TenantID) ([]packaging.AlarmRule, error) {
	return collect(ctx, q, scanAlarmRule, selectAlarmRule+`WHERE a.tenant_id = ? ORDER BY a.kind, a.id`, tenant)
}

const selectAlarmRule = `
	SELECT a.id, a.kind, a.delay, a.from_time, a.to_time, a.repeat, a.next, a.sound,
		(SELECT json_group_array(line_id) FROM alarm_rule_lines WHERE rule_id = a.id),
		(SELECT json_group_array(recipient_id) FROM alarm_rule_recipients WHERE rule_id = a.id AND next = 0),
		(SELECT json_group_array(recipient_id) FROM alarm_rule_recipients WHERE rule_id = a.id AND next = 1)
	FROM alarm_rules a `

func scanAlarmRule(row scanner) (r packaging.AlarmRule, err error) {
	var delay, repeat, next int64
	var lines, first, second []byte
	if err := row.Scan(
		&r.ID, &r.Kind, &delay, &r.From, &r.To, &repeat, &next, &r.Sound, &lines, &first, &second,
	); err != nil {
		return r, err
	}
	r.Delay, r.Repeat, r.Next = minutes(delay), minutes(repeat), minutes(next)
	return r, errors.Join(
		json.Unmarshal(lines, &r.Lines), json.Unmarshal(first, &r.First), json.Unmarshal(second, &r.Second),
	)
}

func minutes(n int64) time.Duration { return time.Duration(n) * time.Minute }

func inMinutes(d time.Duration) int64 { return int64(d / time.Minute) }

// SetAlarmRule adds a rule, or sets one that has an ID. Forbidden if it is, or was, about lines that the person does
// not see.
func (d *DB) SetAlarmRule(ctx context.Context, by packaging.Person, r packaging.AlarmRule) error {
	if err := r.Check(); err != nil {
		return err
	}
	return d.alarmsTx(ctx, by, func(s *setupTx, in packaging.Scope) error {
		if err := mustBeWithin(in, r); err != nil {
			return err
		}
		var before string
		if r.ID == 0 {
			if err := s.roomFor("alarm_rules"); err != nil {
				return err
			}
		} else {
			was, err := s.alarmRule(in, r.ID)
			if err != nil {
				return err
			}
			if before, err = s.describeRule(was); err != nil {
				return err
			}
			if err := s.partRule(r.ID); err != nil {
				return err
			}
		}
		id, err := s.storeRule(r)
		if err != nil {
			return err
		}
		r.ID = id
		if err := s.joinRule(r); err != nil {
			return err
		}
		after, err := s.describeRule(r)
		if err != nil {
			return err
		}
		return s.recordChange(packaging.AlarmsSet, packaging.SaysAlarmRule.Of(r.ID), before, after)
	})
}

// alarmsTx is a setupTx of a person with a scope.
func (d *DB) alarmsTx(ctx context.Context, by packaging.Person, do func(*setupTx, packaging.Scope) error) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		return do(&setupTx{t, d.box, by.Author, by.Tenant.ID}, by.Scope())
	})
}

// mustBeWithin fails with Forbidden if a rule is about lines outside a scope.
func mustBeWithin(in packaging.Scope, r packaging.AlarmRule) error {
	if !r.Within(in) {
		return packaging.Fail(packaging.Forbidden, "alarms.other_lines")
	}
	return nil
}

func (s *setupTx) storeRule(r packaging.AlarmRule) (packaging.AlarmRuleID, error) {
	id, err := s.insert(`
		INSERT INTO alarm_rules (id, tenant_id, kind, delay, from_time, to_time, repeat, next, sound) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, delay = excluded.delay, from_time = excluded.from_time,
			to_time = excluded.to_time, repeat = excluded.repeat, next = excluded.next, sound = excluded.sound`,
		nullable(r.ID), s.tenant, r.Kind, inMinutes(r.Delay), r.From, r.To, inMinutes(r.Repeat), inMinutes(r.Next),
		r.Sound)
	if r.ID != 0 {
		return r.ID, err
	}
	return packaging.AlarmRuleID(id), err
}

// alarmRule returns a rule that the scope may set: NotFound where it does not concern it, Forbidden where it is about
// more.
func (s *setupTx) alarmRule(in packaging.Scope, id packaging.AlarmRuleID) (packaging.AlarmRule, error) {
	r, err := scanAlarmRule(s.row(selectAlarmRule+`WHERE a.tenant_id = ? AND a.id = ?`, s.tenant, id))
	switch {
	case err != nil:
		return r, coded(err)
	case !r.Concerns(in):
		return r, packaging.Fail(packaging.NotFound, "error.not_found")
	}
	return r, mustBeWithin(in, r)
}

// roomFor fails where a site has as many of something as it can have.
func (s *setupTx) roomFor(table string) error {
	var n int
	if err := s.row(`SELECT count(*) FROM `+table+` WHERE tenant_id = ?`, s.tenant).Scan(&n); err != nil ||
		n < packaging.MaxRecipients {
		return err
	}
	return packaging.Fail(packaging.Conflict, "alarms.too_many", "Count", fmt.Sprint(packaging.MaxRecipients))
}

// partRule parts a rule from its lines and recipients.
func (s *setupTx) partRule(id packaging.AlarmRuleID) error {
	return cmp.Or(
		s.exec(`DELETE FROM alarm_rule_lines WHERE rule_id = ?`, id),
		s.exec(`DELETE FROM alarm_rule_recipients WHERE rule_id = ?`, id),
	)
}

// joinRule joins a rule with its lines and recipients. One of another site is not found.
func (s *setupTx) joinRule(r packaging.AlarmRule) (err error) {
	for _, line := range r.Lines {
		err = cmp.Or(
			err, s.exec(`INSERT INTO alarm_rule_lines VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, s.tenant, r.ID, line),
		)
	}
	for next, recipients := range [][]packaging.RecipientID{r.First, r.Second} {
		for _, recipient := range recipients {
			err = cmp.Or(err, s.exec(`INSERT INTO alarm_rule_recipients VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				s.tenant, r.ID, recipient, next))
		}
	}
	if isMissing(err) {
		return packaging.Fail(packaging.NotFound, "error.not_found").Because(err)
	}
	return err
}

// describeRule returns how the history names what a rule says.
func (s *setupTx) describeRule(r packaging.AlarmRule) (string, error) {
	var lines, first, second string
	err := s.row(`
		SELECT coalesce((SELECT group_concat(code, ' ' ORDER BY code COLLATE naturally) FROM lines WHERE id IN (SELECT line_id FROM alarm_rule_lines
				WHERE rule_id = ?1)), ''),
			coalesce((SELECT group_concat(p.name, ', ' ORDER BY p.name) FROM recipients p JOIN alarm_rule_recipients n
				ON n.recipient_id = p.id WHERE n.rule_id = ?1 AND n.next = 0), ''),
			coalesce((SELECT group_concat(p.name, ', ' ORDER BY p.name) FROM recipients p JOIN alarm_rule_recipients n
				ON n.recipient_id = p.id WHERE n.rule_id = ?1 AND n.next = 1), '')`, r.ID).Scan(&lines, &first, &second)
	said := fmt.Sprintf("%s after %d min, %s-%s, lines: %s, tells: %s, again after %d min, then after %d min: %s, sound: %t",
		r.Kind, inMinutes(r.Delay), r.From, r.To, cmp.Or(lines, "all"), first, inMinutes(r.Repeat), inMinutes(r.Next),
		second, r.Sound)
	return said, err
}

// RemoveAlarmRule removes a rule. Its alarms end. Forbidden if it is about lines that the person does not see.
func (d *DB) RemoveAlarmRule(ctx context.Context, by packaging.Person, id packaging.AlarmRuleID) error {
	return d.alarmsTx(ctx, by, func(s *setupTx, in packaging.Scope) error {
		r, err := s.alarmRule(in, id)
		if err != nil {
			return err
		}
		before, err := s.describeRule(r)
		if err != nil {
			return err
		}
		if err := s.exec(`DELETE FROM alarm_rules WHERE id = ?`, id); err != nil {
			return err
		}
		return s.recordChange(packaging.AlarmsSet, packaging.SaysAlarmRule.Of(id), before, "")
	})
}

// sealedTarget is where messages go, a URL or a password, and a second secret: each sealed, or nil.
type sealedTarget struct{ target, key []byte }

const selectRecipient = `
	SELECT r.id, r.name, r.kind, r.address, r.target, r.secret,
		coalesce((SELECT max(sent_at) FROM alarm_messages WHERE tenant_id = r.tenant_id AND recipient_id = r.id), 0),
		coalesce((SELECT problem FROM alarm_messages WHERE tenant_id = r.tenant_id AND recipient_id = r.id AND tries > 0
			ORDER BY made_at DESC, id DESC LIMIT 1), '')
	FROM recipients r `

func scanRecipient(row scanner) (r packaging.Recipient, sealed sealedTarget, err error) {
	var told int64
	err = row.Scan(&r.ID, &r.Name, &r.Kind, &r.Address, &sealed.target, &sealed.key, &told, &r.Failed)
	r.Told = moment(told)
	return r, sealed, err
}

// Recipients returns who can be told of a site's alarms, by name.
func (d *DB) Recipients(ctx context.Context, tenant packaging.TenantID) ([]packaging.Recipient, error) {
	return collect(ctx, d.read, func(row scanner) (packaging.Recipient, error) {
		r, _, err := scanRecipient(row)
		return r, err
	}, selectRecipient+`WHERE r.tenant_id = ? ORDER BY r.name COLLATE naturally`, tenant)
}

func recipientOf(
	ctx context.Context, q querier, tenant packaging.TenantID, id packaging.RecipientID,
) (packaging.Recipient, sealedTarget, error) {
	r, sealed, err := scanRecipient(
		q.QueryRowContext(ctx, selectRecipient+`WHERE r.tenant_id = ? AND r.id = ?`, tenant, id),
	)
	return r, sealed, coded(err)
}

// recipientOwner is what a secret of a recipient is sealed for.
func recipientOwner(tenant packaging.TenantID, id packaging.RecipientID, what string) string {
	return fmt.Sprintf("tenant %d recipient %d %s", tenant, id, what)
}

// AddRecipient adds a recipient. key is what messages to a webhook are signed with, empty for other kinds.
func (d *DB) AddRecipient(
	ctx context.Context, by packaging.Person, r packaging.Recipient, target, key secret.Text,
) (id packaging.RecipientID, err error) {
	r.Name = strings.TrimSpace(r.Name)
	if err := r.Check(target.Reveal()); err != nil {
		return 0, err
	}
	if (r.Kind == packaging.ByWebhook) == key.Empty() {
		return 0, packaging.Fail(packaging.Invalid, "error.invalid")
	}
	err = d.setupTx(ctx, by, func(s *setupTx) error {
		if err := s.roomFor("recipients"); err != nil {
			return err
		}
		// The secrets are sealed for the key that the row gets.
		if err := s.row(`SELECT coalesce(max(id), 0) + 1 FROM recipients`).Scan(&id); err != nil {
			return err
		}
		var sealed sealedTarget
		if r.Kind == packaging.ByMail {
			r.Address = target.Reveal()
		} else {
			u, err := url.Parse(target.Reveal())
			if err != nil {
				return err
			}
			r.Address, sealed.target = u.Host, s.box.Seal(target, recipientOwner(s.tenant, id, "target"))
		}
		if !key.Empty() {
			sealed.key = s.box.Seal(key, recipientOwner(s.tenant, id, "key"))
		}
		err := s.exec(`INSERT INTO recipients (id, tenant_id, name, kind, address, target, secret) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			id, s.tenant, r.Name, r.Kind, r.Address, sealed.target, sealed.key)
		if isTaken(err) {
			return packaging.Fail(packaging.Conflict, "alarms.name_taken").Because(err)
		}
		if err != nil {
			return err
		}
		if err := s.mustStandApart(
			r.Name, `SELECT name FROM recipients WHERE tenant_id = ? AND id <> ?`, s.tenant, id,
		); err != nil {
			return err
		}
		return s.recordChange(packaging.AlarmsSet, packaging.SaysRecipient.Of(r.Name), "", string(r.Kind)+" "+r.Address)
	})
	return id, err
}

// RemoveRecipient removes a recipient: from the rules too, and with what waits for them. Forbidden if one of the rules
// is about lines that the person does not see.
func (d *DB) RemoveRecipient(ctx context.Context, by packaging.Person, id packaging.RecipientID) error {
	return d.alarmsTx(ctx, by, func(s *setupTx, in packaging.Scope) error {
		r, _, err := recipientOf(s.ctx, s, s.tenant, id)
		if err != nil {
			return err
		}
		rules, err := alarmRules(s.ctx, s, s.tenant)
		if err != nil {
			return err
		}
		for _, rule := range rules {
			if !slices.Contains(append(rule.First, rule.Second...), id) {
				continue
			}
			if err := mustBeWithin(in, rule); err != nil {
				return err
			}
		}
		var alone bool
		if err := s.row(`SELECT EXISTS (SELECT 1 FROM alarm_rule_recipients n WHERE n.recipient_id = ?1 AND n.next = 1 AND NOT EXISTS (
			SELECT 1 FROM alarm_rule_recipients o WHERE o.rule_id = n.rule_id AND o.next = 1 AND o.recipient_id <> ?1))`, id).
			Scan(&alone); err != nil {
			return err
		}
		if alone {
			return packaging.Fail(packaging.Conflict, "alarms.comes_next")
		}
		if err := s.exec(`DELETE FROM recipients WHERE id = ?`, id); err != nil {
			return err
		}
		return s.recordChange(packaging.AlarmsSet, packaging.SaysRecipient.Of(r.Name), string(r.Kind)+" "+r.Address, "")
	})
}

// AlarmSettings returns how a site sends its alarms, with the password for its mail server and the URL of its
// heartbeat.
func (d *DB) AlarmSettings(
	ctx context.Context, tenant packaging.TenantID,
) (s packaging.AlarmSettings, password, beat secret.Text, err error) {
	s, sealed, err := alarmSettingsOf(ctx, d.read, tenant)
	if err == nil && sealed.target != nil {
		password, err = d.box.Open(sealed.target, alarmsOwner(tenant, "mail_password"))
	}
	if err == nil && sealed.key != nil {
		beat, err = d.box.Open(sealed.key, alarmsOwner(tenant, "heartbeat"))
	}
	return s, password, beat, err
}

func alarmsOwner(tenant packaging.TenantID, what string) string {
	return fmt.Sprintf("tenant %d alarms %s", tenant, what)
}

func alarmSettingsOf(
	ctx context.Context, q querier, tenant packaging.TenantID,
) (s packaging.AlarmSettings, sealed sealedTarget, err error) {
	var at, every int64
	err = q.QueryRowContext(ctx, `
		SELECT address, language, mail_host, encryption, mail_from, mail_user, mail_password, coalesce(password_set_at, 0),
			password_set_by, heartbeat_host, heartbeat_url, heartbeat_minutes, coalesce(h.problem, '')
		FROM alarm_settings a LEFT JOIN heartbeats h ON h.tenant_id = a.tenant_id WHERE a.tenant_id = ?`, tenant).
		Scan(&s.Address, &s.Language, &s.MailHost, &s.Encryption, &s.MailFrom, &s.MailUser, &sealed.target, &at,
			&s.Password.By,
			&s.Heartbeat, &sealed.key, &every, &s.HeartbeatSaid)
	if errors.Is(err, sql.ErrNoRows) {
		return packaging.AlarmSettings{Language: "en", Encryption: packaging.StartTLS}, sealed, nil
	}
	s.Password.Name, s.Password.Set, s.Password.At = "mail_password", sealed.target != nil, moment(at)
	s.HeartbeatEvery = minutes(every)
	return s, sealed, coded(err)
}

// SetAlarmSettings sets how a site sends its alarms. An empty password leaves the one that is stored as long as server
// and user stay the same: it goes nowhere else. An empty URL of the heartbeat leaves that one, unless there shall be
// none.
func (d *DB) SetAlarmSettings(
	ctx context.Context, by packaging.Person, to packaging.AlarmSettings, password, beat secret.Text, noBeat bool,
) error {
	if err := to.Check(beat.Reveal()); err != nil {
		return err
	}
	return d.setupTx(ctx, by, func(s *setupTx) error {
		was, sealed, err := alarmSettingsOf(s.ctx, s, s.tenant)
		if err != nil {
			return err
		}
		same := was.MailHost == to.MailHost && was.MailUser == to.MailUser && to.MailUser != ""
		at, setBy := was.Password.At, was.Password.By
		switch {
		case !password.Empty():
			sealed.target, at, setBy = s.box.Seal(
				password, alarmsOwner(s.tenant, "mail_password"),
			), s.now, s.by.Username
		case !same:
			sealed.target, at, setBy = nil, time.Time{}, ""
		}
		if sealed.target != nil && to.Encryption == packaging.NoEncryption {
			return packaging.Fail(packaging.Invalid, "alarms.password_in_clear")
		}
		to.Heartbeat = was.Heartbeat
		if !beat.Empty() {
			u, err := url.Parse(beat.Reveal())
			if err != nil {
				return err
			}
			to.Heartbeat, sealed.key = u.Host, s.box.Seal(beat, alarmsOwner(s.tenant, "heartbeat"))
		}
		if noBeat || sealed.key == nil {
			to.Heartbeat, to.HeartbeatEvery, sealed.key = "", 0, nil
		}
		if err := s.storeAlarmSettings(to, sealed, at, setBy); err != nil {
			return err
		}
		if !password.Empty() {
			if err := s.recordSecret("mail_password"); err != nil {
				return err
			}
		}
		if !beat.Empty() && !noBeat {
			if err := s.recordSecret("heartbeat"); err != nil {
				return err
			}
		}
		return s.recordChange(packaging.AlarmsSet, packaging.SaysAlarmSettings.Of(), describeSettings(was), describeSettings(to))
	})
}

// storeAlarmSettings stores how alarms are sent, and since when by whom the password of the mail server is set.
func (s *setupTx) storeAlarmSettings(
	to packaging.AlarmSettings, sealed sealedTarget, at time.Time, setBy string,
) error {
	var setAt any
	if sealed.target != nil {
		setAt = millis(at)
	}
	return s.exec(`
		INSERT INTO alarm_settings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET address = excluded.address, language = excluded.language, mail_host = excluded.mail_host,
			encryption = excluded.encryption, mail_from = excluded.mail_from, mail_user = excluded.mail_user,
			mail_password = excluded.mail_password, password_set_at = excluded.password_set_at,
			password_set_by = excluded.password_set_by, heartbeat_host = excluded.heartbeat_host,
			heartbeat_url = excluded.heartbeat_url, heartbeat_minutes = excluded.heartbeat_minutes`,
		s.tenant, to.Address, to.Language, to.MailHost, to.Encryption, to.MailFrom, to.MailUser, sealed.target,
		setAt, setBy,
		to.Heartbeat, sealed.key, inMinutes(to.HeartbeatEvery))
}

// recordSecret records that a secret of alarms was set.
func (s *setupTx) recordSecret(name string) error {
	return s.record(packaging.Entry{TenantID: s.tenant, By: s.by, Deed: packaging.CredentialSet, Object: name})
}

func describeSettings(s packaging.AlarmSettings) string {
	return fmt.Sprintf("pages: %s, language: %s, mail: %s %s from %s as %s, heartbeat: %s every %d min", s.Address,
		s.Language,
		s.MailHost, s.Encryption, s.MailFrom, s.MailUser, s.Heartbeat, inMinutes(s.HeartbeatEvery))
}

// NoteHeartbeat notes whether a heartbeat arrived: why it did not, empty if it did.
func (d *DB) NoteHeartbeat(ctx context.Context, tenant packaging.TenantID, problem string) error {
	return d.tx(inBackground(ctx), func(t *tx) error {
		return t.exec(`INSERT INTO heartbeats VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, problem = excluded.problem`,
			tenant, millis(t.now), problem)
	})
}

// sealedAlarm is something of a site's alarms that is sealed.
type sealedAlarm struct {
	update, owner string // the statement that sets it, and whom it is sealed for
	key           int64  // of its row
	bytes         []byte
}

// sealedAlarms returns all that is sealed of a site's alarms.
func sealedAlarms(ctx context.Context, q querier, tenant packaging.TenantID) ([]sealedAlarm, error) {
	return collect(ctx, q, func(row scanner) (s sealedAlarm, err error) {
		return s, row.Scan(&s.update, &s.owner, &s.key, &s.bytes)
	}, `
		SELECT 'UPDATE recipients SET target = ? WHERE id = ?', 'tenant ' || tenant_id || ' recipient ' || id || ' target', id, target
			FROM recipients WHERE tenant_id = ?1 AND target IS NOT NULL
		UNION ALL SELECT 'UPDATE recipients SET secret = ? WHERE id = ?', 'tenant ' || tenant_id || ' recipient ' || id || ' key', id, secret
			FROM recipients WHERE tenant_id = ?1 AND secret IS NOT NULL
		UNION ALL SELECT 'UPDATE alarm_settings SET mail_password = ? WHERE tenant_id = ?', 'tenant ' || tenant_id || ' alarms mail_password',
			tenant_id, mail_password FROM alarm_settings WHERE tenant_id = ?1 AND mail_password IS NOT NULL
		UNION ALL SELECT 'UPDATE alarm_settings SET heartbeat_url = ? WHERE tenant_id = ?', 'tenant ' || tenant_id || ' alarms heartbeat',
			tenant_id, heartbeat_url FROM alarm_settings WHERE tenant_id = ?1 AND heartbeat_url IS NOT NULL`, tenant)
}

// resealAlarms seals what of a site's alarms is secret with another box.
func (t *tx) resealAlarms(tenant packaging.TenantID, box, next *secret.Box) error {
	all, err := sealedAlarms(t.ctx, t, tenant)
	if err != nil {
		return err
	}
	for _, s := range all {
		opened, err := box.Open(s.bytes, s.owner)
		if err != nil {
			return err
		}
		if err := t.exec(s.update, next.Seal(opened, s.owner), s.key); err != nil {
			return err
		}
	}
	return nil
}

// checkAlarms makes sure that the key at hand opens what of a site's alarms is sealed.
func (d *DB) checkAlarms(ctx context.Context, tenant packaging.TenantID) error {
	all, err := sealedAlarms(ctx, d.read, tenant)
	for _, s := range all {
		if _, err := d.box.Open(s.bytes, s.owner); err != nil {
			return fmt.Errorf("%s: %w", s.owner, err)
		}
	}
	return err
}
