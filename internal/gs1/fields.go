package gs1

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// format is what a field may hold.
type format struct {
	least, most int
	numeric     bool
	predefined  bool // its length is known, so that no separator follows
	check       bool // its last digit is a check digit
	date        bool // YYMMDD
}

// formats are those of the application identifiers (GS1 General Specifications, section 3.2). No identifier is the beginning
// of another.
var formats = func() map[string]format {
	all := map[string]format{
		"00": {18, 18, true, true, true, false}, "20": {2, 2, true, true, false, false},
		"01": {14, 14, true, true, true, false}, "02": {14, 14, true, true, true, false}, "03": {14, 14, true, true, true, false},
	}
	for _, ai := range []string{"11", "12", "13", "15", "16", "17"} {
		all[ai] = format{6, 6, true, true, false, true}
	}
	for ai := 410; ai <= 417; ai++ {
		all[fmt.Sprint(ai)] = format{13, 13, true, true, true, false}
	}
	for ai := 3100; ai <= 3699; ai++ { // measures, whose last digit says where the decimal point is
		all[fmt.Sprint(ai)] = format{6, 6, true, true, false, false}
	}
	add := func(numeric bool, least, most int, identifiers string) {
		for ai := range strings.FieldsSeq(identifiers) {
			all[ai] = format{least: least, most: most, numeric: numeric}
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

// identifier is the application identifier that a text begins with.
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
	at        int    // where the identifier stands, from 1
}

// way is a way through a text.
type way struct {
	text    string
	dropped int // characters of the scan before it
	now     time.Time
}

// read parts a text into fields as its separators say.
func (w way) read() (fields []field, fault *Fault) {
	for at := 0; at < len(w.text); {
		ai, f, ok := identifier(w.text[at:])
		if !ok {
			return nil, &Fault{Code: UnknownField, At: w.dropped + at + 1}
		}
		start := at + len(ai)
		end := len(w.text)
		if f.predefined {
			end = min(start+f.most, end)
		} else if length := strings.Index(w.text[start:], separator); length >= 0 {
			end = start + length
		}
		one, fault := w.field(ai, f, at, end)
		if fault != nil {
			return nil, fault
		}
		fields = append(fields, one)
		if at = end; strings.HasPrefix(w.text[at:], separator) { // a needless one does no harm
			at++
		}
	}
	return fields, nil
}

// field is that of the identifier at a place, up to an end.
func (w way) field(ai string, f format, at, end int) (one field, fault *Fault) {
	start := at + len(ai)
	one = field{ai: ai, value: w.text[start:end], at: w.dropped + at + 1}
	wrong := func(code FaultCode, place int) (field, *Fault) { return one, &Fault{code, ai, w.dropped + place + 1} }
	for i := range len(one.value) {
		if c := one.value[i]; f.numeric && (c < '0' || c > '9') || !packaging.InCSET82(one.value[i:i+1]) {
			return wrong(BadCharacter, start+i)
		}
	}
	switch {
	case len(one.value) < f.least:
		return wrong(TooShort, end)
	case len(one.value) > f.most:
		return wrong(TooLong, start+f.most)
	case f.check && !CheckDigit(one.value):
		return wrong(BadCheckDigit, end-1)
	}
	if f.date {
		if one.date = dateOf(one.value, w.now); one.date == "" {
			return wrong(BadDate, start)
		}
	}
	return one, nil
}

// dateOf reads YYMMDD: the year is the one that is less than 51 years ago and at most 50 years to come (GS1 General
// Specifications, 7.12). A day of 00, once the end of the month, is left out. What is no date is empty.
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

// What is tried where no separator came. A barcode of a pack has some five fields; more than these tell nothing.
const (
	mostParted = 200 // characters
	mostOthers = 100 // packs
	mostTries  = 5_000
)

// others are the packs that a text without separators may be, beside the one that it is as it stands: a field without a
// fixed length may end wherever the next one can begin.
func (w way) others(known Pack) (all []Pack) {
	if len(w.text) > mostParted {
		return nil
	}
	tries := 0
	var from func(at int, fields []field)
	from = func(at int, fields []field) {
		if at == len(w.text) {
			if p, fault := packOf(fields); fault == nil && p != known && !slices.Contains(all, p) {
				all = append(all, p)
			}
			return
		}
		ai, f, ok := identifier(w.text[at:])
		if !ok {
			return
		}
		least, most := at+len(ai)+f.least, min(at+len(ai)+f.most, len(w.text))
		for end := least; end <= most && tries < mostTries && len(all) < mostOthers; end++ {
			tries++
			if one, fault := w.field(ai, f, at, end); fault == nil {
				from(end, append(slices.Clone(fields), one))
			}
		}
	}
	from(0, nil)
	return all
}

func digits(text string) bool {
	return strings.Trim(text, "0123456789") == ""
}
