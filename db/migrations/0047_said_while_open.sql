-- +goose Up

-- A shift with an outcome that nobody knows is signed with a comment: what is followed up, and by whom.
-- +goose StatementBegin
CREATE TRIGGER an_open_shift_is_signed_with_a_comment BEFORE INSERT ON shift_reviews
WHEN trim(NEW.comment) = '' AND EXISTS (
  SELECT 1 FROM releases r
  WHERE r.tenant_id = NEW.tenant_id AND r.outcome IN ('sending', 'unknown') AND r.closed_at IS NULL
    AND r.requested_at < NEW.ends_at
    AND r.requested_at >= (
      SELECT CAST(round(1000 * unixepoch(v.value ->> 'Text', 'subsec')) AS INTEGER)
      FROM json_each(NEW.record, '$.Values') v WHERE v.value ->> 'Name' = 'begin'
    )
)
BEGIN SELECT RAISE(ABORT, 'a shift with an unknown outcome is signed with a comment'); END;
-- +goose StatementEnd
