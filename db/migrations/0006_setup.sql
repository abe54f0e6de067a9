-- +goose Up

-- When each credential was last set and by whom. What it is stands sealed in its tenant.
CREATE TABLE credentials_set (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  name      TEXT NOT NULL CHECK (name IN ('api_key', 'api_secret', 'channel_key', 'static_token')),
  set_at    INTEGER NOT NULL,
  set_by    TEXT NOT NULL,
  PRIMARY KEY (tenant_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO credentials_set (tenant_id, name, set_at, set_by)
SELECT tenant_id, object, max(at), full_name FROM history
WHERE deed = 'credential_set' AND object IN ('api_key', 'api_secret', 'channel_key', 'static_token')
GROUP BY tenant_id, object;

-- A line that is not used any more shows no more among the lines. What happened on it stays.
ALTER TABLE lines ADD COLUMN retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1));
-- +goose StatementBegin
CREATE TRIGGER lines_are_never_deleted BEFORE DELETE ON lines
BEGIN SELECT RAISE(ABORT, 'lines are retired, never deleted'); END;
-- +goose StatementEnd

-- Where there is an administrator there stays one: nobody can lock a site out of its own setup.
-- +goose StatementBegin
CREATE TRIGGER a_tenant_keeps_an_administrator BEFORE DELETE ON member_roles
WHEN OLD.role = 'administrator' AND (SELECT active FROM users WHERE id = OLD.user_id) = 1
  AND NOT EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
    WHERE r.tenant_id = OLD.tenant_id AND r.role = 'administrator' AND u.active = 1 AND r.user_id <> OLD.user_id)
BEGIN SELECT RAISE(ABORT, 'a tenant keeps its last administrator'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_last_administrator_stays_active BEFORE UPDATE OF active ON users
WHEN OLD.active = 1 AND NEW.active = 0
  AND EXISTS (SELECT 1 FROM member_roles o WHERE o.user_id = OLD.id AND o.role = 'administrator'
    AND NOT EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
      WHERE r.tenant_id = o.tenant_id AND r.role = 'administrator' AND u.active = 1 AND r.user_id <> OLD.id))
BEGIN SELECT RAISE(ABORT, 'a tenant keeps its last administrator'); END;
-- +goose StatementEnd
