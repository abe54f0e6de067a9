-- +goose Up

-- The result of a release stands on the boards until a person has acknowledged it. What is acknowledged is the result with
-- the list that was here then: one that comes later is to be looked at again.
CREATE TABLE acknowledgements (
  release_id  INTEGER NOT NULL,
  tenant_id   INTEGER NOT NULL,
  list_source TEXT NOT NULL,
  user_id     INTEGER REFERENCES users (id), -- none where it is from before results were acknowledged
  username    TEXT NOT NULL,
  full_name   TEXT NOT NULL,
  role        TEXT NOT NULL,
  station     TEXT NOT NULL,
  at          INTEGER NOT NULL,
  comment     TEXT NOT NULL,
  PRIMARY KEY (release_id, list_source),
  FOREIGN KEY (tenant_id, release_id) REFERENCES releases (tenant_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO acknowledgements (release_id, tenant_id, list_source, username, full_name, role, station, at, comment)
SELECT id, tenant_id, list_source, 'lineboard', 'Lineboard', '', '', coalesce(settled_at, answered_at), ''
FROM releases WHERE outcome = 'refused' OR outcome = 'released' AND list_source <> '' AND oddities = '[]';

-- +goose StatementBegin
CREATE TRIGGER only_results_are_acknowledged BEFORE INSERT ON acknowledgements
WHEN NOT EXISTS (SELECT 1 FROM releases r WHERE r.id = NEW.release_id AND r.list_source = NEW.list_source
  AND (r.outcome = 'refused' OR r.outcome = 'released' AND ((r.list_source <> '' AND r.oddities = '[]') OR NEW.comment <> '')))
BEGIN SELECT RAISE(ABORT, 'a result is acknowledged as it is, an odd one with words'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER acknowledgements_never_change BEFORE UPDATE ON acknowledgements
BEGIN SELECT RAISE(ABORT, 'an acknowledgement is given once'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER acknowledgements_are_never_deleted BEFORE DELETE ON acknowledgements
BEGIN SELECT RAISE(ABORT, 'an acknowledgement is given once'); END;
-- +goose StatementEnd

CREATE INDEX releases_refused ON releases (tenant_id) WHERE outcome = 'refused';
