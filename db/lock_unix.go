//go:build unix

package db

import (
	"os"

	"github.com/gofrs/flock"
)

// folderLock returns the lock on the handle of a folder, which lasts as long as the process holds it.
func folderLock(folder string) []*flock.Flock {
	return []*flock.Flock{flock.New(folder, flock.SetFlag(os.O_RDONLY))}
}
