package handlers

import (
	"bufio"
	"io"
	"strings"
)

// csvWriter writes rows of CSV (RFC 4180), with commas. It quotes more than package csv does: a spreadsheet of another
// country parts cells at semicolons, and one in the middle of a text must not begin a cell that is a formula.
type csvWriter struct{ *bufio.Writer }

func newCSV(w io.Writer) csvWriter { return csvWriter{bufio.NewWriter(w)} }

// row writes one. Its error is that of the first that could not be written.
func (w csvWriter) row(fields ...string) error {
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

// cell keeps a spreadsheet from taking a text for a formula: one that begins as a formula does, or with an apostrophe,
// gets an apostrophe in front. Without that apostrophe it is the text as stored.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r'", rune(s[0])) {
		return "'" + s
	}
	return s
}
