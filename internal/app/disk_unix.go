//go:build unix

package app

import (
	"os"
	"path/filepath"
	"syscall"
)

// foreignFiles returns the files of the data that belong to another owner than their folder.
func foreignFiles(folder, anchors string) (foreign []string) {
	owner, known := ownerOf(folder)
	for _, path := range dataFiles(folder, anchors) {
		if other, ok := ownerOf(path); known && ok && other != owner {
			foreign = append(foreign, filepath.Base(path))
		}
	}
	return foreign
}

func ownerOf(path string) (uint32, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return stat.Uid, true
}

// sameDisk reports whether two folders are on the same file system. A folder that is not there yet counts as its
// parent.
func sameDisk(a, b string) bool {
	first, ok := disk(a)
	second, known := disk(b)
	return ok && known && first == second
}

func disk(folder string) (uint64, bool) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return 0, false
	}
	info, err := os.Stat(folder)
	for err != nil && folder != filepath.Dir(folder) {
		folder = filepath.Dir(folder)
		info, err = os.Stat(folder)
	}
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(stat.Dev), true //nolint:unconvert // of another type on other systems
}
