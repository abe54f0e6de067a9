package release_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"lineboard/internal/packaging"
	"lineboard/internal/release"
)

// shelf is a store of one queue with the orders 7 and 8.
type shelf struct {
	book
	begun    bool
	starts   error // of StartQueue
	advances error // of AdvanceQueue
	ends     error // of EndQueue
	stopped  bool  // by a person
	outcome  packaging.Outcome
	advanced int
	ended    []packaging.QueueStop
	by       []packaging.Author
}

func (s *shelf) StartQueue(
	context.Context, packaging.Person, packaging.LineID, []packaging.QueuePick, ...packaging.Signature,
) (packaging.Queue, error) {
	s.begun = true
	return packaging.Queue{
		ID: 3, TenantID: 1, Orders: []packaging.Order{{ID: 7, TenantID: 1}, {ID: 8, TenantID: 1}},
	}, s.starts
}

func (s *shelf) StopQueue(context.Context, packaging.Person, packaging.LineID) error { return nil }

func (s *shelf) AdvanceQueue(context.Context, packaging.Queue) (bool, error) {
	s.advanced++
	return !s.stopped, s.advances
}

func (s *shelf) EndQueue(_ context.Context, _ packaging.Queue, by packaging.Author, why packaging.QueueStop) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.by = append(s.ended, why), append(s.by, by)
	return s.ends
}

func (s *shelf) Order(_ context.Context, _ packaging.Scope, id packaging.OrderID) (packaging.Order, error) {
	if s.outcome == "" {
		return packaging.Order{}, errors.New("anything")
	}
	return packaging.Order{ID: id, Release: &packaging.Release{Outcome: s.outcome}}, nil
}

var picks = []packaging.QueuePick{{Order: 7}, {Order: 8}}

func queuer(s *shelf, a api) (*release.Queuer, *release.Releaser) {
	r := release.New(
		s, func(context.Context, packaging.TenantID) (release.API, error) { return a, nil },
		slog.New(slog.DiscardHandler),
	)
	return release.NewQueuer(s, r, slog.New(slog.DiscardHandler)), r
}

func TestWhyAQueueEnds(t *testing.T) {
	for name, test := range map[string]struct {
		shelf *shelf
		want  packaging.QueueStop
		sent  int
	}{
		"all are released":    {&shelf{outcome: packaging.Released}, packaging.QueueDone, 2},
		"one is not released": {&shelf{outcome: packaging.Refused}, packaging.StopByOutcome, 1},
		"one is unknown":      {&shelf{outcome: packaging.Unknown}, packaging.StopByOutcome, 1},
		"a person stops it": {
			&shelf{outcome: packaging.Released, stopped: true}, packaging.StopByPerson, 1,
		},
		"the outcome can't be read": {&shelf{}, packaging.StopByDifficulty, 1},
		"its place can't be stored": {
			&shelf{outcome: packaging.Released, advances: errors.New("anything")}, packaging.StopByDifficulty, 1,
		},
		"an order can't be released now": {
			&shelf{book: book{claims: packaging.Fail(packaging.Conflict, "obstacle.being_released")}},
			packaging.StopByObstacle, 0,
		},
		"the person lost the right to it": {
			&shelf{book: book{claims: packaging.Fail(packaging.Forbidden, "error.forbidden")}},
			packaging.StopByObstacle, 0,
		},
		"an order is gone": {
			&shelf{book: book{claims: packaging.Fail(packaging.NotFound, "error.not_found")}}, packaging.StopByObstacle,
			0,
		},
		"an order can't be claimed": {
			&shelf{book: book{claims: packaging.Fail(packaging.Unavailable, "error.disk_full")}},
			packaging.StopByDifficulty, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				q, _ := queuer(test.shelf, func(ctx context.Context, key string) packaging.Answer {
					sent++
					return good(ctx, key)
				})
				if err := q.Start(t.Context(), supervisor, 1, picks); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if !slices.Equal(test.shelf.ended, []packaging.QueueStop{test.want}) || sent != test.sent {
					t.Errorf("ended %v, %d sent", test.shelf.ended, sent)
				}
				if len(test.shelf.by) != 1 || test.shelf.by[0].Username != "lineboard" {
					t.Errorf("ended by %v", test.shelf.by)
				}
			})
		})
	}
}

