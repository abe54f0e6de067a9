// Package gs1 reads what a scanner types of a pack's barcode: the fields of the GS1 General Specifications, and from them
// the pack's identity.
package gs1

import (
	"fmt"
	"strings"
	"time"
)

// Pack is what a pack's barcode says. GTIN and serial number are its identity; the lot is no part of it.
type Pack struct {
	GTIN     string // AI 01, 14 digits
	Serial   string // AI 21, as it is: case counts
	Lot      string // AI 10, empty where it is not there
	Expiry   string // AI 17 as YYYY-MM-DD, or YYYY-MM where its day is 00; empty where it is not there
	National string // AI 710 to 717, empty where none is there
}

// Reading is what a scan says.
type Reading struct {
	Pack Pack // as its separators part the fields; without a GTIN where that gives no pack
	// Others are other packs that it may be, where the scanner sent no separator. Which one it is the text does not say:
	// only one that is known for sure may be taken.
	Others []Pack
}

// FaultCode is what is wrong with a scan.
type FaultCode string

// The codes.
const (
	Nothing       FaultCode = "nothing"       // it is empty
	TooMuch       FaultCode = "too_much"      // more than a barcode holds
	OtherBarcode  FaultCode = "other_barcode" // it is no GS1 DataMatrix, by what the scanner says
	ProductOnly   FaultCode = "product_only"  // the barcode of a product, an EAN, which is on each of its packs
	Brackets      FaultCode = "brackets"      // what is printed beside a barcode; brackets may be data, so it is not read
	UnknownField  FaultCode = "unknown_field" // no application identifier
	TooShort      FaultCode = "too_short"     // the field ends early
	TooLong       FaultCode = "too_long"      // the field has more than its identifier allows
	BadCharacter  FaultCode = "bad_character" // one that the field can't have
	BadCheckDigit FaultCode = "bad_check_digit"
	BadDate       FaultCode = "bad_date"
	FieldTwice    FaultCode = "field_twice" // with another value
	NoGTIN        FaultCode = "no_gtin"
	NoSerial      FaultCode = "no_serial"
)

// FaultCodes are all of them.
var FaultCodes = []FaultCode{
	Nothing, TooMuch, OtherBarcode, ProductOnly, Brackets, UnknownField, TooShort, TooLong, BadCharacter, BadCheckDigit, BadDate, FieldTwice, NoGTIN, NoSerial,
}

// Fault is why a scan is no pack.
type Fault struct {
	Code FaultCode
	AI   string // of the field, where it is about one
	At   int    // the character where it was found, from 1, where it is about one
}

func (f *Fault) Error() string {
	return fmt.Sprintf("gs1: %s (AI %s, character %d)", f.Code, f.AI, f.At)
}

// separator parts a field without a fixed length from the next one: FNC1, which scanners send as GS.
const separator = "\x1d"

// What keyboards and scanners make of a separator: GS1's own names for it, its picture, and what Windows types for Alt+029.
var separators = strings.NewReplacer("<GS>", separator, "{GS}", separator, "␝", separator, "↔", separator)

// mostCharacters is more than the largest DataMatrix holds.
const mostCharacters = 3_000

// Read reads a scan, in which now tells the century of a date. The error is a *Fault.
func Read(scanned string, now time.Time) (r Reading, err error) {
	text := separators.Replace(strings.Trim(scanned, "\r\n\t "))
	if len(text) > mostCharacters {
		return r, &Fault{Code: TooMuch}
	}
	text, dropped, err := withoutSymbology(text)
	if err != nil {
		return r, err
	}
	for strings.HasPrefix(text, separator) { // FNC1 in first place says that it is GS1
		text, dropped = text[1:], dropped+1
	}
	switch {
	case text == "":
		return r, &Fault{Code: Nothing}
	case strings.HasPrefix(text, "(") && strings.Contains(text, ")"):
		return r, &Fault{Code: Brackets}
	case isProduct(text):
		return r, &Fault{Code: ProductOnly}
	}
	w := way{text: text, dropped: dropped, now: now}
	fields, fault := w.read()
	if fault == nil {
		r.Pack, fault = packOf(fields)
	}
	if !strings.Contains(text, separator) {
		r.Others = w.others(r.Pack)
	}
	if fault != nil && len(r.Others) == 0 {
		return r, fault
	}
	return r, nil
}

// withoutSymbology takes off what some scanners send first: "]" and two characters that say which kind of barcode it is.
func withoutSymbology(text string) (rest string, dropped int, err error) {
	if !strings.HasPrefix(text, "]") || len(text) < 3 {
		return text, 0, nil
	}
	switch text[:3] {
	case "]d2", "]Q3", "]C1", "]e0", "]J1": // GS1 DataMatrix, QR, GS1-128, DataBar, DotCode
		return text[3:], 3, nil
	case "]E0", "]E4": // EAN-13, EAN-8
		return "", 0, &Fault{Code: ProductOnly}
	}
	return "", 0, &Fault{Code: OtherBarcode}
}

// isProduct says whether it is an EAN or UPC: digits alone, with a check digit that is right.
func isProduct(text string) bool {
	switch len(text) {
	case 8, 12, 13:
		return digits(text) && CheckDigit(text)
	}
	return false
}

// CheckDigit says whether the last of the digits is that of the others (GS1 General Specifications, 7.9).
func CheckDigit(number string) bool {
	sum := 0
	for i := range len(number) {
		digit := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			digit *= 3
		}
		sum += digit
	}
	return sum%10 == 0
}

// GTINs are the ways in which a GTIN of 14 digits is written elsewhere: with fewer zeros in front.
func GTINs(gtin string) []string {
	all := []string{gtin}
	for _, length := range []int{13, 12, 8} {
		if cut := len(gtin) - length; cut > 0 && strings.Trim(gtin[:cut], "0") == "" {
			all = append(all, gtin[cut:])
		}
	}
	return all
}

// packOf is the pack that the fields identify.
func packOf(fields []field) (p Pack, fault *Fault) {
	seen := map[string]string{}
	for _, f := range fields {
		if was, again := seen[f.ai]; again && was != f.value {
			return Pack{}, &Fault{Code: FieldTwice, AI: f.ai, At: f.at}
		}
		seen[f.ai] = f.value
		switch {
		case f.ai == "01":
			p.GTIN = f.value
		case f.ai == "21":
			p.Serial = f.value
		case f.ai == "10":
			p.Lot = f.value
		case f.ai == "17":
			p.Expiry = f.date
		case f.ai >= "710" && f.ai <= "717":
			p.National = f.value
		}
	}
	switch {
	case p.GTIN == "":
		return Pack{}, &Fault{Code: NoGTIN}
	case p.Serial == "":
		return Pack{}, &Fault{Code: NoSerial}
	}
	return p, nil
}
