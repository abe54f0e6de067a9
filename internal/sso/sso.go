// Package sso signs people in through OpenID Connect: the authorization code flow with PKCE. It trusts an answer only
// once it is proven that it comes from the provider, is meant for Lineboard, and belongs to this browser's login.
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

// Settings are those of a tenant with its client secret, which is empty for a public client.
type Settings struct {
	packaging.SingleSignOn
	Secret secret.Text
}

// LoginAttempt is what a browser keeps while it is at the provider. All of it is secret.
type LoginAttempt struct {
	State, Nonce, Verifier string
}

// Options configure a Client.
type Options struct {
	Now          func() time.Time
	Limit        time.Duration // of each call
	AllowPrivate []string      // host names that may resolve to a private address
}

// Client calls providers. It is safe for concurrent use.
type Client struct {
	o Options

	mu        sync.Mutex
	providers map[string]*provider // by cacheKey
}

const (
	cacheTime    = time.Hour       // for which the metadata of a provider is used
	failureTime  = 3 * time.Second // for which a provider that did not answer is not called again
	maxProviders = 100
	// maxSkew is how far a provider's clock may be behind ours in auth_time.
	maxSkew = time.Minute
)

// provider is a provider with its metadata, or the error of its discovery.
type provider struct {
	*oidc.Provider
	metadata metadata
	client   *http.Client
	err      error
	expires  time.Time
	ready    chan struct{} // closed when the discovery has ended
}

// metadata is the part of a provider's metadata that is used (OpenID Connect Discovery 1.0, section 3).
type metadata struct {
	Authorize string   `json:"authorization_endpoint"`
	Token     string   `json:"token_endpoint"`
	Keys      string   `json:"jwks_uri"`
	UserInfo  string   `json:"userinfo_endpoint"`
	Logout    string   `json:"end_session_endpoint"`
	Methods   []string `json:"token_endpoint_auth_methods_supported"`
	PKCE      []string `json:"code_challenge_methods_supported"`
	Names     bool     `json:"authorization_response_iss_parameter_supported"` // its answers name the issuer (RFC 9207)
}

// New returns a Client.
func New(o Options) *Client { return &Client{o: o, providers: map[string]*provider{}} }

