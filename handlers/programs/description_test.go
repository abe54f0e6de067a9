package programs_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

func TestThePageShowsEachOperationWithItsScopesParametersAndAnswers(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	doc := programOn(t, s, "any", nil, "read_orders").doc
	page := s.SignIn("administrator1").Get("/admin/tokens/api")
	if page.Status != http.StatusOK {
		t.Fatalf("%d", page.Status)
	}
	n := 0
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			n++
			part := strings.Join(strings.Fields(page.Text("#"+o.OperationID)), " ")
			want := []string{method + " " + path, o.Summary, "curl -sf"}
			for _, p := range o.Parameters {
				want = append(want, p.Value.Name)
			}
			for status, r := range o.Responses.Map() {
				want = append(want, status, *r.Value.Description)
			}
			for _, one := range want {
				if !strings.Contains(part, strings.Join(strings.Fields(one), " ")) {
					t.Errorf("%s %s: %q is not in %q", method, path, one, part)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("%d operations", n)
	}
}

// heldList makes a list of an order that is held, and returns its id.
func heldList(t *testing.T, s *site.Site) string {
	t.Helper()
	s.Box.SetStatus("Order144", "In progress")
	s.Refresh()
	a := s.SignIn("supervisor1").Post(
		handlerstest.OrderPath(s.Order("Order144"), "/list"), "list", "S1\nS1\n", "confirm", "yes",
	)
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Status, a.Text("main"))
	}
	s.Clock.Move(10 * time.Minute)
	late, err := s.Store.LateDeliveries(t.Context(), s.Person("supervisor1").Scope())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range late {
		if v.State == packaging.DeliveryHeld {
			return v.UID
		}
	}
	t.Fatalf("%+v", late)
	return ""
}

// everything is what a token may be given to read.
var everything = []string{"take_lists", "read_serials", "read_orders", "read_history"}

