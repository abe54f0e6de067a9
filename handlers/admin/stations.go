package admin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// Stations shows and sets stations, their tablets and their rules.
type Stations struct {
	*web.Kit
	Store StationsStore
	// Copied says how the copy of the database is.
	Copied func() packaging.CopyState
}

// StationsStore is what Stations needs of the database.
type StationsStore interface {
	AddDisplay(
		ctx context.Context, by packaging.Person, name, language string,
	) (packaging.Display, string, error)
	AddStation(
		ctx context.Context, by packaging.Person, name string, line packaging.LineID, language string,
	) (packaging.Station, string, error)
	Displays(ctx context.Context, tenant packaging.TenantID) ([]packaging.Display, error)
	Line(ctx context.Context, in packaging.Scope, code string) (packaging.Line, error)
	Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error)
	MakeCode(ctx context.Context, by packaging.Person, id packaging.StationID) (packaging.Station, string, error)
	MakeDisplayCode(
		ctx context.Context, by packaging.Person, id packaging.DisplayID,
	) (packaging.Display, string, error)
	People(ctx context.Context, tenant packaging.TenantID) ([]packaging.Person, error)
	RemoveDisplay(ctx context.Context, by packaging.Person, id packaging.DisplayID) error
	RemoveStation(ctx context.Context, by packaging.Person, id packaging.StationID) error
	Rules(ctx context.Context, tenant packaging.TenantID) (packaging.Rules, error)
	SetBadge(ctx context.Context, by packaging.Person, user packaging.UserID, badge secret.Text) error
	SetRules(ctx context.Context, by packaging.Person, set func(*packaging.Rules)) error
	SetStationLanguage(ctx context.Context, by packaging.Person, id packaging.StationID, language string) error
	Stations(ctx context.Context, tenant packaging.TenantID) ([]packaging.Station, error)
	UnbindDisplay(ctx context.Context, by packaging.Person, id packaging.DisplayID) error
	UnbindStation(ctx context.Context, by packaging.Person, id packaging.StationID) error
}

// List lists the stations.
func (s *Stations) List(c echo.Context) error {
	return s.show(c, http.StatusOK, view.StationsPage{})
}

func (s *Stations) show(c echo.Context, status int, page view.StationsPage) (err error) {
	ctx, tenant := c.Request().Context(), web.SignedIn(c).Tenant.ID
	if page.Stations, err = s.Store.Stations(ctx, tenant); err != nil {
		return err
	}
	if page.Displays, err = s.Store.Displays(ctx, tenant); err != nil {
		return err
	}
	if page.Lines, err = s.Store.Lines(ctx, web.SignedIn(c).Scope()); err != nil {
		return err
	}
	if page.People, err = s.Store.People(ctx, tenant); err != nil {
		return err
	}
	if page.Rules, err = s.Store.Rules(ctx, tenant); err != nil {
		return err
	}
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "stations.title"))
	if err != nil {
		return err
	}
	return web.Render(c, status, view.Stations(f, page))
}

// saved shows the page again: anew after a success, with the problem if the person can fix it.
func (s *Stations) saved(c echo.Context, err error) error {
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.show(c, web.StatusOf(err), view.StationsPage{Problem: said})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.StationsURL())
}

const maxStationName = 60 // characters, so that it fits into the bar

