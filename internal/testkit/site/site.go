// Package site puts up a whole Lineboard for tests, as the program does: a database in a folder of the test, the
// sandbox behind real HTTP, the API client, and the handlers. Only what waits by itself is left out: tests refresh when
// they want to.
package site

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/internal/app"
	"lineboard/internal/deliver"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
	_ "lineboard/internal/secret/cheaphash"
)

// Password is everybody's.
const Password = "a password for tests"

// start is when the clock of every site begins.
var start = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

// Site is a Lineboard with one tenant, "ghent", unless more are added.
type Site struct {
	*app.App
	Path   string // of the database file
	Box    *sandbox.Sandbox
	Remote *httptest.Server // serves Box
	Web    *httptest.Server
	Clock  *Clock
	Log    *Log

	t       testing.TB
	options Options
	seal    *secret.Box
	web     *httptest.Server // Web, unless a test put another in its place
}

// Options change what a site is. Zero values stand for what tests mostly want.
type Options struct {
	Orders []sandbox.Order // in the sandbox; default its sample
	Limits manufacturer.Limits
	Secure bool
	// SerialsInDetails makes the details of a released order include its serials.
	SerialsInDetails bool
	// Patience is how long a press waits; default a minute, so that a page shows the result.
	Patience    time.Duration
	SessionIdle time.Duration  // default two hours
	Prefix      string         // the path below which a proxy serves it
	Proxies     []netip.Prefix // that are trusted
	Local       []netip.Prefix // local networks of IPv6
	PerSecond   float64        // requests that an address may make; default any number
	// Empty leaves out the tenant and its people, as at a first start; Setup is then what that begins with.
	Empty            bool
	Setup            *handlers.Setup
	DestinationHosts []string       // hosts that alarms may go to
	Roots            *x509.CertPool // of their certificates

	Replica    app.Replica                         // how the database is copied; default not at all
	Deliveries deliver.Options                     // where lists can be brought
	Loose      func() []string                     // files that others may use; default none
	Handler    func(*sandbox.Sandbox) http.Handler // serves as the remote API; default the sandbox itself
	Releases   func(*db.DB) release.Store          // stores releases; default the database
}

// standard are the limits of the program.
var standard = manufacturer.Limits{SignIn: 10 * time.Second, Read: 15 * time.Second, Release: 30 * time.Second}

// New puts a site up, with its orders fetched, and takes it down with the test.
func New(t testing.TB, o Options) *Site {
	t.Helper()
	o.Limits.SignIn = cmp.Or(o.Limits.SignIn, standard.SignIn)
	o.Limits.Read = cmp.Or(o.Limits.Read, standard.Read)
	o.Limits.Release = cmp.Or(o.Limits.Release, standard.Release)
	o.Patience = cmp.Or(o.Patience, time.Minute)
	s := &Site{
		t: t, options: o, Clock: &Clock{now: start}, Log: &Log{}, Path: filepath.Join(t.TempDir(), "lineboard.db"),
	}
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
	var err error
	if s.seal, err = seal(); err != nil {
		t.Fatal(err)
	}
	if !o.Empty {
		s.copyMaster()
	}
	s.begin()
	t.Cleanup(s.end)
	if !o.Empty {
		s.AddTenant("ghent", "Plant Ghent", people...)
	}
	s.Refresh()
	return s
}

