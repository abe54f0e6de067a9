package db

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

// asked is an order whose release has an unknown outcome that the API could not tell when it was asked.
func asked(t *testing.T, d *DB, by packaging.Person, key string) packaging.Order {
	t.Helper()
	o := unknownRelease(t, d, by, key)
	if err := d.NoteAsked(t.Context(), o, string(packaging.OrderNotFound), time.Time{}); err != nil {
		t.Fatal(err)
	}
	return order(t, d, by.Tenant.ID, key)
}

func say(t *testing.T, d *DB, by packaging.Person, o packaging.Order, ruling packaging.Ruling) packaging.Order {
	t.Helper()
	word := packaging.Word{Order: o.ID, Revision: o.Revision, Ruling: ruling, Why: "seen at the line"}
	if err := d.SettleByWord(t.Context(), by, word); err != nil {
		t.Fatal(err)
	}
	return order(t, d, by.Tenant.ID, o.Key)
}

func TestWhatAPersonSaysOfAnUnknownOutcomeIsKeptAsTheirWord(t *testing.T) {
	for ruling, want := range map[packaging.Ruling]struct {
		says     packaging.Outcome
		obstacle packaging.Obstacle
	}{
		packaging.WasReleased:    {packaging.SaidReleased, packaging.AlreadyReleased},
		packaging.WasNotReleased: {packaging.SaidNotReleased, packaging.NoObstacle},
		packaging.CannotBeKnown:  {packaging.NotKnowable, packaging.OutcomeUnknown},
	} {
		t.Run(string(ruling), func(t *testing.T) {
			d, ghent, _ := opened(t)
			o := say(t, d, ghent, asked(t, d, ghent, "a"), ruling)
			r := o.Release
			if r.Says() != want.says || r.SettledBy != ghent.FullName || r.SettledWhy != "seen at the line" ||
				r.List != packaging.NoList || r.Serials != 0 {
				t.Errorf("release %+v", r)
			}
			if got := o.ReleaseObstacle(); got != want.obstacle {
				t.Errorf("obstacle %q, want %q", got, want.obstacle)
			}
			_, e := deedsOf(t, d, ghent, "a")
			if e.Deed != packaging.ReleaseSettled || e.By.ID != ghent.ID || e.Outcome != want.says ||
				e.New != string(ruling) || e.Comment != "seen at the line" {
				t.Errorf("history %+v", e)
			}
			unsettled, err := d.Unsettled(t.Context())
			if err != nil || len(unsettled) != 0 {
				t.Errorf("still asked about: %v, %v", unsettled, err)
			}
			missing, err := d.WithoutList(t.Context())
			if err != nil || (len(missing) == 1) != (ruling == packaging.WasReleased) {
				t.Errorf("%d lists are asked for, %v", len(missing), err)
			}
			f := figuresOf(t, d, ghent)
			if f.ByPerson != 1 || f.Unknown != 1 || f.Released+f.Refused != 0 {
				t.Errorf("figures %+v", f)
			}
		})
	}
}

func figuresOf(t *testing.T, d *DB, in packaging.Person) packaging.Figures {
	t.Helper()
	all, err := d.Activities(
		t.Context(), in.Scope(), []packaging.Period{{From: start.Add(-time.Hour), Until: start.Add(time.Hour)}},
	)
	if err != nil {
		t.Fatal(err)
	}
	report, err := d.ShiftReport(
		t.Context(), in.Scope(), packaging.Occurrence{Begin: start.Add(-time.Hour), Until: start.Add(time.Hour)},
	)
	if err != nil {
		t.Fatal(err)
	}
	total := report.Total()
	total.Settling, total.Waiting = packaging.Spans{}, packaging.Spans{}
	if diff := cmp.Diff(total, all[0].Figures); diff != "" {
		t.Errorf("the overview and the report differ (-report +overview)\n%s", diff)
	}
	return total
}

