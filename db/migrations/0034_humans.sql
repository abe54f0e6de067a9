-- +goose Up

-- One human may have several accounts, such as one with a password and one of the company's provider. Rules of two go by
-- humans. same_as is the account that stands for the human; one without it stands for itself.
ALTER TABLE users ADD COLUMN same_as INTEGER REFERENCES users (id);
CREATE INDEX users_same_as ON users (same_as) WHERE same_as IS NOT NULL;
CREATE VIEW humans (user_id, human_id) AS SELECT id, coalesce(same_as, id) FROM users;
-- +goose StatementBegin
CREATE TRIGGER a_human_has_one_account_that_stands_for_it BEFORE UPDATE OF same_as ON users
WHEN NEW.same_as IS NOT NULL AND (NEW.same_as = NEW.id OR EXISTS (SELECT 1 FROM users WHERE same_as = NEW.id)
  OR EXISTS (SELECT 1 FROM users WHERE id = NEW.same_as AND same_as IS NOT NULL))
BEGIN SELECT RAISE(ABORT, 'an account is the same as one that stands for its human'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER one_human_signs_once BEFORE INSERT ON signatures
WHEN EXISTS (SELECT 1 FROM signatures s JOIN humans a ON a.user_id = s.user_id JOIN humans b ON b.user_id = NEW.user_id
  WHERE s.kind = NEW.kind AND s.object = NEW.object AND s.user_id <> NEW.user_id AND a.human_id = b.human_id)
BEGIN SELECT RAISE(ABORT, 'a second human signs what the first has signed'); END;
-- +goose StatementEnd

DROP TRIGGER another_person_takes_over;
-- +goose StatementBegin
CREATE TRIGGER another_person_takes_over BEFORE INSERT ON takeovers
WHEN (SELECT human_id FROM humans WHERE user_id = NEW.user_id)
    = (SELECT u.human_id FROM handovers h JOIN humans u ON u.user_id = h.user_id WHERE h.id = NEW.handover_id)
  OR EXISTS (SELECT 1 FROM takeovers WHERE handover_id = NEW.handover_id)
BEGIN SELECT RAISE(ABORT, 'a shift is taken over once, by another human than the one who hands it over'); END;
-- +goose StatementEnd

DROP TRIGGER another_person_acknowledges;
-- +goose StatementBegin
CREATE TRIGGER another_person_acknowledges BEFORE INSERT ON handover_acks
WHEN (SELECT human_id FROM humans WHERE user_id = NEW.user_id)
    = (SELECT u.human_id FROM handovers h JOIN humans u ON u.user_id = h.user_id WHERE h.id = NEW.handover_id)
  OR EXISTS (SELECT 1 FROM handover_acks WHERE handover_id = NEW.handover_id AND place = NEW.place)
  OR NOT EXISTS (SELECT 1 FROM takeovers WHERE handover_id = NEW.handover_id)
BEGIN SELECT RAISE(ABORT, 'what is handed over is acknowledged once, by another human than the one who hands it over'); END;
-- +goose StatementEnd

DROP TRIGGER passwords_are_confirmed_by_others;
-- +goose StatementBegin
CREATE TRIGGER passwords_are_confirmed_by_others BEFORE UPDATE ON users
WHEN NEW.password_confirmed_at IS NOT NULL AND OLD.password_confirmed_at IS NULL AND (NEW.password_set_by = ''
  OR NEW.password_changed = 0
  OR (SELECT human_id FROM humans WHERE user_id = NEW.password_confirmed_by)
    = (SELECT human_id FROM humans WHERE user_id = NEW.password_setter))
BEGIN SELECT RAISE(ABORT, 'a password is confirmed once its owner has changed it, by another human than who set it'); END;
-- +goose StatementEnd

-- Somebody who came by the provider under the name of a person of the site. They wait for an administrator, of whom it
-- is not about, who says whether both are the same human.
CREATE TABLE sign_on_waits (
  tenant_id  INTEGER NOT NULL,
  issuer     TEXT NOT NULL CHECK (issuer <> ''),
  subject    TEXT NOT NULL CHECK (subject <> ''),
  username   TEXT NOT NULL, -- as the provider has it
  email      TEXT NOT NULL,
  full_name  TEXT NOT NULL,
  user_id    INTEGER NOT NULL, -- the person who has the name
  asked_at   INTEGER NOT NULL,
  same       INTEGER CHECK (same IN (0, 1)),
  decided_by INTEGER REFERENCES users (id) CHECK ((decided_by IS NULL) = (same IS NULL)),
  PRIMARY KEY (tenant_id, issuer, subject),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER nobody_says_who_they_are_themselves BEFORE UPDATE OF same ON sign_on_waits
WHEN NEW.same IS NOT NULL AND (SELECT human_id FROM humans WHERE user_id = NEW.decided_by)
  = (SELECT human_id FROM humans WHERE user_id = NEW.user_id)
BEGIN SELECT RAISE(ABORT, 'an administrator whom it is not about says who somebody is'); END;
-- +goose StatementEnd
