-- +goose Up

-- What was done by hand is looked up in the transaction that finds more of it.
CREATE INDEX history_by_hand ON history (tenant_id) WHERE deed = 'record_by_hand';
