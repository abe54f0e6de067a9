package packaging

import "time"

// Guess is something that could be guessed, such as a PIN. Wrong tries at it add up under its name.
type Guess struct {
	What string
	Free int // wrong tries in a row that cost nothing
	// Shared marks a guess at what several people have: who gets one right must not get more tries at those of the others
	// by it. A right try then takes itself back alone, and otherwise all wrong ones before it.
	Shared bool
}

// How many tries of a guess are free: enough for slips of a person's fingers, and for those of all who work at a station.
const (
	FreeTries       = 5
	FreeTriesOfMany = 20
)

// The wait after the first wrong try that is not free; each further one doubles it, up to the longest.
const (
	firstWait   = 30 * time.Second
	longestWait = 15 * time.Minute
)

// WaitAfter is how long after the last of so many wrong tries in a row the next one is heard.
func (g Guess) WaitAfter(tries int) time.Duration {
	if tries < g.Free {
		return 0
	}
	wait := firstWait
	for range tries - g.Free {
		if wait *= 2; wait >= longestWait {
			return longestWait
		}
	}
	return wait
}

// TriesForgotten is how long after the last wrong try all of them are forgotten.
const TriesForgotten = time.Hour

// Tried is a try at a guess. It counts as a wrong one until it is known to be right.
type Tried struct {
	Guess
	At     time.Time
	Before time.Time // when the last try before it was, zero where there was none
}
