// Lineboard is a web dashboard for the people who run serialised packaging lines: it shows each line's packaging orders,
// releases them to their line through the Manufacturer V2 API, and keeps a history that nobody can rewrite.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // sites are shown in their own zone, whatever the machine knows

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/internal/anchors"
	"lineboard/internal/certificate"
	"lineboard/internal/config"
	"lineboard/internal/live"
	"lineboard/internal/manufacturer"
	"lineboard/internal/ordersync"
	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
	"lineboard/internal/sso"
	"lineboard/internal/text"
	"lineboard/internal/throttle"
	"lineboard/views/history"
	"lineboard/views/signin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lineboard:", err)
		os.Exit(1)
	}
}

// commands are what the program can do.
type commands struct {
	Serve   serve      `cmd:"" help:"Serve the dashboard."`
	Demo    demo       `cmd:"" help:"Serve the dashboard with the built-in sandbox, sample lines, orders and people."`
	Verify  verify     `cmd:"" help:"Check that the history is what it was, whether Lineboard runs or not."`
	Backup  backup     `cmd:"" help:"Copy the database to a file, whether Lineboard runs or not."`
	Sandbox standAlone `cmd:"" help:"Serve the sandbox alone: a stand-in for the Manufacturer V2 API."`

	RotateKey rotateKey `cmd:"" help:"Change the key that credentials are sealed with."`
}

// rotateKey is the command that changes the key which credentials are sealed with.
type rotateKey struct {
	Data string `default:"lineboard-data" placeholder:"DIR" help:"Folder of the database and its key. Lineboard must not be running."`
}

// settings are what serve and demo have in common. Each can be given as a flag or as LINEBOARD_… in the environment.
type settings struct {
	Addr         string          `default:":8080" help:"Address to listen on."`
	Data         string          `placeholder:"DIR" help:"Folder of the database and its key."`
	Anchors      string          `placeholder:"FILE" help:"File that the history's heads are kept in, better on another disk; anchors.log in the data folder where none is given."`
	Refresh      time.Duration   `default:"30s" help:"Time between two refreshes of the orders."`
	SignInLimit  time.Duration   `default:"10s" help:"How long signing in to the API may take."`
	ReadLimit    time.Duration   `default:"15s" help:"How long a read of the API may take."`
	ReleaseLimit time.Duration   `default:"30s" help:"How long a release may take before its outcome counts as unknown."`
	AskAfter     []time.Duration `default:"2s,5s,15s,1m,4m" help:"When the API is asked about a release whose outcome is unknown, from the end of its call; the last gap repeats."`
	Doubt        time.Duration   `default:"15s" help:"How long after its end here the API may still carry a release out: until then, Pending release does not prove that it was not."`
	SessionIdle  time.Duration   `default:"2h" help:"A sign-in ends when it was not used for so long."`
	SessionLimit time.Duration   `default:"12h" help:"A sign-in ends so long after it began."`
	HTTPS        bool            `name:"https" help:"People reach Lineboard by HTTPS (through a proxy): cookies are sent over nothing else."`
	TLSCert      string          `name:"tls-cert" placeholder:"FILE" help:"Certificate to serve HTTPS with (PEM), read again when it changes."`
	TLSKey       string          `name:"tls-key" placeholder:"FILE" help:"Its key (PEM)."`
	Proxies      []netip.Prefix  `name:"trusted-proxies" placeholder:"CIDR" help:"Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."`
	PrivateHosts []string        `name:"private-hosts" placeholder:"HOST" help:"Names of hosts on a private network that may be the provider of single sign-on; all other names must lead out of it."`
	RateLimit    float64         `default:"100" help:"How many requests a second an address may make; 0 for any number."`
	Verbose      bool            `help:"Log every request."`
}

