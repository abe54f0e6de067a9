-- +goose Up

-- What a list says beside its serial numbers is that of its order when the list first goes out: at the first try, or when a
-- program first reads it. From then on it never changes. So a list that waits does not go out without the GTIN that its
-- order has by then.
ALTER TABLE deliveries ADD COLUMN fixed_at INTEGER;
-- Where a message of a webhook leads instead of having the list: the same each time, as all that goes out is.
ALTER TABLE deliveries ADD COLUMN link TEXT NOT NULL DEFAULT '';

-- What is known of the order of a release now.
CREATE VIEW order_facts (release_id, known) AS
SELECT r.id, (SELECT json_group_object(key, value)
  FROM json_each(json_object('product', o.product, 'gtin', o.gtin, 'lot', o.lot, 'expiry', o.expiry, 'quantity', o.quantity))
  WHERE value <> '')
FROM releases r JOIN orders o ON o.id = r.order_id;

DROP TRIGGER deliveries_stay_what_they_are;
-- +goose StatementBegin
CREATE TRIGGER deliveries_stay_what_they_are BEFORE UPDATE ON deliveries
WHEN NEW.id IS NOT OLD.id OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.destination_id IS NOT OLD.destination_id
  OR NEW.release_id IS NOT OLD.release_id OR NEW.uid IS NOT OLD.uid OR NEW.made_at IS NOT OLD.made_at
  OR NEW.facts IS NOT OLD.facts AND (OLD.fixed_at IS NOT NULL OR OLD.digest IS NOT NULL OR NEW.fixed_at IS NULL)
  OR OLD.fixed_at IS NOT NULL AND NEW.fixed_at IS NOT OLD.fixed_at
  OR OLD.link <> '' AND NEW.link IS NOT OLD.link
  OR OLD.digest IS NOT NULL AND (NEW.digest IS NOT OLD.digest OR NEW.size IS NOT OLD.size OR NEW.name IS NOT OLD.name
    OR NEW.format IS NOT OLD.format OR NEW.template_id IS NOT OLD.template_id)
BEGIN SELECT RAISE(ABORT, 'a delivery keeps its id, its name and its bytes'); END;
-- +goose StatementEnd

-- What is found odd later holds what waits, tried or not, unless a person sent it though it is odd in that way.
DROP TRIGGER odd_lists_are_held;
-- +goose StatementBegin
CREATE TRIGGER odd_lists_are_held AFTER UPDATE OF oddities ON releases
WHEN OLD.list_source <> '' AND NEW.oddities IS NOT OLD.oddities
BEGIN
  UPDATE deliveries SET state = 'held',
    held_for = (SELECT json_group_array(kind) FROM held_kinds h WHERE h.release_id = NEW.id AND h.destination_id = deliveries.destination_id)
  WHERE release_id = NEW.id AND state = 'waiting'
    AND EXISTS (SELECT 1 FROM held_kinds h WHERE h.release_id = NEW.id AND h.destination_id = deliveries.destination_id
      AND h.kind NOT IN (SELECT value FROM json_each(deliveries.held_for)));
END;
-- +goose StatementEnd
DROP TRIGGER deliveries_wait_again_by_a_person;
-- +goose StatementBegin
CREATE TRIGGER deliveries_wait_again_by_a_person BEFORE UPDATE ON deliveries
WHEN OLD.state <> NEW.state AND (
  NEW.state = 'waiting' AND (NEW.sends <> OLD.sends + 1 OR NEW.by_name = '' OR NEW.why = '')
  OR NEW.state = 'held' AND OLD.state <> 'waiting'
  OR NEW.state IN ('stopped', 'carried') AND OLD.state IN ('taken', 'carried'))
BEGIN SELECT RAISE(ABORT, 'a person sends a delivery that does not wait, with a reason'); END;
-- +goose StatementEnd
