package db

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"lineboard/internal/packaging"
)

// saidHuman is what an administrator has said of who a new identity is: an account of the same human, or one of
// another. Both are 0 where nobody had to be asked.
type saidHuman struct{ same, other packaging.UserID }

// humanOf returns what was said of who a new identity is. While nobody has said so and a person of the site has its
// name, it has to wait.
func (s *setupTx) humanOf(id packaging.Identity) (said saidHuman, waits *packaging.SignOnError, err error) {
	like, err := s.namesake(id)
	if err != nil || like.ID == 0 {
		return saidHuman{}, nil, err
	}
	var same sql.Null[bool]
	err = s.row(`SELECT same FROM sign_on_waits WHERE tenant_id = ? AND issuer = ? AND subject = ? AND user_id = ?`,
		s.tenant, id.Issuer, id.Subject, like.ID).Scan(&same)
	switch {
	case same.V:
		return saidHuman{same: like.Human}, nil, err
	case same.Valid:
		return saidHuman{other: like.ID}, nil, err
	case errors.Is(err, sql.ErrNoRows):
		err = s.exec(`
			INSERT INTO sign_on_waits (tenant_id, issuer, subject, username, email, full_name, user_id, asked_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET user_id = excluded.user_id, asked_at = excluded.asked_at, same = NULL, decided_by = NULL`,
			s.tenant, id.Issuer, id.Subject, id.Username, id.Email, id.Called(), like.ID, millis(s.now))
	}
	who := packaging.Author{Username: id.Name(), FullName: id.Called()}
	waits = &packaging.SignOnError{Reason: packaging.SignOnSameName, Detail: "person " + like.Username, Who: who}
	return saidHuman{}, waits, err
}

// keepSaid has what was said of who an identity is hold for its new account.
func (s *setupTx) keepSaid(user packaging.UserID, said saidHuman) error {
	switch {
	case said.same != 0:
		return s.joinHuman(user, said.same)
	case said.other != 0:
		return s.part(user, said.other)
	}
	return nil
}

// namesake returns a person of the tenant who has the name of an identity, and one without an ID for none. Somebody who
// is not active counts too: they must not come back as somebody else, nor have two accounts once they are taken back.
func (s *setupTx) namesake(id packaging.Identity) (packaging.Person, error) {
	people, err := collect(s.ctx, s, scanPeople, `
		SELECT `+personColumns+` FROM users u JOIN members m ON m.user_id = u.id JOIN tenants t ON t.id = m.tenant_id
		WHERE t.id = ? ORDER BY u.active DESC, u.id`, s.tenant)
	for _, p := range people {
		if id.SharesName(p.Username) {
			return p, err
		}
	}
	return packaging.Person{}, err
}

// joinNamesakes has a new account of the tenant, and all of its human, count as the human of everybody there who comes
// by the provider under the same name. They would be let in by no first sign-in either, before an administrator has
// said who they are. Whom an administrator has parted stay apart.
func (s *setupTx) joinNamesakes(user packaging.UserID, username string) error {
	type cameAs struct {
		packaging.Identity
		user packaging.UserID
	}
	came, err := collect(s.ctx, s, func(row scanner) (c cameAs, err error) {
		return c, row.Scan(&c.Username, &c.Email, &c.user)
	}, `
		SELECT iif(i.username <> '', i.username, u.username), i.email, u.id
		FROM identities i JOIN users u ON u.id = i.user_id
		WHERE i.tenant_id = ? AND u.id <> ? ORDER BY u.id`, s.tenant, user)
	if err != nil {
		return err
	}
	for _, c := range came {
		if !c.SharesName(username) {
			continue
		}
		if err := s.joinUnlessParted(user, c.user); err != nil {
			return err
		}
	}
	return nil
}

