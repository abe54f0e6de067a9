package orders_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

func TestAnOddListShowsWhichEntriesAreOdd(t *testing.T) {
	t.Parallel()
	orders := handlerstest.RemoteOrders("FIRST", sandbox.PendingRelease, "SECOND", sandbox.PendingRelease)
	first, second := orders[0], orders[1]
	first.Serials = []string{"SHARED0001", "OTHER00001"}
	for i := range 120 {
		second.Serials = append(second.Serials, fmt.Sprintf("ENTRY%05d", i+1))
	}
	second.Serials[3] = second.Serials[1]
	second.Serials[9] = "SHARED0001"
	second.Serials[110] = strings.Repeat("X", 21)
	second.Serials[111] = "not GS1#"
	s := site.New(t, site.Options{Orders: []sandbox.Order{first, second}})
	b := s.SignIn("supervisor1")
	for _, key := range []string{"FIRST", "SECOND"} {
		b.Post(handlerstest.OrderPath(s.Order(key), "/release"))
	}
	path := handlerstest.OrderPath(s.Order("SECOND"), "/serials")

	page := b.Get(handlerstest.OrderPath(s.Order("SECOND"), ""))
	result := page.Text(".result")
	see, dismiss := strings.Index(result, "See which entries are odd"), strings.Index(result, "I have looked at it")
	if see < 0 || dismiss < see {
		t.Errorf("the way to the entries does not come before the acknowledging: %s", result)
	}
	page = b.Get(path)
	if all := page.All(".serials li"); len(all) != 100 || !strings.Contains(page.Text("main"), "1 to 100 of 120") {
		t.Errorf("%d entries, %s", len(all), page.Text(".serial-range"))
	}
	if marked := page.All(".odd-entry small"); len(marked) != 2 || !strings.Contains(marked[0], "Repeats entry 2") ||
		!strings.Contains(marked[1], "Also in the list of FIRST") {
		t.Errorf("marked on the first page: %q", marked)
	}
	if chips := page.All(".chips a"); !slices.ContainsFunc(chips, func(s string) bool {
		return strings.TrimSpace(s) == "4 odd entries"
	}) {
		t.Errorf("the filter offers %q", chips)
	}
	page = b.Get(path + "?odd=1")
	marked := page.All(".odd-entry")
	if len(marked) != 4 || len(page.All(".serials li")) != 4 || page.Text(".serial-range") != "Odd entries only: 4 of 120" ||
		!strings.Contains(marked[2], "Not 1 to 20 characters long") ||
		!strings.Contains(marked[3], "Has characters that GS1 does not allow") {
		t.Errorf("filtered: %q", marked)
	}
	// What came again later is marked in the first list, too.
	if marked := b.Get(handlerstest.OrderPath(s.Order("FIRST"), "/serials")).All(".odd-entry"); len(marked) != 1 ||
		!strings.Contains(marked[0], "Also in the list of SECOND") {
		t.Errorf("FIRST: %q", marked)
	}
	manager := s.SignIn("manager1")
	if said := manager.Get(
		"/history?deed=list_odd",
	).Text("table.history"); !strings.Contains(said, "1 repeated entry") || strings.Contains(said, "wrong_count") {
		t.Errorf("the history says %q", said)
	}
}

// However often other lists have the serials of one.
func TestEachEntryThatAnotherListHasIsMarked(t *testing.T) {
	t.Parallel()
	orders := handlerstest.RemoteOrders("FIRST", sandbox.PendingRelease, "SECOND", sandbox.PendingRelease)
	first, second := orders[0], orders[1]
	for i := range 20 {
		serial := fmt.Sprintf("SHARED%05d", i)
		first.Serials = append(first.Serials, serial, serial, serial)
		second.Serials = append(second.Serials, serial)
	}
	s := site.New(t, site.Options{Orders: []sandbox.Order{first, second}})
	b := s.SignIn("supervisor1")
	for _, key := range []string{"FIRST", "SECOND"} {
		b.Post(handlerstest.OrderPath(s.Order(key), "/release"))
	}
	marked := b.Get(handlerstest.OrderPath(s.Order("SECOND"), "/serials")).All(".odd-entry")
	if len(marked) != 20 || !strings.Contains(marked[19], "Also in the list of FIRST") {
		t.Errorf("%d of 20 are marked: %q", len(marked), marked)
	}
}

// What two orders are of may become known, or change, after their lists came.
func TestListsThatShareASerialSaySoOnceTheirGTINsDo(t *testing.T) {
	t.Parallel()
	orders := handlerstest.RemoteOrders("EARLY", sandbox.PendingRelease, "LATER", sandbox.PendingRelease)
	for i := range orders {
		orders[i].GTIN, orders[i].Quantity, orders[i].ExtraPercent = "", 2, 0
		orders[i].Serials = []string{"SHARED0001", orders[i].ID + "0002"}
	}
	s := site.New(t, site.Options{Orders: orders})
	b := s.SignIn("supervisor1")
	says := func(when string, want bool) {
		t.Helper()
		if err := s.Store.CompareLists(t.Context()); err != nil {
			t.Fatal(err)
		}
		for key, other := range map[string]string{"EARLY": "LATER", "LATER": "EARLY"} {
			page := b.Get(handlerstest.OrderPath(s.Order(key), ""))
			if got := strings.Contains(page.Text("main"), "Needs a look"); got != want {
				t.Errorf("%s, %s needs a look: %t", when, key, got)
			}
			marked := b.Get(handlerstest.OrderPath(s.Order(key), "/serials")).All(".odd-entry")
			if got := len(marked) == 1 && strings.Contains(marked[0], "Also in the list of "+other); got != want {
				t.Errorf("%s, of the list of %s are marked: %q", when, key, marked)
			}
		}
	}
	for _, key := range []string{"EARLY", "LATER"} {
		b.Post(handlerstest.OrderPath(s.Order(key), "/release"))
	}
	says("while nobody knows what they are of", false)
	handlerstest.ImportOrders(t, b, "order_id,gtin\nLATER,09506000134352\n")
	says("once one GTIN is known", false)
	handlerstest.ImportOrders(t, b, "order_id,gtin\nEARLY,9506000134352\n")
	says("once both are known", true)
	handlerstest.ImportOrders(t, b, "order_id,gtin\nEARLY,09506000134369\n")
	says("after one changed", true)
}

// While the program runs, nobody has to do anything for it.
func TestListsAreComparedByThemselvesOnceAGTINComes(t *testing.T) {
	t.Parallel()
	orders := handlerstest.RemoteOrders("EARLY", sandbox.PendingRelease, "LATER", sandbox.PendingRelease)
	for i := range orders {
		orders[i].GTIN, orders[i].Quantity, orders[i].ExtraPercent = "", 2, 0
		orders[i].Serials = []string{"SHARED0001", orders[i].ID + "0002"}
	}
	s := site.New(t, site.Options{Orders: orders})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	b := s.SignIn("supervisor1")
	for _, key := range []string{"EARLY", "LATER"} {
		b.Post(handlerstest.OrderPath(s.Order(key), "/release"))
	}
	handlerstest.ImportOrders(t, b, "order_id,gtin\nEARLY,09506000134352\nLATER,09506000134352\n")
	for limit := time.Now().Add(time.Minute); !s.Order("EARLY").NeedsLook() || !s.Order("LATER").NeedsLook(); {
		if time.Now().After(limit) {
			t.Error("the two orders never need a look")
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
