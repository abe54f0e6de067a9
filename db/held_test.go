package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// heldFor is an answer that was kept for a release of an order, which was requested at a time.
func heldFor(tenant packaging.Tenant, key string, at time.Time, answer packaging.Answer) packaging.HeldAnswer {
	answer.Came = at.Add(3 * time.Second)
	return packaging.HeldAnswer{
		Tenant: tenant.ID, Slug: tenant.Slug, Order: 700, OrderKey: key, Release: 900, Requested: at, Answer: answer,
	}
}

func storeHeld(t *testing.T, d *DB, h packaging.HeldAnswer, want packaging.HeldAs) {
	t.Helper()
	if as, err := d.StoreHeld(t.Context(), h); err != nil || as != want {
		t.Errorf("an answer to %s: %s, %v, want %s", h.OrderKey, as, err, want)
	}
}

// lostWithoutEnd is a loss of releases whose outcome no anchor tells, as where their answers were held.
func lostWithoutEnd(by packaging.Person, orders ...string) packaging.Loss {
	l := lost(by.Tenant, by.Username, orders...)
	for i := range l.Releases {
		l.Releases[i].Ended, l.Releases[i].Serials = "", 0
	}
	return l
}

func hasOf(t *testing.T, d *DB, o packaging.Order) string {
	t.Helper()
	serials, err := d.Serials(t.Context(), packaging.Everything(o.TenantID), o.List(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range serials {
		all = append(all, s.Value)
	}
	return strings.Join(all, " ")
}

func TestAHeldAnswerGoesToTheReleaseThatStandsForItsLostOne(t *testing.T) {
	d, ghent, basel := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("a"), facts("b"))
	cache(t, d, basel.Tenant.ID, facts("a"))
	record(t, d, lostWithoutEnd(ghent, "a", "b"))
	held := heldFor(ghent.Tenant, "a", start, released("s2", "s1"))
	storeHeld(t, d, held, packaging.HeldStored)
	o := order(t, d, ghent.Tenant.ID, "a")
	r := o.Release
	if r.Outcome != packaging.Released || r.Proof != packaging.ByAnswer || r.List != packaging.ListInAnswer || !r.Lost ||
		!r.Answered.Equal(held.Answer.Came) || hasOf(t, d, o) != "s2 s1" {
		t.Errorf("%+v, list %s", r, hasOf(t, d, o))
	}
	if !o.AwaitsLook() {
		t.Error("nobody needs to look at what was lost any more")
	}
	storeHeld(t, d, held, packaging.HeldKnown) // as after a kill before its room was freed
	if r := order(t, d, ghent.Tenant.ID, "b").Release; r.Outcome != packaging.Unknown {
		t.Errorf("the other order: %+v", r)
	}
	if r := order(t, d, basel.Tenant.ID, "a").Release; r != nil {
		t.Errorf("the order of the same ID of another site: %+v", r)
	}
	gone := heldFor(packaging.Tenant{ID: ghent.Tenant.ID, Slug: "lyon"}, "a", start, released("s9"))
	if as, err := d.StoreHeld(t.Context(), gone); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("an answer of a site that is not here: %s, %v", as, err)
	}
}

