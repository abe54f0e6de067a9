package orders_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

func TestEachAskSaysAtOnceWhatTheCloudSaid(t *testing.T) {
	t.Parallel()
	s, b, o := press(t, site.Options{}, sandbox.CutBefore)
	page := handlerstest.OrderPath(o, "")
	if said := b.Get(page).Text("#release"); strings.Contains(said, "Asked ") {
		t.Errorf("before: %q", said)
	}
	for _, test := range []struct {
		status string
		fault  sandbox.Kind
		says   string
	}{
		{"Waiting for QA", "", "Asked at 2026-11-23 07:00:00 +01:00: Movilitas.Cloud said Waiting for QA"},
		{sandbox.Suspended, "", "Movilitas.Cloud said Suspended"},
		{sandbox.PendingRelease, "", "Movilitas.Cloud said Pending release"},
		{sandbox.PendingRelease, sandbox.HTML, "Movilitas.Cloud documents"},
		{"", "", "Movilitas.Cloud named no status"},
	} {
		s.Box.SetStatus("Order143", test.status)
		if s.Box.ClearFaults(); test.fault != "" {
			s.Box.Inject(sandbox.Fault{Kind: test.fault})
		}
		if a := b.Post(handlerstest.OrderPath(o, "/ask")); a.Status != http.StatusSeeOther {
			t.Errorf("%q: %d", test.status, a.Status)
		}
		if said := b.Get(page).Text("#release"); !strings.Contains(said, test.says) {
			t.Errorf("%q %s: the page says %q", test.status, test.fault, said)
		}
	}
}

// unknowable is a site where no status settles the release of Order143, and the API was asked about it.
func unknowable(t *testing.T) (*site.Site, *site.Browser, packaging.Order) {
	t.Helper()
	s, b, o := press(t, site.Options{}, sandbox.CutAfter)
	s.Box.SetStatus("Order143", "Waiting for QA")
	s.Refresh()
	if page := b.Get(handlerstest.OrderPath(o, "?settle=1")); len(page.All(".by-word")) > 0 {
		t.Error("a person may say what became of it before the API was asked")
	}
	b.Post(handlerstest.OrderPath(o, "/ask"))
	return s, b, s.Order("Order143")
}

