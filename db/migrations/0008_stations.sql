-- +goose Up

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
