package handlers_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

// echo is an API that repeats headers, address and body of each request, in every form that an answer may have. It
// answers the release of "lost" with a server error.
type echo struct {
	box  http.Handler
	lost string

	mu     sync.Mutex
	tokens map[string]bool // that came with calls
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if token := r.Header.Get("X-Access-Token"); token != "" {
		e.mu.Lock()
		e.tokens[token] = true
		e.mu.Unlock()
	}
	sent := map[string]any{"body": string(body), "url": r.URL.String(), "headers": r.Header}
	whole, _ := json.Marshal(sent)
	sent["json"] = string(whole)
	sent["base64"] = base64.StdEncoding.EncodeToString(whole)
	sent["query"] = url.QueryEscape(string(whole))
	sent["hex"] = hex.EncodeToString(whole)
	sent["html"] = html.EscapeString(string(whole))
	sent["halves"] = []string{string(whole[:len(whole)/2]), string(whole[len(whole)/2:])}
	for name := range r.Header {
		value := r.Header.Get(name)
		sent[name] = []string{value[:len(value)/2], value[len(value)/2:]}
	}
	if strings.Contains(string(body), e.lost) && r.Method == http.MethodPatch {
		w.WriteHeader(http.StatusBadGateway)
		_ = json.NewEncoder(w).Encode(map[string]any{"message": string(whole), "sent": sent})
		return
	}
	answered := httptest.NewRecorder()
	e.box.ServeHTTP(answered, r)
	var answer map[string]any
	if json.Unmarshal(answered.Body.Bytes(), &answer) != nil {
		answer = map[string]any{}
	}
	answer["sent"] = sent
	if message, is := answer["message"].(string); is && answered.Code >= 400 {
		answer["message"] = message + " " + string(whole)
	}
	switch data := answer["data"].(type) {
	case map[string]any:
		data["sent"] = sent
	case []any:
		for _, one := range data {
			if order, is := one.(map[string]any); is {
				order["sent"] = sent
			}
		}
	}
	w.WriteHeader(answered.Code)
	_ = json.NewEncoder(w).Encode(answer)
}

