package db

import (
	"context"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// endless counts for ever.
const endless = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`

func TestASearchThatTakesTooLongEndsAndSaysSo(t *testing.T) {
	d, _, _ := opened(t)
	began := time.Now()
	err := limited(t.Context(), 50*time.Millisecond, "error.search_slow", func(ctx context.Context) error {
		var n int
		return d.slow.QueryRowContext(ctx, endless).Scan(&n)
	})
	if packaging.CodeOf(err) != packaging.Invalid || time.Since(began) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	var one int
	if err := d.slow.QueryRowContext(t.Context(), `SELECT 1`).Scan(&one); err != nil {
		t.Errorf("the next search: %v", err)
	}
}

func TestBoardsReleasesAndProbesDoNotWaitForWhatTakesLong(t *testing.T) {
	d, _, p := opened(t)
	ctx, stop := context.WithCancel(t.Context())
	reading := make(chan struct{})
	ended := make(chan error)
	const exports = 2 * readers
	for range exports {
		go func() {
			ended <- d.EachEntryUp(ctx, p.Tenant.ID, func(packaging.Entry, [32]byte) bool {
				select {
				case reading <- struct{}{}:
				case <-ctx.Done():
				}
				<-ctx.Done() // as one whose reader is slow
				return false
			})
		}()
	}
	for range slowReaders {
		<-reading
	}
	within, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := d.Lanes(within, p.Scope()); err != nil {
		t.Errorf("boards: %v", err)
	}
	if err := d.Ready(within); err != nil {
		t.Errorf("probes: %v", err)
	}
	stop()
	for range exports {
		<-ended
	}
}
