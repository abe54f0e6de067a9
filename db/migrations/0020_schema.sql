-- +goose Up

-- The schema of the first release. Databases from before it stand at this version (20) already. What changes it later is a
-- migration with a number above it.

-- Times are milliseconds since 1970 UTC. Booleans are 0 or 1. Each row that belongs to a tenant says so, and what it
-- points to must belong to the same tenant: the composite foreign keys see to it.

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
) STRICT;

-- How fresh a tenant's orders are.
CREATE TABLE refreshes (
  tenant_id    INTEGER PRIMARY KEY REFERENCES tenants (id),
  tried_at     INTEGER NOT NULL DEFAULT 0,
  succeeded_at INTEGER NOT NULL DEFAULT 0,
  problem      TEXT NOT NULL DEFAULT '',
  message      TEXT NOT NULL DEFAULT '',
  nameless     INTEGER NOT NULL DEFAULT 0, -- elements of the last good list without an order ID
  changes      INTEGER NOT NULL DEFAULT 0 -- how many orders the last good refresh found new or changed
) STRICT;

CREATE TABLE lines (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  code      TEXT NOT NULL COLLATE NOCASE CHECK (code <> ''),
  name      TEXT NOT NULL CHECK (name <> ''),
  retired   INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)), -- not listed any more; what happened on it stays
  UNIQUE (tenant_id, code),
  UNIQUE (tenant_id, id)
) STRICT;

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
) STRICT;

-- A person may belong to several tenants, with roles at each.
CREATE TABLE members (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  user_id   INTEGER NOT NULL REFERENCES users (id),
  PRIMARY KEY (user_id, tenant_id)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER users_are_never_deleted BEFORE DELETE ON users
BEGIN SELECT RAISE(ABORT, 'people are deactivated, never deleted'); END;
-- +goose StatementEnd

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
    CHECK (known IN (0, 1) AND (known = 1 OR status = '' AND listed = 0 AND gone = 0)),
  UNIQUE (tenant_id, order_key),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  FOREIGN KEY (tenant_id, last_release_id) REFERENCES releases (tenant_id, id) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX orders_of_line ON orders (tenant_id, gone, line_id, urgency, id);
CREATE INDEX orders_listed ON orders (tenant_id) WHERE listed = 1;

-- A release is one try. Who pressed, on which line and when is as of then, and never changes.
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
  queue_id         INTEGER, -- the queue that it belongs to
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK ((outcome = 'sending') = (answered_at IS NULL)),
  CHECK (outcome = 'released' OR list_source = ''),
  CHECK (list_source <> '' OR serials_received = 0),
  CHECK ((outcome IN ('released', 'refused')) = (proof <> '')),
  CHECK ((outcome IN ('refused', 'unknown')) = (reason <> ''))
) STRICT;

-- One order is never out twice: while a release of it is under way, unsettled or done, there is no second one.
CREATE UNIQUE INDEX one_release_of_an_order ON releases (order_id) WHERE outcome IN ('sending', 'unknown', 'released');
CREATE INDEX releases_of_order ON releases (order_id, id);
CREATE INDEX releases_to_look_at ON releases (tenant_id) WHERE outcome = 'released' AND (list_source = '' OR oddities <> '[]');
CREATE INDEX releases_unsettled ON releases (tenant_id, outcome) WHERE outcome IN ('sending', 'unknown');