func TestAPersonSaysWhatBecameOfAReleaseThatNoStatusSettles(t *testing.T) {
	t.Parallel()
	for ruling, says := range map[packaging.Ruling][]string{
		packaging.WasReleased: {
			"Person supervisor1 says that Order143 was released.", "“line has it”. No answer or status has proven it.",
			"Its serial list is missing here.",
		},
		packaging.WasNotReleased: {
			"Person supervisor1 says that Order143 was not released.", "Look whether the line has the order.",
		},
		packaging.CannotBeKnown: {
			"What became of the release of Order143 can't be known.", "Ask now", "Say what became of it",
		},
	} {
		t.Run(string(ruling), func(t *testing.T) {
			s, b, o := unknowable(t)
			at := handlerstest.OrderPath(o, "/settle?settle=1")
			if to := b.Get(handlerstest.OrderPath(o, "")).Attr(
				"#release .further a.button", "href",
			); to != handlerstest.OrderPath(o, "?settle=1#release") {
				t.Fatalf("the page leads to %q", to)
			}
			revision := b.Get(handlerstest.OrderPath(o, "?settle=1")).Attr(".by-word input[name=revision]", "value")
			if a := s.SignIn("operator1").Post(
				at, "revision", revision, "ruling", string(ruling), "why", "x",
			); a.Status != http.StatusForbidden {
				t.Errorf("an operator: %d", a.Status)
			}
			for name, form := range map[string][]string{
				"Give the reason.":          {"revision", revision, "ruling", string(ruling), "why", " "},
				"Choose what became of it.": {"revision", revision, "why", "line has it"},
			} {
				a := b.Post(at, form...)
				if said := a.Text(".by-word"); a.Status != http.StatusUnprocessableEntity ||
					!strings.Contains(said, name) {
					t.Errorf("%s: %d %q", name, a.Status, said)
				}
			}
			if a := b.Post(
				at, "revision", "1", "ruling", string(ruling), "why", "line has it",
			); a.Status != http.StatusConflict {
				t.Errorf("an old page: %d", a.Status)
			}
			if a := b.Post(
				at, "revision", revision, "ruling", string(ruling), "why", "line has it",
			); a.Status != http.StatusSeeOther {
				t.Fatalf("%d %s", a.Status, a.Text("main"))
			}
			page := b.Get(handlerstest.OrderPath(o, ""))
			for _, want := range says {
				if said := strings.ReplaceAll(page.Text("#release"), "’", "'"); !strings.Contains(said, want) {
					t.Errorf("the page does not say %q: %q", want, said)
				}
			}
			if got := len(page.All("button.release")) > 0; got {
				t.Error("an order that is not Pending release can be released")
			}
			if said := b.Get("/history").Text(
				"tbody tr.day:first-child + tr",
			); !strings.Contains(said, "Person supervisor1") || !strings.Contains(said, "line has it") {
				t.Errorf("the history says %q", said)
			}
			if e := s.History()[0]; e.Deed != packaging.ReleaseSettled || e.Object != "outcome, by a person's word" ||
				e.Comment != "line has it" || e.By.Username != "supervisor1" {
				t.Errorf("the history has it as %+v", e)
			}
			a := b.Get(handlerstest.OrderPath(o, "/serials.json"))
			if a.Status != http.StatusConflict ||
				!strings.Contains(a.Body, `"outcome":"`+string(s.Order("Order143").Release.Says())+`"`) {
				t.Errorf("serials.json: %d %s", a.Status, a.Body)
			}
			b.Post(handlerstest.OrderPath(o, "/settle"), "revision", revision)
			s.Box.SetStatus("Order143", sandbox.InProgress)
			s.Refresh()
			if r := s.Order(
				"Order143",
			).Release; (r.Outcome == packaging.Unknown) != (ruling != packaging.WasReleased) || r.IsClosed() {
				t.Errorf("contradicted: %+v", r)
			}
		})
	}
}

func TestAPersonsWordIsSignedWhereTheSiteSigns(t *testing.T) {
	t.Parallel()
	s, b, o := unknowable(t)
	s.SetRules(packaging.Rules{LockAfter: 5 * time.Minute, SignReleases: true})
	page := b.Get(handlerstest.OrderPath(o, "?settle=1"))
	form := []string{
		"revision", page.Attr(".by-word input[name=revision]", "value"), "content",
		page.Attr(".by-word input[name=content]", "value"),
		"ruling", string(packaging.WasReleased), "why", "line has it", "meaning", "checked",
	}
	at := handlerstest.OrderPath(o, "/settle?settle=1")
	unsigned := packaging.Word{Order: o.ID, Revision: o.Revision, Ruling: packaging.WasReleased, Why: "line has it"}
	if err := s.Store.SettleByWord(
		t.Context(), s.Person("supervisor1"), unsigned,
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("unsigned: %v", err)
	}
	if a := b.Post(at, append(form, "secret", "wrong")...); a.Status != http.StatusUnprocessableEntity ||
		!strings.Contains(a.Text(".by-word"), "is not right") {
		t.Errorf("a wrong password: %d %q", a.Status, a.Text("main"))
	}
	if a := b.Post(at, append(form, "secret", site.Password)...); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %q", a.Status, a.Text("#release"))
	}
	var deeds []packaging.Deed
	for _, e := range s.History()[:2] {
		deeds = append(deeds, e.Deed)
	}
	if diff := cmp.Diff([]packaging.Deed{packaging.ReleaseSettled, packaging.Signed}, deeds); diff != "" {
		t.Errorf("history (-want +got)\n%s", diff)
	}
	signed, err := s.Store.Signatures(t.Context(), o.TenantID, packaging.SignedWord, 1)
	if err != nil || len(signed) != 1 || signed[0].Content != o.WordRecord(
		packaging.WasReleased, "line has it",
	).Digest() {
		t.Errorf("signatures %+v, %v", signed, err)
	}
}

