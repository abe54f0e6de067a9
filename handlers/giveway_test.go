package handlers_test

import (
	"net/http"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/giveway"
	"lineboard/internal/testkit/site"
)

// TestPagesWaitWhileAPressOfReleaseComesIn has no tests beside it: there is one road for the whole program.
func TestPagesWaitWhileAPressOfReleaseComesIn(t *testing.T) {
	s := site.New(t, site.Options{})
	presser, reader, o := s.SignIn("supervisor1"), s.SignIn("operator1"), s.Order("Order143")
	press := handlerstest.Hold(
		t, presser, http.MethodPost, handlerstest.OrderPath(o, "/release"), "application/x-www-form-urlencoded",
		func() bool { return giveway.UnderWay() == 1 },
	)
	waited := func() bool {
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
	for !waited() { // half of the time is for pages
		if giveway.UnderWay() == 0 {
			t.Fatal("no page waited while a press came in")
		}
	}
	press.End(t, "revision=0")
	if n := giveway.UnderWay(); n != 0 {
		t.Errorf("afterwards %d presses are under way", n)
	}
}
