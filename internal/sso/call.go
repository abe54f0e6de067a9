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

// maxAnswer is the longest answer that is read, in bytes. Metadata, keys and tokens have a few thousand.
const maxAnswer = 1 << 20

// errCall marks a call that was not made, or not answered.
var errCall = errors.New("no call")

// httpClient returns the HTTP client for a tenant's provider. It calls only the provider's hosts. It follows no
// redirect, which would carry the client secret along.
func (c *Client) httpClient(s Settings) *http.Client {
	return &http.Client{
		Timeout:       c.o.Limit,
		CheckRedirect: outbound.NoRedirect,
		Transport: &limited{hosts: s.AllHosts(), next: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            outbound.Dialer(s.AllHosts(), c.o.AllowPrivate),
			TLSHandshakeTimeout:    c.o.Limit,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: 64 << 10,
		}},
	}
}

// limited calls only the given hosts, and reads no more than maxAnswer bytes of an answer.
type limited struct {
	hosts []string
	next  http.RoundTripper
}

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	if !slices.Contains(l.hosts, strings.ToLower(r.URL.Hostname())) {
		return nil, fmt.Errorf("%w: the host is not one of the provider's", errCall)
	}
	answer, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, errors.Join(errCall, err)
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	return answer, nil
}

// callFailed returns why a call had no answer.
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
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// discoveryFailed returns why a provider's metadata can't be used.
func discoveryFailed(err error) *packaging.SignOnError {
	var mismatch *oidc.IssuerMismatchError
	switch {
	case errors.As(err, &mismatch):
		return fail(packaging.SignOnNoOpenID, "it names itself otherwise")
	case errors.Is(err, errCall), timedOut(err), errors.Is(err, context.DeadlineExceeded):
		return callFailed(err)
	}
	return fail(packaging.SignOnNoOpenID, "")
}
