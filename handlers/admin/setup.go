package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/handlers/web"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	view "lineboard/views/admin"
	"lineboard/views/shell"
)

// FirstStart serves the first start.
type FirstStart struct {
	*web.Kit
	Store FirstStartStore
	Setup *Setup
}

// FirstStartStore is what FirstStart needs of the database.
type FirstStartStore interface {
	AddFirstAdministrator(
		ctx context.Context, username, fullName string, password secret.Text, first packaging.Tenant,
	) (packaging.Person, error)
	Tenants(ctx context.Context) ([]packaging.Tenant, error)
}

// Setup is the first start: while there is no administrator, the link on the console makes one.
type Setup struct {
	hash   [sha256.Size]byte // of the key in the link
	until  time.Time
	nobody bool // could sign in at the start: then every page leads to the note about the link
	done   atomic.Bool
}

// setupTTL is how long the link works.
const setupTTL = time.Hour

// NewSetup begins a first start. The link that begins there is path on this server; its key has at least 128 random
// bits and is not kept.
func NewSetup(now time.Time, nobody bool) (s *Setup, path string) {
	key := rand.Text()
	s = &Setup{hash: sha256.Sum256([]byte(key)), until: now.Add(setupTTL), nobody: nobody}
	return s, string(shell.SetupURL(key))
}

func (s *Setup) open() bool { return s != nil && !s.done.Load() }

// fits compares without telling by its time how much of a key is right.
func (s *Setup) fits(key string) bool {
	given := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(given[:], s.hash[:]) == 1
}

// ToSetup leads every page to the note about the link while nobody can sign in.
func (s *FirstStart) ToSetup(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch c.Path() {
		case SetupPath, "/language", "/healthz", "/readyz", "/sw.js", "/manifest.webmanifest", "/offline":
			return next(c)
		}
		if s.Setup.open() && s.Setup.nobody {
			return web.Redirect(c, string(shell.SetupURL("")))
		}
		return next(c)
	}
}

// SetupPath is that of the first start.
const SetupPath = "/setup"

// linkProblem is why the link that somebody came by does not work, and the status to say it with; none where it does.
func (s *FirstStart) linkProblem(key string) (what view.SetupNote, status int) {
	switch {
	case !s.Setup.open():
		return view.SetupDone, http.StatusGone
	case key == "":
		return view.SetupConsole, http.StatusOK
	case !s.Setup.fits(key):
		return view.SetupWrong, http.StatusForbidden
	case s.Now().After(s.Setup.until):
		return view.SetupExpired, http.StatusGone
	}
	return "", 0
}

// Page is where the link of the console leads.
func (s *FirstStart) Page(c echo.Context) error {
	key := c.QueryParam("key")
	if note, status := s.linkProblem(key); status != 0 {
		return s.note(c, status, note)
	}
	return s.show(c, http.StatusOK, view.SetupForm{Key: key})
}

func (s *FirstStart) note(c echo.Context, status int, note view.SetupNote) error {
	if note == view.SetupWrong {
		s.SecurityEvent(web.WrongSetupEvent, c.RealIP())
	}
	return web.Render(c, status, view.SetupNotePage(s.bareFrame(c), note))
}

func (s *FirstStart) show(c echo.Context, status int, form view.SetupForm) (err error) {
	if form.Tenants, err = s.Store.Tenants(c.Request().Context()); err != nil {
		return err
	}
	return web.Render(c, status, view.SetupPage(s.bareFrame(c), form))
}

// bareFrame is that of a page for nobody in particular.
func (s *FirstStart) bareFrame(c echo.Context) shell.Frame {
	return shell.Frame{Title: text.Say(c.Request().Context(), "setup.title"), Path: web.CurrentPath(c), Now: s.Now()}
}

// SetUp makes the first administrator, and the first tenant where there is none, and signs them in.
func (s *FirstStart) SetUp(c echo.Context) error {
	ctx := c.Request().Context()
	form := view.SetupForm{
		Key:      c.FormValue("key"),
		Username: strings.TrimSpace(c.FormValue("username")),
		FullName: strings.TrimSpace(c.FormValue("full_name")),
		Site:     siteForm(c),
	}
	if note, status := s.linkProblem(form.Key); status != 0 {
		return s.note(c, status, note)
	}
	tenants, err := s.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	password := secret.New(c.FormValue("password"))
	err = web.FirstError(checkUsername(form.Username), web.CheckName(form.FullName), checkAgain(c, password))
	if err == nil && len(tenants) == 0 {
		err = checkSite(&form.Site)
	}
	var p packaging.Person
	if err == nil {
		p, err = s.Store.AddFirstAdministrator(ctx, form.Username, form.FullName, password, form.Site.Tenant())
	}
	if said := web.FormError(ctx, err); said != "" {
		form.Problem = said
		return s.show(c, web.StatusOf(err), form)
	}
	if err != nil {
		return err
	}
	s.Setup.done.Store(true)
	if err := s.StartSession(c, p); err != nil {
		return err
	}
	return web.SeeOther(c, shell.ConnectionURL())
}

// checkAgain checks a new password that was typed twice.
func checkAgain(c echo.Context, password secret.Text) error {
	if c.FormValue("again") != password.Reveal() {
		return packaging.Fail(packaging.Invalid, "error.password_again")
	}
	return secret.CheckPassword(password)
}
