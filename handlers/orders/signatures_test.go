package orders_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

func signaturesOf(t *testing.T, s *site.Site, key string) []packaging.Signature {
	t.Helper()
	o := s.Order(key)
	if o.Release == nil {
		return nil
	}
	all, err := s.Store.Signatures(t.Context(), o.TenantID, packaging.SignedRelease, int64(o.Release.ID))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestASignedReleaseShowsWhoSignedItWhenAndWhatItMeans(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, false)
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	armed := b.Get(handlerstest.OrderPath(o, "?arm=1"))
	for _, fact := range []string{o.Key, o.Product, o.GTIN, o.Lot, o.Expiry, "Blister line 1", o.Quantity, "11"} {
		if !strings.Contains(armed.Text(".armed dl"), fact) {
			t.Errorf("%q is signed but not shown: %s", fact, armed.Text(".armed dl"))
		}
	}
	if a := handlerstest.Sign(b, o); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text(".problem"))
	}
	all := signaturesOf(t, s, "Order143")
	if len(all) != 1 {
		t.Fatalf("%d signatures", len(all))
	}
	got := all[0]
	record := o.ReleaseRecord()
	if got.Content != record.Digest() || got.Hash != got.Digest() || got.By.Username != "supervisor1" ||
		got.By.Role != packaging.Supervisor ||
		got.Factor != packaging.ByPassword || got.Place != 1 || !got.At.Equal(s.Order("Order143").Release.Requested) {
		t.Errorf("signature %+v", got)
	}
	hash := hex.EncodeToString(got.Hash[:])
	if e := handlerstest.LastEntry(s, packaging.Signed); e.Object != "signature" ||
		e.New != "I checked order, product, lot and line · "+hash || e.OrderKey != "Order143" ||
		e.ReleaseID != s.Order("Order143").Release.ID {
		t.Errorf("history %+v", e)
	}
	shown := b.Get(handlerstest.OrderPath(o, "")).Text(".result .signatures")
	for _, want := range []string{
		"Person supervisor1", "Supervisor", "I checked order, product, lot and line", "2026-11-23 07:00:00 +01:00",
		hash[:16],
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the result does not show %q: %s", want, shown)
		}
	}
	if got.Content == s.Order("Order144").ReleaseRecord().Digest() {
		t.Error("two orders have one digest")
	}
}

func TestWithoutItsSignatureNothingIsSent(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, false)
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	for name, test := range map[string]struct {
		pairs  []string
		status int
		says   string
		reason string // in the history
	}{
		"a wrong password": {
			[]string{"secret", "not the password"},
			http.StatusUnprocessableEntity,
			"The password or PIN is not right. Nothing was sent.", "wrong",
		},
		"no password": {
			[]string{"secret", ""}, http.StatusUnprocessableEntity, "The password or PIN is not right.", "wrong",
		},
		"no meaning": {
			[]string{"meaning", ""}, http.StatusUnprocessableEntity, "Choose what the signature means.", "",
		},
		"a meaning of its own": {
			[]string{"meaning", "verified"}, http.StatusUnprocessableEntity, "Choose what the signature means.", "",
		},
		"another content": {
			[]string{"content", strings.Repeat("00", 32)},
			http.StatusConflict,
			"The release was not signed as this site wants it", "",
		},
		"no content": {
			[]string{"content", ""}, http.StatusConflict, "The release was not signed as this site wants it", "",
		},
		"another's content": {
			[]string{"content", fmt.Sprintf("%x", s.Order("Order144").ReleaseRecord().Digest())},
			http.StatusConflict,
			"The release was not signed", "",
		},
	} {
		a := handlerstest.Sign(b, o, test.pairs...)
		if a.Status != test.status || !strings.Contains(a.Text("#order"), test.says) {
			t.Errorf("%s: %d %s", name, a.Status, a.Text("#order .problem"))
		}
		if test.status == http.StatusUnprocessableEntity && a.Attr(".execute input[name=content]", "value") == "" {
			t.Errorf("%s: the form is not there to try again", name)
		}
		if e := s.History()[0]; test.reason != "" && (e.Deed != packaging.SignDeclined || e.Reason != test.reason ||
			e.By.Username != "supervisor1" || e.OrderKey != "Order143") {
			t.Errorf("%s: history %+v", name, e)
		}
	}
	if a := b.Post(handlerstest.OrderPath(o, "/release")); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("no signature at all: %d", a.Status)
	}
	if n := len(s.Box.Released()); n != 0 || len(signaturesOf(t, s, "Order143")) != 0 {
		t.Errorf("%d releases carried out", n)
	}
}

