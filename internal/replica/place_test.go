package replica

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/internal/testkit/lineside"
)

// sftpServer is an SFTP server on the files of this machine.
type sftpServer struct{ address, keyFile, hostKey string }

func newSFTP(t *testing.T) sftpServer {
	t.Helper()
	user, private, err := lineside.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	server, err := lineside.NewSFTP(lineside.Account{Name: "line", Key: user.PublicKey()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	s := sftpServer{address: server.Address, keyFile: filepath.Join(t.TempDir(), "key"), hostKey: server.HostKey}
	if err := os.WriteFile(s.keyFile, private, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// tried is a place that tests try, and what loses it.
type tried struct {
	Place
	lose func() error
}

// places are one of each kind, on this machine.
func places(t *testing.T) map[string]tried {
	t.Helper()
	server, local, remote := newSFTP(t), t.TempDir(), t.TempDir()
	bucket, credentials, loseBucket := newStore(t, unchanged)
	open := func(address, keyFile, hostKey string, lose func() error) tried {
		place, err := Open(address, keyFile, hostKey)
		if err != nil {
			t.Fatal(err)
		}
		return tried{place, lose}
	}
	return map[string]tried{
		"folder": open(local, "", "", func() error { return os.RemoveAll(local) }),
		"sftp": open("sftp://line@"+server.address+remote, server.keyFile, server.hostKey, func() error {
			return os.RemoveAll(remote)
		}),
		"s3": open(bucket, credentials, "", loseBucket),
	}
}

func TestAPlaceKeepsFilesAndLetsOnlyOneMakeOne(t *testing.T) {
	t.Parallel()
	for kind, p := range places(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			var makers sync.WaitGroup
			won := make(chan struct{}, 10)
			for range 10 {
				makers.Go(func() {
					switch err := p.Create(ctx, "epochs/000001", []byte("mine")); {
					case err == nil:
						won <- struct{}{}
					case !errors.Is(err, fs.ErrExist):
						t.Error(err)
					}
				})
			}
			makers.Wait()
			if len(won) != 1 {
				t.Errorf("%d made it", len(won))
			}
			if err := errors.Join(
				p.Put(ctx, "a/b/c", []byte("one")), p.Put(ctx, "a/b/c", []byte("two")), p.Put(ctx, "a/b/d", []byte("three")),
			); err != nil {
				t.Fatal(err)
			}
			content, err := p.Get(ctx, "a/b/c")
			names, listed := p.List(ctx, "a/b")
			if errors.Join(err, listed) != nil || string(content) != "two" || !slices.Equal(names, []string{"c", "d"}) {
				t.Errorf("%q, %v, %v, %v", content, names, err, listed)
			}
			if err := errors.Join(p.Remove(ctx, "a/b/c"), p.Remove(ctx, "a/b/c")); err != nil {
				t.Error(err)
			}
			if _, err := p.Get(ctx, "a/b/c"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file that is not there: %v", err)
			}
			if names, err := p.List(ctx, "never"); err != nil || len(names) > 0 {
				t.Errorf("a folder that is not there: %v, %v", names, err)
			}
			if err := p.lose(); err != nil {
				t.Fatal(err)
			}
			_, listed = p.List(ctx, "never")
			if put := p.Put(ctx, "a/b", []byte("four")); listed == nil || put == nil {
				t.Errorf("a place that is gone: %v, %v", listed, put)
			}
		})
	}
}

func TestAnSFTPServerWithAnotherHostKeyOrThatHangsIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	server := newSFTP(t)
	another, _, err := lineside.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	strange, err := Open("sftp://line@"+server.address+t.TempDir(), server.keyFile, lineside.HostKey(another))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strange.List(t.Context(), "epochs"); err == nil || !strings.Contains(err.Error(), "host key") {
		t.Errorf("another host key: %v", err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	hung, err := Open("sftp://line@"+silent.Addr().String()+"/srv", server.keyFile, server.hostKey)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := hung.Get(ctx, "epochs/000001"); err == nil || time.Since(began) > 15*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestWhatIsNoPlaceIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"copy", "http://host/copy", "sftp://host/copy", "sftp://u:p@host/copy", "sftp://u@host", "", "s3://bucket/copy",
		"s3:///copy?region=x", "s3://key:secret@bucket/copy?region=x", "s3://bucket/copy?region=x&secret=y",
		"s3://bucket/copy?endpoint=store.example", "s3://bucket/copy?endpoint=http://store.example:9000",
	} {
		if place, err := Open(
			address, "key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMvvypUkBrS9RCyV//p+UFCLg8yKNtTu/ew/cV6XXAAP",
		); err == nil {
			t.Errorf("%q is %v", address, place)
		}
	}
	if _, err := Open("sftp://u@host/copy", "", ""); err == nil {
		t.Error("a server without a pinned host key is taken")
	}
}

func TestAnchorsTravelInPiecesAndArriveAsTheyWere(t *testing.T) {
	t.Parallel()
	place := folder{t.TempDir()}
	home := t.TempDir()
	file := filepath.Join(home, "anchors.log")
	kept := map[string][]byte{"slot-01": []byte("sealed")}
	var written []byte
	travel := func() *Travel {
		return &Travel{
			Place: place, Epoch: func() int64 { return 1 }, Anchors: file, Canary: []byte("canary"),
			Kept: func() (map[string][]byte, error) { return kept, nil },
		}
	}
	var copied error
	push := func(t *Travel) error {
		return t.With(func(context.Context) error { return copied })(context.Background())
	}
	tr := travel()
	for i := range 40 {
		written = append(written, []byte(strings.Repeat(string(rune('a'+i%26)), 9_000)+"\n")...)
		if err := os.WriteFile(file, written, 0o600); err != nil {
			t.Fatal(err)
		}
		if i == 20 {
			tr = travel() // as after a restart
		}
		if err := push(tr); err != nil {
			t.Fatal(err)
		}
	}
	fetched := filepath.Join(t.TempDir(), "anchors.log")
	check := func(wantKept string) {
		t.Helper()
		reserve := fetched + ".reserve"
		if err := errors.Join(os.RemoveAll(reserve), Fetch(t.Context(), place, 1, fetched, reserve)); err != nil {
			t.Fatal(err)
		}
		has, err := os.ReadFile(fetched)
		answer, _ := os.ReadFile(filepath.Join(reserve, "slot-01"))
		if err != nil || string(has) != string(written) || string(answer) != wantKept {
			t.Errorf("%v; %d of %d bytes; kept %q", err, len(has), len(written), answer)
		}
	}
	check("sealed")
	kept, tr = nil, travel() // the database took it, and the program started again
	if copied = errors.New("the database is not copied"); !errors.Is(push(tr), copied) {
		t.Error("a copy without the database is told as one")
	}
	check("sealed") // it is nowhere else yet
	copied = nil
	if err := push(tr); err != nil {
		t.Fatal(err)
	}
	check("")
	written = []byte(strings.Repeat("another file, as after a restore\n", 9_000))
	if err := os.WriteFile(file, written, 0o600); err != nil {
		t.Fatal(err)
	}
	tr = travel()
	if err := push(tr); err != nil {
		t.Fatal(err)
	}
	check("")
	if canary, err := Canary(t.Context(), place); err != nil || string(canary) != "" {
		t.Errorf("a canary without an epoch: %q, %v", canary, err)
	}
	if err := Begin(t.Context(), place, NewEpoch(1, time.Now())); err != nil {
		t.Fatal(err)
	}
	if canary, err := Canary(t.Context(), place); err != nil || string(canary) != "canary" {
		t.Errorf("the canary: %q, %v", canary, err)
	}
}
