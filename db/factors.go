package db

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Colleagues returns who can sign in at the station by PIN: those who work on its line and have one, by name.
func (d *DB) Colleagues(ctx context.Context, s packaging.Station) ([]packaging.Colleague, error) {
	return collect(ctx, d.read, func(row scanner) (c packaging.Colleague, err error) {
		return c, row.Scan(&c.ID, &c.Username, &c.FullName)
	}, `
		SELECT u.id, u.username, u.full_name FROM station_factors f JOIN users u ON u.id = f.user_id
		WHERE f.tenant_id = ?1 AND f.pin IS NOT NULL AND u.active AND (
			NOT EXISTS (SELECT 1 FROM member_lines l WHERE l.user_id = u.id AND l.tenant_id = ?1)
			OR EXISTS (SELECT 1 FROM member_lines l WHERE l.user_id = u.id AND l.tenant_id = ?1 AND l.line_id = ?2))
		ORDER BY u.full_name, u.id`, s.TenantID, s.Line.ID)
}

// PIN returns a person of the tenant, and the hash of their PIN there. A person without a PIN, or not active, is
// NotFound.
func (d *DB) PIN(
	ctx context.Context, tenant packaging.TenantID, user packaging.UserID,
) (p packaging.Person, hash string, err error) {
	var sealed []byte
	p, err = scanPerson(d.read.QueryRowContext(ctx, `
		SELECT `+personColumns+`, f.pin
		FROM users u JOIN members m ON m.user_id = u.id JOIN tenants t ON t.id = m.tenant_id
		JOIN station_factors f ON f.user_id = u.id AND f.tenant_id = t.id
		WHERE u.active AND t.id = ? AND u.id = ? AND f.pin IS NOT NULL`, tenant, user), &sealed)
	if err != nil {
		return p, "", coded(err)
	}
	opened, err := d.box.Open(sealed, pinOwner(tenant, user))
	return p, opened.Reveal(), err
}

// BadgeOwner returns whose badge it is at the tenant. A scan may mean several badges: then exactly one of them must be
// known, otherwise the error is NotFound. One that somebody else set is nobody's until its owner has confirmed it.
func (d *DB) BadgeOwner(
	ctx context.Context, tenant packaging.TenantID, badges []secret.Text,
) (packaging.Person, error) {
	marks := make([]string, len(badges))
	for i, badge := range badges {
		marks[i] = hex.EncodeToString(badgeMark(d.box, tenant, badge))
	}
	list, err := json.Marshal(marks)
	if err != nil {
		return packaging.Person{}, err
	}
	p, err := scanPerson(d.read.QueryRowContext(ctx, selectPerson+`t.id = ?1 AND u.id = (
		SELECT max(user_id) FROM station_factors
		WHERE tenant_id = ?1 AND badge_mark IN (SELECT unhex(value) FROM json_each(?2))
			AND (badge_set_by = '' OR badge_confirmed_at IS NOT NULL)
		HAVING count(*) = 1)`, tenant, string(list)))
	return p, coded(err)
}

func badgeMark(box *secret.Box, tenant packaging.TenantID, badge secret.Text) []byte {
	return box.Mark(badge, fmt.Sprintf("badge of tenant %d", tenant))
}

// StationFactors says what a person of the tenant can sign in with at its stations.
func (d *DB) StationFactors(
	ctx context.Context, tenant packaging.TenantID, user packaging.UserID,
) (pin, badge bool, err error) {
	err = d.read.QueryRowContext(ctx,
		`SELECT pin IS NOT NULL, badge_mark IS NOT NULL FROM station_factors WHERE tenant_id = ? AND user_id = ?`,
		tenant, user).Scan(&pin, &badge)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return pin, badge, coded(err)
}

// SetPIN stores the hash of a person's own PIN at the tenant, or takes the PIN away where the hash is empty.
func (d *DB) SetPIN(ctx context.Context, by packaging.Person, hash string) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		if err := mustBeConfirmed(by); hash != "" && err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO station_factors (user_id, tenant_id, pin) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET pin = excluded.pin`, by.ID, by.Tenant.ID,
			sealedPIN(d.box, by.Tenant.ID, by.ID, hash)); err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.PINSet, Object: packaging.SaysUser.Of(by.Username),
			New: setOrNone(hash != ""),
		})
	})
}

// SetBadge stores the mark of the badge of a person of the tenant, or takes the badge away where it is empty. A badge
// that somebody has is a Conflict. That of another person is for administrators, and waits for its owner to confirm it.
func (d *DB) SetBadge(ctx context.Context, by packaging.Person, user packaging.UserID, badge secret.Text) error {
	action := packaging.Administer
	if user == by.ID {
		action = packaging.ViewOrders
	}
	return d.authorizedTx(ctx, by, action, func(t *tx, by packaging.Person) error {
		setBy, confirmed := by.FullName, any(nil)
		if user == by.ID {
			if err := mustBeConfirmed(by); !badge.Empty() && err != nil {
				return err
			}
			setBy, confirmed = "", millis(t.now)
		}
		var mark []byte
		if !badge.Empty() {
			mark = badgeMark(d.box, by.Tenant.ID, badge)
		}
		owner, err := scanPerson(t.row(selectPerson+`t.id = ? AND u.id = ?`, by.Tenant.ID, user))
		if err != nil {
			return err
		}
		err = t.exec(`INSERT INTO station_factors (user_id, tenant_id, badge_mark, badge_set_by, badge_confirmed_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (user_id, tenant_id) DO UPDATE SET badge_mark = excluded.badge_mark,
				badge_set_by = excluded.badge_set_by, badge_confirmed_at = excluded.badge_confirmed_at`, user,
			by.Tenant.ID, mark, setBy, confirmed)
		if isTaken(err) {
			return packaging.Fail(packaging.Conflict, "pin.badge_taken").Because(err)
		}
		if err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.BadgeSet,
			Object: packaging.SaysUser.Of(owner.Username),
			New:    setOrNone(mark != nil),
		})
	})
}

// setOrNone is what the history says of a secret: whether there is one, and never what it is.
func setOrNone(set bool) string {
	if set {
		return "set"
	}
	return "none"
}

// RemoveFactors takes away what a person signs in with at the stations of this tenant.
func (d *DB) RemoveFactors(ctx context.Context, by packaging.Person, id packaging.UserID) error {
	return d.onMember(ctx, by, id, func(s *setupTx, m packaging.Member) error {
		return s.removeFactors(m.ID, m.Username)
	})
}

// removeFactors takes away what a person signs in with at the tenant's stations.
func (s *setupTx) removeFactors(user packaging.UserID, username string) error {
	var pin, badge bool
	err := s.row(
		`DELETE FROM station_factors WHERE user_id = ? AND tenant_id = ? RETURNING pin IS NOT NULL, badge_mark IS NOT NULL`,
		user, s.tenant,
	).
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
		if err := s.record(packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: factor.deed,
			Object: packaging.SaysUser.Of(username), New: setOrNone(false),
		}); err != nil {
			return err
		}
	}
	return nil
}
