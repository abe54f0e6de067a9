-- +goose Up

-- When it was last found that serials of this list came again, with another order. A list never changes, but what is odd
-- about it can grow by that.
ALTER TABLE releases ADD COLUMN flagged_at INTEGER;

DROP TRIGGER a_released_list_is_final;
-- A missing list may be added once, and serials seen again are noted. Nothing else of what was released changes.
-- +goose StatementBegin
CREATE TRIGGER a_released_list_is_final BEFORE UPDATE ON releases
WHEN OLD.outcome = 'released' AND (NEW.list_source = ''
  OR NEW.answered_at IS NOT OLD.answered_at OR NEW.reason IS NOT OLD.reason OR NEW.order_status IS NOT OLD.order_status
  OR NEW.message IS NOT OLD.message OR NEW.code IS NOT OLD.code OR NEW.http_status IS NOT OLD.http_status
  OR NEW.proof IS NOT OLD.proof OR NEW.settled_at IS NOT OLD.settled_at
  OR OLD.list_source <> '' AND (NEW.flagged_at IS NULL
    OR NEW.list_source IS NOT OLD.list_source OR NEW.list_by IS NOT OLD.list_by OR NEW.list_at IS NOT OLD.list_at
    OR NEW.serials_received IS NOT OLD.serials_received
    OR NEW.asked_at IS NOT OLD.asked_at OR NEW.asked_says IS NOT OLD.asked_says
    OR EXISTS (SELECT value FROM json_each(OLD.oddities) WHERE value ->> 'Kind' <> 'seen_again'
      EXCEPT SELECT value FROM json_each(NEW.oddities))))
BEGIN SELECT RAISE(ABORT, 'the list of a release is added once and never changes'); END;
-- +goose StatementEnd
