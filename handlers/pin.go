package handlers

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	"lineboard/views/shell"
	"lineboard/views/signin"
)

// PINStore keeps what people sign in with at stations.
type PINStore interface {
	StationFactors(ctx context.Context, tenant packaging.TenantID, user packaging.UserID) (pin, badge bool, err error)
	SetPIN(ctx context.Context, by packaging.Person, hash string) error
}

// pin is where a person sets their PIN and their badge.
func (s *server) pin(c echo.Context) error {
	return s.showPIN(c, http.StatusOK, "")
}

func (s *server) showPIN(c echo.Context, status int, problem string) (err error) {
	page := signin.PINPage{Problem: problem, Done: c.QueryParam("done") != ""}
	p := signedIn(c)
	if page.PIN, page.Badge, err = s.Store.StationFactors(c.Request().Context(), p.Tenant.ID, p.ID); err != nil {
		return err
	}
	f, err := s.frame(c, "account", text.Say(pageContext(c), "pin.title"))
	if err != nil {
		return err
	}
	return render(c, status, signin.PIN(f, page))
}

// setPIN gives the person the PIN that they typed twice, or takes it away.
func (s *server) setPIN(c echo.Context) error {
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

// setOwnBadge gives the person the badge that they scanned, or takes it away.
func (s *server) setOwnBadge(c echo.Context) error {
	return s.withPassword(c, func(p packaging.Person) error {
		if c.FormValue("remove") != "" {
			return s.Store.SetBadge(c.Request().Context(), p, p.ID, secret.Text{})
		}
		badge := strings.TrimSpace(c.FormValue("badge"))
		if err := packaging.CheckBadge(badge); err != nil {
			return err
		}
		return s.Store.SetBadge(c.Request().Context(), p, p.ID, secret.New(badge))
	})
}

// withPassword does what the person must give their password for.
func (s *server) withPassword(c echo.Context, do func(packaging.Person) error) error {
	p := signedIn(c)
	_, r, err := s.prove(c, p, secret.New(c.FormValue("password")), packaging.ByPassword)
	if err != nil {
		return err
	}
	if r.status == http.StatusUnauthorized {
		if err := s.Store.RecordFailedSignIn(c.Request().Context(), p.ID, c.RealIP()); err != nil {
			return err
		}
	}
	if r.status != 0 {
		return s.showPIN(c, r.status, r.why)
	}
	err = do(p)
	var coded *packaging.Error
	if errors.As(err, &coded) && (coded.Code == packaging.Invalid || coded.Code == packaging.Conflict) {
		return s.showPIN(c, statuses[coded.Code], text.Say(pageContext(c), coded.Key))
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.PINURL())+"?done=1")
}
