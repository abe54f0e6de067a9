package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lineboard/db"
	"lineboard/internal/config"
	"lineboard/internal/deliver"
	"lineboard/internal/doctor"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/reserve"
	"lineboard/internal/secret"
)

// disks returns the disks of the data, the anchors and the backups, each once.
func (s *settings) disks() (all []doctor.Disk) {
	for _, folder := range []string{s.Data, filepath.Dir(anchorsPath(s.Anchors, s.Data)), s.BackupDir} {
		if folder != "" && !slices.ContainsFunc(all, func(d doctor.Disk) bool { return sameDisk(d.Folder, folder) }) {
			free, err := freeBytes(folder)
			all = append(all, doctor.Disk{Folder: folder, Free: free, Err: err})
		}
	}
	return all
}

// machine returns the facts that do not need the database.
func (s *settings) machine() doctor.Facts {
	anchors := anchorsPath(s.Anchors, s.Data)
	return doctor.Facts{
		Now:          time.Now(),
		PlainHTTP:    !s.HTTPS && s.TLSCert == "",
		LooseFiles:   looseFiles(s.Data, anchors),
		ForeignFiles: foreignFiles(s.Data, anchors),
		AsideAnswers: reserve.Aside(reserveFolder(anchors)),
		Certificate:  certificateFacts(s.TLSCert, s.TLSKey),
		Disks:        s.disks(),
	}
}

// certificateFacts reads a certificate as the server does.
func certificateFacts(cert, key string) doctor.Certificate {
	c := doctor.Certificate{File: cert}
	if cert == "" {
		return c
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		c.Err = err
		return c
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if c.Err = err; err == nil {
		c.Until = leaf.NotAfter
	}
	return c
}

// examineClosed returns the facts of an installation that this process does not serve. It only reads.
func (s *settings) examineClosed(ctx context.Context, provision string, getenv func(string) string) doctor.Facts {
	f := s.machine()
	if provision != "" {
		_, f.Provisioning = config.ReadProvisioning(provision, getenv, s.checkDestination)
	}
	copies := s.parts(nil, slog.New(slog.DiscardHandler))
	backups := newCopier(copies)
	backups.untilNext()
	f.Backups = backups.State()
	path := filepath.Join(s.Data, databaseFile)
	if s.CopyTo != "" {
		f.CopyKey.Tried = true
		f.CopyKey.Sealed, f.CopyKey.Err = s.canary(ctx)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			f.Database.Standby = true
			return f
		}
	}
	current, err := db.Readable(ctx, path)
	if f.Database = (doctor.Database{Err: inWords(err), Older: err == nil && !current}); err != nil || !current {
		return f
	}
	store, err := db.OpenToRead(ctx, path)
	if err != nil {
		f.Database.Err = err
		return f
	}
	defer store.Close() //nolint:errcheck // nothing was written
	f.Key = keyFits(ctx, store, filepath.Join(s.Data, keyFile))
	f.Database.Check, f.Database.Err = checkClosed(ctx, store, copies.Anchors)
	tenants, err := store.Tenants(ctx)
	f.Tenants, f.Database.Err = tenants, errors.Join(f.Database.Err, err)
	for _, t := range tenants {
		f.APIs = append(f.APIs, s.ask(ctx, t))
	}
	f.Ends, err = ends(ctx, store, tenants)
	f.Database.Err = errors.Join(f.Database.Err, err)
	f.Destinations, err = reachAll(ctx, store, deliver.New(store, copies.Deliveries))
	f.Database.Err = errors.Join(f.Database.Err, err)
	return f
}

// ends returns what is known of the end of each tenant's credentials.
func ends(ctx context.Context, store *db.DB, tenants []packaging.Tenant) (all []doctor.End, err error) {
	for _, t := range tenants {
		end, err := store.CredentialsEnd(ctx, t.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, doctor.End{Tenant: t, CredentialsEnd: end})
	}
	return all, nil
}

