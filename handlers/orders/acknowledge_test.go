package orders_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

func acknowledge(b *site.Browser, o packaging.Order, comment string) site.Answer {
	return b.Post(
		handlerstest.OrderPath(o, "/acknowledge"), "release", fmt.Sprint(o.Release.ID), "comment", comment, "next",
		"/lines/L1",
	)
}

func TestAResultStandsOnTheBoardUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release")})
	b := s.SignIn("supervisor1")
	b.Post(handlerstest.OrderPath(s.Order("a"), "/release"))
	s.Box.SetStatus("b", "Suspended")
	b.Post(handlerstest.OrderPath(s.Order("b"), "/release"))

	board := b.Get("/lines/L1")
	if diff := cmp.Diff([]string{"b", "a"}, board.All(".results .key")); diff != "" {
		t.Errorf("results (-want +got)\n%s", diff)
	}
	if says := board.Text(".results"); !strings.Contains(says, "Not released: ") ||
		!strings.Contains(says, "Released · ") {
		t.Errorf("results: %q", says)
	}
	if got := b.Get("/").Text(".counts"); !strings.Contains(got, "Not released1") {
		t.Errorf("the overview counts %q", got)
	}
	if other := s.SignIn("operator1").Get("/lines/L1"); other.Text(".results .key") == "" ||
		other.Text(".acknowledge") != "" {
		t.Errorf("an operator sees %q and may %q", other.Text(".results .key"), other.Text(".acknowledge"))
	}
	for _, key := range []string{"a", "b"} {
		if a := acknowledge(b, s.Order(key), ""); a.Status != http.StatusSeeOther ||
			a.Header.Get("Location") != "/lines/L1" {
			t.Fatalf("%s: %d to %q", key, a.Status, a.Header.Get("Location"))
		}
	}
	if got := b.Get("/lines/L1").All(".results .key"); len(got) != 0 {
		t.Errorf("still there: %v", got)
	}
	if got := b.Get("/").Text(".counts"); strings.Contains(got, "Not released") {
		t.Errorf("the overview still counts %q", got)
	}
	if got := b.Get(handlerstest.OrderPath(s.Order("a"), "")).Text(".result"); !strings.Contains(
		got, "Acknowledged by Person supervisor1",
	) {
		t.Errorf("the order says %q", got)
	}
	if e := s.History()[0]; e.Deed != packaging.ResultAcknowledged || e.OrderKey != "b" ||
		e.Outcome != packaging.Refused {
		t.Errorf("history %+v", e)
	}
	before := len(s.History())
	if a := acknowledge(b, s.Order("a"), ""); a.Status != http.StatusSeeOther || len(s.History()) != before {
		t.Errorf("a second press: %d, and %d entries more", a.Status, len(s.History())-before)
	}
}

func TestAnOddResultIsAcknowledgedWithWordsAndANewListIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "cut_after", Times: 1})
	o := s.Order("Order143")
	b.Post(handlerstest.OrderPath(o, "/release"))
	if a := acknowledge(b, s.Order("Order143"), "x"); a.Status != http.StatusConflict {
		t.Errorf("an unknown outcome is acknowledged: %d", a.Status)
	}
	b.Post(handlerstest.OrderPath(o, "/ask"))
	trouble := func() string { t.Helper(); return b.Get("/lines/L1").Text(".trouble") }
	if !strings.Contains(trouble(), "Order143") {
		t.Fatal("a missing list needs nobody")
	}
	if a := acknowledge(b, s.Order("Order143"), "  "); a.Status != http.StatusBadRequest ||
		!strings.Contains(a.Text("main"), "Say what you checked") {
		t.Errorf("without words: %d", a.Status)
	}
	if a := acknowledge(b, s.Order("Order143"), strings.Repeat("x", 501)); a.Status != http.StatusBadRequest {
		t.Errorf("with too many words: %d", a.Status)
	}
	acknowledge(b, s.Order("Order143"), "The line has the list on paper.")
	if got := trouble(); got != "" {
		t.Errorf("acknowledged, and still %q", got)
	}
	if e := s.History()[0]; e.Comment != "The line has the list on paper." {
		t.Errorf("history %+v", e)
	}
	if got := b.Get(handlerstest.OrderPath(o, "")).Text(".result"); !strings.Contains(
		got, "“The line has the list on paper.”",
	) {
		t.Errorf("the order says %q", got)
	}
	b.Post(handlerstest.OrderPath(o, "/list"), "list", "A1\nA2\n", "confirm", "yes")
	if !strings.Contains(trouble(), "Order143") {
		t.Error("a list that came later, too short, needs nobody")
	}
	stale := s.Order("Order143")
	stale.Release.ID += 7
	if a := acknowledge(b, stale, "x"); a.Status != http.StatusConflict {
		t.Errorf("another result than the one shown: %d", a.Status)
	}
}

func TestOnlyWhoSettlesAcknowledges(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.SignIn("supervisor1").Post(handlerstest.OrderPath(s.Order("Order143"), "/release"))
	for _, username := range []string{"operator1", "auditor1", "administrator1"} {
		if a := acknowledge(s.SignIn(username), s.Order("Order143"), ""); a.Status != http.StatusForbidden {
			t.Errorf("%s: %d", username, a.Status)
		}
	}
	s.AddTenant("aalst", "Plant Aalst", "supervisor2")
	if a := acknowledge(s.SignIn("supervisor2"), s.Order("Order143"), ""); a.Status != http.StatusNotFound {
		t.Errorf("another tenant: %d", a.Status)
	}
	if s.Order("Order143").Release.Seen.Given() {
		t.Error("it is acknowledged")
	}
}

func TestPlainSuccessesAreAcknowledgedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := site.New(
		t,
		site.Options{
			Orders: handlerstest.RemoteOrders(
				"a", "Pending release", "b", "Pending release", "c", "Pending release", "d", "Pending release",
			),
		},
	)
	b := s.SignIn("supervisor1")
	for _, key := range []string{"a", "b", "c"} {
		b.Post(handlerstest.OrderPath(s.Order(key), "/release"))
	}
	s.Box.SetStatus("d", "Suspended")
	b.Post(handlerstest.OrderPath(s.Order("d"), "/release"))
	form := b.Get("/lines/L1").Values(`form[action="/lines/L1/acknowledge"] [name=release]`)
	if len(form) != 3 {
		t.Fatalf("acknowledged together are %v", form)
	}
	pairs := func(values ...string) (all []string) {
		for _, v := range values {
			all = append(all, "release", v)
		}
		return all
	}
	if a := b.PostAll(
		"/lines/L1/acknowledge", pairs(append(form, fmt.Sprintf("%d.9999", s.Order("d").ID))...)...,
	); a.Status != http.StatusConflict {
		t.Errorf("with one that changed: %d", a.Status)
	}
	if s.Order("a").Release.Seen.Given() {
		t.Error("some are acknowledged, though one had changed")
	}
	if a := b.PostAll("/lines/L1/acknowledge", pairs("nonsense")...); a.Status != http.StatusBadRequest {
		t.Errorf("nonsense: %d", a.Status)
	}
	if a := b.PostAll("/lines/L1/acknowledge", pairs(form...)...); a.Status != http.StatusSeeOther ||
		a.Header.Get("Location") != "/lines/L1" {
		t.Errorf("all: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if left := b.Get("/lines/L1").All(".results .key"); len(left) != 1 || left[0] != "d" {
		t.Errorf("left are %v", left)
	}
}
