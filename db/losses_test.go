package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// lost returns a loss of a tenant with releases of orders, all requested by a person.
func lost(tenant packaging.Tenant, username string, orders ...string) packaging.Loss {
	l := packaging.Loss{
		Tenant: tenant.ID, Slug: tenant.Slug, From: 100, Until: 120, First: 30, Anchor: 50, Hash: [32]byte{7},
	}
	for i, key := range orders {
		l.Releases = append(l.Releases, packaging.LostRelease{
			AnchoredRelease: packaging.AnchoredRelease{
				Deed: packaging.ReleaseRequested, ID: packaging.ReleaseID(900 + i),
				At:       start.Add(time.Duration(i) * time.Second),
				OrderKey: key, LineCode: "L1", LineName: "Blister line 1", Username: username,
				FullName: "Full name of " + username,
			},
			Entry: 100 + int64(i), Anchor: 30 + int64(i), Ended: packaging.Released, Serials: 12,
		})
	}
	return l
}

func record(t *testing.T, d *DB, l packaging.Loss) {
	t.Helper()
	if err := d.RecordLoss(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

func TestAReleaseWhoseRecordWasLostIsUnknownAndItsOrderNotReleasedBeforeAPersonHasLooked(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("Order143"))
	l := lost(ghent.Tenant, ghent.Username, "Order143", "Order143", "Order144")
	l.Releases[0].Ended, l.Releases[0].Proof, l.Releases[0].EndedAt = packaging.Refused, packaging.ByAnswer, start
	record(t, d, l)
	for _, key := range []string{"Order143", "Order144"} { // the second is lost itself
		o := order(t, d, ghent.Tenant.ID, key)
		r := o.Release
		if r == nil || r.Outcome != packaging.Unknown || r.Reason != packaging.RecordLost || !r.Lost ||
			r.By.Username != ghent.Username || r.Line.Code != "L1" {
			t.Fatalf("%s: %+v", key, r)
		}
		if key == "Order143" && !r.Requested.Equal(start.Add(time.Second)) {
			t.Errorf("requested at %v", r.Requested)
		}
	}
	named := map[string]int{}
	for _, e := range entries(t, d, ghent.Tenant.ID) {
		if e.Deed == packaging.ReleaseLost {
			named[e.OrderKey]++
		}
	}
	if named["Order143"] != 2 || named["Order144"] != 1 {
		t.Errorf("the history names the lost releases of %v", named)
	}
	o := order(t, d, ghent.Tenant.ID, "Order143")
	if all, err := lostReleases(t.Context(), d.read, `release_id = ?`, o.Release.ID); err != nil || len(all) != 2 ||
		all[1].Serials != 12 || all[1].Ended != packaging.Released {
		t.Errorf("%+v, %v", all, err)
	}
	presses := func(obstacle packaging.Obstacle) {
		t.Helper()
		_, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
		if packaging.CodeOf(err) != packaging.Conflict || !strings.HasSuffix(err.Error(), string(obstacle)) {
			t.Errorf("pressed: %v, want %s", err, obstacle)
		}
	}
	presses(packaging.OutcomeUnknown)
	if err := d.SettleByStatus(t.Context(), o, packaging.Settlement{
		Outcome: packaging.Refused, Reason: packaging.StillPending, Proof: packaging.PendingRelease,
		Status: packaging.PendingRelease,
		Since:  start.Add(30 * time.Second),
	}); err != nil {
		t.Fatal(err)
	}
	o = order(t, d, ghent.Tenant.ID, "Order143")
	presses(packaging.ReleaseWasLost)
	refusedBySchema(t, d, "a release before anybody has looked", `
		INSERT INTO releases (tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at, outcome)
		SELECT tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at, 'sending' FROM releases WHERE outcome = 'refused'`)
	if err := d.Acknowledge(t.Context(), ghent, o.ID, o.Release.ID, ""); packaging.CodeOf(err) != packaging.Invalid {
		t.Errorf("looked at without a word: %v", err)
	}
	if err := d.Acknowledge(t.Context(), ghent, o.ID, o.Release.ID, "the line has nothing of it"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID}); err != nil {
		t.Errorf("once a person has looked: %v", err)
	}
}

