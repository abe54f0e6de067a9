package programs_test

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"

	"lineboard/handlers"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/deliver"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/site"
)

var tokenForm = regexp.MustCompile(`lbt_[A-Za-z0-9_-]{43}`)

// program is a program with a token, whose answers are held against the description.
type program struct {
	t   *testing.T
	s   *site.Site
	key string
	doc *openapi3.T
}

// programOn makes a token for some lines with some scopes.
func programOn(t *testing.T, s *site.Site, name string, lines []string, scopes ...string) program {
	t.Helper()
	form := []string{"name", name}
	for _, l := range lines {
		form = append(form, "line", l)
	}
	for _, scope := range scopes {
		form = append(form, "scope", scope)
	}
	a := s.SignIn("administrator1").PostAll("/admin/tokens", form...)
	key := tokenForm.FindString(a.Body)
	if key == "" {
		t.Fatalf("token: %d %s", a.Status, a.Text("main"))
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(s.Browser().Get("/api/v1/openapi.yaml").Body))
	if err == nil {
		err = doc.Validate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return program{t, s, key, doc}
}

// send sends a request, and fails the test if the answer is not as described.
func (p program) send(method, address, body string, header ...string) site.Answer {
	p.t.Helper()
	b := p.s.Browser()
	if p.key != "" {
		b.Header.Set("Authorization", "Bearer "+p.key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		b.Header.Set(header[i], header[i+1])
	}
	var content io.Reader
	kind := ""
	if body != "" {
		content, kind = strings.NewReader(body), "application/json"
	}
	a := b.Send(method, address, kind, content)
	router, err := legacy.NewRouter(p.doc)
	if err != nil {
		p.t.Fatal(err)
	}
	request := httptest.NewRequest(method, address, nil)
	route, params, err := router.FindRoute(request)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, address, err)
	}
	if a.Status == http.StatusNotModified {
		return a
	}
	if err := openapi3filter.ValidateResponse(p.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: request, PathParams: params, Route: route,
		},
		Status: a.Status, Header: a.Header, Body: io.NopCloser(strings.NewReader(a.Body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}); err != nil {
		p.t.Errorf("%s %s: the answer %d %.300s is not as described: %v", method, address, a.Status, a.Body, err)
	}
	return a
}

func (p program) get(address string) site.Answer { p.t.Helper(); return p.send("GET", address, "") }

// code is that of a problem.
func code(a site.Answer) string {
	var problem struct{ Code string }
	_ = json.Unmarshal([]byte(a.Body), &problem)
	return problem.Code
}

func destination(t *testing.T, s *site.Site, line string, form ...string) {
	t.Helper()
	form = append([]string{"late_after", "5", "give_up", "72", "do", "save"}, form...)
	if a := s.SignIn("administrator1").PostAll(
		"/admin/lines/"+line+"/destinations", form...,
	); a.Status != http.StatusSeeOther && a.Status != http.StatusOK {
		t.Fatalf("destination: %d %s", a.Status, a.Text("main"))
	}
}

func release(t *testing.T, s *site.Site, order string) packaging.Order {
	t.Helper()
	o := s.Order(order)
	if a := s.SignIn("supervisor1").Post(
		handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision),
	); a.Status != http.StatusSeeOther {
		t.Fatalf("release: %d %s", a.Status, a.Text("main"))
	}
	return s.Order(order)
}

type releases struct {
	Releases []struct {
		ID, Order, Serials, Cursor string
		Count                      int
	}
	Next *string
}

