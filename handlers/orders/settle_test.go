package orders_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// lost is a site where the answer to the release of Order143 got lost, after or before it was carried out.
func lost(t *testing.T, kind sandbox.Kind) (*site.Site, *site.Browser, packaging.Order) {
	t.Helper()
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: kind, Times: 1})
	b.Post(handlerstest.OrderPath(o, "/release"))
	if got := s.Order("Order143").Release.Outcome; got != packaging.Unknown {
		t.Fatalf("outcome %s", got)
	}
	return s, b, o
}

func TestALostAnswerIsSettledByTheStatusOfTheOrder(t *testing.T) {
	t.Parallel()
	const unproven = "No answer to the release proves what became of it. It is not proven who released the order. " +
		"Its serial list is missing here."
	for kind, test := range map[sandbox.Kind]struct {
		outcome packaging.Outcome
		says    string
		button  bool
	}{
		"cut_after": {
			packaging.Released,
			"Order143 was at the line: its status was In progress (2026-11-23 07:00:|" + unproven,
			false,
		},
		"refuse_after": { // its answer was not lost, and proves nothing
			packaging.Released,
			"Order143 was at the line: its status was In progress (2026-11-23 07:00:|" + unproven,
			false,
		},
		"cut_before": {
			packaging.Refused,
			"It is not proven whether Order143 was released.|Movilitas.Cloud said Pending release at |That is a sign that it was not released, and no proof.",
			true,
		},
	} {
		t.Run(string(kind), func(t *testing.T) {
			s, b, o := lost(t, kind)
			if text := b.Get(handlerstest.OrderPath(o, "")).Text("#release"); !strings.Contains(
				text, "It is not known whether Order143 was released.",
			) || !strings.Contains(text, "Ask now") {
				t.Errorf("unknown: %q", text)
			}
			if err := s.Settler.AskDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.Order("Order143").Release.Outcome; got != packaging.Unknown {
				t.Errorf("settled before its time: %s", got)
			}
			for range 2 { // Pending release is wanted at both ends of the doubt
				s.Clock.Move(16 * time.Second)
				if err := s.Settler.AskDue(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			r := s.Order("Order143").Release
			if r.Outcome != test.outcome || r.Proof != packaging.ByStatus || r.Settled.IsZero() {
				t.Errorf("release %+v", r)
			}
			page := b.Get(handlerstest.OrderPath(o, ""))
			for says := range strings.SplitSeq(test.says, "|") {
				if text := page.Text("#release"); !strings.Contains(text, says) {
					t.Errorf("the page says %q", text)
				}
			}
			if got := len(page.All("button.release")) > 0; got != test.button {
				t.Errorf("release button: %v", got)
			}
			if e := s.History()[0]; e.Deed != packaging.ReleaseSettled || e.Outcome != r.Says() || e.By.ID != 0 ||
				e.Old != string(packaging.Unknown) {
				t.Errorf("history %+v", e)
			}
			if text := b.Get("/history").Text(
				"tbody tr.day:first-child + tr",
			); !strings.Contains(text, "by its status") && !strings.Contains(text, "Pending release twice") {
				t.Errorf("the history says %q", text)
			}
		})
	}
}

// press presses the release of Order143, whose answer then gets lost in that way.
func press(t *testing.T, options site.Options, kind sandbox.Kind) (*site.Site, *site.Browser, packaging.Order) {
	t.Helper()
	s := site.New(t, options)
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: kind, Times: 1})
	b.Post(handlerstest.OrderPath(o, "/release"))
	return s, b, o
}

