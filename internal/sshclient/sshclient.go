// Package sshclient connects to SSH servers whose host key is pinned.
package sshclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Server is whom to connect to, and as whom.
type Server struct {
	Address string // host and port
	HostKey string // the only one that is trusted, as a line of authorized_keys
	User    string
	Auth    ssh.AuthMethod
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// Errors of a connection that came about, but is not used.
var (
	ErrHostKey   = errors.New("the server does not have the pinned host key")
	ErrNotSigned = errors.New("the server does not let the user in")
)

// Files is a connection for files.
type Files struct {
	*sftp.Client
	link *ssh.Client
}

// Close ends the connection, and whatever waits for an answer over it.
func (f *Files) Close() error { return f.link.Close() }

// Files connects for files. It fails with [ErrHostKey], with [ErrNotSigned], or once ctx ends.
func (s Server) Files(ctx context.Context) (*Files, error) {
	pinned, err := ParseHostKey(s.HostKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHostKey, err)
	}
	var other error
	link, err := s.connect(ctx, &ssh.ClientConfig{
		User: s.User, Auth: []ssh.AuthMethod{s.Auth}, HostKeyAlgorithms: algorithmsOf(pinned),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if !bytes.Equal(key.Marshal(), pinned.Marshal()) {
				other = fmt.Errorf("%w, but %s", ErrHostKey, ssh.FingerprintSHA256(key))
			}
			return other
		},
	})
	switch {
	case other != nil:
		return nil, other
	case err != nil:
		return nil, named(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = link.Close() })
	client, err := sftp.NewClient(link)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = link.Close() // nothing was asked of it
		return nil, err
	}
	return &Files{client, link}, nil
}

// named returns the error of a connection as one of ours where it is one. The library knows no types for these.
func named(err error) error {
	switch {
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return fmt.Errorf("%w: %w", ErrHostKey, err)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Errorf("%w: %w", ErrNotSigned, err)
	}
	return err
}

// errSeen ends a connection once the server's key was seen.
var errSeen = errors.New("seen")

// SeeHostKey asks the server for its key, to compare it: for one of the pinned kind, or of any if none is pinned.
func (s Server) SeeHostKey(ctx context.Context) (hostKey string, err error) {
	var kinds []string
	if pinned, err := ParseHostKey(s.HostKey); err == nil {
		kinds = algorithmsOf(pinned)
	}
	_, err = s.connect(ctx, &ssh.ClientConfig{
		User: s.User, HostKeyAlgorithms: kinds, HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			hostKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
			return errSeen
		},
	})
	if hostKey != "" {
		return hostKey, nil
	}
	return "", err
}

// ParseHostKey reads a host key as a line of authorized_keys.
func ParseHostKey(line string) (ssh.PublicKey, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	return key, err
}

// algorithmsOf returns the algorithms by which a server proves that it has a key.
func algorithmsOf(key ssh.PublicKey) []string {
	if key.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{key.Type()}
}

// connect makes a connection, and gives up when ctx ends.
func (s Server) connect(ctx context.Context, config *ssh.ClientConfig) (*ssh.Client, error) {
	conn, err := s.Dial(ctx, "tcp", s.Address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	secured, channels, requests, err := ssh.NewClientConn(conn, s.Address, config)
	if err != nil {
		_ = conn.Close() // it is of no use
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	return ssh.NewClient(secured, channels, requests), nil
}
