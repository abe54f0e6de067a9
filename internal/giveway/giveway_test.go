package giveway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// onFreeRoad runs a test on a clock of its own, on which no press has been yet.
func onFreeRoad(t *testing.T, test func(*testing.T)) {
	t.Helper()
	way = road{}
	synctest.Test(t, test)
}

// stepped returns how long a step waits.
func stepped() time.Duration {
	began := time.Now()
	Step()
	return time.Since(began)
}

func TestWithoutAPressNothingWaits(t *testing.T) {
	onFreeRoad(t, func(t *testing.T) {
		if took := stepped(); took != 0 {
			t.Errorf("a step took %s", took)
		}
	})
}

func TestAStepWaitsUntilTheCallsOfAllPressesHaveLeft(t *testing.T) {
	for name, leaves := range map[string]func(context.Context, func()){
		"its call leaves":  func(ctx context.Context, _ func()) { Left(ctx) },
		"it ends without":  func(_ context.Context, end func()) { end() },
		"it says so twice": func(ctx context.Context, end func()) { Left(ctx); end(); Left(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			onFreeRoad(t, func(t *testing.T) {
				_, first := Press(t.Context())
				ctx, end := Press(t.Context())
				time.AfterFunc(10*time.Millisecond, first)
				time.AfterFunc(20*time.Millisecond, func() { leaves(ctx, end) })
				if took := stepped(); took != 20*time.Millisecond {
					t.Errorf("it waited for %s", took)
				}
				if took := stepped(); took != 0 {
					t.Errorf("after them it waited for %s", took)
				}
			})
		})
	}
}

func TestAPressInsideAPressCountsOnce(t *testing.T) {
	onFreeRoad(t, func(t *testing.T) {
		ctx, end := Press(t.Context())
		inner, endInner := Press(ctx)
		endInner()
		time.AfterFunc(time.Millisecond, func() { Left(inner) })
		if took := stepped(); took != time.Millisecond {
			t.Errorf("it waited for %s", took)
		}
		end()
	})
}

func TestAPressThatWaitsForTheNetworkKeepsNobodyWaiting(t *testing.T) {
	onFreeRoad(t, func(t *testing.T) {
		_, end := Press(t.Context())
		time.Sleep(maxPress + time.Millisecond)
		if took := stepped(); took != 0 {
			t.Errorf("after a second a step waited for %s", took)
		}
		end()
	})
}

func TestHoweverManyPressesComeOthersHaveAQuarterOfTheTime(t *testing.T) {
	onFreeRoad(t, func(t *testing.T) {
		began, worked := time.Now(), time.Duration(0)
		for time.Since(began) < 2*time.Second {
			_, end := Press(t.Context())
			time.AfterFunc(900*time.Millisecond, end)
			Step()
			time.Sleep(time.Millisecond) // its work
			worked += time.Millisecond
		}
		if share := float64(worked) / float64(time.Since(began)); share < 0.2 || share > 0.3 {
			t.Errorf("they worked %.0f percent of the time", 100*share)
		}
	})
}

func TestHoweverSoonOnePressFollowsAnotherOthersHaveAQuarterOfTheTime(t *testing.T) {
	onFreeRoad(t, func(t *testing.T) {
		began, worked := time.Now(), time.Duration(0)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for time.Since(began) < 2*time.Second {
				_, end := Press(t.Context())
				time.Sleep(40 * time.Millisecond)
				end()
				time.Sleep(time.Millisecond) // a break
			}
		}()
		for time.Since(began) < 2*time.Second {
			Step()
			time.Sleep(time.Millisecond) // its work
			worked += time.Millisecond
		}
		<-done
		if share := float64(worked) / float64(time.Since(began)); share < 0.2 {
			t.Errorf("they worked %.0f percent of the time", 100*share)
		}
	})
}
