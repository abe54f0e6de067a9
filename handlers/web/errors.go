package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// Statuses is the one table of codes and HTTP statuses.
var Statuses = map[packaging.Code]int{
	packaging.Invalid:      http.StatusBadRequest,
	packaging.SignInNeeded: http.StatusUnauthorized,
	packaging.Forbidden:    http.StatusForbidden,
	packaging.NotFound:     http.StatusNotFound,
	packaging.Conflict:     http.StatusConflict,
	packaging.Unavailable:  http.StatusServiceUnavailable,
	packaging.Internal:     http.StatusInternalServerError,
}

// Fail answers a request that ended in an error: with the sentence of a coded one, and otherwise with no more than that
// something went wrong. The cause goes to the log.
func (s *Kit) Fail(err error, c echo.Context) {
	if c.Response().Committed || errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return // begun already, or nobody is listening any more
	}
	status, key, gaps := classify(err)
	if status >= http.StatusInternalServerError {
		s.Log.Error("request failed", "path", c.Request().URL.Path, "status", status, "err", err)
	}
	if status == http.StatusUnauthorized {
		s.toLogin(c)
		return
	}
	ctx := c.Request().Context()
	problem := shell.Problem{What: text.Say(ctx, key, gaps...), Do: text.Say(ctx, key+".do"), Code: key}
	frame, _ := s.Frame(c, "", text.Say(ctx, "title.problem")) // without the list of tenants it is still a page
	if IsHTMX(c) {
		// The page takes the place of whatever part was asked for.
		h := c.Response().Header()
		h.Set("HX-Retarget", "body")
		h.Set("HX-Reselect", "body > *")
		h.Set("HX-Reswap", "innerHTML show:window:top")
	}
	if err := Render(c, status, shell.ProblemPage(frame, problem)); err != nil {
		s.Log.Error("error page failed", "err", err)
	}
}

// classify gives the HTTP status of an error and the key of its sentence, with what fills its gaps.
func classify(err error) (status int, key string, gaps []any) {
	var coded *packaging.Error
	if errors.As(err, &coded) {
		return Statuses[coded.Code], coded.Key, gapsOf(coded)
	}
	var ours *echo.HTTPError
	if errors.As(err, &ours) {
		switch ours.Code {
		case http.StatusNotFound:
			return ours.Code, "error.not_found", nil
		case http.StatusMethodNotAllowed:
			return ours.Code, "error.method", nil
		case http.StatusRequestEntityTooLarge:
			return ours.Code, "error.too_large", nil
		}
		if ours.Code < http.StatusInternalServerError {
			return ours.Code, "error.invalid", nil
		}
	}
	return http.StatusInternalServerError, "error.internal", nil
}

func gapsOf(e *packaging.Error) (gaps []any) {
	for name, value := range e.Args {
		gaps = append(gaps, name, value)
	}
	return gaps
}

// FormError is what a form says about an error that whoever filled it in can do something about; ok is false for any other.
func FormError(ctx context.Context, err error) (said string, ok bool) {
	var coded *packaging.Error
	if !errors.As(err, &coded) {
		return "", false
	}
	switch coded.Code {
	case packaging.Invalid, packaging.Conflict, packaging.Forbidden:
		return text.Say(ctx, coded.Key, gapsOf(coded)...) + " " + text.Say(ctx, coded.Key+".do"), true
	}
	return "", false
}

// Redirect leads on after something was done, by a redirect that htmx takes for the whole page.
func Redirect(c echo.Context, to string) error {
	if IsHTMX(c) {
		c.Response().Header().Set("HX-Redirect", to)
		return c.NoContent(http.StatusOK)
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// toLogin sends somebody to sign in, and from there back to the page that they asked for.
func (s *Kit) toLogin(c echo.Context) {
	to := string(shell.LoginURL())
	if r := c.Request(); r.Method == http.MethodGet && r.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	if IsHTMX(c) {
		// A redirect would put the sign-in page into a part of this one.
		c.Response().Header().Set("HX-Redirect", to)
		c.Response().WriteHeader(http.StatusUnauthorized)
		return
	}
	if err := c.Redirect(http.StatusSeeOther, to); err != nil {
		s.Log.Error("redirect failed", "err", err)
	}
}

func IsHTMX(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }

func (s *Kit) LogPanic(c echo.Context, err error, stack []byte) error {
	s.Log.Error("request panicked", "path", c.Request().URL.Path, "err", err, slog.String("stack", string(stack)))
	return errors.New("panicked")
}

// Refused is a refusal as an error that a form tells.
func Refused(r Refusal) error { return &refusedError{r} }

type refusedError struct{ Refusal }

func (u *refusedError) Error() string { return "refused: " + u.Why }

// WrongIn is what a form of shifts says about an error that its person can do something about there, empty where it is of
// another kind.
func WrongIn(c echo.Context, err error) string {
	var r *refusedError
	if errors.As(err, &r) {
		return r.Why
	}
	var coded *packaging.Error
	if errors.As(err, &coded) && (coded.Code == packaging.Invalid || coded.Code == packaging.Conflict) {
		return text.Say(c.Request().Context(), coded.Key, gapsOf(coded)...)
	}
	return ""
}

// StatusOf is the HTTP status of what wrongIn tells.
func StatusOf(err error) int {
	var r *refusedError
	if errors.As(err, &r) && r.Status != http.StatusUnauthorized {
		return r.Status
	}
	if packaging.CodeOf(err) == packaging.Conflict {
		return http.StatusConflict
	}
	return http.StatusUnprocessableEntity
}
