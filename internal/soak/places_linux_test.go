package soak

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// sharedPlace is where machines copy to. Each reaches it by a way of its own.
type sharedPlace interface {
	// reach makes the way of a machine, and returns the flags that name the place.
	reach(machine int) []string
	// cut cuts the way of a machine, mend mends it.
	cut(machine int)
	mend(machine int)
	// env is what Litestream's environment must have.
	env() []string
}

// disk is a folder that each machine mounts.
type disk struct {
	t      *testing.T
	folder string
	mounts string
}

func newDisk(t *testing.T) sharedPlace { return &disk{t: t, folder: t.TempDir(), mounts: t.TempDir()} }

func (d *disk) at(machine int) string { return filepath.Join(d.mounts, strconv.Itoa(machine)) }

func (d *disk) reach(machine int) []string {
	d.mend(machine)
	return []string{"--copy-to", d.at(machine)}
}

// cut unmounts the folder. What is written there then goes to the machine's own disk: Litestream may make the folder
// first.
func (d *disk) cut(machine int) {
	if err := errors.Join(os.Remove(d.at(machine)), os.MkdirAll(d.at(machine), 0o700)); err != nil {
		d.t.Error(err)
	}
}

// mend mounts the folder again. Litestream may make one in its place meanwhile.
func (d *disk) mend(machine int) {
	for {
		removeAll(d.at(machine))
		if err := os.Symlink(d.folder, d.at(machine)); !errors.Is(err, fs.ErrExist) {
			if err != nil {
				d.t.Error(err)
			}
			return
		}
	}
}

func (d *disk) env() []string { return nil }

// bucket is one of an object store. A way that is cut breaks, or answers nothing.
type bucket struct {
	t           *testing.T
	store       http.Handler
	credentials string

	mu    sync.Mutex
	asked func(machine int, r *http.Request) // is told of each request before it is answered; nil for nobody
	gone  map[int]chan struct{}              // of the machines whose way is cut: closed once it is mended
}

func newBucket(t *testing.T) sharedPlace {
	buckets := s3mem.New()
	b := &bucket{
		t: t, store: gofakes3.New(buckets).Server(), credentials: filepath.Join(t.TempDir(), "credentials"),
		gone: map[int]chan struct{}{},
	}
	const keys = "[default]\naws_access_key_id = lineboard\naws_secret_access_key = sesame\n"
	if err := errors.Join(
		buckets.CreateBucket("copies"), os.WriteFile(b.credentials, []byte(keys), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bucket) reach(machine int) []string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		gone, asked := b.gone[machine], b.asked
		b.mu.Unlock()
		if asked != nil {
			asked(machine, r)
		}
		if gone != nil {
			if machine%2 == 0 {
				hangUntil(r, gone)
			}
			panic(http.ErrAbortHandler)
		}
		b.store.ServeHTTP(w, r)
	}))
	b.t.Cleanup(s.Close)
	b.t.Cleanup(func() { b.mend(machine) }) // before, so that none hangs
	return []string{
		"--copy-to", "s3://copies/plant?endpoint=" + s.URL, "--copy-key-file", b.credentials,
	}
}

// hangUntil keeps a request until its caller leaves or the way is mended.
func hangUntil(r *http.Request, mended <-chan struct{}) {
	_, _ = io.Copy(io.Discard, r.Body) // so that a caller who leaves is noticed
	select {
	case <-r.Context().Done():
	case <-mended:
	}
}

func (b *bucket) cut(machine int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone[machine] = make(chan struct{})
}

func (b *bucket) mend(machine int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if mended := b.gone[machine]; mended != nil {
		close(mended)
		delete(b.gone, machine)
	}
}

func (b *bucket) env() []string { return []string{"AWS_SHARED_CREDENTIALS_FILE=" + b.credentials} }
