-- +goose Up

-- Whether a note is in a hand-over.
CREATE INDEX handover_items_of_note ON handover_items (note_id) WHERE note_id IS NOT NULL;
