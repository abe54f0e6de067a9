package orders

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/gs1"
	"lineboard/views/shell"
)

// keyboardCookieAge is how long a browser keeps the keyboard test at most. Each change begins it anew.
const keyboardCookieAge = 400 * 24 * time.Hour

// keyboardTest returns what the last scan of the test code on this device showed. A station keeps it on the server, any
// other browser in a cookie.
func (s *Server) keyboardTest(c echo.Context) gs1.KeyboardTest {
	if station := web.Station(c); station.Known() {
		return gs1.ParseKeyboardTest(station.Keyboard)
	}
	cookie, err := c.Cookie(s.CookieName("keyboard", false))
	if err != nil {
		return gs1.KeyboardTest{}
	}
	return gs1.ParseKeyboardTest(cookie.Value)
}

// keepKeyboardTest keeps what is known after a scan, if the scan changed it. A link of another site proves nothing, nor
// does a text that was pasted.
func (s *Server) keepKeyboardTest(c echo.Context, before, after gs1.KeyboardTest) error {
	fromElsewhere := c.Request().Header.Get("Sec-Fetch-Site") == "cross-site" || c.QueryParam("typed") == "pasted"
	if after == before || fromElsewhere || c.Request().Method != http.MethodGet {
		return nil
	}
	if station := web.Station(c); station.Known() {
		return s.Store.SetStationKeyboard(c.Request().Context(), web.SignedIn(c), station.ID, after.String())
	}
	c.SetCookie(&http.Cookie{
		Name: s.CookieName("keyboard", false), Value: after.String(), Path: s.CookiePath(string(shell.ScanURL(""))),
		MaxAge: int(keyboardCookieAge / time.Second), HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
	return nil
}
