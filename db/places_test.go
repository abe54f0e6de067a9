package db

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
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
		for until := time.Now().Add(60 * time.Second); waits && p.queued() == before; time.Sleep(time.Millisecond) {
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

// Its person has all the places that they may hold.
func TestWhatTakesLongWaitsForAPlaceOfItsPerson(t *testing.T) {
	d, ghent, _ := opened(t)
	for range maxPlaces {
		give, err := d.places.take(t.Context(), ghent.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer give()
	}
	in := ghent.Scope()
	for name, read := range map[string]func(ctx context.Context) error{
		"trends": func(ctx context.Context) error { return d.Trends(ctx, in, make([]packaging.Trend, 1)) },
		"what of a shift is open": func(ctx context.Context) error {
			_, err := d.StillOpen(ctx, in, packaging.ShiftReport{})
			return err
		},
		"orders for programs": func(ctx context.Context) error {
			_, err := d.OrdersAfter(ctx, in, packaging.OrderFilter{}, 0, 1)
			return err
		},
		"history for programs": func(ctx context.Context) error { _, err := d.HistoryAfter(ctx, in, 0, 1); return err },
		"orders of a serial": func(ctx context.Context) error {
			_, err := d.OrdersOfSerial(ctx, in, "S1", 1)
			return err
		},
		"a report": func(ctx context.Context) error {
			_, err := d.ShiftReport(ctx, in, packaging.Occurrence{})
			return err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s came at once: %v", name, err)
		}
		cancel()
	}
}

// Lineboard's own verification has all the places that it may hold.
func TestProgramsDoNotWaitForWhatLineboardReadsByItself(t *testing.T) {
	d, ghent, _ := opened(t)
	for range maxPlaces {
		give, err := d.places.take(t.Context(), packaging.Everything(ghent.Tenant.ID).Reader())
		if err != nil {
			t.Fatal(err)
		}
		defer give()
	}
	program := packaging.Person{Tenant: ghent.Tenant, Token: 7}.Scope()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if _, err := d.OrdersAfter(ctx, program, packaging.OrderFilter{}, 0, 1); err != nil {
		t.Errorf("orders: %v", err)
	}
	if _, err := d.HistoryAfter(ctx, program, 0, 1); err != nil {
		t.Errorf("the history: %v", err)
	}
}

// allOfTenant is the step of a plan that reads all releases, orders or sequences that a tenant ever had.
var allOfTenant = regexp.MustCompile(`^SEARCH [roq] USING .*(sqlite_autoindex_\w+|releases_at) \(tenant_id=\?\)$`)

// Pages, alarms and metrics ask these every few seconds, and what they read grows for years.
func TestWhatIsAskedAllTheTimeReadsIndexesOfWhatIsOpen(t *testing.T) {
	d, ghent, _ := opened(t)
	for name, read := range map[string]func(q querier) error{
		"facts of alarms": func(q querier) error { _, err := alarmFacts(t.Context(), q, ghent.Tenant.ID); return err },
		"unknown outcomes": func(q querier) error {
			_, _, err := unknownOutcomes(t.Context(), q, ghent.Scope())
			return err
		},
		"what is asked about": func(q querier) error { _, err := unsettled(t.Context(), q); return err },
		"what waits": func(q querier) error {
			_, err := waitingOf(
				t.Context(), q, ghent.Tenant.ID,
			)
			return err
		},
		"what has no list": func(q querier) error { _, err := withoutList(t.Context(), q); return err },
		"what is handed over": func(q querier) error {
			_, err := openItems(t.Context(), q, ghent.Scope(), packaging.Occurrence{}, d.now())
			return err
		},
		"alarms that last": func(q querier) error { _, err := lastingAlarms(t.Context(), q, ghent.Tenant.ID); return err },
		"late lists": func(q querier) error {
			_, err := lateDeliveries(t.Context(), q, ghent.Scope(), d.now())
			return err
		},
	} {
		p := &planned{querier: d.read}
		if err := read(p); err != nil {
			t.Fatal(name, err)
		}
		for _, step := range p.steps {
			all, _ := strings.CutPrefix(step, "SCAN ")
			table, index, _ := strings.Cut(all, " ")
			if all != step && slices.Contains([]string{"r", "o", "v", "q", "h", "n"}, table) &&
				!strings.Contains(index, "releases_unsettled") {
				t.Errorf("%s: %s\n%s", name, step, strings.Join(p.steps, "\n"))
			}
			if strings.HasPrefix(step, "SEARCH v ") && !strings.Contains(step, "deliveries_open") {
				t.Errorf("%s: %s\n%s", name, step, strings.Join(p.steps, "\n"))
			}
			if strings.Contains(step, "INDEX alarms_of_") || strings.Contains(step, "alarm_messages_of_recipient (tenant_id=?)") {
				t.Errorf("%s: %s\n%s", name, step, strings.Join(p.steps, "\n"))
			}
			if allOfTenant.MatchString(step) {
				t.Errorf("%s: %s\n%s", name, step, strings.Join(p.steps, "\n"))
			}
		}
	}
}