func TestAQueueWhoseEndCanNotBeStoredIsLogged(t *testing.T) {
	for _, ends := range []error{nil, errors.New("disk")} {
		synctest.Test(t, func(t *testing.T) {
			s, log := &shelf{outcome: packaging.Released, ends: ends}, &bytes.Buffer{}
			_, r := queuer(s, good)
			q := release.NewQueuer(s, r, slog.New(slog.NewTextHandler(log, nil)))
			if err := q.Start(t.Context(), supervisor, 1, picks); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if strings.Contains(log.String(), "end of a queue not stored") != (ends != nil) {
				t.Errorf("with %v the log says %s", ends, log)
			}
		})
	}
}

func TestAQueueGoesOnWhenThePersonIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{outcome: packaging.Released}
		ctx, leave := context.WithCancel(t.Context())
		q, _ := queuer(s, func(ctx context.Context, key string) packaging.Answer {
			leave()
			if ctx.Err() != nil {
				return packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut}
			}
			return good(ctx, key)
		})
		if err := q.Start(ctx, supervisor, 1, picks); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !slices.Equal(s.ended, []packaging.QueueStop{packaging.QueueDone}) || len(s.settled) != 2 ||
			s.settled[1].Outcome != packaging.Released {
			t.Errorf("ended %v, settled %v", s.ended, s.settled)
		}
	})
}

func TestAStopEndsAQueueAfterTheReleaseUnderWayAndStartsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent, let, s := 0, make(chan struct{}), &shelf{outcome: packaging.Released}
		q, r := queuer(s, func(ctx context.Context, key string) packaging.Answer {
			sent++
			<-let
			return good(ctx, key)
		})
		if err := q.Start(t.Context(), supervisor, 1, picks); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // for its first release
		stopped := make(chan struct{})
		go func() { r.Stop(t.Context()); close(stopped) }()
		synctest.Wait()
		another := &shelf{}
		if err := release.NewQueuer(
			another, r, slog.New(slog.DiscardHandler),
		).Start(t.Context(), supervisor, 1, picks); packaging.CodeOf(err) != packaging.Unavailable || another.begun {
			t.Errorf("another queue while stopping: %v, stored %v", err, another.begun)
		}
		close(let)
		<-stopped
		if !slices.Equal(s.ended, []packaging.QueueStop{packaging.StopByRestart}) || sent != 1 || s.advanced != 1 {
			t.Errorf("once stopped: ended %v, %d sent, %d orders on", s.ended, sent, s.advanced)
		}
	})
}

func TestAQueueThatCanNotBeStoredDoesNotHoldUpAStop(t *testing.T) {
	conflict := packaging.Fail(packaging.Conflict, "queue.running_already")
	s := &shelf{starts: conflict}
	q, r := queuer(s, good)
	if err := q.Start(t.Context(), supervisor, 1, picks); !errors.Is(err, conflict) {
		t.Errorf("%v", err)
	}
	r.Stop(t.Context())
	if len(s.ended) != 0 || len(s.settled) != 0 {
		t.Errorf("ended %v, settled %v", s.ended, s.settled)
	}
}

func TestWhatAQueueMayBe(t *testing.T) {
	operator := supervisor
	operator.Role = packaging.Operator
	for name, test := range map[string]struct {
		by    packaging.Person
		picks int
		want  packaging.Code
	}{
		"no order":             {supervisor, 0, packaging.Invalid},
		"as many as can be":    {supervisor, packaging.MaxQueue, packaging.Conflict}, // as the store says here
		"one too many":         {supervisor, packaging.MaxQueue + 1, packaging.Invalid},
		"no right to releases": {operator, 1, packaging.Forbidden},
	} {
		s := &shelf{starts: packaging.Fail(packaging.Conflict, "queue.running_already")}
		q, _ := queuer(s, good)
		err := q.Start(t.Context(), test.by, 1, make([]packaging.QueuePick, test.picks))
		if packaging.CodeOf(err) != test.want || s.begun != (test.want == packaging.Conflict) {
			t.Errorf("%s: %v, stored %v", name, err, s.begun)
		}
	}
}
