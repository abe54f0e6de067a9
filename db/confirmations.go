package db

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// errUnconfirmed refuses what must wait until a password that somebody else set is confirmed.
var errUnconfirmed = packaging.Fail(packaging.Forbidden, "error.password_unconfirmed")

// mustBeConfirmed fails if somebody else set the person's password and nobody has confirmed it: what they set up under
// the person's name would outlast the confirmation.
func mustBeConfirmed(p packaging.Person) error {
	if p.PasswordSetBy != "" {
		return errUnconfirmed
	}
	return nil
}

// OlderPassword returns the hash of the last password that a person set themselves, while one that somebody else set
// waits to be confirmed. It is empty where there is none.
func (d *DB) OlderPassword(ctx context.Context, user packaging.UserID) (hash string, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT older_hash FROM users WHERE id = ? AND active`, user).Scan(&hash)
	return hash, coded(err)
}

// Confirmations returns what of a person's password waits, and the people whose passwords the person may confirm.
func (d *DB) Confirmations(ctx context.Context, viewer packaging.Person) (c packaging.Confirmations, err error) {
	err = d.read.snapshot(ctx, func(q querier) error {
		if err := q.QueryRowContext(
			ctx, `SELECT password_changed, older_hash <> '' FROM users WHERE id = ?`, viewer.ID,
		).
			Scan(&c.Changed, &c.Older); err != nil {
			return err
		}
		if err := q.QueryRowContext(
			ctx, `SELECT waives_confirmation FROM tenants WHERE id = ?`, viewer.Tenant.ID,
		).Scan(&c.Waived); err != nil {
			return err
		}
		if c.MayWaive, err = mayWaive(ctx, q, viewer, d.now()); err != nil || !viewer.May(packaging.ConfirmPeople) {
			return err
		}
		c.Waiting, err = collect(ctx, q, func(row scanner) (w packaging.WaitingPassword, err error) {
			var hash string
			w.Person, err = scanPerson(row, &hash)
			w.Shown = d.shown(hash)
			return w, err
		}, `
			SELECT `+personColumns+`, u.password_hash
			FROM users u JOIN members m ON m.user_id = u.id JOIN tenants t ON t.id = m.tenant_id
			WHERE u.active AND t.id = ?1 AND `+waits+` AND u.password_changed = 1 AND `+ofOthers+` ORDER BY u.username`,
			viewer.Tenant.ID, viewer.Human)
		return err
	})
	return c, coded(err)
}

// shown is what a page knows a password or a badge by, until another one is set.
func (d *DB) shown(kept string) string {
	return hex.EncodeToString(d.box.Mark(secret.New(kept), "what a page shows")[:8])
}

// mustBeAsShown fails with Conflict if a password or badge is another one than its page showed. Who set it could else
// have the page of another one confirm it.
func (d *DB) mustBeAsShown(kept, shown string) error {
	if d.shown(kept) != shown {
		return packaging.Fail(packaging.Conflict, "confirm.changed")
	}
	return nil
}

// waits is whether a password of users u was set by somebody else, and is not confirmed.
const waits = `(u.password_set_by <> '' AND u.password_confirmed_at IS NULL)`

// ofOthers is whether neither user u nor who set their password is the human ?2.
const ofOthers = `(coalesce(u.same_as, u.id) <> ?2 AND NOT EXISTS (
	SELECT 1 FROM humans h WHERE h.user_id = u.password_setter AND h.human_id = ?2))`

// confirmers counts the active people of tenant ?1, other than the human ?2, who could confirm passwords.
const confirmers = `SELECT count(*) FROM users u WHERE u.active AND coalesce(u.same_as, u.id) <> ?2 AND EXISTS (
	SELECT 1 FROM member_roles r WHERE r.user_id = u.id AND r.tenant_id = ?1 AND r.role IN ('administrator', 'manager'))`

// aloneFor is how long nobody else must have acted at a site as somebody who could confirm passwords, before it counts
// as one without such a person. Who deactivates a manager, or sets their password, is not alone by that.
const aloneFor = 30 * 24 * time.Hour

// actedAt is whether user u acted at a tenant, after a time, as somebody who could confirm passwords: one look into the
// index of such entries.
func actedAt(tenant, since string) string {
	return `EXISTS (SELECT 1 FROM history e WHERE e.tenant_id = ` + tenant + ` AND e.user_id = u.id AND e.at > ` + since + `
		AND (e.role LIKE '%administrator%' OR e.role LIKE '%manager%'))`
}

// othersActed is whether somebody else than the person ?2 acted at tenant ?1 after ?3 who could confirm passwords.
var othersActed = `SELECT EXISTS (SELECT 1 FROM users u WHERE u.id <> ?2 AND ` + actedAt("?1", "?3") + `)`

// mayWaive says whether a person may waive that a second one confirms passwords: an administrator, where nobody else
// could, and nobody else has acted who could, for long enough. One whose own password waits may only where there is
// nobody else at all, since it could be the other who acts.
func mayWaive(ctx context.Context, q querier, by packaging.Person, now time.Time) (bool, error) {
	if !by.May(packaging.WaiveConfirm) {
		return false, nil
	}
	var acted bool
	if err := q.QueryRowContext(ctx, othersActed, by.Tenant.ID, by.ID, millis(now.Add(-aloneFor))).
		Scan(&acted); err != nil || acted {
		return false, err
	}
	of := confirmers
	if by.PasswordSetBy == "" {
		of += ` AND NOT ` + waits
	}
	var others int
	err := q.QueryRowContext(ctx, of, by.Tenant.ID, by.Human).Scan(&others)
	return others == 0, err
}

// WaiveConfirmation says that the tenant goes without a second person who confirms passwords, or that it does not any
// more. It fails with Conflict where there is one.
func (d *DB) WaiveConfirmation(ctx context.Context, by packaging.Person, waive bool) error {
	return d.authorizedTx(ctx, by, packaging.WaiveConfirm, func(t *tx, by packaging.Person) error {
		may, err := mayWaive(ctx, t, by, t.now)
		if err != nil {
			return err
		}
		if waive && !may {
			return packaging.Fail(packaging.Conflict, "confirm.not_alone")
		}
		var was bool
		if err := t.row(`SELECT waives_confirmation FROM tenants WHERE id = ?`, by.Tenant.ID).Scan(&was); err != nil ||
			was == waive {
			return err
		}
		if err := t.exec(`UPDATE tenants SET waives_confirmation = ? WHERE id = ?`, waive, by.Tenant.ID); err != nil {
			return err
		}
		says := map[bool]string{false: packaging.SaysBySecond.Of(), true: byWaiver}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.RulesSet, Object: packaging.SaysConfirmation.Of(),
			Old: says[was],
			New: says[waive],
		})
	})
}

// byWaiver is how the history says that a password counts as confirmed because nobody else could confirm it.
var byWaiver = packaging.SaysWaived.Of()

// confirmAnew has a password wait again that was confirmed because nobody else could, for a person who has come to a
// site where somebody can. Else a site where one is alone would confirm for all.
func (t *tx) confirmAnew(user packaging.UserID) error {
	if waived, err := t.waived(user); err != nil || waived {
		return err
	}
	return t.exec(`
		UPDATE users AS u SET password_confirmed_at = NULL, password_confirmed_by = NULL
		WHERE u.id = ? AND u.password_confirmed_by = u.id AND EXISTS (
			SELECT 1 FROM tenants s JOIN history e ON e.tenant_id = s.id AND e.username = u.username
			WHERE e.deed = ? AND e.new_value = ? AND e.at = u.password_confirmed_at)`,
		user, packaging.PasswordConfirmed, byWaiver)
}

// waived says whether every tenant of a person waives the confirmation, and has nobody who could confirm, and for long
// enough had nobody who acted.
func (t *tx) waived(user packaging.UserID) (is bool, err error) {
	err = t.row(`
		SELECT NOT EXISTS (SELECT 1 FROM members m JOIN tenants s ON s.id = m.tenant_id JOIN users p ON p.id = m.user_id
			WHERE m.user_id = ?1 AND (NOT s.waives_confirmation OR EXISTS (
				SELECT 1 FROM users u JOIN member_roles r ON r.user_id = u.id AND r.tenant_id = s.id AND r.role IN ('administrator', 'manager')
				WHERE u.active AND NOT EXISTS (SELECT 1 FROM humans h
					WHERE h.user_id IN (p.id, p.password_setter) AND h.human_id = coalesce(u.same_as, u.id)) AND NOT `+
		waits+`) OR EXISTS (
				SELECT 1 FROM users u WHERE u.id <> p.id AND u.id IS NOT p.password_setter AND `+
		actedAt("s.id", "?2")+`)))`, user, millis(t.now.Add(-aloneFor))).Scan(&is)
	return is, err
}

// ConfirmOwnPassword confirms the password of a person who has just proved to know the one that they had before.
func (d *DB) ConfirmOwnPassword(ctx context.Context, by packaging.Person) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		return t.confirmPassword(by, by, "with the password before")
	})
}

// ConfirmPassword confirms the password of another person of the tenant. It fails with NotFound where none waits that
// the person may confirm: one that its owner has changed, and that somebody else set. It fails with Conflict where it is
// not the one that was shown.
func (d *DB) ConfirmPassword(ctx context.Context, by packaging.Person, user packaging.UserID, shown string) error {
	return d.authorizedTx(ctx, by, packaging.ConfirmPeople, func(t *tx, by packaging.Person) error {
		owner, err := scanPerson(
			t.row(selectPerson+`t.id = ?1 AND `+ofOthers+` AND u.id = ?3`, by.Tenant.ID, by.Human, user),
		)
		if err != nil {
			return err
		}
		var hash string
		if err := t.row(`SELECT password_hash FROM users WHERE id = ?`, owner.ID).Scan(&hash); err != nil {
			return err
		}
		if err := t.confirmPassword(by, owner, "by another person"); err != nil {
			return err
		}
		return d.mustBeAsShown(hash, shown)
	})
}

// confirmPassword confirms the password of its owner, and records it at each of their tenants. It fails with NotFound
// where none waits that its owner has changed.
func (t *tx) confirmPassword(by, owner packaging.Person, how string) error {
	if err := t.row(`
		UPDATE users AS u SET password_confirmed_at = ?, password_confirmed_by = ?, older_hash = ''
		WHERE id = ? AND `+waits+` AND password_changed = 1 RETURNING id`, millis(t.now), by.ID,
		owner.ID).Scan(new(int64)); err != nil {
		return err
	}
	tenants, err := (&setupTx{tx: t}).tenantsOf(owner.ID)
	if err != nil {
		return err
	}
	for _, tenant := range tenants {
		if err := t.record(packaging.Entry{
			TenantID: tenant, By: by.Author, Deed: packaging.PasswordConfirmed,
			Object: packaging.SaysUser.Of(owner.Username),
			New:    how,
		}); err != nil {
			return err
		}
	}
	return nil
}

// BadgeToConfirm returns who set the badge of a person that waits for them, and what a page knows it by. Both are empty
// where there is none.
func (d *DB) BadgeToConfirm(
	ctx context.Context, tenant packaging.TenantID, user packaging.UserID,
) (setBy, shown string, err error) {
	var mark []byte
	err = d.read.QueryRowContext(ctx, `
		SELECT badge_set_by, badge_mark FROM station_factors WHERE user_id = ? AND tenant_id = ? AND `+badgeWaits,
		user, tenant).Scan(&setBy, &mark)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return setBy, d.shown(string(mark)), coded(err)
}

// badgeWaits is whether somebody else set a badge that its owner has not confirmed.
const badgeWaits = `badge_set_by <> '' AND badge_confirmed_at IS NULL AND badge_mark IS NOT NULL`

// ConfirmBadge confirms the badge that somebody else set for a person, who has just given their password. It fails with
// Conflict where it is not the one that was shown.
func (d *DB) ConfirmBadge(ctx context.Context, by packaging.Person, shown string) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		if err := mustBeConfirmed(by); err != nil {
			return err
		}
		var mark []byte
		if err := t.row(`UPDATE station_factors SET badge_confirmed_at = ?
			WHERE user_id = ? AND tenant_id = ? AND `+badgeWaits+` RETURNING badge_mark`,
			millis(t.now), by.ID, by.Tenant.ID).Scan(&mark); err != nil {
			return err
		}
		if err := d.mustBeAsShown(string(mark), shown); err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.BadgeConfirmed,
			Object: packaging.SaysUser.Of(by.Username),
		})
	})
}
