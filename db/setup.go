package db

import (
	"context"
	"database/sql"
	"errors"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// What administrators set up. Each method acts on the tenant that who asks for it is signed in at; what belongs to
// another tenant alone is not found.

// setupTx is an authorizedTx of a person who administers the tenant.
func (d *DB) setupTx(ctx context.Context, by packaging.Person, do func(*setupTx) error) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		return do(&setupTx{t, d.box, by.Author, by.Tenant.ID})
	})
}

// FirstStart says whether there is no administrator at all, and whether there is nobody at all who could sign in.
func (d *DB) FirstStart(ctx context.Context) (noAdministrator, nobody bool, err error) {
	err = d.read.QueryRowContext(ctx, `
		SELECT NOT EXISTS (`+administrators+`), NOT EXISTS (SELECT 1 FROM members m JOIN users u ON u.id = m.user_id WHERE u.active)`).
		Scan(&noAdministrator, &nobody)
	return noAdministrator, nobody, coded(err)
}

const administrators = `SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id WHERE r.role = 'administrator' AND u.active`

// AddFirstAdministrator makes the first administrator there is: of all tenants or, where there is none, of the one given,
// which it makes. Once there is an administrator, it fails.
func (d *DB) AddFirstAdministrator(ctx context.Context, username, fullName string, password secret.Text, first packaging.Tenant) (p packaging.Person, err error) {
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
			if err := s.notePerson(by.ID, username, ""); err != nil {
				return err
			}
		}
		p, err = scanPerson(t.row(selectPerson+`u.id = ? ORDER BY t.name, t.id LIMIT 1`, by.ID))
		return err
	})
	return p, err
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

// SetupSteps says which of the first steps of a tenant are done.
func (d *DB) SetupSteps(ctx context.Context, tenant packaging.TenantID) (s packaging.SetupSteps, err error) {
	err = d.read.QueryRowContext(ctx, `
		SELECT channel_key IS NOT NULL AND CASE token_kind WHEN 'dynamic' THEN api_key IS NOT NULL AND api_secret IS NOT NULL ELSE static_token IS NOT NULL END,
			EXISTS (SELECT 1 FROM lines WHERE tenant_id = t.id AND NOT retired),
			EXISTS (SELECT 1 FROM member_roles r JOIN users u ON u.id = r.user_id
				WHERE r.tenant_id = t.id AND u.active AND r.role IN ('supervisor', 'manager'))
		FROM tenants t WHERE id = ?`, tenant).Scan(&s.Connection, &s.Lines, &s.People)
	return s, coded(err)
}

// ---- The tenant

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
		if err := there.notePerson(author.ID, author.Username, ""); err != nil {
			return err
		}
		p, err = scanPerson(s.row(selectPerson+`u.id = ? AND t.id = ?`, author.ID, id))
		return err
	})
	return p, err
}

// SetTenant gives the tenant a name and a time zone.
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

// connection is the tenant as it is, and the kind and header of its token.
func (s *setupTx) connection() (t packaging.Tenant, c secret.Credentials, err error) {
	err = s.row(`SELECT id, slug, name, time_zone, base_url, token_kind, token_header FROM tenants WHERE id = ?`, s.tenant).
		Scan(&t.ID, &t.Slug, &t.Name, &t.TimeZone, &t.BaseURL, &c.TokenKind, &c.TokenHeader)
	return t, c, err
}

