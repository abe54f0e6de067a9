package db

import (
	"context"
	"crypto/hmac"
	"database/sql"
	"encoding/json"
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
	Credentials secret.Credentials
	Lines       []packaging.Line // their IDs are not used
	Shifts      []packaging.Shift
	SignOn      *SignOnSetup // nil leaves it as it is
	People      []PersonSetup
}

// SignOnSetup is how people sign in by their company's provider.
type SignOnSetup struct {
	packaging.SingleSignOn
	Secret secret.Text // empty for a public client
}

// PersonSetup is one person of a tenant.
type PersonSetup struct {
	Username string
	FullName string
	Role     packaging.Role
	Lines    []string // codes of the lines that they are limited to, empty for all; nil leaves it as it is
	Password secret.Text
}

// provisioner is who the history names for what a provisioning file changed.
var provisioner = packaging.Author{Username: "provisioning", FullName: "Provisioning file"}

// Provision applies a site, all of it or nothing, and records what it changed. Applied again it changes nothing.
func (d *DB) Provision(ctx context.Context, site Site) error {
	return d.tx(ctx, func(t *tx) error {
		for _, setup := range site {
			if err := t.apply(d.box, setup); err != nil {
				return fmt.Errorf("tenant %s: %w", setup.Tenant.Slug, err)
			}
		}
		return nil
	})
}

// setupTx is a write transaction that sets up one tenant, and records what it changed as done by an author.
type setupTx struct {
	*tx
	box    *secret.Box
	by     packaging.Author
	tenant packaging.TenantID
}

// at is the same transaction for what a person of several tenants has at another one.
func (s *setupTx) at(tenant packaging.TenantID) *setupTx {
	return &setupTx{s.tx, s.box, s.by, tenant}
}

func (t *tx) apply(box *secret.Box, setup TenantSetup) error {
	id, err := t.setTenant(provisioner, setup.Tenant, setup.Credentials)
	if err != nil {
		return err
	}
	s := &setupTx{t, box, provisioner, id}
	if err := s.setCredentials(setup.Credentials); err != nil {
		return err
	}
	for _, l := range setup.Lines {
		if err := s.setLine(l); err != nil {
			return fmt.Errorf("line %s: %w", l.Code, err)
		}
	}
	if err := s.setShifts(setup); err != nil {
		return fmt.Errorf("shifts: %w", err)
	}
	if on := setup.SignOn; on != nil {
		if err := s.setSignOn(on.SingleSignOn, on.Secret, on.Secret.Empty()); err != nil {
			return fmt.Errorf("single sign-on: %w", err)
		}
	}
	for _, person := range setup.People {
		if err := s.provisionPerson(person); err != nil {
			return fmt.Errorf("user %s: %w", person.Username, err)
		}
	}
	return nil
}

// note records a change, unless there was none.
func (s *setupTx) note(deed packaging.Deed, object, before, after string) error {
	if before == after {
		return nil
	}
	return s.record(packaging.Entry{TenantID: s.tenant, By: s.by, Deed: deed, Object: object, Old: before, New: after})
}

// newCredentials are those of a tenant that has none yet.
var newCredentials = secret.Credentials{TokenKind: "dynamic", TokenHeader: "x-access-token"}

