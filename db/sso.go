package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// clientSecret is the name of the secret of single sign-on, in the history and in what it is sealed for.
const clientSecret = "client_secret"

func clientSecretOwner(tenant packaging.TenantID) string {
	return namedSecret{column: clientSecret}.owner(tenant)
}

// signOnAuthor is who the history names for what a provider's word changed.
var signOnAuthor = packaging.Author{Username: "single sign-on", FullName: "Single sign-on"}

// SingleSignOn gives how people of a tenant sign in by their provider, with the client's secret, and when that was set. They
// are empty where the tenant has no such way.
func (d *DB) SingleSignOn(ctx context.Context, tenant packaging.TenantID) (packaging.SingleSignOn, secret.Text, packaging.CredentialState, error) {
	s, sealed, state, err := signOnOf(ctx, d.read, tenant)
	if err != nil || sealed == nil {
		return s, secret.Text{}, state, err
	}
	opened, err := d.box.Open(sealed, clientSecretOwner(tenant))
	return s, opened, state, err
}

func signOnOf(ctx context.Context, q querier, tenant packaging.TenantID) (s packaging.SingleSignOn, sealed []byte, c packaging.CredentialState, err error) {
	c.Name = clientSecret
	var scopes, hosts string
	var at int64
	err = q.QueryRowContext(ctx, `
		SELECT enabled, label, home, issuer, client_id, client_secret, coalesce(secret_set_at, 0), secret_set_by, scopes, hosts, claim
		FROM sso WHERE tenant_id = ?`, tenant).
		Scan(&s.Enabled, &s.Label, &s.Home, &s.Issuer, &s.ClientID, &sealed, &at, &c.By, &scopes, &hosts, &s.Claim)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil, c, nil
	}
	if err != nil {
		return s, nil, c, coded(err)
	}
	s.Scopes, s.Hosts = strings.Fields(scopes), strings.Fields(hosts)
	c.Set, c.At = sealed != nil, moment(at)
	s.Grants, err = collect(ctx, q, scanGrant, `
		SELECT value, (SELECT group_concat(role, '+' ORDER BY role) FROM sso_grant_roles r WHERE r.tenant_id = g.tenant_id AND r.place = g.place),
			(SELECT json_group_array(l.code ORDER BY l.code) FROM sso_grant_lines n JOIN lines l ON l.id = n.line_id
				WHERE n.tenant_id = g.tenant_id AND n.place = g.place)
		FROM sso_grants g WHERE tenant_id = ? ORDER BY place`, tenant)
	return s, sealed, c, err
}

func scanGrant(row scanner) (g packaging.Grant, err error) {
	var lines string
	if err := row.Scan(&g.Value, &g.Role, &lines); err != nil {
		return g, err
	}
	return g, json.Unmarshal([]byte(lines), &g.Lines)
}

// SignOns gives the ways to sign in that the sign-in page offers, by the tenant's name.
func (d *DB) SignOns(ctx context.Context) ([]packaging.SignOn, error) {
	scan := func(row scanner) (s packaging.SignOn, err error) {
		return s, row.Scan(&s.Tenant.ID, &s.Tenant.Slug, &s.Tenant.Name, &s.Label)
	}
	return collect(ctx, d.read, scan, `
		SELECT t.id, t.slug, t.name, s.label FROM sso s JOIN tenants t ON t.id = s.tenant_id WHERE s.enabled ORDER BY t.name, t.id`)
}

// FillClientSecret gives the secret that was typed, or the one that is stored where none was. What is stored goes to the
// issuer that it was set for and nowhere else.
func (d *DB) FillClientSecret(ctx context.Context, tenant packaging.TenantID, issuer string, typed secret.Text) (secret.Text, error) {
	was, stored, _, err := d.SingleSignOn(ctx, tenant)
	switch {
	case err != nil || !typed.Empty():
		return typed, err
	case stored.Empty() || was.Issuer == issuer:
		return stored, nil
	}
	return typed, packaging.Fail(packaging.Invalid, "error.sso_secret_again")
}

// SetSingleSignOn sets how people of the tenant sign in by their provider. An empty secret leaves the one that is stored,
// unless there shall be none.
func (d *DB) SetSingleSignOn(ctx context.Context, by packaging.Person, s packaging.SingleSignOn, typed secret.Text, none bool) error {
	return d.setupTx(ctx, by, func(st *setupTx) error { return st.setSignOn(s, typed, none) })
}

