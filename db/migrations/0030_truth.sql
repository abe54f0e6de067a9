-- +goose Up

-- That the API says Pending release is a sign that a release was not carried out, and no proof. It is taken for one when
-- the API says so twice, with time between and no failed question: these are the two times.
ALTER TABLE releases ADD COLUMN pending_since INTEGER;
ALTER TABLE releases ADD COLUMN pending_again INTEGER CHECK (pending_again IS NULL OR pending_since IS NOT NULL);

-- When a status last contradicted what the release was settled as. It is open again since then.
ALTER TABLE releases ADD COLUMN contradicted_at INTEGER;

-- Who settled an unknown outcome without proof, and why. closed_at says that nobody can know it: it is asked about no more.
ALTER TABLE releases ADD COLUMN settled_by TEXT NOT NULL DEFAULT '';
ALTER TABLE releases ADD COLUMN settled_why TEXT NOT NULL DEFAULT '' CHECK ((settled_why = '') = (settled_by = ''));
ALTER TABLE releases ADD COLUMN closed_at INTEGER CHECK (closed_at IS NULL OR outcome = 'unknown' AND settled_by <> '');

-- What a person acknowledges: a result with the list that it has. One that came after a contradiction is another.
ALTER TABLE releases ADD COLUMN result TEXT
  GENERATED ALWAYS AS (CASE WHEN contradicted_at IS NULL THEN '' ELSE contradicted_at || ' ' END || list_source) VIRTUAL;

-- +goose StatementBegin
CREATE TRIGGER pending_release_is_seen_twice BEFORE UPDATE ON releases
WHEN OLD.outcome = 'unknown' AND NEW.outcome = 'refused' AND NEW.proof = 'status'
  AND (NEW.pending_again IS NULL OR OLD.contradicted_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'Pending release is a sign only when it was seen twice, and never after a contradiction'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_person_settles_with_a_reason BEFORE UPDATE ON releases
WHEN OLD.outcome = 'unknown' AND NEW.proof = 'person' AND NEW.settled_by = ''
BEGIN SELECT RAISE(ABORT, 'a person settles an unknown outcome by name and with a reason'); END;
-- +goose StatementEnd

DROP TRIGGER releases_only_go_forward;
-- A release goes from sending to its outcome, and from unknown to a settled one. One that was settled by a sign or by a
-- person becomes unknown again when a status contradicts that. So does one that an earlier program took for refused by
-- words that prove nothing.
-- +goose StatementBegin
CREATE TRIGGER releases_only_go_forward BEFORE UPDATE ON releases
WHEN (OLD.outcome = 'refused' OR OLD.outcome = 'released' AND NEW.outcome <> 'released')
    AND NOT (NEW.outcome = 'unknown' AND NEW.contradicted_at IS NOT NULL AND NEW.contradicted_at IS NOT OLD.contradicted_at
      AND (OLD.outcome = 'refused' AND (OLD.proof <> 'answer' OR OLD.reason IN ('other_refusal', 'throttled'))
        OR OLD.outcome = 'released' AND OLD.proof = 'person' AND OLD.list_source = ''))
  OR NEW.outcome = 'sending'
  OR NEW.id IS NOT OLD.id OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.order_id IS NOT OLD.order_id
  OR NEW.user_id IS NOT OLD.user_id OR NEW.username IS NOT OLD.username OR NEW.full_name IS NOT OLD.full_name
  OR NEW.role IS NOT OLD.role OR NEW.line_id IS NOT OLD.line_id OR NEW.line_code IS NOT OLD.line_code
  OR NEW.line_name IS NOT OLD.line_name OR NEW.requested_at IS NOT OLD.requested_at
  OR NEW.serials_expected IS NOT OLD.serials_expected
BEGIN SELECT RAISE(ABORT, 'a release only goes from sending to its outcome, and from unknown to a settled one'); END;
-- +goose StatementEnd

DROP TRIGGER a_released_list_is_final;
-- A missing list is asked about and added once, and serials seen again are noted. Nothing else of what was released
-- changes.
-- +goose StatementBegin
CREATE TRIGGER a_released_list_is_final BEFORE UPDATE ON releases
WHEN OLD.outcome = 'released' AND NEW.outcome = 'released' AND (
  NEW.answered_at IS NOT OLD.answered_at OR NEW.reason IS NOT OLD.reason OR NEW.order_status IS NOT OLD.order_status
  OR NEW.message IS NOT OLD.message OR NEW.code IS NOT OLD.code OR NEW.http_status IS NOT OLD.http_status
  OR NEW.proof IS NOT OLD.proof OR NEW.settled_at IS NOT OLD.settled_at
  OR NEW.pending_since IS NOT OLD.pending_since OR NEW.pending_again IS NOT OLD.pending_again
  OR NEW.contradicted_at IS NOT OLD.contradicted_at
  OR NEW.settled_by IS NOT OLD.settled_by OR NEW.settled_why IS NOT OLD.settled_why
  OR NEW.list_source = '' AND (NEW.oddities IS NOT OLD.oddities OR NEW.flagged_at IS NOT OLD.flagged_at)
  OR OLD.list_source <> '' AND (NEW.flagged_at IS NULL
    OR NEW.list_source IS NOT OLD.list_source OR NEW.list_by IS NOT OLD.list_by OR NEW.list_at IS NOT OLD.list_at
    OR NEW.serials_received IS NOT OLD.serials_received
    OR NEW.asked_at IS NOT OLD.asked_at OR NEW.asked_says IS NOT OLD.asked_says
    OR EXISTS (SELECT value FROM json_each(OLD.oddities) WHERE value ->> 'Kind' <> 'seen_again'
      EXCEPT SELECT value FROM json_each(NEW.oddities))))
BEGIN SELECT RAISE(ABORT, 'the list of a release is added once and never changes'); END;
-- +goose StatementEnd

DROP TRIGGER only_results_are_acknowledged;
-- +goose StatementBegin
CREATE TRIGGER only_results_are_acknowledged BEFORE INSERT ON acknowledgements
WHEN NOT EXISTS (SELECT 1 FROM releases r WHERE r.id = NEW.release_id AND r.result = NEW.list_source
  AND (r.outcome = 'refused' OR r.outcome = 'released' AND ((r.list_source <> '' AND r.oddities = '[]') OR NEW.comment <> '')))
BEGIN SELECT RAISE(ABORT, 'a result is acknowledged as it is, an odd one with words'); END;
-- +goose StatementEnd
