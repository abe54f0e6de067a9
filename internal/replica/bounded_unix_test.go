//go:build unix

package replica

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hanging is a folder in which nobody gets to read the file of the first epoch, as on a file system that is gone.
func hanging(t *testing.T) (path string) {
	t.Helper()
	path = t.TempDir()
	if err := errors.Join(
		os.Mkdir(filepath.Join(path, epochsFolder), 0o700), unix.Mkfifo(filepath.Join(path, epochName(1)), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // let the one go who waits
		if writer, err := os.OpenFile(filepath.Join(path, epochName(1)), os.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
			_ = writer.Close()
		}
	})
	return path
}

func TestWhoTakesOverWaitsForNoPlaceThatHangs(t *testing.T) {
	t.Parallel()
	place, err := Open(hanging(t), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Latest(t.Context(), newBounded(place, 50*time.Millisecond)); !errors.Is(err, errHangs) {
		t.Errorf("it says %v", err)
	}
}

func TestARestoreThatStandsStillIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "litestream")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	r := Restorer{
		Program: program, Place: folder{t.TempDir()}, Database: filepath.Join(t.TempDir(), "lineboard.db"),
		stands: 200 * time.Millisecond,
	}
	err := r.Restore(t.Context(), 1, filepath.Join(t.TempDir(), "restored.db"))
	if err == nil || !strings.Contains(err.Error(), "may hang") {
		t.Errorf("it says %v", err)
	}
}

// A server that is so busy that it lets nobody in within the time of one question is reached by those that follow.
func TestAServerThatIsSlowToLetSomebodyInIsReachedAllTheSame(t *testing.T) {
	t.Parallel()
	server := newSFTP(t)
	slow, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	go func() {
		for {
			from, err := slow.Accept()
			if err != nil {
				return
			}
			go func() {
				defer from.Close()
				time.Sleep(time.Second)
				to, err := net.Dial("tcp", server.address)
				if err != nil {
					return
				}
				defer to.Close()
				go io.Copy(to, from) //nolint:errcheck // until one of them closes
				_, _ = io.Copy(from, to)
			}()
		}
	}()
	place, err := Open("sftp://line@"+slow.Addr().String()+t.TempDir(), server.keyFile, server.hostKey)
	if err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(60 * time.Second); ; {
		_, err := answered(t.Context(), newBounded(nil, 300*time.Millisecond), func(ctx context.Context) ([]string, error) {
			return place.List(ctx, "epochs")
		})
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("it is never reached: %v", err)
		}
	}
}

func TestAFollowerThatFailsAtOnceFetchesAllAnewLessAndLessOften(t *testing.T) {
	pause, full := followGap, errors.New("no space left on device")
	for range 20 {
		was := pause
		if pause = pauseAfter(pause, full, time.Second); pause < was || pause > maxFollowGap {
			t.Fatalf("after %s, %s", was, pause)
		}
	}
	if pause != maxFollowGap {
		t.Errorf("in the end %s", pause)
	}
	for _, good := range []time.Duration{pauseAfter(pause, nil, 0), pauseAfter(pause, full, time.Hour)} {
		if good != followGap {
			t.Errorf("after one that went well, %s", good)
		}
	}
}

// What is written to an empty mount point is missing from the copy once the place is mounted: nobody could restore it.
func TestAPlaceThatIsNotMountedTakesNothing(t *testing.T) {
	t.Parallel()
	server, database := newSFTP(t), filepath.Join(t.TempDir(), "lineboard.db")
	for kind, address := range map[string]string{"folder": "", "sftp": "sftp://line@" + server.address} {
		root := filepath.Join(t.TempDir(), "place")
		place, err := Open(address+root, server.keyFile, server.hostKey)
		if err = errors.Join(err, os.Mkdir(root, 0o700)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(
			Begin(t.Context(), place, NewEpoch(1, time.Now())), place.Put(t.Context(), "000001/canary", nil),
		); err != nil {
			t.Fatal(err)
		}
		raw, err := ReplicatingConfig(place, 1, database, "/run/s")
		if err != nil {
			t.Fatal(err)
		}
		var config struct {
			DBs []struct {
				Replica struct{ Type, Path string }
			}
		}
		if err := json.Unmarshal(raw, &config); err != nil {
			t.Fatal(err)
		}
		litestream := config.DBs[0].Replica
		writes := func() error { return os.MkdirAll(filepath.Join(litestream.Path, "ltx", "0"), 0o700) }
		if litestream.Type == "file" {
			if err := writes(); err != nil {
				t.Errorf("while it is mounted: %v", err)
			}
		}
		if err := errors.Join(os.Rename(root, root+".away"), os.Mkdir(root, 0o700)); err != nil {
			t.Fatal(err)
		}
		if err := place.Put(t.Context(), "000001/anchors/00000000", nil); err == nil {
			t.Errorf("%s: Lineboard writes there", kind)
		}
		if litestream.Type == "file" && writes() == nil {
			t.Errorf("%s: Litestream writes there", kind)
		}
		if there, err := os.ReadDir(root); err != nil || len(there) > 0 {
			t.Errorf("%s has %v, %v", kind, there, err)
		}
	}
}

// tornScript follows a copy to its end. Then more is copied, of which it has written a part when it is stopped.
const tornScript = `#!/bin/sh
place=$(dirname "$0")
case $5 in
-dry-run) echo "{\"max_txid\": \"$(cat "$place/end")\"}" ;;
-f)
	end=$(cat "$place/end")
	echo "whole $end" >"$9"
	if [ "$end" = 2 ]; then echo torn >"$9"; echo 3 >"$place/end"; fi
	echo "$end" >"$9-txid"
	exec sleep 600 ;;
*) exit 1 ;;
esac
`

func TestAFollowedCopyIsTakenOnlyWhereNothingWasBeingWrittenToIt(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	r := Restorer{
		Program: filepath.Join(folder, "litestream"), Place: mount{}, Database: filepath.Join(folder, "lineboard.db"),
		Folder: filepath.Join(folder, "follower"),
	}
	followed := r.followed(1)
	if err := errors.Join(
		os.WriteFile(r.Program, []byte(tornScript), 0o700), //nolint:gosec // it is run
		os.WriteFile(filepath.Join(folder, "end"), []byte("2"), 0o600), os.MkdirAll(filepath.Dir(followed), 0o700),
		os.WriteFile(followed, []byte("whole 1"), 0o600), os.WriteFile(followed+positionOf, []byte("1"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(folder, "restored.db")
	if err := r.Restore(t.Context(), 1, to); err != nil {
		t.Fatal(err)
	}
	if has, err := os.ReadFile(to); err != nil || string(has) != "whole 3\n" {
		t.Errorf("it has %q, %v", has, err)
	}
}

func TestALockThatIsGivenBackIsFreeThoughAProcessThatIsJustStartedHasACopyOfTheFile(t *testing.T) {
	t.Parallel()
	r := Restorer{Folder: t.TempDir()}
	lock, err := r.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Lock(); !errors.Is(err, ErrFollowed) {
		t.Errorf("while somebody has it: %v", err)
	}
	copied, err := unix.Dup(int(lock.Fd())) // as between fork and exec
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(copied) //nolint:errcheck // it was for the lock alone
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := r.Lock()
	if err != nil {
		t.Fatalf("once it is given back: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
