package manufacturer

import (
	"bytes"
	"iter"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"lineboard/internal/giveway"
)

// raw is one well-formed JSON value as it stands in an answer, without white space around it. It is empty if there is
// none. Numbers keep their digits. It is a part of the answer and not a copy, since answers may be large: nobody
// changes it.
type raw []byte

// lenient accepts what real servers send: duplicate names, and text that is not UTF-8.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// parse returns the JSON value of an answer, or false if it is not one. It skips a byte order mark, which some servers
// write.
func parse(body []byte) (raw, bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !jsontext.Value(body).IsValid(lenient...) {
		return nil, false
	}
	return raw(bytes.Trim(body, " \t\r\n")), true
}

// kind returns the first character of the value: one of {["tfn, a digit or a minus, or 0 if there is none.
func (r raw) kind() byte {
	if len(r) == 0 {
		return 0
	}
	return r[0]
}

// scalar reports whether the value is a string, number or boolean.
func (r raw) scalar() bool {
	switch r.kind() {
	case '{', '[', 'n', 0:
		return false
	}
	return true
}

// members yields the names and values of an object. Any other value has none.
func (r raw) members() iter.Seq2[string, raw] {
	return func(yield func(string, raw) bool) {
		d := r.inside('{')
		for d != nil && d.PeekKind() == '"' {
			name, _ := d.ReadToken() // r is well-formed
			if !yield(name.String(), r.value(d)) {
				return
			}
		}
	}
}

// elements yields the elements of an array. Any other value has none.
func (r raw) elements() iter.Seq[raw] {
	return func(yield func(raw) bool) {
		d := r.inside('[')
		for d != nil && d.PeekKind() != ']' {
			if !yield(r.value(d)) {
				return
			}
		}
	}
}

// texts returns the contents of an array of strings, or false for any other value.
func (r raw) texts() (all []string, ok bool) {
	const textsAStep = 5_000 // take about a millisecond
	if r.kind() != '[' {
		return nil, false
	}
	all = make([]string, 0, bytes.Count(r, []byte(`",`))+1)
	for element := range r.elements() {
		if element.kind() != '"' {
			return nil, false
		}
		if all = append(all, element.text()); len(all)%textsAStep == 0 {
			giveway.Step()
		}
	}
	return all, true
}

// inside returns a decoder behind the first character of an object or array, or nil for any other value.
func (r raw) inside(kind byte) *jsontext.Decoder {
	if r.kind() != kind {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(r), lenient...)
	_, _ = d.ReadToken()
	return d
}

// value returns the next value of a decoder that reads r.
func (r raw) value(d *jsontext.Decoder) raw {
	value, _ := d.ReadValue()
	end := d.InputOffset()
	return r[end-int64(len(value)) : end]
}

// text returns the content of a string, or any other value as it stands. In a string, U+FFFD replaces what is not text;
// see exact.
func (r raw) text() string {
	if r.kind() != '"' {
		return string(r)
	}
	if inside := r[1 : len(r)-1]; len(inside) > 0 && bytes.IndexByte(inside, '\\') < 0 && utf8.Valid(inside) {
		return unsafe.String(&inside[0], len(inside)) // a copy of each of a million would double the answer
	}
	content, _ := jsontext.AppendUnquote(nil, r)
	return string(content)
}

// compact returns the value without white space between its parts.
func (r raw) compact() string {
	value := jsontext.Value(bytes.Clone(r))
	_ = value.Compact(lenient...)
	return strings.ToValidUTF8(string(value), "\ufffd")
}

// exact reports whether all text in the value can be read without loss: it is UTF-8, and no escape is half of a
// surrogate pair.
func (r raw) exact() bool { return jsontext.Value(r).IsValid(jsontext.AllowDuplicateNames(true)) }

// fields are the members of an object and of the objects in it, by path: names as plainName returns them, with dots
// between. Of duplicate names, the last counts.
type fields map[string]raw

// fieldDepth is the number of names in the longest path of assumed.go.
const fieldDepth = 3

func (r raw) fields() fields {
	f := fields{}
	f.add("", r, fieldDepth)
	return f
}

func (f fields) add(before string, object raw, depth int) {
	for name, value := range object.members() {
		path := before + plainName(name)
		f[path] = value
		if depth > 1 {
			f.add(path+".", value, depth-1)
		}
	}
}

// plainName drops what spellings of a name differ in: case, underscores and hyphens. It keeps a leading underscore:
// "_id" is the key of a database, not of the order.
func plainName(name string) string {
	plain := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	if strings.HasPrefix(name, "_") {
		return "_" + plain
	}
	return plain
}

// scalar returns the first string, number or boolean at one of the paths that is not blank.
func (f fields) scalar(paths []string) string {
	for _, path := range paths {
		if value := f[path]; value.scalar() {
			if text := strings.TrimSpace(value.text()); text != "" {
				return text
			}
		}
	}
	return ""
}

// scalarOrJSON returns the scalar at one of the paths or, if there is none, the first object or array as compact JSON:
// people see what Lineboard does not understand.
func (f fields) scalarOrJSON(paths []string) string {
	if text := f.scalar(paths); text != "" {
		return text
	}
	for _, path := range paths {
		if kind := f[path].kind(); kind == '{' || kind == '[' {
			return f[path].compact()
		}
	}
	return ""
}
