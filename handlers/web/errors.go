package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/live"
	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// statuses is the one table of codes and HTTP statuses.
var statuses = map[packaging.Code]int{
	packaging.Invalid:      http.StatusBadRequest,
	packaging.SignInNeeded: http.StatusUnauthorized,
	packaging.Forbidden:    http.StatusForbidden,
	packaging.NotFound:     http.StatusNotFound,
	packaging.Conflict:     http.StatusConflict,
	packaging.Unavailable:  http.StatusServiceUnavailable,
	packaging.Internal:     http.StatusInternalServerError,
}

// Refused is the error of a proof or a signature that was not taken.
type Refused struct {
	Status int    // the HTTP status of the answer
	Key    string // of its sentence
	Args   []any  // what fills the sentence's gaps
}

func (r *Refused) Error() string { return "refused: " + r.Key }

// IsWrong reports whether err refuses a proof because it was wrong, not because it came too early.
func IsWrong(err error) bool {
	var refused *Refused
	return errors.As(err, &refused) && refused.Status == http.StatusUnauthorized
}

// Fail answers a request that ended in an error. A coded error tells its sentence; of any other the page says only
// that something went wrong, and the log says what.
func (s *Kit) Fail(err error, c echo.Context) {
	if c.Response().Committed || errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return // begun already, or nobody is listening any more
	}
	status, key, gaps := classify(err)
	if status >= http.StatusInternalServerError {
		level := slog.LevelError
		if errors.Is(err, live.ErrClosed) { // a page asked again while the server stops, as it should
			level = slog.LevelInfo
		}
		s.Log.Log(
			c.Request().Context(), level, "request failed", "path", c.Request().URL.Path, "status", status, "err", err,
		)
	}
	if status == http.StatusForbidden {
		s.SecurityEvent(ForbiddenEvent, c.RealIP())
	}
	if status == http.StatusUnauthorized {
		s.toLogin(c)
		return
	}
	ctx := c.Request().Context()
	problem := shell.Problem{
		What: text.Say(ctx, key, gaps...), Do: advice(ctx, key), Code: key, Request: RequestID(ctx),
	}
	frame, _ := s.Frame(c, "", text.Say(ctx, "title.problem")) // without the list of tenants it is still a page
	frame.Hint = ""                                            // it explains the page that was asked for
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

// classify returns the HTTP status of an error and the key of its sentence, with what fills its gaps.
func classify(err error) (status int, key string, gaps []any) {
	var refused *Refused
	if errors.As(err, &refused) {
		return refused.Status, refused.Key, refused.Args
	}
	var coded *packaging.Error
	if errors.As(err, &coded) {
		for name, value := range coded.Args {
			gaps = append(gaps, name, value)
		}
		return statuses[coded.Code], coded.Key, gaps
	}
	var ours *echo.HTTPError
	if errors.As(err, &ours) {
		switch {
		case ours.Code == http.StatusNotFound:
			return ours.Code, "error.not_found", nil
		case ours.Code == http.StatusMethodNotAllowed:
			return ours.Code, "error.method", nil
		case ours.Code == http.StatusRequestEntityTooLarge:
			return ours.Code, "error.too_large", nil
		case ours.Code < http.StatusInternalServerError:
			return ours.Code, "error.invalid", nil
		}
	}
	return http.StatusInternalServerError, "error.internal", nil
}

// StatusOf returns the HTTP status of an answer that ends in err.
func StatusOf(err error) int {
	status, _, _ := classify(err)
	return status
}

// FormStatus returns the HTTP status of a form that shows err. It has 422 where [StatusOf] has 400 or 401.
func FormStatus(err error) int {
	switch status := StatusOf(err); status {
	case http.StatusBadRequest, http.StatusUnauthorized:
		return http.StatusUnprocessableEntity
	default:
		return status
	}
}

// FormError returns the sentence to show beside a form, or "" if the user cannot fix err. It adds what to do where
// the catalogue says that.
func FormError(ctx context.Context, err error) string {
	switch packaging.CodeOf(err) {
	case packaging.Invalid, packaging.Conflict, packaging.Forbidden:
	default:
		if refused := (*Refused)(nil); !errors.As(err, &refused) {
			return ""
		}
	}
	_, key, gaps := classify(err)
	var coded *packaging.Error
	if errors.As(err, &coded) && coded.Args["Fault"] != "" { // in words of ours
		gaps = append(gaps, "Detail", text.Say(ctx, "destination.fault."+coded.Args["Fault"], "What", coded.Args["What"]))
	}
	return strings.TrimSpace(text.Say(ctx, key, gaps...) + " " + advice(ctx, key))
}

// Conflict returns the sentence of a conflict, or "" for any other error.
func Conflict(ctx context.Context, err error) string {
	if packaging.CodeOf(err) != packaging.Conflict {
		return ""
	}
	_, key, gaps := classify(err)
	return text.Say(ctx, key, gaps...)
}

// advice returns what to do about an error, or "" if the catalogue does not say.
func advice(ctx context.Context, key string) string {
	if !text.Has(ctx, key+".do") {
		return ""
	}
	return text.Say(ctx, key+".do")
}

// Redirect leads on after something was done. For htmx it replaces the whole page.
func Redirect(c echo.Context, to string) error {
	if IsHTMX(c) {
		c.Response().Header().Set("HX-Redirect", shell.At(c.Request().Context(), to))
		return c.NoContent(http.StatusOK)
	}
	return SeeOther(c, to)
}

// SeeOther leads on to a page. For htmx the answer is the part of that page that it asked for.
func SeeOther[T ~string](c echo.Context, to T) error {
	return c.Redirect(http.StatusSeeOther, string(shell.At(c.Request().Context(), to)))
}

// DropSlash leads from an address with a slash at its end to the page without it.
func DropSlash(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		path := "/" + strings.Trim(u.EscapedPath(), "/") // one slash: two would name a host
		if u.Path == "/" || !strings.HasSuffix(u.Path, "/") {
			return next(c)
		}
		if u.RawQuery != "" {
			path += "?" + u.RawQuery
		}
		return c.Redirect(http.StatusPermanentRedirect, shell.At(c.Request().Context(), path))
	}
}

// toLogin sends a browser to the sign-in, which leads back to the page that was asked for.
func (s *Kit) toLogin(c echo.Context) {
	to := string(shell.LoginURL())
	if r := c.Request(); r.Method == http.MethodGet && r.URL.Path != "/" {
		to += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	if IsHTMX(c) {
		// A redirect would put the sign-in page into a part of this one.
		c.Response().Header().Set("HX-Redirect", shell.At(c.Request().Context(), to))
		c.Response().WriteHeader(http.StatusUnauthorized)
		return
	}
	if err := SeeOther(c, to); err != nil {
		s.Log.Error("redirect failed", "err", err)
	}
}

// IsHTMX reports whether a page that is open already asks for a part.
func IsHTMX(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }

// LogPanic logs a panic, and gives the error that the request then ends in.
func (s *Kit) LogPanic(c echo.Context, err error, stack []byte) error {
	s.Log.ErrorContext(
		c.Request().Context(), "request panicked", "path", c.Request().URL.Path, "err", err,
		slog.String("stack", string(stack)),
	)
	return errors.New("panicked")
}
