package db

import (
	"crypto/sha256"
	"testing"
	"time"

	"lineboard/internal/giveway"
	"lineboard/internal/packaging"
)

// TestWhatTakesLongWaitsWhileAPressIsUnderWay has no tests beside it: there is one road for the whole program.
func TestWhatTakesLongWaitsWhileAPressIsUnderWay(t *testing.T) {
	d, ghent, _ := opened(t)
	tenant := ghent.Tenant.ID
	ctx := t.Context()
	for name, read := range map[string]func() error{
		"an export": func() error {
			return d.EachEntry(ctx, packaging.Everything(tenant), packaging.HistoryFilter{},
				func(packaging.Entry) error { return nil })
		},
		"a check": func() error {
			return d.EachEntryUp(ctx, tenant, func(packaging.Entry, [sha256.Size]byte) bool { return true })
		},
		"a check of records": func() error {
			_, err := d.RecordFaults(ctx, tenant)
			return err
		},
		"a search": func() error {
			_, err := d.SearchOrders(ctx, packaging.Everything(tenant), packaging.OrderFilter{Text: "A-1", Limit: 10})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				if gaveWay(t, read) {
					return
				}
			}
			t.Error("it did not wait")
		})
	}
}

// gaveWay says whether what reads was seen to wait for a press. A machine may stand still for longer than others wait.
func gaveWay(t *testing.T, read func() error) bool {
	t.Helper()
	_, left := giveway.Press(t.Context())
	defer left()
	done := make(chan error, 1)
	go func() { done <- read() }()
	for giveway.Waiting() == 0 {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return false
		case <-time.After(time.Millisecond):
		}
	}
	left()
	if err := <-done; err != nil {
		t.Error(err)
	}
	return true
}
