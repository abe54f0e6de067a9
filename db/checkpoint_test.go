package db

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// The write-ahead log begins anew while an export waits for its browser, and while lists are compared.
func TestAnExportAndAVerificationLetTheLogBeginAnew(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("a"), facts("b"))
	for _, key := range []string{"a", "b"} {
		if _, err := d.Settle(t.Context(), claim(t, d, ghent, key), released(key)); err != nil {
			t.Fatal(err)
		}
	}
	var log string
	for name := range d.files {
		if strings.HasSuffix(name, "-wal") {
			log = name
		}
	}
	for name, read := range map[string]func(half func()) error{
		"an export": func(half func()) error {
			return d.EachEntry(t.Context(), ghent.Scope(), packaging.HistoryFilter{}, func(packaging.Entry) error {
				half()
				return nil
			})
		},
		"a verification": func(half func()) error {
			_, err := d.ListFaults(t.Context(), ghent.Tenant.ID, func(done, _ int) {
				if done == 1 {
					half()
				}
			})
			return err
		},
	} {
		came := false
		if err := read(func() {
			if came {
				return
			}
			came = true
			if err := d.tx(context.WithoutCancel(t.Context()), func(t *tx) error {
				return t.exec(`UPDATE write_probe SET content = randomblob(1000000)`)
			}); err != nil {
				t.Fatal(err)
			}
			if err := d.restartLog(t.Context(), log, 1000); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(log); err != nil || info.Size() > 0 {
				t.Errorf("%s holds up the log: it has %d bytes, %v", name, info.Size(), err)
			}
		}); err != nil || !came {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever copies the one file of a program that has stopped has all that was committed.
func TestAStopWaitsForQueriesThatAreEndingAndLeavesNoLog(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("a"))
	log := fileOf(d) + "-wal"
	rows, err := d.slow.QueryContext(t.Context(), `SELECT order_key FROM orders`)
	if err != nil || !rows.Next() {
		t.Fatalf("no row, %v", err)
	}
	closed := make(chan error, 1)
	go func() { closed <- d.Close() }()
	select {
	case err := <-closed:
		t.Errorf("it ended while somebody read: %v", err)
		closed <- nil
	case <-time.After(50 * time.Millisecond): // time enough for one that does not wait
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(log); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log is left: %+v, %v", info, err)
	}
}
