-- +goose Up

-- The language that a person chose to read (BCP 47), empty where they chose none.
ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT '';
