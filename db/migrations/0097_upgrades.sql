-- +goose Up

-- Whether an upgrade is under way is now said by a mark that takes the key to make: whoever changes a record by hand must
-- not be able to have the next start log it as it is.
ALTER TABLE anchoring DROP COLUMN logged_schema;
