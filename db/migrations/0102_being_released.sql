-- +goose Up

-- A hand-over tells a release that is under way from one whose outcome is unknown. What a column may be changes with its
-- table alone. What refers to the table, and the table to itself, holds again when all its rows are back.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE handover_items_before AS SELECT * FROM handover_items;
DROP TABLE handover_items;
CREATE TABLE handover_items (
  handover_id  INTEGER NOT NULL,
  tenant_id    INTEGER NOT NULL,
  place        INTEGER NOT NULL CHECK (place > 0),
  kind         TEXT NOT NULL CHECK (kind IN ('sending', 'unknown', 'odd', 'suspended', 'waiting', 'queue', 'note')),
  line_code    TEXT NOT NULL,
  line_name    TEXT NOT NULL,
  order_id     INTEGER,
  order_key    TEXT NOT NULL,
  note_id      INTEGER,
  words        TEXT NOT NULL,
  since        INTEGER NOT NULL,
  from_id      INTEGER,
  from_place   INTEGER,
  PRIMARY KEY (handover_id, place),
  UNIQUE (from_id, from_place),
  FOREIGN KEY (tenant_id, handover_id) REFERENCES handovers (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  FOREIGN KEY (tenant_id, note_id) REFERENCES notes (tenant_id, id),
  FOREIGN KEY (from_id, from_place) REFERENCES handover_items (handover_id, place),
  CHECK ((from_id IS NULL) = (from_place IS NULL)),
  CHECK (from_id IS NULL OR from_id <> handover_id),
  CHECK ((kind = 'note') = (note_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO handover_items SELECT * FROM handover_items_before;
DROP TABLE handover_items_before;
CREATE INDEX handover_items_of_note ON handover_items (note_id) WHERE note_id IS NOT NULL;
-- +goose StatementBegin
CREATE TRIGGER handover_items_are_never_deleted BEFORE DELETE ON handover_items
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handover_items_never_change BEFORE UPDATE ON handover_items
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
