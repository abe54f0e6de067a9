package manufacturer

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// tokenLife is how long a dynamic token is valid (documented).
const tokenLife = 24 * time.Hour

// tokens hold the dynamic token. It is only in memory.
type tokens struct {
	mu      sync.Mutex
	current secret.Text
	renewAt time.Time
	until   time.Time // when the current one expires
	renewal *renewal  // nil if none is under way
}

// renewal is a sign-in that any number of calls wait for.
type renewal struct {
	done   chan struct{} // closed when the rest is set
	token  secret.Text
	failed *problem
}

// token returns the token for a call. It signs in if there is no token, if it is about to expire, or if it is the
// rejected one (empty for none). A sign-in continues when the calls that wait for it give up.
func (c *Client) token(ctx context.Context, rejected secret.Text) (secret.Text, *problem) {
	if c.kind == Static {
		return c.static, nil
	}
	t := &c.tokens
	t.mu.Lock()
	if !t.current.Empty() && !t.current.Equal(rejected) && c.now().Before(t.renewAt) {
		defer t.mu.Unlock()
		return t.current, nil
	}
	if t.renewal == nil {
		t.renewal = &renewal{done: make(chan struct{})}
		go c.renew(t.renewal)
	}
	renewal := t.renewal
	t.mu.Unlock()

	select {
	case <-renewal.done:
		return renewal.token, renewal.failed
	case <-ctx.Done():
		why := "given up before it was sent, while signing in"
		return secret.Text{}, c.problem(reply{}, packaging.NotConnected, why)
	}
}

func (c *Client) renew(r *renewal) {
	r.token, r.failed = c.signIn(context.Background())

	c.tokens.mu.Lock()
	defer c.tokens.mu.Unlock()
	if r.failed == nil {
		now := c.now()
		c.tokens.current = r.token
		c.tokens.renewAt = now.Add(untilRenewal(r.token.Reveal(), now))
		c.tokens.until = now.Add(lifeOf(r.token.Reveal(), now))
	}
	c.tokens.renewal = nil
	close(r.done)
}

// signIn fetches a dynamic token: POST /v1/api_auth with the API key and secret (documented). It fails with
// SignInRejected if the API refuses them, and with SignInFailed otherwise.
func (c *Client) signIn(ctx context.Context) (secret.Text, *problem) {
	token, _, p := c.signInAt(ctx)
	return token, p
}

// signInAt is signIn, and also returns the path of assumed.go at which the token was found.
func (c *Client) signInAt(ctx context.Context) (token secret.Text, path string, p *problem) {
	body, _ := json.Marshal(map[string]string{ // strings always have JSON
		"api_key":    c.apiKey.Reveal(),
		"api_secret": c.apiSecret.Reveal(),
	})
	doc, p := c.carry(ctx, call{
		client:   c.acts,
		method:   http.MethodPost,
		path:     "/v1/api_auth",
		body:     body,
		limit:    c.limits.SignIn,
		tries:    harmlessTries,
		harmless: true,
	}, secret.Text{})
	if p != nil {
		if p.deniesSignIn() {
			p.Reason = packaging.SignInRejected
		} else {
			p.Reason = packaging.SignInFailed
		}
		return secret.Text{}, "", p
	}
	for _, path := range tokenAt {
		if value := doc.fields[path]; value.kind() == '"' {
			if token := value.text(); token != "" && fitsHeader(token) {
				c.scrub.learn(secret.New(token))
				return secret.New(token), path, nil
			}
		}
	}
	return secret.Text{}, "", c.problem(doc.reply, packaging.SignInFailed,
		"the answer to sign-in holds no token that is known; it holds: "+doc.names())
}

// deniesSignIn reports whether the API refused the key or secret, as opposed to not checking them.
func (p *problem) deniesSignIn() bool {
	switch p.Reason {
	case packaging.NotConnected, packaging.Throttled:
		return false
	case packaging.OtherRefusal:
		return true
	case packaging.Unreadable:
		return p.json && (p.HTTPStatus == http.StatusUnauthorized || p.HTTPStatus == http.StatusForbidden)
	}
	return p.provesNotDone()
}

// names returns the names in an answer, as the API spells them: what it repeats is found in its own letters alone. It
// leaves out very long ones, which may be anything, even a token.
func (d document) names() string {
	var short []string
	for _, path := range slices.Sorted(maps.Keys(d.fields)) {
		if name := spelled(d.root, path); len(name) <= 40 {
			short = append(short, name)
		}
	}
	if len(short) == 0 {
		return "nothing with a name"
	}
	return strings.Join(short, ", ")
}

// untilRenewal returns how long a token that came now is used: its life less a margin.
func untilRenewal(token string, now time.Time) time.Duration {
	life := lifeOf(token, now)
	return life - min(life/10, 5*time.Minute)
}

// lifeOf returns how long a token that came now is valid. For a JWT this is the difference of its own two times,
// because the clocks may differ. Otherwise, and for implausible times, it is the documented day: a token that ends
// sooner is renewed when the API rejects it.
func lifeOf(token string, now time.Time) time.Duration {
	issued, expires := secret.TokenTimes(secret.New(token))
	if expires.IsZero() {
		return tokenLife
	}
	if issued.IsZero() {
		issued = now
	}
	if life := expires.Sub(issued); life > 0 && life < tokenLife {
		return life
	}
	return tokenLife
}
