//go:build linux || darwin

package app

import "syscall"

// freeBytes returns how much of a folder's file system is free for this program.
func freeBytes(folder string) (uint64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, err
	}
	return stat.Bavail * uint64(stat.Bsize), nil //nolint:gosec // never below zero
}
