package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/sso"
	"lineboard/internal/text"
	"lineboard/views/shell"
	view "lineboard/views/signin"
)

// loginAttempt is a login at a provider that was begun in a browser. The browser keeps it in a sealed cookie.
type loginAttempt struct {
	sso.LoginAttempt
	Tenant packaging.TenantID
	Issuer string
	Begun  time.Time
	Next   string           // where to go after signing in
	For    purpose          // what comes of it
	User   packaging.UserID // who is signed in and wants it, where it is not to sign in
	Hash   string           // of the signing password that was typed
}

type purpose string

const (
	toSignIn     purpose = "sign in"
	toConnect    purpose = "connect"
	toSetSigning purpose = "signing password"
)

const (
	attemptTTL   = 10 * time.Minute
	attemptOwner = "a way to a provider"
	// longestNext bounds what a cookie must hold, in bytes.
	maxNext = 1500
	// Failures that anybody can have us record: so many at once, and one more each time so long passes.
	declinedBurst    = 30
	declinedInterval = time.Minute
)

// loginAttempts seals the ways to providers, with a key of this process, and sees to it that each is gone once.
type loginAttempts struct {
	box *secret.Box

	mu       sync.Mutex
	done     map[[32]byte]time.Time // when they would have ended
	declined map[packaging.TenantID]*rate.Limiter
}

func newLoginAttempts() *loginAttempts {
	key := make([]byte, 32)
	rand.Read(key)
	box, err := secret.NewBox(key)
	if err != nil {
		panic(err) // the key has the size of one
	}
	return &loginAttempts{box: box, done: map[[32]byte]time.Time{}, declined: map[packaging.TenantID]*rate.Limiter{}}
}

// firstUse says whether a way was not gone before.
func (t *loginAttempts) firstUse(state string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for state, until := range t.done {
		if until.Before(now) {
			delete(t.done, state)
		}
	}
	sum := sha256.Sum256([]byte(state))
	if _, gone := t.done[sum]; gone {
		return false
	}
	t.done[sum] = now.Add(attemptTTL)
	return true
}

// mayRecord says whether another failure at a tenant is worth an entry: it keeps others from filling the history.
func (t *loginAttempts) mayRecord(tenant packaging.TenantID, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.declined[tenant]
	if l == nil {
		l = rate.NewLimiter(rate.Every(declinedInterval), declinedBurst)
		t.declined[tenant] = l
	}
	return l.AllowN(now, 1)
}

func (s *Server) attemptCookie() string { return s.CookieName("sso", true) }

// setAttemptCookie keeps a login attempt in the browser. The cookie is Lax: the provider redirects from another site.
func (s *Server) setAttemptCookie(c echo.Context, value string, lasts time.Duration) {
	c.SetCookie(&http.Cookie{
		Name:     s.attemptCookie(),
		Value:    value,
		Path:     s.CookiePath("/"),
		MaxAge:   int(lasts.Seconds()),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
		Secure:   s.Secure,
	})
}

// takeAttempt returns the login attempt of the browser, and removes its cookie. It is empty if there is none for the
// tenant, or an old one.
func (s *Server) takeAttempt(c echo.Context, tenant packaging.TenantID) (t loginAttempt) {
	cookie, err := c.Cookie(s.attemptCookie())
	if err != nil {
		return loginAttempt{}
	}
	s.setAttemptCookie(c, "", -time.Second)
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return loginAttempt{}
	}
	opened, err := s.attempts.box.Open(sealed, attemptOwner)
	if err != nil || json.Unmarshal([]byte(opened.Reveal()), &t) != nil || t.Tenant != tenant ||
		s.Now().Sub(t.Begun) > attemptTTL {
		return loginAttempt{}
	}
	return t
}

