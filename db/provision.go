package db

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Site is what a provisioning file sets up. What it does not name stays as it is.
type Site []TenantSetup

// TenantSetup is one tenant of a site.
type TenantSetup struct {
	Tenant      packaging.Tenant // its ID is not used
	Credentials Credentials
	Lines       []packaging.Line // their IDs are not used
	People      []PersonSetup
}

// PersonSetup is one person of a tenant.
type PersonSetup struct {
	Username string
	FullName string
	Role     packaging.Role
	Password secret.Text
	Lines    []string // codes of the lines that they are limited to; empty for all lines, nil for no change
}

// provisioner is who the history names for what a provisioning file changed.
var provisioner = packaging.Author{Username: "provisioning", FullName: "Provisioning file"}

// Provision applies a site, all of it or nothing, and records what it changed. Applied again it changes nothing.
func (d *DB) Provision(ctx context.Context, site Site) error {
	return d.tx(ctx, func(t *tx) error {
		for _, setup := range site {
			p := provisioning{t, d.box, 0}
			if err := p.apply(setup); err != nil {
				return fmt.Errorf("tenant %s: %w", setup.Tenant.Slug, err)
			}
		}
		return nil
	})
}

type provisioning struct {
	*tx
	box    *secret.Box
	tenant packaging.TenantID
}

func (p *provisioning) apply(setup TenantSetup) error {
	if err := p.setTenant(setup.Tenant, setup.Credentials); err != nil {
		return err
	}
	if err := p.setCredentials(setup.Credentials); err != nil {
		return err
	}
	for _, l := range setup.Lines {
		if err := p.setLine(l); err != nil {
			return fmt.Errorf("line %s: %w", l.Code, err)
		}
	}
	for _, person := range setup.People {
		if err := p.setPerson(person); err != nil {
			return fmt.Errorf("user %s: %w", person.Username, err)
		}
	}
	return nil
}

// note records a change, unless there was none.
func (p *provisioning) note(deed packaging.Deed, object, before, after string) error {
	if before == after {
		return nil
	}
	return p.record(packaging.Entry{TenantID: p.tenant, By: provisioner, Deed: deed, Object: object, Old: before, New: after})
}

func (p *provisioning) setTenant(t packaging.Tenant, c Credentials) error {
	describe := func(t packaging.Tenant, kind, header string) string {
		return fmt.Sprintf("%s · %s · %s · %s token in %s", t.Name, t.TimeZone, t.BaseURL, kind, header)
	}
	var before string
	var was packaging.Tenant
	var kind, header string
	err := p.row(`SELECT id, slug, name, time_zone, base_url, token_kind, token_header FROM tenants WHERE slug = ?`, t.Slug).
		Scan(&was.ID, &was.Slug, &was.Name, &was.TimeZone, &was.BaseURL, &kind, &header)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		id, err := p.insert(`INSERT INTO tenants (slug, name, time_zone, base_url, token_kind, token_header) VALUES (?,?,?,?,?,?)`,
			t.Slug, t.Name, t.TimeZone, t.BaseURL, c.TokenKind, c.TokenHeader)
		if err != nil {
			return err
		}
		p.tenant = packaging.TenantID(id)
		if err := p.exec(`INSERT INTO refreshes (tenant_id) VALUES (?)`, id); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		p.tenant, before = was.ID, describe(was, kind, header)
		if err := p.exec(`UPDATE tenants SET name = ?, time_zone = ?, base_url = ?, token_kind = ?, token_header = ? WHERE id = ?`,
			t.Name, t.TimeZone, t.BaseURL, c.TokenKind, c.TokenHeader, p.tenant); err != nil {
			return err
		}
	}
	return p.note(packaging.TenantSet, "tenant "+t.Slug, before, describe(t, c.TokenKind, c.TokenHeader))
}

func (p *provisioning) setCredentials(c Credentials) error {
	was, err := credentialsOf(p.ctx, p, p.box, p.tenant)
	if err != nil {
		return err
	}
	before := was.named()
	for i, n := range c.named() {
		if n.text.Equal(*before[i].text) {
			continue
		}
		var sealed []byte
		if !n.text.Empty() {
			sealed = p.box.Seal(*n.text, n.owner(p.tenant))
		}
		if err := p.exec(`UPDATE tenants SET `+n.column+` = ? WHERE id = ?`, sealed, p.tenant); err != nil {
			return err
		}
		if err := p.record(packaging.Entry{TenantID: p.tenant, By: provisioner, Deed: packaging.CredentialSet, Object: n.column}); err != nil {
			return err
		}
	}
	return nil
}

