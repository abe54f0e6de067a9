// Package handlers is HTTP and nothing else: each handler reads the request, calls a room, and renders a page. It is the
// only room that knows Echo and sessions.
package handlers

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"

	"lineboard/internal/live"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/throttle"
	"lineboard/static"
	"lineboard/views/signin"
)

// Store is what pages read, and the little that they write by themselves.
type Store interface {
	SessionStore
	LanguageStore
	HintStore
	StationStore
	StationsStore
	PINStore
	SignatureStore
	AccountStore
	SetupStore
	SiteStore
	ConnectionStore
	LineStore
	PeopleStore
	ImportStore
	PackStore
	TokenStore
	HistoryStore
	OrderLineStore
	ShiftStore
	NoteStore
	HandoverStore
	SignOnStore
	Credential(ctx context.Context, username string) (packaging.UserID, string, error)
	Memberships(ctx context.Context, user packaging.UserID) ([]packaging.Person, error)
	RecordFailedSignIn(ctx context.Context, user packaging.UserID, address string) error
	People(ctx context.Context, tenant packaging.TenantID) ([]packaging.Person, error)

	Freshness(ctx context.Context, tenant packaging.TenantID) (packaging.Freshness, error)
	Lanes(ctx context.Context, in packaging.Scope) ([]packaging.Lane, error)
	Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	Line(ctx context.Context, in packaging.Scope, code string) (packaging.Line, error)
	LineOrders(ctx context.Context, in packaging.Scope, line packaging.LineID, limit int) ([]packaging.Order, error)
	Queue(ctx context.Context, in packaging.Scope, line packaging.LineID) (packaging.Queue, error)
	SearchOrders(ctx context.Context, in packaging.Scope, f packaging.OrderFilter) (packaging.OrderPage, error)
	OtherStatuses(ctx context.Context, in packaging.Scope) ([]packaging.Status, error)
	Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error)
	Timeline(ctx context.Context, in packaging.Scope, order packaging.OrderID, limit int) ([]packaging.OrderEvent, error)
	FirstChanges(ctx context.Context, in packaging.Scope, order packaging.OrderID) ([]packaging.OrderEvent, error)
	OrderRaw(ctx context.Context, in packaging.Scope, id packaging.OrderID) (string, error)
	AnswerBody(ctx context.Context, in packaging.Scope, id packaging.ReleaseID, limit int) ([]byte, error)
	Serials(ctx context.Context, in packaging.Scope, order packaging.OrderID, after int64, limit int) ([]packaging.Serial, error)
	FindSerials(ctx context.Context, in packaging.Scope, order packaging.OrderID, text string, after int64, limit int) ([]packaging.Serial, error)
	EachSerial(ctx context.Context, in packaging.Scope, order packaging.OrderID, do func(packaging.Serial) error) error
	AddList(ctx context.Context, by packaging.Person, id packaging.OrderID, serials []string) error
	Acknowledge(ctx context.Context, by packaging.Person, id packaging.OrderID, release packaging.ReleaseID, comment string) error
	Ready(ctx context.Context) error
}

// Releaser releases orders to their lines.
type Releaser interface {
	Release(ctx context.Context, by packaging.Person, press packaging.Press) (settled <-chan struct{}, err error)
	Held() int
}

// Settler asks about releases whose outcome is unknown.
type Settler interface {
	Ask(ctx context.Context, by packaging.Person, id packaging.OrderID) error
}

// Queuer releases several orders of a line one at a time.
type Queuer interface {
	Start(ctx context.Context, by packaging.Person, line packaging.LineID, picks []packaging.QueuePick, signed ...packaging.Signature) error
	Stop(ctx context.Context, by packaging.Person, line packaging.LineID) error
}

// Guard slows down who tries passwords.
type Guard interface {
	// Try gives how long to wait before a password may be looked at, 0 where it may be now.
	Try(username, address string) (wait time.Duration)
	// Wrong says that it was wrong; quiet holds where that needs no entry in the history.
	Wrong(ctx context.Context, username, address string) (quiet bool, err error)
	Right(ctx context.Context, username, address string) error
}

