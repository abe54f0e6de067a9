package imports_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

var tokenForm = regexp.MustCompile(`lbt_[A-Za-z0-9_-]{43}`)

// token has an administrator make a token, with more fields of the form.
func token(t *testing.T, s *site.Site, name string, more ...string) string {
	t.Helper()
	a := s.SignIn("administrator1").Post(
		"/admin/tokens", append([]string{"name", name, "scope", "send_orders"}, more...)...,
	)
	value := tokenForm.FindString(a.Body)
	if a.Status != http.StatusOK || value == "" {
		t.Fatalf("token %s: %d %s", name, a.Status, a.Text("main"))
	}
	return value
}

// put sends orders with a token.
func put(t *testing.T, s *site.Site, token, contentType, body string) site.Answer {
	t.Helper()
	return putTo(t, s, "/api/v1/orders", token, contentType, body)
}

func putTo(t *testing.T, s *site.Site, address, token, contentType, body string) site.Answer {
	t.Helper()
	b := s.Browser()
	b.Header.Set("Authorization", "Bearer "+token)
	return b.Send(http.MethodPut, address, contentType, strings.NewReader(body))
}

const asJSON = "application/json"

func TestAProgramPutsOrdersAndTheSameAgainChangesNothing(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	key := token(t, s, "SAP Ghent")
	body := `[{"order_id":"Order143","lot":"NEW-1"},{"order_id":"Next1","line":"L2","quantity":7}]`
	if a := put(t, s, key, "application/json; charset=utf-8", body); a.Status != http.StatusOK ||
		strings.TrimSpace(a.Body) != `{"import":1,"new":1,"changed":1,"unchanged":0}` {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if o := s.Order("Order143"); o.Lot != "NEW-1" || o.Status != packaging.PendingRelease {
		t.Errorf("%+v", o.Facts)
	}
	e := s.History()[0]
	if e.Deed != packaging.OrdersImported ||
		e.By != (packaging.Author{Username: "token:SAP Ghent", FullName: "SAP Ghent"}) {
		t.Errorf("history %+v", e)
	}
	entries := len(s.History())
	for _, again := range []struct{ contentType, body string }{
		{asJSON, body}, {"text/csv", "order_id;lot\nOrder143;NEW-1\nNext1;\n"},
	} {
		if a := put(t, s, key, again.contentType, again.body); a.Status != http.StatusOK ||
			strings.TrimSpace(a.Body) != `{"new":0,"changed":0,"unchanged":2}` {
			t.Errorf("again: %d %s", a.Status, a.Body)
		}
	}
	if len(s.History()) != entries {
		t.Error("what changes nothing stands in the history")
	}
	says(t, s.SignIn("manager1").Get(handlerstest.OrderPath(s.Order("Next1"), "")), "main", "by SAP Ghent")
	says(t, s.SignIn("administrator1").Get("/admin/tokens"), ".tokens", "SAP Ghent", "Valid", "2026-11-23 07:00")
}

// described is the description that is served, and what finds its operations.
func described(t *testing.T, s *site.Site) *openapi3.T {
	t.Helper()
	a := s.Browser().Get("/api/v1/openapi.yaml")
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/yaml" {
		t.Fatalf("%d %s", a.Status, a.Header.Get("Content-Type"))
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return doc
}

// fits checks an answer against the description.
func fits(t *testing.T, doc *openapi3.T, method, where, name string, a site.Answer) {
	t.Helper()
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(method, where, nil)
	route, params, err := router.FindRoute(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: request, PathParams: params, Route: route,
		},
		Status: a.Status, Header: a.Header, Body: io.NopCloser(strings.NewReader(a.Body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}); err != nil {
		t.Errorf("%s: the answer %d %.300s is not as described: %v", name, a.Status, a.Body, err)
	}
}

// locked has another process write to the database and not end.
func locked(t *testing.T, s *site.Site) {
	t.Helper()
	other, err := sql.Open("sqlite", "file:"+s.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	tx, err := other.BeginTx(t.Context(), nil)
	if err == nil {
		_, err = tx.ExecContext(t.Context(), `UPDATE tenants SET name = name`)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
}

// code is the code of a problem.
func code(a site.Answer) string {
	var p struct{ Code string }
	_ = json.Unmarshal([]byte(a.Body), &p)
	return p.Code
}

func TestEveryAnswerOfTheInterfaceIsAsItsDescriptionSaysAndEveryOneDescribedIsGiven(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	s := site.New(t, site.Options{})
	doc := described(t, s)
	op := doc.Paths.Find("/api/v1/orders").Put
	missing := map[string]bool{}
	for status := range op.Responses.Map() {
		missing[status] = true
	}
	got := func(name string, a site.Answer, status int, want string) {
		t.Helper()
		if a.Status != status || code(a) != want {
			t.Errorf("%s: %d %s, want %d %s: %.500s", name, a.Status, code(a), status, want, a.Body)
		}
		delete(missing, strconv.Itoa(a.Status))
		fits(t, doc, http.MethodPut, "/api/v1/orders", name, a)
	}
	key, limited := token(t, s, "all"), token(t, s, "line 2", "line", "L2")
	got("new orders", put(t, s, key, asJSON, `[{"order_id":"A1","gtin":96385074,"extra_percent":2.5}]`), 200, "")
	got("the same again", put(t, s, key, asJSON, `[{"order_id":"A1"}]`), 200, "")
	got("no token", put(t, s, "", asJSON, `[]`), 401, "unauthorized")
	got("a wrong token", put(t, s, "lbt_"+strings.Repeat("x", 43), asJSON, `[]`), 401, "unauthorized")
	got("another line", put(t, s, limited, asJSON, `[{"order_id":"Order143","lot":"X"}]`), 403, "forbidden_rows")
	got("its own line", put(t, s, limited, asJSON, `[{"order_id":"B2","line":"l2"}]`), 200, "")
	got("no type", put(t, s, key, "", `[]`), 415, "unsupported_type")
	got("XML", put(t, s, key, "application/xml", `<x/>`), 415, "unsupported_type")
	got(
		"wrong rows",
		put(
			t, s, key, asJSON,
			`[{"order_id":"A1","gtin":"1","lot":"a b","expiry":"05.2028"},{"lot":"x"},{"order_id":"A3","line":"L9"}]`,
		),
		422, "invalid_rows",
	)
	got("no JSON", put(t, s, key, asJSON, `[{"order_id`), 422, "invalid_rows")
	got("Latin-1", put(t, s, key, "text/csv", "order_id,product\nA1,\xe4\n"), 422, "invalid_rows")
	other := token(t, s, "other")
	got(
		"too large", put(t, s, other, "text/csv", "order_id\n"+strings.Repeat("\n", orderfile.MaxBytes)), 413,
		"too_large",
	)
	b := s.Browser()
	got("another method", b.Send(http.MethodPost, "/api/v1/orders", "", nil), 405, "method")
	for i := 0; ; i++ {
		a := put(t, s, other, asJSON, `[{"order_id":"A1"}]`)
		if a.Status == http.StatusOK && i < 20 {
			continue
		}
		got("too many", a, 429, "too_many_requests")
		if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 2 {
			t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
		}
		break
	}
	s.Clock.Move(3 * time.Second)
	got("after waiting", put(t, s, other, asJSON, `[{"order_id":"A1"}]`), 200, "")
	locked(t, s)
	got("a database that can't be written", put(t, s, key, asJSON, `[{"order_id":"A2"}]`), 503, "unavailable")
	if len(missing) > 0 {
		t.Errorf("no test gets %v", missing)
	}
}

func TestEveryCodeOfAFaultIsDescribed(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	source, err := os.ReadFile("../../internal/packaging/import.go")
	if err != nil {
		t.Fatal(err)
	}
	var codes, told []string
	for _, m := range regexp.MustCompile(`FaultCode = "([a-z0-9_]+)"`).FindAllSubmatch(source, -1) {
		codes = append(codes, string(m[1]))
	}
	for _, value := range described(t, s).Components.Schemas["Fault"].Value.Properties["code"].Value.Enum {
		told = append(told, value.(string))
	}
	slices.Sort(codes)
	slices.Sort(told)
	if diff := cmp.Diff(codes, told); diff != "" || len(codes) == 0 {
		t.Errorf("codes (-there are +described):\n%s", diff)
	}
}

func TestAFaultIsToldToAProgramWithRowFieldAndCodeAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	a := put(
		t, s, token(t, s, "ERP"), "text/csv", "order_id,gtin,line\nOrder143,,L2\nNext1,09506000134353,\nNext2,,L9\n",
	)
	if a.Status != http.StatusUnprocessableEntity || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s", a.Status, a.Header.Get("Content-Type"))
	}
	var problem struct {
		Status int
		Count  int `json:"error_count"`
		Errors []struct {
			Row                          int
			Field, Code, Value, Expected string
		}
	}
	if err := json.Unmarshal([]byte(a.Body), &problem); err != nil {
		t.Fatal(err)
	}
	if problem.Status != 422 || problem.Count != 2 || len(problem.Errors) != 2 ||
		problem.Errors[0].Row != 3 || problem.Errors[0].Field != "gtin" ||
		problem.Errors[0].Code != "gtin_check_digit" || problem.Errors[0].Value != "09506000134353" ||
		problem.Errors[1].Row != 4 || problem.Errors[1].Code != "line_unknown" ||
		problem.Errors[1].Expected != "A line of this site: L1, L2." {
		t.Errorf("%s", a.Body)
	}
	if s.Order("Order143").Line.Code != "L1" {
		t.Error("a right row of a wrong list was imported")
	}
}

func TestASessionDoesNotWorkWhereATokenIsAskedForNorATokenOnPages(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	if a := b.Send(
		http.MethodPut, "/api/v1/orders", asJSON, strings.NewReader(`[{"order_id":"Next1"}]`),
	); a.Status != http.StatusUnauthorized || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("with a session: %d", a.Status)
	}
	if a := b.Get("/api/v1/nothing"); a.Status != http.StatusNotFound || code(a) != "not_found" {
		t.Errorf("an address that is none: %d %s", a.Status, a.Body)
	}
	stranger := s.Browser()
	stranger.Header.Set("Authorization", "Bearer "+token(t, s, "ERP"))
	if a := stranger.Get("/orders"); a.Status != http.StatusSeeOther {
		t.Errorf("a token opens a page: %d", a.Status)
	}
}

