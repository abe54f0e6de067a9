package packaging

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits of a list that a person gives. It is in memory while it is read and stored: with them it takes no more than
// other large requests. The API may give longer ones.
const (
	MaxGiven       = 1_000_000 // serial numbers
	maxGivenBytes  = 1024      // of one of them
	maxGivenFields = 100       // of a row of CSV
)

// errNotJSON says that what begins as JSON is no list of texts.
var errNotJSON = Fail(Invalid, "list.not_json")

// givenList is a list as far as it was read.
type givenList []string

func (l *givenList) add(serial string) error {
	switch {
	case len(serial) > maxGivenBytes:
		return Fail(Invalid, "list.too_wide")
	case len(*l) == MaxGiven:
		return Fail(Invalid, "list.too_long")
	}
	*l = append(*l, serial)
	return nil
}

// ParseSerialList reads a list of serials that a person gives, each kept as it is. It may be JSON (a list of texts,
// alone or as "serials" or "data" of an object), CSV with a column "serial", or one serial a line. Commas and the like
// are legal in a serial, so lines are never split. The error is coded.
func ParseSerialList(given string) ([]string, error) {
	given = strings.TrimPrefix(given, "\ufeff")
	if !utf8.ValidString(given) {
		return nil, Fail(Invalid, "list.not_utf8")
	}
	var list givenList
	var err error
	if begin := strings.TrimSpace(given); begin != "" && strings.ContainsRune("[{", rune(begin[0])) {
		list, err = listInJSON(given) // a bracket begins no serial
	} else if comma, column := serialColumn(given); comma != 0 {
		if list, err = listInCSV(given, comma, column); errors.Is(err, errNotCSV) {
			list, err = listInLines(given)
		}
	} else {
		list, err = listInLines(given)
	}
	if err == nil && len(list) == 0 {
		err = Fail(Invalid, "list.empty")
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}

// listInJSON reads a list of texts, alone or in an object.
func listInJSON(given string) (list givenList, err error) {
	d := json.NewDecoder(strings.NewReader(given))
	start, err := d.Token()
	switch {
	case err != nil:
		return nil, errNotJSON
	case start == json.Delim('['):
		list, err = textsInJSON(d)
	default:
		list, err = listInObject(d)
	}
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return list, nil
}

// textsInJSON reads what is left of a list.
func textsInJSON(d *json.Decoder) (list givenList, err error) {
	list = givenList{}
	for d.More() {
		token, err := d.Token()
		text, is := token.(string)
		if err != nil || !is && token != nil {
			return nil, errNotJSON
		}
		if err := list.add(text); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotJSON
	}
	return list, nil
}

// listInObject reads what is left of an object: its "serials", or else its "data".
func listInObject(d *json.Decoder) (givenList, error) {
	var serials, data givenList
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errNotJSON
		}
		into := &serials
		switch field, _ := name.(string); {
		case strings.EqualFold(field, "data"):
			into = &data
		case !strings.EqualFold(field, "serials"):
			var other json.RawMessage
			if d.Decode(&other) != nil {
				return nil, errNotJSON
			}
			continue
		}
		switch start, err := d.Token(); {
		case err != nil || start != nil && start != json.Delim('['):
			return nil, errNotJSON
		case start == nil:
			*into = nil
		default:
			if *into, err = textsInJSON(d); err != nil {
				return nil, err
			}
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotJSON
	}
	if serials != nil {
		return serials, nil
	}
	return data, nil
}

// serialColumn returns what parts the fields of CSV whose first row has a column "serial", and its place; 0 for text
// that is none.
func serialColumn(given string) (comma rune, column int) {
	head, _, _ := strings.Cut(given, "\n")
	if len(head) > maxGivenFields*maxGivenBytes {
		return 0, 0
	}
	for _, comma := range ",;\t" {
		if !strings.ContainsRune(head, comma) {
			continue
		}
		r := csv.NewReader(strings.NewReader(head))
		r.Comma = comma
		names, err := r.Read()
		if err != nil || len(names) > maxGivenFields {
			continue
		}
		for column, name := range names {
			if strings.EqualFold(strings.TrimSpace(name), "serial") {
				return comma, column
			}
		}
	}
	return 0, 0
}

// errNotCSV says that quotation marks do not fit, or that rows differ in their fields.
var errNotCSV = errors.New("the text is no CSV")

// listInCSV reads a column.
func listInCSV(given string, comma rune, column int) (list givenList, err error) {
	if hasWideRow(given, byte(comma)) {
		return nil, Fail(Invalid, "list.too_wide")
	}
	r := csv.NewReader(strings.NewReader(given))
	r.Comma, r.ReuseRecord = comma, true
	for first := true; ; first = false {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, errNotCSV
		case first:
			continue
		}
		if err := list.add(strings.Clone(row[column])); err != nil { // a part would keep the whole row
			return nil, err
		}
	}
}

// hasWideRow reports whether a row has more fields or bytes than any list that people have.
func hasWideRow(given string, comma byte) bool {
	fields, size, quoted := 1, 0, false
	for i := range len(given) {
		size++
		switch c := given[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n':
			fields, size = 1, 0
		case c == comma:
			fields++
		}
		if fields > maxGivenFields || size > maxGivenFields*maxGivenBytes {
			return true
		}
	}
	return false
}

// listInLines reads a serial a line. Empty lines and a first line that says "serial" are none.
func listInLines(given string) (list givenList, err error) {
	for line := range strings.Lines(given) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || len(list) == 0 && strings.EqualFold(line, "serial") {
			continue
		}
		if err := list.add(line); err != nil {
			return nil, err
		}
	}
	return list, nil
}
