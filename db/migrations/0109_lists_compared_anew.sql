-- +goose Up

-- Lists that are to be compared with all others of their products again, since the GTIN of their order came or changed
-- after them. A row goes once that is done.
CREATE TABLE lists_to_compare (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  list      INTEGER NOT NULL
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER a_list_is_compared_under_each_gtin AFTER INSERT ON list_gtins
BEGIN
  INSERT INTO lists_to_compare (tenant_id, list)
  SELECT NEW.tenant_id, r.round << 32 | r.order_id FROM releases r
  WHERE r.order_id = NEW.order_id AND r.outcome = 'released' AND r.list_source <> '';
END;
-- +goose StatementEnd
INSERT INTO lists_to_compare (tenant_id, list)
SELECT DISTINCT l.tenant_id, r.round << 32 | r.order_id FROM list_gtins l JOIN releases r ON r.order_id = l.order_id
WHERE r.outcome = 'released' AND r.list_source <> '';

-- Later GTINs tell what came before, too: its count grows, as that of what came again does.
DROP TRIGGER a_released_list_is_final;
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
    OR EXISTS (SELECT 1 FROM json_each(OLD.oddities) was WHERE NOT EXISTS (
      SELECT 1 FROM json_each(NEW.oddities) now WHERE now.value = was.value
        OR now.value ->> 'Kind' = was.value ->> 'Kind' AND now.value ->> 'Kind' IN ('seen_before', 'seen_again')
          AND now.value ->> 'Count' > was.value ->> 'Count'))))
BEGIN SELECT RAISE(ABORT, 'the list of a release is added once and never changes'); END;
-- +goose StatementEnd

-- A result of which more was found to be odd is another one than that which a person acknowledged.
DROP TRIGGER only_results_are_acknowledged;
DROP TRIGGER lost_releases_are_looked_at;
ALTER TABLE releases DROP COLUMN result;
ALTER TABLE releases ADD COLUMN result TEXT GENERATED ALWAYS AS (
  CASE WHEN contradicted_at IS NULL THEN '' ELSE contradicted_at || ' ' END || list_source
    || CASE WHEN flagged_at IS NULL THEN '' ELSE ' ' || flagged_at END) VIRTUAL;
INSERT INTO acknowledgements (release_id, tenant_id, list_source, user_id, username, full_name, role, station, at, comment)
SELECT a.release_id, a.tenant_id, r.result, a.user_id, a.username, a.full_name, a.role, a.station, a.at, a.comment
FROM releases r JOIN acknowledgements a ON a.release_id = r.id AND r.result = a.list_source || ' ' || r.flagged_at
WHERE a.at >= r.flagged_at;
-- +goose StatementBegin
CREATE TRIGGER only_results_are_acknowledged BEFORE INSERT ON acknowledgements
WHEN NOT EXISTS (SELECT 1 FROM releases r WHERE r.id = NEW.release_id AND r.result = NEW.list_source
  AND (r.outcome = 'refused' OR r.outcome = 'released' AND ((r.list_source <> '' AND r.oddities = '[]') OR NEW.comment <> '')))
BEGIN SELECT RAISE(ABORT, 'a result is acknowledged as it is, an odd one with words'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER lost_releases_are_looked_at BEFORE INSERT ON releases
WHEN EXISTS (
  SELECT 1 FROM releases r JOIN lost_releases l ON l.release_id = r.id
  WHERE r.order_id = NEW.order_id
    AND NOT EXISTS (SELECT 1 FROM acknowledgements a WHERE a.release_id = r.id AND a.list_source = r.result))
BEGIN SELECT RAISE(ABORT, 'a release whose record was lost is looked at first'); END;
-- +goose StatementEnd
