package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/internal/alarms"
	"lineboard/internal/anchors"
	"lineboard/internal/deliver"
	"lineboard/internal/doctor"
	"lineboard/internal/live"
	"lineboard/internal/manufacturer"
	"lineboard/internal/metrics"
	"lineboard/internal/ordersync"
	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/replica"
	"lineboard/internal/reserve"
	"lineboard/internal/secret"
	"lineboard/internal/sso"
	"lineboard/internal/throttle"
	"lineboard/views/signin"
)

// Parts are what differs between one Lineboard and another: between the program and its tests above all.
type Parts struct {
	Store    *db.DB           // open; it stays open
	Releases release.Store    // where releases are claimed and settled; nil for Store
	Anchors  string           // path of the file that keeps the heads of the history
	Reserve  *reserve.Reserve // keeps answers that the database can't take; nil for none
	Copies   Copies           // the backups that it makes by itself
	Replica  Replica          // the copy that releases wait for
	Now      func() time.Time
	Log      *slog.Logger

	Deliveries deliver.Options // without clock and log

	APILimits       manufacturer.Limits
	AskPace         release.Pace  // of questions about releases whose outcome is unknown
	RefreshInterval time.Duration // between two refreshes of the orders
	Patience        time.Duration // how long a press of release waits before its page shows it as under way

	Prefix       string         // the path below which a proxy serves the pages
	Secure       bool           // people reach Lineboard by HTTPS
	SessionIdle  time.Duration  // a session ends when nobody used it for so long
	SessionLimit time.Duration  // a session ends so long after sign-in
	PrivateHosts []string       // names on a private network that a single sign-on provider may have
	Proxies      []netip.Prefix // their X-Forwarded-For and X-Forwarded-Proto are believed
	Local        []netip.Prefix // local networks of IPv6, where each address is one machine
	RateLimit    float64        // requests a second from one address or session; 0 for no limit

	Machine          func() doctor.Facts  // what is known of files, disks and certificate; nil for nothing
	Disks            func() []doctor.Disk // of the data; nil for none that is watched
	Loose            func() []string      // files of the data that others than their owner may use; nil for none
	MetricsToken     secret.Text          // of those who read metrics at the main address; empty for nobody
	Certificate      func() time.Time     // when the one that is served ends; nil without one
	Setup            *handlers.Setup      // the first start; nil once there is an administrator
	Demo             []signin.DemoPerson  // people whom the sign-in page names; nil outside the demo
	DestinationHosts []string             // hosts, with or without a port, that alarms may go to
	Roots            *x509.CertPool       // of their certificates; nil for those of the machine
	AlarmPace        time.Duration        // between two looks for alarms; 0 for the usual
	AccessLog        bool                 // log each request
}

// App is a Lineboard put together: Handler serves it, Run does what nobody asks for, Close ends it.
type App struct {
	Store    *db.DB
	Hub      *live.Hub
	Releaser *release.Releaser
	Settler  *release.Settler
	Sync     *ordersync.Syncer
	Anchors  *anchors.Writer
	Checks   *anchors.Checks
	Alarms   *alarms.Alarms
	Copy     *replica.Copy // nil for none
	Guard    *throttle.Guard
	Metrics  *metrics.Metrics
	Deliver  *deliver.Deliverer
	Handler  http.Handler

	parts   Parts
	began   time.Time
	clients *manufacturer.Clients
	checks  *checks
	copier  *copier
}