// forms are a secret as it may stand in a text.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret)
	all := []string{
		secret, strings.Trim(string(quoted), `"`), url.QueryEscape(secret), url.PathEscape(secret),
		html.EscapeString(secret),
		hex.EncodeToString([]byte(secret)), strings.ReplaceAll(strings.Trim(string(quoted), `"`), `\`, `\\`),
	}
	for before := range 3 { // what base64 has of it, wherever it stands
		encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
		if inner := encoded[4 : len(encoded)-4]; len(inner) >= 8 {
			all = append(all, inner)
		}
	}
	for _, half := range []string{secret[:len(secret)/2], secret[len(secret)/2:]} {
		if len(half) > 12 {
			all = append(all, half)
		}
	}
	return all
}

func TestNoSecretComesBackByAnyPageErrorExportLogOrFile(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	api := &echo{lost: "Order144", tokens: map[string]bool{}}
	s := site.New(t, site.Options{Handler: func(box *sandbox.Sandbox) http.Handler { api.box = box; return api }})
	secrets := map[string]string{
		"the API key": sandbox.APIKey, "the API secret": sandbox.APISecret, "the channel key": sandbox.ChannelKey,
		"a password": site.Password, "a badge": handlerstest.ABadge, "a provider's secret": "client-Secret-0f61a7e2",
	}
	supervisor, admin := s.SignIn("supervisor1"), s.SignIn("administrator1")
	for _, key := range []string{"Order143", "Order144", "Order139"} { // released, lost, and refused for its status
		supervisor.Post(handlerstest.OrderPath(s.Order(key), "/release"), "revision", fmt.Sprint(s.Order(key).Revision))
	}
	if r := s.Order("Order144").Release; r == nil || r.Outcome != packaging.Unknown ||
		s.Order("Order143").Release.Serials != 11 {
		t.Fatalf("the releases: %+v", r)
	}
	s.Refresh()
	report := admin.Post("/admin/connection/test",
		"base_url", s.Remote.URL, "token_kind", "dynamic", "token_header", "x-access-token")
	wrong := admin.Post("/admin/connection/test", "base_url", s.Remote.URL, "token_kind", "static", "token_header",
		"x-access-token",
		"static_token", "a-wrong-Token-41", "channel_key", "a-wrong-Channel-57")
	secrets["a token that was typed"], secrets["a channel key that was typed"] = "a-wrong-Token-41", "a-wrong-Channel-57"
	if report.Text("#report pre") == "" || !strings.Contains(wrong.Text("#report"), "Does not work") {
		t.Fatalf("the tests of the connection: %s; %s", report.Text("#report"), wrong.Text("#report"))
	}
	for range 7 { // until it is slowed down; typed into the wrong field
		supervisor.Post("/login", "username", site.Password, "password", sandbox.APISecret)
	}
	made := admin.Post("/admin/tokens", "name", "ERP", "scope", "send_orders")
	secrets["a program's token"] = regexp.MustCompile(`lbt_[A-Za-z0-9_-]{43}`).FindString(made.Body)
	tablet := handlerstest.AtTablet(t, s)
	supervisor.Post("/account/badge", "badge", handlerstest.ABadge, "password", site.Password)
	admin.Post("/admin/sso", "enabled", "on", "label", "Company", "issuer", "https://login.example", "client_id",
		"lineboard",
		"client_secret", secrets["a provider's secret"], "claim", "groups", "scopes", "openid")
	home, err := url.Parse(s.Web.URL)
	if err != nil {
		t.Fatal(err)
	}
	browsers := []*site.Browser{
		supervisor, s.SignIn("auditor1"), admin, s.SignIn("operator1"), s.SignIn("manager1"), tablet, s.Browser(),
	}
	for i, b := range browsers[:6] {
		for _, cookie := range b.Client.Jar.Cookies(home) {
			if len(cookie.Value) > 20 {
				secrets[fmt.Sprint("the cookie ", cookie.Name, " of browser ", i)] = cookie.Value
			}
		}
	}
	api.mu.Lock()
	for token := range api.tokens {
		secrets["the token "+token[len(token)-6:]] = token
	}
	api.mu.Unlock()
	for name, is := range secrets {
		if len(is) < 9 {
			t.Fatalf("%s is %q", name, is)
		}
	}
	tell := func(where, text string) {
		t.Helper()
		for name, is := range secrets {
			for _, form := range forms(is) {
				if at := strings.Index(text, form); at >= 0 {
					t.Errorf("%s tells %s: …%.120s", where, name, text[max(0, at-30):])
					break
				}
			}
		}
	}
	tell("the report of a test", report.Body)
	tell("the report of a test with what was typed", wrong.Body)
	_, hash, err := s.Store.Credential(t.Context(), "supervisor1")
	if err != nil {
		t.Fatal(err)
	}
	_, pinHash, err := s.Store.PIN(t.Context(), s.Tenant("ghent").ID, s.Person("supervisor1").ID)
	if err != nil || !secret.VerifyPassword(pinHash, secret.New(handlerstest.APIN)) {
		t.Fatal(err)
	}
	secrets["a PIN's hash"], secrets["a password's hash"] = pinHash, hash
	for _, key := range []string{"Order143", "Order144"} {
		at := place{line: "L1", order: s.Order(key)}
		for _, r := range handlers.Routes() {
			row, ok := expected[r.Method+" "+r.Path]
			if r.Method != http.MethodGet || !ok || key != "Order143" && !strings.Contains(r.Path, "orders/:id") {
				continue
			}
			for i, b := range browsers {
				for _, where := range []string{
					row.at(at), row.at(at) + "?before=x&after=x&from=x&q=%ff", row.at(at) + "/nowhere",
				} {
					a := b.Get(where)
					tell(fmt.Sprintf("%s as browser %d (%d)", where, i, a.Status), a.Body+fmt.Sprint(a.Header))
				}
			}
		}
	}
	delete(secrets, "a password's hash") // it stands in the database, and only there
	tell("the log", s.Log.String())
	if err := db.Backup(t.Context(), s.Path, filepath.Join(filepath.Dir(s.Path), "backup.db")); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Dir(s.Path) + "/*")
	if err != nil || len(files) < 5 { // database, WAL, shared memory, lock, anchors, backup
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tell(filepath.Base(file), string(content))
	}
}

func TestASerialThatHoldsACredentialIsToldBesideTheListAndInTheSetup(t *testing.T) {
	t.Parallel()
	order := sandbox.Order143(time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC))
	order.Serials = []string{"A1", sandbox.ChannelKey, "A3"}
	s := site.New(t, site.Options{Orders: []sandbox.Order{order}})
	b := s.SignIn("supervisor1")
	o := s.Order(order.ID)
	b.Post(handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
	page := b.Get(handlerstest.OrderPath(o, "")).Text("main")
	if !strings.Contains(page, "1 serial number holds a credential of the connection") {
		t.Errorf("the order's page says %s", page)
	}
	if list := b.Get(handlerstest.OrderPath(o, "/serials.csv")).Body; !strings.Contains(list, sandbox.ChannelKey) {
		t.Errorf("the list is not exact: %s", list)
	}
	if a := s.SignIn("administrator1").Get("/admin"); !strings.Contains(
		a.Text("#echoed"), "held one of this site’s credentials",
	) {
		t.Errorf("the setup says %s", a.Text("main"))
	}
}
