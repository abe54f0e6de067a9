-- +goose Up

-- Who is of one human is looked up at each sign-in by the provider, among thousands.
CREATE INDEX users_of_human ON users (coalesce(same_as, id));
