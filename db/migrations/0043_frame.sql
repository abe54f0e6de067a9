-- +goose Up

-- A person can give up what a stopped queue has left: it is then no news any more.
ALTER TABLE queues ADD COLUMN discarded_at INTEGER CHECK (discarded_at IS NULL OR stop NOT IN ('', 'done'));

-- A display is a screen on the wall, bound by a code as a station is. Nobody signs in there: it shows the lines of its
-- tenant, and nothing else.
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
