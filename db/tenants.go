package db

import (
	"context"
	"database/sql"
	"errors"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

const selectTenant = `SELECT id, slug, name, time_zone, base_url FROM tenants `

func scanTenant(row scanner) (t packaging.Tenant, err error) {
	return t, row.Scan(&t.ID, &t.Slug, &t.Name, &t.TimeZone, &t.BaseURL)
}

// Tenants returns all tenants, by name.
func (d *DB) Tenants(ctx context.Context) ([]packaging.Tenant, error) {
	return collect(ctx, d.read, scanTenant, selectTenant+`ORDER BY name COLLATE naturally, id`)
}

// Tenant returns one tenant.
func (d *DB) Tenant(ctx context.Context, id packaging.TenantID) (packaging.Tenant, error) {
	t, err := scanTenant(d.read.QueryRowContext(ctx, selectTenant+`WHERE id = ?`, id))
	return t, coded(err)
}

// AddTenant makes a tenant, with the person as its administrator.
func (d *DB) AddTenant(ctx context.Context, by packaging.Person, t packaging.Tenant) (p packaging.Person, err error) {
	err = d.setupTx(ctx, by, func(s *setupTx) error {
		var taken bool
		if err := s.row(`SELECT EXISTS (SELECT 1 FROM tenants WHERE slug = ?)`, t.Slug).Scan(&taken); err != nil {
			return err
		}
		if taken {
			return packaging.Fail(packaging.Conflict, "error.slug_taken")
		}
		author := s.by
		author.Role = packaging.Administrator
		id, err := s.setTenant(author, t, newCredentials)
		if err != nil {
			return err
		}
		there := &setupTx{s.tx, s.box, author, id}
		if err := there.setRole(author.ID, packaging.Administrator); err != nil {
			return err
		}
		if err := there.recordPerson(author.ID, author.Username, ""); err != nil {
			return err
		}
		p, err = scanPerson(s.row(selectPerson+`u.id = ? AND t.id = ?`, author.ID, id))
		return err
	})
	return p, err
}

// SetTenant returns the tenant a name and a time zone.
func (d *DB) SetTenant(ctx context.Context, by packaging.Person, name, zone string) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		t, c, err := s.connection()
		if err != nil {
			return err
		}
		t.Name, t.TimeZone = name, zone
		_, err = s.setTenant(s.by, t, c)
		return err
	})
}

// setTenant makes a tenant or changes the one with the slug, and returns its key.
func (t *tx) setTenant(
	by packaging.Author, to packaging.Tenant, c secret.Credentials,
) (id packaging.TenantID, err error) {
	var before string
	var was packaging.Tenant
	var kind, header string
	err = t.row(
		`SELECT id, slug, name, time_zone, base_url, token_kind, token_header FROM tenants WHERE slug = ?`, to.Slug,
	).
		Scan(&was.ID, &was.Slug, &was.Name, &was.TimeZone, &was.BaseURL, &kind, &header)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		// A key of a tenant whose history is lost is not used again.
		key, err := t.insert(`
			INSERT INTO tenants (id, slug, name, time_zone, base_url, token_kind, token_header) VALUES (
				1 + max((SELECT coalesce(max(id), 0) FROM tenants), (SELECT coalesce(max(tenant_key), 0) FROM losses)),
				?,?,?,?,?,?)`,
			to.Slug, to.Name, to.TimeZone, to.BaseURL, c.TokenKind, c.TokenHeader)
		if err != nil {
			return 0, err
		}
		id = packaging.TenantID(key)
		if err := t.exec(`INSERT INTO refreshes (tenant_id) VALUES (?)`, id); err != nil {
			return 0, err
		}
		t.schema = 0 // its history is to be told of the schema, too
	case err != nil:
		return 0, err
	default:
		id, before = was.ID, was.Details(kind, header)
		if err := t.mustKeepZone(was, to); err != nil {
			return 0, err
		}
		if err := t.exec(`UPDATE tenants SET name = ?, time_zone = ?, base_url = ?, token_kind = ?, token_header = ? WHERE id = ?`,
			to.Name, to.TimeZone, to.BaseURL, c.TokenKind, c.TokenHeader, id); err != nil {
			return 0, err
		}
	}
	if to.Name != was.Name && by != provisioner {
		err := t.mustStandApart(to.Name, `SELECT name FROM tenants WHERE id <> ?`, id)
		if packaging.CodeOf(err) == packaging.Conflict { // which one is not for every administrator
			err = packaging.Fail(packaging.Conflict, "error.site_alike")
		}
		if err != nil {
			return 0, err
		}
	}
	s := &setupTx{tx: t, by: by, tenant: id}
	after := to.Details(c.TokenKind, c.TokenHeader)
	if err := s.recordChange(packaging.TenantSet, packaging.SaysTenant.Of(to.Slug), before, after); err != nil {
		return 0, err
	}
	return id, t.recordLosses(id, to.Slug)
}

// mustKeepZone makes sure that the zone of a site stays once a shift was handed over or signed in it: with another one,
// that shift would have been at another time.
func (t *tx) mustKeepZone(was, to packaging.Tenant) error {
	if was.TimeZone == to.TimeZone {
		return nil
	}
	var signed bool
	err := t.row(
		`SELECT EXISTS (SELECT 1 FROM handovers WHERE tenant_id = ?1) OR EXISTS (SELECT 1 FROM shift_reviews WHERE tenant_id = ?1)`,
		was.ID,
	).Scan(&signed)
	if err == nil && signed {
		err = packaging.Fail(packaging.Conflict, "error.zone_signed")
	}
	return err
}
