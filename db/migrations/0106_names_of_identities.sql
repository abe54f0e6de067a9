-- +goose Up

-- What the provider called somebody when they were connected, empty where that was before it was kept. An account that
-- comes to the site later under that name is of the same human until an administrator says otherwise.
ALTER TABLE identities ADD COLUMN username TEXT NOT NULL DEFAULT '';
ALTER TABLE identities ADD COLUMN email TEXT NOT NULL DEFAULT '';
