package deliver

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/sshclient"
)

// sftpServer is a folder of another machine, by SFTP: the one in which its user begins.
type sftpServer struct {
	to   packaging.Destination
	key  secret.Text // a password or a private key
	dial outbound.DialFunc
}

// bring writes a file beside its place and renames it, never over another file.
func (s sftpServer) bring(ctx context.Context, p parcel) error {
	return s.with(ctx, func(c *sftp.Client) error {
		if there, err := s.isThere(c, p); err != nil || there {
			return err
		}
		if within := path.Dir(p.Name); within != "." {
			if err := c.MkdirAll(within); err != nil {
				return fail(packaging.NotWritten, err)
			}
		}
		part := path.Join(path.Dir(p.Name), partOf(p.UID))
		if err := s.write(ctx, c, part, p.writeTo); err != nil {
			return err
		}
		if err := c.Rename(part, p.Name); err != nil {
			_ = c.Remove(part) // it is written over next time
			if there, isErr := s.isThere(c, p); isErr != nil || there {
				return isErr
			}
			return fail(packaging.NotWritten, err)
		}
		return nil
	})
}

// write writes a file, and makes sure that it is on the disk where the server can tell.
func (s sftpServer) write(ctx context.Context, c *sftp.Client, name string, write func(io.Writer) error) error {
	_ = c.Remove(name) // it may be a link, or another name of a file that a line has by now
	file, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return fail(packaging.NotWritten, err)
	}
	err = write(file)
	if err == nil {
		_ = file.Sync() // an extension of OpenSSH
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = c.Remove(name) // it is written over next time
		return fail(packaging.NotWritten, err)
	}
	return nil
}

// isThere reports whether the parcel's file is there already. A file of its name with other bytes is a failure.
func (s sftpServer) isThere(c *sftp.Client, p parcel) (bool, error) {
	file, err := c.Open(p.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fail(packaging.NotWritten, err)
	}
	defer file.Close()
	return sameBytes(file, p.Delivery)
}

func (s sftpServer) try(ctx context.Context) error {
	return s.with(ctx, func(c *sftp.Client) error {
		name := partOf("test-" + strings.ToLower(rand.Text()))
		if err := s.write(ctx, c, name, writeTest); err != nil {
			return err
		}
		if err := c.Remove(name); err != nil {
			return fail(packaging.NotWritten, err)
		}
		return nil
	})
}

// with connects, signs in and does something. It fails once ctx ends.
func (s sftpServer) with(ctx context.Context, do func(*sftp.Client) error) error {
	auth, err := s.auth()
	if err != nil {
		return err
	}
	files, err := sshclient.Server{
		Address: s.to.Address, HostKey: s.to.HostKey, User: s.to.Username, Auth: auth, Dial: s.dial,
	}.Files(ctx)
	switch {
	case err == nil:
	case errors.Is(err, sshclient.ErrHostKey):
		return fail(packaging.WrongHostKey, err)
	case errors.Is(err, sshclient.ErrNotSigned):
		return fail(packaging.NotSignedIn, err)
	default:
		return s.ended(ctx, fail(packaging.Unreachable, err))
	}
	defer files.Close()
	stop := context.AfterFunc(ctx, func() { _ = files.Close() })
	defer stop()
	return s.ended(ctx, do(files.Client))
}

// ended returns the context's error for what broke because it ended.
func (s sftpServer) ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s sftpServer) auth() (ssh.AuthMethod, error) {
	if s.to.SecretKind == packaging.PasswordSecret {
		return ssh.Password(s.key.Reveal()), nil
	}
	signer, err := ssh.ParsePrivateKey([]byte(s.key.Reveal()))
	if err != nil {
		return nil, &packaging.DeliveryFailure{Problem: packaging.SecretNotOpened}
	}
	return ssh.PublicKeys(signer), nil
}

// checkPrivateKey returns Invalid for what is no private key without a passphrase.
func checkPrivateKey(key secret.Text) error {
	if _, err := ssh.ParsePrivateKey([]byte(key.Reveal())); err != nil {
		return packaging.Fail(packaging.Invalid, "destination.bad_key")
	}
	return nil
}

// Fingerprint returns the fingerprint of a host key as OpenSSH shows it, empty for what is no key.
func (d *Deliverer) Fingerprint(hostKey string) string {
	key, err := sshclient.ParseHostKey(hostKey)
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(key)
}

// HostKey asks an SSH server for its key, for a person to compare. The error is a [packaging.DeliveryFailure].
func (d *Deliverer) HostKey(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, min(d.Limit, 15*time.Second))
	defer cancel()
	key, err := sshclient.Server{Address: address, User: "lineboard", Dial: d.dial}.SeeHostKey(ctx)
	if err != nil {
		f := failureOf(fail(packaging.Unreachable, err))
		return "", &f
	}
	return key, nil
}