func listed(t *testing.T, a site.Answer) (all releases) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAProgramOfALineTakesItsListAndTheOrderSaysSo(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "kind", "pull", "name", "Line PC")
	destination(t, s, "L2", "kind", "pull", "name", "Other PC")
	o := release(t, s, "Order143")
	page := s.SignIn("operator1").Get(handlerstest.OrderPath(o, ""))
	if !strings.Contains(page.Text("#deliveries"), "Line PC has not confirmed the list yet") {
		t.Errorf("before: %s", page.Text("#deliveries"))
	}
	pc := programOn(t, s, "PC 1", []string{"L1"}, "take_lists")
	all := listed(t, pc.get("/api/v1/releases?line=L1"))
	if len(all.Releases) != 1 || all.Releases[0].Order != "Order143" || all.Next == nil {
		t.Fatalf("%+v", all)
	}
	one := all.Releases[0]
	got := pc.send("GET", one.Serials, "", "Accept", "text/csv")
	rows, err := csv.NewReader(strings.NewReader(got.Body)).ReadAll()
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(got.Body)))
	if err != nil || len(rows) != one.Count+1 || got.Header.Get("Lineboard-Sha256") != sum {
		t.Fatalf("%d rows, %v, %v", len(rows), err, got.Header)
	}
	if again := pc.send(
		"GET", one.Serials, "", "Accept", "text/csv", "If-None-Match", got.Header.Get("ETag"),
	); again.Status != http.StatusNotModified {
		t.Errorf("the same again: %d", again.Status)
	}
	taken := "/api/v1/releases/" + one.ID + "/taken"
	for body, want := range map[string]string{
		fmt.Sprintf(`{"count": %d, "sha256": %q}`, one.Count, strings.Repeat("0", 64)): "other_list",
		fmt.Sprintf(`{"count": %d, "sha256": %q}`, one.Count-1, sum):                   "other_list",
		`{"count": 1}`: "bad_taken", `x`: "bad_taken", fmt.Sprintf(`{"sha256": %q}`, sum): "bad_taken",
	} {
		if a := pc.send("POST", taken, body); code(a) != want {
			t.Errorf("%s: %d %s", body, a.Status, a.Body)
		}
	}
	if s.History()[0].Deed == packaging.ListTaken {
		t.Error("what does not fit counts as taken")
	}
	for range 2 { // a repetition is answered the same
		if a := pc.send(
			"POST", taken, fmt.Sprintf(`{"count": %d, "sha256": %q}`, one.Count, sum),
		); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	if e := s.History()[0]; e.Deed != packaging.ListTaken || e.By.Username != "token:PC 1" || e.Object != "Line PC" {
		t.Errorf("%+v", e)
	}
	if all := listed(t, pc.get("/api/v1/releases?line=L1")); len(all.Releases) > 0 {
		t.Errorf("it comes again: %+v", all)
	}
	b := s.SignIn("supervisor1")
	for address, says := range map[string][2]string{
		handlerstest.OrderPath(o, ""):       {"#deliveries", "Line PC took it"},
		handlerstest.OrderPath(o, "#story"): {"#story", "Line PC took the serial list"},
		handlerstest.OrderPath(o, "/story"): {"#story", "Line PC took the serial list"},
		"/history":                          {"main", "Line PC took the serial list"},
	} {
		if text := b.Get(address).Text(says[0]); !strings.Contains(text, says[1]) {
			t.Errorf("%s: %s", address, text)
		}
	}
}

