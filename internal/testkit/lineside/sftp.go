// Package lineside stands in for the machines that serial lists and copies are brought to.
package lineside

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Account is the one user of a server.
type Account struct {
	Name     string
	Password string         // empty if none signs in
	Key      ssh.PublicKey  // nil if none signs in
	Root     string         // folder in which the user begins
	Files    *sftp.Handlers // serve files as another server does, instead of those below Root; nil for these
	// Breaks says of each connection after how many bytes it breaks, 0 for never. It may be nil.
	Breaks func() int
}

// SFTP is a server of files.
type SFTP struct {
	Address string // host and port
	HostKey string // in the form of authorized_keys

	account  Account
	listener net.Listener
}

// NewKey returns a key, and its private form as OpenSSH writes it.
func NewKey() (key ssh.Signer, private []byte, err error) {
	_, raw, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(raw, "")
	if err != nil {
		return nil, nil, err
	}
	key, err = ssh.NewSignerFromKey(raw)
	return key, pem.EncodeToMemory(block), err
}

// HostKey returns the public form of a key as a line of authorized_keys.
func HostKey(key ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey())))
}

// NewSFTP starts a server on the loopback.
func NewSFTP(account Account) (*SFTP, error) {
	key, _, err := NewKey()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &SFTP{Address: listener.Addr().String(), HostKey: HostKey(key), account: account, listener: listener}
	config := &ssh.ServerConfig{PasswordCallback: s.byPassword, PublicKeyCallback: s.byKey}
	config.AddHostKey(key)
	go s.run(config)
	return s, nil
}

var errNotAllowed = errors.New("not allowed")

func (s *SFTP) byPassword(c ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
	a := s.account
	if c.User() != a.Name || a.Password == "" || subtle.ConstantTimeCompare(given, []byte(a.Password)) != 1 {
		return nil, errNotAllowed
	}
	return nil, nil
}

func (s *SFTP) byKey(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	a := s.account
	if c.User() != a.Name || a.Key == nil || !bytes.Equal(key.Marshal(), a.Key.Marshal()) {
		return nil, errNotAllowed
	}
	return nil, nil
}

// Close takes no further connections.
func (s *SFTP) Close() error { return s.listener.Close() }

func (s *SFTP) run(config *ssh.ServerConfig) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.serve(conn, config)
	}
}

func (s *SFTP) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for wanted := range channels {
		channel, requests, err := wanted.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem", nil) // the client is gone if it fails
			}
		}()
		var stream io.ReadWriteCloser = channel
		if s.account.Breaks != nil {
			if after := s.account.Breaks(); after > 0 {
				stream = &breaking{channel, conn, after}
			}
		}
		server, err := s.files(stream)
		if err != nil {
			return
		}
		_ = server.Serve() // it ends with its client
		_ = channel.Close()
	}
}

// files returns what serves the files of a connection.
func (s *SFTP) files(stream io.ReadWriteCloser) (interface{ Serve() error }, error) {
	if s.account.Files != nil {
		return sftp.NewRequestServer(stream, *s.account.Files), nil
	}
	return sftp.NewServer(stream, sftp.WithServerWorkingDirectory(s.account.Root))
}

// breaking ends its connection after so many bytes came.
type breaking struct {
	io.ReadWriteCloser
	conn net.Conn
	left int
}

func (b *breaking) Read(p []byte) (int, error) {
	n, err := b.ReadWriteCloser.Read(p)
	if b.left -= n; b.left < 0 {
		_ = b.conn.Close()
		return 0, io.EOF
	}
	return n, err
}