// joinUnlessParted joins the humans of two accounts, unless they are one already, or an administrator has said of any
// accounts of theirs that they are of different humans.
func (s *setupTx) joinUnlessParted(user, with packaging.UserID) error {
	var apart bool
	if err := s.row(`
		SELECT one.human_id = other.human_id OR EXISTS (
			SELECT 1 FROM parted_humans p JOIN humans a ON a.user_id = p.user_id JOIN humans b ON b.user_id = p.other_id
			WHERE a.human_id IN (one.human_id, other.human_id) AND b.human_id IN (one.human_id, other.human_id))
		FROM humans one JOIN humans other ON other.user_id = ?2 WHERE one.user_id = ?1`, user, with).
		Scan(&apart); err != nil || apart {
		return err
	}
	return s.joinHumans(user, with)
}

// joinHumans has all accounts of the human of an account count as another one's, and records it wherever they are.
func (s *setupTx) joinHumans(user, human packaging.UserID) error {
	accounts, err := collect(s.ctx, s, func(row scanner) (a packaging.Author, err error) {
		return a, row.Scan(&a.ID, &a.Username)
	}, `
		SELECT u.id, u.username FROM humans h JOIN users u ON u.id = h.user_id
		WHERE h.human_id = (SELECT human_id FROM humans WHERE user_id = ?) ORDER BY u.id`, user)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if err := s.everywhere(a, func() error { return s.setHuman(a.ID, human) }); err != nil {
			return err
		}
	}
	return nil
}

