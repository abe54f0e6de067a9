package db

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// newestDeeds returns what the history of a tenant got since seq, the oldest first, and the newest seq.
func newestDeeds(t *testing.T, d *DB, by packaging.Person, since int64) (deeds []string, seq int64) {
	t.Helper()
	page, err := d.History(t.Context(), by.Scope(), packaging.HistoryFilter{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		if e.Seq > since {
			deeds = append(deeds, fmt.Sprintf("%s %s by %s", e.Deed, e.Object, e.By.Username))
		}
	}
	slices.Reverse(deeds)
	return deeds, page.Entries[0].Seq
}

func TestAProvisioningFileSetsDestinationsOnceAndLeavesWhatPeopleDidOnThePages(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	_, seq := newestDeeds(t, d, ghent, 0)
	site := setup("ghent")
	site.People = nil
	site.Destinations = []DestinationSetup{
		{Destination: pullOn("L1", "Line PC")},
		{Destination: folderOn("L1", "Share")},
		{Destination: webhookOn("L1"), Secret: secret.New("whsec_first")},
	}
	// provisioned applies the file, and returns what the history got by it.
	provisioned := func() (deeds []string) {
		t.Helper()
		if err := d.Provision(t.Context(), Site{site}); err != nil {
			t.Fatal(err)
		}
		deeds, seq = newestDeeds(t, d, ghent, seq)
		return deeds
	}
	said := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	mes := func() (packaging.Destination, string) {
		t.Helper()
		all, err := d.SetupDestinations(t.Context(), ghent)
		if err != nil || len(all) < 2 {
			t.Fatalf("%v %v", all, err)
		}
		now, _, err := d.DestinationSecrets(t.Context(), all[1])
		if err != nil {
			t.Fatal(err)
		}
		return all[1], now.Reveal()
	}
	said(
		"at first", provisioned(), "destination_set Line PC by provisioning", "destination_set Share by provisioning",
		"destination_set MES by provisioning",
	)
	said("again", provisioned())

	site.Destinations[2].LateAfter = 20 * time.Minute
	said("another time", provisioned(), "destination_set MES by provisioning")
	if to, key := mes(); to.LateAfter != 20*time.Minute || key != "whsec_first" {
		t.Errorf("%+v with %q", to, key)
	}

	to, _ := mes()
	if err := d.RotateSigningSecret(
		t.Context(), ghent, to.ID, secret.New("whsec_second"), d.now().Add(time.Hour),
	); err != nil {
		t.Fatal(err)
	}
	_, seq = newestDeeds(t, d, ghent, seq)
	said("after a rotation", provisioned())
	if _, key := mes(); key != "whsec_second" {
		t.Errorf("the secret of the pages became %q", key)
	}
	site.Destinations[2].Secret = secret.New("whsec_third")
	said("another secret", provisioned(), "credential_set secret of destination MES by provisioning")
	if _, key := mes(); key != "whsec_third" {
		t.Errorf("the secret of the file is not there, but %q", key)
	}

	all, err := d.SetupDestinations(t.Context(), ghent)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.RetireDestination(t.Context(), ghent, all[2].ID, "the share is gone"); err != nil {
		t.Fatal(err)
	}
	_, seq = newestDeeds(t, d, ghent, seq)
	said("after one was ended", provisioned())
	if all, err := d.SetupDestinations(t.Context(), ghent); err != nil || len(all) != 2 {
		t.Errorf("what a person ended is there again: %v %v", all, err)
	}
}

func TestAnSFTPServerThatMovesInTheFileGetsItsPasswordFromTheFile(t *testing.T) {
	d, ghent, _ := opened(t)
	ghent = become(t, d, ghent, everything)
	site := setup("ghent")
	site.People = nil
	to := folderOn("L1", "Printer")
	to.Kind, to.Address, to.Username, to.HostKey = packaging.SFTPDestination, "printer:22", "lists", "ssh-ed25519 AAAA"
	to.SecretKind = packaging.PasswordSecret
	site.Destinations = []DestinationSetup{{Destination: to, Secret: secret.New("of the printer")}}
	for _, address := range []string{"printer:22", "printer:2222"} {
		site.Destinations[0].Address = address
		if err := d.Provision(t.Context(), Site{site}); err != nil {
			t.Fatal(err)
		}
		all, err := d.SetupDestinations(t.Context(), ghent)
		if err != nil || len(all) != 1 || all[0].Address != address {
			t.Errorf("%+v %v", all, err)
		}
	}
}
