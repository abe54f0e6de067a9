package db

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"time"

	"lineboard/internal/packaging"
)

// What was committed stands in the write-ahead log until a checkpoint copies it to its place. The program does that on
// a connection of its own, beside the writer. The log begins anew once all of it was copied and nobody reads it:
// readers that take long end their reading now and then, and go on from there.

const (
	checkpointGap  = time.Second
	maxLog         = 128 << 20             // bytes of the log from which on writers wait until it begins anew
	restartTimeout = 40 * time.Millisecond // for which they wait at a time
)

// checkpointer copies the log to its place from time to time.
type checkpointer struct {
	pool *sql.DB // one connection
	end  context.CancelFunc
	done chan struct{}
}

func (d *DB) startCheckpoints(path string) error {
	pool, err := open(path, 1, url.Values{"_busy_timeout": {"5000"}, "_synchronous": {"FULL"}, "_dqs": {"0"}})
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	d.checkpoints = &checkpointer{pool: pool, end: end, done: make(chan struct{})}
	go func() {
		defer close(d.checkpoints.done)
		var seen int64
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(checkpointGap):
			}
			// What fails is tried again after the gap; the writer itself copies a log that grows too long.
			if n := d.commits.Load(); n != seen {
				seen = n
				_, _ = pool.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`)
			}
			_ = d.restartLog(ctx, path+"-wal", maxLog)
		}
	}()
	return nil
}

func (c *checkpointer) close() error {
	c.end()
	<-c.done
	return c.pool.Close()
}

// restartLog has a log of more bytes than the limit begin anew.
func (d *DB) restartLog(ctx context.Context, log string, limit int64) error {
	info, err := os.Stat(log)
	if err != nil || info.Size() <= limit {
		return err
	}
	give, err := d.turns.take(ctx, packaging.BackgroundTurn, nil)
	if err != nil {
		return err
	}
	defer give()
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Set back though ctx ends: it is the one connection of all who write. Where that fails, the connection is broken,
	// and its next user learns that.
	defer conn.ExecContext(context.WithoutCancel(ctx), `PRAGMA busy_timeout = 5000`) //nolint:errcheck // as said above
	if _, err := conn.ExecContext(
		ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, restartTimeout.Milliseconds()),
	); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return err
}
