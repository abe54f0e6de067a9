package release_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/release"
)

// book is a store that can be full for a while, or refuse answers for good.
type book struct {
	mu       sync.Mutex
	claims   error
	claiming func() // runs while a release is claimed
	full     int    // settling fails so often
	refuses  func(packaging.Answer) error
	refused  int
	settled  []packaging.Answer
	recorded []packaging.Entry
}

func (b *book) Claim(context.Context, packaging.Person, packaging.Press) (packaging.Order, error) {
	if b.claiming != nil {
		b.claiming()
	}
	return packaging.Order{
		ID: 7, TenantID: 1, Facts: packaging.Facts{Key: "Order143"},
		Release: &packaging.Release{ID: 9, Outcome: packaging.Sending},
	}, b.claims
}

func (b *book) Settle(_ context.Context, o packaging.Order, a packaging.Answer) (packaging.Release, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full > 0 {
		b.full--
		return packaging.Release{}, packaging.Fail(packaging.Unavailable, "error.disk_full")
	}
	if b.refuses != nil {
		if err := b.refuses(a); err != nil {
			b.refused++
			return packaging.Release{}, err
		}
	}
	b.settled = append(b.settled, a)
	return *o.Release, nil
}

func (b *book) Record(_ context.Context, e packaging.Entry) error {
	b.recorded = append(b.recorded, e)
	return nil
}

// api is the remote API as a function.
type api func(ctx context.Context, key string) packaging.Answer

func (a api) ReleaseToLine(ctx context.Context, key string) packaging.Answer { return a(ctx, key) }

func releaser(b *book, a api, log *bytes.Buffer) *release.Releaser {
	if log == nil {
		log = &bytes.Buffer{}
	}
	return release.New(b, func(context.Context, packaging.TenantID) (release.API, error) {
		if a == nil {
			return nil, errors.New("the credentials can't be opened")
		}
		return a, nil
	}, slog.New(slog.NewTextHandler(log, nil)))
}

var supervisor = packaging.Person{
	Author: packaging.Author{ID: 1, Role: packaging.Supervisor}, Tenant: packaging.Tenant{ID: 1},
}

func good(context.Context, string) packaging.Answer {
	return packaging.Answer{Outcome: packaging.Released, Serials: []string{"a-serial-number"}}
}

func TestAReleaseGoesOnWhenWhoPressedIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{}
		r := releaser(b, func(ctx context.Context, key string) packaging.Answer {
			time.Sleep(time.Second)
			if ctx.Err() != nil {
				return packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut}
			}
			return good(ctx, key)
		}, nil)
		ctx, leave := context.WithCancel(t.Context())
		settled, err := r.Release(ctx, supervisor, packaging.Press{Order: 7})
		if err != nil {
			t.Fatal(err)
		}
		leave()
		<-settled
		if len(b.settled) != 1 || b.settled[0].Outcome != packaging.Released {
			t.Errorf("settled %v", b.settled)
		}
	})
}

func TestAStopBeginsNoOtherCallAndClaimsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, claims := &book{}, 0
		b.claiming = func() { claims++ }
		r := releaser(b, func(ctx context.Context, _ string) packaging.Answer {
			<-ctx.Done() // as a sign-in or a pause before another try ends
			return packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotConnected}
		}, nil)
		if _, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 7}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		r.BeginStop()
		_, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 8})
		if packaging.CodeOf(err) != packaging.Unavailable || claims != 1 {
			t.Errorf("a press meanwhile: %v, %d claims", err, claims)
		}
		r.AwaitCalls()
		r.Stop(t.Context())
		if len(b.settled) != 1 || b.settled[0].Outcome != packaging.Refused || time.Since(began) != 0 {
			t.Errorf("after %s: settled %v", time.Since(began), b.settled)
		}
	})
}

func TestAnAnswerThatCanNotBeStoredIsHeldUntilItCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := &book{full: 20}, &bytes.Buffer{}
		r := releaser(b, good, log)
		settled, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 7})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if r.Held() != 1 {
			t.Errorf("%d answers held", r.Held())
		}
		<-settled
		if len(b.settled) != 1 || r.Held() != 0 || b.settled[0].Serials[0] != "a-serial-number" {
			t.Errorf("settled %v, %d held", b.settled, r.Held())
		}
		if strings.Contains(log.String(), "a-serial-number") {
			t.Error("serial numbers are in the log")
		}
	})
}

var errConstraint = errors.New("constraint failed: CHECK constraint failed: serial")

