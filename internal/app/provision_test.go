package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/thorough"
)

const twoSites = `tenants:
  - slug: ghent
    name: Plant Ghent
    time_zone: Europe/Brussels
    api: {base_url: "http://127.0.0.1:1", api_key: env:KEY, api_secret: env:SECRET, channel_key: env:CHANNEL}
    lines: [{code: L1, name: Blister line 1}]
    single_sign_on:
      label: Plant account
      home: https://lineboard.plant.example/
      issuer: https://login.plant.example/
      client_id: lineboard
      claim: roles
      grants: [{value: leads, roles: [supervisor]}]
    destinations: [{line: L1, name: Line PC, kind: pull}]
    users:
      - {username: adm1, name: Admin One, role: administrator, password: env:PASSWORD}
      - {username: adm2, name: Admin Two, role: administrator, password: env:PASSWORD}
      - {username: sup1, name: Sup One, role: supervisor, password: env:PASSWORD}
      - {username: lead1, name: Lead One, role: supervisor, password: env:PASSWORD}
  - slug: szeged
    name: Plant Szeged
    time_zone: Europe/Budapest
    api: {base_url: "http://127.0.0.1:1", api_key: env:KEY, api_secret: env:SECRET, channel_key: env:CHANNEL}
    lines: [{code: L1, name: Blister line 1}]
    users:
      - {username: adm3, name: Admin Three, role: administrator, password: env:PASSWORD}
      - {username: lead1, name: Lead One, role: operator, password: env:PASSWORD}
`

// onPages is what people do on pages, by what it comes to in the store.
type onPages struct {
	*db.DB
	t *testing.T
}

func (p onPages) person(username, site string) packaging.Person {
	p.t.Helper()
	user, _, err := p.Credential(p.t.Context(), username)
	if err != nil {
		p.t.Fatal(err)
	}
	people, err := p.Memberships(p.t.Context(), user)
	for _, person := range people {
		if person.Tenant.Slug == site {
			return person
		}
	}
	p.t.Fatalf("no %s at %s: %v", username, site, err)
	return packaging.Person{}
}

func (p onPages) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p onPages) setShifts(shifts ...packaging.Shift) {
	by := p.person("adm1", "ghent")
	p.must(p.SetShifts(p.t.Context(), by, packaging.Plan{
		From: packaging.DayOf(time.Now(), by.Tenant.Location()).Plus(-1), Shifts: shifts,
	}))
}

func wholeDay(name string, from, until packaging.Minute) packaging.Shift {
	return packaging.Shift{Name: name, Start: from, End: until, Days: packaging.EveryDay}
}

func (p onPages) handOver(username string) {
	ctx, by := p.t.Context(), p.person(username, "ghent")
	roster, err := p.Roster(ctx, by.Scope())
	p.must(err)
	shift, ok := roster.At(time.Now(), by.Tenant.Location())
	if !ok {
		p.t.Fatal("no shift runs")
	}
	items, err := p.OpenItems(ctx, by.Scope(), shift)
	p.must(err)
	p.must(p.HandOver(ctx, by, shift, "", packaging.HandoverRecord(shift, items, "").Digest(),
		packaging.Signature{Meaning: "handed over", Factor: packaging.ByPassword}))
}

