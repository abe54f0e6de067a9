package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// LanguageStore keeps which language a person reads.
type LanguageStore interface {
	SetLanguage(ctx context.Context, user packaging.UserID, language string) error
}

// languageCookie is the choice of a device, for those who are not signed in there or chose nothing for themselves.
const languageCookie = "lineboard-language"

// language has texts said as whoever reads them does: in the language that they chose, else the one that was chosen on this
// device, else the one of the station, else the one that the browser asks for; and in the zone of their site. A station that
// is locked speaks to whoever comes next.
func (s *server) language(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		read, zone := text.Preferred(c.Request().Header.Get("Accept-Language")), time.UTC
		if spoken := text.Language(at(c).Language); spoken.Known() {
			read = spoken
		}
		if cookie, err := c.Cookie(languageCookie); err == nil && text.Language(cookie.Value).Known() {
			read = text.Language(cookie.Value)
		}
		if p, ok := who(c); ok {
			zone = p.Tenant.Location()
			if own := text.Language(p.Language); own.Known() && !s.locked(c) {
				read = own
			}
		}
		r := c.Request()
		c.SetRequest(r.WithContext(text.With(r.Context(), text.In(read, zone))))
		return next(c)
	}
}

// setLanguage keeps the language that was chosen, on this device and for the person, and shows the same page in it. A tablet
// at a station is not one person's: there it is kept for the person, or until somebody signs in.
func (s *server) setLanguage(c echo.Context) error {
	chosen := text.Language(c.FormValue("language"))
	if !chosen.Known() {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	p, ok := who(c)
	ok = ok && !s.locked(c)
	if !ok || !at(c).Known() {
		s.setLanguageCookie(c, string(chosen), 365*24*time.Hour)
	}
	if ok {
		if err := s.Store.SetLanguage(c.Request().Context(), p.ID, string(chosen)); err != nil {
			return err
		}
	}
	return c.Redirect(http.StatusSeeOther, ownPath(c.FormValue("next")))
}

func (s *server) setLanguageCookie(c echo.Context, value string, lasts time.Duration) {
	c.SetCookie(&http.Cookie{
		Name: languageCookie, Value: value, Path: "/", MaxAge: int(lasts / time.Second),
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// here is where a choice of the language leads back to: the page that is shown, where that is one to go to. What a provider
// of single sign-on leads back with is good once and is nobody's to repeat.
func here(c echo.Context) string {
	if c.Request().Method == http.MethodGet && c.Path() != signOnBackPath {
		return c.Request().URL.RequestURI()
	}
	return string(shell.HomeURL())
}
