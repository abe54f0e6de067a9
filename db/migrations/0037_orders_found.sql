-- +goose Up

-- The Orders page is read in the order of one of these, or of a key: a page takes as long among a million orders as among
-- a hundred. The one by status also counts the orders of each.
CREATE INDEX orders_by_status ON orders (tenant_id, urgency, status, id);
CREATE INDEX orders_by_product ON orders (tenant_id, product, id);
CREATE INDEX orders_by_lot ON orders (tenant_id, lot, id);
CREATE INDEX orders_by_expiry ON orders (tenant_id, expiry, id);
CREATE INDEX orders_by_quantity ON orders (tenant_id, CAST(quantity AS REAL), id);

-- Orders are found by any three characters in a row of their ID, product, GTIN or lot.
CREATE VIEW orders_found_by (id, text) AS
SELECT id, order_key || char(10) || product || char(10) || gtin || char(10) || lot FROM orders;

CREATE VIRTUAL TABLE orders_index USING fts5 (
  text, content = 'orders_found_by', content_rowid = 'id', columnsize = 0, detail = none, tokenize = 'trigram'
);
INSERT INTO orders_index (rowid, text) SELECT id, text FROM orders_found_by ORDER BY id;

-- Orders that the index does not have as they are: it is written in the background, since each write of it takes long.
-- Searches read these beside it. was is the text that the index has, NULL where it has none.
CREATE TABLE orders_unindexed (
  order_id INTEGER PRIMARY KEY,
  was      TEXT
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER a_new_order_is_unindexed AFTER INSERT ON orders
BEGIN INSERT INTO orders_unindexed (order_id) VALUES (NEW.id) ON CONFLICT DO NOTHING; END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_reworded_order_is_unindexed AFTER UPDATE OF order_key, product, gtin, lot ON orders
WHEN NEW.order_key <> OLD.order_key OR NEW.product <> OLD.product OR NEW.gtin <> OLD.gtin OR NEW.lot <> OLD.lot
BEGIN
  INSERT INTO orders_unindexed (order_id, was)
  VALUES (OLD.id, OLD.order_key || char(10) || OLD.product || char(10) || OLD.gtin || char(10) || OLD.lot) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER an_order_keeps_its_key BEFORE UPDATE OF id ON orders WHEN NEW.id IS NOT OLD.id
BEGIN SELECT RAISE(ABORT, 'an order keeps its key'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER orders_are_never_deleted BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'orders are never deleted'); END;
-- +goose StatementEnd
