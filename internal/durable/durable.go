// Package durable brings to the disk what must outlive a power cut.
package durable

import (
	"errors"
	"os"
	"runtime"
)

// SyncFolder returns once the names in a folder are on the disk. Windows can't be asked for that: NTFS keeps names in
// its journal by itself.
func SyncFolder(path string) error { return syncFolder(runtime.GOOS, path) }

func syncFolder(system, path string) error {
	if system == "windows" {
		return nil
	}
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
