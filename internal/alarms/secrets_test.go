package alarms

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// repeats is a server that answers each line with a refusal that has the line in it. A mail server says first what it
// can do.
func repeats(t *testing.T, config *tls.Config, greeting string, refuse func(line string) string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.WriteString(conn, greeting)
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "EHLO") {
						_, _ = io.WriteString(conn, "250-plant.example\r\n250 AUTH PLAIN LOGIN\r\n")
						continue
					}
					if _, err := io.WriteString(conn, refuse(lines.Text())); err != nil || greeting == "" {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// A mail server repeats the password, and a receiver its own address, which is a secret: nothing that is shown, kept or
// logged has them. The host is shown.
func TestAReceiverThatRepeatsWhatItGotIsQuotedWithoutSecrets(t *testing.T) {
	const password, path, query = "canary mail password", "/services/T00/canaryPath", "key=canaryQuery"
	shown := httptest.NewUnstartedServer(nil)
	shown.StartTLS()
	t.Cleanup(shown.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(shown.Certificate())
	offered := &tls.Config{Certificates: shown.TLS.Certificates, MinVersion: tls.VersionTLS12}
	mail := repeats(t, offered, "220 plant.example\r\n", func(line string) string { return "535 not allowed: " + line + "\r\n" })
	web := repeats(t, nil, "", func(line string) string {
		return "HTTP/1.1 404 no " + line + "\r\nContent-Length: 0\r\n\r\n"
	})
	broken := repeats(t, nil, "", func(line string) string { return strings.ReplaceAll(line, " ", "_") + "\r\n" })
	var log bytes.Buffer
	for name, c := range map[string]struct {
		kind         packaging.RecipientKind
		target, want string
	}{
		"a mail server":                   {packaging.ByMail, "night@plant.example", "535"},
		"a webhook":                       {packaging.ByWebhook, "http://" + web + path + "?" + query, web + " answers 404"},
		"a webhook that speaks no HTTP":   {packaging.ByWebhook, "http://" + broken + path + "?" + query, "HTTP"},
		"a chat":                          {packaging.BySlack, "http://" + web + path + "?" + query, web + " answers 404"},
		"a heartbeat":                     {"", "http://" + web + path + "?" + query, web + " answers 404"},
		"a heartbeat that speaks no HTTP": {"", "http://" + broken + path + "?" + query, "HTTP"},
	} {
		store := &waiting{
			target: c.target, password: password, key: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", settings: packaging.AlarmSettings{
				Language: "en", MailHost: mail, Encryption: packaging.ImplicitTLS, MailFrom: "line@plant.example",
				MailUser: "line",
			},
		}
		a := New(Options{
			Store: store, Dial: new(net.Dialer).DialContext, Roots: trusted, Now: time.Now,
			Log: slog.New(slog.NewTextHandler(&log, nil)), Limit: 10 * time.Second,
		})
		said := ""
		if c.kind == "" {
			store.beat, store.tenants = c.target, []packaging.Tenant{{ID: 1}}
			store.settings.HeartbeatEvery = time.Minute
			_ = a.Look(t.Context()) // it has no message
			a.Wait()
			said = store.heartbeat
		} else {
			var failed *packaging.MessageFailure
			if err := a.Try(t.Context(), packaging.Tenant{}, packaging.Recipient{Kind: c.kind}); errors.As(err, &failed) {
				said = failed.Why
			}
		}
		if !strings.Contains(said, c.want) || !strings.Contains(said, "[secret]") {
			t.Errorf("%s is quoted as %q", name, said)
		}
		for _, secret := range []string{"canary", "Y2FuYXJ5", "FuYXJ5IG1haWw", "NhbmFyeS"} { // in base64 too
			if strings.Contains(said+log.String(), secret) {
				t.Errorf("%s: %q is in %q or the log", name, secret, said)
			}
		}
	}
}
