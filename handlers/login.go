package handlers

import (
	"fmt"
	"net/http"
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

func (s *server) loginPage(c echo.Context) error {
	if _, ok := who(c); ok && !s.locked(c) {
		return c.Redirect(http.StatusSeeOther, string(shell.HomeURL()))
	}
	if at(c).Known() && c.QueryParam("way") != shell.ByPassword {
		return s.stationLogin(c)
	}
	form := signin.LoginForm{Next: c.QueryParam("next")}
	if c.QueryParam("out") != "" {
		parted, err := s.partedFrom(c)
		if err != nil {
			return err
		}
		form.ProviderLogout = parted
	}
	return s.showLogin(c, http.StatusOK, form)
}

func (s *server) showLogin(c echo.Context, status int, form signin.LoginForm) (err error) {
	form.People = s.Demo
	if !at(c).Known() { // at a station people sign in for its line, with what they have at hand
		if form.SignOns, err = s.Store.SignOns(c.Request().Context()); err != nil {
			return err
		}
	}
	frame := shell.Frame{Title: text.Say(c.Request().Context(), "login.title"), Path: here(c), Now: s.Now()}
	return render(c, status, signin.Login(frame, form))
}

func (s *server) login(c echo.Context) error {
	ctx := c.Request().Context()
	form := signin.LoginForm{Username: strings.TrimSpace(c.FormValue("username")), Next: c.FormValue("next")}
	if wait := s.Guard.Try(form.Username, c.RealIP()); wait > 0 {
		return s.showThrottled(c, form, wait)
	}
	user, hash, err := s.Store.Credential(ctx, form.Username)
	if err != nil && packaging.CodeOf(err) != packaging.NotFound {
		return err
	}
	// Without such a person the check takes as long and fails, so that an answer does not tell who exists.
	if !secret.VerifyPassword(hash, secret.New(c.FormValue("password"))) {
		if err := s.recordWrong(c, user, form.Username); err != nil {
			return err
		}
		form.Problem = text.Say(ctx, "login.wrong")
		return s.showLogin(c, http.StatusUnauthorized, form)
	}
	if err := s.Guard.Right(ctx, form.Username, c.RealIP()); err != nil {
		return err
	}
	people, err := s.Store.Memberships(ctx, user)
	if err != nil {
		return err
	}
	if len(people) == 0 { // deactivated this very moment
		return packaging.Fail(packaging.Forbidden, "error.forbidden")
	}
	p, err := placed(c, people)
	if err != nil {
		return err
	}
	if err := s.startSession(c, p); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ownPath(form.Next))
}

// showThrottled says how long no password is looked at; the password that was given was not.
func (s *server) showThrottled(c echo.Context, form signin.LoginForm, wait time.Duration) error {
	form.Problem = throttled(c, wait)
	return s.showLogin(c, http.StatusTooManyRequests, form)
}

// throttled is the sentence about the wait, which the answer's head says too. It is told in whole seconds, rounded up.
func throttled(c echo.Context, wait time.Duration) string {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	c.Response().Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	long := fmt.Sprintf("%d s", int(wait.Seconds()))
	if wait > time.Minute {
		long = text.Lasting(pageContext(c), wait)
	}
	return text.Say(pageContext(c), "login.throttled", "Wait", long)
}

// recordWrong notes a wrong password. In the history each has its entry until they are slowed down, which has one of its own.
func (s *server) recordWrong(c echo.Context, user packaging.UserID, username string) error {
	ctx, from := c.Request().Context(), c.RealIP()
	quiet, err := s.Guard.Wrong(ctx, username, from)
	if err != nil || quiet {
		return err
	}
	return s.Store.RecordFailedSignIn(ctx, user, from)
}

// ownPath is next where it is a path of ours, and the overview otherwise: a link must not send people elsewhere.
func ownPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return string(shell.HomeURL())
	}
	return next
}

func (s *server) logout(c echo.Context) error {
	p, _ := who(c)
	if err := s.endSession(c); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, farewell(p))
}

// switchTenant goes on as the same person at another of their tenants.
func (s *server) switchTenant(c echo.Context) error {
	people, err := s.Store.Memberships(c.Request().Context(), signedIn(c).ID)
	if err != nil {
		return err
	}
	for _, p := range people {
		if p.Tenant.Slug == c.FormValue("tenant") {
			if p, err = placed(c, []packaging.Person{p}); err != nil {
				return err
			}
			if err := s.goOn(c, p); err != nil {
				return err
			}
			return c.Redirect(http.StatusSeeOther, string(shell.HomeURL()))
		}
	}
	return packaging.Fail(packaging.NotFound, "error.not_found")
}
