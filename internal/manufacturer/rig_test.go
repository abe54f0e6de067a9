package manufacturer

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/wire"
)

// rig is a client at a wire at a sandbox.
type rig struct {
	t      *testing.T
	box    *sandbox.Sandbox
	server *httptest.Server
	wire   *wire.Wire
	client *Client
	pauses *pauses
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, box: sandbox.New(sandbox.Options{Now: at(noon)})}
	r.box.Put(sandbox.Sample(noon)...)
	r.server = httptest.NewServer(r.box)
	t.Cleanup(r.server.Close)
	r.wire = wire.To(t, r.server.Listener.Addr().String())
	r.client = newClient(t, config("http://"+r.wire.Address()))
	r.pauses = hurry(r.client)
	return r
}

// secured is the address of a server with a certificate that nobody trusts.
func (r *rig) secured() string {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	r.t.Cleanup(s.Close)
	return s.URL
}

// signIn signs in, so that the next call needs no sign-in.
func (r *rig) signIn() {
	r.t.Helper()
	if _, p := r.client.token(r.t.Context(), secret.Text{}); p != nil {
		r.t.Fatal(p.Message)
	}
}

func (r *rig) breakIt(f fault, call string) {
	if f.box.Kind != "" {
		f.box.Call = call
		r.box.Inject(f.box)
	}
	r.wire.Break(f.wire)
	if f.address != nil {
		r.client.base = f.address(r)
	}
	if f.slow {
		r.client.limits = Limits{
			SignIn: 150 * time.Millisecond, Read: 150 * time.Millisecond, Release: 150 * time.Millisecond,
			AnswerBytes: 1 << 20,
		}
	}
}

func (r *rig) mend() {
	r.box.ClearFaults()
	r.wire.Mend()
	r.client.base = "http://" + r.wire.Address()
}

// mendAtFirstPause makes the fault one that has passed when a call is tried again.
func (r *rig) mendAtFirstPause() {
	wait := r.client.clock.wait
	r.client.clock.wait = func(ctx context.Context, d time.Duration) error {
		r.mend()
		return wait(ctx, d)
	}
}

// rest waits until the API has done all that it was asked for.
func (r *rig) rest() {
	r.client.Close()
	r.wire.Close()
	r.server.Close()
}

func (r *rig) tries() int { return 1 + r.pauses.count() }

// check compares a release with what is expected, and with what the API did.
func (r *rig) check(a packaging.Answer, want releases) {
	r.t.Helper()
	r.rest()
	carriedOut := r.box.Released()
	got := releases{a.Outcome, a.Reason, r.tries(), r.box.Calls()[sandbox.ReleaseToLine], len(carriedOut)}
	if got != want {
		r.t.Errorf("got %+v, want %+v: %s", got, want, a.Message)
	}
	switch a.Outcome {
	case packaging.Refused:
		if len(carriedOut) > 0 {
			r.t.Error("a refusal that was carried out")
		}
	case packaging.Released:
		if len(carriedOut) != 1 || carriedOut[0].OrderID != "Order143" ||
			!slices.Equal(carriedOut[0].Serials, a.Serials) {
			r.t.Errorf("released with %q, carried out %v", a.Serials, carriedOut)
		}
	}
	if (a.Outcome == packaging.Released) != (a.Reason == packaging.NoReason) {
		r.t.Errorf("answer %v", a)
	}
}

func (r *rig) checkAsked(err error, want asks) {
	r.t.Helper()
	got := asks{always, r.tries()}
	if err != nil {
		e := callError(r.t, err)
		got.reason = e.Reason
		if e.Message == "" {
			r.t.Error("no message")
		}
	}
	if got != want {
		r.t.Errorf("got %+v, want %+v: %v", got, want, err)
	}
	r.rest()
	if n := len(r.box.Released()); n != 0 {
		r.t.Errorf("a read released %d orders", n)
	}
}