func TestAnOrderThatChangedAfterItWasShownIsNotReleasedOnTheSignature(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, false)
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	armed := b.Get(handlerstest.OrderPath(o, "?arm=1"))
	content := armed.Attr(".execute input[name=content]", "value")
	changed := sandbox.Order143(s.Clock.Now())
	changed.Lot = "LOT-OTHER"
	s.Box.Put(changed)
	s.Refresh()
	now := s.Order("Order143")
	if now.Lot != "LOT-OTHER" {
		t.Fatalf("the order's lot is %s", now.Lot)
	}
	// Even with the revision of what is there now: what was signed is what was shown.
	for _, revision := range []string{fmt.Sprint(o.Revision), fmt.Sprint(now.Revision), ""} {
		a := b.Post(
			handlerstest.OrderPath(o, "/release?arm=1"), "revision", revision, "content", content, "meaning", "checked",
			"secret", site.Password,
		)
		if a.Status != http.StatusConflict || !strings.Contains(a.Text("#order"), "Nothing was sent.") {
			t.Errorf("revision %q: %d %s", revision, a.Status, a.Text("#order .problem"))
		}
	}
	if n := len(s.Box.Released()); n != 0 || len(signaturesOf(t, s, "Order143")) != 0 {
		t.Errorf("%d releases carried out", n)
	}
	if e := s.History()[0]; e.Deed != packaging.ReleaseDeclined || e.Reason != "signature_missing" {
		t.Errorf("history %+v", e)
	}
}

func TestFailedSignaturesMakeTheNextOneWait(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, false)
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	for range 5 {
		handlerstest.Sign(b, o, "secret", "not the password")
	}
	a := handlerstest.Sign(b, o)
	if a.Status != http.StatusTooManyRequests ||
		!strings.Contains(a.Text("#order"), "Too many wrong tries. Try again in") {
		t.Errorf("the right password after five wrong ones: %d %s", a.Status, a.Text("#order .problem"))
	}
	s.Clock.Move(31 * time.Second)
	if a := handlerstest.Sign(b, o); a.Status != http.StatusSeeOther {
		t.Errorf("after 31 s: %d", a.Status)
	}
}

func TestNobodyKeepsASecondPersonFromSigningByWrongTries(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, true)
	s.AddPerson("supervisor2")
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	second := func(b *site.Browser, secret string) int {
		return handlerstest.Sign(b, o, "username", "manager1", "meaning2", "verified", "secret2", secret).Status
	}
	for range 5 {
		second(b, "not the password")
	}
	if got := second(b, site.Password); got != http.StatusTooManyRequests {
		t.Errorf("who tried in vain: %d", got)
	}
	if a := s.SignIn("manager1").Post(
		"/account/pin", "password", site.Password, "pin", handlerstest.APIN, "again", handlerstest.APIN,
	); a.Status != http.StatusSeeOther {
		t.Errorf("the second person themselves: %d %s", a.Status, a.Text(".problem"))
	}
	if got := second(s.SignIn("supervisor2"), site.Password); got != http.StatusSeeOther {
		t.Errorf("with somebody else as the first: %d", got)
	}
}

