package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/crypto/ssh"

	"lineboard/internal/packaging"
	"lineboard/internal/sshclient"
)

// reachLimit is how long a destination may take to show that it is there.
const reachLimit = 3 * time.Second

// Reach asks whether a destination is there; those who ask at once share the answer. It brings nothing and signs in
// nowhere. It fails with a [packaging.DeliveryFailure], after 3 seconds or when ctx ends at the latest.
func (d *Deliverer) Reach(ctx context.Context, to packaging.Destination) error {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	// A mount that hangs holds up nobody.
	asked := d.asked.DoChan(fmt.Sprint(to.ID, " ", to.Address), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reachLimit)
		defer cancel()
		return nil, d.reach(ctx, to)
	})
	var err error
	select {
	case answer := <-asked:
		err = answer.Err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		return nil
	}
	f := failureOf(err)
	return &f
}

func (d *Deliverer) reach(ctx context.Context, to packaging.Destination) error {
	switch to.Kind {
	case packaging.FolderDestination:
		root, err := folder{d.Roots[to.Address]}.open()
		if err != nil {
			return err
		}
		return root.Close()
	case packaging.SFTPDestination:
		return d.seesPinnedKey(ctx, to)
	case packaging.WebhookDestination:
		at, err := url.Parse(to.Address)
		if err != nil {
			return err
		}
		conn, err := d.dial(ctx, "tcp", hostAndPort(at))
		if err != nil {
			return err
		}
		return conn.Close()
	}
	return nil
}

// seesPinnedKey fails unless the server has the host key that is pinned.
func (d *Deliverer) seesPinnedKey(ctx context.Context, to packaging.Destination) error {
	pinned, err := sshclient.ParseHostKey(to.HostKey)
	if err != nil {
		return fail(packaging.WrongHostKey, err)
	}
	seen, err := sshclient.Server{
		Address: to.Address, HostKey: to.HostKey, User: to.Username, Dial: d.dial,
	}.SeeHostKey(ctx)
	if err != nil {
		return err
	}
	key, err := sshclient.ParseHostKey(seen)
	if err == nil && ssh.FingerprintSHA256(key) != ssh.FingerprintSHA256(pinned) {
		err = errors.New("it has the key " + ssh.FingerprintSHA256(key))
	}
	if err != nil {
		return fail(packaging.WrongHostKey, err)
	}
	return nil
}
