package signin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	"lineboard/views/shell"
	view "lineboard/views/signin"
)

// Account is a person's own page.
func (s *Server) Account(c echo.Context) error {
	return s.showAccount(c, http.StatusOK, view.AccountPage{Changed: c.QueryParam("changed")})
}

func (s *Server) showAccount(c echo.Context, status int, page view.AccountPage) (err error) {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	f, err := s.Frame(c, "account", text.Say(c.Request().Context(), "account.title"))
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
	if page.Confirmations, err = s.Store.Confirmations(ctx, p); err != nil {
		return err
	}
	started, seen := s.SessionLimits()
	if page.Sessions, err = s.Store.OwnSessions(ctx, p.ID, started, seen); err != nil {
		return err
	}
	if page.Here, err = s.SessionID(c); err != nil {
		return err
	}
	return web.Render(c, status, view.Account(f, page))
}

// ChangePassword gives the person another password and ends their other sessions. They must know the old one: a
// session that somebody left open is not enough.
func (s *Server) ChangePassword(c echo.Context) error {
	err := s.changePassword(c, web.SignedIn(c))
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.showAccount(c, web.FormStatus(err), view.AccountPage{Problem: said})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.AccountURL()+"?changed=1")
}

func (s *Server) changePassword(c echo.Context, p packaging.Person) error {
	was, hash, err := s.newPassword(c, p)
	if err != nil {
		return err
	}
	token, err := s.SessionToken(c)
	if err != nil {
		return err
	}
	return s.Store.ChangePassword(c.Request().Context(), p, was, hash, token)
}

// newPassword returns the hash of the new password of the form, and that of the old one, once it proved right. Tries at
// the old one are throttled as at sign-in.
func (s *Server) newPassword(c echo.Context, p packaging.Person) (was, hash string, err error) {
	ctx := c.Request().Context()
	old, fresh := secret.New(c.FormValue("old")), secret.New(c.FormValue("new"))
	if wait := s.Guard.Try(p.Username, s.Client(c, p.Username)); wait > 0 {
		return "", "", throttled(c, wait)
	}
	_, was, err = s.Store.Credential(ctx, p.Username)
	if err != nil {
		return "", "", err
	}
	if !secret.VerifyPassword(was, old) {
		if err := s.recordWrong(c, p.ID, p.Username); err != nil {
			return "", "", err
		}
		return "", "", packaging.Fail(packaging.Invalid, "account.wrong_old")
	}
	if err := s.Guard.Right(ctx, p.Username, s.Client(c, p.Username)); err != nil {
		return "", "", err
	}
	switch {
	case !fresh.Equal(secret.New(c.FormValue("again"))):
		return "", "", packaging.Fail(packaging.Invalid, "account.not_same")
	case fresh.Equal(old):
		return "", "", packaging.Fail(packaging.Invalid, "account.same_as_old")
	}
	hash, err = secret.HashPassword(fresh)
	return was, hash, err
}

// EndOwnSession ends one of the person's sessions.
func (s *Server) EndOwnSession(c echo.Context) error {
	if err := s.Store.EndOwnSession(c.Request().Context(), web.SignedIn(c), c.Param("session")); err != nil {
		return err
	}
	return web.SeeOther(c, shell.AccountURL())
}
