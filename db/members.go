package db

import (
	"context"
	"errors"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

const memberColumns = personColumns + `, u.active,
	EXISTS (SELECT 1 FROM members o WHERE o.user_id = u.id AND o.tenant_id <> t.id AND NOT EXISTS (
		SELECT 1 FROM member_roles a WHERE a.user_id = ?1 AND a.tenant_id = o.tenant_id AND a.role = 'administrator'))`

const selectMember = `SELECT ` + memberColumns + `,
	EXISTS (SELECT 1 FROM members e WHERE e.user_id = u.id AND e.tenant_id <> t.id)
FROM users u JOIN members m ON m.user_id = u.id JOIN tenants t ON t.id = m.tenant_id
WHERE t.id = ?2 `

func scanMember(row scanner) (m packaging.Member, err error) {
	var active, shared, elsewhere bool
	p, err := scanPerson(row, &active, &shared, &elsewhere)
	p.Elsewhere = elsewhere
	return packaging.Member{Person: p, Active: active, Shared: shared}, err
}

// Members returns the people of the viewer's tenant by username, those who are not active too.
func (d *DB) Members(ctx context.Context, viewer packaging.Person) ([]packaging.Member, error) {
	return collect(
		ctx, d.read, scanMember, selectMember+`ORDER BY u.active DESC, u.username COLLATE naturally`, viewer.ID, viewer.Tenant.ID,
	)
}

// Member returns one of them.
func (d *DB) Member(ctx context.Context, viewer packaging.Person, id packaging.UserID) (packaging.Member, error) {
	return memberOf(ctx, d.read, viewer, id)
}

func memberOf(ctx context.Context, q querier, viewer packaging.Person, id packaging.UserID) (packaging.Member, error) {
	m, err := scanMember(q.QueryRowContext(ctx, selectMember+`AND u.id = ?3`, viewer.ID, viewer.Tenant.ID, id))
	return m, coded(err)
}

// Candidates returns people of other tenants that the viewer administers, once each, who could join this one.
func (d *DB) Candidates(ctx context.Context, viewer packaging.Person) ([]packaging.Person, error) {
	return collect(ctx, d.read, scanPeople, selectCandidates+`ORDER BY u.full_name, u.id`, viewer.ID, viewer.Tenant.ID)
}

const selectCandidates = selectPerson + `t.id = (
		SELECT min(o.tenant_id) FROM members o JOIN member_roles a ON a.tenant_id = o.tenant_id
		WHERE o.user_id = u.id AND a.user_id = ?1 AND a.role = 'administrator')
	AND u.id NOT IN (SELECT user_id FROM members WHERE tenant_id = ?2) AND u.id NOT IN (SELECT user_id FROM identities) `

// AddPerson makes a person of the tenant, with a username that nobody has yet.
func (d *DB) AddPerson(ctx context.Context, by, p packaging.Person, password secret.Text) error {
	hash, err := secret.HashPassword(password) // takes its time: before the transaction
	if err != nil {
		return err
	}
	return d.setupTx(ctx, by, func(s *setupTx) error {
		id, err := s.addNewUser(p.Username, p.FullName, hash)
		if err != nil {
			return err
		}
		if err := errors.Join(s.setMember(id, p), s.waitForOwner(id)); err != nil {
			return err
		}
		if err := s.recordPerson(id, p.Username, ""); err != nil {
			return err
		}
		return s.joinNamesakes(id)
	})
}

// JoinPerson makes one of the [DB.Candidates] a person of this tenant too. Anybody else is NotFound.
func (d *DB) JoinPerson(ctx context.Context, by, p packaging.Person) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		c, err := scanPerson(s.row(selectCandidates+`AND u.id = ?3`, by.ID, s.tenant, p.ID))
		if err != nil {
			return coded(err)
		}
		before, err := s.describePerson(c.ID)
		if err != nil {
			return err
		}
		if err := errors.Join(s.setMember(c.ID, p), s.confirmAnew(c.ID)); err != nil {
			return err
		}
		if err := s.recordPerson(c.ID, c.Username, before); err != nil {
			return err
		}
		return s.joinNamesakes(c.ID)
	})
}

// SetPerson returns a person of the tenant a name, roles and lines. A shared one keeps their name.
func (d *DB) SetPerson(ctx context.Context, by, p packaging.Person) error {
	return d.onMember(ctx, by, p.ID, func(s *setupTx, m packaging.Member) error {
		if !m.Shared && p.FullName != m.FullName {
			if err := s.everywhere(m.Author, func() error {
				return s.exec(`UPDATE users SET full_name = ? WHERE id = ?`, p.FullName, m.ID)
			}); err != nil {
				return err
			}
		}
		before, err := s.describePerson(m.ID)
		if err != nil {
			return err
		}
		if err := s.setMember(m.ID, p); err != nil {
			return err
		}
		return s.recordPerson(m.ID, m.Username, before)
	})
}

// SetPersonActive deactivates a person, who can't sign in from then on, or takes them back. Their PIN and badge do not
// come back with them.
func (d *DB) SetPersonActive(ctx context.Context, by packaging.Person, id packaging.UserID, active bool) error {
	return d.onMember(ctx, by, id, func(s *setupTx, m packaging.Member) error {
		if m.Shared {
			return packaging.Fail(packaging.Forbidden, "error.shared_person")
		}
		return s.everywhere(m.Author, func() error {
			if !active {
				if err := errors.Join(s.mustKeepAdministrators(m.ID), s.signOut(m.ID)); err != nil {
					return err
				}
			}
			tenants, err := s.tenantsOf(m.ID)
			if err != nil {
				return err
			}
			for _, tenant := range tenants {
				if err := s.at(tenant).removeFactors(m.ID, m.Username); err != nil {
					return err
				}
			}
			return s.exec(`UPDATE users SET active = ? WHERE id = ?`, active, m.ID)
		})
	})
}