// part keeps that two accounts are of different humans.
func (s *setupTx) part(user, other packaging.UserID) error {
	return s.exec(`INSERT INTO parted_humans (user_id, other_id, tenant_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		min(user, other), max(user, other), s.tenant)
}

// partFromHuman keeps that an account is of another human than all the others of its human.
func (s *setupTx) partFromHuman(user packaging.UserID) error {
	others, err := collect(s.ctx, s, func(row scanner) (id packaging.UserID, err error) { return id, row.Scan(&id) }, `
		SELECT user_id FROM humans
		WHERE human_id = (SELECT human_id FROM humans WHERE user_id = ?1) AND user_id <> ?1`, user)
	for _, other := range others {
		err = errors.Join(err, s.part(user, other))
	}
	return err
}

// forgetParted forgets that accounts are of different humans where they are said to be of one.
func (s *setupTx) forgetParted() error {
	return s.exec(`
		DELETE FROM parted_humans WHERE (SELECT human_id FROM humans h WHERE h.user_id = parted_humans.user_id)
			= (SELECT human_id FROM humans h WHERE h.user_id = other_id)`)
}

// SignOnWaits returns who waits to come by the provider of the viewer's tenant, the longest first.
func (d *DB) SignOnWaits(ctx context.Context, viewer packaging.Person) ([]packaging.SignOnWait, error) {
	scan := func(row scanner) (w packaging.SignOnWait, err error) {
		var asked int64
		w.Like, err = scanPerson(row, &w.Issuer, &w.Subject, &w.Username, &w.Email, &w.FullName, &asked)
		w.Asked = moment(asked)
		return w, err
	}
	return collect(ctx, d.read, scan, `
		SELECT `+personColumns+`, w.issuer, w.subject, w.username, w.email, w.full_name, w.asked_at
		FROM sign_on_waits w JOIN users u ON u.id = w.user_id JOIN members m ON m.user_id = u.id AND m.tenant_id = w.tenant_id
			JOIN tenants t ON t.id = w.tenant_id
		WHERE w.tenant_id = ? AND w.same IS NULL ORDER BY w.asked_at, w.subject`, viewer.Tenant.ID)
}

// DecideSignOn says whether somebody who waits is the same human as the person whose name they have. It fails with
// NotFound where nobody waits, and with Forbidden for the person whom it is about.
func (d *DB) DecideSignOn(ctx context.Context, by packaging.Person, issuer, subject string, same bool) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		like, err := scanPerson(s.row(`
			SELECT `+personColumns+` FROM sign_on_waits w JOIN users u ON u.id = w.user_id
				JOIN members m ON m.user_id = u.id AND m.tenant_id = w.tenant_id JOIN tenants t ON t.id = w.tenant_id
			WHERE w.tenant_id = ? AND w.issuer = ? AND w.subject = ? AND w.same IS NULL`, s.tenant, issuer, subject))
		if err != nil {
			return coded(err)
		}
		if isAbout(like, by) {
			return packaging.Fail(packaging.Forbidden, "error.own_human")
		}
		if err := s.exec(`
			UPDATE sign_on_waits SET same = ?, decided_by = ? WHERE tenant_id = ? AND issuer = ? AND subject = ?`,
			same, by.ID, s.tenant, issuer, subject); err != nil {
			return err
		}
		says := packaging.SaysAnotherHuman.Of(like.Username)
		if same {
			says = packaging.SaysTheSameHuman.Of(like.Username)
		}
		return s.record(packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: packaging.HumanSet, Object: subject + " at " + issuer, New: says,
		})
	})
}

// isAbout says whether a person, as they are in the transaction, is the human of another account.
func isAbout(p, by packaging.Person) bool {
	return p.ID == by.ID || slices.Contains(p.Accounts, by.Username)
}

// SetHuman says that a person of the tenant is the same human as another one, or a human of their own for 0. That holds
// until it is said otherwise. To part accounts is for an administrator whom it is not about. A person who belongs to a
// tenant that the administrator does not administer stays as they are.
func (d *DB) SetHuman(ctx context.Context, by packaging.Person, user, as packaging.UserID) error {
	return d.onMember(ctx, by, user, func(s *setupTx, m packaging.Member) error {
		other := m
		if as != 0 {
			var err error
			if other, err = memberOf(ctx, s, by, as); err != nil {
				return err
			}
		}
		switch {
		case m.Shared || other.Shared:
			return packaging.Fail(packaging.Forbidden, "error.shared_person")
		case as != 0 && m.SameHuman(other.Person):
			return nil
		case len(m.Accounts) > 0 && isAbout(m.Person, by):
			return packaging.Fail(packaging.Forbidden, "error.own_human")
		}
		return s.everywhere(m.Author, func() error {
			if err := s.partFromHuman(user); err != nil {
				return err
			}
			if err := s.setHuman(user, as); err != nil {
				return err
			}
			return s.forgetParted()
		})
	})
}

// setHuman takes an account from its human to another one's, or to none where as is 0. Other accounts of its human stay
// together.
func (s *setupTx) setHuman(user, as packaging.UserID) error {
	if as != 0 {
		if err := s.row(`SELECT human_id FROM humans WHERE user_id = ?`, as).Scan(&as); err != nil {
			return err
		}
	}
	var heir sql.Null[packaging.UserID] // stands for the others of its human from now on
	if err := s.row(`SELECT min(id) FROM users WHERE same_as = ?`, user).Scan(&heir); err != nil {
		return err
	}
	for _, change := range []struct {
		statement string
		args      []any
	}{
		{`UPDATE users SET same_as = NULL WHERE id = ?`, []any{heir}},
		{`UPDATE users SET same_as = ? WHERE same_as = ?`, []any{heir, user}},
		{`UPDATE users SET same_as = nullif(?, 0) WHERE id = ?`, []any{as, user}},
	} {
		if err := s.exec(change.statement, change.args...); err != nil {
			return err
		}
	}
	return nil
}

// joinHuman is setHuman for a new account, and records it.
func (s *setupTx) joinHuman(user, human packaging.UserID) error {
	before, err := s.describePerson(user)
	if err != nil {
		return err
	}
	if err := s.setHuman(user, human); err != nil {
		return err
	}
	var username string
	if err := s.row(`SELECT username FROM users WHERE id = ?`, user).Scan(&username); err != nil {
		return err
	}
	return s.recordPerson(user, username, before)
}
