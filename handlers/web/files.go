package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/orderfile"
	"lineboard/internal/text"
)

// CSVWriter writes rows of CSV (RFC 4180). It quotes more than package csv does: a spreadsheet of another country parts
// cells at semicolons, and keeps a quoted text whole.
type CSVWriter struct {
	*bufio.Writer
	separator byte
	end       string // of a row
}

// NewCSV writes the form for programs: commas, and no byte order mark. It never changes.
func NewCSV(w io.Writer) CSVWriter { return CSVWriter{bufio.NewWriter(w), ',', "\n"} }

// byteOrderMark tells a spreadsheet that a file is UTF-8.
const byteOrderMark = "\ufeff"

// newPeopleCSV writes the form that a spreadsheet in the reader's language opens by a double click.
func newPeopleCSV(ctx context.Context, w io.Writer) CSVWriter {
	out := CSVWriter{bufio.NewWriter(w), text.Separator(ctx), "\r\n"}
	_, _ = out.WriteString(byteOrderMark) // an error stays, and the end of the row has it
	return out
}

// Row writes one. Its error is that of the first that could not be written.
func (w CSVWriter) Row(fields ...string) error {
	for i, field := range fields {
		if i > 0 {
			_ = w.WriteByte(w.separator)
		}
		if strings.ContainsAny(field, ",;|\"\t\r\n") || strings.HasPrefix(field, " ") {
			field = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
		}
		_, _ = w.WriteString(field)
	}
	_, err := w.WriteString(w.end)
	return err
}

// Cell keeps a spreadsheet from taking a part of a text for a formula; see [orderfile.Cell].
func Cell(s string) string { return orderfile.Cell(s) }

// ForPeople reports whether a person downloads the file. Programs do not ask so, and get the form that never changes.
func ForPeople(c echo.Context) bool { return c.QueryParam("for") == "people" }

var fileTypes = map[string]string{
	"csv":  "text/csv; charset=utf-8",
	"json": "application/json",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// FileName returns the last part of the route: the name of a table, and the kind of file that it is asked for as.
func FileName(c echo.Context) (table, kind string) {
	table, kind, _ = strings.Cut(path.Base(c.Path()), ".")
	return table, kind
}

// SendTable sends a table as the kind of file that the route names: CSV, or XLSX whose cells are texts. The name of the
// file gets the kind as its ending.
func (s *Kit) SendTable(
	c echo.Context, name string, columns []string, fill func(row func(cells ...string) error) error,
) error {
	table, kind := FileName(c)
	if kind == "xlsx" {
		return s.SendWorkbook(c, name, func(book *Workbook) error {
			if err := book.Sheet(table, columns...); err != nil {
				return err
			}
			return fill(book.Texts)
		})
	}
	return s.StreamFile(c, name+"."+kind, func(w io.Writer) error {
		out := NewCSV(w)
		if ForPeople(c) {
			out = newPeopleCSV(c.Request().Context(), w)
		}
		if err := out.Row(columns...); err != nil {
			return err
		}
		if err := fill(out.Row); err != nil {
			return err
		}
		return out.Flush()
	})
}

// StreamFile sends a file while it is made. An error cuts the connection, so that nobody takes a part for the whole.
func (s *Kit) StreamFile(c echo.Context, name string, write func(io.Writer) error) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, fileTypes[name[strings.LastIndex(name, ".")+1:]])
	h.Set(echo.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set(echo.HeaderCacheControl, "no-store")
	c.Response().WriteHeader(http.StatusOK)
	buffered := bufio.NewWriterSize(c.Response(), 64<<10)
	if err := errors.Join(write(buffered), buffered.Flush()); err != nil {
		s.Log.Error("download cut off", "file", name, "err", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// ReadUpload reads a file of a form, in a place of its size.
func ReadUpload(header *multipart.FileHeader) (string, error) {
	file, err := header.Open()
	if err != nil {
		return "", err
	}
	defer file.Close()
	var content strings.Builder
	content.Grow(int(header.Size))
	_, err = io.Copy(&content, file)
	return content.String(), err
}
