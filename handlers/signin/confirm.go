package signin

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/views/shell"
	view "lineboard/views/signin"
)

// ConfirmOwnPassword confirms the password that somebody else set for the person, and that they have changed, with the
// one that they had before. Tries at that one are throttled, and wrong ones recorded.
func (s *Server) ConfirmOwnPassword(c echo.Context) error {
	return s.confirmed(c, s.proveOlder(c))
}

func (s *Server) proveOlder(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	hash, err := s.Store.OlderPassword(ctx, p.ID)
	if err != nil {
		return err
	}
	guess := packaging.Guess{What: fmt.Sprintf("older password of %d", p.ID), Throttle: packaging.ThrottleSecret}
	tried, err := s.Try(c, guess)
	if err != nil {
		return err
	}
	if !secret.VerifyPassword(hash, secret.New(c.FormValue("older"))) {
		if err := s.Store.RecordFailedSignIn(ctx, p.ID, c.RealIP()); err != nil {
			return err
		}
		return &web.Refused{Status: http.StatusUnauthorized, Key: "pin.wrong_password"}
	}
	if err := s.Store.TriedRight(ctx, tried); err != nil {
		return err
	}
	return s.Store.ConfirmOwnPassword(ctx, p)
}

// ConfirmPassword confirms the password of another person, whom the person knows to have set it.
func (s *Server) ConfirmPassword(c echo.Context) error {
	user, err := strconv.ParseInt(c.Param("user"), 10, 64)
	if err != nil {
		return packaging.Fail(packaging.NotFound, "error.not_found").Because(err)
	}
	return s.confirmed(c, s.Store.ConfirmPassword(
		c.Request().Context(), web.SignedIn(c), packaging.UserID(user), c.FormValue("shown"),
	))
}

// WaiveConfirmation says that the site goes without a second person who confirms passwords, or not any more.
func (s *Server) WaiveConfirmation(c echo.Context) error {
	return s.confirmed(c, s.Store.WaiveConfirmation(c.Request().Context(), web.SignedIn(c), c.FormValue("waive") != ""))
}

func (s *Server) confirmed(c echo.Context, err error) error {
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.showAccount(c, web.StatusOf(err), view.AccountPage{ConfirmProblem: said})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.AccountURL()+"?changed=confirmed")
}