func TestAnAnswerThatTheDatabaseRefusesIsUnknownAndKeepsItsContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := &book{full: 2, refuses: func(a packaging.Answer) error {
			if len(a.Serials) > 0 {
				return errConstraint
			}
			return nil
		}}, &bytes.Buffer{}
		r := releaser(b, good, log)
		settled, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 7})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-settled:
		case <-time.After(time.Hour):
			t.Fatal("the answer is tried again for ever")
		}
		if b.refused != 1 || r.Held() != 0 {
			t.Errorf("tried %d times, %d held", b.refused, r.Held())
		}
		if len(b.settled) != 1 || b.settled[0].Outcome != packaging.Unknown ||
			b.settled[0].Reason != packaging.NotStored ||
			!strings.Contains(string(b.settled[0].Body), `"released"`) ||
			!strings.Contains(string(b.settled[0].Body), `"a-serial-number"`) {
			t.Errorf("settled %+v", b.settled)
		}
		if !strings.Contains(log.String(), "refused by the database") ||
			strings.Contains(log.String(), "a-serial-number") {
			t.Errorf("the log says %s", log)
		}
	})
}

func TestTheBodyOfAnUnknownAnswerThatTheDatabaseRefusesIsKeptAsItCame(t *testing.T) {
	b := &book{refuses: func(a packaging.Answer) error {
		if a.Reason == packaging.Unreadable {
			return errConstraint
		}
		return nil
	}}
	settled, err := releaser(b, func(context.Context, string) packaging.Answer {
		return packaging.Answer{
			Outcome: packaging.Unknown, Reason: packaging.Unreadable, HTTPStatus: 200, Body: []byte("<html>"),
		}
	}, nil).Release(t.Context(), supervisor, packaging.Press{Order: 7})
	if err != nil {
		t.Fatal(err)
	}
	<-settled
	if len(b.settled) != 1 || string(b.settled[0].Body) != "<html>" || b.settled[0].HTTPStatus != 200 {
		t.Errorf("settled %+v", b.settled)
	}
}

func TestAReleaseWhoseEndTheDatabaseRefusesEndsAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := &book{refuses: func(packaging.Answer) error { return errConstraint }}, &bytes.Buffer{}
		r, reserve := releaser(b, good, log), &rooms{}
		r.KeepAnswersIn(reserve)
		settled, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 7})
		if err != nil {
			t.Fatal(err)
		}
		<-settled
		if len(reserve.kept) != 0 {
			t.Errorf("kept for a start that would be refused again: %v", reserve.kept)
		}
		if b.refused != 2 || len(b.settled) != 0 ||
			!strings.Contains(log.String(), "stays under way until Lineboard starts again") {
			t.Errorf("tried %d times, the log says %s", b.refused, log)
		}
		r.Stop(t.Context())
	})
}

func TestOnceStoppingNothingIsClaimedAndWhatIsUnderWayIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		claiming, let := make(chan struct{}), make(chan struct{})
		b := &book{claiming: func() { claiming <- struct{}{}; <-let }}
		r := releaser(b, good, nil)
		go r.Release(t.Context(), supervisor, packaging.Press{Order: 7}) //nolint:errcheck // seen by what is settled
		<-claiming
		stopped := make(chan struct{})
		go func() { r.Stop(t.Context()); close(stopped) }()
		synctest.Wait()
		select {
		case <-stopped:
			t.Fatal("stopped while a release is claimed")
		default:
		}
		b.claiming = func() { t.Error("claimed while stopping") }
		_, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 8})
		var stopping *packaging.Error
		if !errors.As(err, &stopping) || stopping.Code != packaging.Unavailable || stopping.Key != "error.stopping" {
			t.Errorf("while stopping: %v", err)
		}
		close(let)
		<-stopped
		if _, err := r.Release(
			t.Context(), supervisor, packaging.Press{Order: 8},
		); packaging.CodeOf(err) != packaging.Unavailable {
			t.Errorf("once stopped: %v", err)
		}
		if len(b.settled) != 1 || len(b.recorded) != 0 {
			t.Errorf("settled %v, recorded %v", b.settled, b.recorded)
		}
		r.Stop(t.Context()) // again, as at the end of a site
	})
}

func TestAStopDoesNotWaitForEverForADiskThatStaysFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log := &book{full: 1 << 30}, &bytes.Buffer{}
		r := releaser(b, good, log)
		if _, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 7}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r.Stop(ctx)
		if !strings.Contains(log.String(), "answer to a release is lost") {
			t.Error("a lost answer is not in the log")
		}
		r.Stop(ctx) // has nothing left to give up
	})
}

