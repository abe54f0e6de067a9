package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func start(t *testing.T, o Options) (*Sandbox, string) {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	s := New(o)
	s.Put(Sample(noon)...)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

type header map[string]string

var static = header{"X-Access-Token": StaticToken, "X-Channel-Key": ChannelKey}

// request makes a call and gives its status and body.
func request(t *testing.T, method, url, body string, h header) (int, string) {
	t.Helper()
	status, text, err := try(t, method, url, body, h)
	if err != nil {
		t.Fatal(err)
	}
	return status, text
}

func try(t *testing.T, method, url, body string, h header) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range h {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

const (
	openPath    = prefix + "open"
	detailsPath = prefix + "details"
	releasePath = prefix + "release_to_line"
	signInBody  = `{"api_key":"` + APIKey + `","api_secret":"` + APISecret + `"}`
)

func signIn(t *testing.T, url string) string {
	t.Helper()
	_, text := request(t, "POST", url+"/v1/api_auth", signInBody, nil)
	var a struct{ Token string }
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.Token == "" {
		t.Fatalf("no token in %s", text)
	}
	return a.Token
}

func TestAnswersAsDocumented(t *testing.T) {
	channel := header{"X-Access-Token": StaticToken, "X-Channel-Key": "other"}
	for _, c := range []struct {
		name, method, path, body string
		header                   header
		status                   int
		want                     string
	}{
		{
			"no token", "PATCH", releasePath, `{"order_id":"Order143"}`,
			header{"X-Channel-Key": ChannelKey},
			401,
			`{"success":false,"message":"No token provided","code":"ERR0001"}`,
		},
		{
			"a wrong token", "PATCH", releasePath, `{"order_id":"Order143"}`,
			header{"X-Access-Token": "a.b.c", "X-Channel-Key": ChannelKey},
			401,
			`{"success":false,"message":"Failed to authenticate token","code":"ERR0000"}`,
		},
		{
			"a wrong channel key", "GET", openPath, "", channel, 400,
			`{"success":false,"message":"Channel ID is missing or it needs to be in correct format"}`,
		},
		{
			"a body that is no JSON", "PATCH", releasePath, `{"order_id":`, static, 400,
			`{"success":false,"message":"Request body could not be parsed"}`,
		},
		{
			"an order ID that is a number", "PATCH", releasePath, `{"order_id":143}`, static, 400,
			`{"success":false,"message":"Validation error","details":[{"field":"order_id","message":"order_id is required and must be a string"}]}`,
		},
		{
			"no order ID", "PATCH", releasePath, `{}`, static, 400,
			`{"success":false,"message":"Validation error","details":[{"field":"order_id","message":"order_id is required and must be a string"}]}`,
		},
		{
			"details of an order ID that is too long", "GET", detailsPath + "?order_id=" + strings.Repeat("x", 256), "",
			static, 400,
			`{"success":false,"message":"Validation error","details":[{"field":"order_id","message":"order_id must have 1 to 255 characters"}]}`,
		},
		{
			"release of an unknown order", "PATCH", releasePath, `{"order_id":"Order1"}`, static, 404,
			`{"success":false,"message":"Packaging order not found"}`,
		},
		{
			"details of an unknown order", "GET", detailsPath + "?order_id=Order1", "", static, 404,
			`{"success":false,"message":"Packaging order not found"}`,
		},
		{
			"release of an order that is done", "PATCH", releasePath, `{"order_id":"Order130"}`, static, 409,
			`{"success":false,"message":"Packaging order Order130 is in status: Done"}`,
		},
		{
			"an unknown path", "GET", "/v1/other", "", static, 404,
			`{"success":false,"message":"Not found"}`,
		},
		{
			"sign-in with a wrong secret", "POST", "/v1/api_auth", `{"api_key":"a","api_secret":"b"}`, nil, 401,
			`{"success":false,"message":"Authentication failed"}`,
		},
		{
			"sign-in without a secret", "POST", "/v1/api_auth", `{"api_key":"a"}`, nil, 400,
			`{"success":false,"message":"Validation error","details":[{"field":"api_key","message":"api_key and api_secret must be strings"}]}`,
		},
		{
			"sign-in with no JSON", "POST", "/v1/api_auth", `x`, nil, 400,
			`{"success":false,"message":"Request body could not be parsed"}`,
		},
		{
			"details", "GET", detailsPath + "?order_id=Order156", "", static, 200,
			`{"success":true,"message":"Packaging order details","data":{"order_id":"Order156","product":"Omeprazole 20 mg, 28 capsules","gtin":"05412345101567","lot":"OM26Q01","expiry":"2028-03-31","quantity":140,"extra_percentage":5,"status":"Pending release"}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, url := start(t, Options{})
			status, text := request(t, c.method, url+c.path, c.body, c.header)
			if diff := cmp.Diff(c.want, text); diff != "" || status != c.status {
				t.Errorf("HTTP %d, want %d\n%s", status, c.status, diff)
			}
		})
	}
}

func TestOrder143GivesTheDocumentedSerialsOnce(t *testing.T) {
	s, url := start(t, Options{})
	_, text := request(t, "PATCH", url+releasePath, `{"order_id":"Order143"}`, static)
	var documented bytes.Buffer
	if err := json.Compact(&documented, documentedRelease); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(documented.String(), text); diff != "" {
		t.Error(diff)
	}
	_, text = request(t, "PATCH", url+releasePath, `{"order_id":"Order143"}`, static)
	if want := `{"success":false,"message":"Packaging order Order143 is in status: In progress"}`; text != want {
		t.Errorf("a second release answers %s", text)
	}
	released := s.Released()
	if len(released) != 1 || released[0].OrderID != "Order143" || len(released[0].Serials) != 11 ||
		!released[0].At.Equal(noon) {
		t.Errorf("carried out: %v", released)
	}
	if got := s.Calls()[ReleaseToLine]; got != 2 {
		t.Errorf("counted %d calls", got)
	}
}

func TestSerialsAreUniqueAndAsManyAsQuantityAndExtraPercentage(t *testing.T) {
	s := New(Options{Seed: 7})
	s.Put(Order{ID: "a", Quantity: 1000, ExtraPercent: 2.55, Status: PendingRelease})
	_, serials, _, _ := s.release("a")
	if len(serials) != 1026 {
		t.Errorf("%d serials, want 1025.5 rounded up", len(serials))
	}
	form := regexp.MustCompile(`^[A-Za-z0-9]{12}$`)
	for _, serial := range serials {
		if !form.MatchString(serial) {
			t.Errorf("serial %q", serial)
		}
	}
	slices.Sort(serials)
	if len(slices.Compact(slices.Clone(serials))) != len(serials) {
		t.Error("a serial is there twice")
	}

	again := New(Options{Seed: 7})
	again.Put(Order{ID: "a", Quantity: 1000, ExtraPercent: 2.55, Status: PendingRelease})
	_, same, _, _ := again.release("a")
	slices.Sort(same)
	if !slices.Equal(serials, same) {
		t.Error("the same seed gives other serials")
	}
}

func TestDynamicTokensAreValidForADayInBothHeaders(t *testing.T) {
	var later atomic.Int64
	s, url := start(t, Options{Now: func() time.Time { return noon.Add(time.Duration(later.Load())) }})
	token := signIn(t, url)
	if token == signIn(t, url) {
		t.Error("two tokens are the same")
	}
	bearer := header{"Authorization": "Bearer " + token, "X-Channel-Key": ChannelKey}
	plain := header{"X-Access-Token": token, "X-Channel-Key": ChannelKey}
	for _, h := range []header{bearer, plain} {
		if status, text := request(t, "GET", url+openPath, "", h); status != 200 {
			t.Errorf("HTTP %d %s", status, text)
		}
	}
	later.Store(int64(24 * time.Hour))
	if status, text := request(t, "GET", url+openPath, "", plain); status != 401 || !strings.Contains(text, "ERR0000") {
		t.Errorf("after a day: HTTP %d %s", status, text)
	}
	later.Store(0)
	s.Inject(Fault{Kind: ExpiredToken, Times: 1})
	if fresh := signIn(t, url); !s.valid(fresh) {
		t.Error("sign-in took the fault of a token")
	}
	request(t, "GET", url+openPath, "", static)
	if s.valid(token) {
		t.Error("a token is valid after all were made invalid")
	}
}

func TestOpenListsAllButDone(t *testing.T) {
	_, url := start(t, Options{})
	_, text := request(t, "GET", url+openPath, "", static)
	var a struct{ Data []Order }
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(Sample(noon), func(o Order) bool { return o.Status == Done })
	want[0].Serials = nil
	if diff := cmp.Diff(want, a.Data); diff != "" {
		t.Error(diff)
	}
}

func TestDetailsHasSerialsOnlyWhereAsked(t *testing.T) {
	for _, has := range []bool{false, true} {
		_, url := start(t, Options{SerialsInDetails: has})
		request(t, "PATCH", url+releasePath, `{"order_id":"Order143"}`, static)
		_, text := request(t, "GET", url+detailsPath+"?order_id=Order143", "", static)
		if strings.Contains(text, "4YSr5oYFKHwP") != has {
			t.Errorf("serials in details %v: %s", has, text)
		}
	}
}

func TestIsDrivenOverHTTP(t *testing.T) {
	s, url := start(t, Options{})
	if status, text := request(
		t, "PUT", url+"/sandbox/orders",
		`[{"order_id":"New1","quantity":1,"status":"Pending release","serials":["abc"]}]`, nil,
	); status != 204 {
		t.Fatalf("HTTP %d %s", status, text)
	}
	request(t, "POST", url+"/sandbox/faults", `{"call":"release_to_line","kind":"throttle","delay":"1ms"}`, nil)
	for range 2 {
		if status, _ := request(t, "PATCH", url+releasePath, `{"order_id":"New1"}`, static); status != 429 {
			t.Errorf("HTTP %d under a fault without an end", status)
		}
	}
	request(t, "DELETE", url+"/sandbox/faults", "", nil)
	request(t, "PATCH", url+releasePath, `{"order_id":"New1"}`, static)
	_, text := request(t, "GET", url+"/sandbox/released", "", nil)
	if want := `[{"order_id":"New1","serials":["abc"],"at":"2026-03-02T12:00:00Z"}]`; text != want {
		t.Errorf("released: %s", text)
	}
	for path, body := range map[string]string{"faults": `{"kind":"other"}`, "orders": `{}`} {
		method := map[string]string{"faults": "POST", "orders": "PUT"}[path]
		if status, _ := request(t, method, url+"/sandbox/"+path, body, nil); status != 400 {
			t.Errorf("%s %s: HTTP %d", path, body, status)
		}
	}
	if !s.SetStatus("New1", Done) || s.SetStatus("New2", Done) {
		t.Error("SetStatus does not know which orders there are")
	}
	if o, ok := s.Order("New1"); !ok || o.Status != Done {
		t.Errorf("order %v", o)
	}
}

func TestManyReleasesAtOnceCarryOutOne(t *testing.T) {
	s, url := start(t, Options{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { _, _, _ = try(t, "PATCH", url+releasePath, `{"order_id":"Order144"}`, static) })
	}
	all.Wait()
	if released := s.Released(); len(released) != 1 || len(released[0].Serials) != 5250 {
		t.Errorf("%d releases", len(released))
	}
}

func TestSampleIsAPlausiblePlant(t *testing.T) {
	orders := Sample(noon)
	if len(orders) < 25 || orders[0].ID != "Order143" || orders[0].LineCode != "L1" || len(orders[0].Serials) != 11 {
		t.Errorf("%d orders, the first is %v", len(orders), orders[0])
	}
	seen, statuses, pending := map[string]bool{}, map[string]int{}, map[string]int{}
	for _, o := range orders {
		if seen[o.ID] {
			t.Errorf("%s is there twice", o.ID)
		}
		seen[o.ID] = true
		statuses[o.Status]++
		if o.Status == PendingRelease {
			pending[o.LineCode]++
		}
		sum := 0
		for i, d := range o.GTIN {
			sum += int(d-'0') * (3 - 2*(i%2))
		}
		if len(o.GTIN) != 14 || sum%10 != 0 {
			t.Errorf("%s: GTIN %s", o.ID, o.GTIN)
		}
		if o.Expiry <= noon.Format(time.DateOnly) || len(o.Lot) > 20 {
			t.Errorf("%s: expiry %s, lot %s", o.ID, o.Expiry, o.Lot)
		}
	}
	if len(statuses) != 6 {
		t.Errorf("statuses %v", statuses)
	}
	if pending["L1"] < 2 || pending["L2"] < 2 || pending["L3"] < 2 || pending[""] != 1 {
		t.Errorf("pending %v", pending)
	}
	if !slices.ContainsFunc(orders, func(o Order) bool { return o.Quantity == 5000 && o.Status == PendingRelease }) {
		t.Error("no large order")
	}
}
