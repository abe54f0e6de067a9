package db

import (
	"os"
	"strings"

	"lineboard/internal/packaging"
)

// files are the database file and its write-ahead log as they were opened. Without its name, a file is gone once the
// program stops, and with it all that was written to it.
type files map[string]os.FileInfo

func openFiles(path string) (files, error) {
	f := files{}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		f[name] = info
	}
	return f, nil
}

// inPlace fails with Unavailable once a file was removed or replaced.
func (f files) inPlace() error {
	for name, opened := range f {
		if now, err := os.Stat(name); err != nil || !os.SameFile(opened, now) {
			return packaging.Fail(packaging.Unavailable, "error.database_gone").Because(err)
		}
	}
	return nil
}

// Sizes returns the sizes of the database file and of its write-ahead log in bytes, 0 for one that is not there.
func (d *DB) Sizes() (database, log int64) {
	for name := range d.files {
		info, err := os.Stat(name)
		switch {
		case err != nil:
		case strings.HasSuffix(name, "-wal"):
			log = info.Size()
		default:
			database = info.Size()
		}
	}
	return database, log
}
