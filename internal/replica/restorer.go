package replica

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Restorer has Litestream's program restore a database from the copy.
type Restorer struct {
	Program  string
	Place    Place
	Database string // whole path, as Litestream knows it
	Folder   string // of the followed copy; it need not be there

	// GetsOn is called as long as what is restored gets on; nil for nobody.
	GetsOn func()

	stands time.Duration // how long Litestream may do nothing; 0 for maxStand
}

// maxStand is how long Litestream may write nothing while it restores: so long that a busy machine gets there, and not
// for ever, since the place may hang.
const maxStand = 2 * time.Minute

func (r Restorer) maxStand() time.Duration { return cmp.Or(r.stands, maxStand) }

// whileGrows returns a context that ends when nothing was written to a folder for too long.
func (r Restorer) whileGrows(ctx context.Context, folder string) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		size, since := int64(-1), time.Now()
		for ctx.Err() == nil {
			if now := sizeOf(folder); now != size {
				size, since = now, time.Now()
				r.getsOn()
			}
			if time.Since(since) > r.maxStand() {
				end(fmt.Errorf("nothing was restored for %s: the copy's place may hang", r.maxStand()))
			}
			select {
			case <-ctx.Done():
			case <-time.After(r.maxStand() / 100):
			}
		}
	}()
	return ctx, func() { end(nil) }
}

func (r Restorer) getsOn() {
	if r.GetsOn != nil {
		r.GetsOn()
	}
}

// sizeOf returns how large the files of a folder are together.
func sizeOf(folder string) (size int64) {
	entries, _ := os.ReadDir(folder) // one that is not there holds nothing
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
	}
	return size
}

// ErrFollowed is why a followed copy can't be used: a follower still writes to it.
var ErrFollowed = errors.New("lineboard follow runs here, or the litestream that it started: stop it first")

// Names in the folder of a followed copy.
const (
	followLock = "lock"
	positionOf = "-txid" // added to the name of a database: how far it has come, written by Litestream
	configName = "litestream.yml"
)

// command returns a command of Litestream that restores an epoch's copy. Its configuration goes to a folder.
func (r Restorer) command(ctx context.Context, epoch int64, folder string, args ...string) (*exec.Cmd, error) {
	config, err := RestoringConfig(r.Place, epoch, r.Database)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(folder, configName)
	if err := WriteFile(file, config); err != nil {
		return nil, err
	}
	args = slices.Concat([]string{"restore", "-config", file, "-no-expand-env"}, args, []string{r.Database})
	command := exec.CommandContext(ctx, r.Program, args...)
	command.Env = append(os.Environ(), r.Place.Env()...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = stopDelay
	return command, nil
}

// stopDelay is how long Litestream may take to end.
const stopDelay = 5 * time.Second

// Restore puts the end of an epoch's copy into a new file, from the followed copy where that is there.
func (r Restorer) Restore(ctx context.Context, epoch int64, to string) error {
	if r.Folder != "" {
		switch caught, err := r.takeFollowed(ctx, epoch, to); {
		case errors.Is(err, ErrFollowed):
			return err
		case caught && err == nil:
			return nil
		}
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	ctx, end := r.whileGrows(ctx, filepath.Dir(to))
	defer end()
	command, err := r.command(ctx, epoch, filepath.Dir(to), "-o", to)
	if err != nil {
		return err
	}
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("litestream restore: %w\n%s", errors.Join(err, context.Cause(ctx)), said)
	}
	return nil
}

// Lock keeps followers from the followed copy until it is closed. It fails with [ErrFollowed] if one is there.
func (r Restorer) Lock() (*FollowLock, error) {
	if err := os.MkdirAll(r.Folder, 0o700); err != nil {
		return nil, err
	}
	return lockFile(filepath.Join(r.Folder, followLock))
}

// followed returns the file of the followed copy of an epoch.
func (r Restorer) followed(epoch int64) string {
	return filepath.Join(r.Folder, EpochFolder(epoch), filepath.Base(r.Database))
}

// Prepare has an epoch's copy restored as a followed copy, unless there is one. What can't be restored here, as where the
// disk is full, is known before anybody takes over. The lock keeps followers away.
func (r Restorer) Prepare(ctx context.Context, epoch int64, lock *FollowLock) error {
	if position(r.followed(epoch)) != "" {
		return nil
	}
	folder := filepath.Dir(r.followed(epoch))
	ctx, done := r.whileGrows(ctx, folder)
	defer done()
	end, err := r.end(ctx, epoch)
	if err == nil {
		err = r.catchUp(ctx, epoch, lock, end, 0)
	}
	if err != nil {
		return errors.Join(err, context.Cause(ctx), os.RemoveAll(folder))
	}
	return nil
}

// takeFollowed brings the followed copy of an epoch to the end of the copy, and moves it to a file. It reports whether
// it could.
func (r Restorer) takeFollowed(ctx context.Context, epoch int64, to string) (caught bool, err error) {
	from := r.followed(epoch)
	if position(from) == "" {
		return false, nil
	}
	lock, err := r.Lock()
	if err != nil {
		return false, err
	}
	defer lock.Close()
	for range maxCatchUps {
		end, err := r.end(ctx, epoch)
		if err != nil {
			return false, err
		}
		if position(from) >= end {
			if err := os.Rename(from, to); err != nil {
				return false, err
			}
			return true, os.RemoveAll(filepath.Dir(from))
		}
		if err := r.catchUp(ctx, epoch, lock, end, maxCatchUp); err != nil {
			return false, err
		}
	}
	return false, errStands
}

// maxCatchUps is how often a followed copy is brought to the end of the copy, which moves on while another Lineboard
// still writes. A follower that is stopped may have written a part of what it was at: only where nothing more is at the
// place once it has stopped, the followed copy is whole.
const maxCatchUps = 50

// position returns how far a followed copy has come, empty if it is not there as a whole.
func position(database string) string {
	at, err := os.ReadFile(database + positionOf)
	if _, missing := os.Stat(database); err != nil || missing != nil {
		return ""
	}
	return strings.TrimSpace(string(at))
}

// end returns the position of the end of an epoch's copy. Positions have the same number of digits.
func (r Restorer) end(ctx context.Context, epoch int64) (string, error) {
	folder := filepath.Join(r.Folder, EpochFolder(epoch))
	ctx, cancel := context.WithTimeout(ctx, r.maxStand())
	defer cancel()
	command, err := r.command(ctx, epoch, folder, "-dry-run", "-json", "-o", filepath.Join(folder, "none"))
	if err != nil {
		return "", err
	}
	var failed bytes.Buffer
	command.Stderr = &failed
	said, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("litestream restore -dry-run: %w\n%s", err, failed.Bytes())
	}
	var plan struct {
		End string `json:"max_txid"`
	}
	if err := json.Unmarshal(said, &plan); err != nil || plan.End == "" {
		return "", fmt.Errorf("the plan of litestream can't be read: %q", said)
	}
	return plan.End, nil
}