// rooms is a reserve of one room.
type rooms struct {
	kept  []packaging.Answer
	freed int
}

func (r *rooms) Take(packaging.Tenant) (release.Room, error) { return r, nil }
func (r *rooms) Ready() error                                { return nil }
func (r *rooms) Free()                                       { r.freed++ }

func (r *rooms) Keep(_ packaging.Order, a packaging.Answer) error {
	r.kept = append(r.kept, a)
	return nil
}

func TestAnAnswerThatAFullDiskDoesNotTakeIsInItsRoomAndAStopLeavesItThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, log, reserve := &book{full: 1 << 30}, &bytes.Buffer{}, &rooms{}
		r := releaser(b, good, log)
		r.KeepAnswersIn(reserve)
		settled, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 7})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r.Stop(ctx)
		<-settled
		if waited := time.Since(began); waited > 0 || !strings.Contains(log.String(), "the next start stores it") {
			t.Errorf("the stop waited %v, and the log says %s", waited, log)
		}
		if len(reserve.kept) != 1 || !slices.Equal(reserve.kept[0].Serials, []string{"a-serial-number"}) ||
			reserve.freed > 0 {
			t.Errorf("the room has %+v, and was given back %d times", reserve.kept, reserve.freed)
		}
	})
}

func TestAnAnswerThatIsStoredAtLastGivesItsRoomBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, reserve := &book{full: 3}, &rooms{}
		r := releaser(b, good, nil)
		r.KeepAnswersIn(reserve)
		settled, err := r.Release(t.Context(), supervisor, packaging.Press{Order: 7})
		if err != nil {
			t.Fatal(err)
		}
		<-settled
		if len(b.settled) != 1 || len(reserve.kept) != 1 || reserve.freed != 1 {
			t.Errorf("settled %v, kept %v, given back %d times", b.settled, reserve.kept, reserve.freed)
		}
	})
}

func TestWhatGoesWrongInsideTheCallIsUnknownNotForgotten(t *testing.T) {
	b := &book{}
	settled, err := releaser(
		b, func(context.Context, string) packaging.Answer { panic("a defect") }, nil,
	).Release(t.Context(), supervisor, packaging.Press{Order: 7})
	if err != nil {
		t.Fatal(err)
	}
	<-settled
	if len(b.settled) != 1 || b.settled[0].Outcome != packaging.Unknown {
		t.Errorf("settled %v", b.settled)
	}
}

func TestWithoutCredentialsNothingIsSentAndThatIsTheOutcome(t *testing.T) {
	b := &book{}
	settled, err := releaser(b, nil, nil).Release(t.Context(), supervisor, packaging.Press{Order: 7})
	if err != nil {
		t.Fatal(err)
	}
	<-settled
	if len(b.settled) != 1 || b.settled[0].Outcome != packaging.Refused ||
		b.settled[0].Reason != packaging.NotConfigured {
		t.Errorf("settled %v", b.settled)
	}
}

func TestWhatCanNotBeClaimedIsNotSent(t *testing.T) {
	sent := false
	send := func(context.Context, string) packaging.Answer { sent = true; return packaging.Answer{} }
	for _, test := range []struct {
		role     packaging.Role
		claims   error
		want     packaging.Code
		recorded int
	}{
		{packaging.Operator, nil, packaging.Forbidden, 0},
		{packaging.Supervisor, packaging.Fail(packaging.Conflict, "obstacle.being_released"), packaging.Conflict, 1},
		{packaging.Supervisor, packaging.Fail(packaging.NotFound, "error.not_found"), packaging.NotFound, 0},
		{packaging.Supervisor, packaging.Fail(packaging.Unavailable, "error.disk_full"), packaging.Unavailable, 0},
		{packaging.Supervisor, errors.New("anything"), packaging.Internal, 0},
	} {
		b := &book{claims: test.claims}
		p := supervisor
		p.Role = test.role
		r := releaser(b, send, nil)
		_, err := r.Release(t.Context(), p, packaging.Press{Order: 7})
		r.Stop(t.Context())
		if packaging.CodeOf(err) != test.want || sent || len(b.recorded) != test.recorded {
			t.Errorf("%s: %v, sent %v, recorded %v", test.want, err, sent, b.recorded)
		}
	}
}
