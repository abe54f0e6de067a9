package db

import (
	"context"
	"database/sql"
	"encoding/binary"
	"slices"
	"strings"

	"lineboard/internal/packaging"
)

// A long list is staged: its blocks are stored a slice at a time, so that nobody waits long for the writer. They count
// from the short transaction on that stores the outcome of the release. Until then nothing shows them, and a start
// sweeps what a killed program left.

const (
	maxUnstaged  = 50_000 // serials of a list that is stored in one transaction
	slicedBlocks = 100    // blocks that one transaction of staging stores
	markedAtOnce = 1_000  // marks of a list that go into serial_marks with it, and of a run
)

// addSerials stores a list as it came: order, case and duplicates included.
func (t *tx) addSerials(l *newList) error {
	if len(l.serials) == 0 {
		return nil
	}
	if l.staged {
		if err := t.exec(`DELETE FROM staged_lists WHERE list = ?`, l.of.List()); err != nil {
			return err
		}
	} else {
		if err := t.addProduct(l); err != nil {
			return err
		}
		if err := t.addBlocks(l, l.blocks); err != nil {
			return err
		}
		if err := t.addMarks(l); err != nil {
			return err
		}
	}
	return t.touchList(l.of.TenantID, l.of.List(), l.digest)
}

// addProduct adds the product of a list where it is new.
func (t *tx) addProduct(l *newList) (err error) {
	if l.product != 0 {
		return nil
	}
	if err := t.exec(
		`INSERT INTO products (tenant_id, gtin) VALUES (?, ?) ON CONFLICT DO NOTHING`, l.of.TenantID, l.of.GTIN,
	); err != nil {
		return err
	}
	if l.product, err = productOf(t.ctx, t, l.of); err == nil {
		l.digest = digestOf(l.product, l.serials)
	}
	return err
}

func (t *tx) addBlocks(l *newList, blocks []serialBlock) error {
	for _, b := range blocks {
		if err := t.exec(`INSERT INTO serial_blocks (id, number, product_id, packed) VALUES (?,?,?,?)`,
			serialKey(l.of.List(), b.first), b.number, l.product, b.packed); err != nil {
			return err
		}
	}
	return nil
}

