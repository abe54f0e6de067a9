-- +goose Up

-- Whether releases go on at a tenant while the copy of the database can't be confirmed.
ALTER TABLE rules ADD COLUMN release_uncopied INTEGER NOT NULL DEFAULT 0 CHECK (release_uncopied IN (0, 1));
