package db

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"lineboard/internal/packaging"
)

// SignInBy returns the person that an identity is at a tenant, with the roles and lines of its values as of now; the
// first time it makes them. It never is a person that there was before without being connected. The error is a
// [packaging.SignOnError] where they are not let in.
func (d *DB) SignInBy(
	ctx context.Context, tenant packaging.Tenant, id packaging.Identity,
) (p packaging.Person, err error) {
	var waits *packaging.SignOnError // is stored, and told once it is
	err = d.tx(ctx, func(t *tx) error {
		s := &setupTx{t, d.box, signOnAuthor, tenant.ID}
		settings, _, _, err := signOnOf(ctx, t, tenant.ID)
		if err != nil {
			return err
		}
		if !settings.Enabled || settings.Issuer != id.Issuer {
			return &packaging.SignOnError{Reason: packaging.SignOnOff}
		}
		who, known, err := s.identified(id)
		if err != nil {
			return err
		}
		refuse := func(why packaging.SignOnReason) error { return &packaging.SignOnError{Reason: why, Who: who.Author} }
		if known && !who.Active {
			return refuse(packaging.SignOnInactive)
		}
		grant, ok := settings.Grant(id.Values)
		if !ok {
			if !known {
				who.FullName, who.Username = id.Called(), id.Name()
			}
			return refuse(packaging.SignOnNoRole)
		}
		var said saidHuman
		if said, waits, err = s.humanOf(id, who.ID); err != nil || waits != nil {
			return err
		}
		if who.ID, err = s.admit(tenant, id, grant, who.ID, who.local); err != nil {
			return err
		}
		if err := s.keepSaid(who.ID, id, said); err != nil {
			return err
		}
		p, err = scanPerson(t.row(selectPerson+`u.id = ? AND t.id = ?`, who.ID, tenant.ID))
		p.SignedOn = true
		return err
	})
	if err == nil && waits != nil {
		return p, waits
	}
	return p, err
}

// identified is the person that an identity is connected with.
type identified struct {
	packaging.Author
	Active bool
	local  bool // they have a password
}

func (s *setupTx) identified(id packaging.Identity) (who identified, known bool, err error) {
	err = s.row(`SELECT u.id, u.username, u.full_name, u.active, u.password_hash <> '' FROM identities i JOIN users u ON u.id = i.user_id
		WHERE i.tenant_id = ? AND i.issuer = ? AND i.subject = ?`, s.tenant, id.Issuer, id.Subject).
		Scan(&who.ID, &who.Username, &who.FullName, &who.Active, &who.local)
	if errors.Is(err, sql.ErrNoRows) {
		return identified{}, false, nil
	}
	return who, err == nil, err
}

// admit makes the person of an identity, or brings the one that there is to what the grant says. Of somebody with a
// password of their own the name stays as it is here.
func (s *setupTx) admit(
	tenant packaging.Tenant, id packaging.Identity, g packaging.Grant, user packaging.UserID, local bool,
) (packaging.UserID, error) {
	before := ""
	var err error
	if fresh := user == 0; fresh {
		if user, err = s.addNamed(id, tenant.Slug); err != nil {
			return 0, err
		}
	} else if before, err = s.describePerson(user); err != nil {
		return 0, err
	} else if !local {
		if err := s.exec(`UPDATE users SET full_name = ? WHERE id = ?`, id.Called(), user); err != nil {
			return 0, err
		}
	}
	role := g.Role
	if local && !role.Includes(packaging.Administrator) &&
		packaging.CodeOf(s.mustKeepAdministrator(user)) == packaging.Conflict {
		// The site would have no other with a password.
		role = packaging.JoinRoles(append(role.Parts(), packaging.Administrator)...)
	}
	if err := s.giveRole(user, role); err != nil {
		return 0, err
	}
	lines, err := s.lineIDs(g.Lines)
	if err != nil {
		return 0, err
	}
	if err := s.limitLines(user, lines); err != nil {
		return 0, err
	}
	if before == "" {
		if err := s.connect(user, id); err != nil {
			return 0, err
		}
	}
	var username string
	if err := s.row(`SELECT username FROM users WHERE id = ?`, user).Scan(&username); err != nil {
		return 0, err
	}
	return user, s.recordPerson(user, username, before)
}

// addNamed makes a person without a password, under the first of the identity's names that is free.
func (s *setupTx) addNamed(id packaging.Identity, slug string) (user packaging.UserID, err error) {
	for name := range id.Usernames(slug) {
		user, err = s.addNewUser(name, id.Called(), "")
		if packaging.CodeOf(err) != packaging.Conflict {
			break
		}
	}
	return user, err
}

