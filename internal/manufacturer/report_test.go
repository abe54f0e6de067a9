package manufacturer

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
)

// methods serves a handler and keeps the method and path of each call.
func methods(t *testing.T, handler http.Handler) (url string, calls func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		all = append(all, r.Method+" "+r.URL.Path)
		mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

func steps(r packaging.ConnectionReport) (all []string) {
	for _, s := range r.Steps {
		switch {
		case s.Problem != nil:
			all = append(all, string(s.Step)+" "+string(s.Problem.Reason))
		case s.Skipped:
			all = append(all, string(s.Step)+" skipped")
		default:
			all = append(all, string(s.Step))
		}
	}
	return all
}

func TestATestOfTheConnectionSaysWhatItFoundUnderWhichNameAndReleasesNothing(t *testing.T) {
	box := sandbox.New(sandbox.Options{Now: at(noon)})
	box.Put(sandbox.Sample(noon)...)
	url, calls := methods(t, box)
	r := Test(t.Context(), config(url))
	if got, want := steps(r), []string{"settings", "sign_in", "open", "details"}; !slices.Equal(got, want) {
		t.Fatalf("steps %q, want %q", got, want)
	}
	if !r.Works() || r.Orders == 0 || r.Nameless != 0 || r.Steps[1].Place != "token" || r.Steps[2].Place != "data" ||
		r.Steps[3].Place != "data" {
		t.Errorf("report %+v", r)
	}
	found := map[packaging.OrderField]packaging.FieldReport{}
	for _, f := range r.Sample.Fields {
		found[f.Field] = f
	}
	if f := found[packaging.FieldExtra]; f.Name != "extra_percentage" || f.Value != "10" {
		t.Errorf("extra percentage %+v", f)
	}
	if f := found[packaging.FieldLot]; !slices.Contains(f.Accepted, "lot_number") {
		t.Errorf("a lot is looked for as %q", f.Accepted)
	}
	if !strings.Contains(r.Sample.Raw, "\n  \"order_id\": ") {
		t.Errorf("raw %s", r.Sample.Raw)
	}
	for _, call := range calls() {
		if strings.HasPrefix(call, http.MethodPatch) {
			t.Errorf("the test made the call %s", call)
		}
	}
	if n := len(calls()); n != 3 {
		t.Errorf("%d calls: %q", n, calls())
	}
	if len(box.Released()) != 0 {
		t.Error("the test released something")
	}
}

func TestATestOfTheConnectionStopsAtWhatDoesNotWork(t *testing.T) {
	box := sandbox.New(sandbox.Options{Now: at(noon)})
	box.Put(sandbox.Sample(noon)...)
	url, calls := methods(t, box)
	for name, test := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"no key": {func(c *Config) { c.APIKey = secret.Text{} }, []string{"settings not_configured"}},
		"a foreign address": {
			func(c *Config) { c.BaseURL = "http://api.example" }, []string{"settings not_configured"},
		},
		"a wrong secret": {
			func(c *Config) { c.APISecret = secret.New("wrong") }, []string{"settings", "sign_in sign_in_rejected"},
		},
		"a wrong channel key": {
			func(c *Config) { c.ChannelKey = secret.New("wrong") }, []string{"settings", "sign_in", "open channel_key"},
		},
		"a wrong token": {
			func(c *Config) { c.TokenKind, c.StaticToken = Static, secret.New("wrong") },
			[]string{"settings", "sign_in skipped", "open token_rejected"},
		},
		"a static token": {
			func(c *Config) { c.TokenKind = Static }, []string{"settings", "sign_in skipped", "open", "details"},
		},
	} {
		c := config(url)
		test.change(&c)
		r := Test(t.Context(), c)
		if got := steps(r); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	for _, call := range calls() {
		if strings.HasPrefix(call, http.MethodPatch) {
			t.Errorf("a test made the call %s", call)
		}
	}
}

func TestATestOfTheConnectionTellsNamesThatAreNotUnderstood(t *testing.T) {
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "api_auth"):
			_, _ = io.WriteString(w, `{"success":true,"Data":{"Access-Token":"abc.def.ghi"}}`)
		case strings.HasSuffix(r.URL.Path, "open"):
			_, _ = io.WriteString(
				w,
				`{"success":true,"data":{"Orders":[{"no":1},{"orderNumber":"A1","charge":"L7","Line":{"Code":"X"}}]}}`,
			)
		default:
			_, _ = io.WriteString(w, `{"success":true,"data":{"orderNumber":"A1","Batch_No":"L7","status":"OPEN","product":{"sku":"M7"}}}`)
		}
	})
	url, _ := methods(t, api)
	r := Test(t.Context(), config(url))
	if !r.Works() || r.Orders != 2 || r.Nameless != 1 {
		t.Fatalf("report %+v", r)
	}
	if got := []string{r.Steps[1].Place, r.Steps[2].Place, r.Steps[3].Place}; !slices.Equal(
		got, []string{"data.access_token", "data.Orders", "data"},
	) {
		t.Errorf("places %q", got)
	}
	got := map[packaging.OrderField]string{}
	for _, f := range r.Sample.Fields {
		got[f.Field] = fmt.Sprint(f.Name, " ", f.Value, " ", f.InDetails)
	}
	for field, want := range map[packaging.OrderField]string{
		packaging.FieldKey:      "orderNumber A1 false",
		packaging.FieldLineCode: "Line.Code X false",
		packaging.FieldLot:      "Batch_No L7 true",
		packaging.FieldStatus:   "status Open true",
		packaging.FieldGTIN:     "  false",
		packaging.FieldProduct:  `product {"sku":"M7"} true`,
	} {
		if got[field] != want {
			t.Errorf("%s: %q, want %q", field, got[field], want)
		}
	}
	if !slices.Equal(r.Sample.Unused, []string{"charge"}) {
		t.Errorf("not understood: %q", r.Sample.Unused)
	}
}

