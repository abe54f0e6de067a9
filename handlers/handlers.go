// Package handlers is HTTP and nothing else: it puts the features together into one handler. It and the rooms below
// it are the only ones that know Echo and sessions.
package handlers

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"lineboard/handlers/admin"
	"lineboard/handlers/history"
	"lineboard/handlers/imports"
	"lineboard/handlers/orders"
	"lineboard/handlers/programs"
	"lineboard/handlers/shifts"
	"lineboard/handlers/signin"
	"lineboard/handlers/web"
	"lineboard/internal/giveway"
	"lineboard/internal/live"
	"lineboard/internal/packaging"
	"lineboard/internal/throttle"
	"lineboard/static"
	signinview "lineboard/views/signin"
)

// Store is what all features together need of the database.
type Store interface {
	web.Store
	orders.Store
	imports.Store
	history.Store
	shifts.Store
	signin.Store
	admin.Store
	programs.Store
}

// Releaser releases orders to their lines.
type Releaser interface {
	orders.Releaser
	Held() int    // answers of the API that are not stored yet
	Ready() error // why no release can begin
}

// Clients are those of the remote API that calls are made with.
type Clients interface {
	web.Clients
	admin.Clients
}

// Provider asks the providers that people sign in by.
type Provider interface {
	signin.Provider
	admin.Provider
}

// Setup is the first start.
type Setup = admin.Setup

// NewSetup begins a first start: see [admin.NewSetup].
func NewSetup(now time.Time, nobody bool) (s *Setup, path string) { return admin.NewSetup(now, nobody) }

// Config is what the server is set up with.
type Config struct {
	Store     Store
	Releaser  Releaser
	Settler   orders.Settler
	Queuer    orders.Queuer
	Clients   Clients
	Test      admin.TestConnection
	Setup     *Setup // the first start, nil where there is an administrator
	Loose     admin.LooseFiles
	Guard     signin.Guard
	Deliver   admin.Deliverer
	Provider  Provider
	Checks    history.Checks
	Check     func() packaging.SelfCheck // what was found out about the data since the start
	AccessLog bool                       // log each request, not at debug level alone
	CacheUsed func(hit bool)             // hears of each use of the cache of pages; may be nil
	Metrics   http.Handler               // serves metrics to programs that have their token; nil for none
	Condition func(ctx context.Context) (packaging.Condition, error)
	Backups   func() packaging.Backups // what became of those that Lineboard makes by itself
	Copy      Copy                     // of the database, that releases wait for; nil for none
	Alarms    admin.AlarmSender
	Hub       *live.Hub
	Refresher orders.Refresher
	Log       *slog.Logger
	Now       func() time.Time
	Interval  time.Duration // between two refreshes of the cache
	Patience  time.Duration // how long a press waits for its result before the page shows it as under way
	Secure    bool          // people reach the server by HTTPS
	Idle      time.Duration // a session ends when it was not used for so long
	Limit     time.Duration // a session ends so long after sign-in
	Prefix    string        // the path below which a proxy serves the pages, empty for the top
	Demo      []signinview.DemoPerson

	Proxies   []netip.Prefix    // whose X-Forwarded-For and X-Forwarded-Proto are believed
	Local     throttle.Networks // local networks of IPv6, where each address is one machine
	PerSecond float64           // requests that an address or a session may make in a second, 0 for any number
}

// Copy is the copy of the database that releases wait for.
type Copy interface {
	// State says how it is.
	State() packaging.CopyState
	// NotYet reports whether a release may be missing from it.
	NotYet(id packaging.ReleaseID) bool
}

// noCopy is where there is to be none.
type noCopy struct{}

func (noCopy) State() packaging.CopyState      { return packaging.CopyState{} }
func (noCopy) NotYet(packaging.ReleaseID) bool { return false }