func (s *setupTx) connect(user packaging.UserID, id packaging.Identity) error {
	return s.exec(`
		INSERT INTO identities (tenant_id, issuer, subject, user_id, connected_at, username, email)
		VALUES (?,?,?,?,?,?,?)`,
		s.tenant, id.Issuer, id.Subject, user, millis(s.now), id.Username, id.Email)
}

// ConnectIdentity connects an identity to a person who has proved both. The error is a [packaging.SignOnError] where it
// is somebody else's.
func (d *DB) ConnectIdentity(ctx context.Context, by packaging.Person, id packaging.Identity) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		s := &setupTx{t, d.box, by.Author, by.Tenant.ID}
		if err := s.mayConnect(by); err != nil {
			return err
		}
		who, known, err := s.identified(id)
		switch {
		case err != nil:
			return err
		case known && who.ID == by.ID:
			return nil
		case known:
			return &packaging.SignOnError{Reason: packaging.SignOnTaken, Who: by.Author}
		}
		said, _, err := s.humanOf(id, by.ID)
		if err != nil {
			return err
		}
		if err := s.connect(by.ID, id); err != nil {
			return err
		}
		if err := s.record(packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: packaging.IdentityConnected, Object: packaging.SaysUser.Of(by.Username),
			New: id.Subject + " at " + id.Issuer,
		}); err != nil {
			return err
		}
		return s.keepSaid(by.ID, id, said)
	})
}

// MayConnect says whether a person may be connected: one of several tenants, or who is connected already, may not.
func (d *DB) MayConnect(ctx context.Context, by packaging.Person) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		return (&setupTx{t, d.box, by.Author, by.Tenant.ID}).mayConnect(by)
	})
}

func (s *setupTx) mayConnect(by packaging.Person) error {
	if err := mustBeConfirmed(by); err != nil {
		return err
	}
	var elsewhere, connected bool
	if err := s.row(`SELECT EXISTS (SELECT 1 FROM members WHERE user_id = ?1 AND tenant_id <> ?2),
		EXISTS (SELECT 1 FROM identities i JOIN sso o ON o.tenant_id = i.tenant_id AND o.issuer = i.issuer WHERE i.user_id = ?1)`, by.ID, s.tenant).
		Scan(&elsewhere, &connected); err != nil {
		return err
	}
	switch {
	case elsewhere:
		return packaging.Fail(packaging.Conflict, "error.sso_several")
	case connected:
		return packaging.Fail(packaging.Conflict, "error.sso_connected")
	}
	return nil
}

// DisconnectIdentity takes a person's identities from them. Who has no password would not come in any more, and keeps
// them.
func (d *DB) DisconnectIdentity(ctx context.Context, by packaging.Person) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		var local bool
		if err := t.row(`SELECT password_hash <> '' FROM users WHERE id = ?`, by.ID).Scan(&local); err != nil {
			return err
		}
		if !local {
			return packaging.Fail(packaging.Conflict, "error.sso_no_password")
		}
		scan := func(row scanner) (said string, err error) { return said, row.Scan(&said) }
		were, err := collect(
			ctx, t, scan, `SELECT subject || ' at ' || issuer FROM identities WHERE user_id = ? ORDER BY issuer`, by.ID,
		)
		if err != nil || len(were) == 0 {
			return err
		}
		if err := t.exec(`DELETE FROM identities WHERE user_id = ?`, by.ID); err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.IdentityDisconnected,
			Object: packaging.SaysUser.Of(by.Username),
			Old:    strings.Join(were, ", "),
		})
	})
}

// SignOnAccount returns what single sign-on is to a person.
func (d *DB) SignOnAccount(ctx context.Context, p packaging.Person) (a packaging.SignOnAccount, err error) {
	err = d.read.QueryRowContext(ctx, `
		SELECT coalesce((SELECT label FROM sso WHERE tenant_id = ?1 AND enabled), ''),
			EXISTS (SELECT 1 FROM identities i JOIN sso s ON s.tenant_id = i.tenant_id AND s.issuer = i.issuer WHERE i.user_id = u.id),
			u.password_hash <> '', u.signing_hash <> ''
		FROM users u WHERE u.id = ?2`, p.Tenant.ID, p.ID).Scan(&a.Label, &a.Connected, &a.Password, &a.Signing)
	return a, coded(err)
}
