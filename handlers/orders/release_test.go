package orders_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
	"lineboard/views/shell"
)

func TestOrder143IsReleasedWithItsElevenSerialsExactly(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	want := sandbox.Order143(s.Clock.Now()).Serials
	if len(want) != 11 {
		t.Fatalf("the sandbox has %d serials for Order143", len(want))
	}

	armed := b.Get(handlerstest.OrderPath(o, "?arm=1"))
	if got := armed.Text("form.execute button"); got != "Release Order143 to Blister line 1" {
		t.Errorf("the second button says %q", got)
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision),
	); a.Status != http.StatusSeeOther || a.Header.Get("Location") != handlerstest.OrderPath(o, "#release") {
		t.Fatalf("release: %d to %q", a.Status, a.Header.Get("Location"))
	}

	page := b.Get(handlerstest.OrderPath(o, ""))
	if got := page.Text(".result .what"); got != "Order143 is released to Blister line 1." {
		t.Errorf("result %q", got)
	}
	list := b.Get(handlerstest.OrderPath(o, "/serials"))
	if diff := cmp.Diff(want, list.All("code.serial")); diff != "" {
		t.Errorf("serials on the page (-want +got)\n%s", diff)
	}
	if got := list.Text(".serial-count"); got != "11 serial numbers as many as expected" {
		t.Errorf("count %q", got)
	}

	rows, err := csv.NewReader(strings.NewReader(b.Get(handlerstest.OrderPath(o, "/serials.csv")).Body)).ReadAll()
	if err != nil || len(rows) != 12 {
		t.Fatalf("csv: %d rows, %v", len(rows), err)
	}
	if e := s.History()[0]; e.Deed != packaging.Exported || e.Object != "serials.csv" || e.OrderKey != "Order143" ||
		e.By.Username != "supervisor1" {
		t.Errorf("the download is recorded as %+v", e)
	}
	var fromCSV []string
	for _, row := range rows[1:] {
		fromCSV = append(fromCSV, row[1])
	}
	var fromJSON struct {
		OrderID string `json:"order_id"`
		Count   int
		Serials []string
	}
	if err := json.Unmarshal([]byte(b.Get(handlerstest.OrderPath(o, "/serials.json")).Body), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{want, want}, [][]string{fromCSV, fromJSON.Serials}); diff != "" ||
		fromJSON.Count != 11 || fromJSON.OrderID != "Order143" {
		t.Errorf("downloads (-want +got)\n%s%+v", diff, fromJSON)
	}

	after := s.Order("Order143")
	if after.Status != packaging.InProgress || after.Release.Outcome != packaging.Released ||
		after.Release.Serials != 11 || len(after.Release.Oddities) != 0 {
		t.Errorf("order %s, release %+v", after.Status, after.Release)
	}
	entries := s.History()
	var ended packaging.Entry
	for _, e := range entries {
		if e.Deed == packaging.ReleaseEnded {
			ended = e
		}
	}
	if ended.By.Username != "supervisor1" || ended.OrderKey != "Order143" || ended.LineCode != "L1" ||
		ended.Outcome != packaging.Released ||
		ended.Message != "Packaging order released" || ended.HTTPStatus != 200 || ended.Serials != 11 ||
		ended.Took <= 0 {
		t.Errorf("history %+v", ended)
	}
}

