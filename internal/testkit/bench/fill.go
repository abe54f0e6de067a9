package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite"

	"lineboard/db"
	"lineboard/internal/packaging"
)

// The two designs that are filled: the program's, which packs lists into blocks and finds a serial by a mark, and a row
// for each serial with an index, as it was before and as one would begin.
const (
	chosen = "filled"
	rows   = "rows"
)

const (
	filledOrders   = 100
	filledProducts = 20
	pageSize       = 100 // serials on a page, as the dashboard shows them
)

// store is a filled database.
type store struct {
	name      string
	products  int
	serials   int
	perSerial float64 // bytes of the file
	orders    []int64 // our keys
	sample    []pack
}

// pack is one of the serials in it, by its identity in the world.
type pack struct {
	gtin, serial string
	product      int64 // its key where each serial has a row
}

// sampled is how many serials apart the look-ups' samples are.
const sampled = 997

func gtin(item int) string { return fmt.Sprintf("0541234%07d", item) }

// fill makes the databases that the wanted parts need, side by side.
func (b *bench) fill(ctx context.Context) (map[string]*store, error) {
	stores := map[string]*store{chosen: {name: chosen, products: filledProducts}}
	// The program itself makes the folder, the key, the schema, and what the file provisions.
	p, err := b.serve(ctx, chosen)
	if err != nil {
		return nil, err
	}
	if err := b.stop(p); err != nil {
		return nil, err
	}
	b.say("filling with %s serials", thousands(int64(b.serials)))
	started := time.Now()
	perOrder := b.serials / filledOrders / pageSize * pageSize // whole pages
	group, filling := errgroup.WithContext(ctx)
	group.Go(func() error { return stores[chosen].fill(filling, b.database(chosen), perOrder) })
	if b.wants(partStorage) {
		s := &store{name: rows, products: filledProducts}
		stores[rows] = s
		group.Go(func() error { return s.fillRows(filling, b.rowsFile(), perOrder) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	b.say("filled in %s", time.Since(started).Round(time.Second))
	if p, err = b.serve(ctx, chosen); err != nil { // it logs what was filled, as after an upgrade
		return nil, err
	}
	return stores, b.stop(p)
}

func (b *bench) rowsFile() string { return filepath.Join(b.folder, "rows.db") }

// fillRows fills the table with a row for each serial.
func (s *store) fillRows(ctx context.Context, path string, perOrder int) error {
	return s.inTransaction(ctx, path, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `
			CREATE TABLE serials (id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, serial TEXT NOT NULL);
			CREATE INDEX serials_by_product ON serials (product_id, serial)`); err != nil {
			return err
		}
		add, err := tx.PrepareContext(ctx, insertRows)
		if err != nil {
			return err
		}
		defer add.Close()
		for i := range filledOrders {
			s.orders = append(s.orders, int64(i+1))
			if err := addRows(ctx, add, int64(i+1), int64(i%s.products+1), s.serialsOf(i, perOrder)); err != nil {
				return err
			}
		}
		return nil
	})
}

// insertRows adds a page of serials.
var insertRows = `INSERT INTO serials (id, product_id, serial) VALUES (?,?,?)` + strings.Repeat(`,(?,?,?)`, pageSize-1)

func addRows(ctx context.Context, add *sql.Stmt, order, product int64, serials []string) error {
	args := make([]any, 3*pageSize)
	for first := 0; first < len(serials); first += pageSize {
		for i := range pageSize {
			args[3*i], args[3*i+1], args[3*i+2] = order<<24|int64(first+i+1), product, serials[first+i]
		}
		if _, err := add.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// fill adds the orders of a past, each with its serials: in the order of their release, the index kept all along. Rows
// that are sorted first, or an index that is made afterwards, would be packed as no grown database is.
func (s *store) fill(ctx context.Context, path string, perOrder int) error {
	return s.inTransaction(ctx, path, func(tx *sql.Tx) error { return s.addPast(ctx, tx, perOrder) })
}

func (s *store) inTransaction(ctx context.Context, path string, do func(*sql.Tx) error) error {
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+url.Values{
		// Nothing of this need survive a crash, and all of it is in memory until the end.
		"_pragma": {"locking_mode(EXCLUSIVE)", "journal_mode(OFF)", "synchronous(OFF)", "cache_size(-1500000)"},
	}.Encode())
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	before, err := fileSize(ctx, conn)
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	after, err := fileSize(ctx, conn)
	s.perSerial = float64(after-before) / float64(s.serials)
	return err
}

func fileSize(ctx context.Context, conn *sql.Conn) (bytes int64, err error) {
	err = conn.QueryRowContext(
		ctx, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`,
	).Scan(&bytes)
	return bytes, err
}

// addPast adds the orders with their serials, and neither releases nor history: nothing that is measured reads
// them. The next start of the program logs them.
func (s *store) addPast(ctx context.Context, tx *sql.Tx, perOrder int) error {
	var tenant packaging.TenantID
	if err := tx.QueryRowContext(ctx, `SELECT id FROM tenants`).Scan(&tenant); err != nil {
		return err
	}
	products := make([]int64, s.products)
	for i := range products {
		result, err := tx.ExecContext(ctx, `INSERT INTO products (tenant_id, gtin) VALUES (?, ?)`, tenant, gtin(i))
		if err != nil {
			return err
		}
		if products[i], err = result.LastInsertId(); err != nil {
			return err
		}
	}
	// The next start carries this migration out once more, as not every one can be, and logs all records after it.
	if _, err := tx.ExecContext(ctx, `DELETE FROM goose_db_version WHERE version_id = 102`); err != nil {
		return err
	}
	blocks := int64(0)
	for i := range filledOrders {
		id, err := addPastOrder(ctx, tx, i, gtin(i%s.products), perOrder)
		if err != nil {
			return err
		}
		s.orders = append(s.orders, id)
		list := db.PackList(tenant, gtin(i%s.products), packaging.ListID(id), blocks+1, s.serialsOf(i, perOrder))
		blocks += int64(len(list.Blocks))
		if err := addPacked(ctx, tx, products[i%s.products], list); err != nil {
			return err
		}
	}
	return nil
}

func addPacked(ctx context.Context, tx *sql.Tx, product int64, list db.PackedList) error {
	for _, block := range list.Blocks {
		if _, err := tx.ExecContext(ctx, `INSERT INTO serial_blocks (id, number, product_id, packed) VALUES (?,?,?,?)`,
			block.ID, block.Number, product, block.Packed); err != nil {
			return err
		}
	}
	for marks := range slices.Chunk(list.Marks, pageSize) {
		args := make([]any, len(marks))
		for i, m := range marks {
			args[i] = m
		}
		if _, err := tx.ExecContext(
			ctx, `INSERT OR IGNORE INTO serial_marks (mark) VALUES (?)`+strings.Repeat(`,(?)`, len(marks)-1), args...,
		); err != nil {
			return err
		}
	}
	return nil
}

// addPastOrder adds one order that is done, and gives its key.
func addPastOrder(ctx context.Context, tx *sql.Tx, place int, gtin string, serials int) (int64, error) {
	at := time.Now().AddDate(0, 0, place-filledOrders).UnixMilli()
	result, err := tx.ExecContext(ctx, `
		INSERT INTO orders (tenant_id, order_key, line_id, line_code, line_name, product, gtin, lot, expiry, quantity,
			extra_percent, status, raw, listed, first_seen_at, confirmed_at)
		SELECT tenant_id, ?, id, code, name, 'Paracetamol 500 mg', ?, ?, '2029-05-31', ?, '0', 'Done', '{}', 0, ?5, ?5
		FROM lines WHERE code = ?`, fmt.Sprintf("Past%03d", place), gtin, fmt.Sprintf("LOT%03d", place), serials, at,
		otherLine)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// serialsOf makes an order's list, by the order's place: both designs get the same serials.
func (s *store) serialsOf(place, count int) []string {
	random := newSerials(place)
	list := make([]string, count)
	for i := range list {
		list[i] = random.next()
		if s.serials++; s.serials%sampled == 0 {
			s.sample = append(s.sample, pack{gtin(place % s.products), list[i], int64(place%s.products + 1)})
		}
	}
	return list
}

// serials makes serial numbers as the API gives them: twelve letters and digits at random.
type serials struct{ *rand.ChaCha8 }

func newSerials(seed int) serials {
	return serials{rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})}
}

func (s serials) next() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	var b [12]byte
	_, _ = s.Read(b[:]) // never fails, by its documentation
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b[:])
}