// Validate refuses times that make no sense; kong calls it.
func (s *settings) Validate() error {
	for name, d := range map[string]time.Duration{
		"refresh": s.Refresh, "sign-in-limit": s.SignInLimit, "read-limit": s.ReadLimit, "release-limit": s.ReleaseLimit,
		"session-idle": s.SessionIdle, "session-limit": s.SessionLimit,
	} {
		if d < 100*time.Millisecond {
			return fmt.Errorf("--%s must be at least 100ms", name)
		}
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key belong together")
	}
	if s.RateLimit < 0 {
		return errors.New("--rate-limit must not be below zero")
	}
	if len(s.AskAfter) < 2 || s.AskAfter[0] <= 0 || !slices.IsSorted(s.AskAfter) || s.Doubt < 0 {
		return errors.New("--ask-after must be two or more growing times, and --doubt none below zero")
	}
	return nil
}

type serve struct {
	settings
	Provision string `placeholder:"FILE" help:"Provisioning file (YAML) to apply at start."`
}

type demo struct {
	settings
}

type verify struct {
	Data    string `default:"lineboard-data" placeholder:"DIR" help:"Folder of the database."`
	Anchors string `placeholder:"FILE" help:"File that the history's heads are kept in; anchors.log in the data folder where none is given."`
	Tenant  string `placeholder:"SLUG" help:"Check this tenant's history alone."`
}

type backup struct {
	Data    string `default:"lineboard-data" placeholder:"DIR" help:"Folder of the database."`
	Anchors string `placeholder:"FILE" help:"File that the history's heads are kept in; anchors.log in the data folder where none is given."`
	To      string `required:"" placeholder:"FILE" help:"New file for the database; the anchors are copied beside it, to FILE.anchors.log."`
}

type standAlone struct {
	Addr string `default:"localhost:8090" help:"Address to listen on."`
}

// process is what the commands get of the process that they run in.
type process struct {
	context.Context
	getenv         func(string) string
	stdout, stderr io.Writer
}

// run is the program. It ends when ctx does, with everything stored and closed.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var c commands
	exited := false
	parser, err := kong.New(
		&c,
		kong.Name("lineboard"),
		kong.Description("A dashboard for serialised packaging lines. Every flag can also be given in the environment: --data as LINEBOARD_DATA."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }),
		kong.Resolvers(environment(getenv)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if exited { // help was asked for, and given
		return nil
	}
	if err != nil {
		return err
	}
	return command.Run(&process{ctx, getenv, stdout, stderr})
}

// environment gives each flag that is not on the command line its value from LINEBOARD_….
func environment(getenv func(string) string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if value := getenv("LINEBOARD_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))); value != "" {
			return value, nil
		}
		return nil, nil
	})
}

// Run serves the dashboard of a site.
func (s *serve) Run(p *process) error {
	if s.Data == "" {
		s.Data = "lineboard-data"
	}
	var site db.Site
	if s.Provision != "" {
		file, err := config.ReadProvisioning(s.Provision, p.getenv)
		if err != nil {
			return err
		}
		site = siteOf(file)
	}
	return s.serve(p, site, nil, func(address string) {
		fmt.Fprintf(p.stdout, "Lineboard is at %s\n", address)
	})
}

