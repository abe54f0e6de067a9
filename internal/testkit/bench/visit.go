package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lineboard/internal/testkit/browser"
)

// What a tablet at a line may have: a processor six times slower than this one, and the network that browsers' own
// tools call slow.
const (
	slowProcessor = 6
	slowDelay     = 150 * time.Millisecond
	slowBytes     = 1.6e6 / 8 // a second
)

// window lets the browser be used outside of a test: what fails ends the visit.
type window struct{ cleanups []func() }

type failed struct{ error }

func (*window) Helper()                   {}
func (w *window) Cleanup(f func())        { w.cleanups = append(w.cleanups, f) }
func (*window) Fatalf(f string, a ...any) { panic(failed{fmt.Errorf(f, a...)}) }

// inWindow runs do in a window of its own.
func inWindow(do func(*browser.Page)) (err error) {
	w := &window{}
	defer func() {
		for _, clean := range w.cleanups {
			clean()
		}
		var why failed
		if caught, _ := recover().(error); errors.As(caught, &why) {
			err = why.error
		} else if caught != nil {
			panic(caught)
		}
	}()
	do(browser.Open(w))
	return nil
}

// measureVisit opens a line's board of fifty orders in Chromium as somebody who was never here, and once more; beside
// it stands the least page that there is, /healthz, through the same network.
func (b *bench) measureVisit(ctx context.Context) error {
	b.say("visit: a processor %d times slower, %v and %.1f Mbit/s", slowProcessor, slowDelay, slowBytes*8/1e6)
	if err := b.remote.put(ctx, boardOrders()); err != nil {
		return err
	}
	ours, err := b.serve(ctx, "visit")
	if err != nil {
		return err
	}
	page := target{server: ours, path: "/lines/" + boardLine}
	if _, err := b.openBoard(ctx, page); err != nil {
		return err
	}
	supervisor, err := signIn(ctx, ours)
	if err != nil {
		return err
	}
	order, err := supervisor.awaitOrder(ctx, boardOrders()[0].ID)
	if err != nil {
		return err
	}
	weak, err := newNetwork(ours.base, slowDelay, slowBytes)
	if err != nil {
		return err
	}
	defer weak.CloseClientConnections() // streams would stay open
	var v visits
	for range b.rounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := inWindow(func(p *browser.Page) { v.visit(p, weak, page.path, order) }); err != nil {
			return err
		}
	}
	b.tellVisits(v)
	return b.stop(ours)
}

// visits are what was measured: of the first visit of a page, of the second, and of the least page that there is.
type visits struct {
	requests, bytes, painted, interactive [3][]float64
	felt                                  [2][]float64 // from a touch until it shows: of ours, of an empty page
}

// visit signs in, opens the page twice and the least page once, and touches a button of an order and of an empty page.
func (v *visits) visit(p *browser.Page, weak *network, page, order string) {
	p.Goto(weak.URL + "/login")
	p.Fill("Username", username+"1")
	p.Fill("Password", password+"1")
	p.Click("Sign in")
	p.See("Line with fifty orders")
	p.Goto("about:blank")
	weak.count()
	p.Forget(weak.URL)
	p.Slow(slowProcessor)
	for i, path := range []string{page, page, "/healthz"} {
		opened := p.Visit(weak.URL + path)
		n, size := weak.count()
		v.requests[i] = append(v.requests[i], float64(n))
		v.bytes[i] = append(v.bytes[i], float64(size)/1024)
		v.painted[i] = append(v.painted[i], milliseconds(opened.FirstPaint))
		v.interactive[i] = append(v.interactive[i], milliseconds(opened.Interactive))
	}
	p.Goto(weak.URL + order)
	v.felt[0] = append(v.felt[0], milliseconds(p.In("main").Tap("Release to line")))
	p.Goto(weak.URL + "/healthz")
	p.Eval(`document.body.innerHTML = "<button>Press</button>";
		document.querySelector("button").addEventListener("click", e => { e.target.textContent = "Pressed" })`, nil)
	v.felt[1] = append(v.felt[1], milliseconds(p.Tap("Press")))
}

// tellVisits adds what was measured to the table.
func (b *bench) tellVisits(v visits) {
	const again, least = "the second visit", "/healthz, the least page"
	add := func(what string, ours, beside []float64, unit, which string) {
		b.table.add(partVisit, what, figure{median(ours), unit}, figure{median(beside), unit}, which)
	}
	add("line board, 50 orders, first visit: requests", v.requests[0], v.requests[1], "", again)
	add("  over the network", v.bytes[0], v.bytes[1], "KB", again)
	add(
		fmt.Sprintf(
			"  until first paint, processor %d× slower, %.1f Mbit/s, %d ms", slowProcessor, slowBytes*8/1e6,
			slowDelay.Milliseconds(),
		),
		v.painted[0], v.painted[2], "ms", least,
	)
	add("  until it can be used", v.interactive[0], v.interactive[2], "ms", least)
	add("second visit: until first paint", v.painted[1], v.painted[2], "ms", least)
	add("  until it can be used", v.interactive[1], v.interactive[2], "ms", least)
	add("from a touch of Release to line until it shows", v.felt[0], v.felt[1], "ms", "an empty page's button")
}
