// Package thorough says how much the tests of a process try. `make test` has to answer within minutes: where much could
// be tried, it tries what tells most. `make race` tries the rest: with the race detector whatever may race, and without
// it what takes minutes and does not.
package thorough

import (
	"os"
	"strings"
	"sync"
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

// Once begins a test of which `make test` tries all, and in which the race detector would find nothing: `make race`
// does not try it again.
func Once(t testing.TB) {
	t.Helper()
	if Raced {
		t.Skip("make test runs it")
	}
}

// Again begins a test that `make race` runs twice: with the race detector for what the program does, and without it for
// all that there is to see.
func Again(t testing.TB) { mark(t, inBoth) }

// Rest is Unraced for a test that `make race` alone runs: of what is seldom done, or seldom broken. It tries all there.
func Rest(t testing.TB) {
	t.Helper()
	if !On {
		t.Skip("make race tries it")
	}
	Unraced(t)
	mark(t, inRace)
}

// Unraced begins a test in which the race detector would find nothing and take minutes: of what pages look like, or of
// the program as it is shipped. `make race` finds the tests that call it, and runs them without the detector.
func Unraced(t testing.TB) {
	t.Helper()
	mark(t, inBoth)
	if Raced {
		t.Skip("make race runs it without the race detector")
	}
}

// Where a test is tried.
const (
	inBoth = iota // a part of it in make test, the rest in make race
	inRace
)

var marked sync.Map // name of a test → where it is tried

func mark(t testing.TB, where int) { marked.Store(whole(t), where) }

// HadPart reports whether `make test` has tried its part of this test, so that only the rest of it is left to try.
func HadPart(t testing.TB) bool {
	where, _ := marked.Load(whole(t))
	return On && where == inBoth
}

// whole returns the name of the test that t is, or is a part of.
func whole(t testing.TB) string {
	name, _, _ := strings.Cut(t.Name(), "/")
	return name
}

// NeedsMark fails a test that tries less in `make test` than there is, and did not begin with Unraced, Again or Rest:
// nobody would try the rest.
func NeedsMark(t testing.TB) {
	t.Helper()
	if _, ok := marked.Load(whole(t)); !ok {
		t.Fatalf("%s must begin with a mark of package thorough: make race would not do all of it", whole(t))
	}
}
