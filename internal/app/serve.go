package app

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/internal/certificate"
	"lineboard/internal/config"
	"lineboard/internal/deliver"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/static"
	"lineboard/views/signin"
)

type serve struct {
	settings
	Provision string `placeholder:"FILE" help:"Provisioning file (YAML) to apply at start."`
}

// Run serves the dashboard, as a service where a service manager of Windows started it.
func (s *serve) Run(p run) error { return asService(p, s.run) }

func (s *serve) run(p run) (err error) {
	defer func() { err = s.lastWords(p, err) }()
	if s.Data == "" {
		s.Data = defaultData
	}
	var site db.Site
	if s.Provision != "" {
		file, err := config.ReadProvisioning(s.Provision, p.Getenv, s.checkDestination)
		if err != nil {
			return err
		}
		site = siteOf(file)
	}
	return s.serve(p, site, nil, func(address string) {
		fmt.Fprintf(p.Stdout, "Lineboard is at %s\n", address)
	})
}

// lastWords logs why the program ends, where somebody reads its log line by line.
func (s *settings) lastWords(p run, err error) error {
	if err == nil || s.LogFormat != "json" {
		return err
	}
	s.logger(p.Stderr).Error("Lineboard ends", "err", err)
	return saidError{err}
}

// serve opens the data, applies the site and serves until p ends. It then stops in this order: nothing new comes in and
// nothing more is sent, releases that are sent get their outcome, requests under way finish, the heads of the history
// are kept, and the database closes.
func (s *settings) serve(p run, site db.Site, people []signin.DemoPerson, announce func(address string)) (err error) {
	log, serves := s.logger(p.Stderr), false
	hearLibraries(log)
	defer func() {
		if err != nil && p.Err() != nil && !serves {
			log.Warn("stopped before it served: the next start goes on with what was begun", "err", err)
			err = nil
		}
	}()
	store, err := s.open(p, site, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	anchors := anchorsPath(s.Anchors, s.Data)
	if err := keepPrivate(anchors); err != nil {
		return err
	}
	logLooseFiles(s.Data, anchors, log)
	certificate, err := s.openCertificate(log)
	if err != nil {
		return err
	}
	setup, invite, err := firstStart(p, store)
	if err != nil {
		return err
	}
	parts, err := s.servedParts(p, store, certificate, log)
	if err != nil {
		return err
	}
	parts.Setup, parts.Demo = setup, people
	if !parts.Secure && people == nil {
		log.Warn("people reach Lineboard by plain HTTP: the network can read passwords; see --tls-cert and --https")
	}
	lineboard, err := Build(p, parts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lineboard.Close(p)) }()
	metrics, err := s.metricsServer(lineboard.Metrics, log)
	if err != nil {
		return err
	}
	manager := supervisorOf(p.Getenv)
	serves = true
	group, ctx := errgroup.WithContext(p)
	group.Go(func() error { return manager.guard(ctx) })
	group.Go(func() error { return lineboard.Run(ctx) })
	group.Go(func() error {
		return s.server(lineboard, certificate, manager, log, func(address string) {
			announce(address + s.Prefix)
			invite(address + s.Prefix)
		}).run(ctx)
	})
	if metrics != nil {
		group.Go(func() error { return metrics(ctx) })
	}
	return group.Wait()
}

