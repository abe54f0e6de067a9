package db

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/thorough"
)

// twins are two accounts of "ghent" beside its administrator, with more of the same kind.
func twins(t *testing.T) (d *DB, boss packaging.Person, all []packaging.Person) {
	t.Helper()
	d, boss, _ = opened(t)
	d.exec(t, `INSERT INTO member_roles (user_id, tenant_id, role) VALUES (1, 1, 'administrator')`)
	for _, name := range []string{"anna", "anna.second", "berta", "carla"} {
		err := d.AddPerson(t.Context(), boss, packaging.Person{
			Author: packaging.Author{Username: name, FullName: "Name of " + name, Role: packaging.Administrator},
		}, secret.New("a password for tests"))
		if err != nil {
			t.Fatal(err)
		}
	}
	return d, boss, accountsOf(t, d, boss)
}

// accountsOf returns the people as they are now.
func accountsOf(t *testing.T, d *DB, boss packaging.Person) (all []packaging.Person) {
	t.Helper()
	people, err := d.People(t.Context(), boss.Tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"anna", "anna.second", "berta", "carla"} {
		for _, p := range people {
			if p.Username == name {
				all = append(all, p)
			}
		}
	}
	return all
}

func TestAccountsOfOneHumanStayTogetherUntilAnotherPartsThem(t *testing.T) {
	d, boss, p := twins(t)
	together := func(want string) {
		t.Helper()
		var said []string
		for _, one := range accountsOf(t, d, boss) {
			said = append(said, one.Username+"="+strings.Join(one.Accounts, "+"))
		}
		if got := strings.Join(said, " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	set := func(by packaging.Person, user, as packaging.UserID) error {
		return d.SetHuman(t.Context(), by, user, as)
	}
	if err := set(boss, p[0].ID, p[1].ID); err != nil { // anna is anna.second
		t.Fatal(err)
	}
	together("anna=anna.second anna.second=anna berta= carla=")
	if err := set(boss, p[2].ID, p[0].ID); err != nil { // and berta too, whoever of them is named
		t.Fatal(err)
	}
	together("anna=anna.second+berta anna.second=anna+berta berta=anna+anna.second carla=")
	if err := set(boss, p[1].ID, 0); err != nil { // the one that stands for all of them goes
		t.Fatal(err)
	}
	together("anna=berta anna.second= berta=anna carla=")
	entry := lastOf(t, d, boss.Tenant.ID, packaging.PersonSet)
	if !strings.Contains(entry.Old, "same human as anna, berta") || strings.Contains(entry.New, "same human") ||
		entry.By.ID != boss.ID {
		t.Errorf("the history says %+v", entry)
	}
	if err := set(boss, boss.ID, p[3].ID); err != nil {
		t.Fatal(err)
	}
	if err := set(boss, p[3].ID, 0); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("somebody parts their own accounts: %v", err)
	}
}

