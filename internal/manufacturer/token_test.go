package manufacturer

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/secret"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestFiftyCallsWithARejectedTokenSignInOnce(t *testing.T) {
	c, s := withSandbox(t, nil)
	if _, _, err := c.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Inject(sandbox.Fault{Call: sandbox.ListOpen, Kind: sandbox.ExpiredToken, Times: 1})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, _, err := c.Open(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.Calls()[sandbox.SignIn]; n != 2 {
		t.Errorf("signed in %d times, want once before and once after", n)
	}
}

func TestFiftyCallsWithATokenThatIsAboutToExpireSignInOnce(t *testing.T) {
	var later atomic.Int64
	c, s := withSandbox(t, func(c *Config) {
		c.Now = func() time.Time { return noon.Add(time.Duration(later.Load())) }
	})
	if _, err := c.Details(t.Context(), "Order143"); err != nil {
		t.Fatal(err)
	}
	later.Store(int64(24*time.Hour - 6*time.Minute))
	if _, err := c.Details(t.Context(), "Order143"); err != nil || s.Calls()[sandbox.SignIn] != 1 {
		t.Errorf("signed in %d times before the margin, %v", s.Calls()[sandbox.SignIn], err)
	}
	later.Store(int64(24*time.Hour - 4*time.Minute))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := c.Details(context.Background(), "Order143"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.Calls()[sandbox.SignIn]; n != 2 {
		t.Errorf("signed in %d times", n)
	}
}

func TestATokenThatIsRejectedDuringAReleaseIsRenewedOnce(t *testing.T) {
	for _, c := range []struct {
		name                    string
		kind                    TokenKind
		times                   int
		outcome                 packaging.Outcome
		signIns, sent, releases int
	}{
		{"rejected once", Dynamic, 1, packaging.Released, 2, 2, 1},
		{"rejected again after the renewal", Dynamic, 0, packaging.Refused, 2, 2, 0},
		{"a static token is never renewed", Static, 1, packaging.Refused, 0, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, s := withSandbox(t, func(cfg *Config) { cfg.TokenKind = c.kind })
			s.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.ExpiredToken, Times: c.times})
			a := order143(t, client)
			if a.Outcome != c.outcome || a.Outcome == packaging.Refused && a.Reason != packaging.TokenRejected {
				t.Errorf("answer %v", a)
			}
			calls := s.Calls()
			if calls[sandbox.SignIn] != c.signIns || calls[sandbox.ReleaseToLine] != c.sent ||
				len(s.Released()) != c.releases {
				t.Errorf("calls %v, %d releases", calls, len(s.Released()))
			}
		})
	}
}

func TestWithoutASignInNothingIsSent(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  sandbox.Fault
		config func(*Config)
		want   packaging.Reason
	}{
		{
			"a wrong secret",
			sandbox.Fault{},
			func(c *Config) { c.APISecret = secret.New("wrong-secret") },
			packaging.SignInRejected,
		},
		{
			"a no in 400",
			sandbox.Fault{Kind: sandbox.ErrorBefore, Status: 400, Body: `{"success":false,"message":"x"}`},
			nil,
			packaging.SignInRejected,
		},
		{
			"a 401 in another layout",
			sandbox.Fault{Kind: sandbox.ErrorBefore, Status: 401, Body: `{"message":"Unauthorized"}`},
			nil,
			packaging.SignInRejected,
		},
		{"a server error", sandbox.Fault{Kind: sandbox.ErrorBefore}, nil, packaging.SignInFailed},
		{"a cut", sandbox.Fault{Kind: sandbox.CutBefore}, nil, packaging.SignInFailed},
		{"a page", sandbox.Fault{Kind: sandbox.HTML}, nil, packaging.SignInFailed},
		{"a proxy", sandbox.Fault{Kind: sandbox.Forbidden}, nil, packaging.SignInFailed},
		{"throttled", sandbox.Fault{Kind: sandbox.Throttle}, nil, packaging.SignInFailed},
		{"an empty answer", sandbox.Fault{Kind: sandbox.Empty}, nil, packaging.SignInFailed},
		{"half an answer", sandbox.Fault{Kind: sandbox.CutJSON}, nil, packaging.SignInFailed},
		{"no token in it", sandbox.Fault{Kind: sandbox.WrongType}, nil, packaging.SignInFailed},
		{
			"too late",
			sandbox.Fault{Kind: sandbox.Delay, Delay: time.Hour},
			func(c *Config) { c.Limits.SignIn = 50 * time.Millisecond }, packaging.SignInFailed,
		},
		{
			"nobody there",
			sandbox.Fault{},
			func(c *Config) { c.BaseURL = "https://nowhere.invalid" },
			packaging.SignInFailed,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, s := withSandbox(t, c.config)
			if c.fault.Kind != "" {
				c.fault.Call = sandbox.SignIn
				s.Inject(c.fault)
			}
			if a := order143(t, client); a.Outcome != packaging.Refused || a.Reason != c.want || a.Message == "" {
				t.Errorf("answer %v: %s", a, a.Message)
			}
			_, _, err := client.Open(t.Context())
			if e := callError(t, err); e.Reason != c.want {
				t.Errorf("open: %v", e)
			}
			if calls := s.Calls(); calls[sandbox.ReleaseToLine] != 0 || calls[sandbox.ListOpen] != 0 {
				t.Errorf("calls %v", calls)
			}
		})
	}
}

