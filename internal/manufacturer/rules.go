package manufacturer

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// All rules of time limits and retries. The limits are the defaults of [Limits].
//
//	call           limit  tries  retried after                                 pause before it
//	sign-in         10 s    3    NotConnected, Cut, ServerError, Throttled     0.5 s, 1 s
//	open, details   15 s    3    NotConnected, Cut, ServerError, Throttled     0.5 s, 1 s
//	release         30 s    5    only NotConnected                             0.5 s, 1 s, 2 s, 4 s
//
// The limit covers all tries and pauses. Connecting and the TLS handshake may each take 10 s of it. A pause is up to
// a fifth shorter, so that clients do not call in step. A pause that would end after the limit is not begun. TimedOut
// is not retried, because it has used up the limit. An untrusted certificate is not retried, because it does not
// change within seconds.
//
// A release is sent again only if it is proven that the API did not carry it out:
//
//   - The connection was never made, so not a byte of the release left (see journey). It is retried only while at least
//     half of the limit is left: without time to wait for the answer, the release would end as unknown.
//   - ERR0000 refused it. It is sent once more with a new token and a new limit. Reads do the same.
//
// A release whose caller gave up is not sent again.
//
// Nothing else of a release is ever sent again. It is refused where nothing was sent, or where the API refuses it in a
// documented message or code. What became of one that was cut, or answered in any other words, is not known.
//
// Throttled (429) may say how long to wait (Retry-After, in seconds or as a date, at most an hour). Until then no
// call of this tenant is sent: reads, sign-ins and releases end at once as Throttled (without a token: as
// SignInFailed). The read or sign-in that got the 429 waits, if that fits into its limit. A release does not wait: a
// person decides whether to press again.
//
// NotConnected, TimedOut, ServerError and Cut are signs that the cloud is down, unless the caller gave up. After five
// in a row, over three seconds or more, the cloud counts as down. Reads and releases then end at once: a read with
// the reason of the last sign, a release as Refused with CloudDown. Sign-in happens only within those calls. After
// pauses of 5 s, 10 s, 20 s, 40 s and then 60 s, each kind of call may try once, so that no kind takes the turn of
// another. A release asks for its order's details instead of trying itself. Any answer below 500 ends the outage.
const (
	harmlessTries = 3
	releaseTries  = 5
	firstPause    = 500 * time.Millisecond // doubles from try to try

	maxQuiet = time.Hour

	downAfter     = 5 // signs in a row
	downFor       = 3 * time.Second
	firstProbe    = 5 * time.Second // doubles from probe to probe
	maxProbe      = time.Minute
	jitterPortion = 5
)

// signOfOutage reports whether a reason is a sign that the cloud is down.
func signOfOutage(r packaging.Reason) bool {
	switch r {
	case packaging.NotConnected, packaging.TimedOut, packaging.ServerError, packaging.Cut:
		return true
	}
	return false
}

// mayRetry reports whether a call may be sent again after a problem.
func (k call) mayRetry(p *problem) bool {
	switch p.Reason {
	case packaging.NotConnected:
		return !p.lasting
	case packaging.Cut, packaging.ServerError, packaging.Throttled:
		return k.harmless
	}
	return false
}

// carry makes a call within its limit, with the retries that the rules allow.
func (c *Client) carry(ctx context.Context, k call, token secret.Text) (document, *problem) {
	limited, cancel := context.WithTimeout(ctx, k.limit)
	defer cancel()
	for try := 1; ; try++ {
		if p := c.mustBeQuiet(); p != nil {
			return document{}, p
		}
		began := time.Now()
		doc, p := c.judge(c.send(limited, k, token))
		c.count(k, p, time.Since(began))
		c.note(ctx, p)
		if p == nil || try == k.tries || !k.mayRetry(p) {
			return doc, p
		}
		if _, down := c.Down(); down && k.harmless {
			return doc, p
		}
		pause := p.retryAfter + jitter(firstPause<<(try-1))
		if !k.fits(limited, pause) || c.clock.wait(limited, pause) != nil {
			return doc, p
		}
	}
}

// count tells what hears of calls about a try.
func (c *Client) count(k call, p *problem, took time.Duration) {
	if c.called == nil {
		return
	}
	reason := packaging.NoReason
	if p != nil {
		reason = p.Reason
	}
	c.called(k.kind(), reason, took)
}

// kind returns what kind of call it is, in one word.
func (k call) kind() string {
	switch {
	case k.method == http.MethodPatch:
		return "release"
	case k.method == http.MethodPost:
		return "sign_in"
	case k.key == "":
		return "open"
	}
	return "details"
}

// note records what a try shows about the cloud. It shows nothing if the caller gave up.
func (c *Client) note(caller context.Context, p *problem) {
	if p == nil || caller.Err() == nil {
		c.record.keep(p, c.now())
	}
	switch {
	case p == nil || !signOfOutage(p.Reason):
		c.breaker.answered()
	case caller.Err() == nil:
		p.outage = true
		c.breaker.failed(p.CallError, c.clock.now(), c.now())
	}
	if p != nil && p.Reason == packaging.Throttled {
		c.quiet.keep(c.clock.now().Add(p.retryAfter))
	}
}

// fits reports whether a call has the time that it needs if it is sent again after a pause.
func (k call) fits(limited context.Context, pause time.Duration) bool {
	end, _ := limited.Deadline()
	left := time.Until(end) - pause
	if k.harmless {
		return left > 0
	}
	return left >= k.limit/2
}

// jitter returns d less up to a fifth of it.
func jitter(d time.Duration) time.Duration {
	return d - rand.N(d/jitterPortion)
}

// clock measures pauses. It is independent of the time of day, which Config.Now returns.
type clock struct {
	now  func() time.Time
	wait func(context.Context, time.Duration) error // its error is that of the context
}

var machineClock = clock{time.Now, func(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}}