// Each route, asked by a token of another line and by one of the order's own: the first gets nothing of it, the second
// all. A new route fails until it is here.
func TestATokenOfOneLineSeesNothingOfAnother(t *testing.T) {
	t.Parallel()
	unknown := sandbox.Order143(time.Now())
	unknown.ID = "Order144"
	s := site.New(t, site.Options{Orders: []sandbox.Order{sandbox.Order143(time.Now()), unknown}})
	destination(t, s, "L1", "kind", "pull", "name", "Line PC")
	destination(t, s, "L2", "kind", "pull", "name", "Other PC")
	o := release(t, s, "Order143")
	s.Box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.CutBefore, Times: 1})
	release(t, s, "Order144")
	scopes := []string{"take_lists", "read_serials", "read_orders", "read_history", "send_orders"}
	own, other := programOn(t, s, "PC 1", []string{"L1"}, scopes...), programOn(t, s, "PC 2", []string{"L2"}, scopes...)
	list := listed(t, own.get("/api/v1/releases")).Releases[0]
	sum := own.get(list.Serials).Header.Get("Lineboard-Sha256")
	s.Clock.Move(6 * time.Minute) // the list is late
	reads := func(address, shows string) func(program) (bool, string) {
		return func(p program) (bool, string) {
			a := p.get(address)
			return strings.Contains(a.Body, shows), a.Body
		}
	}
	changes := func(method, address, body string) func(program) (bool, string) {
		return func(p program) (bool, string) {
			a := p.send(method, address, body)
			return a.Status < http.StatusBadRequest, a.Body
		}
	}
	routes := map[string][]func(program) (bool, string){
		"GET /api/v1/lines": {reads("/api/v1/lines", `"L1"`)},
		"GET /api/v1/orders": {
			reads("/api/v1/orders", "Order143"), reads("/api/v1/orders?line=L1", "Order143"),
		},
		"GET /api/v1/orders/{id}": {reads(fmt.Sprintf("/api/v1/orders/%d", o.ID), "Order143")},
		"GET /api/v1/history":     {reads("/api/v1/history", "Order143")},
		"GET /api/v1/status": {
			reads("/api/v1/status", `"unknown_outcomes":1`), reads("/api/v1/status", `"late_deliveries":1`),
		},
		"GET /api/v1/releases/{id}/serials": {reads(list.Serials, o.GTIN), reads(list.Serials+"?format=csv", "serial")},
		"GET /api/v1/releases": {
			reads("/api/v1/releases", "Order143"), reads("/api/v1/releases?state=all", "Order143"),
			reads("/api/v1/releases?line=L1", "Order143"), reads("/api/v1/releases?destination=Line+PC", "Order143"),
		},
		"PUT /api/v1/orders": {
			changes("PUT", "/api/v1/orders", `[{"order_id":"Order143","lot":"MINE"}]`),
			changes("PUT", "/api/v1/orders", `[{"order_id":"New1","line":"L1","quantity":7}]`),
		},
		"POST /api/v1/releases/{id}/taken": {
			changes(
				"POST", "/api/v1/releases/"+list.ID+"/taken", fmt.Sprintf(`{"count":%d,"sha256":%q}`, list.Count, sum),
			),
		},
		"GET /api/v1/openapi.yaml": nil, // anybody may read it
	}
	for path, item := range own.doc.Paths.Map() {
		for method := range item.Operations() {
			asks, known := routes[method+" "+path]
			if !known {
				t.Errorf("%s %s is not asked", method, path)
			}
			for i, ask := range asks {
				if got, said := ask(other); got {
					t.Errorf("%s %s (%d): a token of another line gets %s", method, path, i, said)
				}
			}
		}
	}
	if now := s.Order("Order143"); now.Lot != o.Lot {
		t.Errorf("a token of another line sets the lot to %s", now.Lot)
	}
	for route, asks := range routes { // what would be there
		if !strings.HasPrefix(route, "GET") {
			continue // it changes what the others read
		}
		for i, ask := range asks {
			if got, said := ask(own); !got {
				t.Errorf("%s (%d): the line's own token gets %s", route, i, said)
			}
		}
	}
}

func TestATokenDoesWhatItsScopesSayAndNothingElse(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "kind", "pull", "name", "Line PC")
	o := release(t, s, "Order143")
	uid := listed(t, programOn(t, s, "all", nil, "take_lists").get("/api/v1/releases")).Releases[0].ID
	needs := map[string][]string{
		"GET /api/v1/orders": {"read_orders"}, fmt.Sprintf("GET /api/v1/orders/%d", o.ID): {"read_orders"},
		"GET /api/v1/releases":                     {"take_lists", "read_serials"},
		"GET /api/v1/releases/" + uid + "/serials": {"take_lists", "read_serials"},
		"POST /api/v1/releases/" + uid + "/taken":  {"take_lists"}, "GET /api/v1/history": {"read_history"},
		"GET /api/v1/lines": nil, "GET /api/v1/status": nil, "PUT /api/v1/orders": {"send_orders"},
	}
	asked := map[string]bool{}
	for route := range needs {
		method, address, _ := strings.Cut(route, " ")
		address = strings.NewReplacer(uid, "{id}", fmt.Sprintf("orders/%d", o.ID), "orders/{id}").Replace(address)
		asked[method+" "+address] = true
	}
	for path, item := range programOn(t, s, "described", nil, "read_orders").doc.Paths.Map() {
		for method := range item.Operations() {
			if path != "/api/v1/openapi.yaml" && !asked[method+" "+path] { // that one anybody may read
				t.Errorf("%s %s has no row here: say which scopes it needs", method, path)
			}
		}
	}
	for _, scope := range packaging.TokenScopes {
		p := programOn(t, s, "only "+string(scope), nil, string(scope))
		for route, scopes := range needs {
			method, address, _ := strings.Cut(route, " ")
			body := ""
			switch method {
			case http.MethodPost:
				body = `{}`
			case http.MethodPut:
				body = `[]`
			}
			a := p.send(method, address, body)
			may := scopes == nil || slices.Contains(scopes, string(scope))
			if may == (a.Status == http.StatusForbidden) || !may && code(a) != "not_in_scope" {
				t.Errorf("%s with %s: %d %s", route, scope, a.Status, a.Body)
			}
		}
	}
	nobody := programOn(t, s, "nobody", nil, "read_orders")
	nobody.key = ""
	for route := range needs {
		method, address, _ := strings.Cut(route, " ")
		if a := nobody.send(method, address, ""); a.Status != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", route, a.Status)
		}
	}
}

