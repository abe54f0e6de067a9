package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
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
	case <-time.After(60 * time.Second):
		t.Error("it goes on though another took over")
	}
}

func TestAReleaseThatGoesOnWithoutTheCopyStandsInTheHistorySo(t *testing.T) {
	t.Parallel()
	box, remote := remoteSandbox(t)
	data, file := t.TempDir(), site(t, remote)
	people := strings.Replace(content(t, file), "users: [",
		"users: [{username: admin1, name: Ada Admin, role: administrator, password: env:PASSWORD}, ", 1)
	if err := os.WriteFile(file, []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", file).end(t)
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	admin := personIn(t, store, "admin1")
	if err := errors.Join(
		store.SetRules(t.Context(), admin, func(r *packaging.Rules) { r.ReleaseUncopied = true }), store.Close(),
	); err != nil {
		t.Fatal(err)
	}
	s := start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--copy-wait", "100ms",
		"--copy-socket", filepath.Join(data, "nobody-listens"))
	s.releaseOne(t, data, "Order143")
	if len(box.Released()) != 1 {
		t.Error("it was not carried out")
	}
	reader, tenant := readData(t, data)
	page, err := reader.History(t.Context(), packaging.Everything(tenant.ID), packaging.HistoryFilter{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var deeds []packaging.Deed // the newest first
	for _, e := range page.Entries {
		if e.OrderKey == "Order143" {
			deeds = append(deeds, e.Deed)
		}
	}
	want := []packaging.Deed{packaging.ReleaseEnded, packaging.ReleaseUncopied, packaging.ReleaseRequested}
	if !slices.Equal(deeds, want) {
		t.Errorf("the history has %q", deeds)
	}
}
