package app

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"lineboard/db"
	"lineboard/internal/anchors"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/history"
)

type verify struct {
	Data    string `default:"lineboard-data" placeholder:"DIR" help:"Folder of the database."`
	Anchors string `placeholder:"FILE" help:"File of the history's anchors (default: anchors.log in the data folder)."`
	Tenant  string `placeholder:"SLUG" help:"Check the history of this tenant alone."`
}

// Run checks histories and prints what it found. It only reads, so the history does not record it. It fails when one
// of them is not proven.
func (v *verify) Run(p run) error {
	store, err := db.OpenToRead(p, filepath.Join(v.Data, databaseFile))
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	tenants, err := store.Tenants(p)
	if err != nil {
		return err
	}
	path := anchorsPath(v.Anchors, v.Data)
	gone, err := v.tenantsGone(p, store, path)
	if err != nil {
		return err
	}
	verifier := anchors.NewVerifier(store, path)
	indexes, err := verifier.IndexFaults(p)
	if err != nil {
		return err
	}
	known, broken, restored, byHand := gone.named, gone.unaccepted, gone.named, false
	for _, t := range tenants {
		if v.Tenant != "" && v.Tenant != t.Slug {
			continue
		}
		known = true
		verdict, err := verifier.VerifyAll(p, t.ID, indexes, nil, p.showLists(t))
		if err != nil {
			return err
		}
		broken = broken || !verdict.Whole()
		restored = restored || len(verdict.Restores) > 0
		byHand = byHand || verdict.ByHand.Count > 0
		printVerdict(p, t, verdict)
	}
	switch {
	case v.Tenant != "" && !known:
		return fmt.Errorf("there is no tenant %s", v.Tenant)
	case broken:
		return errors.New("a history is not proven to be what it was")
	case restored:
		return exitError{
			errors.New("a history is intact but for what it says itself to be lost by a restore"), exitAdmitted,
		}
	case byHand:
		return exitError{
			errors.New("a history is intact but for what it says itself to have been changed by hand"), exitAdmitted,
		}
	}
	return nil
}

// showLists returns what shows on the console how many serial lists of a tenant are compared.
func (p run) showLists(t packaging.Tenant) func(done, all int) {
	shown := time.Now()
	return func(done, all int) {
		if now := time.Now(); now.Sub(shown) >= time.Second {
			shown = now
			fmt.Fprintf(p.Stderr, "%s: %d of %d serial lists compared\n", t.Slug, done, all)
		}
	}
}

// tenantsGone says of which tenants nothing but anchors is left.
type tenantsGone struct {
	named      bool
	unaccepted bool // the program was not told to start in spite of that
}

// tenantsGone prints the tenants that the anchors know and the database does not have.
func (v *verify) tenantsGone(p run, store *db.DB, path string) (gone tenantsGone, err error) {
	found, err := anchors.CompareAll(p, store, path)
	if err != nil {
		return gone, err
	}
	for _, l := range found.NoTenant {
		if v.Tenant == "" || v.Tenant == l.Slug {
			gone.named, gone.unaccepted = true, true
			fmt.Fprintf(p.Stdout, "%s: the whole tenant is gone: its anchors know entries 1 to %d\n", l.Slug, l.Until)
			printLost(p.Stdout, l)
		}
	}
	losses, err := store.Losses(p)
	for _, l := range losses {
		if here, failed := store.Tenant(p, l.Tenant); failed == nil && here.Slug == l.Slug || v.Tenant != "" &&
			v.Tenant != l.Slug {
			continue
		}
		gone.named = true
		fmt.Fprintf(p.Stdout, "%s: entries %d to %d of an earlier tenant of this name are lost; accepted on %s\n",
			l.Slug, l.From, l.Until, l.Found.Format(time.RFC3339))
	}
	return gone, err
}

func printVerdict(p run, t packaging.Tenant, v packaging.Verdict) {
	what, notes := history.VerdictText(text.With(p, text.In(text.English, t.Location())), v)
	fmt.Fprintf(p.Stdout, "%s: %s\n", t.Slug, what)
	for _, note := range notes {
		fmt.Fprintf(p.Stdout, "  %s\n", note)
	}
}
