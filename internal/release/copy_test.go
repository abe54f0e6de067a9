package release_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/release"
)

// steps are what happened to a release, in their order.
type steps struct {
	mu   sync.Mutex
	said []string
}

func (s *steps) say(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, what)
}

// follower is a copy that says what it is asked.
type follower struct {
	*steps
	ready, claimed, departs, confirmed error
}

func (f follower) Ready() error                    { return f.ready }
func (f follower) Confirmed(context.Context) error { return f.confirmed }

func (f follower) Claimed(context.Context, packaging.Order) error {
	f.say("claim copied")
	return f.claimed
}

func (f follower) Depart(context.Context) error {
	f.say("departs")
	return f.departs
}

func (f follower) Settled(context.Context, packaging.Order) { f.say("outcome copied") }

// copied releases an order with a copy, and returns what happened.
func copied(t *testing.T, f follower) (happened string, settled []packaging.Answer, err error) {
	t.Helper()
	f.steps = &steps{}
	b := &book{claiming: func() { f.say("claimed") }}
	r := releaser(b, func(ctx context.Context, key string) packaging.Answer {
		if err := packaging.Depart(ctx); err != nil {
			return packaging.NotSentOf(err).Answer()
		}
		f.say("called")
		return good(ctx, key)
	}, nil)
	r.WaitFor(f)
	done, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 7})
	if err == nil {
		<-done
	}
	r.Stop(t.Context())
	return strings.Join(f.said, ", "), b.settled, err
}

func TestAReleaseIsCalledOnceItsClaimIsCopiedAndToldOnceItsOutcomeIs(t *testing.T) {
	happened, settled, err := copied(t, follower{})
	if happened != "claimed, claim copied, departs, called, outcome copied" || err != nil || len(settled) != 1 {
		t.Errorf("%s; %v, %v", happened, settled, err)
	}
}

func TestAReleaseWhoseClaimIsNotCopiedIsRefusedAndNothingIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		follower
		happened string
		reason   packaging.Reason
	}{
		"the copy is not there": {
			follower{claimed: errors.New("hung")}, "claimed, claim copied, outcome copied", packaging.NotCopied,
		},
		"another took over": {
			follower{departs: &packaging.NotSent{Reason: packaging.TakenOver}},
			"claimed, claim copied, departs, outcome copied", packaging.TakenOver,
		},
	} {
		happened, settled, err := copied(t, c.follower)
		refused := slices.ContainsFunc(settled, func(a packaging.Answer) bool {
			return a.Outcome == packaging.Refused && a.Reason == c.reason
		})
		if happened != c.happened || err != nil || !refused || len(settled) != 1 {
			t.Errorf("%s: %s; %v, %v", name, happened, settled, err)
		}
	}
}

func TestNothingIsClaimedOnceAnotherTookOver(t *testing.T) {
	over := packaging.Fail(packaging.Unavailable, "error.taken_over")
	happened, _, err := copied(t, follower{ready: over})
	if happened != "" || !errors.Is(err, over) {
		t.Errorf("%s; %v", happened, err)
	}
}

func TestReadinessAgreesWithThePressWhileTheCopyIsNotThere(t *testing.T) {
	away := packaging.Fail(packaging.Unavailable, "error.not_copied")
	r := releaser(&book{}, good, nil)
	r.WaitFor(follower{steps: &steps{}, confirmed: away})
	if err := r.Ready(); !errors.Is(err, away) {
		t.Errorf("%v", err)
	}
}

var _ release.Copy = follower{}
