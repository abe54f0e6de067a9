package alarms

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// letterbox is a mail server that takes letters from everybody, encrypted or not. It notes how many
// began and how many came.
type letterbox struct{ letters, mailed atomic.Int32 }

func (l *letterbox) NewSession(*smtp.Conn) (smtp.Session, error) { return l, nil }
func (l *letterbox) Mail(string, *smtp.MailOptions) error        { l.mailed.Add(1); return nil }
func (l *letterbox) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (l *letterbox) Reset()                                      {}
func (l *letterbox) Logout() error                               { return nil }
func (l *letterbox) Data(r io.Reader) error {
	l.letters.Add(1)
	_, err := io.Copy(io.Discard, r)
	return err
}

// open starts the server. With a configuration it offers STARTTLS.
func (l *letterbox) open(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(l)
	server.TLSConfig = config
	server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	go server.Serve(listener)
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func TestAMailLeavesUnderTLSThatHoldsUnlessTheSiteWantsNone(t *testing.T) {
	t.Parallel()
	shown := httptest.NewUnstartedServer(nil)
	shown.StartTLS()
	t.Cleanup(shown.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(shown.Certificate())
	offered := &tls.Config{Certificates: shown.TLS.Certificates, MinVersion: tls.VersionTLS12}
	for name, c := range map[string]struct {
		offers  *tls.Config
		roots   *x509.CertPool
		wants   packaging.Encryption
		arrives bool
	}{
		"STARTTLS that holds":                    {offered, trusted, packaging.StartTLS, true},
		"STARTTLS with a certificate of nobody":  {offered, x509.NewCertPool(), packaging.StartTLS, false},
		"STARTTLS is not offered":                {nil, trusted, packaging.StartTLS, false},
		"TLS from the first byte is not spoken":  {nil, trusted, packaging.ImplicitTLS, false},
		"no encryption, as the site has chosen":  {nil, trusted, packaging.NoEncryption, true},
		"encryption of a kind that nobody knows": {nil, trusted, "", false},
	} {
		var box letterbox
		address := box.open(t, c.offers)
		a := New(
			Options{
				Dial: new(net.Dialer).DialContext, Roots: c.roots, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			},
		)
		s := packaging.AlarmSettings{MailHost: address, Encryption: c.wants, MailFrom: "line@plant.example"}
		err := a.mail(
			t.Context(), s, secret.Text{}, "night@plant.example", packaging.AlarmMessage{ID: "1", Made: time.Now()},
			said{subject: "s"},
		)
		if (err == nil) != c.arrives || (box.letters.Load() > 0) != c.arrives || !c.arrives && box.mailed.Load() > 0 {
			t.Errorf("%s: %v, %d letters, %d begun", name, err, box.letters.Load(), box.mailed.Load())
		}
	}
}
