package handlers

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

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/sso"
	"lineboard/internal/text"
	"lineboard/views/shell"
	"lineboard/views/signin"
)

// SignOnStore keeps how people sign in by their company's provider, and whom they are there.
type SignOnStore interface {
	SingleSignOn(ctx context.Context, tenant packaging.TenantID) (packaging.SingleSignOn, secret.Text, packaging.CredentialState, error)
	SetSingleSignOn(ctx context.Context, by packaging.Person, s packaging.SingleSignOn, typed secret.Text, none bool) error
	FillClientSecret(ctx context.Context, tenant packaging.TenantID, issuer string, typed secret.Text) (secret.Text, error)
	SignOns(ctx context.Context) ([]packaging.SignOn, error)
	SignInBy(ctx context.Context, tenant packaging.Tenant, id packaging.Identity) (packaging.Person, error)
	SignOnAccount(ctx context.Context, p packaging.Person) (packaging.SignOnAccount, error)
	MayConnect(ctx context.Context, by packaging.Person) error
	ConnectIdentity(ctx context.Context, by packaging.Person, id packaging.Identity) error
	DisconnectIdentity(ctx context.Context, by packaging.Person) error
	SetSigningPassword(ctx context.Context, by packaging.Person, id packaging.Identity, hash string) error
	Proof(ctx context.Context, user packaging.UserID) (hash string, err error)
}

// Provider asks the providers that people sign in by.
type Provider interface {
	Begin(ctx context.Context, s sso.Settings, redirect string, anew bool) (to string, trip sso.Trip, err error)
	Finish(ctx context.Context, s sso.Settings, redirect string, trip sso.Trip, a sso.Answer, anew time.Time) (packaging.Identity, error)
	SignOut(ctx context.Context, s sso.Settings, back string) string
	Test(ctx context.Context, s sso.Settings) packaging.SignOnReport
}

// trip is a browser's way to a provider and back, as its cookie keeps it, sealed: nobody else can go on with it.
type trip struct {
	sso.Trip
	Tenant packaging.TenantID
	Issuer string
	Begun  time.Time
	Next   string           // where to go after signing in
	For    purpose          // what comes of it
	User   packaging.UserID // who is signed in and wants it, where it is not to sign in
	Hash   string           // of the signing password that was typed
}

// signOnBackPath takes what a provider says.
const signOnBackPath = "/sso/:tenant/callback"

type purpose string

const (
	toSignIn     purpose = "sign in"
	toConnect    purpose = "connect"
	toSetSigning purpose = "signing password"
)

const (
	tripLasts = 10 * time.Minute
	tripOwner = "a way to a provider"
	// longestNext bounds what a cookie must hold, in bytes.
	longestNext = 1500
	// Failures that anybody can have us record: so many at once, and one more each time so long passes.
	declinedBurst = 30
	declinedGap   = time.Minute
)

// trips seals the ways to providers, with a key of this process, and sees to it that each is gone once.
type trips struct {
	box *secret.Box

	mu       sync.Mutex
	done     map[[32]byte]time.Time // when they would have ended
	declined map[packaging.TenantID]*rate.Limiter
}

func newTrips() *trips {
	key := make([]byte, 32)
	rand.Read(key)
	box, err := secret.NewBox(key)
	if err != nil {
		panic(err) // the key has the size of one
	}
	return &trips{box: box, done: map[[32]byte]time.Time{}, declined: map[packaging.TenantID]*rate.Limiter{}}
}

// once says whether a way was not gone before.
func (t *trips) once(state string, now time.Time) bool {
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
	t.done[sum] = now.Add(tripLasts)
	return true
}

// mayRecord says whether another failure at a tenant is worth an entry: it keeps others from filling the history.
func (t *trips) mayRecord(tenant packaging.TenantID, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.declined[tenant]
	if l == nil {
		l = rate.NewLimiter(rate.Every(declinedGap), declinedBurst)
		t.declined[tenant] = l
	}
	return l.AllowN(now, 1)
}

func (s *server) tripCookie() string {
	if s.Secure {
		return "__Host-lineboard-sso"
	}
	return "lineboard-sso"
}

