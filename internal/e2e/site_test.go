package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"lineboard/internal/config"
	"lineboard/internal/sandbox"
)

const sitePassword = "the-site's-own-pass-phrase"

// secrets must never stand in a log. The demo's password may: it is told to everybody.
var secrets = []string{sitePassword, sandbox.APIKey, sandbox.APISecret, sandbox.ChannelKey}

// provisioning sets up a site with its credentials given in each of the three ways.
const provisioning = `tenants:
  - slug: plant-test
    name: Test plant
    time_zone: Europe/Brussels
    api:
      base_url: %s
      token: dynamic
      token_header: x-access-token
      api_key: %s
      api_secret: file:%s
      channel_key: env:TEST_CHANNEL_KEY
    lines:
      - {code: L1, name: Blister line 1}
      - {code: L2, name: Bottle line 2}
    users:
      - {username: supervisor1, name: Sofie Peeters, role: supervisor, password: env:TEST_PASSWORD}
      - {username: manager1, name: Marta Nowak, role: manager, password: env:TEST_PASSWORD}
      - {username: operator1, name: Omar Haddad, role: operator, password: env:TEST_PASSWORD}
      - {username: administrator1, name: Ada Admin, role: administrator, password: env:TEST_PASSWORD}
`

// site is a Lineboard with its people's password, and with the sandbox that it talks to unless it is the demo.
type site struct {
	*program
	password string
	remote   *remote
	data     string
	env      []string
	args     []string
	start    func(t testing.TB, env []string, args ...string) *program
}

// newDemo starts the demo of the program as it is shipped.
func newDemo(t testing.TB) *site {
	t.Helper()
	return &site{program: startShipped(t, nil, "demo", "--addr", "127.0.0.1:0"), password: config.DemoPassword}
}

// newSite puts a sandbox up with its sample orders and more ones, and starts a Lineboard that is provisioned to use it.
func newSite(t testing.TB, more []sandbox.Order, flags ...string) *site {
	t.Helper()
	return newSiteOf(t, start, more, flags...)
}

// newShippedSite is newSite with the program as it is shipped.
func newShippedSite(t testing.TB) *site {
	t.Helper()
	return newSiteOf(t, startShipped, nil)
}

func newSiteOf(
	t testing.TB, start func(testing.TB, []string, ...string) *program, more []sandbox.Order, flags ...string,
) *site {
	t.Helper()
	orders := sandbox.New(sandbox.Options{})
	orders.Put(slices.Concat(sandbox.Sample(time.Now()), more)...)
	server := httptest.NewServer(orders)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	box := &remote{&program{address: server.URL, t: t}, server}
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write(
		"site.yaml",
		fmt.Sprintf(provisioning, box.address, sandbox.APIKey, write("api-secret", sandbox.APISecret+"\n")),
	)
	data := filepath.Join(folder, "data")
	env := []string{"TEST_CHANNEL_KEY=" + sandbox.ChannelKey, "TEST_PASSWORD=" + sitePassword}
	args := append([]string{"serve", "--provision", file, "--data", data, "--addr", "127.0.0.1:0"}, flags...)
	return &site{
		program: start(t, env, args...), password: sitePassword, remote: box, data: data, env: env, args: args,
		start: start,
	}
}

// startAgain starts the program that was stopped, at the address that it had.
func (s *site) startAgain() {
	s.t.Helper()
	at := must(url.Parse(s.address)).Host
	s.program = s.start(s.t, s.env, append(slices.Clone(s.args), "--addr", at)...)
}

// database stops the program and gives what it has stored.
func (s *site) database() *sql.DB {
	s.t.Helper()
	s.stop()
	path := filepath.Join(s.data, "lineboard.db")
	if _, err := os.Stat(path); err != nil {
		s.t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

// column gives the first column of a query.
func column[T any](t testing.TB, db *sql.DB, query string, args ...any) []T {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// pressedOnce stops the program and checks that exactly these orders were released, each with one call: the sandbox
// carried it out once, and nothing but it was ever claimed.
func (s *site) pressedOnce(orders ...string) {
	s.t.Helper()
	s.remote.releasedExactly(orders...)
	claimed := column[string](
		s.t, s.database(), `SELECT o.order_key FROM releases r JOIN orders o ON o.id = r.order_id ORDER BY r.id`,
	)
	if !slices.Equal(claimed, orders) {
		s.t.Errorf("releases of %q were sent, want %q", claimed, orders)
	}
}

// remote is a sandbox, in this process unless it was started as a program.
type remote struct {
	*program
	server *httptest.Server
}

func (r *remote) call(method, path string, body any) []byte {
	r.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.address+path, bytes.NewReader(text))
	if err != nil {
		r.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		r.t.Fatalf("%s %s: %s %s %v", method, path, response.Status, answer, err)
	}
	return answer
}

// put adds orders, or changes those that are there.
func (r *remote) put(orders ...sandbox.Order) {
	r.t.Helper()
	r.call(http.MethodPut, "/sandbox/orders", slices.Concat([]sandbox.Order{}, orders))
}

// fault has the next release to line go wrong.
func (r *remote) fault(kind sandbox.Kind, delay time.Duration) {
	r.t.Helper()
	r.call(http.MethodPost, "/sandbox/faults", map[string]any{
		"call": sandbox.ReleaseToLine, "kind": kind, "times": 1, "delay": delay.String(),
	})
}

// silent lets no call but a release tell where an order stands, so that an unknown outcome stays unknown. It answers,
// with a page: a cloud that is down would be sent no release.
func (r *remote) silent() {
	r.t.Helper()
	for _, call := range []string{sandbox.ListOpen, sandbox.Details} {
		r.call(http.MethodPost, "/sandbox/faults", map[string]any{"call": call, "kind": sandbox.HTML})
	}
}

// released gives every release that was carried out.
func (r *remote) released() []sandbox.Released {
	r.t.Helper()
	var all []sandbox.Released
	if err := json.Unmarshal(r.call(http.MethodGet, "/sandbox/released", nil), &all); err != nil {
		r.t.Fatal(err)
	}
	return all
}

// releasedExactly checks that these orders were released, in this order, and nothing else.
func (r *remote) releasedExactly(orders ...string) {
	r.t.Helper()
	var got []string
	for _, release := range r.released() {
		got = append(got, release.OrderID)
	}
	if !slices.Equal(got, orders) {
		r.t.Errorf("the sandbox carried out releases of %q, want %q", got, orders)
	}
}

// documented are the serials of the documented success of a release to line.
func documented(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("../sandbox/release_to_line.json")
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Data []string }
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Data) != 11 {
		t.Fatalf("the documented answer holds %d serials: %v", len(answer.Data), err)
	}
	return answer.Data
}

// squeeze leaves out what stands between the groups of a serial, which is for the eye.
func squeeze(serials []string) []string {
	raw := make([]string, len(serials))
	for i, s := range serials {
		raw[i] = strings.Join(strings.Fields(s), "")
	}
	return raw
}

// releasedOnce checks that an order was released once, whatever else was.
func (r *remote) releasedOnce(order string) {
	r.t.Helper()
	n := 0
	for _, release := range r.released() {
		if release.OrderID == order {
			n++
		}
	}
	if n != 1 {
		r.t.Errorf("the sandbox carried out %d releases of %s, want 1", n, order)
	}
}

func isOf(order string) func(sandbox.Released) bool {
	return func(r sandbox.Released) bool { return r.OrderID == order }
}

func contains(page, sentence string) bool {
	return strings.Contains(html.UnescapeString(page), sentence)
}