// What became of a release in the meantime, and where an answer goes that comes only then.
func TestAHeldAnswerIsStoredWhateverWasSaidOfItsReleaseMeanwhile(t *testing.T) {
	refused := packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotValid, HTTPStatus: 400}
	unread := packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Unreadable, Body: []byte("<html>")}
	running := packaging.Settlement{
		Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress,
	}
	withList := running
	withList.Serials = []string{"s2", "s1"}
	for name, of := range map[string]struct {
		settled *packaging.Settlement
		answer  packaging.Answer
		as      packaging.HeldAs
		outcome packaging.Outcome
		list    string
	}{
		"unknown":                     {nil, released("s1", "s2"), packaging.HeldStored, packaging.Released, "s1 s2"},
		"out, without its list":       {&running, released("s1", "s2"), packaging.HeldStored, packaging.Released, "s1 s2"},
		"out, with the same list":     {&withList, released("s1", "s2"), packaging.HeldKnown, packaging.Released, "s2 s1"},
		"out, with another list":      {&withList, released("s1", "s3"), packaging.HeldByItself, packaging.Released, "s2 s1"},
		"a sign that it is not":       {&saidPending, released("s1"), packaging.HeldStored, packaging.Released, "s1"},
		"unknown, and refused":        {nil, refused, packaging.HeldStored, packaging.Refused, ""},
		"out, and refused":            {&running, refused, packaging.HeldByItself, packaging.Released, ""},
		"a sign, and refused":         {&saidPending, refused, packaging.HeldKnown, packaging.SaidPending, ""},
		"unknown, and not understood": {nil, unread, packaging.HeldKnown, packaging.Unknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, ghent, _ := opened(t)
			cache(t, d, ghent.Tenant.ID, facts("a"))
			record(t, d, lostWithoutEnd(ghent, "a"))
			if of.settled != nil {
				if err := d.SettleByStatus(t.Context(), order(t, d, ghent.Tenant.ID, "a"), *of.settled); err != nil {
					t.Fatal(err)
				}
			}
			storeHeld(t, d, heldFor(ghent.Tenant, "a", start, of.answer), of.as)
			o := order(t, d, ghent.Tenant.ID, "a")
			if o.Release.Says() != of.outcome || hasOf(t, d, o) != of.list {
				t.Errorf("%s with %q: %+v", o.Release.Says(), hasOf(t, d, o), o.Release)
			}
			view, err := d.OrderView(t.Context(), ghent, o.ID, packaging.OrderViewLimits{AnswerBytes: 100})
			if err != nil || string(view.Answer) != string(of.answer.Body) {
				t.Errorf("the page has of the answer %q, %v", view.Answer, err)
			}
		})
	}
}

// What the API said of an order after it answered its release is newer than the answer, which was held meanwhile.
func TestAHeldAnswerTakesNoOrderBackToWhatItWasBefore(t *testing.T) {
	const soon, waits = 3 * time.Second, packaging.PendingRelease
	for name, of := range map[string]struct {
		status packaging.Status
		source packaging.Source
		seen   time.Duration // after the request, as the answer came
		came   time.Duration
		is     packaging.Status
	}{
		"done since":              {packaging.Done, packaging.ByList, time.Hour, soon, packaging.Done},
		"suspended since":         {packaging.Suspended, packaging.ByList, time.Hour, soon, packaging.Suspended},
		"waits again since":       {waits, packaging.ByList, time.Hour, soon, waits},
		"waits again, not listed": {waits, packaging.ByDetails, time.Hour, soon, waits},
		"seen before it came":     {waits, packaging.ByList, time.Hour, 2 * time.Hour, packaging.InProgress},
	} {
		t.Run(name, func(t *testing.T) {
			d, ghent, _ := opened(t)
			cache(t, d, ghent.Tenant.ID, facts("a"))
			record(t, d, lostWithoutEnd(ghent, "a"))
			f := facts("a")
			f.Status = of.status
			seen := packaging.Refresh{Started: start.Add(of.seen), Listed: []packaging.Facts{f}}
			if of.source == packaging.ByDetails {
				f.Detailed = true
				seen.Listed, seen.Unlisted = nil, []packaging.Facts{f}
			}
			if _, err := d.ApplyRefresh(t.Context(), ghent.Tenant.ID, seen); err != nil {
				t.Fatal(err)
			}
			held := heldFor(ghent.Tenant, "a", start, released("s1", "s2"))
			held.Answer.Came = start.Add(of.came)
			storeHeld(t, d, held, packaging.HeldStored)
			o := order(t, d, ghent.Tenant.ID, "a")
			if o.Status != of.is || o.Release.Outcome != packaging.Released || hasOf(t, d, o) != "s1 s2" {
				t.Errorf("%s, %+v", o.Status, o.Release)
			}
			if !o.AsOf.Equal(start.Add(max(of.seen, of.came))) {
				t.Errorf("the order is as of %v", o.AsOf)
			}
			if _, e := deedsOf(t, d, ghent, "a"); e.Outcome != packaging.Released || e.Serials != 2 ||
				(e.New == "In progress") != (of.is == packaging.InProgress) {
				t.Errorf("the history has of the answer %+v", e)
			}
			view, err := d.OrderView(t.Context(), ghent, o.ID, packaging.OrderViewLimits{Events: 1})
			if err == nil && o.SetBack() && view.Events[0].Source != of.source {
				t.Errorf("it waits again by %q", view.Events[0].Source)
			}
			if err != nil || o.SetBack() == view.BackSince.IsZero() {
				t.Errorf("waits again: %v, since %v, %v", o.SetBack(), view.BackSince, err)
			}
			if o.SetBack() && !view.BackSince.Equal(start.Add(of.seen)) {
				t.Errorf("it was first seen to wait again at %v, and the API was asked at %v", view.BackSince, o.AsOf)
			}
		})
	}
}