// Run serves the demo. Its data begins anew at each start, as the sandbox's orders do; a folder that was named is kept.
func (d *demo) Run(p *process) error {
	if d.Data == "" {
		folder, err := os.MkdirTemp("", "lineboard-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		d.Data = folder
	}
	box := sandbox.New(sandbox.Options{})
	box.Put(sandbox.Sample(time.Now())...)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	remote := &http.Server{Handler: box, ReadHeaderTimeout: headerLimit}
	go remote.Serve(listener) //nolint:errcheck // ends with Close
	defer remote.Close()
	file, err := config.Demo("http://" + listener.Addr().String())
	if err != nil {
		return err
	}
	var people []signin.DemoPerson
	for _, u := range file.Tenants[0].Users {
		people = append(people, signin.DemoPerson{Username: u.Username, Password: config.DemoPassword, Role: u.JoinedRole()})
	}
	return d.serve(p, siteOf(file), people, func(address string) {
		fmt.Fprintf(p.stdout, "\n  Lineboard demo: %s\n\n  Sign in as %s with password %s, or as:\n", address, people[0].Username, config.DemoPassword)
		for _, person := range people[1:] {
			fmt.Fprintf(p.stdout, "    %s\n", person.Username)
		}
		fmt.Fprintf(p.stdout, "\n  Data: %s\n  Stop: Ctrl+C\n\n", d.Data)
	})
}

// Run checks histories. It reads and nothing else, so it does not stand in the history that it looked.
func (v *verify) Run(p *process) error {
	store, err := db.OpenToRead(p, filepath.Join(v.Data, databaseFile))
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // nothing was written
	tenants, err := store.Tenants(p)
	if err != nil {
		return err
	}
	verifier := anchors.NewVerifier(store, anchorFile(v.Anchors, v.Data))
	known, broken := false, false
	for _, t := range tenants {
		if v.Tenant != "" && v.Tenant != t.Slug {
			continue
		}
		known = true
		verdict, err := verifier.Verify(p, t.ID)
		if err != nil {
			return err
		}
		broken = broken || !verdict.Whole()
		what, notes := history.VerdictText(text.With(p, text.In(text.English, t.Location())), verdict)
		fmt.Fprintf(p.stdout, "%s: %s\n", t.Slug, what)
		for _, note := range notes {
			fmt.Fprintf(p.stdout, "  %s\n", note)
		}
	}
	switch {
	case v.Tenant != "" && !known:
		return fmt.Errorf("there is no tenant %s", v.Tenant)
	case broken:
		return errors.New("a history is not proven to be what it was")
	}
	return nil
}

// Run copies one state of the database, and the anchors that are of it or newer. The key stays where it is: whoever gets a
// backup must not get the credentials with it.
func (b *backup) Run(p *process) error {
	if err := db.Backup(p, filepath.Join(b.Data, databaseFile), b.To); err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	fmt.Fprintf(p.stdout, "The database is in %s\n", b.To)
	kept, err := os.ReadFile(anchorFile(b.Anchors, b.Data))
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("the file of anchors is not there, so it is not in the backup")
	}
	if err == nil {
		err = os.WriteFile(b.To+".anchors.log", kept, 0o600)
	}
	if err != nil {
		return fmt.Errorf("the anchors are not in the backup: %w", err)
	}
	fmt.Fprintf(p.stdout, "The anchors of its history are in %s.anchors.log\n", b.To)
	return nil
}

// Run serves the sandbox alone, with the sample orders.
func (s *standAlone) Run(p *process) error {
	box := sandbox.New(sandbox.Options{})
	box.Put(sandbox.Sample(time.Now())...)
	return listen(p, s.Addr, nil, box, func(address string) {
		fmt.Fprintf(p.stdout, "The sandbox is at %s, with the credentials of the API's documentation\n", address)
	})
}

func siteOf(file config.Provisioning) (site db.Site) {
	for _, t := range file.Tenants {
		setup := db.TenantSetup{
			Tenant: packaging.Tenant{Slug: t.Slug, Name: t.Name, TimeZone: t.TimeZone, BaseURL: t.API.BaseURL},
			Credentials: secret.Credentials{
				TokenKind: t.API.Token, TokenHeader: t.API.TokenHeader, APIKey: t.API.Key.Text,
				APISecret: t.API.Secret.Text, ChannelKey: t.API.ChannelKey.Text, StaticToken: t.API.StaticToken.Text,
			},
		}
		for _, l := range t.Lines {
			setup.Lines = append(setup.Lines, packaging.Line{Code: l.Code, Name: l.Name})
		}
		setup.Shifts = t.Shifts.Plan().Shifts
		if t.SignOn != nil {
			setup.SignOn = &db.SignOnSetup{SingleSignOn: t.SignOn.Settings(), Secret: t.SignOn.Secret.Text}
		}
		for _, u := range t.Users {
			setup.People = append(setup.People, db.PersonSetup{
				Username: u.Username, FullName: u.Name, Role: u.JoinedRole(), Lines: u.Lines, Password: u.Password.Text,
			})
		}
		site = append(site, setup)
	}
	return site
}

