package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// People shows and sets the people of the tenant.
type People struct {
	*web.Kit
	Store PeopleStore
}

// PeopleStore is what People needs of the database.
type PeopleStore interface {
	AddPerson(ctx context.Context, by, p packaging.Person, password secret.Text) error
	Candidates(ctx context.Context, viewer packaging.Person) ([]packaging.Person, error)
	DecideSignOn(
		ctx context.Context, by packaging.Person, issuer, subject string, person packaging.UserID, same bool,
	) error
	JoinPerson(ctx context.Context, by, p packaging.Person) error
	Member(ctx context.Context, viewer packaging.Person, id packaging.UserID) (packaging.Member, error)
	Members(ctx context.Context, viewer packaging.Person) ([]packaging.Member, error)
	RemoveFactors(ctx context.Context, by packaging.Person, id packaging.UserID) error
	RemovePerson(ctx context.Context, by packaging.Person, id packaging.UserID) error
	SetHuman(ctx context.Context, by packaging.Person, user, as packaging.UserID) error
	SetPerson(ctx context.Context, by, p packaging.Person) error
	SetPersonActive(ctx context.Context, by packaging.Person, id packaging.UserID, active bool) error
	SetPersonsPassword(ctx context.Context, by packaging.Person, id packaging.UserID, password secret.Text) error
	SetupLines(ctx context.Context, viewer packaging.Person) ([]packaging.Line, error)
	SignOnWaits(ctx context.Context, viewer packaging.Person) ([]packaging.SignOnWait, error)
	StationFactors(
		ctx context.Context, tenant packaging.TenantID, user packaging.UserID,
	) (pin, badge bool, err error)
}

// List lists the people of the tenant.
func (s *People) List(c echo.Context) error {
	return s.showList(c, http.StatusOK, view.PeoplePage{Saved: c.QueryParam("saved") != ""})
}

