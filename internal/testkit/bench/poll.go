package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"time"

	"lineboard/db"
	"lineboard/internal/manufacturer"
	"lineboard/internal/ordersync"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
)

const (
	polled  = 2_000 // orders in the list
	touched = 20    // of them that change from poll to poll
)

// measurePoll compares a refresh of the cache, with and without changes, with asking for the same list and reading it
// alone. It runs in this process: what is measured is the way from the answer into the database, with no page around
// it.
func (b *bench) measurePoll(ctx context.Context) (err error) {
	b.say("poll")
	p, err := b.newPoll(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	refresh := func(ctx context.Context) error { return p.sync.Refresh(ctx, p.tenant) }
	alone := func(ctx context.Context) error {
		_, _, err := p.client.Open(ctx)
		return err
	}
	sides := []struct {
		name   string
		before func() error
		do     func(context.Context) error
		took   []float64
	}{{name: "unchanged", do: refresh}, {name: "changed", before: p.change, do: refresh}, {name: "alone", do: alone}}
	for round := -1; round < b.rounds; round++ {
		took := make([][]time.Duration, len(sides))
		for range b.polls {
			for i, side := range sides {
				if side.before != nil {
					if err := side.before(); err != nil {
						return err
					}
				}
				started := time.Now()
				if err := side.do(ctx); err != nil {
					return fmt.Errorf("%s: %w", side.name, err)
				}
				took[i] = append(took[i], time.Since(started))
			}
		}
		for i := range sides {
			if round >= 0 { // the one before fills the cache and warms up
				sides[i].took = append(sides[i].took, milliseconds(percentile(took[i], 50)))
			}
		}
	}
	list, beside := figure{median(sides[2].took), "ms"}, "the same list, asked for and read alone"
	b.table.add(
		partPoll, fmt.Sprintf("poll of %s orders, none changed", thousands(polled)),
		figure{median(sides[0].took), "ms"},
		list, beside,
	)
	b.table.add(
		partPoll, fmt.Sprintf("poll of %s orders, %d changed", thousands(polled), touched),
		figure{median(sides[1].took), "ms"}, list, beside,
	)
	return nil
}

// poll is a cache with the API that it is refreshed from.
type poll struct {
	api    *httptest.Server
	store  *db.DB
	client *manufacturer.Client
	sync   *ordersync.Syncer
	tenant packaging.TenantID
	orders []sandbox.Order
	answer []byte // to a question for the list
	turn   int
}

func (b *bench) newPoll(ctx context.Context) (*poll, error) {
	p := &poll{}
	for i := range polled {
		p.orders = append(p.orders, sandbox.Order{
			ID: fmt.Sprintf("Order%05d", i), LineCode: otherLine, LineName: "Blister line 1",
			Product: "Paracetamol 500 mg",
			GTIN:    gtin(i % 50),
			Lot:     fmt.Sprintf("LOT%04d", i), Expiry: "2029-05-31", Quantity: 5000, ExtraPercent: 5,
			Status: sandbox.PendingRelease,
		})
	}
	if err := p.list(); err != nil {
		return nil, err
	}
	box := sandbox.New(sandbox.Options{})
	p.api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/packaging_order/open") {
			box.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(p.answer) // a client that goes away is told of by the call
	}))
	key, err := secret.OpenKeyFile(filepath.Join(b.folder, "poll.key"), true)
	if err != nil {
		return nil, err
	}
	if p.store, err = db.Open(ctx, filepath.Join(b.folder, "poll.db"), key, time.Now); err != nil {
		return nil, err
	}
	if err := p.store.Provision(ctx, db.Site{{
		Tenant:      packaging.Tenant{Slug: "bench", Name: "Bench", TimeZone: "UTC", BaseURL: p.api.URL},
		Credentials: secret.Credentials{TokenKind: "dynamic", TokenHeader: "x-access-token"},
		Lines:       []packaging.Line{{Code: otherLine, Name: "Blister line 1"}},
	}}); err != nil {
		return nil, err
	}
	tenants, err := p.store.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	p.tenant = tenants[0].ID
	p.client, err = manufacturer.New(manufacturer.Config{
		BaseURL: p.api.URL, TokenKind: "dynamic", TokenHeader: "x-access-token", APIKey: secret.New(sandbox.APIKey),
		APISecret: secret.New(sandbox.APISecret), ChannelKey: secret.New(sandbox.ChannelKey),
	})
	p.sync = ordersync.New(p.store, func(context.Context, packaging.TenantID) (ordersync.API, error) {
		return p.client, nil
	},
		time.Hour, func(packaging.TenantID) {}, time.Now, slog.New(slog.DiscardHandler))
	return p, err
}

func (p *poll) close() error {
	p.api.Close()
	return p.store.Close()
}

// list makes the answer anew.
func (p *poll) list() (err error) {
	p.answer, err = json.Marshal(map[string]any{"success": true, "message": "Open packaging orders", "data": p.orders})
	return err
}

// change changes some of the orders.
func (p *poll) change() error {
	p.turn++
	for i := range touched {
		p.orders[i*polled/touched].Lot = fmt.Sprintf("TURN%d", p.turn)
	}
	return p.list()
}
