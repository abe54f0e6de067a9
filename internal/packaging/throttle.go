package packaging

import (
	"math"
	"time"
)

// Throttle says how long somebody must wait after wrong tries at a secret. It keeps nothing itself: the database keeps
// the tries at PINs, badges and codes, internal/throttle keeps those at passwords in memory.
type Throttle struct {
	Free      int           // wrong tries that cost no wait
	FirstWait time.Duration // after the first wrong try that is not free; each further one doubles it
	MaxWait   time.Duration // the longest wait
	Forgive   time.Duration // one wrong try is forgiven each time so long passes; 0 for never
	Forget    time.Duration // all are forgotten so long after the last one; 0 for never
}

// Throttles of PINs, badges and codes. They are short, so the first wait is long. Their tries are kept in the database,
// so that a restart gives no new ones.
var (
	ThrottleSecret = secretThrottle(5)  // one secret: slips of a person's fingers are free
	ThrottlePINs   = secretThrottle(20) // all PINs at a station: slips of everybody who works there are free
)

// Throttles of passwords. The first two stop somebody who guesses one person's password: on a device that is known, or
// where they are a stranger. At an address where the person has signed in themselves, somebody else may guess: a wait
// there is short. The others stop somebody who guesses from many addresses, or at many usernames.
var (
	ThrottlePersonOnDevice       = passwordThrottle(5, 15*time.Minute, 10*time.Minute)
	ThrottlePersonAtAddress      = passwordThrottle(5, 15*time.Minute, 10*time.Minute)
	ThrottlePersonAtKnownAddress = passwordThrottle(5, time.Minute, 10*time.Minute)
	ThrottlePerson               = passwordThrottle(20, time.Minute, 3*time.Minute)
	ThrottleAddress              = passwordThrottle(50, 30*time.Second, 30*time.Second)
)

// TriesForgotten is how long after the last wrong try at a PIN, badge or code all of them are forgotten.
const TriesForgotten = time.Hour

func secretThrottle(free int) Throttle {
	return Throttle{Free: free, FirstWait: 30 * time.Second, MaxWait: 15 * time.Minute, Forget: TriesForgotten}
}

func passwordThrottle(free int, maxWait, forgive time.Duration) Throttle {
	return Throttle{Free: free, FirstWait: time.Second, MaxWait: maxWait, Forgive: forgive}
}

// WaitAfter returns how long after the last wrong try the next one is refused. Parts of a try that are left after
// forgiveness are rounded.
func (t Throttle) WaitAfter(wrong float64) time.Duration {
	costly := int(math.Round(wrong)) - t.Free
	if costly < 0 {
		return 0
	}
	wait := t.FirstWait
	for range costly {
		if wait *= 2; wait >= t.MaxWait {
			break
		}
	}
	return min(wait, t.MaxWait)
}

// Left returns how many wrong tries are left of those that stood at the last try, after so long.
func (t Throttle) Left(wrong float64, since time.Duration) float64 {
	if t.Forget > 0 && since > t.Forget {
		return 0
	}
	if t.Forgive > 0 {
		wrong -= float64(since) / float64(t.Forgive)
	}
	return max(0, wrong)
}

// Guess is something that could be guessed, such as a PIN. Wrong tries at it add up under its name.
type Guess struct {
	What string
	Throttle
	// Shared marks a secret of which several people have one each. A right try takes only itself back: somebody who
	// knows one of them must not win more tries at the others. Otherwise a right try takes back all wrong ones before
	// it.
	Shared bool
}

// Tried is a try at a guess. It counts as a wrong one until it is known to be right.
type Tried struct {
	Guess
	At     time.Time
	Before time.Time // when the last try before it was, zero if there was none
}
