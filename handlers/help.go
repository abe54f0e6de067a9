package handlers

import (
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// HintStore keeps which hints a person needs no more.
type HintStore interface {
	DropHint(ctx context.Context, user packaging.UserID, hint string) error
}

// hints name what explains a page at a person's first use, by the page's route.
var hints = map[string]string{
	"/":                             "overview",
	"/adopt":                        "adopt",
	"/scan":                         "scan",
	"/lines/:line":                  "line",
	"/lines/:line/queue":            "queue",
	"/orders":                       "orders",
	"/orders/:id":                   "order",
	listPath:                        "list",
	"/orders/:id/serials":           "serials",
	importPath:                      "imports",
	"/imports/previews/:id":         "preview",
	"/shifts":                       "shifts",
	"/shifts/:date/:shift":          "report",
	"/shifts/:date/:shift/handover": "handover",
	"/shifts/:date/:shift/sign":     "sign",
	"/history":                      "history",
	"/history/:seq":                 "entry",
	"/account":                      "account",
	"/account/pin":                  "pin",
	"/admin":                        "setup",
	"/admin/connection":             "connection",
	"/admin/site":                   "site",
	"/admin/lines":                  "set_lines",
	"/admin/people":                 "people",
	"/admin/people/new":             "person",
	"/admin/people/:user":           "person",
	"/admin/stations":               "stations",
	"/admin/sessions":               "sessions",
	"/admin/tokens":                 "tokens",
	"/admin/shifts":                 "set_shifts",
	"/admin/sso":                    "sso",
}

func (s *server) help(c echo.Context) error {
	f, err := s.frame(c, "help", text.Say(pageContext(c), "help.title"))
	if err != nil {
		return err
	}
	return render(c, http.StatusOK, shell.Help(f, len(s.Demo) > 0))
}

// dropHint puts a hint away for good, for this person, and shows the same page without it.
func (s *server) dropHint(c echo.Context) error {
	hint := c.FormValue("hint")
	if !slices.Contains(shell.Hints, hint) {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	if err := s.Store.DropHint(c.Request().Context(), signedIn(c).ID, hint); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ownPath(c.FormValue("next")))
}
