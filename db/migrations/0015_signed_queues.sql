-- +goose Up

-- What the person who started a queue saw of each order: the digest of its release's record (packaging.Queue.Record).
-- Signatures under a queue are under just these. Rows of earlier queues have none.
ALTER TABLE queue_orders ADD COLUMN content BLOB CHECK (length(content) = 32);
-- +goose StatementBegin
CREATE TRIGGER queue_orders_are_never_changed BEFORE UPDATE ON queue_orders
BEGIN SELECT RAISE(ABORT, 'the orders of a queue stay'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER queue_orders_are_never_deleted BEFORE DELETE ON queue_orders
BEGIN SELECT RAISE(ABORT, 'the orders of a queue stay'); END;
-- +goose StatementEnd

-- The queue that a release is of.
ALTER TABLE releases ADD COLUMN queue_id INTEGER;
-- +goose StatementBegin
CREATE TRIGGER releases_of_queues_are_of_their_orders BEFORE INSERT ON releases
WHEN NEW.queue_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM queue_orders
  WHERE queue_id = NEW.queue_id AND tenant_id = NEW.tenant_id AND order_id = NEW.order_id)
BEGIN SELECT RAISE(ABORT, 'a release of a queue is of an order of it'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_stay_with_their_queue BEFORE UPDATE OF queue_id ON releases WHEN NEW.queue_id IS NOT OLD.queue_id
BEGIN SELECT RAISE(ABORT, 'a release stays with its queue'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER signatures_of_queues_of_their_tenant BEFORE INSERT ON signatures
WHEN NEW.kind = 'queue' AND NOT EXISTS (SELECT 1 FROM queues WHERE id = NEW.object AND tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a signature stands under a queue of its tenant'); END;
-- +goose StatementEnd
