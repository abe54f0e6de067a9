// Package orderfile reads files of packaging orders as an ERP or MES writes them: CSV, XLSX or JSON. It checks every
// field and reports faults by row. It guesses nothing: what a spreadsheet may have changed is a question.
//
// A CSV file starts with a row of headings in any order: order_id, and any of line, product, gtin, lot, expiry,
// quantity, extra_percent. Case, spaces, hyphens and underscores of headings do not matter. Commas, semicolons, tabs or
// vertical bars separate the fields; lines end with LF, CR LF or CR. Text is UTF-8, with or without byte order mark, or
// UTF-16 with one. An apostrophe before text that a spreadsheet would read as a formula is not part of the text;
// Lineboard's own downloads have it. Of an XLSX file the first visible sheet is such a table. A JSON file is a list of
// objects with the same names.
package orderfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/big"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"lineboard/internal/giveway"
	"lineboard/internal/packaging"
)

// Limits of a file.
const (
	MaxBytes = 32 << 20
	MaxRows  = 100_000
)

// Format is the format of a file.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	JSON Format = "json"
	XLSX Format = "xlsx"
)

// The first bytes of a ZIP file, which every XLSX file is, and of an older or encrypted workbook.
const zipStart, oleStart = "PK\x03\x04", "\xd0\xcf\x11\xe0"

// FormatOf returns the format of a file by its first characters: no heading starts with a bracket.
func FormatOf(start string) Format {
	if strings.HasPrefix(start, zipStart) || strings.HasPrefix(start, oleStart) {
		return XLSX
	}
	start = strings.TrimLeft(strings.TrimPrefix(start[:min(len(start), 1024)], "\ufeff"), " \t\r\n")
	if start != "" && strings.ContainsRune("[{", rune(start[0])) {
		return JSON
	}
	return CSV
}

// Content is what a file holds: the rows without faults, the faults of the others, and questions about values that a
// spreadsheet may have changed.
type Content struct {
	Rows      packaging.ImportRows
	Faults    packaging.ImportFaults
	Questions packaging.ImportFaults
}

// Read reads a file. It stops where the file can't be parsed any further. Of a CSV or JSON file it keeps only the rows
// in memory, packed. It fails only if the reader does.
func Read(r io.Reader, format Format) (Content, error) {
	p := &parser{firstRow: map[string]int{}, sum: new(big.Int)}
	if err := p.read(r, format); err != nil {
		switch {
		case errors.Is(err, errTooLarge):
			p.fileFault(packaging.FaultTooLarge)
		case errors.Is(err, encoding.ErrInvalidUTF8):
			p.fileFault(packaging.FaultNotUTF8)
		case !errors.Is(err, errStop):
			return Content{}, err
		}
	}
	if p.rows.Len() == 0 && p.faults.Count == 0 {
		p.fileFault(packaging.FaultEmpty)
	}
	return Content{p.rows, p.faults, p.questions}, nil
}

var (
	errTooLarge = errors.New("the file is too large")
	errStop     = errors.New("the file can't be understood any further")
)

// parser reads one file.
type parser struct {
	rows      packaging.ImportRows
	last      packaging.ImportRow // of rows
	sum       *big.Int            // of the quantities of the rows before the last
	faults    packaging.ImportFaults
	questions packaging.ImportFaults
	seen      int            // rows so far
	firstRow  map[string]int // of each order ID
}

// fileFault adds a fault of the whole file.
func (p *parser) fileFault(code packaging.FaultCode) {
	p.faults.Add(packaging.ImportFault{Code: code})
}

func (p *parser) fault(row int, field packaging.ImportField, code packaging.FaultCode, value string) {
	p.faults.Add(packaging.ImportFault{Row: row, Field: field, Code: code, Value: shortened(value)})
}

// shortened returns a faulty text as a fault shows it: at most maxShown characters.
func shortened(s string) string {
	const maxShown = 60
	s = strings.ToValidUTF8(s, "�")
	if utf8.RuneCountInString(s) <= maxShown {
		return s
	}
	return string([]rune(s)[:maxShown]) + "…"
}

func (p *parser) read(r io.Reader, format Format) error {
	limited := &limitedReader{r, MaxBytes}
	if format == XLSX {
		return p.readXLSX(limited)
	}
	content, err := utf8Reader(limited)
	if err != nil {
		return err
	}
	if format == JSON {
		return p.readJSON(content)
	}
	return p.readCSV(content)
}

// next counts a row. It fails with errStop if there are too many, and with errTooLarge if they say too much.
func (p *parser) next() error {
	const rowsAStep = 100 // take about a millisecond

	if p.rows.Size() > MaxBytes {
		return errTooLarge
	}
	if p.seen%rowsAStep == 0 {
		giveway.Step()
	}
	if p.seen++; p.seen > MaxRows {
		p.fileFault(packaging.FaultTooManyRows)
		return errStop
	}
	return nil
}

// utf8Reader returns a reader of the content as UTF-8 without byte order mark. Reads fail at the first byte that is not
// UTF-8.
func utf8Reader(r io.Reader) (*bufio.Reader, error) {
	raw := bufio.NewReader(r)
	start, err := raw.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		_, _ = raw.Discard(3) // Peek has read them
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		decoder := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
		return bufio.NewReaderSize(transform.NewReader(raw, decoder), bufferSize), nil
	case bytes.IndexByte(start, 0) >= 0: // UTF-16 without byte order mark
		return nil, encoding.ErrInvalidUTF8
	}
	return bufio.NewReaderSize(transform.NewReader(raw, encoding.UTF8Validator), bufferSize), nil
}

// bufferSize is how many bytes of the first row are read ahead to find what separates its fields.
const bufferSize = 16 << 10

// limitedReader fails with errTooLarge once it has read more than left bytes.
type limitedReader struct {
	r    io.Reader
	left int64
}

func (l *limitedReader) Read(into []byte) (int, error) {
	if int64(len(into)) > l.left+1 {
		into = into[:l.left+1]
	}
	n, err := l.r.Read(into)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
