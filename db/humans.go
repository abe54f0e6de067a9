package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"lineboard/internal/packaging"
)

// saidHuman is what was said of who somebody is: accounts of the same human, and accounts of others.
type saidHuman struct{ same, other []packaging.UserID }

// humanOf returns what was said of who an identity is, of an account that it has here or, for 0, of a new one. A new one
// waits until an administrator has said so of each person who has a name of it. One that is here comes in as it was, and
// is asked about: who may change their names at the provider must not join people by it.
func (s *setupTx) humanOf(
	id packaging.Identity, user packaging.UserID,
) (said saidHuman, waits *packaging.SignOnError, err error) {
	like, err := s.newNamesakes(user, id)
	if err != nil {
		return said, nil, err
	}
	words, err := s.wordsOn(id, user)
	if err != nil {
		return said, nil, err
	}
	var same, open []packaging.Person
	for _, w := range words {
		switch {
		case w.same.V:
			same, said.same = append(same, w.Person), append(said.same, w.ID)
		case w.same.Valid:
			said.other = append(said.other, w.ID)
		default:
			open = append(open, w.Person)
		}
	}
	for _, p := range like {
		if !slices.ContainsFunc(words, func(w word) bool { return w.SameHuman(p) }) {
			open = append(open, p)
		}
	}
	parted, err := s.areParted(same)
	if parted != nil {
		open, said.same = append(open, same...), nil
	}
	if err != nil || len(open) == 0 {
		return said, nil, err
	}
	if user != 0 {
		return said, nil, s.ask(id, open)
	}
	return said, &packaging.SignOnError{
		Reason: packaging.SignOnSameName, Detail: "person " + open[0].Username,
		Who: packaging.Author{Username: id.Name(), FullName: id.Called()},
	}, s.ask(id, open)
}

// word is what an administrator has said of whether an identity is a person: not valid while they are asked.
type word struct {
	packaging.Person
	same sql.Null[bool]
}

// wordsOn returns what administrators have said of who an identity is and are asked about that, whatever it is called by
// now, but for the human of the account that it has here.
func (s *setupTx) wordsOn(id packaging.Identity, user packaging.UserID) ([]word, error) {
	return collect(s.ctx, s, func(row scanner) (w word, err error) {
		w.Person, err = scanPerson(row, &w.same)
		return w, err
	}, `
		SELECT `+personColumns+`, w.same
		FROM sign_on_waits w JOIN users u ON u.id = w.user_id JOIN tenants t ON t.id = w.tenant_id
		WHERE w.tenant_id = ? AND w.issuer = ? AND w.subject = ?
			AND coalesce(u.same_as, u.id) NOT IN (SELECT human_id FROM humans WHERE user_id = ?)
		ORDER BY u.active DESC, u.id`, s.tenant, id.Issuer, id.Subject, user)
}

// ask asks the administrators whether an identity is each of some people.
func (s *setupTx) ask(id packaging.Identity, like []packaging.Person) error {
	for _, p := range like {
		if err := s.exec(`
			INSERT INTO sign_on_waits (tenant_id, issuer, subject, username, email, full_name, user_id, asked_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET username = excluded.username, email = excluded.email, full_name = excluded.full_name,
				asked_at = iif(same IS NULL, asked_at, excluded.asked_at), same = NULL, decided_by = NULL
			WHERE same IS NOT NULL OR username <> excluded.username OR email <> excluded.email
				OR full_name <> excluded.full_name`,
			s.tenant, id.Issuer, id.Subject, id.Username, id.Email, id.Called(), p.ID, millis(s.now)); err != nil {
			return err
		}
	}
	return nil
}

// keepSaid has what was said of who an identity is hold for its account. Its names are known from then on, and nobody
// is asked any more whether it is its own human.
func (s *setupTx) keepSaid(user packaging.UserID, id packaging.Identity, said saidHuman) error {
	for _, other := range said.same {
		if err := s.joinHumans(user, other); err != nil {
			return err
		}
	}
	if err := s.part(user, said.other); err != nil {
		return err
	}
	if err := s.knowAs(user, id.Names()...); err != nil {
		return err
	}
	if err := s.exec(`
		DELETE FROM sign_on_waits WHERE tenant_id = ? AND issuer = ? AND subject = ? AND same IS NOT NULL`,
		s.tenant, id.Issuer, id.Subject); err != nil {
		return err
	}
	return s.dropAnswered()
}

// dropAnswered drops the questions whether somebody who is here is their own human.
func (s *setupTx) dropAnswered() error {
	return s.exec(`
		DELETE FROM sign_on_waits AS w WHERE EXISTS (
			SELECT 1 FROM identities i JOIN humans who ON who.user_id = i.user_id JOIN humans about ON about.user_id = w.user_id
			WHERE i.tenant_id = w.tenant_id AND i.issuer = w.issuer AND i.subject = w.subject
				AND who.human_id = about.human_id)`)
}

