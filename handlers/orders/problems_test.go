package orders_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
	"lineboard/internal/text"
)

// answers stands for the API: each order gets the answer of its key.
type answers map[string]packaging.Answer

func (a answers) ReleaseToLine(_ context.Context, key string) packaging.Answer { return a[key] }

// problems has a row for each reason why a release may not work, be it of the API's table of errors or of what stands
// between: whether it is proven that nothing was done, and which button the order's page has.
var problems = map[packaging.Reason]struct {
	unknown bool
	button  string
}{
	packaging.NoToken:        {button: retry},
	packaging.TokenRejected:  {button: retry},
	packaging.ChannelKey:     {button: retry},
	packaging.BodyNotParsed:  {button: retry},
	packaging.NotValid:       {button: retry},
	packaging.OrderNotFound:  {button: check},
	packaging.WrongStatus:    {button: check},
	packaging.OtherRefusal:   {unknown: true, button: askNow},
	packaging.SignInRejected: {button: retry},
	packaging.SignInFailed:   {button: retry},
	packaging.NotConfigured:  {button: retry},
	packaging.NotConnected:   {button: retry},
	packaging.Throttled:      {button: retry},
	packaging.CloudDown:      {button: retry},
	packaging.NotAnchored:    {button: retry},
	packaging.NotCopied:      {button: retry},
	packaging.TakenOver:      {button: retry},
	packaging.NotCarriedOut:  {button: retry},
	packaging.StillPending:   {button: retry},
	packaging.ByWord:         {button: retry},
	packaging.TimedOut:       {unknown: true, button: askNow},
	packaging.Cut:            {unknown: true, button: askNow},
	packaging.ServerError:    {unknown: true, button: askNow},
	packaging.Unreadable:     {unknown: true, button: askNow},
	packaging.Interrupted:    {unknown: true, button: askNow},
	packaging.RecordLost:     {unknown: true, button: askNow},
	packaging.NotStored:      {unknown: true, button: askNow},

	packaging.StatusContradicts: {unknown: true, button: askNow},
}

// The buttons: to try again where that is safe, to look where the order stands, and to ask about what is not known.
const (
	retry  = "#release .arm button"
	check  = ".result .check-status button"
	askNow = ".result .settle button"
)

func TestEveryProblemOfAReleaseSaysWhatWhyAndWhatToDoAndHasItsButton(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	source, err := os.ReadFile("../../internal/packaging/reason.go")
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`Reason += "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(known) != len(problems) {
		t.Errorf("there are %d reasons, and rows of %d", len(known), len(problems))
	}
	api := answers{}
	var all []sandbox.Order
	for _, m := range known {
		reason := packaging.Reason(m[1])
		problem, ok := problems[reason]
		if !ok {
			t.Fatalf("%s has no row", reason)
		}
		api[m[1]] = packaging.Answer{
			Outcome: packaging.Refused, Reason: reason, HTTPStatus: 400, Code: "ERR4711", Message: "words of the API",
		}
		if problem.unknown {
			api[m[1]] = packaging.Answer{Outcome: packaging.Unknown, Reason: reason, Message: "words of the API"}
		}
		if reason == packaging.WrongStatus {
			answer := api[m[1]]
			answer.Status = packaging.Suspended
			api[m[1]] = answer
		}
		all = append(all, handlerstest.RemoteOrders(m[1], "Pending release")...)
	}
	s := site.New(t, site.Options{Orders: all})
	releaser := release.New(
		s.Store, func(context.Context, packaging.TenantID) (release.API, error) { return api, nil },
		slog.New(slog.DiscardHandler),
	)
	b := s.SignIn("supervisor1")
	for key := range api {
		o := s.Order(key)
		settled, err := releaser.Release(
			t.Context(), s.Person("supervisor1"), packaging.Press{Order: o.ID, Revision: o.Revision},
		)
		if err != nil {
			t.Fatal(key, err)
		}
		<-settled
	}
	for _, l := range text.Languages {
		b.Post("/language", "language", string(l))
		for key := range api {
			problem := problems[packaging.Reason(key)]
			page := b.Get(handlerstest.OrderPath(s.Order(key), ""))
			told := page.All(".result .told > p")
			if len(told) < 3 || !strings.Contains(told[0], key) {
				t.Errorf("%s in %s says only %q", key, l, told)
				continue
			}
			for i, part := range []string{"what", "why", "what to do"} {
				if strings.TrimSpace(told[i]) == "" || strings.Contains(told[i], "reason.") {
					t.Errorf("%s in %s does not say %s: %q", key, l, part, told)
				}
			}
			if why := told[1]; l != text.English && strings.Contains(why, "Movilitas.Cloud did not") {
				t.Errorf("%s in %s is English: %q", key, l, why)
			}
			for _, button := range []string{retry, check, askNow} {
				if got := page.Text(button) != ""; got != (button == problem.button) {
					t.Errorf("%s in %s: %s is there: %v", key, l, button, got)
				}
			}
			if ready := page.Text(".support pre"); !strings.Contains(ready, key) ||
				!strings.Contains(ready, strings.TrimSpace(told[0])) ||
				page.Attr(".support [data-copy]", "data-copy") == "" {
				t.Errorf("%s in %s: the text for the administrator is %q", key, l, ready)
			}
			raw := page.Text(".result .told > details:last-of-type")
			if !strings.Contains(raw, "words of the API") ||
				page.Attr(".result .told > details:last-of-type", "open") != "" {
				t.Errorf("%s in %s: the raw words are %q", key, l, raw)
			}
		}
	}
}

func TestTheStatusOfARefusedOrderIsCheckedFromItsPage(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	s.Box.SetStatus("Order143", sandbox.Suspended)
	b.Post(handlerstest.OrderPath(o, "/release"))
	s.Box.SetStatus("Order143", sandbox.PendingRelease)
	s.Clock.Move(time.Minute)
	page := b.Get(handlerstest.OrderPath(o, ""))
	a := b.Post(page.Attr(".check-status", "action"), "order", page.Attr(".check-status input[name=order]", "value"))
	if a.Status != 303 || a.Header.Get("Location") != handlerstest.OrderPath(o, "") {
		t.Fatalf("checked: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if got := b.Get(handlerstest.OrderPath(o, "")); got.Text(retry) == "" {
		t.Errorf("then: %s", got.Text("#release"))
	}
	if a := b.Post("/refresh", "order", fmt.Sprint(o.ID)); a.Status != 303 ||
		a.Header.Get("Location") != handlerstest.OrderPath(o, "") {
		t.Errorf("again at once: %d to %q", a.Status, a.Header.Get("Location"))
	}
}
