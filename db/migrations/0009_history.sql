-- +goose Up

-- What entries are found by: words that people type, and keys that filters ask for. A key begins with a character that
-- nobody types, what it is of, and the tenant; of a text it has the bytes in hexadecimal, of a time the hour, the day and the
-- 32 days that it lies in. So one index answers any combination of filters, in the order of time. It is rebuilt by
-- INSERT INTO history_index (history_index) VALUES ('rebuild').
CREATE VIEW history_found_by (id, keys, words) AS
SELECT id,
  char(57344) || 't' || tenant_id || 'z ' ||
  char(57344) || 'l' || tenant_id || 'z' || hex(line_code) || ' ' ||
  char(57344) || 'o' || tenant_id || 'z' || hex(order_key) || ' ' ||
  char(57344) || 'p' || tenant_id || 'z' || hex(username) || ' ' ||
  char(57344) || 'u' || tenant_id || 'z' || user_id || ' ' ||
  char(57344) || 'd' || tenant_id || 'z' || hex(deed) || ' ' ||
  char(57344) || 'c' || tenant_id || 'z' || hex(outcome) || ' ' ||
  char(57344) || 'r' || tenant_id || 'z' || hex(reason) || ' ' ||
  char(57344) || 'h' || tenant_id || 'z' || (at / 3600000) || ' ' ||
  char(57344) || 'y' || tenant_id || 'z' || (at / 86400000) || ' ' ||
  char(57344) || 'm' || tenant_id || 'z' || (at / 2764800000) || ' ',
  username || ' ' || full_name || ' ' || role || ' ' || station || ' ' || deed || ' ' || order_key || ' ' || line_code || ' ' ||
  line_name || ' ' || object || ' ' || old_value || ' ' || new_value || ' ' || outcome || ' ' || reason || ' ' || code || ' ' ||
  message || ' ' || comment
FROM history;

CREATE VIRTUAL TABLE history_index USING fts5 (
  keys, words, content = 'history_found_by', content_rowid = 'id', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO history_index (rowid, keys, words) SELECT id, keys, words FROM history_found_by;

-- Entries never change, so the index only grows too. It is read in the order of its keys: they must follow the entries'.
-- +goose StatementBegin
CREATE TRIGGER history_is_found AFTER INSERT ON history
BEGIN
  SELECT RAISE(ABORT, 'an entry of the history follows the last one') WHERE NEW.id <> (SELECT max(id) FROM history);
  INSERT INTO history_index (rowid, keys, words) SELECT id, keys, words FROM history_found_by WHERE id = NEW.id;
END;
-- +goose StatementEnd
DROP INDEX history_of_line;
DROP INDEX history_of_outcome;

-- How many lines were written to the file of anchors, which is outside of this database.
CREATE TABLE anchoring (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  lines INTEGER NOT NULL
) STRICT;
INSERT INTO anchoring (id, lines) VALUES (1, 0);

-- Filters of the history that a person keeps under a name. The query is that of the history's page.
CREATE TABLE history_views (
  id        INTEGER PRIMARY KEY,
  tenant_id INTEGER NOT NULL REFERENCES tenants (id),
  user_id   INTEGER NOT NULL,
  name      TEXT NOT NULL CHECK (name <> ''),
  query     TEXT NOT NULL CHECK (query <> ''),
  shared    INTEGER NOT NULL CHECK (shared IN (0, 1)), -- everybody at the tenant who may read the history sees it
  UNIQUE (tenant_id, user_id, name),
  FOREIGN KEY (user_id, tenant_id) REFERENCES members (user_id, tenant_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX history_views_of_member ON history_views (user_id, tenant_id);