// open opens the data, records what it lacks, and applies the site.
func (s *settings) open(p run, site db.Site, log *slog.Logger) (*db.DB, error) {
	go static.Prepare() // beside the opening of the database: a start takes as long as the longer of the two
	store, err := openData(p, s.Data)
	if err != nil {
		return nil, err
	}
	err = recordLosses(p, store, anchorsPath(s.Anchors, s.Data), s.AcceptLostHistory, log)
	if err == nil {
		err = provision(p, store, site, log)
	}
	if err == nil {
		err = checkKey(p, store)
	}
	if err == nil {
		err = logSchemaFaults(p, store, log)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// provision applies the provisioning file. What people did on pages since can contradict it: where it is refused, but by
// the machine, a server starts whose sites are here. That is told, and all stays as it is.
func provision(p run, store *db.DB, site db.Site, log *slog.Logger) error {
	refused := store.Provision(p, site)
	if refused == nil || p.Err() != nil || packaging.CodeOf(refused) == packaging.Unavailable {
		return refused
	}
	here, err := store.Tenants(p)
	if err != nil || len(here) == 0 {
		return errors.Join(refused, err)
	}
	log.Error("the provisioning file was refused: nothing of it was applied", "err", refused)
	return nil
}

// logSchemaFaults logs what of the schema is not as this program made it: without its triggers, records can be changed.
func logSchemaFaults(p run, store *db.DB, log *slog.Logger) error {
	faults, err := store.SchemaFaults(p)
	for _, f := range faults {
		log.Error("the database's schema was changed by hand: run lineboard verify", "part", f.Name, "fault", f.Kind)
	}
	return err
}

// server returns what serves a Lineboard over HTTP. It announces the address once it listens.
func (s *settings) server(
	lineboard *App, certificate *certificate.Reloader, manager supervisor, log *slog.Logger, announce func(address string),
) server {
	return server{
		addr:        s.Addr,
		certificate: certificate,
		handler:     lineboard.Handler,
		announce:    func(address string) { announce(address); manager.tell("READY=1") },
		stopping:    func() { manager.tell("STOPPING=1"); lineboard.BeginStop() },
		awaited:     lineboard.Releaser.AwaitCalls,
		log:         log,
		connections: s.ConnectionLimit,
		networks:    s.Local,
		proxies:     s.Proxies,
	}
}

// servedParts returns the parts of a Lineboard that serves, with what it keeps beside the database.
func (s *settings) servedParts(
	p run, store *db.DB, certificate *certificate.Reloader, log *slog.Logger,
) (parts Parts, err error) {
	parts = s.parts(store, log)
	if certificate != nil {
		parts.Certificate = certificate.Ends
	}
	if parts.MetricsToken, err = readMetricsToken(s.MetricsTokenFile); err != nil {
		return parts, err
	}
	if parts.Replica, err = s.replica(p, store, log); err != nil {
		return parts, err
	}
	parts.Reserve, err = openReserve(store, parts.Anchors, log)
	return parts, err
}

// firstStart begins the set-up while there is no administrator. invite prints the link to it.
func firstStart(p run, store *db.DB) (setup *handlers.Setup, invite func(address string), err error) {
	noAdministrator, nobody, err := store.FirstStart(p)
	if err != nil || !noAdministrator {
		return nil, func(string) {}, err
	}
	setup, path := handlers.NewSetup(time.Now(), nobody)
	return setup, func(address string) {
		fmt.Fprint(p.Stdout, "\n  There is no administrator yet. Whoever opens this link becomes the first one.\n")
		fmt.Fprintf(p.Stdout, "  It works once, for an hour:\n\n    %s%s\n\n", address, path)
	}, nil
}

// checkDestination returns a destination of a provisioning file as it is stored. Invalid if lists can't be brought
// there with what the server was started with.
func (s *settings) checkDestination(to packaging.Destination, typed secret.Text) (packaging.Destination, error) {
	to, _, err := deliver.New(nil, deliver.Options{Roots: s.DropRoots, Hosts: s.DestinationHosts}).Check(to, typed)
	return to, err
}

// siteOf returns what a provisioning file sets up.
func siteOf(file config.Provisioning) (site db.Site) {
	for _, t := range file.Tenants {
		site = append(site, tenantOf(t))
	}
	return site
}

func tenantOf(t config.Tenant) db.TenantSetup {
	setup := db.TenantSetup{
		Tenant: packaging.Tenant{Slug: t.Slug, Name: t.Name, TimeZone: t.TimeZone, BaseURL: t.API.BaseURL},
		Credentials: secret.Credentials{
			TokenKind:   t.API.Token,
			TokenHeader: t.API.TokenHeader,
			APIKey:      t.API.Key.Text,
			APISecret:   t.API.Secret.Text,
			ChannelKey:  t.API.ChannelKey.Text,
			StaticToken: t.API.StaticToken.Text,
		},
		End:    t.API.End(),
		Shifts: t.Shifts.Plan().Shifts,
	}
	for _, l := range t.Lines {
		setup.Lines = append(setup.Lines, packaging.Line{Code: l.Code, Name: l.Name})
	}
	for _, d := range t.Destinations {
		to, typed := d.Settings()
		setup.Destinations = append(setup.Destinations, db.DestinationSetup{Destination: to, Secret: typed})
	}
	if t.SignOn != nil {
		setup.SignOn = &db.SignOnSetup{SingleSignOn: t.SignOn.Settings(), Secret: t.SignOn.Secret.Text}
	}
	for _, u := range t.Users {
		setup.People = append(setup.People, db.PersonSetup{
			Username: u.Username,
			FullName: u.Name,
			Role:     u.JoinedRole(),
			Lines:    u.Lines,
			Password: u.Password.Text,
		})
	}
	return setup
}