func (s *setupTx) setSignOn(to packaging.SingleSignOn, typed secret.Text, none bool) error {
	if err := to.Check(); err != nil {
		return err
	}
	was, sealed, _, err := signOnOf(s.ctx, s, s.tenant)
	if err != nil {
		return err
	}
	var stored secret.Text
	if sealed != nil {
		if stored, err = s.box.Open(sealed, clientSecretOwner(s.tenant)); err != nil {
			return err
		}
	}
	switch {
	case none:
		typed = secret.Text{}
	case typed.Empty() && was.Issuer != to.Issuer && !stored.Empty():
		return packaging.Fail(packaging.Invalid, "error.sso_secret_again")
	case typed.Empty():
		typed = stored
	}
	changed := !typed.Equal(stored)
	if changed || was.Issuer != to.Issuer {
		sealed = nil
		if !typed.Empty() {
			sealed = s.box.Seal(typed, clientSecretOwner(s.tenant))
		}
	}
	var at any
	by := ""
	if sealed != nil {
		at, by = millis(s.now), s.by.FullName
	}
	if err := s.exec(`
		INSERT INTO sso (tenant_id, enabled, label, home, issuer, client_id, client_secret, secret_set_at, secret_set_by, scopes, hosts, claim)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
		ON CONFLICT (tenant_id) DO UPDATE SET enabled = ?2, label = ?3, home = ?4, issuer = ?5, client_id = ?6, client_secret = ?7,
			secret_set_at = iif(?13, ?8, secret_set_at), secret_set_by = iif(?13, ?9, secret_set_by), scopes = ?10, hosts = ?11, claim = ?12`,
		s.tenant, to.Enabled, to.Label, to.Home, to.Issuer, to.ClientID, sealed, at, by,
		strings.Join(to.Scopes, " "), strings.Join(to.Hosts, " "), to.Claim, changed); err != nil {
		return err
	}
	if err := s.setGrants(to.Grants); err != nil {
		return err
	}
	if changed {
		if err := s.record(packaging.Entry{TenantID: s.tenant, By: s.by, Deed: packaging.CredentialSet, Object: clientSecret}); err != nil {
			return err
		}
	}
	now, _, _, err := signOnOf(s.ctx, s, s.tenant) // with the codes of lines as they are spelled here
	if err != nil {
		return err
	}
	return s.note(packaging.SignOnSet, "single sign-on", was.Describe(), now.Describe())
}