// offeredSSO is the tenant that the path names, which must offer single sign-on, and its settings.
func (s *Server) offeredSSO(c echo.Context) (t packaging.Tenant, settings sso.Settings, err error) {
	ctx := c.Request().Context()
	all, err := s.Store.SignOns(ctx)
	if err != nil {
		return t, settings, err
	}
	for _, on := range all {
		if on.Tenant.Slug == c.Param("tenant") {
			settings, err = s.ssoSettings(ctx, on.Tenant.ID)
			return on.Tenant, settings, err
		}
	}
	return t, settings, packaging.Fail(packaging.NotFound, "error.not_found")
}

func (s *Server) ssoSettings(ctx context.Context, tenant packaging.TenantID) (settings sso.Settings, err error) {
	settings.SingleSignOn, settings.Secret, _, err = s.Store.SingleSignOn(ctx, tenant)
	return settings, err
}

// StartSSO sends a browser to the provider of a tenant, to sign in.
func (s *Server) StartSSO(c echo.Context) error {
	t, settings, err := s.offeredSSO(c)
	if err != nil {
		return err
	}
	if web.Station(c).Known() {
		return packaging.Fail(packaging.Forbidden, "error.sso_station")
	}
	next := web.LocalPath(c.QueryParam("next"))
	if len(next) > maxNext {
		next = string(shell.HomeURL())
	}
	if home, err := url.Parse(settings.Home); err == nil && !strings.EqualFold(home.Host, c.Request().Host) &&
		c.QueryParam("home") == "" {
		// The provider leads back to where people are meant to open Lineboard, and the cookie must be there. Behind a
		// proxy that hides the host from us, once is enough.
		return web.SeeOther(c, s.At(settings.SingleSignOn, string(shell.SSOLoginURL(t, next)))+"&home=1")
	}
	to, err := s.beginLogin(c, t, settings, loginAttempt{For: toSignIn, Next: next})
	if err != nil {
		return s.failLogin(c, t, loginAttempt{For: toSignIn, Next: next}, err)
	}
	return web.SeeOther(c, to)
}

// beginLogin begins a login at the provider, and returns the address to send the browser to.
func (s *Server) beginLogin(
	c echo.Context, t packaging.Tenant, settings sso.Settings, way loginAttempt,
) (to string, err error) {
	to, way.LoginAttempt, err = s.Provider.BeginLogin(
		c.Request().Context(), settings, s.CallbackURL(settings.SingleSignOn, t), way.For == toSetSigning,
	)
	if err != nil {
		return "", err
	}
	way.Tenant, way.Issuer, way.Begun = t.ID, settings.Issuer, s.Now()
	kept, err := json.Marshal(way)
	if err != nil {
		return "", err
	}
	s.setAttemptCookie(
		c,
		base64.RawURLEncoding.EncodeToString(s.attempts.box.Seal(secret.New(string(kept)), attemptOwner)),
		attemptTTL,
	)
	return to, nil
}

// Callback ends a login at the provider with what it says of the person.
func (s *Server) Callback(c echo.Context) error {
	t, settings, err := s.offeredSSO(c)
	if err != nil {
		return err
	}
	way := s.takeAttempt(c, t.ID)
	id, err := s.identity(c, t, settings, way)
	if err == nil {
		err = s.finishLogin(c, t, way, id)
	}
	if err != nil {
		return s.failLogin(c, t, way, err)
	}
	return nil
}

func (s *Server) identity(
	c echo.Context, t packaging.Tenant, settings sso.Settings, way loginAttempt,
) (packaging.Identity, error) {
	answer := sso.Answer{
		State:  c.QueryParam("state"),
		Code:   c.QueryParam("code"),
		Issuer: c.QueryParam("iss"),
		Error:  c.QueryParam("error"),
	}
	stale := way.State == "" || way.State != answer.State || way.Issuer != settings.Issuer ||
		!s.attempts.firstUse(way.State, s.Now())
	if p, ok := web.Person(c); way.For != toSignIn && (!ok || p.ID != way.User || p.Tenant.ID != t.ID || s.Locked(c)) {
		stale = true
	}
	if stale {
		return packaging.Identity{}, &packaging.SignOnError{Reason: packaging.SignOnStale}
	}
	var anew time.Time
	if way.For == toSetSigning {
		anew = way.Begun
	}
	return s.Provider.FinishLogin(
		c.Request().Context(), settings, s.CallbackURL(settings.SingleSignOn, t), way.LoginAttempt, answer, anew,
	)
}

