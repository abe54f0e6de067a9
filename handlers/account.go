package handlers

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
	"lineboard/views/signin"
)

// AccountStore keeps passwords, and lists sessions that go on: begun after started and used after seen.
type AccountStore interface {
	ChangePassword(ctx context.Context, by packaging.Person, hash string, but [32]byte) error
	OwnSessions(ctx context.Context, user packaging.UserID, started, seen time.Time) ([]packaging.Session, error)
	EndOwnSession(ctx context.Context, by packaging.Person, id string) error
	Sessions(ctx context.Context, tenant packaging.TenantID, started, seen time.Time) ([]packaging.Session, error)
	EndSessionOf(ctx context.Context, by packaging.Person, id string) error
}

// account is a person's own page.
func (s *server) account(c echo.Context) error {
	return s.showAccount(c, http.StatusOK, signin.AccountPage{Changed: c.QueryParam("changed")})
}

func (s *server) showAccount(c echo.Context, status int, page signin.AccountPage) (err error) {
	ctx, p := c.Request().Context(), signedIn(c)
	f, err := s.frame(c, "account", text.Say(pageContext(c), "account.title"))
	if err != nil {
		return err
	}
	if p.Scope().Limited() {
		if page.Lines, err = s.Store.Lines(ctx, p.Scope()); err != nil {
			return err
		}
	}
	page.Least = secret.MinPassword
	if page.SignOn, err = s.Store.SignOnAccount(ctx, p); err != nil {
		return err
	}
	started, seen := s.goingOn()
	if page.Sessions, err = s.Store.OwnSessions(ctx, p.ID, started, seen); err != nil {
		return err
	}
	if page.Here, err = s.here(c); err != nil {
		return err
	}
	return render(c, status, signin.Account(f, page))
}

// goingOn are the limits of sessions that go on: begun after the one, used after the other.
func (s *server) goingOn() (started, seen time.Time) {
	now := s.Now()
	return now.Add(-s.Limit), now.Add(-s.Idle)
}

// changePassword gives the person another password, for which they must know the old one: a session that somebody left
// open is not enough. The old one is slowed down when it is tried, as at sign-in.
func (s *server) changePassword(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	old, fresh := secret.New(c.FormValue("old")), secret.New(c.FormValue("new"))
	wrong := func(status int, problem string) error {
		return s.showAccount(c, status, signin.AccountPage{Problem: problem})
	}
	if wait := s.Guard.Try(p.Username, c.RealIP()); wait > 0 {
		return wrong(http.StatusTooManyRequests, throttled(c, wait))
	}
	_, hash, err := s.Store.Credential(ctx, p.Username)
	if err != nil {
		return err
	}
	if !secret.VerifyPassword(hash, old) {
		if err := s.recordWrong(c, p.ID, p.Username); err != nil {
			return err
		}
		return wrong(http.StatusUnprocessableEntity, text.Say(pageContext(c), "account.wrong_old"))
	}
	if err := s.Guard.Right(ctx, p.Username, c.RealIP()); err != nil {
		return err
	}
	switch {
	case !fresh.Equal(secret.New(c.FormValue("again"))):
		return wrong(http.StatusUnprocessableEntity, text.Say(pageContext(c), "account.not_same"))
	case fresh.Equal(old):
		return wrong(http.StatusUnprocessableEntity, text.Say(pageContext(c), "account.same_as_old"))
	}
	if hash, err = secret.HashPassword(fresh); err != nil {
		var coded *packaging.Error
		if errors.As(err, &coded) {
			return wrong(http.StatusUnprocessableEntity, sentence(pageContext(c), coded))
		}
		return err
	}
	token, err := s.sessionToken(c)
	if err != nil {
		return err
	}
	if err := s.Store.ChangePassword(ctx, p, hash, token); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.AccountURL())+"?changed=1")
}

// sentence is what a coded error says, its gaps filled.
func sentence(ctx context.Context, e *packaging.Error) string {
	var args []any
	for name, value := range e.Args {
		args = append(args, name, value)
	}
	return text.Say(ctx, e.Key, args...)
}

func (s *server) endOwnSession(c echo.Context) error {
	if err := s.Store.EndOwnSession(c.Request().Context(), signedIn(c), c.Param("session")); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.AccountURL()))
}

// allSessions lists who is signed in at the tenant.
func (s *server) allSessions(c echo.Context) error {
	f, err := s.frame(c, "admin", text.Say(pageContext(c), "sessions.title"))
	if err != nil {
		return err
	}
	started, seen := s.goingOn()
	all, err := s.Store.Sessions(c.Request().Context(), f.Person.Tenant.ID, started, seen)
	if err != nil {
		return err
	}
	here, err := s.here(c)
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, adminviews.Sessions(f, all, here))
}

func (s *server) endSessionOf(c echo.Context) error {
	if err := s.Store.EndSessionOf(c.Request().Context(), signedIn(c), c.Param("session")); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.SessionsURL()))
}
