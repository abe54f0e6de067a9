package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lineboard/internal/sandbox"
)

const (
	perLine     = 3 // destinations: two folders and a webhook
	takenLimit  = 5 * time.Minute
	takenPause  = 5 * time.Millisecond
	delivered   = "delivered"
	undelivered = "undelivered"
)

// measureDeliveries has eight lines release at once, on a server whose lines have destinations and on one whose lines
// have none: what deliveries add to a press, and how long it takes until all are taken.
func (b *bench) measureDeliveries(ctx context.Context) error {
	b.say("deliver")
	if err := b.remote.signIn(ctx); err != nil {
		return err
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer receiver.Close()
	drop := filepath.Join(b.folder, "drop")
	if err := os.MkdirAll(drop, 0o700); err != nil {
		return err
	}
	sides := []string{undelivered, delivered}
	people, armed := map[string]*person{}, map[string][]order{}
	for _, side := range sides {
		if err := b.remote.put(ctx, b.ordersOfLines(side)); err != nil {
			return err
		}
	}
	for _, side := range sides {
		destinations, flags := "", []string(nil)
		if side == delivered {
			destinations = destinationsOfLines(receiver.URL)
			flags = []string{"--drop-root", "drop=" + drop, "--destination-hosts", receiver.Listener.Addr().String()}
		}
		var err error
		if people[side], armed[side], err = b.armLines(ctx, side, destinations, flags); err != nil {
			return err
		}
	}
	took, taken, err := b.pressLines(ctx, people, armed)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("a press of %d lines at once, %s serials each, %d destinations a line, %%s",
		lines, thousands(linesBulk), perLine)
	for _, percent := range []float64{50, 99} {
		b.table.add(partDeliver, fmt.Sprintf(what, fmt.Sprintf("%.0f of 100", percent)),
			figure{percentile(took[delivered], percent), "ms"}, figure{percentile(took[undelivered], percent), "ms"},
			"without destinations")
	}
	b.table.add(partDeliver, fmt.Sprintf("  from the last press until all %d lists are taken", lines*perLine),
		figure{median(taken), "ms"}, figure{median(took[delivered]), "ms"}, "a press")
	for _, p := range people {
		if err := b.stop(p.server); err != nil {
			return err
		}
	}
	return nil
}

// armLines starts a server with those destinations, and arms an order of each line.
func (b *bench) armLines(ctx context.Context, side, destinations string, flags []string) (*person, []order, error) {
	site := filepath.Join(b.folder, side+".yaml")
	if err := b.writeSite(site, linesOfSite()+destinations); err != nil {
		return nil, nil, err
	}
	server, err := b.serveSite(ctx, side, site, flags...)
	if err != nil {
		return nil, nil, err
	}
	p, err := signIn(ctx, server)
	if err != nil {
		return nil, nil, err
	}
	var armed []order
	for _, o := range b.ordersOfLines(side) {
		one, err := p.arm(ctx, o.ID)
		if err != nil {
			return nil, nil, err
		}
		armed = append(armed, one)
	}
	return p, armed, nil
}

// pressLines presses the orders round by round, and returns how long each press took by its side, and how long after
// the presses of a round all lists were taken.
func (b *bench) pressLines(
	ctx context.Context, people map[string]*person, armed map[string][]order,
) (took map[string][]float64, taken []float64, err error) {
	took = map[string][]float64{}
	var mu sync.Mutex
	for round := range b.rounds {
		for _, side := range []string{undelivered, delivered} {
			if _, err := together(lines, func(i int) error {
				one, err := people[side].press(ctx, armed[side][round*lines+i])
				mu.Lock()
				defer mu.Unlock()
				took[side] = append(took[side], milliseconds(one))
				return err
			}); err != nil {
				return nil, nil, err
			}
			if side == undelivered {
				continue
			}
			pressed := time.Now()
			if err := b.awaitTaken(ctx, (round+1)*lines*perLine); err != nil {
				return nil, nil, err
			}
			taken = append(taken, milliseconds(time.Since(pressed)))
		}
	}
	return took, taken, nil
}

// awaitTaken waits until so many lists are taken.
func (b *bench) awaitTaken(ctx context.Context, count int) error {
	pool, err := sql.Open(
		"sqlite", "file:"+(&url.URL{Path: b.database(delivered)}).EscapedPath()+"?mode=ro&_busy_timeout=5000",
	)
	if err != nil {
		return err
	}
	defer pool.Close()
	var n int
	for end := time.Now().Add(takenLimit); time.Now().Before(end); time.Sleep(takenPause) {
		err := pool.QueryRowContext(ctx, `SELECT count(*) FROM deliveries WHERE state = 'taken'`).Scan(&n)
		if err != nil || n >= count {
			return err
		}
	}
	return fmt.Errorf("%d of %d lists are taken after %s", n, count, takenLimit)
}

func lineOf(i int) string { return fmt.Sprintf("D%d", i+1) }

// ordersOfLines are the orders of a side, one a line in each round. They come with their serials.
func (b *bench) ordersOfLines(side string) (all []sandbox.Order) {
	for round := range b.rounds {
		for i := range lines {
			o := sandbox.Order{
				ID: fmt.Sprintf("%s-%d-%d", side, round, i), LineCode: lineOf(i), LineName: "Line " + lineOf(i),
				Product: "Paracetamol 500 mg", GTIN: gtin(i), Lot: "PA26C01", Expiry: "2029-05-31",
				Quantity: linesBulk, Status: sandbox.PendingRelease,
			}
			random := newSerials(filledOrders + len(all))
			for range linesBulk {
				o.Serials = append(o.Serials, random.next())
			}
			all = append(all, o)
		}
	}
	return all
}

func linesOfSite() string {
	var site strings.Builder
	site.WriteString("    lines:\n")
	for i := range lines {
		fmt.Fprintf(&site, "      - {code: %s, name: Line %[1]s}\n", lineOf(i))
	}
	return site.String()
}

func destinationsOfLines(receiver string) string {
	var site strings.Builder
	site.WriteString("    destinations:\n")
	for i := range lines {
		fmt.Fprintf(&site, `      - {line: %[1]s, name: Press, kind: folder, root: drop, file_name: "{{.Order}}-{{.Number}}.csv"}
      - line: %[1]s
        name: Archive
        kind: folder
        root: drop
        format: json
        file_name: "{{.Order}}-{{.Number}}.json"
      - line: %[1]s
        name: MES
        kind: webhook
        url: %[2]s/hooks
        public_url: http://127.0.0.1
        signing_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
`, lineOf(i), receiver)
	}
	return site.String()
}