// copyMaster begins with a database that has the tenant and its people.
func (s *Site) copyMaster() {
	s.t.Helper()
	master, err := provisioned()
	if err == nil {
		err = os.WriteFile(s.Path, master, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// begin opens the database, puts Lineboard together as the program does, and serves it.
func (s *Site) begin() {
	s.t.Helper()
	store, err := db.Open(context.Background(), s.Path, s.seal, s.Clock.Now)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.App, err = app.Build(context.Background(), s.parts(store)); err != nil {
		s.t.Fatal(errors.Join(err, store.Close()))
	}
	s.web = httptest.NewServer(s.Handler)
	s.Web = s.web
}

func (s *Site) parts(store *db.DB) app.Parts {
	parts := app.Parts{
		Store:           store,
		Deliveries:      s.options.Deliveries,
		Replica:         s.options.Replica,
		Anchors:         filepath.Join(filepath.Dir(s.Path), "anchors.log"),
		Now:             s.Clock.Now,
		Log:             slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		APILimits:       s.options.Limits,
		AskPace:         release.DefaultPace,
		RefreshInterval: 30 * time.Second,
		Patience:        s.options.Patience,
		Secure:          s.options.Secure,
		Prefix:          s.options.Prefix,
		SessionIdle:     cmp.Or(s.options.SessionIdle, 2*time.Hour),
		SessionLimit:    12 * time.Hour,
		Proxies:         s.options.Proxies,
		Local:           s.options.Local,
		RateLimit:       s.options.PerSecond,
		Setup:           s.options.Setup,
		Loose:           s.options.Loose,

		DestinationHosts: s.options.DestinationHosts,
		Roots:            s.options.Roots,
	}
	if s.options.Releases != nil {
		parts.Releases = s.options.Releases(store)
	}
	return parts
}

// end ends the site in the order in which the program ends.
func (s *Site) end() {
	s.Hub.Close() // open streams would hold the server up
	s.web.Close()
	if err := errors.Join(s.Close(context.Background()), s.Store.Close()); err != nil {
		s.t.Error(err)
	}
}

// Restart ends the site as a killed process would, whatever is under way, and begins it again on the same database
// file. A test whose Options have Releases stops its store from taking answers first.
func (s *Site) Restart() {
	s.t.Helper()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	s.Releaser.Stop(gone)
	s.Hub.Close()
	s.web.Close()
	if err := s.Store.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.begin()
}

// AddTenant adds a tenant that reaches the sandbox with the documented credentials. It has two lines, and people whose
// role is their username less its digit.
func (s *Site) AddTenant(slug, name string, usernames ...string) {
	s.t.Helper()
	setup := tenant(slug, name, s.Remote.URL, usernames)
	if err := s.Store.Provision(context.Background(), db.Site{setup}); err != nil {
		s.t.Fatal(err)
	}
}

// Limit limits somebody of the tenant "ghent" to lines, or lifts the limit where there are none. It adds them where they
// are not there.
func (s *Site) Limit(username string, lines ...string) {
	s.t.Helper()
	s.setPerson(username, append([]string{}, lines...))
}

// CookieName returns the name of a cookie of the site without HTTPS: of the session, or of what name says.
func (s *Site) CookieName(name string) string {
	if name != "" {
		name = "-" + name
	}
	return "lineboard-" + hex.EncodeToString(s.Store.DeviceMark([]byte("instance"), "")[:4]) + name
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

// provisioned is the file of a database with the tenant "ghent". It is made once.
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
			TokenKind:   "dynamic",
			TokenHeader: "x-access-token",
			APIKey:      secret.New(sandbox.APIKey),
			APISecret:   secret.New(sandbox.APISecret),
			ChannelKey:  secret.New(sandbox.ChannelKey),
		},
		Lines: []packaging.Line{{Code: "L1", Name: "Blister line 1"}, {Code: "L2", Name: "Bottle line 2"}},
	}
	for _, username := range usernames {
		role, _, _ := strings.Cut(strings.TrimRight(username, "0123456789"), "-")
		setup.People = append(setup.People, db.PersonSetup{
			Username: username, FullName: "Person " + username, Role: packaging.Role(role),
			Password: secret.New(Password),
		})
	}
	return setup
}

// ThreeShifts divides the days of a tenant into Early (06:00 to 14:00), Late and Night, from the day before the site's
// clock begins.
func (s *Site) ThreeShifts(slug string) {
	s.t.Helper()
	setup := db.TenantSetup{Tenant: s.Tenant(slug), Credentials: s.credentials(slug), Shifts: []packaging.Shift{
		{Name: "Early", Start: 6 * 60, End: 14 * 60, Days: packaging.EveryDay},
		{Name: "Late", Start: 14 * 60, End: 22 * 60, Days: packaging.EveryDay},
		{Name: "Night", Start: 22 * 60, End: 6 * 60, Days: packaging.EveryDay},
	}}
	if err := s.Store.Provision(context.Background(), db.Site{setup}); err != nil {
		s.t.Fatal(err)
	}
}

// AddPerson adds somebody to the tenant "ghent", whose role is their username less its digit.
func (s *Site) AddPerson(username string) {
	s.t.Helper()
	s.setPerson(username, nil)
}

// setPerson sets the lines of a person of the tenant "ghent". The administrator knows somebody who is new there to have a
// password of their own.
func (s *Site) setPerson(username string, lines []string) {
	s.t.Helper()
	ctx := context.Background()
	_, _, missing := s.Store.Credential(ctx, username)
	setup := tenant("ghent", "Plant Ghent", s.Remote.URL, []string{username})
	setup.People[0].Lines = lines
	if err := s.Store.Provision(ctx, db.Site{setup}); err != nil {
		s.t.Fatal(err)
	}
	if missing == nil {
		return
	}
	id, hash, err := s.Store.Credential(ctx, username)
	if err == nil {
		err = s.Store.ChangePassword(ctx, s.Person(username), hash, hash, [32]byte{})
	}
	if err == nil {
		err = s.confirm(ctx, s.Person("administrator1"), id)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// confirm confirms the password of a person, as their page shows it to another one.
func (s *Site) confirm(ctx context.Context, by packaging.Person, user packaging.UserID) error {
	c, err := s.Store.Confirmations(ctx, by)
	for _, waits := range c.Waiting {
		if waits.ID == user {
			return s.Store.ConfirmPassword(ctx, by, user, waits.Shown)
		}
	}
	return err
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
	in, filter := packaging.Everything(s.Tenant(slug).ID), packaging.OrderFilter{Text: key, Limit: 100}
	page, err := s.Store.SearchOrders(context.Background(), in, filter)
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
	in, filter := packaging.Everything(s.Tenant("ghent").ID), packaging.HistoryFilter{Limit: 1000}
	page, err := s.Store.History(context.Background(), in, filter)
	if err != nil {
		s.t.Fatal(err)
	}
	return page.Entries
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

// Tamper changes the database by hand, as no page can.
func (s *Site) Tamper(statement string, args ...any) {
	s.t.Helper()
	pool, err := sql.Open(
		"sqlite", "file:"+(&url.URL{Path: s.Path}).EscapedPath()+"?_busy_timeout=5000&_foreign_keys=1",
	)
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = pool.Exec(statement, args...)
	if err = errors.Join(err, pool.Close()); err != nil {
		s.t.Fatal(err)
	}
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
	set := func(now *packaging.Rules) { *now = r }
	if err := s.Store.SetRules(context.Background(), s.Person("administrator1"), set); err != nil {
		s.t.Fatal(err)
	}
}