// Config is what the server is set up with.
type Config struct {
	Store     Store
	Releaser  Releaser
	Settler   Settler
	Queuer    Queuer
	Clients   Clients
	Test      func(ctx context.Context, baseURL string, c secret.Credentials) packaging.ConnectionReport // tries a connection out
	Setup     *Setup                                                                                     // the first start, nil where there is an administrator
	Guard     Guard
	Provider  Provider
	Verifier  Verifier
	Hub       *live.Hub
	Refresher Refresher
	Log       *slog.Logger
	Now       func() time.Time
	Interval  time.Duration // between two refreshes of the cache
	Patience  time.Duration // how long a press waits for its result before the page shows it as under way
	Secure    bool          // people reach the server by HTTPS: cookies are Secure and browsers are told to stay with it
	Idle      time.Duration // a session ends when it was not used for so long
	Limit     time.Duration // a session ends so long after sign-in
	Demo      []signin.DemoPerson

	Proxies   []netip.Prefix // whose X-Forwarded-For and X-Forwarded-Proto are believed
	PerSecond float64        // how many requests an address may make in a second, 0 for any number
}

type server struct {
	Config
	sessions *sessionStore
	rate     *throttle.Rate
	rates    limiters
	kept     *keeper
	recent   *recent
	trips    *trips
}

// formLimit is more than any form of ours takes, but for the one that a list of serials is added with.
const (
	formLimit = "64K"
	listLimit = "32M"
)

// New makes the handler of the whole dashboard.
func New(c Config) http.Handler {
	s := &server{Config: c, rate: throttle.NewRate(c.PerSecond), rates: limiters{of: map[packaging.TokenID]*rate.Limiter{}}, kept: newKeeper(c.Hub, c.Now), trips: newTrips()}
	s.sessions = newSessionStore(c, s.address)
	s.recent = &recent{hub: c.Hub, now: c.Now, all: map[question]recentAnswer{}}
	e := echo.New()
	e.HTTPErrorHandler = s.fail
	e.IPExtractor = s.address // Echo's own would believe any X-Forwarded-For header
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true, LogErrorFunc: s.logPanic}))
	e.Use(s.person, s.atStation, s.language, s.toSetup, bodyLimit)
	for _, r := range s.routes() {
		e.Add(r.method, r.path, s.allowed(r.needs, r.handle))
	}
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.Handle("/api/", gzhttp.GzipHandler(s.logged(s.programs())))
	guarded := func(next http.Handler) http.Handler { return s.logged(s.bounded(s.guardOrigin(s.onlyHTTPS(next)))) }
	mux.Handle(eventsPath, guarded(e)) // never compressed: each event leaves at once
	mux.Handle("/", guarded(s.again(gzhttp.GzipHandler(e))))
	return s.secured(mux)
}

// bodyLimit bounds what a request brings along. Echo puts its middleware together anew for each request, so that whatever
// takes a while is done before.
func bodyLimit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch {
		case c.Request().Body == http.NoBody:
			return next(c)
		case c.Path() == listPath:
			return limitList(next)(c)
		case c.Path() == importPath:
			return next(c) // the handler says what is too large, and how large that is
		}
		return limitForm(next)(c)
	}
}

var limitForm, limitList = middleware.BodyLimit(formLimit), middleware.BodyLimit(listLimit)

// listPath takes a list of serials, which is long.
const listPath = "/orders/:id/list"

// route is a row of the table: a method, a path, what a person must be allowed to do, and the handler. On which lines a
// person may do it is a part of what handlers ask the store and the rooms behind it (see [packaging.Scope]).
type route struct {
	method, path string
	needs        packaging.Action
	handle       echo.HandlerFunc
}