func TestASecondPersonSignsWhoIsNotTheFirst(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, true)
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	s.AddPerson("supervisor2")
	human := fmt.Sprintf("/admin/people/%d/human", s.Person("supervisor2").ID)
	if a := s.SignIn("administrator1").Post(
		human, "as", fmt.Sprint(s.Person("supervisor1").ID),
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("[role=alert]"))
	}
	second := func(username, secret string) []string {
		return []string{"username", username, "secret2", secret, "meaning2", "verified"}
	}
	for name, test := range map[string]struct {
		pairs  []string
		says   string
		reason string
		by     string
	}{
		"the same person": {
			second("supervisor1", site.Password), "The second person must be somebody else.", "same_person",
			"supervisor1",
		},
		"the same person in capital": {
			second("SUPERVISOR1", site.Password), "The second person must be somebody else.", "same_person",
			"supervisor1",
		},
		"their other account": {
			second("supervisor2", site.Password), "The second person must be somebody else.", "same_person",
			"supervisor2",
		},
		"who may not release": {
			second("operator1", site.Password), "is not allowed to release orders on this line", "may_not", "operator1",
		},
		"a wrong password": {
			second("manager1", "not the password"), "The second person's username, password or PIN is not right.",
			"wrong_second", "manager1",
		},
		"nobody": {
			second("nobody", site.Password), "The second person's username, password or PIN is not right.",
			"wrong_second", "supervisor1",
		},
		"no second": {
			[]string{"meaning2", "verified"},
			"The second person's username, password or PIN is not right.",
			"wrong_second", "supervisor1",
		},
		"without a meaning": {
			[]string{"username", "manager1", "secret2", site.Password}, "Choose what the signature means.", "", "",
		},
	} {
		a := handlerstest.Sign(b, o, test.pairs...)
		if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Text("#order"), test.says) {
			t.Errorf("%s: %d %s", name, a.Status, a.Text("#order .problem"))
		}
		if e := s.History()[0]; test.reason != "" && (e.Deed != packaging.SignDeclined || e.Reason != test.reason ||
			e.By.Username != test.by) {
			t.Errorf("%s: history %+v", name, e)
		}
	}
	if n := len(s.Box.Released()); n != 0 {
		t.Fatalf("%d releases carried out", n)
	}
	if a := handlerstest.Sign(b, o, second("Manager1", site.Password)...); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("#order .problem"))
	}
	all := signaturesOf(t, s, "Order143")
	if len(all) != 2 || all[0].By.Username != "supervisor1" || all[1].By.Username != "manager1" || all[1].Place != 2 ||
		all[1].Content != all[0].Content {
		t.Errorf("signatures %+v", all)
	}
	if shown := b.Get(handlerstest.OrderPath(o, "")).All(".result .signatures strong"); !slices.Equal(
		shown, []string{"Person supervisor1", "Person manager1"},
	) {
		t.Errorf("the result shows %q", shown)
	}
}

func TestTheFormOfASecondSignerDoesNotTellWhoExists(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	s := handlerstest.SigningSite(t, true)
	s.AddTenant("basel", "Plant Basel", "supervisor-9")
	b, o := s.SignIn("supervisor1"), s.Order("Order143")
	try := func(username, secret string) string {
		a := handlerstest.Sign(b, o, "username", username, "meaning2", "verified", "secret2", secret)
		return fmt.Sprint(a.Status, " ", a.Text("#order .problem"))
	}
	var nobody []string
	for _, username := range []string{"nobody", "nobody-else", "operator1", "OPERATOR1", "manager1", "supervisor-9"} {
		if username == "OPERATOR1" {
			s.Clock.Move(2 * time.Hour) // what was tried in vain is forgotten
			b = s.SignIn("supervisor1")
		}
		var said []string
		for range 6 {
			said = append(said, try(username, "not the password"))
		}
		if nobody == nil {
			nobody = said
		}
		if !slices.Equal(said, nobody) || !strings.HasPrefix(said[0], "422") || !strings.HasPrefix(said[5], "429") {
			t.Errorf("%s is told %q, nobody %q", username, said, nobody)
		}
	}
	s.Clock.Move(2 * time.Hour)
	b = s.SignIn("supervisor1")
	if said := try("operator1", site.Password); !strings.Contains(
		said, "is not allowed to release orders on this line",
	) {
		t.Errorf("who has proved who they are is told %q", said)
	}
	if n := len(s.Box.Released()); n != 0 {
		t.Errorf("%d releases carried out", n)
	}
}

