package orderfile

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"lineboard/internal/packaging"
)

// readXLSX reads the first sheet that can be seen. A library opens the workbook without its cells, and knows its
// styles. Its rows tell no texts from numbers, so the cells are read here, one at a time.
func (p *parser) readXLSX(content io.Reader) error {
	book, err := openWorkbook(content)
	switch {
	case errors.Is(err, errNoWorkbook):
		return p.notXLSX()
	case err != nil:
		return err
	}
	defer book.close()
	s := sheet{parser: p, book: book.styles, kinds: map[int]kind{}}
	if props, err := s.book.GetWorkbookProps(); err == nil && props.Date1904 != nil {
		s.from1904 = *props.Date1904
	}
	sheets, err := book.sheets()
	if err == nil {
		s.strings, err = sharedStrings(book.parts[stringsPart])
	}
	if err == nil && slices.ContainsFunc(sheets[1:], hasValue) {
		s.ask(0, "", packaging.QuestionSheets, "")
	}
	switch {
	case errors.Is(err, errTooLarge):
		return err
	case err != nil:
		return p.notXLSX()
	}
	return s.read(sheets[0])
}

func (p *parser) notXLSX() error {
	p.fileFault(packaging.FaultNotXLSX)
	return errStop
}

// sheet reads one sheet.
type sheet struct {
	*parser
	book     *excelize.File
	strings  []string     // shared by all sheets
	from1904 bool         // days count from 1904, not from 1900
	kinds    map[int]kind // by style
	columns  []packaging.ImportField
	hidden   bool // the row that is read
	unseen   []hiddenColumns
}

// hiddenColumns are columns that a person does not see, from 1.
type hiddenColumns struct{ first, last int }

// hasValue reports whether a sheet has a cell with a value, as far as it can be read.
func hasValue(part *zip.File) bool {
	found := false
	if part == nil {
		return false
	}
	_ = eachElement(part, func(_ *elements, start xml.StartElement) error {
		if found = start.Name.Local == "v" || start.Name.Local == "is"; found {
			return io.EOF
		}
		return nil
	})
	return found
}