// setTrip keeps a way in the browser. The cookie is Lax, because the provider leads the browser back from another site.
func (s *server) setTrip(c echo.Context, value string, lasts time.Duration) {
	c.SetCookie(&http.Cookie{
		Name: s.tripCookie(), Value: value, Path: "/", MaxAge: int(lasts.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.Secure,
	})
}

// trip is the way that the browser went, and takes it from the browser. It is empty where there is none for this tenant.
func (s *server) trip(c echo.Context, tenant packaging.TenantID) (t trip) {
	cookie, err := c.Cookie(s.tripCookie())
	if err != nil {
		return trip{}
	}
	s.setTrip(c, "", -time.Second)
	sealed, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return trip{}
	}
	opened, err := s.trips.box.Open(sealed, tripOwner)
	if err != nil || json.Unmarshal([]byte(opened.Reveal()), &t) != nil || t.Tenant != tenant || s.Now().Sub(t.Begun) > tripLasts {
		return trip{}
	}
	return t
}

// signOn is the tenant that the path names, which must offer single sign-on, and its settings.
func (s *server) signOn(c echo.Context) (t packaging.Tenant, settings sso.Settings, err error) {
	ctx := c.Request().Context()
	all, err := s.Store.SignOns(ctx)
	if err != nil {
		return t, settings, err
	}
	for _, on := range all {
		if on.Tenant.Slug == c.Param("tenant") {
			settings, err = s.signOnOf(ctx, on.Tenant.ID)
			return on.Tenant, settings, err
		}
	}
	return t, settings, packaging.Fail(packaging.NotFound, "error.not_found")
}

func (s *server) signOnOf(ctx context.Context, tenant packaging.TenantID) (settings sso.Settings, err error) {
	settings.SingleSignOn, settings.Secret, _, err = s.Store.SingleSignOn(ctx, tenant)
	return settings, err
}

// redirectTo is the address that a provider sends browsers back to. It is made of what is set, never of what a request says.
func redirectTo(s packaging.SingleSignOn, t packaging.Tenant) string {
	return s.Home + string(shell.SSOCallbackURL(t))
}

// signOnStart leads a browser to the provider of a tenant, to sign in.
func (s *server) signOnStart(c echo.Context) error {
	t, settings, err := s.signOn(c)
	if err != nil {
		return err
	}
	if at(c).Known() {
		return packaging.Fail(packaging.Forbidden, "error.sso_station")
	}
	next := ownPath(c.QueryParam("next"))
	if len(next) > longestNext {
		next = string(shell.HomeURL())
	}
	if home, err := url.Parse(settings.Home); err == nil && !strings.EqualFold(home.Host, c.Request().Host) && c.QueryParam("home") == "" {
		// The provider leads back to where people are meant to open Lineboard, and the cookie must be there. Behind a proxy
		// that hides the host from us, once is enough.
		return c.Redirect(http.StatusSeeOther, settings.Home+string(shell.SSOLoginURL(t, next))+"&home=1")
	}
	to, err := s.leave(c, t, settings, trip{For: toSignIn, Next: next})
	if err != nil {
		return s.notSignedOn(c, t, trip{For: toSignIn, Next: next}, err)
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// leave begins a way to the provider.
func (s *server) leave(c echo.Context, t packaging.Tenant, settings sso.Settings, way trip) (to string, err error) {
	to, way.Trip, err = s.Provider.Begin(c.Request().Context(), settings, redirectTo(settings.SingleSignOn, t), way.For == toSetSigning)
	if err != nil {
		return "", err
	}
	way.Tenant, way.Issuer, way.Begun = t.ID, settings.Issuer, s.Now()
	kept, err := json.Marshal(way)
	if err != nil {
		return "", err
	}
	s.setTrip(c, base64.RawURLEncoding.EncodeToString(s.trips.box.Seal(secret.New(string(kept)), tripOwner)), tripLasts)
	return to, nil
}

// signOnBack takes what the provider says of the person who comes back from it.
func (s *server) signOnBack(c echo.Context) error {
	t, settings, err := s.signOn(c)
	if err != nil {
		return err
	}
	way := s.trip(c, t.ID)
	id, err := s.identity(c, t, settings, way)
	if err == nil {
		err = s.arrive(c, t, way, id)
	}
	if err != nil {
		return s.notSignedOn(c, t, way, err)
	}
	return nil
}

func (s *server) identity(c echo.Context, t packaging.Tenant, settings sso.Settings, way trip) (packaging.Identity, error) {
	answer := sso.Answer{State: c.QueryParam("state"), Code: c.QueryParam("code"), Issuer: c.QueryParam("iss"), Error: c.QueryParam("error")}
	stale := way.State == "" || way.State != answer.State || way.Issuer != settings.Issuer || !s.trips.once(way.State, s.Now())
	if p, ok := who(c); way.For != toSignIn && (!ok || p.ID != way.User || p.Tenant.ID != t.ID || s.locked(c)) {
		stale = true
	}
	if stale {
		return packaging.Identity{}, &packaging.SignOnError{Reason: packaging.SignOnStale}
	}
	var anew time.Time
	if way.For == toSetSigning {
		anew = way.Begun
	}
	return s.Provider.Finish(c.Request().Context(), settings, redirectTo(settings.SingleSignOn, t), way.Trip, answer, anew)
}

// arrive does what somebody went to their provider for.
func (s *server) arrive(c echo.Context, t packaging.Tenant, way trip, id packaging.Identity) error {
	ctx := c.Request().Context()
	switch way.For {
	case toConnect:
		if err := s.Store.ConnectIdentity(ctx, signedIn(c), id); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, string(shell.AccountURL())+"?changed=connected")
	case toSetSigning:
		if err := s.Store.SetSigningPassword(ctx, signedIn(c), id, way.Hash); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, string(shell.AccountURL())+"?changed=signing")
	}
	if at(c).Known() { // the tablet was bound meanwhile
		return packaging.Fail(packaging.Forbidden, "error.sso_station")
	}
	p, err := s.Store.SignInBy(ctx, t, id)
	if err != nil {
		return err
	}
	if err := s.startSession(c, p); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ownPath(way.Next))
}