func TestAStatusThatContradictsAWordOpensTheReleaseAgain(t *testing.T) {
	for ruling, status := range map[packaging.Ruling]packaging.Status{
		packaging.WasNotReleased: packaging.InProgress, packaging.CannotBeKnown: packaging.Done,
	} {
		d, ghent, _ := opened(t)
		o := say(t, d, ghent, asked(t, d, ghent, "a"), ruling)
		o = becomes(t, d, o, status)
		if r := o.Release; r.Outcome != packaging.Unknown || r.Contradicted.IsZero() || r.SettledBy != "" ||
			r.IsClosed() {
			t.Errorf("%s, then %s: %+v", ruling, status, r)
		}
		if _, e := deedsOf(t, d, ghent, "a"); e.Deed != packaging.ReleaseReopened || e.New != string(status) {
			t.Errorf("%s: history %+v", ruling, e)
		}
		if o.MayBeSettledByWord() {
			t.Errorf("%s: a person may say before the API was asked again", ruling)
		}
	}
	// Suspended proves nothing, so a person may decide. What goes on after it was out at the line.
	for _, status := range []packaging.Status{packaging.InProgress, packaging.Done} {
		d, ghent, _ := opened(t)
		becomes(t, d, asked(t, d, ghent, "a"), packaging.Suspended)
		o := say(t, d, ghent, order(t, d, ghent.Tenant.ID, "a"), packaging.WasNotReleased)
		if r := becomes(t, d, o, status).Release; r.Outcome != packaging.Unknown || r.Contradicted.IsZero() {
			t.Errorf("said while Suspended, then %s: %+v", status, r)
		}
	}
	// The order is Pending release all the time: that is said when its list is asked for.
	d, ghent, _ := opened(t)
	o := say(t, d, ghent, asked(t, d, ghent, "a"), packaging.WasReleased)
	if err := d.NoteAsked(t.Context(), o, string(packaging.PendingRelease), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if r := order(t, d, ghent.Tenant.ID, "a").Release; r.Outcome != packaging.Unknown || r.Contradicted.IsZero() {
		t.Errorf("release %+v", r)
	}
}

func TestAPersonSaysWhatBecameOfAReleaseOnlyWhereItIsUpToThem(t *testing.T) {
	d, ghent, _ := opened(t)
	pending := unknownRelease(t, d, ghent, "pending")
	if err := d.NoteAsked(t.Context(), pending, string(packaging.PendingRelease), start); err != nil {
		t.Fatal(err)
	}
	running := asked(t, d, ghent, "running")
	becomes(t, d, running, packaging.InProgress)
	done := asked(t, d, ghent, "done")
	becomes(t, d, done, packaging.Done)
	told, _ := d.Claim(t.Context(), ghent, packaging.Press{Order: cache(t, d, ghent.Tenant.ID, facts("told")).ID})
	if _, err := d.Settle(
		t.Context(), told, packaging.Answer{Outcome: packaging.Released, Serials: []string{"s"}},
	); err != nil {
		t.Fatal(err)
	}
	ready := asked(t, d, ghent, "ready")
	for name, test := range map[string]struct {
		key    string
		change func(*packaging.Word)
		want   packaging.Code
	}{
		"before the API was asked":       {unknownRelease(t, d, ghent, "unasked").Key, nil, packaging.Conflict},
		"while Pending release may tell": {"pending", nil, packaging.Conflict},
		"over an order seen In progress": {"running", nil, packaging.Conflict},
		"over an order that is Done":     {"done", nil, packaging.Conflict},
		"over one that is Done, as never to be known": {"done", func(w *packaging.Word) {
			w.Ruling = packaging.CannotBeKnown
		}, packaging.Conflict},
		"over an answer":               {"told", nil, packaging.Conflict},
		"without a reason":             {"ready", func(w *packaging.Word) { w.Why = " " }, packaging.Invalid},
		"without an outcome":           {"ready", func(w *packaging.Word) { w.Ruling = "" }, packaging.Invalid},
		"on an order that has changed": {"ready", func(w *packaging.Word) { w.Revision-- }, packaging.Conflict},
	} {
		o := order(t, d, ghent.Tenant.ID, test.key)
		word := packaging.Word{Order: o.ID, Revision: o.Revision, Ruling: packaging.WasNotReleased, Why: "why"}
		if test.change != nil {
			test.change(&word)
		}
		if err := d.SettleByWord(t.Context(), ghent, word); packaging.CodeOf(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r := order(t, d, ghent.Tenant.ID, ready.Key).Release; r.Outcome != packaging.Unknown {
		t.Errorf("release %+v", r)
	}
	for _, key := range []string{"running", "done"} {
		say(t, d, ghent, order(t, d, ghent.Tenant.ID, key), packaging.WasReleased)
	}
}

func TestAClosedOutcomeCanStillBecomeKnown(t *testing.T) {
	d, ghent, _ := opened(t)
	o := say(t, d, ghent, asked(t, d, ghent, "a"), packaging.CannotBeKnown)
	if o = say(t, d, ghent, o, packaging.WasReleased); o.Release.Says() != packaging.SaidReleased ||
		o.Release.IsClosed() {
		t.Errorf("release %+v", o.Release)
	}
}

// setBack is an order that was released from here with these serials, and is Pending release again.
func setBack(t *testing.T, d *DB, by packaging.Person, key string, serials ...string) packaging.Order {
	t.Helper()
	o, err := d.Claim(t.Context(), by, packaging.Press{Order: cache(t, d, by.Tenant.ID, facts(key)).ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), o, packaging.Answer{Outcome: packaging.Released, Serials: serials}); err != nil {
		t.Fatal(err)
	}
	if r := order(t, d, by.Tenant.ID, key).Release; r.Odd() {
		if err := d.Acknowledge(t.Context(), by, o.ID, r.ID, "counted"); err != nil {
			t.Fatal(err)
		}
	}
	return becomes(t, d, o, packaging.PendingRelease)
}

func again(o packaging.Order) packaging.Press {
	return packaging.Press{Order: o.ID, Revision: o.Revision, Again: "scrapped at the line"}
}

func TestAnOrderThatWaitsAgainIsReleasedOnceMoreAndKeepsBothLists(t *testing.T) {
	d, ghent, _ := opened(t)
	o := setBack(t, d, ghent, "a", "s1", "s2")
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: o.ID, Revision: o.Revision},
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Fatalf("a press without a reason: %v", err)
	}
	claimed, err := d.Claim(t.Context(), ghent, again(o))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(
		t.Context(), ghent, again(order(t, d, o.TenantID, "a")),
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Fatalf("a second one while it is under way: %v", err)
	}
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Released, Serials: []string{"s2", "s3", "s4"}},
	); err != nil {
		t.Fatal(err)
	}
	now := order(t, d, o.TenantID, "a")
	earlier, err := d.EarlierReleases(t.Context(), ghent.Scope(), o.ID)
	if err != nil || len(earlier) != 1 || now.Release.Number() != 2 || now.Release.AgainWhy != "scrapped at the line" {
		t.Fatalf("earlier %+v, %v, now %+v", earlier, err, now.Release)
	}
	for round, want := range [][]string{{"s1", "s2"}, {"s2", "s3", "s4"}} {
		list, err := d.Serials(t.Context(), ghent.Scope(), packaging.ListOf(o.ID, round), 0, 10)
		var got []string
		for _, s := range list {
			got = append(got, s.Value)
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("list %d: %v\n%s", round+1, err, diff)
		}
	}
	has := func(all []packaging.Oddity, kind packaging.OddityKind) (n int64) {
		for _, odd := range all {
			if odd.Kind == kind {
				n += odd.Count
			}
		}
		return n
	}
	if has(now.Release.Oddities, packaging.SeenBefore) != 1 || has(earlier[0].Oddities, packaging.SeenAgain) != 1 {
		t.Errorf("doubles: now %v, earlier %v", now.Release.Oddities, earlier[0].Oddities)
	}
	found, err := d.FindPacks(t.Context(), ghent.Scope(), []packaging.PackID{{GTIN: o.GTIN, Serial: "s2"}})
	if err != nil || len(found) != 2 || found[0].Order != o.ID || found[1].Order != o.ID ||
		found[0].Round == found[1].Round {
		t.Errorf("found %+v, %v", found, err)
	}
	if orders, err := d.OrdersOfSerial(t.Context(), ghent.Scope(), "s4", 10); err != nil || len(orders) != 1 ||
		orders[0].ID != o.ID {
		t.Errorf("orders of s4: %v, %v", orders, err)
	}
	for _, check := range []func() ([]packaging.RecordFault, error){
		func() ([]packaging.RecordFault, error) { return d.RecordFaults(t.Context(), o.TenantID) },
		func() ([]packaging.RecordFault, error) {
			return d.ListFaults(t.Context(), o.TenantID, func(int, int) {})
		},
	} {
		if faults, err := check(); err != nil || len(faults) > 0 {
			t.Errorf("faults %v, %v", faults, err)
		}
	}
	var requests []packaging.Entry
	page, err := d.History(
		t.Context(), ghent.Scope(), packaging.HistoryFilter{OrderKey: "a", Deed: packaging.ReleaseRequested, Limit: 10},
	)
	if requests = page.Entries; err != nil || len(requests) != 2 || requests[0].Comment != "scrapped at the line" ||
		requests[0].ReleaseID == requests[1].ReleaseID {
		t.Errorf("history %+v, %v", requests, err)
	}
}