// BeginLogin starts a login. It returns the URL at the provider to send the browser to; the provider sends it back to
// the redirect URL. With anew, the provider must authenticate the person even if they are signed in there. Begin fails
// with a [packaging.SignOnError] if the provider can't be reached.
func (c *Client) BeginLogin(
	ctx context.Context, s Settings, redirect string, anew bool,
) (to string, attempt LoginAttempt, err error) {
	p, err := c.provider(ctx, s)
	if err != nil {
		return "", attempt, err
	}
	attempt = LoginAttempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	options := []oauth2.AuthCodeOption{oidc.Nonce(attempt.Nonce), oauth2.S256ChallengeOption(attempt.Verifier)}
	if anew {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return p.oauth(s, redirect).AuthCodeURL(attempt.State, options...), attempt, nil
}

// Answer holds the parameters of the provider's redirect back to Lineboard.
type Answer struct {
	State, Code string
	Issuer      string // RFC 9207, empty if the provider does not send it
	Error       string
}

// FinishLogin ends a login: it verifies the provider's answer and returns who the person is. If anew is not zero, the
// provider must have authenticated them since then. It fails with a [packaging.SignOnError].
func (c *Client) FinishLogin(
	ctx context.Context, s Settings, redirect string, attempt LoginAttempt, a Answer, anew time.Time,
) (id packaging.Identity, err error) {
	if err := attempt.check(s, a); err != nil {
		return id, err
	}
	p, err := c.provider(ctx, s)
	if err != nil {
		return id, err
	}
	if p.metadata.Names && a.Issuer == "" {
		return id, fail(packaging.SignOnBadToken, "the answer does not say whose it is")
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.oauth(s, redirect).Exchange(ctx, a.Code, oauth2.VerifierOption(attempt.Verifier))
	if err != nil {
		return id, exchangeFailed(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return id, fail(packaging.SignOnBadToken, "no ID token")
	}
	verified, err := p.Verifier(&oidc.Config{ClientID: s.ClientID, Now: c.o.Now}).Verify(ctx, raw)
	if err != nil {
		return id, verificationFailed(err)
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		return id, fail(packaging.SignOnBadToken, "the claims can't be read")
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(attempt.Nonce)) != 1:
		return id, fail(packaging.SignOnBadToken, "the nonce is another")
	case forAnother(claims, verified.Audience, s.ClientID):
		return id, fail(packaging.SignOnBadToken, "it is for another client")
	case verified.Subject == "" || len(verified.Subject) > 255:
		return id, fail(packaging.SignOnBadToken, "no subject")
	case verified.AccessTokenHash != "" && verified.VerifyAccessToken(token.AccessToken) != nil:
		return id, fail(packaging.SignOnBadToken, "the access token is another")
	}
	if !anew.IsZero() {
		at, ok := claims["auth_time"].(float64)
		if !ok || time.Unix(int64(at), 0).Before(anew.Add(-maxSkew)) {
			return id, fail(packaging.SignOnNotAnew, "")
		}
	}
	if len(Values(claims, s.Claim)) == 0 {
		if err := p.addUserInfo(ctx, token, verified.Subject, claims); err != nil {
			return id, err
		}
	}
	return packaging.Identity{
		Issuer: s.Issuer, Subject: verified.Subject,
		Username: stringClaim(claims, "preferred_username"), Email: stringClaim(claims, "email"),
		FullName: fullName(claims), Values: Values(claims, s.Claim),
	}, nil
}

// forAnother reports whether an ID token was given to another client: it names one, or is for several and names none
// (OpenID Connect Core 1.0, section 3.1.3.7).
func forAnother(claims map[string]any, audience []string, client string) bool {
	party, named := claims["azp"]
	return named && party != client || len(audience) > 1 && !named
}

// check fails with a [packaging.SignOnError] if the provider's answer is not one to this attempt, or brings no code.
func (attempt LoginAttempt) check(s Settings, a Answer) error {
	switch {
	case attempt.State == "" || subtle.ConstantTimeCompare([]byte(attempt.State), []byte(a.State)) != 1:
		return fail(packaging.SignOnStale, "state")
	case a.Issuer != "" && a.Issuer != s.Issuer:
		return fail(packaging.SignOnBadToken, "the answer is another provider's")
	case a.Error == "access_denied":
		return fail(packaging.SignOnCancelled, "")
	case a.Error != "":
		return fail(packaging.SignOnRefused, errorCode(a.Error))
	case a.Code == "":
		return fail(packaging.SignOnRefused, "no code")
	}
	return nil
}

// addUserInfo adds the claims of the userinfo endpoint: some providers return group claims only there. Claims of the ID
// token stay.
func (p *provider) addUserInfo(ctx context.Context, token *oauth2.Token, subject string, claims map[string]any) error {
	if p.metadata.UserInfo == "" {
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

// LogoutURL returns the URL at the provider where a person logs out and is sent back, or "" if the provider has none or
// can't be reached.
func (c *Client) LogoutURL(ctx context.Context, s Settings, back string) string {
	p, err := c.provider(ctx, s)
	if err != nil || p.metadata.Logout == "" {
		return ""
	}
	u, err := url.Parse(p.metadata.Logout)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", s.ClientID)
	q.Set("post_logout_redirect_uri", back)
	u.RawQuery = q.Encode()
	return u.String()
}

// Test fetches a provider's metadata and keys, without the cache. It signs nobody in and sends no secret.
func (c *Client) Test(ctx context.Context, s Settings) (r packaging.SignOnReport) {
	c.mu.Lock()
	delete(c.providers, cacheKey(s))
	c.mu.Unlock()
	started := time.Now()
	r.Issuer = s.Issuer
	p, err := c.provider(ctx, s)
	if err == nil {
		m := p.metadata
		r.Authorize, r.Token, r.Keys, r.UserInfo, r.SignOut = m.Authorize, m.Token, m.Keys, m.UserInfo, m.Logout
		r.PKCE = slices.Contains(m.PKCE, "S256")
		r.KeyCount, err = p.countKeys(ctx)
	}
	r.Took = time.Since(started)
	if !errors.As(err, &r.Problem) && err != nil {
		r.Problem = &packaging.SignOnError{Reason: packaging.SignOnDown}
	}
	return r
}

// countKeys returns how many keys the provider signs with.
func (p *provider) countKeys(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.metadata.Keys, nil)
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

func cacheKey(s Settings) string { return s.Issuer + " " + strings.Join(s.Hosts, " ") }

// provider returns a provider with its metadata, from the cache or by a discovery that all callers share.
func (c *Client) provider(ctx context.Context, s Settings) (*provider, error) {
	c.mu.Lock()
	p, ok := c.providers[cacheKey(s)]
	if ok && p.isReady() && !c.o.Now().Before(p.expires) {
		ok = false
	}
	if !ok {
		if len(c.providers) >= maxProviders {
			clear(c.providers)
		}
		p = &provider{ready: make(chan struct{})}
		c.providers[cacheKey(s)] = p
		go c.discover(context.WithoutCancel(ctx), s, p) // others may wait for it too
	}
	c.mu.Unlock()
	select {
	case <-p.ready:
		return p, p.err
	case <-ctx.Done():
		return p, fail(packaging.SignOnDown, "no answer in time")
	}
}

func (p *provider) isReady() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// discover fills p with the provider's metadata, or with the error. Every URL in the metadata must be at one of the
// provider's hosts.
func (c *Client) discover(ctx context.Context, s Settings, p *provider) {
	defer close(p.ready)
	p.client = c.httpClient(s)
	p.expires = c.o.Now().Add(failureTime)
	if _, err := packaging.ParseBaseURL(s.Issuer); err != nil {
		p.err = fail(packaging.SignOnNoOpenID, "issuer")
		return
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), s.Issuer)
	if err != nil {
		p.err = discoveryFailed(err)
		return
	}
	if err := found.Claims(&p.metadata); err != nil {
		p.err = fail(packaging.SignOnNoOpenID, "")
		return
	}
	m := p.metadata
	for name, address := range map[string]string{
		"authorization_endpoint": m.Authorize, "token_endpoint": m.Token, "jwks_uri": m.Keys,
		"userinfo_endpoint": m.UserInfo, "end_session_endpoint": m.Logout,
	} {
		if address == "" && (name == "userinfo_endpoint" || name == "end_session_endpoint") {
			continue
		}
		if p.err = checkEndpoint(s, name, address); p.err != nil {
			return
		}
	}
	p.Provider, p.expires = found, c.o.Now().Add(cacheTime)
}

// checkEndpoint returns an error unless the URL of an endpoint is well-formed and at one of the provider's hosts.
func checkEndpoint(s Settings, name, address string) error {
	u, err := url.Parse(address)
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

// oauth returns the OAuth client of a tenant. It authenticates in a way that the provider supports, since a try in a
// wrong way would use up the code.
func (p *provider) oauth(s Settings, redirect string) *oauth2.Config {
	endpoint, methods := p.Endpoint(), p.metadata.Methods
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if s.Secret.Empty() || len(methods) > 0 && !slices.Contains(methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.Secret.Reveal(), Endpoint: endpoint, RedirectURL: redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, s.Scopes...),
	}
}

// Values returns the strings of a claim, which is a string or a list. Dots in the name lead into objects. A claim
// with the whole name comes first, since some names are URLs.
func Values(claims map[string]any, name string) (values []string) {
	switch v := find(claims, name).(type) {
	case string:
		return []string{v}
	case []any:
		for _, element := range v {
			if text, ok := element.(string); ok {
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

func stringClaim(claims map[string]any, name string) string {
	text, _ := claims[name].(string)
	return text
}

func fullName(claims map[string]any) string {
	if name := stringClaim(claims, "name"); name != "" {
		return name
	}
	return strings.TrimSpace(stringClaim(claims, "given_name") + " " + stringClaim(claims, "family_name"))
}

func fail(reason packaging.SignOnReason, detail string) *packaging.SignOnError {
	return &packaging.SignOnError{Reason: reason, Detail: detail}
}

// errorCode returns an error code of a provider if it looks like one. Other text could be anything.
func errorCode(code string) string {
	if len(code) > 60 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "unknown error"
	}
	return code
}

// exchangeFailed returns why the code could not be exchanged for a token.
func exchangeFailed(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return callFailed(err)
	}
	if refused.ErrorCode == "" && refused.Response != nil {
		status := fmt.Sprint("HTTP ", refused.Response.StatusCode)
		if refused.Response.StatusCode >= http.StatusInternalServerError {
			return fail(packaging.SignOnDown, status)
		}
		return fail(packaging.SignOnRefused, status)
	}
	return fail(packaging.SignOnRefused, errorCode(refused.ErrorCode))
}

// verificationFailed returns why an ID token is not valid, without any of its content.
func verificationFailed(err error) error {
	var expired *oidc.TokenExpiredError
	var call *url.Error
	switch {
	case errors.As(err, &expired):
		return fail(packaging.SignOnBadToken, "expired")
	case errors.As(err, &call), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errCall):
		return fail(packaging.SignOnDown, "jwks_uri")
	}
	return fail(packaging.SignOnBadToken, "signature, issuer, audience or time")
}
