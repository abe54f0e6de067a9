package orders_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

// pressRefresh presses the button on a board and follows where it leads.
func pressRefresh(t *testing.T, b *site.Browser, pairs ...string) site.Answer {
	t.Helper()
	a := b.Post("/refresh", pairs...)
	if a.Status != http.StatusSeeOther {
		t.Fatalf("refresh: %d %s", a.Status, a.Text("main"))
	}
	return b.Get(a.Header.Get("Location"))
}

func TestRefreshNowTellsWhatCameOfIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("operator1")
	if button := b.Get("/").Text(".refresh button"); button != "Refresh now" {
		t.Fatalf("button %q", button)
	}
	s.Clock.Move(time.Minute)
	if said := pressRefresh(t, b).Text("body"); !strings.Contains(said, "07:01:00") ||
		!strings.Contains(said, "Refreshed. Movilitas.Cloud reports no change.") {
		t.Errorf("unchanged: %q", said)
	}
	s.Clock.Move(time.Minute)
	s.Box.SetStatus("Order144", sandbox.Suspended)
	s.Box.SetStatus("Order148", sandbox.Suspended)
	page := pressRefresh(t, b, "line", "L1")
	if said := page.Text("main"); !strings.Contains(said, "Refreshed. 2 orders are new or have changed.") ||
		page.Text("h1 span") != "Blister line 1" {
		t.Errorf("changed: %q on %q", said, page.Text("h1"))
	}
	s.Clock.Move(30 * time.Second)
	s.Refresh()
	if said := b.Get("/?refreshed=1795500060001").Text("main"); strings.Contains(said, "Refreshed.") {
		t.Errorf("of a refresh that others have followed: %q", said)
	}
	s.Clock.Move(time.Minute)
	s.Remote.Close()
	if said := pressRefresh(t, b).Text("body"); !strings.Contains(said, "Not refreshed.") ||
		!strings.Contains(said, "Movilitas.Cloud could not be reached.") {
		t.Errorf("without an API: %q", said)
	}
}

func TestRefreshingAgainTooSoonSaysWhenItIsPossible(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	first, second := s.SignIn("operator1"), s.SignIn("supervisor1")
	pressRefresh(t, first)
	s.Clock.Move(4 * time.Second)
	asked := s.Box.Calls()[sandbox.ListOpen]
	a := second.Post("/refresh", "line", "L2")
	if a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "6" ||
		a.Text("h1 span") != "Bottle line 2" {
		t.Fatalf("%d, after %q, on %q", a.Status, a.Header.Get("Retry-After"), a.Text("h1"))
	}
	if said := a.Text("main"); !strings.Contains(said, "You can refresh again in 6 seconds.") {
		t.Errorf("said %q", said)
	}
	if now := s.Box.Calls()[sandbox.ListOpen]; now != asked {
		t.Errorf("%d lists were asked for", now-asked)
	}
	if a := second.Get("/refresh"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/" {
		t.Errorf("asking for its address: %d to %q", a.Status, a.Header.Get("Location"))
	}
	s.Clock.Move(6 * time.Second)
	pressRefresh(t, second)
}

func TestAClockThatIsSetBackRefusesARefreshForTenSecondsAtMost(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	pressRefresh(t, s.SignIn("supervisor1"))
	s.Clock.Move(-24 * time.Hour)
	b := s.SignIn("supervisor1")
	if a := b.Post("/refresh"); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") != "10" {
		t.Errorf("when the clock was set back: %d, after %q", a.Status, a.Header.Get("Retry-After"))
	}
	s.Clock.Move(10 * time.Second)
	pressRefresh(t, b)
}

func TestWhoWaitsTooLongForARefreshIsToldThatItGoesOn(t *testing.T) {
	t.Parallel()
	var waits atomic.Bool
	goOn := make(chan struct{})
	s := site.New(t, site.Options{Patience: 20 * time.Millisecond, Handler: func(box *sandbox.Sandbox) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if waits.Load() {
				<-goOn
			}
			box.ServeHTTP(w, r)
		})
	}})
	b := s.SignIn("operator1")
	waits.Store(true)
	a := b.Post("/refresh")
	board := a.Header.Get("Location")
	if said := b.Get(board).Text("main"); !strings.Contains(said, "Still refreshing.") {
		t.Errorf("said %q", said)
	}
	close(goOn)
	s.Refresh() // waits for the one under way
	if said := b.Get(board).Text("main"); strings.Contains(said, "Still refreshing.") ||
		!strings.Contains(said, "Refreshed.") {
		t.Errorf("once it has ended, %q is said", said)
	}
	b.Post("/refresh")
	s.Clock.Move(3 * time.Minute)
	if said := b.Get("/?refreshed=" + fmt.Sprint(s.Clock.Now().Add(-150*time.Second).UnixMilli())).Text(
		"main",
	); strings.Contains(said, "Still refreshing.") {
		t.Errorf("of a refresh that never ended, %q is said", said)
	}
}

func TestOnlyWhoMayRefreshesAndOnlyALineThatThereIs(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	auditor := s.SignIn("auditor1")
	for _, board := range []string{"/", "/lines/L1"} {
		if buttons := auditor.Get(board).All(".refresh button"); len(buttons) != 0 {
			t.Errorf("an auditor is offered %q at %s", buttons, board)
		}
	}
	if a := auditor.Post("/refresh"); a.Status != http.StatusForbidden {
		t.Errorf("an auditor: %d", a.Status)
	}
	if a := s.SignIn("operator1").Post("/refresh", "line", "L9"); a.Status != http.StatusNotFound {
		t.Errorf("a line that there is not: %d", a.Status)
	}
	if a := s.SignIn("administrator1").Post("/refresh"); a.Status != http.StatusSeeOther {
		t.Errorf("an administrator: %d", a.Status)
	}
	if a := s.Browser().Post("/refresh"); a.Status != http.StatusSeeOther ||
		!strings.HasPrefix(a.Header.Get("Location"), "/login") {
		t.Errorf("nobody: %d", a.Status)
	}
	if a := s.SignIn("operator1").Get("/?refreshed=x"); a.Status != http.StatusBadRequest {
		t.Errorf("a time that is none: %d", a.Status)
	}
}
