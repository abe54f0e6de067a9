-- +goose Up

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

-- Whether the API has told of an order. Before it has, there is no status and no release.
ALTER TABLE orders ADD COLUMN known INTEGER NOT NULL DEFAULT 1
  CHECK (known IN (0, 1) AND (known = 1 OR status = '' AND listed = 0 AND gone = 0));
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
