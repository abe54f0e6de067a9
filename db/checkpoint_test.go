package db

import (
	"context"
	"os"
	"strings"
	"testing"

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
