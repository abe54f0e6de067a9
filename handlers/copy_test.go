package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/app"
	"lineboard/internal/packaging"
	"lineboard/internal/replica"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

func TestEachPageSaysWhetherTheCopyIsThereWheneverItIsAskedFor(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	s := site.New(t, site.Options{Replica: app.Replica{Wait: time.Second, Sync: func(context.Context) error {
		if down.Load() {
			return errors.New("no copy")
		}
		return nil
	}}})
	b := s.SignIn("supervisor1")
	says := func() (all []bool) {
		t.Helper()
		for _, page := range []string{"/", "/lines/L1", "/account"} {
			all = append(all, strings.Contains(b.Get(page).Text("body"), "The copy of the data has been behind since"))
		}
		return all
	}
	press := func(key string) int {
		t.Helper()
		o := s.Order(key)
		return b.Post(handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision)).Status
	}
	if got := says(); fmt.Sprint(got) != "[false false false]" {
		t.Errorf("at first: %v", got)
	}
	down.Store(true)
	if status := press("Order146"); status != http.StatusSeeOther && status != http.StatusOK {
		t.Fatalf("a press without the copy: %d", status)
	}
	if n := len(s.Box.Released()); n != 0 {
		t.Errorf("%d releases were carried out", n)
	}
	s.Clock.Move(6 * time.Second)
	if got := says(); fmt.Sprint(got) != "[true true true]" {
		t.Errorf("without the copy: %v", got)
	}
	down.Store(false)
	press("Order148")
	if got := says(); fmt.Sprint(got) != "[false false false]" {
		t.Errorf("with it again: %v", got)
	}
}

func TestAReleaseThatTheCopyLacksSaysSoWhereverPeopleLookUntilItIsThere(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	odd := sandbox.Order143(time.Now())
	odd.ID, odd.Serials = "Odd1", []string{"O1", "O1"}
	orders := append(sandbox.Sample(time.Now()), odd)
	s := site.New(t, site.Options{Orders: orders, Replica: app.Replica{Wait: time.Second, Sync: func(context.Context) error {
		if down.Load() {
			return errors.New("no copy")
		}
		return nil
	}}})
	s.ThreeShifts("ghent")
	s.SetRules(packaging.Rules{LockAfter: 5 * time.Minute, ReleaseUncopied: true})
	b := s.SignIn("supervisor1")
	press := func(key string) {
		t.Helper()
		o := s.Order(key)
		a := b.Post(handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
		if a.Status != http.StatusSeeOther {
			t.Fatalf("%s: %d", key, a.Status)
		}
	}
	of := func(key string) map[string]bool {
		t.Helper()
		order := handlerstest.OrderPath(s.Order(key), "")
		link := `:has(a[href="` + order + `"])`
		board, report := b.Get("/lines/L1"), b.Get("/shifts/2026-11-23/Early")
		return map[string]bool{
			"board":     strings.Contains(board.Text(".strip > p"+link), "not yet copied"),
			"page":      strings.Contains(b.Get(order).Text(".result"), "Not yet in the copy of the data"),
			"report":    strings.Contains(report.Text(".report-releases tr"+link), "Not yet in the copy of the data"),
			"overview":  strings.Contains(b.Get("/").Text(`.lane a[href="`+order+`"]`), "not yet copied"),
			"orders":    strings.Contains(b.Get("/orders").Text("tr"+link), "not yet copied"),
			"scan":      strings.Contains(b.Get("/scan?code="+key).Text(".scanned"), "Not yet in the copy of the data"),
			"hand-over": strings.Contains(b.Get("/shifts/2026-11-23/Early/handover").Text("li"+link), "not yet copied"),
		}
	}
	wall := func() bool { t.Helper(); return strings.Contains(b.Get("/?wall").Text(".wall-rows"), "not yet copied") }
	press("Order143")
	down.Store(true)
	press("Odd1")
	for place, says := range of("Odd1") {
		if !says {
			t.Errorf("while the copy lacks it: not in %s", place)
		}
	}
	if !wall() {
		t.Error("while the copy lacks it: not on the wall")
	}
	for place, says := range of("Order143") {
		if says {
			t.Errorf("of one that is there: %s", place)
		}
	}
	down.Store(false)
	if err := s.App.Copy.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := func() bool { return !slices.Contains(slices.Collect(maps.Values(of("Odd1"))), true) && !wall() }
	for limit := time.Now().Add(60 * time.Second); !told(); time.Sleep(10 * time.Millisecond) { // marks go just after it
		if time.Now().After(limit) {
			t.Fatalf("once it is there: %v, the wall %t", of("Odd1"), wall())
		}
	}
}

func TestBesideAStandbyNobodyCanChooseToGoOnWithoutTheCopy(t *testing.T) {
	t.Parallel()
	place, err := replica.Open(t.TempDir(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	guard, err := replica.NewGuard(
		place, filepath.Join(t.TempDir(), "epoch"), func(int64) {}, time.Now, slog.New(slog.DiscardHandler),
	)
	if err != nil {
		t.Fatal(err)
	}
	s := site.New(t, site.Options{Replica: app.Replica{
		Wait: time.Second, Guard: guard, Sync: func(context.Context) error { return nil },
	}})
	b := s.SignIn("administrator1")
	page := b.Get("/admin/releases")
	if len(page.All("input[name=uncopied][disabled]")) != 1 ||
		!strings.Contains(page.Text("main"), "A standby can take over here.") {
		t.Errorf("the page: %s", page.Text("main"))
	}
	if a := b.Post("/admin/releases", "uncopied", "yes"); a.Status != http.StatusSeeOther {
		t.Fatalf("the form: %d", a.Status)
	}
	rules, err := s.Store.Rules(t.Context(), s.Person("administrator1").Tenant.ID)
	if err != nil || rules.ReleaseUncopied {
		t.Errorf("it is chosen all the same: %+v, %v", rules, err)
	}
}
