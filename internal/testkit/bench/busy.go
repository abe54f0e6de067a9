package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lineboard/internal/sandbox"
)

const (
	busyLines = 20
	busyPause = time.Second // between two presses of a line
)

// measureBusy has many lines release one order after the other beside open pages, for minutes. It compares their
// presses with those of a server that does nothing else, and the memory before and after.
func (b *bench) measureBusy(ctx context.Context) error {
	b.say("busy: %d lines for %s", busyLines, b.busyTime)
	presses := int(b.busyTime/busyPause) + 1
	key := func(line, press int) string { return fmt.Sprintf("busy-%02d-%04d", line, press) }
	var orders []sandbox.Order
	for line := range busyLines + 1 { // the last one presses alone
		for press := range presses {
			orders = append(orders, sandbox.Order{
				ID: key(line, press), LineCode: otherLine, LineName: "Blister line 1", Product: "Paracetamol 500 mg",
				GTIN: gtin(line),
				Lot:  "PA26C01", Expiry: "2029-05-31", Quantity: few, Status: sandbox.PendingRelease,
			})
		}
	}
	if _, err := b.remote.call(ctx, "PUT", "/sandbox/orders", orders); err != nil {
		return err
	}
	server, err := b.serve(ctx, "busy")
	if err != nil {
		return err
	}
	p, err := signIn(ctx, server)
	if err != nil {
		return err
	}
	press := func(line, n int) (time.Duration, error) {
		one, err := p.arm(ctx, key(line, n))
		if err != nil {
			return 0, err
		}
		return p.press(ctx, one)
	}
	var alone []float64
	for n := range min(presses, 50) {
		took, err := press(busyLines, n)
		if err != nil {
			return err
		}
		alone = append(alone, milliseconds(took))
	}
	before, _ := server.resident()
	stop, err := p.listen(ctx, streams)
	if err != nil {
		return err
	}
	defer stop()
	var mu sync.Mutex
	var took []float64
	group := errgroup.Group{}
	for line := range busyLines {
		group.Go(func() error {
			for n := range presses {
				one, err := press(line, n)
				if err != nil {
					return err
				}
				mu.Lock()
				took = append(took, milliseconds(one))
				mu.Unlock()
				time.Sleep(busyPause)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	stop()
	time.Sleep(settle)
	after, known := server.resident()
	for _, percent := range []float64{50, 99} {
		b.table.add(partBusy,
			fmt.Sprintf("a press beside %d busy lines and %d open pages, %.0f of 100", busyLines, streams, percent),
			figure{percentile(took, percent), "ms"}, figure{percentile(alone, percent), "ms"}, "a press alone")
	}
	if known {
		b.table.add(
			partBusy, fmt.Sprintf("  memory after %s of that", b.busyTime), figure{after, "MB"}, figure{before, "MB"},
			"before it",
		)
	}
	return b.stop(server)
}

// listen opens so many streams, until it is stopped.
func (p *person) listen(ctx context.Context, n int) (stop func(), err error) {
	ctx, stop = context.WithCancel(ctx)
	for i := range n {
		if i%streamsOfBrowser == 0 {
			if p, err = signIn(ctx, p.server); err != nil {
				stop()
				return nil, err
			}
		}
		if err := p.stream(ctx, i, nil); err != nil {
			stop()
			return nil, err
		}
	}
	return stop, nil
}
