package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// marksOwner is what the kept key of marks is bound to.
const marksOwner = "kept key marks"

// Rotate seals with another box all that is sealed, in one transaction, and records it with every tenant. Marks stay as
// they are: the key that they are made with is kept, sealed like everything else.
func (d *DB) Rotate(ctx context.Context, next *secret.Box) error {
	err := d.tx(ctx, func(t *tx) error {
		tenants, err := collect(ctx, t, scanTenant, selectTenant)
		if err != nil {
			return err
		}
		for _, tenant := range tenants {
			if err := t.reseal(tenant.ID, d.box, next); err != nil {
				return err
			}
			if err := t.record(
				packaging.Entry{TenantID: tenant.ID, By: program, Deed: packaging.KeyRotated},
			); err != nil {
				return err
			}
		}
		// A file that waits to be imported is given again.
		if err := t.exec(`DELETE FROM import_previews`); err != nil {
			return err
		}
		return t.exec(`INSERT INTO kept_keys (name, sealed) VALUES ('marks', ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed`,
			next.Seal(d.box.MarkKey(), marksOwner))
	})
	if err == nil {
		d.box = next.WithMarkKey(d.box.MarkKey())
	}
	return err
}

func (t *tx) reseal(tenant packaging.TenantID, box, next *secret.Box) error {
	c, err := credentialsOf(t.ctx, t, box, tenant)
	if err != nil {
		return err
	}
	for _, n := range namedSecrets(&c) {
		if n.text.Empty() {
			continue
		}
		if err := t.exec(
			`UPDATE tenants SET `+n.column+` = ? WHERE id = ?`, next.Seal(*n.text, n.owner(tenant)), tenant,
		); err != nil {
			return err
		}
	}
	if err := t.resealPINs(tenant, box, next); err != nil {
		return err
	}
	if err := t.resealAlarms(tenant, box, next); err != nil {
		return err
	}
	if err := t.resealDestinations(tenant, box, next); err != nil {
		return err
	}
	_, clientKey, _, err := signOnOf(t.ctx, t, tenant)
	if err != nil || clientKey == nil {
		return err
	}
	opened, err := box.Open(clientKey, clientSecretOwner(tenant))
	if err != nil {
		return err
	}
	return t.exec(
		`UPDATE sso SET client_secret = ? WHERE tenant_id = ?`, next.Seal(opened, clientSecretOwner(tenant)), tenant,
	)
}

// RotatedTo says whether Rotate was carried out with this box: a database is sealed with one key, never with two.
func (d *DB) RotatedTo(ctx context.Context, box *secret.Box) (bool, error) {
	_, err := keptMarkKey(ctx, d.read, box)
	switch {
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, secret.ErrWrongKey):
		return false, nil
	}
	return err == nil, err
}

// keptMarkKey opens the key of marks that was kept when the key of the box was first changed.
func keptMarkKey(ctx context.Context, q querier, box *secret.Box) (secret.Text, error) {
	var sealed []byte
	if err := q.QueryRowContext(ctx, `SELECT sealed FROM kept_keys WHERE name = 'marks'`).Scan(&sealed); err != nil {
		return secret.Text{}, err
	}
	key, err := box.Open(sealed, marksOwner)
	if err != nil {
		err = fmt.Errorf("the key of marks: %w", err)
	}
	return key, err
}

// CheckKey makes sure that the key at hand opens what is sealed. The error wraps [secret.ErrWrongKey] where it does
// not.
func (d *DB) CheckKey(ctx context.Context) error {
	if _, err := keptMarkKey(ctx, d.read, d.box); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	pins, err := collect(ctx, d.read, scanSealed, `SELECT pin FROM station_factors WHERE pin IS NOT NULL`)
	if err != nil {
		return err
	}
	for _, sealed := range pins {
		if !d.box.Sealed(sealed) {
			return fmt.Errorf("the PINs can't be opened: %w", secret.ErrWrongKey)
		}
	}
	tenants, err := d.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		if _, err := d.Credentials(ctx, tenant.ID); err != nil {
			return fmt.Errorf("the credentials of %s can't be opened: %w", tenant.Slug, err)
		}
		if err := d.checkDestinations(ctx, tenant.ID); err != nil {
			return fmt.Errorf("the secrets of the destinations of %s can't be opened: %w", tenant.Slug, err)
		}
		if _, _, _, err := d.SingleSignOn(ctx, tenant.ID); err != nil {
			return fmt.Errorf("the client secret of %s can't be opened: %w", tenant.Slug, err)
		}
		if err := d.checkAlarms(ctx, tenant.ID); err != nil {
			return fmt.Errorf("what %s sends alarms with can't be opened: %w", tenant.Slug, err)
		}
	}
	return nil
}

// Box returns what seals secrets with the key beside the database.
func (d *DB) Box() *secret.Box { return d.box }
