-- +goose Up

-- An order that only an import told of can be withdrawn: the import was a mistake. It leaves the boards and is kept. The API
-- or another import brings it back.
ALTER TABLE orders ADD COLUMN withdrawn_at INTEGER CHECK (withdrawn_at IS NULL OR known = 0);
ALTER TABLE orders ADD COLUMN withdrawn_by TEXT NOT NULL DEFAULT '' CHECK ((withdrawn_by = '') = (withdrawn_at IS NULL));
ALTER TABLE orders ADD COLUMN withdrawn_why TEXT NOT NULL DEFAULT '' CHECK ((withdrawn_why = '') = (withdrawn_at IS NULL));

CREATE INDEX orders_withdrawn ON orders (tenant_id, id) WHERE withdrawn_at IS NOT NULL;

-- +goose StatementBegin
CREATE TRIGGER orders_are_there_before_they_are_withdrawn BEFORE INSERT ON orders WHEN NEW.withdrawn_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an order is there before it is withdrawn'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER orders_on_their_way_are_not_withdrawn BEFORE UPDATE OF withdrawn_at ON orders
WHEN NEW.withdrawn_at IS NOT NULL AND (EXISTS (SELECT 1 FROM releases WHERE order_id = NEW.id)
  OR EXISTS (SELECT 1 FROM queue_orders WHERE order_id = NEW.id))
BEGIN SELECT RAISE(ABORT, 'an order with a release, or with a place in a queue, is not withdrawn'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER withdrawn_orders_are_not_queued BEFORE INSERT ON queue_orders
WHEN (SELECT withdrawn_at FROM orders WHERE id = NEW.order_id) IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a withdrawn order has no place in a queue'); END;
-- +goose StatementEnd

-- While a release of an order is not settled, nobody gives a value of it back to the API either.
-- +goose StatementBegin
CREATE TRIGGER values_stay_while_a_release_is_not_settled BEFORE UPDATE ON imported_facts
WHEN (NEW.line_code, NEW.line_name, NEW.product, NEW.gtin, NEW.lot, NEW.expiry, NEW.quantity, NEW.extra_percent)
    IS NOT (OLD.line_code, OLD.line_name, OLD.product, OLD.gtin, OLD.lot, OLD.expiry, OLD.quantity, OLD.extra_percent)
  AND EXISTS (SELECT 1 FROM releases WHERE order_id = NEW.order_id AND outcome IN ('sending', 'unknown'))
BEGIN SELECT RAISE(ABORT, 'an order whose release is not settled keeps its values'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER values_are_not_dropped_while_a_release_is_not_settled BEFORE DELETE ON imported_facts
WHEN EXISTS (SELECT 1 FROM releases WHERE order_id = OLD.order_id AND outcome IN ('sending', 'unknown'))
BEGIN SELECT RAISE(ABORT, 'an order whose release is not settled keeps its values'); END;
-- +goose StatementEnd

-- Serial numbers that were shown as a barcode to try camera and scanner with, each when that was first. A camera at the
-- line may have registered one.
CREATE TABLE shown_serials (
  serial_id INTEGER PRIMARY KEY REFERENCES serials (id),
  tenant_id INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  user_id   INTEGER NOT NULL REFERENCES users (id),
  username  TEXT NOT NULL,
  full_name TEXT NOT NULL,
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER serials_are_shown_before_the_line_begins BEFORE INSERT ON shown_serials
WHEN NEW.serial_id >> 24 & 4294967295 <> NEW.order_id
  OR (SELECT status FROM orders WHERE id = NEW.order_id) NOT IN ('Open', 'Pending release', 'In progress')
  OR EXISTS (SELECT 1 FROM order_events WHERE order_id = NEW.order_id AND kind = 'status'
    AND (old_value IN ('Suspended', 'Done') OR new_value IN ('Suspended', 'Done')))
BEGIN SELECT RAISE(ABORT, 'a serial number of the list is shown before the line begins with the order'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shown_serials_never_change BEFORE UPDATE ON shown_serials
BEGIN SELECT RAISE(ABORT, 'what was shown stays known'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shown_serials_are_never_deleted BEFORE DELETE ON shown_serials
BEGIN SELECT RAISE(ABORT, 'what was shown stays known'); END;
-- +goose StatementEnd
