-- +goose Up

-- How a site sends its alarms.
CREATE TABLE alarm_settings (
  tenant_id         INTEGER PRIMARY KEY REFERENCES tenants (id),
  address           TEXT NOT NULL, -- of Lineboard's pages, for links; empty for none
  language          TEXT NOT NULL CHECK (language IN ('de', 'en', 'es', 'fr', 'hu')),
  mail_host         TEXT NOT NULL, -- with its port; empty for none
  encryption        TEXT NOT NULL CHECK (encryption IN ('tls', 'starttls', 'none')),
  mail_from         TEXT NOT NULL CHECK ((mail_from = '') = (mail_host = '')),
  mail_user         TEXT NOT NULL,
  mail_password     BLOB, -- sealed with a key that is not in the database
  password_set_at   INTEGER,
  password_set_by   TEXT NOT NULL DEFAULT '',
  heartbeat_host    TEXT NOT NULL,
  heartbeat_url     BLOB, -- sealed: whoever knows it can be alive in our place
  heartbeat_minutes INTEGER NOT NULL CHECK (heartbeat_minutes BETWEEN 0 AND 1440),
  CHECK ((mail_password IS NULL) = (password_set_at IS NULL)),
  -- A password is sent under TLS or not at all.
  CHECK (mail_password IS NULL OR encryption <> 'none'),
  CHECK ((heartbeat_url IS NULL) = (heartbeat_host = '') AND (heartbeat_url IS NULL) = (heartbeat_minutes = 0))
) STRICT;
CREATE TABLE heartbeats (
  tenant_id INTEGER PRIMARY KEY REFERENCES tenants (id),
  at        INTEGER NOT NULL,
  problem   TEXT NOT NULL
) STRICT;

CREATE TABLE recipients (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  name      TEXT NOT NULL COLLATE NOCASE CHECK (name <> ''),
  kind      TEXT NOT NULL CHECK (kind IN ('mail', 'webhook', 'teams', 'slack')),
  address   TEXT NOT NULL CHECK (address <> ''), -- of mails; the host of others
  target    BLOB CHECK ((target IS NULL) = (kind = 'mail')), -- the whole URL, sealed
  secret    BLOB CHECK ((secret IS NULL) = (kind <> 'webhook')), -- what webhooks are signed with, sealed
  UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, id)
) STRICT;

CREATE TABLE alarm_rules (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  kind      TEXT NOT NULL CHECK (kind IN ('unknown', 'refused', 'contradicted', 'sequence', 'list', 'delivery', 'stale', 'credentials',
    'handover', 'backup', 'anchors', 'history', 'disk')),
  delay     INTEGER NOT NULL CHECK (delay BETWEEN 0 AND 10080), -- minutes, as all below
  from_time INTEGER NOT NULL CHECK (from_time BETWEEN 0 AND 1439),
  to_time   INTEGER NOT NULL CHECK (to_time BETWEEN 0 AND 1439),
  repeat    INTEGER NOT NULL CHECK (repeat BETWEEN 0 AND 10080), -- 0 for once
  next      INTEGER NOT NULL CHECK (next BETWEEN 0 AND 10080), -- until others are told; 0 for never
  sound     INTEGER NOT NULL CHECK (sound IN (0, 1)),
  UNIQUE (tenant_id, id)
) STRICT;
CREATE TABLE alarm_rule_lines (
  tenant_id INTEGER NOT NULL,
  rule_id   INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (rule_id, line_id),
  FOREIGN KEY (tenant_id, rule_id) REFERENCES alarm_rules (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_rule_lines_of_line ON alarm_rule_lines (tenant_id, line_id);
CREATE TABLE alarm_rule_recipients (
  tenant_id    INTEGER NOT NULL,
  rule_id      INTEGER NOT NULL,
  recipient_id INTEGER NOT NULL,
  next         INTEGER NOT NULL CHECK (next IN (0, 1)), -- told when nobody took the alarm over in time
  PRIMARY KEY (rule_id, recipient_id, next),
  FOREIGN KEY (tenant_id, rule_id) REFERENCES alarm_rules (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, recipient_id) REFERENCES recipients (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_rule_recipients_of_recipient ON alarm_rule_recipients (tenant_id, recipient_id);

-- An alarm lasts as long as what it is about. It keeps its rule's key when the rule is gone.
CREATE TABLE alarms (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  rule_id    INTEGER NOT NULL,
  kind       TEXT NOT NULL,
  subject    TEXT NOT NULL CHECK (subject <> ''),
  line_id    INTEGER,
  order_id   INTEGER,
  since      INTEGER NOT NULL,
  detail     TEXT NOT NULL,
  began_at   INTEGER NOT NULL,
  said_at    INTEGER NOT NULL,
  sound      INTEGER NOT NULL CHECK (sound IN (0, 1)),
  next       INTEGER NOT NULL CHECK (next IN (0, 1)),
  taken_by   INTEGER REFERENCES users (id),
  username   TEXT NOT NULL DEFAULT '' CHECK ((username = '') = (taken_by IS NULL)),
  full_name  TEXT NOT NULL DEFAULT '',
  taken_at   INTEGER CHECK ((taken_at IS NULL) = (taken_by IS NULL)),
  ended_at   INTEGER,
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
) STRICT;
-- An alarm begins once.
CREATE UNIQUE INDEX one_alarm_of_a_fact ON alarms (tenant_id, rule_id, subject) WHERE ended_at IS NULL;
CREATE INDEX alarms_of_line ON alarms (tenant_id, line_id);
CREATE INDEX alarms_of_order ON alarms (tenant_id, order_id);

-- What recipients are told, in the order in which it was made. A message that was tried keeps its items and its id.
CREATE TABLE alarm_messages (
  id           TEXT PRIMARY KEY CHECK (id <> ''),
  tenant_id    INTEGER NOT NULL,
  recipient_id INTEGER NOT NULL,
  made_at      INTEGER NOT NULL,
  tries        INTEGER NOT NULL DEFAULT 0,
  try_at       INTEGER NOT NULL,
  sent_at      INTEGER,
  given_up_at  INTEGER CHECK (given_up_at IS NULL OR sent_at IS NULL),
  problem      TEXT NOT NULL DEFAULT '', -- why the last try failed
  FOREIGN KEY (tenant_id, recipient_id) REFERENCES recipients (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_messages_due ON alarm_messages (try_at) WHERE sent_at IS NULL AND given_up_at IS NULL;
CREATE INDEX alarm_messages_of_recipient ON alarm_messages (tenant_id, recipient_id, made_at);
CREATE TABLE alarm_items (
  message_id TEXT NOT NULL REFERENCES alarm_messages (id) ON DELETE CASCADE,
  place      INTEGER NOT NULL,
  alarm_id   INTEGER NOT NULL REFERENCES alarms (id),
  says       TEXT NOT NULL CHECK (says IN ('began', 'repeated', 'passed_on', 'over')),
  at         INTEGER NOT NULL,
  PRIMARY KEY (message_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX alarm_items_of_alarm ON alarm_items (alarm_id);

-- +goose StatementBegin
CREATE TRIGGER what_was_tried_stays_as_it_is BEFORE INSERT ON alarm_items
WHEN (SELECT tries FROM alarm_messages WHERE id = NEW.message_id) > 0
BEGIN SELECT RAISE(ABORT, 'a message that was tried keeps its items'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER alarms_end_once BEFORE UPDATE ON alarms
WHEN OLD.ended_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an alarm that is over stays over'); END;
-- +goose StatementEnd
