// Package thorough says how much the tests of a process try. `make test` has to answer within minutes: where much could
// be tried, it tries what tells most. `make race` tries everything, first with the race detector and then without it.
package thorough

import (
	"os"
	"testing"
)

// On says that the tests try everything.
var On = os.Getenv("LINEBOARD_THOROUGH") != ""

// Some returns the first n of what could be tried, and all of it where everything is.
func Some[T any](n int, all ...T) []T {
	if On {
		return all
	}
	return all[:n]
}

// Times is how often something is tried: seldom, or often where everything is.
func Times(seldom, often int) int {
	if On {
		return often
	}
	return seldom
}

// Only begins a test, or a part of one, that is for everything alone.
func Only(t testing.TB) {
	t.Helper()
	if !On {
		t.Skip("make race tries it")
	}
}

// Again begins a test that `make race` runs twice: with the race detector for what the program does, and without it for
// all that there is to see.
func Again(testing.TB) {}

// Rest is Unraced for a test that `make race` alone runs: of what is seldom done, or seldom broken.
func Rest(t testing.TB) {
	t.Helper()
	Only(t)
	Unraced(t)
}

// Unraced begins a test in which the race detector would find nothing and take minutes: of what pages look like, or of
// the program as it is shipped. `make race` finds the tests that call it, and runs them without the detector.
func Unraced(t testing.TB) {
	t.Helper()
	if Raced {
		t.Skip("make race runs it without the race detector")
	}
}