// knowAs keeps that an account is known at the tenant by some names.
func (s *setupTx) knowAs(user packaging.UserID, names ...string) error {
	return s.exec(`INSERT INTO known_as SELECT ?, ?, value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`,
		s.tenant, user, jsonOf(names))
}

// names are what the human of an account was ever known as, at any tenant.
func (s *setupTx) names(user packaging.UserID) ([]string, error) {
	return collect(s.ctx, s, func(row scanner) (name string, err error) { return name, row.Scan(&name) }, `
		SELECT DISTINCT k.name
		FROM humans me JOIN humans h ON h.human_id = me.human_id JOIN known_as k ON k.user_id = h.user_id
		WHERE me.user_id = ?`, user)
}

// newNamesakes returns the namesakes of an identity. There are none to find where it is called what its account has been
// known as before.
func (s *setupTx) newNamesakes(user packaging.UserID, id packaging.Identity) ([]packaging.Person, error) {
	if user != 0 {
		known, err := s.names(user)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(id.Names(), func(name string) bool { return !slices.Contains(known, name) }) {
			return nil, nil
		}
	}
	return s.namesakes(user, id.Names())
}

// knownNames are the names of all who were ever known at tenant ?1, but for those of account ?2 and of whom it is parted
// from. Accounts of a human are looked up by an index: it is asked at sign-ins, among thousands.
const knownNames = `
		WITH here (user_id) AS (SELECT DISTINCT user_id FROM known_as WHERE tenant_id = ?1)
		SELECT DISTINCT here.user_id, k.name FROM here JOIN humans me ON me.user_id = here.user_id
			JOIN humans h ON h.human_id = me.human_id JOIN known_as k ON k.user_id = h.user_id
		WHERE (k.user_id = here.user_id OR k.user_id NOT IN here) AND h.human_id NOT IN (
			SELECT human_id FROM humans WHERE user_id = ?2 UNION
			SELECT other.human_id FROM humans me JOIN humans mine ON mine.human_id = me.human_id
				JOIN parted_humans p ON mine.user_id IN (p.user_id, p.other_id)
				JOIN humans other ON other.user_id IN (p.user_id, p.other_id) WHERE me.user_id = ?2)`

// namesakes returns who was ever known at the tenant and has a name like one of these there or elsewhere, one account
// for each human. Those who are not active or have left count too: they must not come back as somebody else. So do names
// of an account that is not known here, for the others of its human. An account's own human is left out, and whoever an
// administrator has parted from it.
func (s *setupTx) namesakes(user packaging.UserID, names []string) (like []packaging.Person, err error) {
	shared := packaging.NamesOf(names...)
	var found []packaging.UserID
	if _, err := collect(s.ctx, s, func(row scanner) (_ struct{}, err error) {
		var id packaging.UserID
		var name string
		if err = row.Scan(&id, &name); err == nil && shared.Has(name) {
			found = append(found, id)
		}
		return struct{}{}, err
	}, knownNames,
		s.tenant, user); err != nil || found == nil {
		return nil, err
	}
	all, err := collect(s.ctx, s, scanPeople, `
		SELECT `+personColumns+` FROM users u JOIN tenants t ON t.id = ?
		WHERE u.id IN (SELECT value FROM json_each(?)) ORDER BY u.active DESC, u.id`, s.tenant, jsonOf(found))
	for _, p := range all {
		if !slices.ContainsFunc(like, p.SameHuman) {
			like = append(like, p)
		}
	}
	return like, err
}

// areParted returns the usernames of two of some people whom an administrator has parted, nil if there are none.
func (s *setupTx) areParted(people []packaging.Person) (usernames []string, err error) {
	var humans []packaging.UserID
	for _, p := range people {
		humans = append(humans, p.Human)
	}
	var one, other string
	err = s.row(`
		SELECT u.username, v.username FROM parted_humans p JOIN users u ON u.id = p.user_id JOIN users v ON v.id = p.other_id
		WHERE coalesce(u.same_as, u.id) IN (SELECT value FROM json_each(?1))
			AND coalesce(v.same_as, v.id) IN (SELECT value FROM json_each(?1))
		ORDER BY u.username, v.username LIMIT 1`, jsonOf(humans)).Scan(&one, &other)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []string{one, other}, nil
}

