package manufacturer

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"sync/atomic"
	"time"

	"lineboard/internal/giveway"
	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// prefix is the prefix of all paths except sign-in.
const prefix = "/v1/manufacturer/v2/api"

// call is one request of the API.
type call struct {
	client *http.Client
	method string
	path   string // with the query
	key    string // of the order that it is about, empty for none
	body   []byte
	limit  time.Duration // of all tries together
	tries  int
	exact  bool // refuses an answer whose text can't be read without loss

	harmless bool // can be repeated without harm, whatever its outcome
}

// reply is the result of a call: an answer, or the reason why there is no complete one.
type reply struct {
	status  int // 0 without an answer
	kind    string
	body    []byte // with missing: as much as came
	missing packaging.Reason
	why     string // with missing
	exact   bool
	lasting bool          // with missing: another try would fail too
	wait    time.Duration // with 429: until the API wants the next call
	key     string        // of the order that the call was about, empty for none
}

// send makes a call once; ctx ends with its limit. Once a release is being sent it has its limit, even if its caller
// gives up: to cut it off would make its outcome unknown. Without a token it is sign-in, which has no channel key
// either.
func (c *Client) send(ctx context.Context, k call, token secret.Text) reply {
	r := reply{exact: k.exact, key: k.key}
	if ctx.Err() != nil {
		return r.without(packaging.NotConnected, "given up before it was sent")
	}
	if !k.harmless {
		deadline, _ := ctx.Deadline()
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(context.WithoutCancel(ctx), deadline)
		defer cancel()
	}

	j := journey{depart: func() error { return packaging.Depart(ctx) }, left: func() {
		if k.method == http.MethodPatch {
			giveway.Left(ctx)
		}
	}}
	traced := httptrace.WithClientTrace(ctx, j.trace())
	req, err := http.NewRequestWithContext(traced, k.method, c.base+k.path, bytes.NewReader(k.body))
	if err != nil {
		return r.without(packaging.NotConnected, err.Error())
	}
	if k.method == http.MethodPatch {
		// Without it the transport can't send the body again.
		req.GetBody = nil
	}
	req.Header.Set("Content-Type", "application/json")
	if !token.Empty() {
		c.authorise(req.Header, token)
	}

	resp, err := k.client.Do(req)
	if err != nil {
		if j.held != nil {
			return r.without(packaging.NotSentOf(j.held).Reason, packaging.NotSentOf(j.held).Why)
		}
		if j.untouched() {
			r.lasting = badCertificate(err) || errors.Is(err, outbound.ErrPrivate)
			return r.without(packaging.NotConnected, transportText(err))
		}
		return r.broken(ctx, k, err)
	}
	defer resp.Body.Close()
	r.status, r.kind = resp.StatusCode, resp.Header.Get("Content-Type")
	c.record.keepDate(resp.Header, c.now())
	if r.status == http.StatusTooManyRequests {
		r.wait = retryAfter(resp.Header, c.now())
	}
	r.body, err = readAll(io.LimitReader(resp.Body, c.limits.AnswerBytes+1))
	if err != nil {
		return r.broken(ctx, k, err)
	}
	if int64(len(r.body)) > c.limits.AnswerBytes {
		r.body = r.body[:c.limits.AnswerBytes]
		return r.without(packaging.Unreadable, fmt.Sprintf("the answer is longer than %d bytes", c.limits.AnswerBytes))
	}
	return r
}

// readAll reads as io.ReadAll does, and needs at most twice the memory of what comes.
func readAll(from io.Reader) ([]byte, error) {
	const first, largest = 4 << 10, 1 << 20
	var pieces [][]byte
	for size := first; ; size = min(2*size, largest) {
		piece := make([]byte, size)
		n, err := 0, error(nil)
		for n < size && err == nil {
			var more int
			more, err = from.Read(piece[n:])
			n += more
		}
		pieces = append(pieces, piece[:n])
		switch {
		case err == io.EOF: //nolint:errorlint // as io.ReadAll: a wrapped one is another error
			return joined(pieces), nil
		case err != nil:
			return joined(pieces), err
		}
	}
}

func joined(pieces [][]byte) []byte {
	all := bytes.Join(pieces, nil)
	if len(all) > 16<<20 {
		clear(pieces)
		runtime.GC() // large answers are rare, and what is read of one needs the room of its pieces
	}
	return all
}

func (c *Client) authorise(h http.Header, token secret.Text) {
	if c.header == Bearer {
		h.Set("Authorization", "Bearer "+token.Reveal())
	} else {
		h.Set("X-Access-Token", token.Reveal())
	}
	h.Set("X-Channel-Key", c.channelKey.Reveal())
}

func (r reply) without(reason packaging.Reason, why string) reply {
	r.missing, r.why = reason, why
	return r
}

// broken returns a reply that ended early, after the call may have been sent.
func (r reply) broken(ctx context.Context, k call, err error) reply {
	switch ctx.Err() {
	case nil:
		return r.without(packaging.Cut, transportText(err))
	case context.DeadlineExceeded:
		return r.without(packaging.TimedOut, fmt.Sprintf("no whole answer in time (at most %s)", k.limit))
	}
	return r.without(packaging.TimedOut, "given up while waiting for the answer")
}

// transportText returns the error of a transport without the URL of the call, which people know.
func transportText(err error) string { return outbound.Cause(err).Error() }

// badCertificate reports whether the TLS handshake failed because of the server's certificate.
func badCertificate(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// journey traces how far a call got.
type journey struct {
	asked, connected atomic.Bool

	depart func() error // says, once there is a connection, why nothing may be sent over it
	left   func()       // hears that all is sent, or can't be
	held   error        // what it said
}

func (j *journey) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		// net/http gets another connection if an idle one turns out to be closed. It does so after sending only for
		// reads; a release has a connection of its own.
		GetConn: func(string) { j.asked.Store(true); j.connected.Store(false) },
		GotConn: func(got httptrace.GotConnInfo) {
			if j.held = j.depart(); j.held != nil {
				_ = got.Conn.Close() // before the first byte of the call
			}
			j.connected.Store(true)
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { j.left() },
	}
}

// untouched reports whether it is proven that not a byte was sent: the transport wanted a connection (with TLS: after
// the handshake) and never got one. A transport without traces proves nothing.
func (j *journey) untouched() bool { return j.asked.Load() && !j.connected.Load() }
