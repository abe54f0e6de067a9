-- +goose Up

-- Where the serial lists of a line go. What is sealed opens for its destination alone.
CREATE TABLE list_templates (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  body      TEXT NOT NULL CHECK (length(body) BETWEEN 1 AND 16384),
  UNIQUE (tenant_id, body),
  UNIQUE (tenant_id, id)
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER list_templates_never_change BEFORE UPDATE ON list_templates
BEGIN SELECT RAISE(ABORT, 'templates are only added: lists were written by them'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER list_templates_are_never_deleted BEFORE DELETE ON list_templates
BEGIN SELECT RAISE(ABORT, 'templates are only added: lists were written by them'); END;
-- +goose StatementEnd

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
  retired_at  INTEGER, -- it gets no lists any more
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
CREATE UNIQUE INDEX one_destination_of_a_name ON destinations (line_id, name) WHERE retired_at IS NULL;
CREATE INDEX destinations_of_line ON destinations (tenant_id, line_id);
-- +goose StatementBegin
CREATE TRIGGER destinations_stay_where_they_are BEFORE UPDATE ON destinations
WHEN NEW.id IS NOT OLD.id OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.line_id IS NOT OLD.line_id OR NEW.kind IS NOT OLD.kind
  OR OLD.retired_at IS NOT NULL AND NEW.retired_at IS NOT OLD.retired_at
BEGIN SELECT RAISE(ABORT, 'a destination stays of its line and of its kind, and retired'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER destinations_are_never_deleted BEFORE DELETE ON destinations
BEGIN SELECT RAISE(ABORT, 'destinations are retired, never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_password_stays_with_its_server BEFORE UPDATE ON destinations
WHEN NEW.kind = 'sftp' AND NEW.secret IS OLD.secret
  AND (NEW.address IS NOT OLD.address OR NEW.host_key IS NOT OLD.host_key OR NEW.username IS NOT OLD.username)
BEGIN SELECT RAISE(ABORT, 'a password goes to the server that it was set for alone'); END;
-- +goose StatementEnd

-- One list on its way to one destination. Its id (uid) is the same for ever, and from the first try on its name and bytes
-- are too. facts is the order as it was when the list came.
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
  detail         TEXT NOT NULL DEFAULT '',
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
CREATE INDEX deliveries_of_release ON deliveries (release_id);
CREATE INDEX deliveries_due ON deliveries (destination_id, next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_open ON deliveries (tenant_id, destination_id) WHERE state IN ('waiting', 'held', 'stopped');

-- Each time a delivery is there to be taken: programs ask for what came after. Numbers grow in the order of commits.
CREATE TABLE delivery_offers (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id      INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  delivery_id    INTEGER NOT NULL,
  mark           TEXT NOT NULL, -- tells it from the one of the same number after a restore
  FOREIGN KEY (tenant_id, delivery_id) REFERENCES deliveries (tenant_id, id)
) STRICT;
CREATE INDEX delivery_offers_of_destination ON delivery_offers (destination_id, id);

-- What each try came to.
CREATE TABLE delivery_tries (
  delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
  number      INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  took        INTEGER NOT NULL, -- milliseconds
  problem     TEXT NOT NULL DEFAULT '', -- '' where the destination took it
  detail      TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

-- What a list is held for, of which its destination lets nothing through.
CREATE VIEW held_kinds (release_id, destination_id, kind) AS
SELECT r.id, d.id, odd.value ->> 'Kind' FROM releases r JOIN destinations d ON d.line_id = r.line_id, json_each(r.oddities) odd
WHERE odd.value ->> 'Kind' NOT IN (SELECT value FROM json_each(d.lets))
UNION SELECT r.id, d.id, 'later' FROM releases r JOIN destinations d ON d.line_id = r.line_id
WHERE r.round > 0 AND 'later' NOT IN (SELECT value FROM json_each(d.lets))
UNION SELECT r.id, d.id, 'wrong_count' FROM releases r JOIN destinations d ON d.line_id = r.line_id
WHERE r.serials_received = 0 AND 'wrong_count' NOT IN (SELECT value FROM json_each(d.lets));

-- What a delivery begins as, of each list and each destination of its line.
CREATE VIEW new_deliveries (tenant_id, destination_id, release_id, uid, made_at, facts, held_for) AS
SELECT r.tenant_id, d.id, r.id, lower(hex(randomblob(16))), coalesce(r.list_at, r.answered_at),
  json_object('order', o.order_key, 'number', r.round + 1, 'line', r.line_code, 'line_name', r.line_name, 'product', o.product,
    'gtin', o.gtin, 'lot', o.lot, 'expiry', o.expiry, 'quantity', o.quantity, 'count', r.serials_received,
    'released', r.requested_at),
  (SELECT json_group_array(kind) FROM held_kinds h WHERE h.release_id = r.id AND h.destination_id = d.id)
FROM releases r JOIN orders o ON o.id = r.order_id JOIN destinations d ON d.line_id = r.line_id AND d.retired_at IS NULL
WHERE r.list_source <> '';

-- A list that is stored makes its deliveries, whoever stores it and how.
-- +goose StatementBegin
CREATE TRIGGER lists_make_deliveries AFTER UPDATE OF list_source ON releases
WHEN OLD.list_source = '' AND NEW.list_source <> ''
BEGIN
  INSERT INTO deliveries (tenant_id, destination_id, release_id, uid, made_at, facts, held_for, since, state)
  SELECT tenant_id, destination_id, release_id, uid, made_at, facts, held_for, made_at, iif(held_for = '[]', 'waiting', 'held')
  FROM new_deliveries WHERE release_id = NEW.id;
END;
-- +goose StatementEnd
-- What is found odd later holds what was not tried yet.
-- +goose StatementBegin
CREATE TRIGGER odd_lists_are_held AFTER UPDATE OF oddities ON releases
WHEN OLD.list_source <> '' AND NEW.oddities IS NOT OLD.oddities
BEGIN
  UPDATE deliveries SET state = 'held',
    held_for = (SELECT json_group_array(kind) FROM held_kinds h WHERE h.release_id = NEW.id AND h.destination_id = deliveries.destination_id)
  WHERE release_id = NEW.id AND state = 'waiting' AND tries = 0 AND sends = 0
    AND EXISTS (SELECT 1 FROM held_kinds h WHERE h.release_id = NEW.id AND h.destination_id = deliveries.destination_id);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deliveries_are_of_lists BEFORE INSERT ON deliveries
WHEN EXISTS (SELECT 1 FROM deliveries WHERE id = NEW.id)
  OR NOT EXISTS (SELECT 1 FROM releases r JOIN destinations d ON d.line_id = r.line_id
    WHERE r.id = NEW.release_id AND r.tenant_id = NEW.tenant_id AND r.list_source <> '' AND d.id = NEW.destination_id)
  OR NEW.state NOT IN ('waiting', 'held') OR NEW.state = 'waiting' AND NEW.held_for <> '[]' AND NEW.sends = 0
BEGIN SELECT RAISE(ABORT, 'a delivery brings a list to a destination of its line, and an odd one waits for a person'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deliveries_stay_what_they_are BEFORE UPDATE ON deliveries
WHEN NEW.id IS NOT OLD.id OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.destination_id IS NOT OLD.destination_id
  OR NEW.release_id IS NOT OLD.release_id OR NEW.uid IS NOT OLD.uid OR NEW.made_at IS NOT OLD.made_at OR NEW.facts IS NOT OLD.facts
  OR OLD.digest IS NOT NULL AND (NEW.digest IS NOT OLD.digest OR NEW.size IS NOT OLD.size OR NEW.name IS NOT OLD.name
    OR NEW.format IS NOT OLD.format OR NEW.template_id IS NOT OLD.template_id)
BEGIN SELECT RAISE(ABORT, 'a delivery keeps its id, its name and its bytes'); END;
-- +goose StatementEnd
-- A person alone sends what does not wait, and says why. Nothing that was taken or carried is anything else by itself.
-- +goose StatementBegin
CREATE TRIGGER deliveries_wait_again_by_a_person BEFORE UPDATE ON deliveries
WHEN OLD.state <> NEW.state AND (
  NEW.state = 'waiting' AND (NEW.sends <> OLD.sends + 1 OR NEW.by_name = '' OR NEW.why = '')
  OR NEW.state = 'held' AND (OLD.state <> 'waiting' OR OLD.tries > 0)
  OR NEW.state IN ('stopped', 'carried') AND OLD.state IN ('taken', 'carried'))
BEGIN SELECT RAISE(ABORT, 'a person sends a delivery that does not wait, with a reason'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deliveries_are_never_deleted BEFORE DELETE ON deliveries
BEGIN SELECT RAISE(ABORT, 'deliveries are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER new_deliveries_are_offered AFTER INSERT ON deliveries WHEN NEW.state = 'waiting'
BEGIN
  INSERT INTO delivery_offers (tenant_id, destination_id, delivery_id, mark)
  VALUES (NEW.tenant_id, NEW.destination_id, NEW.id, lower(hex(randomblob(4))));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER sent_deliveries_are_offered AFTER UPDATE OF sends ON deliveries WHEN NEW.sends > OLD.sends
BEGIN
  INSERT INTO delivery_offers (tenant_id, destination_id, delivery_id, mark)
  VALUES (NEW.tenant_id, NEW.destination_id, NEW.id, lower(hex(randomblob(4))));
END;
-- +goose StatementEnd

-- What a token may do. Those from before may send orders.
CREATE TABLE api_token_scopes (
  token_id  INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  scope     TEXT NOT NULL CHECK (scope IN ('send_orders', 'read_orders', 'read_serials', 'read_history', 'take_lists')),
  PRIMARY KEY (token_id, scope),
  FOREIGN KEY (tenant_id, token_id) REFERENCES api_tokens (tenant_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO api_token_scopes (token_id, tenant_id, scope) SELECT id, tenant_id, 'send_orders' FROM api_tokens;
-- +goose StatementBegin
CREATE TRIGGER tokens_keep_their_scopes BEFORE UPDATE ON api_token_scopes
BEGIN SELECT RAISE(ABORT, 'what a token may do never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER scopes_are_never_taken_away BEFORE DELETE ON api_token_scopes
BEGIN SELECT RAISE(ABORT, 'what a token may do never changes'); END;
-- +goose StatementEnd