func (s *setupTx) setGrants(grants []packaging.Grant) error {
	if err := s.exec(`DELETE FROM sso_grants WHERE tenant_id = ?`, s.tenant); err != nil {
		return err
	}
	for place, g := range grants {
		if err := s.exec(`INSERT INTO sso_grants (tenant_id, place, value) VALUES (?, ?, ?)`, s.tenant, place, g.Value); err != nil {
			return err
		}
		for _, role := range g.Role.Parts() {
			if err := s.exec(`INSERT INTO sso_grant_roles (tenant_id, place, role) VALUES (?, ?, ?)`, s.tenant, place, role); err != nil {
				return err
			}
		}
		lines, err := s.lineIDs(g.Lines)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if err := s.exec(`INSERT INTO sso_grant_lines (tenant_id, place, line_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, s.tenant, place, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// SignInBy gives the person that an identity is at a tenant, with the roles and lines of its values as of now; the first
// time it makes them. It never is a person that there was before without being connected. The error is a
// [packaging.SignOnError] where they are not let in.
func (d *DB) SignInBy(ctx context.Context, tenant packaging.Tenant, id packaging.Identity) (p packaging.Person, err error) {
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
		if who.ID, err = s.admit(tenant, id, grant, who.ID, who.local); err != nil {
			return err
		}
		p, err = scanPerson(t.row(selectPerson+`u.id = ? AND t.id = ?`, who.ID, tenant.ID))
		p.SignedOn = true
		return err
	})
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

// admit makes the person of an identity, or brings the one that there is to what the grant says. Of somebody with a password
// of their own the name stays as it is here.
func (s *setupTx) admit(tenant packaging.Tenant, id packaging.Identity, g packaging.Grant, user packaging.UserID, local bool) (packaging.UserID, error) {
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
	if local && !role.Includes(packaging.Administrator) && packaging.CodeOf(s.keepsAdministrator(user)) == packaging.Conflict {
		role = packaging.JoinRoles(append(role.Parts(), packaging.Administrator)...) // the site would have no other with a password
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
	return user, s.notePerson(user, username, before)
}

// addNamed makes a person without a password, under the first of the identity's names that is free.
func (s *setupTx) addNamed(id packaging.Identity, slug string) (user packaging.UserID, err error) {
	for name := range id.Names(slug) {
		user, err = s.addNewUser(name, id.Called(), "")
		if packaging.CodeOf(err) != packaging.Conflict {
			break
		}
	}
	return user, err
}

func (s *setupTx) connect(user packaging.UserID, id packaging.Identity) error {
	return s.exec(`INSERT INTO identities (tenant_id, issuer, subject, user_id, connected_at) VALUES (?, ?, ?, ?, ?)`,
		s.tenant, id.Issuer, id.Subject, user, millis(s.now))
}

// ConnectIdentity has an identity be a person from now on, who has proved both.
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
		if err := s.connect(by.ID, id); err != nil {
			return err
		}
		return s.record(packaging.Entry{TenantID: s.tenant, By: s.by, Deed: packaging.IdentityConnected, Object: "user " + by.Username, New: id.Subject + " at " + id.Issuer})
	})
}

// MayConnect says whether a person may be connected: one of several tenants, or who is connected already, may not.
func (d *DB) MayConnect(ctx context.Context, by packaging.Person) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		return (&setupTx{t, d.box, by.Author, by.Tenant.ID}).mayConnect(by)
	})
}

func (s *setupTx) mayConnect(by packaging.Person) error {
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

// DisconnectIdentity takes a person's identities from them. Who has no password would not come in any more, and keeps them.
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
		were, err := collect(ctx, t, scan, `SELECT subject || ' at ' || issuer FROM identities WHERE user_id = ? ORDER BY issuer`, by.ID)
		if err != nil || len(were) == 0 {
			return err
		}
		if err := t.exec(`DELETE FROM identities WHERE user_id = ?`, by.ID); err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.IdentityDisconnected, Object: "user " + by.Username, Old: strings.Join(were, ", "),
		})
	})
}

// SignOnAccount gives what single sign-on is to a person.
func (d *DB) SignOnAccount(ctx context.Context, p packaging.Person) (a packaging.SignOnAccount, err error) {
	err = d.read.QueryRowContext(ctx, `
		SELECT coalesce((SELECT label FROM sso WHERE tenant_id = ?1 AND enabled), ''),
			EXISTS (SELECT 1 FROM identities i JOIN sso s ON s.tenant_id = i.tenant_id AND s.issuer = i.issuer WHERE i.user_id = u.id),
			u.password_hash <> '', u.signing_hash <> ''
		FROM users u WHERE u.id = ?2`, p.Tenant.ID, p.ID).Scan(&a.Label, &a.Connected, &a.Password, &a.Signing)
	return a, coded(err)
}

// Proof gives the hash of what an active person proves with who they are, where they are asked for it anew: their password
// or, where they have none, their signing password. It is empty where they have neither.
func (d *DB) Proof(ctx context.Context, user packaging.UserID) (hash string, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT iif(password_hash <> '', password_hash, signing_hash) FROM users WHERE id = ? AND active`, user).Scan(&hash)
	return hash, coded(err)
}

// SetSigningPassword gives a person another signing password, by its hash, who has just proved at their provider to be the
// identity.
func (d *DB) SetSigningPassword(ctx context.Context, by packaging.Person, id packaging.Identity, hash string) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		s := &setupTx{t, d.box, by.Author, by.Tenant.ID}
		who, known, err := s.identified(id)
		switch {
		case err != nil:
			return err
		case !known || who.ID != by.ID:
			return &packaging.SignOnError{Reason: packaging.SignOnOther, Who: by.Author}
		case !who.Active:
			return &packaging.SignOnError{Reason: packaging.SignOnInactive, Who: by.Author}
		}
		if err := t.exec(`UPDATE users SET signing_hash = ? WHERE id = ?`, hash, by.ID); err != nil {
			return err
		}
		return t.record(packaging.Entry{TenantID: s.tenant, By: s.by, Deed: packaging.PasswordSet, Object: "signing password of user " + by.Username})
	})
}
