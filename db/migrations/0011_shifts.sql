-- +goose Up

-- The shifts of a tenant from a day on, until another plan begins. Plans are only added: what a past day was divided into
-- never changes.
CREATE TABLE shift_plans (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL REFERENCES tenants (id),
  valid_from TEXT NOT NULL CHECK (date(valid_from) IS valid_from), -- a day of the site
  set_at     INTEGER NOT NULL,
  UNIQUE (tenant_id, id)
) STRICT;
CREATE TABLE shifts (
  plan_id   INTEGER NOT NULL,
  tenant_id INTEGER NOT NULL,
  place     INTEGER NOT NULL,
  name      TEXT NOT NULL COLLATE NOCASE CHECK (name <> ''),
  starts    INTEGER NOT NULL CHECK (starts BETWEEN 0 AND 1439), -- minutes since midnight, by the site's clock
  ends      INTEGER NOT NULL CHECK (ends BETWEEN 0 AND 1439), -- on the next day where it is not after starts
  days      INTEGER NOT NULL CHECK (days BETWEEN 1 AND 127), -- on which it begins; bit 0 is Sunday
  PRIMARY KEY (plan_id, place),
  UNIQUE (plan_id, name),
  FOREIGN KEY (tenant_id, plan_id) REFERENCES shift_plans (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX shift_plans_of_tenant ON shift_plans (tenant_id, id);

-- +goose StatementBegin
CREATE TRIGGER shift_plans_never_change BEFORE UPDATE ON shift_plans
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shift_plans_are_never_deleted BEFORE DELETE ON shift_plans
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shifts_never_change BEFORE UPDATE ON shifts
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shifts_are_never_deleted BEFORE DELETE ON shifts
BEGIN SELECT RAISE(ABORT, 'plans of shifts are only added'); END;
-- +goose StatementEnd
-- Once there is a plan, another begins on a later day than the one on which it is set. What that day is at the site, the
-- program knows to the hour; here it is known to a day, and that is enough to keep the past.
-- +goose StatementBegin
CREATE TRIGGER shift_plans_leave_the_past BEFORE INSERT ON shift_plans
WHEN EXISTS (SELECT 1 FROM shift_plans WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM shift_plans WHERE tenant_id = NEW.tenant_id) AND NEW.valid_from < date(NEW.set_at / 1000, 'unixepoch')
  OR NEW.valid_from <= (SELECT max(day) FROM handovers WHERE tenant_id = NEW.tenant_id)
  OR NEW.valid_from <= (SELECT max(day) FROM shift_reviews WHERE tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a plan of shifts begins after what is past'); END;
-- +goose StatementEnd

-- When a shift was, its plan and the zone of its site say: once one was handed over or signed, the zone stays.
-- +goose StatementBegin
CREATE TRIGGER zones_of_signed_shifts_stay BEFORE UPDATE OF time_zone ON tenants
WHEN NEW.time_zone <> OLD.time_zone AND (EXISTS (SELECT 1 FROM handovers WHERE tenant_id = OLD.id) OR EXISTS (SELECT 1 FROM shift_reviews WHERE tenant_id = OLD.id))
BEGIN SELECT RAISE(ABORT, 'shifts were handed over or signed in the zone of their site'); END;
-- +goose StatementEnd

-- What a tenant wants of the review of its shifts. No row: the default.
CREATE TABLE shift_rules (
  tenant_id      INTEGER PRIMARY KEY REFERENCES tenants (id),
  other_reviewer INTEGER NOT NULL CHECK (other_reviewer IN (0, 1)) -- a shift is signed by somebody who did nothing in it
) STRICT;

-- Reports read the releases of some hours.
CREATE INDEX releases_at ON releases (tenant_id, requested_at);

-- What people wrote during a shift, about a line or an order. Append-only: its writer can withdraw a note, and it still shows.
CREATE TABLE notes (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  line_id   INTEGER, -- with an order: its line then
  line_code TEXT NOT NULL,
  line_name TEXT NOT NULL,
  order_id  INTEGER,
  order_key TEXT NOT NULL,
  at        INTEGER NOT NULL,
  user_id   INTEGER NOT NULL REFERENCES users (id),
  username  TEXT NOT NULL,
  full_name TEXT NOT NULL,
  role      TEXT NOT NULL,
  station   TEXT NOT NULL,
  words     TEXT NOT NULL CHECK (length(words) BETWEEN 1 AND 500),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES lines (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  CHECK (line_id IS NOT NULL OR order_id IS NOT NULL),
  CHECK ((order_id IS NULL) = (order_key = ''))
) STRICT;
CREATE INDEX notes_at ON notes (tenant_id, at);
CREATE INDEX notes_of_line ON notes (tenant_id, line_id, at);
CREATE INDEX notes_of_order ON notes (order_id, at);
CREATE TABLE note_withdrawals (
  note_id   INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL,
  user_id   INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  reason    TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  FOREIGN KEY (tenant_id, note_id) REFERENCES notes (tenant_id, id)
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER notes_never_change BEFORE UPDATE ON notes
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notes_are_never_deleted BEFORE DELETE ON notes
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notes_are_withdrawn_by_their_writer BEFORE INSERT ON note_withdrawals
WHEN NOT EXISTS (SELECT 1 FROM notes WHERE id = NEW.note_id AND user_id = NEW.user_id)
  OR EXISTS (SELECT 1 FROM note_withdrawals WHERE note_id = NEW.note_id)
BEGIN SELECT RAISE(ABORT, 'a note is withdrawn once, by who wrote it'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER note_withdrawals_never_change BEFORE UPDATE ON note_withdrawals
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER note_withdrawals_are_never_deleted BEFORE DELETE ON note_withdrawals
BEGIN SELECT RAISE(ABORT, 'notes are append-only'); END;
-- +goose StatementEnd

-- A shift is handed over once: by one person with all that was open then, and taken over by another.
CREATE TABLE handovers (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  day       TEXT NOT NULL CHECK (date(day) IS day),
  shift     TEXT NOT NULL COLLATE NOCASE CHECK (shift <> ''),
  begins_at INTEGER NOT NULL,
  ends_at   INTEGER NOT NULL CHECK (ends_at > begins_at),
  at        INTEGER NOT NULL CHECK (at >= begins_at),
  user_id   INTEGER NOT NULL REFERENCES users (id),
  username  TEXT NOT NULL,
  full_name TEXT NOT NULL,
  role      TEXT NOT NULL,
  station   TEXT NOT NULL,
  remarks   TEXT NOT NULL CHECK (length(remarks) <= 2000),
  UNIQUE (tenant_id, day, shift),
  UNIQUE (tenant_id, id)
) STRICT;
-- Each thing that was open. One that nobody acknowledged is carried into the next hand-over, once.
CREATE TABLE handover_items (
  handover_id  INTEGER NOT NULL,
  tenant_id    INTEGER NOT NULL,
  place        INTEGER NOT NULL CHECK (place > 0),
  kind         TEXT NOT NULL CHECK (kind IN ('unknown', 'odd', 'suspended', 'waiting', 'queue', 'note')),
  line_code    TEXT NOT NULL,
  line_name    TEXT NOT NULL,
  order_id     INTEGER,
  order_key    TEXT NOT NULL,
  note_id      INTEGER,
  words        TEXT NOT NULL,
  since        INTEGER NOT NULL,
  from_id      INTEGER,
  from_place   INTEGER,
  PRIMARY KEY (handover_id, place),
  UNIQUE (from_id, from_place),
  FOREIGN KEY (tenant_id, handover_id) REFERENCES handovers (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
  FOREIGN KEY (tenant_id, note_id) REFERENCES notes (tenant_id, id),
  FOREIGN KEY (from_id, from_place) REFERENCES handover_items (handover_id, place),
  CHECK ((from_id IS NULL) = (from_place IS NULL)),
  CHECK (from_id IS NULL OR from_id <> handover_id),
  CHECK ((kind = 'note') = (note_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE TABLE takeovers (
  handover_id INTEGER PRIMARY KEY,
  tenant_id   INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  user_id     INTEGER NOT NULL REFERENCES users (id),
  username    TEXT NOT NULL,
  full_name   TEXT NOT NULL,
  role        TEXT NOT NULL,
  station     TEXT NOT NULL,
  remarks     TEXT NOT NULL CHECK (length(remarks) <= 2000),
  FOREIGN KEY (tenant_id, handover_id) REFERENCES handovers (tenant_id, id)
) STRICT;
CREATE TABLE handover_acks (
  handover_id INTEGER NOT NULL,
  place       INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  user_id     INTEGER NOT NULL REFERENCES users (id),
  full_name   TEXT NOT NULL,
  PRIMARY KEY (handover_id, place),
  FOREIGN KEY (handover_id, place) REFERENCES handover_items (handover_id, place)
) STRICT, WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER another_person_takes_over BEFORE INSERT ON takeovers
WHEN NEW.user_id = (SELECT user_id FROM handovers WHERE id = NEW.handover_id)
  OR EXISTS (SELECT 1 FROM takeovers WHERE handover_id = NEW.handover_id)
BEGIN SELECT RAISE(ABORT, 'a shift is taken over once, by another person than the one who hands it over'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER another_person_acknowledges BEFORE INSERT ON handover_acks
WHEN NEW.user_id = (SELECT user_id FROM handovers WHERE id = NEW.handover_id)
  OR EXISTS (SELECT 1 FROM handover_acks WHERE handover_id = NEW.handover_id AND place = NEW.place)
  OR NOT EXISTS (SELECT 1 FROM takeovers WHERE handover_id = NEW.handover_id)
BEGIN SELECT RAISE(ABORT, 'what is handed over is acknowledged once, by another person than the one who hands it over'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handovers_never_change BEFORE UPDATE ON handovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handovers_are_never_deleted BEFORE DELETE ON handovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handover_items_never_change BEFORE UPDATE ON handover_items
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handover_items_are_never_deleted BEFORE DELETE ON handover_items
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER takeovers_never_change BEFORE UPDATE ON takeovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER takeovers_are_never_deleted BEFORE DELETE ON takeovers
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handover_acks_never_change BEFORE UPDATE ON handover_acks
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER handover_acks_are_never_deleted BEFORE DELETE ON handover_acks
BEGIN SELECT RAISE(ABORT, 'hand-overs are append-only'); END;
-- +goose StatementEnd

-- A review of a shift that has ended: what was reviewed is kept as it was, and its digest is what was signed. A later review
-- of the same shift is a new version.
CREATE TABLE shift_reviews (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  day       TEXT NOT NULL CHECK (date(day) IS day),
  shift     TEXT NOT NULL COLLATE NOCASE CHECK (shift <> ''),
  version   INTEGER NOT NULL,
  ends_at   INTEGER NOT NULL,
  at        INTEGER NOT NULL CHECK (at >= ends_at),
  content   BLOB NOT NULL CHECK (length(content) = 32), -- packaging.Record.Digest of record
  record    TEXT NOT NULL CHECK (json_valid(record)),
  comment   TEXT NOT NULL CHECK (length(comment) <= 2000),
  UNIQUE (tenant_id, day, shift, version),
  UNIQUE (tenant_id, id)
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER shift_reviews_only_grow BEFORE INSERT ON shift_reviews
WHEN EXISTS (SELECT 1 FROM shift_reviews WHERE id = NEW.id)
  OR NEW.version <> 1 + (SELECT count(*) FROM shift_reviews WHERE tenant_id = NEW.tenant_id AND day = NEW.day AND shift = NEW.shift)
BEGIN SELECT RAISE(ABORT, 'a review of a shift follows the last one'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shift_reviews_never_change BEFORE UPDATE ON shift_reviews
BEGIN SELECT RAISE(ABORT, 'reviews of shifts are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER shift_reviews_are_never_deleted BEFORE DELETE ON shift_reviews
BEGIN SELECT RAISE(ABORT, 'reviews of shifts are append-only'); END;
-- +goose StatementEnd
