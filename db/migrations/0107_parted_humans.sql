-- +goose Up

-- Accounts that an administrator has said are of different humans. Until another one says otherwise, nothing joins them:
-- no name that both have, and no account that comes back to the site.
CREATE TABLE parted_humans (
  user_id   INTEGER NOT NULL REFERENCES users (id),
  other_id  INTEGER NOT NULL REFERENCES users (id) CHECK (other_id > user_id),
  tenant_id INTEGER NOT NULL REFERENCES tenants (id), -- whose administrator said so
  PRIMARY KEY (user_id, other_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX parted_humans_of_other ON parted_humans (other_id);
CREATE INDEX parted_humans_of_tenant ON parted_humans (tenant_id);
INSERT OR IGNORE INTO parted_humans (user_id, other_id, tenant_id)
SELECT min(w.user_id, i.user_id), max(w.user_id, i.user_id), w.tenant_id
FROM sign_on_waits w JOIN identities i USING (tenant_id, issuer, subject)
WHERE w.same = 0 AND coalesce((SELECT same_as FROM users WHERE id = w.user_id), w.user_id)
  <> coalesce((SELECT same_as FROM users WHERE id = i.user_id), i.user_id);