func TestAReleaseThatIsCarriedOutAfterAllIsFoundAndItsListFetched(t *testing.T) {
	t.Parallel()
	s, b, o := press(t, site.Options{SerialsInDetails: true}, sandbox.Late)
	for range 2 {
		b.Post(handlerstest.OrderPath(o, "/ask"))
		s.Clock.Move(16 * time.Second)
	}
	page := b.Get(handlerstest.OrderPath(o, ""))
	for _, never := range []string{"not carried out", "was not released.", "Not released"} {
		if said := page.Text("main"); strings.Contains(said, never) {
			t.Errorf("without a proof the page says %q: %s", never, said)
		}
	}
	s.Box.RunLate()
	s.Refresh()
	page = b.Get(handlerstest.OrderPath(o, ""))
	if said := page.Text("#release"); !strings.Contains(said, "The release may have reached the line") ||
		len(page.All("button.release")) > 0 {
		t.Errorf("contradicted: %q", said)
	}
	if e := s.History()[0]; e.Deed != packaging.ReleaseReopened || e.New != "In progress" {
		t.Errorf("history %+v", e)
	}
	if said := b.Get("/history").Text("tbody tr.day:first-child + tr"); !strings.Contains(
		said, "it may have reached the line",
	) {
		t.Errorf("the history says %q", said)
	}
	b.Post(handlerstest.OrderPath(o, "/ask"))
	now := s.Order("Order143")
	if r := now.Release; r.Outcome != packaging.Released || r.List != packaging.ListInDetails || r.Serials != 11 ||
		!now.NeedsLook() {
		t.Errorf("release %+v", r)
	}
	if said := b.Get("/lines/L1").Text("main"); !strings.Contains(said, "This release may have brought the order to the line") &&
		!strings.Contains(said, "Needs a look") {
		t.Errorf("the board says %q", said)
	}
}

func TestAListThatIsNotHereIsNoEmptyList(t *testing.T) {
	t.Parallel()
	s, b, o := press(t, site.Options{}, sandbox.CutAfter)
	for _, outcome := range []packaging.Outcome{packaging.Unknown, packaging.Released} {
		if outcome == packaging.Released {
			b.Post(handlerstest.OrderPath(o, "/ask"))
		}
		if is := s.Order("Order143").Release.Outcome; is != outcome {
			t.Fatalf("the order is %s", is)
		}
		for _, file := range []string{"/serials.json", "/serials.csv"} {
			a := b.Get(handlerstest.OrderPath(o, file))
			if a.Status != http.StatusConflict || !strings.Contains(a.Body, `"outcome":"`+string(outcome)+`"`) ||
				strings.Contains(a.Body, `"serials"`) {
				t.Errorf("%s of an order that is %s: %d %s", file, outcome, a.Status, a.Body)
			}
		}
	}
	if a := b.Get(handlerstest.OrderPath(s.Order("Order144"), "/serials.json")); a.Status != http.StatusConflict ||
		!strings.Contains(a.Body, `"outcome":""`) {
		t.Errorf("without a release: %d %s", a.Status, a.Body)
	}
}

func TestAnOrderThatWasReleasedHereAndIsPendingAgainSaysBoth(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	b.Post(handlerstest.OrderPath(o, "/release"))
	s.Box.SetStatus("Order143", sandbox.PendingRelease)
	for range 3 {
		s.Clock.Move(10 * time.Minute)
		s.Refresh()
	}
	said := b.Get(handlerstest.OrderPath(o, "")).Text("#release")
	for _, want := range []string{
		"Order143 is released to Blister line 1.",
		"Movilitas.Cloud now says Pending release again: first seen 2026-11-23 07:10:",
		"last 2026-11-23 07:30:", "Find out in Movilitas.Cloud who set it back",
		"release it once more, with a reason",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the page does not say %q: %q", want, said)
		}
	}
}

func TestSuspendedByItselfProvesNothing(t *testing.T) {
	t.Parallel()
	s, b, o := press(t, site.Options{}, sandbox.PushRefused)
	for range 3 {
		b.Post(handlerstest.OrderPath(o, "/ask"))
		s.Clock.Move(time.Hour)
	}
	if r := s.Order("Order143").Release; r.Outcome != packaging.Unknown || r.AskedSays != "Suspended" {
		t.Errorf("release %+v", r)
	}
}