// Where a copy was made during a release, its request is here, and what became of it is lost.
func TestAReleaseWhoseOutcomeAloneWasLostIsUnknownUntilAPersonHasLooked(t *testing.T) {
	d, ghent, _ := opened(t)
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: cache(t, d, ghent.Tenant.ID, facts("a")).ID})
	if err != nil {
		t.Fatal(err)
	}
	told := setBack(t, d, ghent, "told", "s1")
	l := lost(ghent.Tenant, "somebody", "a", "told", "elsewhere")
	for i, id := range []packaging.ReleaseID{claimed.Release.ID, told.Release.ID, 900} {
		l.Releases[i].Deed, l.Releases[i].ID, l.Releases[i].At = packaging.ReleaseEnded, id, start.Add(time.Hour)
	}
	record(t, d, l)
	if n, err := d.InterruptReleases(t.Context()); err != nil || n != 0 {
		t.Errorf("%d releases are said to be interrupted, %v", n, err)
	}
	r := order(t, d, ghent.Tenant.ID, "a").Release
	if r.ID != claimed.Release.ID || r.Outcome != packaging.Unknown || r.Reason != packaging.RecordLost || !r.Lost {
		t.Errorf("%+v", r)
	}
	all, err := lostReleases(t.Context(), d.read, `1`)
	if err != nil || len(all) != 1 || !all[0].OutcomeAlone() || all[0].Username != ghent.Username ||
		!all[0].At.Equal(claimed.Release.Requested) || all[0].Ended != packaging.Released {
		t.Errorf("what is lost: %+v, %v", all, err)
	}
	if err := d.SettleByStatus(t.Context(), order(t, d, ghent.Tenant.ID, "a"), saidPending); err != nil {
		t.Fatal(err)
	}
	if o := order(t, d, ghent.Tenant.ID, "a"); o.ReleaseObstacle() != packaging.ReleaseWasLost {
		t.Errorf("its order is released before anybody looked: %q", o.ReleaseObstacle())
	}
}

// A start that is cut off between two losses would look at one of them no more.
func TestAllLossesOfAStartAreRecordedOrNone(t *testing.T) {
	d, ghent, basel := opened(t)
	cut := lost(basel.Tenant, basel.Username, "b")
	cut.From = 0 // which no history has
	if err := d.RecordLoss(t.Context(), lost(ghent.Tenant, ghent.Username, "a"), cut); err == nil {
		t.Fatal("recorded")
	}
	if all, err := d.Losses(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

// An order that is out at the line, and whose next release is lost, has both: the list that came, and the one to come.
func TestASecondReleaseWhoseRecordWasLostHasAListOfItsOwn(t *testing.T) {
	d, ghent, _ := opened(t)
	o := setBack(t, d, ghent, "a", "s1")
	if err := d.Acknowledge(t.Context(), ghent, o.ID, o.Release.ID, "counted"); err != nil {
		t.Fatal(err)
	}
	l := lost(ghent.Tenant, ghent.Username, "a")
	l.Releases[0].At = start.Add(time.Hour)
	record(t, d, l)
	o = order(t, d, ghent.Tenant.ID, "a")
	if r := o.Release; r.Number() != 2 || r.Outcome != packaging.Unknown || !r.Lost || r.AgainWhy != packaging.WhyLost {
		t.Fatalf("%+v", r)
	}
	press := packaging.Press{Order: o.ID, Revision: o.Revision, Again: "the line asks for it"}
	if _, err := d.Claim(t.Context(), ghent, press); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("it is released again before its status was asked: %v", err)
	}
	running := packaging.Settlement{
		Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress, Serials: []string{"s2"},
	}
	if err := d.SettleByStatus(t.Context(), o, running); err != nil {
		t.Fatal(err)
	}
	o = becomes(t, d, o, packaging.PendingRelease)
	press.Revision = o.Revision
	if _, err := d.Claim(t.Context(), ghent, press); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("it is released again before anybody looked: %v", err)
	}
	first, err := d.OrderOfRelease(t.Context(), ghent.Scope(), o.ID, 1)
	if err != nil || first.Release.Serials != 1 || o.Release.Serials != 1 {
		t.Errorf("lists of %+v and %+v, %v", first.Release, o.Release, err)
	}
}

func TestAPersonWhoOnlyTheAnchorsKnowStandsInTheReleaseAndCanNotSignIn(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("Order143"))
	record(t, d, lost(ghent.Tenant, "newcomer", "Order143"))
	if r := order(t, d, ghent.Tenant.ID, "Order143").Release; r.By.Username != "newcomer" ||
		r.By.FullName != "Full name of newcomer" {
		t.Errorf("%+v", r.By)
	}
	user, _, err := d.Credential(t.Context(), "newcomer")
	if members, failed := d.Memberships(t.Context(), user); err == nil && (failed != nil || len(members) > 0) {
		t.Errorf("%d memberships, %v", len(members), failed)
	}
}

// A username that nobody could get today may stand in an old release.
func TestALostReleaseOfAUsernameThatLooksLikeAnotherIsRecorded(t *testing.T) {
	d, ghent, _ := opened(t)
	record(t, d, lost(ghent.Tenant, "supervis\u043er1", "Order143"))
	if r := order(t, d, ghent.Tenant.ID, "Order143").Release; r == nil || r.By.Username != "supervis\u043er1" {
		t.Errorf("%+v", r)
	}
}

