-- +goose Up

-- The mark of the secret that a provisioning file gave a destination last: one that was set on the pages stays, until the
-- file gives another one.
ALTER TABLE destinations ADD COLUMN secret_mark BLOB CHECK (secret_mark IS NULL OR secret IS NOT NULL AND length(secret_mark) = 32);
