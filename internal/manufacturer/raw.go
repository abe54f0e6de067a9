package manufacturer

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// raw is one well-formed JSON value as it stands in an answer, without white space around it; empty where there is none.
// It is walked in place, so that numbers keep their digits and a list of 100,000 strings costs no copies.
type raw string

// parse gives the JSON value that an answer is. A byte order mark, as some servers write it, is passed over.
func parse(body []byte) (raw, bool) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !json.Valid(body) {
		return "", false
	}
	return raw(bytes.Trim(body, " \t\r\n")), true
}

// kind is the first character of the value: one of {["tfn, a digit or a minus, or 0 where there is none.
func (r raw) kind() byte {
	if r == "" {
		return 0
	}
	return r[0]
}

func (r raw) scalar() bool {
	switch r.kind() {
	case '{', '[', 'n', 0:
		return false
	}
	return true
}

// members are the names and values of an object, of nothing else any.
func (r raw) members() iter.Seq2[string, raw] {
	return func(yield func(string, raw) bool) {
		if r.kind() != '{' {
			return
		}
		for rest := r[1:].next(); rest[0] != '}'; {
			name := rest[:rest.end()]
			rest = rest[len(name):].next()
			value := rest[:rest.end()]
			rest = rest[len(value):].next()
			if !yield(name.text(), value) {
				return
			}
		}
	}
}

// elements are those of an array, of nothing else any.
func (r raw) elements() iter.Seq[raw] {
	return func(yield func(raw) bool) {
		if r.kind() != '[' {
			return
		}
		for rest := r[1:].next(); rest[0] != ']'; {
			value := rest[:rest.end()]
			rest = rest[len(value):].next()
			if !yield(value) {
				return
			}
		}
	}
}

// texts are those of an array of texts. Anything else, or an array with anything else in it, is none.
func (r raw) texts() (all []string, ok bool) {
	if r.kind() != '[' {
		return nil, false
	}
	all = []string{}
	for element := range r.elements() {
		if element.kind() != '"' {
			return nil, false
		}
		all = append(all, element.text())
	}
	return all, true
}

// next passes over what may stand before a name, a value or the end of an object or array.
func (r raw) next() raw { return raw(strings.TrimLeft(string(r), " \t\r\n,:")) }

// end is the length of the value that r begins with.
func (r raw) end() int {
	depth := 0
	for i := 0; i < len(r); i++ {
		switch r[i] {
		case '"':
			for i++; r[i] != '"'; i++ {
				if r[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			switch depth--; depth {
			case 0:
				return i + 1
			case -1: // of the object or array around a number or word
				return i
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(r)
}

// text is a string's content or any other value as it stands. What is no text in a string shows as U+FFFD; see exact.
func (r raw) text() string {
	if r.kind() != '"' {
		return string(r)
	}
	inside := string(r[1 : len(r)-1])
	if strings.IndexByte(inside, '\\') < 0 {
		return strings.ToValidUTF8(inside, "\ufffd")
	}
	var s string
	if err := json.Unmarshal([]byte(r), &s); err != nil {
		return inside
	}
	return s
}

// compact is the value without the white space between its parts.
func (r raw) compact() string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(r)); err != nil {
		return string(r)
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}

// exact says whether all text in the value can be read without loss: it is UTF-8, and no escape is half of a surrogate
// pair.
func (r raw) exact() bool {
	if !utf8.ValidString(string(r)) {
		return false
	}
	for rest := string(r); ; {
		i := strings.IndexByte(rest, '\\')
		if i < 0 {
			return true
		}
		unit, ok := escaped(rest[i:])
		switch {
		case !ok:
			rest = rest[i+2:]
		case !utf16.IsSurrogate(unit):
			rest = rest[i+6:]
		default:
			low, ok := escaped(rest[i+6:])
			if !ok || utf16.DecodeRune(unit, low) == utf8.RuneError {
				return false
			}
			rest = rest[i+12:]
		}
	}
}

// escaped is the UTF-16 unit of the \uXXXX that s begins with.
func escaped(s string) (unit rune, ok bool) {
	if !strings.HasPrefix(s, `\u`) {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}

// fields are the members of an object and of the objects in it, by path: names as plainName has them, with dots between.
// A name that stands there twice counts as it stands last.
type fields map[string]raw

// fieldDepth is how far down fields reach: no path of assumed.go is longer.
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

// plainName drops what spellings of a name differ in: case, underscores and hyphens. An underscore before a name stays:
// "_id" is a database's key and not the order's.
func plainName(name string) string {
	plain := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	if strings.HasPrefix(name, "_") {
		return "_" + plain
	}
	return plain
}

// scalar is the first text, number or word that is not blank at one of the paths.
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

// said is the scalar at one of the paths or, where there is none, the first object or list as compact JSON: what is not
// understood is shown and not dropped.
func (f fields) said(paths []string) string {
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