func TestATokenThatCameByPlainHTTPIsNotTakenWherePeopleUseHTTPS(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Secure: true, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	b := s.Browser()
	b.Header.Set("X-Forwarded-Proto", "http")
	b.Header.Set("Authorization", "Bearer lbt_x")
	a := b.Send(http.MethodPut, "/api/v1/orders", asJSON, strings.NewReader(`[{"order_id":"A1"}]`))
	if a.Status != http.StatusForbidden || code(a) != "plain_http" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	fits(t, described(t, s), http.MethodPut, "/api/v1/orders", "by plain HTTP", a)
}

func TestWhatAProgramMayNotDoIsASecurityEvent(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	limited := token(t, s, "line 2", "line", "L2")
	put(t, s, limited, asJSON, `[{"order_id":"B2","line":"L2"}]`)
	const event = `msg="security event" event=forbidden`
	if strings.Contains(s.Log.String(), event) {
		t.Error("what it may do is one")
	}
	if a := put(t, s, limited, asJSON, `[{"order_id":"Order143","lot":"X"}]`); a.Status != http.StatusForbidden {
		t.Fatalf("an order of another line: %d", a.Status)
	}
	if n := strings.Count(s.Log.String(), event+" address=127.0.0.1 count=1\n"); n != 1 {
		t.Errorf("it is logged %d times", n)
	}
}

