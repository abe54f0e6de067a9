package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"lineboard/internal/replica"
)

func TestWhatOnlyTheLineboardInChargeDoesEndsWhenAnotherTakesOver(t *testing.T) {
	place, err := replica.Open(t.TempDir(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	guard, err := replica.NewGuard(
		place, filepath.Join(t.TempDir(), epochFile), func(int64) {}, time.Now, slog.New(slog.DiscardHandler),
	)
	if err != nil {
		t.Fatal(err)
	}
	guard.Look(t.Context())
	a := &App{parts: Parts{Replica: Replica{Guard: guard}}}
	began, ended := make(chan struct{}), make(chan error, 1)
	deliver := a.inCharge(func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		return nil
	})
	go func() { ended <- deliver(t.Context()) }()
	<-began
	guard.Look(t.Context())
	select {
	case <-ended:
		t.Fatal("it ended while this Lineboard is in charge")
	default:
	}
	if err := replica.Begin(t.Context(), place, replica.NewEpoch(2, time.Now())); err != nil {
		t.Fatal(err)
	}
	guard.Look(t.Context())
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("it goes on though another took over")
	}
}
