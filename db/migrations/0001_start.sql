-- +goose Up

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
  nameless     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE lines (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  code      TEXT NOT NULL COLLATE NOCASE CHECK (code <> ''),
  name      TEXT NOT NULL CHECK (name <> ''),
  UNIQUE (tenant_id, code),
  UNIQUE (tenant_id, id)
) STRICT;

CREATE TABLE users (
  id            INTEGER PRIMARY KEY,
  username      TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (username <> ''),
  full_name     TEXT NOT NULL CHECK (full_name <> ''),
  password_hash TEXT NOT NULL,
  password_mark BLOB, -- tells a provisioned password that is still the same, with the key that is not in the database
  active        INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1))
) STRICT;

-- A person may belong to several tenants, with a role at each.
CREATE TABLE members (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  user_id   INTEGER NOT NULL REFERENCES users (id),
  role      TEXT NOT NULL CHECK (role IN ('operator', 'supervisor', 'manager', 'auditor', 'administrator')),
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
  asked_at        INTEGER NOT NULL DEFAULT 0, -- when its details were last asked for
  revision        INTEGER NOT NULL DEFAULT 1,
  first_seen_at   INTEGER NOT NULL,
  confirmed_at    INTEGER NOT NULL, -- by details or a release; while listed, the last good refresh counts too
  last_release_id INTEGER,
  urgency         INTEGER NOT NULL GENERATED ALWAYS AS (CASE status -- what needs a person first
    WHEN 'Pending release' THEN 1 WHEN 'Suspended' THEN 2 WHEN 'In progress' THEN 4
    WHEN 'Open' THEN 5 WHEN 'Done' THEN 6 ELSE 3 END) STORED,
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
  UNIQUE (tenant_id, seq)
) STRICT;
CREATE INDEX history_at ON history (tenant_id, at);
CREATE INDEX history_of_order ON history (tenant_id, order_key, seq);
CREATE INDEX history_of_line ON history (tenant_id, line_code, seq);
CREATE INDEX history_of_person ON history (tenant_id, username, seq);
CREATE INDEX history_of_outcome ON history (tenant_id, outcome, seq);

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
