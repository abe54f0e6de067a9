package signin

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	"lineboard/views/shell"
	view "lineboard/views/signin"
)

// LoginPage is where people sign in.
func (s *Server) LoginPage(c echo.Context) error {
	if _, ok := web.Person(c); ok && !s.Locked(c) {
		return web.SeeOther(c, shell.HomeURL())
	}
	if web.Station(c).Known() && c.QueryParam("way") != shell.ByPassword {
		return s.stationLogin(c)
	}
	form := view.LoginForm{Next: c.QueryParam("next")}
	if c.QueryParam("out") != "" {
		parted, err := s.logoutProvider(c)
		if err != nil {
			return err
		}
		form.ProviderLogout = parted
	}
	return s.showLogin(c, http.StatusOK, form)
}

func (s *Server) showLogin(c echo.Context, status int, form view.LoginForm) (err error) {
	form.People = s.Demo
	if !web.Station(c).Known() { // at a station people sign in for its line, with what they have at hand
		if form.SignOns, err = s.Store.SignOns(c.Request().Context()); err != nil {
			return err
		}
	}
	frame := shell.Frame{Title: text.Say(c.Request().Context(), "login.title"), Path: web.CurrentPath(c), Now: s.Now()}
	return web.Render(c, status, view.Login(frame, form))
}

// Login signs somebody in by password.
func (s *Server) Login(c echo.Context) error {
	ctx := c.Request().Context()
	form := view.LoginForm{Username: strings.TrimSpace(c.FormValue("username")), Next: c.FormValue("next")}
	user, err := s.checkPassword(c, form.Username)
	if form.Problem = web.FormError(ctx, err); form.Problem != "" {
		return s.showLogin(c, web.StatusOf(err), form)
	}
	if err != nil {
		return err
	}
	people, err := s.Store.Memberships(ctx, user)
	if err != nil {
		return err
	}
	if len(people) == 0 { // deactivated this very moment
		return packaging.Fail(packaging.Forbidden, "error.forbidden")
	}
	p, err := membership(c, people)
	if err != nil {
		return err
	}
	if err := s.StartSession(c, p); err != nil {
		return err
	}
	return web.SeeOther(c, web.LocalPath(form.Next))
}

// checkPassword returns whose username and password the form has. A wrong password, and one that comes too early, end
// in
// [web.Refused].
func (s *Server) checkPassword(c echo.Context, username string) (packaging.UserID, error) {
	ctx := c.Request().Context()
	if !s.Client(c, username).Known() {
		if !s.enterStranger(ctx) {
			return 0, throttled(c, strangersWait)
		}
		defer s.strangers.Release(1)
	}
	if wait := s.Guard.Try(username, s.Client(c, username)); wait > 0 {
		return 0, throttled(c, wait)
	}
	user, hash, err := s.Store.Credential(ctx, username)
	if err != nil && packaging.CodeOf(err) != packaging.NotFound {
		return 0, err
	}
	// Without such a person the check takes as long and fails, so that an answer does not tell who exists.
	if !secret.VerifyPassword(hash, secret.New(c.FormValue("password"))) {
		if err := s.recordWrong(c, user, username); err != nil {
			return 0, err
		}
		if user == 0 {
			s.SecurityEvent(web.UnknownNameEvent, c.RealIP())
		}
		return 0, &web.Refused{Status: http.StatusUnauthorized, Key: "login.wrong"}
	}
	return user, s.Guard.Right(ctx, username, s.Client(c, username))
}

// enterStranger waits until the password of an unknown browser may be compared. It reports false if too many others
// wait.
func (s *Server) enterStranger(ctx context.Context) bool {
	limited, cancel := context.WithTimeout(ctx, strangersWait)
	defer cancel()
	return s.strangers.Acquire(limited, 1) == nil
}

// throttled returns the error of a password that came too early and was not looked at. The answer's head says how
// long to wait, in whole seconds, rounded up.
func throttled(c echo.Context, wait time.Duration) error {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(wait.Seconds())))
	long := fmt.Sprintf("%d s", int(wait.Seconds()))
	if wait > time.Minute {
		long = text.Lasting(c.Request().Context(), wait)
	}
	return &web.Refused{Status: http.StatusTooManyRequests, Key: "login.throttled", Args: []any{"Wait", long}}
}

// recordWrong records a wrong password. Each has an entry in the history until a throttle begins, which has its own.
func (s *Server) recordWrong(c echo.Context, user packaging.UserID, username string) error {
	ctx := c.Request().Context()
	quiet, err := s.Guard.Wrong(ctx, username, s.Client(c, username))
	if err != nil || quiet {
		return err
	}
	return s.Store.RecordFailedSignIn(ctx, user, c.RealIP())
}

// Logout ends the session.
func (s *Server) Logout(c echo.Context) error {
	p, _ := web.Person(c)
	if err := s.EndSession(c); err != nil {
		return err
	}
	return web.SeeOther(c, logoutURL(p))
}

// SwitchTenant goes on as the same person at another of their tenants.
func (s *Server) SwitchTenant(c echo.Context) error {
	people, err := s.Store.Memberships(c.Request().Context(), web.SignedIn(c).ID)
	if err != nil {
		return err
	}
	for _, p := range people {
		if p.Tenant.Slug == c.FormValue("tenant") {
			if p, err = membership(c, []packaging.Person{p}); err != nil {
				return err
			}
			if err := s.ContinueSession(c, p); err != nil {
				return err
			}
			return web.SeeOther(c, shell.HomeURL())
		}
	}
	return packaging.Fail(packaging.NotFound, "error.not_found")
}