func TestAMissingListIsAskedForAndComesOnceDetailsHaveIt(t *testing.T) {
	t.Parallel()
	s, b, o := press(t, site.Options{}, sandbox.CutAfter)
	b.Post(handlerstest.OrderPath(o, "/ask"))
	page := b.Get(handlerstest.OrderPath(o, ""))
	if said := page.Text("#release"); !strings.Contains(said, "Its serial list is missing here.") ||
		!strings.Contains(said, "Ask now") {
		t.Errorf("without its list: %q", said)
	}
	s.Box.SetSerialsInDetails(true)
	b.Post(handlerstest.OrderPath(o, "/ask"))
	if r := s.Order("Order143").Release; r.List != packaging.ListInDetails || r.Serials != 11 {
		t.Errorf("release %+v", r)
	}
	if e := s.History()[0]; e.Deed != packaging.ListAdded || e.By.ID != 0 {
		t.Errorf("history %+v", e)
	}
	if said := b.Get(handlerstest.OrderPath(o, "")).Text("#release"); strings.Contains(said, "Ask now") {
		t.Errorf("with its list: %q", said)
	}
}

func TestALostListComesWithTheDetailsWhereTheyHaveIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{SerialsInDetails: true})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "cut_after", Times: 1})
	b.Post(handlerstest.OrderPath(o, "/release"))
	b.Post(handlerstest.OrderPath(o, "/ask"))
	if r := s.Order("Order143").Release; r.Outcome != packaging.Released || r.List != packaging.ListInDetails ||
		r.Serials != 11 {
		t.Errorf("release %+v", r)
	}
	if diff := cmp.Diff(
		sandbox.Order143(time.Now()).Serials, b.Get(handlerstest.OrderPath(o, "/serials")).All("code.serial"),
	); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnOrderThatWasNotCarriedOutIsReleasedAgain(t *testing.T) {
	t.Parallel()
	s, b, o := lost(t, "cut_before")
	b.Post(handlerstest.OrderPath(o, "/ask"))
	if text := b.Get(handlerstest.OrderPath(o, "")).Text("#release"); !strings.Contains(
		text, "Movilitas.Cloud said Pending release",
	) || !strings.Contains(text, "It is not known") {
		t.Errorf("asked too early to be proof: %q", text)
	}
	s.Clock.Move(16 * time.Second)
	if text := b.Get(handlerstest.OrderPath(o, "")).Text("#release"); !strings.Contains(text, "It is not known") {
		t.Errorf("settled by one answer: %q", text)
	}
	if a := b.Post(handlerstest.OrderPath(o, "/ask")); a.Status != http.StatusSeeOther {
		t.Fatalf("ask: %d", a.Status)
	}
	if a := b.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusSeeOther {
		t.Fatalf("release: %d", a.Status)
	}
	if r := s.Order("Order143").Release; r.Outcome != packaging.Released || r.Proof != packaging.ByAnswer ||
		r.Serials != 11 {
		t.Errorf("release %+v", r)
	}
	if n := len(s.Box.Released()); n != 1 {
		t.Errorf("%d releases carried out", n)
	}
}

