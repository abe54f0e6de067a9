package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"lineboard/db"
	"lineboard/internal/packaging"
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

// heldOver releases Order143, and stops Lineboard while its database does not take the answer.
func heldOver(t *testing.T, data string, env map[string]string, remote heldSandbox) {
	t.Helper()
	s := start(t, env, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote.URL))
	order := waitForOrder(t, data, "Order143")
	s.end(t)
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
