package handlers

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
)

// StationsStore is what administrators set up stations with.
type StationsStore interface {
	Stations(ctx context.Context, tenant packaging.TenantID) ([]packaging.Station, error)
	AddStation(ctx context.Context, by packaging.Person, name string, line packaging.LineID, language string) (packaging.Station, string, error)
	SetStationLanguage(ctx context.Context, by packaging.Person, id packaging.StationID, language string) error
	MakeCode(ctx context.Context, by packaging.Person, id packaging.StationID) (packaging.Station, string, error)
	RemoveStation(ctx context.Context, by packaging.Person, id packaging.StationID) error
	Rules(ctx context.Context, tenant packaging.TenantID) (packaging.Rules, error)
	SetRules(ctx context.Context, by packaging.Person, r packaging.Rules) error
	SetBadge(ctx context.Context, by packaging.Person, user packaging.UserID, badge secret.Text) error
}

func (s *server) stations(c echo.Context) error {
	return s.showStations(c, http.StatusOK, adminviews.StationsPage{})
}

func (s *server) showStations(c echo.Context, status int, page adminviews.StationsPage) (err error) {
	ctx, tenant := c.Request().Context(), signedIn(c).Tenant.ID
	if page.Stations, err = s.Store.Stations(ctx, tenant); err != nil {
		return err
	}
	if page.Lines, err = s.Store.Lines(ctx, signedIn(c).Scope()); err != nil {
		return err
	}
	if page.People, err = s.Store.People(ctx, tenant); err != nil {
		return err
	}
	if page.Rules, err = s.Store.Rules(ctx, tenant); err != nil {
		return err
	}
	f, err := s.frame(c, "admin", text.Say(pageContext(c), "stations.title"))
	if err != nil {
		return err
	}
	return render(c, status, adminviews.Stations(f, page))
}

// afterStations shows the page again: anew where all went well, with what is wrong where that is the person's to mend.
func (s *server) afterStations(c echo.Context, err error) error {
	var coded *packaging.Error
	if errors.As(err, &coded) && (coded.Code == packaging.Invalid || coded.Code == packaging.Conflict) {
		return s.showStations(c, statuses[coded.Code], adminviews.StationsPage{Problem: text.Say(pageContext(c), coded.Key)})
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.StationsURL()))
}

const longestStationName = 60 // characters, so that it fits into the bar

func (s *server) addStation(c echo.Context) error {
	ctx, p := c.Request().Context(), signedIn(c)
	name := strings.Join(strings.Fields(c.FormValue("name")), " ")
	if !packaging.ValidName(name) || len([]rune(name)) > longestStationName {
		return s.afterStations(c, packaging.Fail(packaging.Invalid, "stations.bad_name"))
	}
	line, err := s.Store.Line(ctx, p.Scope(), c.FormValue("line"))
	if err != nil {
		return err
	}
	language, err := stationLanguage(c)
	if err != nil {
		return err
	}
	station, code, err := s.Store.AddStation(ctx, p, name, line.ID, language)
	return s.showCode(c, station, code, err)
}

func (s *server) setStationLanguage(c echo.Context) error {
	id, err := stationID(c)
	if err != nil {
		return err
	}
	language, err := stationLanguage(c)
	if err != nil {
		return err
	}
	return s.afterStations(c, s.Store.SetStationLanguage(c.Request().Context(), signedIn(c), id, language))
}

// stationLanguage is the language of the form, empty for the browser's.
func stationLanguage(c echo.Context) (string, error) {
	language := text.Language(c.FormValue("language"))
	if language != "" && !language.Known() {
		return "", packaging.Fail(packaging.Invalid, "error.invalid")
	}
	return string(language), nil
}

func (s *server) makeCode(c echo.Context) error {
	id, err := stationID(c)
	if err != nil {
		return err
	}
	station, code, err := s.Store.MakeCode(c.Request().Context(), signedIn(c), id)
	return s.showCode(c, station, code, err)
}

// showCode shows a code, this once.
func (s *server) showCode(c echo.Context, station packaging.Station, code string, err error) error {
	if err != nil {
		return s.afterStations(c, err)
	}
	return s.showStations(c, http.StatusOK, adminviews.StationsPage{Coded: station, Code: code})
}

func (s *server) unbindStation(c echo.Context) error {
	id, err := stationID(c)
	if err != nil {
		return err
	}
	return s.afterStations(c, s.Store.UnbindStation(c.Request().Context(), signedIn(c), id))
}

func (s *server) removeStation(c echo.Context) error {
	id, err := stationID(c)
	if err != nil {
		return err
	}
	return s.afterStations(c, s.Store.RemoveStation(c.Request().Context(), signedIn(c), id))
}

func (s *server) setRules(c echo.Context) error {
	minutes, err := formNumber(c, "lock_after")
	if err != nil {
		return err
	}
	rules := packaging.Rules{
		LockAfter:    time.Duration(min(minutes, 1_000)) * time.Minute,
		SignReleases: c.FormValue("sign") != "", SecondSigner: c.FormValue("second") != "",
	}
	if err := rules.Check(); err != nil {
		return s.afterStations(c, err)
	}
	return s.afterStations(c, s.Store.SetRules(c.Request().Context(), signedIn(c), rules))
}

// setBadge gives somebody the badge that was scanned, or takes away theirs where none was.
func (s *server) setBadge(c echo.Context) error {
	user, err := formNumber(c, "person")
	if err != nil {
		return err
	}
	badge := strings.TrimSpace(c.FormValue("badge"))
	if badge != "" {
		if err := packaging.CheckBadge(badge); err != nil {
			return s.afterStations(c, err)
		}
	}
	return s.afterStations(c, s.Store.SetBadge(c.Request().Context(), signedIn(c), packaging.UserID(user), secret.New(badge)))
}

// stationID is our key of the station in the path. What is no key of ours names no station.
func stationID(c echo.Context) (packaging.StationID, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil {
		return 0, packaging.Fail(packaging.NotFound, "error.not_found").Because(err)
	}
	return packaging.StationID(id), nil
}
