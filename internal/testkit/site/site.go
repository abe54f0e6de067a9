// Package site puts up a whole Lineboard for tests: a database in a folder of the test, the sandbox behind real HTTP, the
// API client, and the handlers. Only what listens and waits by itself is left out: tests refresh when they want to.
package site

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/internal/anchors"
	"lineboard/internal/live"
	"lineboard/internal/manufacturer"
	"lineboard/internal/ordersync"
	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
	"lineboard/internal/sso"
	"lineboard/internal/throttle"
)

// Password is everybody's.
const Password = "a password for tests"

// start is when the clock of every site begins.
var start = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

// Site is a Lineboard with one tenant, "ghent", unless more are added.
type Site struct {
	Store    *db.DB
	Path     string // of the database file
	Box      *sandbox.Sandbox
	Remote   *httptest.Server // serves Box
	Web      *httptest.Server
	Releaser *release.Releaser
	Settler  *release.Settler
	Guard    *throttle.Guard
	Keeper   *anchors.Keeper // keeps heads when it is told to
	Sync     *ordersync.Syncer
	Clock    *Clock
	Log      *Log
	Hub      *live.Hub
	t        testing.TB
	seal     *secret.Box
}

// Options change what a site is. Zero values stand for what tests mostly want.
type Options struct {
	Orders []sandbox.Order // what the sandbox has; default its sample
	Limits manufacturer.Limits
	Secure bool
	// SerialsInDetails has details tell the serials of a released order.
	SerialsInDetails bool
	Prepare          func(*db.DB) // called when the database is open and empty
	// Patience is how long a press waits; default a minute, so that a page shows the result.
	Patience  time.Duration
	Proxies   []netip.Prefix // that are trusted
	PerSecond float64        // requests that an address may make; default any number
	// Empty leaves out the tenant and its people, as at a first start; Setup is then what that begins with.
	Empty   bool
	Setup   *handlers.Setup
	Handler func(*sandbox.Sandbox) http.Handler // what stands where the remote API is; default the sandbox itself
}