func TestASecondPressSendsNothingAndSaysWhy(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := s.Order("Order143")
	s.SignIn("supervisor1").Post(handlerstest.OrderPath(o, "/release"))
	again := s.SignIn("manager1").Post(handlerstest.OrderPath(o, "/release"))
	if again.Status != http.StatusConflict {
		t.Errorf("status %d", again.Status)
	}
	if text := again.Text("#order"); !strings.Contains(text, "A release of this order from here is recorded.") ||
		!strings.Contains(text, "Person supervisor1") {
		t.Errorf("the page says %q", text)
	}
	if a := s.SignIn("manager1").Get(
		handlerstest.OrderPath(o, "/release"),
	); a.Header.Get("Location") != handlerstest.OrderPath(o, "") {
		t.Errorf("opening the button's address: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if n := len(s.Box.Released()); n != 1 {
		t.Errorf("%d releases carried out", n)
	}
	if e := s.History()[1]; e.Deed != packaging.ReleaseDeclined || e.By.Username != "manager1" ||
		e.Reason != "already_released" {
		t.Errorf("history %+v", e)
	}
}

func TestManyPressesAtOnceSendOneRelease(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := s.Order("Order143")
	var browsers []*site.Browser
	for i := range 12 {
		browsers = append(browsers, s.SignIn([]string{"supervisor1", "manager1"}[i%2]))
	}
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "delay", Delay: 100 * time.Millisecond})
	var all sync.WaitGroup
	statuses := make([]int, len(browsers))
	for i, b := range browsers {
		all.Go(func() { statuses[i] = b.Post(handlerstest.OrderPath(o, "/release")).Status })
	}
	all.Wait()
	taken := 0
	for _, status := range statuses {
		switch status {
		case http.StatusSeeOther:
			taken++
		case http.StatusConflict:
		default:
			t.Errorf("status %d", status)
		}
	}
	if taken != 1 || len(s.Box.Released()) != 1 || s.Box.Calls()[sandbox.ReleaseToLine] != 1 {
		t.Errorf(
			"%d presses taken, %d releases, %d calls", taken, len(s.Box.Released()),
			s.Box.Calls()[sandbox.ReleaseToLine],
		)
	}
}

func TestAReleaseEndsAsItsAnswerProves(t *testing.T) {
	t.Parallel()
	fault := func(kind sandbox.Kind) func(*site.Site) {
		return func(s *site.Site) { s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: kind, Times: 1}) }
	}
	for name, test := range map[string]struct {
		before  func(*site.Site)
		outcome packaging.Outcome
		reason  packaging.Reason
		status  packaging.Status // of the order afterwards
		says    string
	}{
		"resumed by nobody": {
			func(s *site.Site) { s.Box.SetStatus("Order143", sandbox.Suspended) },
			packaging.Refused, packaging.WrongStatus, packaging.Suspended,
			"In Movilitas.Cloud the order is in status Suspended",
		},
		"released by somebody else": {
			func(s *site.Site) { s.Box.SetStatus("Order143", sandbox.InProgress) },
			packaging.Refused, packaging.WrongStatus, packaging.InProgress, "at the line already",
		},
		"the API is not there": {
			func(s *site.Site) { s.Remote.Close() },
			packaging.Refused, packaging.SignInFailed, packaging.PendingRelease, "Nothing was sent",
		},
		"cut after doing": {
			fault("cut_after"), packaging.Unknown, packaging.Cut, packaging.PendingRelease,
			"It is not known whether Order143 was released.",
		},
		"cut before doing": {
			fault("cut_before"), packaging.Unknown, packaging.Cut, packaging.PendingRelease, "It is not known whether",
		},
		"500 after doing": {
			fault("error_after"), packaging.Unknown, packaging.ServerError, packaging.PendingRelease,
			"It is not known whether",
		},
		"HTML": {
			fault("html"), packaging.Unknown, packaging.Unreadable, packaging.PendingRelease, "It is not known whether",
		},
		"half of the JSON": {
			fault("cut_json"), packaging.Unknown, packaging.Unreadable, packaging.PendingRelease,
			"It is not known whether",
		},
		"nothing": {
			fault("empty"), packaging.Unknown, packaging.Unreadable, packaging.PendingRelease,
			"It is not known whether",
		},
		"another type": {
			fault("wrong_type"), packaging.Unknown, packaging.Unreadable, packaging.PendingRelease,
			"It is not known whether",
		},
		"too many requests": {
			fault("throttle"), packaging.Unknown, packaging.Throttled, packaging.PendingRelease,
			"It is not known whether",
		},
		"no in other words": {
			fault("refuse_after"), packaging.Unknown, packaging.OtherRefusal, packaging.PendingRelease,
			"It is not known whether",
		},
		"another order": {
			fault("other_order"), packaging.Unknown, packaging.OtherRefusal, packaging.PendingRelease,
			"It is not known whether",
		},
		"too late": {
			func(s *site.Site) {
				s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "delay", Delay: time.Minute, Times: 1})
			},
			packaging.Unknown, packaging.TimedOut, packaging.PendingRelease, "did not answer in time",
		},
		"a token that expired": {
			fault("expired_token"), packaging.Released, "", packaging.InProgress,
			"Order143 is released to Blister line 1.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var limits manufacturer.Limits
			if test.reason == packaging.TimedOut {
				limits.Release = 500 * time.Millisecond
			}
			s := site.New(t, site.Options{Limits: limits})
			b, o := s.SignIn("supervisor1"), s.Order("Order143")
			test.before(s)
			if name == "the API is not there" {
				// The token from the refresh is still good: without it the sign-in is the first that fails.
				s.Clock.Move(48 * time.Hour)
				b = s.SignIn("supervisor1")
			}
			if a := b.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusSeeOther {
				t.Fatalf("status %d", a.Status)
			}
			after := s.Order("Order143")
			if after.Release.Outcome != test.outcome || after.Release.Reason != test.reason ||
				after.Status != test.status {
				t.Errorf("release %s %s, order %s", after.Release.Outcome, after.Release.Reason, after.Status)
			}
			page := b.Get(handlerstest.OrderPath(o, ""))
			if text := page.Text("#release"); !strings.Contains(text, test.says) {
				t.Errorf("the page says %q", text)
			}
			if e := s.History()[0]; e.Deed != packaging.ReleaseEnded || e.Outcome != test.outcome ||
				e.Reason != string(test.reason) {
				t.Errorf("history %+v", e)
			}
			buttons := len(page.All("button.release"))
			if mayAgain := test.outcome == packaging.Refused &&
				test.status == packaging.PendingRelease; (buttons > 0) != mayAgain {
				t.Errorf("%d release buttons", buttons)
			}
			if test.outcome == packaging.Unknown {
				if strings.Contains(page.Text("#release"), "was not released") {
					t.Error("an unknown outcome is shown as a refusal")
				}
				if again := b.Post(handlerstest.OrderPath(o, "/release")); again.Status != http.StatusConflict {
					t.Errorf("a second press: %d", again.Status)
				}
			}
		})
	}
}

