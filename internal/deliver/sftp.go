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

// bring writes a file beside its place and gives it its name, never over another file.
func (s sftpServer) bring(ctx context.Context, p parcel) error {
	return s.with(ctx, func(c *sftp.Client) error {
		within := path.Dir(p.Name)
		part := path.Join(within, partOf(p.UID))
		ours := s.isClaimed(c, part, p.Name) // a kill came just before the name got its file
		if there, err := s.isThere(c, p); !ours && (err != nil || there) {
			_ = c.Remove(part) // a kill may have come just after the file got its name
			return err
		}
		if within != "." {
			if err := c.MkdirAll(within); err != nil {
				return fail(packaging.NotWritten, err)
			}
		}
		if err := s.write(ctx, c, part, p.writeTo); err != nil {
			return err
		}
		if err := s.name(ctx, c, part, p.Name, ours); err != nil {
			_ = c.Remove(part) // it is written over next time
			if there, isErr := s.isThere(c, p); isErr != nil || there {
				return isErr
			}
			return fail(packaging.NotWritten, err)
		}
		return nil
	})
}

// name gives a file its name unless another file has it. A hard link never goes over a file, but not every server knows
// it, and some servers rename over files: there a short text takes the name first, which the server gives to one file
// alone. ours says that it has the name already.
func (s sftpServer) name(ctx context.Context, c *sftp.Client, part, name string, ours bool) error {
	if !ours {
		if c.Link(part, name) == nil {
			_ = c.Remove(part)
			return nil
		}
		if err := s.create(ctx, c, name, func(w io.Writer) error {
			_, err := io.WriteString(w, claimOf(part))
			return err
		}); err != nil {
			return err
		}
	}
	replace := c.Rename
	if _, knows := c.HasExtension("posix-rename@openssh.com"); knows {
		replace = c.PosixRename
	}
	if replace(part, name) == nil {
		return nil
	}
	// It does not rename over the text, and so over no file: the text makes way.
	if err := c.Remove(name); err != nil {
		return err
	}
	return c.Rename(part, name)
}

// isClaimed says whether a file has a name only to hold it for another one.
func (s sftpServer) isClaimed(c *sftp.Client, part, name string) bool {
	file, err := c.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	return isClaim(file, part)
}

// write writes a file of ours in the place of what has its name: that may be a link, or another name of a file that a
// line has by now.
func (s sftpServer) write(ctx context.Context, c *sftp.Client, name string, write func(io.Writer) error) error {
	_ = c.Remove(name)
	return s.create(ctx, c, name, write)
}

// create writes a file that is not there yet, and makes sure that it is on the disk where the server can tell.
func (s sftpServer) create(ctx context.Context, c *sftp.Client, name string, write func(io.Writer) error) error {
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
