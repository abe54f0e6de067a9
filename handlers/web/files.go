package web

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lineboard/internal/orderfile"
)

// CSVWriter writes rows of CSV (RFC 4180), with commas. It quotes more than package csv does: a spreadsheet of
// another country parts cells at semicolons, and keeps a quoted text whole.
type CSVWriter struct{ *bufio.Writer }

func NewCSV(w io.Writer) CSVWriter { return CSVWriter{bufio.NewWriter(w)} }

// Row writes one. Its error is that of the first that could not be written.
func (w CSVWriter) Row(fields ...string) error {
	for i, field := range fields {
		if i > 0 {
			_ = w.WriteByte(',') // an error stays, and the end of the row has it
		}
		if strings.ContainsAny(field, ",;|\"\t\r\n") || strings.HasPrefix(field, " ") {
			field = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
		}
		_, _ = w.WriteString(field)
	}
	return w.WriteByte('\n')
}

// Cell keeps a spreadsheet from taking a part of a text for a formula; see [orderfile.Cell].
func Cell(s string) string { return orderfile.Cell(s) }

var fileTypes = map[string]string{"csv": "text/csv; charset=utf-8", "json": "application/json"}

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

func ReadUpload(header *multipart.FileHeader) (string, error) {
	file, err := header.Open()
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}
