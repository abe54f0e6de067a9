package manufacturer

import (
	"context"
	"math/rand/v2"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// The rules of time and of trying again, all of them. The limits are those of [Limits] by default.
//
//	call           limit  tries  tried again after                             pause before it
//	sign-in         10 s    3    NotConnected, Cut, ServerError, Throttled     0.5 s, 1 s
//	open, details   15 s    3    NotConnected, Cut, ServerError, Throttled     0.5 s, 1 s
//	release         30 s    5    NotConnected alone                            0.5 s, 1 s, 2 s, 4 s
//
// The limit is for all tries and pauses together; connecting and securing the connection may each take 10 s of it. A
// pause is up to a fifth shorter, so that tablets do not ask in step, and there is none that would not end within the
// limit. TimedOut is never tried again, because the limit is used up by it. A certificate that is not trusted does not
// pass in seconds and is not tried again either.
//
// A release is sent again only where it is proven that the API did not do it:
//
//   - The connection was never made, so not a byte of the release left (see journey). It is tried only while at least half of
//     its limit is left: one that is sent with no time to wait for its answer would end as unknown.
//   - ERR0000, which refuses it. It is sent once more with a new token, and with a new limit. Reads do the same.
//
// Nothing else of a release is ever sent again. What became of one that was cut or answered with 5xx is not known.
//
// Throttled (429) may say how long to wait (Retry-After, in seconds or as a date, believed up to an hour). Nothing of
// this tenant is sent earlier, by no call: a read, sign-in or release in that time ends at once as Throttled (where
// there is no token: as SignInFailed). The read or sign-in that was answered so waits, if that fits into its limit. A
// release does not wait, for a person decides whether to press again.
//
// NotConnected, TimedOut, ServerError and Cut, where it is not the caller who gave up, are signs that the cloud is down.
// Five of them in a row, over three seconds or more, and it counts as down: reads and releases then end at once, a read
// with the reason of the last sign, a release as Refused with CloudDown. Sign-in happens within those calls alone. After
// pauses of 5 s, 10 s, 20 s, 40 s and then 60 s, each kind of call may try once, so that no kind takes the turn of
// another; a release does not try itself, but asks for its order's details first. Any answer below 500 ends it.
const (
	harmlessTries = 3
	releaseTries  = 5
	firstPause    = 500 * time.Millisecond // doubles from try to try

	longestQuiet = time.Hour

	downAfter     = 5 // signs in a row
	downFor       = 3 * time.Second
	firstProbe    = 5 * time.Second // doubles from probe to probe
	longestProbe  = time.Minute
	jitterPortion = 5
)

// signOfOutage says whether a reason is one that a cloud gives that is down.
func signOfOutage(r packaging.Reason) bool {
	switch r {
	case packaging.NotConnected, packaging.TimedOut, packaging.ServerError, packaging.Cut:
		return true
	}
	return false
}

// again says whether a call may be sent again after a problem.
func (k call) again(p *problem) bool {
	switch p.Reason {
	case packaging.NotConnected:
		return !p.lasting
	case packaging.Cut, packaging.ServerError, packaging.Throttled:
		return k.harmless
	}
	return false
}

// carry makes a call, again where the rules allow it, within its limit.
func (c *Client) carry(ctx context.Context, k call, token secret.Text) (document, *problem) {
	limited, cancel := context.WithTimeout(ctx, k.limit)
	defer cancel()
	for try := 1; ; try++ {
		if p := c.mustBeQuiet(); p != nil {
			return document{}, p
		}
		doc, p := c.judge(c.send(limited, k, token))
		c.note(ctx, p)
		if p == nil || try == k.tries || !k.again(p) {
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

// note keeps what a try told about the cloud. Where the caller gave up, it told nothing.
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

// fits says whether a call that is sent again after a pause still has the time that it needs.
func (k call) fits(limited context.Context, pause time.Duration) bool {
	end, _ := limited.Deadline()
	left := time.Until(end) - pause
	if k.harmless {
		return left > 0
	}
	return left >= k.limit/2
}

// jitter is up to a fifth less than d.
func jitter(d time.Duration) time.Duration {
	return d - rand.N(d/jitterPortion)
}

// clock is what pauses go by: that of the machine, whatever the time of day that Config.Now tells.
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