// What the file and the pages say may part with time: whatever it is, the server serves what is here.
func TestAProvisioningFileThatContradictsWhatIsHereKeepsNoServerFromStarting(t *testing.T) {
	thorough.Once(t)
	newcomer := func(username string) string {
		return "{username: " + username + ", name: New, role: operator, password: env:PASSWORD}\n      - {username: adm1"
	}
	for what, row := range map[string]struct {
		do  func(onPages)
		old string // what changes in the file, if anything
		new string
	}{
		"a time zone in which a shift was handed over": {do: func(p onPages) {
			p.must(p.SetTenant(p.t.Context(), p.person("adm1", "ghent"), "Plant Ghent", "Europe/London"))
			p.setShifts(wholeDay("Day", 7*60, 19*60), wholeDay("Night", 19*60, 7*60))
			p.handOver("sup1")
		}},
		"shifts that begin before one of the pages ends": {do: func(p onPages) {
			p.setShifts(wholeDay("Day", 7*60, 19*60), wholeDay("Night", 19*60, 7*60))
		}, old: "    single_sign", new: "    shifts: [{name: Early, start: \"06:00\", end: \"14:00\"}]\n    single_sign"},
		"the last administrator": {do: func(p onPages) {
			sup := p.person("sup1", "ghent")
			sup.Role = packaging.Administrator
			p.must(p.SetPerson(p.t.Context(), p.person("adm1", "ghent"), sup))
			for _, left := range []string{"adm1", "adm2"} {
				p.must(p.SetPersonActive(p.t.Context(), p.person("sup1", "ghent"), p.person(left, "ghent").ID, false))
			}
		}},
		"a person of two sites who is connected at one": {do: func(p onPages) {
			p.must(p.RemovePerson(p.t.Context(), p.person("adm3", "szeged"), p.person("lead1", "szeged").ID))
			p.must(p.ConnectIdentity(p.t.Context(), p.person("lead1", "ghent"), packaging.Identity{
				Issuer: "https://login.plant.example/", Subject: "s1", Username: "lead1",
			}))
		}},
		"a destination of another kind": {do: func(p onPages) {
			by := p.person("adm1", "ghent")
			all, err := p.SetupDestinations(p.t.Context(), by)
			p.must(err)
			to := all[0]
			p.must(p.RetireDestination(p.t.Context(), by, to.ID, "a new machine"))
			to.Kind, to.Address, to.FileName = packaging.FolderDestination, "press", "{{.ID}}.csv"
			_, err = p.AddDestination(p.t.Context(), by, to, secret.Text{})
			p.must(err)
		}},
		"a newcomer under the name of somebody who came by the provider": {do: func(p onPages) {
			_, err := p.SignInBy(p.t.Context(), p.person("adm1", "ghent").Tenant, packaging.Identity{
				Issuer: "https://login.plant.example/", Subject: "s2", Username: "newguy", Values: []string{"leads"},
			})
			p.must(err)
		}, old: "{username: adm1", new: newcomer("newguy")},
		"a newcomer whose name looks like another": {
			do: func(onPages) {}, old: "{username: adm1", new: newcomer("supl"),
		},
	} {
		t.Run(what, func(t *testing.T) {
			path, data := filepath.Join(t.TempDir(), "site.yaml"), filepath.Join(t.TempDir(), "data")
			write := func(text string) {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(twoSites)
			serve := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", path}
			start(t, credentials, serve...).end(t)
			store, err := openData(t.Context(), data)
			if err != nil {
				t.Fatal(err)
			}
			row.do(onPages{store, t})
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			write(strings.Replace(strings.ReplaceAll(twoSites, "Blister line 1", "Renamed"), row.old, row.new, 1))
			s := start(t, credentials, serve...)
			if status, _ := get(t, s.address+"/readyz"); status != http.StatusOK {
				t.Errorf("ready: %d", status)
			}
			if log := s.log.String(); !strings.Contains(log, "the provisioning file was refused") {
				t.Errorf("the log says %s", log)
			}
			s.end(t)
			if named := namesOfLines(t, data); named != "Blister line 1, Blister line 1" {
				t.Errorf("a part of the file was applied: %s", named)
			}
		})
	}
}

// A first start has nothing that it could go on with.
func TestAFirstStartEndsWithAFileThatContradictsItself(t *testing.T) {
	path, data := site(t, "http://127.0.0.1:1"), filepath.Join(t.TempDir(), "data")
	alike := strings.Replace(content(t, path), "users: [", "users: [{username: supervisorl, name: Another, role: operator, "+
		"password: env:PASSWORD}, ", 1)
	if err := os.WriteFile(path, []byte(alike), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := command(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", path)
	if err == nil || !strings.Contains(err.Error(), "supervisor") {
		t.Errorf("a first start: %v", err)
	}
}

// namesOfLines are the names of the lines of all sites.
func namesOfLines(t *testing.T, data string) string {
	t.Helper()
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tenants, err := store.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tenant := range tenants {
		lines, err := store.Lines(t.Context(), packaging.Everything(tenant.ID))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			names = append(names, l.Name)
		}
	}
	return strings.Join(names, ", ")
}