func TestTheHistoryComesInTheOrderOfTheChainWithItsHashes(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	release(t, s, "Order143")
	p := programOn(t, s, "SIEM", nil, "read_history")
	type page struct {
		Entries []struct {
			Number       int64
			PreviousHash string `json:"previous_hash"`
			Hash         string
		}
		Whole bool
		Next  *string
	}
	last, hash, next := int64(0), strings.Repeat("0", 64), ""
	for range 100 {
		var one page
		a := p.get("/api/v1/history?limit=3&after=" + next)
		if err := json.Unmarshal([]byte(a.Body), &one); err != nil || !one.Whole {
			t.Fatal(a.Body)
		}
		if len(one.Entries) == 0 {
			break
		}
		for _, e := range one.Entries {
			if e.Number != last+1 || e.PreviousHash != hash {
				t.Fatalf("entry %d follows %d", e.Number, last)
			}
			last, hash = e.Number, e.Hash
		}
		next = *one.Next
	}
	if newest := s.History()[0]; newest.Seq != last {
		t.Errorf("the last is %d of %d", last, newest.Seq)
	}
	for address, want := range map[string]string{
		"/api/v1/history?after=999999": "unknown_cursor", "/api/v1/history?after=x": "bad_cursor",
		"/api/v1/history?limit=5000": "bad_limit",
	} {
		if a := p.get(address); code(a) != want {
			t.Errorf("%s: %d %s", address, a.Status, a.Body)
		}
	}
}

func TestOrdersAreReadPageByPage(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	o := release(t, s, "Order143")
	p := programOn(t, s, "MES", nil, "read_orders")
	seen, next := map[string]int{}, ""
	for range 100 {
		var page struct {
			Orders []struct{ Order string }
			Next   *string
		}
		if err := json.Unmarshal([]byte(p.get("/api/v1/orders?limit=2&after="+next).Body), &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Orders) == 0 {
			break
		}
		for _, one := range page.Orders {
			seen[one.Order]++
		}
		next = *page.Next
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", key, n)
		}
	}
	if seen["Order143"] != 1 || len(seen) < 3 {
		t.Errorf("%v", seen)
	}
	one := p.get(fmt.Sprintf("/api/v1/orders/%d", o.ID))
	if !strings.Contains(one.Body, `"outcome":"released"`) {
		t.Error(one.Body)
	}
	if a := p.send(
		"GET", fmt.Sprintf("/api/v1/orders/%d", o.ID), "", "If-None-Match", one.Header.Get("ETag"),
	); a.Status != http.StatusNotModified {
		t.Errorf("%d", a.Status)
	}
	if a := p.get("/api/v1/status"); !strings.Contains(a.Body, `"unknown_outcomes":0`) {
		t.Error(a.Body)
	}
}

// outage is what the clients of an API know that went down, or is back.
type outage struct {
	*manufacturer.Clients
	since time.Time // zero while the API answers
}

func (o *outage) Down(packaging.TenantID) (since time.Time, down bool) {
	return o.since, !o.since.IsZero()
}

