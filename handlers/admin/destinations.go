package admin

import (
	"context"
	"errors"
	"net/http"
	"strconv"
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

// Destinations shows and sets where the serial lists of lines go.
type Destinations struct {
	*web.Kit
	Store   DestinationsStore
	Deliver Deliverer
}

// DestinationsStore is what Destinations needs of the database.
type DestinationsStore interface {
	AddDestination(
		ctx context.Context, by packaging.Person, to packaging.Destination, typed secret.Text,
	) (packaging.DestinationID, error)
	Record(ctx context.Context, e packaging.Entry) error
	RetireDestination(ctx context.Context, by packaging.Person, id packaging.DestinationID, why string) error
	RotateSigningSecret(
		ctx context.Context, by packaging.Person, id packaging.DestinationID, next secret.Text, until time.Time,
	) error
	SetDestination(ctx context.Context, by packaging.Person, to packaging.Destination, typed secret.Text) error
	SetupDestination(
		ctx context.Context, viewer packaging.Person, id packaging.DestinationID,
	) (packaging.Destination, error)
	SetupDestinations(ctx context.Context, viewer packaging.Person) ([]packaging.Destination, error)
	SetupLine(ctx context.Context, viewer packaging.Person, code string) (packaging.Line, error)
	StartDestination(ctx context.Context, by packaging.Person, id packaging.DestinationID) error
	StopDestination(ctx context.Context, by packaging.Person, id packaging.DestinationID, why string) error
}

// Deliverer brings lists to destinations.
type Deliverer interface {
	// Check returns a destination as it is stored, and what its lists would look like; Invalid for one that can't be.
	Check(to packaging.Destination, typed secret.Text) (packaging.Destination, packaging.ListPreview, error)
	// Fingerprint returns the fingerprint of an SSH host key.
	Fingerprint(hostKey string) string
	// HostKey asks an SSH server for its key. The error is a [packaging.DeliveryFailure].
	HostKey(ctx context.Context, address string) (string, error)
	NewSigningSecret() secret.Text
	// RootNames returns the names of the folders that lists may be written to.
	RootNames() []string
	// Try brings a test. The error is a [packaging.DeliveryFailure].
	Try(ctx context.Context, to packaging.Destination) error
}

// oldSecretLasts is how long messages are signed with a secret too after it was replaced.
const oldSecretLasts = 24 * time.Hour

// New shows the form of a new destination of a line.
func (s *Destinations) New(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	kind := packaging.DestinationKind(c.QueryParam("kind"))
	to := packaging.Destination{
		Line: line, Kind: kind, Format: packaging.JSONFormat,
		LateAfter: packaging.DefaultLateAfter, GiveUp: packaging.DefaultGiveUp,
	}
	if kind.WritesFiles() {
		to.Format, to.FileName = packaging.CSVFormat, "{{.Order}}-{{.Number}}.csv"
	}
	if kind == packaging.SFTPDestination {
		to.SecretKind = packaging.PasswordSecret
	}
	return s.show(c, http.StatusOK, view.DestinationPage{Destination: to})
}

// lineOf returns the line of the path.
func (s *Destinations) lineOf(c echo.Context) (packaging.Line, error) {
	code, err := web.PathText(c, "code")
	if err != nil {
		return packaging.Line{}, err
	}
	return s.Store.SetupLine(c.Request().Context(), web.SignedIn(c), code)
}

// destination returns the destination of the path.
func (s *Destinations) destination(c echo.Context) (packaging.Destination, error) {
	id, err := web.PathID[packaging.DestinationID](c, "id")
	if err != nil {
		return packaging.Destination{}, err
	}
	return s.Store.SetupDestination(c.Request().Context(), web.SignedIn(c), id)
}

// Show shows a destination.
func (s *Destinations) Show(c echo.Context) error {
	to, err := s.destination(c)
	if err != nil {
		return err
	}
	return s.show(c, http.StatusOK, view.DestinationPage{Destination: to, Saved: c.QueryParam("saved") != ""})
}

func (s *Destinations) show(c echo.Context, status int, page view.DestinationPage) error {
	title := page.Destination.Name
	if page.Destination.ID == 0 {
		title = text.Say(c.Request().Context(), "destination.add")
	}
	f, err := s.Frame(c, "admin", title)
	if err != nil {
		return err
	}
	page.Roots = s.Deliver.RootNames()
	page.Fingerprint = s.Deliver.Fingerprint(page.Destination.HostKey)
	return web.Render(c, status, view.Destination(f, page))
}

// Add makes a destination of a line.
func (s *Destinations) Add(c echo.Context) error {
	line, err := s.lineOf(c)
	if err != nil {
		return err
	}
	return s.save(c, packaging.Destination{Line: line, Kind: packaging.DestinationKind(c.FormValue("kind"))})
}

// Set changes a destination.
func (s *Destinations) Set(c echo.Context) error {
	was, err := s.destination(c)
	if err != nil {
		return err
	}
	return s.save(c, was)
}

// save reads the form, and stores the destination or shows what it would do.
func (s *Destinations) save(c echo.Context, was packaging.Destination) error {
	ctx := c.Request().Context()
	to, typed, err := typedDestination(c, was)
	if err != nil {
		return err
	}
	page := view.DestinationPage{Destination: to, Typed: !typed.Empty()}
	to, preview, err := s.Deliver.Check(to, typed)
	page.Destination = to
	if err == nil && to.Kind == packaging.SFTPDestination && to.HostKey == "" {
		return s.askHostKey(c, page)
	}
	if err == nil && c.FormValue("do") == "preview" {
		page.Preview = &preview
		return s.show(c, http.StatusOK, page)
	}
	fresh := secret.Text{}
	if err == nil && was.ID == 0 && to.Kind == packaging.WebhookDestination && typed.Empty() {
		fresh = s.Deliver.NewSigningSecret()
		typed = fresh
	}
	if err == nil {
		if was.ID == 0 {
			to.ID, err = s.Store.AddDestination(ctx, web.SignedIn(c), to, typed)
		} else {
			err = s.Store.SetDestination(ctx, web.SignedIn(c), to, typed)
		}
	}
	if said := web.FormError(ctx, err); said != "" {
		page.Problem = said
		return s.show(c, web.FormStatus(err), page)
	}
	if err != nil {
		return err
	}
	if !fresh.Empty() {
		return s.showFresh(c, to.ID, fresh)
	}
	return web.Redirect(c, shell.Saved(shell.DestinationURL(to.ID), "yes"))
}

// askHostKey shows the key that an SSH server has, for the person to compare before they save it.
func (s *Destinations) askHostKey(c echo.Context, page view.DestinationPage) error {
	key, err := s.Deliver.HostKey(c.Request().Context(), page.Destination.Address)
	var failure *packaging.DeliveryFailure
	if errors.As(err, &failure) {
		page.Failure = failure
		return s.show(c, http.StatusUnprocessableEntity, page)
	}
	if err != nil {
		return err
	}
	page.Destination.HostKey, page.KeySeen = key, true
	return s.show(c, http.StatusOK, page)
}

// showFresh shows the signing secret of a webhook, this once.
func (s *Destinations) showFresh(c echo.Context, id packaging.DestinationID, fresh secret.Text) error {
	to, err := s.Store.SetupDestination(c.Request().Context(), web.SignedIn(c), id)
	if err != nil {
		return err
	}
	return s.show(c, http.StatusOK, view.DestinationPage{Destination: to, Fresh: fresh.Reveal()})
}

// typedDestination reads the form over what the destination was.
func typedDestination(
	c echo.Context, to packaging.Destination,
) (packaging.Destination, secret.Text, error) {
	form, err := c.FormParams()
	if err != nil {
		return to, secret.Text{}, packaging.Fail(packaging.Invalid, "error.invalid").Because(err)
	}
	value := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	to.Name, to.Address, to.Username = value("name"), value("address"), value("username")
	to.HostKey, to.PublicURL, to.FileName = value("host_key"), strings.TrimRight(
		value("public_url"), "/",
	), value("file_name")
	to.LateAfter, to.GiveUp = minutes(value("late_after")), 60*minutes(value("give_up"))
	to.Format, to.Template = packaging.JSONFormat, ""
	if to.Kind.WritesFiles() {
		to.Format = packaging.ListFormat(value("format"))
	} else {
		to.FileName = ""
	}
	if to.Format == packaging.OwnFormat {
		to.Template = strings.ReplaceAll(form.Get("template"), "\r\n", "\n")
	}
	switch to.Kind {
	case packaging.SFTPDestination:
		to.SecretKind = packaging.SecretKind(value("secret_kind"))
	case packaging.WebhookDestination:
		to.SecretKind = packaging.SigningSecret
	}
	to.Lets = nil
	for _, kind := range form["let"] {
		to.Lets = append(to.Lets, packaging.HeldKind(kind))
	}
	typed := form.Get("secret")
	if to.SecretKind == packaging.KeySecret {
		typed = form.Get("key")
		if typed != "" {
			typed = strings.TrimSpace(strings.ReplaceAll(typed, "\r\n", "\n")) + "\n"
		}
	}
	return to, secret.New(typed), nil
}

// minutes reads a whole number of minutes, 0 for what is none.
func minutes(typed string) time.Duration {
	n, err := strconv.ParseInt(typed, 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Minute
}

// Try brings a test to a destination, and shows what came of it.
func (s *Destinations) Try(c echo.Context) error {
	ctx, by := c.Request().Context(), web.SignedIn(c)
	to, err := s.destination(c)
	if err != nil {
		return err
	}
	page := view.DestinationPage{Destination: to}
	e := packaging.Entry{
		TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.DestinationTried, Object: to.Name,
		LineCode: to.Line.Code, LineName: to.Line.Name, New: "works",
	}
	switch err := s.Deliver.Try(ctx, to); {
	case err == nil:
		page.Works = true
	case errors.As(err, &page.Failure):
		e.New, e.Reason, e.Message = "", string(page.Failure.Problem), page.Failure.Detail
	default:
		return err
	}
	if err := s.Store.Record(ctx, e); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, page)
}

// Stop has the lists of a destination wait.
func (s *Destinations) Stop(c echo.Context) error {
	return s.do(c, func(ctx context.Context, by packaging.Person, to packaging.Destination) error {
		return s.Store.StopDestination(ctx, by, to.ID, c.FormValue("why"))
	})
}

// Start lets them go again.
func (s *Destinations) Start(c echo.Context) error {
	return s.do(c, func(ctx context.Context, by packaging.Person, to packaging.Destination) error {
		return s.Store.StartDestination(ctx, by, to.ID)
	})
}

// Retire ends a destination for good.
func (s *Destinations) Retire(c echo.Context) error {
	to, err := s.destination(c)
	if err != nil {
		return err
	}
	err = s.Store.RetireDestination(c.Request().Context(), web.SignedIn(c), to.ID, c.FormValue("why"))
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.show(c, web.FormStatus(err), view.DestinationPage{Destination: to, Problem: said})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, shell.Saved(shell.SetLinesURL(), "yes"))
}

// Rotate returns a webhook a new secret, and shows it this once.
func (s *Destinations) Rotate(c echo.Context) error {
	to, err := s.destination(c)
	if err != nil {
		return err
	}
	fresh := s.Deliver.NewSigningSecret()
	if err := s.Store.RotateSigningSecret(
		c.Request().Context(), web.SignedIn(c), to.ID, fresh, s.Now().Add(oldSecretLasts),
	); err != nil {
		return err
	}
	return s.showFresh(c, to.ID, fresh)
}

// do does something with the destination of the path and shows it.
func (s *Destinations) do(
	c echo.Context, do func(context.Context, packaging.Person, packaging.Destination) error,
) error {
	to, err := s.destination(c)
	if err != nil {
		return err
	}
	err = do(c.Request().Context(), web.SignedIn(c), to)
	if said := web.FormError(c.Request().Context(), err); said != "" {
		return s.show(c, web.FormStatus(err), view.DestinationPage{Destination: to, Problem: said})
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, shell.Saved(shell.DestinationURL(to.ID), "yes"))
}
