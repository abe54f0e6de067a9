package handlers_test

import (
	"net/http"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/giveway"
	"lineboard/internal/testkit/site"
)

// TestPagesWaitWhileAPressOfReleaseComesIn has no tests beside it: there is one road for the whole program. A machine
// may stand still for longer than a press counts at most; so it tries several times.
func TestPagesWaitWhileAPressOfReleaseComesIn(t *testing.T) {
	s := site.New(t, site.Options{})
	presser, reader, o := s.SignIn("supervisor1"), s.SignIn("operator1"), s.Order("Order143")
	for range 10 {
		sent := time.Now()
		press := handlerstest.Hold(
			t, presser, http.MethodPost, handlerstest.OrderPath(o, "/release"), "application/x-www-form-urlencoded",
			func() bool { return giveway.UnderWay() == 1 || time.Since(sent) > 3*time.Second },
		)
		waited := false
		for !waited && giveway.UnderWay() > 0 { // some of the time is for pages
			waited = accountWaits(t, reader)
		}
		press.End(t, "revision=0")
		if n := giveway.UnderWay(); n != 0 {
			t.Errorf("afterwards %d presses are under way", n)
		}
		if waited {
			return
		}
	}
	t.Error("no page waited while a press came in")
}

// accountWaits asks for a page, and says whether it was seen to wait for a press.
func accountWaits(t *testing.T, reader *site.Browser) bool {
	t.Helper()
	page := make(chan site.Answer, 1)
	go func() { page <- reader.Get("/account") }()
	for {
		select {
		case a := <-page:
			if a.Status != http.StatusOK {
				t.Fatalf("the page: %d", a.Status)
			}
			return false
		case <-time.After(time.Millisecond):
			if giveway.Waiting() > 0 {
				<-page
				return true
			}
		}
	}
}
