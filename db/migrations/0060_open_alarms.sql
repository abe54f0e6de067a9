-- +goose Up
-- What lasts and what waits is asked all the time, among all that ever was.
CREATE INDEX alarms_lasting ON alarms (tenant_id) WHERE ended_at IS NULL;
CREATE INDEX alarm_messages_waiting ON alarm_messages (tenant_id) WHERE sent_at IS NULL AND given_up_at IS NULL;
