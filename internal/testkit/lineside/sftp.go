// Package lineside stands in for the machines that serial lists are brought to.
package lineside

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// SFTP is a server of files. Its one user begins in a folder.
type SFTP struct {
	Address string // host and port
	HostKey string // in the form of authorized_keys

	root     string
	breaks   func() int
	listener net.Listener
}

// NewSFTP starts a server on the loopback. breaks says of each connection after how many bytes it breaks, 0 for never.
func NewSFTP(root, user, password string, breaks func() int) (*SFTP, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, err
	}
	config := &ssh.ServerConfig{
		PasswordCallback: func(c ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if c.User() != user || subtle.ConstantTimeCompare(given, []byte(password)) != 1 {
				return nil, errors.New("no")
			}
			return nil, nil
		},
	}
	config.AddHostKey(signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &SFTP{
		Address: listener.Addr().String(),
		HostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))),
		root:    root, breaks: breaks, listener: listener,
	}
	go s.run(config)
	return s, nil
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
		if after := s.breaks(); after > 0 {
			stream = &breaking{channel, conn, after}
		}
		server, err := sftp.NewServer(stream, sftp.WithServerWorkingDirectory(s.root))
		if err != nil {
			return
		}
		_ = server.Serve() // it ends with its client
		_ = channel.Close()
	}
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
