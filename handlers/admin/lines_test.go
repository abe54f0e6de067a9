package admin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/testkit/site"
)

func TestLinesAreAddedRenamedAndHiddenButNeverLost(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("administrator1")
	for change, want := range map[[2]string]int{
		{"l1", "Again"}: http.StatusConflict, {"L 9/", "Bad code"}: http.StatusBadRequest,
		{"L9", " "}: http.StatusBadRequest, {"L9", strings.Repeat("x", 101)}: http.StatusBadRequest,
	} {
		if a := b.Post("/admin/lines", "code", change[0], "name", change[1]); a.Status != want ||
			a.Text("[role=alert]") == "" {
			t.Errorf("%q: %d, want %d", change, a.Status, want)
		}
	}
	if a := b.Post("/admin/lines", "code", "L 9.b", "name", "Old tray line"); a.Status != http.StatusSeeOther {
		t.Fatalf("add: %d", a.Status)
	}
	if a := b.Post("/admin/lines/L%209.b", "name", "Tray line 9"); a.Status != http.StatusSeeOther {
		t.Fatalf("rename: %d", a.Status)
	}
	if lanes := b.Get("/").Text(".lanes"); !strings.Contains(lanes, "Tray line 9") {
		t.Errorf("lanes %s", lanes)
	}
	b.Post("/admin/lines/L%209.b", "do", "retire")
	b.Post("/admin/lines/L1", "do", "retire")
	if lanes := b.Get("/").Text(".lanes"); strings.Contains(lanes, "Tray line 9") ||
		!strings.Contains(lanes, "Blister line 1") {
		t.Errorf("a hidden line shows while orders are open there, and not without: %s", lanes)
	}
	if page := b.Get("/admin/lines").Text("main"); !strings.Contains(page, "L 9.bHidden") {
		t.Errorf("lines %s", page)
	}
	b.Post("/admin/lines/L%209.b", "do", "take_back")
	if lanes := b.Get("/").Text(".lanes"); !strings.Contains(lanes, "Tray line 9") {
		t.Errorf("lanes %s", lanes)
	}
	var said []string
	for _, e := range s.History()[:5] {
		said = append(said, e.Object+": "+e.Old+" → "+e.New)
	}
	want := []string{
		"line L 9.b: Tray line 9 · retired → Tray line 9", "line L1: Blister line 1 → Blister line 1 · retired",
		"line L 9.b: Tray line 9 → Tray line 9 · retired", "line L 9.b: Old tray line → Tray line 9",
		"line L 9.b:  → Old tray line",
	}
	if !slices.Equal(said, want) {
		t.Errorf("history %q", said)
	}
}

func TestLinesThatOrdersNameAreSetUpTogether(t *testing.T) {
	t.Parallel()
	orders := handlerstest.RemoteOrders(
		"a", "Pending release", "b", "Open", "c", "In progress", "d", "Suspended", "e", "Held by customs", "f", "Done",
		"g", "Pending release",
	)
	for i, code := range []string{"L8", "L8", "L8", "L8", "L8", "L8", "L9"} {
		orders[i].LineCode, orders[i].LineName = code, "Line "+code
	}
	s := site.New(t, site.Options{Orders: orders})
	admin := s.SignIn("administrator1")
	page := admin.Get("/admin/lines")
	if said := page.Text(".found-lines p"); !strings.Contains(said, "L8 (5)") || !strings.Contains(said, "L9 (1)") {
		t.Fatalf("found: %q", said)
	}
	codes := page.Values(".found-lines [name=code]")
	if a := admin.PostAll(
		"/admin/found-lines", "code", codes[0], "code", codes[1], "code", "L77",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("set up all: %d %s", a.Status, a.Text("main"))
	}
	after := admin.Get("/admin/lines")
	if said := after.Text(".found-lines"); said != "" {
		t.Errorf("they are still found: %q", said)
	}
	if names := strings.Join(after.Values("input[name=name]"), " "); !strings.Contains(names, "Line L8 Line L9") ||
		strings.Contains(names, "L77") {
		t.Errorf("the lines are %q", names)
	}
	if lanes := s.SignIn("supervisor1").Get("/").Text(".lanes"); strings.Contains(lanes, "Not set up here") {
		t.Errorf("the overview says %q", lanes)
	}
}
