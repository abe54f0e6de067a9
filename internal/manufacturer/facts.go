package manufacturer

import (
	"bytes"
	"math/big"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"lineboard/internal/packaging"
)

// factsOf returns the facts of one order, read as tolerantly as possible. Key is empty if the order has no ID.
func factsOf(element raw, now time.Time) packaging.Facts {
	f := element.fields()
	facts := packaging.Facts{
		Key:          orderKey(f),
		LineCode:     f.scalarOrJSON(lineCodeAt),
		LineName:     f.scalar(lineNameAt),
		Product:      f.scalarOrJSON(productAt),
		GTIN:         f.scalarOrJSON(gtinAt),
		Lot:          f.scalarOrJSON(lotAt),
		Expiry:       plainDate(f.scalarOrJSON(expiryAt), now),
		Quantity:     plainNumber(f.scalarOrJSON(quantityAt)),
		ExtraPercent: plainNumber(withoutPercent(f.scalarOrJSON(extraAt))),
		Status:       packaging.ParseStatus(f.scalarOrJSON(statusAt)),
		Raw:          bytes.Clone(element),
	}
	if facts.LineName == facts.LineCode {
		facts.LineName = "" // one text was read as both
	}
	for _, fact := range []*string{
		&facts.LineCode, &facts.LineName, &facts.Product, &facts.GTIN, &facts.Lot, &facts.Expiry, &facts.Quantity,
		&facts.ExtraPercent, (*string)(&facts.Status),
	} {
		*fact = bounded(*fact)
	}
	return facts
}

// maxFact is the longest fact that is kept of an order, in bytes. Raw has the whole of a longer one.
const maxFact = 1 << 10

// bounded returns the beginning of a text that is too long, with a mark at its end.
func bounded(text string) string {
	const mark = "…"
	if len(text) <= maxFact {
		return strings.Clone(text) // and not a part of the whole answer
	}
	end := maxFact - len(mark)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.Clone(text[:end]) + mark
}

// serialsOf returns the serial numbers in an order, unchanged, or none.
func serialsOf(order raw) []string {
	f := order.fields()
	for _, path := range serialsAt {
		if serials, ok := f[path].texts(); ok && len(serials) > 0 && f[path].exact() {
			return serials
		}
	}
	return nil
}

// orderKey returns the order's ID unchanged, because it is sent back. It returns "" if the ID can't be read without
// loss, or is longer than a fact: the API takes 255 characters.
func orderKey(f fields) string {
	for _, path := range orderIDAt {
		value := f[path]
		switch value.kind() {
		case '"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			if key := value.text(); strings.TrimSpace(key) != "" && len(key) <= maxFact && value.exact() {
				return strings.Clone(key)
			}
		}
	}
	return ""
}

// The exponent has two digits at most, so that a few bytes do not become a number of gigabytes.
var numberForm = regexp.MustCompile(`^\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?$`)

// plainNumber returns a number as a plain decimal: "10.0" and "1e1" become "10". It returns other text unchanged, and
// numbers beyond the twelve digits and six decimals of a quantity too.
func plainNumber(text string) string {
	if !numberForm.MatchString(text) {
		return text
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return text
	}
	plain := n.FloatString(6)
	if back, ok := new(big.Rat).SetString(plain); !ok || back.Cmp(n) != 0 || strings.IndexByte(plain, '.') > 12 {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(plain, "0"), ".")
}

// withoutPercent drops a percent sign after a number. It returns other text unchanged.
func withoutPercent(text string) string {
	if number, found := strings.CutSuffix(text, "%"); found && numberForm.MatchString(strings.TrimSpace(number)) {
		return strings.TrimSpace(number)
	}
	return text
}

// dateForms begin with the date. Of a time, its written date counts, whatever the offset.
var dateForms = []string{
	time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
}

// plainDate returns a date as YYYY-MM-DD. It returns other text unchanged.
func plainDate(text string, now time.Time) string {
	for _, form := range dateForms {
		if _, err := time.Parse(form, text); err == nil {
			return text[:len(time.DateOnly)]
		}
	}
	if date, ok := gs1Date(text, now); ok {
		return date.Format(time.DateOnly)
	}
	return text
}

// gs1Date reads YYMMDD by the rules of the GS1 General Specifications. A year 51 or more ahead is in the last
// century, one 50 or more behind is in the next, and day 00 is the last of the month.
func gs1Date(text string, now time.Time) (time.Time, bool) {
	endOfMonth := len(text) == 6 && strings.HasSuffix(text, "00")
	if endOfMonth {
		text = text[:4] + "01"
	}
	date, err := time.Parse("060102", text)
	if err != nil || len(text) != 6 {
		return time.Time{}, false
	}
	century := now.Year() / 100
	switch ahead := date.Year()%100 - now.Year()%100; {
	case ahead >= 51:
		century--
	case ahead <= -50:
		century++
	}
	year := 100*century + date.Year()%100
	in := time.Date(year, date.Month(), date.Day(), 0, 0, 0, 0, time.UTC)
	if in.Month() != date.Month() {
		return time.Time{}, false // 29 February of a year that has none
	}
	if endOfMonth {
		in = in.AddDate(0, 1, -1)
	}
	return in, true
}
