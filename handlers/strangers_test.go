package handlers_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/handlers"
	"lineboard/handlers/handlerstest"
	"lineboard/internal/manufacturer"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
)

// Strangers try the passwords of people who sign in here every day. Addresses of 127.0.0.0/8 are peers of their own: no
// header names them.

// from has a browser come from a loopback address of its own.
func from(b *site.Browser, address string) *site.Browser {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	b.Client.Transport = &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	return b
}

// guess tries a wrong password of each name from each address.
func guess(s *site.Site, times int, addresses, usernames []string) {
	for _, address := range addresses {
		stranger := from(s.Browser(), address)
		for range times {
			for _, username := range usernames {
				stranger.Post("/login", "username", username, "password", "not the password")
			}
		}
	}
}

// wait returns how long an answer says to wait.
func wait(t *testing.T, a site.Answer) time.Duration {
	t.Helper()
	after := a.Header.Get("Retry-After")
	if after == "" {
		return 0
	}
	seconds, err := strconv.Atoi(after)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(seconds) * time.Second
}

// peers returns so many addresses from a first one on.
func peers(first string, n int) (all []string) {
	for a := netip.MustParseAddr(first); len(all) < n; a = a.Next() {
		all = append(all, a.String())
	}
	return all
}

func TestStrangersLockNobodyOutOfABrowserInWhichTheySignIn(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	const own = "127.0.0.2"
	tablet := from(s.Browser(), own)
	signIn := func() int {
		defer tablet.Post("/logout")
		return tablet.Post("/login", "username", "supervisor1", "password", site.Password).Status
	}
	if status := signIn(); status != http.StatusSeeOther {
		t.Fatalf("sign-in: %d", status)
	}
	for _, restart := range []bool{false, true} {
		if restart {
			s.Restart()
			tablet = from(s.SameBrowser(tablet), own)
		}
		guess(s, 2, peers(own, 50), []string{"supervisor1"})
		guess(s, 6, []string{own}, []string{"supervisor1"}) // at the tablet's own address
		stranger := from(s.Browser(), own)
		if a := stranger.Post(
			"/login", "username", "supervisor1", "password", site.Password,
		); a.Status != http.StatusTooManyRequests {
			t.Errorf("restarted %t: a stranger gets %d", restart, a.Status)
		}
		for i := range 50 {
			guess(s, 1, []string{own, "127.0.1.9"}, []string{"supervisor1"})
			if status := signIn(); status != http.StatusSeeOther {
				t.Fatalf("restarted %t: sign-in %d of 50 in their own browser: %d", restart, i+1, status)
			}
		}
	}
	other := tablet.Post("/login", "username", "manager1", "password", site.Password)
	if other.Status != http.StatusSeeOther {
		t.Errorf("somebody else in that browser: %d", other.Status)
	}
}

// Where people signed in since the last start, a browser without its cookie waits for a minute at most.
func TestWithoutItsCookieABrowserWaitsForAMinuteAtMost(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	const own = "127.0.0.2"
	signIn := func() site.Answer {
		return from(s.Browser(), own).Post("/login", "username", "supervisor1", "password", site.Password)
	}
	if a := signIn(); a.Status != http.StatusSeeOther {
		t.Fatalf("sign-in: %d", a.Status)
	}
	stranger, longest := from(s.Browser(), own), 0
	for range 40 { // one is refused, and the next one after the wait is wrong and doubles it
		a := stranger.Post("/login", "username", "supervisor1", "password", "not the password")
		s.Clock.Move(wait(t, a))
	}
	guess(s, 2, peers(own, 8), []string{"supervisor1", "manager1", "nobody"})
	for range 3 {
		a := signIn()
		longest = max(longest, int(wait(t, a).Seconds()))
		if s.Clock.Move(wait(t, a)); a.Status == http.StatusTooManyRequests {
			a = signIn()
		}
		if a.Status != http.StatusSeeOther {
			t.Fatalf("after the wait that was named: %d", a.Status)
		}
		guess(s, 8, []string{own}, []string{"supervisor1"})
	}
	if longest == 0 || longest > 60 {
		t.Errorf("the longest wait is %d s", longest)
	}
}

func TestStrangersHoldUpNoStation(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	s.SetPIN("supervisor1", handlerstest.APIN)
	const own = "127.0.0.2"
	tablet := from(s.Tablet("Tablet 1", "L1"), own)
	for _, restart := range []bool{false, true} {
		if restart {
			s.Restart()
			tablet = from(s.SameBrowser(tablet), own)
		}
		guess(s, 20, peers(own, 4), []string{"supervisor1", "operator1", "nobody"})
		for name, a := range map[string]site.Answer{
			"by PIN":      handlerstest.SignInByPIN(s, tablet, "supervisor1", handlerstest.APIN),
			"by password": tablet.Post("/login", "username", "operator1", "password", site.Password),
		} {
			if a.Status != http.StatusSeeOther {
				t.Errorf("restarted %t, %s: %d", restart, name, a.Status)
			}
			tablet.Post("/logout")
		}
	}
}

