package deliver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/lineside"
)

func TestADestinationSaysWhetherItIsThereAndGetsNothing(t *testing.T) {
	t.Parallel()
	p := newSFTP(t, "a password", nil)
	messages := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { messages++ }))
	defer receiver.Close()
	root, closed := t.TempDir(), closedPort(t)
	d := New(newShelf(), Options{
		Roots: map[string]string{"press": root}, Hosts: []string{p.address, receiver.Listener.Addr().String(), closed},
		Limit: 20 * time.Second, Now: time.Now,
	})
	strange, _, err := lineside.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	server := p.destination(packaging.PasswordSecret)
	other := server
	other.HostKey = lineside.HostKey(strange)
	for name, c := range map[string]struct {
		to   packaging.Destination
		want packaging.DeliveryProblem
	}{
		"a server":                    {server, packaging.NoProblem},
		"one with another key":        {other, packaging.WrongHostKey},
		"a folder":                    {packaging.Destination{Kind: packaging.FolderDestination, Address: "press"}, packaging.NoProblem},
		"a folder that is not served": {packaging.Destination{Kind: packaging.FolderDestination, Address: "x"}, packaging.NoSuchRoot},
		"a webhook":                   {aWebhook(receiver.URL), packaging.NoProblem},
		"one that nobody serves":      {aWebhook("http://" + closed), packaging.Unreachable},
		"one of another host":         {aWebhook("http://127.0.0.2:9"), packaging.HostNotAllowed},
		"a program that asks":         {packaging.Destination{Kind: packaging.PullDestination}, packaging.NoProblem},
	} {
		err := d.Reach(t.Context(), c.to)
		var failure *packaging.DeliveryFailure
		if got := problemOf(err, &failure); got != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if files, err := os.ReadDir(p.root); err != nil || len(files) > 0 || messages > 0 {
		t.Errorf("they got %v and %d messages, %v", files, messages, err)
	}
}

func problemOf(err error, failure **packaging.DeliveryFailure) packaging.DeliveryProblem {
	if errors.As(err, failure) {
		return (*failure).Problem
	}
	return packaging.NoProblem
}

func TestWhoAsksAtOnceWhetherADestinationIsThereGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := New(newShelf(), Options{Hosts: []string{"127.0.0.1"}, Now: time.Now})
		d.dial = func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(time.Second)
			one, other := net.Pipe()
			return one, other.Close()
		}
		said := make(chan error, 3)
		first, leave := context.WithCancel(t.Context())
		for _, ctx := range []context.Context{first, t.Context(), t.Context()} {
			go func() { said <- d.Reach(ctx, aWebhook("http://127.0.0.1")) }()
			synctest.Wait()
		}
		leave() // and takes the answer from nobody
		if err := <-said; err == nil {
			t.Error("who left was told that it is there")
		}
		for range 2 {
			if err := <-said; err != nil {
				t.Errorf("it is there, and one was told %v", err)
			}
		}
	})
}

func TestADestinationThatSaysNothingIsNotThereOnceTheTimeIsOver(t *testing.T) {
	t.Parallel()
	silent := httptest.NewUnstartedServer(nil) // it listens, and nobody accepts
	defer silent.Close()
	to := newSFTP(t, "", nil).destination(packaging.PasswordSecret)
	to.Address = silent.Listener.Addr().String()
	d := New(newShelf(), Options{Hosts: []string{"127.0.0.1"}, Now: time.Now})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var failure *packaging.DeliveryFailure
	if problemOf(d.Reach(ctx, to), &failure) != packaging.TimedOutThere {
		t.Errorf("%v", failure)
	}
}
