-- +goose Up

-- Who gives an order a line decides whose the order is. So the line holds while the giver works on the line that the API
-- says, too: these are the lines that the giver was limited to then, as a JSON list; NULL where they were not limited.
ALTER TABLE imported_facts ADD COLUMN line_reach TEXT CHECK (line_reach IS NULL OR json_type(line_reach) = 'array');
ALTER TABLE orders ADD COLUMN line_set_reach TEXT
  CHECK (line_set_reach IS NULL OR json_type(line_set_reach) = 'array' AND line_set_at IS NOT NULL);

-- What was given before goes by the limits that its giver has now.
UPDATE imported_facts AS f SET line_reach = (
  SELECT iif(i.user_id IS NULL,
    (SELECT nullif(json_group_array(l.line_id), '[]') FROM api_tokens k JOIN api_token_lines l ON l.token_id = k.id
      WHERE k.tenant_id = i.tenant_id AND k.name IN (i.username, i.full_name)),
    (SELECT nullif(json_group_array(l.line_id), '[]') FROM member_lines l WHERE l.user_id = i.user_id AND l.tenant_id = i.tenant_id))
  FROM import_changes c JOIN imports i ON i.id = c.import_id
  WHERE c.order_id = f.order_id AND EXISTS (SELECT 1 FROM json_each(c.changes) WHERE value ->> 'Field' = 'line')
  ORDER BY i.id DESC LIMIT 1)
WHERE line_code <> '';
UPDATE orders AS o SET line_set_reach = (
  SELECT nullif(json_group_array(l.line_id), '[]') FROM member_lines l WHERE l.tenant_id = o.tenant_id AND l.user_id = (
    SELECT h.user_id FROM history h WHERE h.tenant_id = o.tenant_id AND h.order_key = o.order_key AND h.deed = 'order_line_set'
    ORDER BY h.seq DESC LIMIT 1))
WHERE line_set_at IS NOT NULL;

-- A password that somebody else set opens the person's account to that somebody too. So it signs and releases nothing
-- until it was changed by its owner and then confirmed: with the password before, or by another administrator or manager.
ALTER TABLE users ADD COLUMN password_set_by TEXT NOT NULL DEFAULT ''; -- who else set it; empty: its owner
ALTER TABLE users ADD COLUMN password_setter INTEGER REFERENCES users (id); -- the same, where it was a person
ALTER TABLE users ADD COLUMN password_changed INTEGER NOT NULL DEFAULT 0 CHECK (password_changed IN (0, 1)); -- since then
ALTER TABLE users ADD COLUMN password_confirmed_at INTEGER;
ALTER TABLE users ADD COLUMN password_confirmed_by INTEGER REFERENCES users (id)
  CHECK ((password_confirmed_by IS NULL) = (password_confirmed_at IS NULL));
ALTER TABLE users ADD COLUMN older_hash TEXT NOT NULL DEFAULT ''; -- the last password that its owner set, while another one waits

-- +goose StatementBegin
CREATE TRIGGER passwords_are_confirmed_by_others BEFORE UPDATE ON users
WHEN NEW.password_confirmed_at IS NOT NULL AND OLD.password_confirmed_at IS NULL AND (NEW.password_set_by = ''
  OR NEW.password_changed = 0 OR NEW.password_confirmed_by = NEW.password_setter)
BEGIN SELECT RAISE(ABORT, 'a password is confirmed once its owner has changed it, by somebody else than who set it'); END;
-- +goose StatementEnd

-- The same for a badge: nothing is done with it until its owner confirmed it with their password.
ALTER TABLE station_factors ADD COLUMN badge_set_by TEXT NOT NULL DEFAULT ''; -- who else set it; empty: its owner
ALTER TABLE station_factors ADD COLUMN badge_confirmed_at INTEGER;
UPDATE station_factors AS f SET badge_set_by = coalesce((
  SELECT iif(h.user_id <> f.user_id, h.full_name, '') FROM history h JOIN users u ON u.id = f.user_id
  WHERE h.tenant_id = f.tenant_id AND h.deed = 'badge_set' AND h.object = 'user ' || u.username ORDER BY h.seq DESC LIMIT 1), '')
WHERE badge_mark IS NOT NULL;

-- A site may go without a second person where it has nobody who could confirm.
ALTER TABLE tenants ADD COLUMN waives_confirmation INTEGER NOT NULL DEFAULT 0 CHECK (waives_confirmation IN (0, 1));
