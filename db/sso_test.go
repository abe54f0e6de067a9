package db

import (
	"errors"
	"fmt"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

func signOnSetup(slug string) TenantSetup {
	file := setup(slug)
	file.SignOn = &SignOnSetup{packaging.SingleSignOn{
		Enabled: true, Label: "Plant account", Home: "https://lineboard.example", Issuer: "https://login.example",
		ClientID: "lineboard", Claim: "groups",
		Grants: []packaging.Grant{
			{Value: "packers", Role: packaging.Supervisor, Lines: []string{"l1"}},
			{Value: "it", Role: packaging.Administrator},
		},
	}, secret.New("canary-client-secret")}
	return file
}

func TestTheSchemaKeepsWhomAProviderKnowsToOneTenant(t *testing.T) {
	d, ghent, basel := opened(t)
	if err := d.Provision(t.Context(), Site{signOnSetup("ghent"), signOnSetup("basel")}); err != nil {
		t.Fatal(err)
	}
	ines := packaging.Identity{
		Issuer: "https://login.example", Subject: "ines", Username: "ines", Values: []string{"packers"},
	}
	p, err := d.SignInBy(t.Context(), ghent.Tenant, ines)
	if err != nil {
		t.Fatal(err)
	}
	there, err := d.SignInBy(t.Context(), basel.Tenant, ines)
	if err != nil || there.ID == p.ID || there.Tenant.ID != basel.Tenant.ID {
		t.Fatalf("the same subject at another tenant is %+v, %v", there, err)
	}
	deny := func(query string, args ...any) {
		t.Helper()
		if err := d.tx(t.Context(), func(t *tx) error { return t.exec(query, args...) }); err == nil {
			t.Errorf("%s was carried out", query)
		}
	}
	deny(`INSERT INTO members (tenant_id, user_id) VALUES (?, ?)`, basel.Tenant.ID, p.ID)
	deny(`UPDATE identities SET user_id = ? WHERE user_id = ?`, ghent.ID, p.ID)
	deny(
		`INSERT INTO identities (tenant_id, issuer, subject, user_id, connected_at) VALUES (?, 'https://login.example', 'ines', ?, 1)`,
		ghent.Tenant.ID, ghent.ID,
	)
	deny(
		`INSERT INTO identities (tenant_id, issuer, subject, user_id, connected_at) VALUES (?, 'https://login.example', 'x', ?, 1)`,
		ghent.Tenant.ID, basel.ID,
	)
	deny(`UPDATE sso SET issuer = 'https://evil.example'`) // with the secret that is another's
	deny(`UPDATE users SET password_hash = '' WHERE id = ?`, ghent.ID)
	both := signOnSetup("basel")
	both.People = append(both.People, setup("ghent").People...)
	if err := d.Provision(t.Context(), Site{both}); err != nil {
		t.Fatal(err)
	}
	deny(
		`INSERT INTO identities (tenant_id, issuer, subject, user_id, connected_at) VALUES (?, 'https://login.example', 'y', ?, 1)`,
		ghent.Tenant.ID, ghent.ID,
	)
	// A file can't make one of them somebody else's either.
	both.People = []PersonSetup{
		{Username: "INES", FullName: "Ines", Role: packaging.Administrator, Password: secret.New("canary-password")},
	}
	if err := d.Provision(t.Context(), Site{both}); err == nil {
		t.Error("a file took over somebody who came by single sign-on")
	}
}

func TestNobodyWhoComesByTheProviderPassesForTheProgram(t *testing.T) {
	d, ghent, _ := opened(t)
	if err := d.Provision(t.Context(), Site{signOnSetup("ghent")}); err != nil {
		t.Fatal(err)
	}
	p, err := d.SignInBy(t.Context(), ghent.Tenant, packaging.Identity{
		Issuer: "https://login.example", Subject: "m", Username: "Line\u3164board", FullName: "Mallory\u202e",
		Values: []string{"packers"},
	})
	if err != nil || p.Username != "Lineboard.ghent" || p.FullName != "Mallory" {
		t.Errorf("%q, %q, %v", p.Username, p.FullName, err)
	}
}

func TestAnAdministratorByTheProviderAloneIsNoReasonToKeepThemNorToLetTheLastPasswordGo(t *testing.T) {
	d, ghent, _ := opened(t)
	file := signOnSetup("ghent")
	file.People[0].Role = packaging.Administrator
	if err := d.Provision(t.Context(), Site{file}); err != nil {
		t.Fatal(err)
	}
	root := packaging.Identity{
		Issuer: "https://login.example", Subject: "root", Username: "root", Values: []string{"it"},
	}
	p, err := d.SignInBy(t.Context(), ghent.Tenant, root)
	if err != nil || !p.Role.Includes(packaging.Administrator) {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := d.SetPersonActive(t.Context(), p, ghent.ID, false); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("the last one with a password was deactivated: %v", err)
	}
	if err := d.tx(t.Context(), func(t *tx) error {
		return t.exec(`UPDATE users SET active = 0 WHERE id = ?`, ghent.ID)
	}); err == nil {
		t.Error("the schema let the last one with a password go")
	}
	root.Values = []string{"packers", "it"}
	if p, err = d.SignInBy(t.Context(), ghent.Tenant, root); err != nil || p.Role != packaging.Supervisor {
		t.Errorf("%s, %v", p.Role, err)
	}
}

func TestWhoMayNotAdministerSetsNoSingleSignOnAndAChangeIsOfOneTenant(t *testing.T) {
	d, ghent, basel := opened(t)
	file := signOnSetup("ghent")
	if err := d.SetSingleSignOn(
		t.Context(), ghent, file.SignOn.SingleSignOn, file.SignOn.Secret, false,
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("a supervisor: %v", err)
	}
	for range 2 { // the second time changes nothing
		if err := d.Provision(t.Context(), Site{file}); err != nil {
			t.Fatal(err)
		}
	}
	page, err := d.History(
		t.Context(), packaging.Everything(ghent.Tenant.ID),
		packaging.HistoryFilter{Deed: packaging.SignOnSet, Limit: 10},
	)
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Old != "" ||
		page.Entries[0].New != "on · Plant account · https://login.example · client lineboard · at https://lineboard.example · scopes openid · groups=packers: supervisor (lines L1) · groups=it: administrator" {
		t.Errorf("history %+v, %v", page.Entries, err)
	}
	if s, opened, _, err := d.SingleSignOn(t.Context(), basel.Tenant.ID); err != nil || s.Set() || !opened.Empty() {
		t.Errorf("basel has %+v, %v", s, err)
	}
	var off *packaging.SignOnError
	if _, err := d.SignInBy(
		t.Context(), basel.Tenant,
		packaging.Identity{Issuer: "https://login.example", Subject: "ines", Values: []string{"packers"}},
	); !errors.As(err, &off) || off.Reason != packaging.SignOnOff {
		t.Errorf("at basel: %v", err)
	}
}

// Whoever leaves the secret out keeps the one that is stored, also at another name of the button.
func TestAnotherClientSecretTakesThePlaceOfTheOneBefore(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, packaging.Administrator)
	settings := signOnSetup("ghent").SignOn.SingleSignOn
	for i, step := range []struct {
		typed string
		none  bool
		kept  string
	}{{"first", false, "first"}, {"", false, "first"}, {"second", false, "second"}, {"", true, ""}} {
		settings.Label = fmt.Sprint("Plant account ", i)
		if err := d.SetSingleSignOn(t.Context(), ghent, settings, secret.New(step.typed), step.none); err != nil {
			t.Fatal(err)
		}
		now, kept, _, err := d.SingleSignOn(t.Context(), ghent.Tenant.ID)
		if err != nil || now.Label != settings.Label || !kept.Equal(secret.New(step.kept)) {
			t.Errorf("step %d: %+v, the secret is the one wanted: %t, %v", i, now, kept.Equal(secret.New(step.kept)), err)
		}
	}
	set := 0
	for _, e := range history(t, d, ghent) {
		if e.Deed == packaging.CredentialSet && e.Object == clientSecret {
			set++
		}
	}
	if set != 3 {
		t.Errorf("the history has %d changes of the secret, want 3", set)
	}
}
