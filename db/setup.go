package db

import (
	"context"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// FirstStart says whether there is no administrator at all, and whether there is nobody at all who could sign in.
func (d *DB) FirstStart(ctx context.Context) (noAdministrator, nobody bool, err error) {
	err = d.read.QueryRowContext(ctx, `
		SELECT NOT EXISTS (`+administrators+`), NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id WHERE u.active)`).
		Scan(&noAdministrator, &nobody)
	return noAdministrator, nobody, coded(err)
}

const administrators = `SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id WHERE r.role = 'administrator' AND u.active`

// AddFirstAdministrator makes the first administrator there is: of all tenants or, where there is none, of the one
// given, which it makes. Once there is an administrator, it fails.
func (d *DB) AddFirstAdministrator(
	ctx context.Context, username, fullName string, password secret.Text, first packaging.Tenant,
) (p packaging.Person, err error) {
	hash, err := secret.HashPassword(password)
	if err != nil {
		return p, err
	}
	err = d.tx(ctx, func(t *tx) error {
		var set bool
		if err := t.row(`SELECT EXISTS (` + administrators + `)`).Scan(&set); err != nil {
			return err
		}
		if set {
			return packaging.Fail(packaging.Conflict, "error.set_up_already")
		}
		by := packaging.Author{Username: username, FullName: fullName, Role: packaging.Administrator}
		if by.ID, err = t.addNewUser(username, fullName, hash); err != nil {
			return err
		}
		tenants, err := collect(ctx, t, scanTenant, selectTenant+`ORDER BY name, id`)
		if err != nil {
			return err
		}
		if len(tenants) == 0 {
			if first.ID, err = t.setTenant(by, first, newCredentials); err != nil {
				return err
			}
			tenants = []packaging.Tenant{first}
		}
		for _, tenant := range tenants {
			s := &setupTx{t, d.box, by, tenant.ID}
			if err := s.setRole(by.ID, packaging.Administrator); err != nil {
				return err
			}
			if err := s.recordPerson(by.ID, username, ""); err != nil {
				return err
			}
			if err := s.joinNamesakes(by.ID); err != nil {
				return err
			}
		}
		p, err = scanPerson(t.row(selectPerson+`u.id = ? ORDER BY t.name, t.id LIMIT 1`, by.ID))
		return err
	})
	return p, err
}

// isConnected says whether a tenant, t, has all that its API asks for.
const isConnected = `(t.channel_key IS NOT NULL AND CASE t.token_kind
	WHEN 'dynamic' THEN t.api_key IS NOT NULL AND t.api_secret IS NOT NULL ELSE t.static_token IS NOT NULL END)`

// SetupSteps says which of the first steps of a tenant are done.
func (d *DB) SetupSteps(ctx context.Context, tenant packaging.TenantID) (s packaging.SetupSteps, err error) {
	err = d.read.QueryRowContext(ctx, `
		SELECT `+isConnected+`,
			EXISTS (SELECT 1 FROM lines WHERE tenant_id = t.id AND NOT retired),
			EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
				WHERE r.tenant_id = t.id AND u.active AND r.role IN ('supervisor', 'manager'))
		FROM tenants t WHERE id = ?`, tenant).Scan(&s.Connection, &s.Lines, &s.People)
	return s, coded(err)
}