// Build puts a Lineboard together. Answers that an earlier process kept are stored first, and what else it left under
// way becomes unknown. It fails when the database does, or when the file of anchors can't be used.
func Build(ctx context.Context, p Parts) (*App, error) {
	writer, err := anchors.NewWriter(ctx, p.Store, p.Anchors, p.Now, p.Log)
	if err != nil {
		return nil, fmt.Errorf("the file of anchors can't be used (another can be given with --anchors): %w", err)
	}
	p.Store.AnchorReleases(writer.WriteReleases, writer.Ready)
	if p.Reserve != nil {
		if err := storeHeld(ctx, p.Store, p.Reserve.Held(), p.Log); err != nil {
			return nil, err
		}
	}
	if err := interrupt(ctx, p.Store, p.Log); err != nil {
		return nil, err
	}
	a := &App{Store: p.Store, Anchors: writer, parts: p, began: p.Now()}
	// Versions begin with the time, so that they go on growing when the program starts again.
	a.Hub = live.NewHub(live.Version(p.Now().UnixMicro()))
	to := p.Deliveries
	to.Now, to.Log, to.Busy = p.Now, p.Log, func() bool { return a.Releaser.Busy() }
	a.Deliver = deliver.New(p.Store, to)
	p.Store.Notify(func(changes []packaging.Change) {
		a.Hub.Publish(packaging.Topics(changes)...)
		a.Deliver.Wake(packaging.LinesOf(changes)...)
	})
	a.Guard = throttle.New(p.Store, p.Local, p.Now, p.Log)
	a.Metrics = metrics.New(ownBuild().Version, runtime.Version(), a.metricsState, p.Log)
	a.Copy = a.copyOf(p.Replica)
	a.clients = manufacturer.NewClients(a.tenantAPI)
	a.clients.OnOutage(func(t packaging.TenantID) { a.Hub.Publish(packaging.FreshTopic.Of(t)) })
	a.work(a.clients)
	a.copier = newCopier(p)
	a.Checks = anchors.NewChecks(
		anchors.NewVerifier(p.Store, p.Anchors), p.Store.Record,
		func(t packaging.TenantID) { a.Hub.Publish(packaging.CheckTopic.Of(t)) }, p.Now, p.Log,
	)
	a.checks = &checks{
		store: p.Store, anchors: p.Anchors, writer: writer, halt: a.Releaser.Halt, again: checkAgain,
		now: p.Now, log: p.Log,
	}
	if err := a.checks.schema(ctx); err != nil {
		return nil, err
	}
	a.Alarms = alarms.New(alarms.Options{
		Store: p.Store, Dial: outbound.Only(p.DestinationHosts), Roots: p.Roots,
		Facts: a.facts().of, Every: p.AlarmPace, Now: p.Now, Log: p.Log,
	})
	a.Handler = a.handler(a.clients)
	return a, nil
}

// interrupt ends what an earlier process left under way.
func interrupt(ctx context.Context, store *db.DB, log *slog.Logger) error {
	if err := store.InterruptQueues(ctx); err != nil {
		return err
	}
	releases, err := store.InterruptReleases(ctx)
	if err != nil {
		return err
	}
	if releases > 0 {
		log.Warn("releases were under way when Lineboard stopped; their outcome is unknown", "releases", releases)
	}
	return nil
}

// work makes what calls the API of the tenants.
func (a *App) work(clients *manufacturer.Clients) {
	p := a.parts
	var releases release.Store = p.Store
	if p.Releases != nil {
		releases = p.Releases
	}
	a.Releaser = release.New(
		measuredStore{releases, a.Metrics, p.Store.Tenant, p.Now},
		func(ctx context.Context, t packaging.TenantID) (release.API, error) { return clients.Of(ctx, t) },
		p.Log,
	)
	if p.Reserve != nil {
		a.Releaser.KeepAnswersIn(p.Reserve)
	}
	if a.Copy != nil {
		a.Releaser.WaitFor(a.Copy)
	}
	a.Settler = release.NewSettler(
		p.Store,
		func(ctx context.Context, t packaging.TenantID) (release.StatusAPI, error) { return clients.Of(ctx, t) },
		p.AskPace, p.Now, p.Log,
	)
	a.Sync = ordersync.New(
		p.Store,
		func(ctx context.Context, t packaging.TenantID) (ordersync.API, error) { return clients.Of(ctx, t) },
		p.RefreshInterval, a.Settler.Wake, p.Now, p.Log,
	)
}

// handler makes the pages and the API.
func (a *App) handler(clients *manufacturer.Clients) http.Handler {
	p := a.parts
	return handlers.New(handlers.Config{
		Copy:      a.copyShown(),
		Store:     p.Store,
		Hub:       a.Hub,
		Releaser:  a.Releaser,
		Settler:   a.Settler,
		Queuer:    release.NewQueuer(p.Store, a.Releaser, p.Log),
		Refresher: a.Sync,
		Checks:    a.Checks,
		Alarms:    a.Alarms,
		Check:     a.checks.State,
		Backups:   a.copier.State,
		AccessLog: p.AccessLog,
		Condition: a.Condition,
		CacheUsed: a.Metrics.Cached,
		Metrics:   a.metricsFor(p.MetricsToken),
		Clients:   clients,
		Test: func(ctx context.Context, baseURL string, c secret.Credentials) packaging.ConnectionReport {
			return manufacturer.Test(ctx, p.api(baseURL, c))
		},
		Deliver:   a.Deliver,
		Provider:  sso.New(sso.Options{Now: p.Now, Limit: p.APILimits.SignIn, AllowPrivate: p.PrivateHosts}),
		Guard:     a.Guard,
		Setup:     p.Setup,
		Loose:     p.Loose,
		Demo:      p.Demo,
		Log:       p.Log,
		Now:       p.Now,
		Interval:  p.RefreshInterval,
		Patience:  p.Patience,
		Secure:    p.Secure,
		Prefix:    p.Prefix,
		Idle:      p.SessionIdle,
		Limit:     p.SessionLimit,
		Proxies:   p.Proxies,
		Local:     p.Local,
		PerSecond: p.RateLimit,
	})
}

