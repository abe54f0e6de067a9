package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// languageCookie is the name of the cookie with the choice of a device, for those who are not signed in there or chose
// nothing for themselves.
func (s *Kit) languageCookie() string { return s.CookieName("language", true) }

// ChooseLanguage sets the language and the time zone of a page. The language is the one that its reader chose, or else
// that of the device, of the station, or of the browser, in this order. A locked station speaks to the next person.
func (s *Kit) ChooseLanguage(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		read, zone := text.Preferred(c.Request().Header.Get("Accept-Language")), time.UTC
		if spoken := text.Language(Station(c).Language); spoken.Known() {
			read = spoken
		}
		if cookie, err := c.Cookie(s.languageCookie()); err == nil && text.Language(cookie.Value).Known() {
			read = text.Language(cookie.Value)
		}
		if p, ok := Person(c); ok {
			zone = p.Tenant.Location()
			if own := text.Language(p.Language); own.Known() && !s.Locked(c) {
				read = own
			}
		}
		r := c.Request()
		c.SetRequest(r.WithContext(text.With(r.Context(), text.In(read, zone))))
		return next(c)
	}
}

// SetLanguage keeps the language that was chosen, for the device and for the person, and shows the same page in it. A
// tablet at a station belongs to nobody: there it is kept for the person, or until somebody signs in.
func (s *Kit) SetLanguage(c echo.Context) error {
	chosen := text.Language(c.FormValue("language"))
	if !chosen.Known() {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	p, ok := Person(c)
	ok = ok && !s.Locked(c)
	if !ok || !Station(c).Known() {
		s.setLanguageCookie(c, string(chosen), 365*24*time.Hour)
	}
	if ok {
		if err := s.store.SetLanguage(c.Request().Context(), p.ID, string(chosen)); err != nil {
			return err
		}
	}
	return SeeOther(c, LocalPath(c.FormValue("next")))
}

func (s *Kit) setLanguageCookie(c echo.Context, value string, lasts time.Duration) {
	c.SetCookie(&http.Cookie{
		Name: s.languageCookie(), Value: value, Path: s.CookiePath("/"), MaxAge: int(lasts / time.Second),
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// CurrentPath returns the path of the page that is shown, for forms that lead back to it. It is the overview's for a
// page that cannot be asked for again, such as the callback of a login.
func CurrentPath(c echo.Context) string {
	if c.Request().Method == http.MethodGet && c.Path() != CallbackPath {
		return c.Request().URL.RequestURI()
	}
	return string(shell.HomeURL())
}