func TestASignInOutlivesTheCallThatBeganIt(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	var signIns atomic.Int64
	s := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/api_auth" {
			signIns.Add(1)
			close(arrived)
			<-goOn
			says(200, `{"success":true,"token":"a-token"}`)(w, r)
			return
		}
		says(200, `{"success":true,"data":[]}`)(w, r)
	})
	c := newClient(t, config(s.URL))
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan packaging.Answer)
	go func() { first <- c.ReleaseToLine(ctx, "Order143") }()
	<-arrived
	cancel()
	if a := <-first; a.Outcome != packaging.Refused || a.Reason != packaging.NotConnected {
		t.Errorf("the call that gave up: %v", a)
	}
	second := make(chan error)
	go func() {
		_, _, err := c.Open(context.Background())
		second <- err
	}()
	close(goOn)
	if err := <-second; err != nil || signIns.Load() != 1 {
		t.Errorf("signed in %d times, %v", signIns.Load(), err)
	}
}

func TestTokensAreFoundUnderAllAssumedNames(t *testing.T) {
	for _, body := range []string{
		`{"success":true,"token":"the-token"}`,
		`{"success":true,"access_token":"the-token"}`,
		`{"success":true,"accessToken":"the-token"}`,
		`{"success":true,"data":"the-token"}`,
		`{"success":true,"data":{"token":"the-token"}}`,
		`{"success":true,"data":{"access-token":"the-token"}}`,
		`{"success":true,"token":"","data":{"Token":"the-token"}}`,
	} {
		t.Run(body, func(t *testing.T) {
			s := answering(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/api_auth" {
					if r.Header.Get("X-Access-Token") != "" || r.Header.Get("X-Channel-Key") != "" ||
						r.Header.Get("Content-Type") != "application/json" {
						t.Errorf("headers of sign-in: %v", r.Header)
					}
					says(200, body)(w, r)
					return
				}
				says(200, `[]`)(w, r)
			})
			if _, _, err := newClient(t, config(s.URL)).Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.last.Load().Header.Get("X-Access-Token"); got != "the-token" {
				t.Errorf("token %q", got)
			}
		})
	}
}

func TestAnUnknownTokenNameIsToldWithoutItsValue(t *testing.T) {
	s := answering(
		t,
		says(
			200,
			`{"success":true,"jwt":"value-of-jwt","data":{"bearer":"value-of-bearer"},"`+strings.Repeat("k", 50)+`":1}`,
		),
	)
	_, _, err := newClient(t, config(s.URL)).Open(t.Context())
	e := callError(t, err)
	if want := "the answer to sign-in holds no token that is known; it holds: data, data.bearer, jwt, success"; e.Reason != packaging.SignInFailed || e.Message != want {
		t.Errorf("%v", e)
	}
}

func token(payload string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

func TestTokensAreRenewedEarly(t *testing.T) {
	const day = 24*time.Hour - 5*time.Minute
	now := noon.Unix()
	for _, c := range []struct {
		name, token string
		want        time.Duration
	}{
		{"a day", token(fmt.Sprintf(`{"iat":%d,"exp":%d}`, now, now+86400)), day},
		{
			"an hour, by a clock two days behind",
			token(fmt.Sprintf(`{"iat":%d,"exp":%d}`, now-172800, now-172800+3600)), 55 * time.Minute,
		},
		{"a minute, as text", token(`{"iat":"100","exp":"160"}`), 54 * time.Second},
		{"an hour without iat", token(fmt.Sprintf(`{"exp":%d}`, now+3600)), 55 * time.Minute},
		{"past without iat", token(fmt.Sprintf(`{"exp":%d}`, now-1)), day},
		{"a year", token(`{"iat":0,"exp":31536000}`), day},
		{"backwards", token(`{"iat":10,"exp":5}`), day},
		{"beyond all numbers", token(`{"iat":1,"exp":1e999}`), day},
		{"no exp", token(`{}`), day},
		{"no JSON", token(`x`), day},
		{"no base64", "a.!.c", day},
		{"no JWT", "opaque", day},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := untilRenewal(c.token, noon); got != c.want {
				t.Errorf("renewed after %s, want %s", got, c.want)
			}
		})
	}
}
