package db

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// turns is the one queue for the one writer. It measures how long each transaction waits, and how long it holds the
// writer: what the disk and other processes take counts as held.
type turns struct {
	mu      sync.Mutex
	held    bool
	makeWay func() // ends the transaction of who holds the writer, nil if it need not end for others
	waiting [packaging.WriterTurns][]chan struct{}
	waits   [packaging.WriterTurns]histogram
	holds   [packaging.WriterTurns]histogram
}

// take waits for the writer. give must be called once it is free again; it is nil where ctx ended first. makeWay is
// called once somebody waits whose turn comes first.
func (t *turns) take(ctx context.Context, turn packaging.WriterTurn, makeWay func()) (give func(), err error) {
	began := time.Now()
	if err := t.await(ctx, turn); err != nil {
		return nil, err
	}
	taken := time.Now()
	t.mu.Lock()
	t.makeWay = makeWay
	if makeWay != nil && t.firstWaits() { // it came before it could call makeWay
		makeWay()
	}
	t.mu.Unlock()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.makeWay = nil
		t.waits[turn].add(taken.Sub(began))
		t.holds[turn].add(time.Since(taken))
		t.next()
	}, nil
}

func (t *turns) await(ctx context.Context, turn packaging.WriterTurn) error {
	t.mu.Lock()
	if !t.held {
		t.held = true
		t.mu.Unlock()
		return nil
	}
	called := make(chan struct{})
	t.waiting[turn] = append(t.waiting[turn], called)
	if t.makeWay != nil && turn < packaging.BackgroundTurn {
		t.makeWay()
	}
	t.mu.Unlock()
	select {
	case <-called:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting[turn], called); i >= 0 {
		t.waiting[turn] = slices.Delete(t.waiting[turn], i, i+1)
	} else {
		t.next() // it was called at the same moment
	}
	return context.Cause(ctx)
}

// firstWaits reports whether somebody waits whose turn comes before those in the background.
func (t *turns) firstWaits() bool {
	return slices.ContainsFunc(t.waiting[:packaging.BackgroundTurn], func(w []chan struct{}) bool { return len(w) > 0 })
}

// next calls the first of those who come first, or leaves the writer free.
func (t *turns) next() {
	for turn := range t.waiting {
		if len(t.waiting[turn]) > 0 {
			close(t.waiting[turn][0])
			t.waiting[turn] = t.waiting[turn][1:]
			return
		}
	}
	t.held = false
}

// WriterTimes returns how long each kind of transaction waited and held the writer since the database was opened.
func (d *DB) WriterTimes() []packaging.WriterTimes {
	t := &d.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]packaging.WriterTimes, packaging.WriterTurns)
	for turn := range all {
		all[turn] = packaging.WriterTimes{
			Turn: packaging.WriterTurn(turn), Transactions: t.holds[turn].count(),
			Waited: t.waits[turn].spread(), Held: t.holds[turn].spread(),
			Waits: t.waits[turn].counted(), Holds: t.holds[turn].counted(),
		}
	}
	return all
}

// bounds are those of a histogram, in milliseconds. What is above the last is counted by itself.
var bounds = [...]int64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000}

// histogram counts times by the bound that they are within.
type histogram struct {
	counts  [len(bounds) + 1]int64
	longest time.Duration
	sum     time.Duration
}

// counted returns a copy for others.
func (h *histogram) counted() packaging.Histogram {
	c := packaging.Histogram{Counts: slices.Clone(h.counts[:]), Sum: h.sum}
	for _, bound := range bounds {
		c.Bounds = append(c.Bounds, time.Duration(bound)*time.Millisecond)
	}
	return c
}

func (h *histogram) add(took time.Duration) {
	i, _ := slices.BinarySearch(bounds[:], int64((took+time.Millisecond-1)/time.Millisecond))
	h.counts[i]++
	h.longest = max(h.longest, took)
	h.sum += took
}

func (h *histogram) count() (n int64) {
	for _, c := range h.counts {
		n += c
	}
	return n
}

func (h *histogram) spread() packaging.Spread {
	s := packaging.Spread{Longest: h.longest}
	left := h.count() / 100 // that may be above
	for i := len(h.counts) - 1; i >= 0; i-- {
		if left -= h.counts[i]; left < 0 {
			s.Most = h.longest
			if i < len(bounds) {
				s.Most = min(h.longest, time.Duration(bounds[i])*time.Millisecond)
			}
			return s
		}
	}
	return s
}

type turnKey struct{}

// asRelease and inBackground say whose turn a transaction is. Without, it is that of what people do.
func asRelease(ctx context.Context) context.Context {
	return context.WithValue(ctx, turnKey{}, packaging.ReleaseTurn)
}

func inBackground(ctx context.Context) context.Context {
	return context.WithValue(ctx, turnKey{}, packaging.BackgroundTurn)
}

type makesWayKey struct{}

// errMadeWay says that a transaction was undone, since somebody waited whose turn comes first.
var errMadeWay = errors.New("made way for others")

// makingWay says that a transaction in the background is undone as soon as somebody waits whose turn comes first. It
// then fails with errMadeWay.
func makingWay(ctx context.Context) context.Context {
	return context.WithValue(inBackground(ctx), makesWayKey{}, true)
}

func turnOf(ctx context.Context) packaging.WriterTurn {
	if turn, ok := ctx.Value(turnKey{}).(packaging.WriterTurn); ok {
		return turn
	}
	return packaging.PersonTurn
}
