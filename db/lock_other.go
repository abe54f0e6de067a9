//go:build !unix

package db

import "github.com/gofrs/flock"

// folderLock returns nothing: Windows locks no folder, and lets nobody delete a file that is locked.
func folderLock(string) []*flock.Flock { return nil }
