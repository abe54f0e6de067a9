package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/internal/packaging"
	"lineboard/internal/replica"
	"lineboard/internal/reserve"
	"lineboard/internal/secret"
)

// Replica says how the database is copied beside Lineboard.
type Replica struct {
	Sync  func(context.Context) error // returns once all that was committed before is copied; nil for no copy
	Wait  time.Duration               // that a release waits at most
	Guard *replica.Guard              // knows whether a standby took over; nil without a standby
}

// replication is the part of the settings that says so.
type replication struct {
	CopySocket string        `placeholder:"PATH" help:"Control socket of Litestream: releases wait until it has copied them."`
	CopyWait   time.Duration `default:"2s" help:"How long a release waits for the copy."`

	CopyTo      string `placeholder:"PLACE" help:"Where the copy is, so that a standby can take over: a folder, sftp://USER@HOST:PORT/PATH, or s3://BUCKET/PATH?endpoint=https://HOST."`
	CopyKeyFile string `placeholder:"FILE" help:"Private key for the SFTP server of the copy, or file of credentials for its object store."`
	CopyHostKey string `placeholder:"KEY" help:"Host key of that server, as in a known_hosts file: ssh-ed25519 AAAA…"`
}

// The files of a data folder that has a standby.
const (
	epochFile        = "lineboard.epoch" // what the folder knows of its epoch
	litestreamConfig = "litestream.yml"  // written by Lineboard, since each epoch has a path of its own
	followFolder     = "follower"        // of the followed copy
)

// minCopyWait and maxCopyWait bound the wait for the copy: people stand at the line meanwhile.
const (
	minCopyWait = 100 * time.Millisecond
	maxCopyWait = 10 * time.Second
)

func (r *replication) check() error {
	if r.CopyWait < minCopyWait || r.CopyWait > maxCopyWait {
		return fmt.Errorf("--copy-wait must be between %v and %v", minCopyWait, maxCopyWait)
	}
	if r.CopyTo == "" {
		return nil
	}
	if r.CopySocket == "" {
		return errors.New("--copy-to needs --copy-socket: a standby must know of each release before it is sent")
	}
	_, err := r.place()
	return err
}

// place returns where the copy is.
func (r *replication) place() (replica.Place, error) {
	place, err := replica.Open(r.CopyTo, r.CopyKeyFile, r.CopyHostKey)
	if err != nil {
		return nil, fmt.Errorf("--copy-to %w", err)
	}
	return place, nil
}

// patientPlace returns it for a command that must not hang with it. Each answer is told to answers; nil tells nobody.
func (r *replication) patientPlace(answers func()) (replica.Place, error) {
	place, err := r.place()
	if err != nil {
		return nil, err
	}
	return replica.Bounded(place, answers), nil
}

// database returns the path of the database in a folder as Litestream knows it.
func (r *replication) database(data string) (string, error) {
	return filepath.Abs(filepath.Join(data, databaseFile))
}

// restorer returns what restores the copy of a place into a data folder.
func (r *replication) restorer(place replica.Place, data, litestream string) (replica.Restorer, error) {
	database, err := r.database(data)
	return replica.Restorer{
		Program: litestream, Place: place, Database: database, Folder: filepath.Join(filepath.Dir(database), followFolder),
	}, err
}

// replica returns how the data is copied.
func (s *settings) replica(ctx context.Context, store *db.DB, log *slog.Logger) (Replica, error) {
	if s.CopySocket == "" {
		return Replica{}, nil
	}
	database, err := s.database(s.Data)
	if err != nil {
		return Replica{}, err
	}
	r := Replica{Sync: replica.NewLitestream(s.CopySocket, database).Sync, Wait: s.CopyWait}
	if s.CopyTo == "" {
		return r, nil
	}
	place, err := s.place()
	if err != nil {
		return Replica{}, err
	}
	begun := func(number int64) {
		if err := s.configureLitestream(place, number, database); err != nil {
			log.Error("the configuration of Litestream can't be written", "err", err)
		}
	}
	if r.Guard, err = replica.NewGuard(place, filepath.Join(s.Data, epochFile), begun, time.Now, log); err != nil {
		return Replica{}, err
	}
	r.Guard.Look(ctx)
	anchors := anchorsPath(s.Anchors, s.Data)
	travel := &replica.Travel{
		Place: place, Epoch: r.Guard.Number, Anchors: anchors,
		Kept:   func() (map[string][]byte, error) { return reserve.Kept(reserveFolder(anchors)) },
		Canary: store.Box().Seal(secret.New(canaryText), canaryOwner),
	}
	r.Sync = travel.With(r.Sync)
	return r, nil
}

