package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	"lineboard/views/shell"
	view "lineboard/views/signin"
)

// ShowLock answers a request of a locked session with the page to sign in on, at the address that was asked for. A part
// of a page gets 423 and no content.
func (s *Server) ShowLock(c echo.Context) error {
	if web.IsHTMX(c) || !web.CountsAsUse(c.Request()) {
		return c.NoContent(http.StatusLocked)
	}
	return s.showStationSignIn(
		c,
		http.StatusLocked,
		view.StationSignIn{Next: web.CurrentPath(c), Chosen: packaging.Colleague{ID: web.SignedIn(c).ID}},
	)
}

// membership returns whom a sign-in begins the session for: at a station the person at its site, elsewhere the first of
// the memberships. Forbidden if they are not of the station's site.
func membership(c echo.Context, memberships []packaging.Person) (packaging.Person, error) {
	station := web.Station(c)
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
func (s *Server) stationLogin(c echo.Context) error {
	chosen, err := web.QueryNumber(c, "person")
	if err != nil {
		return err
	}
	return s.showStationSignIn(c, http.StatusOK, view.StationSignIn{
		Next:   c.QueryParam("next"),
		Chosen: packaging.Colleague{ID: packaging.UserID(chosen)},
		Typed:  c.QueryParam("way") == "username",
	})
}

func (s *Server) showStationSignIn(c echo.Context, status int, form view.StationSignIn) (err error) {
	ctx := c.Request().Context()
	form.Station = web.Station(c)
	if form.Tenant, err = s.Store.Tenant(ctx, form.Station.TenantID); err != nil {
		return err
	}
	ctx = text.With(
		ctx, text.In(text.Of(ctx), form.Tenant.Location()),
	) // nobody is signed in, but the station has a site
	c.SetRequest(c.Request().WithContext(ctx))
	if form.People, err = s.Store.Colleagues(ctx, form.Station); err != nil {
		return err
	}
	chosen := form.Chosen.ID
	form.Chosen = packaging.Colleague{}
	if p, ok := web.Person(c); ok {
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
	if cookie, err := c.Cookie(s.StationCookie()); err == nil {
		s.SetStationCookie(c, cookie.Value, web.StationCookieAge)
	}
	f := shell.Frame{Title: text.Say(c.Request().Context(), "login.title"), Path: form.Next, Now: s.Now()}
	return web.Render(c, status, view.StationSignInPage(f, form))
}

// StationSignIn signs somebody in at the station, by PIN or badge. A session that is locked there goes on for the
// same person, and gives way to the one of another.
func (s *Server) StationSignIn(c echo.Context) error {
	if !web.Station(c).Known() {
		return packaging.Fail(packaging.Invalid, "error.no_station")
	}
	chosen, err := web.FormNumber(c, "person")
	if err != nil {
		return err
	}
	form := view.StationSignIn{
		Next:   c.FormValue("next"),
		Chosen: packaging.Colleague{ID: packaging.UserID(chosen)},
		Typed:  c.FormValue("username") != "",
	}
	typed := secret.New(strings.TrimSpace(c.FormValue("secret")))
	p, err := s.identify(c, form.Chosen.ID, strings.TrimSpace(c.FormValue("username")), typed)
	if form.Problem = web.FormError(c.Request().Context(), err); form.Problem != "" {
		return s.showStationSignIn(c, web.StatusOf(err), form)
	}
	if err != nil {
		return err
	}
	if p, err = p.At(web.Station(c)); err != nil {
		return err
	}
	return s.startAtStation(c, p, web.LocalPath(form.Next))
}

// startAtStation begins the session of p at the station, and leads on. A script unlocks the page in place if the
// session was theirs before.
func (s *Server) startAtStation(c echo.Context, p packaging.Person, next string) error {
	before, _ := web.Person(c)
	if err := s.StartSession(c, p); err != nil {
		return err
	}
	if !web.IsHTMX(c) {
		return web.SeeOther(c, next)
	}
	if before.ID == p.ID {
		c.Response().Header().Set("HX-Trigger", "unlocked")
		return c.NoContent(http.StatusNoContent)
	}
	c.Response().Header().Set("HX-Redirect", shell.At(c.Request().Context(), next))
	return c.NoContent(http.StatusNoContent)
}

// errWrongPIN says that a PIN or a badge is nobody's here.
var errWrongPIN = &web.Refused{Status: http.StatusUnauthorized, Key: "station.wrong_pin"}

// identify returns who has the PIN, or the badge. A badge may be scanned where a PIN is asked for, whoever was chosen.
// So what can be either is a guess at both, and a badge comes first: it is no wrong PIN of a colleague.
func (s *Server) identify(
	c echo.Context, user packaging.UserID, username string, typed secret.Text,
) (p packaging.Person, err error) {
	if username != "" {
		user, _, err = s.Store.Credential(c.Request().Context(), username)
		s.NoteUnknownName(c, err)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return p, err
		}
	}
	mayBePIN := (user != 0 || username != "") && packaging.IsPIN(typed.Reveal())
	if mayBePIN && packaging.CheckBadge(typed.Reveal()) != nil {
		p, err = s.tryPIN(c, user, typed)
		return p, s.declined(c, err, p.Author)
	}
	ctx := c.Request().Context()
	p, tried, err := s.tryBadge(c, typed)
	isNobodys, isTooEarly := packaging.CodeOf(err) == packaging.NotFound, web.StatusOf(err) == http.StatusTooManyRequests
	switch {
	case err == nil:
		return p, s.Store.TriedRight(ctx, tried)
	case mayBePIN && (isNobodys || isTooEarly):
		c.Response().Header().Del("Retry-After") // of badges
		p, err = s.tryPIN(c, user, typed)
		switch {
		case err == nil:
			return p, s.Store.TriedRight(ctx, tried)
		case isTooEarly: // it may be the right badge of somebody else
			p.Author = packaging.Author{}
		}
		return p, s.declined(c, err, p.Author)
	case isNobodys:
		return p, s.declined(c, errWrongPIN, p.Author)
	}
	return p, err
}

// guesses returns what a PIN is a guess at: that of one colleague, and those of all. All others count as one stranger,
// so that neither answers nor waits tell who exists.
func guesses(station packaging.Station, user packaging.UserID, colleague bool) []packaging.Guess {
	if !colleague {
		return []packaging.Guess{{
			What: fmt.Sprintf("pin of a stranger at station %d", station.ID), Throttle: packaging.ThrottleSecret,
		}}
	}
	return []packaging.Guess{
		{What: fmt.Sprintf("pin of %d at station %d", user, station.ID), Throttle: packaging.ThrottleSecret},
		{What: fmt.Sprintf("pins at station %d", station.ID), Throttle: packaging.ThrottlePINs, Shared: true},
	}
}

// tryPIN returns the colleague whose PIN it is. It fails with errWrongPIN, and then returns whose it is not, if that is
// known.
func (s *Server) tryPIN(c echo.Context, user packaging.UserID, pin secret.Text) (p packaging.Person, err error) {
	ctx, station := c.Request().Context(), web.Station(c)
	colleagues, err := s.Store.Colleagues(ctx, station)
	if err != nil {
		return p, err
	}
	colleague := slices.ContainsFunc(colleagues, func(one packaging.Colleague) bool { return one.ID == user })
	tried, err := s.Try(c, guesses(station, user, colleague)...)
	if err != nil {
		return p, err
	}
	var hash string
	if colleague {
		p, hash, err = s.Store.PIN(ctx, station.TenantID, user)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return p, err
		}
	}
	// Without such a PIN the check takes as long, as with passwords.
	if !secret.VerifyPassword(hash, pin) {
		return p, errWrongPIN
	}
	return p, s.Store.TriedRight(ctx, tried)
}

