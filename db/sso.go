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

// SingleSignOn returns how people of a tenant sign in by their provider, with the client's secret, and when that was
// set. They are empty where the tenant has no such way.
func (d *DB) SingleSignOn(
	ctx context.Context, tenant packaging.TenantID,
) (packaging.SingleSignOn, secret.Text, packaging.CredentialState, error) {
	s, sealed, state, err := signOnOf(ctx, d.read, tenant)
	if err != nil || sealed == nil {
		return s, secret.Text{}, state, err
	}
	opened, err := d.box.Open(sealed, clientSecretOwner(tenant))
	return s, opened, state, err
}

func signOnOf(
	ctx context.Context, q querier, tenant packaging.TenantID,
) (s packaging.SingleSignOn, sealed []byte, c packaging.CredentialState, err error) {
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
			(SELECT json_group_array(l.code ORDER BY l.code COLLATE naturally) FROM sso_grant_lines n JOIN lines l ON l.id = n.line_id
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

// SignOns returns the ways to sign in that the sign-in page offers, by the tenant's name.
func (d *DB) SignOns(ctx context.Context) ([]packaging.SignOn, error) {
	scan := func(row scanner) (s packaging.SignOn, err error) {
		return s, row.Scan(&s.Tenant.ID, &s.Tenant.Slug, &s.Tenant.Name, &s.Label)
	}
	return collect(ctx, d.read, scan, `
		SELECT t.id, t.slug, t.name, s.label FROM sso s JOIN tenants t ON t.id = s.tenant_id WHERE s.enabled
		ORDER BY t.name COLLATE naturally, t.id`)
}

// FillClientSecret returns the secret that was typed, or the one that is stored where none was. What is stored goes to
// the issuer that it was set for and nowhere else.
func (d *DB) FillClientSecret(
	ctx context.Context, tenant packaging.TenantID, issuer string, typed secret.Text,
) (secret.Text, error) {
	was, stored, _, err := d.SingleSignOn(ctx, tenant)
	switch {
	case err != nil || !typed.Empty():
		return typed, err
	case stored.Empty() || was.Issuer == issuer:
		return stored, nil
	}
	return typed, packaging.Fail(packaging.Invalid, "error.sso_secret_again")
}

// SetSingleSignOn sets how people of the tenant sign in by their provider. An empty secret leaves the one that is
// stored, unless there shall be none.
func (d *DB) SetSingleSignOn(
	ctx context.Context, by packaging.Person, s packaging.SingleSignOn, typed secret.Text, none bool,
) error {
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
	if changed {
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
		if err := s.record(packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: packaging.CredentialSet, Object: clientSecret,
		}); err != nil {
			return err
		}
	}
	now, _, _, err := signOnOf(s.ctx, s, s.tenant) // with the codes of lines as they are spelled here
	if err != nil {
		return err
	}
	return s.recordChange(packaging.SignOnSet, "single sign-on", was.Describe(), now.Describe())
}

func (s *setupTx) setGrants(grants []packaging.Grant) error {
	if err := s.exec(`DELETE FROM sso_grants WHERE tenant_id = ?`, s.tenant); err != nil {
		return err
	}
	for place, g := range grants {
		if err := s.exec(
			`INSERT INTO sso_grants (tenant_id, place, value) VALUES (?, ?, ?)`, s.tenant, place, g.Value,
		); err != nil {
			return err
		}
		for _, role := range g.Role.Parts() {
			if err := s.exec(
				`INSERT INTO sso_grant_roles (tenant_id, place, role) VALUES (?, ?, ?)`, s.tenant, place, role,
			); err != nil {
				return err
			}
		}
		lines, err := s.lineIDs(g.Lines)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if err := s.exec(
				`INSERT INTO sso_grant_lines (tenant_id, place, line_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
				s.tenant, place, line,
			); err != nil {
				return err
			}
		}
	}
	return nil
}
