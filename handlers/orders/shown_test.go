package orders_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

func TestARealSerialNumberIsShownBeforeTheLineBeginsAndScanningItSaysSo(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	o := s.Order("Order143")
	show := func(b *site.Browser, pairs ...string) site.Answer {
		return b.Post(handlerstest.OrderPath(o, "/serials/show"), pairs...)
	}
	if a := show(b, "not_begun", "yes"); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("main"), "No list of this order is here") {
		t.Errorf("before its release: %d %s", a.Status, a.Text("main"))
	}
	b.Post(handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
	if got := b.Get(
		handlerstest.OrderPath(o, "/serials"),
	).Attr(".show-serial form", "action"); got != handlerstest.OrderPath(o, "/serials/show") {
		t.Fatalf("the page offers %q", got)
	}
	auditor := s.SignIn("auditor1")
	if auditor.Get(handlerstest.OrderPath(o, "/serials")).Text(".show-serial") != "" ||
		show(auditor, "not_begun", "yes").Status != http.StatusForbidden {
		t.Error("an auditor, who may not release, is shown one")
	}
	if a := show(b); a.Status != http.StatusBadRequest || handlerstest.LastEntry(s, packaging.SerialShown).Seq != 0 {
		t.Errorf("without a word on the line: %d", a.Status)
	}
	a := show(b, "not_begun", "yes")
	serials := b.Get(handlerstest.OrderPath(o, "/serials")).All("code.serial")
	last := serials[len(serials)-1]
	if a.Status != http.StatusOK || !strings.Contains(a.Text("figcaption"), "(21)"+last) ||
		!strings.Contains(a.Text("figcaption"), "not for printing on packs") {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	symbol, err := gs1.Draw(gs1.Pack{GTIN: o.GTIN, Expiry: o.Expiry, Lot: o.Lot, Serial: last})
	if err != nil || a.Attr("svg path.dark", "d") != symbol.Path() {
		t.Errorf("the image is not that of the serial number, %v", err)
	}
	e := handlerstest.LastEntry(s, packaging.SerialShown)
	if e.New != last || e.OrderKey != o.Key || e.By.Username != "supervisor1" {
		t.Errorf("%+v", e)
	}
	if again := show(b, "not_begun", "yes"); !strings.Contains(again.Text("figcaption"), "(21)"+last) {
		t.Errorf("another one is shown the second time: %s", again.Text("figcaption"))
	}
	scan := func(serial string) site.Answer {
		return b.Get("/scan?code=" + url.QueryEscape("01"+o.GTIN+"10"+o.Lot+"\x1d21"+serial))
	}
	if got := scan(last); !strings.Contains(got.Text(".scanned .what"), "shown as test at") ||
		strings.Contains(got.Text(".scanned .what"), "known") {
		t.Errorf("scanning it says %s", got.Text(".scanned"))
	}
	for reason, query := range map[string]string{
		"another lot":       "01" + o.GTIN + "10WRONG9\x1d21" + last,
		"no keys were seen": "01" + o.GTIN + "10" + o.Lot + "\x1d21" + last + "&typed=unseen",
	} {
		code, typed, _ := strings.Cut(query, "&")
		got := b.Get("/scan?code=" + url.QueryEscape(code) + "&" + typed)
		if !strings.Contains(got.Text(".result"), "shown as test at") {
			t.Errorf("%s: the scan says %s", reason, got.Text(".result"))
		}
	}
	if got := scan(serials[0]).Text(".scanned .what"); strings.Contains(got, "shown as test") {
		t.Errorf("scanning another says %s", got)
	}
	if got := b.Get(handlerstest.OrderPath(o, "/serials.json")).Body; !strings.Contains(got, last) {
		t.Error("it has left the list")
	}
	s.Box.SetStatus(o.Key, sandbox.Suspended)
	s.Refresh()
	if a := show(b, "not_begun", "yes"); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("main"), "The line has begun") {
		t.Errorf("once the line has begun: %d %s", a.Status, a.Text("main"))
	}
	s.Box.SetStatus(o.Key, sandbox.InProgress) // resumed
	s.Refresh()
	if a := show(b, "not_begun", "yes"); a.Status != http.StatusConflict {
		t.Errorf("after it was suspended: %d", a.Status)
	}
	if a := b.Get(handlerstest.OrderPath(o, "/serials/show")); a.Status != http.StatusSeeOther {
		t.Errorf("loaded again: %d", a.Status)
	}
}
