package secret

import (
	"bytes"
	"html"
	"strconv"
	"unicode/utf8"
)

// view is a part of a text, perhaps unescaped, whose bytes know where they come from.
type view struct {
	text         []byte
	from         int     // where the part begins in the text
	starts, ends []int32 // of what each byte comes from, in the part; nil if nothing was unescaped
}

func plainView(text []byte, from int) view { return view{text: text, from: from} }

func (v view) start(i int) int {
	if v.starts == nil {
		return v.from + i
	}
	return v.from + int(v.starts[i])
}

func (v view) end(i int) int {
	if v.ends == nil {
		return v.from + i + 1
	}
	return v.from + int(v.ends[i])
}

// unescape undoes one layer of escapes of JSON, URLs and HTML, and drops zeros, so that UTF-16 is read too. differs is
// false if there is none.
func (v view) unescape() (u view, differs bool) {
	if !bytes.ContainsAny(v.text, "\\%&\x00") {
		return v, false
	}
	u.from = v.from
	u.text, u.starts, u.ends = make([]byte, 0, len(v.text)), make(
		[]int32, 0, len(v.text),
	), make([]int32, 0, len(v.text))
	for i := 0; i < len(v.text); {
		content, size := unescapeOne(v.text[i:])
		differs = differs || size > len(content)
		for _, b := range content {
			u.text = append(u.text, b)
			u.starts, u.ends = append(u.starts, int32(v.start(i)-v.from)), append(u.ends, int32(v.end(i+size-1)-v.from))
		}
		i += size
	}
	return u, differs
}

// letterEscapes are the escapes of JSON that are a letter or sign.
var letterEscapes = map[byte]byte{
	'"': '"', '\\': '\\', '/': '/', '\'': '\'', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// unescapeOne returns what a text begins with, and how many bytes that takes: more than it is for an escape.
func unescapeOne(text []byte) (content []byte, size int) {
	switch text[0] {
	case 0:
		return nil, 1
	case '%':
		if b, ok := digits(text, 1, 2); ok {
			return []byte{byte(b)}, 3
		}
	case '&':
		if end := bytes.IndexByte(text[:min(len(text), 12)], ';'); end > 0 {
			if plain := html.UnescapeString(string(text[:end+1])); len(plain) <= end {
				return []byte(plain), end + 1
			}
		}
	case '\\':
		if len(text) < 2 {
			break
		}
		if letter, is := letterEscapes[text[1]]; is {
			return []byte{letter}, 2
		}
		if r, ok := digits(text, 2, 4); ok && text[1] == 'u' {
			return utf8.AppendRune(nil, rune(r)), 6
		}
		if b, ok := digits(text, 2, 2); ok && text[1] == 'x' {
			return []byte{byte(b)}, 4
		}
	}
	return text[:1], 1
}

// digits returns the number of n hexadecimal digits at a place.
func digits(text []byte, at, n int) (uint64, bool) {
	if len(text) < at+n {
		return 0, false
	}
	number, err := strconv.ParseUint(string(text[at:at+n]), 16, 32)
	return number, err == nil
}