func TestAnAddressThatSendsTooMuchIsToldSoAsProgramsAre(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{PerSecond: 1})
	doc := described(t, s)
	for range 20 {
		if a := put(t, s, "lbt_x", asJSON, `[]`); a.Status != http.StatusUnauthorized {
			if code(a) != "too_many_requests" {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			fits(t, doc, http.MethodPut, "/api/v1/orders", "too many of an address", a)
			return
		}
	}
	t.Error("20 requests at once are let in")
}

func TestATokenIsOfItsTenantAndEndsWhenItIsRevokedOrExpires(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.AddTenant("basel", "Plant Basel", "administrator2", "manager2")
	key := token(t, s, "ERP")
	if a := put(t, s, key, asJSON, `[{"order_id":"OnlyGhent"}]`); a.Status != http.StatusOK {
		t.Fatal(a.Body)
	}
	if a := s.SignIn("manager2").Get("/orders?q=OnlyGhent"); strings.Contains(a.Text(".orders"), "OnlyGhent") {
		t.Error("another tenant has the order")
	}
	basel, admin := s.SignIn("administrator2"), s.SignIn("administrator1")
	if strings.Contains(basel.Get("/admin/tokens").Text(".tokens"), "ERP") {
		t.Error("another tenant sees the token")
	}
	if a := basel.Post("/admin/tokens/1/revoke"); a.Status != http.StatusNotFound {
		t.Errorf("another tenant revokes it: %d", a.Status)
	}
	if a := admin.Post("/admin/tokens", "name", "erp", "scope", "send_orders"); a.Status != http.StatusConflict {
		t.Errorf("a second one of its name: %d", a.Status)
	}
	for _, wrong := range [][]string{
		{"name", ""},
		{"name", strings.Repeat("x", 41)},
		{"name", "a\nb"},
		{"name", "x", "until", "2026-11-22"},
		{"name", "x", "until", "soon"},
	} {
		if a := admin.Post(
			"/admin/tokens", append(wrong, "scope", "send_orders")...,
		); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", wrong, a.Status)
		}
	}
	if a := admin.Post("/admin/tokens/1/revoke"); a.Status != http.StatusSeeOther {
		t.Fatal(a.Status)
	}
	if a := put(t, s, key, asJSON, `[{"order_id":"OnlyGhent"}]`); a.Status != http.StatusUnauthorized ||
		a.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("revoked: %d", a.Status)
	}
	says(t, admin.Get("/admin/tokens"), ".tokens", "Revoked 2026-11-23", "Person administrator1")
	until := token(t, s, "ERP", "until", "2026-11-24")
	s.Clock.Move(40 * time.Hour) // the end of that day at the site is 23:00 UTC
	if a := put(t, s, until, asJSON, `[{"order_id":"OnlyGhent"}]`); a.Status != http.StatusOK {
		t.Errorf("on its last day: %d", a.Status)
	}
	s.Clock.Move(2 * time.Hour)
	if a := put(t, s, until, asJSON, `[{"order_id":"OnlyGhent"}]`); a.Status != http.StatusUnauthorized {
		t.Errorf("expired: %d", a.Status)
	}
	var deeds []packaging.Deed
	for _, e := range s.History() {
		if e.Deed == packaging.TokenCreated || e.Deed == packaging.TokenRevoked {
			deeds = append(deeds, e.Deed)
		}
	}
	if !slices.Equal(deeds, []packaging.Deed{packaging.TokenCreated, packaging.TokenRevoked, packaging.TokenCreated}) {
		t.Errorf("history %v", deeds)
	}
}

