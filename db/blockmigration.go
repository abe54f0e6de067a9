package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/pressly/goose/v3"

	"lineboard/internal/packaging"
)

// tablesOfBlocks are where serial lists are from schema 42 on.
const tablesOfBlocks = `
DROP TRIGGER serials_never_change;
DROP TRIGGER serials_are_never_deleted;

-- A list of serials in stretches, as they came. A block's id is its list << 24 | the place of its first serial, from 1; a
-- list is its release's round << 32 | the order. Its number is small and its own. packed holds the serials, each after
-- its length. A pair of product and serial is not unique, because a list with duplicates must be kept as it came.
CREATE TABLE serial_blocks (
  id         INTEGER PRIMARY KEY,
  number     INTEGER NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 67108863),
  product_id INTEGER NOT NULL,
  packed     BLOB NOT NULL CHECK (length(packed) > 0)
) STRICT;

-- Lists that are being stored, a slice at a time. They do not count yet.
CREATE TABLE staged_lists (list INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER lists_that_are_here_are_not_staged BEFORE INSERT ON staged_lists
WHEN EXISTS (SELECT 1 FROM serial_blocks WHERE id BETWEEN NEW.list << 24 AND NEW.list << 24 | 16777215)
BEGIN SELECT RAISE(ABORT, 'a list that is here is not staged'); END;
CREATE TRIGGER staged_lists_keep_their_key BEFORE UPDATE ON staged_lists
BEGIN SELECT RAISE(ABORT, 'a staged list keeps its key'); END;

CREATE TRIGGER serials_never_change BEFORE UPDATE ON serial_blocks
BEGIN SELECT RAISE(ABORT, 'serial numbers are kept as received'); END;
CREATE TRIGGER serials_are_never_deleted BEFORE DELETE ON serial_blocks
WHEN OLD.id >> 24 NOT IN (SELECT list FROM staged_lists)
BEGIN SELECT RAISE(ABORT, 'serial numbers are kept as received'); END;

-- Serials are found by marks: 37 bits of a hash over tenant, GTIN and serial, then the number of the block.
CREATE TABLE serial_marks (mark INTEGER PRIMARY KEY) STRICT;

-- Marks of long lists that serial_marks is yet to take in: sorted, of eight bytes each.
CREATE TABLE serial_runs (
  id    INTEGER PRIMARY KEY,
  list  INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  marks BLOB NOT NULL
) STRICT;
CREATE INDEX serial_runs_of_marks ON serial_runs (first, last);

DROP TRIGGER a_list_follows_the_gtin_of_its_order;
-- An order of several lists has them of several products where its GTIN changed between.
CREATE TRIGGER a_list_follows_the_gtin_of_its_order AFTER UPDATE OF gtin ON orders
WHEN NEW.gtin <> '' AND NEW.gtin <> OLD.gtin
BEGIN
  INSERT INTO list_gtins (tenant_id, gtin, order_id, product_id)
  SELECT NEW.tenant_id, NEW.gtin, NEW.id, min(p.id) FROM releases r
  JOIN serial_blocks s ON s.id = ((r.round << 32 | NEW.id) << 24) + 1 JOIN products p ON p.id = s.product_id
  WHERE r.order_id = NEW.id AND r.outcome = 'released' AND r.list_source <> '' AND ltrim(NEW.gtin, '0') <> ltrim(p.gtin, '0')
    AND NOT EXISTS (SELECT 1 FROM list_gtins l WHERE l.order_id = NEW.id AND ltrim(l.gtin, '0') = ltrim(NEW.gtin, '0'))
  GROUP BY r.order_id;
END;

CREATE TABLE serials_shown (
  serial_id INTEGER PRIMARY KEY, -- list << 24 | place
  tenant_id INTEGER NOT NULL,
  order_id  INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  user_id   INTEGER NOT NULL REFERENCES users (id),
  username  TEXT NOT NULL,
  full_name TEXT NOT NULL,
  FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
) STRICT;
INSERT INTO serials_shown SELECT serial_id, tenant_id, order_id, at, user_id, username, full_name FROM shown_serials;
DROP TABLE shown_serials;
ALTER TABLE serials_shown RENAME TO shown_serials;
CREATE TRIGGER serials_are_shown_before_the_line_begins BEFORE INSERT ON shown_serials
WHEN NEW.serial_id >> 24 & 4294967295 <> NEW.order_id
  OR NEW.serial_id >> 24 IN (SELECT list FROM staged_lists)
  OR NEW.serial_id & 16777215 NOT BETWEEN 1 AND coalesce((SELECT r.serials_received FROM releases r
    WHERE r.order_id = NEW.order_id AND r.round = NEW.serial_id >> 56 AND r.outcome = 'released'), 0)
  OR (SELECT status FROM orders WHERE id = NEW.order_id) NOT IN ('Open', 'Pending release', 'In progress')
  OR EXISTS (SELECT 1 FROM order_events WHERE order_id = NEW.order_id AND kind = 'status'
    AND (old_value IN ('Suspended', 'Done') OR new_value IN ('Suspended', 'Done')))
BEGIN SELECT RAISE(ABORT, 'a serial number of the list is shown before the line begins with the order'); END;
CREATE TRIGGER shown_serials_never_change BEFORE UPDATE ON shown_serials
BEGIN SELECT RAISE(ABORT, 'what was shown stays known'); END;
CREATE TRIGGER shown_serials_are_never_deleted BEFORE DELETE ON shown_serials
BEGIN SELECT RAISE(ABORT, 'what was shown stays known'); END;
`

