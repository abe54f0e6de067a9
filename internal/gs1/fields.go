package gs1

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

type field struct {
	ai, value string
	date      string // its value as YYYY-MM-DD, or YYYY-MM
	at        int    // of the identifier, from 1
}

// parser reads the text of a barcode.
type parser struct {
	text    string
	dropped int // characters of the scan before the text
	now     time.Time
	tries   *tries
}

// tries is how many ends of fields are still tried, of all that a scan may have been before a keyboard changed it.
type tries int

// fields returns the fields of the text, split at its separators.
func (p parser) fields() (fields []field, fault *Fault) {
	for at := 0; at < len(p.text); {
		ai, format, ok := identifier(p.text[at:])
		if !ok {
			return nil, &Fault{Code: UnknownField, At: p.dropped + at + 1}
		}
		start := at + len(ai)
		end := len(p.text)
		if format.predefined {
			end = min(start+format.max, end)
		} else if length := strings.Index(p.text[start:], separator); length >= 0 {
			end = start + length
		}
		f, fault := p.field(ai, format, at, end)
		if fault != nil {
			return nil, fault
		}
		fields = append(fields, f)
		for at = end; strings.HasPrefix(p.text[at:], separator); { // one that is needless is allowed
			at++
		}
	}
	return fields, nil
}

// field returns the field whose identifier stands at one place and whose value ends at another.
func (p parser) field(ai string, format format, at, end int) (f field, fault *Fault) {
	start := at + len(ai)
	f = field{ai: ai, value: p.text[start:end], at: p.dropped + at + 1}
	wrong := func(code FaultCode, place int) (field, *Fault) { return f, &Fault{code, ai, p.dropped + place + 1} }
	parts := format.split(f.value)
	place := start
	for i, part := range parts {
		for j := range len(part) {
			if !format.components[i].mayHold(part[j]) {
				return wrong(BadCharacter, place+j)
			}
		}
		place += len(part)
	}
	switch {
	case len(f.value) < format.min:
		return wrong(TooShort, end)
	case len(f.value) > format.max:
		return wrong(TooLong, start+format.max)
	}
	place = start
	for i, part := range parts {
		switch c := format.components[i]; {
		case len(part) < c.min: // an optional one
			return wrong(TooShort, place+len(part))
		case c.checkDigit && !CheckDigit(part):
			return wrong(BadCheckDigit, place+len(part)-1)
		case c.date:
			date := dateOf(part, p.now)
			if date == "" {
				return wrong(BadDate, place)
			}
			if f.date == "" {
				f.date = date
			}
		}
		place += len(part)
	}
	return f, nil
}

// split returns the parts of a value, one for each component that it reaches.
func (f format) split(value string) (parts []string) {
	for _, c := range f.components {
		length := min(c.max, len(value))
		if length == 0 {
			break
		}
		parts = append(parts, value[:length])
		value = value[length:]
	}
	return parts
}

// dateOf returns YYMMDD as YYYY-MM-DD, or "" if it is no date. The year is less than 51 years ago and at most 50 years
// ahead (GS1 General Specifications, 7.12). With the day 00, which once meant the end of the month, it returns YYYY-MM.
func dateOf(value string, now time.Time) string {
	year := int(value[0]-'0')*10 + int(value[1]-'0')
	switch apart := year - now.Year()%100; {
	case apart >= 51:
		year += now.Year()/100*100 - 100
	case apart <= -50:
		year += now.Year()/100*100 + 100
	default:
		year += now.Year() / 100 * 100
	}
	month, day := value[2:4], value[4:6]
	if day == "00" {
		if _, err := time.Parse("01", month); err != nil {
			return ""
		}
		return fmt.Sprintf("%04d-%s", year, month)
	}
	date := fmt.Sprintf("%04d-%s-%s", year, month, day)
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return ""
	}
	return date
}

// Limits of the search in a text without separators. A pack's barcode has about five fields: beyond these limits there
// are too many possible packs to be of use.
const (
	maxSearched = 200    // bytes of the text
	maxOthers   = 100    // packs
	maxTries    = 5_000  // of one text: that of a real pack takes 200
	allTries    = 30_000 // of one scan
)

// others returns the packs that a text without separators may mean, apart from known. A field of variable length may
// end wherever the next one can begin. whole is false if it may mean more than was looked for.
func (p parser) others(known Pack) (all []Pack, whole bool) {
	if len(p.text) > maxSearched {
		return nil, false
	}
	left := min(maxTries, *p.tries)
	*p.tries -= left
	var search func(at int, fields []field)
	search = func(at int, fields []field) {
		if at == len(p.text) {
			if pack, fault := packOf(fields); fault == nil && pack != known && !slices.Contains(all, pack) {
				all = append(all, pack)
			}
			return
		}
		ai, format, ok := identifier(p.text[at:])
		if !ok {
			return
		}
		start := at + len(ai)
		last := min(start+format.max, len(p.text))
		for end := start + format.min; end <= last && left > 0 && len(all) < maxOthers; end++ {
			left--
			if f, fault := p.field(ai, format, at, end); fault == nil {
				search(end, append(slices.Clone(fields), f))
			}
		}
	}
	search(0, nil)
	*p.tries += left
	return all, left > 0 && len(all) < maxOthers
}

func isDigits(text string) bool {
	return strings.Trim(text, "0123456789") == ""
}
