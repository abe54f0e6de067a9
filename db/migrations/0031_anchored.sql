-- +goose Up

-- Whether releases go on at a tenant while they can't be kept outside the database.
ALTER TABLE rules ADD COLUMN release_unanchored INTEGER NOT NULL DEFAULT 0 CHECK (release_unanchored IN (0, 1));

-- What anchors know of a history and the database does not, as after a restore. The tenant need not be here any more: then
-- all of its history is lost, and no other tenant gets its key.
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
-- +goose StatementBegin
CREATE TRIGGER losses_are_never_deleted BEFORE DELETE ON losses
BEGIN SELECT RAISE(ABORT, 'a loss is acknowledged, never forgotten'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER losses_never_change BEFORE UPDATE ON losses
WHEN NEW.tenant_key IS NOT OLD.tenant_key OR NEW.slug IS NOT OLD.slug OR NEW.first_entry IS NOT OLD.first_entry
  OR NEW.last_entry IS NOT OLD.last_entry OR NEW.first_anchor IS NOT OLD.first_anchor OR NEW.anchor IS NOT OLD.anchor
  OR NEW.hash IS NOT OLD.hash
  OR NEW.found_at IS NOT OLD.found_at OR NEW.accepted IS NOT OLD.accepted OR OLD.seen_at IS NOT NULL
  OR OLD.tenant_id IS NOT NULL AND NEW.tenant_id IS NOT OLD.tenant_id
BEGIN SELECT RAISE(ABORT, 'a loss is acknowledged once and never changes'); END;
-- +goose StatementEnd

-- A release whose request is in a loss. release_id is the one that stands for it.
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
  release_id   INTEGER REFERENCES releases (id),
  UNIQUE (loss_id, anchor)
) STRICT;
CREATE INDEX lost_releases_of_release ON lost_releases (release_id);
-- +goose StatementBegin
CREATE TRIGGER lost_releases_are_never_deleted BEFORE DELETE ON lost_releases
BEGIN SELECT RAISE(ABORT, 'what was lost is not forgotten'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER lost_releases_never_change BEFORE UPDATE ON lost_releases
WHEN OLD.release_id IS NOT NULL OR NEW.anchor IS NOT OLD.anchor OR NEW.order_key IS NOT OLD.order_key
BEGIN SELECT RAISE(ABORT, 'what was lost is not changed'); END;
-- +goose StatementEnd

-- A release whose record was lost is looked at by a person before its order is released again.
-- +goose StatementBegin
CREATE TRIGGER lost_releases_are_looked_at BEFORE INSERT ON releases
WHEN EXISTS (
  SELECT 1 FROM releases r JOIN lost_releases l ON l.release_id = r.id
  WHERE r.order_id = NEW.order_id
    AND NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.release_id = r.id AND a.list_source = r.result))
BEGIN SELECT RAISE(ABORT, 'a release whose record was lost is looked at first'); END;
-- +goose StatementEnd

-- What the readiness probe writes, as much as a release would. The file has room for it: what is probed is the log.
CREATE TABLE write_probe (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  content BLOB NOT NULL
) STRICT;
INSERT INTO write_probe (id, content) VALUES (1, zeroblob(131072));
