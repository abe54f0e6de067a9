-- +goose Up

-- Whether a try to send a message has begun and nobody knows yet how it ended. After a start none can be under way: what
-- was cut off is sent again at once.
ALTER TABLE alarm_messages ADD COLUMN under_way INTEGER NOT NULL DEFAULT 0
  CHECK (under_way = 0 OR under_way = 1 AND tries > 0 AND sent_at IS NULL AND given_up_at IS NULL);
