-- +goose Up

-- An alarm may end because nobody asks for it any more, while what it is about lasts: then nobody says that it is over. What
-- a column may be changes with its table alone.
CREATE TABLE next_alarm_items (
  message_id TEXT NOT NULL REFERENCES alarm_messages (id) ON DELETE CASCADE,
  place      INTEGER NOT NULL,
  alarm_id   INTEGER NOT NULL REFERENCES alarms (id),
  says       TEXT NOT NULL CHECK (says IN ('began', 'repeated', 'passed_on', 'over', 'withdrawn')),
  at         INTEGER NOT NULL,
  PRIMARY KEY (message_id, place)
) STRICT, WITHOUT ROWID;
INSERT INTO next_alarm_items SELECT * FROM alarm_items;
DROP TABLE alarm_items;
ALTER TABLE next_alarm_items RENAME TO alarm_items;
CREATE INDEX alarm_items_of_alarm ON alarm_items (alarm_id);
-- +goose StatementBegin
CREATE TRIGGER what_was_tried_stays_as_it_is BEFORE INSERT ON alarm_items
WHEN (SELECT tries FROM alarm_messages WHERE id = NEW.message_id) > 0
BEGIN SELECT RAISE(ABORT, 'a message that was tried keeps its items'); END;
-- +goose StatementEnd
