-- +goose Up

-- By what names people were ever known at a site: their usernames, and what its provider called them. Accounts that
-- share one are of one human until an administrator says otherwise. Nobody becomes another human by leaving the site, by
-- disconnecting from the provider, or by another address of e-mail.
CREATE TABLE known_as (
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  user_id   INTEGER NOT NULL REFERENCES users (id),
  name      TEXT NOT NULL CHECK (name <> ''),
  PRIMARY KEY (tenant_id, user_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_as_of_user ON known_as (user_id);
INSERT OR IGNORE INTO known_as
SELECT m.tenant_id, u.id, u.username FROM members m JOIN users u ON u.id = m.user_id UNION
SELECT tenant_id, user_id, username FROM identities WHERE username <> '' UNION
SELECT tenant_id, user_id, email FROM identities WHERE email <> '' UNION
SELECT tenant_id, user_id, subject FROM identities;

-- +goose StatementBegin
CREATE TRIGGER members_are_known_by_their_usernames AFTER INSERT ON members
BEGIN
  INSERT INTO known_as SELECT NEW.tenant_id, id, username FROM users WHERE id = NEW.user_id ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER identities_are_known_by_their_names AFTER INSERT ON identities
BEGIN
  INSERT INTO known_as SELECT NEW.tenant_id, NEW.user_id, value
  FROM json_each(json_array(NEW.subject, NEW.username, NEW.email)) WHERE value <> '' ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER names_that_were_known_never_change BEFORE UPDATE ON known_as
BEGIN SELECT RAISE(ABORT, 'a name stays known'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER names_that_were_known_stay_known BEFORE DELETE ON known_as
BEGIN SELECT RAISE(ABORT, 'a name stays known'); END;
-- +goose StatementEnd

-- Who comes by the provider may have the names of several people, and is asked about each. What an administrator says
-- holds while the person is away from the site, too.
CREATE TABLE words_on_waits AS SELECT * FROM sign_on_waits;
DROP TABLE sign_on_waits;
CREATE TABLE sign_on_waits (
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  issuer     TEXT NOT NULL CHECK (issuer <> ''),
  subject    TEXT NOT NULL CHECK (subject <> ''),
  username   TEXT NOT NULL, -- as the provider has it
  email      TEXT NOT NULL,
  full_name  TEXT NOT NULL,
  user_id    INTEGER NOT NULL REFERENCES users (id), -- the person who has the name
  asked_at   INTEGER NOT NULL,
  same       INTEGER CHECK (same IN (0, 1)),
  decided_by INTEGER REFERENCES users (id) CHECK ((decided_by IS NULL) = (same IS NULL)),
  PRIMARY KEY (tenant_id, issuer, subject, user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO sign_on_waits
SELECT tenant_id, issuer, subject, username, email, full_name, user_id, asked_at, same, decided_by FROM words_on_waits
WHERE NOT EXISTS (SELECT 1 FROM identities i WHERE i.tenant_id = words_on_waits.tenant_id
  AND i.issuer = words_on_waits.issuer AND i.subject = words_on_waits.subject);
DROP TABLE words_on_waits;
CREATE INDEX sign_on_waits_of_user ON sign_on_waits (user_id);
CREATE INDEX sign_on_waits_of_decider ON sign_on_waits (decided_by);
-- +goose StatementBegin
CREATE TRIGGER nobody_says_who_they_are_themselves BEFORE UPDATE OF same ON sign_on_waits
WHEN NEW.same IS NOT NULL AND (SELECT human_id FROM humans WHERE user_id = NEW.decided_by)
  = (SELECT human_id FROM humans WHERE user_id = NEW.user_id)
BEGIN SELECT RAISE(ABORT, 'an administrator whom it is not about says who somebody is'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER who_waits_is_asked_about_first BEFORE INSERT ON sign_on_waits
WHEN NEW.same IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an administrator says who somebody is once they wait'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER parted_humans_stay_apart BEFORE UPDATE OF same_as ON users
WHEN EXISTS (SELECT 1 FROM humans h JOIN parted_humans p
  ON p.user_id = min(h.user_id, NEW.id) AND p.other_id = max(h.user_id, NEW.id) WHERE h.human_id = NEW.same_as)
BEGIN SELECT RAISE(ABORT, 'an administrator has said that they are different humans'); END;
-- +goose StatementEnd