// whoComes is the twins' site with a second one, which boss administers too. anna and berta come to the first by its
// provider, where both are called dora.
func whoComes(t *testing.T) (d *DB, boss packaging.Person, add func(username string) packaging.UserID) {
	t.Helper()
	d, boss, p := twins(t)
	d.exec(t, fmt.Sprintf(`
		INSERT OR IGNORE INTO members (user_id, tenant_id) VALUES (%[1]d, 2);
		INSERT OR IGNORE INTO member_roles (user_id, tenant_id, role) VALUES (%[1]d, 2, 'administrator');
		INSERT INTO identities (tenant_id, issuer, subject, user_id, connected_at, username, email)
			VALUES (1, 'i', '1', %[2]d, 1, 'dora', ''), (1, 'i', '2', %[3]d, 1, 'b', 'dora@plant.example')`,
		boss.ID, p[0].ID, p[2].ID))
	return d, boss, func(username string) packaging.UserID {
		t.Helper()
		err := d.AddPerson(t.Context(), boss, packaging.Person{
			Author: packaging.Author{Username: username, FullName: "Dora", Role: packaging.Operator},
		}, secret.New("a password for tests"))
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := d.Credential(t.Context(), username)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
}

// An account that comes under the name of several people of the provider makes all of them one human, in words that the
// history of each site of the account has. What an administrator has said instead outlasts that it leaves and comes
// back.
func TestNamesakesAreOneHumanUntilAnAdministratorPartsThem(t *testing.T) {
	d, boss, add := whoComes(t)
	id := add("dora")
	elsewhere := packaging.Person{Author: boss.Author, Tenant: packaging.Tenant{ID: 2}}
	dora := packaging.Person{Author: packaging.Author{ID: id, Role: packaging.Operator}}
	accounts := func(want string) {
		t.Helper()
		p, err := d.Member(t.Context(), boss, id)
		if got := strings.Join(p.Accounts, "+"); err != nil || got != want {
			t.Errorf("dora is of one human with %q, want %q, %v", got, want, err)
		}
	}
	returns := func() {
		t.Helper()
		if err := d.RemovePerson(t.Context(), boss, id); err != nil {
			t.Fatal(err)
		}
		if err := d.JoinPerson(t.Context(), boss, dora); err != nil {
			t.Fatal(err)
		}
	}
	tells := func(tenant packaging.TenantID, before, after string) {
		t.Helper()
		e := lastOf(t, d, tenant, packaging.PersonSet)
		if !strings.Contains(e.Old, before) || !strings.Contains(e.New, after) {
			t.Errorf("the history of %d says %q, then %q", tenant, e.Old, e.New)
		}
	}
	accounts("anna+berta")
	tells(1, "", "same human as anna, berta")
	if err := d.JoinPerson(t.Context(), elsewhere, dora); err != nil {
		t.Fatal(err)
	}
	set := func(user, as packaging.UserID) {
		t.Helper()
		if err := d.SetHuman(t.Context(), boss, user, as); err != nil {
			t.Fatal(err)
		}
	}
	set(id, 0)
	returns()
	accounts("")
	people := accountsOf(t, d, boss)
	set(id, people[2].ID) // berta, and anna with her
	accounts("anna+berta")
	set(id, people[1].ID) // anna.second, whom no name makes of one human with them
	returns()
	accounts("anna.second")
	d.exec(t, `DELETE FROM parted_humans; UPDATE users SET same_as = NULL`)
	returns()
	accounts("anna+berta")
	tells(2, "Dora", "same human as anna, berta")
}

// comes is somebody who comes to "ghent" by its provider.
func comes(subject, username, email string) packaging.Identity {
	return packaging.Identity{
		Issuer: "https://login.example", Subject: subject, Username: username, Email: email, Values: []string{"packers"},
	}
}

// provided are the twins at a site with a provider, with what signs somebody in by it, and what says that they wait.
func provided(t *testing.T) (
	d *DB, boss packaging.Person, p []packaging.Person,
	signIn func(packaging.Identity) packaging.Person, waits func(error, ...string),
) {
	t.Helper()
	d, boss, p = twins(t)
	if err := d.Provision(t.Context(), Site{signOnSetup("ghent")}); err != nil {
		t.Fatal(err)
	}
	d.exec(t, fmt.Sprintf(`UPDATE users SET password_set_by = '', password_setter = NULL;
		INSERT OR IGNORE INTO members (user_id, tenant_id) VALUES (%[1]d, 2), (%[2]d, 2);
		INSERT OR IGNORE INTO member_roles (user_id, tenant_id, role)
			VALUES (%[1]d, 1, 'administrator'), (%[1]d, 2, 'administrator'), (%[2]d, 2, 'operator')`,
		boss.ID, p[2].ID))
	signIn = func(id packaging.Identity) packaging.Person {
		t.Helper()
		came, err := d.SignInBy(t.Context(), boss.Tenant, id)
		if err != nil {
			t.Fatal(err)
		}
		return came
	}
	waits = func(err error, names ...string) {
		t.Helper()
		var why *packaging.SignOnError
		if !errors.As(err, &why) || why.Reason != packaging.SignOnSameName {
			t.Errorf("it ends with %v", err)
		}
		askedAbout(t, d, boss, names...)
	}
	return d, boss, p, signIn, waits
}

// askedAbout checks about whom administrators are asked.
func askedAbout(t *testing.T, d *DB, boss packaging.Person, names ...string) {
	t.Helper()
	waiting, err := d.SignOnWaits(t.Context(), boss)
	var like []string
	for _, w := range waiting {
		like = append(like, w.Like.Username)
	}
	if err != nil || !slices.Equal(like, names) {
		t.Errorf("asked about %q, want %q, %v", like, names, err)
	}
}

// isHumanOf checks of which accounts somebody is, too.
func isHumanOf(t *testing.T, d *DB, boss packaging.Person, user packaging.UserID, want string) {
	t.Helper()
	p, err := d.Member(t.Context(), boss, user)
	if got := strings.Join(p.Accounts, "+"); err != nil || got != want {
		t.Errorf("%s is of one human with %q, want %q, %v", p.Username, got, want, err)
	}
}

// Who comes by the provider under the names of several people waits for a word on each. It holds for those who leave
// the site and come back, too.
func TestAWordIsNeededOnEachPersonWhoseNameSomebodyHas(t *testing.T) {
	d, boss, p, signIn, waits := provided(t)
	anna, berta := p[0], p[2]
	id := comes("s1", "anna", "BERTA@plant.example")
	enter := func() error {
		_, err := d.SignInBy(t.Context(), boss.Tenant, id)
		return err
	}
	decide := func(about packaging.Person, same bool) {
		t.Helper()
		if err := d.DecideSignOn(t.Context(), boss, id.Issuer, id.Subject, about.ID, same); err != nil {
			t.Fatal(err)
		}
	}
	waits(enter(), "anna", "berta")
	decide(berta, false)
	waits(enter(), "anna")
	if err := d.RemovePerson(t.Context(), boss, berta.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.JoinPerson(t.Context(), boss, berta); err != nil {
		t.Fatal(err)
	}
	waits(enter(), "anna")
	decide(anna, true)
	came := signIn(id)
	isHumanOf(t, d, boss, came.ID, "anna")
	id.Email = "berta@elsewhere.example"
	signIn(id) // another address, of whom an administrator has parted them from
	isHumanOf(t, d, boss, came.ID, "anna")
}

// What an administrator has said, or is asked, holds whatever somebody is called at the provider by then.
func TestAWordHoldsWhateverSomebodyIsCalledByThen(t *testing.T) {
	d, boss, p, signIn, waits := provided(t)
	anna, berta, carla := p[0], p[2], p[3]
	_, err := d.SignInBy(t.Context(), boss.Tenant, comes("s1", "anna", "berta@plant.example"))
	waits(err, "anna", "berta")
	decide := func(about packaging.UserID, same bool) {
		t.Helper()
		if err := d.DecideSignOn(t.Context(), boss, "https://login.example", "s1", about, same); err != nil {
			t.Fatal(err)
		}
	}
	decide(anna.ID, true)
	_, err = d.SignInBy(t.Context(), boss.Tenant, comes("s1", "otto", ""))
	waits(err, "berta")
	decide(berta.ID, false)
	otto := signIn(comes("s1", "otto", ""))
	isHumanOf(t, d, boss, otto.ID, "anna")
	signIn(comes("s1", "otto", "berta@plant.example"))
	askedAbout(t, d, boss)
	signIn(comes("s1", "carla", ""))
	signIn(comes("s1", "otto", ""))
	askedAbout(t, d, boss, "carla")
	decide(carla.ID, false)
	askedAbout(t, d, boss)
	isHumanOf(t, d, boss, otto.ID, "anna")
}

// A question ends with its answer, whoever gives it and by whichever account.
func TestAQuestionEndsWithItsAnswer(t *testing.T) {
	d, boss, p, signIn, _ := provided(t)
	anna, berta, carla := p[0], p[2], p[3]
	if err := d.SetHuman(t.Context(), boss, anna.ID, berta.ID); err != nil {
		t.Fatal(err)
	}
	otto := signIn(comes("s1", "otto", ""))
	for _, name := range []string{"anna", "berta", "otto"} { // one human, of whom it has two names
		signIn(comes("s1", name, ""))
	}
	askedAbout(t, d, boss, "anna")
	if err := d.DecideSignOn(t.Context(), boss, "https://login.example", "s1", anna.ID, false); err != nil {
		t.Fatal(err)
	}
	askedAbout(t, d, boss)
	signIn(comes("s1", "carla", ""))
	asked := func() time.Time {
		t.Helper()
		waiting, err := d.SignOnWaits(t.Context(), boss)
		if err != nil || len(waiting) != 1 {
			t.Fatalf("%+v, %v", waiting, err)
		}
		return waiting[0].Asked
	}
	first := asked()
	signIn(comes("s1", "carla", "otto@plant.example"))
	if again := asked(); !again.Equal(first) {
		t.Errorf("asked at %v, then at %v", first, again)
	}
	if err := d.SetHuman(t.Context(), boss, otto.ID, carla.ID); err != nil {
		t.Fatal(err)
	}
	askedAbout(t, d, boss)
	isHumanOf(t, d, boss, otto.ID, "carla")
}

// Each address that somebody had at the provider stays a name of theirs.
func TestANameOfEachAddressThatSomebodyHadStaysKnown(t *testing.T) {
	d, boss, _, signIn, waits := provided(t)
	for _, address := range []string{"first", "second", "third"} {
		signIn(comes("s1", "otto", address+"@plant.example"))
	}
	for _, name := range []string{"first", "second", "third"} {
		_, err := d.SignInBy(t.Context(), boss.Tenant, comes("subject of "+name, name, ""))
		waits(err, "otto")
		d.exec(t, `DELETE FROM sign_on_waits`)
	}
}

// Nobody says of themselves who somebody is that waits under their name.
func TestWhoIsAskedAboutSaysNothingOfThemselves(t *testing.T) {
	d, boss, _, signIn, _ := provided(t)
	signIn(comes("s1", "otto", ""))
	signIn(comes("s1", boss.Username, ""))
	askedAbout(t, d, boss, boss.Username)
	for _, same := range []bool{true, false} {
		err := d.DecideSignOn(t.Context(), boss, "https://login.example", "s1", boss.ID, same)
		if packaging.CodeOf(err) != packaging.Forbidden {
			t.Errorf("the same %t: %v", same, err)
		}
	}
}

// Accounts of other sites are joined by who administers these too.
func TestNobodyIsJoinedByAnAnswerWhoBelongsToASiteOfOthers(t *testing.T) {
	d, boss, p, signIn, _ := provided(t)
	d.exec(t, fmt.Sprintf(`INSERT OR IGNORE INTO member_roles (user_id, tenant_id, role) VALUES (%d, 2, 'administrator');
		DELETE FROM member_roles WHERE user_id = %d AND tenant_id = 2`, p[2].ID, boss.ID))
	otto := signIn(comes("s1", "otto", ""))
	signIn(comes("s1", "berta", ""))
	err := d.DecideSignOn(t.Context(), boss, "https://login.example", "s1", p[2].ID, true)
	if packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("joined with somebody of another site: %v", err)
	}
	isHumanOf(t, d, boss, otto.ID, "")
	if err := d.SetHuman(t.Context(), boss, otto.ID, p[2].ID); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("joined with somebody of another site by a word on people: %v", err)
	}
	if err := d.RemovePerson(t.Context(), boss, p[2].ID); err != nil { // who belongs to the other site still
		t.Fatal(err)
	}
	err = d.DecideSignOn(t.Context(), boss, "https://login.example", "s1", p[2].ID, true)
	if packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("joined with somebody who has left for another site: %v", err)
	}
}

