-- +goose Up

-- A copy can be made while a release is under way: then its request is here, and the record of its outcome is lost.
ALTER TABLE lost_releases ADD COLUMN outcome_alone INTEGER NOT NULL DEFAULT 0 CHECK (outcome_alone IN (0, 1));
