package db

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// queued returns how many wait for a place.
func (p *places) queued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

func TestNobodyWaitsForAllThatAnotherPersonAsksFor(t *testing.T) {
	var p places
	var order []packaging.UserID
	came := make(chan func())
	ask := func(person packaging.UserID, waits bool) {
		t.Helper()
		before := p.queued()
		go func() {
			give, err := p.take(context.WithoutCancel(t.Context()), person)
			if err != nil {
				t.Error(err)
			}
			order = append(order, person)
			came <- give
		}()
		for until := time.Now().Add(10 * time.Second); waits && p.queued() == before; time.Sleep(time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("%d does not wait", person)
			}
		}
	}
	var held []func()
	for range maxPlaces { // all that one person may hold
		ask(1, false)
		held = append(held, <-came)
	}
	ask(1, true)
	ask(1, true)
	ask(2, false) // the last place is theirs at once
	last := <-came
	ask(2, true)
	ask(3, true)
	last() // of those who hold none, the second came before the third
	(<-came)()
	(<-came)()
	held[0]()
	(<-came)()
	held[1]()
	(<-came)()
	if want := []packaging.UserID{1, 1, 2, 2, 3, 1, 1}; !slices.Equal(order, want) {
		t.Errorf("their order is %v, not %v", order, want)
	}
	if len(p.held) > 0 {
		t.Errorf("places are held at the end: %v", p.held)
	}
}

func TestAReadingThatTakesTooLongEndsAndFreesItsPlace(t *testing.T) {
	d, _, _ := opened(t)
	for range 2 * slowReaders {
		err := d.readLong(t.Context(), 1, 20*time.Millisecond, func(ctx context.Context, q querier) error {
			var n int
			return q.QueryRowContext(ctx, endless).Scan(&n)
		})
		var e *packaging.Error
		if !errors.As(err, &e) || e.Key != "error.read_slow" {
			t.Fatalf("%v", err)
		}
	}
	give, err := d.places.take(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	give()
	if n := d.places.queued(); n > 0 || len(d.places.held) > 0 {
		t.Errorf("%d wait, and %v are held", n, d.places.held)
	}
}
