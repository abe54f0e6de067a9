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

func scanLine(row scanner) (l packaging.Line, err error) {
	return l, row.Scan(&l.ID, &l.Code, &l.Name, &l.Retired)
}

// withinLines begins a condition on the table of lines with the scope.
func withinLines(in packaging.Scope) where {
	w := where{"tenant_id = ?", []any{in.Tenant()}}
	w.and(in.Limited(), "id IN (SELECT value FROM json_each(?))", lineList(in))
	return w
}

// Lines gives the lines, by code.
func (d *DB) Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error) {
	return linesOf(ctx, d.read, in)
}

func linesOf(ctx context.Context, q querier, in packaging.Scope) ([]packaging.Line, error) {
	w := withinLines(in)
	return collect(ctx, q, scanLine, `SELECT id, code, name, retired FROM lines WHERE `+w.sql+` ORDER BY code`, w.args...)
}

// Line gives one line by its code; one outside the scope is not found.
func (d *DB) Line(ctx context.Context, in packaging.Scope, code string) (packaging.Line, error) {
	w := withinLines(in)
	w.and(true, "code = ?", code)
	l, err := scanLine(d.read.QueryRowContext(ctx, `SELECT id, code, name, retired FROM lines WHERE `+w.sql, w.args...))
	return l, coded(err)
}
