package db

import (
	"context"
	"fmt"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// namedSecrets returns each credential with the column that it is kept in.
func namedSecrets(c *secret.Credentials) []namedSecret {
	return []namedSecret{
		{"api_key", &c.APIKey},
		{"api_secret", &c.APISecret},
		{"channel_key", &c.ChannelKey},
		{"static_token", &c.StaticToken},
	}
}

type namedSecret struct {
	column string
	text   *secret.Text
}

// owner is what a sealed credential is bound to: it opens for no other tenant and in no other column.
func (n namedSecret) owner(tenant packaging.TenantID) string {
	return fmt.Sprintf("tenant %d %s", tenant, n.column)
}

// Credentials returns a tenant's credentials, opened. The error wraps [secret.ErrWrongKey] where another key sealed
// them.
func (d *DB) Credentials(ctx context.Context, tenant packaging.TenantID) (secret.Credentials, error) {
	return credentialsOf(ctx, d.read, d.box, tenant)
}

func credentialsOf(
	ctx context.Context, q querier, box *secret.Box, tenant packaging.TenantID,
) (c secret.Credentials, err error) {
	sealed := make([][]byte, 4)
	err = q.QueryRowContext(ctx, `
		SELECT token_kind, token_header, api_key, api_secret, channel_key, static_token FROM tenants WHERE id = ?`, tenant).
		Scan(&c.TokenKind, &c.TokenHeader, &sealed[0], &sealed[1], &sealed[2], &sealed[3])
	if err != nil {
		return c, coded(err)
	}
	for i, n := range namedSecrets(&c) {
		if sealed[i] == nil {
			continue
		}
		if *n.text, err = box.Open(sealed[i], n.owner(tenant)); err != nil {
			return c, fmt.Errorf("%s of tenant %d: %w", n.column, tenant, err)
		}
	}
	return c, nil
}

// connection is the tenant as it is, and the kind and header of its token.
func (s *setupTx) connection() (t packaging.Tenant, c secret.Credentials, err error) {
	err = s.row(
		`SELECT id, slug, name, time_zone, base_url, token_kind, token_header FROM tenants WHERE id = ?`, s.tenant,
	).
		Scan(&t.ID, &t.Slug, &t.Name, &t.TimeZone, &t.BaseURL, &c.TokenKind, &c.TokenHeader)
	return t, c, err
}

// TokenSettings returns the kind and the header of the tenant's token, and no credential.
func (d *DB) TokenSettings(ctx context.Context, tenant packaging.TenantID) (c secret.Credentials, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT token_kind, token_header FROM tenants WHERE id = ?`, tenant).
		Scan(&c.TokenKind, &c.TokenHeader)
	return c, coded(err)
}

// FillCredentials returns what was typed, with what is stored where nothing was. What is stored goes to the address
// that it was set for and nowhere else: with another one, all that the kind of token needs must be typed.
func (d *DB) FillCredentials(
	ctx context.Context, tenant packaging.TenantID, baseURL string, typed secret.Credentials,
) (secret.Credentials, error) {
	return fillCredentials(ctx, d.read, d.box, tenant, baseURL, typed)
}

func fillCredentials(
	ctx context.Context, q querier, box *secret.Box, tenant packaging.TenantID, baseURL string, typed secret.Credentials,
) (secret.Credentials, error) {
	t, err := scanTenant(q.QueryRowContext(ctx, selectTenant+`WHERE id = ?`, tenant))
	if err != nil {
		return typed, coded(err)
	}
	stored, err := credentialsOf(ctx, q, box, tenant)
	if err != nil {
		return typed, err
	}
	any := false
	before := namedSecrets(&stored)
	for _, n := range before {
		any = any || !n.text.Empty()
	}
	if was, err := packaging.ParseBaseURL(t.BaseURL); err != nil || was != baseURL {
		if any && !typed.Complete() {
			return typed, packaging.Fail(packaging.Invalid, "error.credentials_again")
		}
		return typed, nil
	}
	for i, n := range namedSecrets(&typed) {
		if n.text.Empty() {
			*n.text = *before[i].text
		}
	}
	return typed, nil
}

// SetConnection returns the tenant an address of the API and credentials; one that is empty stays as it is (see
// [DB.FillCredentials]). A caller that keeps a client of the tenant must drop it.
func (d *DB) SetConnection(ctx context.Context, by packaging.Person, baseURL string, typed secret.Credentials) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		c, err := fillCredentials(ctx, s, s.box, s.tenant, baseURL, typed)
		if err != nil {
			return err
		}
		t, _, err := s.connection()
		if err != nil {
			return err
		}
		t.BaseURL = baseURL
		if _, err := s.setTenant(s.by, t, c); err != nil {
			return err
		}
		return s.setCredentials(c)
	})
}

// CredentialsEnd returns what is known of the end of a tenant's credentials.
func (d *DB) CredentialsEnd(ctx context.Context, tenant packaging.TenantID) (packaging.CredentialsEnd, error) {
	return credentialsEnd(ctx, d.read, d.box, tenant)
}

// credentialsEnd asks the static token itself for its end. One that the key at hand does not open says nothing: others
// tell of the key.
func credentialsEnd(
	ctx context.Context, q querier, box *secret.Box, tenant packaging.TenantID,
) (end packaging.CredentialsEnd, err error) {
	var sealed []byte
	err = q.QueryRowContext(ctx, `
		SELECT credentials_end, remind_days, CASE token_kind WHEN 'static' THEN static_token END FROM tenants WHERE id = ?`, tenant).
		Scan(&end.LastDay, &end.RemindDays, &sealed)
	if err != nil || sealed == nil || box == nil {
		return end, coded(err)
	}
	var token secret.Text
	if token, err = box.Open(sealed, namedSecret{column: "static_token"}.owner(tenant)); err == nil {
		_, end.Token = secret.TokenTimes(token)
	}
	return end, nil
}

// SetCredentialsEnd notes when the tenant's credentials end. What the token itself says is not set.
func (d *DB) SetCredentialsEnd(ctx context.Context, by packaging.Person, to packaging.CredentialsEnd) error {
	if err := to.Check(); err != nil {
		return err
	}
	return d.setupTx(ctx, by, func(s *setupTx) error { return s.setCredentialsEnd(to) })
}

func (s *setupTx) setCredentialsEnd(to packaging.CredentialsEnd) error {
	was, err := credentialsEnd(s.ctx, s, s.box, s.tenant)
	if err != nil {
		return err
	}
	if err := s.exec(`UPDATE tenants SET credentials_end = ?, remind_days = ? WHERE id = ?`,
		to.LastDay, to.RemindDays, s.tenant); err != nil {
		return err
	}
	return s.recordChange(packaging.TenantSet, packaging.SaysEnd.Of(), was.String(), to.String())
}

// CredentialStates says of each credential of the tenant whether it is set, when and by whom.
func (d *DB) CredentialStates(ctx context.Context, tenant packaging.TenantID) ([]packaging.CredentialState, error) {
	scan := func(row scanner) (c packaging.CredentialState, err error) {
		var at int64
		err = row.Scan(&c.Name, &c.Set, &at, &c.By)
		c.At = moment(at)
		return c, err
	}
	return collect(ctx, d.read, scan, `
		SELECT n.name, n.is_set, coalesce(s.set_at, 0), coalesce(s.set_by, '')
		FROM (
			SELECT 1 AS place, 'api_key' AS name, api_key IS NOT NULL AS is_set FROM tenants WHERE id = ?1
			UNION ALL SELECT 2, 'api_secret', api_secret IS NOT NULL FROM tenants WHERE id = ?1
			UNION ALL SELECT 3, 'channel_key', channel_key IS NOT NULL FROM tenants WHERE id = ?1
			UNION ALL SELECT 4, 'static_token', static_token IS NOT NULL FROM tenants WHERE id = ?1
		) n LEFT JOIN credentials_set s ON s.tenant_id = ?1 AND s.name = n.name
		ORDER BY n.place`, tenant)
}

// newCredentials are those of a tenant that has none yet.
var newCredentials = secret.Credentials{TokenKind: "dynamic", TokenHeader: "x-access-token"}

func (s *setupTx) setCredentials(c secret.Credentials) error {
	was, err := credentialsOf(s.ctx, s, s.box, s.tenant)
	if err != nil {
		return err
	}
	before := namedSecrets(&was)
	for i, n := range namedSecrets(&c) {
		if n.text.Equal(*before[i].text) {
			continue
		}
		var sealed []byte
		if !n.text.Empty() {
			sealed = s.box.Seal(*n.text, n.owner(s.tenant))
		}
		if err := s.exec(`UPDATE tenants SET `+n.column+` = ? WHERE id = ?`, sealed, s.tenant); err != nil {
			return err
		}
		if err := s.exec(`INSERT OR REPLACE INTO credentials_set (tenant_id, name, set_at, set_by) VALUES (?, ?, ?, ?)`,
			s.tenant, n.column, millis(s.now), s.by.FullName); err != nil {
			return err
		}
		if err := s.record(packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: packaging.CredentialSet, Object: n.column,
		}); err != nil {
			return err
		}
	}
	return nil
}