// Nor do two who are here become one by somebody who has no account yet.
func TestNobodyOfASiteOfOthersIsJoinedByANewcomer(t *testing.T) {
	d, boss, p, signIn, waits := provided(t)
	d.exec(t, fmt.Sprintf(`INSERT OR IGNORE INTO member_roles (user_id, tenant_id, role) VALUES (%d, 2, 'administrator');
		DELETE FROM member_roles WHERE user_id = %d AND tenant_id = 2`, p[2].ID, boss.ID))
	id := comes("s9", "anna", "berta@plant.example")
	_, err := d.SignInBy(t.Context(), boss.Tenant, id)
	waits(err, "anna", "berta")
	decide := func(about packaging.UserID) error {
		return d.DecideSignOn(t.Context(), boss, id.Issuer, id.Subject, about, true)
	}
	if err := decide(p[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := decide(p[2].ID); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("anna and berta, who belongs to another site, are said to be one: %v", err)
	}
	if err := d.DecideSignOn(t.Context(), boss, id.Issuer, id.Subject, p[2].ID, false); err != nil {
		t.Fatal(err)
	}
	signIn(id)
	isHumanOf(t, d, boss, p[2].ID, "")
	// Who is added under a name of both joins them neither.
	d.exec(t, fmt.Sprintf(`INSERT INTO known_as VALUES (1, %d, 'dora'), (1, %d, 'dora')`, p[1].ID, p[2].ID))
	err = d.AddPerson(t.Context(), boss, packaging.Person{
		Author: packaging.Author{Username: "dora", FullName: "Dora", Role: packaging.Operator},
	}, secret.New("a password for tests"))
	if packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("somebody comes under the name of two people, one of another site: %v", err)
	}
}