func TestWhoMayNotAdministerMakesNoToken(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	for username, sees := range map[string]int{"supervisor1": 403, "manager1": 403, "operator1": 403, "auditor1": 200} {
		b := s.SignIn(username)
		if a := b.Get("/admin/tokens"); a.Status != sees || strings.Contains(a.Body, "<form class=\"token-form\"") {
			t.Errorf("%s sees %d", username, a.Status)
		}
		if a := b.Post("/admin/tokens", "name", "x"); a.Status != http.StatusForbidden {
			t.Errorf("%s makes one: %d", username, a.Status)
		}
	}
}

func TestATokensValueIsShownOnceAndStandsNowhereElse(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: []sandbox.Order{}})
	value := token(t, s, "ERP")
	put(t, s, value, asJSON, `[{"order_id":"Next1"}]`)
	put(t, s, value, asJSON, `[{"order_id":"Next1","gtin":"1"}]`)
	admin, manager := s.SignIn("administrator1"), s.SignIn("manager1")
	for _, a := range []site.Answer{
		admin.Get("/admin/tokens"), admin.Get("/history"), manager.Get("/history"), manager.Get("/history.csv"),
		manager.Get("/imports"), manager.Get("/imports/1"),
	} {
		if a.Status != http.StatusOK || strings.Contains(a.Body, value[4:]) {
			t.Errorf("a page shows the token, or failed: %d", a.Status)
		}
	}
	if strings.Contains(s.Log.String(), value[4:]) {
		t.Error("the log has the token")
	}
	for _, file := range []string{s.Path, s.Path + "-wal"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(value[4:])) {
			t.Errorf("%s has the token", file)
		}
	}
}

