package db

import (
	"context"
	"sync"
	"time"
)

// readyFor is how long an answer of [DB.Ready] counts: anybody may ask, as often as they like, and there is one writer.
const readyFor = time.Second

// probe is the last answer of [DB.Ready], and when it was given by a clock that nobody sets.
type probe struct {
	sync.Mutex
	at  time.Time
	err error
}

// Ready says whether the database answers to a reader and takes writes. It writes by itself only after a write has
// failed, to see whether the next one would. Calls within a second of another get the same answer.
func (d *DB) Ready(ctx context.Context) error {
	d.probe.Lock()
	defer d.probe.Unlock()
	if d.probe.at.IsZero() || time.Since(d.probe.at) >= readyFor {
		d.probe.err = d.ready(context.WithoutCancel(ctx)) // the answer is for others too
		d.probe.at = time.Now()
	}
	return d.probe.err
}

func (d *DB) ready(ctx context.Context) error {
	var tenants int
	if err := d.read.QueryRowContext(ctx, `SELECT count(*) FROM tenants`).Scan(&tenants); err != nil {
		return coded(err)
	}
	return d.tx(ctx, func(t *tx) error {
		if !d.failed.Load() {
			return nil
		}
		return t.exec(`UPDATE refreshes SET tried_at = tried_at`)
	})
}