// RemovePerson takes a person of several tenants out of this one.
func (d *DB) RemovePerson(ctx context.Context, by packaging.Person, id packaging.UserID) error {
	return d.onMember(ctx, by, id, func(s *setupTx, m packaging.Member) error {
		if !m.Elsewhere {
			return packaging.Fail(packaging.Conflict, "error.only_here")
		}
		before, err := s.describePerson(m.ID)
		if err != nil {
			return err
		}
		if err := s.mustKeepAdministrator(m.ID); err != nil {
			return err
		}
		if _, err := s.endSessions(s.by, `s.user_id = ? AND s.tenant_id = ?`, m.ID, s.tenant); err != nil {
			return err
		}
		if err := s.exec(`DELETE FROM members WHERE tenant_id = ? AND user_id = ?`, s.tenant, m.ID); err != nil {
			return err
		}
		return s.recordPerson(m.ID, m.Username, before)
	})
}

// onMember does something with a person of the tenant as they are in the same transaction.
func (d *DB) onMember(
	ctx context.Context, by packaging.Person, id packaging.UserID, do func(*setupTx, packaging.Member) error,
) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		m, err := memberOf(ctx, s, by, id)
		if err != nil {
			return err
		}
		return do(s, m)
	})
}

func (s *setupTx) setMember(user packaging.UserID, p packaging.Person) error {
	if err := s.setRole(user, p.Role); err != nil {
		return err
	}
	return s.limitLines(user, p.Lines)
}

// everywhere changes what somebody is at all tenants at once, and records it at each.
func (s *setupTx) everywhere(who packaging.Author, change func() error) error {
	tenants, err := s.tenantsOf(who.ID)
	if err != nil {
		return err
	}
	before := make([]string, len(tenants))
	for i, tenant := range tenants {
		if before[i], err = s.at(tenant).describePerson(who.ID); err != nil {
			return err
		}
	}
	if err := change(); err != nil {
		return err
	}
	for i, tenant := range tenants {
		if err := s.at(tenant).recordPerson(who.ID, who.Username, before[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *setupTx) tenantsOf(user packaging.UserID) ([]packaging.TenantID, error) {
	scan := func(row scanner) (id packaging.TenantID, err error) { return id, row.Scan(&id) }
	return collect(s.ctx, s, scan, `SELECT tenant_id FROM members WHERE user_id = ? ORDER BY tenant_id`, user)
}

// addNewUser is addUser for a username that must be free.
func (t *tx) addNewUser(username, fullName, hash string) (packaging.UserID, error) {
	var taken bool
	if err := t.row(`SELECT EXISTS (SELECT 1 FROM users WHERE username = ?)`, username).Scan(&taken); err != nil {
		return 0, err
	}
	if taken || packaging.ReservedUsername(username) {
		return 0, packaging.Fail(packaging.Conflict, "error.username_taken")
	}
	return t.addUser(username, fullName, hash)
}

// addUser makes a person. It fails with Invalid or Conflict if their username has letters that pass for others, or can
// be taken for that of somebody, active or not.
func (t *tx) addUser(username, fullName, hash string) (packaging.UserID, error) {
	if err := packaging.CheckUsername(username); err != nil {
		return 0, err
	}
	others, err := collect(t.ctx, t, func(row scanner) (name string, err error) { return name, row.Scan(&name) },
		`SELECT username FROM users`)
	if err != nil {
		return 0, err
	}
	for _, other := range append(others, packaging.ReservedUsernames...) {
		if packaging.LooksLike(username, other) {
			return 0, packaging.Fail(packaging.Conflict, "error.username_alike", "Username", other)
		}
	}
	return t.insertUser(username, fullName, hash)
}

// insertUser makes a person whatever their username looks like.
func (t *tx) insertUser(username, fullName, hash string) (packaging.UserID, error) {
	id, err := t.insert(
		`INSERT INTO users (username, full_name, password_hash) VALUES (?, ?, ?)`, username, fullName, hash,
	)
	return packaging.UserID(id), err
}

// recordPerson records what changed about a person since before.
func (s *setupTx) recordPerson(user packaging.UserID, username, before string) error {
	after, err := s.describePerson(user)
	if err != nil {
		return err
	}
	return s.recordChange(packaging.PersonSet, packaging.SaysUser.Of(username), before, after)
}

// describePerson is a person at the tenant as the history tells it: name, roles, lines that they are limited to, and
// whether they are active.
func (s *setupTx) describePerson(user packaging.UserID) (string, error) {
	var name, lines, accounts string
	var role packaging.Role
	var active bool
	err := s.row(`
		SELECT full_name, active,
			(SELECT coalesce(group_concat(role, '+' ORDER BY role), '') FROM member_roles WHERE user_id = ?1 AND tenant_id = ?2),
			(SELECT coalesce(group_concat(l.code, ', ' ORDER BY l.code COLLATE naturally), '')
				FROM member_lines m JOIN lines l ON l.id = m.line_id WHERE m.user_id = ?1 AND m.tenant_id = ?2),
			(SELECT coalesce(group_concat(o.username, ', ' ORDER BY o.username), '') FROM users o JOIN humans h ON h.user_id = o.id
				WHERE h.human_id = coalesce(u.same_as, u.id) AND o.id <> u.id)
		FROM users u WHERE id = ?1`, user, s.tenant).Scan(&name, &active, &role, &lines, &accounts)
	return packaging.PersonDetails(name, role, lines, accounts, active), err
}
