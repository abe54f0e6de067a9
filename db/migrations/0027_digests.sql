-- +goose Up

-- What each record was when it was written: the digest of its rows, one line a change, numbered within the tenant. No
-- digest says that the record is no more. Entries of the history carry the digest of the lines that were written since
-- the entry before, so these lines are as safe as the chain.
CREATE TABLE record_log (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  number    INTEGER NOT NULL,
  record    TEXT NOT NULL CHECK (record <> ''), -- the table
  key       TEXT NOT NULL CHECK (json_valid(key)),
  digest    BLOB CHECK (length(digest) = 32),
  PRIMARY KEY (tenant_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_log_of_record ON record_log (tenant_id, record, key, number);

-- +goose StatementBegin
CREATE TRIGGER record_log_is_never_changed BEFORE UPDATE ON record_log
BEGIN SELECT RAISE(ABORT, 'the log of records is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER record_log_is_never_deleted BEFORE DELETE ON record_log
BEGIN SELECT RAISE(ABORT, 'the log of records is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER record_log_only_grows BEFORE INSERT ON record_log
WHEN NEW.number <> 1 + coalesce((SELECT max(number) FROM record_log WHERE tenant_id = NEW.tenant_id), 0)
BEGIN SELECT RAISE(ABORT, 'a line of the log of records follows the last one'); END;
-- +goose StatementEnd

-- The schema whose records were logged last: after an upgrade, a start logs what the upgrade changed.
ALTER TABLE anchoring ADD COLUMN logged_schema INTEGER NOT NULL DEFAULT 0;

-- Format 3 covers the log of records too.
DROP TRIGGER history_is_never_changed;
ALTER TABLE history ADD COLUMN records INTEGER NOT NULL DEFAULT 0; -- the last line of the log that the entry covers
ALTER TABLE history ADD COLUMN records_digest BLOB CHECK (length(records_digest) = 32);
ALTER TABLE history ADD COLUMN next_format INTEGER NOT NULL DEFAULT 1 CHECK (next_format IN (1, 2, 3));
UPDATE history SET next_format = format;
ALTER TABLE history DROP COLUMN format;
ALTER TABLE history RENAME COLUMN next_format TO format;
-- +goose StatementBegin
CREATE TRIGGER history_is_never_changed BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
-- +goose StatementEnd
