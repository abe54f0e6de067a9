-- +goose Up

-- Names of those who left a site or disconnected from its provider before names were kept: as the history has them.
-- Whoever did something at a site, or was set there, was known by their username.
INSERT INTO known_as
SELECT DISTINCT h.tenant_id, u.id, u.username FROM history h JOIN users u ON u.id = h.user_id AND u.username = h.username
WHERE true ON CONFLICT DO NOTHING;
INSERT INTO known_as
SELECT DISTINCT h.tenant_id, u.id, u.username FROM history h JOIN users u ON u.username = substr(h.object, 6)
WHERE h.deed = 'person_set' AND h.object LIKE 'user %' ON CONFLICT DO NOTHING;

-- Subjects stand as `one at https://a.example, two at https://b.example`. Each ends before the first " at http" from
-- there on, and the next one begins behind the first comma and space after that: no issuer has a space.
WITH told (tenant_id, user_id, words) AS (
  SELECT h.tenant_id, u.id, iif(h.deed = 'identity_connected', h.new_value, h.old_value)
  FROM history h JOIN users u ON u.id = h.user_id WHERE h.deed IN ('identity_connected', 'identity_disconnected')
  UNION ALL
  SELECT tenant_id, user_id, substr(words, instr(words, ' at http') + instr(substr(words, instr(words, ' at http')), ', ') + 1)
  FROM told WHERE instr(words, ' at http') > 0 AND instr(substr(words, instr(words, ' at http')), ', ') > 0
)
INSERT INTO known_as
SELECT DISTINCT tenant_id, user_id, substr(words, 1, instr(words, ' at http') - 1) FROM told
WHERE instr(words, ' at http') > 1 ON CONFLICT DO NOTHING;