// eachElement hands each element of a part that begins to do, until that returns [io.EOF] or fails.
func eachElement(part *zip.File, do func(e *elements, start xml.StartElement) error) error {
	content, err := part.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	for e := newElements(content); ; {
		t, err := e.next()
		if start, ok := t.(xml.StartElement); ok && err == nil {
			err = do(e, start)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// richText is a text, in one piece or in several with fonts of their own.
type richText struct {
	Text string `xml:"t"`
	Runs []struct {
		Text string `xml:"t"`
	} `xml:"r"`
}

func (t richText) String() string {
	var all strings.Builder
	all.WriteString(t.Text)
	for _, run := range t.Runs {
		all.WriteString(run.Text)
	}
	return escapedRunes.ReplaceAllStringFunc(all.String(), func(escape string) string {
		code, _ := strconv.ParseUint(escape[2:6], 16, 16)
		return string(rune(code))
	})
}

// escapedRunes are characters that XML has no place for.
var escapedRunes = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// sharedStrings returns the texts that cells share: none without their part.
func sharedStrings(part *zip.File) (all []string, err error) {
	if part == nil {
		return nil, nil
	}
	size := 0
	err = eachElement(part, func(e *elements, start xml.StartElement) error {
		if start.Name.Local != "si" {
			return nil
		}
		var one richText
		if err := e.decode(&one, start); err != nil {
			return err
		}
		text := cut(one.String())
		if size += len(text); len(all) == maxStrings || size > maxStringBytes {
			return errTooLarge
		}
		all = append(all, text)
		return nil
	})
	return all, err
}

// cut returns a text that is too long for a cell without what comes after that.
func cut(text string) string {
	if len(text) > maxCellBytes {
		return strings.Clone(text[:maxCellBytes+1])
	}
	return text
}

// xlsxCell is a cell as the file has it.
type xlsxCell struct {
	At      string    `xml:"r,attr"`
	Style   int       `xml:"s,attr"`
	Type    string    `xml:"t,attr"`
	Value   *string   `xml:"v"`
	Inline  richText  `xml:"is"`
	Formula *struct{} `xml:"f"`
}

// read reads the rows, one cell at a time: a small file may unpack to many.
func (s *sheet) read(part *zip.File) error {
	content, err := part.Open()
	if err != nil {
		return s.notXLSX()
	}
	defer content.Close()
	e := newElements(content)
	number := 0
	var cells []cell
	for {
		t, err := e.next()
		if errors.Is(err, io.EOF) {
			s.askFooter()
			return nil
		}
		if err != nil {
			return s.unreadable(number, err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "col":
				s.hide(t)
			case "row":
				number, cells, s.hidden = rowNumber(t, number+1), cells[:0], isHidden(t)
			case "c":
				var c xlsxCell
				if err := e.decode(&c, t); err != nil {
					return s.unreadable(number, err)
				}
				if cells, err = s.place(cells, number, c); err != nil {
					return err
				}
			}
		case xml.EndElement:
			if t.Name.Local != "row" {
				continue
			}
			if err := s.row(number, cells); err != nil {
				return err
			}
		}
	}
}

// unreadable tells why a row can't be read.
func (s *sheet) unreadable(row int, err error) error {
	if errors.Is(err, errLongRow) {
		s.fault(row, "", packaging.FaultRowLong, "")
		return errStop
	}
	return s.notXLSX()
}

// rowNumber returns the number that a row gives itself if a sheet may have it, or else the one by its place.
func rowNumber(row xml.StartElement, place int) int {
	for _, a := range row.Attr {
		if n, err := strconv.Atoi(a.Value); a.Name.Local == "r" && err == nil && n >= 1 && n <= excelize.TotalRows {
			return n
		}
	}
	return place
}

// isHidden reports whether a row or a column is hidden, by hand or by a filter.
func isHidden(element xml.StartElement) bool {
	return slices.ContainsFunc(element.Attr, func(a xml.Attr) bool {
		return a.Name.Local == "hidden" && (a.Value == "1" || a.Value == "true")
	})
}

// place puts a cell into its column; cells before it that the file leaves out are empty.
func (s *sheet) place(cells []cell, row int, c xlsxCell) ([]cell, error) {
	one, ok := s.cell(c)
	if !ok {
		s.fault(row, "", packaging.FaultCellError, c.At)
	}
	column := len(cells) + 1
	if c.At != "" {
		var err error
		if column, _, err = excelize.CellNameToCoordinates(c.At); err != nil {
			return nil, s.notXLSX()
		}
	}
	if one.text == "" && c.At != "" {
		return cells, nil
	}
	if column > MaxCells || len(one.text) > maxCellBytes {
		return nil, s.unreadable(row, errLongRow)
	}
	for len(cells) < column {
		cells = append(cells, cell{})
	}
	cells[column-1] = one
	return cells, nil
}

// row takes a row. The first one with a value has the headings.
func (s *sheet) row(number int, cells []cell) error {
	if !slices.ContainsFunc(cells, func(c cell) bool { return strings.TrimSpace(c.text) != "" }) {
		return nil
	}
	if s.columns != nil {
		if err := s.next(); err != nil {
			return err
		}
		if s.hidden {
			s.ask(number, "", packaging.QuestionHidden, "")
		}
		s.tableRow(number, s.columns, cells)
		return nil
	}
	head := make([]string, len(cells))
	for i, c := range cells {
		head[i] = c.text
	}
	var ok bool
	if s.columns, ok = s.headings(head, number-1); !ok {
		return errStop
	}
	for i, column := range s.columns {
		isUnseen := func(c hiddenColumns) bool { return c.first <= i+1 && i+1 <= c.last }
		if column != "" && slices.ContainsFunc(s.unseen, isUnseen) {
			s.ask(number, column, packaging.QuestionHiddenCol, "")
		}
	}
	return nil
}

// hide notes columns that are hidden.
func (s *sheet) hide(columns xml.StartElement) {
	var c hiddenColumns
	for _, a := range columns.Attr {
		switch a.Name.Local {
		case "min":
			c.first, _ = strconv.Atoi(a.Value) // 0 if it is no number: then it hides nothing
		case "max":
			c.last, _ = strconv.Atoi(a.Value)
		}
	}
	if isHidden(columns) {
		s.unseen = append(s.unseen, c)
	}
}

// cell returns a value as a person sees it; ok is false if the cell shows an error.
func (s *sheet) cell(c xlsxCell) (one cell, ok bool) {
	switch {
	case c.Type == "inlineStr":
		return cell{text: c.Inline.String(), exact: true}, true
	case c.Value == nil:
		return cell{}, c.Formula == nil
	}
	value := *c.Value
	switch c.Type {
	case "s":
		i, err := strconv.Atoi(value)
		if err != nil || i < 0 || i >= len(s.strings) {
			return cell{}, false
		}
		return cell{text: s.strings[i], exact: true}, true
	case "str":
		return cell{text: value, exact: true}, true
	case "b":
		return cell{text: map[string]string{"0": "FALSE", "1": "TRUE"}[value], exact: true}, true
	case "d":
		return cell{text: strings.TrimSuffix(value, "T00:00:00")}, true
	case "e":
		return cell{}, false
	}
	if value == "" {
		return cell{}, true
	}
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return cell{}, false
	}
	one = cell{text: s.number(number, c.Style), rounded: math.Abs(number) >= 1e15}
	if k := s.kindOf(c.Style); number == math.Trunc(number) && number >= 0 {
		one.shown, one.scientific = shownAs(k.format, one.text), k.scientific
	}
	return one, true
}

// kind is how a style shows numbers.
type kind struct {
	date, percent, scientific bool
	digits                    int    // at least so many, with zeros in front
	format                    string // of its own
}

// number returns a number as its style shows it.
func (s *sheet) number(n float64, style int) string {
	k := s.kindOf(style)
	switch {
	case k.date:
		at, err := excelize.ExcelDateToTime(n, s.from1904)
		if err != nil {
			break
		}
		if at = at.Round(time.Second); at.Equal(at.Truncate(24 * time.Hour)) {
			return at.Format(time.DateOnly)
		}
		return at.Format(time.DateTime)
	case k.percent:
		n = math.Round(n*1e10) / 1e8
	}
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if n == math.Trunc(n) && n >= 0 && len(text) < k.digits {
		return strings.Repeat("0", k.digits-len(text)) + text
	}
	return text
}

var (
	quotedFormat = regexp.MustCompile(`"[^"]*"|\\.|\[[^\]]*\]`)
	zerosFormat  = regexp.MustCompile(`^0{2,40}$`)

	scientificFormat = regexp.MustCompile(`[0#][Ee][+-]`)
)

// kindOf returns how a style shows numbers.
func (s *sheet) kindOf(style int) kind {
	if k, ok := s.kinds[style]; ok {
		return k
	}
	var k kind
	if given, err := s.book.GetStyle(style); err == nil {
		format := ""
		if given.CustomNumFmt != nil {
			k.format = *given.CustomNumFmt
			format = quotedFormat.ReplaceAllString(k.format, "")
		}
		id := given.NumFmt
		k.date = id >= 14 && id <= 22 || id >= 27 && id <= 36 || id >= 45 && id <= 47 || id >= 50 && id <= 58 ||
			strings.ContainsAny(strings.ToLower(strings.ReplaceAll(format, "General", "")), "ymdhs")
		k.scientific = id == 11 || id == 48 || scientificFormat.MatchString(format)
		k.percent = id == 9 || id == 10 || strings.Contains(format, "%")
		if zerosFormat.MatchString(format) {
			k.digits = len(format)
		}
	}
	s.kinds[style] = k
	return k
}