// reachAll asks all destinations that lists are brought to, at once, whether they are there.
func reachAll(ctx context.Context, store *db.DB, d *deliver.Deliverer) ([]doctor.Destination, error) {
	running, err := store.RunningDestinations(ctx)
	all := make([]doctor.Destination, len(running))
	var asked sync.WaitGroup
	for i, to := range running {
		asked.Go(func() { all[i] = doctor.Destination{Destination: to, Problem: d.Reach(ctx, to)} })
	}
	asked.Wait()
	return all, err
}

// canary fails if the key at hand does not open what was sealed for a standby. sealed is false if nothing was.
func (s *settings) canary(ctx context.Context) (sealed bool, err error) {
	place, err := s.patientPlace(nil)
	if err != nil {
		return false, err
	}
	box, err := secret.OpenKeyFile(filepath.Join(s.Data, keyFile), false)
	if err != nil {
		return false, err
	}
	return canaryFits(ctx, place, box)
}

// keyFits returns why a key file does not open what is sealed in the database.
func keyFits(ctx context.Context, store *db.DB, file string) error {
	box, err := secret.OpenKeyFile(file, false)
	if err != nil {
		return err
	}
	store.OpenSealed(box)
	return store.CheckKey(ctx)
}

// checkClosed checks a database as the start of the program does.
func checkClosed(ctx context.Context, store *db.DB, anchors string) (c packaging.SelfCheck, err error) {
	if c.Schema, err = store.SchemaFaults(ctx); err != nil {
		return c, err
	}
	err = verdicts(ctx, store, anchors, func(t packaging.Tenant, v packaging.Verdict) {
		if broken, ok := brokenIn(t, v); ok {
			c.Broken = append(c.Broken, broken)
		}
		if v.Anchors.Lost > 0 || v.Anchors.Gone {
			c.Anchors = v.Anchors
		}
	})
	c.Ended = time.Now()
	return c, err
}

// ask asks whether a tenant's API answers at all, without credentials.
func (s *settings) ask(ctx context.Context, t packaging.Tenant) doctor.API {
	a := doctor.API{Tenant: t}
	date, err := manufacturer.Reach(ctx, t.BaseURL, s.ReadLimit)
	if err != nil {
		a.Problem = err.Error()
	}
	if a.Dated = !date.IsZero(); a.Dated {
		a.Off = time.Until(date)
	}
	return a
}

// Condition says how the program and its server are now.
func (a *App) Condition(ctx context.Context) (packaging.Condition, error) {
	c := packaging.Condition{Version: ownBuild().Version, Since: a.began, Pages: a.Hub.Subscribers()}
	c.DatabaseBytes, c.LogBytes = a.Store.Sizes()
	facts := doctor.Facts{}
	if a.parts.Machine != nil {
		facts = a.parts.Machine()
	}
	facts.Now = a.parts.Now()
	facts.Database.Check, facts.Backups = a.checks.State(), a.copier.State()
	facts.Key, facts.Copied = a.Store.CheckKey(ctx), a.copied()
	tenants, err := a.Store.Tenants(ctx)
	if err != nil {
		return c, err
	}
	for _, t := range tenants {
		facts.APIs = append(facts.APIs, a.api(t))
	}
	facts.Tenants = tenants
	if facts.Ends, err = ends(ctx, a.Store, tenants); err != nil {
		return c, err
	}
	if facts.Destinations, err = reachAll(ctx, a.Store, a.Deliver); err != nil {
		return c, err
	}
	c.Findings = doctor.Examine(facts)
	return c, nil
}

// api says how a tenant's API has answered since the start.
func (a *App) api(t packaging.Tenant) doctor.API {
	h, called := a.clients.Health(t.ID)
	fact := doctor.API{Tenant: t, Unasked: !called || h.LastGood.IsZero() &&
		h.LastBad.IsZero(), Dated: h.Dated, Off: h.ClockOff}
	if h.Problem != nil && h.LastBad.After(h.LastGood) {
		fact.Problem = h.Problem.Message
	}
	return fact
}
