package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"lineboard/handlers/web"
	"lineboard/internal/metrics"
	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/secret"
)

// minMetricsToken is the shortest token that nobody guesses, in characters.
const minMetricsToken = 16

// readMetricsToken reads the token of those who read metrics at the main address; it is empty if no file is named.
func readMetricsToken(file string) (secret.Text, error) {
	if file == "" {
		return secret.Text{}, nil
	}
	text, err := secret.ReadFile(file)
	if err != nil {
		return secret.Text{}, fmt.Errorf("--metrics-token-file can't be read: %w", err)
	}
	if len(text) < minMetricsToken {
		return secret.Text{}, fmt.Errorf(
			"the token in %s (--metrics-token-file) must have %d characters or more", file, minMetricsToken,
		)
	}
	return secret.New(text), nil
}

// metricsFor returns what serves metrics to those who have a token; nil without one.
func (a *App) metricsFor(token secret.Text) http.Handler {
	if token.Empty() {
		return nil
	}
	return a.Metrics.HandlerFor(token)
}

// metricsServer returns what serves metrics at their own address, without sign-in; nil without one. It listens already:
// an address that can't be had is told before anybody is told that Lineboard serves.
func (s *settings) metricsServer(m *metrics.Metrics, log *slog.Logger) (serve func(context.Context) error, err error) {
	if s.MetricsAddr == "" {
		return nil, nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+web.MetricsPath, m.Handler())
	metrics := server{
		addr: s.MetricsAddr, flag: "--metrics-addr", handler: mux, log: log,
		announce: func(address string) { log.Info("metrics are served", "address", address) },
	}
	listener, err := metrics.listen()
	return func(ctx context.Context) error { return metrics.serve(ctx, listener) }, err
}

// measuredStore is a release.Store that tells metrics of each release that ended.
type measuredStore struct {
	release.Store
	metrics *metrics.Metrics
	site    func(context.Context, packaging.TenantID) (packaging.Tenant, error)
	now     func() time.Time
}

// Settle stores an answer.
func (m measuredStore) Settle(
	ctx context.Context, o packaging.Order, answer packaging.Answer,
) (packaging.Release, error) {
	settled, err := m.Store.Settle(ctx, o, answer)
	if err != nil {
		return settled, err
	}
	site, err := m.site(ctx, o.TenantID)
	if err != nil { // it is counted all the same
		site.Slug = "unknown"
	}
	m.metrics.Released(site.Slug, o.Line.Code, answer.Outcome, m.now().Sub(o.Release.Requested))
	return settled, nil
}

// metricsState says how Lineboard is now.
func (a *App) metricsState(ctx context.Context) (metrics.State, error) {
	s := metrics.State{
		Now: a.parts.Now(), Held: a.Releaser.Held(), Pages: a.Hub.Subscribers(), Backups: a.copier.State(),
		Check: a.checks.State(), Copied: a.copied(), Writer: a.Store.WriterTimes(),
	}
	s.DatabaseBytes, s.LogBytes = a.Store.Sizes()
	if a.parts.Certificate != nil {
		s.CertificateEnds = a.parts.Certificate()
	}
	tenants, err := a.Store.Tenants(ctx)
	if err != nil {
		return s, err
	}
	unknown, err := a.Store.Unsettled(ctx)
	if err != nil {
		return s, err
	}
	for _, t := range tenants {
		fresh, err := a.Store.Freshness(ctx, t.ID)
		if err != nil {
			return s, err
		}
		waiting, err := a.Store.Waiting(ctx, t.ID)
		if err != nil {
			return s, err
		}
		_, down := a.clients.Down(t.ID)
		site := metrics.Site{Slug: t.Slug, APIDown: down, OrdersAsOf: fresh.Succeeded, Waiting: waiting}
		for _, o := range unknown {
			if o.TenantID != t.ID {
				continue
			}
			if site.Unknown++; site.OldestUnknown.IsZero() || o.Release.Requested.Before(site.OldestUnknown) {
				site.OldestUnknown = o.Release.Requested
			}
		}
		s.Sites = append(s.Sites, site)
	}
	return s, nil
}
