package handlers_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/site"
)

// counted are three lines in the order in which people count, and one of the API beside each.
var counted = []packaging.Line{
	{Code: "L1", Name: "Blister line one"}, {Code: "L2", Name: "Vial line two"}, {Code: "L10", Name: "Ampoule line ten"},
}

// unsorted is a site with these lines, set up in another order. On each an order was released in the shift that runs,
// another waits, and there are a station, a destination, and a person and a token that are limited to all three.
func unsorted(t *testing.T) *site.Site {
	t.Helper()
	var orders []sandbox.Order
	for _, code := range []string{"X10", "L10", "X2", "L2", "L1"} {
		for _, kind := range []string{"out", "waits"} {
			o := sandbox.Order143(time.Now())
			o.ID, o.LineCode, o.LineName, o.Serials = code+"-"+kind, code, "", nil
			orders = append(orders, o)
		}
	}
	s := site.New(t, site.Options{Orders: orders})
	s.ThreeShifts("ghent")
	setup := s.Setup("ghent")
	setup.Lines = slices.Clone(counted)
	slices.Reverse(setup.Lines)
	provision := func() {
		if err := s.Store.Provision(t.Context(), db.Site{setup}); err != nil {
			t.Fatal(err)
		}
	}
	provision()
	s.Limit("operator1", "L10", "L2", "L1")
	provision() // the limit gave two lines other names
	s.Refresh()
	b, admin := s.SignIn("supervisor1"), s.SignIn("administrator1")
	for _, line := range setup.Lines {
		for _, name := range []string{"Line PC 10", "Line PC 2"} {
			to := packaging.Destination{
				Line: line, Name: name, Kind: packaging.PullDestination, Format: packaging.JSONFormat,
				LateAfter: time.Hour, GiveUp: 2 * time.Hour,
			}
			if _, err := s.Store.AddDestination(t.Context(), s.Person("administrator1"), to, secret.Text{}); err != nil {
				t.Fatal(err)
			}
		}
		o := s.Order(line.Code + "-out")
		if a := b.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d", o.Key, a.Status)
		}
		s.StationCode("Tablet of "+line.Code, line.Code)
	}
	s.StationCode("Tablet 10", "L1")
	s.StationCode("Tablet 2", "L1")
	admin.PostAll("/admin/tokens", "name", "SAP", "scope", "orders", "line", "L10", "line", "L2", "line", "L1")
	return s
}

// Wherever lines, stations and destinations are listed, L2 comes before L10.
func TestLinesStandAsPeopleCountThemWhereverTheyAreListed(t *testing.T) {
	t.Parallel()
	s := unsorted(t)
	one, two, ten := counted[0].Name, counted[1].Name, counted[2].Name
	for who, lists := range map[string][]struct {
		path, at string
		want     []string
	}{
		"supervisor1": {
			{"/", ".lanes", []string{one, two, ten, "X2", "X10"}},
			{"/?wall", ".wall-rows", []string{one, two, ten, "X2", "X10"}},
			{"/orders", "select[name=line]", []string{one, two, ten, "X2", "X10"}},
			{"/orders?sort=line", "table", []string{"L1-out", "L2-out", "L10-out"}},
			{handlerstest.OrderPath(s.Order("L1-waits"), ""), "select[id=set-line]", []string{two, ten}},
			{handlerstest.OrderPath(s.Order("L1-out"), ""), "main", []string{"Line PC 2", "Line PC 10"}},
			{"/history", "select[name=line]", []string{one, two, ten}},
			{"/shifts/2026-11-23/Early", ".scroll:has(.figures)", []string{one, two, ten}},
			{"/shifts/2026-11-23/Early", ".plots", []string{one, two, ten}},
			{"/shifts/2026-11-23/Early", "main", []string{"Line PC 2", "Line PC 10"}},
			{"/shifts/2026-11-23/Early/report.csv?table=figures", "", []string{one, two, ten}},
			{
				"/shifts/2026-11-23/Early/report.csv?table=deliveries", "",
				[]string{one + ",Line PC 2", one + ",Line PC 10", two, ten},
			},
			{"/shifts/2026-11-23/Early/handover", ".waits", []string{one, two, ten, "X2", "X10"}},
		},
		"administrator1": {
			{"/admin/lines", "main", []string{"X2", "X10", "L1", "L2", "L10"}},
			{"/admin/lines", "main", []string{"Line PC 2", "Line PC 10"}},
			{"/admin/stations", "select[name=line]", []string{one, two, ten}},
			{"/admin/stations", "main", []string{"Tablet 2", "Tablet 10", "Tablet of L1", "Tablet of L2", "Tablet of L10"}},
			{"/admin/people", "main", []string{one, two, ten}},
			{"/admin/people/new", "main", []string{one, two, ten}},
			{"/admin/tokens", "main", []string{one, two, ten}},
			{"/admin/alarms", "main", []string{one, two, ten}},
			{"/history", "main", []string{"L1, L2, L10"}},
		},
		"operator1": {{"/account", "main", []string{one, two, ten}}},
	} {
		b := s.SignIn(who)
		for _, list := range lists {
			a := b.Get(list.path)
			text := a.Body
			if list.at != "" {
				text = a.Text(list.at)
			}
			if a.Status != http.StatusOK || !inTurn(text, list.want) {
				t.Errorf("%s, %s %s: %d, want %q in turn in %s", who, list.path, list.at, a.Status, list.want, text)
			}
		}
	}
}

// inTurn says whether a text names all, each after the first place of the one before.
func inTurn(text string, all []string) bool {
	from := 0
	for _, one := range all {
		at := strings.Index(text, one)
		if at < from {
			return false
		}
		from = at + 1
	}
	return true
}