// tenantAPI returns how a tenant reaches its API.
func (a *App) tenantAPI(ctx context.Context, id packaging.TenantID) (manufacturer.Config, error) {
	t, err := a.Store.Tenant(ctx, id)
	if err != nil {
		return manufacturer.Config{}, err
	}
	c, err := a.Store.Credentials(ctx, id)
	config := a.parts.api(t.BaseURL, c)
	config.Called = a.Metrics.Called
	return config, err
}

func (p Parts) api(baseURL string, c secret.Credentials) manufacturer.Config {
	return manufacturer.Config{
		BaseURL:     baseURL,
		TokenKind:   manufacturer.TokenKind(c.TokenKind),
		TokenHeader: manufacturer.TokenHeader(c.TokenHeader),
		APIKey:      c.APIKey,
		APISecret:   c.APISecret,
		ChannelKey:  c.ChannelKey,
		StaticToken: c.StaticToken,
		Limits:      p.APILimits,
		Now:         p.Now,
	}
}

// Run refreshes orders, asks about unknown releases, brings serial lists to their destinations, keeps the heads of the
// history, compares serial lists and forgets what is over, until ctx ends.
func (a *App) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{
		a.Guard.Run, a.Sync.Run, a.Settler.Run, a.Anchors.Run, a.Checks.Run, a.inCharge(a.Alarms.Run),
		a.inCharge(a.Deliver.Run), a.checks.run, a.copier.run, a.runCopy, a.index, a.compare, a.sweep,
	} {
		group.Go(func() error { return run(ctx) })
	}
	return group.Wait()
}

// index takes orders and serials into the indexes that searches read, as they come and change.
func (a *App) index(ctx context.Context) error {
	serials := a.warns(ctx, "serial numbers not indexed: look-ups take longer")
	orders := a.warns(ctx, "orders not indexed: searches take longer")
	for {
		serials(a.Store.IndexSerials(ctx))
		orders(a.Store.IndexOrders(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-a.Store.Unindexed():
		}
	}
}

// compare compares lists under the GTINs that their orders get, beside the indexes: after an import it takes minutes.
func (a *App) compare(ctx context.Context) error {
	warn := a.warns(ctx, "serial lists not compared under another GTIN: doubled serial numbers may be told late")
	for {
		warn(a.Store.CompareLists(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-a.Store.Uncompared():
		}
	}
}

// warns returns what logs that something failed which is tried at each change of an order: once while it fails for the
// same reason.
func (a *App) warns(ctx context.Context, what string) func(error) {
	said := ""
	return func(err error) {
		if err == nil || ctx.Err() != nil {
			said = ""
			return
		}
		if err.Error() != said {
			a.parts.Log.Warn(what, "err", err)
		}
		said = err.Error()
	}
}

// sweepGap is the time between two sweeps.
const sweepGap = time.Hour

// sweep forgets ended sessions and files that nobody imported.
func (a *App) sweep(ctx context.Context) error {
	for {
		now := a.parts.Now()
		err := a.Store.DropSessions(ctx, now.Add(-a.parts.SessionLimit), now.Add(-a.parts.SessionIdle))
		if err != nil && ctx.Err() == nil {
			a.parts.Log.Warn("ended sessions not dropped", "err", err)
		}
		if err := a.Store.DropPreviews(ctx); err != nil && ctx.Err() == nil {
			a.parts.Log.Warn("files that were not imported not dropped", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(sweepGap):
		}
	}
}

// BeginStop ends the streams of open pages, and has no release begin any more.
func (a *App) BeginStop() {
	a.Hub.Close()
	a.Releaser.BeginStop()
}

// storeLimit is how long a stop tries to store an answer that neither the database nor the reserve has taken.
const storeLimit = time.Second

// Close ends a Lineboard that nothing comes into any more and whose Run has returned. Releases that are sent get their
// outcome, and only then the heads of the history are kept. The store stays open. It takes no longer than a release may
// take, and seconds where none is being sent.
func (a *App) Close(ctx context.Context) error {
	a.BeginStop()
	a.Releaser.AwaitCalls()
	ctx = context.WithoutCancel(ctx)
	limited, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	a.Releaser.Stop(limited)
	return a.Anchors.Close(ctx)
}