// tryBadge returns whose badge it is, and what was tried: nothing if it is too early for a try. A keyboard may have
// changed the scan: it is one guess, whatever is undone, and signs in only if one person fits all of its readings.
func (s *Server) tryBadge(
	c echo.Context, badge secret.Text,
) (p packaging.Person, tried []packaging.Tried, err error) {
	ctx, station := c.Request().Context(), web.Station(c)
	guess := packaging.Guess{
		What:     fmt.Sprintf("badge at station %d", station.ID),
		Throttle: packaging.ThrottleSecret,
		Shared:   true,
	}
	if tried, err = s.Try(c, guess); err != nil {
		return p, nil, err
	}
	var readings []secret.Text
	for _, reading := range (gs1.Scan{Text: badge.Reveal()}).Texts() {
		readings = append(readings, secret.New(reading))
	}
	p, err = s.Store.BadgeOwner(ctx, station.TenantID, readings)
	return p, tried, err
}

// declined records that somebody was not let in at the station if that is why a try failed, and returns why. by has
// whose PIN was asked for, if that is known.
func (s *Server) declined(c echo.Context, why error, by packaging.Author) error {
	if !errors.Is(why, errWrongPIN) {
		return why
	}
	station := web.Station(c)
	by.Station = station.Name
	if err := s.Store.Record(c.Request().Context(), packaging.Entry{
		TenantID: station.TenantID, By: by, Deed: packaging.PINDeclined,
		LineCode: station.Line.Code, LineName: station.Line.Name,
	}); err != nil {
		return err
	}
	return why
}