// routes is the whole table.
func (s *server) routes() []route {
	return []route{
		{"GET", "/healthz", anybody, s.alive},
		{"GET", "/readyz", anybody, s.ready},
		{"GET", setupPath, anybody, s.setupPage},
		{"POST", setupPath, anybody, s.setUp},
		{"GET", eventsPath, packaging.ViewOrders, s.events},
		{"GET", "/fresh", packaging.ViewOrders, s.showFreshness},
		{"GET", "/sw.js", anybody, s.worker},
		{"GET", "/manifest.webmanifest", anybody, s.manifest},
		{"GET", "/offline", anybody, s.offline},
		{"GET", "/login", anybody, s.loginPage},
		{"POST", "/login", anybody, s.login},
		{"POST", "/logout", anybody, s.logout},
		{"GET", "/sso/:tenant", anybody, s.signOnStart},
		{"GET", signOnBackPath, anybody, s.signOnBack},
		{"POST", "/tenant", packaging.ViewOrders, s.switchTenant},
		{"POST", "/language", anybody, s.setLanguage},
		{"GET", "/help", packaging.ViewOrders, s.help},
		{"POST", "/hints", packaging.ViewOrders, s.dropHint},
		{"GET", "/account/pin", packaging.ViewOrders, s.pin},
		{"POST", "/account/pin", packaging.ViewOrders, s.setPIN},
		{"POST", "/account/badge", packaging.ViewOrders, s.setOwnBadge},

		{"GET", "/station", anybody, s.stationPage},
		{"POST", "/station", anybody, s.bindStation},
		{"POST", "/station/sign-in", anybody, s.stationSignIn},
		{"GET", "/station/idle", packaging.ViewOrders, s.stationIdle},
		{"POST", "/station/used", packaging.ViewOrders, s.stationIdle},
		{"POST", "/station/lock", anybody, s.lockStation},
		{"POST", "/station/unbind", packaging.Administer, s.unbindHere},
		{"GET", "/account", packaging.ViewOrders, s.account},
		{"POST", "/account/password", packaging.ViewOrders, s.changePassword},
		{"POST", "/account/sso", packaging.ViewOrders, s.connectSignOn},
		{"POST", "/account/sso/disconnect", packaging.ViewOrders, s.disconnectSignOn},
		{"POST", "/account/signing", packaging.ViewOrders, s.setSigningPassword},
		{"POST", "/account/sessions/:session/end", packaging.ViewOrders, s.endOwnSession},

		{"GET", "/", packaging.ViewOrders, s.overview},
		{"POST", "/refresh", packaging.RefreshOrders, s.refreshNow},
		{"GET", "/refresh", packaging.ViewOrders, s.toOverview},
		{"GET", "/adopt", packaging.SetLines, s.adoptForm},
		{"POST", "/adopt", packaging.SetLines, s.adopt},
		{"GET", "/lines/:line", packaging.ViewOrders, s.line},
		{"GET", "/lines/:line/queue", packaging.ViewOrders, s.queue},
		{"POST", "/lines/:line/queue", packaging.ReleaseOrders, s.startQueue},
		{"POST", "/lines/:line/queue/stop", packaging.ReleaseOrders, s.stopQueue},
		{"POST", "/lines/:line/notes", packaging.WriteNotes, s.noteLine},
		{"GET", "/scan", packaging.ViewOrders, s.scan},
		{"GET", "/orders", packaging.ViewOrders, s.orders},
		{"GET", "/orders/:id", packaging.ViewOrders, s.order},
		{"POST", "/orders/:id/release", packaging.ReleaseOrders, s.release},
		{"GET", "/orders/:id/release", packaging.ViewOrders, s.backToOrder},
		{"POST", "/orders/:id/line", packaging.SetLines, s.setOrderLine},
		{"GET", "/orders/:id/line", packaging.ViewOrders, s.backToOrder},
		{"GET", "/orders/:id/story", packaging.ViewOrders, s.wholeStory},
		{"POST", "/orders/:id/ask", packaging.SettleOrders, s.ask},
		{"POST", "/orders/:id/acknowledge", packaging.SettleOrders, s.acknowledge},
		{"GET", listPath, packaging.SettleOrders, s.listForm},
		{"POST", listPath, packaging.SettleOrders, s.addList},
		{"GET", "/orders/:id/serials", packaging.ViewOrders, s.serials},
		{"GET", "/orders/:id/serials.csv", packaging.ExportRecords, s.serialsCSV},
		{"GET", "/orders/:id/serials.json", packaging.ExportRecords, s.serialsJSON},
		{"GET", importPath, packaging.ImportOrders, s.imports},
		{"POST", importPath, packaging.ImportOrders, s.checkImport},
		{"GET", "/imports/template.csv", packaging.ImportOrders, s.importTemplate},
		{"GET", "/imports/orders.csv", packaging.ImportOrders, s.ordersCSV},
		{"GET", "/imports/previews/:id", packaging.ImportOrders, s.previewPage},
		{"POST", "/imports/previews/:id", packaging.ImportOrders, s.applyImport},
		{"GET", "/imports/:id", packaging.ViewHistory, s.imported},
		{"POST", "/orders/:id/notes", packaging.WriteNotes, s.noteOrder},
		{"POST", "/notes/:note/withdraw", packaging.WriteNotes, s.withdrawNote},
		{"GET", "/shifts", packaging.ViewReports, s.shifts},
		{"GET", "/shifts/:date/:shift", packaging.ViewReports, s.report},
		{"GET", "/shifts/:date/:shift/report.csv", packaging.ExportRecords, s.reportCSV},
		{"GET", "/shifts/:date/:shift/report.xlsx", packaging.ExportRecords, s.reportXLSX},
		{"GET", "/shifts/:date/:shift/handover", packaging.ViewReports, s.handover},
		{"POST", "/shifts/:date/:shift/handover", packaging.HandOver, s.handOver},
		{"POST", "/shifts/:date/:shift/handover/take", packaging.HandOver, s.takeOver},
		{"POST", "/shifts/:date/:shift/handover/acknowledge", packaging.HandOver, s.acknowledgeItems},
		{"GET", "/shifts/:date/:shift/sign", packaging.ReviewShifts, s.signPage},
		{"POST", "/shifts/:date/:shift/sign", packaging.ReviewShifts, s.signShift},
		{"GET", "/history", packaging.ViewHistory, s.history},
		{"GET", "/history/new", packaging.ViewHistory, s.newEntries},
		{"GET", "/history.csv", packaging.ExportRecords, s.historyCSV},
		{"POST", "/history/verify", packaging.ExportRecords, s.verify},
		{"GET", "/history/verify", packaging.ViewHistory, s.backToHistory},
		{"POST", "/history/views", packaging.ViewHistory, s.saveView},
		{"POST", "/history/views/:id/remove", packaging.ViewHistory, s.removeView},
		{"GET", "/history/:seq", packaging.ViewHistory, s.entry},

		{"GET", "/admin", packaging.ViewSetup, s.admin},
		{"GET", "/admin/stations", packaging.ViewSetup, s.stations},
		{"POST", "/admin/stations", packaging.Administer, s.addStation},
		{"POST", "/admin/stations/rules", packaging.Administer, s.setRules},
		{"POST", "/admin/stations/badge", packaging.Administer, s.setBadge},
		{"POST", "/admin/stations/:id/code", packaging.Administer, s.makeCode},
		{"POST", "/admin/stations/:id/language", packaging.Administer, s.setStationLanguage},
		{"POST", "/admin/stations/:id/unbind", packaging.Administer, s.unbindStation},
		{"POST", "/admin/stations/:id/remove", packaging.Administer, s.removeStation},
		{"GET", "/admin/sessions", packaging.ViewSetup, s.allSessions},
		{"POST", "/admin/sessions/:session/end", packaging.Administer, s.endSessionOf},
		{"GET", "/admin/sso", packaging.ViewSetup, s.signOnSettings},
		{"POST", "/admin/sso", packaging.Administer, s.setSignOn},
		{"POST", "/admin/sso/test", packaging.Administer, s.testSignOn},
		{"GET", "/admin/connection", packaging.ViewSetup, s.connection},
		{"POST", "/admin/connection", packaging.Administer, s.setConnection},
		{"POST", "/admin/connection/test", packaging.Administer, s.testConnection},
		{"GET", "/admin/site", packaging.ViewSetup, s.site},
		{"POST", "/admin/site", packaging.Administer, s.setSite},
		{"POST", "/admin/sites", packaging.Administer, s.addSite},
		{"GET", "/admin/lines", packaging.ViewSetup, s.lines},
		{"POST", "/admin/lines", packaging.Administer, s.addLine},
		{"POST", "/admin/lines/:code", packaging.Administer, s.setLine},
		{"GET", "/admin/people", packaging.ViewSetup, s.people},
		{"POST", "/admin/people", packaging.Administer, s.addPerson},
		{"GET", "/admin/people/new", packaging.Administer, s.newPerson},
		{"POST", "/admin/people/join", packaging.Administer, s.joinPerson},
		{"GET", "/admin/people/:user", packaging.ViewSetup, s.personPage},
		{"POST", "/admin/people/:user", packaging.Administer, s.setPerson},
		{"POST", "/admin/people/:user/password", packaging.Administer, s.setPersonsPassword},
		{"POST", "/admin/people/:user/active", packaging.Administer, s.setPersonActive},
		{"POST", "/admin/people/:user/factors", packaging.Administer, s.removeFactors},
		{"POST", "/admin/people/:user/remove", packaging.Administer, s.removePerson},
		{"GET", "/admin/tokens", packaging.ViewSetup, s.tokens},
		{"POST", "/admin/tokens", packaging.Administer, s.createToken},
		{"POST", "/admin/tokens/:id/revoke", packaging.Administer, s.revokeToken},
		{"GET", "/admin/shifts", packaging.ViewSetup, s.adminShifts},
		{"POST", "/admin/shifts", packaging.Administer, s.setShifts},
		{"POST", "/admin/shifts/signing", packaging.Administer, s.setShiftSigning},
	}
}

// apiRoutes is the table of the interface for programs, whose requests say by a token who sends them.
func (s *server) apiRoutes(e *echo.Echo) {
	e.GET("/api/v1/openapi.yaml", s.openAPI)
	e.PUT("/api/v1/orders", s.putOrders)
}
