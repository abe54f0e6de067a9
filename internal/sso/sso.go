// Package sso speaks OpenID Connect with the providers of companies: the authorization code flow with PKCE. What a provider
// says counts for nothing until it is proven to be from it, for us, and the answer to what this browser asked.
package sso

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Settings are those of a tenant, with the secret that its provider knows Lineboard by; empty for a public client.
type Settings struct {
	packaging.SingleSignOn
	Secret secret.Text
}

// Trip is what a browser keeps while it is at the provider. All of it is secret.
type Trip struct {
	State, Nonce, Verifier string
}

// Options are what a client is made with.
type Options struct {
	Now    func() time.Time
	Limit  time.Duration // of each call
	Inside []string      // names of hosts that may lead to a private address
}

// Client asks providers. It may be used by many at once.
type Client struct {
	o Options

	mu    sync.Mutex
	known map[string]*provider // by what they were asked with
}

const (
	knownFor  = time.Hour       // how long what a provider says of itself holds
	failedFor = 3 * time.Second // how long it is not asked again after it did not answer
	knownMost = 100
	// skew is by how much a provider's clock may be behind ours where it says when somebody proved who they are.
	skew = time.Minute
)

// provider is what a provider says of itself.
type provider struct {
	*oidc.Provider
	about  about
	client *http.Client
	err    error // why there is none
	until  time.Time
	ready  chan struct{}
}

// about is the part of a provider's description that is used (OpenID Connect Discovery 1.0, section 3).
type about struct {
	Authorize string   `json:"authorization_endpoint"`
	Token     string   `json:"token_endpoint"`
	Keys      string   `json:"jwks_uri"`
	UserInfo  string   `json:"userinfo_endpoint"`
	SignOut   string   `json:"end_session_endpoint"`
	Methods   []string `json:"token_endpoint_auth_methods_supported"`
	PKCE      []string `json:"code_challenge_methods_supported"`
}

// New makes a client.
func New(o Options) *Client { return &Client{o: o, known: map[string]*provider{}} }

