-- +goose Up

-- The hints for a first use that a person has put away, by their names.
ALTER TABLE users ADD COLUMN hints TEXT NOT NULL DEFAULT '[]' CHECK (json_type(hints) = 'array');
