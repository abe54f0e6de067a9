-- +goose Up
-- What a file says is kept in parts of some 64 KiB, so that neither it nor its rows are ever in memory as a whole more
-- than once. Files that wait over the upgrade are given again.
ALTER TABLE import_previews RENAME COLUMN content TO outline; -- how many parts, and the questions about the file

CREATE TABLE import_preview_parts (
  preview_id INTEGER NOT NULL REFERENCES import_previews (id) ON DELETE CASCADE,
  part       INTEGER NOT NULL CHECK (part >= 0),
  content    BLOB NOT NULL, -- sealed, for this part of this preview of this tenant and person
  UNIQUE (preview_id, part)
) STRICT;
