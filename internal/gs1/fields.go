package gs1

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// format says what a field may hold.
type format struct {
	min, max   int
	numeric    bool
	predefined bool // the length is fixed, and no separator follows
	check      bool // the last digit is a check digit
	date       bool // YYMMDD
}

// formats are the formats by application identifier (GS1 General Specifications, section 3.2). No identifier is a
// prefix of another.
var formats = func() map[string]format {
	all := map[string]format{
		"00": {18, 18, true, true, true, false}, "20": {2, 2, true, true, false, false},
		"01": {14, 14, true, true, true, false}, "02": {14, 14, true, true, true, false},
		"03": {14, 14, true, true, true, false},
	}
	for _, ai := range []string{"11", "12", "13", "15", "16", "17"} {
		all[ai] = format{6, 6, true, true, false, true}
	}
	for ai := 410; ai <= 417; ai++ {
		all[fmt.Sprint(ai)] = format{13, 13, true, true, true, false}
	}
	for ai := 3100; ai <= 3699; ai++ { // measures; the last digit gives the place of the decimal point
		all[fmt.Sprint(ai)] = format{6, 6, true, true, false, false}
	}
	add := func(numeric bool, minLength, maxLength int, identifiers string) {
		for ai := range strings.FieldsSeq(identifiers) {
			all[ai] = format{min: minLength, max: maxLength, numeric: numeric}
		}
	}
	add(false, 1, 20, "10 21 22 243 254 420 7020 7021 7022 7240 8002 8012")
	add(false, 1, 20, "710 711 712 713 714 715 716 717")
	add(false, 1, 30, "240 241 250 251 400 401 403 7002 7023 8004 8010 90")
	add(false, 1, 90, "91 92 93 94 95 96 97 98 99")
	add(false, 1, 28, "235")
	add(false, 13, 30, "253")
	add(false, 15, 30, "8003")
	add(false, 4, 12, "421")
	add(false, 1, 12, "7005")
	add(false, 1, 10, "7009")
	add(false, 1, 3, "427 7008")
	add(false, 1, 2, "7010")
	add(false, 1, 25, "8013 8020")
	add(false, 1, 34, "8007")
	add(false, 1, 50, "8009")
	add(false, 1, 70, "8110 8112 8200")
	add(true, 1, 8, "30 37")
	add(true, 1, 6, "242")
	add(true, 13, 25, "255")
	add(true, 17, 17, "402")
	add(true, 3, 3, "422 424 426")
	add(true, 3, 15, "423 425")
	add(true, 13, 13, "7001")
	add(true, 10, 10, "7003")
	add(true, 1, 4, "7004")
	add(true, 6, 6, "7006 8005")
	add(true, 6, 12, "7007")
	add(true, 14, 14, "8001")
	add(true, 18, 18, "8006 8017 8018")
	add(true, 8, 12, "8008")
	add(true, 1, 12, "8011")
	add(true, 1, 10, "8019")
	for n := range 10 {
		add(true, 1, 15, fmt.Sprintf("390%d 392%d", n, n))
		add(true, 4, 18, fmt.Sprintf("391%d 393%d", n, n))
		add(true, 4, 4, fmt.Sprintf("394%d", n))
		add(true, 6, 6, fmt.Sprintf("395%d", n))
	}
	return all
}()

// identifier returns the application identifier at the start of a text, and its format.
func identifier(text string) (ai string, f format, ok bool) {
	for length := 2; length <= 4 && length <= len(text); length++ {
		if f, ok := formats[text[:length]]; ok {
			return text[:length], f, true
		}
	}
	return "", f, false
}

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
}

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
		if at = end; strings.HasPrefix(p.text[at:], separator) { // after a fixed length it is needless, and allowed
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
	for i := range len(f.value) {
		if c := f.value[i]; format.numeric && (c < '0' || c > '9') || !packaging.InCSET82(f.value[i:i+1]) {
			return wrong(BadCharacter, start+i)
		}
	}
	switch {
	case len(f.value) < format.min:
		return wrong(TooShort, end)
	case len(f.value) > format.max:
		return wrong(TooLong, start+format.max)
	case format.check && !CheckDigit(f.value):
		return wrong(BadCheckDigit, end-1)
	}
	if format.date {
		if f.date = dateOf(f.value, p.now); f.date == "" {
			return wrong(BadDate, start)
		}
	}
	return f, nil
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
	maxSearched = 200 // bytes of the text
	maxOthers   = 100 // packs
	maxTries    = 5_000
)

// others returns the packs that a text without separators may mean, apart from known. A field of variable length may
// end wherever the next one can begin.
func (p parser) others(known Pack) (all []Pack) {
	if len(p.text) > maxSearched {
		return nil
	}
	tries := 0
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
		for end := start + format.min; end <= last && tries < maxTries && len(all) < maxOthers; end++ {
			tries++
			if f, fault := p.field(ai, format, at, end); fault == nil {
				search(end, append(slices.Clone(fields), f))
			}
		}
	}
	search(0, nil)
	return all
}

func isDigits(text string) bool {
	return strings.Trim(text, "0123456789") == ""
}
