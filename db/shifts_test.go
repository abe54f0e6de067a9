package db

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
	"pgregory.net/rapid"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/thorough"
)

var threeShifts = []packaging.Shift{
	{Name: "Early", Start: 6 * 60, End: 14 * 60, Days: packaging.EveryDay},
	{Name: "Late", Start: 14 * 60, End: 22 * 60, Days: packaging.EveryDay},
	{Name: "Night", Start: 22 * 60, End: 6 * 60, Days: packaging.EveryDay},
}

// worked is a database whose clock is moved by hand, with a tenant of three shifts, two lines and two people who
// release.
type worked struct {
	*DB
	now    time.Time
	people []packaging.Person
	tenant packaging.Tenant
}

func newWorked(t testing.TB, file string) *worked {
	t.Helper()
	w := &worked{now: start}
	writeCopy(t, file, "three shifts", func(file string) {
		d := openTicking(t, file, start.Add(-time.Minute), time.Millisecond)
		defer d.Close()
		s := setup("ghent")
		s.Shifts = threeShifts
		s.Lines = append(s.Lines, packaging.Line{Code: "L2", Name: "Bottle line 2"})
		s.People = nil
		for username, role := range map[string]packaging.Role{
			"sofie": packaging.Supervisor, "sven": packaging.Supervisor, "marta": packaging.Manager,
		} {
			s.People = append(
				s.People,
				PersonSetup{
					Username: username, FullName: "Person " + username, Role: role,
					Password: secret.New("canary-password"),
				},
			)
		}
		if err := d.Provision(t.Context(), Site{s}); err != nil {
			t.Fatal(err)
		}
	})
	// Each look at the clock is a millisecond later, so that no two moments are the same.
	var err error
	if w.DB, err = Open(t.Context(), file, box(t, 1), func() time.Time {
		w.now = w.now.Add(time.Millisecond)
		return w.now
	}); err != nil {
		t.Fatal(err)
	}
	unsynced(t, w.DB)
	tenants, err := w.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.tenant = tenants[0]
	if w.people, err = w.People(t.Context(), w.tenant.ID); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *worked) person(username string) packaging.Person {
	return w.people[slices.IndexFunc(w.people, func(p packaging.Person) bool { return p.Username == username })]
}

func (w *worked) shift(t testing.TB, at time.Time) packaging.Occurrence {
	r, err := w.Roster(t.Context(), packaging.Everything(w.tenant.ID))
	if err != nil {
		t.Fatal(err)
	}
	o, ok := r.At(at, w.tenant.Location())
	if !ok {
		t.Fatalf("no shift at %v", at)
	}
	return o
}

