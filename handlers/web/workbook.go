package web

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/labstack/echo/v4"
	"github.com/xuri/excelize/v2"
)

// Workbook is an XLSX file that is filled row by row. Long sheets wait in temporary files, so that memory stays
// bounded.
type Workbook struct {
	file       *excelize.File
	sheet      *excelize.StreamWriter
	name       string
	columns    []string
	part, row  int // of the sheet: a table that is too long goes on in further ones
	bold, text int // styles
}

// textFormat is the number format of texts: a spreadsheet keeps what people type there as it is.
const textFormat = 49

// SendWorkbook sends a workbook once fill has filled it. If fill fails, nothing of it is sent.
func (s *Kit) SendWorkbook(c echo.Context, name string, fill func(*Workbook) error) error {
	book := &Workbook{file: excelize.NewFile()}
	defer book.file.Close() // removes the temporary files
	var err, err2 error
	book.bold, err = book.file.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, NumFmt: textFormat})
	book.text, err2 = book.file.NewStyle(&excelize.Style{NumFmt: textFormat})
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if err := fill(book); err != nil {
		return err
	}
	if err := book.sheet.Flush(); err != nil {
		return err
	}
	return s.StreamFile(c, name+".xlsx", func(w io.Writer) error { return book.file.Write(w) })
}

// Sheet begins a sheet with the names of its columns.
func (b *Workbook) Sheet(name string, columns ...string) error {
	b.name, b.columns, b.part = name, columns, 0
	return b.nextPart()
}

// nextPart ends the sheet before, and begins another one of the same table.
func (b *Workbook) nextPart() (err error) {
	b.part, b.row = b.part+1, 0
	name := b.name
	if b.part > 1 {
		name = fmt.Sprintf("%s %d", b.name, b.part)
	}
	if b.sheet == nil {
		err = b.file.SetSheetName(b.file.GetSheetName(0), name)
	} else if err = b.sheet.Flush(); err == nil {
		_, err = b.file.NewSheet(name)
	}
	if err != nil {
		return err
	}
	if b.sheet, err = b.file.NewStreamWriter(name); err != nil {
		return err
	}
	head := make([]any, len(b.columns))
	for i, column := range b.columns {
		head[i] = excelize.Cell{StyleID: b.bold, Value: column}
	}
	return errors.Join(
		b.sheet.SetColWidth(1, len(head), 18),
		b.sheet.SetColStyle(1, len(head), b.text),
		b.sheet.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}),
		b.Row(head...),
	)
}

// Row adds a row. A text is a text, whatever it looks like; nil leaves a cell empty.
func (b *Workbook) Row(cells ...any) error {
	if b.row == excelize.TotalRows {
		if err := b.nextPart(); err != nil {
			return err
		}
	}
	for i, cell := range cells {
		if text, ok := cell.(string); ok {
			cells[i] = excelize.Cell{StyleID: b.text, Value: text}
		}
	}
	b.row++
	return b.sheet.SetRow(fmt.Sprint("A", b.row), cells)
}

// Texts adds a row of texts.
func (b *Workbook) Texts(cells ...string) error {
	row := make([]any, len(cells))
	for i, cell := range cells {
		row[i] = cell
	}
	return b.Row(row...)
}

// FitsCell reports whether a cell of a workbook can hold a text exactly: XML has no control characters, and a cell no
// more than 32,767 characters.
func FitsCell(s string) bool {
	return len(utf16.Encode([]rune(s))) <= excelize.TotalCellChars && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' || r == '\ufffe' || r == '\uffff' || r == '\ufffd'
	})
}
