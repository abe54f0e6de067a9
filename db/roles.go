package db

import (
	"encoding/json"
	"errors"

	"lineboard/internal/packaging"
)

// mustKeepAdministrators is mustKeepAdministrator for all of a person's tenants.
func (s *setupTx) mustKeepAdministrators(user packaging.UserID) error {
	tenants, err := s.tenantsOf(user)
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		if err := s.at(tenant).mustKeepAdministrator(user); err != nil {
			return err
		}
	}
	return nil
}

// setRole makes a person a member of the tenant with the role, and no other. The tenant keeps its last administrator.
func (s *setupTx) setRole(user packaging.UserID, role packaging.Role) error {
	if !role.Includes(packaging.Administrator) {
		if err := s.mustKeepAdministrator(user); err != nil {
			return err
		}
	}
	return s.giveRole(user, role)
}

func (s *setupTx) giveRole(user packaging.UserID, role packaging.Role) error {
	var bound bool
	if err := s.row(`SELECT EXISTS (SELECT 1 FROM identities WHERE user_id = ? AND tenant_id <> ?)`, user, s.tenant).
		Scan(&bound); err != nil {
		return err
	}
	if bound {
		return packaging.Fail(packaging.Conflict, "error.sso_one_site").Because(
			errors.New("who is connected with single sign-on belongs to one tenant"),
		)
	}
	if err := s.exec(
		`INSERT INTO members (tenant_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, s.tenant, user,
	); err != nil {
		return err
	}
	parts := role.Parts()
	for _, part := range parts {
		if err := s.exec(
			`INSERT INTO member_roles (tenant_id, user_id, role) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, s.tenant,
			user, part,
		); err != nil {
			return err
		}
	}
	kept, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	return s.exec(`DELETE FROM member_roles WHERE tenant_id = ? AND user_id = ? AND role NOT IN (SELECT value FROM json_each(?))`,
		s.tenant, user, string(kept))
}

// mustKeepAdministrator fails where the tenant would lose its last administrator with this one. Where this one has a
// password, another who has one must stay: those who come by single sign-on can't when the provider is down.
func (s *setupTx) mustKeepAdministrator(user packaging.UserID) error {
	var others, is int
	if err := s.row(`
		SELECT count(*) FILTER (WHERE r.user_id <> ?1 AND (u.password_hash <> '' OR me.password_hash = '')), count(*) FILTER (WHERE r.user_id = ?1)
		FROM member_roles r JOIN users u ON u.id = r.user_id JOIN users me ON me.id = ?1
		WHERE r.tenant_id = ?2 AND r.role = 'administrator' AND u.active`, user,
		s.tenant).Scan(&others, &is); err != nil {
		return err
	}
	if is == 1 && others == 0 {
		return packaging.Fail(packaging.Conflict, "error.last_administrator").Because(
			errors.New("this is the tenant's last administrator; somebody else must be one first"),
		)
	}
	return nil
}

// limitLines limits a person to some lines of the tenant, or to none where there are none.
func (s *setupTx) limitLines(user packaging.UserID, lines []packaging.LineID) error {
	if err := s.exec(`DELETE FROM member_lines WHERE tenant_id = ? AND user_id = ?`, s.tenant, user); err != nil {
		return err
	}
	for _, line := range lines {
		if err := s.exec(
			`INSERT INTO member_lines (tenant_id, user_id, line_id) VALUES (?, ?, ?)`, s.tenant, user, line,
		); err != nil {
			return err
		}
	}
	return nil
}
