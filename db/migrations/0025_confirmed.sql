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
