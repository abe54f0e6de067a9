package db

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

func TestANewNameIsTakenForNoOtherOfItsList(t *testing.T) {
	d, boss, _ := opened(t)
	d.letAllAdminister(t)
	ctx := t.Context()
	l1, err := d.SetupLine(ctx, boss, "L1")
	if err != nil {
		t.Fatal(err)
	}
	for what, add := range map[string]func(name string) error{
		"line": func(name string) error {
			return d.AddLine(ctx, boss, packaging.Line{Code: "C" + short(name), Name: name})
		},
		"site": func(name string) error {
			_, err := d.AddTenant(ctx, boss, packaging.Tenant{
				Slug: "s" + short(name), Name: name, TimeZone: "UTC", BaseURL: "https://api.example",
			})
			return err
		},
		"station": func(name string) error {
			_, _, err := d.AddStation(ctx, boss, name, l1.ID, "")
			return err
		},
		"display": func(name string) error {
			_, _, err := d.AddDisplay(ctx, boss, name, "")
			return err
		},
		"token": func(name string) error {
			k := packaging.Token{Name: name, Scopes: packaging.TokenScopes[:1]}
			return d.CreateToken(ctx, boss, k, sha256.Sum256([]byte(name)))
		},
		"destination": func(name string) error {
			to := webhookOn("L1")
			to.Name = name
			_, err := d.AddDestination(ctx, boss, to, secret.New("whsec_canary"))
			return err
		},
		"recipient": func(name string) error {
			_, err := d.AddRecipient(ctx, boss, packaging.Recipient{Name: name, Kind: packaging.ByMail},
				secret.New("a@plant.example"), secret.Text{})
			return err
		},
	} {
		if err := add("Packer l0"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for _, alike := range []string{"Packer 10", "Packer lO", "P\u0430cker l0", "PACKER IO", "Packer  l0"} {
			if err := add(alike); packaging.CodeOf(err) != packaging.Conflict {
				t.Errorf("%s %q: %v", what, alike, err)
			}
		}
		if err := add("Packer 20"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func short(name string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:8] }

// Lines are told apart while they are in use. Their codes are those of the API, which may have "L1" and "LI".
func TestALineIsTakenForNoOtherThatIsInUse(t *testing.T) {
	d, boss, _ := opened(t)
	d.letAllAdminister(t)
	ctx := t.Context()
	conflict := func(what string, err error) {
		t.Helper()
		if packaging.CodeOf(err) != packaging.Conflict {
			t.Errorf("%s: %v", what, err)
		}
	}
	set := func(change func(*packaging.Line)) error { return d.SetLine(ctx, boss, "LI", change) }
	retire := func(is bool) func(*packaging.Line) { return func(l *packaging.Line) { l.Retired = is } }
	conflict("a code with a Cyrillic letter", d.AddLine(ctx, boss, packaging.Line{Code: "L\u0661", Name: "Blister line 2"}))
	for code, name := range map[string]string{"LI": "Blister line 2", "B 2": "Bottle line 2"} {
		if err := d.AddLine(ctx, boss, packaging.Line{Code: code, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	named := facts("Order1")
	named.LineCode = "L9"
	cache(t, d, boss.Tenant.ID, named)
	adopt := func(name string) error {
		_, err := d.AdoptLine(ctx, boss, "L9", name)
		return err
	}
	conflict("a line that the API names", adopt("Bottle line 2"))
	if err := adopt("Bottle line 9"); err != nil {
		t.Error(err)
	}
	conflict("a code with another space", d.AddLine(ctx, boss, packaging.Line{Code: "B  2", Name: "Another line"}))
	conflict("a name", set(func(l *packaging.Line) { l.Name = "Blister line l" }))
	if err := set(func(l *packaging.Line) { l.Name, l.Retired = "Blister line 1", true }); err != nil {
		t.Errorf("retired under a name in use: %v", err)
	}
	if err := d.AddLine(ctx, boss, packaging.Line{Code: "L3", Name: "Blister line 2"}); err != nil {
		t.Errorf("the name of a retired line: %v", err)
	}
	conflict("taken back", set(retire(false)))
}

// A start must not end because of what somebody has named on a page.
func TestANameOfAPageKeepsNoServerFromStarting(t *testing.T) {
	d, boss, _ := opened(t)
	d.letAllAdminister(t)
	ctx := t.Context()
	name := func(code string, name string) {
		t.Helper()
		if err := d.SetLine(ctx, boss, code, func(l *packaging.Line) { l.Name = name }); err != nil {
			t.Fatal(err)
		}
	}
	name("L1", "Line A")
	if err := d.AddLine(ctx, boss, packaging.Line{Code: "L5", Name: "BIister line 1"}); err != nil {
		t.Fatal(err)
	}
	to := webhookOn("L1")
	to.Name = "Packer l0"
	if _, err := d.AddDestination(ctx, boss, to, secret.New("whsec_canary")); err != nil {
		t.Fatal(err)
	}
	if err := d.SetTenant(ctx, boss, "Gent", boss.Tenant.TimeZone); err != nil {
		t.Fatal(err)
	}
	if _, err := d.AddTenant(ctx, boss, packaging.Tenant{
		Slug: "szeged", Name: "PIant Ghent", TimeZone: "UTC", BaseURL: "https://api.example",
	}); err != nil {
		t.Fatal(err)
	}
	file := setup("ghent")
	file.People = nil
	file.Lines = []packaging.Line{{Code: "L1", Name: "Blister line 1"}, {Code: "LI", Name: "Blister line l"}}
	alike := webhookOn("L1")
	alike.Name = "Packer 10"
	file.Destinations = []DestinationSetup{{Destination: alike, Secret: secret.New("whsec_canary")}}
	if err := d.Provision(ctx, Site{file}); err != nil {
		t.Error(err)
	}
}