// finishLogin does what the login was for.
func (s *Server) finishLogin(c echo.Context, t packaging.Tenant, way loginAttempt, id packaging.Identity) error {
	ctx := c.Request().Context()
	switch way.For {
	case toConnect:
		if err := s.Store.ConnectIdentity(ctx, web.SignedIn(c), id); err != nil {
			return err
		}
		return web.SeeOther(c, shell.AccountURL()+"?changed=connected")
	case toSetSigning:
		if err := s.Store.SetSigningPassword(ctx, web.SignedIn(c), id, way.Hash); err != nil {
			return err
		}
		return web.SeeOther(c, shell.AccountURL()+"?changed=signing")
	}
	if web.Station(c).Known() { // the tablet was bound meanwhile
		return packaging.Fail(packaging.Forbidden, "error.sso_station")
	}
	p, err := s.Store.SignInBy(ctx, t, id)
	if err != nil {
		return err
	}
	if err := s.StartSession(c, p); err != nil {
		return err
	}
	return web.SeeOther(c, web.LocalPath(way.Next))
}

// ssoStatus is the HTTP status that goes with a reason.
func ssoStatus(r packaging.SignOnReason) int {
	switch r {
	case packaging.SignOnDown, packaging.SignOnNoOpenID, packaging.SignOnElsewhere:
		return http.StatusServiceUnavailable
	case packaging.SignOnStale, packaging.SignOnBadToken, packaging.SignOnRefused:
		return http.StatusBadRequest
	}
	return http.StatusForbidden
}

// failLogin records a login that failed. It shows what went wrong and what to do, where the person came from.
func (s *Server) failLogin(c echo.Context, t packaging.Tenant, way loginAttempt, err error) error {
	ctx := c.Request().Context()
	var why *packaging.SignOnError
	if !errors.As(err, &why) {
		return err
	}
	if err := s.recordFailedLogin(c, t, way, why); err != nil {
		return err
	}
	problem := ssoProblem(ctx, why)
	if p, ok := web.Person(c); ok && way.For != toSignIn && p.Tenant.ID == t.ID {
		return s.showAccount(c, ssoStatus(why.Reason), view.AccountPage{SignOnProblem: problem})
	}
	if why.Reason == packaging.SignOnStale || why.Reason == packaging.SignOnBadToken { // it may be a guess
		// This locks nobody else out: a right answer is not throttled.
		guess := packaging.Guess{What: fmt.Sprintf("single sign-on at %d", t.ID), Throttle: packaging.ThrottleSecret}
		_, err := s.Try(c, guess)
		if said := web.FormError(ctx, err); said != "" {
			return s.showLogin(c, web.StatusOf(err), view.LoginForm{Next: way.Next, Problem: said})
		}
		if err != nil {
			return err
		}
	}
	return s.showLogin(c, ssoStatus(why.Reason), view.LoginForm{Next: way.Next, Problem: problem})
}

// recordFailedLogin logs a login that failed, and records it while there are not too many.
func (s *Server) recordFailedLogin(
	c echo.Context, t packaging.Tenant, way loginAttempt, why *packaging.SignOnError,
) error {
	by := why.Who
	if p, ok := web.Person(c); ok && p.Tenant.ID == t.ID {
		by = p.Author
	}
	reason := string(why.Reason)
	s.Log.Info("single sign-on did not let somebody in",
		"tenant", t.Slug, "reason", reason, "detail", why.Detail, "from", c.RealIP())
	if !s.attempts.mayRecord(t.ID, s.Now()) {
		return nil
	}
	return s.Store.Record(c.Request().Context(), packaging.Entry{
		TenantID: t.ID, By: by, Deed: packaging.SignOnDeclined, Object: string(way.For),
		New: c.RealIP(), Reason: reason, Message: why.Detail,
	})
}