// Begin gives the address at the provider to send a browser to, which comes back to the redirect address. With anew, the
// provider must have the person prove who they are, whether it knows them already or not.
func (c *Client) Begin(ctx context.Context, s Settings, redirect string, anew bool) (to string, trip Trip, err error) {
	p, err := c.of(ctx, s)
	if err != nil {
		return "", trip, err
	}
	trip = Trip{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(trip.Nonce), oauth2.S256ChallengeOption(trip.Verifier)}
	if anew {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return p.oauth(s, redirect).AuthCodeURL(trip.State, options...), trip, nil
}

// Answer is what a browser brings back from a provider.
type Answer struct {
	State, Code string
	Issuer      string // RFC 9207, empty where the provider does not say it
	Error       string
}

// Finish takes a provider's answer to what was begun: who the person is. With anew not zero they must have proved it since
// then. The error is a [packaging.SignOnError].
func (c *Client) Finish(ctx context.Context, s Settings, redirect string, trip Trip, a Answer, anew time.Time) (id packaging.Identity, err error) {
	switch {
	case trip.State == "" || subtle.ConstantTimeCompare([]byte(trip.State), []byte(a.State)) != 1:
		return id, fail(packaging.SignOnStale, "state")
	case a.Issuer != "" && a.Issuer != s.Issuer:
		return id, fail(packaging.SignOnBadToken, "the answer is another provider's")
	case a.Error == "access_denied":
		return id, fail(packaging.SignOnCancelled, "")
	case a.Error != "":
		return id, fail(packaging.SignOnRefused, errorCode(a.Error))
	case a.Code == "":
		return id, fail(packaging.SignOnRefused, "no code")
	}
	p, err := c.of(ctx, s)
	if err != nil {
		return id, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.oauth(s, redirect).Exchange(ctx, a.Code, oauth2.VerifierOption(trip.Verifier))
	if err != nil {
		return id, exchangeFailed(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return id, fail(packaging.SignOnBadToken, "no ID token")
	}
	verified, err := p.Verifier(&oidc.Config{ClientID: s.ClientID, Now: c.o.Now}).Verify(ctx, raw)
	if err != nil {
		return id, notProven(err)
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		return id, fail(packaging.SignOnBadToken, "the claims can't be read")
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(trip.Nonce)) != 1:
		return id, fail(packaging.SignOnBadToken, "the nonce is another")
	case len(verified.Audience) > 1 && claims["azp"] != s.ClientID: // OpenID Connect Core 1.0, section 3.1.3.7
		return id, fail(packaging.SignOnBadToken, "it is for another client")
	case verified.Subject == "" || len(verified.Subject) > 255:
		return id, fail(packaging.SignOnBadToken, "no subject")
	case verified.AccessTokenHash != "" && verified.VerifyAccessToken(token.AccessToken) != nil:
		return id, fail(packaging.SignOnBadToken, "the access token is another")
	}
	if !anew.IsZero() {
		at, ok := claims["auth_time"].(float64)
		if !ok || time.Unix(int64(at), 0).Before(anew.Add(-skew)) {
			return id, fail(packaging.SignOnNotAnew, "")
		}
	}
	if len(Values(claims, s.Claim)) == 0 {
		if err := p.more(ctx, s, token, verified.Subject, claims); err != nil {
			return id, err
		}
	}
	return packaging.Identity{
		Issuer: s.Issuer, Subject: verified.Subject,
		Username: word(claims, "preferred_username"), Email: word(claims, "email"), FullName: fullName(claims), Values: Values(claims, s.Claim),
	}, nil
}

// more asks for the claims that some providers give at an endpoint of its own alone. What the ID token says stays.
func (p *provider) more(ctx context.Context, s Settings, token *oauth2.Token, subject string, claims map[string]any) error {
	if p.about.UserInfo == "" {
		return nil
	}
	info, err := p.Provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fail(packaging.SignOnDown, "userinfo")
	}
	if info.Subject != subject { // section 5.3.2
		return fail(packaging.SignOnBadToken, "userinfo is of another person")
	}
	found := map[string]any{}
	if err := info.Claims(&found); err != nil {
		return fail(packaging.SignOnBadToken, "userinfo can't be read")
	}
	for name, value := range found {
		if _, known := claims[name]; !known {
			claims[name] = value
		}
	}
	return nil
}

// SignOut gives the address at the provider where a person signs out there and comes back; empty where it has none.
func (c *Client) SignOut(ctx context.Context, s Settings, back string) string {
	p, err := c.of(ctx, s)
	if err != nil || p.about.SignOut == "" {
		return ""
	}
	u, err := url.Parse(p.about.SignOut)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", s.ClientID)
	q.Set("post_logout_redirect_uri", back)
	u.RawQuery = q.Encode()
	return u.String()
}

// Test asks a provider anew what it says of itself, and for its keys. Nobody is signed in, and no secret leaves.
func (c *Client) Test(ctx context.Context, s Settings) (r packaging.SignOnReport) {
	c.mu.Lock()
	delete(c.known, key(s))
	c.mu.Unlock()
	begun := time.Now()
	r.Issuer = s.Issuer
	p, err := c.of(ctx, s)
	if err == nil {
		a := p.about
		r.Authorize, r.Token, r.Keys, r.UserInfo, r.SignOut, r.PKCE = a.Authorize, a.Token, a.Keys, a.UserInfo, a.SignOut, slices.Contains(a.PKCE, "S256")
		r.KeyCount, err = p.keys(ctx)
	}
	r.Took = time.Since(begun)
	if !errors.As(err, &r.Problem) && err != nil {
		r.Problem = &packaging.SignOnError{Reason: packaging.SignOnDown}
	}
	return r
}

// keys counts the keys that the provider signs with.
func (p *provider) keys(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.about.Keys, nil)
	if err != nil {
		return 0, fail(packaging.SignOnNoOpenID, "jwks_uri")
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return 0, callFailed(err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if answer.StatusCode != http.StatusOK || json.NewDecoder(answer.Body).Decode(&set) != nil || len(set.Keys) == 0 {
		return 0, fail(packaging.SignOnNoOpenID, "jwks_uri")
	}
	return len(set.Keys), nil
}

func key(s Settings) string { return s.Issuer + " " + strings.Join(s.Hosts, " ") }

// of gives a provider as it describes itself: from memory, or asked for by one for all who wait.
func (c *Client) of(ctx context.Context, s Settings) (*provider, error) {
	c.mu.Lock()
	p, ok := c.known[key(s)]
	if ok && p.settled() && !c.o.Now().Before(p.until) {
		ok = false
	}
	if !ok {
		if len(c.known) >= knownMost {
			clear(c.known)
		}
		p = &provider{ready: make(chan struct{})}
		c.known[key(s)] = p
		go c.discover(context.WithoutCancel(ctx), s, p) // others wait for it too
	}
	c.mu.Unlock()
	select {
	case <-p.ready:
		return p, p.err
	case <-ctx.Done():
		return p, fail(packaging.SignOnDown, "no answer in time")
	}
}

func (p *provider) settled() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

func (c *Client) discover(ctx context.Context, s Settings, p *provider) {
	defer close(p.ready)
	p.client = c.httpClient(s)
	p.until = c.o.Now().Add(failedFor)
	if _, err := packaging.ParseBaseURL(s.Issuer); err != nil {
		p.err = fail(packaging.SignOnNoOpenID, "issuer")
		return
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), s.Issuer)
	if err != nil {
		p.err = discoveryFailed(err)
		return
	}
	if err := found.Claims(&p.about); err != nil {
		p.err = fail(packaging.SignOnNoOpenID, "")
		return
	}
	for name, at := range map[string]string{
		"authorization_endpoint": p.about.Authorize, "token_endpoint": p.about.Token, "jwks_uri": p.about.Keys,
		"userinfo_endpoint": p.about.UserInfo, "end_session_endpoint": p.about.SignOut,
	} {
		if at == "" && (name == "userinfo_endpoint" || name == "end_session_endpoint") {
			continue
		}
		if p.err = allowed(s, name, at); p.err != nil {
			return
		}
	}
	p.Provider, p.until = found, c.o.Now().Add(knownFor)
}

// allowed says whether an address that a provider names is one to go to.
func allowed(s Settings, name, at string) error {
	u, err := url.Parse(at)
	if err != nil {
		return fail(packaging.SignOnNoOpenID, name)
	}
	bare := *u
	bare.RawQuery = ""
	if _, err := packaging.ParseBaseURL(bare.String()); err != nil {
		return fail(packaging.SignOnNoOpenID, name)
	}
	if !slices.Contains(s.AllHosts(), strings.ToLower(u.Hostname())) {
		return fail(packaging.SignOnElsewhere, u.Hostname())
	}
	return nil
}

// oauth is how a tenant's client asks for tokens. The way that it proves itself is one that the provider knows: a wrong one
// would use the code up.
func (p *provider) oauth(s Settings, redirect string) *oauth2.Config {
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if s.Secret.Empty() || len(p.about.Methods) > 0 && !slices.Contains(p.about.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.Secret.Reveal(), Endpoint: endpoint, RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, s.Scopes...),
	}
}

