-- +goose Up

-- When the last try began of which nobody knows yet what came: none once that is known. A try begins in the transaction
-- that finds the list still waiting; what is decided later does not call it back.
ALTER TABLE deliveries ADD COLUMN begun_at INTEGER;
