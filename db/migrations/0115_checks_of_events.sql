-- +goose Up

-- SQLite makes a table of a longer list behind IN anew for each row that a CHECK is asked about: that took more than half of
-- the time of an event. What a CHECK says changes with its table alone.
DROP TRIGGER serials_are_shown_before_the_line_begins;
CREATE TABLE next_order_events (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL CHECK (kind = 'seen' OR kind = 'status' OR kind = 'facts' OR kind = 'line' OR kind = 'gone' OR kind = 'back'),
  field     TEXT NOT NULL DEFAULT '' CHECK (field = '' OR field = 'product' OR field = 'gtin' OR field = 'lot'
    OR field = 'expiry' OR field = 'quantity' OR field = 'extra' OR field = 'line'),
  old_value TEXT NOT NULL DEFAULT '',
  new_value TEXT NOT NULL DEFAULT '',
  source    TEXT NOT NULL CHECK (source = 'list' OR source = 'details' OR source = 'answer' OR source = 'settlement'
    OR source = 'import' OR source = 'person'),
  full_name TEXT NOT NULL DEFAULT '', -- of the person, with source person
  station   TEXT NOT NULL DEFAULT '', -- that they were at
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK ((kind = 'facts') = (field <> '')),
  CHECK ((source = 'person') = (full_name <> '')),
  CHECK (old_value <> new_value OR kind = 'seen' OR kind = 'gone' OR kind = 'back')
) STRICT;
INSERT INTO next_order_events SELECT * FROM order_events;
DROP TABLE order_events;
ALTER TABLE next_order_events RENAME TO order_events;
CREATE INDEX order_events_of_order ON order_events (order_id, id);
-- +goose StatementBegin
CREATE TRIGGER order_events_are_never_deleted BEFORE DELETE ON order_events
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER order_events_never_change BEFORE UPDATE ON order_events
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER order_events_only_grow BEFORE INSERT ON order_events WHEN EXISTS (SELECT 1 FROM order_events WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the timeline of an order is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER serials_are_shown_before_the_line_begins BEFORE INSERT ON shown_serials
WHEN NEW.serial_id >> 24 & 4294967295 <> NEW.order_id
  OR NEW.serial_id >> 24 IN (SELECT list FROM staged_lists)
  OR NEW.serial_id & 16777215 NOT BETWEEN 1 AND coalesce((SELECT r.serials_received FROM releases r
    WHERE r.order_id = NEW.order_id AND r.round = NEW.serial_id >> 56 AND r.outcome = 'released'), 0)
  OR (SELECT status FROM orders WHERE id = NEW.order_id) NOT IN ('Open', 'Pending release', 'In progress')
  OR EXISTS (SELECT 1 FROM order_events WHERE order_id = NEW.order_id AND kind = 'status'
    AND (old_value IN ('Suspended', 'Done') OR new_value IN ('Suspended', 'Done')))
BEGIN SELECT RAISE(ABORT, 'a serial number of the list is shown before the line begins with the order'); END;
-- +goose StatementEnd