const (
	patience    = 8 * time.Second  // how long a press of release waits before its page shows it as under way
	headerLimit = 10 * time.Second // for the head of a request
	headerMost  = 32 << 10         // bytes of it
	stopLimit   = 10 * time.Second // for requests under way when the program stops
)

// serve opens the data, applies the site, and serves until the process must stop. What it starts, it stops in the
// opposite order: nothing new comes in, releases under way get their outcome, then the database is closed.
func (s *settings) serve(p *process, site db.Site, people []signin.DemoPerson, listening func(address string)) (err error) {
	level := slog.LevelInfo
	if s.Verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))
	store, err := openData(p, s.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	// Versions begin with the time, so that they go on growing when the program starts again.
	hub := live.NewHub(live.Version(time.Now().UnixMicro()))
	store.Notify(func(changes []packaging.Change) { hub.Publish(packaging.Topics(changes)...) })
	if err := store.Provision(p, site); err != nil {
		return err
	}
	if err := checkKey(p, store); err != nil {
		return err
	}
	if err := store.InterruptQueues(p); err != nil {
		return err
	}
	interrupted, err := store.InterruptReleases(p)
	if err != nil {
		return err
	}
	if interrupted > 0 {
		log.Warn("releases were under way when Lineboard stopped; their outcome is unknown", "releases", interrupted)
	}
	var keeper *certificate.Keeper
	if s.TLSCert != "" {
		if keeper, err = certificate.Open(s.TLSCert, s.TLSKey, log); err != nil {
			return err
		}
	}
	secure := s.HTTPS || keeper != nil
	if !secure && people == nil {
		log.Warn("people reach Lineboard by plain HTTP: whoever is on the network can read passwords; see --tls-cert and --https")
	}
	setup, listening, err := firstStart(p, store, listening)
	if err != nil {
		return err
	}
	kept := anchorFile(s.Anchors, s.Data)
	heads, err := anchors.NewKeeper(p, store, kept, time.Now, log)
	if err != nil {
		return fmt.Errorf("the file of anchors can't be used (another can be given with --anchors): %w", err)
	}
	defer func() { // after the last release has its outcome
		err = errors.Join(err, heads.Close(context.WithoutCancel(p)))
	}()
	clients := s.clients(store)
	releaser := release.New(store, func(ctx context.Context, t packaging.TenantID) (release.API, error) { return clients.Of(ctx, t) }, log)
	defer func() {
		// The longest release: sign in, ask whether the API is back, release; a rejected token, and both again.
		longest := 2*(s.SignInLimit+s.ReleaseLimit) + s.ReadLimit
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p), longest+stopLimit)
		defer cancel()
		releaser.Stop(ctx)
	}()
	settler := release.NewSettler(store, func(ctx context.Context, t packaging.TenantID) (release.StatusAPI, error) { return clients.Of(ctx, t) },
		release.Pace{After: s.AskAfter, Doubt: s.Doubt}, time.Now, log)
	syncer := ordersync.New(store, func(ctx context.Context, t packaging.TenantID) (ordersync.API, error) { return clients.Of(ctx, t) },
		s.Refresh, settler.Wake, time.Now, log)
	guard := throttle.New(store, time.Now, log)
	group, ctx := errgroup.WithContext(p)
	group.Go(func() error { return guard.Run(ctx) })
	group.Go(func() error { return syncer.Run(ctx) })
	group.Go(func() error { return settler.Run(ctx) })
	group.Go(func() error { return heads.Run(ctx) })
	group.Go(func() error { return sweep(ctx, store, s, log) })
	group.Go(func() error {
		return listen(&process{ctx, p.getenv, p.stdout, p.stderr}, s.Addr, keeper, handlers.New(handlers.Config{
			Store: store, Hub: hub, Verifier: anchors.NewVerifier(store, kept), Clients: clients, Releaser: releaser, Settler: settler, Queuer: release.NewQueuer(store, releaser, log), Refresher: syncer, Log: log, Now: time.Now, Interval: s.Refresh, Patience: patience,
			Test: func(ctx context.Context, baseURL string, c secret.Credentials) packaging.ConnectionReport {
				return manufacturer.Test(ctx, s.api(baseURL, c))
			},
			Setup:    setup,
			Provider: sso.New(sso.Options{Now: time.Now, Limit: s.SignInLimit, Inside: s.PrivateHosts}),
			Secure:   secure, Idle: s.SessionIdle, Limit: s.SessionLimit, Demo: people, Guard: guard, Proxies: s.Proxies, PerSecond: s.RateLimit,
		}), listening, hub.Close)
	})
	return group.Wait()
}