func TestAMissingListIsAddedOnceByPastingOrFromAFile(t *testing.T) {
	t.Parallel()
	want := sandbox.Order143(time.Now()).Serials
	csv := "number,serial\n1," + strings.Join(want, "\nx,") + "\n"
	for name, send := range map[string]func(*testing.T, *site.Browser, string) site.Answer{
		"pasted": func(_ *testing.T, b *site.Browser, to string) site.Answer {
			return b.Post(to, "list", strings.Join(want, "\r\n"))
		},
		"a file": func(t *testing.T, b *site.Browser, to string) site.Answer { return upload(t, b, to, csv) },
	} {
		t.Run(name, func(t *testing.T) {
			s, b, o := lost(t, "cut_after")
			b.Post(handlerstest.OrderPath(o, "/ask"))
			if to := b.Get(
				handlerstest.OrderPath(o, ""),
			).Attr("#release a.button", "href"); to != handlerstest.OrderPath(o, "/list") {
				t.Fatalf("the list is added at %q", to)
			}
			if a := s.SignIn("operator1").Post(
				handlerstest.OrderPath(o, "/list"), "list", "x",
			); a.Status != http.StatusForbidden {
				t.Errorf("an operator: %d", a.Status)
			}
			if a := send(t, b, handlerstest.OrderPath(o, "/list")); a.Status != http.StatusSeeOther {
				t.Fatalf("add: %d %s", a.Status, a.Text("main"))
			}
			if diff := cmp.Diff(want, b.Get(handlerstest.OrderPath(o, "/serials")).All("code.serial")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if text := b.Get(handlerstest.OrderPath(o, "")).Text("#release"); !strings.Contains(
				text, "Person supervisor1 added the list.",
			) {
				t.Errorf("the page says %q", text)
			}
			if e := s.History()[0]; e.Deed != packaging.ListAdded || e.By.Username != "supervisor1" || e.Serials != 11 {
				t.Errorf("history %+v", e)
			}
			if a := b.Post(
				handlerstest.OrderPath(o, "/list"), "list", "another",
			); a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusConflict {
				t.Errorf("a second list: %d", a.Status)
			}
			if a := b.Post(
				handlerstest.OrderPath(o, "/list"), "list", "another", "confirm", "yes",
			); a.Status != http.StatusConflict ||
				len(b.Get(handlerstest.OrderPath(o, "/serials")).All("code.serial")) != 11 {
				t.Errorf("a second list, confirmed: %d", a.Status)
			}
		})
	}
}

func TestALongOddListIsKeptUntilItIsConfirmed(t *testing.T) {
	t.Parallel()
	s, b, o := lost(t, "cut_after")
	b.Post(handlerstest.OrderPath(o, "/ask"))
	var long strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&long, "SERIAL%014d\r\n", i/2)
	}
	to := handlerstest.OrderPath(o, "/list")
	give := func() (waiting string) {
		t.Helper()
		a := b.Post(to, "list", long.String())
		waiting = a.Attr(".add-list input[name=waiting]", "value")
		if a.Status != http.StatusUnprocessableEntity || waiting == "" ||
			!strings.Contains(a.Text(".add-list"), "is kept here for 15 minutes") {
			t.Fatalf("%d %s", a.Status, a.Text(".add-list"))
		}
		return waiting
	}
	waiting := give()
	gone := func(who string, b *site.Browser, to, waiting string) {
		t.Helper()
		if a := b.Post(to, "waiting", waiting, "confirm", "yes"); a.Status != http.StatusUnprocessableEntity ||
			!strings.Contains(a.Text("main"), "not kept here any more") {
			t.Errorf("%s: %d %s", who, a.Status, a.Text("main"))
		}
	}
	gone("another list", b, to, strings.Repeat("0", 64))
	gone("somebody else", s.SignIn("manager1"), to, waiting)
	if a := b.Post(to, "waiting", waiting); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("without a word: %d", a.Status)
	}
	s.Clock.Move(15 * time.Minute)
	gone("late", b, to, waiting)
	if a := b.Post(to, "waiting", give(), "confirm", "yes"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text(".add-list"))
	}
	if r := s.Order("Order143").Release; r.Serials != 60_000 {
		t.Errorf("the list has %d serial numbers", r.Serials)
	}
}