func TestTheStatusSaysHowOldTheOrdersAreAndWhetherTheAPIIsDown(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	p := programOn(t, s, "watch", nil, "read_orders")
	clients := &outage{Clients: manufacturer.NewClients(nil)}
	s.Web = httptest.NewServer(handlers.New(handlers.Config{
		Store: s.Store, Hub: s.Hub, Releaser: s.Releaser, Settler: s.Settler, Guard: s.Guard,
		Log: slog.New(slog.DiscardHandler),
		Now: s.Clock.Now, Clients: clients, Interval: 30 * time.Second, Patience: time.Minute, Idle: 2 * time.Hour,
		Limit: 12 * time.Hour,
	}))
	t.Cleanup(s.Web.Close)
	status := func() (said struct {
		OrdersAge *int64 `json:"orders_age_seconds"`
		APIDown   *bool  `json:"api_down"`
	},
	) {
		t.Helper()
		if err := json.Unmarshal([]byte(p.get("/api/v1/status").Body), &said); err != nil ||
			said.OrdersAge == nil || said.APIDown == nil {
			t.Fatalf("%+v %v", said, err)
		}
		return said
	}
	first := status()
	s.Clock.Move(90 * time.Second)
	clients.since = s.Clock.Now()
	if later := status(); *first.APIDown || !*later.APIDown || *later.OrdersAge-*first.OrdersAge != 90 {
		t.Errorf("age %d, then %d; down %v, then %v", *first.OrdersAge, *later.OrdersAge, *first.APIDown, *later.APIDown)
	}
	clients.since = time.Time{}
	if *status().APIDown {
		t.Error("the API is back, and said to be down")
	}
}

func TestAProgramThatAsksTooOftenIsToldWhenItMayAgain(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	p := programOn(t, s, "hasty", nil, "read_orders")
	number := func(a site.Answer, header string) int {
		n, err := strconv.Atoi(a.Header.Get(header))
		if err != nil {
			t.Fatalf("%s: %v", header, a.Header)
		}
		return n
	}
	limit := number(p.get("/api/v1/lines"), "RateLimit-Limit")
	for asked := 1; ; asked++ {
		a := p.get("/api/v1/lines")
		left, full := number(a, "RateLimit-Remaining"), number(a, "RateLimit-Reset")
		if a.Status == http.StatusTooManyRequests {
			if wait := number(a, "Retry-After"); wait < 1 || left != 0 || asked < limit {
				t.Errorf("after %d of %d: %v", asked, limit, a.Header)
			}
			s.Clock.Move(time.Duration(full) * time.Second)
			if left := number(p.get("/api/v1/lines"), "RateLimit-Remaining"); left != limit-1 {
				t.Errorf("when all may come again: %d of %d", left, limit)
			}
			return
		}
		if left < limit-1-asked || left > limit-1-asked/2 || full < 1 { // some come back meanwhile
			t.Fatalf("after %d of %d: %v", asked, limit, a.Header)
		}
	}
}

func TestAnOddListIsNotGivenBeforeAPersonSendsIt(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "kind", "pull", "name", "Line PC")
	s.Box.SetStatus("Order143", "In progress")
	s.Refresh()
	o := s.Order("Order143")
	if a := s.SignIn("supervisor1").Post(
		handlerstest.OrderPath(o, "/list"), "list", "S1\nS1\n", "confirm", "yes",
	); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	pc := programOn(t, s, "PC 1", nil, "take_lists")
	if all := listed(t, pc.get("/api/v1/releases")); len(all.Releases) > 0 {
		t.Fatalf("%+v", all)
	}
	b := s.SignIn("supervisor1")
	page := b.Get(handlerstest.OrderPath(o, ""))
	form := page.Attr("#deliveries form", "action")
	if form == "" || !strings.Contains(page.Text("#deliveries"), "Held") {
		t.Fatalf("%s", page.Text("#deliveries"))
	}
	if a := b.Post(form, "do", "send", "why", ""); a.Status < 400 {
		t.Errorf("without a reason: %d", a.Status)
	}
	if a := s.SignIn("operator1").Post(form, "do", "send", "why", "x"); a.Status != http.StatusForbidden {
		t.Errorf("an operator sends it: %d", a.Status)
	}
	if a := b.Post(form, "do", "send", "why", "counted at the line"); a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	if all := listed(t, pc.get("/api/v1/releases")); len(all.Releases) != 1 {
		t.Errorf("%+v", all)
	}
}

func TestAListThatWaitsTooLongStandsOnTheBoards(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "kind", "pull", "name", "Line PC")
	release(t, s, "Order143")
	s.Clock.Move(6 * time.Minute)
	b := s.SignIn("operator1")
	if text := b.Get("/lines/L1").Text(".late-lists"); !strings.Contains(
		text, "Line PC has not confirmed the list yet",
	) {
		t.Errorf("line: %q", text)
	}
	for _, address := range []string{"/?all=1", "/?wall"} {
		if text := b.Get(address).Text("main"); !strings.Contains(text, "List waits") {
			t.Errorf("%s: %q", address, text)
		}
	}
}

