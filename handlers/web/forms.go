package web

import (
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/packaging"
	"lineboard/views/shell"
)

const MaxSearchText = 1000 // bytes of what is searched for

// PathID is a key of ours in the path. What is none names nothing.
func PathID(c echo.Context) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, packaging.Fail(packaging.NotFound, "error.not_found")
	}
	return id, nil
}

// LocalPath is next where it is a path of ours, and the overview otherwise: a link must not send people elsewhere.
func LocalPath(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return string(shell.HomeURL())
	}
	return next
}

// QueryNumber is where a page begins, 0 where the query does not say.
func QueryNumber(c echo.Context, name string) (int64, error) { return wholeNumber(c.QueryParam(name)) }

// FormNumber is a whole number of a form, 0 where it is not given.
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

func CheckName(name string) error {
	if !packaging.ValidName(name) {
		return packaging.Fail(packaging.Invalid, "error.bad_name")
	}
	return nil
}

// FirstError is the first of the errors that is one.
func FirstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