// setTenant makes a tenant or changes the one with the slug, and returns its key.
func (t *tx) setTenant(by packaging.Author, to packaging.Tenant, c secret.Credentials) (id packaging.TenantID, err error) {
	describe := func(t packaging.Tenant, kind, header string) string {
		return fmt.Sprintf("%s · %s · %s · %s token in %s", t.Name, t.TimeZone, t.BaseURL, kind, header)
	}
	var before string
	var was packaging.Tenant
	var kind, header string
	err = t.row(`SELECT id, slug, name, time_zone, base_url, token_kind, token_header FROM tenants WHERE slug = ?`, to.Slug).
		Scan(&was.ID, &was.Slug, &was.Name, &was.TimeZone, &was.BaseURL, &kind, &header)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		key, err := t.insert(`INSERT INTO tenants (slug, name, time_zone, base_url, token_kind, token_header) VALUES (?,?,?,?,?,?)`,
			to.Slug, to.Name, to.TimeZone, to.BaseURL, c.TokenKind, c.TokenHeader)
		if err != nil {
			return 0, err
		}
		id = packaging.TenantID(key)
		if err := t.exec(`INSERT INTO refreshes (tenant_id) VALUES (?)`, id); err != nil {
			return 0, err
		}
	case err != nil:
		return 0, err
	default:
		id, before = was.ID, describe(was, kind, header)
		if err := t.keepsZone(was, to); err != nil {
			return 0, err
		}
		if err := t.exec(`UPDATE tenants SET name = ?, time_zone = ?, base_url = ?, token_kind = ?, token_header = ? WHERE id = ?`,
			to.Name, to.TimeZone, to.BaseURL, c.TokenKind, c.TokenHeader, id); err != nil {
			return 0, err
		}
	}
	s := &setupTx{tx: t, by: by, tenant: id}
	return id, s.note(packaging.TenantSet, "tenant "+to.Slug, before, describe(to, c.TokenKind, c.TokenHeader))
}

// keepsZone makes sure that the zone of a site stays once a shift was handed over or signed in it: with another one, that
// shift would have been at another time.
func (t *tx) keepsZone(was, to packaging.Tenant) error {
	if was.TimeZone == to.TimeZone {
		return nil
	}
	var signed bool
	err := t.row(`SELECT EXISTS (SELECT 1 FROM handovers WHERE tenant_id = ?1) OR EXISTS (SELECT 1 FROM shift_reviews WHERE tenant_id = ?1)`, was.ID).Scan(&signed)
	if err == nil && signed {
		err = packaging.Fail(packaging.Conflict, "error.zone_signed")
	}
	return err
}

func (s *setupTx) setCredentials(c secret.Credentials) error {
	was, err := credentialsOf(s.ctx, s, s.box, s.tenant)
	if err != nil {
		return err
	}
	before := named(&was)
	for i, n := range named(&c) {
		if n.text.Equal(*before[i].text) {
			continue
		}
		var sealed []byte
		if !n.text.Empty() {
			sealed = s.box.Seal(*n.text, n.owner(s.tenant))
		}
		if err := s.exec(`UPDATE tenants SET `+n.column+` = ? WHERE id = ?`, sealed, s.tenant); err != nil {
			return err
		}
		if err := s.exec(`INSERT OR REPLACE INTO credentials_set (tenant_id, name, set_at, set_by) VALUES (?, ?, ?, ?)`,
			s.tenant, n.column, millis(s.now), s.by.FullName); err != nil {
			return err
		}
		if err := s.record(packaging.Entry{TenantID: s.tenant, By: s.by, Deed: packaging.CredentialSet, Object: n.column}); err != nil {
			return err
		}
	}
	return nil
}

// setLine makes a line or renames the one with the code.
func (s *setupTx) setLine(l packaging.Line) error {
	var before string
	err := s.row(`SELECT name FROM lines WHERE tenant_id = ? AND code = ?`, s.tenant, l.Code).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if before == l.Name {
		return nil
	}
	if err := s.exec(`INSERT INTO lines (tenant_id, code, name) VALUES (?, ?, ?)
		ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name`, s.tenant, l.Code, l.Name); err != nil {
		return err
	}
	return s.note(packaging.LineSet, "line "+l.Code, before, l.Name)
}

// setShifts has the shifts begin: those of a new site on the day before, so that the shift which runs is one of them, and
// others than there are, or are to come, on the next day. No shifts leave those that are there.
func (s *setupTx) setShifts(setup TenantSetup) error {
	if len(setup.Shifts) == 0 {
		return nil
	}
	tenant := setup.Tenant
	tenant.ID = s.tenant
	r, err := rosterOf(s.ctx, s, tenant.ID)
	if err != nil {
		return err
	}
	today := packaging.DayOf(s.now, tenant.Location())
	plan := packaging.Plan{From: today.Plus(-1), Shifts: setup.Shifts}
	if len(r) > 0 {
		if slices.Equal(r[len(r)-1].Shifts, setup.Shifts) {
			return nil
		}
		plan.From = today.Plus(1)
	}
	return s.tx.setShifts(tenant, provisioner, plan)
}