// anchorFile is the file of anchors that was named, or the one beside the database.
func anchorFile(named, folder string) string {
	if named != "" {
		return named
	}
	return filepath.Join(folder, "anchors.log")
}

// openData opens the database in the folder, with the key that lies beside it.
func openData(ctx context.Context, folder string) (*db.DB, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder can't be made: %w", err)
	}
	path := filepath.Join(folder, databaseFile)
	_, err := os.Stat(path)
	// A database without its key is not given a new one: what is sealed in it would be lost in silence.
	box, err := secret.OpenKeyFile(filepath.Join(folder, keyFile), errors.Is(err, os.ErrNotExist))
	if err != nil {
		return nil, err
	}
	store, err := db.Open(ctx, path, box, time.Now)
	if err != nil {
		return nil, err
	}
	again, err := endRotation(ctx, store, filepath.Join(folder, keyFile))
	if err != nil || again {
		err = errors.Join(err, store.Close())
	}
	if again && err == nil {
		return openData(ctx, folder)
	}
	return store, err
}

// The files of a data folder. While the key is changed, the next one lies beside it.
const (
	databaseFile = "lineboard.db"
	keyFile      = "lineboard.key"
	nextKey      = ".next"
)

// endRotation ends a change of the key that was cut off. What the database is sealed with decides: with the next key, that
// one takes its place, and the database must be opened again; otherwise the next key is worth nothing.
func endRotation(ctx context.Context, store *db.DB, key string) (again bool, err error) {
	next, err := secret.OpenKeyFile(key+nextKey, false)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	done, err := store.RotatedTo(ctx, next)
	switch {
	case err != nil:
		return false, err
	case done:
		return true, secret.ReplaceKeyFile(key, key+nextKey)
	}
	return false, os.Remove(key + nextKey)
}

// Run changes the key. At each moment at which it may be cut off, the next start finds the key that fits: the next key is
// on disk before the database is sealed with it, and the old one stays until that is committed.
func (r *rotateKey) Run(p *process) (err error) {
	key := filepath.Join(r.Data, keyFile)
	if _, err := os.Stat(filepath.Join(r.Data, databaseFile)); err != nil {
		return fmt.Errorf("there is no data of Lineboard in %s: %w", r.Data, err)
	}
	store, err := openData(p, r.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := checkKey(p, store); err != nil {
		return err
	}
	next, err := secret.CreateKeyFile(key + nextKey)
	if err != nil {
		return err
	}
	if err := store.Rotate(p, next); err != nil {
		return err
	}
	if err := secret.ReplaceKeyFile(key, key+nextKey); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "The credentials are sealed with a new key, in %s. Back it up.\nThe old key opens nothing but older backups of the database.\n", key)
	return nil
}

