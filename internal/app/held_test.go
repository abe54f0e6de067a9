package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/reserve"
)

// built puts a Lineboard together with the data in a folder, as serve does.
func built(t *testing.T, data string) *App {
	t.Helper()
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	flags := settings{Data: data}
	parts := flags.parts(store, log)
	if parts.Reserve, err = openReserve(store, parts.Anchors, log); err != nil {
		t.Fatal(err)
	}
	a, err := Build(t.Context(), parts)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func personIn(t *testing.T, store *db.DB, username string) packaging.Person {
	t.Helper()
	user, _, err := store.Credential(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	people, err := store.Memberships(t.Context(), user)
	if err != nil || len(people) != 1 {
		t.Fatalf("%d memberships, %v", len(people), err)
	}
	return people[0]
}

// heldOver releases Order143, and stops Lineboard while its database does not take the answer. It returns a backup from
// before.
func heldOver(t *testing.T, data string, env map[string]string, remote heldSandbox) (backup string) {
	t.Helper()
	s := start(t, env, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote.URL))
	order := waitForOrder(t, data, "Order143")
	s.end(t)
	backup = filepath.Join(t.TempDir(), "backup.db")
	if _, err := command(t, nil, "backup", "--data", data, "--to", backup); err != nil {
		t.Fatal(err)
	}
	a := built(t, data)
	if _, err := a.Releaser.Release(
		t.Context(), personIn(t, a.Store, "supervisor1"), packaging.Press{Order: order.ID},
	); err != nil {
		t.Fatal(err)
	}
	<-remote.arrived
	database := filepath.Join(data, databaseFile)
	if err := os.Rename(database, database+".away"); err != nil { // from now on no write succeeds, as on a full disk
		t.Fatal(err)
	}
	close(remote.open)
	for a.Releaser.Held() == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the answer is not held")
		}
	}
	a.Releaser.Stop(t.Context()) // it does not wait for the database
	if err := a.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(database+".away", database); err != nil {
		t.Fatal(err)
	}
	return backup
}

// A start that is stopped while it stores what was kept leaves that for the next one.
func TestAStopWhileAHeldAnswerIsStoredLosesNothing(t *testing.T) {
	data, remote := t.TempDir(), holdReleases(t)
	heldOver(t, data, plantEnv(), remote)
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	held, err := openReserve(store, filepath.Join(data, anchorsFile), log)
	if err != nil || len(held.Held()) != 1 {
		t.Fatalf("%v, %v", held, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := storeHeld(stopped, store, held.Held(), log); err == nil {
		t.Error("it is stored though the start was stopped")
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data).end(t)
	if r := orderIn(t, data, "Order143").Release; r.List != packaging.ListInAnswer || r.Serials == 0 {
		t.Errorf("after the next start: %+v", r)
	}
}

// The answer was never stored, and the database went back to before the release was requested.
func TestAHeldAnswerComesToTheReleaseThatStandsForItsOwnAfterARestore(t *testing.T) {
	data, remote := t.TempDir(), holdReleases(t)
	backup := heldOver(t, data, plantEnv(), remote)
	if said, err := command(t, nil, "restore", "--data", data, "--from", backup); err != nil {
		t.Fatalf("%v, says %s", err, said)
	}
	s := start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data)
	o := orderIn(t, data, "Order143")
	r := o.Release
	if r == nil || !r.Lost || r.Outcome != packaging.Released || r.Proof != packaging.ByAnswer ||
		r.List != packaging.ListInAnswer || r.Serials != 11 {
		t.Fatalf("its release: %+v", r)
	}
	page := s.page(t, fmt.Sprintf("/orders/%d", o.ID))
	if !strings.Contains(page, "its record was lost") || !strings.Contains(page, "11 serial numbers") {
		t.Error("the order's page does not say what was lost and what came")
	}
	s.end(t)
	if aside := reserve.Aside(reserveFolder(filepath.Join(data, anchorsFile))); len(aside) > 0 {
		t.Errorf("set aside: %q", aside)
	}
}

func TestAnAnswerThatTheDatabaseDidNotTakeBeforeTheStopIsStoredByTheNextStart(t *testing.T) {
	data, remote := t.TempDir(), holdReleases(t)
	heldOver(t, data, plantEnv(), remote)
	if o := orderIn(t, data, "Order143"); o.Release == nil || o.Release.Outcome != packaging.Sending {
		t.Fatalf("before the next start: %+v", o.Release)
	}
	start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data).end(t)
	o := orderIn(t, data, "Order143")
	if r := o.Release; r.Outcome != packaging.Released || r.Proof != packaging.ByAnswer ||
		r.List != packaging.ListInAnswer || r.Serials == 0 {
		t.Errorf("after it: %+v", r)
	}
	checkReleasedAndAnchored(t, data, o.ID)
	start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data).end(t) // and no start stores it twice
	if again := orderIn(t, data, "Order143"); again.Release.Serials != o.Release.Serials {
		t.Errorf("after another start: %+v", again.Release)
	}
}

func TestAHeldAnswerWaitsForItsSite(t *testing.T) {
	data, log := t.TempDir(), slog.New(slog.DiscardHandler)
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	open := func() *reserve.Reserve {
		r, err := openReserve(store, filepath.Join(data, anchorsFile), log)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	room, err := open().Take(packaging.Tenant{Slug: "elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	o := packaging.Order{ID: 1, TenantID: 1, Release: &packaging.Release{ID: 1, Requested: time.Now()}}
	o.Key = "Order143"
	if err := room.Keep(o, packaging.Answer{Outcome: packaging.Released, Serials: []string{"s1"}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		held := open().Held()
		if len(held) != 1 || held[0].Answer.Serials[0] != "s1" {
			t.Fatalf("held: %+v", held)
		}
		if err := storeHeld(t.Context(), store, held, log); err != nil {
			t.Error(err)
		}
	}
}
