package db

import (
	"context"
	"encoding/json"
	"errors"

	"lineboard/internal/packaging"
)

// personColumns are a person at a tenant, of users u, members m and tenants t.
const personColumns = `u.id, u.username, u.full_name, u.language, u.hints, t.id, t.slug, t.name, t.time_zone, t.base_url,
	(SELECT coalesce(group_concat(role, '+' ORDER BY role), '') FROM member_roles r WHERE r.user_id = u.id AND r.tenant_id = t.id),
	(SELECT json_group_array(line_id) FROM member_lines l WHERE l.user_id = u.id AND l.tenant_id = t.id),
	iif(u.password_confirmed_at IS NULL, u.password_set_by, ''),
	coalesce((SELECT badge_set_by FROM station_factors f WHERE f.user_id = u.id AND f.tenant_id = t.id
		AND f.badge_mark IS NOT NULL AND f.badge_confirmed_at IS NULL), ''),
	coalesce(u.same_as, u.id), (SELECT json_group_array(o.username ORDER BY o.username) FROM users o
		WHERE (o.id = coalesce(u.same_as, u.id) OR o.same_as = coalesce(u.same_as, u.id)) AND o.id <> u.id)`

const selectPerson = `
SELECT ` + personColumns + `
FROM users u JOIN members m ON m.user_id = u.id JOIN tenants t ON t.id = m.tenant_id
WHERE u.active AND `

// scanPerson reads personColumns, and what follows them into more.
func scanPerson(row scanner, more ...any) (p packaging.Person, err error) {
	var lines, hints, accounts string
	err = row.Scan(append([]any{
		&p.ID, &p.Username, &p.FullName, &p.Language, &hints, &p.Tenant.ID, &p.Tenant.Slug, &p.Tenant.Name,
		&p.Tenant.TimeZone, &p.Tenant.BaseURL,
		&p.Role, &lines, &p.PasswordSetBy, &p.BadgeSetBy, &p.Human, &accounts,
	}, more...)...)
	if err != nil {
		return p, err
	}
	return p, errors.Join(json.Unmarshal([]byte(lines), &p.Lines), json.Unmarshal([]byte(hints), &p.HintsDropped),
		json.Unmarshal([]byte(accounts), &p.Accounts))
}

func scanPeople(row scanner) (packaging.Person, error) { return scanPerson(row) }

// Memberships returns a person once for each tenant that they belong to, by the tenant's name.
func (d *DB) Memberships(ctx context.Context, user packaging.UserID) ([]packaging.Person, error) {
	return collect(ctx, d.read, scanPeople, selectPerson+`u.id = ? ORDER BY t.name COLLATE naturally, t.id`, user)
}

// People returns the tenant's people, by username; those who are not active any more are left out.
func (d *DB) People(ctx context.Context, tenant packaging.TenantID) ([]packaging.Person, error) {
	return collect(ctx, d.read, scanPeople, selectPerson+`t.id = ? ORDER BY u.username COLLATE naturally`, tenant)
}

// SetLanguage keeps which language a person reads (BCP 47).
func (d *DB) SetLanguage(ctx context.Context, user packaging.UserID, language string) error {
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`UPDATE users SET language = ? WHERE id = ?`, language, user)
	})
}

// DropHint keeps that a person needs a hint no more.
func (d *DB) DropHint(ctx context.Context, user packaging.UserID, hint string) error {
	return d.tx(ctx, func(t *tx) error {
		return t.exec(`UPDATE users SET hints = json_insert(hints, '$[#]', ?1)
			WHERE id = ?2 AND NOT EXISTS (SELECT 1 FROM json_each(hints) WHERE value = ?1)`, hint, user)
	})
}