func (s *People) showList(c echo.Context, status int, page view.PeoplePage) error {
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "admin.people"))
	if err != nil {
		return err
	}
	if page.Waits, err = s.Store.SignOnWaits(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if page.Members, err = s.Store.Members(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if page.Lines, err = s.Store.SetupLines(c.Request().Context(), f.Person); err != nil {
		return err
	}
	return web.Render(c, status, view.People(f, page))
}

// DecideSignOn says whether somebody who came by the provider is the human whose name they have.
func (s *People) DecideSignOn(c echo.Context) error {
	ctx := c.Request().Context()
	person, err := strconv.ParseInt(c.FormValue("person"), 10, 64)
	if err != nil { // no page sends this
		return web.Redirect(c, string(shell.PeopleURL()))
	}
	err = s.Store.DecideSignOn(ctx, web.SignedIn(c), c.FormValue("issuer"), c.FormValue("subject"),
		packaging.UserID(person), c.FormValue("same") == "yes")
	if packaging.CodeOf(err) == packaging.NotFound { // another administrator has decided, or it is no more
		return web.Redirect(c, string(shell.PeopleURL()))
	}
	if said := web.FormError(ctx, err); said != "" {
		return s.showList(c, web.StatusOf(err), view.PeoplePage{Problem: said})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, shell.Saved(shell.PeopleURL(), "yes"))
}

// SetHuman says of which human an account is.
func (s *People) SetHuman(c echo.Context) error {
	return s.change(c, "yes", func(m packaging.Member) error {
		as, err := web.FormNumber(c, "as")
		if err != nil {
			return err
		}
		return s.Store.SetHuman(c.Request().Context(), web.SignedIn(c), m.ID, packaging.UserID(as))
	})
}

// New is the form for another person.
func (s *People) New(c echo.Context) error {
	return s.showNew(c, http.StatusOK, view.PersonForm{})
}

func (s *People) showNew(c echo.Context, status int, form view.PersonForm) error {
	f, err := s.Frame(c, "admin", text.Say(c.Request().Context(), "admin.add_person"))
	if err != nil {
		return err
	}
	if form.Candidates, err = s.Store.Candidates(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if form.Lines, err = s.Store.SetupLines(c.Request().Context(), f.Person); err != nil {
		return err
	}
	return web.Render(c, status, view.NewPerson(f, form))
}

// Add adds a person.
func (s *People) Add(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.typedPerson(c)
	p.Username = strings.TrimSpace(c.FormValue("username"))
	password := secret.New(c.FormValue("password"))
	err = web.FirstError(checkUsername(p.Username), web.CheckName(p.FullName), err, secret.CheckPassword(password))
	if err == nil {
		err = s.Store.AddPerson(ctx, web.SignedIn(c), p, password)
	}
	if said := web.FormError(ctx, err); said != "" {
		return s.showNew(c, web.StatusOf(err), view.PersonForm{Person: p, Problem: said})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, shell.Saved(shell.PeopleURL(), "yes"))
}

// Join takes somebody of another tenant in.
func (s *People) Join(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.typedPerson(c)
	if key, wrong := strconv.ParseInt(c.FormValue("person"), 10, 64); wrong == nil {
		p.ID = packaging.UserID(key)
	}
	if err == nil {
		err = s.Store.JoinPerson(ctx, web.SignedIn(c), p)
	}
	if packaging.CodeOf(err) == packaging.NotFound {
		return err
	}
	if said := web.FormError(ctx, err); said != "" {
		return s.showNew(c, web.StatusOf(err), view.PersonForm{Person: p, Problem: said})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, shell.Saved(shell.PeopleURL(), "yes"))
}

// typedPerson reads name, roles and lines of a form.
func (s *People) typedPerson(c echo.Context) (p packaging.Person, err error) {
	form, err := c.FormParams()
	if err != nil {
		return p, err
	}
	p.FullName = strings.TrimSpace(form.Get("full_name"))
	lines, err := s.Store.SetupLines(c.Request().Context(), web.SignedIn(c))
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
func (s *People) member(c echo.Context) (packaging.Member, error) {
	id, err := web.PathID[packaging.UserID](c, "user")
	if err != nil {
		return packaging.Member{}, err
	}
	return s.Store.Member(c.Request().Context(), web.SignedIn(c), id)
}

// Show shows a person.
func (s *People) Show(c echo.Context) error {
	m, err := s.member(c)
	if err != nil {
		return err
	}
	return s.show(c, http.StatusOK, m, view.PersonForm{Person: m.Person, Saved: c.QueryParam("saved")})
}

func (s *People) show(c echo.Context, status int, m packaging.Member, form view.PersonForm) error {
	f, err := s.Frame(c, "admin", m.FullName)
	if err != nil {
		return err
	}
	if form.Lines, err = s.Store.SetupLines(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if form.Others, err = s.Store.Members(c.Request().Context(), f.Person); err != nil {
		return err
	}
	if form.PIN, form.Badge, err = s.Store.StationFactors(c.Request().Context(), f.Person.Tenant.ID, m.ID); err != nil {
		return err
	}
	return web.Render(c, status, view.PersonPage(f, m, form))
}

// Set sets name, role and lines of a person.
func (s *People) Set(c echo.Context) error {
	return s.change(c, "yes", func(m packaging.Member) error {
		p, err := s.typedPerson(c)
		if m.Shared {
			p.FullName = m.FullName
		}
		p.ID = m.ID
		if err := web.FirstError(web.CheckName(p.FullName), err); err != nil {
			return err
		}
		return s.Store.SetPerson(c.Request().Context(), web.SignedIn(c), p)
	})
}

// SetPassword sets the password of a person.
func (s *People) SetPassword(c echo.Context) error {
	return s.change(c, "password", func(m packaging.Member) error {
		password := secret.New(c.FormValue("password"))
		if err := secret.CheckPassword(password); err != nil {
			return err
		}
		return s.Store.SetPersonsPassword(c.Request().Context(), web.SignedIn(c), m.ID, password)
	})
}

// SetActive deactivates a person, or takes them back.
func (s *People) SetActive(c echo.Context) error {
	return s.change(c, "yes", func(m packaging.Member) error {
		return s.Store.SetPersonActive(c.Request().Context(), web.SignedIn(c), m.ID, c.FormValue("active") == "yes")
	})
}

// RemoveFactors takes a person's PIN and badge away.
func (s *People) RemoveFactors(c echo.Context) error {
	return s.change(c, "yes", func(m packaging.Member) error {
		return s.Store.RemoveFactors(c.Request().Context(), web.SignedIn(c), m.ID)
	})
}

// Remove removes a person from the tenant.
func (s *People) Remove(c echo.Context) error {
	m, err := s.member(c)
	if err != nil {
		return err
	}
	if err := s.Store.RemovePerson(c.Request().Context(), web.SignedIn(c), m.ID); err != nil {
		return s.problem(c, m, err)
	}
	return web.Redirect(c, shell.Saved(shell.PeopleURL(), "yes"))
}

// change changes something about the person that the path names, and shows them again.
func (s *People) change(c echo.Context, saved string, change func(packaging.Member) error) error {
	m, err := s.member(c)
	if err != nil {
		return err
	}
	if err := change(m); err != nil {
		return s.problem(c, m, err)
	}
	return web.Redirect(c, shell.Saved(shell.PersonURL(m.ID), saved))
}

func (s *People) problem(c echo.Context, m packaging.Member, err error) error {
	said := web.FormError(c.Request().Context(), err)
	if said == "" {
		return err
	}
	return s.show(c, web.StatusOf(err), m, view.PersonForm{Person: m.Person, Problem: said})
}

func checkUsername(username string) error {
	return packaging.CheckUsername(username)
}