// signOnStatus is the HTTP status that goes with a reason.
func signOnStatus(r packaging.SignOnReason) int {
	switch r {
	case packaging.SignOnDown, packaging.SignOnNoOpenID, packaging.SignOnElsewhere:
		return http.StatusServiceUnavailable
	case packaging.SignOnStale, packaging.SignOnBadToken, packaging.SignOnRefused:
		return http.StatusBadRequest
	}
	return http.StatusForbidden
}

// notSignedOn says what went wrong, why and what to do, where the person came from, and records it.
func (s *server) notSignedOn(c echo.Context, t packaging.Tenant, way trip, err error) error {
	ctx := c.Request().Context()
	var why *packaging.SignOnError
	if !errors.As(err, &why) {
		return err
	}
	p, here := who(c)
	by := why.Who
	if here && p.Tenant.ID == t.ID {
		by = p.Author
	}
	s.Log.Info("single sign-on did not let somebody in", "tenant", t.Slug, "reason", string(why.Reason), "detail", why.Detail, "from", c.RealIP())
	if s.trips.mayRecord(t.ID, s.Now()) {
		if err := s.Store.Record(ctx, packaging.Entry{
			TenantID: t.ID, By: by, Deed: packaging.SignOnDeclined, Object: string(way.For), New: c.RealIP(), Reason: string(why.Reason), Message: why.Detail,
		}); err != nil {
			return err
		}
	}
	problem := signOnProblem(pageContext(c), why)
	switch guessing := why.Reason == packaging.SignOnStale || why.Reason == packaging.SignOnBadToken; {
	case here && way.For != toSignIn && p.Tenant.ID == t.ID:
		return s.showAccount(c, signOnStatus(why.Reason), signin.AccountPage{SignOnProblem: problem})
	case guessing:
		// Nobody can lock others out by this: who comes with what is right is let in meanwhile.
		_, r, err := s.try(c, packaging.Guess{What: fmt.Sprintf("single sign-on at %d", t.ID), Free: packaging.FreeTries})
		if err != nil {
			return err
		}
		if r.status != 0 {
			return s.showLogin(c, r.status, signin.LoginForm{Next: way.Next, Problem: r.why})
		}
	}
	return s.showLogin(c, signOnStatus(why.Reason), signin.LoginForm{Next: way.Next, Problem: problem})
}

// signOnProblem is what a reason is in words: what, why, and what to do.
func signOnProblem(ctx context.Context, e *packaging.SignOnError) string {
	key := "sign_on." + string(e.Reason)
	return text.Say(ctx, key) + " " + text.Say(ctx, key+".do")
}

