package app

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lineboard/internal/secret"
)

func copied(t *testing.T, folder string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestAChangeOfTheKeyThatIsCutOffAnywhereLeavesTheKeyThatFits(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data,
		"--provision", site(t, "http://127.0.0.1:1")).end(t)
	old := content(t, data, keyFile)

	// The command, step by step; after each, the folder is kept as a crash would leave it.
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	crashes := map[string]string{"before": copied(t, data)}
	next, err := secret.CreateKeyFile(filepath.Join(data, keyFile+nextKey))
	if err != nil {
		t.Fatal(err)
	}
	crashes["with the next key on disk"] = copied(t, data)
	fresh := content(t, data, keyFile+nextKey)
	if err := store.Rotate(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	crashes["with the database committed"] = copied(t, data)
	if err := secret.ReplaceKeyFile(filepath.Join(data, keyFile), filepath.Join(data, keyFile+nextKey)); err != nil {
		t.Fatal(err)
	}
	crashes["at the end"] = copied(t, data)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"before":                      old,
		"with the next key on disk":   old,
		"with the database committed": fresh,
		"at the end":                  fresh,
	}
	for when, folder := range crashes {
		start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", folder).end(t) // checks the key
		if got := content(t, folder, keyFile); got != want[when] {
			t.Errorf("cut off %s, another key is left", when)
		}
		if _, err := os.Stat(filepath.Join(folder, keyFile+nextKey)); !os.IsNotExist(err) {
			t.Errorf("cut off %s, the next key is left: %v", when, err)
		}
	}
	if old == fresh {
		t.Error("the key is the same")
	}
}

func TestTheKeyIsChangedByACommand(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	env := with(map[string]string{"LINEBOARD_DATA": data})
	s := start(t, env, "serve", "--addr", "127.0.0.1:0", "--provision", site(t, "http://127.0.0.1:1"))
	old := content(t, data, keyFile)
	rotate := func() (string, error) { return command(t, env, "rotate-key") }
	if _, err := rotate(); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while it runs: %v", err)
	}
	s.end(t)
	for range 2 {
		printed, err := rotate()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(printed, "sealed with a new key") || content(t, data, keyFile) == old {
			t.Errorf("prints %q", printed)
		}
	}
	if info, err := os.Stat(filepath.Join(data, keyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key can be read by others: %v, %v", info.Mode(), err)
	}
	start(t, env, "serve", "--addr", "127.0.0.1:0", "--provision", site(t, "http://127.0.0.1:1")).end(t)
	env["LINEBOARD_DATA"] = filepath.Join(data, "elsewhere")
	if _, err := rotate(); err == nil || !strings.Contains(err.Error(), "no data of Lineboard") {
		t.Errorf("without data: %v", err)
	}
}

