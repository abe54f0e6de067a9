package alarms

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
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

// mailed sends a letter to a server whose connections a function serves, and returns why it did not go out.
func mailed(t *testing.T, ctx context.Context, limit time.Duration, serve func(net.Conn)) error {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(conn); _ = conn.Close() })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	store := &waiting{target: "night@plant.example", settings: packaging.AlarmSettings{
		Language: "en", MailHost: listener.Addr().String(), Encryption: packaging.NoEncryption,
		MailFrom: "line@plant.example",
	}}
	a := New(Options{
		Store: store, Dial: new(net.Dialer).DialContext, Now: time.Now, Log: slog.New(slog.DiscardHandler), Limit: limit,
	})
	return a.Try(ctx, packaging.Tenant{}, packaging.Recipient{Kind: packaging.ByMail})
}

// answer reads commands, and answers each after a while. It ends when the connection does, or with the command that a
// word begins.
func answer(conn net.Conn, after time.Duration, last string) {
	say := func(line string) { time.Sleep(after); _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 plant.example")
	for commands := bufio.NewScanner(conn); commands.Scan(); {
		switch word, _, _ := strings.Cut(commands.Text(), " "); word {
		case last:
			return
		case "EHLO":
			say("250 plant.example")
		case "DATA":
			say("354 go on")
		case "MAIL", "RCPT", "RSET", "NOOP":
			say("250 OK")
		}
	}
}

func TestAMailServerThatHangsIsSlowOrCutsOffHoldsATryNoLongerThanItsLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit time.Duration
		serve func(net.Conn)
		says  string
	}{
		"it never greets": {
			100 * time.Millisecond, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, "it took too long",
		},
		"each answer is within the limit, and all together are not": {
			200 * time.Millisecond, func(conn net.Conn) { answer(conn, 150*time.Millisecond, "QUIT") }, "it took too long",
		},
		"it goes silent in the midst of the letter": {
			100 * time.Millisecond, func(conn net.Conn) { answer(conn, 0, "QUIT") }, "it took too long",
		},
		"it hangs up before the letter":   {time.Minute, func(conn net.Conn) { answer(conn, 0, "DATA") }, "EOF"},
		"it hangs up amidst the letter":   {time.Minute, func(conn net.Conn) { answer(conn, 0, "Subject:") }, ""},
		"it hangs up instead of greeting": {time.Minute, func(net.Conn) {}, "EOF"},
	} {
		began := time.Now()
		err := mailed(t, t.Context(), c.limit, c.serve)
		var failed *packaging.MessageFailure
		if !errors.As(err, &failed) || !strings.Contains(failed.Why, c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > c.limit+30*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
	}
}

func TestAStopDoesNotWaitForAMailServerThatHangs(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	began := time.Now()
	err := mailed(t, ctx, time.Hour, func(conn net.Conn) { stop(); _, _ = io.Copy(io.Discard, conn) })
	if took := time.Since(began); err == nil || took > 60*time.Second {
		t.Errorf("%v after %s", err, took)
	}
}

func TestAMailServerThatRefusesTheConnectionIsSaidToDoSo(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	a := New(Options{Dial: new(net.Dialer).DialContext, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	s := packaging.AlarmSettings{
		MailHost: listener.Addr().String(), Encryption: packaging.NoEncryption, MailFrom: "line@plant.example",
	}
	err = a.mail(t.Context(), s, secret.Text{}, "night@plant.example", packaging.AlarmMessage{ID: "1"}, said{})
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}