func TestAFolderGetsTheListOfARelease(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := site.New(t, site.Options{Deliveries: deliver.Options{
		Roots: map[string]string{"drop": root}, First: time.Millisecond, Most: time.Second, Limit: 10 * time.Second,
	}})
	go func() { _ = s.Deliver.Run(t.Context()) }()
	admin := s.SignIn("administrator1")
	form := []string{
		"kind", "folder", "name", "Share", "address", "drop", "file_name", "{{.Order}}-{{.Number}}.txt", "format",
		"own",
		"template", "{{.Lot}}\n{{range .Serials}}{{.Serial}}\n{{end}}", "late_after", "5", "give_up", "72",
	}
	if a := admin.PostAll(
		"/admin/lines/L1/destinations", append(form, "do", "preview")...,
	); !strings.Contains(a.Text("main"), "SAMPLE000001") {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	if a := admin.PostAll(
		"/admin/lines/L1/destinations",
		append(slices.Clone(form[:10]), "template", "{{.Nothing}}", "late_after", "5", "give_up", "72")...,
	); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("a template that can't be: %d %s", a.Status, a.Text("main"))
	}
	destination(t, s, "L1", form...)
	to := admin.Get("/admin/lines").Attr(".destinations a", "href")
	if a := admin.Post(to + "/try"); !strings.Contains(a.Text("main"), "The test arrived.") {
		t.Errorf("%d %s", a.Status, a.Text("main"))
	}
	o := release(t, s, "Order143")
	file := filepath.Join(root, "Order143-1.txt")
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		content, err := os.ReadFile(file)
		if err == nil && strings.HasPrefix(string(content), o.Lot+"\n") &&
			int64(strings.Count(string(content), "\n")) == o.Release.Serials+1 {
			break
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatalf(
				"%q %v %s", content, err, s.SignIn("operator1").Get(handlerstest.OrderPath(o, "")).Text("#deliveries"),
			)
		}
	}
	if a := admin.Post(to+"/stop", "why", "maintenance"); a.Status != http.StatusSeeOther {
		t.Errorf("%d", a.Status)
	}
	if text := admin.Get(to).Text("main"); !strings.Contains(text, "maintenance") {
		t.Error(text)
	}
	if a := admin.Post(to + "/start"); a.Status != http.StatusSeeOther {
		t.Errorf("%d", a.Status)
	}
	if a := admin.Post(to+"/retire", "why", "replaced"); a.Status != http.StatusSeeOther {
		t.Errorf("%d", a.Status)
	}
	if a := admin.Get(to); a.Status != http.StatusNotFound {
		t.Errorf("%d", a.Status)
	}
}

// A try that has begun can't be called back: who carries the list by hand meanwhile is told.
func TestAListThatWasSentWithoutAnAnswerSaysSoWhateverAPersonDecides(t *testing.T) {
	t.Parallel()
	arrived := make(chan bool, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- true
		<-r.Context().Done()
	}))
	t.Cleanup(receiver.Close)
	s := site.New(t, site.Options{Deliveries: deliver.Options{
		Hosts: []string{receiver.Listener.Addr().String()}, First: time.Millisecond, Most: time.Second, Limit: time.Minute,
	}})
	go func() { _ = s.Deliver.Run(t.Context()) }()
	destination(t, s, "L1", "kind", "webhook", "name", "MES", "address", receiver.URL)
	o := release(t, s, "Order143")
	select {
	case <-arrived:
	case <-time.After(60 * time.Second):
		t.Fatal("nothing arrived")
	}
	const told = "without an answer so far: MES may have the list already."
	b := s.SignIn("supervisor1")
	page := b.Get(handlerstest.OrderPath(o, ""))
	if !strings.Contains(page.Text("#deliveries"), told) {
		t.Errorf("while it waits: %s", page.Text("#deliveries"))
	}
	b.Post(page.Attr("#deliveries form", "action"), "do", "carried", "why", "on a stick")
	if text := b.Get(handlerstest.OrderPath(o, "")).Text("#deliveries"); !strings.Contains(text, "Carried to MES") ||
		!strings.Contains(text, told) {
		t.Errorf("after it was carried: %s", text)
	}
}

