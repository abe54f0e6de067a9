package manufacturer

import (
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/wire"
)

// fault is what goes wrong in a row of the matrix: at the API, on the way to it, or with its address.
type fault struct {
	box     sandbox.Fault
	wire    wire.Fault
	address func(*rig) string
	slow    bool // takes longer than any limit
}

// releases is what a release comes to: how often it is tried, how many PATCHes reach the API, how many it carries out.
type releases struct {
	outcome              packaging.Outcome
	reason               packaging.Reason
	tries, reached, done int
}

// asks is what a read or a sign-in comes to. A release without a sign-in is Refused with that reason.
type asks struct {
	reason packaging.Reason // NoReason: it works
	tries  int
}

const always = packaging.NoReason

var matrix = []struct {
	name          string
	fault         fault
	release       releases
	details, open asks
	signIn        asks // no tries: the fault is none of a sign-in
}{
	{
		"nothing",
		fault{},
		releases{packaging.Released, always, 1, 1, 1},
		asks{always, 1},
		asks{always, 1},
		asks{always, 1},
	},

	// No connection: proven not sent.
	{
		"connection refused",
		fault{wire: wire.Fault{Kind: wire.Refuse}},
		releases{packaging.Refused, packaging.NotConnected, 5, 0, 0},
		asks{packaging.NotConnected, 3},
		asks{packaging.NotConnected, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"DNS failure",
		fault{address: func(*rig) string { return "https://nowhere.invalid" }},
		releases{packaging.Refused, packaging.NotConnected, 5, 0, 0},
		asks{packaging.NotConnected, 3},
		asks{packaging.NotConnected, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"no TLS where it should be",
		fault{address: func(r *rig) string { return "https://" + r.wire.Address() }},
		releases{packaging.Refused, packaging.NotConnected, 5, 0, 0},
		asks{packaging.NotConnected, 3},
		asks{packaging.NotConnected, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"a certificate that is not trusted",
		fault{address: (*rig).secured},
		releases{packaging.Refused, packaging.NotConnected, 1, 0, 0},
		asks{packaging.NotConnected, 1},
		asks{packaging.NotConnected, 1},
		asks{packaging.SignInFailed, 1},
	},

	// The connection ends.
	{
		"accepted, then closed without a byte",
		fault{wire: wire.Fault{Kind: wire.Accept, Orderly: true}},
		releases{packaging.Unknown, packaging.Cut, 1, 0, 0},
		asks{packaging.Cut, 3},
		asks{packaging.Cut, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"reset in the middle of the request",
		fault{wire: wire.Fault{Kind: wire.Up, Bytes: 50}},
		releases{packaging.Unknown, packaging.Cut, 1, 0, 0},
		asks{packaging.Cut, 3},
		asks{packaging.Cut, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"reset before doing",
		fault{box: sandbox.Fault{Kind: sandbox.CutBefore}},
		releases{packaging.Unknown, packaging.Cut, 1, 1, 0},
		asks{packaging.Cut, 3},
		asks{packaging.Cut, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"reset after doing",
		fault{wire: wire.Fault{Kind: wire.Down}},
		releases{packaging.Unknown, packaging.Cut, 1, 1, 1},
		asks{packaging.Cut, 3},
		asks{packaging.Cut, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"reset, done only later",
		fault{box: sandbox.Fault{Kind: sandbox.Late}},
		releases{packaging.Unknown, packaging.Cut, 1, 1, 0},
		asks{packaging.Cut, 3},
		asks{packaging.Cut, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"pushed, refused by the line, then reset",
		fault{box: sandbox.Fault{Kind: sandbox.PushRefused}},
		releases{packaging.Unknown, packaging.Cut, 1, 1, 0},
		asks{packaging.Cut, 3},
		asks{packaging.Cut, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"half of the headers, then closed",
		fault{wire: wire.Fault{Kind: wire.Down, Bytes: 30, Orderly: true}},
		releases{packaging.Unknown, packaging.Cut, 1, 1, 1},
		asks{packaging.Cut, 3},
		asks{packaging.Cut, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"half of the body, then reset",
		fault{wire: wire.Fault{Kind: wire.Down, Bytes: 200}},
		releases{packaging.Unknown, packaging.Cut, 1, 1, 1},
		asks{packaging.Cut, 3},
		asks{packaging.Cut, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"less of the body than announced",
		fault{box: sandbox.Fault{Kind: sandbox.CutBody}},
		releases{packaging.Unknown, packaging.Cut, 1, 1, 1},
		asks{packaging.Cut, 3},
		asks{packaging.Cut, 3},
		asks{packaging.SignInFailed, 3},
	},

	// Time runs out, and with it the time for another try.
	{
		"delay past the limit",
		fault{box: sandbox.Fault{Kind: sandbox.Delay, Delay: time.Hour}, slow: true},
		releases{packaging.Unknown, packaging.TimedOut, 1, 1, 1},
		asks{packaging.TimedOut, 1},
		asks{packaging.TimedOut, 1},
		asks{packaging.SignInFailed, 1},
	},
	{
		"no byte of the answer comes",
		fault{wire: wire.Fault{Kind: wire.Stall}, slow: true},
		releases{packaging.Unknown, packaging.TimedOut, 1, 1, 1},
		asks{packaging.TimedOut, 1},
		asks{packaging.TimedOut, 1},
		asks{packaging.SignInFailed, 1},
	},
	{
		"the body trickles beyond the limit",
		fault{wire: wire.Fault{Kind: wire.Trickle, Bytes: 150, Pause: 10 * time.Millisecond}, slow: true},
		releases{packaging.Unknown, packaging.TimedOut, 1, 1, 1},
		asks{packaging.TimedOut, 1},
		asks{packaging.TimedOut, 1},
		asks{packaging.SignInFailed, 1},
	},

	// An answer that is no answer.
	{
		"5xx before doing",
		fault{box: sandbox.Fault{Kind: sandbox.ErrorBefore}},
		releases{packaging.Unknown, packaging.ServerError, 1, 1, 0},
		asks{packaging.ServerError, 3},
		asks{packaging.ServerError, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"5xx after doing",
		fault{box: sandbox.Fault{Kind: sandbox.ErrorAfter, Status: 504}},
		releases{packaging.Unknown, packaging.ServerError, 1, 1, 1},
		asks{packaging.ServerError, 3},
		asks{packaging.ServerError, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"a proxy's page with 502",
		fault{box: sandbox.Fault{Kind: sandbox.HTML, Status: 502}},
		releases{packaging.Unknown, packaging.ServerError, 1, 1, 0},
		asks{packaging.ServerError, 3},
		asks{packaging.ServerError, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"a proxy's page with 200, before doing",
		fault{box: sandbox.Fault{Kind: sandbox.HTML}},
		releases{packaging.Unknown, packaging.Unreadable, 1, 1, 0},
		asks{packaging.Unreadable, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.SignInFailed, 1},
	},
	{
		"a proxy's page with 200, after doing",
		fault{box: sandbox.Fault{Kind: sandbox.HTMLAfter}},
		releases{packaging.Unknown, packaging.Unreadable, 1, 1, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.SignInFailed, 1},
	},
	{
		"a proxy's page with 403",
		fault{box: sandbox.Fault{Kind: sandbox.Forbidden}},
		releases{packaging.Unknown, packaging.Unreadable, 1, 1, 0},
		asks{packaging.Unreadable, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.SignInFailed, 1},
	},
	{
		"cut-off JSON",
		fault{box: sandbox.Fault{Kind: sandbox.CutJSON}},
		releases{packaging.Unknown, packaging.Unreadable, 1, 1, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.SignInFailed, 1},
	},
	{
		"empty",
		fault{box: sandbox.Fault{Kind: sandbox.Empty}},
		releases{packaging.Unknown, packaging.Unreadable, 1, 1, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.SignInFailed, 1},
	},
	{
		"wrong type",
		fault{box: sandbox.Fault{Kind: sandbox.WrongType}},
		releases{packaging.Unknown, packaging.Unreadable, 1, 1, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.Unreadable, 1},
		asks{packaging.SignInFailed, 1},
	},

	// A no that proves nothing of this release: it is in no documented words, or is about another order.
	{
		"a no in words that are not documented, after doing",
		fault{box: sandbox.Fault{Kind: sandbox.RefuseAfter}},
		releases{packaging.Unknown, packaging.OtherRefusal, 1, 1, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.SignInRejected, 1},
	},
	{
		"408 after doing",
		fault{box: sandbox.Fault{Kind: sandbox.RefuseAfter, Status: 408}},
		releases{packaging.Unknown, packaging.OtherRefusal, 1, 1, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.SignInRejected, 1},
	},
	{
		"499 after doing",
		fault{box: sandbox.Fault{Kind: sandbox.RefuseAfter, Status: 499}},
		releases{packaging.Unknown, packaging.OtherRefusal, 1, 1, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.SignInRejected, 1},
	},
	{
		"a no in 200 after doing",
		fault{box: sandbox.Fault{Kind: sandbox.RefuseAfter, Status: 200}},
		releases{packaging.Unknown, packaging.OtherRefusal, 1, 1, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.SignInRejected, 1},
	},
	{
		"the status of another order, after doing",
		fault{box: sandbox.Fault{Kind: sandbox.OtherOrder}},
		releases{packaging.Unknown, packaging.OtherRefusal, 1, 1, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.OtherRefusal, 1},
		asks{packaging.SignInRejected, 1},
	},
	{
		"429 with a no, after doing",
		fault{box: sandbox.Fault{Kind: sandbox.RefuseAfter, Status: 429}},
		releases{packaging.Unknown, packaging.Throttled, 1, 1, 1},
		asks{packaging.Throttled, 3},
		asks{packaging.Throttled, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"429",
		fault{box: sandbox.Fault{Kind: sandbox.Throttle, RetryAfter: "none"}},
		releases{packaging.Unknown, packaging.Throttled, 1, 1, 0},
		asks{packaging.Throttled, 3},
		asks{packaging.Throttled, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"429 for two seconds",
		fault{box: sandbox.Fault{Kind: sandbox.Throttle, RetryAfter: "2"}},
		releases{packaging.Unknown, packaging.Throttled, 1, 1, 0},
		asks{packaging.Throttled, 3},
		asks{packaging.Throttled, 3},
		asks{packaging.SignInFailed, 3},
	},
	{
		"429 for longer than the limit",
		fault{box: sandbox.Fault{Kind: sandbox.Throttle, RetryAfter: "20"}},
		releases{packaging.Unknown, packaging.Throttled, 1, 1, 0},
		asks{packaging.Throttled, 1},
		asks{packaging.Throttled, 1},
		asks{packaging.SignInFailed, 1},
	},
	{
		"429 until a date far away",
		fault{box: sandbox.Fault{Kind: sandbox.Throttle, RetryAfter: "Thu, 31 Dec 2099 23:59:59 GMT"}},
		releases{packaging.Unknown, packaging.Throttled, 1, 1, 0},
		asks{packaging.Throttled, 1},
		asks{packaging.Throttled, 1},
		asks{packaging.SignInFailed, 1},
	},
	{
		"429 until a date that is over",
		fault{box: sandbox.Fault{Kind: sandbox.Throttle, RetryAfter: "Thu, 01 Jan 2026 00:00:00 GMT"}},
		releases{packaging.Unknown, packaging.Throttled, 1, 1, 0},
		asks{packaging.Throttled, 3},
		asks{packaging.Throttled, 3},
		asks{packaging.SignInFailed, 3},
	},

	// A documented no.
	{
		"token expired mid-way",
		fault{box: sandbox.Fault{Kind: sandbox.ExpiredToken, Times: 1}},
		releases{packaging.Released, always, 1, 2, 1},
		asks{always, 1},
		asks{always, 1},
		asks{},
	},
	{
		"token expired, and the new one too",
		fault{box: sandbox.Fault{Kind: sandbox.ExpiredToken}},
		releases{packaging.Refused, packaging.TokenRejected, 1, 2, 0},
		asks{packaging.TokenRejected, 1},
		asks{packaging.TokenRejected, 1},
		asks{},
	},
}

// TestEveryFaultInEveryCallComesToWhatIsWrittenBesideIt has each fault stay, and then pass while a call waits to be
// tried again: what is tried again then works, what is not is as before.
func TestEveryFaultInEveryCallComesToWhatIsWrittenBesideIt(t *testing.T) {
	for _, row := range matrix {
		for _, passes := range []bool{false, true} {
			name := row.name
			if passes {
				name += ", passing"
			}
			begin := func(t *testing.T, call string) *rig {
				t.Parallel()
				r := newRig(t)
				if call != sandbox.SignIn {
					r.signIn()
				}
				r.breakIt(row.fault, call)
				if passes {
					r.mendAtFirstPause()
				}
				return r
			}
			passed := func(a asks) asks {
				if passes && a.tries > 1 {
					return asks{always, 2}
				}
				return a
			}
			released := releases{packaging.Released, always, 2, 1, 1}

			t.Run(name+"/release", func(t *testing.T) {
				r, want := begin(t, sandbox.ReleaseToLine), row.release
				if passes && want.tries > 1 {
					want = released
				}
				up := r.wire.Count().Up
				a := order143(t, r.client)
				if sent := r.wire.Count().Up - up; a.Reason == packaging.NotConnected && row.fault.address == nil &&
					sent > 0 {
					t.Errorf("not connected, but %d bytes were sent", sent)
				}
				r.check(a, want)
			})
			t.Run(name+"/details", func(t *testing.T) {
				r := begin(t, sandbox.Details)
				_, err := r.client.Details(t.Context(), "Order143")
				r.checkAsked(err, passed(row.details))
			})
			t.Run(name+"/open", func(t *testing.T) {
				r := begin(t, sandbox.ListOpen)
				_, _, err := r.client.Open(t.Context())
				r.checkAsked(err, passed(row.open))
			})
			if row.signIn.tries == 0 {
				continue
			}
			t.Run(name+"/sign-in", func(t *testing.T) {
				r, asked := begin(t, sandbox.SignIn), passed(row.signIn)
				want := releases{packaging.Refused, asked.reason, asked.tries, 0, 0}
				if asked.reason == always {
					want = releases{packaging.Released, always, asked.tries, 1, 1}
				}
				r.check(order143(t, r.client), want)
			})
		}
	}
}

// TestAConnectionThatIsResetAtOnceIsToldAsItWas: whether the reset comes before or after the connection counts as made
// is a race, and either answer must be true.
func TestAConnectionThatIsResetAtOnceIsToldAsItWas(t *testing.T) {
	for range 20 {
		r := newRig(t)
		r.signIn()
		r.wire.Break(wire.Fault{Kind: wire.Accept})
		switch a := order143(t, r.client); {
		case a.Outcome == packaging.Refused && a.Reason == packaging.NotConnected:
			r.check(a, releases{a.Outcome, a.Reason, releaseTries, 0, 0})
		default:
			r.check(a, releases{packaging.Unknown, packaging.Cut, r.tries(), 0, 0})
		}
	}
}
