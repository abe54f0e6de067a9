package db

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Lock keeps other processes from using the data of a folder.
type Lock struct{ parts []*flock.Flock }

// LockData locks the folder of a database file. It fails if another process has locked it. Processes that only read are
// not held up.
//
// The lock is on the folder itself, since a lock on a file in it would be gone with the file. The file of before is
// locked too: a Lineboard of before knows no other lock.
func LockData(database string) (*Lock, error) {
	l := &Lock{}
	for _, part := range append(
		folderLock(filepath.Dir(database)), flock.New(database+".lock", flock.SetPermissions(0o600)),
	) {
		switch ours, err := part.TryLock(); {
		case err != nil:
			return nil, errors.Join(fmt.Errorf("%s can't be locked: %w", database, err), l.Unlock())
		case !ours:
			err := fmt.Errorf("another Lineboard is running with the data in %s; stop it first", filepath.Dir(database))
			return nil, errors.Join(err, l.Unlock())
		}
		l.parts = append(l.parts, part)
	}
	return l, nil
}

// Unlock lets another process use the data.
func (l *Lock) Unlock() error {
	var errs []error
	for _, part := range l.parts {
		errs = append(errs, part.Unlock())
	}
	return errors.Join(errs...)
}