// joinNamesakes has an account that comes to the tenant, and all of its human, count as the human of everybody there who
// has a name of it, but whom an administrator has parted from it. It fails with Conflict where these are different
// humans.
func (s *setupTx) joinNamesakes(user packaging.UserID) error {
	names, err := s.names(user)
	if err != nil {
		return err
	}
	like, err := s.namesakes(user, names)
	if err != nil {
		return err
	}
	parted, err := s.areParted(like)
	if err == nil && parted == nil && s.by != provisioner {
		parted, err = s.wouldBeJoined(user, like)
	}
	if err != nil {
		return err
	}
	if parted != nil && s.by == provisioner {
		return nil // a start must not end by what was done on pages: the newcomer joins neither
	}
	if parted != nil {
		return packaging.Fail(packaging.Conflict, "error.username_of_two", "One", parted[0], "Other", parted[1])
	}
	for _, p := range like {
		if err := s.joinHumans(user, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// wouldBeJoined returns the usernames of two people, of whom one belongs to a tenant that the administrator does not
// administer, and whom the name of an account that comes would make one human; nil if there are none. An account that
// comes from elsewhere is one of them.
func (s *setupTx) wouldBeJoined(user packaging.UserID, like []packaging.Person) ([]string, error) {
	all, err := collect(s.ctx, s, scanPeople, `
		SELECT `+personColumns+` FROM users u JOIN tenants t ON t.id = ?
		WHERE u.id = ? AND EXISTS (SELECT 1 FROM members m WHERE m.user_id = u.id AND m.tenant_id <> t.id)`,
		s.tenant, user)
	if err != nil {
		return nil, err
	}
	for _, p := range like {
		if !slices.ContainsFunc(all, p.SameHuman) {
			all = append(all, p)
		}
	}
	if is, err := s.wouldJoinOthers(s.by.ID, all); err != nil || !is {
		return nil, err
	}
	return []string{all[0].Username, all[1].Username}, nil
}

// joinHumans has all accounts of the human of an account count as another one's, and records it wherever they are.
func (s *setupTx) joinHumans(user, human packaging.UserID) error {
	accounts, err := s.accountsOf(user)
	if err != nil || slices.ContainsFunc(accounts, func(a packaging.Author) bool { return a.ID == human }) {
		return err
	}
	for _, a := range accounts {
		if err := s.everywhere(a, func() error { return s.setHuman(a.ID, human) }); err != nil {
			return err
		}
	}
	return nil
}

// accountsOf returns all accounts of the human of an account.
func (s *setupTx) accountsOf(user packaging.UserID) ([]packaging.Author, error) {
	return collect(s.ctx, s, func(row scanner) (a packaging.Author, err error) {
		return a, row.Scan(&a.ID, &a.Username)
	}, `
		SELECT u.id, u.username FROM humans h JOIN users u ON u.id = h.user_id
		WHERE h.human_id = (SELECT human_id FROM humans WHERE user_id = ?) ORDER BY u.id`, user)
}

// part keeps that an account is of another human than others, but for those of its own.
func (s *setupTx) part(user packaging.UserID, others []packaging.UserID) error {
	return s.exec(`
		INSERT INTO parted_humans (user_id, other_id, tenant_id)
		SELECT min(h.user_id, ?1), max(h.user_id, ?1), ?2 FROM humans h
		WHERE h.user_id IN (SELECT value FROM json_each(?3))
			AND h.human_id <> (SELECT human_id FROM humans WHERE user_id = ?1) ON CONFLICT DO NOTHING`,
		user, s.tenant, jsonOf(others))
}

// forgetParted forgets that an account is of another human than another one and all of theirs.
func (s *setupTx) forgetParted(user, as packaging.UserID) error {
	return s.exec(`
		DELETE FROM parted_humans WHERE ?1 IN (user_id, other_id) AND EXISTS (SELECT 1 FROM humans h
			WHERE h.user_id IN (parted_humans.user_id, other_id) AND h.user_id <> ?1
				AND h.human_id = (SELECT human_id FROM humans WHERE user_id = ?2))`, user, as)
}

// SignOnWaits returns who waits to come by the provider of the viewer's tenant, the longest first, once for each person
// whose name they have.
func (d *DB) SignOnWaits(ctx context.Context, viewer packaging.Person) ([]packaging.SignOnWait, error) {
	scan := func(row scanner) (w packaging.SignOnWait, err error) {
		var asked int64
		w.Like, err = scanPerson(row, &w.Issuer, &w.Subject, &w.Username, &w.Email, &w.FullName, &asked)
		w.Asked = moment(asked)
		return w, err
	}
	return collect(ctx, d.read, scan, `
		SELECT `+personColumns+`, w.issuer, w.subject, w.username, w.email, w.full_name, w.asked_at
		FROM sign_on_waits w JOIN users u ON u.id = w.user_id JOIN tenants t ON t.id = w.tenant_id
		WHERE w.tenant_id = ? AND w.same IS NULL ORDER BY w.asked_at, w.subject, u.id`, viewer.Tenant.ID)
}

// DecideSignOn says whether somebody who waits is the same human as a person whose name they have. It fails with
// NotFound where nobody waits, with Forbidden for the person whom it is about, and with Conflict where they would be two
// humans.
func (d *DB) DecideSignOn(
	ctx context.Context, by packaging.Person, issuer, subject string, person packaging.UserID, same bool,
) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		const named = ` FROM sign_on_waits w JOIN users u ON u.id = w.user_id JOIN tenants t ON t.id = w.tenant_id
			WHERE w.tenant_id = ? AND w.issuer = ? AND w.subject = ? AND `
		like, err := scanPerson(s.row(`SELECT `+personColumns+named+`u.id = ? AND w.same IS NULL`,
			s.tenant, issuer, subject, person))
		if err != nil {
			return coded(err)
		}
		who, err := s.accountBy(issuer, subject)
		if err != nil {
			return err
		}
		if isAbout(like, by) || len(who) > 0 && isAbout(who[0], by) {
			return packaging.Fail(packaging.Forbidden, "error.own_human")
		}
		says := packaging.SaysAnotherHuman.Of(like.Username)
		if same {
			says = packaging.SaysTheSameHuman.Of(like.Username)
			others, err := collect(ctx, s, scanPeople, `SELECT `+personColumns+named+`w.same`, s.tenant, issuer, subject)
			if err != nil {
				return err
			}
			one := slices.Concat(others, who, []packaging.Person{like})
			if parted, err := s.areParted(one); err != nil {
				return err
			} else if parted != nil {
				return packaging.Fail(packaging.Conflict, "error.two_humans", "One", parted[0], "Other", parted[1])
			}
			switch shared, err := s.wouldJoinOthers(by.ID, one); {
			case err != nil:
				return err
			case shared:
				return packaging.Fail(packaging.Forbidden, "error.shared_person")
			}
		}
		if err := s.exec(`
			UPDATE sign_on_waits SET same = ?, decided_by = ?
			WHERE tenant_id = ? AND issuer = ? AND subject = ? AND user_id IN (
				SELECT h.user_id FROM humans me JOIN humans h ON h.human_id = me.human_id WHERE me.user_id = ?)`,
			same, by.ID, s.tenant, issuer, subject, person); err != nil {
			return err
		}
		if len(who) > 0 {
			said := saidHuman{other: []packaging.UserID{person}}
			if same {
				said = saidHuman{same: []packaging.UserID{person}}
			}
			if err := s.keepSaid(who[0].ID, packaging.Identity{Issuer: issuer, Subject: subject}, said); err != nil {
				return err
			}
		}
		return s.record(packaging.Entry{
			TenantID: s.tenant, By: s.by, Deed: packaging.HumanSet, Object: subject + " at " + issuer, New: says,
		})
	})
}