func TestASiteHasOneImportAtATime(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release")})
	s.AddTenant("basel", "Plant Basel", "supervisor2")
	b := s.Browser()
	b.Header.Set("Authorization", "Bearer "+token(t, s, "ERP"))
	used := func() bool {
		all, err := s.Store.Tokens(t.Context(), s.Tenant("ghent").ID)
		return err == nil && !all[0].Used.IsZero()
	}
	h := handlerstest.Hold(t, b, http.MethodPut, "/api/v1/orders", "text/csv", used)
	file := "order_id,lot\nb,LOT1\n"
	if a := s.SignIn("supervisor2").Post("/imports", "orders", file); a.Status != http.StatusSeeOther {
		t.Errorf("at another site: %d", a.Status)
	}
	person := s.SignIn("supervisor1")
	busy := func() bool { return person.Post("/imports", "orders", file).Status == http.StatusConflict }
	for until := time.Now().Add(60 * time.Second); !busy(); { // the token is noted just before the list is read
		if time.Now().After(until) {
			t.Fatal("a second import begins beside the first")
		}
		time.Sleep(5 * time.Millisecond)
	}
	again := s.Browser()
	again.Header = b.Header.Clone()
	if a := again.Send(
		http.MethodPut, "/api/v1/orders", "text/csv", strings.NewReader(file),
	); a.Status != http.StatusTooManyRequests ||
		a.Header.Get("Retry-After") == "" || !strings.Contains(a.Body, "import_busy") {
		t.Errorf("by a program: %d %s", a.Status, a.Body)
	}
	if a := h.End(t, "order_id,lot\na,LOT1\n"); a.Status != http.StatusOK {
		t.Errorf("the first: %d %s", a.Status, a.Body)
	}
	if a := person.Post("/imports", "orders", file); a.Status != http.StatusSeeOther {
		t.Errorf("after it: %d", a.Status)
	}
}

func TestAListThatWasOnItsWayWhenItsTokenWasRevokedIsNotImported(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("a", "Pending release")})
	b, admin := s.Browser(), s.SignIn("administrator1")
	b.Header.Set("Authorization", "Bearer "+token(t, s, "ERP"))
	tokens := func() []packaging.Token {
		all, err := s.Store.Tokens(t.Context(), s.Tenant("ghent").ID)
		if err != nil {
			t.Error(err)
		}
		return all
	}
	h := handlerstest.Hold(t, b, http.MethodPut, "/api/v1/orders", "text/csv", func() bool {
		return !tokens()[0].Used.IsZero()
	})
	if a := admin.Post(fmt.Sprintf("/admin/tokens/%d/revoke", tokens()[0].ID)); a.Status != http.StatusSeeOther {
		t.Fatalf("revoked: %d", a.Status)
	}
	if a := h.End(t, "order_id,line\nEvil,L1\n"); a.Status != http.StatusUnauthorized {
		t.Errorf("the rest of the list: %d %s", a.Status, a.Body)
	}
	if handlerstest.LastEntry(s, packaging.OrdersImported).Seq != 0 {
		t.Error("the history has an import")
	}
}
