-- +goose Up

-- A person may have several roles at a tenant, and may be limited to some of its lines.
CREATE TABLE member_roles (
  user_id   INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  role      TEXT NOT NULL CHECK (role IN ('operator', 'supervisor', 'manager', 'auditor', 'administrator')),
  PRIMARY KEY (user_id, tenant_id, role),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO member_roles (user_id, tenant_id, role) SELECT user_id, tenant_id, role FROM members;
ALTER TABLE members DROP COLUMN role;

-- No row: all lines.
CREATE TABLE member_lines (
  user_id   INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (user_id, tenant_id, line_id),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_lines_of_line ON member_lines (tenant_id, line_id);

-- Where something was done: the name that a station had then, empty elsewhere.
ALTER TABLE releases ADD COLUMN station TEXT NOT NULL DEFAULT '';
ALTER TABLE queues ADD COLUMN station TEXT NOT NULL DEFAULT '';
-- +goose StatementBegin
CREATE TRIGGER releases_keep_their_station BEFORE UPDATE ON releases WHEN NEW.station IS NOT OLD.station
BEGIN SELECT RAISE(ABORT, 'a release keeps its station'); END;
-- +goose StatementEnd

-- Entries from here on are of format 2, whose hash is also over the station and the person's own words.
ALTER TABLE history ADD COLUMN format INTEGER NOT NULL DEFAULT 1 CHECK (format IN (1, 2));
ALTER TABLE history ADD COLUMN station TEXT NOT NULL DEFAULT '';
ALTER TABLE history ADD COLUMN comment TEXT NOT NULL DEFAULT '';