// Values are what a claim holds: a text, or a list of them. The name may lead into objects by dots; one that is a claim's
// whole name, as some are addresses, counts first.
func Values(claims map[string]any, name string) (values []string) {
	switch v := find(claims, name).(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				values = append(values, text)
			}
		}
	}
	return values
}

func find(claims map[string]any, name string) any {
	if v, ok := claims[name]; ok {
		return v
	}
	for at := range name {
		if name[at] != '.' {
			continue
		}
		if inner, ok := claims[name[:at]].(map[string]any); ok {
			return find(inner, name[at+1:])
		}
	}
	return nil
}

func word(claims map[string]any, name string) string {
	text, _ := claims[name].(string)
	return text
}

func fullName(claims map[string]any) string {
	if name := word(claims, "name"); name != "" {
		return name
	}
	return strings.TrimSpace(word(claims, "given_name") + " " + word(claims, "family_name"))
}

func fail(reason packaging.SignOnReason, detail string) *packaging.SignOnError {
	return &packaging.SignOnError{Reason: reason, Detail: detail}
}

// errorCode is a provider's code of an error, where it looks like one: what is behind it may be anything.
func errorCode(code string) string {
	if len(code) > 60 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "unknown error"
	}
	return code
}

func exchangeFailed(err error) error {
	var told *oauth2.RetrieveError
	if !errors.As(err, &told) {
		return callFailed(err)
	}
	if told.ErrorCode == "" && told.Response != nil {
		if told.Response.StatusCode >= http.StatusInternalServerError {
			return fail(packaging.SignOnDown, fmt.Sprint("HTTP ", told.Response.StatusCode))
		}
		return fail(packaging.SignOnRefused, fmt.Sprint("HTTP ", told.Response.StatusCode))
	}
	return fail(packaging.SignOnRefused, errorCode(told.ErrorCode))
}

// notProven says which of its promises an ID token does not keep, without repeating what it says.
func notProven(err error) error {
	var late *oidc.TokenExpiredError
	var call *url.Error
	switch {
	case errors.As(err, &late):
		return fail(packaging.SignOnBadToken, "expired")
	case errors.As(err, &call), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errCall):
		return fail(packaging.SignOnDown, "jwks_uri")
	}
	return fail(packaging.SignOnBadToken, "signature, issuer, audience or time")
}
