package sshclient_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"lineboard/internal/sshclient"
	"lineboard/internal/testkit/lineside"
)

func TestAConnectionSaysWhetherTheServerOrTheUserIsAnother(t *testing.T) {
	t.Parallel()
	server, err := lineside.NewSFTP(lineside.Account{Name: "line1", Password: "a password", Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	right := sshclient.Server{
		Address: server.Address, HostKey: server.HostKey, User: "line1", Auth: ssh.Password("a password"),
		Dial: new(net.Dialer).DialContext,
	}
	files, err := right.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := files.Mkdir("in"); err != nil {
		t.Error(err)
	}
	if err := files.Close(); err != nil {
		t.Error(err)
	}
	if key, err := right.SeeHostKey(t.Context()); err != nil || key != server.HostKey {
		t.Errorf("seen %q, %v", key, err)
	}
	for name, c := range map[string]struct {
		change func(*sshclient.Server)
		want   error
	}{
		"another host key":             {func(s *sshclient.Server) { s.HostKey = sameKindOfKey(t) }, sshclient.ErrHostKey},
		"a host key of another kind":   {func(s *sshclient.Server) { s.HostKey = otherKindOfKey(t) }, sshclient.ErrHostKey},
		"what is no key":               {func(s *sshclient.Server) { s.HostKey = "x" }, sshclient.ErrHostKey},
		"another user":                 {func(s *sshclient.Server) { s.User = "root" }, sshclient.ErrNotSigned},
		"another password":             {func(s *sshclient.Server) { s.Auth = ssh.Password("x") }, sshclient.ErrNotSigned},
		"a server that says nothing":   {func(s *sshclient.Server) { s.Address = silent(t) }, context.DeadlineExceeded},
		"a server that is not reached": {func(s *sshclient.Server) { s.Dial = noWay }, errNoWay},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, limit := right, 10*time.Second
			c.change(&s)
			if errors.Is(c.want, context.DeadlineExceeded) {
				limit = 50 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if _, err := s.Files(ctx); !errors.Is(err, c.want) {
				t.Error(err)
			}
		})
	}
}

var errNoWay = errors.New("no way")

func noWay(context.Context, string, string) (net.Conn, error) { return nil, errNoWay }

// silent returns the address of a server that accepts, and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func sameKindOfKey(t *testing.T) string {
	t.Helper()
	key, _, err := lineside.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return lineside.HostKey(key)
}

func otherKindOfKey(t *testing.T) string {
	t.Helper()
	raw, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	return lineside.HostKey(key)
}