func TestAtAStationAPINSigns(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, true)
	s.SetPIN("manager1", handlerstest.AnotherPIN)
	tablet, o := handlerstest.AtTablet(t, s), s.Order("Order143")
	if a := handlerstest.Sign(
		tablet, o, "secret", handlerstest.AnotherPIN, "username", "manager1", "secret2", handlerstest.AnotherPIN,
		"meaning2", "approved",
	); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("somebody else's PIN: %d", a.Status)
	}
	if a := handlerstest.Sign(
		tablet, o, "secret", handlerstest.APIN, "username", "manager1", "secret2", handlerstest.AnotherPIN, "meaning2",
		"approved",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("#order .problem"))
	}
	for _, got := range signaturesOf(t, s, "Order143") {
		if got.Factor != packaging.ByPIN || got.By.Station != "Tablet 1" {
			t.Errorf("signature %+v", got)
		}
	}
	elsewhere := s.SignIn("supervisor1")
	if a := handlerstest.Sign(
		elsewhere, s.Order("Order144"), "secret", handlerstest.APIN, "username", "manager1", "secret2",
		handlerstest.AnotherPIN, "meaning2", "approved",
	); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("PINs without a station: %d", a.Status)
	}
}

// After a lock, being there is proven anew before anything is signed.
func TestAfterALockAPersonSignsInAgainBeforeTheySign(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, false)
	tablet, o := handlerstest.AtTablet(t, s), s.Order("Order143")
	armed := tablet.Get(handlerstest.OrderPath(o, "?arm=1"))
	release := func() site.Answer {
		return tablet.Post(handlerstest.OrderPath(o, "/release?arm=1"), "revision",
			armed.Attr(".execute input[name=revision]", "value"),
			"content", armed.Attr(".execute input[name=content]", "value"), "meaning", "checked", "secret",
			handlerstest.APIN)
	}
	tablet.Post("/station/lock")
	if a := release(); a.Status != http.StatusLocked || len(s.Box.Released()) != 0 ||
		len(signaturesOf(t, s, "Order143")) != 0 {
		t.Errorf("with the right PIN, in a locked session: %d", a.Status)
	}
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", "111113"); a.Status != http.StatusUnauthorized {
		t.Errorf("a wrong PIN unlocks: %d", a.Status)
	}
	if a := handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN); a.Status != http.StatusSeeOther {
		t.Fatalf("unlocking: %d", a.Status)
	}
	if a := tablet.Post(handlerstest.OrderPath(o, "/release?arm=1"), "revision",
		armed.Attr(".execute input[name=revision]", "value"),
		"content", armed.Attr(".execute input[name=content]", "value"), "meaning",
		"checked"); a.Status != http.StatusUnprocessableEntity || len(s.Box.Released()) != 0 {
		t.Errorf("unlocked, and signed without a secret: %d", a.Status)
	}
	if a := release(); a.Status != http.StatusSeeOther || len(signaturesOf(t, s, "Order143")) != 1 {
		t.Errorf("unlocked, and signed: %d %s", a.Status, a.Text("#order .problem"))
	}
}

func TestASecondPressOfASignedReleaseNeedsNoSignatureToBeTold(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(t, false)
	o := s.Order("Order143")
	late := s.SignIn("manager1")
	handlerstest.Sign(s.SignIn("supervisor1"), o)
	a := late.Post(handlerstest.OrderPath(o, "/release?arm=1"), "secret", "not the password")
	if a.Status != http.StatusConflict || !strings.Contains(a.Text("#order"), "Person supervisor1") ||
		len(s.Box.Released()) != 1 {
		t.Errorf("%d %s", a.Status, a.Text("#order"))
	}
}