// TokenSettings gives the kind and the header of the tenant's token, and no credential.
func (d *DB) TokenSettings(ctx context.Context, tenant packaging.TenantID) (c secret.Credentials, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT token_kind, token_header FROM tenants WHERE id = ?`, tenant).Scan(&c.TokenKind, &c.TokenHeader)
	return c, coded(err)
}

// FillCredentials gives what was typed, with what is stored where nothing was. What is stored goes to the address that it
// was set for and nowhere else: with another one, all that the kind of token needs must be typed.
func (d *DB) FillCredentials(ctx context.Context, tenant packaging.TenantID, baseURL string, typed secret.Credentials) (secret.Credentials, error) {
	return filled(ctx, d.read, d.box, tenant, baseURL, typed)
}

func filled(ctx context.Context, q querier, box *secret.Box, tenant packaging.TenantID, baseURL string, typed secret.Credentials) (secret.Credentials, error) {
	t, err := scanTenant(q.QueryRowContext(ctx, selectTenant+`WHERE id = ?`, tenant))
	if err != nil {
		return typed, coded(err)
	}
	stored, err := credentialsOf(ctx, q, box, tenant)
	if err != nil {
		return typed, err
	}
	any := false
	before := named(&stored)
	for _, n := range before {
		any = any || !n.text.Empty()
	}
	if was, err := packaging.ParseBaseURL(t.BaseURL); err != nil || was != baseURL {
		if any && !typed.Complete() {
			return typed, packaging.Fail(packaging.Invalid, "error.credentials_again")
		}
		return typed, nil
	}
	for i, n := range named(&typed) {
		if n.text.Empty() {
			*n.text = *before[i].text
		}
	}
	return typed, nil
}

// SetConnection gives the tenant an address of the API and credentials; one that is empty stays as it is (see
// [DB.FillCredentials]). Whoever keeps a client of the tenant must forget it.
func (d *DB) SetConnection(ctx context.Context, by packaging.Person, baseURL string, typed secret.Credentials) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		c, err := filled(ctx, s, s.box, s.tenant, baseURL, typed)
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

// ---- Lines

// SetupLines gives all lines of the viewer's tenant by code, whatever lines the viewer works on.
func (d *DB) SetupLines(ctx context.Context, viewer packaging.Person) ([]packaging.Line, error) {
	return linesOf(ctx, d.read, packaging.Everything(viewer.Tenant.ID))
}

// SetupLine gives one of them.
func (d *DB) SetupLine(ctx context.Context, viewer packaging.Person, code string) (packaging.Line, error) {
	return d.Line(ctx, packaging.Everything(viewer.Tenant.ID), code)
}

// AddLine makes a line; its code must be free.
func (d *DB) AddLine(ctx context.Context, by packaging.Person, l packaging.Line) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		switch _, err := s.line(l.Code); {
		case err == nil:
			return packaging.Fail(packaging.Conflict, "error.line_taken")
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		return s.setLine(l)
	})
}

// SetLine gives a line another name, retires it or takes it back.
func (d *DB) SetLine(ctx context.Context, by packaging.Person, l packaging.Line) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		was, err := s.line(l.Code)
		if err != nil {
			return err
		}
		if err := s.exec(`UPDATE lines SET name = ?, retired = ? WHERE id = ?`, l.Name, l.Retired, was.ID); err != nil {
			return err
		}
		return s.note(packaging.LineSet, "line "+was.Code, describeLine(was), describeLine(l))
	})
}

func (s *setupTx) line(code string) (packaging.Line, error) {
	return scanLine(s.row(`SELECT id, code, name, retired FROM lines WHERE tenant_id = ? AND code = ?`, s.tenant, code))
}

func describeLine(l packaging.Line) string {
	if l.Retired {
		return l.Name + " · retired"
	}
	return l.Name
}

// ---- People

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

// Members gives the people of the viewer's tenant by username, those who are not active too.
func (d *DB) Members(ctx context.Context, viewer packaging.Person) ([]packaging.Member, error) {
	return collect(ctx, d.read, scanMember, selectMember+`ORDER BY u.active DESC, u.username`, viewer.ID, viewer.Tenant.ID)
}

// Member gives one of them.
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
		if err := s.setMember(id, p); err != nil {
			return err
		}
		return s.notePerson(id, p.Username, "")
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
		if err := s.setMember(c.ID, p); err != nil {
			return err
		}
		return s.notePerson(c.ID, c.Username, before)
	})
}

// SetPerson gives a person of the tenant a name, roles and lines. A shared one keeps their name.
func (d *DB) SetPerson(ctx context.Context, by, p packaging.Person) error {
	return d.onMember(ctx, by, p.ID, func(s *setupTx, m packaging.Member) error {
		if !m.Shared && p.FullName != m.FullName {
			if err := s.everywhere(m, func() error { return s.exec(`UPDATE users SET full_name = ? WHERE id = ?`, p.FullName, m.ID) }); err != nil {
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
		return s.notePerson(m.ID, m.Username, before)
	})
}

// SetPersonsPassword gives a person a new password, signs them out everywhere, and takes their PIN and badge away.
func (d *DB) SetPersonsPassword(ctx context.Context, by packaging.Person, id packaging.UserID, password secret.Text) error {
	hash, err := secret.HashPassword(password)
	if err != nil {
		return err
	}
	return d.onMember(ctx, by, id, func(s *setupTx, m packaging.Member) error {
		if m.Shared {
			return packaging.Fail(packaging.Forbidden, "error.shared_person")
		}
		tenants, err := s.tenantsOf(m.ID)
		if err != nil {
			return err
		}
		for _, tenant := range tenants { // each records it
			if err := s.at(tenant).setPassword(m.ID, m.Username, hash); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetPersonActive deactivates a person, who can't sign in from then on, or takes them back. Their PIN and badge do not come
// back with them.
func (d *DB) SetPersonActive(ctx context.Context, by packaging.Person, id packaging.UserID, active bool) error {
	return d.onMember(ctx, by, id, func(s *setupTx, m packaging.Member) error {
		if m.Shared {
			return packaging.Fail(packaging.Forbidden, "error.shared_person")
		}
		return s.everywhere(m, func() error {
			if !active {
				if err := errors.Join(s.keepAdministrators(m.ID), s.signOut(m.ID)); err != nil {
					return err
				}
			}
			tenants, err := s.tenantsOf(m.ID)
			if err != nil {
				return err
			}
			for _, tenant := range tenants {
				if err := s.at(tenant).takeFactors(m.ID, m.Username); err != nil {
					return err
				}
			}
			return s.exec(`UPDATE users SET active = ? WHERE id = ?`, active, m.ID)
		})
	})
}

// RemoveFactors takes away what a person signs in with at the stations of this tenant.
func (d *DB) RemoveFactors(ctx context.Context, by packaging.Person, id packaging.UserID) error {
	return d.onMember(ctx, by, id, func(s *setupTx, m packaging.Member) error { return s.takeFactors(m.ID, m.Username) })
}

// keepAdministrators is keepsAdministrator for all of a person's tenants.
func (s *setupTx) keepAdministrators(user packaging.UserID) error {
	tenants, err := s.tenantsOf(user)
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		if err := s.at(tenant).keepsAdministrator(user); err != nil {
			return err
		}
	}
	return nil
}

func (s *setupTx) tenantsOf(user packaging.UserID) ([]packaging.TenantID, error) {
	scan := func(row scanner) (id packaging.TenantID, err error) { return id, row.Scan(&id) }
	return collect(s.ctx, s, scan, `SELECT tenant_id FROM members WHERE user_id = ? ORDER BY tenant_id`, user)
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
		if err := s.keepsAdministrator(m.ID); err != nil {
			return err
		}
		if _, err := s.endSessions(s.by, `s.user_id = ? AND s.tenant_id = ?`, m.ID, s.tenant); err != nil {
			return err
		}
		if err := s.exec(`DELETE FROM members WHERE tenant_id = ? AND user_id = ?`, s.tenant, m.ID); err != nil {
			return err
		}
		return s.notePerson(m.ID, m.Username, before)
	})
}

// onMember does something with a person of the tenant as they are in the same transaction.
func (d *DB) onMember(ctx context.Context, by packaging.Person, id packaging.UserID, do func(*setupTx, packaging.Member) error) error {
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

// everywhere changes what a person is at all tenants at once, and records it at each.
func (s *setupTx) everywhere(m packaging.Member, change func() error) error {
	tenants, err := s.tenantsOf(m.ID)
	if err != nil {
		return err
	}
	before := make([]string, len(tenants))
	for i, tenant := range tenants {
		if before[i], err = s.at(tenant).describePerson(m.ID); err != nil {
			return err
		}
	}
	if err := change(); err != nil {
		return err
	}
	for i, tenant := range tenants {
		if err := s.at(tenant).notePerson(m.ID, m.Username, before[i]); err != nil {
			return err
		}
	}
	return nil
}