// maxCatchUp is how long a followed copy may stand still before it is given up.
const maxCatchUp = 5 * time.Second

var errStands = errors.New("the followed copy does not come to the end")

// catchUp follows the copy until the position of its end. It gives up when the copy stands still for so long;
// 0 leaves that to ctx.
func (r Restorer) catchUp(ctx context.Context, epoch int64, lock *FollowLock, end string, stands time.Duration) error {
	database := r.followed(epoch)
	if position(database) >= end {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	var said bytes.Buffer
	follower, err := r.follow(ctx, epoch, lock, 20*time.Millisecond, &said)
	if err != nil {
		stop()
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- follower.Wait() }()
	defer func() {
		stop()
		<-ended
	}()
	at, since := "", time.Now()
	for {
		now := position(database)
		switch {
		case now >= end:
			return nil
		case now != at:
			at, since = now, time.Now()
			r.getsOn()
		case stands > 0 && time.Since(since) > stands:
			return errStands
		}
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("%w: litestream restore ended with %v\n%s", errStands, err, said.Bytes())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// follow starts a follower of an epoch's copy, whose words go to said. It keeps the lock as long as it lives, even
// without this process.
func (r Restorer) follow(
	ctx context.Context, epoch int64, lock *FollowLock, every time.Duration, said io.Writer,
) (*exec.Cmd, error) {
	to := r.followed(epoch)
	command, err := r.command(ctx, epoch, filepath.Dir(to), "-f", "-follow-interval", every.String(), "-o", to)
	if err != nil {
		return nil, err
	}
	inherit(command, lock)
	command.Stdout, command.Stderr = said, said
	return command, command.Start()
}

// Follow keeps a followed copy of the epoch that has one, until ctx ends.
func (r Restorer) Follow(ctx context.Context, log *slog.Logger) error {
	lock, err := r.Lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	pause := followGap
	for ctx.Err() == nil {
		began := time.Now()
		err := r.followLatest(ctx, lock, log)
		pause = pauseAfter(pause, err, time.Since(began))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// followLatest follows the copy of the epoch that has one, until another one has. It fails if what was followed so far
// is of no use any more.
func (r Restorer) followLatest(ctx context.Context, lock *FollowLock, log *slog.Logger) error {
	epoch, err := r.copied(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		log.Error("the copy can't be followed", "place", r.Place.String(), "err", err)
		return nil
	case epoch == 0:
		return nil
	}
	log.Info("following the copy", "epoch", epoch, "place", r.Place.String())
	if err = r.followOne(ctx, epoch, lock); err != nil {
		log.Error("the follower ended", "epoch", epoch, "err", err)
	}
	return err
}

// pauseAfter returns the pause of a follower that ended after so long. Each time that it fails, all is fetched anew: where
// it fails at once, as on a full disk, the pauses grow.
func pauseAfter(pause time.Duration, err error, lived time.Duration) time.Duration {
	if err == nil || lived > maxFollowGap {
		return followGap
	}
	return min(2*pause, maxFollowGap)
}

// Pauses of a follower. Each time Litestream lists nine folders, and a store of objects is paid for that. What came
// since is fetched by the promotion.
const (
	followGap    = 5 * time.Second // between two looks at the place
	followEvery  = 5 * time.Second
	maxFollowGap = 5 * time.Minute // after one that failed
)

func (r Restorer) copied(ctx context.Context) (int64, error) {
	latest, err := Latest(ctx, r.Place)
	if err != nil {
		return 0, err
	}
	return Copied(ctx, r.Place, latest.Number)
}

// followOne follows the copy of an epoch until another one has a copy. One that can't be followed any further is
// restored anew.
func (r Restorer) followOne(ctx context.Context, epoch int64, lock *FollowLock) error {
	if err := r.dropOthers(epoch); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	follower, err := r.follow(ctx, epoch, lock, followEvery, nil)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- follower.Wait() }()
	for {
		select {
		case err := <-ended:
			if ctx.Err() != nil {
				return nil
			}
			return errors.Join(err, os.RemoveAll(filepath.Dir(r.followed(epoch))))
		case <-time.After(followGap):
		}
		if now, err := r.copied(ctx); err == nil && now != epoch {
			stop()
			<-ended
			return nil
		}
	}
}

// dropOthers removes the followed copies of other epochs.
func (r Restorer) dropOthers(epoch int64) error {
	entries, err := os.ReadDir(r.Folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != EpochFolder(epoch) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(r.Folder, e.Name())))
		}
	}
	return err
}
