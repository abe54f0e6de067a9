package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"lineboard/db"
	"lineboard/internal/anchors"
	"lineboard/internal/durable"
	"lineboard/internal/secret"
)

type restore struct {
	From    string `required:"" placeholder:"FILE" help:"Backup to put in place; its anchors are looked for in FILE.anchors.log."`
	Data    string `default:"lineboard-data" placeholder:"DIR" help:"Folder of the database."`
	Anchors string `placeholder:"FILE" help:"File of the history's anchors (default: anchors.log in the data folder)."`
}

// Run puts a backup in the place of the database, which it keeps under another name. Newer anchors stay: the next start
// tells by them what the backup lacks.
func (r *restore) Run(p run) (err error) {
	database := filepath.Join(r.Data, databaseFile)
	if err := os.MkdirAll(r.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder can't be made: %w", err)
	}
	lock, err := db.LockData(database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if err := r.check(p); err != nil {
		return fmt.Errorf("%s was not restored: %w", r.From, err)
	}
	kept, err := replace(p, database, r.From, time.Now())
	if err != nil {
		return err
	}
	path := anchorsPath(r.Anchors, r.Data)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := copyFile(r.From+ofAnchors, path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("the anchors of the backup could not be put in place: %w", err)
		}
	}
	fmt.Fprintf(p.Stdout, "%s is in place as %s.\n", r.From, database)
	if kept != "" {
		fmt.Fprintf(p.Stdout, "The database from before is %s.\n", kept)
	}
	if _, err := os.Stat(filepath.Join(r.Data, keyFile)); err != nil {
		fmt.Fprintf(p.Stdout, "The key is not there. Put %s back before the start: no backup has it.\n", keyFile)
	}
	return nil
}

// check fails unless the backup is whole, and prints what the anchors at hand know beyond it.
func (r *restore) check(p run) error {
	current, err := db.Readable(p, r.From)
	if err != nil {
		return err
	}
	open := func() (*db.DB, error) { return db.OpenToRead(p, r.From) }
	if !current {
		fmt.Fprintln(p.Stdout, "The backup is of an earlier Lineboard. The next start upgrades it.")
		if _, err := os.Stat(filepath.Join(r.Data, keyFile)); err != nil {
			fmt.Fprintln(p.Stdout, "That start tells what it lacks: without the key it can't be told now.")
			return nil
		}
		upgraded, err := os.MkdirTemp(r.Data, "upgraded-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(upgraded) //nolint:errcheck // a copy that nobody needs
		open = func() (*db.DB, error) { return r.upgrade(p, upgraded) }
	}
	backup, err := open()
	if err != nil {
		return err
	}
	defer backup.Close() //nolint:errcheck // nothing of it is kept
	if err := verifyAll(p, backup, r.From+ofAnchors); err != nil {
		return err
	}
	found, err := anchors.CompareAll(p, backup, anchorsPath(r.Anchors, r.Data))
	if err != nil {
		return err
	}
	for _, l := range append(append(found.Shorter, found.Rewrote...), found.NoTenant...) {
		fmt.Fprintf(
			p.Stdout, "%s: the backup lacks entries %d to %d, which the anchors know\n", l.Slug, l.From, l.Until,
		)
		printLost(p.Stdout, l)
	}
	return nil
}

// upgrade returns the backup as this Lineboard upgrades it, in a folder that goes.
func (r *restore) upgrade(p run, folder string) (*db.DB, error) {
	path := filepath.Join(folder, databaseFile)
	if err := copyFile(r.From, path); err != nil {
		return nil, err
	}
	box, err := secret.OpenKeyFile(filepath.Join(r.Data, keyFile), false)
	if err != nil {
		return nil, err
	}
	return db.Open(p, path, box, time.Now)
}

// replace puts a copy of a file in the place of a database, whose files get another name: it is returned, empty if
// there was no database. Nothing is moved before the copy is on the disk.
func replace(ctx context.Context, database, from string, now time.Time) (kept string, err error) {
	part := database + ".part"
	err = copyFile(from, part)
	if err == nil { // what was signed out since the backup stays so
		err = db.EndAllSessions(ctx, part)
	}
	if err != nil {
		return "", errors.Join(
			fmt.Errorf("the backup can't be copied, so nothing was changed: %w", err), os.RemoveAll(part),
		)
	}
	return putInPlace(database, part, now)
}

// putInPlace gives a file the name of a database, whose files get another name: it is returned, empty if there was
// none.
func putInPlace(database, part string, now time.Time) (kept string, err error) {
	aside := database + ".replaced-" + now.UTC().Format(backupTime)
	for _, end := range []string{"", "-wal", "-shm"} { // the database first: no start may find it without its log
		switch err := os.Rename(database+end, aside+end); {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return "", fmt.Errorf("the database from before can't be moved aside: %w", err)
		default:
			kept = aside
		}
	}
	if err := os.Rename(part, database); err != nil {
		return "", fmt.Errorf("it could not be put in place (the database from before is %s): %w", kept, err)
	}
	return kept, durable.SyncFolder(filepath.Dir(database))
}

// copyFile copies a file and returns once the copy is on the disk.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(file, source); err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
