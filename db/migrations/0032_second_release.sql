-- +goose Up

-- An order that was released from here, and waits for its release again, can be released once more: with a reason, and
-- with a list of its own. round says how many of its releases had reached the line before.
ALTER TABLE releases ADD COLUMN round INTEGER NOT NULL DEFAULT 0 CHECK (round BETWEEN 0 AND 127);
ALTER TABLE releases ADD COLUMN again_why TEXT NOT NULL DEFAULT '' CHECK ((again_why <> '') = (round > 0));

DROP INDEX one_release_of_an_order;
-- One order is never out twice by accident: in a round, while a release is under way, unsettled or done, there is no
-- other one.
CREATE UNIQUE INDEX one_release_of_an_order ON releases (order_id, round) WHERE outcome IN ('sending', 'unknown', 'released');
-- +goose StatementBegin
CREATE TRIGGER a_round_follows_the_one_before BEFORE INSERT ON releases
WHEN NEW.round > 0
  AND NEW.round <> (SELECT count(*) FROM releases WHERE order_id = NEW.order_id AND outcome = 'released')
BEGIN SELECT RAISE(ABORT, 'an order is released once more after its release, one at a time'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER releases_keep_their_round BEFORE UPDATE ON releases
WHEN NEW.round IS NOT OLD.round OR NEW.again_why IS NOT OLD.again_why
BEGIN SELECT RAISE(ABORT, 'a release keeps its round and its reason'); END;
-- +goose StatementEnd

-- A serial's id is its list << 24 | its place, and a list is its release's round << 32 | the order. So the lists of first
-- releases keep the keys that they had, and an order's key must fit into 32 bits.
-- +goose StatementBegin
CREATE TRIGGER orders_fit_into_lists AFTER INSERT ON orders WHEN NEW.id >= 1 << 32
BEGIN SELECT RAISE(ABORT, 'there are more orders than lists have keys for'); END;
-- +goose StatementEnd

DROP TRIGGER a_list_follows_the_gtin_of_its_order;
-- An order of several lists has them of several products where its GTIN changed between.
-- +goose StatementBegin
CREATE TRIGGER a_list_follows_the_gtin_of_its_order AFTER UPDATE OF gtin ON orders
WHEN NEW.gtin <> '' AND NEW.gtin <> OLD.gtin
BEGIN
  INSERT INTO list_gtins (tenant_id, gtin, order_id, product_id)
  SELECT NEW.tenant_id, NEW.gtin, NEW.id, min(p.id) FROM releases r
  JOIN serials s ON s.id = ((r.round << 32 | NEW.id) << 24) + 1 JOIN products p ON p.id = s.product_id
  WHERE r.order_id = NEW.id AND r.outcome = 'released' AND ltrim(NEW.gtin, '0') <> ltrim(p.gtin, '0')
    AND NOT EXISTS (SELECT 1 FROM list_gtins l WHERE l.order_id = NEW.id AND ltrim(l.gtin, '0') = ltrim(NEW.gtin, '0'))
  GROUP BY r.order_id;
END;
-- +goose StatementEnd

-- What people said of releases whose outcome no status settled. The release has the last word that stands.
CREATE TABLE settlements (
  id         INTEGER PRIMARY KEY,
  tenant_id  INTEGER NOT NULL,
  release_id INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  user_id    INTEGER NOT NULL REFERENCES users (id),
  username   TEXT NOT NULL,
  full_name  TEXT NOT NULL,
  role       TEXT NOT NULL,
  station    TEXT NOT NULL,
  verdict    TEXT NOT NULL CHECK (verdict IN ('was_released', 'was_not_released', 'cannot_be_known')),
  why        TEXT NOT NULL CHECK (length(why) BETWEEN 1 AND 500),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, release_id) REFERENCES releases (tenant_id, id)
) STRICT;
CREATE INDEX settlements_of_release ON settlements (tenant_id, release_id);
-- +goose StatementBegin
CREATE TRIGGER only_unknown_outcomes_are_settled_by_word BEFORE INSERT ON settlements
WHEN EXISTS (SELECT 1 FROM settlements WHERE id = NEW.id)
  OR (SELECT outcome FROM releases WHERE id = NEW.release_id) IS NOT 'unknown'
BEGIN SELECT RAISE(ABORT, 'a person settles an unknown outcome'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER settlements_never_change BEFORE UPDATE ON settlements
BEGIN SELECT RAISE(ABORT, 'what people said of a release is kept'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER settlements_are_never_deleted BEFORE DELETE ON settlements
BEGIN SELECT RAISE(ABORT, 'what people said of a release is kept'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER signatures_of_settlements_of_their_tenant BEFORE INSERT ON signatures
WHEN NEW.kind = 'settlement'
  AND NOT EXISTS (SELECT 1 FROM settlements WHERE id = NEW.object AND tenant_id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'a signature stands under a settlement of its tenant'); END;
-- +goose StatementEnd
