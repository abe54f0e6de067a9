package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"lineboard/internal/sandbox"
)

const (
	lines       = 8      // that release at once
	linesBulk   = 10_000 // serials of each
	unknowns    = 100    // releases whose answer is lost
	outage      = 8 * time.Second
	settleLimit = 5 * time.Minute
)

// crowd are the orders of this part, by what they are for; they come to the sandbox before the server asks for them.
func (b *bench) crowd() (all []sandbox.Order) {
	add := func(key string, quantity int) {
		all = append(all, sandbox.Order{
			ID: key, LineCode: otherLine, LineName: "Blister line 1", Product: "Paracetamol 500 mg", GTIN: gtin(0),
			Lot: "PA26C01", Expiry: "2029-05-31", Quantity: quantity, Status: sandbox.PendingRelease,
		})
	}
	for round := range b.rounds {
		for i := range lines {
			add(fmt.Sprintf("crowd-%d-%d", round, i), linesBulk)
			add(fmt.Sprintf("bare-%d-%d", round, i), linesBulk)
		}
	}
	for i := range unknowns {
		add(fmt.Sprintf("lost-%03d", i), few)
	}
	add("large", b.bulk)
	add("huge", 10*b.bulk)
	return all
}

// measureCrowd measures what happens seldom and at once: eight lines that release together, many lost answers, and
// answers that are very long.
func (b *bench) measureCrowd(ctx context.Context) error {
	b.say("crowd")
	if err := b.remote.signIn(ctx); err != nil {
		return err
	}
	if err := b.remote.put(ctx, b.crowd()); err != nil {
		return err
	}
	server, err := b.serve(ctx, "crowd")
	if err != nil {
		return err
	}
	p, err := signIn(ctx, server)
	if err != nil {
		return err
	}
	armed := map[string]order{}
	for _, o := range b.crowd() {
		if armed[o.ID], err = p.arm(ctx, o.ID); err != nil {
			return err
		}
	}
	if err := b.measureLines(ctx, p, armed); err != nil {
		return err
	}
	if err := b.measureSettling(ctx, p, armed); err != nil {
		return err
	}
	if err := b.measureLong(ctx, server, p, armed); err != nil {
		return err
	}
	return b.stop(server)
}

// together does something n times at once and says how long it all took, in ms.
func together(n int, do func(i int) error) (float64, error) {
	var group errgroup.Group
	started := time.Now()
	for i := range n {
		group.Go(func() error { return do(i) })
	}
	err := group.Wait()
	return milliseconds(time.Since(started)), err
}

func (b *bench) measureLines(ctx context.Context, p *person, armed map[string]order) error {
	var ours, bare []float64
	for round := range b.rounds {
		took, err := together(lines, func(i int) error {
			_, err := p.press(ctx, armed[fmt.Sprintf("crowd-%d-%d", round, i)])
			return err
		})
		if err != nil {
			return err
		}
		ours = append(ours, took)
		if took, err = together(lines, func(i int) error {
			_, err := b.remote.release(ctx, fmt.Sprintf("bare-%d-%d", round, i))
			return err
		}); err != nil {
			return err
		}
		bare = append(bare, took)
	}
	b.table.add(partCrowd,
		fmt.Sprintf("%d lines release %s serials each at once, all done", lines, thousands(linesBulk)),
		figure{median(ours), "ms"}, figure{median(bare), "ms"}, "bare PATCHes at once")
	return nil
}

// measureSettling loses the answers of many releases while nothing else of the API answers either, and then has it
// answer.
func (b *bench) measureSettling(ctx context.Context, p *person, armed map[string]order) error {
	const faults = "/sandbox/faults"
	for call, kind := range map[string]string{
		sandbox.ReleaseToLine: "cut_after", sandbox.Details: "error_before", sandbox.ListOpen: "error_before",
	} {
		if _, err := b.remote.call(ctx, "POST", faults, map[string]any{"call": call, "kind": kind}); err != nil {
			return err
		}
	}
	for first := 0; first < unknowns; first += lines { // so many answers at once have room beside the database
		if _, err := together(min(lines, unknowns-first), func(i int) error {
			_, err := p.press(ctx, armed[fmt.Sprintf("lost-%03d", first+i)])
			return err
		}); err != nil {
			return err
		}
	}
	select {
	case <-time.After(outage):
	case <-ctx.Done():
		return ctx.Err()
	}
	if n, err := b.unsettled(ctx); err != nil || n == 0 {
		return fmt.Errorf("%d releases are unknown after their answers were lost: %v", n, err)
	}
	if _, err := b.remote.call(ctx, "DELETE", faults, nil); err != nil {
		return err
	}
	started := time.Now()
	for n := 1; n > 0; time.Sleep(50 * time.Millisecond) {
		var err error
		if n, err = b.unsettled(ctx); err != nil {
			return err
		}
		if time.Since(started) > settleLimit {
			return fmt.Errorf("%d releases are still unknown", n)
		}
	}
	took := milliseconds(time.Since(started))
	started = time.Now()
	for i := range unknowns {
		if _, err := b.remote.call(
			ctx, "GET", fmt.Sprintf("/v1/manufacturer/v2/api/packaging_order/details?order_id=lost-%03d", i), nil,
		); err != nil {
			return err
		}
	}
	b.table.add(partCrowd,
		fmt.Sprintf("%d lost answers settled, once the API answers again after %s", unknowns, outage),
		figure{took, "ms"}, figure{milliseconds(time.Since(started)), "ms"}, "bare details of each, one by one")
	return nil
}

func (b *bench) unsettled(ctx context.Context) (n int, err error) {
	pool, err := sql.Open(
		"sqlite", "file:"+(&url.URL{Path: b.database("crowd")}).EscapedPath()+"?mode=ro&_busy_timeout=5000",
	)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	return n, pool.QueryRowContext(
		ctx, `SELECT count(*) FROM releases WHERE outcome IN ('sending', 'unknown')`,
	).Scan(&n)
}

func (b *bench) measureLong(ctx context.Context, server *program, p *person, armed map[string]order) error {
	for _, long := range []struct {
		key     string
		serials int
	}{{"large", b.bulk}, {"huge", 10 * b.bulk}} {
		before, ok := server.resident()
		if !ok {
			return nil // nothing says it on other systems than Linux
		}
		took, err := p.press(ctx, armed[long.key])
		if err != nil {
			return err
		}
		after, _ := server.resident()
		b.table.add(partCrowd, fmt.Sprintf(
			"memory after an answer of %s serials, stored in %.1f s", thousands(int64(long.serials)), took.Seconds(),
		),
			figure{after, "MB"}, figure{before, "MB"}, "before it")
	}
	return nil
}