// wouldJoinOthers says whether people would become one human, of whom one belongs to a tenant that the administrator
// does not administer, by whatever account.
func (s *setupTx) wouldJoinOthers(by packaging.UserID, people []packaging.Person) (is bool, err error) {
	var ids []packaging.UserID
	for _, p := range people {
		if !p.SameHuman(people[0]) || ids == nil {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) < 2 {
		return false, nil
	}
	return is, s.row(`
		SELECT EXISTS (SELECT 1
			FROM humans me JOIN humans h ON h.human_id = me.human_id JOIN members m ON m.user_id = h.user_id
			WHERE me.user_id IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1 FROM member_roles a
				WHERE a.user_id = ? AND a.tenant_id = m.tenant_id AND a.role = 'administrator'))`,
		jsonOf(ids), by).Scan(&is)
}

// accountBy returns the account of an identity of the tenant, or nobody.
func (s *setupTx) accountBy(issuer, subject string) ([]packaging.Person, error) {
	return collect(s.ctx, s, scanPeople, `SELECT `+personColumns+`
		FROM identities i JOIN users u ON u.id = i.user_id JOIN tenants t ON t.id = i.tenant_id
		WHERE i.tenant_id = ? AND i.issuer = ? AND i.subject = ?`, s.tenant, issuer, subject)
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
		own, err := s.accountsOf(user)
		if err != nil {
			return err
		}
		return s.everywhere(m.Author, func() error {
			if err := s.forgetParted(user, as); err != nil {
				return err
			}
			if err := s.setHuman(user, as); err != nil {
				return err
			}
			return s.part(user, idsOf(own))
		})
	})
}

func idsOf(accounts []packaging.Author) (ids []packaging.UserID) {
	for _, a := range accounts {
		ids = append(ids, a.ID)
	}
	return ids
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
	return s.dropAnswered()
}

// jsonOf is a list of numbers or texts as a parameter of a query.
func jsonOf[T ~int64 | ~string](list []T) string {
	out, err := json.Marshal(append([]T{}, list...))
	if err != nil {
		panic(err) // numbers and texts have a form in JSON
	}
	return string(out)
}
