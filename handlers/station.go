package handlers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	"lineboard/views/shell"
	"lineboard/views/signin"
)

// StationStore keeps stations, who signs in there with what, and what is tried there in vain.
type StationStore interface {
	Tenant(ctx context.Context, id packaging.TenantID) (packaging.Tenant, error)
	StationOf(ctx context.Context, token [32]byte) (packaging.Station, error)
	BindStation(ctx context.Context, code string, token [32]byte, address string) (packaging.Station, error)
	UnbindStation(ctx context.Context, by packaging.Person, id packaging.StationID) error
	StationUse(ctx context.Context, tenant packaging.TenantID, token [32]byte) (packaging.Use, error)
	UseStation(ctx context.Context, token [32]byte) error
	LockStation(ctx context.Context, by packaging.Person, token [32]byte) error
	Colleagues(ctx context.Context, s packaging.Station) ([]packaging.Colleague, error)
	PIN(ctx context.Context, tenant packaging.TenantID, user packaging.UserID) (packaging.Person, string, error)
	BadgeOwner(ctx context.Context, tenant packaging.TenantID, badge secret.Text) (packaging.Person, error)
	Try(ctx context.Context, guesses ...packaging.Guess) (tried []packaging.Tried, wait time.Duration, err error)
	TriedRight(ctx context.Context, tried []packaging.Tried) error
}

const (
	stationKey = "station" // of Echo's context: the station that the browser is bound to
	useKey     = "use"     // how the session stands, where it was begun at that station
	useGap     = 5 * time.Second
	// stationLasts is how long browsers keep a cookie at most. Each sign-in begins it anew.
	stationLasts = 400 * 24 * time.Hour
)

