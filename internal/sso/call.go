package sso

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
)

// answerMost is the longest answer that is read, in bytes. Descriptions, keys and tokens have a few thousand.
const answerMost = 1 << 20

// errCall marks that a call was not made, or not answered.
var errCall = errors.New("no call")

// httpClient makes the client for a tenant's provider. It goes to the provider's hosts alone, and follows no redirect, which
// would carry the client's secret along.
func (c *Client) httpClient(s Settings) *http.Client {
	return &http.Client{
		Timeout:       c.o.Limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &bounded{hosts: s.AllHosts(), next: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            outbound.Dialer(s.AllHosts(), c.o.Inside),
			TLSHandshakeTimeout:    c.o.Limit,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		}},
	}
}

// bounded makes calls to some hosts alone, and reads no more of an answer than any has.
type bounded struct {
	hosts []string
	next  http.RoundTripper
}

func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !slices.Contains(b.hosts, strings.ToLower(r.URL.Hostname())) {
		return nil, fmt.Errorf("%w: the host is not one of the provider's", errCall)
	}
	answer, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, errors.Join(errCall, err)
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, answerMost), answer.Body}
	return answer, nil
}

// callFailed says why a call had no answer.
func callFailed(err error) *packaging.SignOnError {
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var lookup *net.DNSError
	switch {
	case errors.Is(err, outbound.ErrPrivate):
		return fail(packaging.SignOnDown, "the name leads to a private address")
	case errors.As(err, &certificate), errors.As(err, &authority):
		return fail(packaging.SignOnDown, "the certificate is not trusted")
	case errors.As(err, &lookup):
		return fail(packaging.SignOnDown, "the name leads nowhere")
	case errors.Is(err, context.DeadlineExceeded), timedOut(err):
		return fail(packaging.SignOnDown, "no answer in time")
	}
	return fail(packaging.SignOnDown, "no connection")
}

func timedOut(err error) bool {
	var of net.Error
	return errors.As(err, &of) && of.Timeout()
}

// discoveryFailed says why a provider's description of itself is none.
func discoveryFailed(err error) *packaging.SignOnError {
	var other *oidc.IssuerMismatchError
	switch {
	case errors.As(err, &other):
		return fail(packaging.SignOnNoOpenID, "it names itself otherwise")
	case errors.Is(err, errCall), timedOut(err), errors.Is(err, context.DeadlineExceeded):
		return callFailed(err)
	}
	return fail(packaging.SignOnNoOpenID, "")
}
