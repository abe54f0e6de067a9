package db

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// readyFor is how long an answer of [DB.Ready] counts: anybody may ask, as often as they like, and there is one writer.
const readyFor = time.Second

// probe is the last answer of [DB.Ready], and when it was given by a clock that nobody sets.
type probe struct {
	sync.Mutex
	at    time.Time
	err   error
	wrote time.Time     // when the probe last wrote
	limit time.Duration // of one probe, 0 for probeLimit
}

// probeLimit is how long a probe may wait for the writer: who asks gets an answer, whatever holds that up.
const probeLimit = 10 * time.Second

// Ready says whether the database answers to a reader and takes a release. After a write has failed, and every minute,
// it writes as much as a release does. It fails with ErrNotAnchored where the claim of a release could not be kept
// outside the database. Calls within a second of another get the same answer.
func (d *DB) Ready(ctx context.Context) error {
	d.probe.Lock()
	defer d.probe.Unlock()
	if d.probe.at.IsZero() || time.Since(d.probe.at) >= readyFor {
		d.probe.err = d.probed(context.WithoutCancel(ctx)) // the answer is for others too
		d.probe.at = time.Now()
	}
	return d.probe.err
}

// claimSize is no less than what a release writes before its call: its rows, their indexes and the index of words.
const claimSize = 128 << 10

// probeGap is the time between two writes of the probe while all is well.
const probeGap = time.Minute

func (d *DB) probed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(d.probe.limit, probeLimit))
	defer cancel()
	return d.ready(ctx)
}

func (d *DB) ready(ctx context.Context) error {
	var tenants int
	if err := d.read.QueryRowContext(ctx, `SELECT count(*) FROM tenants`).Scan(&tenants); err != nil {
		return coded(err)
	}
	writes := d.failed.Load() || time.Since(d.probe.wrote) >= probeGap
	err := d.tx(ctx, func(t *tx) error {
		if !writes {
			return nil
		}
		return t.exec(`UPDATE write_probe SET content = randomblob(?)`, claimSize)
	})
	if err == nil && writes {
		d.probe.wrote = time.Now()
		d.failed.Store(false)
	}
	if err != nil {
		return err
	}
	return d.canAnchor(ctx)
}