// StationIdle tells a page how long the session may still go unused, in seconds. Asked with a POST, as a person's
// touch has a page do, the request itself is a use.
func (s *Server) StationIdle(c echo.Context) error {
	session, ok := web.StationUse(c)
	if !ok {
		return packaging.Fail(packaging.Invalid, "error.no_station")
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, map[string]float64{"left": math.Round(session.Left(s.Now()).Seconds()*10) / 10})
}

// LockStation locks the session, if there is one, until somebody signs in at the station again.
func (s *Server) LockStation(c echo.Context) error {
	if p, ok := web.Person(c); ok && web.Station(c).Known() && !s.Locked(c) {
		token, err := s.SessionToken(c)
		if err != nil {
			return err
		}
		if err := s.Store.LockStation(c.Request().Context(), p, token); err != nil {
			return err
		}
	}
	return web.SeeOther(c, web.LocalPath(c.FormValue("next")))
}

// StationPage binds the browser to a station, or says which one it is bound to.
func (s *Server) StationPage(c echo.Context) error {
	return s.showStation(c, http.StatusOK, "")
}

func (s *Server) showStation(c echo.Context, status int, problem string) error {
	p, _ := web.Person(c)
	f := shell.Frame{
		Title: text.Say(c.Request().Context(), "station.title"),
		Path:  string(shell.StationURL()),
		Now:   s.Now(),
	}
	return web.Render(c, status, view.StationPage(f, view.StationForm{
		Station: web.Station(c), MayUnbind: p.May(packaging.Administer) && !s.Locked(c), Problem: problem,
	}))
}

// BindStation binds the browser to the station or the display whose code was typed, and ends the session there: what is
// done from now on is done at the station, and a display is nobody's.
func (s *Server) BindStation(c echo.Context) error {
	ctx := c.Request().Context()
	tried, err := s.Try(
		c, packaging.Guess{What: "code of a station from " + c.RealIP(), Throttle: packaging.ThrottleSecret},
	)
	if said := web.FormError(ctx, err); said != "" {
		return s.showStation(c, web.StatusOf(err), said)
	}
	if err != nil {
		return err
	}
	token := make([]byte, web.TokenBytes)
	rand.Read(token)
	code, hash := packaging.ReadCode(c.FormValue("code")), sha256.Sum256(token)
	station, err := s.Store.BindStation(ctx, code, hash, c.RealIP())
	var display packaging.Display
	if packaging.CodeOf(err) == packaging.NotFound {
		display, err = s.Store.BindDisplay(ctx, code, hash, c.RealIP())
	}
	if packaging.CodeOf(err) == packaging.NotFound {
		s.SecurityEvent(web.WrongCodeEvent, c.RealIP())
		return s.showStation(c, http.StatusUnprocessableEntity, text.Say(c.Request().Context(), "station.wrong_code"))
	}
	if err != nil {
		return err
	}
	if err := s.Store.TriedRight(ctx, tried); err != nil {
		return err
	}
	s.Log.Info("station or display bound", "station", station.ID, "display", display.ID, "from", c.RealIP())
	if err := s.EndSession(c); err != nil {
		return err
	}
	if display.Known() {
		s.SetDisplayCookie(c, token)
		return web.SeeOther(c, shell.DisplayURL())
	}
	s.SetStationCookie(c, base64.RawURLEncoding.EncodeToString(token), web.StationCookieAge)
	return web.SeeOther(c, shell.LoginURL())
}

// UnbindTablet takes this tablet from its station, and with it every session here.
func (s *Server) UnbindTablet(c echo.Context) error {
	station := web.Station(c)
	if !station.Known() {
		return packaging.Fail(packaging.Invalid, "error.no_station")
	}
	if err := s.Store.UnbindStation(c.Request().Context(), web.SignedIn(c), station.ID); err != nil {
		return err
	}
	s.SetStationCookie(c, "", -time.Second)
	return web.SeeOther(c, shell.LoginURL())
}
