package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lineboard/db"
	"lineboard/internal/anchors"
	"lineboard/internal/packaging"
)

// ofAnchors is how the anchors of a backup are named after it.
const ofAnchors = ".anchors.log"

// makeBackup copies one state of the database to a new file, and the anchors of that state beside it. The key stays
// where it is: a backup must not give its reader the credentials.
func makeBackup(ctx context.Context, database, anchorsFile, to string) error {
	if err := db.Backup(ctx, database, to); err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	if err := copyAnchors(ctx, anchorsFile, to); err != nil {
		return errors.Join(
			fmt.Errorf("the anchors of the backup can't be copied, so it was removed: %w", err), os.Remove(to),
		)
	}
	return nil
}

// copyAnchors copies those anchors beside a backup that are of its state.
func copyAnchors(ctx context.Context, anchorsFile, backup string) error {
	copied, err := db.OpenToRead(ctx, backup)
	if err != nil {
		return err
	}
	defer copied.Close() //nolint:errcheck // nothing was written
	return anchors.Copy(ctx, copied, anchorsFile, backup+ofAnchors)
}

// proveBackup fails unless a backup can be opened, is whole, and holds histories that are what its own anchors say.
func proveBackup(ctx context.Context, file string) error {
	if _, err := db.Readable(ctx, file); err != nil {
		return err
	}
	copied, err := db.OpenToRead(ctx, file)
	if err != nil {
		return err
	}
	defer copied.Close() //nolint:errcheck // nothing was written
	return verifyAll(ctx, copied, file+ofAnchors)
}

// verifyAll fails unless all histories and records of a database are what its anchors say, but for losses that it knows
// of.
func verifyAll(ctx context.Context, store *db.DB, anchorsFile string) error {
	var broken []error
	err := verdicts(ctx, store, anchorsFile, func(t packaging.Tenant, verdict packaging.Verdict) {
		if verdict.Faulty() {
			broken = append(broken, fmt.Errorf("the data of tenant %s is not what it was: %s", t.Slug, verdict))
		}
	})
	return errors.Join(append(broken, err)...)
}

// verdicts verifies the history and all records of each tenant against the anchors in a file, admitting the losses that
// the database knows of. A tenant that only the anchors know has a verdict without its key.
func verdicts(
	ctx context.Context, store *db.DB, anchorsFile string, tell func(packaging.Tenant, packaging.Verdict),
) error {
	tenants, err := store.Tenants(ctx)
	if err != nil {
		return err
	}
	losses, err := store.Losses(ctx)
	if err != nil {
		return err
	}
	verifier := anchors.NewVerifier(store, anchorsFile)
	indexes, err := verifier.IndexFaults(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		verdict, err := verifier.VerifyAll(ctx, t.ID, indexes, losses, func(int, int) {})
		if err != nil {
			return err
		}
		tell(t, verdict)
	}
	found, err := anchors.CompareAll(ctx, store, anchorsFile)
	for _, l := range found.NoTenant {
		gone := packaging.Break{Kind: packaging.HistoryTruncated, Seq: 1, Until: l.Until}
		tell(packaging.Tenant{Slug: l.Slug}, packaging.Verdict{Break: gone})
	}
	return err
}

// Copies says which backups Lineboard makes by itself.
type Copies struct {
	Database string // path of the database file
	Folder   string // empty for no backups
	Every    time.Duration
	Keep     int
}

// copier makes backups by itself.
type copier struct {
	database, anchors string
	folder            string // empty for no backups
	every             time.Duration
	keep              int
	now               func() time.Time
	log               *slog.Logger

	mu    sync.Mutex
	state packaging.Backups
}

func newCopier(p Parts) *copier {
	return &copier{
		database: p.Copies.Database, anchors: p.Anchors, folder: p.Copies.Folder, every: p.Copies.Every,
		keep: p.Copies.Keep,
		now:  p.Now, log: p.Log,
	}
}

// State returns what became of the backups.
func (c *copier) State() packaging.Backups {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// retryBackup is the time after which a backup that failed is tried again.
const retryBackup = 10 * time.Minute

// run makes a backup whenever the newest one is old enough, until ctx ends.
func (c *copier) run(ctx context.Context) error {
	if c.folder == "" {
		return nil
	}
	for wait := c.untilNext(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if err := c.backup(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("no backup was made", "folder", c.folder, "err", err)
			wait = min(retryBackup, c.every)
			continue
		}
		wait = c.every
	}
}

// untilNext returns how long the newest backup in the folder is new enough.
func (c *copier) untilNext() time.Duration {
	all := c.backups()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = packaging.Backups{
		Folder: c.folder, Every: c.every, Keep: c.keep, SameDisk: sameDisk(c.folder, filepath.Dir(c.database)),
	}
	if c.state.SameDisk {
		c.log.Warn("backups are on the disk of the database: it takes both with it", "folder", c.folder)
	}
	if len(all) == 0 {
		return 0
	}
	c.state.Last, c.state.LastFile = all[0].made, all[0].path
	if age := c.now().Sub(all[0].made); age >= 0 && age < c.every {
		return c.every - age
	}
	return 0 // also if the clock was set back
}

func (c *copier) backup(ctx context.Context) error {
	made := c.now().UTC()
	to := filepath.Join(c.folder, backupPrefix+made.Format(backupTime)+backupSuffix)
	err := c.prove(ctx, to)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Tried = made
	if c.state.Problem = ""; err != nil {
		c.state.Problem = err.Error()
		return err
	}
	c.state.Last, c.state.LastFile = made, to
	c.log.Info("backup made and proven", "file", to)
	if err := c.prune(to); err != nil {
		c.log.Warn("an old backup can't be removed", "folder", c.folder, "err", err)
	}
	return nil
}

// unproven is the name of the last backup that was not proven. It does not count as a backup.
const unproven = "unproven" + backupSuffix

// prove makes a backup and proves it.
func (c *copier) prove(ctx context.Context, to string) error {
	if err := os.MkdirAll(c.folder, 0o700); err != nil {
		return err
	}
	if err := makeBackup(ctx, c.database, c.anchors, to); err != nil {
		return err
	}
	if err := proveBackup(ctx, to); err != nil {
		aside := filepath.Join(c.folder, unproven)
		return errors.Join(err, os.Rename(to, aside), os.Rename(to+ofAnchors, aside+ofAnchors))
	}
	return nil
}

const (
	backupPrefix = "lineboard-"
	backupTime   = "20060102T150405Z"
	backupSuffix = ".db"
)

type backupFile struct {
	path string
	made time.Time
}

// backups returns the backups in the folder, the newest first.
func (c *copier) backups() (all []backupFile) {
	files, _ := os.ReadDir(c.folder) // none if there is no folder yet
	for _, f := range files {
		stamp, ok := strings.CutPrefix(f.Name(), backupPrefix)
		stamp, named := strings.CutSuffix(stamp, backupSuffix)
		if made, err := time.Parse(backupTime, stamp); ok && named && err == nil {
			all = append(all, backupFile{filepath.Join(c.folder, f.Name()), made})
		}
	}
	slices.SortFunc(all, func(a, b backupFile) int { return cmp.Compare(b.made.Unix(), a.made.Unix()) })
	return all
}

// prune removes the oldest backups beyond those that are kept, and never the one that was just made.
func (c *copier) prune(made string) error {
	old := slices.DeleteFunc(c.backups(), func(b backupFile) bool { return b.path == made })
	var errs []error
	for _, b := range old[min(c.keep-1, len(old)):] {
		errs = append(errs, os.Remove(b.path), os.RemoveAll(b.path+ofAnchors))
	}
	return errors.Join(errs...)
}
