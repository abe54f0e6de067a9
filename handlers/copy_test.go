package handlers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/app"
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