func TestAnAnswerThatCanNotBeReadIsKeptWhole(t *testing.T) {
	t.Parallel()
	body := `{"success": true, "message": "Packaging order released", "data": ["4YSr5oYFKHwP", 17, null]}`
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: "wrong_type", Body: body, Times: 1})
	b.Post(handlerstest.OrderPath(o, "/release"))
	if shown := b.Get(handlerstest.OrderPath(o, "")).All(".result details:not(.support) pre"); len(shown) != 1 ||
		shown[0] != body {
		t.Errorf("the page shows %q", shown)
	}
}

func TestWhoLeavesOrIsInAHurryFindsTheResultLater(t *testing.T) {
	t.Parallel()
	held := handlerstest.HoldReleases()
	s := site.New(t, site.Options{Patience: 20 * time.Millisecond, Handler: held.Handler})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	if a := b.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusSeeOther {
		t.Fatalf("status %d", a.Status)
	}
	page := b.Get(handlerstest.OrderPath(o, ""))
	if text := page.Text("#release"); !strings.Contains(text, "is being released to Blister line 1") ||
		len(page.All("button.release")) != 0 {
		t.Errorf("the page says %q", text)
	}
	if poll := page.Attr("#release", "data-poll"); poll != "1" {
		t.Errorf("the page asks again %q", poll)
	}
	held.LetGo()
	s.Releaser.Stop(t.Context())
	page = b.Get(handlerstest.OrderPath(o, ""))
	if text := page.Text("#release"); !strings.Contains(text, "Order143 is released") {
		t.Errorf("the page says %q", text)
	}
	if page.Attr("#release", "hx-trigger") != "" {
		t.Error("the page still asks again")
	}
}

