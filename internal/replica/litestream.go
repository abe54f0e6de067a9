package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Litestream is the program that copies the database, reached by its control socket.
type Litestream struct {
	database string // path, as its configuration names it
	client   *http.Client
}

// NewLitestream returns the Litestream behind a Unix socket. It need not run yet.
func NewLitestream(socket, database string) *Litestream {
	var dialer net.Dialer
	return &Litestream{database: database, client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
		// A connection that hung is not used again.
		DisableKeepAlives: true,
	}}}
}

// maxReply is how much of an answer is read, in bytes.
const maxReply = 64 << 10

// maxWait is how long Litestream may take at most. What asks ends earlier, by its context.
const maxWait = time.Minute

// Sync returns once everything that was committed before is in the copy. It fails when ctx ends first.
func (l *Litestream) Sync(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{"path": l.database, "wait": true, "timeout": int(maxWait / time.Second)})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://litestream/sync", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := l.client.Do(req)
	if err != nil {
		return fmt.Errorf("no answer of Litestream: %w", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	var reply struct {
		Error      string `json:"error"`
		Path       string `json:"path"`
		TXID       uint64 `json:"txid"`
		Replicated uint64 `json:"replicated_txid"`
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err == nil {
		err = json.Unmarshal(raw, &reply)
	}
	switch {
	case err != nil:
		return fmt.Errorf("the answer of Litestream can't be read (HTTP %d): %w", resp.StatusCode, err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("an error of Litestream: %s (HTTP %d)", reply.Error, resp.StatusCode)
	case reply.Path != l.database:
		return fmt.Errorf("another database was copied: %q, not %s", reply.Path, l.database)
	case reply.TXID == 0 || reply.Replicated == 0:
		return errors.New("nothing is copied yet")
	}
	// Replicated may be below TXID: what was committed after the wait began is not waited for.
	return nil
}
