package db

import (
	"context"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Credential returns whom a username in any case belongs to, and the hash of their password, where they are active and
// belong to a tenant.
func (d *DB) Credential(ctx context.Context, username string) (user packaging.UserID, passwordHash string, err error) {
	err = d.read.QueryRowContext(ctx, `
		SELECT u.id, u.password_hash FROM users u
		WHERE u.username = ? AND u.active AND EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id)`, username).
		Scan(&user, &passwordHash)
	return user, passwordHash, coded(err)
}

// RecordFailedSignIn records a wrong password, given from an address, in the history of each tenant that the person
// belongs to.
func (d *DB) RecordFailedSignIn(ctx context.Context, user packaging.UserID, address string) error {
	return d.tx(ctx, func(t *tx) error {
		people, err := collect(ctx, t, scanPeople, selectPerson+`u.id = ?`, user)
		if err != nil {
			return err
		}
		for _, p := range people {
			if err := t.record(packaging.Entry{
				TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.SignInDeclined, New: address,
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// ChangePassword gives a person another password, by its hash, and ends all of their sessions but the one of the token.
// Invalid if the old one, by its hash, is not theirs any more: somebody may have set another while it was compared.
// Where somebody else set the old one, it is not confirmed by that: it could be them who change it. It is where the
// person's tenants waive that somebody confirms it.
func (d *DB) ChangePassword(ctx context.Context, by packaging.Person, was, hash string, but [32]byte) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		var same bool
		if err := t.row(`SELECT password_hash = ? FROM users WHERE id = ?`, was, by.ID).Scan(&same); err != nil {
			return err
		}
		if !same {
			return packaging.Fail(packaging.Invalid, "account.wrong_old")
		}
		if err := t.exec(
			`UPDATE users SET password_hash = ?, password_changed = 1 WHERE id = ?`, hash, by.ID,
		); err != nil {
			return err
		}
		people, err := collect(ctx, t, scanPeople, selectPerson+`u.id = ?`, by.ID)
		if err != nil {
			return err
		}
		for _, p := range people {
			e := packaging.Entry{
				TenantID: p.Tenant.ID, By: p.Author, Deed: packaging.PasswordSet,
				Object: packaging.SaysUser.Of(p.Username),
			}
			e.By.Station = by.Station
			if err := t.record(e); err != nil {
				return err
			}
		}
		if _, err := t.endSessions(by.Author, `s.user_id = ? AND s.token_hash <> ?`, by.ID, but[:]); err != nil ||
			by.PasswordSetBy == "" {
			return err
		}
		if waived, err := t.waived(by.ID); err != nil || !waived {
			return err
		}
		return t.confirmPassword(by, by, byWaiver)
	})
}

// SetPersonsPassword gives a person a new password, signs them out everywhere, and takes their PIN and badge away.
func (d *DB) SetPersonsPassword(
	ctx context.Context, by packaging.Person, id packaging.UserID, password secret.Text,
) error {
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

// setPassword sets a hash for somebody else, who must change it and have it confirmed. It ends what was signed in with
// the password before. It takes PIN and badge away, since who knew that password may have set them. The mark of a
// provisioned password stays: the file's password comes back only when the file changes.
func (s *setupTx) setPassword(user packaging.UserID, username, hash string) error {
	if err := s.exec(`UPDATE users AS u SET older_hash = CASE WHEN `+waits+
		` THEN older_hash WHEN password_hash <> '' THEN password_hash ELSE signing_hash END
		WHERE id = ?`, user); err != nil {
		return err
	}
	if err := s.exec(`UPDATE users SET password_hash = ? WHERE id = ?`, hash, user); err != nil {
		return err
	}
	if err := s.waitForOwner(user); err != nil {
		return err
	}
	if err := s.signOut(user); err != nil {
		return err
	}
	if err := s.removeFactors(user, username); err != nil {
		return err
	}
	return s.record(
		packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: packaging.PasswordSet,
			Object: packaging.SaysUser.Of(username),
		},
	)
}

// waitForOwner notes that somebody else has set a person's password.
func (s *setupTx) waitForOwner(user packaging.UserID) error {
	// Whose own password it is has no other setter. Without the old one, it could be somebody at a session left open.
	return s.exec(`UPDATE users SET password_set_by = ?1, password_setter = (SELECT a.user_id FROM humans a JOIN humans o ON o.user_id = ?3
			WHERE a.user_id = ?2 AND a.human_id <> o.human_id),
		password_changed = 0, password_confirmed_at = NULL, password_confirmed_by = NULL
		WHERE id = ?3`, s.by.FullName, s.by.ID, user)
}

// Proof returns the hash of what an active person proves with who they are, where they are asked for it anew: their
// password or, where they have none, their signing password. It is empty where they have neither.
func (d *DB) Proof(ctx context.Context, user packaging.UserID) (hash string, err error) {
	err = d.read.QueryRowContext(
		ctx, `SELECT iif(password_hash <> '', password_hash, signing_hash) FROM users WHERE id = ? AND active`, user,
	).Scan(&hash)
	return hash, coded(err)
}

// SetSigningPassword gives a person another signing password, by its hash, who has just proved at their provider to
// be the identity.
func (d *DB) SetSigningPassword(ctx context.Context, by packaging.Person, id packaging.Identity, hash string) error {
	return d.authorizedTx(ctx, by, packaging.ViewOrders, func(t *tx, by packaging.Person) error {
		s := &setupTx{t, d.box, by.Author, by.Tenant.ID}
		who, known, err := s.identified(id)
		switch {
		case err != nil:
			return err
		case !known || who.ID != by.ID:
			return &packaging.SignOnError{Reason: packaging.SignOnOther, Who: by.Author}
		case !who.Active:
			return &packaging.SignOnError{Reason: packaging.SignOnInactive, Who: by.Author}
		}
		if err := t.exec(`UPDATE users SET signing_hash = ? WHERE id = ?`, hash, by.ID); err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: packaging.PasswordSet,
			Object: packaging.SaysSigningPassword.Of(by.Username),
		})
	})
}
