package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lineboard/internal/packaging"
)

// copying returns a copy whose requests are made by sync. Orders whose marks change are sent to marked.
func copying(sync func(context.Context) error, change func(*Options)) (c *Copy, marked *[]packaging.OrderID) {
	marked = &[]packaging.OrderID{}
	o := Options{
		Sync: sync, Limit: 2 * time.Second, Written: func() (int64, time.Duration) { return 1, 0 },
		GoesOn:  func(context.Context, packaging.TenantID) (bool, error) { return false, nil },
		WentOn:  func(context.Context, packaging.Order) error { return nil },
		Refuses: func(context.Context) (bool, error) { return true, nil },
		Marked: func(orders []packaging.Order) {
			for _, o := range orders {
				*marked = append(*marked, o.ID)
			}
		},
		Began: func() {},
		Now:   time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	return New(o), marked
}

var order = packaging.Order{ID: 7, TenantID: 1, Release: &packaging.Release{ID: 9}}

func TestThoseWhoWaitTogetherShareOneRequestThatBeganAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		c, _ := copying(func(context.Context) error {
			requests.Add(1)
			time.Sleep(100 * time.Millisecond)
			return nil
		}, nil)
		began := time.Now()
		ends := make(chan time.Duration, 50)
		for i := range 50 {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				if err := c.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				ends <- time.Since(began)
			}()
		}
		first, others := 0, 0
		for range 50 {
			switch took := <-ends; took {
			case 100 * time.Millisecond:
				first++
			case 200 * time.Millisecond: // theirs began once the first had ended
				others++
			default:
				t.Errorf("somebody waited for %s", took)
			}
		}
		if requests.Load() != 2 || first != 1 || others != 49 {
			t.Errorf("%d requests, %d waited for the first and %d for the second", requests.Load(), first, others)
		}
	})
}

func TestAWaitEndsInTimeAndSaysWhatIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := errors.New("the disk is full")
		c, _ := copying(func(ctx context.Context) error {
			if fails != nil {
				return fails
			}
			<-ctx.Done() // it hangs
			return ctx.Err()
		}, nil)
		if err := c.Claimed(t.Context(), order); packaging.NotSentOf(err).Reason != packaging.NotCopied {
			t.Errorf("a full disk: %v", err)
		}
		fails = nil
		for range 3 {
			began := time.Now()
			err := c.Claimed(t.Context(), order)
			if took := time.Since(began); took != 2*time.Second ||
				packaging.NotSentOf(err).Reason != packaging.NotCopied {
				t.Errorf("after %s: %v", took, err)
			}
		}
		if s := c.State(); s.Problem == "" || s.Behind.IsZero() || !s.Confirmed.IsZero() {
			t.Errorf("%+v", s)
		}
		if packaging.CodeOf(c.Confirmed(t.Context())) != packaging.Unavailable {
			t.Error("it is not said that releases are refused")
		}
		time.Sleep(time.Minute) // the requests under way end
	})
}

func TestASiteThatGoesOnWithoutTheCopyHasItsReleasesMarkedUntilTheyAreInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		c, marked := copying(func(context.Context) error { return down }, func(o *Options) {
			o.GoesOn = func(context.Context, packaging.TenantID) (bool, error) { return true, nil }
			o.Refuses = func(context.Context) (bool, error) { return false, nil }
		})
		if err := c.Claimed(t.Context(), order); err != nil {
			t.Errorf("the release does not go on: %v", err)
		}
		c.Settled(t.Context(), order)
		if !c.NotYet(order.Release.ID) || c.Confirmed(t.Context()) != nil {
			t.Errorf("marked: %t, refused: %v", c.NotYet(order.Release.ID), c.Confirmed(t.Context()))
		}
		down = nil
		if err := c.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c.NotYet(order.Release.ID) || !slices.Equal(*marked, []packaging.OrderID{7, 7, 7}) {
			t.Errorf("marked: %t, told of %v", c.NotYet(order.Release.ID), *marked)
		}
	})
}

func TestBesideAStandbyNoReleaseGoesOnWithoutTheCopy(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	guard := guardAt(t, folder{t.TempDir()}, t.TempDir())
	c, marked := copying(func(context.Context) error { return down }, func(o *Options) {
		o.Guard = guard
		o.GoesOn = func(context.Context, packaging.TenantID) (bool, error) { return true, nil }
	})
	if err := c.Claimed(t.Context(), order); reason(err) != packaging.NotCopied || len(*marked) > 0 {
		t.Errorf("it says %v, and marks %v", err, *marked)
	}
}

// A copy holds what was committed before it began, and nothing of a release that came since.
func TestAReleaseThatCameSinceACopyBeganKeepsItsMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *Copy
		again := func() {}
		c, _ = copying(func(context.Context) error { again(); return nil }, nil)
		c.mark(order)
		again = func() { c.mark(order) }
		if err := c.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !c.NotYet(order.Release.ID) {
			t.Error("the mark of the later release is gone")
		}
		again = func() {}
		if err := c.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c.NotYet(order.Release.ID) {
			t.Error("the mark stays")
		}
	})
}