func TestTheMissingListOfAFirstReleaseIsAddedFromThePageAfterTheSecondOne(t *testing.T) {
	t.Parallel()
	s, b, o := lost(t, "cut_after")
	b.Post(handlerstest.OrderPath(o, "/ask"))
	old := b.Get(handlerstest.OrderPath(o, "/list")) // a form that stays open meanwhile
	form := []string{"release", old.Attr(".add-list input[name=release]", "value"), "confirm", "yes", "list"}
	b.Post(
		handlerstest.OrderPath(o, "/acknowledge"), "release", fmt.Sprint(s.Order("Order143").Release.ID), "comment",
		"counted",
	)
	s.Clock.Move(time.Hour)
	s.Box.SetStatus("Order143", sandbox.PendingRelease)
	s.Refresh()
	if to := b.Get(handlerstest.OrderPath(o, "")).All(`#release a[href$="/list"]`); len(to) != 1 {
		t.Error("before the second release, the page offers to add the list of the first one in no place or several")
	}
	b.Post(
		handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(s.Order("Order143").Revision), "again", "1",
		"why", "scrapped",
	)
	page, at := b.Get(handlerstest.OrderPath(o, "")), handlerstest.OrderPath(o, "/list?release=1")
	if to := page.Attr("#earlier a.button", "href"); to != at {
		t.Errorf("the page leads to %q: %s", to, page.Text("#earlier"))
	}
	if to := b.Get(handlerstest.OrderPath(o, "/serials?release=1")).Attr("main .further a.button", "href"); to != at {
		t.Errorf("the page of its list leads to %q", to)
	}
	if seen := s.SignIn("operator1").Get(handlerstest.OrderPath(o, "")); seen.Attr("#earlier a.button", "href") != "" {
		t.Error("an operator is led to the form")
	}
	if said := b.Get(at).Text("main .facts"); !strings.Contains(said, "Release 12026-11-23 07:00") ||
		!strings.Contains(said, "Person supervisor1") {
		t.Errorf("the form says %q", said)
	}
	for path, want := range map[string]int{
		"/list?release=3": http.StatusNotFound, "/list?release=999": http.StatusNotFound,
		"/list?release=x": http.StatusBadRequest,
	} {
		if a := b.Get(handlerstest.OrderPath(o, path)); a.Status != want {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/list"), append(form, "first-1\nfirst-2")...,
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	if got := b.Get(
		handlerstest.OrderPath(o, "/serials?release=1"),
	).All("code.serial"); !cmp.Equal(got, []string{"first-1", "first-2"}) {
		t.Errorf("the first list: %q", got)
	}
	if got := b.Get(
		handlerstest.OrderPath(o, "/serials?release=2"),
	).All("code.serial"); !cmp.Equal(got, sandbox.Order143(time.Now()).Serials) {
		t.Errorf("the second list: %q", got)
	}
	if said := b.Get("/history").Text("main"); !strings.Contains(
		said, "Added the missing list of release 1: 2 serial numbers",
	) {
		t.Errorf("the history says %q", said)
	}
	if a := b.Post(at, "list", "another", "confirm", "yes"); a.Status != http.StatusConflict {
		t.Errorf("once more: %d", a.Status)
	}
}

func upload(t *testing.T, b *site.Browser, to, content string) site.Answer {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "list.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Send(http.MethodPost, to, form.FormDataContentType(), &body)
}

func TestAnOddListIsAddedOnlyAfterAPersonHasLookedAtIt(t *testing.T) {
	t.Parallel()
	s, b, o := lost(t, "cut_after")
	b.Post(handlerstest.OrderPath(o, "/ask"))
	a := b.Post(handlerstest.OrderPath(o, "/list"), "list", "AAA\nAAA\n")
	if text := a.Text("main"); a.Status != http.StatusUnprocessableEntity ||
		!strings.Contains(text, "2 serial numbers received, 11 expected") ||
		!strings.Contains(text, "repeats an earlier one") {
		t.Errorf("%d %q", a.Status, text)
	}
	if given := a.Text("textarea"); given != "AAA AAA" {
		t.Errorf("what was given is gone: %q", given)
	}
	if s.Order("Order143").Release.Serials != 0 {
		t.Error("the list was added")
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/list"), "list", "AAA\nAAA\n", "confirm", "yes",
	); a.Status != http.StatusSeeOther {
		t.Errorf("confirmed: %d", a.Status)
	}
	if r := s.Order("Order143").Release; r.Serials != 2 || !r.Odd() {
		t.Errorf("release %+v", r)
	}
	if text := b.Get("/lines/L1").Text(".trouble"); !strings.Contains(text, "Order143") ||
		!strings.Contains(text, "2 serial numbers received, 11 expected") {
		t.Errorf("the line says %q", text)
	}
	for given, says := range map[string]string{"": "There is no serial number in it.", `["a`: "It may be cut off."} {
		if a := b.Post(
			handlerstest.OrderPath(s.Order("Order139"), "/list"), "list", given,
		); a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Text("main"), says) {
			t.Errorf("%q: %d %q", given, a.Status, a.Text("main"))
		}
	}
}

func TestAnOrderThatWasReleasedElsewhereGetsItsList(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	s.Box.SetStatus("Order143", sandbox.InProgress)
	b.Post(handlerstest.OrderPath(o, "/release"))
	page := b.Get(handlerstest.OrderPath(o, ""))
	if text := page.Text("#release"); !strings.Contains(
		text, "In Movilitas.Cloud the order is in status In progress.",
	) || page.Attr("#release a.button", "href") != handlerstest.OrderPath(o, "/list") {
		t.Errorf("the page says %q", text)
	}
	b.Post(handlerstest.OrderPath(o, "/list"), "list", strings.Join(sandbox.Order143(time.Now()).Serials, "\n"))
	after := s.Order("Order143")
	if after.Release.Outcome != packaging.Released || after.Release.Proof != packaging.ByPerson ||
		after.Release.Serials != 11 || after.Status != packaging.InProgress {
		t.Errorf("release %+v", after.Release)
	}
	if text := b.Get(handlerstest.OrderPath(o, "")).Text("#release"); !strings.Contains(
		text, "Order143 was released elsewhere. Its list was added here.",
	) {
		t.Errorf("the page says %q", text)
	}
}

func TestASerialThatCameBeforeIsOdd(t *testing.T) {
	t.Parallel()
	first, second, other := sandbox.Order143(time.Now()), sandbox.Order143(time.Now()), sandbox.Order143(time.Now())
	second.ID, second.Serials = "second", append([]string{"new"}, first.Serials[1:]...)
	other.ID, other.GTIN = "other", "05412345101444"
	s := site.New(t, site.Options{Orders: []sandbox.Order{first, second, other}})
	b := s.SignIn("supervisor1")
	for _, key := range []string{"Order143", "second", "other"} {
		b.Post(handlerstest.OrderPath(s.Order(key), "/release"))
	}
	if text := b.Get(handlerstest.OrderPath(s.Order("second"), "")).Text("#release"); !strings.Contains(
		text, "10 serial numbers of this product were already received with another release.",
	) {
		t.Errorf("the page says %q", text)
	}
	if odd := s.Order("other").Release.Oddities; len(odd) != 0 {
		t.Errorf("the same serials of another product are odd: %v", odd)
	}
}

// An answer that belongs to no release with certainty stands on its order's page and in the setup until its list is added.
func TestTheListOfAnAnswerThatIsKeptByItselfIsLookedAtAndAdded(t *testing.T) {
	t.Parallel()
	s, b, o := lost(t, "cut_after")
	b.Post(handlerstest.OrderPath(o, "/ask"))
	o = s.Order("Order143")
	serials := sandbox.Order143(time.Now()).Serials
	serials[0] = " 9, with\nmore lines" // it stays as it is
	if as, err := s.Store.StoreHeld(t.Context(), packaging.HeldAnswer{
		Tenant: o.TenantID, OrderKey: o.Key, Release: o.Release.ID + 7, Requested: o.Release.Requested.Add(-time.Hour),
		Answer: packaging.Answer{Outcome: packaging.Released, Serials: serials},
	}); err != nil || as != packaging.HeldByItself {
		t.Fatalf("%s, %v", as, err)
	}
	const says = "An answer with 11 serial numbers came on"
	page := b.Get(handlerstest.OrderPath(o, ""))
	to := page.Attr(`#release a[href*="kept="]`, "href")
	if !strings.Contains(page.Text("#release"), says) || to == "" {
		t.Fatalf("its page leads to %q and says %q", to, page.Text("#release"))
	}
	reader := s.SignIn("operator1").Get(handlerstest.OrderPath(o, ""))
	if !strings.Contains(reader.Text("#release"), says) || len(reader.All(`a[href*="kept="]`)) > 0 {
		t.Errorf("an operator reads %q", reader.Text("#release"))
	}
	if said := s.SignIn("administrator1").Get("/admin/data").Text("#kept"); !strings.Contains(said, "Order143") ||
		!strings.Contains(said, says) {
		t.Errorf("the setup says %q", said)
	}
	given := b.Get(to).Text("#list")
	if a := b.Post(
		handlerstest.OrderPath(o, "/list"), "list", given, "confirm", "yes",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("added: %d %s", a.Status, a.Text("main"))
	}
	if page := b.Get(handlerstest.OrderPath(o, "")); strings.Contains(page.Text("#release"), says) {
		t.Errorf("once its list is there: %q", page.Text("#release"))
	}
	if len(s.SignIn("administrator1").Get("/admin/data").All("#kept")) > 0 {
		t.Error("the setup still has it")
	}
	if said := b.Get(to).Text("main pre"); !strings.Contains(said, "with\\nmore lines") {
		t.Errorf("to compare: %q", said)
	}
	if a := b.Get(handlerstest.OrderPath(s.Order("Order144"), "/list?kept=1")); a.Status != http.StatusNotFound {
		t.Errorf("by another order: %d", a.Status)
	}
}

// A list that is too long for a page is added as it is kept, and what needs nobody any more is put aside with a reason.
func TestAKeptAnswerIsAddedAsItCameOrPutAside(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	s, b, o := lost(t, "cut_after")
	b.Post(handlerstest.OrderPath(o, "/ask"))
	o = s.Order("Order143")
	long := []string{"S2", "S1" + strings.Repeat("0", 1<<20)}
	for i, answer := range []packaging.Answer{
		{Outcome: packaging.Released, Serials: long},
		{Outcome: packaging.Refused, Reason: packaging.NotValid, Message: "Not <valid>"},
		{Outcome: packaging.Released, Serials: []string{"S5"}},
	} {
		if as, err := s.Store.StoreHeld(t.Context(), packaging.HeldAnswer{
			Tenant: o.TenantID, OrderKey: o.Key, Release: o.Release.ID + 7,
			Requested: o.Release.Requested.Add(time.Duration(-1-i) * time.Hour), Answer: answer,
		}); err != nil || as != packaging.HeldByItself {
			t.Fatalf("%s, %v", as, err)
		}
	}
	page := b.Get(handlerstest.OrderPath(o, ""))
	if said := page.Text("#release"); !strings.Contains(said, "in these words: Not <valid>.") {
		t.Errorf("its page says %q", said)
	}
	short := b.Get(handlerstest.OrderPath(o, "/list?kept=3"))
	if a := b.Post("/kept-answers/3/dismiss", "why", "an old one"); a.Status != http.StatusSeeOther {
		t.Fatalf("put aside: %d %s", a.Status, a.Text("main"))
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/list"), "list", short.Text("#list"), "confirm", "yes",
		"answer", short.Attr(`input[name="answer"]`, "value"),
	); a.Status != http.StatusConflict || !strings.Contains(a.Text("main"), "Your list was not added.") {
		t.Errorf("added from a page that was open before: %d %s", a.Status, a.Text("main"))
	}
	form := b.Get(page.Attr(`#release a[href*="kept="]`, "href"))
	kept := form.Attr(`input[name="kept"]`, "value")
	if len(form.All("#list")) > 0 || kept == "" {
		t.Fatalf("it is to be added from %q", form.Text("main"))
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/list"), "kept", kept, "confirm", "yes",
	); a.Status != http.StatusSeeOther || s.Order("Order143").Release.Serials != 2 {
		t.Fatalf("added: %d %s", a.Status, a.Text("main"))
	}
	compared := b.Get(handlerstest.OrderPath(o, "/list?kept="+kept))
	if !strings.Contains(compared.Text("main"), "1 to 1 of 2") || !json.Valid([]byte(compared.Text("pre"))) {
		t.Errorf("to compare: %.500s", compared.Text("main"))
	}
	aside := b.Get(handlerstest.OrderPath(o, "")).Attr(`#release form[action$="/dismiss"]`, "action")
	if a := b.Post(aside, "why", strings.Repeat("x", 501)); a.Status != http.StatusBadRequest {
		t.Errorf("with a reason that is too long: %d", a.Status)
	}
	if a := b.Post(aside, "why", "the line never got it"); a.Status != http.StatusSeeOther {
		t.Fatalf("put aside: %d %s", a.Status, a.Text("main"))
	}
	if said := b.Get(handlerstest.OrderPath(o, "")).Text("#release"); strings.Contains(said, "Not <valid>") {
		t.Errorf("once it is put aside: %q", said)
	}
	said := b.Get("/history?deed=answer_dismissed").Text("main")
	if !strings.Contains(said, "An answer that brought no list, kept by itself, was put aside: the line never got it") {
		t.Errorf("the history says %q", said)
	}
}