func (w *worked) report(t testing.TB, o packaging.Occurrence) packaging.ShiftReport {
	r, err := w.ShiftReport(t.Context(), packaging.Everything(w.tenant.ID), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// workAtRandom has people work for a while: releases with every outcome, settled soon, late or never; lists, notes, and
// presses that send nothing.
func (w *worked) workAtRandom(t *rapid.T) {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	var unknown []packaging.Order
	for n := range rapid.IntRange(1, 14).Draw(t, "events") {
		w.now = w.now.Add(time.Duration(rapid.Int64Range(1, 5*3600_000).Draw(t, "passes")) * time.Millisecond)
		by := rapid.SampledFrom(w.people).Draw(t, "by")
		f := facts(fmt.Sprint("Order", n))
		f.LineCode = rapid.SampledFrom([]string{"L1", "L2", ""}).Draw(t, "line")
		switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
		case what == 0 && len(unknown) > 0: // settled later
			o := unknown[0]
			unknown = unknown[1:]
			s := rapid.SampledFrom([]packaging.Settlement{
				{Outcome: packaging.Released, Status: packaging.InProgress},
				{Outcome: packaging.Released, Status: packaging.Done, Serials: []string{"A" + o.Key, "B" + o.Key}},
				{
					Outcome: packaging.Refused, Reason: packaging.StillPending, Status: packaging.PendingRelease,
					Since: w.now,
				},
			}).Draw(t, "settlement")
			must(w.SettleByStatus(ctx, o, s))
			if s.Outcome == packaging.Released && len(s.Serials) == 0 && rapid.Bool().Draw(t, "list") {
				w.now = w.now.Add(time.Hour)
				must(w.AddList(ctx, by, o.ID, 0, 0, []string{"C" + o.Key}))
			}
		case what == 4:
			must(w.NoteLine(ctx, by, packaging.Line{ID: 1, Code: "L1", Name: "Blister line 1"}, f.Key))
			if rapid.Bool().Draw(t, "withdrawn") {
				notes, err := w.LineNotes(ctx, by.Scope(), 1, time.Time{}, 1)
				must(err)
				w.now = w.now.Add(10 * time.Hour)
				must(w.WithdrawNote(ctx, by, notes[0].ID, "wrong"))
			}
		case what == 1:
			must(
				w.Record(
					ctx,
					packaging.Entry{
						TenantID: w.tenant.ID, By: by.Author, Deed: packaging.ReleaseDeclined, LineCode: "L1",
						LineName: "Blister line 1", Reason: "not_pending",
					},
				),
			)
		case what == 2:
			f.Status = packaging.InProgress
			_, err := w.ApplyRefresh(ctx, w.tenant.ID, packaging.Refresh{Started: w.now, Listed: []packaging.Facts{f}})
			must(err)
			must(
				w.AddList(
					ctx, by, orderIn(t, w.DB, w.tenant.ID, f.Key).ID, 0, 0,
					[]string{"E" + f.Key, "F" + f.Key, "G" + f.Key},
				),
			)
		default:
			_, err := w.ApplyRefresh(ctx, w.tenant.ID, packaging.Refresh{Started: w.now, Listed: []packaging.Facts{f}})
			must(err)
			w.now = w.now.Add(time.Duration(rapid.Int64Range(1, 3600_000).Draw(t, "waits")) * time.Millisecond)
			o, err := w.Claim(ctx, by, packaging.Press{Order: orderIn(t, w.DB, w.tenant.ID, f.Key).ID})
			must(err)
			w.now = w.now.Add(time.Duration(rapid.Int64Range(1, 30_000).Draw(t, "takes")) * time.Millisecond)
			answer := rapid.SampledFrom([]packaging.Answer{
				released("H"+f.Key, "I"+f.Key), released("J" + f.Key),
				{Outcome: packaging.Refused, Reason: packaging.NotValid},
				{Outcome: packaging.Unknown, Reason: packaging.TimedOut},
			}).Draw(t, "answer")
			if what == 3 {
				continue // still under way
			}
			_, err = w.Settle(ctx, o, answer)
			must(err)
			if answer.Outcome == packaging.Unknown {
				unknown = append(unknown, o)
			}
		}
	}
}

func orderIn(t *rapid.T, d *DB, tenant packaging.TenantID, key string) packaging.Order {
	page, err := d.SearchOrders(t.Context(), packaging.Everything(tenant), packaging.OrderFilter{Text: key, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.Orders {
		if o.Key == key {
			return o
		}
	}
	t.Fatalf("no order %s", key)
	return packaging.Order{}
}

// summed are the figures of each line in a shift, added up from the entries of the history alone.
func summed(t *rapid.T, w *worked, o packaging.Occurrence) map[string]packaging.Figures {
	type story struct {
		requested, ended, settled, listed *packaging.Entry
	}
	stories, sums := map[packaging.ReleaseID]*story{}, map[string]packaging.Figures{}
	var order []packaging.ReleaseID
	if err := w.EachEntry(t.Context(), packaging.Everything(w.tenant.ID), packaging.HistoryFilter{},
		func(e packaging.Entry) error {
			if e.Deed == packaging.ReleaseDeclined && o.Holds(e.At) {
				f := sums[e.LineCode]
				f.Declined++
				sums[e.LineCode] = f
			}
			if e.ReleaseID == 0 {
				return nil
			}
			if stories[e.ReleaseID] == nil {
				stories[e.ReleaseID] = &story{}
				order = append(order, e.ReleaseID)
			}
			s := stories[e.ReleaseID]
			switch e.Deed {
			case packaging.ReleaseRequested:
				s.requested = &e
			case packaging.ReleaseEnded:
				s.ended = &e
			case packaging.ReleaseSettled:
				s.settled = &e
			case packaging.ListAdded:
				s.listed = &e
			}
			return nil
		}); err != nil {
		t.Fatal(err)
	}
	settling := map[string][]time.Duration{}
	for _, id := range order {
		s := stories[id]
		var serials int64
		last := packaging.Sending
		for _, e := range []*packaging.Entry{s.ended, s.settled, s.listed} {
			if e != nil {
				serials += e.Serials
				last = e.Outcome
			}
		}
		first := s.requested
		if first == nil {
			first = s.listed
		}
		if !o.Holds(first.At) {
			continue
		}
		f := sums[first.LineCode]
		f.Serials += serials
		if s.requested == nil {
			f.Elsewhere++
		} else {
			f.Requested++
			switch last {
			case packaging.Released:
				f.Released++
			case packaging.Refused:
				f.Refused++
			case packaging.Unknown, packaging.SaidPending: // a sign is no proof
				f.Unknown++
			default:
				f.Sending++
			}
			if s.ended != nil && s.ended.Outcome == packaging.Unknown {
				f.WasUnknown++
			}
			if s.settled != nil {
				settling[first.LineCode] = append(settling[first.LineCode], s.settled.At.Sub(s.ended.At))
			}
		}
		sums[first.LineCode] = f
	}
	for code, all := range settling {
		f := sums[code]
		slices.Sort(all)
		f.Settling = packaging.Spans{Count: int64(len(all)), Median: all[(len(all)-1)/2], Longest: all[len(all)-1]}
		sums[code] = f
	}
	return sums
}

// countsAs compares what the database counts of a shift with what its report lists. The period is asked for beside
// another one.
func (w *worked) countsAs(t *rapid.T, report packaging.ShiftReport) {
	want := packaging.Activity{Figures: packaging.FiguresOf(report.Releases), Notes: int64(len(report.Notes))}
	want.Settling, want.Waiting = packaging.Spans{}, packaging.Spans{}
	for _, r := range report.Releases {
		for _, at := range []time.Time{r.Answered, r.Settled, r.ListAt, r.Flagged} {
			want.Changed = later(want.Changed, at)
		}
	}
	for _, n := range report.Notes {
		want.Changed = later(want.Changed, n.Withdrawn)
	}
	got, err := w.Activities(t.Context(), packaging.Everything(w.tenant.ID), []packaging.Period{
		{From: report.Begin.Add(-time.Hour), Until: report.Begin.Add(-time.Hour)},
		{From: report.Begin, Until: report.Until},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]packaging.Activity{{}, want}, got); diff != "" {
		t.Fatalf("%s %s (-report +counted)\n%s", report.Day, report.Name, diff)
	}
}

func TestReportsAreTheSumsOfTheHistoryWhateverHappened(t *testing.T) {
	thorough.Once(t)
	file := filepath.Join(t.TempDir(), "lineboard.db")
	rapid.Check(t, func(r *rapid.T) {
		w := newWorked(t, file)
		defer w.Close()
		w.now = w.now.Add(time.Duration(rapid.Int64Range(0, 86_400).Draw(r, "begins")) * time.Second)
		w.workAtRandom(r)
		roster, err := w.Roster(t.Context(), packaging.Everything(w.tenant.ID))
		if err != nil {
			r.Fatal(err)
		}
		var all packaging.Figures
		for _, o := range roster.Between(start, w.now.Add(time.Second), w.tenant.Location()) {
			report := w.report(t, o)
			want, got := summed(r, w, o), map[string]packaging.Figures{}
			for _, l := range report.Lines() {
				f := l.Figures
				// What the history does not tell of: lists that are odd or missing, and how long an order waited.
				f.Missing, f.Odd, f.Waiting = 0, 0, packaging.Spans{}
				got[l.Line.Code] = f
			}
			if diff := cmp.Diff(want, got); diff != "" {
				r.Fatalf("%s %s (-history +report)\n%s", o.Day, o.Name, diff)
			}
			w.countsAs(r, report)
			total := report.Total()
			all.Requested += total.Requested
			all.Serials += total.Serials
		}
		var requested, serials int64
		for _, f := range slices.Collect(
			maps.Values(summed(r, w, packaging.Occurrence{Begin: start.Add(-time.Hour), Until: w.now.Add(time.Hour)})),
		) {
			requested += f.Requested
			serials += f.Serials
		}
		if all.Requested != requested || all.Serials != serials {
			r.Fatalf(
				"all shifts together have %d releases and %d serials, the history %d and %d", all.Requested,
				all.Serials, requested, serials,
			)
		}
	})
}

func TestWhatIsSignedNotedOrHandedOverCantBeChangedInTheDatabase(t *testing.T) {
	w := newWorked(t, filepath.Join(t.TempDir(), "lineboard.db"))
	t.Cleanup(func() { _ = w.Close() })
	ctx, sofie, sven, marta := t.Context(), w.person("sofie"), w.person("sven"), w.person("marta")
	lines, err := w.Lines(ctx, sofie.Scope())
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.NoteLine(ctx, sofie, lines[0], "A note"))
	must(w.WithdrawNote(ctx, sofie, 1, "A mistake"))
	must(w.NoteLine(ctx, sofie, lines[0], "Another note"))
	o := w.shift(t, w.now)
	signature := packaging.Signature{Meaning: "x", Factor: packaging.ByPassword}
	open, err := w.OpenItems(ctx, sofie.Scope(), o)
	must(err)
	must(w.HandOver(ctx, sofie, o, "", packaging.HandoverRecord(o, open, "").Digest(), signature))
	if got := kinds(t, w.DB, w.tenant.ID); !slices.Contains(got, packaging.AlarmHandover) {
		t.Errorf("nobody took the shift over: %q", got)
	}
	waiting, err := alarmFacts(ctx, w.read, w.tenant.ID)
	must(err)
	for _, f := range waiting {
		if f.Kind == packaging.AlarmHandover && (f.Since.After(w.now) || w.now.Sub(f.Since) > time.Minute) {
			t.Errorf("the hand-over waits since %s, not since %s", f.Since, w.now)
		}
	}
	h, err := w.Handover(ctx, sven.Scope(), o)
	must(err)
	if err := w.TakeOver(
		ctx, sofie, o, nil, "", packaging.TakeoverRecord(h, nil, "").Digest(), signature,
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("the same person takes over: %v", err)
	}
	must(w.TakeOver(ctx, sven, o, []int{1}, "", packaging.TakeoverRecord(h, nil, "").Digest(), signature))
	if got := kinds(t, w.DB, w.tenant.ID); slices.Contains(got, packaging.AlarmHandover) {
		t.Errorf("the shift is taken over: %q", got)
	}
	w.now = w.now.Add(9 * time.Hour)
	must(w.SignShift(ctx, marta, o, "", w.report(t, o).Record().Digest(), signature))
	moved := setup("ghent")
	moved.Tenant.TimeZone, moved.People = "Asia/Tokyo", nil
	if err := w.Provision(ctx, Site{moved}); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("the zone of signed shifts is changed: %v", err)
	}
	for _, change := range []string{
		`UPDATE notes SET words = 'x'`, `DELETE FROM notes`, `UPDATE note_withdrawals SET reason = 'x'`,
		`DELETE FROM note_withdrawals`,
		`INSERT INTO note_withdrawals SELECT 2, tenant_id, (SELECT id FROM users WHERE username = 'sven'), at, reason FROM note_withdrawals`,
		`UPDATE handovers SET remarks = 'x'`, `DELETE FROM handovers`, `UPDATE handover_items SET words = 'x'`,
		`DELETE FROM handover_items`,
		`UPDATE takeovers SET remarks = 'x'`, `DELETE FROM takeovers`, `UPDATE handover_acks SET at = 1`,
		`DELETE FROM handover_acks`,
		`INSERT INTO handovers SELECT NULL, tenant_id, day, shift, begins_at, ends_at, at, user_id, username, full_name, role, station, remarks FROM handovers`,
		`REPLACE INTO takeovers SELECT t.handover_id, t.tenant_id, t.at, h.user_id, h.username, h.full_name, h.role, h.station, '' FROM takeovers t JOIN handovers h ON h.id = t.handover_id`,
		`UPDATE shift_reviews SET comment = 'x'`, `DELETE FROM shift_reviews`,
		`INSERT INTO shift_reviews SELECT NULL, tenant_id, day, shift, 3, ends_at, at, content, record, comment FROM shift_reviews`,
		`INSERT INTO shift_reviews SELECT NULL, tenant_id, day, shift, 2, ends_at, ends_at - 1, content, record, comment FROM shift_reviews`,
		`UPDATE tenants SET time_zone = 'Asia/Tokyo'`,
		`UPDATE shift_plans SET valid_from = '2030-01-01'`, `DELETE FROM shift_plans`, `UPDATE shifts SET starts = 0`,
		`DELETE FROM shifts`,
		`INSERT INTO shift_plans (tenant_id, valid_from, set_at) SELECT tenant_id, '2026-11-22', set_at FROM shift_plans`,
		`INSERT INTO shift_plans (tenant_id, valid_from, set_at) SELECT tenant_id, day, at FROM shift_reviews`,
	} {
		// A statement with a mistake in it fails too, and proves nothing.
		var refused *sqlite.Error
		if _, err := w.write.ExecContext(ctx, change); !errors.As(err, &refused) ||
			refused.Code()&0xff != sqlite3.SQLITE_CONSTRAINT {
			t.Errorf("the database does not refuse %q: %v", change, err)
		}
	}
}

func TestAReportSignedTwiceIsTwoVersionsAndADigestIsOfItsContentAlone(t *testing.T) {
	w := newWorked(t, filepath.Join(t.TempDir(), "lineboard.db"))
	t.Cleanup(func() { _ = w.Close() })
	o := w.shift(t, w.now)
	before := w.report(t, o).Record().Digest()
	w.now = w.now.Add(time.Hour) // when a report is made is no part of it
	if w.report(t, o).Record().Digest() != before {
		t.Error("a report is another one an hour later")
	}
	w.now = w.now.Add(9 * time.Hour)
	marta := w.person("marta")
	for version := 1; version <= 2; version++ {
		record := w.report(t, o).Record()
		if err := w.SignShift(
			t.Context(), marta, o, "Version", record.Digest(),
			packaging.Signature{Meaning: "Reviewed", Factor: packaging.ByPassword},
		); err != nil {
			t.Fatal(err)
		}
		reviews, err := w.Reviews(t.Context(), marta.Scope(), o)
		if err != nil || len(reviews) != version || reviews[0].Version != version {
			t.Fatalf("%d reviews, %v", len(reviews), err)
		}
		if r := reviews[0]; r.Content != r.Record.Digest() || r.By.Username != "marta" || r.Comment != "Version" ||
			len(w.report(t, o).ChangedSince(r)) != 0 {
			t.Errorf("version %d: %+v", version, r)
		}
		said := reviews[0].Record.Values[len(reviews[0].Record.Values)-1]
		if said != (packaging.Value{Name: "comment", Text: "Version"}) || reviews[0].Content == record.Digest() {
			t.Errorf("version %d: the comment is not in what is signed, %+v", version, said)
		}
	}
}

// A shift ends just before the next one begins: a release at that moment is of the next one alone.
func TestAReleaseAtTheEndOfAShiftIsOfTheNextOne(t *testing.T) {
	w := newWorked(t, filepath.Join(t.TempDir(), "lineboard.db"))
	t.Cleanup(func() { _ = w.Close() })
	first := w.shift(t, w.now)
	cache(t, w.DB, w.tenant.ID, facts("a"), facts("b"))
	press := func(key string, at time.Time) time.Time {
		t.Helper()
		w.now = at
		o, err := w.Claim(t.Context(), w.person("sofie"), packaging.Press{Order: order(t, w.DB, w.tenant.ID, key).ID})
		if err != nil {
			t.Fatal(err)
		}
		return o.Release.Requested
	}
	before := first.Until.Add(-time.Hour)
	looks := press("a", before).Sub(before) // at the clock take time
	if at := press("b", first.Until.Add(-looks)); !at.Equal(first.Until) {
		t.Fatalf("requested at %v, not at %v", at, first.Until)
	}
	for _, of := range []packaging.Occurrence{first, w.shift(t, first.Until)} {
		if got := w.report(t, of).Total().Requested; got != 1 {
			t.Errorf("%s has %d releases", of.Name, got)
		}
		a, err := w.Activities(
			t.Context(), packaging.Everything(w.tenant.ID), []packaging.Period{{From: of.Begin, Until: of.Until}},
		)
		if err != nil || a[0].Requested != 1 {
			t.Errorf("%s: its row counts %d releases, %v", of.Name, a[0].Requested, err)
		}
	}
}

func TestProvisioningShiftsAgainChangesNothingAndOthersBeginTomorrow(t *testing.T) {
	w := newWorked(t, filepath.Join(t.TempDir(), "lineboard.db"))
	t.Cleanup(func() { _ = w.Close() })
	plans := func() packaging.Roster {
		r, err := w.Roster(t.Context(), packaging.Everything(w.tenant.ID))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	s := setup("ghent")
	s.Shifts, s.People = threeShifts, nil
	for range 2 {
		if err := w.Provision(t.Context(), Site{s}); err != nil {
			t.Fatal(err)
		}
	}
	if r := plans(); len(r) != 1 || r[0].From != "2026-11-22" {
		t.Errorf("plans %v", r)
	}
	s.Shifts = threeShifts[:2]
	if err := w.Provision(t.Context(), Site{s}); err != nil {
		t.Fatal(err)
	}
	if r := plans(); len(r) != 2 || r[1].From != "2026-11-24" || len(r.PlanOf("2026-11-23").Shifts) != 3 ||
		len(r.PlanOf("2026-11-24").Shifts) != 2 {
		t.Errorf("plans %v", r)
	}
}

func TestAnOrderWaitsFromWhenItWasFirstSeenInPendingRelease(t *testing.T) {
	w := newWorked(t, filepath.Join(t.TempDir(), "lineboard.db"))
	t.Cleanup(func() { _ = w.Close() })
	sees := func(status packaging.Status) {
		t.Helper()
		f := facts("Order143")
		f.Status = status
		if _, err := w.ApplyRefresh(
			t.Context(), w.tenant.ID, packaging.Refresh{Started: w.now, Listed: []packaging.Facts{f}},
		); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(20 * time.Minute)
	}
	sees(packaging.Open)
	pending := w.now
	sees(packaging.PendingRelease)
	sees(packaging.Suspended)
	sees(packaging.PendingRelease)
	o, err := w.Claim(
		t.Context(), w.person("sofie"), packaging.Press{Order: order(t, w.DB, w.tenant.ID, "Order143").ID},
	)
	if err != nil {
		t.Fatal(err)
	}
	report := w.report(t, w.shift(t, o.Release.Requested))
	if waited := report.Total().Waiting; waited.Count != 1 ||
		waited.Longest.Round(time.Minute) != o.Release.Requested.Sub(pending).Round(time.Minute) ||
		waited.Longest < time.Hour-time.Minute {
		t.Errorf("it waited %+v, from %v to %v", waited, pending, o.Release.Requested)
	}
}

func TestAShiftWithAnUnknownOutcomeIsNeverSignedWithoutAComment(t *testing.T) {
	w := newWorked(t, filepath.Join(t.TempDir(), "lineboard.db"))
	t.Cleanup(func() { _ = w.Close() })
	ctx, marta := t.Context(), w.person("marta")
	o := w.shift(t, w.now)
	order := unknownRelease(t, w.DB, w.person("sofie"), "Order145")
	w.now = o.Until.Add(time.Hour)
	report := w.report(t, o)
	signature := packaging.Signature{Meaning: "x", Factor: packaging.ByPassword}
	open, err := w.StillOpen(ctx, marta.Scope(), report)
	if err != nil || len(open) != 1 || open[0].OrderKey != order.Key || open[0].Kind != packaging.UnknownOutcome {
		t.Errorf("still open: %+v, %v", open, err)
	}
	if err := w.SignShift(
		ctx, marta, o, "", report.Record().Digest(), signature,
	); packaging.CodeOf(err) != packaging.Invalid {
		t.Errorf("without a comment: %v", err)
	}
	if err := w.SignShift(ctx, marta, o, "Sven asks at the line", report.Record().Digest(), signature); err != nil {
		t.Errorf("with a comment: %v", err)
	}
	var refused *sqlite.Error
	if _, err := w.write.ExecContext(ctx, `INSERT INTO shift_reviews
		SELECT NULL, tenant_id, day, shift, 2, ends_at, at + 1, content, record, ' ' FROM shift_reviews`); !errors.As(
		err, &refused,
	) ||
		!strings.Contains(err.Error(), "is signed with a comment") {
		t.Errorf("the database does not refuse it: %v", err)
	}
}