// provisionPerson makes a person, or brings the one with the username to what the file says.
func (s *setupTx) provisionPerson(p PersonSetup) error {
	var id packaging.UserID
	var hash string
	var was []byte
	err := s.row(`SELECT id, password_hash, password_mark FROM users WHERE username = ?`, p.Username).Scan(&id, &hash, &was)
	fresh := errors.Is(err, sql.ErrNoRows)
	if err != nil && !fresh {
		return err
	}
	if !fresh && hash == "" {
		return errors.New("there is somebody of this username who came by single sign-on; the file must give another one")
	}
	// Hashing is slow on purpose; the mark keeps a start with many people quick.
	mark := s.box.Mark(p.Password, "password of "+strings.ToLower(p.Username))
	samePassword := !fresh && hmac.Equal(was, mark)
	if !samePassword {
		if hash, err = secret.HashPassword(p.Password); err != nil {
			return err
		}
	}
	if fresh {
		if id, err = s.addUser(p.Username, p.FullName, hash); err != nil {
			return err
		}
	}
	before, err := s.describePerson(id)
	if err != nil {
		return err
	}
	if fresh {
		before = ""
	}
	if err := s.exec(`UPDATE users SET full_name = ? WHERE id = ?`, p.FullName, id); err != nil {
		return err
	}
	if err := s.setRole(id, p.Role); err != nil {
		return err
	}
	if p.Lines != nil {
		lines, err := s.lineIDs(p.Lines)
		if err != nil {
			return err
		}
		if err := s.limitLines(id, lines); err != nil {
			return err
		}
	}
	if !samePassword {
		if err := s.setPassword(id, p.Username, hash); err != nil {
			return err
		}
		if err := s.exec(`UPDATE users SET password_mark = ? WHERE id = ?`, mark, id); err != nil {
			return err
		}
	}
	return s.notePerson(id, p.Username, before)
}

func (t *tx) addUser(username, fullName, hash string) (packaging.UserID, error) {
	id, err := t.insert(`INSERT INTO users (username, full_name, password_hash) VALUES (?, ?, ?)`, username, fullName, hash)
	return packaging.UserID(id), err
}

// setPassword sets a hash, ends what was signed in with the password before, and takes PIN and badge away: whoever knew that
// one may have set them. The mark of a provisioned password stays: the file's password comes back only when the file changes.
func (s *setupTx) setPassword(user packaging.UserID, username, hash string) error {
	if err := s.exec(`UPDATE users SET password_hash = ? WHERE id = ?`, hash, user); err != nil {
		return err
	}
	if err := s.signOut(user); err != nil {
		return err
	}
	if err := s.takeFactors(user, username); err != nil {
		return err
	}
	return s.record(packaging.Entry{TenantID: s.tenant, By: s.by, Deed: packaging.PasswordSet, Object: "user " + username})
}

// takeFactors takes away what a person signs in with at the tenant's stations.
func (s *setupTx) takeFactors(user packaging.UserID, username string) error {
	var pin, badge bool
	err := s.row(`DELETE FROM station_factors WHERE user_id = ? AND tenant_id = ? RETURNING pin_hash IS NOT NULL, badge_mark IS NOT NULL`, user, s.tenant).
		Scan(&pin, &badge)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	for _, factor := range []struct {
		deed packaging.Deed
		was  bool
	}{{packaging.PINSet, pin}, {packaging.BadgeSet, badge}} {
		if !factor.was {
			continue
		}
		if err := s.record(packaging.Entry{TenantID: s.tenant, By: s.by, Deed: factor.deed, Object: "user " + username, New: given(false)}); err != nil {
			return err
		}
	}
	return nil
}

// signOut ends a person's sessions, at whichever tenant.
func (s *setupTx) signOut(user packaging.UserID) error {
	_, err := s.endSessions(s.by, `s.user_id = ?`, user)
	return err
}

// setRole makes a person a member of the tenant with the role, and no other. The tenant keeps its last administrator.
func (s *setupTx) setRole(user packaging.UserID, role packaging.Role) error {
	if !role.Includes(packaging.Administrator) {
		if err := s.keepsAdministrator(user); err != nil {
			return err
		}
	}
	return s.giveRole(user, role)
}