func TestALossOfATenantThatIsGoneWaitsForItsNameAndKeepsItsKey(t *testing.T) {
	d, ghent, _ := opened(t)
	gone := packaging.Tenant{ID: 41, Slug: "lyon"}
	loss := lost(gone, "somebody", "Order7")
	loss.Accepted = true
	record(t, d, loss)
	if has, err := d.HasLoss(t.Context(), ghent.Tenant.ID); has || err != nil {
		t.Errorf("another tenant has it: %v", err)
	}
	if err := d.Provision(t.Context(), Site{setup("lyon")}); err != nil {
		t.Fatal(err)
	}
	lyon := boss(t, d, "lyon").Tenant
	if lyon.ID <= gone.ID {
		t.Errorf("the new tenant has the key %d", lyon.ID)
	}
	losses, err := d.TenantLosses(t.Context(), lyon.ID)
	if err != nil || len(losses) != 1 || losses[0].Tenant != gone.ID || len(losses[0].Releases) != 1 ||
		!losses[0].Accepted {
		t.Errorf("%+v, %v", losses, err)
	}
	if r := order(t, d, lyon.ID, "Order7").Release; r == nil || !r.Lost || r.Line.Code != "L1" {
		t.Errorf("its order: %+v", r)
	}
	var accepted, named int
	for _, e := range entries(t, d, lyon.ID) {
		switch e.Deed {
		case packaging.LossAccepted:
			accepted++
		case packaging.ReleaseLost:
			named++
		}
	}
	if accepted != 1 || named != 1 {
		t.Errorf("the history accepts %d losses and names %d releases", accepted, named)
	}
}

func TestAClaimThatCanNotBeKeptOutsideTheDatabaseIsNotSentUnlessTheRulesSaySo(t *testing.T) {
	d, ghent, _ := opened(t)
	broken := errors.New("the disk of the anchors is full")
	notNow := broken
	var kept []packaging.Entry
	d.AnchorReleases(func(_ context.Context, entries []packaging.Entry) error {
		kept = append(kept, entries...)
		return broken
	}, func() error { return notNow })
	if err := d.Ready(t.Context()); !errors.Is(err, packaging.ErrNotAnchored) || !errors.Is(err, broken) {
		t.Errorf("ready: %v", err)
	}
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	refused, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if packaging.CodeOf(err) != packaging.Unavailable || errors.Is(err, packaging.ErrNotAnchored) ||
		refused.Release != nil || len(kept) > 0 {
		t.Fatalf("before it is claimed: %v, %+v", err, refused.Release)
	}
	notNow = nil // and breaks in between
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if !errors.Is(err, packaging.ErrNotAnchored) || !errors.Is(err, broken) || claimed.Release == nil {
		t.Fatalf("%v, %+v", err, claimed.Release)
	}
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotAnchored},
	); err != nil {
		t.Fatalf("its end: %v", err)
	}
	if len(kept) != 2 || kept[0].Deed != packaging.ReleaseRequested || kept[1].Deed != packaging.ReleaseEnded ||
		kept[1].Hash == [32]byte{} {
		t.Errorf("kept %+v", kept)
	}
	if err := d.tx(t.Context(), func(t *tx) error {
		return t.exec(
			`INSERT INTO rules (tenant_id, lock_after, sign_releases, second_signer, release_unanchored) VALUES (?, 300000, 0, 0, 1)`,
			ghent.Tenant.ID,
		)
	}); err != nil {
		t.Fatal(err)
	}
	notNow = broken
	if _, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID}); err != nil {
		t.Errorf("where releases go on: %v", err)
	}
	if err := d.canAnchor(t.Context()); err == nil {
		t.Error("it is ready for the other tenant, whose releases do not go on")
	}
	if err := d.tx(t.Context(), func(t *tx) error {
		return t.exec(`INSERT INTO rules (tenant_id, lock_after, sign_releases, second_signer, release_unanchored)
			SELECT id, 300000, 0, 0, 1 FROM tenants WHERE true ON CONFLICT DO NOTHING`)
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.canAnchor(t.Context()); err != nil {
		t.Errorf("where the releases of all go on: %v", err)
	}
}

func TestADatabaseFileThatIsRemovedOrReplacedIsNoticedBeforeTheNextClaim(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, file string){
		"removed":  removeFile,
		"replaced": replaceFile,
		"log":      func(t *testing.T, file string) { removeFile(t, file+"-wal") },
	} {
		t.Run(name, func(t *testing.T) {
			d, ghent, _ := opened(t)
			o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
			spoil(t, fileOf(d))
			if _, err := d.Claim(
				t.Context(), ghent, packaging.Press{Order: o.ID},
			); packaging.CodeOf(err) != packaging.Unavailable {
				t.Errorf("a claim: %v", err)
			}
			if err := d.Ready(t.Context()); packaging.CodeOf(err) != packaging.Unavailable {
				t.Errorf("ready: %v", err)
			}
		})
	}
}