// An answer that belongs to no release with certainty is kept, with its order, until its list is there.
func TestAHeldAnswerWithoutACertainReleaseIsKeptUntilAPersonAddsItsList(t *testing.T) {
	d, ghent, basel := opened(t)
	out := facts("a")
	out.Status = packaging.InProgress
	o := cache(t, d, ghent.Tenant.ID, out)
	held := heldFor(ghent.Tenant, "a", start, released("s1", "s2"))
	storeHeld(t, d, held, packaging.HeldByItself)
	storeHeld(t, d, held, packaging.HeldKnown)
	storeHeld(t, d, heldFor(ghent.Tenant, "unheard of", start, released("s5")), packaging.HeldByItself)
	all, err := d.KeptAnswers(t.Context(), ghent.Tenant.ID, "")
	if err != nil || len(all) != 2 || all[0].OrderID != o.ID || all[0].Count != 2 || !all[0].Requested.Equal(start) ||
		all[1].OrderID != 0 || all[1].OrderKey != "unheard of" {
		t.Fatalf("%+v, %v", all, err)
	}
	view, err := d.OrderView(t.Context(), ghent, o.ID, packaging.OrderViewLimits{})
	if err != nil || len(view.Kept) != 1 {
		t.Fatalf("the order's page has %+v, %v", view.Kept, err)
	}
	if _, err := d.KeptSerials(t.Context(), basel.Scope(), o.ID, all[0].ID); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("another site reads it: %v", err)
	}
	serials, err := d.KeptSerials(t.Context(), ghent.Scope(), o.ID, all[0].ID)
	if err != nil || fmt.Sprint(serials) != "[s1 s2]" {
		t.Fatalf("%v, %v", serials, err)
	}
	slices.Reverse(serials) // as a person may sort them
	if err := d.AddList(t.Context(), ghent, o.ID, 0, 0, serials); err != nil {
		t.Fatal(err)
	}
	if all, err = d.KeptAnswers(t.Context(), ghent.Tenant.ID, "a"); err != nil || len(all) != 0 {
		t.Errorf("once its list is there: %+v, %v", all, err)
	}
	if faults, err := d.RecordFaults(t.Context(), ghent.Tenant.ID); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	refusedBySchema(t, d, "an answer that changes", `UPDATE kept_answers SET serials = '[]'`)
	refusedBySchema(t, d, "an answer that goes", `DELETE FROM kept_answers`)
}

// Which answers by themselves a list ends is found before the writer is taken, even for one that came in another order.
// Where another answer came meanwhile, it is found anew.
func TestWhichKeptAnswersAListEndsIsFoundBeforeItsTransaction(t *testing.T) {
	d, ghent, _ := opened(t)
	out := facts("a")
	out.Status = packaging.InProgress
	o := cache(t, d, ghent.Tenant.ID, out)
	storeHeld(t, d, heldFor(ghent.Tenant, "a", start, released("s1", "s2")), packaging.HeldByItself)
	store := func(between func()) error {
		return d.oneList(t.Context(), o, []string{"s2", "s1"}, true, func(list *newList) error {
			between()
			return d.addList(t.Context(), ghent, o.ID, 0, 0, list)
		})
	}
	err := store(func() {
		another := heldFor(ghent.Tenant, "a", start.Add(time.Hour), released("s1", "s3"))
		storeHeld(t, d, another, packaging.HeldByItself)
	})
	if !errors.Is(err, errListStale) {
		t.Fatalf("an answer came meanwhile: %v", err)
	}
	err = store(func() { // a read of the lists would fail
		tamper(t, d, `DROP TRIGGER kept_answers_never_change`, `UPDATE kept_answers SET serials = '{}'`)
	})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := d.KeptAnswers(t.Context(), ghent.Tenant.ID, "a"); err != nil || len(all) != 1 ||
		!all[0].Requested.Equal(start.Add(time.Hour)) {
		t.Errorf("once a list is there that one of two has: %+v, %v", all, err)
	}
}

