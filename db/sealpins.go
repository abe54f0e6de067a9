package db

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// A PIN of six digits is found from its hash within a minute. So the hash is sealed with the key, which no backup of
// the database holds.

func pinOwner(tenant packaging.TenantID, user packaging.UserID) string {
	return fmt.Sprintf("pin of user %d at tenant %d", user, tenant)
}

// sealedPINs is the migration that seals the hashes of PINs, so that nobody needs a new one.
func sealedPINs(box *secret.Box) *goose.Migration {
	up := func(ctx context.Context, t *sql.Tx) error {
		if _, err := t.ExecContext(ctx, `ALTER TABLE station_factors ADD COLUMN pin BLOB`); err != nil {
			return err
		}
		if err := sealPINs(ctx, t, box); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, `ALTER TABLE station_factors DROP COLUMN pin_hash`)
		return err
	}
	return goose.NewGoMigration(33, &goose.GoFunc{RunTx: up}, nil)
}

type plainPIN struct {
	tenant packaging.TenantID
	user   packaging.UserID
	hash   string
}

// sealPINs seals with the key that fits the database, and fails with [secret.ErrWrongKey] where it is another one.
func sealPINs(ctx context.Context, t *sql.Tx, box *secret.Box) error {
	scan := func(row scanner) (p plainPIN, err error) { return p, row.Scan(&p.tenant, &p.user, &p.hash) }
	pins, err := collect(ctx, t, scan, `
		SELECT tenant_id, user_id, pin_hash FROM station_factors WHERE pin_hash IS NOT NULL`)
	if err != nil || len(pins) == 0 {
		return err
	}
	if err := mustBeSealedWith(ctx, t, box); err != nil {
		return err
	}
	for _, p := range pins {
		sealed := box.Seal(secret.New(p.hash), pinOwner(p.tenant, p.user))
		_, err := t.ExecContext(ctx, `UPDATE station_factors SET pin = ? WHERE tenant_id = ? AND user_id = ?`,
			sealed, p.tenant, p.user)
		if err != nil {
			return err
		}
	}
	return nil
}

// mustBeSealedWith fails with [secret.ErrWrongKey] where another key sealed something. It goes by the schema as it is
// during the migration.
func mustBeSealedWith(ctx context.Context, q querier, box *secret.Box) error {
	all, err := collect(ctx, q, scanSealed, `
		SELECT sealed FROM kept_keys UNION ALL SELECT client_secret FROM sso UNION ALL SELECT api_key FROM tenants
		UNION ALL SELECT api_secret FROM tenants UNION ALL SELECT channel_key FROM tenants
		UNION ALL SELECT static_token FROM tenants`)
	if err != nil {
		return err
	}
	for _, sealed := range all {
		if sealed != nil && !box.Sealed(sealed) {
			return fmt.Errorf("PINs can't be sealed: the database is %w", secret.ErrWrongKey)
		}
	}
	return nil
}

func scanSealed(row scanner) (sealed []byte, err error) { return sealed, row.Scan(&sealed) }

// sealedPIN returns what to store for the hash of a PIN, nil for none.
func sealedPIN(box *secret.Box, tenant packaging.TenantID, user packaging.UserID, hash string) []byte {
	if hash == "" {
		return nil
	}
	return box.Seal(secret.New(hash), pinOwner(tenant, user))
}

// resealPINs seals the PINs of a tenant with the next key.
func (t *tx) resealPINs(tenant packaging.TenantID, box, next *secret.Box) error {
	type pin struct {
		user   packaging.UserID
		sealed []byte
	}
	pins, err := collect(t.ctx, t, func(row scanner) (p pin, err error) { return p, row.Scan(&p.user, &p.sealed) },
		`SELECT user_id, pin FROM station_factors WHERE tenant_id = ? AND pin IS NOT NULL`, tenant)
	if err != nil {
		return err
	}
	for _, p := range pins {
		hash, err := box.Open(p.sealed, pinOwner(tenant, p.user))
		if err != nil {
			return err
		}
		if err := t.exec(`UPDATE station_factors SET pin = ? WHERE tenant_id = ? AND user_id = ?`,
			next.Seal(hash, pinOwner(tenant, p.user)), tenant, p.user); err != nil {
			return err
		}
	}
	return nil
}