// Whom an administrator brings from another of their sites may belong to a third one, which is not theirs.
func TestNobodyOfASiteOfOthersIsJoinedByComingToAnother(t *testing.T) {
	d, boss, p, _, _ := provided(t)
	anna, berta := p[0], p[2]
	if err := errors.Join(
		d.Provision(t.Context(), Site{setup("lyon")}), d.RemovePerson(t.Context(), boss, berta.ID),
	); err != nil {
		t.Fatal(err)
	}
	d.exec(t, fmt.Sprintf(`INSERT INTO known_as VALUES (1, %d, 'berta');
		INSERT INTO members (user_id, tenant_id) VALUES (%[2]d, 3);
		INSERT INTO member_roles (user_id, tenant_id, role) VALUES (%[2]d, 3, 'operator')`, anna.ID, berta.ID))
	if err := d.JoinPerson(t.Context(), boss, berta); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("somebody of a site of others comes to a namesake: %v", err)
	}
	d.exec(t, fmt.Sprintf(`DELETE FROM member_roles WHERE user_id = %[1]d AND tenant_id = 3;
		DELETE FROM members WHERE user_id = %[1]d AND tenant_id = 3`, berta.ID))
	if err := d.JoinPerson(t.Context(), boss, berta); err != nil {
		t.Errorf("somebody of their own sites comes to a namesake: %v", err)
	}
	isHumanOf(t, d, boss, berta.ID, "anna")
}

// A shift signs in at once, and releases wait for the writer meanwhile.
func TestNamesakesAreLookedUpByIndexesHoweverManyPeopleThereAre(t *testing.T) {
	d, boss, _ := opened(t)
	steps, err := collect(t.Context(), d.read, func(row scanner) (step string, err error) {
		return step, row.Scan(new(int), new(int), new(int), &step)
	}, `EXPLAIN QUERY PLAN `+knownNames, boss.Tenant.ID, 0)
	if err != nil || len(steps) == 0 {
		t.Fatal(err)
	}
	if said := strings.Join(steps, "; "); strings.Contains(said, "SCAN k ") ||
		!strings.Contains(said, "SEARCH users USING COVERING INDEX users_of_human (<expr>=?)") {
		t.Error(said)
	}
}

