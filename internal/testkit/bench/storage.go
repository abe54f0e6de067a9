package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// measureStorage compares what the serials take and how fast they are read and added, with no page around them.
func (b *bench) measureStorage(ctx context.Context, filled map[string]*store) error {
	b.say("storage: look-ups and pages")
	const beside = "a row for each serial, index (product, serial)"
	b.table.add(partStorage, fmt.Sprintf("%s serials: a serial takes", thousands(int64(filled[chosen].serials))),
		figure{filled[chosen].perSerial, "bytes"}, figure{filled[rows].perSerial, "bytes"}, beside)
	ours, err := b.read(ctx, filled[chosen])
	if err != nil {
		return err
	}
	defer ours.db.Close() //nolint:errcheck // nothing was written
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: b.rowsFile()}).EscapedPath()+
		"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_pragma=cache_size(-65536)")
	if err != nil {
		return err
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	theirs := &rowReader{filled[rows], pool}
	for _, deed := range []struct {
		name string
		do   [2]func(context.Context, *rand.Rand) error
	}{
		{"look-up of one", [2]func(context.Context, *rand.Rand) error{ours.lookUp, theirs.lookUp}},
		{"page of 100 in the middle of an order", [2]func(context.Context, *rand.Rand) error{ours.page, theirs.page}},
	} {
		var p50, p99 [2][]float64
		for round := -1; round < b.rounds; round++ {
			for i, do := range deed.do {
				took, err := times(ctx, b.lookups, uint64(round+1), do)
				if err != nil {
					return fmt.Errorf("%s: %w", deed.name, err)
				}
				if round >= 0 { // the one before warms up
					p50[i] = append(p50[i], milliseconds(percentile(took, 50)))
					p99[i] = append(p99[i], milliseconds(percentile(took, 99)))
				}
			}
		}
		b.table.add(
			partStorage, "  "+deed.name+", half within", figure{median(p50[0]), "ms"}, figure{median(p50[1]), "ms"},
			beside,
		)
		b.table.add(
			partStorage, "  "+deed.name+", 99 of 100 within", figure{median(p99[0]), "ms"},
			figure{median(p99[1]), "ms"}, beside,
		)
	}
	return b.measureRows(ctx, theirs)
}

// measureRows adds a large order to the rows, in one transaction and without a look for repeats.
func (b *bench) measureRows(ctx context.Context, r *rowReader) error {
	var took []float64
	for round := range b.rounds {
		list := make([]string, b.bulk)
		random := newSerials(1000 + round)
		for i := range list {
			list[i] = random.next()
		}
		started := time.Now()
		tx, err := r.pool.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		add, err := tx.PrepareContext(ctx, insertRows)
		if err == nil {
			err = addRows(ctx, add, int64(filledOrders+1+round), 1, list)
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		took = append(took, milliseconds(time.Since(started)))
	}
	b.rowsTook = median(took)
	return nil
}

// rowReader reads the table with a row for each serial.
type rowReader struct {
	*store
	pool *sql.DB
}

func (r *rowReader) lookUp(ctx context.Context, random *rand.Rand) error {
	p := r.sample[random.IntN(len(r.sample))]
	var id int64
	return r.pool.QueryRowContext(
		ctx, `SELECT id FROM serials WHERE product_id = ? AND serial = ?`, p.product, p.serial,
	).Scan(&id)
}

func (r *rowReader) page(ctx context.Context, random *rand.Rand) error {
	order, after := r.place(random)
	got, err := r.pool.QueryContext(
		ctx, `SELECT id, serial FROM serials WHERE id > ? ORDER BY id LIMIT ?`, order<<24|after, pageSize,
	)
	if err != nil {
		return err
	}
	defer got.Close()
	for got.Next() {
		var id int64
		var serial string
		if err := got.Scan(&id, &serial); err != nil {
			return err
		}
	}
	return got.Err()
}

// place returns one from somewhere in the middle half of an order's list.
func (s *store) place(random *rand.Rand) (order, after int64) {
	perOrder := s.serials / len(s.orders)
	order = s.orders[random.IntN(len(s.orders))]
	return order, int64(min(perOrder/4+random.IntN(perOrder/2), perOrder-pageSize))
}

// reader reads a filled database as the dashboard does.
type reader struct {
	*store
	db     *db.DB
	tenant packaging.TenantID
}

func (b *bench) read(ctx context.Context, s *store) (*reader, error) {
	box, err := secret.OpenKeyFile(filepath.Join(b.dataFolder(s.name), "lineboard.key"), false)
	if err != nil {
		return nil, err
	}
	open, err := db.Open(ctx, b.database(s.name), box, time.Now)
	if err != nil {
		return nil, err
	}
	tenants, err := open.Tenants(ctx)
	if err == nil && len(tenants) != 1 {
		err = fmt.Errorf("there are %d tenants", len(tenants))
	}
	if err != nil {
		return nil, errors.Join(err, open.Close())
	}
	return &reader{s, open, tenants[0].ID}, nil
}

// times does a deed n times. The same seed gives both sides the same questions.
func times(
	ctx context.Context, n int, seed uint64, do func(context.Context, *rand.Rand) error,
) ([]time.Duration, error) {
	random := rand.New(rand.NewPCG(seed, 0))
	took := make([]time.Duration, n)
	for i := range took {
		started := time.Now()
		if err := do(ctx, random); err != nil {
			return nil, err
		}
		took[i] = time.Since(started)
	}
	return took, nil
}

func (r *reader) lookUp(ctx context.Context, random *rand.Rand) error {
	p := r.sample[random.IntN(len(r.sample))]
	found, err := r.db.FindPacks(
		ctx, packaging.Everything(r.tenant), []packaging.PackID{{GTIN: p.gtin, Serial: p.serial}},
	)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%s is found in %d places", p.serial, len(found))
	}
	return err
}

func (r *reader) page(ctx context.Context, random *rand.Rand) error {
	order, after := r.place(random)
	serials, err := r.db.Serials(ctx, packaging.Everything(r.tenant), packaging.ListID(order), after, pageSize)
	if err == nil && len(serials) != pageSize {
		err = fmt.Errorf("order %d has %d serials after %d", order, len(serials), after)
	}
	return err
}
