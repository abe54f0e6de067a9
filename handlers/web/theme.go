package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// themeCookie is the name of the cookie with the colours of a device: the light around it decides, not the person.
func (s *Kit) themeCookie() string { return s.CookieName("theme", true) }

// ChooseTheme gives a page the colours that were chosen on its device.
func (s *Kit) ChooseTheme(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if cookie, err := c.Cookie(s.themeCookie()); err == nil && shell.Theme(cookie.Value).Known() {
			r := c.Request()
			c.SetRequest(r.WithContext(shell.WithTheme(r.Context(), shell.Theme(cookie.Value))))
		}
		return next(c)
	}
}

// SetTheme keeps the colours that were chosen, and shows the same page in them.
func (s *Kit) SetTheme(c echo.Context) error {
	chosen := shell.Theme(c.FormValue("theme"))
	if !chosen.Known() {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	c.SetCookie(&http.Cookie{
		Name: s.themeCookie(), Value: string(chosen), Path: s.CookiePath("/"), MaxAge: int(deviceCookies / time.Second),
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
	return SeeOther(c, LocalPath(c.FormValue("next")))
}
