package db

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

// unknownRelease gives an order a release whose outcome is unknown.
func unknownRelease(t *testing.T, d *DB, by packaging.Person, key string) packaging.Order {
	t.Helper()
	o, err := d.Claim(t.Context(), by, packaging.Press{Order: cache(t, d, by.Tenant.ID, facts(key)).ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(
		t.Context(), o, packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut},
	); err != nil {
		t.Fatal(err)
	}
	return order(t, d, by.Tenant.ID, key)
}

var saidPending = packaging.Settlement{
	Outcome: packaging.Refused, Reason: packaging.StillPending, Since: start,
	Proof: packaging.PendingRelease, Status: packaging.PendingRelease,
}

// becomes has a refresh find the order in a status.
func becomes(t *testing.T, d *DB, o packaging.Order, status packaging.Status) packaging.Order {
	t.Helper()
	f := facts(o.Key)
	f.Status = status
	return cache(t, d, o.TenantID, f)
}

func deedsOf(t *testing.T, d *DB, by packaging.Person, key string) (deeds []packaging.Deed, newest packaging.Entry) {
	t.Helper()
	page, err := d.History(t.Context(), by.Scope(), packaging.HistoryFilter{OrderKey: key, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		deeds = append(deeds, e.Deed)
	}
	return deeds, page.Entries[0]
}

func TestASignKeepsBothTimesAndSaysNoMore(t *testing.T) {
	d, ghent, _ := opened(t)
	o := unknownRelease(t, d, ghent, "a")
	if err := d.SettleByStatus(t.Context(), o, saidPending); err != nil {
		t.Fatal(err)
	}
	r := order(t, d, o.TenantID, "a").Release
	if !r.FirstPending.Equal(start) || r.SecondPending.IsZero() || r.Says() != packaging.SaidPending {
		t.Errorf("release %+v", r)
	}
	_, e := deedsOf(t, d, ghent, "a")
	if e.Outcome != packaging.SaidPending || e.New != "Pending release" ||
		strings.Count(e.Message, "Pending release at 20") != 1 {
		t.Errorf("history %+v", e)
	}
}

func TestAReleaseIsNotSettledAsPendingOverAnOrderThatWasSeenInProgress(t *testing.T) {
	d, ghent, _ := opened(t)
	o := unknownRelease(t, d, ghent, "a")
	becomes(t, d, o, packaging.InProgress)
	if running, err := d.SeenRunning(t.Context(), o); err != nil || !running {
		t.Errorf("seen running: %v, %v", running, err)
	}
	if err := d.SettleByStatus(t.Context(), o, saidPending); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("settled: %v", err)
	}
}

func TestAStatusThatContradictsASignOpensItAgain(t *testing.T) {
	for _, status := range []packaging.Status{packaging.InProgress, packaging.Suspended, packaging.Done} {
		d, ghent, _ := opened(t)
		o := unknownRelease(t, d, ghent, "a")
		if err := d.SettleByStatus(t.Context(), o, saidPending); err != nil {
			t.Fatal(err)
		}
		if err := d.Acknowledge(t.Context(), ghent, o.ID, o.Release.ID, ""); err != nil {
			t.Fatal(err)
		}
		o = becomes(t, d, o, status)
		if r := o.Release; r.Outcome != packaging.Unknown || r.Contradicted.IsZero() ||
			o.ReleaseObstacle() != packaging.OutcomeUnknown {
			t.Errorf("%s: release %+v", status, r)
		}
		deeds, e := deedsOf(t, d, ghent, "a")
		if e.Deed != packaging.ReleaseReopened || e.Old != string(packaging.SaidPending) || e.New != string(status) {
			t.Errorf("%s: history %q, %+v", status, deeds, e)
		}
		if err := d.SettleByStatus(t.Context(), o, saidPending); err == nil {
			t.Errorf("%s: a sign settles it once more", status)
		}
		out := packaging.Settlement{
			Outcome: packaging.Released, Proof: status, Status: status, Serials: []string{"x", "y"},
		}
		if err := d.SettleByStatus(t.Context(), o, out); err != nil {
			t.Fatal(err)
		}
		o = order(t, d, o.TenantID, "a")
		if diff := cmp.Diff(
			[]packaging.Oddity{{Kind: packaging.Contradicted, Count: 1}}, o.Release.Oddities,
		); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if o.Release.Seen.Given() || o.NeedsLook() != (status != packaging.Done) {
			t.Errorf("%s: what was acknowledged was another result: %+v", status, o.Release)
		}
		if err := d.Acknowledge(t.Context(), ghent, o.ID, o.Release.ID, "it runs"); err != nil {
			t.Error(err)
		}
	}
}

func TestAProvenOutcomeIsNeverContradicted(t *testing.T) {
	d, ghent, _ := opened(t)
	for key, answer := range map[string]packaging.Answer{
		"out":     released("x", "y"),
		"refused": {Outcome: packaging.Refused, Reason: packaging.WrongStatus, Status: packaging.Open, HTTPStatus: 409},
	} {
		o, err := d.Claim(t.Context(), ghent, packaging.Press{Order: cache(t, d, ghent.Tenant.ID, facts(key)).ID})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Settle(t.Context(), o, answer); err != nil {
			t.Fatal(err)
		}
		for _, status := range []packaging.Status{packaging.PendingRelease, packaging.InProgress, packaging.Open} {
			if r := becomes(t, d, o, status).Release; r.Outcome != answer.Outcome || !r.Contradicted.IsZero() {
				t.Errorf("%s, then %s: %+v", key, status, r)
			}
		}
	}
}

func TestAMissingListIsFilledByAnyLaterDetails(t *testing.T) {
	d, ghent, basel := opened(t)
	o := unknownRelease(t, d, ghent, "a")
	out := packaging.Settlement{Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress}
	if err := d.SettleByStatus(t.Context(), o, out); err != nil {
		t.Fatal(err)
	}
	if missing, err := d.WithoutList(t.Context()); err != nil || len(missing) != 1 {
		t.Fatalf("%d without a list, %v", len(missing), err)
	}
	if err := d.NoteAsked(t.Context(), order(t, d, o.TenantID, "a"), "In progress", time.Time{}); err != nil {
		t.Fatal(err)
	}
	f := facts("a")
	f.Status, f.Serials = packaging.InProgress, []string{"x", "y"}
	cache(t, d, basel.Tenant.ID, f)
	if r := order(t, d, o.TenantID, "a").Release; r.List != packaging.NoList || r.AskedSays != "In progress" {
		t.Errorf("by another tenant's details: %+v", r)
	}
	r := cache(t, d, o.TenantID, f).Release
	if r.List != packaging.ListInDetails || r.Serials != 2 || len(r.Oddities) != 0 {
		t.Errorf("release %+v", r)
	}
	_, e := deedsOf(t, d, ghent, "a")
	if e.Deed != packaging.ListAdded || e.By.ID != 0 || e.Serials != 2 {
		t.Errorf("history %+v", e)
	}
	f.Serials = []string{"z"}
	if r := cache(t, d, o.TenantID, f).Release; r.Serials != 2 {
		t.Errorf("replaced: %+v", r)
	}
}

func TestTheSchemaKeepsSignsAndContradictionsInOrder(t *testing.T) {
	d, ghent, _ := opened(t)
	o := unknownRelease(t, d, ghent, "a")
	refused := func(name, statement string) {
		t.Helper()
		if _, err := d.write.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("the schema allows %s", name)
		}
	}
	const settled = `UPDATE releases SET outcome = 'refused', settled_at = 2, `
	refused("a sign that was seen once", settled+`proof = 'status', pending_since = 1`)
	refused("a person's word without a name", settled+`proof = 'person'`)
	refused("a name without a reason", settled+`proof = 'person', settled_by = 'Sofie'`)
	refused("an outcome that nobody can know, without a name", `UPDATE releases SET closed_at = 1`)
	if err := d.SettleByStatus(t.Context(), o, saidPending); err != nil {
		t.Fatal(err)
	}
	refused("unknown again without a contradiction", `UPDATE releases SET outcome = 'unknown', proof = ''`)
	refused("other times", `UPDATE releases SET pending_since = 7`)
}