// New puts a site up, with its orders fetched, and takes it down with the test.
func New(t testing.TB, o Options) *Site {
	t.Helper()
	s := &Site{t: t, Clock: &Clock{now: start}, Log: &Log{}}
	log := slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Box = sandbox.New(sandbox.Options{Now: s.Clock.Now, SerialsInDetails: o.SerialsInDetails})
	if o.Orders == nil {
		o.Orders = sandbox.Sample(s.Clock.Now())
	}
	s.Box.Put(o.Orders...)
	remote := http.Handler(s.Box)
	if o.Handler != nil {
		remote = o.Handler(s.Box)
	}
	s.Remote = httptest.NewServer(remote)
	t.Cleanup(s.Remote.Close)
	s.Path = filepath.Join(t.TempDir(), "lineboard.db")
	var err error
	if !o.Empty {
		var master []byte
		if master, err = provisioned(); err == nil {
			err = os.WriteFile(s.Path, master, 0o600)
		}
	}
	if err == nil {
		s.seal, err = seal()
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.Store, err = db.Open(context.Background(), s.Path, s.seal, s.Clock.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Store.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Hub = live.NewHub(live.Version(s.Clock.Now().UnixMicro()))
	s.Store.Notify(func(changes []packaging.Change) { s.Hub.Publish(packaging.Topics(changes)...) })
	if !o.Empty {
		s.AddTenant("ghent", "Plant Ghent", people...)
	}
	clients := manufacturer.NewClients(s.config(o.Limits))
	s.Releaser = release.New(s.Store, func(ctx context.Context, id packaging.TenantID) (release.API, error) { return clients.Of(ctx, id) }, log)
	t.Cleanup(func() { s.Releaser.Stop(context.Background()) })
	s.Settler = release.NewSettler(s.Store, func(ctx context.Context, id packaging.TenantID) (release.StatusAPI, error) {
		return clients.Of(ctx, id)
	},
		release.DefaultPace, s.Clock.Now, log)
	s.Sync = ordersync.New(s.Store, func(ctx context.Context, id packaging.TenantID) (ordersync.API, error) { return clients.Of(ctx, id) },
		30*time.Second, s.Settler.Wake, s.Clock.Now, log)
	kept := filepath.Join(filepath.Dir(s.Path), "anchors.log")
	if s.Keeper, err = anchors.NewKeeper(context.Background(), s.Store, kept, s.Clock.Now, log); err != nil {
		t.Fatal(err)
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	s.Guard = throttle.New(s.Store, s.Clock.Now, log)
	s.Web = httptest.NewServer(handlers.New(handlers.Config{
		Store: s.Store, Hub: s.Hub, Verifier: anchors.NewVerifier(s.Store, kept), Clients: clients, Setup: o.Setup, Test: func(ctx context.Context, baseURL string, c secret.Credentials) packaging.ConnectionReport {
			return manufacturer.Test(ctx, s.api(baseURL, c, o.Limits))
		}, Releaser: s.Releaser, Settler: s.Settler, Queuer: release.NewQueuer(s.Store, s.Releaser, log), Refresher: s.Sync, Log: log, Now: s.Clock.Now, Interval: 30 * time.Second,
		Provider: sso.New(sso.Options{Now: s.Clock.Now, Limit: 10 * time.Second}),
		Patience: o.Patience, Secure: o.Secure, Idle: 2 * time.Hour, Limit: 12 * time.Hour, Guard: s.Guard,
		Proxies: o.Proxies, PerSecond: o.PerSecond,
	}))
	t.Cleanup(s.Web.Close)
	t.Cleanup(s.Hub.Close) // first: open streams would hold the server up
	s.Refresh()
	return s
}

// AddTenant adds a tenant that reaches the sandbox with the documented credentials, with two lines and with people whose
// role is their username less its digit.
func (s *Site) AddTenant(slug, name string, usernames ...string) {
	s.t.Helper()
	setup := tenant(slug, name, s.Remote.URL, usernames)
	if err := s.Store.Provision(context.Background(), db.Site{setup}); err != nil {
		s.t.Fatal(err)
	}
}

// Limit limits somebody of the tenant "ghent" to lines, or lifts the limit where there are none.
func (s *Site) Limit(username string, lines ...string) {
	s.t.Helper()
	setup := tenant("ghent", "Plant Ghent", s.Remote.URL, []string{username})
	setup.People[0].Lines = append([]string{}, lines...)
	if err := s.Store.Provision(context.Background(), db.Site{setup}); err != nil {
		s.t.Fatal(err)
	}
}

// Setup is a tenant as it is set up, with people to add or to change.
func (s *Site) Setup(slug string, people ...db.PersonSetup) db.TenantSetup {
	s.t.Helper()
	setup := tenant(slug, s.Tenant(slug).Name, s.Remote.URL, nil)
	setup.People = people
	return setup
}

// people are those of the tenant "ghent", one of each role.
var people = []string{"supervisor1", "operator1", "manager1", "auditor1", "administrator1"}

func seal() (*secret.Box, error) { return secret.NewBox(bytes.Repeat([]byte{7}, 32)) }

// provisioned is the file of a database with the tenant "ghent". Hashing passwords is slow on purpose, so it is done once.
var provisioned = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "lineboard-site-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	box, err := seal()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, "lineboard.db")
	store, err := db.Open(context.Background(), path, box, (&Clock{now: start}).Now)
	if err != nil {
		return nil, err
	}
	err = store.Provision(context.Background(), db.Site{tenant("ghent", "Plant Ghent", "http://127.0.0.1", people)})
	if err := errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func tenant(slug, name, baseURL string, usernames []string) db.TenantSetup {
	setup := db.TenantSetup{
		Tenant: packaging.Tenant{Slug: slug, Name: name, TimeZone: "Europe/Brussels", BaseURL: baseURL},
		Credentials: secret.Credentials{
			TokenKind: "dynamic", TokenHeader: "x-access-token",
			APIKey: secret.New(sandbox.APIKey), APISecret: secret.New(sandbox.APISecret), ChannelKey: secret.New(sandbox.ChannelKey),
		},
		Lines: []packaging.Line{{Code: "L1", Name: "Blister line 1"}, {Code: "L2", Name: "Bottle line 2"}},
	}
	for _, username := range usernames {
		role, _, _ := strings.Cut(strings.TrimRight(username, "0123456789"), "-")
		setup.People = append(setup.People, db.PersonSetup{
			Username: username, FullName: "Person " + username, Role: packaging.Role(role), Password: secret.New(Password),
		})
	}
	return setup
}

// ThreeShifts divides the days of a tenant, from the day before the site's clock begins on, into Early (06:00 to 14:00),
// Late and Night.
func (s *Site) ThreeShifts(slug string) {
	s.t.Helper()
	if err := s.Store.Provision(context.Background(), db.Site{{Tenant: s.Tenant(slug), Credentials: s.credentials(slug), Shifts: []packaging.Shift{
		{Name: "Early", Start: 6 * 60, End: 14 * 60, Days: packaging.EveryDay},
		{Name: "Late", Start: 14 * 60, End: 22 * 60, Days: packaging.EveryDay},
		{Name: "Night", Start: 22 * 60, End: 6 * 60, Days: packaging.EveryDay},
	}}}); err != nil {
		s.t.Fatal(err)
	}
}

// AddPerson adds somebody to a tenant, whose role is their username less its digit.
func (s *Site) AddPerson(slug, username string) {
	s.t.Helper()
	setup := tenant(slug, s.Tenant(slug).Name, s.Remote.URL, []string{username})
	if err := s.Store.Provision(context.Background(), db.Site{setup}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Site) credentials(slug string) secret.Credentials {
	s.t.Helper()
	c, err := s.Store.Credentials(context.Background(), s.Tenant(slug).ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// Tenant gives a tenant by its slug.
func (s *Site) Tenant(slug string) packaging.Tenant {
	s.t.Helper()
	tenants, err := s.Store.Tenants(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, t := range tenants {
		if t.Slug == slug {
			return t
		}
	}
	s.t.Fatalf("no tenant %s", slug)
	return packaging.Tenant{}
}

// Refresh brings the cache of every tenant up to date.
func (s *Site) Refresh() {
	s.t.Helper()
	tenants, err := s.Store.Tenants(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, t := range tenants {
		if err := s.Sync.Refresh(context.Background(), t.ID); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Order gives an order of the tenant "ghent" by its order ID.
func (s *Site) Order(key string) packaging.Order {
	s.t.Helper()
	return s.OrderOf("ghent", key)
}

// OrderOf gives an order of a tenant by its order ID.
func (s *Site) OrderOf(slug, key string) packaging.Order {
	s.t.Helper()
	page, err := s.Store.SearchOrders(context.Background(), packaging.Everything(s.Tenant(slug).ID), packaging.OrderFilter{Text: key, Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, o := range page.Orders {
		if o.Key == key {
			return o
		}
	}
	s.t.Fatalf("no order %s", key)
	return packaging.Order{}
}

// Person gives somebody of the tenant "ghent".
func (s *Site) Person(username string) packaging.Person {
	s.t.Helper()
	people, err := s.Store.People(context.Background(), s.Tenant("ghent").ID)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range people {
		if p.Username == username {
			return p
		}
	}
	s.t.Fatalf("no person %s", username)
	return packaging.Person{}
}

// History gives the latest entries of "ghent", newest first.
func (s *Site) History() []packaging.Entry {
	s.t.Helper()
	page, err := s.Store.History(context.Background(), packaging.Everything(s.Tenant("ghent").ID), packaging.HistoryFilter{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return page.Entries
}

// config is how a tenant's client reaches what stands where the remote API is.
func (s *Site) config(limits manufacturer.Limits) func(context.Context, packaging.TenantID) (manufacturer.Config, error) {
	return func(ctx context.Context, id packaging.TenantID) (manufacturer.Config, error) {
		c, err := s.Store.Credentials(ctx, id)
		return s.api(s.Remote.URL, c, limits), err
	}
}

func (s *Site) api(baseURL string, c secret.Credentials, limits manufacturer.Limits) manufacturer.Config {
	return manufacturer.Config{
		BaseURL: baseURL, TokenKind: manufacturer.TokenKind(c.TokenKind), TokenHeader: manufacturer.TokenHeader(c.TokenHeader),
		APIKey: c.APIKey, APISecret: c.APISecret, ChannelKey: c.ChannelKey, StaticToken: c.StaticToken,
		Limits: limits, Now: s.Clock.Now,
	}
}

// Clock is a clock that stands still until it is moved. It moves a millisecond at each look, so that no two moments are
// the same.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

// Move moves the clock on.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Log keeps what is logged.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Browser is somebody's browser without scripts: it keeps cookies and does not follow redirects.
type Browser struct {
	t      testing.TB
	base   string
	Client *http.Client
	Header http.Header // sent with every request
}

// Browser opens a new browser.
func (s *Site) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &Browser{s.t, s.Web.URL, &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, http.Header{}}
}

// SignIn opens a browser and signs somebody in.
func (s *Site) SignIn(username string) *Browser {
	s.t.Helper()
	b := s.Browser()
	if a := b.Post("/login", "username", username, "password", Password); a.Status != http.StatusSeeOther {
		s.t.Fatalf("sign-in of %s: %d", username, a.Status)
	}
	return b
}

// Tablet adds a station at a line of "ghent" and opens the browser of a tablet that is bound to it.
func (s *Site) Tablet(station, line string) *Browser {
	s.t.Helper()
	b := s.Browser()
	if a := b.Post("/station", "code", s.StationCode(station, line)); a.Status != http.StatusSeeOther {
		s.t.Fatalf("binding %s: %d", station, a.Status)
	}
	return b
}

// StationCode adds a station at a line of "ghent" and gives the code that binds it.
func (s *Site) StationCode(station, line string) string {
	s.t.Helper()
	ctx, by := context.Background(), s.Person("administrator1")
	l, err := s.Store.Line(ctx, by.Scope(), line)
	if err != nil {
		s.t.Fatal(err)
	}
	_, code, err := s.Store.AddStation(ctx, by, station, l.ID, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// SetPIN gives somebody of "ghent" a PIN.
func (s *Site) SetPIN(username, pin string) {
	s.t.Helper()
	if err := s.Store.SetPIN(context.Background(), s.Person(username), secret.HashPIN(secret.New(pin))); err != nil {
		s.t.Fatal(err)
	}
}

// SetRules sets what "ghent" wants of its stations and signatures.
func (s *Site) SetRules(r packaging.Rules) {
	s.t.Helper()
	if err := s.Store.SetRules(context.Background(), s.Person("administrator1"), r); err != nil {
		s.t.Fatal(err)
	}
}

// Answer is what a browser got.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	t      testing.TB
}

// Get asks for a path.
func (b *Browser) Get(path string) Answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// Post sends a form; pairs are names and values.
func (b *Browser) Post(path string, pairs ...string) Answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

// PostAll is Post with names that may come more than once, as those of boxes that are ticked.
func (b *Browser) PostAll(path string, pairs ...string) Answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

func (b *Browser) do(method, path string, form url.Values) Answer {
	b.t.Helper()
	if form == nil {
		return b.Send(method, path, "", nil)
	}
	return b.Send(method, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// Send sends a request with a body of a content type.
func (b *Browser) Send(method, path, contentType string, body io.Reader) Answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for name, values := range b.Header {
		r.Header[name] = values
	}
	response, err := b.Client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return Answer{response.StatusCode, response.Header, string(content), b.t}
}

// Text is what stands on the page at a selector, white space squeezed.
func (a Answer) Text(selector string) string {
	a.t.Helper()
	return strings.Join(strings.Fields(a.page().Find(selector).Text()), " ")
}

// All are the texts of each element at a selector, as they are.
func (a Answer) All(selector string) []string {
	a.t.Helper()
	return a.page().Find(selector).Map(func(_ int, s *goquery.Selection) string { return s.Text() })
}

// Attr is an attribute of the first element at a selector, empty where there is none.
func (a Answer) Attr(selector, name string) string {
	a.t.Helper()
	return a.page().Find(selector).AttrOr(name, "")
}

func (a Answer) page() *goquery.Document {
	a.t.Helper()
	page, err := goquery.NewDocumentFromReader(strings.NewReader(a.Body))
	if err != nil {
		a.t.Fatal(err)
	}
	return page
}
