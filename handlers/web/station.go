package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
)

const (
	stationKey  = "station" // of Echo's context: the station that the browser is bound to
	useKey      = "use"     // how the session stands, where it was begun at that station
	useInterval = 5 * time.Second
	// stationLasts is how long browsers keep a cookie at most. Each sign-in begins it anew.
	StationCookieAge = 400 * 24 * time.Hour
)

// IdentifyStation puts the station of the browser into the context, and records that a person uses it. A session goes
// on only where it began: its cookie is worth nothing in another browser, nor after the tablet was bound or unbound.
func (s *Kit) IdentifyStation(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		station, err := s.stationOf(c.Request())
		if err != nil {
			return err
		}
		c.Set(stationKey, station)
		if p, ok := Person(c); ok && p.StationID != station.ID {
			c.Set(personKey, nil)
		} else if ok && station.Known() {
			if err := s.recordUse(c, p); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// stationOf gives the station that the browser is bound to, if any.
func (s *Kit) stationOf(r *http.Request) (packaging.Station, error) {
	cookie, err := r.Cookie(s.StationCookie())
	if err != nil { // a tablet that was bound before the name had an id stays bound
		cookie, err = r.Cookie(s.olderStationCookie())
	}
	if err != nil {
		return packaging.Station{}, nil
	}
	token, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || len(token) != TokenBytes {
		return packaging.Station{}, nil
	}
	station, err := s.store.StationOf(r.Context(), sha256.Sum256(token))
	if packaging.CodeOf(err) == packaging.NotFound {
		return packaging.Station{}, nil
	}
	return station, err
}

func (s *Kit) StationCookie() string { return s.CookieName("station", true) }

func (s *Kit) olderStationCookie() string {
	if s.Secure {
		return "__Host-lineboard-station"
	}
	return "lineboard-station"
}

func (s *Kit) SetStationCookie(c echo.Context, value string, lasts time.Duration) {
	c.SetCookie(&http.Cookie{
		Name: s.StationCookie(), Value: value, Path: s.CookiePath("/"), MaxAge: int(lasts / time.Second),
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// Station returns the station that the browser is bound to, unknown if it is none.
func Station(c echo.Context) packaging.Station {
	station, _ := c.Get(stationKey).(packaging.Station)
	return station
}

// StationUse says how the session at the station stands; ok is false elsewhere.
func StationUse(c echo.Context) (u packaging.Use, ok bool) {
	u, ok = c.Get(useKey).(packaging.Use)
	return u, ok
}

// recordUse puts into the context how the session at the station stands, and notes that it is used.
func (s *Kit) recordUse(c echo.Context, p packaging.Person) error {
	ctx := c.Request().Context()
	token, err := s.SessionToken(c)
	if err != nil {
		return err
	}
	use, err := s.store.StationUse(ctx, p.Tenant.ID, token)
	if packaging.CodeOf(err) == packaging.NotFound {
		c.Set(personKey, nil) // ended this very moment
		return nil
	}
	if err != nil {
		return err
	}
	now := s.Now()
	used := use.Left(now) > 0 && now.Sub(use.Used) > useInterval && CountsAsUse(c.Request())
	if ahead := use.Used.After(now); used ||
		ahead { // one that is ahead would keep it open until the clock is there again
		use.Used = now
		if err := s.store.UseStation(ctx, token); err != nil {
			return err
		}
	}
	c.Set(useKey, use)
	return nil
}

// CountsAsUse reports whether a person makes the request. What a page asks for by itself is no use of a station.
func CountsAsUse(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return true
	}
	accept := r.Header.Get("Accept")
	return r.Header.Get("HX-Request") == "" && (accept == "" || strings.Contains(accept, "text/html"))
}

// Locked says whether the session waits for somebody to sign in at the station again.
func (s *Kit) Locked(c echo.Context) bool {
	u, ok := StationUse(c)
	return ok && u.Left(s.Now()) == 0
}