// Who added the list of an answer that another person put aside meanwhile would do what the history denies.
func TestTheListOfAnAnswerThatWasPutAsideMeanwhileIsNotAdded(t *testing.T) {
	d, ghent, _ := opened(t)
	out := facts("a")
	out.Status = packaging.InProgress
	o := cache(t, d, ghent.Tenant.ID, out)
	storeHeld(t, d, heldFor(ghent.Tenant, "a", start, released("s1", "s2")), packaging.HeldByItself)
	all, err := d.KeptAnswers(t.Context(), ghent.Tenant.ID, "a")
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	kept := all[0].ID
	if _, err := d.DismissKept(t.Context(), ghent, kept, "the line never got it"); err != nil {
		t.Fatal(err)
	}
	err = d.AddList(t.Context(), ghent, o.ID, 0, kept, []string{"s1", "s2"})
	if packaging.CodeOf(err) != packaging.Conflict || order(t, d, ghent.Tenant.ID, "a").Release != nil {
		t.Errorf("added: %v", err)
	}
	if _, e := deedsOf(t, d, ghent, "a"); e.Deed != packaging.AnswerDismissed {
		t.Errorf("the history ends with %+v", e)
	}
	if err := d.AddList(t.Context(), ghent, o.ID, 0, 0, []string{"s1", "s2"}); err != nil {
		t.Errorf("the same from elsewhere: %v", err)
	}
}

// Whatever such an answer says, people are told of it until one of them says that it needs nobody any more, and why.
func TestAKeptAnswerIsToldOfUntilAPersonPutsItAside(t *testing.T) {
	d, ghent, basel := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("a"))
	refused := packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotValid, Message: "Not valid"}
	storeHeld(t, d, heldFor(ghent.Tenant, "a", start, refused), packaging.HeldByItself)
	storeHeld(t, d, heldFor(ghent.Tenant, "unheard of", start, released("s5")), packaging.HeldByItself)
	view, err := d.OrderView(t.Context(), ghent, o.ID, packaging.OrderViewLimits{})
	if err != nil || len(view.Kept) != 1 || view.Kept[0].Outcome != packaging.Refused ||
		view.Kept[0].Message != "Not valid" || view.Kept[0].HasList() {
		t.Fatalf("the order's page has %+v, %v", view.Kept, err)
	}
	kept := view.Kept[0].ID
	if _, err := d.DismissKept(t.Context(), basel, kept, "x"); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("another site: %v", err)
	}
	if _, err := d.DismissKept(t.Context(), ghent, kept, ""); packaging.CodeOf(err) != packaging.Invalid {
		t.Errorf("without a reason: %v", err)
	}
	if order, err := d.DismissKept(t.Context(), ghent, kept, "the line never got it"); err != nil || order != o.ID {
		t.Fatalf("%d, %v", order, err)
	}
	if order, err := d.DismissKept(t.Context(), ghent, kept+1, "no such order"); err != nil || order != 0 {
		t.Errorf("of an order that is not here: %d, %v", order, err)
	}
	if all, err := d.KeptAnswers(t.Context(), ghent.Tenant.ID, ""); err != nil || len(all) != 0 {
		t.Errorf("once they are put aside: %+v, %v", all, err)
	}
	if _, e := deedsOf(t, d, ghent, "a"); e.Deed != packaging.AnswerDismissed || e.Comment != "the line never got it" ||
		e.By.Username != ghent.Username || e.New != "refused" {
		t.Errorf("the history has %+v", e)
	}
	storeHeld(t, d, heldFor(ghent.Tenant, "a", start, refused), packaging.HeldKnown)
	refusedBySchema(
		t, d, "one that comes back",
		`UPDATE kept_answers SET dismissed_at = NULL, dismissed_by = '', dismissed_why = ''`,
	)
}

// Where one release stands for two lost ones, an answer that only one of them had does not settle both.
func TestAHeldAnswerOfAReleaseThatSharesItsPlaceSettlesItOnlyIfItIsOut(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("a"))
	record(t, d, lostWithoutEnd(ghent, "a", "a")) // how the first ended is not known: they share a place
	second := start.Add(time.Second)
	refused := packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotValid}
	storeHeld(t, d, heldFor(ghent.Tenant, "a", second, refused), packaging.HeldByItself)
	if r := order(t, d, ghent.Tenant.ID, "a").Release; r.Outcome != packaging.Unknown {
		t.Errorf("refused: %+v", r)
	}
	h := heldFor(ghent.Tenant, "a", second, released("s1"))
	h.Release++
	storeHeld(t, d, h, packaging.HeldStored)
	if o := order(t, d, ghent.Tenant.ID, "a"); hasOf(t, d, o) != "s1" {
		t.Errorf("released: %+v", o.Release)
	}
}

