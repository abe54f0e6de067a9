package db

import (
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

func TestADeactivatedPersonHasNoSessionAndReleasesNothing(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	token := [32]byte{1}
	if err := d.StartSession(
		t.Context(), token, ghent, packaging.Device{Address: "10.0.0.7", Agent: strings.Repeat("ü", 500)},
	); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Session(t.Context(), token, time.Time{}, time.Time{}); err != nil {
		t.Fatalf("while active: %v", err)
	}
	if _, err := d.write.ExecContext(t.Context(), `UPDATE users SET active = 0 WHERE id = ?`, ghent.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Session(
		t.Context(), token, time.Time{}, time.Time{},
	); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("session: %v", err)
	}
	if _, _, err := d.Credential(t.Context(), ghent.Username); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("sign-in: %v", err)
	}
	if all, err := d.Sessions(t.Context(), ghent.Tenant.ID, time.Time{}, time.Time{}); err != nil || len(all) != 0 {
		t.Errorf("%d sessions listed, %v", len(all), err)
	}
	// As one whose request was let in a moment before.
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: o.ID},
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("release: %v", err)
	}
	if _, err := d.StartQueue(
		t.Context(), ghent, o.Line.ID, []packaging.QueuePick{{Order: o.ID}},
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("queue: %v", err)
	}
}

func TestARoleThatWasTakenAwayReleasesNothing(t *testing.T) {
	d, ghent, other := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	// The second signer counts as they are in the transaction too.
	content := o.ReleaseRecord().Digest()
	signed := []packaging.Signature{{By: ghent.Author, Content: content}, {By: other.Author, Content: content}}
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: o.ID, Signed: signed},
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("signed by somebody of another tenant: %v", err)
	}
	lesser := setup("ghent")
	lesser.People[0].Role = packaging.Auditor
	if err := d.Provision(t.Context(), Site{lesser}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: o.ID},
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("release: %v", err)
	}
}

// passwordOf returns the hash of somebody's password, empty if they can't sign in.
func passwordOf(t *testing.T, d *DB, p packaging.Person) string {
	t.Helper()
	_, hash, err := d.Credential(t.Context(), p.Username)
	if err != nil && packaging.CodeOf(err) != packaging.NotFound {
		t.Fatal(err)
	}
	return hash
}

func TestAPasswordThatWasSetMeanwhileIsNotChangedByWhoKnewTheOldOne(t *testing.T) {
	d, ghent, _ := opened(t)
	was := passwordOf(t, d, ghent)
	if err := d.ChangePassword(t.Context(), ghent, was, "set by an administrator", [32]byte{}); err != nil {
		t.Fatal(err)
	}
	err := d.ChangePassword(t.Context(), ghent, was, "set by who knew the old one", [32]byte{})
	if now := passwordOf(t, d, ghent); packaging.CodeOf(err) != packaging.Invalid || now != "set by an administrator" {
		t.Errorf("the password is %q, %v", now, err)
	}
}

// Whether somebody is alone is asked at each page of an account: the index answers it, however long the history is.
func TestWhetherOthersActedIsOneLookIntoAnIndex(t *testing.T) {
	d, ghent, _ := opened(t)
	plan, err := collect(t.Context(), d.read, func(row scanner) (step string, err error) {
		var ignored int
		return step, row.Scan(&ignored, &ignored, &ignored, &step)
	}, `EXPLAIN QUERY PLAN `+othersActed, ghent.Tenant.ID, ghent.ID, 0)
	if said := strings.Join(plan, "; "); err != nil || !strings.Contains(
		said, "history_of_confirmers (tenant_id=? AND user_id=? AND at>?)",
	) {
		t.Errorf("%s, %v", said, err)
	}
}
