-- +goose Up

-- Answers of the API that were kept outside the database, and that belong to no release here with certainty: after a
-- restore, or where the release was settled otherwise meanwhile. Nothing that came is thrown away: a person sees them.
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
  added_at     INTEGER, -- when its list was stored with a release, NULL if it was not
  UNIQUE (tenant_id, order_key, requested_at, release)
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER kept_answers_are_never_deleted BEFORE DELETE ON kept_answers
BEGIN SELECT RAISE(ABORT, 'what came is not thrown away'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER kept_answers_never_change BEFORE UPDATE ON kept_answers
WHEN OLD.added_at IS NOT NULL OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.order_key IS NOT OLD.order_key
  OR NEW.release IS NOT OLD.release OR NEW.requested_at IS NOT OLD.requested_at OR NEW.came_at IS NOT OLD.came_at
  OR NEW.kept_at IS NOT OLD.kept_at OR NEW.outcome IS NOT OLD.outcome OR NEW.reason IS NOT OLD.reason
  OR NEW.message IS NOT OLD.message OR NEW.code IS NOT OLD.code OR NEW.http_status IS NOT OLD.http_status
  OR NEW.serials IS NOT OLD.serials OR NEW.count IS NOT OLD.count OR NEW.digest IS NOT OLD.digest
  OR NEW.body IS NOT OLD.body
BEGIN SELECT RAISE(ABORT, 'what came never changes'); END;
-- +goose StatementEnd