// signQueue arms the queue of the orders picked and sends its form, with the pairs in place of what it holds.
func signQueue(t *testing.T, b *site.Browser, keys []string, pairs ...string) site.Answer {
	t.Helper()
	armed := b.Get(handlerstest.PickOrders(t, b, keys...).Attr("a.release", "href"))
	return b.Post("/lines/L1/queue", handlerstest.SignedForm(armed, "pick", pairs)...)
}

func TestAQueueIsSignedOnceForAllItsReleases(t *testing.T) {
	t.Parallel()
	s := handlerstest.SigningSite(
		t, true, handlerstest.RemoteOrders("Order143", "Pending release", "Order145", "Pending release")...,
	)
	b := s.SignIn("supervisor1")
	a := signQueue(
		t, b, []string{"Order143", "Order145"}, "username", "manager1", "meaning2", "approved", "secret2",
		site.Password,
	)
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	ended(t, s)
	if diff := cmp.Diff([]string{"Order143", "Order145"}, outcomes(s)); diff != "" {
		t.Fatalf("released (-want +got)\n%s", diff)
	}
	for _, page := range []string{
		"/lines/L1/queue", handlerstest.OrderPath(s.Order("Order143"), ""),
		handlerstest.OrderPath(s.Order("Order145"), ""),
	} {
		got := b.Get(page).Text(".signatures")
		for _, want := range []string{"Person supervisor1", "Person manager1", "I checked", "I approve"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the signatures say %q, not %q", page, got, want)
			}
		}
	}
	if e := handlerstest.LastEntry(s, packaging.Signed); e.By.Username != "manager1" || e.LineCode != "L1" ||
		e.OrderKey != "" {
		t.Errorf("the history says %+v", e)
	}
}

// What was signed is the order as it was shown: also with the revision of what is there now.
func TestAnOrderThatChangedAfterItsQueueWasSignedIsNotReleasedOnThat(t *testing.T) {
	t.Parallel()
	held := handlerstest.HoldReleases()
	s := site.New(t, site.Options{
		Orders:  handlerstest.RemoteOrders("Order143", "Pending release", "Order145", "Pending release"),
		Handler: held.Handler,
	})
	rules := packaging.DefaultRules
	rules.SignReleases = true
	s.SetRules(rules)
	if a := signQueue(t, s.SignIn("supervisor1"), []string{"Order143", "Order145"}); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	held.Await(t)
	changed := handlerstest.RemoteOrders("Order145", "Pending release")[0]
	changed.Lot = "LOT-OTHER"
	s.Box.Put(changed)
	s.Refresh()
	by, o := s.Person("supervisor1"), s.Order("Order145")
	q, err := s.Store.Queue(t.Context(), by.Scope(), o.Line.ID)
	if err != nil {
		t.Fatal(err)
	}
	s.Tamper(`UPDATE queues SET position = position + 1`) // its turn
	if _, err := s.Store.Claim(
		t.Context(), by, packaging.Press{Order: o.ID, Revision: o.Revision, Queue: q.ID},
	); packaging.CodeOf(err) != packaging.Conflict || !strings.Contains(fmt.Sprint(err), "signature") {
		t.Errorf("lot %s: %v", o.Lot, err)
	}
	held.LetGo()
}

