package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// copying is a copier over a new database, with two backups from the future in its folder.
func copying(t *testing.T, now time.Time) *copier {
	t.Helper()
	data := t.TempDir()
	a, _ := buildDemo(t, data, "http://127.0.0.1:1")
	t.Cleanup(func() { _ = a.Store.Close() }) // nothing is written after the test
	folder := t.TempDir()
	for _, name := range []string{"lineboard-20990101T000000Z.db", "lineboard-20990102T000000Z.db"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &copier{
		database: filepath.Join(data, databaseFile), anchors: filepath.Join(data, anchorsFile), folder: folder,
		every: 24 * time.Hour, keep: 2, now: func() time.Time { return now }, log: slog.New(slog.DiscardHandler),
	}
}

func TestAClockThatWasSetBackStopsNoBackupAndRemovesNoNewOne(t *testing.T) {
	c := copying(t, time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC))
	if wait := c.untilNext(); wait != 0 {
		t.Errorf("the next backup comes in %v", wait)
	}
	if err := c.backup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(c.folder, "lineboard-20261129T060000Z.db")); err != nil {
		t.Errorf("the new backup: %v", err)
	}
	if kept := c.backups(); len(kept) != 2 {
		t.Errorf("%d are kept", len(kept))
	}
}

func TestABackupThatIsNotProvenTakesNoPlaceOfOneThatIs(t *testing.T) {
	for name, statements := range map[string][]string{
		"an entry changed": {
			`DROP TRIGGER history_is_never_changed`, `UPDATE history SET object = 'nothing' WHERE seq = 1`,
		},
		"a record changed": {`UPDATE lines SET name = 'another' WHERE id = 1`},
	} {
		t.Run(name, func(t *testing.T) { leavesTheProvenOnes(t, statements) })
	}
}

func leavesTheProvenOnes(t *testing.T, statements []string) {
	t.Helper()
	at := time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC)
	c := copying(t, at)
	c.now = func() time.Time { at = at.Add(time.Hour); return at }
	if err := c.backup(t.Context()); err != nil {
		t.Fatal(err)
	}
	spoil(t, filepath.Dir(c.database), statements...)
	for range 3 {
		if err := c.backup(t.Context()); err == nil || c.State().Problem == "" {
			t.Errorf("a backup of a changed history is proven: %v", err)
		}
	}
	files, err := filepath.Glob(filepath.Join(c.folder, "*.db"))
	// the last one that is not proven, for who looks
	if kept := c.backups(); err != nil || len(kept) != 2 || len(files) != 3 {
		t.Errorf("%d are kept, of %d files, %v", len(kept), len(files), err)
	}
}

func TestABackupOverwritesAndRemovesNone(t *testing.T) {
	c := copying(t, time.Date(2099, 1, 2, 0, 0, 0, 0, time.UTC))
	if err := c.backup(t.Context()); err == nil {
		t.Error("a backup is overwritten")
	}
	if kept := c.backups(); len(kept) != 2 {
		t.Errorf("%d are kept", len(kept))
	}
}

func TestAFolderThatTakesNoBackupIsToldInTheState(t *testing.T) {
	c := copying(t, time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC))
	c.folder = filepath.Join(c.folder, "lineboard-20990101T000000Z.db", "below a file")
	if err := c.backup(t.Context()); err == nil || c.State().Problem == "" || !c.State().Last.IsZero() {
		t.Errorf("%v, %+v", err, c.State())
	}
}
