// Package provider runs a real OpenID Connect provider for tests, over loopback. It is the library of Zitadel with
// its example storage; people and their groups are the test's. What a provider must not do, it does on demand.
package provider

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// What a Lineboard is known by.
const (
	ClientID = "lineboard"
	Secret   = "canary-client-secret-93bd"
	Password = "the provider's own password"
)

// Person is somebody whom the provider knows.
type Person struct {
	Subject, Username, FirstName, LastName, Email string
	Groups                                        []string
}

// Provider is one that runs.
type Provider struct {
	URL    string // the issuer
	Server *httptest.Server

	mu      sync.Mutex
	people  map[string]Person // by subject
	inToken bool
	alter   func(claims map[string]any) (drop []string)
	forge   bool
	replace func(token string) string
	promise bool
	store   *store
}

// Start starts a provider that sends browsers back to the addresses given, and knows these people.
func Start(t testing.TB, redirects, signedOut []string, people ...Person) *Provider {
	t.Helper()
	p := &Provider{people: map[string]Person{}}
	for _, one := range people {
		p.people[one.Subject] = one
	}
	var handler http.Handler
	p.Server = httptest.NewServer(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }),
	)
	t.Cleanup(p.Server.Close)
	// By name, because browsers keep cookies by host: what is set for one port of an address is sent to another.
	p.URL = strings.Replace(p.Server.URL, "127.0.0.1", "localhost", 1)
	client := storage.WebClient(ClientID, Secret, redirects...)
	p.store = &store{
		Storage: storage.NewStorageWithClients(users{p}, map[string]*storage.Client{ClientID: client}), p: p,
		signedOut: signedOut,
	}
	real := exampleop.SetupServer(p.URL, p.store, nil, false,
		op.WithLogger(slog.New(slog.DiscardHandler)), op.WithCustomEndSessionEndpoint(op.NewEndpoint("end_session")))
	handler = p.altering(real)
	return p
}

// Set changes what the provider says of a person from their next sign-in on.
func (p *Provider) Set(one Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people[one.Subject] = one
}

// InToken has ID tokens carry all claims; without it they are given by the endpoint of userinfo alone, as this library
// does.
func (p *Provider) InToken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inToken = true
}

// Alter has the provider sign ID tokens whose claims are altered; nil ends that.
func (p *Provider) Alter(how func(claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alter = nil
	if how != nil {
		p.alter = func(claims map[string]any) []string { how(claims); return nil }
	}
}

// Forge has ID tokens be signed with a key that is another provider's, under the name of this one's.
func (p *Provider) Forge() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forge = true
}

// Replace has other tokens given in place of the ID tokens.
func (p *Provider) Replace(with func(token string) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replace = with
}

// PromiseIssuer has the provider's metadata promise that its answers name the issuer (RFC 9207). They do not.
func (p *Provider) PromiseIssuer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.promise = true
}

// Through goes through the provider's pages as a person's browser does, from the address that Lineboard sends it to,
// and gives the address that it is sent back to.
func (p *Provider) Through(t testing.TB, browser *http.Client, to string, username string) string {
	t.Helper()
	page := p.get(t, browser, to) // to the page to sign in on
	for page.StatusCode/100 == 3 {
		page = p.get(t, browser, p.absolute(page.Header.Get("Location")))
	}
	if page.StatusCode != http.StatusOK {
		t.Fatalf("the provider's page to sign in on: %d", page.StatusCode)
	}
	form := url.Values{
		"username": {username}, "password": {Password}, "id": {page.Request.URL.Query().Get("authRequestID")},
	}
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, p.URL+"/login/username", strings.NewReader(form.Encode()),
	)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for answer := p.do(t, browser, request); ; answer = p.get(t, browser, p.absolute(answer.Header.Get("Location"))) {
		back := answer.Header.Get("Location")
		if back == "" {
			t.Fatalf("the provider sends %s nowhere: %d", username, answer.StatusCode)
		}
		if u, err := url.Parse(back); err == nil && u.IsAbs() && !strings.HasPrefix(back, p.URL) {
			return back
		}
	}
}

func (p *Provider) absolute(to string) string {
	if strings.HasPrefix(to, "/") {
		return p.URL + to
	}
	return to
}

func (p *Provider) get(t testing.TB, browser *http.Client, to string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p.do(t, browser, request)
}

func (p *Provider) do(t testing.TB, browser *http.Client, request *http.Request) *http.Response {
	t.Helper()
	answer, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answer
}

