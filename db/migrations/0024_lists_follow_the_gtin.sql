-- +goose Up

-- GTINs that an order got after its list came. The list is of these as well: what an order is of can become known, or be
-- corrected, while the serials stay as they were received. What differs in leading zeros alone is one GTIN.
CREATE TABLE list_gtins (
  tenant_id  INTEGER NOT NULL,
  gtin       TEXT NOT NULL CHECK (gtin <> ''),
  order_id   INTEGER NOT NULL,
  product_id INTEGER NOT NULL REFERENCES products (id), -- under which the serials stand
  PRIMARY KEY (tenant_id, gtin, order_id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX list_gtins_of_order ON list_gtins (order_id);

INSERT INTO list_gtins (tenant_id, gtin, order_id, product_id)
SELECT o.tenant_id, o.gtin, o.id, p.id
FROM orders o JOIN serials s ON s.id = (o.id << 24) + 1 JOIN products p ON p.id = s.product_id
WHERE o.gtin <> '' AND ltrim(o.gtin, '0') <> ltrim(p.gtin, '0');

-- +goose StatementBegin
CREATE TRIGGER a_list_follows_the_gtin_of_its_order AFTER UPDATE OF gtin ON orders
WHEN NEW.gtin <> '' AND NEW.gtin <> OLD.gtin
BEGIN
  INSERT INTO list_gtins (tenant_id, gtin, order_id, product_id)
  SELECT NEW.tenant_id, NEW.gtin, NEW.id, p.id FROM serials s JOIN products p ON p.id = s.product_id
  WHERE s.id = (NEW.id << 24) + 1 AND ltrim(NEW.gtin, '0') <> ltrim(p.gtin, '0')
    AND NOT EXISTS (SELECT 1 FROM list_gtins l WHERE l.order_id = NEW.id AND ltrim(l.gtin, '0') = ltrim(NEW.gtin, '0'));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gtins_of_lists_never_change BEFORE UPDATE ON list_gtins
BEGIN SELECT RAISE(ABORT, 'a list keeps each GTIN that its order had'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER gtins_of_lists_are_never_deleted BEFORE DELETE ON list_gtins
BEGIN SELECT RAISE(ABORT, 'a list keeps each GTIN that its order had'); END;
-- +goose StatementEnd
