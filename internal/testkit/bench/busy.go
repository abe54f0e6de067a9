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
	if _, err := b.remote.call(ctx, "PUT", "/sandbox/orders", busyOrders(presses)); err != nil {
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
	alone, err := p.pressLine(ctx, busyLines, min(presses, 50), 0)
	if err != nil {
		return err
	}
	before, _ := server.resident()
	stop, err := p.listen(ctx, streams)
	if err != nil {
		return err
	}
	defer stop()
	took, err := p.pressBusyLines(ctx, presses)
	if err != nil {
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

func busyKey(line, press int) string { return fmt.Sprintf("busy-%02d-%04d", line, press) }

// busyOrders has so many orders for each busy line, and for one that presses alone.
func busyOrders(presses int) (orders []sandbox.Order) {
	for line := range busyLines + 1 {
		for press := range presses {
			orders = append(orders, sandbox.Order{
				ID: busyKey(line, press), LineCode: otherLine, LineName: "Blister line 1", Product: "Paracetamol 500 mg",
				GTIN: gtin(line), Lot: "PA26C01", Expiry: "2029-05-31", Quantity: few, Status: sandbox.PendingRelease,
			})
		}
	}
	return orders
}

// pressLine releases so many orders of a line, one after the other. It returns how many milliseconds each took.
func (p *person) pressLine(ctx context.Context, line, presses int, pause time.Duration) (took []float64, err error) {
	for n := range presses {
		one, err := p.arm(ctx, busyKey(line, n))
		if err != nil {
			return nil, err
		}
		pressed, err := p.press(ctx, one)
		if err != nil {
			return nil, err
		}
		took = append(took, milliseconds(pressed))
		time.Sleep(pause)
	}
	return took, nil
}

// pressBusyLines has all busy lines release at once.
func (p *person) pressBusyLines(ctx context.Context, presses int) (took []float64, err error) {
	var mu sync.Mutex
	var group errgroup.Group
	for line := range busyLines {
		group.Go(func() error {
			one, err := p.pressLine(ctx, line, presses, busyPause)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, one...)
			return err
		})
	}
	err = group.Wait()
	return took, err
}

// listen opens so many streams, until it is stopped: of all people in turn, since one person holds only so many.
func (p *person) listen(ctx context.Context, n int) (stop func(), err error) {
	ctx, stop = context.WithCancel(ctx)
	for i := range n {
		if i%streamsOfBrowser == 0 {
			if p, err = signInAs(ctx, p.server, 1+i/streamsOfBrowser%people); err != nil {
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
