-- +goose Up

-- An import makes 100,000 records at once. One line of the log is about many of them: new ones whose keys follow each other,
-- as the key `[[first,last]]` says. It has the digest of each, one after the other, and its own digest is over these.
ALTER TABLE record_log ADD COLUMN begins INTEGER GENERATED ALWAYS AS (json_extract(key, '$[0][0]')) VIRTUAL;
ALTER TABLE record_log ADD COLUMN digests BLOB CHECK (iif(digests IS NULL, key NOT GLOB '[[][[]*',
  digest IS NOT NULL AND length(digests) > 0 AND length(digests) % 32 = 0
    AND key = json_array(json_array(begins, begins + length(digests) / 32 - 1))));
CREATE UNIQUE INDEX record_log_of_many ON record_log (tenant_id, record, begins) WHERE digests IS NOT NULL;