func TestWithoutItsSignaturesNoQueueIsStarted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		two    bool
		pairs  []string
		status int
		says   string
	}{
		"no signature": {
			false,
			[]string{"meaning", "", "secret", "", "content", ""},
			http.StatusUnprocessableEntity,
			"Choose what the signature means",
		},
		"wrong password": {
			false, []string{"secret", "not the password"}, http.StatusUnprocessableEntity, "password",
		},
		"another content": {
			false,
			[]string{"content", strings.Repeat("ab", 32)},
			http.StatusConflict,
			"not signed as this site wants it",
		},
		"second person is the first": {
			true,
			[]string{"username", "supervisor1", "meaning2", "approved", "secret2", site.Password},
			http.StatusUnprocessableEntity, "second",
		},
		"second person may not": {
			true,
			[]string{"username", "operator1", "meaning2", "approved", "secret2", site.Password},
			http.StatusUnprocessableEntity, "not allowed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := handlerstest.SigningSite(
				t, c.two, handlerstest.RemoteOrders("Order143", "Pending release", "Order145", "Pending release")...,
			)
			a := signQueue(t, s.SignIn("supervisor1"), []string{"Order143", "Order145"}, c.pairs...)
			if a.Status != c.status || !strings.Contains(a.Text("main"), c.says) {
				t.Errorf("%d %s", a.Status, a.Text("main"))
			}
			if all := outcomes(s); len(all) > 0 || handlerstest.LastEntry(s, packaging.QueueStarted).Seq != 0 {
				t.Errorf("released %v", all)
			}
		})
	}
}

func TestAQueueStopsWhereOneWhoSignedItMayReleaseNoMore(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*testing.T, *site.Site){
		"deactivated": func(t *testing.T, s *site.Site) {
			if a := s.SignIn("administrator1").Post(
				fmt.Sprintf("/admin/people/%d/active", s.Person("manager1").ID), "active", "no",
			); a.Status != http.StatusSeeOther {
				t.Errorf("deactivating: %d", a.Status)
			}
		},
		"limited to another line": func(_ *testing.T, s *site.Site) { s.Limit("manager1", "L2") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := handlerstest.HoldReleases()
			all := handlerstest.RemoteOrders("Order143", "Pending release", "Order145", "Pending release")
			s := site.New(t, site.Options{Orders: all, Handler: held.Handler})
			rules := packaging.DefaultRules
			rules.SignReleases, rules.SecondSigner = true, true
			s.SetRules(rules)
			b := s.SignIn("supervisor1")
			if a := signQueue(
				t, b, []string{"Order143", "Order145"}, "username", "manager1", "meaning2", "approved", "secret2",
				site.Password,
			); a.Status != http.StatusSeeOther {
				t.Fatalf("%d %s", a.Status, a.Text("main"))
			}
			held.Await(t) // the first one is being released
			lose(t, s)
			held.LetGo()
			ended(t, s)
			if diff := cmp.Diff([]string{"Order143"}, outcomes(s)); diff != "" {
				t.Errorf("released (-want +got)\n%s", diff)
			}
			if e := s.History()[0]; e.Deed != packaging.QueueEnded || e.Reason != "obstacle" {
				t.Errorf("the history says %+v", e)
			}
		})
	}
}

func TestSignaturesOfAQueueAreNoneUnderAnotherOrderOrLessThanTheSiteWants(t *testing.T) {
	t.Parallel()
	held := handlerstest.HoldReleases()
	all := handlerstest.RemoteOrders(
		"Order143", "Pending release", "Order145", "Pending release", "Order146", "Pending release",
	)
	s := site.New(t, site.Options{Orders: all, Handler: held.Handler})
	rules := packaging.DefaultRules
	rules.SignReleases = true
	s.SetRules(rules)
	if a := signQueue(t, s.SignIn("supervisor1"), []string{"Order143", "Order145"}); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	held.Await(t)
	by := s.Person("supervisor1")
	q, err := s.Store.Queue(t.Context(), by.Scope(), s.Order("Order143").Line.ID)
	if err != nil {
		t.Fatal(err)
	}
	// Whoever presses with the queue's key another order's release gets nothing of its signatures.
	other := s.Order("Order146")
	if _, err := s.Store.Claim(
		t.Context(), by, packaging.Press{Order: other.ID, Queue: q.ID},
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("another order: %v", err)
	}
	rules.SecondSigner = true // from now on
	s.SetRules(rules)
	held.LetGo()
	ended(t, s)
	if diff := cmp.Diff([]string{"Order143"}, outcomes(s)); diff != "" {
		t.Errorf("released (-want +got)\n%s", diff)
	}
}
