package replica

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"lineboard/internal/sshclient"
)

// server is a place on another machine, by SFTP. Its host key is pinned.
type server struct {
	address, user, root string
	keyFile, hostKey    string

	mu         sync.Mutex
	client     *sshclient.Files
	connecting *connecting // nil while nobody does
}

// connecting is a connection that is being made.
type connecting struct {
	done   chan struct{}
	client *sshclient.Files
	err    error
}

// maxConnecting is how long a connection may take to be made.
const maxConnecting = 30 * time.Second

// openServer returns the place behind an address such as sftp://lineboard@standby:22/srv/copy. It connects later.
func openServer(at *url.URL, keyFile, hostKey string) (*server, error) {
	if at.User.Username() == "" || at.Path == "" || at.Path == "/" {
		return nil, errors.New("must be sftp://USER@HOST:PORT/PATH")
	}
	if _, set := at.User.Password(); set {
		return nil, errors.New("must have no password: a key signs in")
	}
	if keyFile == "" || hostKey == "" {
		return nil, errors.New("needs --copy-key-file and --copy-host-key")
	}
	if _, err := sshclient.ParseHostKey(hostKey); err != nil {
		return nil, fmt.Errorf("--copy-host-key must be a line such as ssh-ed25519 AAAA…: %w", err)
	}
	address := at.Host
	if at.Port() == "" {
		address = net.JoinHostPort(at.Hostname(), "22")
	}
	return &server{
		address: address, user: at.User.Username(), root: path.Clean(at.Path), keyFile: keyFile, hostKey: hostKey,
	}, nil
}

func (s *server) String() string { return "sftp://" + s.user + "@" + s.address + s.root }

func (s *server) at(name string) string { return path.Join(s.root, name) }

// do does something over the connection that is open, or over a new one. What fails may leave it broken: it is closed
// then, and when ctx ends.
func (s *server) do(ctx context.Context, what func(*sftp.Client) error) error {
	client, err := s.connect(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	stop := context.AfterFunc(ctx, func() { s.drop(client) })
	defer stop()
	err = what(client.Client)
	var status *sftp.StatusError
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) && !errors.As(err, &status) {
		s.drop(client)
	}
	return err
}

func (s *server) drop(client *sshclient.Files) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == client {
		_ = s.client.Close() // it may be broken
		s.client = nil
	}
}

// connect returns the connection that is open, or a new one. Whoever asks waits until ctx ends at most, and the
// connection is made all the same: where a server is slow to let somebody in, the next one to ask finds it.
func (s *server) connect(ctx context.Context) (*sshclient.Files, error) {
	s.mu.Lock()
	if s.client != nil {
		defer s.mu.Unlock()
		return s.client, nil
	}
	c := s.connecting
	if c == nil {
		c = &connecting{done: make(chan struct{})}
		s.connecting = c
		go s.make(c)
	}
	s.mu.Unlock()
	select {
	case <-c.done:
		return c.client, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// make makes a connection.
func (s *server) make(c *connecting) {
	ctx, cancel := context.WithTimeout(context.Background(), maxConnecting)
	defer cancel()
	c.client, c.err = s.dial(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client, s.connecting = c.client, nil
	close(c.done)
}

func (s *server) dial(ctx context.Context) (*sshclient.Files, error) {
	raw, err := os.ReadFile(s.keyFile)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("the key of --copy-key-file can't be used: %w", err)
	}
	var dialer net.Dialer
	return sshclient.Server{
		Address: s.address, HostKey: s.hostKey, User: s.user, Auth: ssh.PublicKeys(signer), Dial: dialer.DialContext,
	}.Files(ctx)
}

// Create makes the file exclusively: the server lets only one do that.
func (s *server) Create(ctx context.Context, name string, content []byte) error {
	return s.do(ctx, func(c *sftp.Client) error {
		if err := s.folderOf(c, name, "."); err != nil {
			return err
		}
		file, err := c.OpenFile(s.at(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			if _, there := c.Lstat(s.at(name)); there == nil {
				return fs.ErrExist
			}
			return err
		}
		if err := sent(file, content); err != nil { // a full disk must not keep half of it
			return errors.Join(err, c.Remove(s.at(name)))
		}
		return nil
	})
}

// folderOf makes the folder of a file, but not the place itself, nor one in which no epoch has begun: as at a server
// whose own disk is not mounted.
func (s *server) folderOf(c *sftp.Client, name, needs string) error {
	if _, err := c.Stat(s.at(needs)); err != nil {
		return err
	}
	return c.MkdirAll(path.Dir(s.at(name)))
}

func sent(file *sftp.File, content []byte) error {
	_, err := file.Write(content)
	if err == nil {
		_ = file.Sync() // an extension of OpenSSH
	}
	return errors.Join(err, file.Close())
}

func (s *server) Put(ctx context.Context, name string, content []byte) error {
	return s.do(ctx, func(c *sftp.Client) error {
		if err := s.folderOf(c, name, epochsFolder); err != nil {
			return err
		}
		part := path.Join(path.Dir(s.at(name)), ".part-"+strings.ToLower(rand.Text()))
		file, err := c.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			return err
		}
		if err = sent(file, content); err == nil {
			err = c.PosixRename(part, s.at(name))
		}
		if err != nil {
			return errors.Join(err, c.Remove(part))
		}
		return nil
	})
}

func (s *server) Get(ctx context.Context, name string) (content []byte, err error) {
	err = s.do(ctx, func(c *sftp.Client) error {
		file, err := c.Open(s.at(name))
		if err != nil {
			return err
		}
		content, err = io.ReadAll(file)
		return errors.Join(err, file.Close())
	})
	return content, err
}

func (s *server) List(ctx context.Context, name string) (names []string, err error) {
	err = s.do(ctx, func(c *sftp.Client) error {
		entries, err := c.ReadDir(s.at(name))
		if errors.Is(err, fs.ErrNotExist) {
			_, err = c.Stat(s.root) // the place itself must be there
			return err
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".part-") {
				names = append(names, e.Name())
			}
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

func (s *server) Remove(ctx context.Context, name string) error {
	return s.do(ctx, func(c *sftp.Client) error {
		err := c.Remove(s.at(name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func (s *server) Litestream(name string) map[string]any {
	return map[string]any{
		"type": "sftp", "host": s.address, "user": s.user, "key-path": s.keyFile, "host-key": s.hostKey,
		"path": s.at(name),
	}
}

func (s *server) Env() []string { return nil }
