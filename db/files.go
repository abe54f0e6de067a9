package db

import (
	"os"

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