-- +goose StatementBegin
CREATE TRIGGER releases_start_as_sending BEFORE INSERT ON releases WHEN NEW.outcome <> 'sending'
BEGIN SELECT RAISE(ABORT, 'a release starts as sending'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_are_never_deleted BEFORE DELETE ON releases
BEGIN SELECT RAISE(ABORT, 'releases are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_only_go_forward BEFORE UPDATE ON releases
WHEN OLD.outcome = 'refused' OR NEW.outcome = 'sending' OR (OLD.outcome = 'released' AND NEW.outcome <> 'released')
  OR NEW.id IS NOT OLD.id OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.order_id IS NOT OLD.order_id
  OR NEW.user_id IS NOT OLD.user_id OR NEW.username IS NOT OLD.username OR NEW.full_name IS NOT OLD.full_name
  OR NEW.role IS NOT OLD.role OR NEW.line_id IS NOT OLD.line_id OR NEW.line_code IS NOT OLD.line_code
  OR NEW.line_name IS NOT OLD.line_name OR NEW.requested_at IS NOT OLD.requested_at
  OR NEW.serials_expected IS NOT OLD.serials_expected
BEGIN SELECT RAISE(ABORT, 'a release only goes from sending to its outcome, and from unknown to a settled one'); END;
-- +goose StatementEnd
-- A missing list may be added once. Nothing else of what was released changes.
-- +goose StatementBegin
CREATE TRIGGER a_released_list_is_final BEFORE UPDATE ON releases
WHEN OLD.outcome = 'released' AND (OLD.list_source <> '' OR NEW.list_source = ''
  OR NEW.answered_at IS NOT OLD.answered_at OR NEW.reason IS NOT OLD.reason OR NEW.order_status IS NOT OLD.order_status
  OR NEW.message IS NOT OLD.message OR NEW.code IS NOT OLD.code OR NEW.http_status IS NOT OLD.http_status
  OR NEW.proof IS NOT OLD.proof OR NEW.settled_at IS NOT OLD.settled_at)
BEGIN SELECT RAISE(ABORT, 'the list of a release is added once and never changes'); END;
-- +goose StatementEnd

-- All that was received where the answer could not be read as an outcome.
CREATE TABLE answers (
  release_id INTEGER PRIMARY KEY REFERENCES releases (id),
  body       BLOB NOT NULL
) STRICT;

-- Orders of a line that are released one at a time. position is the place of the one whose turn it is.
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
  station    TEXT NOT NULL DEFAULT '',
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  CHECK ((ended_at IS NULL) = (stop = ''))
) STRICT;
CREATE UNIQUE INDEX one_queue_of_a_line ON queues (line_id) WHERE stop = '';
CREATE INDEX queues_of_line ON queues (line_id, id);
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

CREATE TABLE products (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  gtin      TEXT NOT NULL,
  UNIQUE (tenant_id, gtin)
) STRICT;

-- A serial's id is the order's id << 24 | its place in the API's list, from 1: an order's list lies together, in order.
-- Its identity in the world is product and serial. That pair is not unique here, because a list with duplicates must be
-- kept as it came.
CREATE TABLE serials (
  id         INTEGER PRIMARY KEY,
  product_id INTEGER NOT NULL,
  serial     TEXT NOT NULL
) STRICT;
CREATE INDEX serials_by_product ON serials (product_id, serial);

-- +goose StatementBegin
CREATE TRIGGER serials_never_change BEFORE UPDATE ON serials
BEGIN SELECT RAISE(ABORT, 'serial numbers are kept as received'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER serials_are_never_deleted BEFORE DELETE ON serials
BEGIN SELECT RAISE(ABORT, 'serial numbers are kept as received'); END;
-- +goose StatementEnd

-- The history. An entry's hash is over its content and the hash before it; packaging.Entry.Digest says how.
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
  format      INTEGER NOT NULL DEFAULT 1 CHECK (format IN (1, 2)), -- the hash of format 2 covers station and comment too
  station     TEXT NOT NULL DEFAULT '',
  comment     TEXT NOT NULL DEFAULT '', -- the person's own words
  UNIQUE (tenant_id, seq)
) STRICT;
CREATE INDEX history_at ON history (tenant_id, at);
CREATE INDEX history_of_order ON history (tenant_id, order_key, seq);
CREATE INDEX history_of_person ON history (tenant_id, username, seq);

-- +goose StatementBegin
CREATE TRIGGER history_is_never_changed BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER history_is_never_deleted BEFORE DELETE ON history
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
-- +goose StatementEnd
-- REPLACE deletes without asking the trigger above, so an entry can't take the place of another either.
-- +goose StatementBegin
CREATE TRIGGER history_only_grows BEFORE INSERT ON history
WHEN EXISTS (SELECT 1 FROM history WHERE id = NEW.id)
  OR NEW.seq <> 1 + coalesce((SELECT max(seq) FROM history WHERE tenant_id = NEW.tenant_id), 0)
  OR NEW.prev_hash <> coalesce(
    (SELECT hash FROM history WHERE tenant_id = NEW.tenant_id ORDER BY seq DESC LIMIT 1), zeroblob(32))
BEGIN SELECT RAISE(ABORT, 'an entry of the history follows the last one'); END;
-- +goose StatementEnd

-- A person may have several roles at a tenant, and may be limited to some of its lines.
CREATE TABLE member_roles (
  user_id   INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  role      TEXT NOT NULL CHECK (role IN ('operator', 'supervisor', 'manager', 'auditor', 'administrator')),
  PRIMARY KEY (user_id, tenant_id, role),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- No row: all lines.
CREATE TABLE member_lines (
  user_id   INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (user_id, tenant_id, line_id),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_lines_of_line ON member_lines (tenant_id, line_id);

-- +goose StatementBegin
CREATE TRIGGER releases_keep_their_station BEFORE UPDATE ON releases WHEN NEW.station IS NOT OLD.station
BEGIN SELECT RAISE(ABORT, 'a release keeps its station'); END;
-- +goose StatementEnd

-- What an order went through, as the cache saw it. What people did stands in the history; an order's page shows both.
CREATE TABLE order_events (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('seen', 'status', 'gone', 'back', 'facts', 'line')),
  field     TEXT NOT NULL DEFAULT '' CHECK (field IN ('', 'product', 'gtin', 'lot', 'expiry', 'quantity', 'extra', 'line')),
  old_value TEXT NOT NULL DEFAULT '',
  new_value TEXT NOT NULL DEFAULT '',
  source    TEXT NOT NULL CHECK (source IN ('list', 'details', 'answer', 'settlement', 'import', 'person')),
  full_name TEXT NOT NULL DEFAULT '', -- of the person, with source person
  station   TEXT NOT NULL DEFAULT '', -- that they were at
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK ((kind = 'facts') = (field <> '')),
  CHECK ((source = 'person') = (full_name <> '')),
  CHECK (kind NOT IN ('status', 'facts', 'line') OR old_value <> new_value)
) STRICT;
CREATE INDEX order_events_of_order ON order_events (order_id, id);

-- +goose StatementBegin
CREATE TRIGGER order_events_never_change BEFORE UPDATE ON order_events
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER order_events_are_never_deleted BEFORE DELETE ON order_events
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER order_events_only_grow BEFORE INSERT ON order_events WHEN EXISTS (SELECT 1 FROM order_events WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;
-- +goose StatementEnd

-- When details were asked for, and last said what the cache has already. Apart from the orders, so that asking writes a
-- few bytes and never a row that pages show; the row's own confirmed_at is as of its last change.
CREATE TABLE order_checks (
  order_id     INTEGER PRIMARY KEY REFERENCES orders (id),
  asked_at     INTEGER NOT NULL DEFAULT 0,
  confirmed_at INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX orders_of_unknown_line ON orders (tenant_id, api_line) WHERE line_id IS NULL;

-- An import that was carried out: by a person with a file, or by a program with a token.
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

-- What an import did to an order: a JSON list of field, old and new value.
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

-- +goose StatementBegin
CREATE TRIGGER imports_never_change BEFORE UPDATE ON imports
BEGIN SELECT RAISE(ABORT, 'what was imported is kept'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER imports_are_never_deleted BEFORE DELETE ON imports
BEGIN SELECT RAISE(ABORT, 'what was imported is kept'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER import_changes_never_change BEFORE UPDATE ON import_changes
BEGIN SELECT RAISE(ABORT, 'what was imported is kept'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER import_changes_are_never_deleted BEFORE DELETE ON import_changes
BEGIN SELECT RAISE(ABORT, 'what was imported is kept'); END;
-- +goose StatementEnd

-- The facts of an order that imports gave, empty where they gave none, and what the API says of the order by itself: what
-- orders has is the one over the other.
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
  api_extra_percent TEXT NOT NULL DEFAULT '',
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK ((line_code = '') = (line_name = ''))
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER only_known_orders_are_released BEFORE INSERT ON releases
WHEN (SELECT known FROM orders WHERE id = NEW.order_id) = 0
BEGIN SELECT RAISE(ABORT, 'an order that the API has not told of can''t be released'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER orders_stay_known BEFORE UPDATE ON orders WHEN OLD.known = 1 AND NEW.known = 0
BEGIN SELECT RAISE(ABORT, 'an order that the API told of stays known'); END;
-- +goose StatementEnd
-- While a release of an order is not settled, no import touches it.
-- +goose StatementBegin
CREATE TRIGGER imports_leave_releases_alone BEFORE INSERT ON import_changes
WHEN EXISTS (SELECT 1 FROM releases WHERE order_id = NEW.order_id AND outcome IN ('sending', 'unknown'))
BEGIN SELECT RAISE(ABORT, 'an order whose release is not settled is not touched by an import'); END;
-- +goose StatementEnd

-- A file that was checked, kept for the person who looks at what it would do: one a person, and not for long.
CREATE TABLE import_previews (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant_id  INTEGER NOT NULL,
  user_id    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  file_name  TEXT NOT NULL,
  content    BLOB NOT NULL, -- sealed, for this tenant and person
  UNIQUE (user_id, tenant_id),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT;

-- What lets a program in. Its value is nowhere; it can be told by its hash.
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
-- The history names a token by its name.
CREATE UNIQUE INDEX one_token_of_a_name ON api_tokens (tenant_id, name) WHERE revoked_at IS NULL;
-- No row: all lines.
CREATE TABLE api_token_lines (
  token_id  INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (token_id, line_id),
  FOREIGN KEY (tenant_id, token_id) REFERENCES api_tokens (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER tokens_are_never_deleted BEFORE DELETE ON api_tokens
BEGIN SELECT RAISE(ABORT, 'tokens are revoked, never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tokens_stay_revoked BEFORE UPDATE ON api_tokens
WHEN OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NOT OLD.revoked_at
  OR NEW.hash IS NOT OLD.hash OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.name IS NOT OLD.name
  OR NEW.created_at IS NOT OLD.created_at OR NEW.created_by IS NOT OLD.created_by OR NEW.expires_at IS NOT OLD.expires_at
BEGIN SELECT RAISE(ABORT, 'a token is only ever used or revoked'); END;
-- +goose StatementEnd

-- When each credential was last set and by whom. What it is stands sealed in its tenant.
CREATE TABLE credentials_set (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  name      TEXT NOT NULL CHECK (name IN ('api_key', 'api_secret', 'channel_key', 'static_token')),
  set_at    INTEGER NOT NULL,
  set_by    TEXT NOT NULL,
  PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER lines_are_never_deleted BEFORE DELETE ON lines
BEGIN SELECT RAISE(ABORT, 'lines are retired, never deleted'); END;
-- +goose StatementEnd

-- Keys that outlive the one beside the database, sealed with it. 'marks' is what marks are made with since that key was
-- first changed: a mark can't be made anew without what it marks.
CREATE TABLE kept_keys (
  name   TEXT PRIMARY KEY CHECK (name = 'marks'),
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- A station is a tablet bound to a line. A code binds it: its mark is keyed, and the code is worth nothing once it was used
-- or its time is over. From then on the tablet carries a token, of which the hash is here.
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
  language   TEXT NOT NULL DEFAULT '' CHECK (language IN ('', 'de', 'en', 'es', 'fr', 'hu')),
  UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  CHECK ((code_mark IS NULL) = (code_until IS NULL)),
  CHECK ((token_hash IS NULL) = (bound_at IS NULL))
) STRICT;
CREATE INDEX stations_of_line ON stations (tenant_id, line_id);

-- The sessions that were begun at a station. They end when it is unbound.
CREATE TABLE station_sessions (
  token_hash BLOB PRIMARY KEY REFERENCES sessions (token_hash) ON DELETE CASCADE,
  station_id INTEGER NOT NULL REFERENCES stations (id),
  used_at    INTEGER NOT NULL, -- by a person: what a page asks by itself does not count
  locked     INTEGER NOT NULL DEFAULT 0 CHECK (locked IN (0, 1)) -- by a person: time locks by itself
) STRICT, WITHOUT ROWID;
CREATE INDEX station_sessions_of_station ON station_sessions (station_id);
-- +goose StatementBegin
CREATE TRIGGER sessions_at_stations_of_their_tenant BEFORE INSERT ON station_sessions
WHEN (SELECT tenant_id FROM sessions WHERE token_hash = NEW.token_hash) IS NOT (SELECT tenant_id FROM stations WHERE id = NEW.station_id)
BEGIN SELECT RAISE(ABORT, 'a station is for the people of its tenant'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER stations_unbound_end_their_sessions AFTER UPDATE OF token_hash ON stations WHEN NEW.token_hash IS NOT OLD.token_hash
BEGIN DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM station_sessions WHERE station_id = NEW.id); END;
-- +goose StatementEnd

-- What a person signs in with at the stations of a tenant. A badge's mark is keyed, so that it can be looked up.
CREATE TABLE station_factors (
  user_id    INTEGER NOT NULL,
  tenant_id  INTEGER NOT NULL,
  pin_hash   TEXT,
  badge_mark BLOB CHECK (length(badge_mark) = 32),
  PRIMARY KEY (user_id, tenant_id),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_person_of_a_badge ON station_factors (tenant_id, badge_mark) WHERE badge_mark IS NOT NULL;

-- Wrong tries in a row, of whatever is guessed: each makes the next one wait longer.
CREATE TABLE wrong_tries (
  what    TEXT PRIMARY KEY,
  tries   INTEGER NOT NULL CHECK (tries > 0),
  last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a tenant wants of its stations and signatures. No row: the default.
CREATE TABLE rules (
  tenant_id     INTEGER PRIMARY KEY REFERENCES tenants (id),
  lock_after    INTEGER NOT NULL CHECK (lock_after BETWEEN 120000 AND 900000), -- milliseconds
  sign_releases INTEGER NOT NULL CHECK (sign_releases IN (0, 1)),
  second_signer INTEGER NOT NULL CHECK (second_signer IN (0, 1)),
  CHECK (sign_releases = 1 OR second_signer = 0)
) STRICT;

-- Signatures under what stands elsewhere: kind and object name it, content is the digest of what the signer was shown.
-- packaging.Signature.Digest says what the hash is over. Nobody signs the same thing twice.
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
-- +goose StatementBegin
CREATE TRIGGER a_second_signature_follows_a_first BEFORE INSERT ON signatures
WHEN NEW.place = 2 AND NOT EXISTS (SELECT 1 FROM signatures WHERE kind = NEW.kind AND object = NEW.object AND place = 1
  AND tenant_id = NEW.tenant_id AND content = NEW.content)
BEGIN SELECT RAISE(ABORT, 'a second person signs what the first has signed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER signatures_of_releases_of_their_tenant BEFORE INSERT ON signatures
WHEN NEW.kind = 'release' AND NOT EXISTS (SELECT 1 FROM releases WHERE id = NEW.object AND tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a signature stands under a release of its tenant'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER signatures_are_never_changed BEFORE UPDATE ON signatures
BEGIN SELECT RAISE(ABORT, 'signatures are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER signatures_are_never_deleted BEFORE DELETE ON signatures
BEGIN SELECT RAISE(ABORT, 'signatures are append-only'); END;
-- +goose StatementEnd

-- What entries are found by: words that people type, and keys that filters ask for. A key begins with a character that
-- nobody types, what it is of, and the tenant; of a text it has the bytes in hexadecimal, of a time the hour, the day and the
-- 32 days that it lies in. So one index answers any combination of filters, in the order of time. It is rebuilt by
-- INSERT INTO history_index (history_index) VALUES ('rebuild').
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

-- Entries never change, so the index only grows too. It is read in the order of its keys: they must follow the entries'.
-- +goose StatementBegin
CREATE TRIGGER history_is_found AFTER INSERT ON history
BEGIN
  SELECT RAISE(ABORT, 'an entry of the history follows the last one') WHERE NEW.id <> (SELECT max(id) FROM history);
  INSERT INTO history_index (rowid, keys, words) SELECT id, keys, words FROM history_found_by WHERE id = NEW.id;
END;
-- +goose StatementEnd

-- How many lines were written to the file of anchors, which is outside of this database.
CREATE TABLE anchoring (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  lines INTEGER NOT NULL
) STRICT;
INSERT INTO anchoring (id, lines) VALUES (1, 0);

-- Filters of the history that a person keeps under a name. The query is that of the history's page.
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

-- The shifts of a tenant from a day on, until another plan begins. Plans are only added: what a past day was divided into
-- never changes.
CREATE TABLE shift_plans (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  valid_from TEXT NOT NULL CHECK (date(valid_from) IS valid_from), -- a day of the site
  set_at     INTEGER NOT NULL,
  UNIQUE (tenant_id, id)
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
CREATE INDEX shift_plans_of_tenant ON shift_plans (tenant_id, id);

-- +goose StatementBegin
CREATE TRIGGER shift_plans_never_change BEFORE UPDATE ON shift_plans
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shift_plans_are_never_deleted BEFORE DELETE ON shift_plans
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shifts_never_change BEFORE UPDATE ON shifts
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shifts_are_never_deleted BEFORE DELETE ON shifts
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;
-- +goose StatementEnd
-- Once there is a plan, another begins on a later day than the one on which it is set. What that day is at the site, the
-- program knows to the hour; here it is known to a day, and that is enough to keep the past.
-- +goose StatementBegin
CREATE TRIGGER shift_plans_leave_the_past BEFORE INSERT ON shift_plans
WHEN EXISTS (SELECT 1 FROM shift_plans WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM shift_plans WHERE tenant_id = NEW.tenant_id) AND NEW.valid_from < date(NEW.set_at / 1000, 'unixepoch')
  OR NEW.valid_from <= (SELECT max(day) FROM handovers WHERE tenant_id = NEW.tenant_id)
  OR NEW.valid_from <= (SELECT max(day) FROM shift_reviews WHERE tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a plan of shifts begins after what is past'); END;
-- +goose StatementEnd

-- When a shift was, its plan and the zone of its site say: once one was handed over or signed, the zone stays.
-- +goose StatementBegin
CREATE TRIGGER zones_of_signed_shifts_stay BEFORE UPDATE OF time_zone ON tenants
WHEN NEW.time_zone <> OLD.time_zone AND (EXISTS (SELECT 1 FROM handovers WHERE tenant_id = OLD.id) OR EXISTS (SELECT 1 FROM shift_reviews WHERE tenant_id = OLD.id))
BEGIN SELECT RAISE(ABORT, 'shifts were handed over or signed in the zone of their site'); END;
-- +goose StatementEnd

-- What a tenant wants of the review of its shifts. No row: the default.
CREATE TABLE shift_rules (
  tenant_id      INTEGER PRIMARY KEY REFERENCES tenants (id),
  other_reviewer INTEGER NOT NULL CHECK (other_reviewer IN (0, 1)) -- a shift is signed by somebody who did nothing in it
) STRICT;

-- Reports read the releases of some hours.
CREATE INDEX releases_at ON releases (tenant_id, requested_at);

-- What people wrote during a shift, about a line or an order. Append-only: its writer can withdraw a note, and it still shows.
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
CREATE TABLE note_withdrawals (
  note_id   INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  user_id   INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  reason    TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  FOREIGN KEY (tenant_id, note_id) REFERENCES notes (tenant_id, id)
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER notes_never_change BEFORE UPDATE ON notes
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notes_are_never_deleted BEFORE DELETE ON notes
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notes_are_withdrawn_by_their_writer BEFORE INSERT ON note_withdrawals
WHEN NOT EXISTS (SELECT 1 FROM notes WHERE id = NEW.note_id AND user_id = NEW.user_id)
  OR EXISTS (SELECT 1 FROM note_withdrawals WHERE note_id = NEW.note_id)
BEGIN SELECT RAISE(ABORT, 'a note is withdrawn once, by who wrote it'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER note_withdrawals_never_change BEFORE UPDATE ON note_withdrawals
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER note_withdrawals_are_never_deleted BEFORE DELETE ON note_withdrawals
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;
-- +goose StatementEnd

-- A shift is handed over once: by one person with all that was open then, and taken over by another.
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
-- Each thing that was open. One that nobody acknowledged is carried into the next hand-over, once.
CREATE TABLE handover_items (
  handover_id  INTEGER NOT NULL,
  tenant_id    INTEGER NOT NULL,
  place        INTEGER NOT NULL CHECK (place > 0),
  kind         TEXT NOT NULL CHECK (kind IN ('unknown', 'odd', 'suspended', 'waiting', 'queue', 'note')),
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
CREATE TABLE handover_acks (
  handover_id INTEGER NOT NULL,
  place       INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  user_id     INTEGER NOT NULL REFERENCES users (id),
  full_name   TEXT NOT NULL,
  PRIMARY KEY (handover_id, place),
  FOREIGN KEY (handover_id, place) REFERENCES handover_items (handover_id, place)
) STRICT, WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER another_person_takes_over BEFORE INSERT ON takeovers
WHEN NEW.user_id = (SELECT user_id FROM handovers WHERE id = NEW.handover_id)
  OR EXISTS (SELECT 1 FROM takeovers WHERE handover_id = NEW.handover_id)
BEGIN SELECT RAISE(ABORT, 'a shift is taken over once, by another person than the one who hands it over'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER another_person_acknowledges BEFORE INSERT ON handover_acks
WHEN NEW.user_id = (SELECT user_id FROM handovers WHERE id = NEW.handover_id)
  OR EXISTS (SELECT 1 FROM handover_acks WHERE handover_id = NEW.handover_id AND place = NEW.place)
  OR NOT EXISTS (SELECT 1 FROM takeovers WHERE handover_id = NEW.handover_id)
BEGIN SELECT RAISE(ABORT, 'what is handed over is acknowledged once, by another person than the one who hands it over'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handovers_never_change BEFORE UPDATE ON handovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handovers_are_never_deleted BEFORE DELETE ON handovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handover_items_never_change BEFORE UPDATE ON handover_items
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handover_items_are_never_deleted BEFORE DELETE ON handover_items
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER takeovers_never_change BEFORE UPDATE ON takeovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER takeovers_are_never_deleted BEFORE DELETE ON takeovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handover_acks_never_change BEFORE UPDATE ON handover_acks
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handover_acks_are_never_deleted BEFORE DELETE ON handover_acks
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd

-- A review of a shift that has ended: what was reviewed is kept as it was, and its digest is what was signed. A later review
-- of the same shift is a new version.
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
-- +goose StatementBegin
CREATE TRIGGER shift_reviews_only_grow BEFORE INSERT ON shift_reviews
WHEN EXISTS (SELECT 1 FROM shift_reviews WHERE id = NEW.id)
  OR NEW.version <> 1 + (SELECT count(*) FROM shift_reviews WHERE tenant_id = NEW.tenant_id AND day = NEW.day AND shift = NEW.shift)
BEGIN SELECT RAISE(ABORT, 'a review of a shift follows the last one'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shift_reviews_never_change BEFORE UPDATE ON shift_reviews
BEGIN SELECT RAISE(ABORT, 'reviews of shifts are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shift_reviews_are_never_deleted BEFORE DELETE ON shift_reviews
BEGIN SELECT RAISE(ABORT, 'reviews of shifts are append-only'); END;
-- +goose StatementEnd

-- The result of a release stands on the boards until a person has acknowledged it. What is acknowledged is the result with
-- the list that was here then: one that comes later is to be looked at again.
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

-- +goose StatementBegin
CREATE TRIGGER only_results_are_acknowledged BEFORE INSERT ON acknowledgements
WHEN NOT EXISTS (SELECT 1 FROM releases r WHERE r.id = NEW.release_id AND r.list_source = NEW.list_source
  AND (r.outcome = 'refused' OR r.outcome = 'released' AND ((r.list_source <> '' AND r.oddities = '[]') OR NEW.comment <> '')))
BEGIN SELECT RAISE(ABORT, 'a result is acknowledged as it is, an odd one with words'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER acknowledgements_never_change BEFORE UPDATE ON acknowledgements
BEGIN SELECT RAISE(ABORT, 'an acknowledgement is given once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER acknowledgements_are_never_deleted BEFORE DELETE ON acknowledgements
BEGIN SELECT RAISE(ABORT, 'an acknowledgement is given once'); END;
-- +goose StatementEnd

CREATE INDEX releases_refused ON releases (tenant_id) WHERE outcome = 'refused';

-- How people of a tenant sign in by their company's provider (OpenID Connect). Without a row there is no such way.
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
-- +goose StatementBegin
CREATE TRIGGER a_client_secret_stays_with_its_issuer BEFORE UPDATE ON sso
WHEN NEW.issuer <> OLD.issuer AND NEW.client_secret IS OLD.client_secret AND OLD.client_secret IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a client secret goes to the issuer that it was set for alone'); END;
-- +goose StatementEnd

-- What the values of the claim make somebody. The first in their order that fits counts.
CREATE TABLE sso_grants (
  tenant_id INTEGER NOT NULL REFERENCES sso (tenant_id),
  place     INTEGER NOT NULL,
  value     TEXT NOT NULL CHECK (value <> ''),
  PRIMARY KEY (tenant_id, place),
  UNIQUE (tenant_id, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE sso_grant_roles (
  tenant_id INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  role      TEXT NOT NULL CHECK (role IN ('operator', 'supervisor', 'manager', 'auditor', 'administrator')),
  PRIMARY KEY (tenant_id, place, role),
  FOREIGN KEY (tenant_id, place) REFERENCES sso_grants (tenant_id, place) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE sso_grant_lines (
  tenant_id INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, place, line_id),
  FOREIGN KEY (tenant_id, place) REFERENCES sso_grants (tenant_id, place) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_grant_lines_of_line ON sso_grant_lines (tenant_id, line_id);

-- Whom a person is at a provider. The same one at another tenant is another identity.
CREATE TABLE identities (
  tenant_id    INTEGER NOT NULL,
  issuer       TEXT NOT NULL CHECK (issuer <> ''),
  subject      TEXT NOT NULL CHECK (subject <> ''),
  user_id      INTEGER NOT NULL,
  connected_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, issuer, subject),
  UNIQUE (user_id, issuer),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id)
) STRICT, WITHOUT ROWID;
-- A person of single sign-on belongs to one tenant: its provider must never open another one.
-- +goose StatementBegin
CREATE TRIGGER an_identity_opens_one_tenant BEFORE INSERT ON identities
WHEN EXISTS (SELECT 1 FROM members WHERE user_id = NEW.user_id AND tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a person of several tenants has no identity'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_person_with_an_identity_stays_at_one_tenant BEFORE INSERT ON members
WHEN EXISTS (SELECT 1 FROM identities WHERE user_id = NEW.user_id AND tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a person with an identity belongs to one tenant'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER identities_never_change BEFORE UPDATE ON identities
BEGIN SELECT RAISE(ABORT, 'an identity is made and removed, never changed'); END;
-- +goose StatementEnd

-- Where a tenant has an administrator with a password there stays one: a provider that is down, or says something else
-- of its people, must not lock a site out of its own setup.
-- +goose StatementBegin
CREATE TRIGGER a_tenant_keeps_an_administrator BEFORE DELETE ON member_roles
WHEN OLD.role = 'administrator' AND (SELECT active AND password_hash <> '' FROM users WHERE id = OLD.user_id) = 1
  AND NOT EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
    WHERE r.tenant_id = OLD.tenant_id AND r.role = 'administrator' AND u.active = 1 AND u.password_hash <> '' AND r.user_id <> OLD.user_id)
BEGIN SELECT RAISE(ABORT, 'a tenant keeps its last administrator'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_last_administrator_stays_active BEFORE UPDATE OF active ON users
WHEN OLD.active = 1 AND NEW.active = 0 AND OLD.password_hash <> ''
  AND EXISTS (SELECT 1 FROM member_roles o WHERE o.user_id = OLD.id AND o.role = 'administrator'
    AND NOT EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
      WHERE r.tenant_id = o.tenant_id AND r.role = 'administrator' AND u.active = 1 AND u.password_hash <> '' AND r.user_id <> OLD.id))
BEGIN SELECT RAISE(ABORT, 'a tenant keeps its last administrator'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_password_is_never_taken_away BEFORE UPDATE OF password_hash ON users
WHEN OLD.password_hash <> '' AND NEW.password_hash = ''
BEGIN SELECT RAISE(ABORT, 'a password is replaced, never taken away'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER queue_orders_are_never_changed BEFORE UPDATE ON queue_orders
BEGIN SELECT RAISE(ABORT, 'the orders of a queue stay'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER queue_orders_are_never_deleted BEFORE DELETE ON queue_orders
BEGIN SELECT RAISE(ABORT, 'the orders of a queue stay'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER releases_of_queues_are_of_their_orders BEFORE INSERT ON releases
WHEN NEW.queue_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM queue_orders
  WHERE queue_id = NEW.queue_id AND tenant_id = NEW.tenant_id AND order_id = NEW.order_id)
BEGIN SELECT RAISE(ABORT, 'a release of a queue is of an order of it'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_stay_with_their_queue BEFORE UPDATE OF queue_id ON releases WHEN NEW.queue_id IS NOT OLD.queue_id
BEGIN SELECT RAISE(ABORT, 'a release stays with its queue'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER signatures_of_queues_of_their_tenant BEFORE INSERT ON signatures
WHEN NEW.kind = 'queue' AND NOT EXISTS (SELECT 1 FROM queues WHERE id = NEW.object AND tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a signature stands under a queue of its tenant'); END;
-- +goose StatementEnd

-- Whether a note is in a hand-over.
CREATE INDEX handover_items_of_note ON handover_items (note_id) WHERE note_id IS NOT NULL;

-- Each try forgets those of all that are too old, wherever they were.
CREATE INDEX wrong_tries_by_time ON wrong_tries (last_at);
