-- +goose Up

-- The language that a station speaks to whoever has chosen none (BCP 47), empty where that is the browser's.
ALTER TABLE stations ADD COLUMN language TEXT NOT NULL DEFAULT '' CHECK (language IN ('', 'de', 'en', 'es', 'fr', 'hu'));