func fileOf(d *DB) string {
	shortest := ""
	for name := range d.files {
		if shortest == "" || len(name) < len(shortest) {
			shortest = name
		}
	}
	return shortest
}

func removeFile(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func replaceFile(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file+".new", content, 0o600)
	}
	if err = errors.Join(err, os.Rename(file+".new", file)); err != nil {
		t.Fatal(err)
	}
}

// A loss is a record, before there is a tenant of its name and after, and so is a person whom only the anchors know.
func TestALossIsARecordOfAllTenantsUntilItsOwnComes(t *testing.T) {
	d, ghent, _ := opened(t)
	faults := func() (all []string) {
		t.Helper()
		tenants, err := d.Tenants(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, tenant := range tenants {
			found, err := d.RecordFaults(t.Context(), tenant.ID)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, fmt.Sprint(tenant.Slug, " ", found))
		}
		return all
	}
	whole := func(when string) {
		t.Helper()
		for _, found := range faults() {
			if !strings.HasSuffix(found, " []") {
				t.Errorf("%s: %s", when, found)
			}
		}
	}
	record(t, d, lost(packaging.Tenant{ID: 41, Slug: "lyon"}, "newcomer", "Order7"))
	whole("while it waits")
	if err := d.Provision(t.Context(), Site{setup("dublin")}); err != nil {
		t.Fatal(err)
	}
	whole("once another tenant came")
	if err := d.Provision(t.Context(), Site{setup("lyon")}); err != nil {
		t.Fatal(err)
	}
	whole("once its own came")
	other := lost(ghent.Tenant, ghent.Username, "Order143")
	other.Anchor, other.Releases[0].Anchor = 70, 60
	record(t, d, other)
	whole("of a tenant that is here")
	admin := become(t, d, boss(t, d, "lyon"), packaging.Administrator)
	if err := d.AcknowledgeLoss(t.Context(), admin, 1, "the disk broke"); err != nil {
		t.Fatal(err)
	}
	whole("acknowledged")
	tamper(t, d,
		`UPDATE losses SET comment = 'nothing' WHERE id = 1`,
		`UPDATE lost_releases SET serials = 13 WHERE anchor = 30`,
		`UPDATE users SET full_name = 'Nobody' WHERE username = 'newcomer'`)
	const want = "[basel [] dublin [] ghent [] lyon [losses [1] changed lost_releases [1] changed users [4] changed]]"
	if found := fmt.Sprint(faults()); found != want {
		t.Errorf("changed by hand: %s, want %s", found, want)
	}
}

// tamper changes the file without the triggers of the program and of the schema.
func tamper(t *testing.T, d *DB, statements ...string) {
	t.Helper()
	tamperedWith.Store(d, true)
	hand, err := open(fileOf(d), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer hand.Close() //nolint:errcheck // what it did is looked for
	triggers := []string{`DROP TRIGGER losses_never_change`, `DROP TRIGGER lost_releases_never_change`}
	for _, s := range append(triggers, statements...) {
		if _, err := hand.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// The probe says whether a release could be stored, so it must take no less room on the disk than its claim.
func TestTheProbeTakesAsMuchRoomAsAClaim(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	grown := func(by func() error) int64 {
		t.Helper()
		if _, err := d.write.ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
			t.Fatal(err)
		}
		if err := by(); err != nil {
			t.Fatal(err)
		}
		log, err := os.Stat(fileOf(d) + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return log.Size()
	}
	claim := grown(func() error {
		_, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
		return err
	})
	d.probe.at, d.probe.wrote = time.Time{}, time.Time{} // as a minute later
	if probe := grown(func() error { return d.Ready(t.Context()) }); probe < claim {
		t.Errorf("the probe takes %d bytes, a claim %d", probe, claim)
	}
}

func TestAPersonWhomOnlyALostReleaseKnewIsSetUpAsANewOne(t *testing.T) {
	d, _, _ := opened(t)
	record(t, d, lost(packaging.Tenant{ID: 41, Slug: "lyon"}, "lyon-boss", "Order7"))
	if err := d.Provision(t.Context(), Site{setup("lyon")}); err != nil {
		t.Fatal(err)
	}
	by := boss(t, d, "lyon")
	o := cache(t, d, by.Tenant.ID, facts("Order8"))
	if _, err := d.Claim(t.Context(), by, packaging.Press{Order: o.ID}); err != nil {
		t.Errorf("their first release: %v", err)
	}
}
