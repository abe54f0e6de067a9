package handlers

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

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/text"
	adminviews "lineboard/views/admin"
	"lineboard/views/shell"
)

// SetupStore begins a site, and says how far it has come.
type SetupStore interface {
	Tenants(ctx context.Context) ([]packaging.Tenant, error)
	AddFirstAdministrator(ctx context.Context, username, fullName string, password secret.Text, first packaging.Tenant) (packaging.Person, error)
	SetupSteps(ctx context.Context, tenant packaging.TenantID) (packaging.SetupSteps, error)
}

// Setup is the first start: while there is no administrator, whoever has the link that the console shows becomes one.
type Setup struct {
	hash   [sha256.Size]byte // of the key in the link
	until  time.Time
	nobody bool // could sign in at the start: then every page leads to the note about the link
	done   atomic.Bool
}

// setupLife is how long the link works.
const setupLife = time.Hour

// NewSetup begins a first start. The link that begins there is path on this server; its key has at least 128 random bits
// and is not kept.
func NewSetup(now time.Time, nobody bool) (s *Setup, path string) {
	key := rand.Text()
	return &Setup{hash: sha256.Sum256([]byte(key)), until: now.Add(setupLife), nobody: nobody}, string(shell.SetupURL(key))
}

func (s *Setup) open() bool { return s != nil && !s.done.Load() }

// fits compares without telling by its time how much of a key is right.
func (s *Setup) fits(key string) bool {
	given := sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(given[:], s.hash[:]) == 1
}

// toSetup leads every page to the note about the link while nobody can sign in.
func (s *server) toSetup(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		switch c.Path() {
		case setupPath, "/language", "/healthz", "/readyz", "/sw.js", "/manifest.webmanifest", "/offline":
			return next(c)
		}
		if s.Setup.open() && s.Setup.nobody {
			return goTo(c, string(shell.SetupURL("")))
		}
		return next(c)
	}
}

// setupPath is that of the first start.
const setupPath = "/setup"

// linkProblem is why the link that somebody came by does not work, and the status to say it with; none where it does.
func (s *server) linkProblem(key string) (what adminviews.SetupNote, status int) {
	switch {
	case !s.Setup.open():
		return adminviews.SetupDone, http.StatusGone
	case key == "":
		return adminviews.SetupConsole, http.StatusOK
	case !s.Setup.fits(key):
		return adminviews.SetupWrong, http.StatusForbidden
	case s.Now().After(s.Setup.until):
		return adminviews.SetupExpired, http.StatusGone
	}
	return "", 0
}

func (s *server) setupPage(c echo.Context) error {
	key := c.QueryParam("key")
	if note, status := s.linkProblem(key); status != 0 {
		return s.setupNote(c, status, note)
	}
	return s.showSetup(c, http.StatusOK, adminviews.SetupForm{Key: key})
}

func (s *server) setupNote(c echo.Context, status int, note adminviews.SetupNote) error {
	return render(c, status, adminviews.SetupNotePage(s.bareFrame(c), note))
}

func (s *server) showSetup(c echo.Context, status int, form adminviews.SetupForm) (err error) {
	if form.Tenants, err = s.Store.Tenants(c.Request().Context()); err != nil {
		return err
	}
	return render(c, status, adminviews.SetupPage(s.bareFrame(c), form))
}

// bareFrame is that of a page for nobody in particular.
func (s *server) bareFrame(c echo.Context) shell.Frame {
	return shell.Frame{Title: text.Say(pageContext(c), "setup.title"), Path: here(c), Now: s.Now()}
}

// setUp makes the first administrator, and the first tenant where there is none, and signs them in.
func (s *server) setUp(c echo.Context) error {
	ctx := c.Request().Context()
	form := adminviews.SetupForm{
		Key: c.FormValue("key"), Username: strings.TrimSpace(c.FormValue("username")), FullName: strings.TrimSpace(c.FormValue("full_name")),
		Site: siteForm(c),
	}
	if note, status := s.linkProblem(form.Key); status != 0 {
		return s.setupNote(c, status, note)
	}
	tenants, err := s.Store.Tenants(ctx)
	if err != nil {
		return err
	}
	password := secret.New(c.FormValue("password"))
	err = firstOf(checkUsername(form.Username), checkName(form.FullName), checkAgain(c, password))
	if err == nil && len(tenants) == 0 {
		err = checkSite(&form.Site)
	}
	var p packaging.Person
	if err == nil {
		p, err = s.Store.AddFirstAdministrator(ctx, form.Username, form.FullName, password, form.Site.Tenant())
	}
	if said, ok := told(ctx, err); ok {
		form.Problem = said
		return s.showSetup(c, statuses[packaging.CodeOf(err)], form)
	}
	if err != nil {
		return err
	}
	s.Setup.done.Store(true)
	if err := s.startSession(c, p); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, string(shell.ConnectionURL()))
}

// checkAgain checks a new password that was typed twice.
func checkAgain(c echo.Context, password secret.Text) error {
	if c.FormValue("again") != password.Reveal() {
		return packaging.Fail(packaging.Invalid, "error.password_again")
	}
	return secret.CheckPassword(password)
}

func checkUsername(username string) error {
	if !packaging.ValidUsername(username) {
		return packaging.Fail(packaging.Invalid, "error.bad_username")
	}
	return nil
}

func checkName(name string) error {
	if !packaging.ValidName(name) {
		return packaging.Fail(packaging.Invalid, "error.bad_name")
	}
	return nil
}

// firstOf is the first of the errors that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