// Two lost releases of an order are two releases, each with its own time and person, and the first ended as its anchor
// says: the order could not be released again before.
func TestEachOfTwoLostReleasesOfAnOrderHasAPlaceOfItsOwn(t *testing.T) {
	answer, status := packaging.ByAnswer, packaging.ByStatus
	for name, ended := range map[string]packaging.AnchoredRelease{
		"refused":               {Outcome: packaging.Refused, Proof: answer},
		"a sign":                {Outcome: packaging.SaidPending},
		"a person's word":       {Outcome: packaging.SaidNotReleased},
		"released":              {Outcome: packaging.Released, Proof: answer, Serials: 2},
		"released, by a status": {Outcome: packaging.Released, Proof: status, Status: packaging.InProgress},
	} {
		t.Run(name, func(t *testing.T) {
			d, ghent, _ := opened(t)
			o := cache(t, d, ghent.Tenant.ID, facts("a"))
			l := lostWithoutEnd(ghent, "a", "a")
			ended.At = start.Add(2 * time.Second)
			l.Releases[0].Learn(ended)
			l.Releases[1].Username, l.Releases[1].FullName = "otto", "Otto of the night shift"
			l.Releases[1].At = start.Add(-24 * time.Hour) // the clock was set back
			record(t, d, l)
			var found []string
			for _, shift := range []time.Time{start, start.Add(-24 * time.Hour)} {
				all, err := releasedIn(
					t.Context(), d.read, packaging.Everything(ghent.Tenant.ID), shift, shift.Add(time.Hour),
				)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range all {
					found = append(found, fmt.Sprint(r.By.Username, " ", r.Says()))
					if took := r.Took(); took != 0 && (ended.Proof != answer || took != 2*time.Second) {
						t.Errorf("the call of %s took %v", r.By.Username, took)
					}
				}
			}
			if want := fmt.Sprintf("[%s %s otto unknown]", ghent.Username, ended.Outcome); fmt.Sprint(found) != want {
				t.Errorf("requested: %v, want %s", found, want)
			}
			view, err := d.OrderView(t.Context(), ghent, o.ID, packaging.OrderViewLimits{})
			if err != nil || len(view.Lost) != 2 || view.Lost[1].FullName != "Otto of the night shift" {
				t.Errorf("the order's page names %+v, %v", view.Lost, err)
			}
			settleAndLook(t, d, ghent, "a")
		})
	}
}

// An anchor without a proof may be of two releases that shared a place before, or of a refusal in words that prove
// nothing: they share it again, so that no report counts what was carried out once as two, or denies it.
func TestALostReleaseOfWhichItsAnchorProvesNothingSharesItsPlaceWithTheNextOne(t *testing.T) {
	for _, ended := range []packaging.Outcome{packaging.Released, packaging.Refused} {
		t.Run(string(ended), func(t *testing.T) { sharesItsPlace(t, ended) })
	}
}

