// Package alarms watches what somebody must know of, and tells them: by mail, by webhook, in Teams and Slack. What it
// has to say is in the database before it is sent, so a kill loses nothing; it may repeat one message, with the same
// id.
package alarms

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Store is what alarms need of the database.
type Store interface {
	AlarmSettings(
		ctx context.Context, tenant packaging.TenantID,
	) (s packaging.AlarmSettings, password, beat secret.Text, err error)
	DropMessages(ctx context.Context, before time.Time) error
	DueMessages(ctx context.Context) ([]packaging.AlarmMessage, error)
	MessageFailed(ctx context.Context, m packaging.AlarmMessage, why string) error
	MessageSent(ctx context.Context, id string) error
	NoteHeartbeat(ctx context.Context, tenant packaging.TenantID, problem string) error
	ResumeMessages(ctx context.Context) error
	RaiseAlarms(ctx context.Context, tenant packaging.Tenant, facts []packaging.AlarmFact) error
	Target(
		ctx context.Context, tenant packaging.TenantID, id packaging.RecipientID,
	) (target, key secret.Text, err error)
	Tenants(ctx context.Context) ([]packaging.Tenant, error)
}

// Options are what alarms work with.
type Options struct {
	Store Store
	// reaches the hosts that the server was started with, and no others
	Dial  outbound.DialFunc
	Roots *x509.CertPool                                 // of certificates; nil for those of the machine
	Facts func(packaging.TenantID) []packaging.AlarmFact // what is the case of the installation, as a site may know it
	Every time.Duration                                  // between two looks; 0 for five seconds
	Limit time.Duration                                  // of a try to send a message; 0 for [packaging.MessageLimit]
	Now   func() time.Time
	Log   *slog.Logger
}

// Alarms raises and sends them.
type Alarms struct {
	Options
	client  *http.Client
	sending sync.WaitGroup
	beats   map[packaging.TenantID]time.Time // when each site's heartbeat was last sent
}

// New returns alarms that do nothing before Run.
func New(o Options) *Alarms {
	if o.Every == 0 {
		o.Every = 5 * time.Second
	}
	if o.Limit == 0 {
		o.Limit = packaging.MessageLimit
	}
	return &Alarms{Options: o, client: outbound.Client(o.Dial, o.Roots), beats: map[packaging.TenantID]time.Time{}}
}

// keepFor is how long a message that went out is kept.
const keepFor = 30 * 24 * time.Hour

// Run looks and sends until ctx ends, which ends what is being sent, too.
func (a *Alarms) Run(ctx context.Context) error {
	defer a.Wait()
	if err := a.Store.ResumeMessages(ctx); err != nil && ctx.Err() == nil {
		a.Log.Warn("messages that were cut off wait longer", "err", err)
	}
	tick := time.NewTicker(a.Every)
	defer tick.Stop()
	var dropped time.Time
	for {
		if err := a.Look(ctx); err != nil && ctx.Err() == nil {
			a.Log.Warn("alarms not looked at", "err", err)
		}
		if now := a.Now(); now.Sub(dropped) > time.Hour {
			dropped = now
			if err := a.Store.DropMessages(ctx, now.Add(-keepFor)); err != nil && ctx.Err() == nil {
				a.Log.Warn("old messages not dropped", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Wait waits for what is being sent.
func (a *Alarms) Wait() { a.sending.Wait() }

// Look raises what is to be raised, and begins to send what is due.
func (a *Alarms) Look(ctx context.Context) error {
	tenants, err := a.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, t := range tenants {
		var facts []packaging.AlarmFact
		if a.Facts != nil {
			facts = a.Facts(t.ID)
		}
		if err := a.Store.RaiseAlarms(ctx, t, facts); err != nil { // who can't raise an alarm says so by silence
			failed = append(failed, fmt.Errorf("site %s: %w", t.Slug, err))
			continue
		}
		if err := a.beat(ctx, t.ID); err != nil {
			failed = append(failed, fmt.Errorf("heartbeat of %s: %w", t.Slug, err))
		}
	}
	due, err := a.Store.DueMessages(ctx)
	for _, m := range due {
		a.sending.Go(func() { a.deliver(ctx, m) })
	}
	return errors.Join(append(failed, err)...)
}

// deliver sends a message and notes what came of it. One that a stop cuts off is sent again at the next start.
func (a *Alarms) deliver(ctx context.Context, m packaging.AlarmMessage) {
	err := a.send(ctx, m)
	if err != nil && ctx.Err() != nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	if err == nil {
		err = a.Store.MessageSent(ctx, m.ID)
	} else {
		why := reason(err)
		a.Log.Warn(
			"an alarm did not go out", "site", m.Tenant.Slug, "recipient", m.Recipient.Name, "tries", m.Tries, "err",
			why,
		)
		err = a.Store.MessageFailed(ctx, m, why)
	}
	if err != nil {
		a.Log.Warn("what came of a message is not noted", "message", m.ID, "err", err)
	}
}

// Try sends a message to a recipient that says that it is a try. The error is a [packaging.MessageFailure] if it did
// not go out.
func (a *Alarms) Try(ctx context.Context, t packaging.Tenant, to packaging.Recipient) error {
	return a.send(ctx, packaging.AlarmMessage{ID: "test-" + newID(), Tenant: t, Recipient: to, Made: a.Now()})
}

// send sends a message. The error is a [packaging.MessageFailure] unless the store failed.
func (a *Alarms) send(ctx context.Context, m packaging.AlarmMessage) error {
	ctx, cancel := context.WithTimeoutCause(ctx, a.Limit, errSlow)
	defer cancel()
	settings, password, _, err := a.Store.AlarmSettings(ctx, m.Tenant.ID)
	if err != nil {
		return err
	}
	target, key, err := a.Store.Target(ctx, m.Tenant.ID, m.Recipient.ID)
	if err != nil {
		return err
	}
	said := compose(settings, m)
	if m.Recipient.Kind == packaging.ByMail {
		err = a.mail(ctx, settings, password, target.Reveal(), m, said)
	} else {
		err = a.post(ctx, target, key, m, said)
	}
	if err != nil && errors.Is(context.Cause(ctx), errSlow) {
		err = errSlow
	}
	if err != nil {
		return &packaging.MessageFailure{Why: reason(err, append(secretsOf(target), password, key)...)}
	}
	return nil
}

// errSlow is why a try was given up whose receiver took too long.
var errSlow = errors.New("it took too long")

// beat asks the site's heartbeat when it is time.
func (a *Alarms) beat(ctx context.Context, tenant packaging.TenantID) error {
	settings, _, beat, err := a.Store.AlarmSettings(ctx, tenant)
	if err != nil || beat.Empty() || a.Now().Sub(a.beats[tenant]) < settings.HeartbeatEvery {
		return err
	}
	a.beats[tenant] = a.Now()
	a.sending.Go(func() {
		within, cancel := context.WithTimeout(ctx, a.Limit)
		defer cancel()
		problem := ""
		if err := a.get(within, beat); err != nil {
			if ctx.Err() != nil {
				return // it is a stop that ends it
			}
			problem = reason(err, secretsOf(beat)...)
			a.Log.Warn("a heartbeat did not arrive", "host", settings.Heartbeat, "err", problem)
		}
		if err := a.Store.NoteHeartbeat(context.WithoutCancel(ctx), tenant, problem); err != nil {
			a.Log.Warn("what came of a heartbeat is not noted", "err", err)
		}
	})
	return nil
}