// Nobody is said to be two people at once.
func TestNobodyIsTheSameHumanAsTwoWhomAnAdministratorParted(t *testing.T) {
	d, boss, p, _, waits := provided(t)
	anna, berta := p[0], p[2]
	if err := errors.Join(
		d.SetHuman(t.Context(), boss, anna.ID, berta.ID), d.SetHuman(t.Context(), boss, anna.ID, 0),
	); err != nil {
		t.Fatal(err)
	}
	id := comes("s1", "anna", "berta@plant.example")
	_, err := d.SignInBy(t.Context(), boss.Tenant, id)
	waits(err, "anna", "berta")
	if err := d.DecideSignOn(t.Context(), boss, id.Issuer, id.Subject, anna.ID, true); err != nil {
		t.Fatal(err)
	}
	err = d.DecideSignOn(t.Context(), boss, id.Issuer, id.Subject, berta.ID, true)
	if packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("both are said to be the same human: %v", err)
	}
	// Who connects has an account already, and goes on as they were.
	carla := accountsOf(t, d, boss)[3]
	if err := d.ConnectIdentity(t.Context(), carla, comes("s2", "anna", "berta@plant.example")); err != nil {
		t.Error(err)
	}
	askedAbout(t, d, boss, "berta", "anna", "berta")
	decide := func(about packaging.UserID) error {
		return d.DecideSignOn(t.Context(), boss, id.Issuer, "s2", about, true)
	}
	if err := decide(anna.ID); err != nil {
		t.Error(err)
	}
	isHumanOf(t, d, boss, carla.ID, "anna")
	if err := decide(berta.ID); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("both are said to be the same human as an account: %v", err)
	}
	d.exec(t, fmt.Sprintf(`INSERT INTO known_as VALUES (1, %d, 'dora'), (1, %d, 'dora')`, anna.ID, berta.ID))
	err = d.AddPerson(t.Context(), boss, packaging.Person{
		Author: packaging.Author{Username: "dora", FullName: "Dora", Role: packaging.Operator},
	}, secret.New("a password for tests"))
	if packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("somebody comes under the name of two people: %v", err)
	}
	file := setup("ghent") // which is read at each start
	file.People = []PersonSetup{{
		Username: "dora", FullName: "Dora", Password: secret.New("a password for tests"),
		Role: packaging.Operator,
	}}
	if err := d.Provision(t.Context(), Site{file}); err != nil {
		t.Errorf("a file with them: %v", err)
	}
}

// An account that is added under a name of somebody, or of what they are known as at the provider, is of one human with
// them. Who is here joins nobody by what the provider calls them: they may change that themselves.
func TestAccountsThatShareANameAreOfOneHumanHoweverTheNameCame(t *testing.T) {
	d, boss, p, signIn, waits := provided(t)
	anna, berta, carla := p[0], p[2], p[3]
	if err := d.ConnectIdentity(t.Context(), anna, comes("s1", "e4711", "berta@plant.example")); err != nil {
		t.Fatal(err)
	}
	isHumanOf(t, d, boss, anna.ID, "")
	askedAbout(t, d, boss, "berta")
	if err := d.DecideSignOn(t.Context(), boss, "https://login.example", "s1", berta.ID, true); err != nil {
		t.Fatal(err)
	}
	askedAbout(t, d, boss)
	isHumanOf(t, d, boss, anna.ID, "berta")
	if err := d.DisconnectIdentity(t.Context(), anna); err != nil {
		t.Fatal(err)
	}
	_, err := d.SignInBy(t.Context(), boss.Tenant, comes("s1", "", ""))
	waits(err, "anna")
	_, err = d.SignInBy(t.Context(), boss.Tenant, comes("s2", "PLANT\\e\u200b4711", ""))
	waits(err, "anna", "anna")
	_, err = d.SignInBy(t.Context(), boss.Tenant, comes("Carla", "", ""))
	waits(err, "anna", "anna", "carla")
	_, err = d.SignInBy(t.Context(), boss.Tenant, comes("s5", "car la /", "")) // would be the username carla
	waits(err, "anna", "anna", "carla", "carla")
	emil := signIn(comes("s3", "emil", ""))
	for _, email := range []string{"carla@plant.example", "anna@plant.example", "berta@plant.example"} {
		signIn(comes("s3", "emil", email))
		signIn(comes("s3", "emil", email)) // is asked about once
	}
	askedAbout(t, d, boss, "anna", "anna", "carla", "carla", "carla", "anna")
	isHumanOf(t, d, boss, emil.ID, "")
	isHumanOf(t, d, boss, carla.ID, "")
	decide := func(about packaging.UserID, same bool) {
		t.Helper()
		if err := d.DecideSignOn(t.Context(), boss, "https://login.example", "s3", about, same); err != nil {
			t.Fatal(err)
		}
	}
	decide(anna.ID, false)
	decide(carla.ID, true)
	signIn(comes("s3", "emil", "anna@plant.example"))
	askedAbout(t, d, boss, "anna", "anna", "carla", "carla")
	isHumanOf(t, d, boss, emil.ID, "carla")
	for _, username := range []string{"carla@plant.example", "e4711"} {
		if err := d.AddPerson(t.Context(), boss, packaging.Person{
			Author: packaging.Author{Username: username, FullName: "Somebody", Role: packaging.Operator},
		}, secret.New("a password for tests")); err != nil {
			t.Fatal(err)
		}
	}
	isHumanOf(t, d, boss, carla.ID, "carla@plant.example+emil")
	isHumanOf(t, d, boss, berta.ID, "anna+e4711")
	d.exec(t, fmt.Sprintf(`INSERT INTO members (user_id, tenant_id) VALUES (%d, 2)`, p[1].ID))
	if err := d.RemovePerson(t.Context(), boss, p[1].ID); err != nil {
		t.Fatal(err)
	}
	_, err = d.SignInBy(t.Context(), boss.Tenant, comes("s4", "anna.second", "")) // while they are away
	waits(err, "anna", "anna", "carla", "carla", "anna.second")
}

