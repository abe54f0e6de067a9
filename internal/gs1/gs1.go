// Package gs1 reads the text of a pack's barcode as a scanner types it: the fields of the GS1 General Specifications,
// and from them the pack's identity.
package gs1

import (
	"fmt"
	"strings"
	"time"
)

// Pack is the content of a pack's barcode. GTIN and serial number identify the pack; the lot does not.
type Pack struct {
	GTIN     string // AI 01, 14 digits
	Serial   string // AI 21, case-sensitive
	Lot      string // AI 10, empty if missing
	Expiry   string // AI 17 as YYYY-MM-DD, or as YYYY-MM if its day is 00; empty if missing
	National string // AI 710 to 717, empty if missing
}

// Reading is the result of a scan.
type Reading struct {
	Pack Pack // by the separators; without a GTIN if they give no pack
	// Others are further packs that a scan without separators may mean. The text alone does not tell which: the caller
	// must know that one of them exists.
	Others []Pack
}

// FaultCode says what is wrong with a scan.
type FaultCode string

// The codes.
const (
	Nothing       FaultCode = "nothing"       // it is empty
	TooMuch       FaultCode = "too_much"      // more than a barcode holds
	OtherBarcode  FaultCode = "other_barcode" // the scanner says that it is no GS1 barcode
	ProductOnly   FaultCode = "product_only"  // the EAN of a product, which is the same on all its packs
	Brackets      FaultCode = "brackets"      // the text beside a barcode; brackets may be data, so it is not read
	UnknownField  FaultCode = "unknown_field" // no application identifier
	TooShort      FaultCode = "too_short"     // the field ends early
	TooLong       FaultCode = "too_long"      // the field has more than its identifier allows
	BadCharacter  FaultCode = "bad_character" // one that the field must not hold
	BadCheckDigit FaultCode = "bad_check_digit"
	BadDate       FaultCode = "bad_date"
	FieldTwice    FaultCode = "field_twice" // with another value
	NoGTIN        FaultCode = "no_gtin"
	NoSerial      FaultCode = "no_serial"
)

// FaultCodes are all codes.
var FaultCodes = []FaultCode{
	Nothing, TooMuch, OtherBarcode, ProductOnly, Brackets, UnknownField, TooShort, TooLong, BadCharacter, BadCheckDigit,
	BadDate, FieldTwice, NoGTIN, NoSerial,
}

// Fault is the error of a scan that is no pack.
type Fault struct {
	Code FaultCode
	AI   string // of the field, empty if the fault is in no field
	At   int    // the character that shows it, from 1; 0 if there is none
}

func (f *Fault) Error() string {
	return fmt.Sprintf("gs1: %s (AI %s, character %d)", f.Code, f.AI, f.At)
}

// separator ends a field of variable length: FNC1, which scanners send as GS.
const separator = "\x1d"

// separators replaces what keyboards and scanners make of a separator: GS1's names for it, its picture, and what
// Windows types for Alt+029.
var separators = strings.NewReplacer("<GS>", separator, "{GS}", separator, "␝", separator, "↔", separator)

// maxLength is more than the largest DataMatrix holds, in bytes.
const maxLength = 3_000

// Read reads a scan. now decides the century of dates. It fails with a *Fault.
func Read(scanned string, now time.Time) (r Reading, err error) {
	text := separators.Replace(strings.Trim(scanned, "\r\n\t "))
	if len(text) > maxLength {
		return r, &Fault{Code: TooMuch}
	}
	text, dropped, err := withoutSymbology(text)
	if err != nil {
		return r, err
	}
	for strings.HasPrefix(text, separator) { // FNC1 in first place means GS1
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
	p := parser{text: text, dropped: dropped, now: now}
	fields, fault := p.fields()
	if fault == nil {
		r.Pack, fault = packOf(fields)
	}
	if !strings.Contains(text, separator) {
		r.Others = p.others(r.Pack)
	}
	if fault != nil && len(r.Others) == 0 {
		return r, fault
	}
	return r, nil
}

// withoutSymbology drops the symbology identifier that some scanners send first: "]" and two characters. It fails if
// that names no GS1 barcode.
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

// isProduct reports whether the text is an EAN or UPC: only digits, with a correct check digit.
func isProduct(text string) bool {
	switch len(text) {
	case 8, 12, 13:
		return isDigits(text) && CheckDigit(text)
	}
	return false
}

// CheckDigit reports whether the last of the digits is the check digit of the others (GS1 General Specifications, 7.9).
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

// GTINs returns the spellings of a GTIN of 14 digits: itself, and its shorter forms without leading zeros.
func GTINs(gtin string) []string {
	all := []string{gtin}
	for _, length := range []int{13, 12, 8} {
		if cut := len(gtin) - length; cut > 0 && strings.Trim(gtin[:cut], "0") == "" {
			all = append(all, gtin[cut:])
		}
	}
	return all
}

// packOf returns the pack of the fields. It fails if GTIN or serial number is missing, or if a field has two values.
func packOf(fields []field) (p Pack, fault *Fault) {
	seen := map[string]string{}
	for _, f := range fields {
		if first, ok := seen[f.ai]; ok && first != f.value {
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