func TestAWebhooksSecretIsShownOnceAndReplaced(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Deliveries: deliver.Options{Hosts: []string{"mes.example"}}})
	admin := s.SignIn("administrator1")
	form := []string{
		"kind", "webhook", "name", "MES", "address", "https://mes.example/hooks", "late_after", "5", "give_up", "72",
	}
	secret := regexp.MustCompile(`whsec_[A-Za-z0-9+/=]{40,}`)
	made := admin.PostAll("/admin/lines/L1/destinations", form...)
	first := secret.FindString(made.Body)
	to := admin.Get("/admin/lines").Attr(".destinations a", "href")
	if first == "" || strings.Contains(admin.Get(to).Body, first) {
		t.Fatalf("%d %s", made.Status, made.Text("main"))
	}
	if second := secret.FindString(admin.Post(to + "/secret").Body); second == "" || second == first {
		t.Errorf("%q", second)
	}
	form[5] = "https://elsewhere.example/hooks"
	form[3] = "Other"
	if a := admin.PostAll("/admin/lines/L1/destinations", form...); a.Status != http.StatusUnprocessableEntity ||
		!strings.Contains(a.Text("main"), "--destination-hosts") {
		t.Errorf("%d %s", a.Status, a.Text("main"))
	}
}

// A program asks for the lists of all that it serves: those of a stopped destination wait, the others come.
func TestAStoppedDestinationHoldsNoOtherUp(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "kind", "pull", "name", "Line PC")
	destination(t, s, "L2", "kind", "pull", "name", "Other PC")
	o := release(t, s, "Order143")
	pc := programOn(t, s, "PC", nil, "take_lists")
	admin := s.SignIn("administrator1")
	admin.Post("/admin/destinations/2/stop", "why", "maintenance")
	if a := pc.get("/api/v1/releases"); a.Status != http.StatusOK || len(listed(t, a).Releases) != 1 {
		t.Errorf("with another one stopped: %d %s", a.Status, a.Body)
	}
	admin.Post("/admin/destinations/1/stop", "why", "maintenance")
	if a := pc.get("/api/v1/releases"); a.Status != http.StatusConflict || code(a) != "destination_stopped" {
		t.Errorf("with all stopped: %d %s", a.Status, a.Body)
	}
	if text := admin.Get(handlerstest.OrderPath(o, "")).Text("#deliveries"); !strings.Contains(text, "List waits") ||
		strings.Contains(text, "On its way") {
		t.Errorf("the order says of a stopped destination: %s", text)
	}
}

func TestAListWhoseDestinationEndsIsNotSaidToBeTriedForTooLong(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "kind", "pull", "name", "Line PC")
	o := release(t, s, "Order143")
	s.SignIn("administrator1").Post("/admin/destinations/1/retire", "why", "the PC was replaced")
	text := s.SignIn("supervisor1").Get(handlerstest.OrderPath(o, "")).Text("#deliveries")
	if !strings.Contains(text, "Line PC was ended") || !strings.Contains(text, "the PC was replaced") ||
		strings.Contains(text, "too long") {
		t.Error(text)
	}
}

func TestHEADIsAnsweredAsGETIs(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "name", "Line PC", "kind", "pull")
	p := programOn(t, s, "All", nil, "take_lists", "read_orders", "read_serials", "read_history")
	o := release(t, s, "Order143")
	var waiting releases
	if err := json.Unmarshal([]byte(p.get("/api/v1/releases?line=L1").Body), &waiting); err != nil ||
		len(waiting.Releases) != 1 {
		t.Fatalf("%+v %v", waiting, err)
	}
	b := s.Browser()
	b.Header.Set("Authorization", "Bearer "+p.key)
	for _, path := range []string{
		"/openapi.yaml", "/orders", fmt.Sprintf("/orders/%d", o.ID), "/releases?line=L1",
		"/releases/" + waiting.Releases[0].ID + "/serials", "/lines", "/history", "/status",
	} {
		entries := len(s.History())
		a := b.Send(http.MethodHead, "/api/v1"+path, "", strings.NewReader(""))
		if a.Status != http.StatusOK || a.Body != "" || a.Header.Get("Content-Type") == "" {
			t.Errorf("HEAD %s: %d %q", path, a.Status, a.Header.Get("Content-Type"))
		}
		if got := len(s.History()); got != entries {
			t.Errorf("HEAD %s writes %d entries", path, got-entries)
		}
	}
}
