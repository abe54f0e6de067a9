package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
)

// othersMay are the bits that let somebody other than the owner read, change or enter.
const othersMay fs.FileMode = 0o077

// dataFiles returns the paths of the files of data.
func dataFiles(folder, anchors string) []string {
	paths := []string{anchors}
	for _, name := range []string{
		keyFile, keyFile + nextKey, databaseFile, databaseFile + "-wal", databaseFile + "-shm",
	} {
		paths = append(paths, filepath.Join(folder, name))
	}
	return paths
}

// looseFiles returns the folder and the files of data that others than their owner may use, each with its mode, such as
// "lineboard.key (0644)". Windows has no such modes.
func looseFiles(folder, anchors string) (loose []string) {
	if runtime.GOOS == "windows" {
		return nil
	}
	for _, path := range append(dataFiles(folder, anchors), folder) {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&othersMay != 0 {
			loose = append(loose, fmt.Sprintf("%s (%#o)", filepath.Base(path), info.Mode().Perm()))
		}
	}
	return loose
}

// logLooseFiles logs what others than the owner may read, since the key file opens all credentials.
func logLooseFiles(folder, anchors string, log *slog.Logger) {
	for _, file := range looseFiles(folder, anchors) {
		log.Warn("others than its owner may use a file of the data: take their rights away (chmod go=)", "file", file)
	}
}

// keepPrivate takes the rights of others than its owner from a file that may not be there. A file of another owner
// stays as it is: looseFiles names it.
func keepPrivate(path string) error {
	err := os.Chmod(path, 0o600)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}
