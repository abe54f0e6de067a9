package db

import (
	"context"
	"slices"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// How long one reading may hold a connection. An export or a verification is many of them.
const (
	reportLimit = 10 * time.Second
	pageLimit   = 10 * time.Second // of an export or a history that is checked
	tableLimit  = 5 * time.Minute  // all records of a table, or a whole list, that are checked
)

// maxPlaces is how many connections one person's readings hold at a time: the last is for others.
const maxPlaces = slowReaders - 1

// places hand out the connections of those who read long. When one is free, it goes to the person who holds the fewest,
// and among those to who came first. So nobody waits for all that another person has asked for.
type places struct {
	mu      sync.Mutex
	held    map[packaging.UserID]int // 0 is the program itself
	waiting []place
}

type place struct {
	person packaging.UserID
	called chan struct{}
}

// take waits for a place, or until ctx ends. give must be called.
func (p *places) take(ctx context.Context, person packaging.UserID) (give func(), err error) {
	mine := place{person, make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, mine)
	p.call()
	p.mu.Unlock()
	give = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.held[person]--; p.held[person] == 0 {
			delete(p.held, person)
		}
		p.call()
	}
	select {
	case <-mine.called:
		return give, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	i := slices.Index(p.waiting, mine)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 { // it was called at the same moment
		give()
	}
	return nil, context.Cause(ctx)
}

// call calls who comes next, as long as there are places.
func (p *places) call() {
	if p.held == nil {
		p.held = map[packaging.UserID]int{}
	}
	for {
		all := 0
		for _, n := range p.held {
			all += n
		}
		next := -1
		for i, w := range p.waiting {
			if p.held[w.person] < maxPlaces && (next < 0 || p.held[w.person] < p.held[p.waiting[next].person]) {
				next = i
			}
		}
		if next < 0 || all == slowReaders {
			return
		}
		w := p.waiting[next]
		p.waiting = slices.Delete(p.waiting, next, next+1)
		p.held[w.person]++
		close(w.called)
	}
}

// readLong runs a reading in its person's place, for no longer than the limit. One that takes longer fails with
// Invalid: they can ask for less.
func (d *DB) readLong(
	ctx context.Context, person packaging.UserID, limit time.Duration, do func(ctx context.Context, q querier) error,
) error {
	return d.inPlace(ctx, person, limit, "error.read_slow", func(ctx context.Context) error { return do(ctx, d.slow) })
}

// snapshotLong is readLong for a reading whose queries see one state of the database.
func (d *DB) snapshotLong(
	ctx context.Context, person packaging.UserID, limit time.Duration, do func(ctx context.Context, q querier) error,
) error {
	return d.inPlace(ctx, person, limit, "error.read_slow", func(ctx context.Context) error {
		return d.slow.snapshot(ctx, func(q querier) error { return do(ctx, q) })
	})
}

// inPlace runs do in a person's place. It fails with Invalid and the text where do takes longer than the limit.
func (d *DB) inPlace(
	ctx context.Context, person packaging.UserID, limit time.Duration, text string, do func(context.Context) error,
) error {
	give, err := d.places.take(ctx, person)
	if err != nil {
		return err
	}
	defer give()
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = do(within)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return packaging.Fail(packaging.Invalid, text).Because(err)
	}
	return err
}