// A name of another site counts where its human belongs, whoever came there first: the human, or an account with the
// name.
func TestWhatSomebodyIsKnownAsElsewhereIsTheirNameWhereTheyBelong(t *testing.T) {
	d, boss, p, _, _ := provided(t)
	if err := d.Provision(t.Context(), Site{signOnSetup("basel")}); err != nil {
		t.Fatal(err)
	}
	basel := packaging.Person{Author: boss.Author, Tenant: packaging.Tenant{ID: 2, Slug: "basel"}}
	signIn := func(subject, username string) (packaging.Person, error) {
		return d.SignInBy(t.Context(), basel.Tenant, comes(subject, username, ""))
	}
	knownAs := func(who packaging.Person, subject, username string) {
		t.Helper()
		if err := errors.Join(
			d.ConnectIdentity(t.Context(), who, comes(subject, username, "")), d.DisconnectIdentity(t.Context(), who),
		); err != nil {
			t.Fatal(err)
		}
	}
	joins := func(who packaging.Person) {
		t.Helper()
		if err := d.JoinPerson(t.Context(), basel, who); err != nil {
			t.Fatal(err)
		}
	}
	anna, second, carla := p[0], p[1], p[3]
	knownAs(anna, "c1", "maria.nagy")
	joins(anna)
	knownAs(second, "c2", "maria.berg")
	berg, err := signIn("c3", "maria.berg")
	if err != nil {
		t.Fatal(err)
	}
	joins(second)
	isHumanOf(t, d, basel, berg.ID, "anna.second")
	if err := d.SetHuman(t.Context(), boss, carla.ID, anna.ID); err != nil {
		t.Fatal(err)
	}
	for subject, username := range map[string]string{"c1": "", "c4": "maria.nagy", "c5": "PLANT\\carla"} {
		var why *packaging.SignOnError
		if p, err := signIn(subject, username); !errors.As(err, &why) || why.Reason != packaging.SignOnSameName {
			t.Errorf("%s %q is let in as %s, %v", subject, username, p.Username, err)
		}
	}
	waiting, err := d.SignOnWaits(t.Context(), basel)
	for _, w := range waiting {
		if w.Like.Username != "anna" {
			t.Errorf("asked about %s, whom the site does not know", w.Like.Username)
		}
	}
	if err != nil || len(waiting) != 3 {
		t.Errorf("%d wait, %v", len(waiting), err)
	}
}

// An upgrade finds in the history the names of who left a site or disconnected from its provider before names were kept.
func TestAnUpgradeFindsTheNamesOfWhoLeftBeforeIt(t *testing.T) {
	thorough.Once(t)
	d, boss, p, _, _ := provided(t)
	anna, second, carla := p[0], p[1], p[3]
	basel := packaging.Person{Author: boss.Author, Tenant: packaging.Tenant{ID: 2}}
	subject := "CN=Anna, at home"
	if err := errors.Join(
		d.ConnectIdentity(t.Context(), anna, comes(subject, "maria.nagy", "")),
		d.DisconnectIdentity(t.Context(), anna),
		d.JoinPerson(t.Context(), basel, second), d.RemovePerson(t.Context(), basel, second.ID),
	); err != nil {
		t.Fatal(err)
	}
	d.exec(t, fmt.Sprintf(`INSERT INTO identities (tenant_id, issuer, subject, user_id, connected_at)
		VALUES (1, 'https://a.example', 'one, two', %[1]d, 1), (1, 'https://b.example', 'three at four', %[1]d, 1)`, carla.ID))
	if err := d.DisconnectIdentity(t.Context(), carla); err != nil {
		t.Fatal(err)
	}
	did := packaging.Entry{TenantID: basel.Tenant.ID, By: carla.Author, Deed: packaging.SignedIn}
	if err := d.Record(t.Context(), did); err != nil {
		t.Fatal(err)
	}
	d.exec(t, `DROP TRIGGER names_that_were_known_stay_known; DELETE FROM known_as;
		CREATE TRIGGER names_that_were_known_stay_known BEFORE DELETE ON known_as
		BEGIN SELECT RAISE(ABORT, 'a name stays known'); END;
		DELETE FROM goose_db_version WHERE version_id = 119`)
	file := collected(t, d.read.DB, `SELECT file FROM pragma_database_list WHERE name = 'main'`)[0]
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = openTicking(t, file, start.Add(time.Hour), time.Second)
	t.Cleanup(func() { d.Close() })
	known := collected(t, d.read.DB, `SELECT k.tenant_id || ' ' || u.username || ': ' || name FROM known_as k
		JOIN users u ON u.id = k.user_id WHERE u.id IN (`+fmt.Sprint(anna.ID, ",", second.ID, ",", carla.ID)+`) ORDER BY 1`)
	want := []string{
		"1 anna.second: anna.second", "1 anna: " + subject, "1 anna: anna", "1 carla: carla", "1 carla: one, two",
		"1 carla: three at four", "2 anna.second: anna.second", "2 carla: carla",
	}
	if diff := cmp.Diff(want, known); diff != "" {
		t.Errorf("known (-want +got)\n%s", diff)
	}
}

