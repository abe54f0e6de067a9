package packaging_test

import (
	"testing"
	"time"

	"lineboard/internal/packaging"
)

func TestEachWrongTryThatIsNotFreeDoublesTheWait(t *testing.T) {
	for name, test := range map[string]struct {
		throttle packaging.Throttle
		waits    map[float64]time.Duration
	}{
		"one secret": {packaging.ThrottleSecret, map[float64]time.Duration{
			0: 0, 4: 0, 5: 30 * time.Second, 6: time.Minute, 7: 2 * time.Minute, 9: 8 * time.Minute,
			10:        15 * time.Minute,
			1_000_000: 15 * time.Minute,
		}},
		"all PINs at a station": {packaging.ThrottlePINs, map[float64]time.Duration{19: 0, 20: 30 * time.Second}},
		"the password of a person at an address": {packaging.ThrottlePersonAtAddress, map[float64]time.Duration{
			4: 0, 4.4: 0, 4.6: time.Second, 5: time.Second, 6: 2 * time.Second, 14: 512 * time.Second,
			15:  15 * time.Minute,
			1e9: 15 * time.Minute,
		}},
		"the password of a person where they sign in": {
			packaging.ThrottlePersonAtKnownAddress,
			map[float64]time.Duration{
				4: 0, 5: time.Second, 10: 32 * time.Second, 11: time.Minute, 1e9: time.Minute,
			},
		},
		"the password of a person": {packaging.ThrottlePerson, map[float64]time.Duration{
			19: 0, 20: time.Second, 25: 32 * time.Second, 26: time.Minute,
		}},
		"passwords from an address": {packaging.ThrottleAddress, map[float64]time.Duration{
			49: 0, 50: time.Second, 54: 16 * time.Second, 55: 30 * time.Second, 1e9: 30 * time.Second,
		}},
		"one whose first wait is too long": {
			packaging.Throttle{FirstWait: time.Hour, MaxWait: time.Minute},
			map[float64]time.Duration{0: time.Minute},
		},
	} {
		for wrong, want := range test.waits {
			if got := test.throttle.WaitAfter(wrong); got != want {
				t.Errorf("%s, %v wrong tries: %v, want %v", name, wrong, got, want)
			}
		}
	}
}

func TestWrongTriesAreForgivenOrForgotten(t *testing.T) {
	for _, test := range []struct {
		throttle packaging.Throttle
		wrong    float64
		since    time.Duration
		want     float64
	}{
		{packaging.ThrottlePersonAtAddress, 7, 0, 7},
		{packaging.ThrottlePersonAtAddress, 7, 10 * time.Minute, 6},
		{packaging.ThrottlePersonAtAddress, 7, 5 * time.Minute, 6.5},
		{packaging.ThrottlePersonAtAddress, 7, 24 * time.Hour, 0},
		{packaging.ThrottleAddress, 7, time.Minute, 5},
		{packaging.ThrottleSecret, 7, time.Hour, 7},
		{packaging.ThrottleSecret, 7, time.Hour + 1, 0},
		{packaging.Throttle{}, 7, 24 * 365 * time.Hour, 7},
	} {
		if got := test.throttle.Left(test.wrong, test.since); got != test.want {
			t.Errorf("%+v: %v after %v, want %v", test.throttle, got, test.since, test.want)
		}
	}
}