// backAgain is a site where Order143 was released, and is Pending release again.
func backAgain(t *testing.T, o sandbox.Order) (*site.Site, *site.Browser, packaging.Order) {
	t.Helper()
	s := site.New(t, site.Options{Orders: []sandbox.Order{o}})
	b := s.SignIn("supervisor1")
	b.Post(handlerstest.OrderPath(s.Order(o.ID), "/release"))
	s.Clock.Move(time.Hour)
	s.Box.SetStatus(o.ID, sandbox.PendingRelease)
	s.Refresh()
	return s, b, s.Order(o.ID)
}

func TestAnOrderThatWaitsAgainIsReleasedOnceMoreWithAReason(t *testing.T) {
	t.Parallel()
	plain := sandbox.Order143(time.Now())
	plain.Serials = nil // so that another list comes
	s, b, o := backAgain(t, plain)
	page := b.Get(handlerstest.OrderPath(o, ""))
	if said := page.Text("#release"); !strings.Contains(said, "first seen 2026-11-23 08:00") ||
		len(page.All("button.release")) > 0 {
		t.Errorf("the page says %q", said)
	}
	if said := b.Get("/lines/L1").Text("main"); !strings.Contains(said, "Released here, pending again") ||
		strings.Contains(said, "Release to line") {
		t.Errorf("the board says %q", said)
	}
	if plainly := b.Get(handlerstest.OrderPath(o, "?arm=1")); len(plainly.All("form.execute")) > 0 {
		t.Errorf("it can be pressed without a reason: %q", plainly.Text("#release"))
	}
	armed := b.Get(handlerstest.OrderPath(o, "?again=1"))
	for _, want := range []string{
		"This would be release 2 of it.", "Order143 is released to Blister line 1.", "Person supervisor1",
		"11 serial numbers", "Release Order143 once more to Blister line 1",
	} {
		if said := armed.Text("#release"); !strings.Contains(said, want) {
			t.Errorf("the panel does not say %q: %q", want, said)
		}
	}
	at, revision := handlerstest.OrderPath(o, "/release?again=1"), armed.Attr(".execute input[name=revision]", "value")
	for name, form := range map[string][]string{
		"without a reason":     {at, "revision", revision, "again", "1", "why", ""},
		"as a first release":   {handlerstest.OrderPath(o, "/release"), "revision", revision, "why", "scrapped"},
		"without its revision": {at, "again", "1", "why", "scrapped"},
	} {
		if a := b.Post(form[0], form[1:]...); a.Status != http.StatusUnprocessableEntity &&
			a.Status != http.StatusConflict {
			t.Errorf("%s: %d", name, a.Status)
		}
	}
	if n := len(s.Box.Released()); n != 1 {
		t.Fatalf("%d releases were carried out", n)
	}
	for range 2 { // a double press is one
		b.Post(at, "revision", revision, "again", "1", "why", "scrapped at the line")
	}
	carried := s.Box.Released()
	if len(carried) != 2 {
		t.Fatalf("%d releases were carried out", len(carried))
	}
	list := func(query string) (file struct {
		Release int
		Count   int
		Serials []string
	},
	) {
		if err := json.Unmarshal(
			[]byte(b.Get(handlerstest.OrderPath(o, "/serials.json"+query)).Body), &file,
		); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		return file
	}
	for query, n := range map[string]int{"": 2, "?release=1": 1, "?release=2": 2} {
		if got := list(query); got.Release != n || got.Count != 11 || !cmp.Equal(got.Serials, carried[n-1].Serials) {
			t.Errorf("serials.json%s: %+v", query, got)
		}
		if got := b.Get(
			handlerstest.OrderPath(o, "/serials"+query),
		).All("code.serial"); !cmp.Equal(got, carried[n-1].Serials) {
			t.Errorf("serials%s: %v", query, got)
		}
	}
	if a := b.Get(handlerstest.OrderPath(o, "/serials.json?release=3")); a.Status != http.StatusNotFound {
		t.Errorf("release 3: %d", a.Status)
	}
	page = b.Get(handlerstest.OrderPath(o, ""))
	if said := page.Text("#earlier"); !strings.Contains(said, "Order143 is released to Blister line 1.") ||
		!strings.Contains(said, "See all 11 serial numbers") {
		t.Errorf("the earlier release: %q", said)
	}
	if said := page.Text("#story"); !strings.Contains(said, "Release requested once more: “scrapped at the line”") {
		t.Errorf("the timeline says %q", said)
	}
	if said := b.Get("/history.csv").Body; strings.Count(said, "scrapped at the line") != 1 {
		t.Errorf("the history says %s", said)
	}
}

