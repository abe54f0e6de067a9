package deliver

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// receiver is a program of a line that checks messages with the library of the specification.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	answers []int // to the next messages; 200 after these
	ids     []string
	bodies  []string
	wrong   []error
}

func newReceiver(t *testing.T, key string, answers ...int) *receiver {
	t.Helper()
	hook, err := webhooks.NewWebhook(key)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{answers: answers}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err := hook.Verify(body, request.Header); err != nil {
			r.wrong = append(r.wrong, err)
		}
		r.ids, r.bodies = append(r.ids, request.Header.Get("webhook-id")), append(r.bodies, string(body))
		status := http.StatusOK
		if len(r.answers) > 0 {
			status, r.answers = r.answers[0], r.answers[1:]
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "http://127.0.0.1:1/")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

func aWebhook(address string) packaging.Destination {
	return packaging.Destination{
		ID: 1, Name: "MES", Kind: packaging.WebhookDestination, Address: address + "/hooks",
		Format: packaging.JSONFormat, GiveUp: time.Hour,
		PublicURL: "https://lineboard.example",
	}
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestAWebhookGetsItsListUnderOneIDUntilItTakesIt(t *testing.T) {
	t.Parallel()
	s := newShelf()
	d := New(s, Options{})
	key := d.NewSigningSecret()
	r := newReceiver(t, key.Reveal(), 500, 302, 200)
	*s = *newShelf(aWebhook(r.URL))
	s.now = key
	started(t, s, Options{Hosts: []string{hostOf(t, r.URL)}})
	v := await(t, s.taken)
	if first, second := await(t, s.failed), await(t, s.failed); first.Problem != packaging.RefusedThere ||
		second.Problem != packaging.Redirected {
		t.Errorf("%+v %+v", first, second)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.wrong) > 0 || len(r.ids) != 3 {
		t.Fatalf("%v %v", r.wrong, r.ids)
	}
	for i := range r.ids {
		if r.ids[i] != v.UID || r.bodies[i] != r.bodies[0] {
			t.Errorf("message %d: %s %s", i, r.ids[i], r.bodies[i])
		}
	}
	var m struct {
		Type string
		Data struct {
			Order   string
			Serials []string
		}
	}
	if err := json.Unmarshal([]byte(r.bodies[0]), &m); err != nil || m.Type != "serials.ready" ||
		m.Data.Order != "4711/A" || len(m.Data.Serials) != 2 || m.Data.Serials[1] != `S"2` {
		t.Errorf("%+v %v", m, err)
	}
}

func TestAWebhookThatIsGoneStopsItsDestination(t *testing.T) {
	t.Parallel()
	s := newShelf()
	key := New(s, Options{}).NewSigningSecret()
	r := newReceiver(t, key.Reveal(), http.StatusGone)
	*s = *newShelf(aWebhook(r.URL))
	s.now = key
	started(t, s, Options{Hosts: []string{hostOf(t, r.URL)}})
	if why := await(t, s.closed); !strings.Contains(why, "410") {
		t.Error(why)
	}
	// Its list waits: it is neither taken nor given up.
	if try := await(t, s.failed); try.Problem != packaging.GoneThere {
		t.Errorf("%+v", try)
	}
	if v, err := s.NextDelivery(t.Context(), 1); err != nil || v.Next.IsZero() || len(s.taken) > 0 {
		t.Errorf("%+v %v", v, err)
	}
}

func TestAFailureDoesNotNameTheAddressOfAWebhook(t *testing.T) {
	t.Parallel()
	s := newShelf()
	key := New(s, Options{}).NewSigningSecret()
	r := newReceiver(t, key.Reveal())
	to := aWebhook(r.URL)
	to.Address += "/canary-path?token=canary"
	r.Close() // nobody is there any more
	*s = *newShelf(to)
	s.now = key
	d := started(t, s, Options{Hosts: []string{hostOf(t, r.URL)}})
	if try := await(t, s.failed); try.Problem != packaging.Unreachable || strings.Contains(try.Detail, "canary") {
		t.Errorf("%+v", try)
	}
	if err := d.Try(t.Context(), to); err == nil || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

func TestBothSecretsCountWhileOneIsReplaced(t *testing.T) {
	t.Parallel()
	s := newShelf()
	d := New(s, Options{})
	old, fresh := d.NewSigningSecret(), d.NewSigningSecret()
	for _, known := range []string{old.Reveal(), fresh.Reveal()} {
		r := newReceiver(t, known)
		s.now, s.before = fresh, old
		one := New(s, Options{Hosts: []string{hostOf(t, r.URL)}, Limit: 5 * time.Second, Now: time.Now})
		if err := one.Try(t.Context(), aWebhook(r.URL)); err != nil {
			t.Fatal(err)
		}
		if len(r.wrong) > 0 || strings.Contains(r.bodies[0], "serials") {
			t.Errorf("%v %s", r.wrong, r.bodies)
		}
	}
}

// longList is a store with one list for a webhook that no message can hold.
func longList(to packaging.Destination, key secret.Text) *shelf {
	s := newShelf(to)
	s.now, s.serials = key, make([]string, 60_000)
	for i := range s.serials {
		s.serials[i] = "12345678901234567890"
	}
	v := s.waiting[to.ID]
	v.Facts.Count = 60_000
	s.waiting[to.ID] = v
	return s
}

func TestALongListIsNamedByALinkAndItsDigest(t *testing.T) {
	t.Parallel()
	key := New(newShelf(), Options{}).NewSigningSecret()
	r := newReceiver(t, key.Reveal())
	s := longList(aWebhook(r.URL), key)
	started(t, s, Options{Hosts: []string{hostOf(t, r.URL)}})
	v := await(t, s.taken)
	var m struct {
		Data struct {
			Link, SHA256 string
			Size         int64
		}
	}
	if err := json.Unmarshal([]byte(r.bodies[0]), &m); err != nil ||
		m.Data.Link != "https://lineboard.example/api/v1/releases/"+v.UID+"/serials" ||
		m.Data.Size != v.Size || len(m.Data.SHA256) != 64 || len(r.bodies[0]) > 2_000 {
		t.Errorf("%+v %v", m, err)
	}
}

func TestALongListGoesOutOnceItsReceiverCanReachIt(t *testing.T) {
	t.Parallel()
	key := New(newShelf(), Options{}).NewSigningSecret()
	r := newReceiver(t, key.Reveal())
	to := aWebhook(r.URL)
	to.PublicURL = ""
	s := longList(to, key)
	started(t, s, Options{Hosts: []string{hostOf(t, r.URL)}})
	for range 2 {
		if try := await(t, s.failed); try.Problem != packaging.NoPublicURL {
			t.Errorf("%+v", try)
		}
	}
	r.mu.Lock()
	if len(r.bodies) > 0 {
		t.Errorf("a message that leads nowhere: %s", r.bodies)
	}
	r.mu.Unlock()
	s.mu.Lock()
	s.destinations[0].PublicURL = "https://lineboard.example"
	s.mu.Unlock()
	if v := await(t, s.taken); v.Link != "https://lineboard.example/api/v1/releases/"+v.UID+"/serials" {
		t.Errorf("%+v", v)
	}
}

func TestAMessageKeepsItsLinkThoughTheAddressChanges(t *testing.T) {
	t.Parallel()
	key := New(newShelf(), Options{}).NewSigningSecret()
	r := newReceiver(t, key.Reveal(), slices.Repeat([]int{500}, 1000)...)
	s := longList(aWebhook(r.URL), key)
	started(t, s, Options{Hosts: []string{hostOf(t, r.URL)}})
	await(t, s.failed)
	s.mu.Lock()
	s.destinations[0].PublicURL = "https://elsewhere.example"
	s.mu.Unlock()
	for range 2 { // the second begins with the new address for sure
		await(t, s.failed)
	}
	r.mu.Lock()
	r.answers = nil
	r.mu.Unlock()
	await(t, s.taken)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, body := range r.bodies {
		if body != r.bodies[0] {
			t.Errorf("message %d: %s, and at first %s", i, body, r.bodies[0])
		}
	}
}

func TestAHostThatIsNotListedIsNotReached(t *testing.T) {
	t.Parallel()
	s := newShelf()
	key := New(s, Options{}).NewSigningSecret()
	r := newReceiver(t, key.Reveal())
	*s = *newShelf(aWebhook(r.URL))
	s.now = key
	d := started(t, s, Options{Hosts: []string{"mes.plant.example"}})
	if try := await(t, s.failed); try.Problem != packaging.HostNotAllowed || len(r.ids) > 0 {
		t.Errorf("%+v %v", try, r.ids)
	}
	for _, address := range []string{
		r.URL, "http://127.0.0.1", "https://[::1]/", "ftp://mes.plant.example/", "https://user:pw@mes.plant.example/",
		"https://mes.plant.example/#x", "x",
	} {
		to := aWebhook("")
		to.Address, to.SecretKind, to.LateAfter = address, packaging.SigningSecret, time.Minute
		if _, _, err := d.Check(to, key); packaging.CodeOf(err) != packaging.Invalid {
			t.Errorf("%s: %v", address, err)
		}
	}
}
