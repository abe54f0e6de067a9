package replica

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// guardAt returns the guard of a data folder whose Litestream copies to its epoch.
func guardAt(t *testing.T, place Place, data string) *Guard {
	t.Helper()
	g, err := NewGuard(place, filepath.Join(data, "epoch"), func(int64) {}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	g.Look(t.Context())
	if own := g.Own(); own.Number > 0 {
		copyTo(t, place, own.Number)
	}
	return g
}

// copyTo stands for what Litestream writes in an epoch.
func copyTo(t *testing.T, place Place, epoch int64) {
	t.Helper()
	if err := place.Put(t.Context(), DatabaseFolder(epoch)+"/ltx/0/1.ltx", []byte("pages")); err != nil {
		t.Fatal(err)
	}
}

func reason(err error) packaging.Reason {
	if err == nil {
		return ""
	}
	return packaging.NotSentOf(err).Reason
}

// promoted has another machine begin the next epoch of a place.
func promoted(t *testing.T, place Place) {
	t.Helper()
	latest, err := Latest(t.Context(), place)
	if err == nil {
		e := NewEpoch(latest.Number+1, time.Now())
		e.Host = "second"
		err = Begin(t.Context(), place, e)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestOnlyOneOfSeveralBeginsAnEpoch(t *testing.T) {
	t.Parallel()
	place := folder{t.TempDir()}
	var first sync.WaitGroup
	won := make(chan string, 20)
	for range 20 {
		first.Go(func() {
			e := NewEpoch(1, time.Now())
			switch err := Begin(t.Context(), place, e); {
			case err == nil:
				won <- e.ID
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	first.Wait()
	close(won)
	winner := <-won
	if latest, err := Latest(t.Context(), place); err != nil || latest.ID != winner || len(won) != 0 {
		t.Errorf("%d others won too; the place has %+v, %v", len(won), latest, err)
	}
}

func TestAReleaseLeavesOnlyInTheEpochOfThisLineboard(t *testing.T) {
	t.Parallel()
	place, data := folder{t.TempDir()}, t.TempDir()
	g := guardAt(t, place, data)
	if err := g.Depart(t.Context()); err != nil || g.Own().Number != 1 || g.Ready() != nil {
		t.Fatalf("%v in epoch %+v", err, g.Own())
	}
	again := guardAt(t, place, data) // as after a restart
	if err := again.Depart(t.Context()); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	promoted(t, place)
	if err := g.Depart(t.Context()); reason(err) != packaging.TakenOver {
		t.Errorf("after a promotion: %v", err)
	}
	select {
	case <-g.Over():
	default:
		t.Error("what must end then is not told")
	}
	if over := g.TakenOver(); over == nil || over.Host != "second" || over.Number != 2 {
		t.Errorf("taken over by %+v", over)
	}
	if packaging.CodeOf(g.Ready()) != packaging.Unavailable {
		t.Error("presses are still taken")
	}
	restarted := guardAt(t, place, data)
	if reason(restarted.Depart(t.Context())) != packaging.TakenOver {
		t.Error("the next start does not know of it")
	}
	stranger := guardAt(t, place, t.TempDir())
	if reason(stranger.Depart(t.Context())) != packaging.TakenOver {
		t.Error("a Lineboard without an epoch releases")
	}
}

func TestNothingLeavesWhileThePlaceCanNotSayWhoReleases(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, path string, g *Guard){
		"the place is gone": func(t *testing.T, path string, _ *Guard) {
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(path + ".away") })
		},
		"another, empty place": func(t *testing.T, path string, _ *Guard) {
			if err := errors.Join(os.Rename(path, path+".away"), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(path + ".away") })
		},
		"the machine slept while it was asked": func(_ *testing.T, _ string, g *Guard) {
			at := time.Duration(0)
			g.clock = func() time.Duration { at += 3 * time.Second; return at }
		},
		"it hangs": func(_ *testing.T, _ string, g *Guard) { g.place = hangs{g.place} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			g := guardAt(t, folder{path}, t.TempDir())
			if err := g.Depart(t.Context()); err != nil {
				t.Fatal(err)
			}
			spoil(t, path, g)
			began := time.Now()
			if err := g.Depart(t.Context()); reason(err) != packaging.NotCopied || time.Since(began) > 10*time.Second {
				t.Errorf("%v after %s", err, time.Since(began))
			}
			if g.TakenOver() != nil {
				t.Error("it counts as taken over")
			}
		})
	}
}

func TestNothingLeavesBeforeLitestreamCopiesToTheEpoch(t *testing.T) {
	t.Parallel()
	place := folder{t.TempDir()}
	g, err := NewGuard(
		place, filepath.Join(t.TempDir(), "epoch"), func(int64) {}, time.Now, slog.New(slog.DiscardHandler),
	)
	if err != nil {
		t.Fatal(err)
	}
	g.Look(t.Context())
	if err := g.Depart(t.Context()); reason(err) != packaging.NotCopied {
		t.Errorf("%v", err)
	}
	copyTo(t, place, 1)
	if err := g.Depart(t.Context()); err != nil {
		t.Errorf("%v", err)
	}
}

// hangs is a place that answers nothing.
type hangs struct{ Place }

func (hangs) Get(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	time.Sleep(50 * time.Millisecond) // as a file system that knows of no context
	return nil, ctx.Err()
}