func TestTheSameSerialsOnceMoreAreToldWithBothLists(t *testing.T) {
	t.Parallel()
	s, b, o := backAgain(t, sandbox.Order143(time.Now()))
	revision := fmt.Sprint(s.Order("Order143").Revision)
	b.Post(handlerstest.OrderPath(o, "/release"), "revision", revision, "again", "1", "why", "scrapped")
	page := b.Get(handlerstest.OrderPath(o, ""))
	if said := page.Text("#release"); !strings.Contains(
		said, "11 serial numbers of this product were already received with another release.",
	) {
		t.Errorf("the second release: %q", said)
	}
	if said := page.Text("#earlier"); !strings.Contains(
		said, "11 serial numbers of this product were received again later, with another release.",
	) {
		t.Errorf("the first release: %q", said)
	}
}

func TestAPressOnceMoreDoesNotDenyAReleaseThatIsUnknown(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: []sandbox.Order{sandbox.Order143(time.Now())}})
	b := s.SignIn("supervisor1")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.CutAfter, Times: 1})
	b.Post(handlerstest.OrderPath(s.Order("Order143"), "/release"))
	o := s.Order("Order143")
	a := b.Post(
		handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision), "again", "1", "why", "scrapped",
	)
	if said := a.Text("main"); a.Status != http.StatusConflict ||
		strings.Contains(said, "reached the line, so this order can") {
		t.Errorf("%d: %s", a.Status, said)
	}
	if said := b.Get("/history.csv?order=Order143").Body; strings.Contains(said, "not_released_here") ||
		!strings.Contains(said, "outcome_unknown") {
		t.Errorf("the history says %s", said)
	}
}

func TestASecondReleaseThatIsUnknownHidesNoList(t *testing.T) {
	t.Parallel()
	s, b, o := backAgain(t, sandbox.Order143(time.Now()))
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.CutAfter, Times: 1})
	b.Post(handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision), "again", "1", "why", "scrapped")
	if a := b.Get(handlerstest.OrderPath(o, "/serials.json")); a.Status != http.StatusConflict ||
		!strings.Contains(a.Body, `"outcome":"unknown"`) {
		t.Errorf("serials.json: %d %s", a.Status, a.Body)
	}
	if a := b.Get(handlerstest.OrderPath(o, "/serials.json?release=1")); a.Status != http.StatusOK ||
		!strings.Contains(a.Body, `"count":11`) {
		t.Errorf("of the first release: %d %s", a.Status, a.Body)
	}
	if said := b.Get(handlerstest.OrderPath(o, "")).Text("main"); !strings.Contains(
		said, "It is not known whether Order143 was released.",
	) || !strings.Contains(said, "Releases of this order") {
		t.Errorf("the page says %q", said)
	}
}

func TestASecondReleaseIsSignedWithItsReason(t *testing.T) {
	t.Parallel()
	s, b, o := backAgain(t, sandbox.Order143(time.Now()))
	s.SetRules(packaging.Rules{LockAfter: 5 * time.Minute, SignReleases: true})
	page := b.Get(handlerstest.OrderPath(o, "?again=1"))
	a := b.Post(handlerstest.OrderPath(o, "/release?again=1"), "again", "1", "why", "scrapped",
		"revision", page.Attr(".execute input[name=revision]", "value"), "content",
		page.Attr(".execute input[name=content]", "value"),
		"meaning", "checked", "secret", site.Password)
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d %q", a.Status, a.Text("#release"))
	}
	signed, err := s.Store.Signatures(
		t.Context(), o.TenantID, packaging.SignedRelease, int64(s.Order("Order143").Release.ID),
	)
	if err != nil || len(signed) != 1 || signed[0].Content != o.AgainRecord("scrapped").Digest() {
		t.Errorf("signatures %+v, %v", signed, err)
	}
}
