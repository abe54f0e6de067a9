package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite"
)

// The two designs that are filled. An index on (tenant, serial) is, for one tenant, what the index on (product, serial)
// is where there is but one product: the same columns, the same order, the same bytes. So the naive design is measured
// with the same program and the same schema, on a site that packs nothing but one product.
const (
	chosen = "filled"
	naive  = "naive"
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
type pack struct{ gtin, serial string }

// sampled is how many serials apart the look-ups' samples are.
const sampled = 997

func gtin(item int) string { return fmt.Sprintf("0541234%07d", item) }

// fill makes the databases that the wanted parts need, side by side.
func (b *bench) fill(ctx context.Context) (map[string]*store, error) {
	stores := map[string]*store{chosen: {name: chosen, products: filledProducts}}
	if b.wants(partStorage) {
		stores[naive] = &store{name: naive, products: 1}
	}
	b.say("filling with %s serials", thousands(int64(b.serials)))
	started := time.Now()
	for name := range stores {
		// The program itself makes the folder, the key, the schema, and what the file provisions.
		p, err := b.serve(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := b.stop(p); err != nil {
			return nil, err
		}
	}
	perOrder := b.serials / filledOrders / pageSize * pageSize // whole pages
	group, filling := errgroup.WithContext(ctx)
	for _, s := range stores {
		group.Go(func() error {
			return s.fill(filling, b.database(s.name), perOrder)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	b.say("filled in %s", time.Since(started).Round(time.Second))
	return stores, nil
}

// fill adds the orders of a past, each with its serials: in the order of their release, the index kept all along. Rows
// that are sorted first, or an index that is made afterwards, would be packed as no grown database is.
func (s *store) fill(ctx context.Context, path string, perOrder int) error {
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
	if err := s.addPast(ctx, tx, perOrder); err != nil {
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
	err = conn.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&bytes)
	return bytes, err
}

// addPast adds the orders with their serials, and neither releases nor history: nothing that is measured reads them.
func (s *store) addPast(ctx context.Context, tx *sql.Tx, perOrder int) error {
	products := make([]int64, s.products)
	for i := range products {
		result, err := tx.ExecContext(ctx, `INSERT INTO products (tenant_id, gtin) SELECT id, ? FROM tenants`, gtin(i))
		if err != nil {
			return err
		}
		if products[i], err = result.LastInsertId(); err != nil {
			return err
		}
	}
	add, err := tx.PrepareContext(ctx, `INSERT INTO serials (id, product_id, serial) VALUES (?,?,?)`+strings.Repeat(`,(?,?,?)`, pageSize-1))
	if err != nil {
		return err
	}
	defer add.Close()
	for i := range filledOrders {
		id, err := addPastOrder(ctx, tx, i, gtin(i%s.products), perOrder)
		if err != nil {
			return err
		}
		s.orders = append(s.orders, id)
		if err := s.addSerials(ctx, add, i, id, products[i%s.products], perOrder); err != nil {
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
		FROM lines WHERE code = ?`, fmt.Sprintf("Past%03d", place), gtin, fmt.Sprintf("LOT%03d", place), serials, at, otherLine)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// addSerials adds an order's list. Both designs get the same serials, by the order's place.
func (s *store) addSerials(ctx context.Context, add *sql.Stmt, place int, order, product int64, count int) error {
	random := newSerials(place)
	args := make([]any, 3*pageSize)
	for first := 0; first < count; first += pageSize {
		for i := range pageSize {
			serial := random.next()
			args[3*i], args[3*i+1], args[3*i+2] = order<<24|int64(first+i+1), product, serial
			if s.serials++; s.serials%sampled == 0 {
				s.sample = append(s.sample, pack{gtin(place % s.products), serial})
			}
		}
		if _, err := add.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
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
