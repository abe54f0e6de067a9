package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// measureStorage compares what the serials take and how fast they are read, with no page around them. Adding to them is
// measured with the releases.
func (b *bench) measureStorage(ctx context.Context, filled map[string]*store) error {
	b.say("storage: look-ups and pages")
	beside := fmt.Sprintf("index on (tenant, serial), %s serials", thousands(int64(filled[naive].serials)))
	b.table.add(partStorage, fmt.Sprintf("%s serials: a serial takes", thousands(int64(filled[chosen].serials))),
		figure{filled[chosen].perSerial, "bytes"}, figure{filled[naive].perSerial, "bytes"}, beside)

	sides := make([]*reader, 2)
	for i, name := range []string{chosen, naive} {
		r, err := b.read(ctx, filled[name])
		if err != nil {
			return err
		}
		defer r.db.Close() //nolint:errcheck // nothing was written
		sides[i] = r
	}
	for _, deed := range []struct {
		name string
		do   func(*reader, context.Context, *rand.Rand) error
	}{{"look-up of one", (*reader).lookUp}, {"page of 100 in the middle of an order", (*reader).page}} {
		var p50, p99 [2][]float64
		for round := -1; round < b.rounds; round++ {
			for i, side := range sides {
				took, err := side.times(ctx, b.lookups, uint64(round+1), deed.do)
				if err != nil {
					return fmt.Errorf("%s of %s: %w", deed.name, side.name, err)
				}
				if round >= 0 { // the one before warms up
					p50[i] = append(p50[i], milliseconds(percentile(took, 50)))
					p99[i] = append(p99[i], milliseconds(percentile(took, 99)))
				}
			}
		}
		b.table.add(
			partStorage, "  "+deed.name+", half within", figure{median(p50[0]), "ms"}, figure{median(p50[1]), "ms"}, beside,
		)
		b.table.add(
			partStorage, "  "+deed.name+", 99 of 100 within", figure{median(p99[0]), "ms"}, figure{median(p99[1]), "ms"}, beside,
		)
	}
	return nil
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
func (r *reader) times(
	ctx context.Context, n int, seed uint64, do func(*reader, context.Context, *rand.Rand) error,
) ([]time.Duration, error) {
	random := rand.New(rand.NewPCG(seed, 0))
	took := make([]time.Duration, n)
	for i := range took {
		started := time.Now()
		if err := do(r, ctx, random); err != nil {
			return nil, err
		}
		took[i] = time.Since(started)
	}
	return took, nil
}

func (r *reader) lookUp(ctx context.Context, random *rand.Rand) error {
	p := r.sample[random.IntN(len(r.sample))]
	_, err := r.db.FindPacks(ctx, packaging.Everything(r.tenant), []packaging.PackID{{GTIN: p.gtin, Serial: p.serial}})
	return err
}

// page reads one from somewhere in the middle half of an order's list.
func (r *reader) page(ctx context.Context, random *rand.Rand) error {
	perOrder := r.serials / len(r.orders)
	order := r.orders[random.IntN(len(r.orders))]
	after := perOrder/4 + random.IntN(perOrder/2)
	after = min(after, perOrder-pageSize)
	serials, err := r.db.Serials(ctx, packaging.Everything(r.tenant), packaging.ListID(order), int64(after), pageSize)
	if err == nil && len(serials) != pageSize {
		err = fmt.Errorf("order %d has %d serials after %d", order, len(serials), after)
	}
	return err
}
