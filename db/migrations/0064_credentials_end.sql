-- +goose Up

-- The last day on which a tenant's credentials work, as an administrator knows it, and how long before people are told.
ALTER TABLE tenants ADD COLUMN credentials_end TEXT NOT NULL DEFAULT ''
  CHECK (credentials_end = '' OR date(credentials_end) IS credentials_end);
ALTER TABLE tenants ADD COLUMN remind_days INTEGER NOT NULL DEFAULT 30 CHECK (remind_days BETWEEN 1 AND 365);

-- A kind of alarm more: credentials about to end. What a column may be changes with its table alone.
CREATE TABLE next_alarm_rules (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  kind      TEXT NOT NULL CHECK (kind IN ('unknown', 'refused', 'contradicted', 'sequence', 'list', 'delivery', 'stale', 'credentials',
    'handover', 'backup', 'anchors', 'history', 'disk', 'copy', 'ending')),
  delay     INTEGER NOT NULL CHECK (delay BETWEEN 0 AND 10080), -- minutes, as all below
  from_time INTEGER NOT NULL CHECK (from_time BETWEEN 0 AND 1439),
  to_time   INTEGER NOT NULL CHECK (to_time BETWEEN 0 AND 1439),
  repeat    INTEGER NOT NULL CHECK (repeat BETWEEN 0 AND 10080), -- 0 for once
  next      INTEGER NOT NULL CHECK (next BETWEEN 0 AND 10080), -- until others are told; 0 for never
  sound     INTEGER NOT NULL CHECK (sound IN (0, 1)),
  UNIQUE (tenant_id, id)
) STRICT;
CREATE TABLE next_alarm_rule_lines (
  tenant_id INTEGER NOT NULL,
  rule_id   INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (rule_id, line_id),
  FOREIGN KEY (tenant_id, rule_id) REFERENCES next_alarm_rules (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE next_alarm_rule_recipients (
  tenant_id    INTEGER NOT NULL,
  rule_id      INTEGER NOT NULL,
  recipient_id INTEGER NOT NULL,
  next         INTEGER NOT NULL CHECK (next IN (0, 1)), -- told when nobody took the alarm over in time
  PRIMARY KEY (rule_id, recipient_id, next),
  FOREIGN KEY (tenant_id, rule_id) REFERENCES next_alarm_rules (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, recipient_id) REFERENCES recipients (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

INSERT INTO next_alarm_rules SELECT * FROM alarm_rules;
INSERT INTO next_alarm_rule_lines SELECT * FROM alarm_rule_lines;
INSERT INTO next_alarm_rule_recipients SELECT * FROM alarm_rule_recipients;
DROP TABLE alarm_rule_recipients;
DROP TABLE alarm_rule_lines;
DROP TABLE alarm_rules;
ALTER TABLE next_alarm_rules RENAME TO alarm_rules;
ALTER TABLE next_alarm_rule_lines RENAME TO alarm_rule_lines;
ALTER TABLE next_alarm_rule_recipients RENAME TO alarm_rule_recipients;
CREATE INDEX alarm_rule_lines_of_line ON alarm_rule_lines (tenant_id, line_id);
CREATE INDEX alarm_rule_recipients_of_recipient ON alarm_rule_recipients (tenant_id, recipient_id);