// Add adds a station, and shows the code that binds its tablet.
func (s *Stations) Add(c echo.Context) error {
	ctx, p := c.Request().Context(), web.SignedIn(c)
	name := strings.Join(strings.Fields(c.FormValue("name")), " ")
	if !packaging.ValidName(name) || len([]rune(name)) > maxStationName {
		return s.saved(c, packaging.Fail(packaging.Invalid, "stations.bad_name"))
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

// SetLanguage sets the language that a station speaks.
func (s *Stations) SetLanguage(c echo.Context) error {
	id, err := web.PathID[packaging.StationID](c, "id")
	if err != nil {
		return err
	}
	language, err := stationLanguage(c)
	if err != nil {
		return err
	}
	return s.saved(c, s.Store.SetStationLanguage(c.Request().Context(), web.SignedIn(c), id, language))
}

// stationLanguage is the language of the form, empty for the browser's.
func stationLanguage(c echo.Context) (string, error) {
	language := text.Language(c.FormValue("language"))
	if language != "" && !language.Known() {
		return "", packaging.Fail(packaging.Invalid, "error.invalid")
	}
	return string(language), nil
}

// MakeCode makes another code for a station.
func (s *Stations) MakeCode(c echo.Context) error {
	id, err := web.PathID[packaging.StationID](c, "id")
	if err != nil {
		return err
	}
	station, code, err := s.Store.MakeCode(c.Request().Context(), web.SignedIn(c), id)
	return s.showCode(c, station, code, err)
}

// showCode shows a code, this once.
func (s *Stations) showCode(c echo.Context, station packaging.Station, code string, err error) error {
	if err != nil {
		return s.saved(c, err)
	}
	return s.show(c, http.StatusOK, view.StationsPage{Coded: station.Name, Waits: station.Waits, Code: code})
}

// Unbind ends what binds a tablet to its station.
func (s *Stations) Unbind(c echo.Context) error {
	id, err := web.PathID[packaging.StationID](c, "id")
	if err != nil {
		return err
	}
	return s.saved(c, s.Store.UnbindStation(c.Request().Context(), web.SignedIn(c), id))
}

// Remove removes a station.
func (s *Stations) Remove(c echo.Context) error {
	id, err := web.PathID[packaging.StationID](c, "id")
	if err != nil {
		return err
	}
	return s.saved(c, s.Store.RemoveStation(c.Request().Context(), web.SignedIn(c), id))
}

// SetRules sets when stations lock.
func (s *Stations) SetRules(c echo.Context) error {
	minutes, err := web.FormNumber(c, "lock_after")
	if err != nil {
		return err
	}
	return s.saved(c, s.Store.SetRules(c.Request().Context(), web.SignedIn(c), func(r *packaging.Rules) {
		r.LockAfter = time.Duration(min(minutes, 1_000)) * time.Minute
	}))
}

// ReleaseRules shows how releases are signed.
func (s *Stations) ReleaseRules(c echo.Context) error {
	return s.showReleaseRules(c, http.StatusOK, "")
}

func (s *Stations) showReleaseRules(c echo.Context, status int, problem string) error {
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "releases.title"))
	if err != nil {
		return err
	}
	rules, err := s.Store.Rules(c.Request().Context(), f.Person.Tenant.ID)
	if err != nil {
		return err
	}
	return web.Render(c, status, view.ReleaseRules(f, rules, s.Copied(), problem))
}

// SetReleaseRules sets what releases are signed with, and whether they go on without an anchor or a copy.
func (s *Stations) SetReleaseRules(c echo.Context) error {
	err := s.Store.SetRules(c.Request().Context(), web.SignedIn(c), func(r *packaging.Rules) {
		r.SignReleases, r.SecondSigner = c.FormValue("sign") != "", c.FormValue("second") != ""
		r.ReleaseUnanchored = c.FormValue("unanchored") != ""
		if copied := s.Copied(); copied.On && copied.Standby == nil { // else the form does not ask
			r.ReleaseUncopied = c.FormValue("uncopied") != ""
		}
	})
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.showReleaseRules(c, web.StatusOf(err), said)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(c, shell.ReleaseRulesURL())
}

// SetBadge gives somebody the badge that was scanned, or takes away theirs where none was.
func (s *Stations) SetBadge(c echo.Context) error {
	user, err := web.FormNumber(c, "person")
	if err != nil {
		return err
	}
	badge := strings.TrimSpace(c.FormValue("badge"))
	if badge != "" {
		if err := packaging.CheckBadge(badge); err != nil {
			return s.saved(c, err)
		}
	}
	return s.saved(
		c, s.Store.SetBadge(c.Request().Context(), web.SignedIn(c), packaging.UserID(user), secret.New(badge)),
	)
}