func TestAWaitMayTakeLongerAfterLongWritingAndEndsAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var writing atomic.Int64
		slow := 7 * time.Second
		c, _ := copying(func(ctx context.Context) error {
			select {
			case <-time.After(slow):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, func(o *Options) {
			o.Written = func() (int64, time.Duration) { return 1, time.Duration(writing.Load()) }
		})
		writing.Store(int64(2 * time.Second)) // an import
		if err := c.Wait(t.Context()); err != nil {
			t.Errorf("beside an import: %v", err)
		}
		began := time.Now()
		if err := c.Wait(t.Context()); err == nil || time.Since(began) != 2*time.Second {
			t.Errorf("once that is copied: %v after %s", err, time.Since(began))
		}
		synctest.Wait()
		slow = time.Hour
		writing.Store(int64(time.Hour))
		began = time.Now()
		if err := c.Wait(t.Context()); err == nil || time.Since(began) > 2*time.Second+maxAllowed {
			t.Errorf("without an end: %v after %s", err, time.Since(began))
		}
		synctest.Wait()
	})
}

func TestAWaitGoesOnWhileSomethingLongIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var writing atomic.Int64
		writing.Store(int64(5 * time.Second))
		long := func() time.Duration { return time.Duration(writing.Load()) }
		written := func() (int64, time.Duration) { return 1, min(time.Since(began), long()) }
		c, _ := copying(func(ctx context.Context) error { // it waits until nothing is being written
			select {
			case <-time.After(long() + time.Second - time.Since(began)):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}, func(o *Options) { o.Written = written })
		if err := c.Wait(t.Context()); err != nil || time.Since(began) != long()+time.Second {
			t.Errorf("beside an import: %v after %s", err, time.Since(began))
		}
		writing.Store(int64(time.Hour))
		asked := time.Now()
		if err := c.Wait(t.Context()); err == nil || time.Since(asked) > 2*time.Second+maxAllowed {
			t.Errorf("beside what never ends: %v after %s", err, time.Since(asked))
		}
		synctest.Wait()
	})
}

func TestWhatNobodyWaitsForIsCopiedTooAndTheLagIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var commits atomic.Int64
		var hangs atomic.Bool
		c, _ := copying(func(context.Context) error {
			if hangs.Load() {
				return errors.New("hung")
			}
			return nil
		}, func(o *Options) {
			o.Written = func() (int64, time.Duration) { return commits.Load(), 0 }
		})
		ctx, end := context.WithCancel(t.Context())
		defer end()
		go c.Run(ctx) //nolint:errcheck // it returns nil
		synctest.Wait()
		if s := c.State(); s.Lag(time.Now()) != 0 || s.Confirmed.IsZero() {
			t.Errorf("at the start: %+v", s)
		}
		hangs.Store(true)
		commits.Add(1)
		time.Sleep(10*time.Second + time.Millisecond)
		if lag := c.State().Lag(time.Now()); lag < 8*time.Second || lag > 11*time.Second {
			t.Errorf("the lag is %s", lag)
		}
		hangs.Store(false)
		time.Sleep(2 * time.Second)
		if s := c.State(); s.Lag(time.Now()) != 0 || s.Problem != "" {
			t.Errorf("in the end: %+v", s)
		}
		end()
		synctest.Wait()
	})
}

// litestreamAt serves a control socket, and returns its path.
func litestreamAt(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: listener, Config: &http.Server{Handler: answer}}
	s.Start()
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	return socket
}

func TestOnlyTheWordOfLitestreamThatItCopiedThisDatabaseCounts(t *testing.T) {
	t.Parallel()
	var asked struct {
		Path string `json:"path"`
		Wait bool   `json:"wait"`
	}
	for name, c := range map[string]struct {
		status int
		body   string
		want   string // in the error, empty for none
	}{
		"copied": {
			200, `{"status":"synced","path":"/data/lineboard.db","txid":7,"replicated_txid":7}`, "",
		},
		"copied before": {
			200, `{"status":"no_change","path":"/data/lineboard.db","txid":7,"replicated_txid":7}`, "",
		},
		"written to since": {
			200, `{"status":"synced","path":"/data/lineboard.db","txid":9,"replicated_txid":7}`, "",
		},
		"another database": {
			200, `{"status":"synced","path":"/other.db","txid":7,"replicated_txid":7}`, "/other.db",
		},
		"nothing": {
			200, `{"status":"no_change","path":"/data/lineboard.db","txid":0,"replicated_txid":0}`, "nothing",
		},
		"unknown to it":       {404, `{"error":"database not found: /data/lineboard.db"}`, "database not found"},
		"its disk is full":    {500, `{"error":"sync database: no space left on device"}`, "no space left"},
		"something else":      {200, `<html>`, "can't be read"},
		"something else, 502": {502, ``, "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			socket := litestreamAt(t, func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewDecoder(r.Body).Decode(&asked)
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			})
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			err := NewLitestream(socket, "/data/lineboard.db").Sync(ctx)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			if asked.Path != "/data/lineboard.db" || !asked.Wait {
				t.Errorf("asked for %+v", asked)
			}
		})
	}
}

func TestALitestreamThatIsNotThereOrHangsIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	hangs := make(chan struct{})
	defer close(hangs)
	for name, socket := range map[string]string{
		"not there": filepath.Join(t.TempDir(), "s"),
		"hangs":     litestreamAt(t, func(http.ResponseWriter, *http.Request) { <-hangs }),
	} {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := NewLitestream(socket, "/data/lineboard.db").Sync(ctx)
		cancel()
		if err == nil || strings.Contains(err.Error(), "%!") || time.Since(began) > 15*time.Second {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
	}
}
