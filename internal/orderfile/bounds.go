package orderfile

import (
	"encoding/xml"
	"errors"
	"io"
)

// Limits of a row. They keep a file of one endless row from taking the memory of many.
const (
	MaxCells     = 100      // of a row, or names of an object
	maxCellBytes = 4 << 10  // of a row
	maxObject    = 64 << 10 // bytes of a JSON object, with what parts it from the next, or of an element of XML
)

var errLongRow = errors.New("a row is longer than any order")

// boundedCSV fails with errLongRow at a row with too many cells, or with one that is too long.
type boundedCSV struct {
	r           io.Reader
	comma       byte
	line        int // that is read
	cells, cell int // of the row, bytes of the cell
	quoted      bool
}

func (b *boundedCSV) Read(into []byte) (int, error) {
	n, err := b.r.Read(into)
	for _, c := range into[:n] {
		switch b.cell++; {
		case c == '"':
			b.quoted = !b.quoted
		case c == '\n':
			b.line++
			if !b.quoted {
				b.cells, b.cell = 0, 0
			}
		case c == b.comma && !b.quoted:
			b.cells++
			b.cell = 0
		}
		if b.cells >= MaxCells || b.cell > maxCellBytes {
			return 0, errLongRow
		}
	}
	return n, err
}

// boundedJSON fails with errLongRow at an element of a list that is too long.
type boundedJSON struct {
	r               io.Reader
	depth, length   int // of what is read, bytes of the element
	quoted, escaped bool
}

func (b *boundedJSON) Read(into []byte) (int, error) {
	n, err := b.r.Read(into)
	for _, c := range into[:n] {
		b.next(c)
		if b.length > maxObject {
			return 0, errLongRow
		}
	}
	return n, err
}

// boundedXML fails with errLongRow once it has read more than an element may have since begin.
type boundedXML struct {
	r    io.Reader
	left int
}

func (b *boundedXML) begin() { b.left = maxObject }

func (b *boundedXML) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRow
	}
	n, err := b.r.Read(into)
	b.left -= n
	return n, err
}

// maxDepth is how many elements of XML may be open at a time: each takes memory.
const maxDepth = 100

var errDeep = errors.New("elements stand in each other more than in any workbook")

// elements reads XML, one element at a time. It fails with errLongRow at a long one, and with errDeep at a deep one.
type elements struct {
	bounds  *boundedXML
	decoder *xml.Decoder
	depth   int
}

func newElements(r io.Reader) *elements {
	b := &boundedXML{r: r}
	return &elements{bounds: b, decoder: xml.NewDecoder(b)}
}

func (e *elements) next() (xml.Token, error) {
	e.bounds.begin()
	t, err := e.decoder.Token()
	switch t.(type) {
	case xml.StartElement:
		if e.depth++; e.depth > maxDepth {
			return nil, errDeep
		}
	case xml.EndElement:
		e.depth--
	}
	return t, err
}

// decode reads the rest of an element that has begun.
func (e *elements) decode(into any, start xml.StartElement) error {
	e.depth--
	return e.decoder.DecodeElement(into, &start)
}

func (b *boundedJSON) next(c byte) {
	b.length++
	switch {
	case b.escaped:
		b.escaped = false
	case b.quoted && c == '\\':
		b.escaped = true
	case c == '"':
		b.quoted = !b.quoted
	case b.quoted:
	case c == '[' || c == '{':
		b.depth++
	case c == ']' || c == '}':
		b.depth--
	case c == ',' && b.depth == 1:
		b.length = 0
	}
}
