package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"lineboard/internal/sandbox"
)

const (
	streams     = 200 // open pages that are told of each change
	manyStreams = 1_000
	quiet       = 100 * time.Millisecond
)

// measureLive measures how long after a press of release its claim, once it is stored, is told to every open page.
func (b *bench) measureLive(ctx context.Context) error {
	b.say("live: %d streams", streams)
	presses := b.rounds * b.small
	var orders []sandbox.Order
	for i := range 3 * presses {
		orders = append(orders, sandbox.Order{
			ID: fmt.Sprintf("live-%04d", i), LineCode: otherLine, LineName: "Blister line 1",
			Product: "Paracetamol 500 mg",
			GTIN:    gtin(0),
			Lot:     "PA26C01", Expiry: "2029-05-31", Quantity: few, Status: sandbox.PendingRelease,
		})
	}
	if err := b.remote.put(ctx, orders); err != nil {
		return err
	}
	server, err := b.serve(ctx, "live")
	if err != nil {
		return err
	}
	p, err := signIn(ctx, server)
	if err != nil {
		return err
	}
	var armed []order
	for _, o := range orders {
		one, err := p.arm(ctx, o.ID)
		if err != nil {
			return err
		}
		armed = append(armed, one)
	}
	one, err := p.told(ctx, 1, armed[:presses])
	if err != nil {
		return err
	}
	for i, n := range []int{streams, manyStreams} {
		all, err := p.told(ctx, n, armed[(i+1)*presses:(i+2)*presses])
		if err != nil {
			return err
		}
		for _, percent := range []float64{50, 99} {
			b.table.add(partLive, fmt.Sprintf(
				"from a press of release until %s open pages are told, %.0f of 100", thousands(int64(n)), percent,
			),
				figure{percentile(all, percent), "ms"}, figure{percentile(one, percent), "ms"}, "until one is")
		}
	}
	return b.stop(server)
}

// streamsOfBrowser is how many pages are open in one browser.
const streamsOfBrowser = 5

// told opens so many streams, of all people in turn, and presses release for each order. It returns how many
// milliseconds it took until each stream was told.
func (p *person) told(ctx context.Context, n int, orders []order) (took []float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan event, 100*n)
	reader := p
	for i := range n {
		if i%streamsOfBrowser == 0 {
			if reader, err = signInAs(ctx, p.server, 1+i/streamsOfBrowser%people); err != nil {
				return nil, err
			}
		}
		if err := reader.stream(ctx, i, events); err != nil {
			return nil, err
		}
	}
	for _, o := range orders {
		for still := true; still; { // what was told before is not of this press
			select {
			case <-events:
			case <-time.After(quiet):
				still = false
			}
		}
		started := time.Now()
		if _, err := p.press(ctx, o); err != nil {
			return nil, err
		}
		heard := make(map[int]bool, n)
		for late := time.After(startLimit); len(heard) < n; {
			select {
			case e := <-events:
				if !heard[e.stream] {
					heard[e.stream] = true
					took = append(took, milliseconds(e.at.Sub(started)))
				}
			case <-late:
				return nil, fmt.Errorf("%d of %d streams are told", len(heard), n)
			}
		}
	}
	return took, nil
}

// event is what a stream was told, and when.
type event struct {
	stream int
	at     time.Time
}

// stream opens a page's stream and notes what it is told of orders, until ctx ends.
func (p *person) stream(ctx context.Context, i int, events chan<- event) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server.base+"/events?t=orders", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Cookie", p.cookies())
	request.Header.Set("Accept", "text/event-stream")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the stream is answered with %s", answer.Status)
	}
	go func() {
		defer answer.Body.Close()
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if events != nil && strings.HasPrefix(lines.Text(), "data: orders") {
				events <- event{i, time.Now()}
			}
		}
	}()
	return nil
}