// addMarks has the serials found. The many marks of a long list lie all over the index: it takes them in later.
func (t *tx) addMarks(l *newList) error {
	if len(l.marks) <= markedAtOnce {
		return t.indexMarks(l.marks)
	}
	for run := range slices.Chunk(l.marks, markedAtOnce) {
		if err := t.addRun(l.of.List(), run); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) addRun(list packaging.ListID, marks []int64) error {
	packed := make([]byte, 0, markBytes*len(marks))
	for _, m := range marks {
		packed = binary.BigEndian.AppendUint64(packed, uint64(m))
	}
	return t.exec(`INSERT INTO serial_runs (list, first, last, marks) VALUES (?,?,?,?)`,
		list, marks[0], marks[len(marks)-1], packed)
}

func (t *tx) indexMarks(marks []int64) error { return insertMarks(t.ctx, t, marks) }

// indexed is how many marks one statement takes into the index; more gain nothing.
const indexed = 100

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func insertMarks(ctx context.Context, to execer, marks []int64) error {
	args := make([]any, 0, indexed)
	for some := range slices.Chunk(marks, indexed) {
		args = args[:0]
		for _, m := range some {
			args = append(args, m)
		}
		for _, n := range []int{indexed, 10, 1} { // three statements serve any number of marks
			for ; len(args) >= n; args = args[n:] {
				query := `INSERT OR IGNORE INTO serial_marks (mark) VALUES (?)` + strings.Repeat(`,(?)`, n-1)
				if _, err := to.ExecContext(ctx, query, args[:n]...); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// stage stores the blocks and marks of a long list ahead. done drops them unless the list counts by then. What an
// earlier try has left is dropped first. A list that is here already is not staged: its transaction says what is wrong.
func (d *DB) stage(ctx context.Context, l *newList) (done func(), err error) {
	list := l.of.List()
	leave, err := d.staging.enter(ctx, list)
	if err != nil {
		return nil, coded(err)
	}
	done = func() {
		defer leave()
		// What can't be dropped now is dropped when the list comes again, or at the next start.
		_ = d.dropStaged(context.WithoutCancel(ctx), list)
	}
	err = d.dropStaged(ctx, list)
	if err == nil && len(l.serials) > maxUnstaged {
		l.staged, err = d.stageSlices(inBackground(ctx), l, list)
	}
	if err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// stageSlices returns false for a list that is here already.
func (d *DB) stageSlices(ctx context.Context, l *newList, list packaging.ListID) (staged bool, err error) {
	err = d.tx(ctx, func(t *tx) error {
		var here bool
		if err := t.row(
			`SELECT EXISTS (SELECT 1 FROM serial_blocks WHERE id = ?)`, serialKey(list, 1),
		).Scan(&here); err != nil || here {
			return err
		}
		staged = true
		if err := t.exec(`INSERT INTO staged_lists (list) VALUES (?)`, list); err != nil {
			return err
		}
		return t.addProduct(l)
	})
	if err != nil || !staged {
		return false, err
	}
	for blocks := range slices.Chunk(l.blocks, slicedBlocks) {
		if err := d.tx(ctx, func(t *tx) error { return t.addBlocks(l, blocks) }); err != nil {
			return false, err
		}
	}
	for marks := range slices.Chunk(l.marks, slicedBlocks*markedAtOnce/2) {
		if err := d.tx(ctx, func(t *tx) error {
			for run := range slices.Chunk(marks, markedAtOnce) {
				if err := t.addRun(list, run); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return false, err
		}
	}
	return true, nil
}

// dropStaged drops what was staged of a list, if it does not count yet.
func (d *DB) dropStaged(ctx context.Context, list packaging.ListID) error {
	var staged bool
	if err := d.read.QueryRowContext(
		ctx, `SELECT EXISTS (SELECT 1 FROM staged_lists WHERE list = ?)`, list,
	).Scan(&staged); err != nil || !staged {
		return coded(err)
	}
	for {
		var left int64
		if err := d.tx(inBackground(ctx), func(t *tx) (err error) {
			left, err = t.dropSlice(list)
			return err
		}); err != nil || left == 0 {
			return err
		}
	}
}

// dropSlice drops some of what was staged of a list, if it does not count yet. It returns how many rows went: at 0
// nothing is left.
func (t *tx) dropSlice(list packaging.ListID) (dropped int64, err error) {
	for _, part := range []struct {
		statement string
		args      []any
	}{
		{
			`DELETE FROM serial_runs WHERE id IN (SELECT id FROM serial_runs WHERE list = ? LIMIT ?)
			AND EXISTS (SELECT 1 FROM staged_lists WHERE list = ?)`,
			[]any{list, slicedBlocks, list},
		}, {
			`DELETE FROM serial_blocks WHERE id IN (SELECT id FROM serial_blocks WHERE id >= ? AND id < ? LIMIT ?)
			AND EXISTS (SELECT 1 FROM staged_lists WHERE list = ?)`,
			[]any{serialKey(list, 0), serialKey(list+1, 0), slicedBlocks, list},
		},
	} {
		result, err := t.ExecContext(t.ctx, part.statement, part.args...)
		if err != nil {
			return 0, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return 0, err
		}
		dropped += n
	}
	if dropped == 0 {
		err = t.exec(`DELETE FROM staged_lists WHERE list = ?`, list)
	}
	return dropped, err
}

// sweep drops what a program that ended while it staged has left.
func (d *DB) sweep(ctx context.Context) error {
	staged, err := collect(ctx, d.read, func(row scanner) (l packaging.ListID, err error) { return l, row.Scan(&l) },
		`SELECT list FROM staged_lists`)
	if err != nil {
		return err
	}
	for _, list := range staged {
		if err := d.dropStaged(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

// IndexSerials takes the marks of long lists into the index, a few at a time. Until then look-ups read them beside it.
func (d *DB) IndexSerials(ctx context.Context) error {
	for {
		var some bool
		if err := d.slow.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM serial_runs)`).Scan(&some); err != nil ||
			!some {
			return coded(err)
		}
		if err := d.tx(inBackground(ctx), (*tx).indexRun); err != nil {
			return err
		}
	}
}

// indexRun takes the run into the index that begins first: runs of several lists that lie together come one after the
// other.
func (t *tx) indexRun() error {
	var id int64
	var packed []byte
	if err := t.row(
		`DELETE FROM serial_runs WHERE id = (SELECT id FROM serial_runs ORDER BY first LIMIT 1) RETURNING id, marks`,
	).
		Scan(&id, &packed); err != nil {
		return err
	}
	marks := make([]int64, len(packed)/markBytes)
	for i := range marks {
		marks[i] = int64(binary.BigEndian.Uint64(packed[i*markBytes:]))
	}
	return t.indexMarks(marks)
}