func (p *provisioning) setLine(l packaging.Line) error {
	var before string
	err := p.row(`SELECT name FROM lines WHERE tenant_id = ? AND code = ?`, p.tenant, l.Code).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if before == l.Name {
		return nil
	}
	if err := p.exec(`INSERT INTO lines (tenant_id, code, name) VALUES (?, ?, ?)
		ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name`, p.tenant, l.Code, l.Name); err != nil {
		return err
	}
	return p.note(packaging.LineSet, "line "+l.Code, before, l.Name)
}

func (p *provisioning) setPerson(s PersonSetup) error {
	var id packaging.UserID
	var name, hash, role, lines string
	var was []byte
	err := p.row(`
		SELECT id, full_name, password_hash, password_mark,
			(SELECT coalesce(group_concat(role, '+' ORDER BY role), '') FROM member_roles r WHERE r.user_id = users.id AND r.tenant_id = ?1),
			(SELECT coalesce(group_concat(l.code, ', ' ORDER BY l.code), '')
				FROM member_lines m JOIN lines l ON l.id = m.line_id WHERE m.user_id = users.id AND m.tenant_id = ?1)
		FROM users WHERE username = ?2`, p.tenant, s.Username).
		Scan(&id, &name, &hash, &was, &role, &lines)
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return err
	}
	// Hashing is slow on purpose; the mark keeps a start with many people quick.
	mark := p.box.Mark(s.Password, "password of "+strings.ToLower(s.Username))
	samePassword := !fresh && hmac.Equal(was, mark)
	if !samePassword {
		if hash, err = secret.HashPassword(s.Password); err != nil {
			return err
		}
	}
	if fresh {
		key, err := p.insert(`INSERT INTO users (username, full_name, password_hash, password_mark) VALUES (?, ?, ?, ?)`, s.Username, s.FullName, hash, mark)
		if err != nil {
			return err
		}
		id = packaging.UserID(key)
	} else if name != s.FullName || !samePassword {
		if err := p.exec(`UPDATE users SET full_name = ?, password_hash = ?, password_mark = ? WHERE id = ?`, s.FullName, hash, mark, id); err != nil {
			return err
		}
	}
	if role != string(s.Role) {
		if err := p.setRole(id, s.Role); err != nil {
			return err
		}
	}
	before, limit := describePerson(name, role, lines), lines
	if s.Lines != nil {
		if limit, err = p.setLines(id, s.Lines); err != nil {
			return err
		}
	}
	after := describePerson(s.FullName, string(s.Role), limit)
	if samePassword {
		return p.note(packaging.PersonSet, "user "+s.Username, before, after)
	}
	if !fresh { // a new password ends what was signed in with the old one
		if err := p.exec(`DELETE FROM sessions WHERE user_id = ?`, id); err != nil {
			return err
		}
	}
	if err := p.record(packaging.Entry{TenantID: p.tenant, By: provisioner, Deed: packaging.PasswordSet, Object: "user " + s.Username}); err != nil {
		return err
	}
	return p.note(packaging.PersonSet, "user "+s.Username, before, after)
}

// setRole makes a person a member of the tenant with the role, and no other.
func (p *provisioning) setRole(user packaging.UserID, role packaging.Role) error {
	if err := p.exec(`INSERT INTO members (tenant_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, p.tenant, user); err != nil {
		return err
	}
	if err := p.exec(`DELETE FROM member_roles WHERE tenant_id = ? AND user_id = ?`, p.tenant, user); err != nil {
		return err
	}
	for _, part := range role.Parts() {
		if err := p.exec(`INSERT INTO member_roles (tenant_id, user_id, role) VALUES (?, ?, ?)`, p.tenant, user, part); err != nil {
			return err
		}
	}
	return nil
}

// setLines limits a member to the lines of these codes, or to none where there are none. It gives the codes as one text.
func (p *provisioning) setLines(user packaging.UserID, codes []string) (string, error) {
	if err := p.exec(`DELETE FROM member_lines WHERE tenant_id = ? AND user_id = ?`, p.tenant, user); err != nil {
		return "", err
	}
	for _, code := range codes {
		result, err := p.ExecContext(p.ctx, `INSERT INTO member_lines (user_id, tenant_id, line_id)
			SELECT ?, tenant_id, id FROM lines WHERE tenant_id = ? AND code = ?`, user, p.tenant, code)
		if err != nil {
			return "", err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return "", errors.Join(fmt.Errorf("there is no line %s", code), err)
		}
	}
	return strings.Join(slices.Sorted(slices.Values(codes)), ", "), nil
}

// describePerson is a person as the history shows what was set; lines are those that they are limited to.
func describePerson(name, role, lines string) string {
	if role == "" {
		return name
	}
	if lines != "" {
		lines = " · " + lines
	}
	return name + " · " + role + lines
}
