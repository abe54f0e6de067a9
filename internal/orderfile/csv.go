package orderfile

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"

	"lineboard/internal/packaging"
)

func (p *parser) readCSV(content *bufio.Reader) (err error) {
	if content, err = withLineFeeds(content); err != nil {
		return err
	}
	comma, skipped, err := separator(content)
	if err != nil {
		return err
	}
	bounded := &boundedCSV{r: content, comma: byte(comma), line: 1 + skipped}
	r := csv.NewReader(bounded)
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = comma, -1, true
	defer func() {
		if errors.Is(err, errLongRow) {
			p.fault(bounded.line, "", packaging.FaultRowLong, "")
			err = errStop
		}
	}()
	head, err := p.record(r, skipped)
	if err != nil {
		return err
	}
	if head == nil {
		return nil
	}
	columns, ok := p.headings(head, skipped)
	if !ok {
		return errStop
	}
	for {
		cells, err := p.record(r, skipped)
		if err != nil {
			return err
		}
		if cells == nil {
			p.askFooter()
			return nil
		}
		if !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			continue
		}
		if err := p.next(); err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		row := make([]cell, len(cells))
		for i, text := range cells {
			row[i] = cell{text: text}
		}
		p.tableRow(line+skipped, columns, row)
	}
}

// withLineFeeds returns a reader that ends lines with LF if the file ends them with CR alone, as old Macintoshes did.
func withLineFeeds(content *bufio.Reader) (*bufio.Reader, error) {
	start, err := content.Peek(bufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.IndexByte(start, '\n') >= 0 || bytes.IndexByte(start, '\r') < 0 {
		return content, nil
	}
	lines := runes.Map(func(r rune) rune {
		if r == '\r' {
			return '\n'
		}
		return r
	})
	return bufio.NewReaderSize(transform.NewReader(content, lines), bufferSize), nil
}

// record returns the next row, or nil after the last one. It fails with errStop if the row is not CSV.
func (p *parser) record(r *csv.Reader, skipped int) ([]string, error) {
	cells, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	var syntax *csv.ParseError
	if errors.As(err, &syntax) && (errors.Is(err, csv.ErrQuote) || errors.Is(err, csv.ErrBareQuote)) {
		p.fault(syntax.StartLine+skipped, "", packaging.FaultNotCSV, "")
		return nil, errStop
	}
	return cells, err
}

// separator returns the separator of the fields: the most frequent one in the first row, outside quotation marks. A
// first line "sep=;", which spreadsheets understand, names it. separator skips that line and empty lines, and returns
// how many.
func separator(content *bufio.Reader) (comma rune, skipped int, err error) {
	for {
		c, err := content.ReadByte()
		if errors.Is(err, io.EOF) {
			return ',', skipped, nil
		}
		if err != nil {
			return 0, 0, err
		}
		if c == '\n' {
			skipped++
		} else if c != '\r' {
			break
		}
	}
	if err := content.UnreadByte(); err != nil {
		return 0, 0, err
	}
	start, err := content.Peek(bufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, err
	}
	line, _, _ := strings.Cut(string(start), "\n")
	named, ok := strings.CutPrefix(strings.ToLower(strings.TrimRight(line, "\r")), "sep=")
	if !ok || len(named) != 1 || !strings.Contains(separators, named) {
		return mostFrequent(line), skipped, nil
	}
	_, err = content.Discard(min(len(line)+1, content.Buffered()))
	return rune(named[0]), skipped + 1, err
}

const separators = ",;\t|"

func mostFrequent(line string) rune {
	best, highest, quoted := ',', 0, false
	var count [256]int
	for i := range len(line) {
		if line[i] == '"' {
			quoted = !quoted
		} else if !quoted {
			count[line[i]]++
		}
	}
	for _, comma := range separators {
		if count[comma] > highest {
			best, highest = comma, count[comma]
		}
	}
	return best
}

// headings returns the field of each column, "" for a column without a heading. It returns false if a heading is
// unknown: a misspelled name would otherwise silently drop the column's values.
func (p *parser) headings(head []string, skipped int) (columns []packaging.ImportField, ok bool) {
	faults := p.faults.Count
	if len(head) == 1 && fieldNamed(head[0]) == "" &&
		strings.Contains(bareName(head[0]), bareName(string(packaging.ColumnOrderID))) {
		p.fault(1+skipped, "", packaging.FaultSeparator, head[0])
		return nil, false
	}
	for _, name := range head {
		name = trimmed(PlainCell(name))
		field := fieldNamed(name)
		switch {
		case name == "":
		case field == "":
			p.faults.Add(packaging.ImportFault{
				Row: 1 + skipped, Code: packaging.FaultUnknownColumn, Value: shortened(name), Hint: fieldList,
			})
		case slices.Contains(columns, field):
			p.fault(1+skipped, field, packaging.FaultColumnTwice, name)
		}
		columns = append(columns, field)
	}
	if !slices.Contains(columns, packaging.ColumnOrderID) {
		p.fault(1+skipped, packaging.ColumnOrderID, packaging.FaultNoOrderID, "")
	}
	return columns, p.faults.Count == faults
}

// fieldList names all fields.
var fieldList = func() string {
	var names []string
	for _, f := range packaging.ImportFields {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}()

// fieldNamed returns the field of a heading in any spelling, or "".
func fieldNamed(heading string) packaging.ImportField { return fieldsByName[bareName(heading)] }

var fieldsByName = func() map[string]packaging.ImportField {
	fields := map[string]packaging.ImportField{}
	for _, f := range packaging.ImportFields {
		fields[bareName(string(f))] = f
	}
	return fields
}()

// bareName drops what spellings of a heading differ in.
func bareName(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '_', '-', '\u00a0':
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// cell is a value of a table.
type cell struct {
	text       string
	shown      string // how its style shows a number beside text; empty if it shows nothing else
	exact      bool   // a text that no spreadsheet has changed
	rounded    bool   // a number with more digits than a spreadsheet keeps
	scientific bool   // a number that is shown as a power of ten
}

// in returns what the cell says in a column: a name is what a person sees, and a number is the number.
func (c cell) in(column packaging.ImportField) string {
	switch column {
	case packaging.ColumnGTIN, packaging.ColumnExpiry, packaging.ColumnQuantity, packaging.ColumnExtra:
		return c.text
	}
	return cmp.Or(c.shown, c.text)
}

// tableRow adds a row of a table, and asks about values that a spreadsheet may have changed.
func (p *parser) tableRow(row int, columns []packaging.ImportField, cells []cell) {
	var facts packaging.Facts
	for i, c := range cells {
		column := packaging.ImportField("")
		if i < len(columns) {
			column = columns[i]
		}
		c = asText(c)
		text := trimmed(PlainCell(c.in(column)))
		switch {
		case text == "":
			continue
		case column == "":
			p.fault(row, "", packaging.FaultTooManyColumns, text)
			return
		}
		*facts.Field(column) = text
		if code := suspicion(column, text, c); code != "" {
			p.ask(row, column, code, text)
		}
	}
	p.addRow(row, facts)
}
