package db

import (
	"context"
	"fmt"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// named gives each credential with the column that it is kept in.
func named(c *secret.Credentials) []namedSecret {
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

const selectTenant = `SELECT id, slug, name, time_zone, base_url FROM tenants `

func scanTenant(row scanner) (t packaging.Tenant, err error) {
	return t, row.Scan(&t.ID, &t.Slug, &t.Name, &t.TimeZone, &t.BaseURL)
}

// Tenants gives all tenants, by name.
func (d *DB) Tenants(ctx context.Context) ([]packaging.Tenant, error) {
	return collect(ctx, d.read, scanTenant, selectTenant+`ORDER BY name, id`)
}

// Tenant gives one tenant.
func (d *DB) Tenant(ctx context.Context, id packaging.TenantID) (packaging.Tenant, error) {
	t, err := scanTenant(d.read.QueryRowContext(ctx, selectTenant+`WHERE id = ?`, id))
	return t, coded(err)
}

// Credentials gives a tenant's credentials, opened. The error wraps [secret.ErrWrongKey] where another key sealed them.
func (d *DB) Credentials(ctx context.Context, tenant packaging.TenantID) (secret.Credentials, error) {
	return credentialsOf(ctx, d.read, d.box, tenant)
}

func credentialsOf(ctx context.Context, q querier, box *secret.Box, tenant packaging.TenantID) (c secret.Credentials, err error) {
	sealed := make([][]byte, 4)
	err = q.QueryRowContext(ctx, `
		SELECT token_kind, token_header, api_key, api_secret, channel_key, static_token FROM tenants WHERE id = ?`, tenant).
		Scan(&c.TokenKind, &c.TokenHeader, &sealed[0], &sealed[1], &sealed[2], &sealed[3])
	if err != nil {
		return c, coded(err)
	}
	for i, n := range named(&c) {
		if sealed[i] == nil {
			continue
		}
		if *n.text, err = box.Open(sealed[i], n.owner(tenant)); err != nil {
			return c, fmt.Errorf("%s of tenant %d: %w", n.column, tenant, err)
		}
	}
	return c, nil
}
