package db

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// clocked is a database and its clock, which stands still until it is set.
func clocked(t *testing.T) (*DB, *time.Time) {
	t.Helper()
	d, _, _ := opened(t)
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	d.now = func() time.Time { return now }
	return d, &now
}

// try tries a guess and gives how long that is too early.
func try(t *testing.T, d *DB, g packaging.Guess) ([]packaging.Tried, time.Duration) {
	t.Helper()
	tried, wait, err := d.Try(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return tried, wait
}

func right(t *testing.T, d *DB, tried []packaging.Tried) {
	t.Helper()
	if err := d.TriedRight(t.Context(), tried); err != nil {
		t.Fatal(err)
	}
}

// wrongTries is what is kept of wrong tries: at what, how many, and when the last one was.
func wrongTries(t *testing.T, d *DB) []string {
	t.Helper()
	kept, err := collect(t.Context(), d.read, func(row scanner) (string, error) {
		var what string
		var tries int
		var at int64
		err := row.Scan(&what, &tries, &at)
		return fmt.Sprintf("%s: %d, %s", what, tries, moment(at).Format(time.TimeOnly)), err
	}, `SELECT what, tries, last_at FROM wrong_tries ORDER BY what`)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func keeps(t *testing.T, d *DB, when string, want ...string) {
	t.Helper()
	if got := wrongTries(t, d); !slices.Equal(got, want) {
		t.Errorf("%s: kept %q, want %q", when, got, want)
	}
}

func TestARightTryAtWhatSeveralPeopleHaveIsAsIfItHadNotBeen(t *testing.T) {
	t.Parallel()
	d, now := clocked(t)
	badge := packaging.Guess{What: "badge", Throttle: packaging.ThrottleSecret, Shared: true}
	first, _ := try(t, d, badge)
	right(t, d, first)
	keeps(t, d, "a right one alone")
	try(t, d, badge)
	try(t, d, badge)
	*now = now.Add(10 * time.Minute)
	one, _ := try(t, d, badge)
	*now = now.Add(time.Second)
	two, _ := try(t, d, badge)
	right(t, d, two)
	right(t, d, one)
	keeps(t, d, "two right ones at once after two wrong ones", "badge: 2, 06:00:00")
	one, _ = try(t, d, badge)
	*now = now.Add(time.Second)
	try(t, d, badge)
	right(t, d, one)
	keeps(t, d, "a wrong one while a right one is looked at", "badge: 3, 06:10:02")
}

func TestAClockThatIsSetBackMakesNoTryWaitLongerThanItsRuleSays(t *testing.T) {
	t.Parallel()
	d, now := clocked(t)
	pin := packaging.Guess{What: "pin", Throttle: packaging.ThrottleSecret}
	for range 5 {
		try(t, d, pin)
	}
	*now = now.Add(-24 * time.Hour)
	if _, wait := try(t, d, pin); wait != 30*time.Second {
		t.Errorf("a day back, after five wrong tries: wait %v", wait)
	}
	*now = now.Add(20 * time.Second)
	if _, wait := try(t, d, pin); wait != 10*time.Second {
		t.Errorf("20 s later: wait %v", wait)
	}
	*now = now.Add(11 * time.Second)
	if _, wait := try(t, d, pin); wait != 0 {
		t.Errorf("when it is over: wait %v", wait)
	}
}

func TestWrongTriesThatAreForgottenAreDeleted(t *testing.T) {
	t.Parallel()
	d, now := clocked(t)
	for i := range 50 {
		try(t, d, packaging.Guess{What: fmt.Sprint("code from ", i), Throttle: packaging.ThrottleSecret})
	}
	*now = now.Add(packaging.TriesForgotten + time.Second)
	try(t, d, packaging.Guess{What: "another", Throttle: packaging.ThrottleSecret})
	keeps(t, d, "an hour later", "another: 1, 07:00:01")
}
