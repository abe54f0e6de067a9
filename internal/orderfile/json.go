package orderfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"lineboard/internal/packaging"
)

func (p *parser) readJSON(content io.Reader) error {
	list := json.NewDecoder(filling{content})
	if begin, err := list.Token(); err != nil || begin != json.Delim('[') {
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

// filling fills what is read into. The decoder looks through white space from its beginning at each read: reads that
// double with its buffer keep that from taking the square of a file's length.
type filling struct{ r io.Reader }

func (f filling) Read(into []byte) (int, error) {
	n, err := io.ReadFull(f.r, into)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// notJSON is where the content is no list in JSON any more. What kept it from being read at all is told as such.
func (p *parser) notJSON(row int, err error) error {
	var wrong *json.SyntaxError
	if err != nil && !errors.As(err, &wrong) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	p.fault(row, "", packaging.FaultNotJSON, "")
	return errStop
}

// object reads an order. Its element is JSON: the decoder of the list has seen to that.
func (p *parser) object(row int, element []byte) {
	d := json.NewDecoder(bytes.NewReader(element))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		p.fault(row, "", packaging.FaultType, string(element))
		return
	}
	var facts packaging.Facts
	given := map[packaging.ImportField]bool{}
	wrong := p.faults.Count
	for d.More() {
		name, _ := d.Token()
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			p.fault(row, "", packaging.FaultNotJSON, "")
			return
		}
		p.member(row, &facts, given, name.(string), value)
	}
	if p.faults.Count == wrong {
		p.check(row, facts)
	}
}

// member reads a name and its value. The names are exactly those of the fields: who writes JSON writes a program.
func (p *parser) member(row int, facts *packaging.Facts, given map[packaging.ImportField]bool, name string, value json.RawMessage) {
	field := fieldNamed(name)
	switch {
	case field == "" || name != string(field):
		p.faults.Add(packaging.ImportFault{Row: row, Code: packaging.FaultUnknownField, Value: shortened(name), Hint: fieldList})
		return
	case given[field]:
		p.fault(row, field, packaging.FaultFieldTwice, string(value))
		return
	}
	given[field] = true
	if text, ok := scalar(field, value); ok {
		*facts.Field(field) = text
	} else {
		p.fault(row, field, packaging.FaultType, string(value))
	}
}

// scalar is the text of a value: null gives none, and what is made of digits may be a number.
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
