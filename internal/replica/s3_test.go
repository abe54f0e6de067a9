package replica

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// newStore returns the address of a bucket, a file with credentials for it, and what loses the bucket. Requests go
// through a handler first.
func newStore(t *testing.T, through func(http.Handler) http.Handler) (address, credentials string, lose func() error) {
	t.Helper()
	buckets := s3mem.New()
	if err := buckets.CreateBucket("copies"); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(through(gofakes3.New(buckets).Server()))
	t.Cleanup(s.Close)
	credentials = filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(
		credentials, []byte("[default]\naws_access_key_id = lineboard\naws_secret_access_key = sesame\n"), 0o600,
	); err != nil {
		t.Fatal(err)
	}
	return "s3://copies/lineboard?endpoint=" + s.URL, credentials, func() error {
		return buckets.ForceDeleteBucket("copies")
	}
}

func unchanged(h http.Handler) http.Handler { return h }

func TestAStoreThatDoesNotKnowConditionsBeginsNoEpoch(t *testing.T) {
	t.Parallel()
	address, credentials, _ := newStore(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("If-None-Match")
			h.ServeHTTP(w, r)
		})
	})
	place, err := Open(address, credentials, "")
	if err != nil {
		t.Fatal(err)
	}
	err = Begin(t.Context(), place, NewEpoch(1, time.Now()))
	if err == nil || !strings.Contains(err.Error(), "If-None-Match") {
		t.Errorf("begun: %v", err)
	}
	if latest, err := Latest(t.Context(), place); err != nil || latest.Number != 0 {
		t.Errorf("the place has %+v, %v", latest, err)
	}
}

func TestAStoreThatAsksToTryAgainIsAskedAgain(t *testing.T) {
	t.Parallel()
	conflicts := make(chan struct{}, 1)
	conflicts <- struct{}{}
	address, credentials, _ := newStore(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-conflicts:
				w.WriteHeader(http.StatusConflict)
			default:
				h.ServeHTTP(w, r)
			}
		})
	})
	opened, err := Open(address, credentials, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := opened.(*store).make(t.Context(), "epochs/000001", []byte("mine")); err != nil {
		t.Error(err)
	}
}

func TestAnObjectStoreThatHangsOrKnowsNoCredentialsIsAnErrorInTime(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	address, credentials, _ := newStore(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	})
	for name, at := range map[string]string{
		"hangs": "s3://copies/lineboard?endpoint=http://" + silent.Addr().String(), "forbids": address,
	} {
		place, err := Open(at, credentials, "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		began := time.Now()
		_, err = place.Get(ctx, "epochs/000001")
		cancel()
		if err == nil || errors.Is(err, os.ErrNotExist) || time.Since(began) > 15*time.Second {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
	}
}

func TestLitestreamReadsTheCredentialsOfTheStoreFromTheSameFile(t *testing.T) {
	t.Parallel()
	place, err := Open("s3://copies/line?endpoint=https://store.example:9000&region=plant", "/etc/copy.key", "")
	if err != nil {
		t.Fatal(err)
	}
	config, err := ReplicatingConfig(place, 3, "/data/lineboard.db", "/run/s")
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{
		`"type": "s3"`, `"bucket": "copies"`, `"path": "line/000003/db"`, `"endpoint": "https://store.example:9000"`,
		`"region": "plant"`, `"force-path-style": true`,
	} {
		if !strings.Contains(string(config), wanted) {
			t.Errorf("the configuration lacks %s: %s", wanted, config)
		}
	}
	if env := strings.Join(place.Env(), " "); env != "AWS_SHARED_CREDENTIALS_FILE=/etc/copy.key" {
		t.Errorf("its environment: %q", env)
	}
}
