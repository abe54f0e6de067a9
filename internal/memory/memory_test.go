package memory_test

import (
	"math"
	"runtime/debug"
	"testing"

	"lineboard/internal/memory"
)

// While large works are under way the collector works sooner, and after the last of them as before. Other tests of
// this package begin none.
func TestWhatLargeWorksChangeIsUndoneOnceAllHaveEnded(t *testing.T) {
	limit := func() int64 { return debug.SetMemoryLimit(-1) }
	percent := func() int {
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		return now
	}
	before, usual := limit(), percent()
	first := memory.BeginLarge()
	one := limit()
	second := memory.BeginLarge()
	if one == math.MaxInt64 || limit() <= one || percent() >= usual {
		t.Errorf("limits %d and %d, %d percent", one, limit(), percent())
	}
	first()
	if limit() != one {
		t.Errorf("with one left the limit is %d, not %d", limit(), one)
	}
	second()
	if limit() != before || percent() != usual {
		t.Errorf("after all: limit %d, %d percent", limit(), percent())
	}
}
