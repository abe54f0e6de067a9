package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// Client returns an HTTP client for what is sent to addresses that administrators enter. It connects by dial, wants TLS
// 1.2 or newer with a certificate of the roots (nil for those of the machine), keeps no connection and follows no
// redirect.
func Client(dial DialFunc, roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true, DisableKeepAlives: true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: NoRedirect,
	}
}

// NoRedirect is the CheckRedirect of a client that follows none: it could lead to a host that nobody has allowed, and
// carry a secret there.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Cause returns what a call of an [http.Client] failed by, without the address: that may be a secret.
func Cause(err error) error {
	var failed *url.Error
	for errors.As(err, &failed) {
		err = failed.Err
	}
	return err
}
