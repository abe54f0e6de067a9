package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
)

func (s *Kit) displayCookie() string { return s.CookieName("display", true) }

// DisplayOf gives the display that the browser is bound to, unknown if it is none.
func (s *Kit) DisplayOf(c echo.Context) (packaging.Display, error) {
	token := tokenOf(c.Request(), s.displayCookie())
	if token == nil {
		return packaging.Display{}, nil
	}
	d, err := s.store.DisplayOf(c.Request().Context(), sha256.Sum256(token))
	if packaging.CodeOf(err) == packaging.NotFound {
		return packaging.Display{}, nil
	}
	return d, err
}

// SetDisplayCookie binds the browser to the display whose token it is.
func (s *Kit) SetDisplayCookie(c echo.Context, token []byte) {
	c.SetCookie(&http.Cookie{
		Name: s.displayCookie(), Value: base64.RawURLEncoding.EncodeToString(token), Path: s.CookiePath("/"),
		MaxAge: int(StationCookieAge / time.Second), HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// KeepDisplayCookie has the browser keep its cookie for as long again: a display is bound until it is unbound.
func (s *Kit) KeepDisplayCookie(c echo.Context) {
	if token := tokenOf(c.Request(), s.displayCookie()); token != nil {
		s.SetDisplayCookie(c, token)
	}
}
