package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"lineboard/internal/packaging"
)

// measureOrders reads the Orders page among many orders, each figure beside the same among a hundred.
func (b *bench) measureOrders(ctx context.Context) error {
	few := "orders-few"
	for _, side := range []struct {
		name   string
		orders int
	}{{few, shortBy}, {"orders-many", b.orders}, {"orders-most", 10 * b.orders}} {
		b.say("orders: filling with %s", thousands(int64(side.orders)))
		p, err := b.serve(ctx, side.name)
		if err != nil {
			return err
		}
		if err := errors.Join(b.stop(p), fillOrders(ctx, b.database(side.name), side.orders)); err != nil {
			return err
		}
		if side.name == few {
			continue
		}
		if err := b.measureSearches(ctx, side.name, few, side.orders); err != nil {
			return err
		}
		if err := b.measureOrderPages(ctx, side.name, few, side.orders); err != nil {
			return err
		}
	}
	return nil
}

// searches are what people ask the Orders page for.
var searches = []struct {
	what, query string
	filter      packaging.OrderFilter
}{
	{"first", "", packaging.OrderFilter{}},
	{"by status", "status=Suspended", packaging.OrderFilter{Status: packaging.Suspended}},
	{"search for a word", "q=paracetamol", packaging.OrderFilter{Text: "paracetamol"}},
	{"search for an ID", "q=" + url.QueryEscape("PO-0000042"), packaging.OrderFilter{Text: "PO-0000042"}},
}

// measureSearches asks the database.
func (b *bench) measureSearches(ctx context.Context, many, few string, orders int) error {
	b.say("orders: searches")
	var sides [2]*reader
	for i, name := range []string{many, few} {
		r, err := b.read(ctx, &store{name: name})
		if err != nil {
			return err
		}
		defer r.db.Close() //nolint:errcheck // it was only read
		if err := r.db.IndexOrders(ctx); err != nil {
			return err
		}
		sides[i] = r
	}
	for _, search := range searches {
		search.filter.Limit = 50
		var took [2][]float64
		for round := -1; round < b.rounds; round++ {
			for i, r := range sides {
				started := time.Now()
				for range 10 {
					page, err := r.db.SearchOrders(ctx, packaging.Everything(r.tenant), search.filter)
					if err == nil && len(page.Orders) == 0 {
						err = fmt.Errorf("%s: nothing was found", search.what)
					}
					if err != nil {
						return err
					}
				}
				if round >= 0 {
					took[i] = append(took[i], milliseconds(time.Since(started))/10)
				}
			}
		}
		b.table.add(partOrders,
			fmt.Sprintf("%s orders, asked of the database: %s", thousands(int64(orders)), search.what),
			figure{median(took[0]), "ms"}, figure{median(took[1]), "ms"}, "100 orders")
	}
	return errors.Join(sides[0].db.Close(), sides[1].db.Close())
}

// measureOrderPages puts load on the pages.
func (b *bench) measureOrderPages(ctx context.Context, many, few string, orders int) error {
	b.say("orders: pages")
	var sides [2]target
	for i, name := range []string{many, few} {
		server, err := b.serveFilled(ctx, name)
		if err != nil {
			return err
		}
		p, err := signIn(ctx, server)
		if err != nil {
			return err
		}
		sides[i] = target{server: server, cookies: p.cookies()}
	}
	for _, search := range searches {
		var perSecond, p99 [2][]float64
		for round := -1; round < b.rounds; round++ {
			for i, side := range sides {
				side.path = "/orders?" + search.query
				l, err := side.put(ctx, b.boardTime/2)
				if err != nil {
					return err
				}
				if round >= 0 {
					perSecond[i], p99[i] = append(perSecond[i], l.perSecond), append(p99[i], l.p99)
				}
			}
		}
		b.table.add(partOrders, fmt.Sprintf("%s orders, page: %s", thousands(int64(orders)), search.what),
			figure{median(perSecond[0]), "/s"}, figure{median(perSecond[1]), "/s"}, "100 orders")
		b.table.add(
			partOrders, "  99 of 100 within", figure{median(p99[0]), "ms"}, figure{median(p99[1]), "ms"}, "100 orders",
		)
	}
	return errors.Join(b.stop(sides[0].server), b.stop(sides[1].server))
}

// fillOrders adds orders as years leave them: nearly all Done, a few of each other status, on all lines.
func fillOrders(ctx context.Context, path string, orders int) error {
	pool, err := openToFill(path)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.ExecContext(ctx, `
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO orders (tenant_id, order_key, line_id, line_code, line_name, product, gtin, lot, expiry, quantity, extra_percent,
			status, raw, listed, first_seen_at, confirmed_at)
		SELECT l.tenant_id, printf('PO-%07d', i), l.id, l.code, l.name, 'Paracetamol ' || (100 * (i % 20)) || ' mg', printf('0950600%07d', i % 20),
			printf('LOT%06d', i * 7919 % 1000000), date('2027-01-01', (i % 1000) || ' days'), 1000 + i % 500, '2.5',
			CASE i % 500 WHEN 1 THEN 'Pending release' WHEN 2 THEN 'In progress' WHEN 3 THEN 'Suspended' WHEN 4 THEN 'Open' ELSE 'Done' END,
			'{"order_id": "' || i || '", "source": "the API gave some three hundred bytes about it"}', 0, 1, 1
		FROM n JOIN lines l ON l.id = (SELECT min(id) FROM lines) + i % 2`, orders)
	return err
}