// Where no administrator is left, the one who begins anew is of one human with whom the site knew by that name.
func TestAFirstAdministratorIsOfOneHumanWithTheirNamesakes(t *testing.T) {
	d, _, _, signIn, _ := provided(t)
	emil := signIn(comes("s3", "e4711", "emil@plant.example"))
	tamperedWith.Store(d, true)
	d.exec(t, `DROP TRIGGER a_last_administrator_stays_active;
		UPDATE users SET active = 0 WHERE id IN (SELECT user_id FROM member_roles WHERE role = 'administrator')`)
	p, err := d.AddFirstAdministrator(t.Context(), "emil", "Emil", secret.New("a password for tests"), packaging.Tenant{})
	if err != nil || !p.SameHuman(d.person(t, emil.ID)) {
		t.Errorf("%+v, %v", p, err)
	}
}

func (d *DB) person(t *testing.T, user packaging.UserID) packaging.Person {
	t.Helper()
	all, err := d.Memberships(t.Context(), user)
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	return all[0]
}

func lastOf(t *testing.T, d *DB, tenant packaging.TenantID, deed packaging.Deed) packaging.Entry {
	t.Helper()
	page, err := d.History(t.Context(), packaging.Everything(tenant), packaging.HistoryFilter{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		if e.Deed == deed {
			return e
		}
	}
	t.Fatalf("no %s", deed)
	return packaging.Entry{}
}

// The schema itself refuses what one human would do twice.
func TestRulesOfTwoGoByHumansInTheSchemaToo(t *testing.T) {
	d, boss, p := twins(t)
	if err := d.SetHuman(t.Context(), boss, p[1].ID, p[0].ID); err != nil {
		t.Fatal(err)
	}
	for name, statements := range map[string][2]string{
		"a human that stands for another one's": {
			`SELECT 1`, `UPDATE users SET same_as = ?2 WHERE id = ?3`,
		},
		"a second signature": {
			`INSERT INTO signatures (tenant_id, kind, object, content, place, user_id, username, full_name, role, station, meaning, at, factor, hash)
				VALUES (1, 'other', 9, zeroblob(32), 1, ?1, 'a', 'a', 'supervisor', '', 'm', 1, 'password', zeroblob(32))`,
			`INSERT INTO signatures (tenant_id, kind, object, content, place, user_id, username, full_name, role, station, meaning, at, factor, hash)
				VALUES (1, 'other', 9, zeroblob(32), 2, ?2, 'b', 'b', 'supervisor', '', 'm', 1, 'password', zeroblob(32))`,
		},
		"a take-over": {
			`INSERT INTO handovers (id, tenant_id, day, shift, begins_at, ends_at, at, user_id, username, full_name, role, station, remarks)
				VALUES (9, 1, '2026-11-23', 'Early', 1, 2, 1, ?1, 'a', 'a', 'supervisor', '', '')`,
			`INSERT INTO takeovers (handover_id, tenant_id, at, user_id, username, full_name, role, station, remarks)
				VALUES (9, 1, 2, ?2, 'b', 'b', 'supervisor', '', '')`,
		},
		"a confirmation": {
			`UPDATE users SET password_set_by = 'x', password_setter = ?1, password_changed = 1 WHERE id = ?3`,
			`UPDATE users SET password_confirmed_at = 1, password_confirmed_by = ?2 WHERE id = ?3`,
		},
		"joining whom an administrator has parted": {
			`INSERT INTO parted_humans (user_id, other_id, tenant_id) VALUES (min(?2, ?3), max(?2, ?3), 1)`,
			`UPDATE users SET same_as = (SELECT human_id FROM humans WHERE user_id = ?2) WHERE id = ?3`,
		},
		"a word that nobody waits for": {
			`SELECT 1`,
			`INSERT INTO sign_on_waits (tenant_id, issuer, subject, username, email, full_name, user_id, asked_at, same, decided_by)
				VALUES (1, 'i', 't', 'anna', '', 'Anna', ?1, 1, 1, ?3)`,
		},
		"a word on who they are": {
			`INSERT INTO sign_on_waits (tenant_id, issuer, subject, username, email, full_name, user_id, asked_at)
				VALUES (1, 'i', 's', 'anna', '', 'Anna', ?1, 1)`,
			`UPDATE sign_on_waits SET same = 0, decided_by = ?2`,
		},
	} {
		if boss.Tenant.ID != 1 {
			t.Fatal("the tenant is not the first")
		}
		args := []any{p[0].ID, p[1].ID, p[2].ID}
		for i, statement := range statements {
			var used []any
			for n, mark := range []string{"?1", "?2", "?3"} {
				if strings.Contains(statement, mark) {
					used = args[:n+1]
				}
			}
			_, err := d.write.ExecContext(t.Context(), statement, used...)
			if (err != nil) != (i == 1) {
				t.Errorf("%s, statement %d: %v", name, i, err)
			}
		}
	}
}

func TestWhatIsHandedOverIsAcknowledgedByAnotherHumanInTheSchemaToo(t *testing.T) {
	d, boss, p := twins(t)
	anna, second, berta, carla := p[0].ID, p[1].ID, p[2].ID, p[3].ID
	if err := d.SetHuman(t.Context(), boss, second, anna); err != nil {
		t.Fatal(err)
	}
	d.exec(t, fmt.Sprintf(`
		INSERT INTO handovers (id, tenant_id, day, shift, begins_at, ends_at, at, user_id, username, full_name, role, station, remarks)
			VALUES (9, 1, '2026-11-23', 'Early', 1, 2, 1, %d, 'a', 'a', 'supervisor', '', '');
		INSERT INTO handover_items (handover_id, tenant_id, place, kind, line_code, line_name, order_key, words, since)
			VALUES (9, 1, 1, 'waiting', 'L1', 'Line', '', 'x', 1);
		INSERT INTO takeovers (handover_id, tenant_id, at, user_id, username, full_name, role, station, remarks)
			VALUES (9, 1, 2, %d, 'b', 'b', 'supervisor', '', '')`, anna, berta))
	for user, may := range map[packaging.UserID]bool{second: false, carla: true} {
		_, err := d.write.ExecContext(
			t.Context(),
			`INSERT INTO handover_acks (handover_id, place, at, user_id, full_name) VALUES (9, 1, 3, ?, 'x')`, user,
		)
		if (err == nil) != may {
			t.Errorf("by account %d: %v", user, err)
		}
	}
}

func TestWhoSetAPasswordConfirmsItByNoOtherAccount(t *testing.T) {
	d, boss, p := twins(t)
	anna, second, berta := p[0], p[1], p[2]
	d.exec(t, `UPDATE users SET password_set_by = '', password_setter = NULL`)
	if err := d.SetHuman(t.Context(), boss, second.ID, anna.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.SetPersonsPassword(t.Context(), anna, p[3].ID, secret.New("another password 7")); err != nil {
		t.Fatal(err)
	}
	d.exec(t, `UPDATE users SET password_changed = 1`)
	waiting := func(who packaging.Person) int {
		c, err := d.Confirmations(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return len(c.Waiting)
	}
	people := accountsOf(t, d, boss)
	if waiting(people[0]) != 0 || waiting(people[1]) != 0 || waiting(people[2]) != 1 {
		t.Errorf("waiting: %d, %d, %d", waiting(people[0]), waiting(people[1]), waiting(people[2]))
	}
	if err := d.ConfirmPassword(t.Context(), people[1], p[3].ID, d.shownPassword(t, p[3].ID)); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("by another account of who set it: %v", err)
	}
	if err := d.ConfirmPassword(t.Context(), berta, p[3].ID, d.shownPassword(t, p[3].ID)); err != nil {
		t.Error(err)
	}
}

// shownPassword is what a page knows the password of a person by.
func (d *DB) shownPassword(t *testing.T, user packaging.UserID) string {
	t.Helper()
	var hash string
	if err := d.read.QueryRowContext(
		t.Context(), `SELECT password_hash FROM users WHERE id = ?`, user,
	).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	return d.shown(hash)
}

// letAllAdminister makes everybody administrator of their tenants, too.
func (d *DB) letAllAdminister(t *testing.T) {
	t.Helper()
	d.exec(t, `INSERT OR IGNORE INTO member_roles (user_id, tenant_id, role)
		SELECT user_id, tenant_id, 'administrator' FROM members`)
}

func (d *DB) exec(t *testing.T, statement string) {
	t.Helper()
	if err := d.tx(t.Context(), func(t *tx) error { return t.exec(statement) }); err != nil {
		t.Fatal(err)
	}
}
