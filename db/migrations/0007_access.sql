-- +goose Up

-- Where a session was begun, so that a person who looks at a list of sessions knows which is which: the address that the
-- sign-in came from, the browser as it names itself, and the name that the station had then.
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '' CHECK (length(agent) <= 200);
ALTER TABLE sessions ADD COLUMN station TEXT NOT NULL DEFAULT '';

-- Keys that outlive the one beside the database, sealed with it. 'marks' is what marks are made with since that key was
-- first changed: a mark can't be made anew without what it marks.
CREATE TABLE kept_keys (
  name   TEXT PRIMARY KEY CHECK (name = 'marks'),
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
