//go:build !unix

package app

import "math"

// openFiles returns how many files and connections the program may have open at once, as far as that is known.
func openFiles() uint64 { return math.MaxInt32 }