// connectSignOn begins to connect the person who is signed in with whom they are at the provider. A session that somebody
// left open is not enough: they prove who they are here as well.
func (s *server) connectSignOn(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	if err := s.Store.MayConnect(ctx, p); err != nil {
		return s.accountProblem(c, err)
	}
	_, r, err := s.prove(c, p, secret.New(c.FormValue("password")), packaging.ByPassword)
	if err != nil {
		return err
	}
	if r.status == http.StatusUnauthorized {
		if err := s.Store.RecordFailedSignIn(ctx, p.ID, c.RealIP()); err != nil {
			return err
		}
	}
	if r.status != 0 {
		return s.showAccount(c, r.status, signin.AccountPage{SignOnProblem: r.why})
	}
	return s.sendOff(c, trip{For: toConnect, User: p.ID})
}

// disconnectSignOn ends that.
func (s *server) disconnectSignOn(c echo.Context) error {
	if err := s.Store.DisconnectIdentity(c.Request().Context(), signedIn(c)); err != nil {
		return s.accountProblem(c, err)
	}
	return c.Redirect(http.StatusSeeOther, string(shell.AccountURL())+"?changed=disconnected")
}

// setSigningPassword takes a signing password, which counts once the person has proved anew at the provider who they are.
func (s *server) setSigningPassword(c echo.Context) error {
	p := signedIn(c)
	fresh := secret.New(c.FormValue("new"))
	err := error(nil)
	if !fresh.Equal(secret.New(c.FormValue("again"))) {
		err = packaging.Fail(packaging.Invalid, "account.not_same")
	}
	var hash string
	if err == nil {
		hash, err = secret.HashPassword(fresh)
	}
	var coded *packaging.Error
	if errors.As(err, &coded) && coded.Code == packaging.Invalid {
		return s.showAccount(c, http.StatusUnprocessableEntity, signin.AccountPage{SignOnProblem: sentence(pageContext(c), coded)})
	}
	if err != nil {
		return err
	}
	return s.sendOff(c, trip{For: toSetSigning, User: p.ID, Hash: hash})
}

// sendOff shows the way to the provider. A form can't lead there by itself: its page lets forms go nowhere but here.
func (s *server) sendOff(c echo.Context, way trip) error {
	p := signedIn(c)
	settings, err := s.signOnOf(c.Request().Context(), p.Tenant.ID)
	if err != nil {
		return err
	}
	if !settings.Enabled {
		return s.notSignedOn(c, p.Tenant, way, &packaging.SignOnError{Reason: packaging.SignOnOff})
	}
	to, err := s.leave(c, p.Tenant, settings, way)
	if err != nil {
		return s.notSignedOn(c, p.Tenant, way, err)
	}
	f, err := s.frame(c, "account", text.Say(pageContext(c), "sign_on.leave", "Label", settings.Label))
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, signin.ProviderRedirect(f, settings.Label, to))
}

func (s *server) accountProblem(c echo.Context, err error) error {
	said, ok := told(pageContext(c), err)
	if !ok {
		return err
	}
	return s.showAccount(c, statuses[packaging.CodeOf(err)], signin.AccountPage{SignOnProblem: said})
}

// farewell is where somebody who came by single sign-on goes when they have signed out: to the page that says that they are
// still signed in at the provider, and leads there.
func farewell(p packaging.Person) string {
	if !p.SignedOn {
		return string(shell.LoginURL())
	}
	return string(shell.SignedOutURL(p.Tenant))
}

// partedFrom is the provider that somebody came by who has just signed out here, as the address of the page says; nil where
// there is none, or it has no way to sign out.
func (s *server) partedFrom(c echo.Context) (*signin.ProviderLogout, error) {
	ctx := c.Request().Context()
	all, err := s.Store.SignOns(ctx)
	if err != nil {
		return nil, err
	}
	for _, on := range all {
		if on.Tenant.Slug != c.QueryParam("out") {
			continue
		}
		settings, err := s.signOnOf(ctx, on.Tenant.ID)
		if err != nil {
			return nil, err
		}
		return &signin.ProviderLogout{Label: on.Label, To: s.Provider.SignOut(ctx, settings, settings.Home+string(shell.LoginURL()))}, nil
	}
	return nil, nil
}
