package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

// MaxSearchText bounds what is searched for, in bytes.
const MaxSearchText = 1000

// PathID returns the key that the path has under name. NotFound if it is none: it names nothing.
func PathID[ID ~int64](c echo.Context, name string) (ID, error) {
	id, err := strconv.ParseInt(c.Param(name), 10, 64)
	if err != nil || id <= 0 {
		return 0, packaging.Fail(packaging.NotFound, "error.not_found")
	}
	return ID(id), nil
}

// PathText returns the text that the path has under name, unescaped. NotFound if it is not escaped as a path is.
func PathText(c echo.Context, name string) (string, error) {
	value, err := url.PathUnescape(c.Param(name))
	if err != nil {
		return "", packaging.Fail(packaging.NotFound, "error.not_found").Because(err)
	}
	return value, nil
}

// LocalPath returns next if it is a path of this server, and the overview's otherwise: a link must not lead elsewhere,
// and not out of the prefix by dots.
func LocalPath(next string) string {
	to, err := url.Parse(next)
	if err != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") || slices.ContainsFunc(strings.Split(to.Path, "/"), isDots) {
		return string(shell.HomeURL())
	}
	return next
}

func isDots(segment string) bool { return segment == "." || segment == ".." }

// QueryNumber returns a whole number of the query, 0 if it is not given. Invalid if it is negative or no number.
func QueryNumber(c echo.Context, name string) (int64, error) { return wholeNumber(c.QueryParam(name)) }

// FormNumber returns a whole number of a form, 0 if it is not given. Invalid if it is negative or no number.
func FormNumber(c echo.Context, name string) (int64, error) { return wholeNumber(c.FormValue(name)) }

func wholeNumber(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, packaging.Fail(packaging.Invalid, "error.invalid")
	}
	return n, nil
}

// CheckName returns Invalid for what is no name of a person, a line or a site.
func CheckName(name string) error {
	if !packaging.ValidName(name) {
		return packaging.Fail(packaging.Invalid, "error.bad_name")
	}
	return nil
}

// FirstError returns the first error that is not nil.
func FirstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
