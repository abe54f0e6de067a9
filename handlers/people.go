package handlers

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
)

// PeopleStore is what administrators make and change people with. Those of other tenants alone are not found.
type PeopleStore interface {
	Members(ctx context.Context, viewer packaging.Person) ([]packaging.Member, error)
	Member(ctx context.Context, viewer packaging.Person, id packaging.UserID) (packaging.Member, error)
	Candidates(ctx context.Context, viewer packaging.Person) ([]packaging.Person, error)
	AddPerson(ctx context.Context, by, p packaging.Person, password secret.Text) error
	JoinPerson(ctx context.Context, by, p packaging.Person) error
	SetPerson(ctx context.Context, by, p packaging.Person) error
	SetPersonsPassword(ctx context.Context, by packaging.Person, id packaging.UserID, password secret.Text) error
	SetPersonActive(ctx context.Context, by packaging.Person, id packaging.UserID, active bool) error
	RemoveFactors(ctx context.Context, by packaging.Person, id packaging.UserID) error
	RemovePerson(ctx context.Context, by packaging.Person, id packaging.UserID) error
}

func (s *server) people(c echo.Context) error {
	f, err := s.frame(c, "admin", text.Say(pageContext(c), "admin.people"))
	if err != nil {
		return err
	}
	page := adminviews.PeoplePage{Saved: c.QueryParam("saved") != ""}
	if page.Members, err = s.Store.Members(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if page.Lines, err = s.Store.SetupLines(c.Request().Context(), f.Person); err != nil {
		return err
	}
	return render(c, http.StatusOK, adminviews.People(f, page))
}

// newPerson is the form for another person.
func (s *server) newPerson(c echo.Context) error {
	return s.showNewPerson(c, http.StatusOK, adminviews.PersonForm{})
}

func (s *server) showNewPerson(c echo.Context, status int, form adminviews.PersonForm) error {
	f, err := s.frame(c, "admin", text.Say(pageContext(c), "admin.add_person"))
	if err != nil {
		return err
	}
	if form.Candidates, err = s.Store.Candidates(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if form.Lines, err = s.Store.SetupLines(c.Request().Context(), f.Person); err != nil {
		return err
	}
	return render(c, status, adminviews.NewPerson(f, form))
}

func (s *server) addPerson(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.typedPerson(c)
	p.Username = strings.TrimSpace(c.FormValue("username"))
	password := secret.New(c.FormValue("password"))
	if err = firstOf(checkUsername(p.Username), checkName(p.FullName), err, secret.CheckPassword(password)); err == nil {
		err = s.Store.AddPerson(ctx, signedIn(c), p, password)
	}
	if said, ok := told(ctx, err); ok {
		return s.showNewPerson(c, statuses[packaging.CodeOf(err)], adminviews.PersonForm{Person: p, Problem: said})
	}
	if err != nil {
		return err
	}
	return goTo(c, shell.Saved(shell.PeopleURL(), "yes"))
}

// joinPerson takes somebody of another tenant in.
func (s *server) joinPerson(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.typedPerson(c)
	if key, wrong := strconv.ParseInt(c.FormValue("person"), 10, 64); wrong == nil {
		p.ID = packaging.UserID(key)
	}
	if err == nil {
		err = s.Store.JoinPerson(ctx, signedIn(c), p)
	}
	if packaging.CodeOf(err) == packaging.NotFound {
		return err
	}
	if said, ok := told(ctx, err); ok {
		return s.showNewPerson(c, statuses[packaging.CodeOf(err)], adminviews.PersonForm{Person: p, Problem: said})
	}
	if err != nil {
		return err
	}
	return goTo(c, shell.Saved(shell.PeopleURL(), "yes"))
}

// typedPerson reads name, roles and lines of a form.
func (s *server) typedPerson(c echo.Context) (p packaging.Person, err error) {
	form, err := c.FormParams()
	if err != nil {
		return p, err
	}
	p.FullName = strings.TrimSpace(form.Get("full_name"))
	lines, err := s.Store.SetupLines(c.Request().Context(), signedIn(c))
	if err != nil {
		return p, err
	}
	for _, code := range form["line"] {
		i := slices.IndexFunc(lines, func(l packaging.Line) bool { return l.Code == code })
		if i < 0 {
			return p, packaging.Fail(packaging.Invalid, "error.no_line")
		}
		p.Lines = append(p.Lines, lines[i].ID)
	}
	var roles []packaging.Role
	for _, role := range form["role"] {
		roles = append(roles, packaging.Role(role))
	}
	if p.Role = packaging.JoinRoles(roles...); !p.Role.Known() {
		return p, packaging.Fail(packaging.Invalid, "error.no_role")
	}
	return p, nil
}

// member is the person that the path names.
func (s *server) member(c echo.Context) (packaging.Member, error) {
	key, err := strconv.ParseInt(c.Param("user"), 10, 64)
	if err != nil {
		return packaging.Member{}, packaging.Fail(packaging.NotFound, "error.not_found")
	}
	return s.Store.Member(c.Request().Context(), signedIn(c), packaging.UserID(key))
}

func (s *server) personPage(c echo.Context) error {
	m, err := s.member(c)
	if err != nil {
		return err
	}
	return s.showPerson(c, http.StatusOK, m, adminviews.PersonForm{Person: m.Person, Saved: c.QueryParam("saved")})
}

func (s *server) showPerson(c echo.Context, status int, m packaging.Member, form adminviews.PersonForm) error {
	f, err := s.frame(c, "admin", m.FullName)
	if err != nil {
		return err
	}
	if form.Lines, err = s.Store.SetupLines(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if form.PIN, form.Badge, err = s.Store.StationFactors(c.Request().Context(), f.Person.Tenant.ID, m.ID); err != nil {
		return err
	}
	return render(c, status, adminviews.PersonPage(f, m, form))
}

func (s *server) setPerson(c echo.Context) error {
	return s.onPerson(c, "yes", func(m packaging.Member) error {
		p, err := s.typedPerson(c)
		if m.Shared {
			p.FullName = m.FullName
		}
		p.ID = m.ID
		if err := firstOf(checkName(p.FullName), err); err != nil {
			return err
		}
		return s.Store.SetPerson(c.Request().Context(), signedIn(c), p)
	})
}

func (s *server) setPersonsPassword(c echo.Context) error {
	return s.onPerson(c, "password", func(m packaging.Member) error {
		password := secret.New(c.FormValue("password"))
		if err := secret.CheckPassword(password); err != nil {
			return err
		}
		return s.Store.SetPersonsPassword(c.Request().Context(), signedIn(c), m.ID, password)
	})
}

func (s *server) setPersonActive(c echo.Context) error {
	return s.onPerson(c, "yes", func(m packaging.Member) error {
		return s.Store.SetPersonActive(c.Request().Context(), signedIn(c), m.ID, c.FormValue("active") == "yes")
	})
}

// removeFactors takes a person's PIN and badge away.
func (s *server) removeFactors(c echo.Context) error {
	return s.onPerson(c, "yes", func(m packaging.Member) error {
		return s.Store.RemoveFactors(c.Request().Context(), signedIn(c), m.ID)
	})
}

func (s *server) removePerson(c echo.Context) error {
	m, err := s.member(c)
	if err != nil {
		return err
	}
	if err := s.Store.RemovePerson(c.Request().Context(), signedIn(c), m.ID); err != nil {
		return s.personProblem(c, m, err)
	}
	return goTo(c, shell.Saved(shell.PeopleURL(), "yes"))
}

// onPerson changes something about the person that the path names, and shows them again.
func (s *server) onPerson(c echo.Context, saved string, change func(packaging.Member) error) error {
	m, err := s.member(c)
	if err != nil {
		return err
	}
	if err := change(m); err != nil {
		return s.personProblem(c, m, err)
	}
	return goTo(c, shell.Saved(shell.PersonURL(m.ID), saved))
}

func (s *server) personProblem(c echo.Context, m packaging.Member, err error) error {
	said, ok := told(c.Request().Context(), err)
	if !ok {
		return err
	}
	return s.showPerson(c, statuses[packaging.CodeOf(err)], m, adminviews.PersonForm{Person: m.Person, Problem: said})
}