// serialsInBlocks is the migration that stores serial lists in blocks. It compares each list with what it was.
func serialsInBlocks() *goose.Migration {
	up := func(ctx context.Context, t *sql.Tx) error {
		if _, err := t.ExecContext(ctx, tablesOfBlocks); err != nil {
			return err
		}
		m := blockMigration{ctx: ctx, Tx: t, hashers: map[int64]serialHasher{}}
		if err := m.run(); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, `DROP TABLE serials`)
		return err
	}
	return goose.NewGoMigration(42, &goose.GoFunc{RunTx: up}, nil)
}

type blockMigration struct {
	*sql.Tx
	ctx     context.Context
	hashers map[int64]serialHasher // by product
	number  int64                  // of the last block
	marks   []int64
}

// marksAtOnce is how many marks are sorted at once: 40 MB of them.
const marksAtOnce = 5_000_000

func (m *blockMigration) run() error {
	if err := m.readProducts(); err != nil {
		return err
	}
	for list := packaging.ListID(0); ; {
		var id int64
		// One look at the key finds the next list, whatever lies between.
		err := m.QueryRowContext(
			m.ctx, `SELECT id FROM serials WHERE id >= ? ORDER BY id LIMIT 1`, serialKey(list+1, 0),
		).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return m.flush()
		}
		if err != nil {
			return err
		}
		list = listOf(id)
		if err := m.move(list); err != nil {
			return err
		}
		if len(m.marks) >= marksAtOnce {
			if err := m.flush(); err != nil {
				return err
			}
		}
	}
}

func (m *blockMigration) readProducts() error {
	_, err := collect(m.ctx, m, func(row scanner) (struct{}, error) {
		var id int64
		var tenant packaging.TenantID
		var gtin string
		err := row.Scan(&id, &tenant, &gtin)
		m.hashers[id] = newSerialHasher(tenant, gtin)
		return struct{}{}, err
	}, `SELECT id, tenant_id, gtin FROM products`)
	return err
}

// oldSerial is a serial as it was stored until schema 42.
type oldSerial struct {
	id, product int64
	serial      string
}

// move stores a list in blocks and reads it again: it must be what it was, in its order, with its gaps.
func (m *blockMigration) move(list packaging.ListID) error {
	was, err := collect(m.ctx, m, func(row scanner) (s oldSerial, err error) {
		return s, row.Scan(&s.id, &s.product, &s.serial)
	}, `SELECT id, product_id, serial FROM serials WHERE id >= ? AND id < ? ORDER BY id`, serialKey(list, 0),
		serialKey(list+1, 0))
	if err != nil {
		return err
	}
	before := newListDigest()
	for from := 0; from < len(was); {
		until := from
		for until < len(was) && was[until].product == was[from].product &&
			was[until].id-was[from].id == int64(until-from) {
			before.add(placeOf(was[until].id), was[until].product, was[until].serial)
			until++
		}
		if err := m.moveStretch(was[from:until]); err != nil {
			return err
		}
		from = until
	}
	now, n, err := digestOfList(m.ctx, m, list)
	sum := before.sum()
	if err == nil && (n != int64(len(was)) || !bytes.Equal(now[:], sum[:])) {
		err = fmt.Errorf("list %d was not stored as it was", list)
	}
	return err
}

// moveStretch stores serials of one product that follow each other.
func (m *blockMigration) moveStretch(was []oldSerial) error {
	serials := make([]string, len(was))
	for i, s := range was {
		serials[i] = s.serial
	}
	blocks := packBlocks(placeOf(was[0].id), serials)
	for i := range blocks {
		m.number++
		blocks[i].number = m.number
		if _, err := m.ExecContext(m.ctx, `INSERT INTO serial_blocks (id, number, product_id, packed) VALUES (?,?,?,?)`,
			serialKey(listOf(was[0].id), blocks[i].first), m.number, was[0].product, blocks[i].packed); err != nil {
			return err
		}
	}
	m.marks = append(m.marks, marksOf(m.hashers[was[0].product].hashed(serials), blocks)...)
	return nil
}

// flush stores the marks in their order: so the index is filled page after page.
func (m *blockMigration) flush() error {
	slices.Sort(m.marks)
	err := insertMarks(m.ctx, m.Tx, slices.Compact(m.marks))
	m.marks = m.marks[:0]
	return err
}
