package alarms

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"

	"github.com/wneessen/go-mail"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// errNoMailHost is the error of a mail for which no server is set.
var errNoMailHost = errors.New("no mail server is set")

// mail sends a message to mail addresses.
func (a *Alarms) mail(
	ctx context.Context, s packaging.AlarmSettings, password secret.Text, to string, m packaging.AlarmMessage, what said,
) error {
	if s.MailHost == "" {
		return errNoMailHost
	}
	host, port, err := net.SplitHostPort(s.MailHost)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	letter := mail.NewMsg()
	addresses, err := packaging.MailAddresses(to)
	if err != nil {
		return err
	}
	if err := errors.Join(letter.From(s.MailFrom), letter.To(addresses...)); err != nil {
		return err
	}
	letter.SetMessageIDWithValue(m.ID + "@lineboard")
	letter.SetDateWithValue(m.Made)
	letter.SetBulk()
	letter.Subject(what.subject)
	letter.SetBodyString(mail.TypeTextPlain, what.text())
	client, err := mail.NewClient(host, a.mailOptions(ctx, s, host, number, password)...)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, letter)
}

// within returns a dialer whose connections end with a try. The library counts its time anew for each command: a server
// that answers each of them late would get the same message twice at once.
func (a *Alarms) within(try context.Context) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := a.Dial(ctx, network, address)
		if err == nil {
			context.AfterFunc(try, func() { _ = conn.Close() })
		}
		return conn, err
	}
}

func (a *Alarms) mailOptions(
	try context.Context, s packaging.AlarmSettings, host string, port int, password secret.Text,
) []mail.Option {
	config := &tls.Config{ServerName: host, RootCAs: a.Roots, MinVersion: tls.VersionTLS12}
	dial := a.within(try)
	policy, auth := mail.TLSMandatory, mail.SMTPAuthAutoDiscover
	switch s.Encryption {
	case packaging.NoEncryption:
		policy = mail.NoTLS
	case packaging.ImplicitTLS:
		// The library takes a connection of a dialer as it is, and does not see that it is encrypted.
		policy, auth = mail.NoTLS, mail.SMTPAuthPlain
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			raw, err := a.within(try)(ctx, network, address)
			if err != nil {
				return nil, err
			}
			secured := tls.Client(raw, config)
			if err := secured.HandshakeContext(ctx); err != nil {
				return nil, errors.Join(err, raw.Close())
			}
			return secured, nil
		}
	}
	options := []mail.Option{
		mail.WithPort(port), mail.WithTLSPolicy(policy), mail.WithTLSConfig(config), mail.WithDialContextFunc(dial),
		mail.WithTimeout(2 * a.Limit), mail.WithHELO("lineboard"),
	}
	if s.MailUser != "" && !password.Empty() {
		options = append(
			options, mail.WithSMTPAuth(auth), mail.WithUsername(s.MailUser), mail.WithPassword(password.Reveal()),
		)
	}
	return options
}