// ssoProblem is what a reason is in words: what, why, and what to do.
func ssoProblem(ctx context.Context, e *packaging.SignOnError) string {
	key := "sign_on." + string(e.Reason)
	return text.Say(ctx, key) + " " + text.Say(ctx, key+".do")
}

// ConnectIdentity begins to connect the signed-in person with their identity at the provider. An open session is not
// enough: they prove who they are here as well.
func (s *Server) ConnectIdentity(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	if err := s.Store.MayConnect(ctx, p); err != nil {
		return s.accountProblem(c, err)
	}
	if err := s.provePassword(c); err != nil {
		return s.accountProblem(c, err)
	}
	return s.showRedirect(c, loginAttempt{For: toConnect, User: p.ID})
}

// DisconnectIdentity disconnects the signed-in person from their identity at the provider.
func (s *Server) DisconnectIdentity(c echo.Context) error {
	if err := s.Store.DisconnectIdentity(c.Request().Context(), web.SignedIn(c)); err != nil {
		return s.accountProblem(c, err)
	}
	return web.SeeOther(c, shell.AccountURL()+"?changed=disconnected")
}

// SetSigningPassword takes a signing password, which counts once the person has proved anew at the provider who they
// are.
func (s *Server) SetSigningPassword(c echo.Context) error {
	fresh := secret.New(c.FormValue("new"))
	hash, err := secret.HashPassword(fresh)
	if !fresh.Equal(secret.New(c.FormValue("again"))) {
		err = packaging.Fail(packaging.Invalid, "account.not_same")
	}
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.showAccount(c, web.FormStatus(err), view.AccountPage{SignOnProblem: said})
	}
	if err != nil {
		return err
	}
	return s.showRedirect(c, loginAttempt{For: toSetSigning, User: web.SignedIn(c).ID, Hash: hash})
}

// showRedirect shows a link to the provider: the policy of our pages lets no form lead there.
func (s *Server) showRedirect(c echo.Context, way loginAttempt) error {
	p := web.SignedIn(c)
	settings, err := s.ssoSettings(c.Request().Context(), p.Tenant.ID)
	if err != nil {
		return err
	}
	if !settings.Enabled {
		return s.failLogin(c, p.Tenant, way, &packaging.SignOnError{Reason: packaging.SignOnOff})
	}
	to, err := s.beginLogin(c, p.Tenant, settings, way)
	if err != nil {
		return s.failLogin(c, p.Tenant, way, err)
	}
	f, err := s.Frame(c, "account", text.Say(c.Request().Context(), "sign_on.leave", "Label", settings.Label))
	if err != nil {
		return err
	}
	return web.Render(c, http.StatusOK, view.ProviderRedirect(f, settings.Label, to))
}

func (s *Server) accountProblem(c echo.Context, err error) error {
	said := web.FormError(c.Request().Context(), err)
	if said == "" {
		return err
	}
	return s.showAccount(c, web.StatusOf(err), view.AccountPage{SignOnProblem: said})
}

// logoutURL returns where a browser goes after logout. Who came by single sign-on gets a page that leads to the logout
// at the provider.
func logoutURL(p packaging.Person) string {
	if !p.SignedOn {
		return string(shell.LoginURL())
	}
	return string(shell.SignedOutURL(p.Tenant))
}

// logoutProvider returns the provider to log out from, as the address of the page says. It is nil if there is none.
func (s *Server) logoutProvider(c echo.Context) (*view.ProviderLogout, error) {
	ctx := c.Request().Context()
	all, err := s.Store.SignOns(ctx)
	if err != nil {
		return nil, err
	}
	for _, on := range all {
		if on.Tenant.Slug != c.QueryParam("out") {
			continue
		}
		settings, err := s.ssoSettings(ctx, on.Tenant.ID)
		if err != nil {
			return nil, err
		}
		return &view.ProviderLogout{
			Label: on.Label,
			To:    s.Provider.LogoutURL(ctx, settings, s.At(settings.SingleSignOn, string(shell.LoginURL()))),
		}, nil
	}
	return nil, nil
}
