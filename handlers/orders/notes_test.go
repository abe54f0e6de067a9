package orders_test

import (
	"net/http"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/testkit/site"
)

// Boards are drawn once for all who have the same rights. What only one of them may do must not show for the others.
func TestOnlyTheAuthorOfANoteIsOfferedToWithdrawIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddPerson("supervisor3")
	author, other := s.SignIn("supervisor1"), s.SignIn("supervisor3")
	o := s.Order("Order143")
	for at, post := range map[string]string{
		"/lines/L1": "/lines/L1/notes", handlerstest.OrderPath(o, ""): handlerstest.OrderPath(o, "/notes"),
	} {
		if a := author.Post(post, "words", "Printer cleaned"); a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d", post, a.Status)
		}
		for range 2 { // drawn, and then as it is kept
			if page := other.Get(at); !strings.Contains(page.Text(".notes"), "Printer cleaned") ||
				len(page.All(".withdraw")) != 0 {
				t.Errorf("%s offers somebody else: %s", at, page.Text(".notes"))
			}
			if page := author.Get(at); len(page.All(".withdraw form")) != 1 {
				t.Errorf("%s offers its author: %s", at, page.Text(".notes"))
			}
		}
		author.Post(author.Get(at).Attr(".withdraw form", "action"), "why", "It was another printer")
		if page := author.Get(at); len(page.All(".withdraw")) != 0 {
			t.Errorf("%s offers to withdraw a note again", at)
		}
	}
}
