package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

func TestAHintStandsOnItsPageUntilThePersonPutsItAway(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.ThreeShifts("ghent")
	s.Clock.Move(9 * time.Hour)
	b, administrator := s.SignIn("supervisor1"), s.SignIn("administrator1")
	manager := s.SignIn("manager1")
	o := s.Order("Order143")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.CutAfter, Times: 1})
	b.Post(handlerstest.OrderPath(o, "/release"))
	b.Post(handlerstest.OrderPath(o, "/ask"))
	preview := b.Post("/imports", "orders", "order_id;lot\nOrder144;NEW-7\n").Header.Get("Location")
	const shift = "/shifts/2026-11-23/Early"
	for hint, page := range map[string]string{
		"overview": "/", "line": "/lines/L1", "order": handlerstest.OrderPath(o, ""), "orders": "/orders?q=Order",
		"queue": "/lines/L1/queue",
		"list":  handlerstest.OrderPath(o, "/list"), "serials": handlerstest.OrderPath(o, "/serials"),
		"history": "/history", "entry": "/history/1",
		"adopt": "/adopt?code=L3", "scan": "/scan", "imports": "/imports", "preview": preview,
		"shifts": "/shifts", "report": shift, "handover": shift + "/handover", "sign": shift + "/sign",
		"account": "/account", "pin": "/account/pin",
		"setup": "/admin", "connection": "/admin/connection", "site": "/admin/site", "set_lines": "/admin/lines",
		"people": "/admin/people",
		"person": "/admin/people/new", "stations": "/admin/stations", "sessions": "/admin/sessions",
		"tokens": "/admin/tokens", "set_shifts": "/admin/shifts", "sso": "/admin/sso",
	} {
		b := b
		switch {
		case strings.HasPrefix(page, "/admin"):
			b = administrator
		case hint == "sign":
			b = manager
		}
		seen := b.Get(page)
		if seen.Attr(".hint input[name=hint]", "value") != hint ||
			seen.Attr(".hint input[name=next]", "value") != page {
			t.Errorf("%s: hint %q", page, seen.Text(".hint"))
		}
		if a := b.Post("/hints", "hint", hint, "next", page); a.Status != http.StatusSeeOther ||
			a.Header.Get("Location") != page {
			t.Errorf("%s: %d to %q", page, a.Status, a.Header.Get("Location"))
		}
		if got := b.Get(page).Text(".hint"); got != "" {
			t.Errorf("%s: put away, and still %q", page, got)
		}
	}
	if got := b.Get("/?wall").Text(".hint"); got != "" {
		t.Errorf("on the wall: %q", got)
	}
	if got := s.SignIn("supervisor1").Get("/").Text(".hint"); got != "" {
		t.Errorf("the same person at another device is told again: %q", got)
	}
	if got := s.SignIn("operator1").Get("/").Text(".hint"); got == "" {
		t.Error("another person is not told")
	}
	if a := b.Post("/hints", "hint", "nonsense"); a.Status != http.StatusBadRequest {
		t.Errorf("a hint that there is not: %d", a.Status)
	}
}

func TestTheHelpExplainsWhatAnOrdersPageLeadsTo(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "cut_after", Times: 1})
	b.Post(handlerstest.OrderPath(s.Order("Order144"), "/release"))
	b.Post(handlerstest.OrderPath(s.Order("Order143"), "/release"))
	help := b.Get("/help")
	if strings.Contains(help.Body, "id=\"tour\"") {
		t.Error("a way through the demo, where there is none")
	}
	for _, key := range []string{"Order136", "Order138", "Order139", "Order143", "Order144", "Order145", "Order147"} {
		page := b.Get(handlerstest.OrderPath(s.Order(key), ""))
		_, topic, ok := strings.Cut(page.Attr(".meaning", "href"), "/help#")
		if !ok || help.Text("#"+topic+" dd") == "" {
			t.Errorf("%s leads to %q, which is not explained", key, page.Attr(".meaning", "href"))
		}
	}
}

func TestATextForTheAdministratorSaysAllAndNoSecret(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	s.Box.SetStatus("Order143", "Suspended")
	b.Post(handlerstest.OrderPath(o, "/release"))
	got := b.Get(handlerstest.OrderPath(o, "")).Text(".support pre")
	for _, says := range []string{
		"Plant Ghent", "Order143 was not released.", "in status Suspended", "Line: Blister line 1",
		"Who: Person supervisor1", "Packaging order Order143 is in status: Suspended",
	} {
		if !strings.Contains(got, says) {
			t.Errorf("%q is not in %q", says, got)
		}
	}
	for _, secret := range []string{sandbox.APIKey, sandbox.APISecret, sandbox.ChannelKey} {
		if strings.Contains(got, secret) {
			t.Errorf("a credential stands in %q", got)
		}
	}
}
