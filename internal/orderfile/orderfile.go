// Package orderfile reads files of packaging orders, as an ERP or MES writes them: CSV, or JSON. What it gives is checked
// field by field; what is wrong is told row by row, and nothing is guessed.
//
// A CSV file begins with a row of headings, which may stand in any order: order_id, and any of line, product, gtin, lot,
// expiry, quantity, extra_percent. Case, spaces, hyphens and underscores of headings do not matter. Fields are parted by
// commas, semicolons or tabs. Text is UTF-8, with or without byte order mark, or UTF-16 with one. An apostrophe before what
// a spreadsheet would take for a formula, as Lineboard's own downloads have it, is not part of the text. A JSON file is a
// list of objects with the same names.
package orderfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"lineboard/internal/packaging"
)

// Limits of a file.
const (
	MaxBytes = 32 << 20
	MaxRows  = 100_000
)

// Format is how a file is written.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	JSON Format = "json"
)

// FormatOf tells the format by how the content begins: no heading begins with a bracket.
func FormatOf(content string) Format {
	begin := strings.TrimLeft(strings.TrimPrefix(content[:min(len(content), 1024)], "\ufeff"), " \t\r\n")
	if begin != "" && strings.ContainsRune("[{", rune(begin[0])) {
		return JSON
	}
	return CSV
}

// Read reads a file to its end, or to where it can't be understood any further, holding no more of it than its rows.
// Rows with a fault are left out. The error is that of the reader alone.
func Read(r io.Reader, format Format) (rows []packaging.ImportRow, faults packaging.ImportFaults, err error) {
	p := &parser{firstRow: map[string]int{}}
	if err := p.read(r, format); err != nil {
		switch {
		case errors.Is(err, errTooLarge):
			p.whole(packaging.FaultTooLarge)
		case errors.Is(err, encoding.ErrInvalidUTF8):
			p.whole(packaging.FaultNotUTF8)
		case !errors.Is(err, errStop):
			return nil, p.faults, err
		}
	}
	if len(p.rows) == 0 && p.faults.Count == 0 {
		p.whole(packaging.FaultEmpty)
	}
	return p.rows, p.faults, nil
}

var (
	errTooLarge = errors.New("the file is too large")
	errStop     = errors.New("the file can't be understood any further")
)

// parser reads one file.
type parser struct {
	rows     []packaging.ImportRow
	faults   packaging.ImportFaults
	seen     int            // rows so far
	firstRow map[string]int // of each order ID
}

// whole notes a fault of the whole file.
func (p *parser) whole(code packaging.FaultCode) {
	p.faults.Add(packaging.ImportFault{Code: code})
}

func (p *parser) fault(row int, field packaging.ImportField, code packaging.FaultCode, value string) {
	p.faults.Add(packaging.ImportFault{Row: row, Field: field, Code: code, Value: shortened(value)})
}

// shortened is what is told of a text that is wrong.
func shortened(s string) string {
	const most = 60
	s = strings.ToValidUTF8(s, "�")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

func (p *parser) read(r io.Reader, format Format) error {
	content, err := plain(&limited{r, MaxBytes})
	if err != nil {
		return err
	}
	if format == JSON {
		return p.readJSON(content)
	}
	return p.readCSV(content)
}

// next counts a row.
func (p *parser) next() error {
	if p.seen++; p.seen > MaxRows {
		p.whole(packaging.FaultTooManyRows)
		return errStop
	}
	return nil
}

// plain gives the content as UTF-8 without byte order mark. Reading it fails at the first byte that is no UTF-8.
func plain(r io.Reader) (*bufio.Reader, error) {
	raw := bufio.NewReader(r)
	begin, err := raw.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(begin, []byte("\xef\xbb\xbf")):
		_, _ = raw.Discard(3) // they were seen
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")):
		return bufio.NewReaderSize(transform.NewReader(raw, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()), ahead), nil
	case bytes.IndexByte(begin, 0) >= 0: // UTF-16 without byte order mark
		return nil, encoding.ErrInvalidUTF8
	}
	return bufio.NewReaderSize(transform.NewReader(raw, encoding.UTF8Validator), ahead), nil
}

// ahead is how far the first row is looked at to tell what parts its fields.
const ahead = 16 << 10

// limited is a reader that says when there is more than it lets through.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(into []byte) (int, error) {
	if int64(len(into)) > l.left+1 {
		into = into[:l.left+1]
	}
	n, err := l.r.Read(into)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