func sharesItsPlace(t *testing.T, ended packaging.Outcome) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("a"))
	l := lost(ghent.Tenant, ghent.Username, "a", "a")
	l.Releases[0].Ended = ended
	record(t, d, l)
	page, err := d.History(t.Context(), ghent.Scope(), packaging.HistoryFilter{OrderKey: "a", Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entries {
		if strings.Contains(e.New, "anchored as refused") {
			t.Errorf("nothing says that it was refused, and the history has %q", e.New)
		}
	}
	running := packaging.Settlement{
		Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.InProgress,
	}
	if err := d.SettleByStatus(t.Context(), order(t, d, ghent.Tenant.ID, "a"), running); err != nil {
		t.Fatal(err)
	}
	all, err := releasedIn(t.Context(), d.read, packaging.Everything(ghent.Tenant.ID), start, start.Add(time.Hour))
	if err != nil || len(all) != 1 || all[0].Outcome != packaging.Released {
		t.Errorf("the report has %+v, %v", all, err)
	}
	view, err := d.OrderView(t.Context(), ghent, o.ID, packaging.OrderViewLimits{})
	if err != nil || len(view.Lost) != 2 {
		t.Errorf("the order's page names %+v, %v", view.Lost, err)
	}
}

// settleAndLook settles the latest release of an order as not carried out, and has a person look at it. Only then the
// order is released again.
func settleAndLook(t *testing.T, d *DB, by packaging.Person, key string) {
	t.Helper()
	if err := d.SettleByStatus(t.Context(), order(t, d, by.Tenant.ID, key), saidPending); err != nil {
		t.Fatal(err)
	}
	o := order(t, d, by.Tenant.ID, key)
	press := func() packaging.Press {
		if now := order(t, d, by.Tenant.ID, key); now.WasReleased() {
			return packaging.Press{Order: o.ID, Revision: now.Revision, Again: "the line asks for it"}
		}
		return packaging.Press{Order: o.ID}
	}
	if _, err := d.Claim(t.Context(), by, press()); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("released again before anybody looked: %v", err)
	}
	if err := d.Acknowledge(t.Context(), by, o.ID, o.Release.ID, "the line has nothing of it"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(t.Context(), by, press()); err != nil {
		t.Errorf("once a person has looked: %v", err)
	}
}

// A release proves its outcome to its anchor, unless it rests on a sign, or stands for others too.
func TestAnAnchorCarriesWhatIsProvenOfItsReleaseAlone(t *testing.T) {
	running := packaging.Settlement{
		Outcome: packaging.Released, Proof: packaging.InProgress, Status: packaging.Done,
	}
	unknown := packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.TimedOut}
	for name, of := range map[string]struct {
		answer  packaging.Answer
		settled *packaging.Settlement
		shared  bool
		proof   packaging.Proof
		status  packaging.Status
	}{
		"released":                    {released("s1"), nil, false, packaging.ByAnswer, ""},
		"refused":                     {packaging.Answer{Outcome: packaging.Refused, Reason: packaging.NotValid}, nil, false, packaging.ByAnswer, ""},
		"unknown":                     {unknown, nil, false, packaging.NoProof, ""},
		"throttled":                   {packaging.Answer{Outcome: packaging.Refused, Reason: packaging.Throttled, HTTPStatus: 429}, nil, false, packaging.NoProof, ""},
		"by a status":                 {unknown, &running, false, packaging.ByStatus, packaging.InProgress},
		"by a sign":                   {unknown, &saidPending, false, packaging.NoProof, ""},
		"by a status, for others too": {unknown, &running, true, packaging.NoProof, ""},
		"released, for others too":    {released("s1"), nil, true, packaging.NoProof, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, ghent, _ := opened(t)
			o, err := d.Claim(t.Context(), ghent, packaging.Press{Order: cache(t, d, ghent.Tenant.ID, facts("a")).ID})
			if err != nil {
				t.Fatal(err)
			}
			if of.shared {
				l := lostWithoutEnd(ghent, "a")
				l.Releases[0].At = start.Add(time.Hour)
				record(t, d, l)
			}
			var anchored packaging.Entry
			d.AnchorReleases(func(_ context.Context, entries []packaging.Entry) error {
				anchored = entries[len(entries)-1]
				return nil
			}, func() error { return nil })
			held := heldFor(ghent.Tenant, "a", o.Release.Requested, of.answer)
			held.Release = o.Release.ID
			if _, err := d.StoreHeld(t.Context(), held); err != nil {
				t.Fatal(err)
			}
			if of.settled != nil {
				if err := d.SettleByStatus(t.Context(), order(t, d, ghent.Tenant.ID, "a"), *of.settled); err != nil {
					t.Fatal(err)
				}
			}
			if anchored.Proof != of.proof || anchored.Status != of.status {
				t.Errorf("anchored with the proof %q %q: %+v", anchored.Proof, anchored.Status, anchored)
			}
		})
	}
}

// A release whose request is here, and whose outcome and successor are lost, ends as its anchor says.
func TestALostReleaseAfterOneWhoseOutcomeIsLostHasAPlaceOfItsOwn(t *testing.T) {
	d, ghent, _ := opened(t)
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: cache(t, d, ghent.Tenant.ID, facts("a")).ID})
	if err != nil {
		t.Fatal(err)
	}
	l := lostWithoutEnd(ghent, "a", "a")
	l.Releases[0].Deed, l.Releases[0].ID = packaging.ReleaseEnded, claimed.Release.ID
	l.Releases[0].Learn(packaging.AnchoredRelease{
		Outcome: packaging.Refused, Proof: packaging.ByAnswer, At: start.Add(2 * time.Second),
	})
	l.Releases[1].At = start.Add(time.Hour)
	record(t, d, l)
	o := order(t, d, ghent.Tenant.ID, "a")
	if r := o.Release; r.ID == claimed.Release.ID || !r.Requested.Equal(start.Add(time.Hour)) ||
		r.Outcome != packaging.Unknown {
		t.Errorf("%+v", r)
	}
	first, err := collect(t.Context(), d.read, scanReported, selectReported+`WHERE r.id = ?`, claimed.Release.ID)
	if err != nil || first[0].Outcome != packaging.Refused || first[0].Reason != packaging.RecordLost {
		t.Errorf("%+v, %v", first, err)
	}
}
