package db

import (
	"errors"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

func TestTheSchemaKeepsTheLastAdministratorAndEveryLine(t *testing.T) {
	d, _, _ := opened(t)
	deny := func(query string) {
		t.Helper()
		if err := d.tx(t.Context(), func(t *tx) error { return t.exec(query) }); err == nil {
			t.Errorf("%s was carried out", query)
		}
	}
	allow := func(query string) {
		t.Helper()
		if err := d.tx(t.Context(), func(t *tx) error { return t.exec(query) }); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	allow(`UPDATE users SET active = 0`) // nobody is administrator yet
	allow(`UPDATE users SET active = 1`)
	allow(`INSERT INTO member_roles (user_id, tenant_id, role) SELECT user_id, tenant_id, 'administrator' FROM members`)
	deny(`DELETE FROM member_roles WHERE role = 'administrator'`)
	deny(`DELETE FROM members`)
	deny(`UPDATE users SET active = 0`)
	deny(`DELETE FROM lines`)
	deny(`UPDATE lines SET retired = 2`)
	allow(`DELETE FROM member_roles WHERE role = 'supervisor'`)
}

func TestAFileDoesNotTakeTheLastAdministratorAwayNorBackAPasswordThatAPersonChanged(t *testing.T) {
	d, ghent, _ := opened(t)
	file := setup("ghent")
	file.People[0].Role = packaging.JoinRoles(packaging.Administrator, packaging.Supervisor)
	if err := d.Provision(t.Context(), Site{file}); err != nil {
		t.Fatal(err)
	}
	if err := d.Provision(t.Context(), Site{setup("ghent")}); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("the file took the last administrator away: %v", err)
	}
	boss, err := d.Member(t.Context(), ghent, ghent.ID)
	if err != nil || !boss.Role.Includes(packaging.Administrator) {
		t.Errorf("the boss is %s, %v", boss.Role, err)
	}
	if err := d.SetPersonsPassword(t.Context(), boss.Person, boss.ID, secret.New("words of the boss")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"words of the boss", "another canary-password"} {
		if want != "words of the boss" {
			file.People[0].Password = secret.New(want)
		}
		if err := d.Provision(t.Context(), Site{file}); err != nil {
			t.Fatal(err)
		}
		if _, hash, err := d.Credential(t.Context(), boss.Username); err != nil ||
			!secret.VerifyPassword(hash, secret.New(want)) {
			t.Errorf("the password is not %q", want)
		}
	}
}

func TestWhoIsNoCandidateAnyMoreDoesNotJoin(t *testing.T) {
	d, ghent, basel := opened(t)
	ghent = become(t, d, ghent, packaging.Administrator)
	become(t, d, basel, packaging.Administrator)
	// The administrator of ghent administers basel too, so that people of basel could join ghent.
	become(t, d, packaging.Person{Author: ghent.Author, Tenant: basel.Tenant}, packaging.Administrator)
	join := func() error {
		p := packaging.Person{Author: packaging.Author{ID: basel.ID, Role: packaging.Operator}}
		return d.JoinPerson(t.Context(), ghent, p)
	}
	ends := meanwhile(t, d, func(tx *tx) error {
		return tx.exec(`DELETE FROM members WHERE user_id = ? AND tenant_id = ?`, ghent.ID, basel.Tenant.ID)
	}, join)
	if packaging.CodeOf(ends[0]) != packaging.NotFound {
		t.Errorf("somebody joined whose site is not the administrator's any more: %v", ends[0])
	}
	if people, err := d.Memberships(t.Context(), basel.ID); err != nil || len(people) != 1 {
		t.Errorf("%d memberships, %v", len(people), err)
	}
	become(t, d, packaging.Person{Author: ghent.Author, Tenant: basel.Tenant}, packaging.Administrator)
	if err := join(); err != nil {
		t.Errorf("a candidate: %v", err)
	}
}

// The second one begins while the first one is under way.
func TestTwoWhoSetPartsOfOneThingAtTheSameTimeBothKeepTheirs(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, packaging.Administrator)
	both := func(first func(then func()) error, second func() error) {
		t.Helper()
		done := make(chan error, 1)
		err := first(func() {
			go func() { done <- second() }()
			waitFor(t, d, 1)
		})
		if err := errors.Join(err, <-done); err != nil {
			t.Error(err)
		}
	}
	both(func(then func()) error {
		return d.SetRules(t.Context(), ghent, func(r *packaging.Rules) { r.SignReleases = true; then() })
	}, func() error {
		return d.SetRules(t.Context(), ghent, func(r *packaging.Rules) { r.LockAfter = packaging.MaxLockAfter })
	})
	rules, err := d.Rules(t.Context(), ghent.Tenant.ID)
	if err != nil || rules != (packaging.Rules{LockAfter: packaging.MaxLockAfter, SignReleases: true}) {
		t.Errorf("the rules are %+v, %v", rules, err)
	}
	both(func(then func()) error {
		return d.SetLine(t.Context(), ghent, "L1", func(l *packaging.Line) { l.Retired = true; then() })
	}, func() error {
		return d.SetLine(t.Context(), ghent, "L1", func(l *packaging.Line) { l.Name = "Blisters" })
	})
	if l, err := d.SetupLine(t.Context(), ghent, "L1"); err != nil || l.Name != "Blisters" || !l.Retired {
		t.Errorf("the line is %+v, %v", l, err)
	}
	err = d.SetRules(t.Context(), ghent, func(r *packaging.Rules) { r.SignReleases, r.SecondSigner = false, true })
	if packaging.CodeOf(err) != packaging.Invalid {
		t.Errorf("a second signer where nobody signs: %v", err)
	}
}