// server is the features that the route table leads to.
type server struct {
	kit        *web.Kit
	orders     *orders.Server
	imports    *imports.Server
	history    *history.Server
	shifts     *shifts.Server
	signin     *signin.Server
	firstStart *admin.FirstStart
	connection *admin.Connection
	sites      *admin.Sites
	lines      *admin.Lines
	people     *admin.People
	stations   *admin.Stations
	sessions   *admin.Sessions
	signOn     *admin.SignOn
	tokens     *admin.Tokens
	setShifts  *admin.Shifts
	programs   *programs.Server

	destinations *admin.Destinations
	alarms       *admin.Alarms
	data         *admin.Data
	health       *admin.Health
}

// New makes the handler of the whole dashboard.
func New(c Config) http.Handler {
	s := assemble(c)
	e := echo.New()
	e.HTTPErrorHandler = s.kit.Fail
	e.IPExtractor = s.kit.Address // Echo's own would believe any X-Forwarded-For header
	e.Use(
		recoverPanics(s.kit),
		s.kit.IdentifyPerson,
		s.kit.IdentifyStation,
		s.kit.ChooseLanguage,
		s.kit.ChooseTheme,
		s.firstStart.ToSetup,
		bodyLimit,
	)
	e.Pre(web.DropSlash)
	for _, r := range s.routes() {
		e.Add(r.method, r.path, s.kit.Allow(r.needs, r.handle))
		if r.method == http.MethodGet {
			e.Add(http.MethodHead, r.path, s.kit.Allow(r.needs, r.head()))
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.Handle("/api/", gzhttp.GzipHandler(s.kit.LogRequests(s.programHandler())))
	guarded := func(next http.Handler) http.Handler {
		return s.kit.LogRequests(s.kit.LimitRate(s.kit.GuardOrigin(s.kit.OnlyHTTPS(next))))
	}
	mux.Handle(web.EventsPath, guarded(e)) // never compressed: each event leaves at once
	if c.Metrics != nil {
		mux.Handle(web.MetricsPath, s.kit.LogRequests(s.kit.LimitRate(s.kit.OnlyHTTPS(s.kit.NoteWrongTokens(c.Metrics)))))
	}
	pages := s.kit.FromMicroCache(gzhttp.GzipHandler(e))
	mux.Handle("/", guarded(givingWay(pages)))
	mux.Handle("POST /orders/{id}/release", guarded(goingFirst(pages)))
	return web.IdentifyRequest(s.kit.SecureHeaders(s.kit.BelowPrefix(mux)))
}

// goingFirst has everything else wait for a press of release from before it is known who sends it. What is beyond the
// limit of requests never comes here.
func goingFirst(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, end := giveway.Press(r.Context())
		defer end()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// givingWay has the many requests of open pages wait a moment while a press is under way.
func givingWay(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		giveway.Wait()
		next.ServeHTTP(w, r)
	})
}

// assemble makes the features.
func assemble(c Config) *server {
	if c.Copy == nil {
		c.Copy = noCopy{}
	}
	s := &server{}
	s.kit = web.New(web.Config{
		Store: c.Store, Clients: c.Clients, Hub: c.Hub, Log: c.Log, Now: c.Now, Interval: c.Interval,
		Secure:    c.Secure,
		Prefix:    c.Prefix,
		Idle:      c.Idle,
		Limit:     c.Limit,
		Demo:      len(c.Demo) > 0,
		Proxies:   c.Proxies,
		Local:     c.Local,
		PerSecond: c.PerSecond,
		Held:      c.Releaser.Held,
		Releases:  c.Releaser.Ready,
		Copied:    c.Copy.State,
		Hints:     hints,
		CacheUsed: c.CacheUsed,
		AccessLog: c.AccessLog,
		Lock:      func(ctx echo.Context) error { return s.signin.ShowLock(ctx) },
	})
	s.shifts = &shifts.Server{Kit: s.kit, Store: c.Store, NotYetCopied: c.Copy.NotYet}
	s.orders = &orders.Server{
		Kit: s.kit, Store: c.Store, Releaser: c.Releaser, Settler: c.Settler, Queuer: c.Queuer,
		Refresher: c.Refresher, Patience: c.Patience, Digest: s.shifts.Digest, Totals: s.shifts.Totals,
		NotYetCopied: c.Copy.NotYet, Lists: throttle.NewConcurrency(1),
	}
	s.imports = imports.New(s.kit, c.Store)
	s.programs = &programs.Server{Kit: s.kit, Store: c.Store, Clients: c.Clients}
	s.history = &history.Server{Kit: s.kit, Store: c.Store, Checks: c.Checks}
	s.signin = signin.New(s.kit, c.Store, c.Guard, c.Provider, c.Demo)
	s.firstStart = &admin.FirstStart{Kit: s.kit, Store: c.Store, Setup: c.Setup}
	s.connection = &admin.Connection{
		Kit: s.kit, Store: c.Store, Clients: c.Clients, TestConnection: c.Test, Loose: c.Loose,
		Refresher: c.Refresher, Patience: c.Patience,
	}
	s.sites = &admin.Sites{Kit: s.kit, Store: c.Store}
	s.lines = &admin.Lines{Kit: s.kit, Store: c.Store}
	s.destinations = &admin.Destinations{Kit: s.kit, Store: c.Store, Deliver: c.Deliver}
	s.people = &admin.People{Kit: s.kit, Store: c.Store}
	s.stations = &admin.Stations{Kit: s.kit, Store: c.Store, Copied: c.Copy.State}
	s.sessions = &admin.Sessions{Kit: s.kit, Store: c.Store}
	s.signOn = &admin.SignOn{Kit: s.kit, Store: c.Store, Provider: c.Provider}
	s.tokens = &admin.Tokens{Kit: s.kit, Store: c.Store}
	s.data = &admin.Data{Kit: s.kit, Store: c.Store, Check: c.Check, Backups: c.Backups}
	s.health = &admin.Health{Kit: s.kit, Store: c.Store, Condition: c.Condition}
	s.alarms = &admin.Alarms{Kit: s.kit, Store: c.Store, Sender: c.Alarms}
	s.setShifts = &admin.Shifts{Kit: s.kit, Store: c.Store}
	return s
}

// programHandler makes the handler of the interface for programs.
func (s *server) programHandler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = s.kit.FailProgram
	e.IPExtractor = s.kit.Address
	e.Use(recoverPanics(s.kit), s.kit.LimitPrograms)
	s.apiRoutes(headToo{e})
	return e
}

