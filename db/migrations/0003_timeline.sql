-- +goose Up

-- What an order went through, as the cache saw it. What people did stands in the history; an order's page shows both.
CREATE TABLE order_events (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL CHECK (kind IN ('seen', 'status', 'gone', 'back', 'facts', 'line')),
  field     TEXT NOT NULL DEFAULT '' CHECK (field IN ('', 'product', 'gtin', 'lot', 'expiry', 'quantity', 'extra', 'line')),
  old_value TEXT NOT NULL DEFAULT '',
  new_value TEXT NOT NULL DEFAULT '',
  source    TEXT NOT NULL CHECK (source IN ('list', 'details', 'answer', 'settlement', 'import', 'person')),
  full_name TEXT NOT NULL DEFAULT '', -- of the person, with source person
  station   TEXT NOT NULL DEFAULT '', -- that they were at
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK ((kind = 'facts') = (field <> '')),
  CHECK ((source = 'person') = (full_name <> '')),
  CHECK (kind NOT IN ('status', 'facts', 'line') OR old_value <> new_value)
) STRICT;
CREATE INDEX order_events_of_order ON order_events (order_id, id);

-- +goose StatementBegin
CREATE TRIGGER order_events_never_change BEFORE UPDATE ON order_events
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER order_events_are_never_deleted BEFORE DELETE ON order_events
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER order_events_only_grow BEFORE INSERT ON order_events WHEN EXISTS (SELECT 1 FROM order_events WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;
-- +goose StatementEnd

-- When details were asked for, and last said what the cache has already. Apart from the orders, so that asking writes a
-- few bytes and never a row that pages show; the row's own confirmed_at is as of its last change.
CREATE TABLE order_checks (
  order_id     INTEGER PRIMARY KEY REFERENCES orders (id),
  asked_at     INTEGER NOT NULL DEFAULT 0,
  confirmed_at INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO order_checks (order_id, asked_at) SELECT id, asked_at FROM orders WHERE asked_at > 0;
ALTER TABLE orders DROP COLUMN asked_at;

-- A line that a person set is kept through refreshes until it is given back.
ALTER TABLE orders ADD COLUMN line_set_at INTEGER CHECK (line_set_at IS NULL OR line_id IS NOT NULL);
ALTER TABLE orders ADD COLUMN line_set_by TEXT NOT NULL DEFAULT '' CHECK ((line_set_by <> '') = (line_set_at IS NOT NULL));
-- What the API calls the line: its code, or its name where it gives no code.
ALTER TABLE orders ADD COLUMN api_line TEXT COLLATE NOCASE
  GENERATED ALWAYS AS (CASE line_code WHEN '' THEN line_name ELSE line_code END) VIRTUAL;
CREATE INDEX orders_of_unknown_line ON orders (tenant_id, api_line) WHERE line_id IS NULL;

-- How many orders the last good refresh found new or changed.
ALTER TABLE refreshes ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
