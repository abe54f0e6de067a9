package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/anchors"
	"lineboard/internal/config"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
)

// heldSandbox is a sandbox where releases to line wait.
type heldSandbox struct {
	*httptest.Server
	box     *sandbox.Sandbox
	arrived chan struct{} // gets one for each release
	open    chan struct{} // closed to let them pass
}

func holdReleases(t *testing.T) heldSandbox {
	t.Helper()
	box := sampleSandbox()
	h := heldSandbox{box: box, arrived: make(chan struct{}, 1), open: make(chan struct{})}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			h.arrived <- struct{}{}
			<-h.open
		}
		box.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	return h
}

// signIn returns the browser of supervisor1. It follows no redirects.
func (s started) signIn(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	browser := &http.Client{Jar: jar, Transport: &http.Transport{}, CheckRedirect: stay}
	t.Cleanup(browser.CloseIdleConnections)
	form := url.Values{"username": {"supervisor1"}, "password": {credentials["PASSWORD"]}}
	response, err := browser.PostForm(s.address+"/login", form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-in: %d", response.StatusCode)
	}
	return browser
}

// press presses release, and returns the status of the answer; 0 if ctx ends before.
func (s started) press(ctx context.Context, browser *http.Client, o packaging.Order) int {
	form := url.Values{"revision": {fmt.Sprint(o.Revision)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/orders/%d/release", s.address, o.ID),
		strings.NewReader(form.Encode()))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := browser.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// waitUntilClosed waits until the program takes no connection any more.
func (s started) waitUntilClosed(t *testing.T) {
	t.Helper()
	for t.Context().Err() == nil {
		response, err := http.Get(s.address + "/healthz")
		if err != nil {
			return
		}
		response.Body.Close()
	}
}

// readData opens the database of a folder to read it, whether the program runs or not, and returns its only tenant.
func readData(t *testing.T, data string) (*db.DB, packaging.Tenant) {
	t.Helper()
	store, err := db.OpenToRead(t.Context(), filepath.Join(data, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() }) // nothing was written
	tenants, err := store.Tenants(t.Context())
	if err != nil || len(tenants) != 1 {
		t.Fatalf("%d tenants, %v", len(tenants), err)
	}
	return store, tenants[0]
}

// waitForOrder waits until the first refresh has brought an order.
func waitForOrder(t *testing.T, data, key string) packaging.Order {
	t.Helper()
	store, tenant := readData(t, data)
	filter := packaging.OrderFilter{Text: key, Limit: 1}
	for {
		page, err := store.SearchOrders(t.Context(), packaging.Everything(tenant.ID), filter)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Orders) == 1 {
			return page.Orders[0]
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestStoppingWaitsForAReleaseUnderWayAndThenKeepsTheHeadOfTheHistory(t *testing.T) {
	for who, goesAway := range map[string]bool{"who pressed waits": false, "who pressed went away": true} {
		t.Run(who, func(t *testing.T) {
			data, remote := t.TempDir(), holdReleases(t)
			s := start(t, with(map[string]string{
				"KEY":     sandbox.APIKey,
				"SECRET":  sandbox.APISecret,
				"CHANNEL": sandbox.ChannelKey,
			}), "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote.URL))
			browser, order := s.signIn(t), waitForOrder(t, data, "Order143")
			ctx, goAway := context.WithCancel(t.Context())
			defer goAway()
			answered := make(chan int, 1)
			go func() { answered <- s.press(ctx, browser, order) }()
			<-remote.arrived
			want := http.StatusSeeOther
			if goesAway {
				goAway()
				want = 0
			}
			s.stop()
			s.waitUntilClosed(t)
			select {
			case err := <-s.ended:
				t.Errorf("it ended while the release was under way: %v", err)
			case <-time.After(500 * time.Millisecond): // time enough for one that does not wait
			}
			close(remote.open)
			s.end(t)
			if got := <-answered; got != want {
				t.Errorf("the press is answered with %d, want %d", got, want)
			}
			checkReleasedAndAnchored(t, data, order.ID)
		})
	}
}

// What was written after the last anchor is anchored by the stop.
func TestAStopAnchorsTheHeadOfTheHistory(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data,
		"--provision", site(t, "http://127.0.0.1:1"))
	s.signIn(t)
	s.end(t)
	store, err := db.OpenToRead(t.Context(), filepath.Join(data, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	heads, err := store.Heads(t.Context())
	if err != nil || len(heads) == 0 {
		t.Fatalf("%d histories, %v", len(heads), err)
	}
	for _, h := range heads {
		if all := content(t, filepath.Join(data, anchorsFile)); !strings.HasSuffix(
			all, fmt.Sprintf(" %s %d %d %x\n", h.Slug, h.Tenant, h.Seq, h.Hash),
		) {
			t.Errorf("entry %d of %s is not the last anchor of\n%s", h.Seq, h.Slug, all)
		}
	}
}

// stopsWithin stops the program and fails unless it ends well in time.
func (s started) stopsWithin(t *testing.T, limit time.Duration) {
	t.Helper()
	began := time.Now()
	s.end(t)
	if took := time.Since(began); took > limit {
		t.Errorf("it took %v to stop, want at most %v", took, limit)
	}
}

// withoutRelease is how long a stop may take while no release is being sent, on a machine that is busy: less than a
// call may take.
const withoutRelease = 14 * time.Second

func TestARequestThatIsSentByHalvesHoldsUpNoStopAndMakesItNoFailure(t *testing.T) {
	t.Parallel()
	s := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", t.TempDir(),
		"--provision", site(t, "http://127.0.0.1:1"))
	for _, half := range []string{
		"GET /login HTTP/1.1\r\nHost: local",
		"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nuser",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.address, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte(half)); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := get(t, s.address+"/healthz"); status != http.StatusOK { // the halves came before it
		t.Fatalf("healthz: %d", status)
	}
	s.stopsWithin(t, withoutRelease)
	if !strings.Contains(s.log.String(), "cut off by the stop") {
		t.Errorf("the log: %s", s.log)
	}
}

func TestAStopSendsNoReleaseThatStillWaitsForItsSignIn(t *testing.T) {
	t.Parallel()
	data, box := t.TempDir(), sampleSandbox()
	arrived, open := make(chan struct{}, 1), make(chan struct{})
	var held, patches atomic.Int64
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && patches.Add(1) == 1 {
			held.Store(1) // the next sign-in hangs
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"success":false,"error":{"code":"ERR0000","message":"Token is not valid"}}`))
			return
		}
		if r.URL.Path == "/v1/api_auth" && held.Load() == 1 {
			arrived <- struct{}{}
			<-open
		}
		box.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { close(open); remote.Close() })
	s := start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote.URL))
	browser, order := s.signIn(t), waitForOrder(t, data, "Order143")
	answered := make(chan int, 1)
	go func() { answered <- s.press(t.Context(), browser, order) }()
	<-arrived
	s.stopsWithin(t, withoutRelease)
	if got := <-answered; got != http.StatusSeeOther {
		t.Errorf("the press is answered with %d", got)
	}
	if o := orderIn(t, data, "Order143"); o.Release == nil || o.Release.Outcome != packaging.Refused ||
		patches.Load() != 1 {
		t.Errorf("the release: %+v, sent %d times", o.Release, patches.Load())
	}
}

func TestNobodyLiftsTheLockByRemovingAFileAndReadersWorkBesideIt(t *testing.T) {
	data := t.TempDir()
	s := start(t, credentials, "serve", "--addr", "127.0.0.1:0", "--data", data,
		"--provision", site(t, "http://127.0.0.1:1"))
	if err := os.Remove(filepath.Join(data, databaseFile+".lock")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"serve", "--addr", strings.TrimPrefix(s.address, "http://"), "--data", data}, // it would end at the address
		{"rotate-key", "--data", data},
		{"restore", "--data", data, "--from", filepath.Join(data, databaseFile)},
	} {
		if _, err := command(t, nil, args...); err == nil ||
			!strings.Contains(err.Error(), "another Lineboard is running") {
			t.Errorf("%v: %v", args, err)
		}
	}
	for _, args := range [][]string{
		{"verify", "--data", data},
		{"backup", "--data", data, "--to", filepath.Join(t.TempDir(), "copy.db")},
	} {
		if said, err := command(t, nil, args...); err != nil {
			t.Errorf("%v: %s, %v", args, said, err)
		}
	}
	s.end(t)
}

func checkReleasedAndAnchored(t *testing.T, data string, id packaging.OrderID) {
	t.Helper()
	store, tenant := readData(t, data)
	o, err := store.Order(t.Context(), packaging.Everything(tenant.ID), id)
	if err != nil || o.Release == nil || o.Release.Outcome != packaging.Released {
		t.Errorf("the release: %+v, %v", o.Release, err)
	}
	verdict, err := anchors.NewVerifier(store, anchorsPath("", data)).Verify(t.Context(), tenant.ID)
	if err != nil || !verdict.Whole() {
		t.Errorf("the history: %v, %v", verdict, err)
	}
	last := fmt.Sprintf(" %d %x", verdict.Head.Seq, verdict.Head.Hash)
	lines := strings.Split(strings.TrimSpace(content(t, data, anchorsFile)), "\n")
	if !strings.Contains(lines[len(lines)-1], last) {
		t.Errorf("the anchors do not end with%s", last)
	}
}

// TestCloseKeepsTheHeadOfTheHistoryAfterTheLastRelease holds a release until Close waits for it.
func TestCloseKeepsTheHeadOfTheHistoryAfterTheLastRelease(t *testing.T) {
	data, remote := t.TempDir(), holdReleases(t)
	lineboard, by := buildDemo(t, data, remote.URL)
	if err := lineboard.Sync.Refresh(t.Context(), by.Tenant.ID); err != nil {
		t.Fatal(err)
	}
	order := waitForOrder(t, data, "Order143")
	press := packaging.Press{Order: order.ID, Revision: order.Revision}
	if _, err := lineboard.Releaser.Release(t.Context(), by, press); err != nil {
		t.Fatal(err)
	}
	<-remote.arrived
	closed := make(chan error, 1)
	go func() { closed <- lineboard.Close(t.Context()) }()
	for code := packaging.NotFound; code == packaging.NotFound; { // until it begins no release any more
		_, err := lineboard.Releaser.Release(t.Context(), by, packaging.Press{Order: order.ID + 1000})
		code = packaging.CodeOf(err)
	}
	close(remote.open)
	if err := errors.Join(<-closed, lineboard.Store.Close()); err != nil {
		t.Error(err)
	}
	checkReleasedAndAnchored(t, data, order.ID)
}

// buildDemo builds a Lineboard with the data of the demo, and returns it with its first person.
func buildDemo(t *testing.T, data, baseURL string) (*App, packaging.Person) {
	t.Helper()
	file, err := config.Demo(baseURL)
	if err != nil {
		t.Fatal(err)
	}
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Provision(t.Context(), siteOf(file)); err != nil {
		t.Fatal(err)
	}
	flags := settings{Data: data, SignInLimit: time.Minute, ReadLimit: time.Minute, ReleaseLimit: time.Minute}
	lineboard, err := Build(t.Context(), flags.parts(store, slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	tenants, err := store.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	people, err := store.People(t.Context(), tenants[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	first := slices.IndexFunc(people, func(p packaging.Person) bool { return p.Username == "supervisor1" })
	return lineboard, people[first]
}
