//go:build unix

package app

import (
	"math"
	"syscall"
)

// openFiles returns how many files and connections the program may have open at once.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return math.MaxInt32 // the system does not say
	}
	return uint64(limit.Cur) //nolint:unconvert // of another type on other systems
}