func (s *setupTx) giveRole(user packaging.UserID, role packaging.Role) error {
	var bound bool
	if err := s.row(`SELECT EXISTS (SELECT 1 FROM identities WHERE user_id = ? AND tenant_id <> ?)`, user, s.tenant).Scan(&bound); err != nil {
		return err
	}
	if bound {
		return packaging.Fail(packaging.Conflict, "error.sso_one_site").Because(errors.New("who is connected with single sign-on belongs to one tenant"))
	}
	if err := s.exec(`INSERT INTO members (tenant_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, s.tenant, user); err != nil {
		return err
	}
	parts := role.Parts()
	for _, part := range parts {
		if err := s.exec(`INSERT INTO member_roles (tenant_id, user_id, role) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, s.tenant, user, part); err != nil {
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

// keepsAdministrator fails where the tenant would lose its last administrator with this one. Where this one has a password,
// another who has one must stay: those who come by single sign-on can't when the provider is down.
func (s *setupTx) keepsAdministrator(user packaging.UserID) error {
	var others, is int
	if err := s.row(`
		SELECT count(*) FILTER (WHERE r.user_id <> ?1 AND (u.password_hash <> '' OR me.password_hash = '')), count(*) FILTER (WHERE r.user_id = ?1)
		FROM member_roles r JOIN users u ON u.id = r.user_id JOIN users me ON me.id = ?1
		WHERE r.tenant_id = ?2 AND r.role = 'administrator' AND u.active`, user, s.tenant).Scan(&others, &is); err != nil {
		return err
	}
	if is == 1 && others == 0 {
		return packaging.Fail(packaging.Conflict, "error.last_administrator").Because(errors.New("this is the tenant's last administrator; somebody else must be one first"))
	}
	return nil
}

// limitLines limits a person to some lines of the tenant, or to none where there are none.
func (s *setupTx) limitLines(user packaging.UserID, lines []packaging.LineID) error {
	if err := s.exec(`DELETE FROM member_lines WHERE tenant_id = ? AND user_id = ?`, s.tenant, user); err != nil {
		return err
	}
	for _, line := range lines {
		if err := s.exec(`INSERT INTO member_lines (tenant_id, user_id, line_id) VALUES (?, ?, ?)`, s.tenant, user, line); err != nil {
			return err
		}
	}
	return nil
}

// lineIDs gives the keys of the tenant's lines with these codes.
func (s *setupTx) lineIDs(codes []string) (ids []packaging.LineID, err error) {
	for _, code := range codes {
		var id packaging.LineID
		switch err := s.row(`SELECT id FROM lines WHERE tenant_id = ? AND code = ?`, s.tenant, code).Scan(&id); {
		case errors.Is(err, sql.ErrNoRows):
			return nil, packaging.Fail(packaging.Invalid, "error.no_line").Because(fmt.Errorf("there is no line %s", code))
		case err != nil:
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// notePerson records what changed about a person since before.
func (s *setupTx) notePerson(user packaging.UserID, username, before string) error {
	after, err := s.describePerson(user)
	if err != nil {
		return err
	}
	return s.note(packaging.PersonSet, "user "+username, before, after)
}

// describePerson is a person at the tenant as the history tells it: name, roles, lines that they are limited to, and
// whether they are active.
func (s *setupTx) describePerson(user packaging.UserID) (string, error) {
	var name, role, lines string
	var active bool
	err := s.row(`
		SELECT full_name, active,
			(SELECT coalesce(group_concat(role, '+' ORDER BY role), '') FROM member_roles WHERE user_id = ?1 AND tenant_id = ?2),
			(SELECT coalesce(group_concat(l.code, ', ' ORDER BY l.code), '')
				FROM member_lines m JOIN lines l ON l.id = m.line_id WHERE m.user_id = ?1 AND m.tenant_id = ?2)
		FROM users WHERE id = ?1`, user, s.tenant).Scan(&name, &active, &role, &lines)
	for _, more := range []struct {
		is   bool
		says string
	}{{role != "", role}, {role == "", "no role here"}, {lines != "", "lines " + lines}, {!active, "not active"}} {
		if more.is {
			name += " · " + more.says
		}
	}
	return name, err
}
