package db

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Site is what a provisioning file sets up. What it does not name stays as it is.
type Site []TenantSetup

// TenantSetup is one tenant of a site.
type TenantSetup struct {
	Tenant      packaging.Tenant // its ID is not used
	Credentials secret.Credentials
	End         *packaging.CredentialsEnd // of the credentials; nil leaves what is noted
	Lines       []packaging.Line          // their IDs are not used
	Shifts      []packaging.Shift
	SignOn      *SignOnSetup // nil leaves it as it is
	People      []PersonSetup

	Destinations []DestinationSetup
}

// DestinationSetup is a destination of a line, which is known by its code. Its ID is not used.
type DestinationSetup struct {
	packaging.Destination
	Secret secret.Text
}

// SignOnSetup is how people sign in by their company's provider.
type SignOnSetup struct {
	packaging.SingleSignOn
	Secret secret.Text // empty for a public client
}

// PersonSetup is one person of a tenant.
type PersonSetup struct {
	Username string
	FullName string
	Role     packaging.Role
	Lines    []string // codes of the lines that they are limited to, empty for all; nil leaves it as it is
	Password secret.Text
}

// provisioner is who the history names for what a provisioning file changed.
var provisioner = packaging.Author{Username: "provisioning", FullName: packaging.ProvisioningFile}

// Provision applies a site, all of it or nothing, and records what it changed. Applied again it changes nothing.
func (d *DB) Provision(ctx context.Context, site Site) error {
	return d.tx(ctx, func(t *tx) error {
		for _, setup := range site {
			if err := t.apply(d.box, setup); err != nil {
				return fmt.Errorf("tenant %s: %w", setup.Tenant.Slug, err)
			}
		}
		return nil
	})
}

func (t *tx) apply(box *secret.Box, setup TenantSetup) error {
	id, err := t.setTenant(provisioner, setup.Tenant, setup.Credentials)
	if err != nil {
		return err
	}
	s := &setupTx{t, box, provisioner, id}
	if err := s.setCredentials(setup.Credentials); err != nil {
		return err
	}
	if setup.End != nil {
		if err := s.setCredentialsEnd(*setup.End); err != nil {
			return err
		}
	}
	for _, l := range setup.Lines {
		if err := s.setLine(l); err != nil {
			return fmt.Errorf("line %s: %w", l.Code, err)
		}
	}
	for _, to := range setup.Destinations {
		if err := s.provisionDestination(to); err != nil {
			return fmt.Errorf("destination %s: %w", to.Name, err)
		}
	}
	if err := s.setShifts(setup); err != nil {
		return fmt.Errorf("shifts: %w", err)
	}
	if on := setup.SignOn; on != nil {
		if err := s.setSignOn(on.SingleSignOn, on.Secret, on.Secret.Empty()); err != nil {
			return fmt.Errorf("single sign-on: %w", err)
		}
	}
	// The file is how a site begins: its passwords are the first there, and count as their owners'.
	var begun bool
	if err := s.row(`SELECT EXISTS (SELECT 1 FROM members WHERE tenant_id = ?)`, id).Scan(&begun); err != nil {
		return err
	}
	for _, person := range setup.People {
		if err := s.provisionPerson(person, begun); err != nil {
			return fmt.Errorf("user %s: %w", person.Username, err)
		}
	}
	return nil
}

// provisionPerson makes a person, or brings the one with the username to what the file says. At a site that has begun,
// a password of the file is one that somebody else set.
func (s *setupTx) provisionPerson(p PersonSetup, begun bool) error {
	id, came, err := s.provisionAccount(p)
	if err != nil {
		return err
	}
	before, err := s.describePerson(id)
	if err != nil {
		return err
	}
	var joins bool
	if err := s.row(`SELECT NOT EXISTS (SELECT 1 FROM members WHERE tenant_id = ? AND user_id = ?)`, s.tenant, id).
		Scan(&joins); err != nil {
		return err
	}
	if err := s.setPerson(id, p); err != nil {
		return err
	}
	switch {
	case came.fresh:
		before = ""
		err = s.record(packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: packaging.PasswordSet, Object: packaging.SaysUser.Of(p.Username),
		})
		if err == nil && begun {
			err = s.waitForOwner(id)
		}
	case came.hash != "":
		err = s.setPassword(id, p.Username, came.hash)
	case joins:
		err = s.confirmAnew(id)
	}
	if err == nil && came.hash != "" {
		err = s.exec(`UPDATE users SET password_mark = ? WHERE id = ?`, came.mark, id)
	}
	if err != nil {
		return err
	}
	if err := s.recordPerson(id, p.Username, before); err != nil || !joins {
		return err
	}
	return s.joinNamesakes(id)
}

// provisioned is what a file brings for an account.
type provisioned struct {
	fresh bool   // nobody could sign in to it before
	hash  string // of the password, empty where it is that of the file before
	mark  []byte // of the password
}

// provisionAccount returns the account of a person of the file, and makes it where there is none.
func (s *setupTx) provisionAccount(p PersonSetup) (id packaging.UserID, came provisioned, err error) {
	var hash string
	var was []byte
	err = s.row(`SELECT id, password_hash, password_mark FROM users WHERE username = ?`, p.Username).
		Scan(&id, &hash, &was)
	missing := errors.Is(err, sql.ErrNoRows)
	if err != nil && !missing {
		return id, came, err
	}
	unknown := hash == noPassword // to all but a lost release
	if !missing && hash == "" {
		return id, came, errors.New(
			"there is somebody of this username who came by single sign-on; the file must give another one",
		)
	}
	came.fresh = missing || unknown
	// Hashing is slow on purpose; the mark keeps a start with many people quick.
	came.mark = s.box.Mark(p.Password, "password of "+strings.ToLower(p.Username))
	if missing || !hmac.Equal(was, came.mark) {
		if came.hash, err = secret.HashPassword(p.Password); err != nil {
			return id, came, err
		}
	}
	switch {
	case missing:
		id, err = s.addUser(p.Username, p.FullName, came.hash)
		if packaging.CodeOf(err) == packaging.Invalid || packaging.CodeOf(err) == packaging.Conflict {
			err = fmt.Errorf("the username has letters that pass for others, or looks like another one: %w", err)
		}
	case unknown:
		err = s.exec(`UPDATE users SET password_hash = ? WHERE id = ?`, came.hash, id)
	}
	return id, came, err
}

// setPerson gives a person the name, role and lines of the file.
func (s *setupTx) setPerson(id packaging.UserID, p PersonSetup) error {
	if err := s.exec(`UPDATE users SET full_name = ? WHERE id = ?`, p.FullName, id); err != nil {
		return err
	}
	if err := s.setRole(id, p.Role); err != nil {
		return err
	}
	if p.Lines == nil {
		return nil
	}
	lines, err := s.lineIDs(p.Lines)
	if err != nil {
		return err
	}
	return s.limitLines(id, lines)
}