func recoverPanics(kit *web.Kit) echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true, LogErrorFunc: kit.LogPanic})
}

// More than any form of ours takes, but for the one that a list of serials is added with.
const (
	maxForm = "64KiB"
	maxList = "24MiB"
)

var limitForm, limitList = middleware.BodyLimit(maxForm), middleware.BodyLimit(maxList)

// bodyLimit bounds what a request brings along. Echo puts its middleware together anew for each request, so that
// whatever takes a while is done before.
func bodyLimit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch {
		case c.Request().Body == http.NoBody:
			return next(c)
		case c.Path() == listPath:
			return takeRest(limitList(next))(c)
		case c.Path() == importPath:
			return takeRest(next)(c) // the handler says what is too large, and how large that is
		}
		return limitForm(next)(c)
	}
}

// maxRest is how many bytes of a request are taken once its answer is known: more than a file that people choose by
// mistake.
const maxRest = 128 << 20

// takeRest takes what is left of a large request that is answered before its end. Who sends all of it before they read
// the answer, as browsers and programs do, would find their connection cut, and never learn why. Who asks whether they
// may send it reads the answer instead.
func takeRest(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		body := &readBody{ReadCloser: r.Body}
		r.Body = body
		err := next(c)
		if r.Header.Get("Expect") == "" || body.begun {
			_, _ = io.CopyN(io.Discard, body, maxRest) // who does not go on sending reads no answer either
		}
		return err
	}
}

// readBody is a body that knows whether somebody began to read it.
type readBody struct {
	io.ReadCloser
	begun bool
}

func (b *readBody) Read(into []byte) (int, error) {
	b.begun = true
	return b.ReadCloser.Read(into)
}
