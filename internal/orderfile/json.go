package orderfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"lineboard/internal/packaging"
)

func (p *parser) readJSON(content io.Reader) error {
	list := json.NewDecoder(fullReader{&boundedJSON{r: content}})
	if start, err := list.Token(); err != nil || start != json.Delim('[') {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return p.notJSON(0, err)
	}
	for list.More() {
		if err := p.next(); err != nil {
			return err
		}
		var element json.RawMessage
		if err := list.Decode(&element); err != nil {
			return p.notJSON(p.seen, err)
		}
		p.object(p.seen, element)
	}
	if _, err := list.Token(); err != nil {
		return p.notJSON(0, err)
	}
	if _, err := list.Token(); !errors.Is(err, io.EOF) {
		return p.notJSON(0, err)
	}
	return nil
}

// fullReader fills the whole buffer at each read. The decoder scans white space again from its start at each read: full
// reads of a growing buffer keep that linear in the length of the file.
type fullReader struct{ r io.Reader }

func (f fullReader) Read(into []byte) (int, error) {
	n, err := io.ReadFull(f.r, into)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// notJSON adds a fault at the row where the content is no longer a JSON list, and returns errStop. An error of the
// reader is no such fault: notJSON returns it.
func (p *parser) notJSON(row int, err error) error {
	if errors.Is(err, errLongRow) {
		p.fault(row, "", packaging.FaultRowLong, "")
		return errStop
	}
	var syntax *json.SyntaxError
	if err != nil && !errors.As(err, &syntax) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	p.fault(row, "", packaging.FaultNotJSON, "")
	return errStop
}

// object reads an order. The decoder of the list guarantees that the element is JSON.
func (p *parser) object(row int, element []byte) {
	d := json.NewDecoder(bytes.NewReader(element))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		p.fault(row, "", packaging.FaultType, string(element))
		return
	}
	var facts packaging.Facts
	seen := map[packaging.ImportField]bool{}
	faults := p.faults.Count
	for names := 1; d.More(); names++ {
		if names > MaxCells {
			p.fault(row, "", packaging.FaultRowLong, "")
			return
		}
		name, _ := d.Token()
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			p.fault(row, "", packaging.FaultNotJSON, "")
			return
		}
		p.member(row, &facts, seen, name.(string), value)
	}
	if p.faults.Count == faults {
		p.addRow(row, facts)
	}
}

// member reads a name and its value. Unlike headings, names must be spelled exactly: programs write them.
func (p *parser) member(
	row int, facts *packaging.Facts, seen map[packaging.ImportField]bool, name string, value json.RawMessage,
) {
	field := fieldNamed(name)
	switch {
	case field == "" || name != string(field):
		p.faults.Add(packaging.ImportFault{
			Row: row, Code: packaging.FaultUnknownField, Value: shortened(name), Hint: fieldList,
		})
		return
	case seen[field]:
		p.fault(row, field, packaging.FaultFieldTwice, string(value))
		return
	}
	seen[field] = true
	if text, ok := scalar(field, value); ok {
		*facts.Field(field) = text
	} else {
		p.fault(row, field, packaging.FaultType, string(value))
	}
}

// scalar returns the text of a value, or false if its type is wrong. null is empty. Numeric fields may be JSON numbers.
func scalar(field packaging.ImportField, value json.RawMessage) (string, bool) {
	switch value[0] {
	case 'n':
		return "", true
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return text, err == nil
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-':
		switch field {
		case packaging.ColumnGTIN, packaging.ColumnQuantity, packaging.ColumnExtra:
			return string(value), true
		}
	}
	return "", false
}
