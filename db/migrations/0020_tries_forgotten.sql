-- +goose Up

-- Each try forgets those of all that are too old, wherever they were.
CREATE INDEX wrong_tries_by_time ON wrong_tries (last_at);