func TestAForgedDeviceIsAStrangers(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	own := s.Browser()
	made := own.Post("/login", "username", "operator1", "password", site.Password).Header.Values("Set-Cookie")
	i := slices.IndexFunc(made, func(c string) bool { return strings.HasPrefix(c, s.CookieName("device")+"=") })
	if i < 0 || !strings.Contains(made[i], "HttpOnly") || !strings.Contains(made[i], "Path=/login") {
		t.Fatalf("cookies %q", made)
	}
	cookie, _, _ := strings.Cut(made[i], ";")
	guess(s, 6, []string{"127.0.0.1"}, []string{"supervisor1"}) // from now on a stranger waits
	for name, planted := range map[string]string{
		"none":                  "",
		"that of somebody else": cookie,
		"an invented one":       s.CookieName("device") + "=" + strings.Repeat("A", 43),
		"a long one":            s.CookieName("device") + "=" + strings.Repeat("A", 1000),
		"a short one":           s.CookieName("device") + "=AAAA",
		"one that is no base64": s.CookieName("device") + "=%%%",
	} {
		if a := thief(s, planted).Post(
			"/login", "username", "supervisor1", "password", site.Password,
		); a.Status != http.StatusTooManyRequests {
			t.Errorf("%s: %d", name, a.Status)
		}
	}
	if a := thief(s, cookie).Post(
		"/login", "username", "operator1", "password", site.Password,
	); a.Status != http.StatusSeeOther {
		t.Errorf("the cookie's own person: %d", a.Status)
	}
}

// In a network whose addresses count each, strangers use up only what is theirs: tries and requests.
func TestAnAddressOfALocalIPv6NetworkStandsForItselfAlone(t *testing.T) {
	t.Parallel()
	for network, local := range map[string]bool{
		"fe80::%s": true, "fd00:1:2:3::%s": true, "2001:db8:12:7::%s": true, "2001:db8:13:7::%s": false,
	} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			s := site.New(
				t, site.Options{Local: []netip.Prefix{netip.MustParsePrefix("2001:db8:12::/48")}, PerSecond: 20},
			)
			send := func(r *http.Request, host string) int {
				r.RemoteAddr = net.JoinHostPort(fmt.Sprintf(network, host), "50123")
				w := httptest.NewRecorder()
				s.Handler.ServeHTTP(w, r)
				return w.Code
			}
			signIn := func(host, username, password string) int {
				form := url.Values{"username": {username}, "password": {password}}
				r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(form.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				return send(r, host)
			}
			for i := range 60 { // more names than an address may try
				signIn("bad", fmt.Sprint("name", i), "not the password")
			}
			get := func() *http.Request { return httptest.NewRequest(http.MethodGet, "/login", nil) }
			for send(get(), "bad") != http.StatusTooManyRequests {
			}
			want := map[bool]int{true: http.StatusSeeOther, false: http.StatusTooManyRequests}[local]
			if got := send(get(), "7"); (got == http.StatusOK) != local {
				t.Errorf("a page is answered with %d", got)
			}
			if got := signIn("7", "supervisor1", site.Password); got != want {
				t.Errorf("a sign-in is answered with %d, want %d", got, want)
			}
		})
	}
}

// heldUp is a store in which looking up a name that nobody has takes until the test ends: as if comparing passwords
// took all of the processor.
type heldUp struct {
	*db.DB
	arrived chan struct{}
	letGo   chan struct{}
}

func (h heldUp) Credential(ctx context.Context, username string) (packaging.UserID, string, error) {
	if strings.HasPrefix(username, "name") {
		h.arrived <- struct{}{}
		<-h.letGo
	}
	return h.DB.Credential(ctx, username)
}

func TestStrangersDoNotTakeTheProcessorFromKnownBrowsers(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	held := heldUp{s.Store, make(chan struct{}, 100), make(chan struct{})}
	web := httptest.NewServer(handlers.New(handlers.Config{
		Store: held, Guard: s.Guard, Hub: s.Hub, Log: slog.New(slog.DiscardHandler), Now: s.Clock.Now,
		Idle: time.Hour, Limit: time.Hour,
		Releaser: s.Releaser, Settler: s.Settler, Clients: manufacturer.NewClients(nil),
	}))
	t.Cleanup(web.Close)
	s.Web = web
	var strangers sync.WaitGroup
	defer strangers.Wait()
	defer close(held.letGo)
	known := s.SignIn("supervisor1")
	known.Post("/logout")
	for i := range 20 {
		strangers.Go(func() {
			from(s.Browser(), "127.0.0.3").Post(
				"/login", "username", fmt.Sprint("name", i), "password", "not the password",
			)
		})
	}
	for range 2 {
		<-held.arrived
	}
	if a := known.Post(
		"/login", "username", "supervisor1", "password", site.Password,
	); a.Status != http.StatusSeeOther {
		t.Errorf("a known browser: %d", a.Status)
	}
	if n := len(held.arrived); n != 0 {
		t.Errorf("%d more strangers are compared at the same time", n)
	}
}