// What is sealed for the standby, so that it can prove its key.
const (
	canaryText  = "the key of this Lineboard"
	canaryOwner = "canary of the copy"
)

// configureLitestream writes the configuration with which Litestream copies to the path of an epoch.
func (r *replication) configureLitestream(place replica.Place, epoch int64, database string) error {
	config, err := replica.ReplicatingConfig(place, epoch, database, r.CopySocket)
	if err != nil {
		return err
	}
	file := filepath.Join(filepath.Dir(database), litestreamConfig)
	if had, err := os.ReadFile(file); err == nil && bytes.Equal(had, config) {
		return nil
	}
	return replica.WriteFile(file, config)
}

// canaryFits fails if a key does not open what was sealed for the standby. sealed is false if nothing was: then the key
// is not proven.
func canaryFits(ctx context.Context, place replica.Place, box *secret.Box) (sealed bool, err error) {
	canary, err := replica.Canary(ctx, place)
	if err != nil || canary == nil {
		return false, err
	}
	_, err = box.Open(canary, canaryOwner)
	return true, err
}

// copyOf returns the copy that releases wait for, nil for none.
func (a *App) copyOf(r Replica) *replica.Copy {
	if r.Sync == nil {
		return nil
	}
	return replica.New(replica.Options{
		Sync: r.Sync, Limit: r.Wait, Guard: r.Guard, Written: a.Store.Written, GoesOn: a.goesOn, Refuses: a.refuses,
		WentOn: a.wentOn,
		Marked: func(orders []packaging.Order) {
			var changes []packaging.Change
			for _, o := range orders {
				changes = append(changes, packaging.Change{
					About: packaging.AboutOrder, Tenant: o.TenantID, Line: o.Line.ID, Order: o.ID,
				})
			}
			a.Hub.Publish(packaging.Topics(changes)...)
		},
		Began: a.tellCopyBegan,
		Now:   a.parts.Now, Log: a.parts.Log,
	})
}

// tellCopyBegan has all pages say again which releases are in the copy.
func (a *App) tellCopyBegan() {
	tenants, err := a.Store.Tenants(context.Background())
	if err != nil {
		a.parts.Log.Error("open pages are not told that the copy began", "err", err)
	}
	for _, t := range tenants {
		a.Hub.Publish(packaging.SiteTopic.Of(t.ID))
	}
}

// goesOn reports whether a tenant wants releases to go on without the copy.
func (a *App) goesOn(ctx context.Context, tenant packaging.TenantID) (bool, error) {
	rules, err := a.Store.Rules(ctx, tenant)
	return rules.ReleaseUncopied, err
}

// wentOn records that a release went on without the copy.
func (a *App) wentOn(ctx context.Context, o packaging.Order) error {
	return a.Store.Record(ctx, packaging.Entry{
		TenantID: o.TenantID, By: o.Release.By, Deed: packaging.ReleaseUncopied, ReleaseID: o.Release.ID,
		OrderID: o.ID, OrderKey: o.Key, LineCode: o.Line.Code, LineName: o.Line.Name,
	})
}

// refuses reports whether any tenant wants releases to be refused without the copy.
func (a *App) refuses(ctx context.Context) (bool, error) {
	tenants, err := a.Store.Tenants(ctx)
	for _, t := range tenants {
		goes, failed := a.goesOn(ctx, t.ID)
		if !goes && failed == nil {
			return true, nil
		}
		err = errors.Join(err, failed)
	}
	return false, err
}

// copyShown is the copy as pages show it, nil for none.
func (a *App) copyShown() handlers.Copy {
	if a.Copy == nil {
		return nil
	}
	return a.Copy
}

// runCopy has everything copied, until ctx ends.
func (a *App) runCopy(ctx context.Context) error {
	if a.Copy == nil {
		return nil
	}
	return a.Copy.Run(ctx)
}

// inCharge returns run as what ends once another Lineboard took over: of two, only one delivers lists and sends alarms.
func (a *App) inCharge(run func(context.Context) error) func(context.Context) error {
	guard := a.parts.Replica.Guard
	if guard == nil {
		return run
	}
	return func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-guard.Over():
				cancel()
			case <-ctx.Done():
			}
		}()
		return run(ctx)
	}
}

// copied says how the copy is.
func (a *App) copied() packaging.CopyState {
	if a.Copy == nil {
		return packaging.CopyState{}
	}
	return a.Copy.State()
}