// sweep forgets ended sessions, and files that nobody imported, now and then.
func sweep(ctx context.Context, store *db.DB, s *settings, log *slog.Logger) error {
	for {
		if err := store.DropSessions(ctx, time.Now().Add(-s.SessionLimit), time.Now().Add(-s.SessionIdle)); err != nil && ctx.Err() == nil {
			log.Warn("ended sessions not dropped", "err", err)
		}
		if err := store.DropPreviews(ctx); err != nil && ctx.Err() == nil {
			log.Warn("files that were not imported not dropped", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Hour):
		}
	}
}

// listen serves until the process must stop, and lets requests under way end, once stopping has ended those that would not
// by themselves. With a certificate it serves HTTPS.
func listen(p *process, addr string, keeper *certificate.Keeper, handler http.Handler, listening func(address string), stopping ...func()) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("can't listen on %s (another address can be given with --addr): %w", addr, err)
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: headerLimit, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: headerMost}
	serve, scheme := func() error { return srv.Serve(listener) }, "http"
	if keeper != nil {
		srv.TLSConfig = keeper.Config()
		serve, scheme = func() error { return srv.ServeTLS(listener, "", "") }, "https"
	}
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	listening(scheme + "://" + addressOf(listener.Addr().(*net.TCPAddr)))
	select {
	case err := <-ended:
		return err
	case <-p.Done():
	}
	for _, stop := range stopping {
		stop()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p), stopLimit)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}

// addressOf is where a person on this machine finds the server.
func addressOf(a *net.TCPAddr) string {
	host := a.IP.String()
	if a.IP.IsUnspecified() || a.IP.IsLoopback() {
		host = "localhost"
	}
	return net.JoinHostPort(host, fmt.Sprint(a.Port))
}

// clients are the API clients of the store's tenants.
func (s *settings) clients(store *db.DB) *manufacturer.Clients {
	return manufacturer.NewClients(func(ctx context.Context, id packaging.TenantID) (manufacturer.Config, error) {
		t, err := store.Tenant(ctx, id)
		if err != nil {
			return manufacturer.Config{}, err
		}
		c, err := store.Credentials(ctx, id)
		return s.api(t.BaseURL, c), err
	})
}

// api is what a client of the API at an address is made of.
func (s *settings) api(baseURL string, c secret.Credentials) manufacturer.Config {
	return manufacturer.Config{
		BaseURL: baseURL, TokenKind: manufacturer.TokenKind(c.TokenKind), TokenHeader: manufacturer.TokenHeader(c.TokenHeader),
		APIKey: c.APIKey, APISecret: c.APISecret, ChannelKey: c.ChannelKey, StaticToken: c.StaticToken,
		Limits: manufacturer.Limits{SignIn: s.SignInLimit, Read: s.ReadLimit, Release: s.ReleaseLimit},
	}
}

// firstStart begins the set-up where there is no administrator yet, and has the console tell the link to it.
func firstStart(p *process, store *db.DB, listening func(address string)) (*handlers.Setup, func(address string), error) {
	noAdministrator, nobody, err := store.FirstStart(p)
	if err != nil || !noAdministrator {
		return nil, listening, err
	}
	setup, path := handlers.NewSetup(time.Now(), nobody)
	return setup, func(address string) {
		listening(address)
		fmt.Fprintf(p.stdout, "\n  There is no administrator yet. Whoever opens this link becomes the first one; it works once, for an hour:\n\n    %s%s\n\n", address, path)
	}, nil
}

// checkKey makes sure that the key at hand opens what is sealed in the database.
func checkKey(ctx context.Context, store *db.DB) error {
	err := store.CheckKey(ctx)
	if errors.Is(err, secret.ErrWrongKey) {
		return fmt.Errorf("%w. Put back the key file that belongs to this database", err)
	}
	return err
}