func TestAReportHoldsNoCredentialEvenIfTheAPIRepeatsThem(t *testing.T) {
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJrZXkiOiJjYW5hcnkifQ.c2lnbmF0dXJl"
	echo := func(r *http.Request) string {
		return r.Header.Get("X-Access-Token") + " " + r.Header.Get("X-Channel-Key") + " " + sandbox.APIKey + " " +
			sandbox.APISecret
	}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said, _ := json.Marshal(echo(r))
		switch {
		case strings.HasSuffix(r.URL.Path, "api_auth"):
			fmt.Fprintf(w, `{"token":%q}`, token)
		case strings.HasSuffix(r.URL.Path, "open"):
			fmt.Fprintf(w, `{"success":true,"data":[{"order_id":"A1","lot":%s,"note":%s}]}`, said, said)
		default:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"success":false,"message":%s}`, said)
		}
	})
	url, _ := methods(t, api)
	r := Test(t.Context(), config(url))
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if r.Works() || !strings.Contains(string(text), "[secret]") {
		t.Errorf("report %s", text)
	}
	for _, credential := range []string{token, sandbox.APIKey, sandbox.APISecret, sandbox.ChannelKey} {
		if strings.Contains(string(text), credential) {
			t.Errorf("%s stands in %s", credential, text)
		}
	}
}

func TestHealthTellsWhenTheTokenEndsAndHowCallsFared(t *testing.T) {
	now := noon
	c, box := withSandbox(t, func(c *Config) { c.Now = func() time.Time { return now } })
	if h := c.Health(); h != (packaging.ConnectionHealth{}) {
		t.Errorf("before the first call: %+v", h)
	}
	if _, err := c.Details(t.Context(), "no-such-order"); err == nil {
		t.Fatal("found")
	}
	h := c.Health()
	if !h.LastGood.Equal(noon) || h.Problem != nil || !h.ValidUntil.Equal(noon.Add(24*time.Hour)) {
		t.Errorf("after an answer about an order: %+v", h)
	}
	now = noon.Add(time.Minute)
	box.Inject(sandbox.Fault{Call: sandbox.ListOpen, Kind: sandbox.HTML, Times: 1})
	if _, _, err := c.Open(t.Context()); err == nil {
		t.Fatal("no error")
	}
	h = c.Health()
	if !h.LastGood.Equal(noon) || !h.LastBad.Equal(now) || h.Problem.Reason != packaging.Unreadable ||
		!h.DownSince.IsZero() {
		t.Errorf("after a page: %+v", h)
	}
}