// Lineboard gives a line the name back that its file has. That somebody had changed it by hand is named for ever.
func TestVerifyNamesForEverWhatWasDoneByHand(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, "http://127.0.0.1:1")}
	start(t, credentials, args...).end(t)
	hand, err := sql.Open("sqlite", "file:"+filepath.Join(data, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	_, err = hand.ExecContext(t.Context(), `UPDATE lines SET name = 'Another' WHERE id = 1`)
	if err = errors.Join(err, hand.Close()); err != nil {
		t.Fatal(err)
	}
	said, err := command(t, nil, "verify", "--data", data)
	if exitCode(err) != 1 || !strings.Contains(said, "Line: changed by hand since entry ") {
		t.Errorf("before it is written again: %v, says %s", err, said)
	}
	for range 2 {
		start(t, credentials, args...).end(t)
		said, err := command(t, nil, "verify", "--data", data)
		if exitCode(err) != exitAdmitted || !strings.Contains(said, "The history is intact") ||
			!strings.Contains(said, "1 record was changed by hand before Lineboard wrote it again.") ||
			!strings.Contains(said, "Line: had been changed by hand when entry ") {
			t.Errorf("once it was written again: %v, says %s", err, said)
		}
	}
}

func TestTheHistoryIsCheckedAndBackedUpWhileTheProgramRunsAndAfter(t *testing.T) {
	data, restored := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "restored")
	s := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data,
		"--provision", site(t, "http://127.0.0.1:1"))
	does := func(args ...string) (string, error) { return command(t, nil, args...) }
	holds := func(when string, args ...string) {
		t.Helper()
		said, err := does(append([]string{"verify"}, args...)...)
		if err != nil || !strings.HasPrefix(said, "plant-ghent: The history is intact: entries 1 to ") {
			t.Errorf("%s: %s, %v", when, said, err)
		}
	}
	holds("while it runs", "--data", data, "--tenant", "plant-ghent")
	backup := filepath.Join(t.TempDir(), "backup.db")
	said, err := does("backup", "--data", data, "--to", backup)
	if err != nil {
		t.Fatalf("backup: %s, %v", said, err)
	}
	for _, want := range []string{
		backup, backup + ofAnchors, "Warning: the backup is on the disk of the database", "The key is not in it. Keep " +
			filepath.Join(data, keyFile) + " apart",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("a backup does not say %q: %s", want, said)
		}
	}
	_, err = does("backup", "--data", data, "--to", backup)
	if err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a second backup to the same file: %v", err)
	}
	s.end(t)
	holds("after it ended", "--data", data)
	if said = s.log.String(); !strings.Contains(said, "history anchored") {
		t.Errorf("the log has no anchor: %s", said)
	}
	_, err = does("verify", "--data", data, "--tenant", "nobody")
	if err == nil || !strings.Contains(err.Error(), "there is no tenant nobody") {
		t.Errorf("another tenant: %v", err)
	}
	_, err = does("verify", "--data", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Errorf("another folder: %v", err)
	}

	if err := os.Mkdir(restored, 0o700); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		backup:                       databaseFile,
		backup + ".anchors.log":      anchorsFile,
		filepath.Join(data, keyFile): keyFile,
	} {
		if err := os.WriteFile(filepath.Join(restored, to), []byte(content(t, from)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	holds("restored", "--data", restored)
	again := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", restored)
	again.end(t)
	holds("restored, and gone on with", "--data", restored)
	spoil(t, restored, `UPDATE lines SET name = 'Another line'`)
	said, err = does("verify", "--data", restored)
	if exitCode(err) != 1 || !strings.Contains(said, "Line: changed by hand since") {
		t.Errorf("a record changed by hand: %s, %v", said, err)
	}
	if err := os.Remove(filepath.Join(restored, "anchors.log")); err != nil {
		t.Fatal(err)
	}
	said, err = does("verify", "--data", restored)
	if err == nil || !strings.Contains(said, "The file of anchors is not there, though ") {
		t.Errorf("without its anchors: %s, %v", said, err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere.log")
	apart := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", data, "--anchors", elsewhere)
	apart.end(t)
	if content, err := os.ReadFile(elsewhere); err != nil {
		t.Errorf("anchors elsewhere: %q, %v", content, err)
	}
	nowhere := filepath.Join(t.TempDir(), "no", "folder")
	_, err = does("serve", "--addr", "127.0.0.1:0", "--data", data, "--anchors", nowhere)
	if err == nil || !strings.Contains(err.Error(), "--anchors") {
		t.Errorf("anchors that can't be written: %v", err)
	}
}

// Each command says what a file is instead of a database, and what to do.
func TestEachCommandSaysWhatIsThereInsteadOfADatabase(t *testing.T) {
	for says, content := range map[string][]byte{
		"Start Lineboard once, or restore a backup": nil, // as a start leaves it that is stopped at once
		"no SQLite database":                        []byte("this is no database"),
	} {
		data := t.TempDir()
		file := filepath.Join(data, databaseFile)
		err := os.WriteFile(file, content, 0o600)
		key := []byte(strings.Repeat("02", 32))
		if err = errors.Join(err, os.WriteFile(filepath.Join(data, keyFile), key, 0o600)); err != nil {
			t.Fatal(err)
		}
		for name, args := range map[string][]string{
			"verify":  {"verify", "--data", data},
			"backup":  {"backup", "--data", data, "--to", filepath.Join(t.TempDir(), "backup.db")},
			"restore": {"restore", "--data", t.TempDir(), "--from", file},
			"doctor":  {"doctor", "--data", data},
			"bundle":  {"doctor", "--data", data, "--bundle", filepath.Join(t.TempDir(), "bundle.zip")},
		} {
			said, err := command(t, nil, args...)
			if err == nil || !strings.Contains(said+err.Error(), says) ||
				strings.Contains(said+err.Error(), "no such table") {
				t.Errorf("%s: %v, says %s", name, err, said)
			}
		}
	}
}
