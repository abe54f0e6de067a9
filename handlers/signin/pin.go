package signin

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	"lineboard/views/shell"
	view "lineboard/views/signin"
)

// PIN is where a person sets their PIN and their badge.
func (s *Server) PIN(c echo.Context) error {
	return s.showPIN(c, http.StatusOK, "")
}

func (s *Server) showPIN(c echo.Context, status int, problem string) (err error) {
	page := view.PINPage{Problem: problem, Done: c.QueryParam("done") != ""}
	p := web.SignedIn(c)
	if page.PIN, page.Badge, err = s.Store.StationFactors(c.Request().Context(), p.Tenant.ID, p.ID); err != nil {
		return err
	}
	page.BadgeSetBy, page.BadgeShown, err = s.Store.BadgeToConfirm(c.Request().Context(), p.Tenant.ID, p.ID)
	if err != nil {
		return err
	}
	f, err := s.Frame(c, "account", text.Say(c.Request().Context(), "pin.title"))
	if err != nil {
		return err
	}
	return web.Render(c, status, view.PIN(f, page))
}

// SetPIN gives the person the PIN that they typed twice, or takes it away.
func (s *Server) SetPIN(c echo.Context) error {
	return s.withPassword(c, func(p packaging.Person) error {
		if c.FormValue("remove") != "" {
			return s.Store.SetPIN(c.Request().Context(), p, "")
		}
		pin := c.FormValue("pin")
		if err := packaging.CheckPIN(pin); err != nil {
			return err
		}
		if pin != c.FormValue("again") {
			return packaging.Fail(packaging.Invalid, "pin.not_the_same")
		}
		return s.Store.SetPIN(c.Request().Context(), p, secret.HashPIN(secret.New(pin)))
	})
}

// SetOwnBadge gives the person the badge that they scanned, takes it away, or confirms the one that
// somebody else set.
func (s *Server) SetOwnBadge(c echo.Context) error {
	return s.withPassword(c, func(p packaging.Person) error {
		if c.FormValue("remove") != "" {
			return s.Store.SetBadge(c.Request().Context(), p, p.ID, secret.Text{})
		}
		if c.FormValue("confirm") != "" {
			return s.Store.ConfirmBadge(c.Request().Context(), p, c.FormValue("shown"))
		}
		badge := strings.TrimSpace(c.FormValue("badge"))
		if err := packaging.CheckBadge(badge); err != nil {
			return err
		}
		return s.Store.SetBadge(c.Request().Context(), p, p.ID, secret.New(badge))
	})
}

// withPassword does what the person must give their password for.
func (s *Server) withPassword(c echo.Context, do func(packaging.Person) error) error {
	err := s.provePassword(c)
	if err == nil {
		err = do(web.SignedIn(c))
	}
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.showPIN(c, web.StatusOf(err), said)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.PINURL()+"?done=1")
}

// provePassword checks the password that the person gave again, and records a wrong one.
func (s *Server) provePassword(c echo.Context) error {
	p := web.SignedIn(c)
	_, err := s.Prove(c, p, secret.New(c.FormValue("password")), packaging.ByPassword)
	if web.IsWrong(err) {
		if err := s.Store.RecordFailedSignIn(c.Request().Context(), p.ID, c.RealIP()); err != nil {
			return err
		}
	}
	return err
}
