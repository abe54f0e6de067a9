-- +goose Up

-- How people of a tenant sign in by their company's provider (OpenID Connect). Without a row there is no such way.
CREATE TABLE sso (
  tenant_id     INTEGER PRIMARY KEY REFERENCES tenants (id),
  enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  label         TEXT NOT NULL CHECK (label <> ''),
  home          TEXT NOT NULL CHECK (home <> ''),
  issuer        TEXT NOT NULL CHECK (issuer <> ''),
  client_id     TEXT NOT NULL CHECK (client_id <> ''),
  client_secret BLOB, -- sealed with a key that is not in the database; none for a public client
  secret_set_at INTEGER,
  secret_set_by TEXT NOT NULL DEFAULT '',
  scopes        TEXT NOT NULL, -- separated by spaces, without openid
  hosts         TEXT NOT NULL, -- likewise, without the issuer's own
  claim         TEXT NOT NULL CHECK (claim <> ''),
  CHECK ((client_secret IS NULL) = (secret_set_at IS NULL))
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER a_client_secret_stays_with_its_issuer BEFORE UPDATE ON sso
WHEN NEW.issuer <> OLD.issuer AND NEW.client_secret IS OLD.client_secret AND OLD.client_secret IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a client secret goes to the issuer that it was set for alone'); END;
-- +goose StatementEnd

-- What the values of the claim make somebody. The first in their order that fits counts.
CREATE TABLE sso_grants (
  tenant_id INTEGER NOT NULL REFERENCES sso (tenant_id),
  place     INTEGER NOT NULL,
  value     TEXT NOT NULL CHECK (value <> ''),
  PRIMARY KEY (tenant_id, place),
  UNIQUE (tenant_id, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE sso_grant_roles (
  tenant_id INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  role      TEXT NOT NULL CHECK (role IN ('operator', 'supervisor', 'manager', 'auditor', 'administrator')),
  PRIMARY KEY (tenant_id, place, role),
  FOREIGN KEY (tenant_id, place) REFERENCES sso_grants (tenant_id, place) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE sso_grant_lines (
  tenant_id INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  line_id   INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, place, line_id),
  FOREIGN KEY (tenant_id, place) REFERENCES sso_grants (tenant_id, place) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sso_grant_lines_of_line ON sso_grant_lines (tenant_id, line_id);

-- Whom a person is at a provider. The same one at another tenant is another identity.
CREATE TABLE identities (
  tenant_id    INTEGER NOT NULL,
  issuer       TEXT NOT NULL CHECK (issuer <> ''),
  subject      TEXT NOT NULL CHECK (subject <> ''),
  user_id      INTEGER NOT NULL,
  connected_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, issuer, subject),
  UNIQUE (user_id, issuer),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id)
) STRICT, WITHOUT ROWID;
-- Whoever comes by single sign-on belongs to one tenant: its provider must never open another one.
-- +goose StatementBegin
CREATE TRIGGER an_identity_opens_one_tenant BEFORE INSERT ON identities
WHEN EXISTS (SELECT 1 FROM members WHERE user_id = NEW.user_id AND tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a person of several tenants has no identity'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_person_with_an_identity_stays_at_one_tenant BEFORE INSERT ON members
WHEN EXISTS (SELECT 1 FROM identities WHERE user_id = NEW.user_id AND tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a person with an identity belongs to one tenant'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER identities_never_change BEFORE UPDATE ON identities
BEGIN SELECT RAISE(ABORT, 'an identity is made and removed, never changed'); END;
-- +goose StatementEnd

-- A session that began by single sign-on ends at the provider too, where the person wants that.
ALTER TABLE sessions ADD COLUMN sso INTEGER NOT NULL DEFAULT 0 CHECK (sso IN (0, 1));

-- What a person without a password signs with: it signs nobody in.
ALTER TABLE users ADD COLUMN signing_hash TEXT NOT NULL DEFAULT '';

-- Where a tenant has an administrator with a password there stays one: a provider that is down, or says something else
-- of its people, must not lock a site out of its own setup.
DROP TRIGGER a_tenant_keeps_an_administrator;
DROP TRIGGER a_last_administrator_stays_active;
-- +goose StatementBegin
CREATE TRIGGER a_tenant_keeps_an_administrator BEFORE DELETE ON member_roles
WHEN OLD.role = 'administrator' AND (SELECT active AND password_hash <> '' FROM users WHERE id = OLD.user_id) = 1
  AND NOT EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
    WHERE r.tenant_id = OLD.tenant_id AND r.role = 'administrator' AND u.active = 1 AND u.password_hash <> '' AND r.user_id <> OLD.user_id)
BEGIN SELECT RAISE(ABORT, 'a tenant keeps its last administrator'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_last_administrator_stays_active BEFORE UPDATE OF active ON users
WHEN OLD.active = 1 AND NEW.active = 0 AND OLD.password_hash <> ''
  AND EXISTS (SELECT 1 FROM member_roles o WHERE o.user_id = OLD.id AND o.role = 'administrator'
    AND NOT EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
      WHERE r.tenant_id = o.tenant_id AND r.role = 'administrator' AND u.active = 1 AND u.password_hash <> '' AND r.user_id <> OLD.id))
BEGIN SELECT RAISE(ABORT, 'a tenant keeps its last administrator'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER a_password_is_never_taken_away BEFORE UPDATE OF password_hash ON users
WHEN OLD.password_hash <> '' AND NEW.password_hash = ''
BEGIN SELECT RAISE(ABORT, 'a password is replaced, never taken away'); END;
-- +goose StatementEnd