// atStation puts the station that the browser is bound to into the context, and notes that a person uses the session there.
// A session goes on only where it was begun: its cookie is worth nothing in another browser, nor after the tablet was bound
// or unbound.
func (s *server) atStation(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		station, err := s.stationOf(c)
		if err != nil {
			return err
		}
		c.Set(stationKey, station)
		if p, ok := who(c); ok && p.StationID != station.ID {
			c.Set(personKey, nil)
		} else if ok && station.Known() {
			if err := s.noteUse(c, p); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// stationOf gives the station that the browser is bound to, if any.
func (s *server) stationOf(c echo.Context) (packaging.Station, error) {
	cookie, err := c.Cookie(s.stationCookie())
	if err != nil {
		return packaging.Station{}, nil
	}
	token, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(token) != tokenSize {
		return packaging.Station{}, nil
	}
	station, err := s.Store.StationOf(c.Request().Context(), sha256.Sum256(token))
	if packaging.CodeOf(err) == packaging.NotFound {
		return packaging.Station{}, nil
	}
	return station, err
}

func (s *server) stationCookie() string { return s.sessions.name + "-station" }

func (s *server) setStationCookie(c echo.Context, value string, lasts time.Duration) {
	c.SetCookie(&http.Cookie{
		Name: s.stationCookie(), Value: value, Path: "/", MaxAge: int(lasts / time.Second),
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// at is the station that the browser is bound to, unknown where it is no station's.
func at(c echo.Context) packaging.Station {
	station, _ := c.Get(stationKey).(packaging.Station)
	return station
}

// noteUse puts into the context how the session at the station stands, and notes that it is used.
func (s *server) noteUse(c echo.Context, p packaging.Person) error {
	ctx := c.Request().Context()
	token, err := s.sessionToken(c)
	if err != nil {
		return err
	}
	use, err := s.Store.StationUse(ctx, p.Tenant.ID, token)
	if packaging.CodeOf(err) == packaging.NotFound {
		c.Set(personKey, nil) // ended this very moment
		return nil
	}
	if err != nil {
		return err
	}
	now := s.Now()
	used := use.Left(now) > 0 && now.Sub(use.Used) > useGap && byHand(c.Request())
	if ahead := use.Used.After(now); used || ahead { // one that is ahead would keep it open until the clock is there again
		use.Used = now
		if err := s.Store.UseStation(ctx, token); err != nil {
			return err
		}
	}
	c.Set(useKey, use)
	return nil
}

// byHand says whether a person makes the request: a page that asks again by itself does not count as use.
func byHand(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return true
	}
	accept := r.Header.Get("Accept")
	return r.Header.Get("HX-Request") == "" && (accept == "" || strings.Contains(accept, "text/html"))
}

// locked says whether the session waits for somebody to sign in at the station again.
func (s *server) locked(c echo.Context) bool {
	use, ok := c.Get(useKey).(packaging.Use)
	return ok && use.Left(s.Now()) == 0
}

// showLock answers a request of a locked session: with the page to sign in on, at the address that was asked for. A part of
// a page gets none of it.
func (s *server) showLock(c echo.Context) error {
	if fromHTMX(c) || !byHand(c.Request()) {
		return c.NoContent(http.StatusLocked)
	}
	return s.showStationSignIn(c, http.StatusLocked, signin.StationSignIn{Next: here(c), Chosen: packaging.Colleague{ID: signedIn(c).ID}})
}

// placed is whom a sign-in makes the session for: at a station the person at its site, who then is there; elsewhere the
// first of the memberships.
func placed(c echo.Context, memberships []packaging.Person) (packaging.Person, error) {
	station := at(c)
	for _, p := range memberships {
		if !station.Known() {
			return p, nil
		}
		if p.Tenant.ID == station.TenantID {
			return p.At(station)
		}
	}
	return packaging.Person{}, packaging.Fail(packaging.Forbidden, "error.other_station")
}

// stationLogin is the sign-in page of a station: who is it, and their PIN.
func (s *server) stationLogin(c echo.Context) error {
	chosen, err := whole(c.QueryParam("person"))
	if err != nil {
		return err
	}
	return s.showStationSignIn(c, http.StatusOK, signin.StationSignIn{
		Next: c.QueryParam("next"), Chosen: packaging.Colleague{ID: packaging.UserID(chosen)}, Typed: c.QueryParam("way") == "username",
	})
}

func (s *server) showStationSignIn(c echo.Context, status int, form signin.StationSignIn) (err error) {
	ctx := c.Request().Context()
	form.Station = at(c)
	if form.Tenant, err = s.Store.Tenant(ctx, form.Station.TenantID); err != nil {
		return err
	}
	ctx = text.With(ctx, text.In(text.Of(ctx), form.Tenant.Location())) // nobody is signed in, but the station has a site
	c.SetRequest(c.Request().WithContext(ctx))
	if form.People, err = s.Store.Colleagues(ctx, form.Station); err != nil {
		return err
	}
	chosen := form.Chosen.ID
	form.Chosen = packaging.Colleague{}
	if p, ok := who(c); ok {
		form.LockedBy = p.FullName
		if p.ID == chosen { // without a PIN they may have a badge
			form.Chosen = packaging.Colleague{ID: p.ID, Username: p.Username, FullName: p.FullName}
		}
	}
	for _, one := range form.People {
		if one.ID == chosen {
			form.Chosen = one
		}
	}
	if cookie, err := c.Cookie(s.stationCookie()); err == nil {
		s.setStationCookie(c, cookie.Value, stationLasts)
	}
	f := shell.Frame{Title: text.Say(pageContext(c), "login.title"), Path: form.Next, Now: s.Now()}
	return render(c, status, signin.StationSignInPage(f, form))
}

// stationSignIn signs somebody in at the station, by PIN or badge. A session that is locked there goes on for the same
// person, and gives way to the one of another.
func (s *server) stationSignIn(c echo.Context) error {
	if !at(c).Known() {
		return packaging.Fail(packaging.Invalid, "error.no_station")
	}
	chosen, err := formNumber(c, "person")
	if err != nil {
		return err
	}
	form := signin.StationSignIn{
		Next: c.FormValue("next"), Chosen: packaging.Colleague{ID: packaging.UserID(chosen)}, Typed: c.FormValue("username") != "",
	}
	p, refused, err := s.identify(c, form.Chosen.ID, strings.TrimSpace(c.FormValue("username")), secret.New(strings.TrimSpace(c.FormValue("secret"))))
	if err != nil {
		return err
	}
	if refused.status != 0 {
		form.Problem = refused.why
		return s.showStationSignIn(c, refused.status, form)
	}
	if p, err = p.At(at(c)); err != nil {
		return err
	}
	before, _ := who(c)
	if err := s.startSession(c, p); err != nil {
		return err
	}
	if !fromHTMX(c) {
		return c.Redirect(http.StatusSeeOther, ownPath(form.Next))
	}
	if before.ID == p.ID {
		c.Response().Header().Set("HX-Trigger", "unlocked")
		return c.NoContent(http.StatusNoContent)
	}
	c.Response().Header().Set("HX-Redirect", ownPath(form.Next))
	return c.NoContent(http.StatusNoContent)
}

// refusal is why somebody was not let in, with its HTTP status; that is 0 where they were.
type refusal struct {
	status int
	why    string
}

// identify says who it is that has the PIN, or the badge. One scanned where a PIN is asked for is taken as a badge, whoever
// was chosen.
func (s *server) identify(c echo.Context, user packaging.UserID, username string, typed secret.Text) (p packaging.Person, r refusal, err error) {
	ctx := c.Request().Context()
	if username != "" {
		if user, _, err = s.Store.Credential(ctx, username); err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return p, r, err
		}
	}
	if (user != 0 || username != "") && packaging.IsPIN(typed.Reveal()) {
		p, r, err = s.tryPIN(c, user, typed)
		// What is long enough for a badge may be one that has only digits.
		if err != nil || r.status != http.StatusUnauthorized || packaging.CheckBadge(typed.Reveal()) != nil {
			return p, r, err
		}
	}
	return s.tryBadge(c, typed)
}

// guesses are what a PIN is a guess at: that of a colleague, and those of all of them. Whoever is no colleague of the station
// counts as the same stranger, so that neither answers nor waits tell who exists.
func guesses(station packaging.Station, user packaging.UserID, colleague bool) []packaging.Guess {
	if !colleague {
		return []packaging.Guess{{What: fmt.Sprintf("pin of a stranger at station %d", station.ID), Free: packaging.FreeTries}}
	}
	return []packaging.Guess{
		{What: fmt.Sprintf("pin of %d at station %d", user, station.ID), Free: packaging.FreeTries},
		{What: fmt.Sprintf("pins at station %d", station.ID), Free: packaging.FreeTriesOfMany, Shared: true},
	}
}

func (s *server) tryPIN(c echo.Context, user packaging.UserID, pin secret.Text) (p packaging.Person, r refusal, err error) {
	ctx, station := c.Request().Context(), at(c)
	colleagues, err := s.Store.Colleagues(ctx, station)
	if err != nil {
		return p, r, err
	}
	colleague := slices.ContainsFunc(colleagues, func(one packaging.Colleague) bool { return one.ID == user })
	tried, r, err := s.try(c, guesses(station, user, colleague)...)
	if err != nil || r.status != 0 {
		return p, r, err
	}
	var hash string
	if colleague {
		if p, hash, err = s.Store.PIN(ctx, station.TenantID, user); err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return p, r, err
		}
	}
	// Without such a PIN the check takes as long, as with passwords.
	if !secret.VerifyPassword(hash, pin) {
		return p, refusal{http.StatusUnauthorized, text.Say(pageContext(c), "station.wrong_pin")}, s.recordDeclined(ctx, station, p.Author)
	}
	return p, r, s.Store.TriedRight(ctx, tried)
}

func (s *server) tryBadge(c echo.Context, badge secret.Text) (p packaging.Person, r refusal, err error) {
	ctx, station := c.Request().Context(), at(c)
	tried, r, err := s.try(c, packaging.Guess{What: fmt.Sprintf("badge at station %d", station.ID), Free: packaging.FreeTries, Shared: true})
	if err != nil || r.status != 0 {
		return p, r, err
	}
	p, err = s.Store.BadgeOwner(ctx, station.TenantID, badge)
	if packaging.CodeOf(err) == packaging.NotFound {
		return p, refusal{http.StatusUnauthorized, text.Say(pageContext(c), "station.wrong_pin")}, s.recordDeclined(ctx, station, p.Author)
	}
	if err != nil {
		return p, r, err
	}
	return p, r, s.Store.TriedRight(ctx, tried)
}

// recordDeclined keeps that somebody was not let in at a station: by is whose PIN was asked for, nobody where that is not known.
func (s *server) recordDeclined(ctx context.Context, station packaging.Station, by packaging.Author) error {
	by.Station = station.Name
	return s.Store.Record(ctx, packaging.Entry{
		TenantID: station.TenantID, By: by, Deed: packaging.PINDeclined, LineCode: station.Line.Code, LineName: station.Line.Name,
	})
}

// try counts a try at something that could be guessed, and refuses it where it is too early for one.
func (s *server) try(c echo.Context, guesses ...packaging.Guess) (tried []packaging.Tried, r refusal, err error) {
	tried, wait, err := s.Store.Try(c.Request().Context(), guesses...)
	if err != nil || wait == 0 {
		return tried, r, err
	}
	wait = wait.Truncate(time.Second) + time.Second
	c.Response().Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	return tried, refusal{http.StatusTooManyRequests, text.Say(pageContext(c), "station.too_many", "Time", text.Lasting(pageContext(c), wait))}, nil
}

// stationIdle tells a page how long the session may still go unused, in seconds. Asked with a POST, as a person's touch
// has a page do, the request itself is a use.
func (s *server) stationIdle(c echo.Context) error {
	use, ok := c.Get(useKey).(packaging.Use)
	if !ok {
		return packaging.Fail(packaging.Invalid, "error.no_station")
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, map[string]float64{"left": math.Round(use.Left(s.Now()).Seconds()*10) / 10})
}

// lockStation locks the session, if there is one, until somebody signs in at the station again.
func (s *server) lockStation(c echo.Context) error {
	if p, ok := who(c); ok && at(c).Known() && !s.locked(c) {
		token, err := s.sessionToken(c)
		if err != nil {
			return err
		}
		if err := s.Store.LockStation(c.Request().Context(), p, token); err != nil {
			return err
		}
	}
	return c.Redirect(http.StatusSeeOther, ownPath(c.FormValue("next")))
}

// stationPage binds the browser to a station, or says which one it is bound to.
func (s *server) stationPage(c echo.Context) error {
	return s.showStation(c, http.StatusOK, "")
}

func (s *server) showStation(c echo.Context, status int, problem string) error {
	p, _ := who(c)
	f := shell.Frame{Title: text.Say(pageContext(c), "station.title"), Path: string(shell.StationURL()), Now: s.Now()}
	return render(c, status, signin.StationPage(f, signin.StationForm{
		Station: at(c), MayUnbind: p.May(packaging.Administer) && !s.locked(c), Problem: problem,
	}))
}

// bindStation binds the browser to the station whose code was typed. Who was signed in here is so no longer: what is done
// from here on is done at the station.
func (s *server) bindStation(c echo.Context) error {
	ctx := c.Request().Context()
	tried, r, err := s.try(c, packaging.Guess{What: "code of a station from " + c.RealIP(), Free: packaging.FreeTries})
	if err != nil {
		return err
	}
	if r.status != 0 {
		return s.showStation(c, r.status, r.why)
	}
	token := make([]byte, tokenSize)
	rand.Read(token)
	station, err := s.Store.BindStation(ctx, packaging.ReadCode(c.FormValue("code")), sha256.Sum256(token), c.RealIP())
	if packaging.CodeOf(err) == packaging.NotFound {
		s.Log.Warn("wrong code of a station", "from", c.RealIP())
		return s.showStation(c, http.StatusUnprocessableEntity, text.Say(pageContext(c), "station.wrong_code"))
	}
	if err != nil {
		return err
	}
	if err := s.Store.TriedRight(ctx, tried); err != nil {
		return err
	}
	s.Log.Info("station bound", "station", station.ID, "from", c.RealIP())
	if err := s.endSession(c); err != nil {
		return err
	}
	s.setStationCookie(c, base64.RawURLEncoding.EncodeToString(token), stationLasts)
	return c.Redirect(http.StatusSeeOther, string(shell.LoginURL()))
}

// unbindHere takes this tablet from its station, and with it every session here.
func (s *server) unbindHere(c echo.Context) error {
	station := at(c)
	if !station.Known() {
		return packaging.Fail(packaging.Invalid, "error.no_station")
	}
	if err := s.Store.UnbindStation(c.Request().Context(), signedIn(c), station.ID); err != nil {
		return err
	}
	s.setStationCookie(c, "", -time.Second)
	return c.Redirect(http.StatusSeeOther, string(shell.LoginURL()))
}