func TestAnOrderThatChangedSinceItWasLookedAtIsNotReleased(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	changed := sandbox.Order143(s.Clock.Now())
	changed.Lot = "ANOTHER"
	s.Box.Put(changed)
	s.Refresh()
	a := b.Post(handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
	if a.Status != http.StatusConflict || !strings.Contains(a.Text("#order"), "has changed since you looked") ||
		!strings.Contains(a.Text("#order"), "ANOTHER") {
		t.Errorf("%d: %s", a.Status, a.Text("#order"))
	}
	if n := len(s.Box.Released()); n != 0 {
		t.Errorf("%d releases carried out", n)
	}
	if e := s.History()[0]; e.Deed != packaging.ReleaseDeclined || e.Reason != "order_changed" ||
		e.By.Username != "supervisor1" || e.OrderKey != "Order143" {
		t.Errorf("the press is recorded as %+v", e)
	}
	if a := b.Post(
		handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(s.Order("Order143").Revision),
	); a.Status != http.StatusSeeOther {
		t.Errorf("after looking again: %d", a.Status)
	}
}

func TestAnOrderIDOfAnyTextIsOneOrderAndOnlyText(t *testing.T) {
	t.Parallel()
	nasty := strings.Repeat(`/../"'<script>alert(1)</script>😀&%2F?#`, 10)
	nasty = string([]rune(nasty)[:255])
	long := strings.Repeat("x", 300)
	now := time.Now()
	first, second := sandbox.Order143(now), sandbox.Order143(now)
	first.ID, second.ID = nasty, long
	s := site.New(t, site.Options{Orders: []sandbox.Order{first, second}})
	b := s.SignIn("supervisor1")
	o := s.Order(nasty)
	for page, at := range map[string]string{"/": ".lane", "/lines/L1": ".hero", "/orders": ".orders"} {
		if a := b.Get(page); !strings.Contains(a.Text(at), shell.ShortOrderID(nasty)) ||
			strings.Contains(a.Body, "<script>alert") {
			t.Errorf("%s says %q", page, a.Text(at))
		}
	}
	for _, page := range []string{
		handlerstest.OrderPath(o, ""), handlerstest.OrderPath(o, "?arm=1"), handlerstest.OrderPath(o, "/serials"),
	} {
		a := b.Get(page)
		if a.Status != http.StatusOK || strings.Contains(a.Body, "<script>alert") ||
			!strings.Contains(a.Text("body"), "<script>alert(1)</script>😀") {
			t.Errorf("%s: %d, the ID is not there as text", page, a.Status)
		}
	}
	if a := b.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusSeeOther {
		t.Fatalf("release: %d", a.Status)
	}
	if got := s.Box.Released(); len(got) != 1 || got[0].OrderID != nasty {
		t.Errorf("released %+v", got)
	}
	if a := b.Get(handlerstest.OrderPath(o, "/serials.csv")); a.Status != http.StatusOK ||
		strings.ContainsAny(a.Header.Get("Content-Disposition"), "\r\n") {
		t.Errorf("csv: %d %s", a.Status, a.Header.Get("Content-Disposition"))
	}
	tooLong := s.Order(long)
	if text := b.Get(handlerstest.OrderPath(tooLong, "")).Text("#release"); !strings.Contains(
		text, "longer than the 255 characters",
	) {
		t.Errorf("an ID of 300 characters: %q", text)
	}
	if a := b.Post(handlerstest.OrderPath(tooLong, "/release")); a.Status != http.StatusConflict ||
		len(s.Box.Released()) != 1 {
		t.Errorf("release of an ID of 300 characters: %d", a.Status)
	}
}

func TestAnOddListIsShownAsOddAndKept(t *testing.T) {
	t.Parallel()
	o := sandbox.Order143(time.Now())
	o.Serials = []string{"AAA", "AAA", "b b", strings.Repeat("9", 21)}
	s := site.New(t, site.Options{Orders: []sandbox.Order{o}})
	b, order := s.SignIn("supervisor1"), s.Order("Order143")
	b.Post(handlerstest.OrderPath(order, "/release"))
	text := b.Get(handlerstest.OrderPath(order, "")).Text("#release")
	for _, says := range []string{
		"4 serial numbers received, 11 expected", "1 entry of the list repeats an earlier one",
		"1 serial number does not have 1 to 20 characters", "1 serial number has characters",
	} {
		if !strings.Contains(text, says) {
			t.Errorf("%q is not on the page: %q", says, text)
		}
	}
	if diff := cmp.Diff(o.Serials, b.Get(handlerstest.OrderPath(order, "/serials")).All("code.serial")); diff != "" {
		t.Error(diff)
	}
}

func TestALongListIsPagedAndSearched(t *testing.T) {
	t.Parallel()
	o := sandbox.Order143(time.Now())
	o.Quantity, o.ExtraPercent, o.Serials = 250, 0, nil
	for i := range 250 {
		o.Serials = append(o.Serials, fmt.Sprintf("Serial%05dx", i))
	}
	o.Serials[137] = "sERIAL00137X"
	s := site.New(t, site.Options{Orders: []sandbox.Order{o}})
	b, order := s.SignIn("supervisor1"), s.Order("Order143")
	b.Post(handlerstest.OrderPath(order, "/release"))
	var all []string
	for next := handlerstest.OrderPath(order, "/serials"); next != ""; {
		page := b.Get(next)
		all = append(all, page.All("code.serial")...)
		next = page.Attr("a[rel=next]", "href")
	}
	if diff := cmp.Diff(o.Serials, all); diff != "" {
		t.Errorf("all pages (-want +got)\n%s", diff)
	}
	for text, want := range map[string]int{"sERIAL": 1, "Serial0013": 9, "137": 1, "nothing": 0, "%": 0, "_": 0} {
		if got := len(
			b.Get(handlerstest.OrderPath(order, "/serials?q="+strings.ReplaceAll(text, "%", "%25"))).All("code.serial"),
		); got != want {
			t.Errorf("%q finds %d, want %d", text, got, want)
		}
	}
}

// The board arms a release in place, and shows its result there.
func TestAReleaseIsArmedOnItsLinesBoard(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release", "b", "Pending release")})
	b := s.SignIn("supervisor1")
	o := s.Order("a")
	armed := b.Get(b.Get("/lines/L1").Attr(".hero a.release", "href"))
	for _, fact := range []string{
		"a", o.Product, o.GTIN, o.Lot, "Expiry", "Quantity10 + 10 %", "Serials expected11", "As of",
	} {
		if !strings.Contains(strings.Join(strings.Fields(armed.Text(".hero.release-execute")), " "), fact) {
			t.Errorf("the armed card does not say %q but %q", fact, armed.Text(".hero"))
		}
	}
	if button := armed.Text(".execute button"); button != "Release a to Blister line 1" {
		t.Errorf("the button says %q", button)
	}
	press := func(order packaging.Order) site.Answer {
		return b.Post(handlerstest.OrderPath(order, "/release"), "revision", fmt.Sprint(order.Revision), "from", "line")
	}
	if a := press(o); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/lines/L1" {
		t.Fatalf("released: %d to %q", a.Status, a.Header.Get("Location"))
	}
	if says := b.Get("/lines/L1").Text(".results"); !strings.Contains(says, "a Released · 11 serials") {
		t.Errorf("the board says %q", says)
	}
	if a := press(o); a.Status != http.StatusConflict ||
		!strings.Contains(a.Text("#board .strips"), "Nothing was sent a second time") {
		t.Errorf("a second press: %d %q", a.Status, a.Text(".strips"))
	}
	if page := b.Get(string(shell.ArmOnLineURL(o.Line, o.ID))); page.Text(".release-execute") != "" ||
		page.Text(".hero a.release") == "" {
		t.Error("an order that is released is armed")
	}
}

// What is signed needs more room than the board has.
func TestAReleaseToSignIsArmedOnItsOrdersPage(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, false, handlerstest.RemoteOrders("a", "Pending release")...)
	o := s.Order("a")
	if a := s.SignIn("supervisor1").Get(string(shell.ArmOnLineURL(o.Line, o.ID))); a.Status != http.StatusSeeOther ||
		a.Header.Get("Location") != string(shell.ArmURL(o.ID)) {
		t.Errorf("%d to %q", a.Status, a.Header.Get("Location"))
	}
}
