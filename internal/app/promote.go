package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/replica"
	"lineboard/internal/secret"
)

type promote struct {
	replication
	Data       string `default:"lineboard-data" placeholder:"DIR" help:"Folder of the database and its key."`
	Anchors    string `placeholder:"FILE" help:"File of the history's anchors (default: anchors.log in the data folder)."`
	Litestream string `default:"litestream" placeholder:"PROGRAM" help:"Litestream's program, which restores the database."`

	standstill standstill
	stands     time.Duration // that it may not get on; 0 for promotionStands
}

// promotionStands is how long a promotion may not get on at all: longer than a place or Litestream may take to answer.
const promotionStands = 5 * time.Minute

// Run takes over from another Lineboard. The order is what makes it safe: first the epoch begins, from when on the
// other one sends nothing, and only then the copy is restored to its end. So it has each release that may have been
// sent. A promotion that was cut off goes on when it is run again.
func (p *promote) Run(r run) error {
	if p.CopyTo == "" {
		return errors.New("--copy-to must name the place of the copy")
	}
	if err := p.check(); err != nil {
		return err
	}
	return p.standstill.watch(cmp.Or(p.stands, promotionStands), r.Stderr, func() error { return p.run(r) })
}

func (p *promote) run(r run) (err error) {
	place, err := p.patientPlace(p.standstill.getsOn)
	if err != nil {
		return err
	}
	p.standstill.begin("open the data folder")
	if err := os.MkdirAll(p.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder can't be made: %w", err)
	}
	database, err := p.database(p.Data)
	if err != nil {
		return err
	}
	lock, err := db.LockData(database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	p.standstill.begin("begin the epoch")
	own, done, err := p.takeOver(r, place)
	if err != nil || done {
		return err
	}
	p.standstill.begin("restore the copy")
	if err := p.restore(r, place, own, database); err != nil {
		return fmt.Errorf(
			"epoch %d has begun, but its data is not in place yet (run lineboard promote again): %w", own.Number, err,
		)
	}
	own.From = 0
	if err := own.Write(p.epochFile()); err != nil {
		return err
	}
	fmt.Fprintf(r.Stdout, "This Lineboard releases from now on (epoch %d). Start Litestream with %s, and Lineboard.\n",
		own.Number, filepath.Join(p.Data, litestreamConfig))
	return nil
}

func (p *promote) epochFile() string { return filepath.Join(p.Data, epochFile) }

// takeOver begins the next epoch. done is true if this Lineboard is in charge already.
func (p *promote) takeOver(r run, place replica.Place) (own replica.Own, done bool, err error) {
	was, err := replica.ReadOwn(p.epochFile())
	if err != nil {
		return own, false, err
	}
	latest, err := replica.Latest(r, place)
	switch {
	case err != nil:
		return own, false, fmt.Errorf("nothing was changed: %w", err)
	case latest.Number == 0:
		return own, false, fmt.Errorf("nothing was changed: no Lineboard has copied anything to %s", place)
	case latest.ID == was.ID && was.From == 0:
		fmt.Fprintf(r.Stdout, "This Lineboard is in charge already (epoch %d).\n", latest.Number)
		return was, true, nil
	case latest.ID == was.ID:
		was.Begun = true
		return was, false, was.Write(p.epochFile())
	}
	if err := p.prepared(r, place, latest); err != nil {
		return own, false, fmt.Errorf("nothing was changed: %w", err)
	}
	own = replica.Own{Epoch: replica.NewEpoch(latest.Number+1, time.Now()), From: latest.Number}
	if err := own.Write(p.epochFile()); err != nil {
		return own, false, err
	}
	if err := replica.Begin(r, place, own.Epoch); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = errors.Join(errors.New("another standby was first"), was.Write(p.epochFile()))
		}
		return own, false, err
	}
	fmt.Fprintf(r.Stdout, "Epoch %d has begun. %s releases nothing any more.\n", own.Number, latest.Host)
	own.Begun = true
	return own, false, own.Write(p.epochFile())
}

// prepared fails if a promotion would not come to its end: without the key, a copy, Litestream or room for what is
// restored.
func (p *promote) prepared(ctx context.Context, place replica.Place, latest packaging.Epoch) error {
	box, err := secret.OpenKeyFile(filepath.Join(p.Data, keyFile), false)
	if err != nil {
		return err
	}
	switch sealed, err := canaryFits(ctx, place, box); {
	case err != nil:
		return fmt.Errorf("the key in %s does not fit the copy: %w", p.Data, err)
	case !sealed:
		return fmt.Errorf("nothing at %s proves that the key in %s fits the copy", place, p.Data)
	}
	if _, err := exec.LookPath(p.Litestream); err != nil {
		return fmt.Errorf("the program of Litestream is not there (--litestream): %w", err)
	}
	followed, err := p.followed(place)
	if err != nil {
		return err
	}
	unfollowed, err := followed.Lock()
	if err != nil {
		return err
	}
	defer unfollowed.Close()
	switch from, err := replica.Copied(ctx, place, latest.Number); {
	case err != nil:
		return err
	case from == 0:
		return fmt.Errorf("nothing was copied by Litestream to %s", place)
	default:
		return followed.Prepare(ctx, from, unfollowed)
	}
}

// followed returns what restores the copy.
func (p *promote) followed(place replica.Place) (replica.Restorer, error) {
	r, err := p.restorer(place, p.Data, p.Litestream)
	r.GetsOn = p.standstill.getsOn
	return r, err
}

// restore puts the end of the copy in place: the database, its anchors, and answers that were kept beside it.
func (p *promote) restore(r run, place replica.Place, own replica.Own, database string) error {
	from, err := replica.Copied(r, place, own.From)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp(p.Data, "promoted-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // what is left in it nobody needs
	restored := filepath.Join(folder, databaseFile)
	followed, err := p.followed(place)
	if err != nil {
		return err
	}
	if err := followed.Restore(r, from, restored); err != nil {
		return err
	}
	p.standstill.begin("put what was restored in place")
	newAnchors := filepath.Join(folder, anchorsFile)
	if err := replica.Fetch(r, place, from, newAnchors, reserveFolder(newAnchors)); err != nil {
		return err
	}
	now := time.Now()
	anchors := anchorsPath(p.Anchors, p.Data)
	for _, move := range [][2]string{{newAnchors, anchors}, {reserveFolder(newAnchors), reserveFolder(anchors)}} {
		if err := moveInPlace(move[0], move[1], now); err != nil {
			return err
		}
	}
	kept, err := putInPlace(database, restored, now)
	if err != nil {
		return err
	}
	if kept != "" {
		fmt.Fprintf(r.Stdout, "The database from before is %s.\n", kept)
	}
	// What Litestream knew of the database from before.
	if err := os.RemoveAll(filepath.Join(filepath.Dir(database), "."+databaseFile+"-litestream")); err != nil {
		return err
	}
	return p.configureLitestream(place, own.Number, database)
}

// moveInPlace gives a file or folder the name of another, which gets a name with the time. It may not be there.
func moveInPlace(from, to string, now time.Time) error {
	err := os.Rename(to, to+".replaced-"+now.UTC().Format(backupTime))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
