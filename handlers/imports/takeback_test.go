package imports_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

// The file of a spreadsheet that lost the zeros of an order ID, and what takes the mistake back.
func TestAMistakenOrderIsWithdrawnOnItsPageAndFoundByTheFilter(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("000124", "Pending release")})
	b := s.SignIn("supervisor1")
	handlerstest.ImportOrders(t, b, "order_id;line;lot;quantity\r\n987;L1;12345;5\r\n")
	o := s.Order("987")
	page := b.Get(handlerstest.OrderPath(o, ""))
	if form := page.Attr(".withdraw-order form", "action"); form != handlerstest.OrderPath(o, "/withdraw") {
		t.Fatalf("the page offers %q", form)
	}
	for _, who := range []string{"operator1", "auditor1"} {
		if s.SignIn(who).Get(handlerstest.OrderPath(o, "")).Text(".withdraw-order") != "" {
			t.Errorf("%s is offered it", who)
		}
	}
	if listed := b.Get(handlerstest.OrderPath(s.Order("000124"), "")); listed.Text(".withdraw-order") != "" {
		t.Error("an order that the API listed can be withdrawn")
	}
	if a := b.Post(handlerstest.OrderPath(o, "/withdraw")); a.Status != http.StatusBadRequest {
		t.Errorf("without a reason: %d", a.Status)
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/withdraw"), "why", "The zeros were lost.",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	if a := b.Post(handlerstest.OrderPath(o, "/withdraw"), "why", "Again."); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("main"), "withdrawn already") {
		t.Errorf("twice: %d %s", a.Status, a.Text("main"))
	}
	page = b.Get(handlerstest.OrderPath(o, ""))
	says(t, page, "main", "Withdrawn by Person supervisor1", "The zeros were lost.")
	if page.Text(".withdraw-order") != "" {
		t.Error("it can be withdrawn again")
	}
	if main := page.Text("main"); strings.Contains(main, "Change the line") ||
		strings.Contains(main, "It can be released once") {
		t.Errorf("a withdrawn order offers what cannot be: %s", main)
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/line"), "line", "L2", "was", fmt.Sprint(int64(o.Line.ID)),
	); a.Status != http.StatusConflict || s.Order("987").Line.Code != "L1" {
		t.Errorf("its line is set: %d %s", a.Status, a.Text("main"))
	}
	for _, board := range []string{"/", "/lines/L1", "/orders", "/lines/L1/queue"} {
		if strings.Contains(b.Get(board).Text("main"), "987") {
			t.Errorf("%s still shows it", board)
		}
	}
	for _, filter := range []string{"/orders?status=-withdrawn", "/orders?q=987"} {
		says(t, b.Get(filter), "main tbody", "987", "Withdrawn")
	}
	says(t, b.Get("/history?order=987"), "main", "Withdrew the order")
	if e := handlerstest.LastEntry(s, packaging.OrderWithdrawn); e.Comment != "The zeros were lost." {
		t.Errorf("%+v", e)
	}
}

func TestAnImportedValueAndAWholeImportAreGivenBackOnTheirPages(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("A1", "Pending release", "A2", "Pending release")})
	b := s.SignIn("supervisor1")
	was := s.Order("A1").Lot
	handlerstest.ImportOrders(t, b, "order_id;lot;quantity\r\nA1;WRONG1;7\r\nA2;WRONG2;7\r\nNEW;WRONG3;7\r\n")
	o := s.Order("A1")
	page := b.Get(handlerstest.OrderPath(o, ""))
	form := `form[action="` + handlerstest.OrderPath(o, "/give-back") + `"]`
	if got := page.Attr(form+" input[name=value]", "value"); got != "WRONG1" {
		t.Fatalf("the page offers to give %q back", got)
	}
	if names := page.All(form + " button"); !slices.Equal(
		names, []string{"Give the value back: Lot", "Give the value back: Quantity"},
	) {
		t.Errorf("the buttons are %q: each must say what it gives back", names)
	}
	give := func(value string) site.Answer {
		return b.Post(handlerstest.OrderPath(o, "/give-back"), "field", "lot", "value", value, "why", "A date.")
	}
	if a := give("ANOTHER"); a.Status != http.StatusConflict {
		t.Errorf("what does not count: %d", a.Status)
	}
	if a := give("WRONG1"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	if o := s.Order("A1"); o.Lot != was || o.Quantity != "7" {
		t.Errorf("%+v", o.Facts)
	}
	says(t, b.Get("/history?order=A1"), "main", "Lot given back to Movilitas.Cloud: WRONG1 → "+was)

	done := b.Get("/imports/1")
	to := done.Attr(`form[action$="/give-back"]`, "action")
	if s.SignIn("auditor1").Get("/imports/1").Attr(`form[action$="/give-back"]`, "action") != "" {
		t.Error("an auditor is offered to take an import back")
	}
	a := b.Post(to, "why", "The wrong file.")
	if a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	says(t, a, ".saved", "Values given back: 3", "orders withdrawn: 1", "orders that stay: 0")
	if a := b.Post(to, "why", "Again."); a.Status != http.StatusConflict {
		t.Errorf("what counts no more: %d", a.Status)
	}
	if a1, a2, fresh := s.Order("A1"), s.Order("A2"), s.Order("NEW"); a1.Quantity == "7" || a2.Lot != was ||
		!fresh.Withdrawn.Given() {
		t.Errorf("%+v %+v %+v", a1.Facts, a2.Facts, fresh)
	}
	if e := handlerstest.LastEntry(s, packaging.ImportGivenBack); e.Comment != "The wrong file." ||
		e.Object != "orders.csv" {
		t.Errorf("%+v", e)
	}
	if a := b.Get(handlerstest.OrderPath(s.Order("A1"), "/give-back")); a.Status != http.StatusSeeOther ||
		a.Header.Get("Location") != fmt.Sprint(handlerstest.OrderPath(o, "")) {
		t.Errorf("a reload leads to %d %s", a.Status, a.Header.Get("Location"))
	}
}