// Imports have a test of their own.
func TestEachAnswerOfEachOperationIsAsDescribed(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "kind", "pull", "name", "Line PC")
	o := release(t, s, "Order143")
	p := programOn(t, s, "all", nil, everything...)
	uid := listed(t, p.get("/api/v1/releases")).Releases[0].ID
	list, taken := "/api/v1/releases/"+uid+"/serials", "/api/v1/releases/"+uid+"/taken"
	held := heldList(t, s)
	addresses := map[string]string{
		"listOrders": "/api/v1/orders", "getOrder": fmt.Sprintf("/api/v1/orders/%d", o.ID),
		"listReleases": "/api/v1/releases",
		"getSerials":   list, "takeRelease": taken, "listLines": "/api/v1/lines", "listHistory": "/api/v1/history",
		"getStatus": "/api/v1/status",
	}
	seen := map[string]bool{}
	got := func(id string, a site.Answer) { seen[fmt.Sprint(id, " ", a.Status)] = true }
	send := func(p program, id, address, body string, header ...string) {
		t.Helper()
		method := "GET"
		if id == "takeRelease" {
			method = "POST"
		}
		got(id, p.send(method, address, body, header...))
	}
	for id, address := range addresses {
		if id == "takeRelease" {
			continue
		}
		a := p.get(address)
		got(id, a)
		if tag := a.Header.Get("ETag"); tag != "" {
			send(p, id, address, "", "If-None-Match", tag)
		}
	}
	digest := p.send("GET", list, "", "Accept", "text/csv").Header.Get("Lineboard-Sha256")
	count := len(strings.Split(strings.TrimSpace(p.send("GET", list, "", "Accept", "text/csv").Body), "\n")) - 1
	other := fmt.Sprintf(`{"count": 1, "sha256": %q}`, strings.Repeat("0", 64))
	for _, one := range [][]string{
		{"listOrders", "/api/v1/orders?limit=5000"},
		{"listOrders", "/api/v1/orders?line=L9"},
		{"listOrders", "/api/v1/orders?after=999999"},
		{"getOrder", "/api/v1/orders/999999"},
		{"listReleases", "/api/v1/releases?limit=5000"},
		{"listReleases", "/api/v1/releases?limit=0"},
		{"listReleases", "/api/v1/releases?line=L9"},
		{"listReleases", "/api/v1/releases?after=999999-00000000"},
		{"getSerials", "/api/v1/releases/" + strings.Repeat("0", 32) + "/serials"},
		{"getSerials", list, "", "Accept", "text/html"},
		{"getSerials", "/api/v1/releases/" + held + "/serials"},
		{"listHistory", "/api/v1/history?limit=5000"},
		{"listHistory", "/api/v1/history?after=999999"},
		{"takeRelease", "/api/v1/releases/" + strings.Repeat("0", 32) + "/taken", other},
		{"takeRelease", taken, other},
		{"takeRelease", taken, `{"x":`},
		{"takeRelease", taken, `{"count": 1, "x": "` + strings.Repeat("x", 2<<20) + `"}`},
		{"takeRelease", taken, fmt.Sprintf(`{"count": %d, "sha256": %q}`, count, digest)},
	} {
		one = append(one, "")
		send(p, one[0], one[1], one[2], slices.DeleteFunc(one[3:], func(s string) bool { return s == "" })...)
	}
	nobody := p
	nobody.key = ""
	sender := programOn(t, s, "sends", nil, "send_orders")
	for id, address := range addresses {
		send(nobody, id, address, other)
		send(sender, id, address, other)
	}
	for range 200 { // until it has no more requests
		p.get("/api/v1/lines")
		p.send("POST", taken, other)
	}
	for id, address := range addresses {
		send(p, id, address, other)
	}
	blocked := site.New(t, site.Options{})
	destination(t, blocked, "L1", "kind", "pull", "name", "Line PC")
	release(t, blocked, "Order143")
	writer := programOn(t, blocked, "writes", nil, everything...)
	fresh := listed(t, writer.get("/api/v1/releases")).Releases[0].ID
	if err := os.Rename(blocked.Path, blocked.Path+" of before"); err != nil { // nothing can be written
		t.Fatal(err)
	}
	blocked.Clock.Move(time.Hour)
	for id, address := range addresses {
		send(writer, id, strings.ReplaceAll(address, uid, fresh), other)
	}
	if err := os.Rename(blocked.Path+" of before", blocked.Path); err != nil {
		t.Fatal(err)
	}
	late := programOn(t, s, "late", nil, everything...)
	s.Tamper(`ALTER TABLE api_tokens RENAME TO gone`)
	for id, address := range addresses {
		send(late, id, address, other)
	}
	plain := programOn(t, site.New(t, site.Options{}), "plain", nil, everything...)
	plain.s = site.New(t, site.Options{Secure: true, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	for id, address := range addresses {
		send(plain, id, address, other, "X-Forwarded-Proto", "http")
	}
	for path, item := range p.doc.Paths.Map() {
		for method, o := range item.Operations() {
			if method == http.MethodPut || o.OperationID == "getDescription" {
				continue
			}
			for status := range o.Responses.Map() {
				// Reading goes on where nothing can be written. What is new is noted before it is given, which shows the 503.
				writes := o.OperationID == "getSerials" || o.OperationID == "takeRelease"
				if !seen[o.OperationID+" "+status] && (status != "503" || writes) {
					t.Errorf("%s %s: nothing gets %s", method, path, status)
				}
			}
		}
	}
}

func TestTheScopesOfTheDescriptionAreThoseThatCount(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	doc := programOn(t, s, "first", nil, "read_orders").doc
	for _, scope := range packaging.TokenScopes {
		p := programOn(t, s, "only "+string(scope), nil, string(scope))
		for path, item := range doc.Paths.Map() {
			for method, o := range item.Operations() {
				if o.Security != nil {
					continue
				}
				needs := fmt.Sprint(o.Extensions["x-scopes"])
				a := p.send(method, strings.ReplaceAll(path, "{id}", "1"), "{}")
				if may := needs == "[]" ||
					strings.Contains(needs, string(scope)); may == (a.Status == http.StatusForbidden) {
					t.Errorf("%s %s with %s: %d, though it needs %s", method, path, scope, a.Status, needs)
				}
			}
		}
	}
}

// As with a full disk: the name of the write-ahead log is that of another file by now. It says the same, since readers
// may open it.
func TestALineReadsItsListThoughNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	destination(t, s, "L1", "kind", "pull", "name", "Line PC")
	release(t, s, "Order143")
	p := programOn(t, s, "line", nil, everything...)
	list := "/api/v1/releases/" + listed(t, p.get("/api/v1/releases")).Releases[0].ID + "/serials"
	before := p.get(list)
	log := s.Path + "-wal"
	if err := os.Rename(log, log+" of before"); err != nil {
		t.Fatal(err)
	}
	says, err := os.ReadFile(log + " of before")
	if err == nil {
		err = os.WriteFile(log, says, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Move(time.Hour)
	line := s.Order("Order143").Line
	if err := s.Store.NoteLine(t.Context(), s.Person("supervisor1"), line, "x"); packaging.CodeOf(err) != packaging.Unavailable {
		t.Errorf("something can be written: %v", err)
	}
	for _, address := range []string{list, "/api/v1/releases", "/api/v1/orders", "/api/v1/history", "/api/v1/status"} {
		if a := p.get(address); a.Status != http.StatusOK || address == list && a.Body != before.Body {
			t.Errorf("%s: %d %s", address, a.Status, a.Body)
		}
	}
	if err := os.Rename(log+" of before", log); err != nil { // the end of the site writes
		t.Fatal(err)
	}
}
