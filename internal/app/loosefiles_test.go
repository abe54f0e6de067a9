//go:build unix

package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func modes(t *testing.T, folder string) map[string]fs.FileMode {
	t.Helper()
	all := map[string]fs.FileMode{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			all[filepath.Base(path)] = info.Mode().Perm()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatLineboardKeepsIsForItsOwnerAloneWhateverTheUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	folder := filepath.Join(t.TempDir(), "data")
	s := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", folder)
	defer s.stop()
	if err := Run(t.Context(), []string{"backup", "--data", folder, "--to", filepath.Join(folder, "backup.db")},
		Process{Getenv: environ(nil), Stdout: s.said, Stderr: s.log}); err != nil {
		t.Fatal(err)
	}
	found := modes(t, folder)
	for _, name := range []string{
		"data", keyFile, databaseFile, databaseFile + "-wal", databaseFile + "-shm", databaseFile + ".lock",
		anchorsFile,
		"backup.db", "backup.db." + anchorsFile,
	} {
		if _, is := found[name]; !is {
			t.Errorf("%s is not there", name)
		}
	}
	for name, mode := range found {
		if mode&othersMay != 0 {
			t.Errorf("others may use %s: %#o", name, mode)
		}
	}
}

func TestALooseKeyOrFolderIsToldAtTheStartAndInSetup(t *testing.T) {
	folder := t.TempDir()
	s := start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", folder)
	s.stop()
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{keyFile, databaseFile, anchorsFile} {
		if err := os.Chmod(filepath.Join(folder, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, nil, "serve", "--addr", "127.0.0.1:0", "--data", folder)
	defer s.stop()
	for _, want := range []string{filepath.Base(folder) + " (0755)", keyFile + " (0644)"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log does not tell of %s:\n%s", want, s.log)
		}
	}
	found := modes(t, folder)
	for _, name := range []string{databaseFile, anchorsFile} { // a start makes them private by itself
		if found[name] != 0o600 {
			t.Errorf("%s is left as %#o", name, found[name])
		}
	}
}
