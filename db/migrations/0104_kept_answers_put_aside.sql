-- +goose Up

-- A person says of an answer that is kept by itself that it needs nobody any more, and why. It stays here.
ALTER TABLE kept_answers ADD COLUMN dismissed_at INTEGER;
ALTER TABLE kept_answers ADD COLUMN dismissed_by TEXT NOT NULL DEFAULT '' CHECK ((dismissed_by = '') = (dismissed_at IS NULL));
ALTER TABLE kept_answers ADD COLUMN dismissed_why TEXT NOT NULL DEFAULT '' CHECK ((dismissed_why = '') = (dismissed_at IS NULL));
-- +goose StatementBegin
CREATE TRIGGER dismissed_answers_never_change BEFORE UPDATE ON kept_answers
WHEN OLD.dismissed_at IS NOT NULL OR NEW.dismissed_at IS NOT NULL AND NEW.added_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an answer is put aside once'); END;
-- +goose StatementEnd