func TestTheMissingListOfAFirstReleaseIsAddedAfterTheSecondOne(t *testing.T) {
	d, ghent, _ := opened(t)
	o := unknownRelease(t, d, ghent, "a")
	out := packaging.Settlement{Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress}
	if err := d.SettleByStatus(t.Context(), o, out); err != nil {
		t.Fatal(err)
	}
	if err := d.Acknowledge(t.Context(), ghent, o.ID, o.Release.ID, "counted at the line"); err != nil {
		t.Fatal(err)
	}
	claimed, err := d.Claim(t.Context(), ghent, again(becomes(t, d, o, packaging.PendingRelease)))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.AddList(t.Context(), ghent, o.ID, 0, 0, []string{"s1"}); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("to the release that is under way: %v", err)
	}
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Released, Serials: []string{"s3", "s4"}},
	); err != nil {
		t.Fatal(err)
	}
	for number, want := range map[int]packaging.Code{
		0: packaging.Conflict, 2: packaging.Conflict, 3: packaging.NotFound, -1: packaging.NotFound,
	} {
		if err := d.AddList(t.Context(), ghent, o.ID, number, 0, []string{"s1"}); packaging.CodeOf(err) != want {
			t.Errorf("to release %d: %v", number, err)
		}
	}
	if err := d.AddList(t.Context(), ghent, o.ID, 1, 0, []string{"s1", "s2", "s3"}); err != nil {
		t.Fatal(err)
	}
	if err := d.AddList(t.Context(), ghent, o.ID, 1, 0, []string{"s5"}); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("once more: %v", err)
	}
	for round, want := range [][]string{{"s1", "s2", "s3"}, {"s3", "s4"}} {
		list, err := d.Serials(t.Context(), ghent.Scope(), packaging.ListOf(o.ID, round), 0, 10)
		var got []string
		for _, s := range list {
			got = append(got, s.Value)
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("list %d: %v\n%s", round+1, err, diff)
		}
	}
	first, err := d.OrderOfRelease(t.Context(), ghent.Scope(), o.ID, 1)
	if err != nil || first.Release.List != packaging.ListByPerson || first.Release.ListBy != ghent.FullName ||
		first.Release.Serials != 3 {
		t.Errorf("the first release %+v, %v", first.Release, err)
	}
	if now := order(t, d, o.TenantID, "a").Release; now.List != packaging.ListInAnswer || now.Serials != 2 {
		t.Errorf("the second release %+v", now)
	}
	page, err := d.History(t.Context(), ghent.Scope(), packaging.HistoryFilter{Deed: packaging.ListAdded, Limit: 10})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Object != "release 1 of the order" ||
		page.Entries[0].ReleaseID != first.Release.ID {
		t.Errorf("history %+v, %v", page.Entries, err)
	}
	if faults, err := d.ListFaults(t.Context(), o.TenantID, func(int, int) {}); err != nil || len(faults) > 0 {
		t.Errorf("faults %v, %v", faults, err)
	}
}

