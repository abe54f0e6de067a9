package app

import "runtime/debug"

// memoryAim is how much memory the program takes, in bytes, before it looks for what it needs no longer. Without it, a
// large import would leave as much behind as it needs. It is more than the largest request needs, and no bound: what is
// needed is taken.
const memoryAim = 192 << 20

// aimForLittleMemory sets the aim, unless GOMEMLIMIT does.
func aimForLittleMemory(getenv func(string) string) {
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryAim)
	}
}