// altering passes requests on, and changes the ID token or the metadata of an answer where that was asked for.
func (p *Provider) altering(real http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		alter, forge, replace, promise := p.alter, p.forge, p.replace, p.promise
		p.mu.Unlock()
		promise = promise && strings.HasSuffix(r.URL.Path, "/openid-configuration")
		if !promise && (!strings.HasSuffix(r.URL.Path, "/oauth/token") || alter == nil && !forge && replace == nil) {
			real.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		real.ServeHTTP(answer, r)
		var body map[string]any
		if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
			panic(err)
		}
		token, _ := body["id_token"].(string)
		switch {
		case promise:
			body["authorization_response_iss_parameter_supported"] = true
		case token != "" && replace != nil:
			body["id_token"] = replace(token)
		case token != "":
			body["id_token"] = p.resigned(token, alter, forge)
		}
		maps.Copy(w.Header(), answer.Header())
		w.Header().Del("Content-Length")
		w.WriteHeader(answer.Code)
		_ = json.NewEncoder(w).Encode(body)
	})
}

func (p *Provider) resigned(token string, alter func(map[string]any) []string, forge bool) string {
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		panic(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		panic(err)
	}
	if alter != nil {
		alter(claims)
	}
	ours, err := p.store.SigningKey(context.Background())
	if err != nil {
		panic(err)
	}
	key := jose.SigningKey{
		Algorithm: ours.SignatureAlgorithm(), Key: jose.JSONWebKey{Key: ours.Key(), KeyID: ours.ID()},
	}
	if forge {
		other, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		key.Key = jose.JSONWebKey{Key: other, KeyID: ours.ID()}
	}
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		panic(err)
	}
	payload, err = json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return compact
}

// store is the example's, with our people's groups.
type store struct {
	*storage.Storage
	p         *Provider
	signedOut []string
}

func (s *store) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	client, err := s.Storage.GetClientByClientID(ctx, id)
	if err != nil {
		return nil, err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return &known{client, s.p.inToken, s.signedOut}, nil
}

// known is a client whose ID tokens may carry claims, and that may be come back to after signing out.
type known struct {
	op.Client
	inToken   bool
	signedOut []string
}

func (k *known) IDTokenUserinfoClaimsAssertion() bool { return k.inToken }
func (k *known) PostLogoutRedirectURIs() []string     { return k.signedOut }

func (s *store) SetUserinfoFromRequest(
	ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string,
) error {
	if err := s.Storage.SetUserinfoFromRequest(ctx, info, request, scopes); err != nil {
		return err
	}
	return s.fill(info, request.GetSubject(), scopes)
}

func (s *store) SetUserinfoFromScopes(
	ctx context.Context, info *oidc.UserInfo, subject, client string, scopes []string,
) error {
	if err := s.Storage.SetUserinfoFromScopes(ctx, info, subject, client, scopes); err != nil {
		return err
	}
	return s.fill(info, subject, scopes)
}

func (s *store) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	if err := s.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	return s.fill(info, subject, []string{oidc.ScopeProfile, oidc.ScopeEmail})
}

func (s *store) fill(info *oidc.UserInfo, subject string, scopes []string) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	one := s.p.people[subject]
	for _, scope := range scopes {
		switch scope {
		case oidc.ScopeProfile:
			info.PreferredUsername, info.Name = one.Username, strings.TrimSpace(one.FirstName+" "+one.LastName)
			info.AppendClaims("groups", one.Groups)
		case oidc.ScopeEmail:
			info.Email = one.Email
		}
	}
	return nil
}

// users are the people as the example looks them up.
type users struct{ p *Provider }

func (u users) find(fits func(Person) bool) *storage.User {
	u.p.mu.Lock()
	defer u.p.mu.Unlock()
	for _, one := range u.p.people {
		if fits(one) {
			return &storage.User{
				ID: one.Subject, Username: one.Username, Password: Password, FirstName: one.FirstName,
				LastName: one.LastName,
				Email:    one.Email,
			}
		}
	}
	return nil
}

func (u users) GetUserByID(id string) *storage.User {
	return u.find(func(p Person) bool { return p.Subject == id })
}

func (u users) GetUserByUsername(name string) *storage.User {
	return u.find(func(p Person) bool { return p.Username == name })
}

func (u users) ExampleClientID() string { return "service" }

// Elsewhere serves a description of a provider under the name localhost whose endpoints are at another host, which is
// spied on, and gives its issuer.
func Elsewhere(t testing.TB, host string, called func()) string {
	t.Helper()
	var issuer string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(r.Host, host) {
			called()
			_, _ = w.Write([]byte(`{"keys":[{"kty":"RSA"}]}`))
			return
		}
		at := strings.Replace(issuer, "localhost", host, 1)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/auth", "token_endpoint": at + "/token",
			"jwks_uri": at + "/keys",
		})
	}))
	t.Cleanup(server.Close)
	issuer = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return issuer
}