func TestASecondReleaseThatIsRefusedLeavesTheFirstOneStanding(t *testing.T) {
	d, ghent, _ := opened(t)
	o := setBack(t, d, ghent, "a", "s1")
	claimed, err := d.Claim(t.Context(), ghent, again(o))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotConnected},
	); err != nil {
		t.Fatal(err)
	}
	o = order(t, d, o.TenantID, "a")
	if o.ReleaseObstacle() != packaging.AlreadyReleased || !o.WasReleased() ||
		o.ShownList() != packaging.ListOf(o.ID, 0) {
		t.Errorf("obstacle %q, list %d", o.ReleaseObstacle(), o.ShownList())
	}
	if o.AgainObstacle() != packaging.NoObstacle || o.NextNumber() != 2 {
		t.Errorf("obstacle %q, number %d", o.AgainObstacle(), o.NextNumber())
	}
	if claimed, err = d.Claim(t.Context(), ghent, again(o)); err != nil || claimed.Release.Round != 1 {
		t.Errorf("once more: %+v, %v", claimed.Release, err)
	}
}

func TestASecondReleaseIsForAnOrderThatWaitsAgainAndWhoseResultWasSeen(t *testing.T) {
	d, ghent, _ := opened(t)
	fresh := cache(t, d, ghent.Tenant.ID, facts("fresh"))
	out := becomes(t, d, setBack(t, d, ghent, "out", "s1"), packaging.InProgress)
	changed := setBack(t, d, ghent, "changed", "s2")
	changed.Revision--
	odd, err := d.Claim(t.Context(), ghent, packaging.Press{Order: cache(t, d, ghent.Tenant.ID, facts("odd")).ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(
		t.Context(), odd, packaging.Answer{Outcome: packaging.Released, Serials: []string{"x", "x"}},
	); err != nil {
		t.Fatal(err)
	}
	odd = becomes(t, d, odd, packaging.PendingRelease)
	for _, o := range []packaging.Order{fresh, out, changed, odd} {
		if _, err := d.Claim(t.Context(), ghent, again(o)); packaging.CodeOf(err) != packaging.Conflict {
			t.Errorf("%s: %v", o.Key, err)
		}
	}
}

func TestTheSchemaKeepsRoundsApart(t *testing.T) {
	d, ghent, _ := opened(t)
	o := setBack(t, d, ghent, "a", "s1")
	for name, statement := range map[string]string{
		"a second one without a reason": insertRelease(1, ""),
		"a reason without a second one": insertRelease(0, "why"),
		"a round after no release":      insertRelease(2, "why"),
		"a round that has one":          insertRelease(0, ""),
		"another reason":                `UPDATE releases SET again_why = 'why' WHERE order_id = ?1`,
		"another round":                 `UPDATE releases SET round = 1, again_why = 'why' WHERE order_id = ?1`,
	} {
		err := d.tx(t.Context(), func(tx *tx) error { return tx.exec(statement, o.ID) })
		if err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.tx(t.Context(), func(tx *tx) error { return tx.exec(insertRelease(1, "why"), o.ID) }); err != nil {
		t.Errorf("the next round: %v", err)
	}
}

func insertRelease(round int, why string) string {
	return `INSERT INTO releases (tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at, outcome, round, again_why)
		SELECT tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at, 'sending', ` +
		string(rune('0'+round)) + `, '` + why + `' FROM releases WHERE order_id = ?1 LIMIT 1`
}

func TestAnOrderThatWaitsAgainOrIsSuspendedIsOpenInAHandOverAndOnTheOverview(t *testing.T) {
	d, ghent, _ := opened(t)
	back := setBack(t, d, ghent, "back", "s1")
	becomes(t, d, setBack(t, d, ghent, "stopped", "s2"), packaging.Suspended)
	say(t, d, ghent, asked(t, d, ghent, "closed"), packaging.CannotBeKnown)
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: cache(t, d, ghent.Tenant.ID, facts("sending")).ID},
	); err != nil {
		t.Fatal(err)
	}
	items, err := d.OpenItems(
		t.Context(), ghent.Scope(), packaging.Occurrence{Begin: start, Until: start.Add(time.Hour)},
	)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]packaging.ItemKind{}
	for _, i := range items {
		got[i.OrderKey] = i.Kind
	}
	want := map[string]packaging.ItemKind{
		"back": packaging.WaitingOrder, "closed": packaging.WaitingOrder, "stopped": packaging.SuspendedOrder,
		"sending": packaging.RunningRelease,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("open (-want +got)\n%s", diff)
	}
	lanes, err := d.Lanes(t.Context(), ghent.Scope())
	if err != nil || len(lanes[0].Next) == 0 || lanes[0].Next[0].ID != back.ID {
		t.Errorf("next on the overview: %+v, %v", lanes[0].Next, err)
	}
}
