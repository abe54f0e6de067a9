-- Made by `make schema` from the migrations, which upgrade what exists. Never change it by hand.

CREATE TABLE acknowledgements (
  release_id  INTEGER NOT NULL,
  tenant_id   INTEGER NOT NULL,
  list_source TEXT NOT NULL,
  user_id     INTEGER REFERENCES users (id), -- none where it is from before results were acknowledged
  username    TEXT NOT NULL,
  full_name   TEXT NOT NULL,
  role        TEXT NOT NULL,
  station     TEXT NOT NULL,
  at          INTEGER NOT NULL,
  comment     TEXT NOT NULL,
  PRIMARY KEY (release_id, list_source),
  FOREIGN KEY (tenant_id, release_id) REFERENCES releases (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER acknowledgements_are_never_deleted BEFORE DELETE ON acknowledgements
BEGIN SELECT RAISE(ABORT, 'an acknowledgement is given once'); END;

CREATE TRIGGER acknowledgements_never_change BEFORE UPDATE ON acknowledgements
BEGIN SELECT RAISE(ABORT, 'an acknowledgement is given once'); END;

CREATE TRIGGER only_results_are_acknowledged BEFORE INSERT ON acknowledgements
WHEN NOT EXISTS (SELECT 1 FROM releases r WHERE r.id = NEW.release_id AND r.result = NEW.list_source
  AND (r.outcome = 'refused' OR r.outcome = 'released' AND ((r.list_source <> '' AND r.oddities = '[]') OR NEW.comment <> '')))
BEGIN SELECT RAISE(ABORT, 'a result is acknowledged as it is, an odd one with words'); END;

CREATE TABLE "alarm_items" (
  message_id TEXT NOT NULL REFERENCES alarm_messages (id) ON DELETE CASCADE,
  place      INTEGER NOT NULL,
  alarm_id   INTEGER NOT NULL REFERENCES alarms (id),
  says       TEXT NOT NULL CHECK (says IN ('began', 'repeated', 'passed_on', 'over', 'withdrawn')),
  at         INTEGER NOT NULL,
  PRIMARY KEY (message_id, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX alarm_items_of_alarm ON alarm_items (alarm_id);

CREATE TRIGGER what_was_tried_stays_as_it_is BEFORE INSERT ON alarm_items
WHEN (SELECT tries FROM alarm_messages WHERE id = NEW.message_id) > 0
BEGIN SELECT RAISE(ABORT, 'a message that was tried keeps its items'); END;

CREATE TABLE alarm_messages (
  id           TEXT PRIMARY KEY CHECK (id <> ''),
  tenant_id    INTEGER NOT NULL,
  recipient_id INTEGER NOT NULL,
  made_at      INTEGER NOT NULL,
  tries        INTEGER NOT NULL DEFAULT 0,
  try_at       INTEGER NOT NULL,
  sent_at      INTEGER,
  given_up_at  INTEGER CHECK (given_up_at IS NULL OR sent_at IS NULL),
  problem      TEXT NOT NULL DEFAULT '', under_way INTEGER NOT NULL DEFAULT 0
  CHECK (under_way = 0 OR under_way = 1 AND tries > 0 AND sent_at IS NULL AND given_up_at IS NULL), -- why the last try failed
  FOREIGN KEY (tenant_id, recipient_id) REFERENCES recipients (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX alarm_messages_due ON alarm_messages (try_at) WHERE sent_at IS NULL AND given_up_at IS NULL;

CREATE INDEX alarm_messages_of_recipient ON alarm_messages (tenant_id, recipient_id, made_at);

CREATE INDEX alarm_messages_waiting ON alarm_messages (tenant_id) WHERE sent_at IS NULL AND given_up_at IS NULL;

CREATE TABLE "alarm_rule_lines" (
  tenant_id INTEGER NOT NULL,
  rule_id   INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (rule_id, line_id),
  FOREIGN KEY (tenant_id, rule_id) REFERENCES "alarm_rules" (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX alarm_rule_lines_of_line ON alarm_rule_lines (tenant_id, line_id);

CREATE TABLE "alarm_rule_recipients" (
  tenant_id    INTEGER NOT NULL,
  rule_id      INTEGER NOT NULL,
  recipient_id INTEGER NOT NULL,
  next         INTEGER NOT NULL CHECK (next IN (0, 1)), -- told when nobody took the alarm over in time
  PRIMARY KEY (rule_id, recipient_id, next),
  FOREIGN KEY (tenant_id, rule_id) REFERENCES "alarm_rules" (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, recipient_id) REFERENCES recipients (tenant_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX alarm_rule_recipients_of_recipient ON alarm_rule_recipients (tenant_id, recipient_id);

CREATE TABLE "alarm_rules" (
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

CREATE INDEX alarms_lasting ON alarms (tenant_id) WHERE ended_at IS NULL;

CREATE INDEX alarms_of_line ON alarms (tenant_id, line_id);

CREATE INDEX alarms_of_order ON alarms (tenant_id, order_id);

CREATE UNIQUE INDEX one_alarm_of_a_fact ON alarms (tenant_id, rule_id, subject) WHERE ended_at IS NULL;

CREATE TRIGGER alarms_end_once BEFORE UPDATE ON alarms
WHEN OLD.ended_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an alarm that is over stays over'); END;

CREATE TABLE anchoring (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  lines INTEGER NOT NULL
) STRICT;

CREATE TABLE answers (
  release_id INTEGER PRIMARY KEY REFERENCES releases (id),
  body       BLOB NOT NULL
) STRICT;

CREATE TABLE api_token_lines (
  token_id  INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (token_id, line_id),
  FOREIGN KEY (tenant_id, token_id) REFERENCES api_tokens (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_token_scopes (
  token_id  INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  scope     TEXT NOT NULL CHECK (scope IN ('send_orders', 'read_orders', 'read_serials', 'read_history', 'take_lists')),
  PRIMARY KEY (token_id, scope),
  FOREIGN KEY (tenant_id, token_id) REFERENCES api_tokens (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER scopes_are_never_taken_away BEFORE DELETE ON api_token_scopes
BEGIN SELECT RAISE(ABORT, 'what a token may do never changes'); END;

CREATE TRIGGER tokens_keep_their_scopes BEFORE UPDATE ON api_token_scopes
BEGIN SELECT RAISE(ABORT, 'what a token may do never changes'); END;

CREATE TABLE api_tokens (
  id            INTEGER PRIMARY KEY,
  tenant_id     INTEGER NOT NULL REFERENCES tenants (id),
  name          TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 40),
  hash          BLOB NOT NULL UNIQUE CHECK (length(hash) = 32), -- SHA-256
  created_at    INTEGER NOT NULL,
  created_by    INTEGER NOT NULL REFERENCES users (id),
  creator_name  TEXT NOT NULL,
  expires_at    INTEGER CHECK (expires_at > created_at),
  used_at       INTEGER,
  revoked_at    INTEGER,
  revoked_by    INTEGER REFERENCES users (id),
  revoker_name  TEXT NOT NULL DEFAULT '',
  UNIQUE (tenant_id, id),
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
) STRICT;

CREATE UNIQUE INDEX one_token_of_a_name ON api_tokens (tenant_id, name) WHERE revoked_at IS NULL;

CREATE TRIGGER tokens_are_never_deleted BEFORE DELETE ON api_tokens
BEGIN SELECT RAISE(ABORT, 'tokens are revoked, never deleted'); END;

CREATE TRIGGER tokens_stay_revoked BEFORE UPDATE ON api_tokens
WHEN OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at
  OR NEW.hash IS NOT OLD.hash OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.name IS NOT OLD.name
  OR NEW.created_at IS NOT OLD.created_at OR NEW.created_by IS NOT OLD.created_by OR NEW.expires_at IS NOT OLD.expires_at
BEGIN SELECT RAISE(ABORT, 'a token is only ever used or revoked'); END;

CREATE TABLE credentials_set (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  name      TEXT NOT NULL CHECK (name IN ('api_key', 'api_secret', 'channel_key', 'static_token')),
  set_at    INTEGER NOT NULL,
  set_by    TEXT NOT NULL,
  PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  id             INTEGER PRIMARY KEY,
  tenant_id      INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  release_id     INTEGER NOT NULL,
  uid            TEXT NOT NULL UNIQUE CHECK (length(uid) = 32 AND uid NOT GLOB '*[^0-9a-f]*'),
  made_at        INTEGER NOT NULL,
  facts          TEXT NOT NULL CHECK (json_type(facts) = 'object'),
  state          TEXT NOT NULL CHECK (state IN ('waiting', 'held', 'taken', 'carried', 'stopped')),
  held_for       TEXT NOT NULL DEFAULT '[]' CHECK (json_type(held_for) = 'array'),
  since          INTEGER NOT NULL, -- it waits, was taken, carried or stopped since then
  by_name        TEXT NOT NULL DEFAULT '', -- the person, or the program's token, who brought it into its state
  why            TEXT NOT NULL DEFAULT '' CHECK (length(why) <= 500), -- in their words, or the destination's
  sends          INTEGER NOT NULL DEFAULT 0 CHECK (sends >= 0), -- how often a person sent it
  format         TEXT NOT NULL DEFAULT '' CHECK (format IN ('', 'csv', 'json', 'text', 'own')), -- this and the next five: '' and none before the first try
  template_id    INTEGER,
  name           TEXT NOT NULL DEFAULT '',
  size           INTEGER,
  digest         BLOB CHECK (length(digest) = 32), -- SHA-256 of its bytes
  tries          INTEGER NOT NULL DEFAULT 0,
  tried_at       INTEGER,
  next_at        INTEGER NOT NULL DEFAULT 0, -- not tried before then
  problem        TEXT NOT NULL DEFAULT '', -- what the last try came to, if it failed
  detail         TEXT NOT NULL DEFAULT '', fixed_at INTEGER, link TEXT NOT NULL DEFAULT '', begun_at INTEGER,
  UNIQUE (tenant_id, id),
  UNIQUE (destination_id, release_id),
  FOREIGN KEY (tenant_id, destination_id) REFERENCES destinations (tenant_id, id),
  FOREIGN KEY (tenant_id, release_id) REFERENCES releases (tenant_id, id),
  FOREIGN KEY (tenant_id, template_id) REFERENCES list_templates (tenant_id, id),
  CHECK (state <> 'held' OR held_for <> '[]'),
  CHECK (state <> 'taken' OR digest IS NOT NULL),
  CHECK (state <> 'carried' OR by_name <> '' AND why <> ''),
  CHECK (state <> 'stopped' OR why <> ''),
  CHECK ((format = '') = (digest IS NULL) AND (digest IS NULL) = (size IS NULL)),
  CHECK ((format = 'own') = (template_id IS NOT NULL))
) STRICT;

CREATE INDEX deliveries_due ON deliveries (destination_id, next_at) WHERE state = 'waiting';

CREATE INDEX deliveries_of_release ON deliveries (release_id);

CREATE INDEX deliveries_open ON deliveries (tenant_id, destination_id) WHERE state IN ('waiting', 'held', 'stopped');

CREATE TRIGGER deliveries_are_never_deleted BEFORE DELETE ON deliveries
BEGIN SELECT RAISE(ABORT, 'deliveries are never deleted'); END;

CREATE TRIGGER deliveries_are_of_lists BEFORE INSERT ON deliveries
WHEN EXISTS (SELECT 1 FROM deliveries WHERE id = NEW.id)
  OR NOT EXISTS (SELECT 1 FROM releases r JOIN destinations d ON d.line_id = r.line_id
    WHERE r.id = NEW.release_id AND r.tenant_id = NEW.tenant_id AND r.list_source <> '' AND d.id = NEW.destination_id)
  OR NEW.state NOT IN ('waiting', 'held') OR NEW.state = 'waiting' AND NEW.held_for <> '[]' AND NEW.sends = 0
BEGIN SELECT RAISE(ABORT, 'a delivery brings a list to a destination of its line, and an odd one waits for a person'); END;

CREATE TRIGGER deliveries_stay_what_they_are BEFORE UPDATE ON deliveries
WHEN NEW.id IS NOT OLD.id OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.destination_id IS NOT OLD.destination_id
  OR NEW.release_id IS NOT OLD.release_id OR NEW.uid IS NOT OLD.uid OR NEW.made_at IS NOT OLD.made_at
  OR NEW.facts IS NOT OLD.facts AND (OLD.fixed_at IS NOT NULL OR OLD.digest IS NOT NULL OR NEW.fixed_at IS NULL)
  OR OLD.fixed_at IS NOT NULL AND NEW.fixed_at IS NOT OLD.fixed_at
  OR OLD.link <> '' AND NEW.link IS NOT OLD.link
  OR OLD.digest IS NOT NULL AND (NEW.digest IS NOT OLD.digest OR NEW.size IS NOT OLD.size OR NEW.name IS NOT OLD.name
    OR NEW.format IS NOT OLD.format OR NEW.template_id IS NOT OLD.template_id)
BEGIN SELECT RAISE(ABORT, 'a delivery keeps its id, its name and its bytes'); END;

CREATE TRIGGER deliveries_wait_again_by_a_person BEFORE UPDATE ON deliveries
WHEN OLD.state <> NEW.state AND (
  NEW.state = 'waiting' AND (NEW.sends <> OLD.sends + 1 OR NEW.by_name = '' OR NEW.why = '')
  OR NEW.state = 'held' AND OLD.state <> 'waiting'
  OR NEW.state IN ('stopped', 'carried') AND OLD.state IN ('taken', 'carried'))
BEGIN SELECT RAISE(ABORT, 'a person sends a delivery that does not wait, with a reason'); END;

CREATE TRIGGER new_deliveries_are_offered AFTER INSERT ON deliveries WHEN NEW.state = 'waiting'
BEGIN
  INSERT INTO delivery_offers (tenant_id, destination_id, delivery_id, mark)
  VALUES (NEW.tenant_id, NEW.destination_id, NEW.id, lower(hex(randomblob(4))));
END;

CREATE TRIGGER sent_deliveries_are_offered AFTER UPDATE OF sends ON deliveries WHEN NEW.sends > OLD.sends
BEGIN
  INSERT INTO delivery_offers (tenant_id, destination_id, delivery_id, mark)
  VALUES (NEW.tenant_id, NEW.destination_id, NEW.id, lower(hex(randomblob(4))));
END;

CREATE TABLE delivery_offers (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id      INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  delivery_id    INTEGER NOT NULL,
  mark           TEXT NOT NULL, -- tells it from the one of the same number after a restore
  FOREIGN KEY (tenant_id, delivery_id) REFERENCES deliveries (tenant_id, id)
) STRICT;

CREATE INDEX delivery_offers_of_delivery ON delivery_offers (delivery_id, id);

CREATE INDEX delivery_offers_of_destination ON delivery_offers (destination_id, id);

CREATE TABLE destinations (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL,
  line_id     INTEGER NOT NULL,
  name        TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 40),
  kind        TEXT NOT NULL CHECK (kind IN ('pull', 'folder', 'sftp', 'webhook')),
  address     TEXT NOT NULL DEFAULT '', -- the name of a root, host and port, or a URL
  username    TEXT NOT NULL DEFAULT '', -- of SFTP
  host_key    TEXT NOT NULL DEFAULT '', -- of SFTP, as authorized_keys has keys
  public_url  TEXT NOT NULL DEFAULT '', -- of a webhook: the address by which its receiver reaches this server
  file_name   TEXT NOT NULL DEFAULT '', -- how files are named, by a template
  format      TEXT NOT NULL CHECK (format IN ('csv', 'json', 'text', 'own')),
  template_id INTEGER,
  lets        TEXT NOT NULL DEFAULT '[]' CHECK (json_type(lets) = 'array'), -- kinds of odd lists that need no person
  late_after  INTEGER NOT NULL CHECK (late_after BETWEEN 60000 AND 604800000), -- milliseconds until boards say that one waits
  give_up     INTEGER NOT NULL CHECK (give_up BETWEEN 3600000 AND 2592000000), -- milliseconds until it is tried no more
  secret_kind TEXT NOT NULL DEFAULT '' CHECK (secret_kind IN ('', 'password', 'key', 'signing')),
  secret      BLOB, -- sealed with a key that is not in the database, like the next one
  old_secret  BLOB, -- of a webhook: signatures are made with it too until its receiver knows the new one
  old_until   INTEGER,
  secret_at   INTEGER,
  secret_by   TEXT NOT NULL DEFAULT '',
  stopped_at  INTEGER, -- its lists wait
  stopped_by  TEXT NOT NULL DEFAULT '',
  stopped_why TEXT NOT NULL DEFAULT '',
  retired_at  INTEGER, secret_mark BLOB CHECK (secret_mark IS NULL OR secret IS NOT NULL AND length(secret_mark) = 32), -- it gets no lists any more
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  FOREIGN KEY (tenant_id, template_id) REFERENCES list_templates (tenant_id, id),
  CHECK ((kind = 'pull') = (address = '')),
  CHECK ((kind = 'sftp') = (username <> '') AND (kind = 'sftp') = (host_key <> '')),
  CHECK ((kind IN ('folder', 'sftp')) = (file_name <> '')),
  CHECK ((format = 'own') = (template_id IS NOT NULL)),
  CHECK (kind IN ('folder', 'sftp') OR format = 'json'),
  CHECK (kind = 'webhook' OR public_url = '' AND old_secret IS NULL),
  CHECK (CASE kind WHEN 'sftp' THEN secret_kind IN ('password', 'key') WHEN 'webhook' THEN secret_kind = 'signing' ELSE secret_kind = '' END),
  CHECK ((secret_kind = '') = (secret IS NULL) AND (secret IS NULL) = (secret_at IS NULL)),
  CHECK ((old_secret IS NULL) = (old_until IS NULL)),
  CHECK ((stopped_at IS NULL) = (stopped_by = '') AND (stopped_at IS NULL) = (stopped_why = ''))
) STRICT;

CREATE INDEX destinations_of_line ON destinations (tenant_id, line_id);

CREATE UNIQUE INDEX one_destination_of_a_name ON destinations (line_id, name) WHERE retired_at IS NULL;

CREATE TRIGGER a_password_stays_with_its_server BEFORE UPDATE ON destinations
WHEN NEW.kind = 'sftp' AND NEW.secret IS OLD.secret
  AND (NEW.address IS NOT OLD.address OR NEW.host_key IS NOT OLD.host_key OR NEW.username IS NOT OLD.username)
BEGIN SELECT RAISE(ABORT, 'a password goes to the server that it was set for alone'); END;

CREATE TRIGGER destinations_are_never_deleted BEFORE DELETE ON destinations
BEGIN SELECT RAISE(ABORT, 'destinations are retired, never deleted'); END;

CREATE TRIGGER destinations_stay_where_they_are BEFORE UPDATE ON destinations
WHEN NEW.id IS NOT OLD.id OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.line_id IS NOT OLD.line_id OR NEW.kind IS NOT OLD.kind
  OR OLD.retired_at IS NOT NULL AND NEW.retired_at IS NOT OLD.retired_at
BEGIN SELECT RAISE(ABORT, 'a destination stays of its line and of its kind, and retired'); END;

CREATE TABLE displays (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  name       TEXT NOT NULL COLLATE NOCASE CHECK (name <> ''),
  language   TEXT NOT NULL DEFAULT '' CHECK (language IN ('', 'de', 'en', 'es', 'fr', 'hu')), -- empty for the browser's
  code_mark  BLOB UNIQUE CHECK (length(code_mark) = 32),
  code_until INTEGER,
  token_hash BLOB UNIQUE CHECK (length(token_hash) = 32), -- SHA-256 of what the cookie carries
  bound_at   INTEGER,
  UNIQUE (tenant_id, name),
  CHECK ((code_mark IS NULL) = (code_until IS NULL)),
  CHECK ((token_hash IS NULL) = (bound_at IS NULL))
) STRICT;

CREATE TABLE handover_acks (
  handover_id INTEGER NOT NULL,
  place       INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  user_id     INTEGER NOT NULL REFERENCES users (id),
  full_name   TEXT NOT NULL,
  PRIMARY KEY (handover_id, place),
  FOREIGN KEY (handover_id, place) REFERENCES handover_items (handover_id, place)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER another_person_acknowledges BEFORE INSERT ON handover_acks
WHEN (SELECT human_id FROM humans WHERE user_id = NEW.user_id)
    = (SELECT u.human_id FROM handovers h JOIN humans u ON u.user_id = h.user_id WHERE h.id = NEW.handover_id)
  OR EXISTS (SELECT 1 FROM handover_acks WHERE handover_id = NEW.handover_id AND place = NEW.place)
  OR NOT EXISTS (SELECT 1 FROM takeovers WHERE handover_id = NEW.handover_id)
BEGIN SELECT RAISE(ABORT, 'what is handed over is acknowledged once, by another human than the one who hands it over'); END;

CREATE TRIGGER handover_acks_are_never_deleted BEFORE DELETE ON handover_acks
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;

CREATE TRIGGER handover_acks_never_change BEFORE UPDATE ON handover_acks
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;

CREATE TABLE handover_items (
  handover_id  INTEGER NOT NULL,
  tenant_id    INTEGER NOT NULL,
  place        INTEGER NOT NULL CHECK (place > 0),
  kind         TEXT NOT NULL CHECK (kind IN ('sending', 'unknown', 'odd', 'suspended', 'waiting', 'queue', 'note')),
  line_code    TEXT NOT NULL,
  line_name    TEXT NOT NULL,
  order_id     INTEGER,
  order_key    TEXT NOT NULL,
  note_id      INTEGER,
  words        TEXT NOT NULL,
  since        INTEGER NOT NULL,
  from_id      INTEGER,
  from_place   INTEGER,
  PRIMARY KEY (handover_id, place),
  UNIQUE (from_id, from_place),
  FOREIGN KEY (tenant_id, handover_id) REFERENCES handovers (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  FOREIGN KEY (tenant_id, note_id) REFERENCES notes (tenant_id, id),
  FOREIGN KEY (from_id, from_place) REFERENCES handover_items (handover_id, place),
  CHECK ((from_id IS NULL) = (from_place IS NULL)),
  CHECK (from_id IS NULL OR from_id <> handover_id),
  CHECK ((kind = 'note') = (note_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX handover_items_of_note ON handover_items (note_id) WHERE note_id IS NOT NULL;

CREATE TRIGGER handover_items_are_never_deleted BEFORE DELETE ON handover_items
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;

CREATE TRIGGER handover_items_never_change BEFORE UPDATE ON handover_items
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;

CREATE TABLE handovers (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  day       TEXT NOT NULL CHECK (date(day) IS day),
  shift     TEXT NOT NULL COLLATE NOCASE CHECK (shift <> ''),
  begins_at INTEGER NOT NULL,
  ends_at   INTEGER NOT NULL CHECK (ends_at > begins_at),
  at        INTEGER NOT NULL CHECK (at >= begins_at),
  user_id   INTEGER NOT NULL REFERENCES users (id),
  username  TEXT NOT NULL,
  full_name TEXT NOT NULL,
  role      TEXT NOT NULL,
  station   TEXT NOT NULL,
  remarks   TEXT NOT NULL CHECK (length(remarks) <= 2000),
  UNIQUE (tenant_id, day, shift),
  UNIQUE (tenant_id, id)
) STRICT;

CREATE TRIGGER handovers_are_never_deleted BEFORE DELETE ON handovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;

CREATE TRIGGER handovers_never_change BEFORE UPDATE ON handovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;

CREATE TABLE heartbeats (
  tenant_id INTEGER PRIMARY KEY REFERENCES tenants (id),
  at        INTEGER NOT NULL,
  problem   TEXT NOT NULL
) STRICT;

CREATE VIEW held_kinds (release_id, destination_id, kind) AS
SELECT r.id, d.id, odd.value ->> 'Kind' FROM releases r JOIN destinations d ON d.line_id = r.line_id, json_each(r.oddities) odd
WHERE odd.value ->> 'Kind' NOT IN (SELECT value FROM json_each(d.lets))
UNION SELECT r.id, d.id, 'later' FROM releases r JOIN destinations d ON d.line_id = r.line_id
WHERE r.round > 0 AND 'later' NOT IN (SELECT value FROM json_each(d.lets))
UNION SELECT r.id, d.id, 'wrong_count' FROM releases r JOIN destinations d ON d.line_id = r.line_id
WHERE r.serials_received = 0 AND 'wrong_count' NOT IN (SELECT value FROM json_each(d.lets));

CREATE TABLE history (
  id          INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL REFERENCES tenants (id),
  seq         INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  user_id     INTEGER NOT NULL,
  username    TEXT NOT NULL,
  full_name   TEXT NOT NULL,
  role        TEXT NOT NULL,
  deed        TEXT NOT NULL,
  order_id    INTEGER NOT NULL,
  order_key   TEXT NOT NULL,
  line_code   TEXT NOT NULL,
  line_name   TEXT NOT NULL,
  release_id  INTEGER NOT NULL,
  object      TEXT NOT NULL,
  old_value   TEXT NOT NULL,
  new_value   TEXT NOT NULL,
  outcome     TEXT NOT NULL,
  reason      TEXT NOT NULL,
  took_ms     INTEGER NOT NULL,
  http_status INTEGER NOT NULL,
  code        TEXT NOT NULL,
  message     TEXT NOT NULL,
  serials     INTEGER NOT NULL,
  prev_hash   BLOB NOT NULL CHECK (length(prev_hash) = 32),
  hash        BLOB NOT NULL CHECK (length(hash) = 32),
  station     TEXT NOT NULL DEFAULT '',
  comment     TEXT NOT NULL DEFAULT '', records INTEGER NOT NULL DEFAULT 0, records_digest BLOB CHECK (length(records_digest) = 32), format INTEGER NOT NULL DEFAULT 1 CHECK (format IN (1, 2, 3)), -- the person's own words
  UNIQUE (tenant_id, seq)
) STRICT;

CREATE INDEX history_at ON history (tenant_id, at);

CREATE INDEX history_by_hand ON history (tenant_id) WHERE deed = 'record_by_hand';

CREATE INDEX history_of_confirmers ON history (tenant_id, user_id, at)
WHERE role LIKE '%administrator%' OR role LIKE '%manager%';

CREATE INDEX history_of_order ON history (tenant_id, order_key, seq);

CREATE INDEX history_of_person ON history (tenant_id, username, seq);

CREATE TRIGGER history_is_found AFTER INSERT ON history
BEGIN
  SELECT RAISE(ABORT, 'an entry of the history follows the last one') WHERE NEW.id <> (SELECT max(id) FROM history);
  INSERT INTO history_index (rowid, keys, words) SELECT id, keys, words FROM history_found_by WHERE id = NEW.id;
END;

CREATE TRIGGER history_is_never_changed BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;

CREATE TRIGGER history_is_never_deleted BEFORE DELETE ON history
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;

CREATE TRIGGER history_only_grows BEFORE INSERT ON history
WHEN EXISTS (SELECT 1 FROM history WHERE id = NEW.id)
  OR NEW.seq <> 1 + coalesce((SELECT max(seq) FROM history WHERE tenant_id = NEW.tenant_id), 0)
  OR NEW.prev_hash <> coalesce(
    (SELECT hash FROM history WHERE tenant_id = NEW.tenant_id ORDER BY seq DESC LIMIT 1), zeroblob(32))
BEGIN SELECT RAISE(ABORT, 'an entry of the history follows the last one'); END;

CREATE VIEW history_found_by (id, keys, words) AS
SELECT id,
  char(57344) || 't' || tenant_id || 'z ' ||
  char(57344) || 'l' || tenant_id || 'z' || hex(line_code) || ' ' ||
  char(57344) || 'o' || tenant_id || 'z' || hex(order_key) || ' ' ||
  char(57344) || 'p' || tenant_id || 'z' || hex(username) || ' ' ||
  char(57344) || 'u' || tenant_id || 'z' || user_id || ' ' ||
  char(57344) || 'd' || tenant_id || 'z' || hex(deed) || ' ' ||
  char(57344) || 'c' || tenant_id || 'z' || hex(outcome) || ' ' ||
  char(57344) || 'r' || tenant_id || 'z' || hex(reason) || ' ' ||
  char(57344) || 'h' || tenant_id || 'z' || (at / 3600000) || ' ' ||
  char(57344) || 'y' || tenant_id || 'z' || (at / 86400000) || ' ' ||
  char(57344) || 'm' || tenant_id || 'z' || (at / 2764800000) || ' ',
  username || ' ' || full_name || ' ' || role || ' ' || station || ' ' || deed || ' ' || order_key || ' ' || line_code || ' ' ||
  line_name || ' ' || object || ' ' || old_value || ' ' || new_value || ' ' || outcome || ' ' || reason || ' ' || code || ' ' ||
  message || ' ' || comment
FROM history;

CREATE VIRTUAL TABLE history_index USING fts5 (
  keys, words, content = 'history_found_by', content_rowid = 'id', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE VIRTUAL TABLE history_terms USING fts5vocab('history_index', 'instance');

CREATE TABLE history_views (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  user_id   INTEGER NOT NULL,
  name      TEXT NOT NULL CHECK (name <> ''),
  query     TEXT NOT NULL CHECK (query <> ''),
  shared    INTEGER NOT NULL CHECK (shared IN (0, 1)), -- everybody at the tenant who may read the history sees it
  UNIQUE (tenant_id, user_id, name),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT;

CREATE INDEX history_views_of_member ON history_views (user_id, tenant_id);

CREATE VIEW humans (user_id, human_id) AS SELECT id, coalesce(same_as, id) FROM users;

CREATE TABLE identities (
  tenant_id    INTEGER NOT NULL,
  issuer       TEXT NOT NULL CHECK (issuer <> ''),
  subject      TEXT NOT NULL CHECK (subject <> ''),
  user_id      INTEGER NOT NULL,
  connected_at INTEGER NOT NULL, username TEXT NOT NULL DEFAULT '', email TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, issuer, subject),
  UNIQUE (user_id, issuer),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER an_identity_opens_one_tenant BEFORE INSERT ON identities
WHEN EXISTS (SELECT 1 FROM members WHERE user_id = NEW.user_id AND tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a person of several tenants has no identity'); END;

CREATE TRIGGER identities_are_known_by_their_names AFTER INSERT ON identities
BEGIN
  INSERT INTO known_as SELECT NEW.tenant_id, NEW.user_id, value
  FROM json_each(json_array(NEW.subject, NEW.username, NEW.email)) WHERE value <> '' ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER identities_never_change BEFORE UPDATE ON identities
BEGIN SELECT RAISE(ABORT, 'an identity is made and removed, never changed'); END;

CREATE TABLE import_changes (
  import_id INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  is_new    INTEGER NOT NULL CHECK (is_new IN (0, 1)),
  changes   TEXT NOT NULL CHECK (json_type(changes) = 'array'),
  PRIMARY KEY (import_id, order_id),
  -- An import's counts are known last, so it is stored after what it did.
  FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX import_changes_of_order ON import_changes (order_id, import_id);

CREATE TRIGGER import_changes_are_never_deleted BEFORE DELETE ON import_changes
BEGIN SELECT RAISE(ABORT, 'what was imported is kept'); END;

CREATE TRIGGER import_changes_never_change BEFORE UPDATE ON import_changes
BEGIN SELECT RAISE(ABORT, 'what was imported is kept'); END;

CREATE TRIGGER imports_leave_releases_alone BEFORE INSERT ON import_changes
WHEN EXISTS (SELECT 1 FROM releases WHERE order_id = NEW.order_id AND outcome IN ('sending', 'unknown'))
BEGIN SELECT RAISE(ABORT, 'an order whose release is not settled is not touched by an import'); END;

CREATE TABLE import_preview_parts (
  preview_id INTEGER NOT NULL REFERENCES import_previews (id) ON DELETE CASCADE,
  part       INTEGER NOT NULL CHECK (part >= 0),
  content    BLOB NOT NULL, -- sealed, for this part of this preview of this tenant and person
  UNIQUE (preview_id, part)
) STRICT;

CREATE TABLE import_previews (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id  INTEGER NOT NULL,
  user_id    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  file_name  TEXT NOT NULL,
  outline    BLOB NOT NULL, -- sealed, for this tenant and person
  UNIQUE (user_id, tenant_id),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT;

CREATE TABLE imported_facts (
  order_id          INTEGER PRIMARY KEY,
  tenant_id         INTEGER NOT NULL,
  line_code         TEXT NOT NULL,
  line_name         TEXT NOT NULL,
  product           TEXT NOT NULL,
  gtin              TEXT NOT NULL CHECK (gtin = '' OR length(gtin) = 14 AND gtin NOT GLOB '*[^0-9]*'),
  lot               TEXT NOT NULL CHECK (length(lot) <= 20),
  expiry            TEXT NOT NULL CHECK (expiry = '' OR expiry GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
  quantity          TEXT NOT NULL CHECK (quantity NOT GLOB '*[^0-9]*'),
  extra_percent     TEXT NOT NULL CHECK (extra_percent NOT GLOB '*[^0-9.]*'),
  api_line_code     TEXT NOT NULL DEFAULT '',
  api_line_name     TEXT NOT NULL DEFAULT '',
  api_product       TEXT NOT NULL DEFAULT '',
  api_gtin          TEXT NOT NULL DEFAULT '',
  api_lot           TEXT NOT NULL DEFAULT '',
  api_expiry        TEXT NOT NULL DEFAULT '',
  api_quantity      TEXT NOT NULL DEFAULT '',
  api_extra_percent TEXT NOT NULL DEFAULT '', line_reach TEXT CHECK (line_reach IS NULL OR json_type(line_reach) = 'array'),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK ((line_code = '') = (line_name = ''))
) STRICT;

CREATE TRIGGER values_are_not_dropped_while_a_release_is_not_settled BEFORE DELETE ON imported_facts
WHEN EXISTS (SELECT 1 FROM releases WHERE order_id = OLD.order_id AND outcome IN ('sending', 'unknown'))
BEGIN SELECT RAISE(ABORT, 'an order whose release is not settled keeps its values'); END;

CREATE TRIGGER values_stay_while_a_release_is_not_settled BEFORE UPDATE ON imported_facts
WHEN (NEW.line_code, NEW.line_name, NEW.product, NEW.gtin, NEW.lot, NEW.expiry, NEW.quantity, NEW.extra_percent)
    IS NOT (OLD.line_code, OLD.line_name, OLD.product, OLD.gtin, OLD.lot, OLD.expiry, OLD.quantity, OLD.extra_percent)
  AND EXISTS (SELECT 1 FROM releases WHERE order_id = NEW.order_id AND outcome IN ('sending', 'unknown'))
BEGIN SELECT RAISE(ABORT, 'an order whose release is not settled keeps its values'); END;

CREATE TABLE imports (
  id               INTEGER PRIMARY KEY,
  tenant_id        INTEGER NOT NULL REFERENCES tenants (id),
  at               INTEGER NOT NULL,
  user_id          INTEGER REFERENCES users (id), -- NULL where a program did it
  username         TEXT NOT NULL,
  full_name        TEXT NOT NULL,
  role             TEXT NOT NULL,
  station          TEXT NOT NULL,
  file_name        TEXT NOT NULL,
  new_orders       INTEGER NOT NULL CHECK (new_orders >= 0),
  changed_orders   INTEGER NOT NULL CHECK (changed_orders >= 0),
  unchanged_orders INTEGER NOT NULL CHECK (unchanged_orders >= 0),
  digest           BLOB NOT NULL CHECK (length(digest) = 32), -- of all that it did, as the history has it
  UNIQUE (tenant_id, id),
  CHECK (new_orders + changed_orders > 0)
) STRICT;

CREATE TRIGGER imports_are_never_deleted BEFORE DELETE ON imports
BEGIN SELECT RAISE(ABORT, 'what was imported is kept'); END;

CREATE TRIGGER imports_never_change BEFORE UPDATE ON imports
BEGIN SELECT RAISE(ABORT, 'what was imported is kept'); END;

CREATE TABLE kept_answers (
  id           INTEGER PRIMARY KEY,
  tenant_id    INTEGER NOT NULL REFERENCES tenants (id),
  order_key    TEXT NOT NULL CHECK (order_key <> ''),
  release      INTEGER NOT NULL, -- the key that it had; another release may have it here
  requested_at INTEGER NOT NULL,
  came_at      INTEGER NOT NULL,
  kept_at      INTEGER NOT NULL,
  outcome      TEXT NOT NULL CHECK (outcome IN ('released', 'refused', 'unknown')),
  reason       TEXT NOT NULL,
  message      TEXT NOT NULL,
  code         TEXT NOT NULL,
  http_status  INTEGER NOT NULL,
  serials      TEXT NOT NULL CHECK (json_valid(serials)), -- as they came
  count        INTEGER NOT NULL,
  digest       BLOB NOT NULL CHECK (length(digest) = 32), -- of the serials
  body         BLOB NOT NULL,
  added_at     INTEGER, dismissed_at INTEGER, dismissed_by TEXT NOT NULL DEFAULT '' CHECK ((dismissed_by = '') = (dismissed_at IS NULL)), dismissed_why TEXT NOT NULL DEFAULT '' CHECK ((dismissed_why = '') = (dismissed_at IS NULL)), -- when its list was stored with a release, NULL if it was not
  UNIQUE (tenant_id, order_key, requested_at, release)
) STRICT;

CREATE TRIGGER dismissed_answers_never_change BEFORE UPDATE ON kept_answers
WHEN OLD.dismissed_at IS NOT NULL OR NEW.dismissed_at IS NOT NULL AND NEW.added_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an answer is put aside once'); END;

CREATE TRIGGER kept_answers_are_never_deleted BEFORE DELETE ON kept_answers
BEGIN SELECT RAISE(ABORT, 'what came is not thrown away'); END;

CREATE TRIGGER kept_answers_never_change BEFORE UPDATE ON kept_answers
WHEN OLD.added_at IS NOT NULL OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.order_key IS NOT OLD.order_key
  OR NEW.release IS NOT OLD.release OR NEW.requested_at IS NOT OLD.requested_at OR NEW.came_at IS NOT OLD.came_at
  OR NEW.kept_at IS NOT OLD.kept_at OR NEW.outcome IS NOT OLD.outcome OR NEW.reason IS NOT OLD.reason
  OR NEW.message IS NOT OLD.message OR NEW.code IS NOT OLD.code OR NEW.http_status IS NOT OLD.http_status
  OR NEW.serials IS NOT OLD.serials OR NEW.count IS NOT OLD.count OR NEW.digest IS NOT OLD.digest
  OR NEW.body IS NOT OLD.body
BEGIN SELECT RAISE(ABORT, 'what came never changes'); END;

CREATE TABLE kept_keys (
  name   TEXT PRIMARY KEY CHECK (name = 'marks'),
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE known_as (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  user_id   INTEGER NOT NULL REFERENCES users (id),
  name      TEXT NOT NULL CHECK (name <> ''),
  PRIMARY KEY (tenant_id, user_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX known_as_of_user ON known_as (user_id);

CREATE TRIGGER names_that_were_known_never_change BEFORE UPDATE ON known_as
BEGIN SELECT RAISE(ABORT, 'a name stays known'); END;

CREATE TRIGGER names_that_were_known_stay_known BEFORE DELETE ON known_as
BEGIN SELECT RAISE(ABORT, 'a name stays known'); END;

CREATE TABLE lines (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  code      TEXT NOT NULL COLLATE NOCASE CHECK (code <> ''),
  name      TEXT NOT NULL CHECK (name <> ''),
  retired   INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)), -- not listed any more; what happened on it stays
  UNIQUE (tenant_id, code),
  UNIQUE (tenant_id, id)
) STRICT;

CREATE TRIGGER lines_are_never_deleted BEFORE DELETE ON lines
BEGIN SELECT RAISE(ABORT, 'lines are retired, never deleted'); END;

CREATE TABLE list_gtins (
  tenant_id  INTEGER NOT NULL,
  gtin       TEXT NOT NULL CHECK (gtin <> ''),
  order_id   INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products (id), -- under which the serials stand
  PRIMARY KEY (tenant_id, gtin, order_id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX list_gtins_of_order ON list_gtins (order_id);

CREATE TRIGGER a_list_is_compared_under_each_gtin AFTER INSERT ON list_gtins
BEGIN
  INSERT INTO lists_to_compare (tenant_id, list)
  SELECT NEW.tenant_id, r.round << 32 | r.order_id FROM releases r
  WHERE r.order_id = NEW.order_id AND r.outcome = 'released' AND r.list_source <> '';
END;

CREATE TRIGGER gtins_of_lists_are_never_deleted BEFORE DELETE ON list_gtins
BEGIN SELECT RAISE(ABORT, 'a list keeps each GTIN that its order had'); END;

CREATE TRIGGER gtins_of_lists_never_change BEFORE UPDATE ON list_gtins
BEGIN SELECT RAISE(ABORT, 'a list keeps each GTIN that its order had'); END;

CREATE TABLE list_templates (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  body      TEXT NOT NULL CHECK (length(body) BETWEEN 1 AND 16384),
  UNIQUE (tenant_id, body),
  UNIQUE (tenant_id, id)
) STRICT;

CREATE TRIGGER list_templates_are_never_deleted BEFORE DELETE ON list_templates
BEGIN SELECT RAISE(ABORT, 'templates are only added: lists were written by them'); END;

CREATE TRIGGER list_templates_never_change BEFORE UPDATE ON list_templates
BEGIN SELECT RAISE(ABORT, 'templates are only added: lists were written by them'); END;

CREATE TABLE lists_to_compare (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  list      INTEGER NOT NULL
) STRICT;

CREATE INDEX lists_to_compare_by_list ON lists_to_compare (list);

CREATE TABLE losses (
  id            INTEGER PRIMARY KEY,
  tenant_key    INTEGER NOT NULL,
  slug          TEXT NOT NULL CHECK (slug <> ''),
  first_entry   INTEGER NOT NULL CHECK (first_entry > 0),
  last_entry    INTEGER NOT NULL CHECK (last_entry >= first_entry),
  first_anchor  INTEGER NOT NULL CHECK (first_anchor > 0), -- number of the oldest anchor of what is lost
  anchor        INTEGER NOT NULL CHECK (anchor >= first_anchor), -- number of the newest one
  hash          BLOB NOT NULL CHECK (length(hash) = 32), -- that the newest one has
  found_at      INTEGER NOT NULL,
  accepted      INTEGER NOT NULL CHECK (accepted IN (0, 1)), -- the program was told to start in spite of it
  tenant_id     INTEGER REFERENCES tenants (id), -- where it is told of; NULL until there is a tenant of that name
  seen_at       INTEGER,
  seen_by       TEXT NOT NULL DEFAULT '',
  comment       TEXT NOT NULL DEFAULT '',
  UNIQUE (anchor, hash),
  CHECK ((seen_at IS NULL) = (seen_by = '')),
  CHECK (seen_at IS NULL OR tenant_id IS NOT NULL)
) STRICT;

CREATE INDEX losses_of_tenant ON losses (tenant_id);

CREATE TRIGGER losses_are_never_deleted BEFORE DELETE ON losses
BEGIN SELECT RAISE(ABORT, 'a loss is acknowledged, never forgotten'); END;

CREATE TRIGGER losses_never_change BEFORE UPDATE ON losses
WHEN NEW.tenant_key IS NOT OLD.tenant_key OR NEW.slug IS NOT OLD.slug OR NEW.first_entry IS NOT OLD.first_entry
  OR NEW.last_entry IS NOT OLD.last_entry OR NEW.first_anchor IS NOT OLD.first_anchor OR NEW.anchor IS NOT OLD.anchor
  OR NEW.hash IS NOT OLD.hash
  OR NEW.found_at IS NOT OLD.found_at OR NEW.accepted IS NOT OLD.accepted OR OLD.seen_at IS NOT NULL
  OR OLD.tenant_id IS NOT NULL AND NEW.tenant_id IS NOT OLD.tenant_id
BEGIN SELECT RAISE(ABORT, 'a loss is acknowledged once and never changes'); END;

CREATE TABLE lost_releases (
  id           INTEGER PRIMARY KEY,
  loss_id      INTEGER NOT NULL REFERENCES losses (id),
  anchor       INTEGER NOT NULL, -- number of the anchor that tells of its request
  entry        INTEGER NOT NULL,
  order_key    TEXT NOT NULL CHECK (order_key <> ''),
  line_code    TEXT NOT NULL,
  line_name    TEXT NOT NULL,
  requested_at INTEGER NOT NULL,
  username     TEXT NOT NULL,
  full_name    TEXT NOT NULL,
  outcome      TEXT NOT NULL, -- the last that anchors tell, empty for none
  serials      INTEGER NOT NULL,
  release_id   INTEGER REFERENCES releases (id), outcome_alone INTEGER NOT NULL DEFAULT 0 CHECK (outcome_alone IN (0, 1)), ended_at INTEGER, proof TEXT NOT NULL DEFAULT '' CHECK (proof IN ('', 'answer', 'status')), proof_status TEXT NOT NULL DEFAULT '' CHECK (proof = 'status' OR proof_status = ''),
  UNIQUE (loss_id, anchor)
) STRICT;

CREATE INDEX lost_releases_of_release ON lost_releases (release_id);

CREATE TRIGGER lost_releases_are_never_deleted BEFORE DELETE ON lost_releases
BEGIN SELECT RAISE(ABORT, 'what was lost is not forgotten'); END;

CREATE TRIGGER lost_releases_never_change BEFORE UPDATE ON lost_releases
WHEN OLD.release_id IS NOT NULL OR NEW.anchor IS NOT OLD.anchor OR NEW.order_key IS NOT OLD.order_key
BEGIN SELECT RAISE(ABORT, 'what was lost is not changed'); END;

CREATE TABLE member_lines (
  user_id   INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (user_id, tenant_id, line_id),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX member_lines_of_line ON member_lines (tenant_id, line_id);

CREATE TABLE member_roles (
  user_id   INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  role      TEXT NOT NULL CHECK (role IN ('operator', 'supervisor', 'manager', 'auditor', 'administrator')),
  PRIMARY KEY (user_id, tenant_id, role),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TRIGGER a_tenant_keeps_an_administrator BEFORE DELETE ON member_roles
WHEN OLD.role = 'administrator' AND (SELECT active AND password_hash <> '' FROM users WHERE id = OLD.user_id) = 1
  AND NOT EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
    WHERE r.tenant_id = OLD.tenant_id AND r.role = 'administrator' AND u.active = 1 AND u.password_hash <> '' AND r.user_id <> OLD.user_id)
BEGIN SELECT RAISE(ABORT, 'a tenant keeps its last administrator'); END;

CREATE TABLE members (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  user_id   INTEGER NOT NULL REFERENCES users (id),
  PRIMARY KEY (user_id, tenant_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER a_person_with_an_identity_stays_at_one_tenant BEFORE INSERT ON members
WHEN EXISTS (SELECT 1 FROM identities WHERE user_id = NEW.user_id AND tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a person with an identity belongs to one tenant'); END;

CREATE TRIGGER members_are_known_by_their_usernames AFTER INSERT ON members
BEGIN
  INSERT INTO known_as SELECT NEW.tenant_id, id, username FROM users WHERE id = NEW.user_id ON CONFLICT DO NOTHING;
END;

CREATE VIEW new_deliveries (tenant_id, destination_id, release_id, uid, made_at, facts, held_for) AS
SELECT r.tenant_id, d.id, r.id, lower(hex(randomblob(16))), coalesce(r.list_at, r.answered_at),
  json_object('order', o.order_key, 'number', r.round + 1, 'line', r.line_code, 'line_name', r.line_name, 'product', o.product,
    'gtin', o.gtin, 'lot', o.lot, 'expiry', o.expiry, 'quantity', o.quantity, 'count', r.serials_received,
    'released', r.requested_at),
  (SELECT json_group_array(kind) FROM held_kinds h WHERE h.release_id = r.id AND h.destination_id = d.id)
FROM releases r JOIN orders o ON o.id = r.order_id JOIN destinations d ON d.line_id = r.line_id AND d.retired_at IS NULL
WHERE r.list_source <> '';

CREATE TABLE note_withdrawals (
  note_id   INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  user_id   INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  reason    TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  FOREIGN KEY (tenant_id, note_id) REFERENCES notes (tenant_id, id)
) STRICT;

CREATE TRIGGER note_withdrawals_are_never_deleted BEFORE DELETE ON note_withdrawals
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;

CREATE TRIGGER note_withdrawals_never_change BEFORE UPDATE ON note_withdrawals
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;

CREATE TRIGGER notes_are_withdrawn_by_their_writer BEFORE INSERT ON note_withdrawals
WHEN NOT EXISTS (SELECT 1 FROM notes WHERE id = NEW.note_id AND user_id = NEW.user_id)
  OR EXISTS (SELECT 1 FROM note_withdrawals WHERE note_id = NEW.note_id)
BEGIN SELECT RAISE(ABORT, 'a note is withdrawn once, by who wrote it'); END;

CREATE TABLE notes (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  line_id   INTEGER, -- with an order: its line then
  line_code TEXT NOT NULL,
  line_name TEXT NOT NULL,
  order_id  INTEGER,
  order_key TEXT NOT NULL,
  at        INTEGER NOT NULL,
  user_id   INTEGER NOT NULL REFERENCES users (id),
  username  TEXT NOT NULL,
  full_name TEXT NOT NULL,
  role      TEXT NOT NULL,
  station   TEXT NOT NULL,
  words     TEXT NOT NULL CHECK (length(words) BETWEEN 1 AND 500),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK (line_id IS NOT NULL OR order_id IS NOT NULL),
  CHECK ((order_id IS NULL) = (order_key = ''))
) STRICT;

CREATE INDEX notes_at ON notes (tenant_id, at);

CREATE INDEX notes_of_line ON notes (tenant_id, line_id, at);

CREATE INDEX notes_of_order ON notes (order_id, at);

CREATE TRIGGER notes_are_never_deleted BEFORE DELETE ON notes
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;

CREATE TRIGGER notes_never_change BEFORE UPDATE ON notes
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;

CREATE TABLE order_checks (
  order_id     INTEGER PRIMARY KEY REFERENCES orders (id),
  asked_at     INTEGER NOT NULL DEFAULT 0,
  confirmed_at INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE "order_events" (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL CHECK (kind = 'seen' OR kind = 'status' OR kind = 'facts' OR kind = 'line' OR kind = 'gone' OR kind = 'back'),
  field     TEXT NOT NULL DEFAULT '' CHECK (field = '' OR field = 'product' OR field = 'gtin' OR field = 'lot'
    OR field = 'expiry' OR field = 'quantity' OR field = 'extra' OR field = 'line'),
  old_value TEXT NOT NULL DEFAULT '',
  new_value TEXT NOT NULL DEFAULT '',
  source    TEXT NOT NULL CHECK (source = 'list' OR source = 'details' OR source = 'answer' OR source = 'settlement'
    OR source = 'import' OR source = 'person'),
  full_name TEXT NOT NULL DEFAULT '', -- of the person, with source person
  station   TEXT NOT NULL DEFAULT '', -- that they were at
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK ((kind = 'facts') = (field <> '')),
  CHECK ((source = 'person') = (full_name <> '')),
  CHECK (old_value <> new_value OR kind = 'seen' OR kind = 'gone' OR kind = 'back')
) STRICT;

CREATE INDEX order_events_of_order ON order_events (order_id, id);

CREATE TRIGGER order_events_are_never_deleted BEFORE DELETE ON order_events
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;

CREATE TRIGGER order_events_never_change BEFORE UPDATE ON order_events
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;

CREATE TRIGGER order_events_only_grow BEFORE INSERT ON order_events WHEN EXISTS (SELECT 1 FROM order_events WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;

CREATE VIEW order_facts (release_id, known) AS
SELECT r.id, (SELECT json_group_object(key, value)
  FROM json_each(json_object('product', o.product, 'gtin', o.gtin, 'lot', o.lot, 'expiry', o.expiry, 'quantity', o.quantity))
  WHERE value <> '')
FROM releases r JOIN orders o ON o.id = r.order_id;

CREATE TABLE orders (
  id              INTEGER PRIMARY KEY,
  tenant_id       INTEGER NOT NULL REFERENCES tenants (id),
  order_key       TEXT NOT NULL CHECK (order_key <> ''), -- the vendor's order_id
  line_id         INTEGER,
  line_code       TEXT NOT NULL, -- as the API names the line, known here or not
  line_name       TEXT NOT NULL,
  product         TEXT NOT NULL,
  gtin            TEXT NOT NULL,
  lot             TEXT NOT NULL,
  expiry          TEXT NOT NULL, -- YYYY-MM-DD, or as received
  quantity        TEXT NOT NULL, -- a plain decimal number, or as received
  extra_percent   TEXT NOT NULL,
  status          TEXT NOT NULL,
  raw             TEXT NOT NULL, -- the API's own element
  listed          INTEGER NOT NULL CHECK (listed IN (0, 1)), -- is in the newest list of open orders
  gone            INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)), -- the API does not know it any more
  revision        INTEGER NOT NULL DEFAULT 1,
  first_seen_at   INTEGER NOT NULL,
  confirmed_at    INTEGER NOT NULL, -- by details or a release; while listed, the last good refresh counts too
  last_release_id INTEGER,
  urgency         INTEGER NOT NULL GENERATED ALWAYS AS (CASE status -- what needs a person first
    WHEN 'Pending release' THEN 1 WHEN 'Suspended' THEN 2 WHEN 'In progress' THEN 4
    WHEN 'Open' THEN 5 WHEN 'Done' THEN 6 ELSE 3 END) STORED,
  -- A line that a person set is kept through refreshes until it is given back.
  line_set_at     INTEGER CHECK (line_set_at IS NULL OR line_id IS NOT NULL),
  line_set_by     TEXT NOT NULL DEFAULT '' CHECK ((line_set_by <> '') = (line_set_at IS NOT NULL)),
  -- What the API calls the line: its code, or its name if it gives no code.
  api_line        TEXT COLLATE NOCASE
    GENERATED ALWAYS AS (CASE line_code WHEN '' THEN line_name ELSE line_code END) VIRTUAL,
  -- Whether the API has told of the order. Before it has, there is no status and no release.
  known           INTEGER NOT NULL DEFAULT 1
    CHECK (known IN (0, 1) AND (known = 1 OR status = '' AND listed = 0 AND gone = 0)), line_set_reach TEXT
  CHECK (line_set_reach IS NULL OR json_type(line_set_reach) = 'array' AND line_set_at IS NOT NULL), withdrawn_at INTEGER CHECK (withdrawn_at IS NULL OR known = 0), withdrawn_by TEXT NOT NULL DEFAULT '' CHECK ((withdrawn_by = '') = (withdrawn_at IS NULL)), withdrawn_why TEXT NOT NULL DEFAULT '' CHECK ((withdrawn_why = '') = (withdrawn_at IS NULL)),
  UNIQUE (tenant_id, order_key),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  FOREIGN KEY (tenant_id, last_release_id) REFERENCES releases (tenant_id, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE INDEX orders_by_expiry ON orders (tenant_id, expiry, id);

CREATE INDEX orders_by_lot ON orders (tenant_id, lot, id);

CREATE INDEX orders_by_product ON orders (tenant_id, product, id);

CREATE INDEX orders_by_quantity ON orders (tenant_id, CAST(quantity AS REAL), id);

CREATE INDEX orders_by_status ON orders (tenant_id, urgency, status, id);

CREATE INDEX orders_listed ON orders (tenant_id) WHERE listed = 1;

CREATE INDEX orders_of_line ON orders (tenant_id, gone, line_id, urgency, id);

CREATE INDEX orders_of_unknown_line ON orders (tenant_id, api_line) WHERE line_id IS NULL;

CREATE INDEX orders_withdrawn ON orders (tenant_id, id) WHERE withdrawn_at IS NOT NULL;

CREATE TRIGGER a_list_follows_the_gtin_of_its_order AFTER UPDATE OF gtin ON orders
WHEN NEW.gtin <> '' AND NEW.gtin <> OLD.gtin
BEGIN
  INSERT INTO list_gtins (tenant_id, gtin, order_id, product_id)
  SELECT NEW.tenant_id, NEW.gtin, NEW.id, min(p.id) FROM releases r
  JOIN serial_blocks s ON s.id = ((r.round << 32 | NEW.id) << 24) + 1 JOIN products p ON p.id = s.product_id
  WHERE r.order_id = NEW.id AND r.outcome = 'released' AND r.list_source <> '' AND ltrim(NEW.gtin, '0') <> ltrim(p.gtin, '0')
    AND NOT EXISTS (SELECT 1 FROM list_gtins l WHERE l.order_id = NEW.id AND ltrim(l.gtin, '0') = ltrim(NEW.gtin, '0'))
  GROUP BY r.order_id;
END;

CREATE TRIGGER a_new_order_is_unindexed AFTER INSERT ON orders
BEGIN INSERT INTO orders_unindexed (order_id) VALUES (NEW.id) ON CONFLICT DO NOTHING; END;

CREATE TRIGGER a_reworded_order_is_unindexed AFTER UPDATE OF order_key, product, gtin, lot ON orders
WHEN NEW.order_key <> OLD.order_key OR NEW.product <> OLD.product OR NEW.gtin <> OLD.gtin OR NEW.lot <> OLD.lot
BEGIN
  INSERT INTO orders_unindexed (order_id, was)
  VALUES (OLD.id, OLD.order_key || char(10) || OLD.product || char(10) || OLD.gtin || char(10) || OLD.lot) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER an_order_keeps_its_key BEFORE UPDATE OF id ON orders WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'an order keeps its key'); END;

CREATE TRIGGER orders_are_never_deleted BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'orders are never deleted'); END;

CREATE TRIGGER orders_are_there_before_they_are_withdrawn BEFORE INSERT ON orders WHEN NEW.withdrawn_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an order is there before it is withdrawn'); END;

CREATE TRIGGER orders_fit_into_lists AFTER INSERT ON orders WHEN NEW.id >= 1 << 32
BEGIN SELECT RAISE(ABORT, 'there are more orders than lists have keys for'); END;

CREATE TRIGGER orders_on_their_way_are_not_withdrawn BEFORE UPDATE OF withdrawn_at ON orders
WHEN NEW.withdrawn_at IS NOT NULL AND (EXISTS (SELECT 1 FROM releases WHERE order_id = NEW.id)
  OR EXISTS (SELECT 1 FROM queue_orders WHERE order_id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'an order with a release, or with a place in a queue, is not withdrawn'); END;

CREATE TRIGGER orders_stay_known BEFORE UPDATE ON orders WHEN OLD.known = 1 AND NEW.known = 0
BEGIN SELECT RAISE(ABORT, 'an order that the API told of stays known'); END;

CREATE VIEW orders_found_by (id, text) AS
SELECT id, order_key || char(10) || product || char(10) || gtin || char(10) || lot FROM orders;

CREATE VIRTUAL TABLE orders_index USING fts5 (
  text, content = 'orders_found_by', content_rowid = 'id', columnsize = 0, detail = none, tokenize = 'trigram'
);

CREATE TABLE orders_unindexed (
  order_id INTEGER PRIMARY KEY,
  was      TEXT
) STRICT;

CREATE TABLE parted_humans (
  user_id   INTEGER NOT NULL REFERENCES users (id),
  other_id  INTEGER NOT NULL REFERENCES users (id) CHECK (other_id > user_id),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id), -- whose administrator said so
  PRIMARY KEY (user_id, other_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX parted_humans_of_other ON parted_humans (other_id);

CREATE INDEX parted_humans_of_tenant ON parted_humans (tenant_id);

CREATE TABLE products (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  gtin      TEXT NOT NULL,
  UNIQUE (tenant_id, gtin)
) STRICT;

CREATE TABLE queue_orders (
  queue_id  INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  -- What the person who started the queue saw of the order: the digest of its release record. Signatures under the queue
  -- are under just these. Rows of the earliest queues have none.
  content   BLOB CHECK (length(content) = 32),
  PRIMARY KEY (queue_id, place),
  UNIQUE (queue_id, order_id),
  FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER queue_orders_are_never_changed BEFORE UPDATE ON queue_orders
BEGIN SELECT RAISE(ABORT, 'the orders of a queue stay'); END;

CREATE TRIGGER queue_orders_are_never_deleted BEFORE DELETE ON queue_orders
BEGIN SELECT RAISE(ABORT, 'the orders of a queue stay'); END;

CREATE TRIGGER withdrawn_orders_are_not_queued BEFORE INSERT ON queue_orders
WHEN (SELECT withdrawn_at FROM orders WHERE id = NEW.order_id) IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a withdrawn order has no place in a queue'); END;

CREATE TABLE queues (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL,
  line_id    INTEGER NOT NULL,
  user_id    INTEGER NOT NULL REFERENCES users (id),
  username   TEXT NOT NULL,
  full_name  TEXT NOT NULL,
  role       TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  stop       TEXT NOT NULL DEFAULT '' CHECK (stop IN ('', 'done', 'outcome', 'obstacle', 'person', 'restart', 'difficulty')),
  position   INTEGER NOT NULL DEFAULT 0,
  station    TEXT NOT NULL DEFAULT '', discarded_at INTEGER CHECK (discarded_at IS NULL OR stop NOT IN ('', 'done')),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  CHECK ((ended_at IS NULL) = (stop = ''))
) STRICT;

CREATE UNIQUE INDEX one_queue_of_a_line ON queues (line_id) WHERE stop = '';

CREATE INDEX queues_of_line ON queues (line_id, id);

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

CREATE TABLE record_log (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  number    INTEGER NOT NULL,
  record    TEXT NOT NULL CHECK (record <> ''), -- the table
  key       TEXT NOT NULL CHECK (json_valid(key)),
  digest    BLOB CHECK (length(digest) = 32), begins INTEGER GENERATED ALWAYS AS (json_extract(key, '$[0][0]')) VIRTUAL, digests BLOB CHECK (iif(digests IS NULL, key NOT GLOB '[[][[]*',
  digest IS NOT NULL AND length(digests) > 0 AND length(digests) % 32 = 0
    AND key = json_array(json_array(begins, begins + length(digests) / 32 - 1)))),
  PRIMARY KEY (tenant_id, number)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX record_log_of_many ON record_log (tenant_id, record, begins) WHERE digests IS NOT NULL;

CREATE INDEX record_log_of_record ON record_log (tenant_id, record, key, number);

CREATE TRIGGER record_log_is_never_changed BEFORE UPDATE ON record_log
BEGIN SELECT RAISE(ABORT, 'the log of records is append-only'); END;

CREATE TRIGGER record_log_is_never_deleted BEFORE DELETE ON record_log
BEGIN SELECT RAISE(ABORT, 'the log of records is append-only'); END;

CREATE TRIGGER record_log_only_grows BEFORE INSERT ON record_log
WHEN NEW.number <> 1 + coalesce((SELECT max(number) FROM record_log WHERE tenant_id = NEW.tenant_id), 0)
BEGIN SELECT RAISE(ABORT, 'a line of the log of records follows the last one'); END;

CREATE TABLE refreshes (
  tenant_id    INTEGER PRIMARY KEY REFERENCES tenants (id),
  tried_at     INTEGER NOT NULL DEFAULT 0,
  succeeded_at INTEGER NOT NULL DEFAULT 0,
  problem      TEXT NOT NULL DEFAULT '',
  message      TEXT NOT NULL DEFAULT '',
  nameless     INTEGER NOT NULL DEFAULT 0, -- elements of the last good list without an order ID
  changes      INTEGER NOT NULL DEFAULT 0 -- how many orders the last good refresh found new or changed
) STRICT;

CREATE TABLE releases (
  id               INTEGER PRIMARY KEY,
  tenant_id        INTEGER NOT NULL,
  order_id         INTEGER NOT NULL,
  user_id          INTEGER NOT NULL REFERENCES users (id),
  username         TEXT NOT NULL,
  full_name        TEXT NOT NULL,
  role             TEXT NOT NULL,
  line_id          INTEGER,
  line_code        TEXT NOT NULL,
  line_name        TEXT NOT NULL,
  requested_at     INTEGER NOT NULL,
  serials_expected INTEGER,
  outcome          TEXT NOT NULL CHECK (outcome IN ('sending', 'released', 'refused', 'unknown')),
  answered_at      INTEGER,
  reason           TEXT NOT NULL DEFAULT '',
  order_status     TEXT NOT NULL DEFAULT '', -- with reason wrong_status: the status that the API named
  message          TEXT NOT NULL DEFAULT '',
  code             TEXT NOT NULL DEFAULT '',
  http_status      INTEGER NOT NULL DEFAULT 0,
  proof            TEXT NOT NULL DEFAULT '' CHECK (proof IN ('', 'answer', 'status', 'person')), -- what it is settled by
  settled_at       INTEGER, -- when an unknown outcome became known
  asked_at         INTEGER, -- while unknown: when the API was last asked about it, and what that came to
  asked_says       TEXT NOT NULL DEFAULT '',
  list_source      TEXT NOT NULL DEFAULT '' CHECK (list_source IN ('', 'answer', 'details', 'person')), -- '': no list is here
  list_by          TEXT NOT NULL DEFAULT '', -- who added it, where a person did
  list_at          INTEGER,
  serials_received INTEGER NOT NULL DEFAULT 0,
  oddities         TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(oddities)),
  station          TEXT NOT NULL DEFAULT '', -- name of the station where it was pressed, empty elsewhere
  queue_id         INTEGER, flagged_at INTEGER, pending_since INTEGER, pending_again INTEGER CHECK (pending_again IS NULL OR pending_since IS NOT NULL), contradicted_at INTEGER, settled_by TEXT NOT NULL DEFAULT '', settled_why TEXT NOT NULL DEFAULT '' CHECK ((settled_why = '') = (settled_by = '')), closed_at INTEGER CHECK (closed_at IS NULL OR outcome = 'unknown' AND settled_by <> ''), round INTEGER NOT NULL DEFAULT 0 CHECK (round BETWEEN 0 AND 127), again_why TEXT NOT NULL DEFAULT '' CHECK ((again_why <> '') = (round > 0)), result TEXT GENERATED ALWAYS AS (
  CASE WHEN contradicted_at IS NULL THEN '' ELSE contradicted_at || ' ' END || list_source
    || CASE WHEN flagged_at IS NULL THEN '' ELSE ' ' || flagged_at END) VIRTUAL, -- the queue that it belongs to
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK ((outcome = 'sending') = (answered_at IS NULL)),
  CHECK (outcome = 'released' OR list_source = ''),
  CHECK (list_source <> '' OR serials_received = 0),
  CHECK ((outcome IN ('released', 'refused')) = (proof <> '')),
  CHECK ((outcome IN ('refused', 'unknown')) = (reason <> ''))
) STRICT;

CREATE UNIQUE INDEX one_release_of_an_order ON releases (order_id, round) WHERE outcome IN ('sending', 'unknown', 'released');

CREATE INDEX releases_at ON releases (tenant_id, requested_at);

CREATE INDEX releases_of_order ON releases (order_id, id);

CREATE INDEX releases_refused ON releases (tenant_id) WHERE outcome = 'refused';

CREATE INDEX releases_to_look_at ON releases (tenant_id) WHERE outcome = 'released' AND (list_source = '' OR oddities <> '[]');

CREATE INDEX releases_unsettled ON releases (tenant_id, outcome) WHERE outcome IN ('sending', 'unknown');

CREATE TRIGGER a_person_settles_with_a_reason BEFORE UPDATE ON releases
WHEN OLD.outcome = 'unknown' AND NEW.proof = 'person' AND NEW.settled_by = ''
BEGIN SELECT RAISE(ABORT, 'a person settles an unknown outcome by name and with a reason'); END;

CREATE TRIGGER a_released_list_is_final BEFORE UPDATE ON releases
WHEN OLD.outcome = 'released' AND NEW.outcome = 'released' AND (
  NEW.answered_at IS NOT OLD.answered_at OR NEW.reason IS NOT OLD.reason OR NEW.order_status IS NOT OLD.order_status
  OR NEW.message IS NOT OLD.message OR NEW.code IS NOT OLD.code OR NEW.http_status IS NOT OLD.http_status
  OR NEW.proof IS NOT OLD.proof OR NEW.settled_at IS NOT OLD.settled_at
  OR NEW.pending_since IS NOT OLD.pending_since OR NEW.pending_again IS NOT OLD.pending_again
  OR NEW.contradicted_at IS NOT OLD.contradicted_at
  OR NEW.settled_by IS NOT OLD.settled_by OR NEW.settled_why IS NOT OLD.settled_why
  OR NEW.list_source = '' AND (NEW.oddities IS NOT OLD.oddities OR NEW.flagged_at IS NOT OLD.flagged_at)
  OR OLD.list_source <> '' AND (NEW.flagged_at IS NULL
    OR NEW.list_source IS NOT OLD.list_source OR NEW.list_by IS NOT OLD.list_by OR NEW.list_at IS NOT OLD.list_at
    OR NEW.serials_received IS NOT OLD.serials_received
    OR NEW.asked_at IS NOT OLD.asked_at OR NEW.asked_says IS NOT OLD.asked_says
    OR EXISTS (SELECT 1 FROM json_each(OLD.oddities) was WHERE NOT EXISTS (
      SELECT 1 FROM json_each(NEW.oddities) now WHERE now.value = was.value
        OR now.value ->> 'Kind' = was.value ->> 'Kind' AND now.value ->> 'Kind' IN ('seen_before', 'seen_again')
          AND now.value ->> 'Count' > was.value ->> 'Count'))))
BEGIN SELECT RAISE(ABORT, 'the list of a release is added once and never changes'); END;

CREATE TRIGGER a_round_follows_the_one_before BEFORE INSERT ON releases
WHEN NEW.round > 0
  AND NEW.round <> (SELECT count(*) FROM releases WHERE order_id = NEW.order_id AND outcome = 'released')
BEGIN SELECT RAISE(ABORT, 'an order is released once more after its release, one at a time'); END;

CREATE TRIGGER lists_make_deliveries AFTER UPDATE OF list_source ON releases
WHEN OLD.list_source = '' AND NEW.list_source <> ''
BEGIN
  INSERT INTO deliveries (tenant_id, destination_id, release_id, uid, made_at, facts, held_for, since, state)
  SELECT tenant_id, destination_id, release_id, uid, made_at, facts, held_for, made_at, iif(held_for = '[]', 'waiting', 'held')
  FROM new_deliveries WHERE release_id = NEW.id;
END;

CREATE TRIGGER lost_releases_are_looked_at BEFORE INSERT ON releases
WHEN EXISTS (
  SELECT 1 FROM releases r JOIN lost_releases l ON l.release_id = r.id
  WHERE r.order_id = NEW.order_id
    AND NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.release_id = r.id AND a.list_source = r.result))
BEGIN SELECT RAISE(ABORT, 'a release whose record was lost is looked at first'); END;

CREATE TRIGGER odd_lists_are_held AFTER UPDATE OF oddities ON releases
WHEN OLD.list_source <> '' AND NEW.oddities IS NOT OLD.oddities
BEGIN
  UPDATE deliveries SET state = 'held',
    held_for = (SELECT json_group_array(kind) FROM held_kinds h WHERE h.release_id = NEW.id AND h.destination_id = deliveries.destination_id)
  WHERE release_id = NEW.id AND state = 'waiting'
    AND EXISTS (SELECT 1 FROM held_kinds h WHERE h.release_id = NEW.id AND h.destination_id = deliveries.destination_id
      AND h.kind NOT IN (SELECT value FROM json_each(deliveries.held_for)));
END;

CREATE TRIGGER only_known_orders_are_released BEFORE INSERT ON releases
WHEN (SELECT known FROM orders WHERE id = NEW.order_id) = 0
BEGIN SELECT RAISE(ABORT, 'an order that the API has not told of can''t be released'); END;

CREATE TRIGGER pending_release_is_seen_twice BEFORE UPDATE ON releases
WHEN OLD.outcome = 'unknown' AND NEW.outcome = 'refused' AND NEW.proof = 'status'
  AND (NEW.pending_again IS NULL OR OLD.contradicted_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'Pending release is a sign only when it was seen twice, and never after a contradiction'); END;

CREATE TRIGGER releases_are_never_deleted BEFORE DELETE ON releases
BEGIN SELECT RAISE(ABORT, 'releases are never deleted'); END;

CREATE TRIGGER releases_keep_their_round BEFORE UPDATE ON releases
WHEN NEW.round IS NOT OLD.round OR NEW.again_why IS NOT OLD.again_why
BEGIN SELECT RAISE(ABORT, 'a release keeps its round and its reason'); END;

CREATE TRIGGER releases_keep_their_station BEFORE UPDATE ON releases WHEN NEW.station IS NOT OLD.station
BEGIN SELECT RAISE(ABORT, 'a release keeps its station'); END;

CREATE TRIGGER releases_of_queues_are_of_their_orders BEFORE INSERT ON releases
WHEN NEW.queue_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM queue_orders
  WHERE queue_id = NEW.queue_id AND tenant_id = NEW.tenant_id AND order_id = NEW.order_id)
BEGIN SELECT RAISE(ABORT, 'a release of a queue is of an order of it'); END;

CREATE TRIGGER releases_only_go_forward BEFORE UPDATE ON releases
WHEN (OLD.outcome = 'refused' OR OLD.outcome = 'released' AND NEW.outcome <> 'released')
    AND NOT (NEW.outcome = 'unknown' AND NEW.contradicted_at IS NOT NULL AND NEW.contradicted_at IS NOT OLD.contradicted_at
      AND (OLD.outcome = 'refused' AND (OLD.proof <> 'answer' OR OLD.reason IN ('other_refusal', 'throttled'))
        OR OLD.outcome = 'released' AND OLD.proof = 'person' AND OLD.list_source = ''))
  OR NEW.outcome = 'sending'
  OR NEW.id IS NOT OLD.id OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.order_id IS NOT OLD.order_id
  OR NEW.user_id IS NOT OLD.user_id OR NEW.username IS NOT OLD.username OR NEW.full_name IS NOT OLD.full_name
  OR NEW.role IS NOT OLD.role OR NEW.line_id IS NOT OLD.line_id OR NEW.line_code IS NOT OLD.line_code
  OR NEW.line_name IS NOT OLD.line_name OR NEW.requested_at IS NOT OLD.requested_at
  OR NEW.serials_expected IS NOT OLD.serials_expected
BEGIN SELECT RAISE(ABORT, 'a release only goes from sending to its outcome, and from unknown to a settled one'); END;

CREATE TRIGGER releases_start_as_sending BEFORE INSERT ON releases WHEN NEW.outcome <> 'sending'
BEGIN SELECT RAISE(ABORT, 'a release starts as sending'); END;

CREATE TRIGGER releases_stay_with_their_queue BEFORE UPDATE OF queue_id ON releases WHEN NEW.queue_id IS NOT OLD.queue_id
BEGIN SELECT RAISE(ABORT, 'a release stays with its queue'); END;

CREATE TABLE rules (
  tenant_id     INTEGER PRIMARY KEY REFERENCES tenants (id),
  lock_after    INTEGER NOT NULL CHECK (lock_after BETWEEN 120000 AND 900000), -- milliseconds
  sign_releases INTEGER NOT NULL CHECK (sign_releases IN (0, 1)),
  second_signer INTEGER NOT NULL CHECK (second_signer IN (0, 1)), release_unanchored INTEGER NOT NULL DEFAULT 0 CHECK (release_unanchored IN (0, 1)), release_uncopied INTEGER NOT NULL DEFAULT 0 CHECK (release_uncopied IN (0, 1)),
  CHECK (sign_releases = 1 OR second_signer = 0)
) STRICT;

CREATE TABLE serial_blocks (
  id         INTEGER PRIMARY KEY,
  number     INTEGER NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 67108863),
  product_id INTEGER NOT NULL,
  packed     BLOB NOT NULL CHECK (length(packed) > 0)
) STRICT;

CREATE TRIGGER serials_are_never_deleted BEFORE DELETE ON serial_blocks
WHEN OLD.id >> 24 NOT IN (SELECT list FROM staged_lists)
BEGIN SELECT RAISE(ABORT, 'serial numbers are kept as received'); END;

CREATE TRIGGER serials_never_change BEFORE UPDATE ON serial_blocks
BEGIN SELECT RAISE(ABORT, 'serial numbers are kept as received'); END;

CREATE TABLE serial_marks (mark INTEGER PRIMARY KEY) STRICT;

CREATE TABLE serial_runs (
  id    INTEGER PRIMARY KEY,
  list  INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  marks BLOB NOT NULL
) STRICT;

CREATE INDEX serial_runs_of_list ON serial_runs (list);

CREATE INDEX serial_runs_of_marks ON serial_runs (first, last);

CREATE TABLE sessions (
  token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32), -- SHA-256 of what the cookie carries
  user_id    INTEGER NOT NULL,
  tenant_id  INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  -- Where it began, so that a person can tell sessions apart in a list: the address, the browser as it names itself, and
  -- the name that the station had then.
  address    TEXT NOT NULL DEFAULT '',
  agent      TEXT NOT NULL DEFAULT '' CHECK (length(agent) <= 200),
  station    TEXT NOT NULL DEFAULT '',
  sso        INTEGER NOT NULL DEFAULT 0 CHECK (sso IN (0, 1)), -- began by single sign-on; may end at the provider too
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_member ON sessions (user_id, tenant_id);

CREATE TABLE settlements (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL,
  release_id INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  user_id    INTEGER NOT NULL REFERENCES users (id),
  username   TEXT NOT NULL,
  full_name  TEXT NOT NULL,
  role       TEXT NOT NULL,
  station    TEXT NOT NULL,
  verdict    TEXT NOT NULL CHECK (verdict IN ('was_released', 'was_not_released', 'cannot_be_known')),
  why        TEXT NOT NULL CHECK (length(why) BETWEEN 1 AND 500),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, release_id) REFERENCES releases (tenant_id, id)
) STRICT;

CREATE INDEX settlements_of_release ON settlements (tenant_id, release_id);

CREATE TRIGGER only_unknown_outcomes_are_settled_by_word BEFORE INSERT ON settlements
WHEN EXISTS (SELECT 1 FROM settlements WHERE id = NEW.id)
  OR (SELECT outcome FROM releases WHERE id = NEW.release_id) IS NOT 'unknown'
BEGIN SELECT RAISE(ABORT, 'a person settles an unknown outcome'); END;

CREATE TRIGGER settlements_are_never_deleted BEFORE DELETE ON settlements
BEGIN SELECT RAISE(ABORT, 'what people said of a release is kept'); END;

CREATE TRIGGER settlements_never_change BEFORE UPDATE ON settlements
BEGIN SELECT RAISE(ABORT, 'what people said of a release is kept'); END;

CREATE TABLE shift_plans (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  valid_from TEXT NOT NULL CHECK (date(valid_from) IS valid_from), -- a day of the site
  set_at     INTEGER NOT NULL,
  UNIQUE (tenant_id, id)
) STRICT;

CREATE INDEX shift_plans_of_tenant ON shift_plans (tenant_id, id);

CREATE TRIGGER shift_plans_are_never_deleted BEFORE DELETE ON shift_plans
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;

CREATE TRIGGER shift_plans_leave_the_past BEFORE INSERT ON shift_plans
WHEN EXISTS (SELECT 1 FROM shift_plans WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM shift_plans WHERE tenant_id = NEW.tenant_id) AND NEW.valid_from < date(NEW.set_at / 1000, 'unixepoch')
  OR NEW.valid_from <= (SELECT max(day) FROM handovers WHERE tenant_id = NEW.tenant_id)
  OR NEW.valid_from <= (SELECT max(day) FROM shift_reviews WHERE tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a plan of shifts begins after what is past'); END;

CREATE TRIGGER shift_plans_never_change BEFORE UPDATE ON shift_plans
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;

CREATE TABLE shift_reviews (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  day       TEXT NOT NULL CHECK (date(day) IS day),
  shift     TEXT NOT NULL COLLATE NOCASE CHECK (shift <> ''),
  version   INTEGER NOT NULL,
  ends_at   INTEGER NOT NULL,
  at        INTEGER NOT NULL CHECK (at >= ends_at),
  content   BLOB NOT NULL CHECK (length(content) = 32), -- packaging.Record.Digest of record
  record    TEXT NOT NULL CHECK (json_valid(record)),
  comment   TEXT NOT NULL CHECK (length(comment) <= 2000),
  UNIQUE (tenant_id, day, shift, version),
  UNIQUE (tenant_id, id)
) STRICT;

CREATE TRIGGER an_open_shift_is_signed_with_a_comment BEFORE INSERT ON shift_reviews
WHEN trim(NEW.comment) = '' AND EXISTS (
  SELECT 1 FROM releases r
  WHERE r.tenant_id = NEW.tenant_id AND r.outcome IN ('sending', 'unknown') AND r.closed_at IS NULL
    AND r.requested_at < NEW.ends_at
    AND r.requested_at >= (
      SELECT CAST(round(1000 * unixepoch(v.value ->> 'Text', 'subsec')) AS INTEGER)
      FROM json_each(NEW.record, '$.Values') v WHERE v.value ->> 'Name' = 'begin'
    )
)
BEGIN SELECT RAISE(ABORT, 'a shift with an unknown outcome is signed with a comment'); END;

CREATE TRIGGER shift_reviews_are_never_deleted BEFORE DELETE ON shift_reviews
BEGIN SELECT RAISE(ABORT, 'reviews of shifts are append-only'); END;

CREATE TRIGGER shift_reviews_never_change BEFORE UPDATE ON shift_reviews
BEGIN SELECT RAISE(ABORT, 'reviews of shifts are append-only'); END;

CREATE TRIGGER shift_reviews_only_grow BEFORE INSERT ON shift_reviews
WHEN EXISTS (SELECT 1 FROM shift_reviews WHERE id = NEW.id)
  OR NEW.version <> 1 + (SELECT count(*) FROM shift_reviews WHERE tenant_id = NEW.tenant_id AND day = NEW.day AND shift = NEW.shift)
BEGIN SELECT RAISE(ABORT, 'a review of a shift follows the last one'); END;

CREATE TABLE shift_rules (
  tenant_id      INTEGER PRIMARY KEY REFERENCES tenants (id),
  other_reviewer INTEGER NOT NULL CHECK (other_reviewer IN (0, 1)) -- a shift is signed by somebody who did nothing in it
) STRICT;

CREATE TABLE shifts (
  plan_id   INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  name      TEXT NOT NULL COLLATE NOCASE CHECK (name <> ''),
  starts    INTEGER NOT NULL CHECK (starts BETWEEN 0 AND 1439), -- minutes since midnight, by the site's clock
  ends      INTEGER NOT NULL CHECK (ends BETWEEN 0 AND 1439), -- on the next day where it is not after starts
  days      INTEGER NOT NULL CHECK (days BETWEEN 1 AND 127), -- on which it begins; bit 0 is Sunday
  PRIMARY KEY (plan_id, place),
  UNIQUE (plan_id, name),
  FOREIGN KEY (tenant_id, plan_id) REFERENCES shift_plans (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER shifts_are_never_deleted BEFORE DELETE ON shifts
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;

CREATE TRIGGER shifts_never_change BEFORE UPDATE ON shifts
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;

CREATE TABLE "shown_serials" (
  serial_id INTEGER PRIMARY KEY, -- list << 24 | place
  tenant_id INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  user_id   INTEGER NOT NULL REFERENCES users (id),
  username  TEXT NOT NULL,
  full_name TEXT NOT NULL,
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
) STRICT;

CREATE TRIGGER serials_are_shown_before_the_line_begins BEFORE INSERT ON shown_serials
WHEN NEW.serial_id >> 24 & 4294967295 <> NEW.order_id
  OR NEW.serial_id >> 24 IN (SELECT list FROM staged_lists)
  OR NEW.serial_id & 16777215 NOT BETWEEN 1 AND coalesce((SELECT r.serials_received FROM releases r
    WHERE r.order_id = NEW.order_id AND r.round = NEW.serial_id >> 56 AND r.outcome = 'released'), 0)
  OR (SELECT status FROM orders WHERE id = NEW.order_id) NOT IN ('Open', 'Pending release', 'In progress')
  OR EXISTS (SELECT 1 FROM order_events WHERE order_id = NEW.order_id AND kind = 'status'
    AND (old_value IN ('Suspended', 'Done') OR new_value IN ('Suspended', 'Done')))
BEGIN SELECT RAISE(ABORT, 'a serial number of the list is shown before the line begins with the order'); END;

CREATE TRIGGER shown_serials_are_never_deleted BEFORE DELETE ON shown_serials
BEGIN SELECT RAISE(ABORT, 'what was shown stays known'); END;

CREATE TRIGGER shown_serials_never_change BEFORE UPDATE ON shown_serials
BEGIN SELECT RAISE(ABORT, 'what was shown stays known'); END;

CREATE TABLE sign_on_waits (
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  issuer     TEXT NOT NULL CHECK (issuer <> ''),
  subject    TEXT NOT NULL CHECK (subject <> ''),
  username   TEXT NOT NULL, -- as the provider has it
  email      TEXT NOT NULL,
  full_name  TEXT NOT NULL,
  user_id    INTEGER NOT NULL REFERENCES users (id), -- the person who has the name
  asked_at   INTEGER NOT NULL,
  same       INTEGER CHECK (same IN (0, 1)),
  decided_by INTEGER REFERENCES users (id) CHECK ((decided_by IS NULL) = (same IS NULL)),
  PRIMARY KEY (tenant_id, issuer, subject, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_on_waits_of_decider ON sign_on_waits (decided_by);

CREATE INDEX sign_on_waits_of_user ON sign_on_waits (user_id);

CREATE TRIGGER nobody_says_who_they_are_themselves BEFORE UPDATE OF same ON sign_on_waits
WHEN NEW.same IS NOT NULL AND (SELECT human_id FROM humans WHERE user_id = NEW.decided_by)
  = (SELECT human_id FROM humans WHERE user_id = NEW.user_id)
BEGIN SELECT RAISE(ABORT, 'an administrator whom it is not about says who somebody is'); END;

CREATE TRIGGER who_waits_is_asked_about_first BEFORE INSERT ON sign_on_waits
WHEN NEW.same IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an administrator says who somebody is once they wait'); END;

CREATE TABLE signatures (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  kind      TEXT NOT NULL CHECK (kind <> ''),
  object    INTEGER NOT NULL,
  content   BLOB NOT NULL CHECK (length(content) = 32),
  place     INTEGER NOT NULL CHECK (place IN (1, 2)),
  user_id   INTEGER NOT NULL REFERENCES users (id),
  username  TEXT NOT NULL CHECK (username <> ''),
  full_name TEXT NOT NULL CHECK (full_name <> ''),
  role      TEXT NOT NULL CHECK (role <> ''),
  station   TEXT NOT NULL,
  meaning   TEXT NOT NULL CHECK (meaning <> ''),
  at        INTEGER NOT NULL,
  factor    TEXT NOT NULL CHECK (factor IN ('password', 'pin')),
  hash      BLOB NOT NULL CHECK (length(hash) = 32),
  UNIQUE (kind, object, place),
  UNIQUE (kind, object, user_id)
) STRICT;

CREATE TRIGGER a_second_signature_follows_a_first BEFORE INSERT ON signatures
WHEN NEW.place = 2 AND NOT EXISTS (SELECT 1 FROM signatures WHERE kind = NEW.kind AND object = NEW.object AND place = 1
  AND tenant_id = NEW.tenant_id AND content = NEW.content)
BEGIN SELECT RAISE(ABORT, 'a second person signs what the first has signed'); END;

CREATE TRIGGER one_human_signs_once BEFORE INSERT ON signatures
WHEN EXISTS (SELECT 1 FROM signatures s JOIN humans a ON a.user_id = s.user_id JOIN humans b ON b.user_id = NEW.user_id
  WHERE s.kind = NEW.kind AND s.object = NEW.object AND s.user_id <> NEW.user_id AND a.human_id = b.human_id)
BEGIN SELECT RAISE(ABORT, 'a second human signs what the first has signed'); END;

CREATE TRIGGER signatures_are_never_changed BEFORE UPDATE ON signatures
BEGIN SELECT RAISE(ABORT, 'signatures are append-only'); END;

CREATE TRIGGER signatures_are_never_deleted BEFORE DELETE ON signatures
BEGIN SELECT RAISE(ABORT, 'signatures are append-only'); END;

CREATE TRIGGER signatures_of_queues_of_their_tenant BEFORE INSERT ON signatures
WHEN NEW.kind = 'queue' AND NOT EXISTS (SELECT 1 FROM queues WHERE id = NEW.object AND tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a signature stands under a queue of its tenant'); END;

CREATE TRIGGER signatures_of_releases_of_their_tenant BEFORE INSERT ON signatures
WHEN NEW.kind = 'release' AND NOT EXISTS (SELECT 1 FROM releases WHERE id = NEW.object AND tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a signature stands under a release of its tenant'); END;

CREATE TRIGGER signatures_of_settlements_of_their_tenant BEFORE INSERT ON signatures
WHEN NEW.kind = 'settlement'
  AND NOT EXISTS (SELECT 1 FROM settlements WHERE id = NEW.object AND tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a signature stands under a settlement of its tenant'); END;

CREATE TABLE sso (
  tenant_id     INTEGER PRIMARY KEY REFERENCES tenants (id),
  enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  label         TEXT NOT NULL CHECK (label <> ''),
  home          TEXT NOT NULL CHECK (home <> ''),
  issuer        TEXT NOT NULL CHECK (issuer <> ''),
  client_id     TEXT NOT NULL CHECK (client_id <> ''),
  client_secret BLOB, -- sealed with a key that is not in the database; none for a public client
  secret_set_at INTEGER,
  secret_set_by TEXT NOT NULL DEFAULT '',
  scopes        TEXT NOT NULL, -- separated by spaces, without openid
  hosts         TEXT NOT NULL, -- separated by spaces, without the host of the issuer
  claim         TEXT NOT NULL CHECK (claim <> ''),
  CHECK ((client_secret IS NULL) = (secret_set_at IS NULL))
) STRICT;

CREATE TRIGGER a_client_secret_stays_with_its_issuer BEFORE UPDATE ON sso
WHEN NEW.issuer <> OLD.issuer AND NEW.client_secret IS OLD.client_secret AND OLD.client_secret IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a client secret goes to the issuer that it was set for alone'); END;

CREATE TABLE sso_grant_lines (
  tenant_id INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, place, line_id),
  FOREIGN KEY (tenant_id, place) REFERENCES sso_grants (tenant_id, place) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sso_grant_lines_of_line ON sso_grant_lines (tenant_id, line_id);

CREATE TABLE sso_grant_roles (
  tenant_id INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  role      TEXT NOT NULL CHECK (role IN ('operator', 'supervisor', 'manager', 'auditor', 'administrator')),
  PRIMARY KEY (tenant_id, place, role),
  FOREIGN KEY (tenant_id, place) REFERENCES sso_grants (tenant_id, place) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE sso_grants (
  tenant_id INTEGER NOT NULL REFERENCES sso (tenant_id),
  place     INTEGER NOT NULL,
  value     TEXT NOT NULL CHECK (value <> ''),
  PRIMARY KEY (tenant_id, place),
  UNIQUE (tenant_id, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE staged_lists (list INTEGER PRIMARY KEY) STRICT;

CREATE TRIGGER lists_that_are_here_are_not_staged BEFORE INSERT ON staged_lists
WHEN EXISTS (SELECT 1 FROM serial_blocks WHERE id BETWEEN NEW.list << 24 AND NEW.list << 24 | 16777215)
BEGIN SELECT RAISE(ABORT, 'a list that is here is not staged'); END;

CREATE TRIGGER staged_lists_keep_their_key BEFORE UPDATE ON staged_lists
BEGIN SELECT RAISE(ABORT, 'a staged list keeps its key'); END;

CREATE TABLE station_factors (
  user_id    INTEGER NOT NULL,
  tenant_id  INTEGER NOT NULL,
  badge_mark BLOB CHECK (length(badge_mark) = 32), badge_set_by TEXT NOT NULL DEFAULT '', badge_confirmed_at INTEGER, pin BLOB,
  PRIMARY KEY (user_id, tenant_id),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX one_person_of_a_badge ON station_factors (tenant_id, badge_mark) WHERE badge_mark IS NOT NULL;

CREATE TABLE station_sessions (
  token_hash BLOB PRIMARY KEY REFERENCES sessions (token_hash) ON DELETE CASCADE,
  station_id INTEGER NOT NULL REFERENCES stations (id),
  used_at    INTEGER NOT NULL, -- by a person: what a page asks by itself does not count
  locked     INTEGER NOT NULL DEFAULT 0 CHECK (locked IN (0, 1)) -- by a person: time locks by itself
) STRICT, WITHOUT ROWID;

CREATE INDEX station_sessions_of_station ON station_sessions (station_id);

CREATE TRIGGER sessions_at_stations_of_their_tenant BEFORE INSERT ON station_sessions
WHEN (SELECT tenant_id FROM sessions WHERE token_hash = NEW.token_hash) IS NOT (SELECT tenant_id FROM stations WHERE id = NEW.station_id)
BEGIN SELECT RAISE(ABORT, 'a station is for the people of its tenant'); END;

CREATE TABLE stations (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  line_id    INTEGER NOT NULL,
  name       TEXT NOT NULL COLLATE NOCASE CHECK (name <> ''),
  code_mark  BLOB UNIQUE CHECK (length(code_mark) = 32),
  code_until INTEGER,
  token_hash BLOB UNIQUE CHECK (length(token_hash) = 32), -- SHA-256 of what the cookie carries
  bound_at   INTEGER,
  -- The language (BCP 47) for people who have chosen none, empty for the browser's.
  language   TEXT NOT NULL DEFAULT '' CHECK (language IN ('', 'de', 'en', 'es', 'fr', 'hu')), keyboard TEXT NOT NULL DEFAULT ''
  CHECK (keyboard = '' OR token_hash IS NOT NULL AND (keyboard GLOB 'agrees-?*' OR keyboard GLOB 'differs-?*')),
  UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  CHECK ((code_mark IS NULL) = (code_until IS NULL)),
  CHECK ((token_hash IS NULL) = (bound_at IS NULL))
) STRICT;

CREATE INDEX stations_of_line ON stations (tenant_id, line_id);

CREATE TRIGGER stations_unbound_end_their_sessions AFTER UPDATE OF token_hash ON stations WHEN NEW.token_hash IS NOT OLD.token_hash
BEGIN DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM station_sessions WHERE station_id = NEW.id); END;

CREATE TABLE takeovers (
  handover_id INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  user_id     INTEGER NOT NULL REFERENCES users (id),
  username    TEXT NOT NULL,
  full_name   TEXT NOT NULL,
  role        TEXT NOT NULL,
  station     TEXT NOT NULL,
  remarks     TEXT NOT NULL CHECK (length(remarks) <= 2000),
  FOREIGN KEY (tenant_id, handover_id) REFERENCES handovers (tenant_id, id)
) STRICT;

CREATE TRIGGER another_person_takes_over BEFORE INSERT ON takeovers
WHEN (SELECT human_id FROM humans WHERE user_id = NEW.user_id)
    = (SELECT u.human_id FROM handovers h JOIN humans u ON u.user_id = h.user_id WHERE h.id = NEW.handover_id)
  OR EXISTS (SELECT 1 FROM takeovers WHERE handover_id = NEW.handover_id)
BEGIN SELECT RAISE(ABORT, 'a shift is taken over once, by another human than the one who hands it over'); END;

CREATE TRIGGER takeovers_are_never_deleted BEFORE DELETE ON takeovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;

CREATE TRIGGER takeovers_never_change BEFORE UPDATE ON takeovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;

CREATE TABLE tenants (
  id           INTEGER PRIMARY KEY,
  slug         TEXT NOT NULL UNIQUE CHECK (slug <> '' AND slug NOT GLOB '*[^a-z0-9-]*'),
  name         TEXT NOT NULL CHECK (name <> ''),
  time_zone    TEXT NOT NULL CHECK (time_zone <> ''),
  base_url     TEXT NOT NULL CHECK (base_url <> ''),
  token_kind   TEXT NOT NULL CHECK (token_kind IN ('dynamic', 'static')),
  token_header TEXT NOT NULL CHECK (token_header IN ('x-access-token', 'authorization')),
  api_key      BLOB, -- this and the next three are sealed with a key that is not in the database
  api_secret   BLOB,
  channel_key  BLOB,
  static_token BLOB
, waives_confirmation INTEGER NOT NULL DEFAULT 0 CHECK (waives_confirmation IN (0, 1)), credentials_end TEXT NOT NULL DEFAULT ''
  CHECK (credentials_end = '' OR date(credentials_end) IS credentials_end), remind_days INTEGER NOT NULL DEFAULT 30 CHECK (remind_days BETWEEN 1 AND 365)) STRICT;

CREATE TRIGGER zones_of_signed_shifts_stay BEFORE UPDATE OF time_zone ON tenants
WHEN NEW.time_zone <> OLD.time_zone AND (EXISTS (SELECT 1 FROM handovers WHERE tenant_id = OLD.id) OR EXISTS (SELECT 1 FROM shift_reviews WHERE tenant_id = OLD.id))
BEGIN SELECT RAISE(ABORT, 'shifts were handed over or signed in the zone of their site'); END;

CREATE TABLE users (
  id            INTEGER PRIMARY KEY,
  username      TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (username <> ''),
  full_name     TEXT NOT NULL CHECK (full_name <> ''),
  password_hash TEXT NOT NULL,
  password_mark BLOB, -- tells a provisioned password that is still the same, with the key that is not in the database
  active        INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  language      TEXT NOT NULL DEFAULT '', -- BCP 47, empty for the browser's
  hints         TEXT NOT NULL DEFAULT '[]' CHECK (json_type(hints) = 'array'), -- names of the hints put away
  signing_hash  TEXT NOT NULL DEFAULT '' -- what a person without a password signs with; it signs nobody in
, password_set_by TEXT NOT NULL DEFAULT '', password_setter INTEGER REFERENCES users (id), password_changed INTEGER NOT NULL DEFAULT 0 CHECK (password_changed IN (0, 1)), password_confirmed_at INTEGER, password_confirmed_by INTEGER REFERENCES users (id)
  CHECK ((password_confirmed_by IS NULL) = (password_confirmed_at IS NULL)), older_hash TEXT NOT NULL DEFAULT '', same_as INTEGER REFERENCES users (id)) STRICT;

CREATE INDEX users_of_human ON users (coalesce(same_as, id));

CREATE INDEX users_same_as ON users (same_as) WHERE same_as IS NOT NULL;

CREATE TRIGGER a_human_has_one_account_that_stands_for_it BEFORE UPDATE OF same_as ON users
WHEN NEW.same_as IS NOT NULL AND (NEW.same_as = NEW.id OR EXISTS (SELECT 1 FROM users WHERE same_as = NEW.id)
  OR EXISTS (SELECT 1 FROM users WHERE id = NEW.same_as AND same_as IS NOT NULL))
BEGIN SELECT RAISE(ABORT, 'an account is the same as one that stands for its human'); END;

CREATE TRIGGER a_last_administrator_stays_active BEFORE UPDATE OF active ON users
WHEN OLD.active = 1 AND NEW.active = 0 AND OLD.password_hash <> ''
  AND EXISTS (SELECT 1 FROM member_roles o WHERE o.user_id = OLD.id AND o.role = 'administrator'
    AND NOT EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
      WHERE r.tenant_id = o.tenant_id AND r.role = 'administrator' AND u.active = 1 AND u.password_hash <> '' AND r.user_id <> OLD.id))
BEGIN SELECT RAISE(ABORT, 'a tenant keeps its last administrator'); END;

CREATE TRIGGER a_password_is_never_taken_away BEFORE UPDATE OF password_hash ON users
WHEN OLD.password_hash <> '' AND NEW.password_hash = ''
BEGIN SELECT RAISE(ABORT, 'a password is replaced, never taken away'); END;

CREATE TRIGGER parted_humans_stay_apart BEFORE UPDATE OF same_as ON users
WHEN EXISTS (SELECT 1 FROM humans h JOIN parted_humans p
  ON p.user_id = min(h.user_id, NEW.id) AND p.other_id = max(h.user_id, NEW.id) WHERE h.human_id = NEW.same_as)
BEGIN SELECT RAISE(ABORT, 'an administrator has said that they are different humans'); END;

CREATE TRIGGER passwords_are_confirmed_by_others BEFORE UPDATE ON users
WHEN NEW.password_confirmed_at IS NOT NULL AND OLD.password_confirmed_at IS NULL AND (NEW.password_set_by = ''
  OR NEW.password_changed = 0
  OR (SELECT human_id FROM humans WHERE user_id = NEW.password_confirmed_by)
    = (SELECT human_id FROM humans WHERE user_id = NEW.password_setter))
BEGIN SELECT RAISE(ABORT, 'a password is confirmed once its owner has changed it, by another human than who set it'); END;

CREATE TRIGGER users_are_never_deleted BEFORE DELETE ON users
BEGIN SELECT RAISE(ABORT, 'people are deactivated, never deleted'); END;

CREATE TABLE write_probe (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  content BLOB NOT NULL
) STRICT;

CREATE TABLE wrong_tries (
  what    TEXT PRIMARY KEY,
  tries   INTEGER NOT NULL CHECK (tries > 0),
  last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX wrong_tries_by_time ON wrong_tries (last_at);

INSERT INTO anchoring VALUES (1, 0);
INSERT INTO write_probe VALUES (1, zeroblob(131072));
