// Package gs1 reads what a scanner types of a pack's barcode: the fields of the GS1 General Specifications, and from
// them the pack's identity. It undoes what a keyboard does to a scan, and decides how far the scan can be trusted.
package gs1

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Pack is the content of a pack's barcode. GTIN and serial number identify the pack; the lot does not.
type Pack struct {
	GTIN     string // AI 01, 14 digits; empty if a PPN names no GTIN
	Serial   string // AI 21, case-sensitive
	Lot      string // AI 10, empty if missing
	Expiry   string // AI 17 or 7003 as YYYY-MM-DD, or as YYYY-MM if its day is 00; empty if missing
	National string // AI 710 to 717, empty if missing
	PPN      string // Pharmacy Product Number (IFA), empty but in a PPN code
}

// ID is the identity of a pack.
type ID struct{ GTIN, Serial string }

// ID returns the pack's identity.
func (p Pack) ID() ID { return ID{p.GTIN, p.Serial} }

// CapsLock is the state of Caps Lock while a scan was typed, as the page saw it.
type CapsLock string

// The states.
const (
	NotSeen CapsLock = ""
	On      CapsLock = "on"
	Off     CapsLock = "off"
)

// Scan is what came of a scanner.
type Scan struct {
	Text string
	// Keys are the keys that the page saw for Text, see parseStrokes; empty if it saw none, or not all.
	Keys     string
	CapsLock CapsLock
	// Typed is true if a keyboard wrote the text, or may have. Otherwise no keyboard changed it.
	Typed bool
	Test  KeyboardTest // the last one on this device
}

// Reading is the result of a scan: as it came, and as it may have been before a keyboard changed it.
type Reading struct {
	Literal Pack   // zero if Fault is set
	Fault   *Fault // why the scan can't be read as it came
	// Others are further packs that it may mean, those first for which less was undone. The text alone does not tell
	// which: the caller must know that one of them exists.
	Others   []Candidate
	Kind     string // the kind of barcode that the scanner names, as people call it; empty if it names none
	CapsLock CapsLock
	isTyped  bool
	isLong   bool // more than keyboards are undone for
	isPart   bool // of what it may mean without separators
	keys     seen
	test     KeyboardTest
	plain    string
	// turned is the pack if the scanner turned upper and lower case over, though Caps Lock is off.
	turned *Pack
}

// Candidate is a pack that a scan may mean.
type Candidate struct {
	Pack
	Undone Undone
	Split  bool // the scan has no separators, and was split where its fields may end
}

// Plain returns the scan without the scanner's own marks: what a code that is no GS1 barcode holds.
func (r Reading) Plain() string { return r.plain }

// candidates returns every pack that the scan may mean, as it came first.
func (r Reading) candidates() []Candidate {
	if r.Fault != nil {
		return r.Others
	}
	return append([]Candidate{{Pack: r.Literal}}, r.Others...)
}

// IDs returns the identities of all packs that the scan may mean, each once.
func (r Reading) IDs() (all []ID) {
	packs := r.candidates()
	if r.turned != nil {
		packs = append(packs, Candidate{Pack: *r.turned})
	}
	for _, c := range packs {
		if id := c.ID(); id.GTIN != "" && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// FaultCode says what is wrong with a scan.
type FaultCode string

// The codes.
const (
	Nothing       FaultCode = "nothing"       // it is empty
	TooMuch       FaultCode = "too_much"      // more than a barcode holds
	OtherBarcode  FaultCode = "other_barcode" // the scanner says that it is no GS1 barcode
	OtherSyntax   FaultCode = "other_syntax"  // a message of ISO/IEC 15434 that is neither GS1's nor a PPN code
	HIBC          FaultCode = "hibc"          // the code of a medical device by the other standard of health care
	ProductOnly   FaultCode = "product_only"  // the EAN or ITF of a product, which is the same on all its packs
	WebAddress    FaultCode = "web_address"   // one without a GTIN
	Brackets      FaultCode = "brackets"      // the text beside a barcode; brackets may be data, so it is not read
	UnknownField  FaultCode = "unknown_field" // no application identifier
	TooShort      FaultCode = "too_short"     // the field ends early
	TooLong       FaultCode = "too_long"      // the field has more than its identifier allows
	BadCharacter  FaultCode = "bad_character" // one that the field must not hold
	BadCheckDigit FaultCode = "bad_check_digit"
	BadDate       FaultCode = "bad_date"
	FieldTwice    FaultCode = "field_twice"  // with another value
	TwoExpiries   FaultCode = "two_expiries" // 17 and 7003, with two dates
	Logistic      FaultCode = "logistic"     // a logistic unit's, or of what is in one
	NoGTIN        FaultCode = "no_gtin"
	NoSerial      FaultCode = "no_serial"
)

// FaultCodes are all codes.
var FaultCodes = []FaultCode{
	Nothing, TooMuch, OtherBarcode, OtherSyntax, HIBC, ProductOnly, WebAddress, Brackets, UnknownField, TooShort,
	TooLong, BadCharacter, BadCheckDigit, BadDate, FieldTwice, TwoExpiries, Logistic, NoGTIN,
	NoSerial,
}

// Fault is the error of a scan that is no pack.
type Fault struct {
	Code FaultCode
	AI   string // of the field, empty if the fault is in no field
	At   int    // the character that shows it, from 1; 0 if there is none
}

// mayBeOfKeyboard reports whether a keyboard may have made the fault: the text is none of another kind.
func (f *Fault) mayBeOfKeyboard() bool {
	switch f.Code {
	case Nothing, TooMuch, OtherSyntax, HIBC, ProductOnly, WebAddress:
		return false
	}
	return true
}

// IsOtherCode reports whether the scan is no pack's because it is another code, which is read well.
func (f *Fault) IsOtherCode() bool {
	switch f.Code {
	case OtherBarcode, OtherSyntax, HIBC, ProductOnly, WebAddress, Logistic, NoGTIN, NoSerial:
		return true
	}
	return false
}

func (f *Fault) Error() string {
	return fmt.Sprintf("gs1: %s (AI %s, character %d)", f.Code, f.AI, f.At)
}

// separator ends a field of variable length: FNC1, which scanners send as GS.
const separator = "\x1d"

// Limits of a scan, in bytes.
const (
	maxLength = 3_000 // more than the largest DataMatrix holds
	maxUndone = 500   // of a scan for which keyboards are undone
)

// maxSplits is how many packs are looked for in a text without separators. It bounds nothing else: what a keyboard may
// have changed must never be left out.
const maxSplits = 200

// Texts returns each text that a scan may have been before a keyboard changed it. The first is the scan as it came.
func (s Scan) Texts() (all []string) {
	s.Text = narrow(s.Text)
	for _, one := range s.texts(s.look()) {
		if !slices.Contains(all, one.text) {
			all = append(all, one.text)
		}
	}
	return all
}

func (s Scan) texts(keys seen) []undoneText {
	if len(s.Text) > maxUndone {
		return []undoneText{{text: s.Text}}
	}
	return s.undoKeyboard(keys)
}

// Read reads a scan. now decides the century of dates.
func Read(s Scan, now time.Time) Reading {
	s.Typed = s.Typed || s.Keys != ""
	if len(strings.TrimFunc(s.Text, frames)) > maxLength {
		return Reading{
			Fault: &Fault{Code: TooMuch}, CapsLock: s.CapsLock, isTyped: s.Typed, test: s.Test,
			keys: seen{device: Unseen},
		}
	}
	s.Text = narrow(s.Text)
	keys := s.look()
	if s.isOfProgram(keys) {
		s, keys = Scan{Text: s.Text, Test: s.Test}, seen{device: Unseen}
	}
	s.Text = strings.TrimFunc(s.Text, frames)
	c := collector{now: now, left: allTries, codes: map[string]code{}, Reading: Reading{
		CapsLock: s.CapsLock, isTyped: s.Typed, isLong: len(s.Text) > maxUndone, keys: keys, test: s.Test,
	}}
	if code := read(swapCase(s.Text), now, new(tries)); s.CapsLock == Off && code.fault == nil {
		c.turned = &code.pack
	}
	literal := c.read(s.Text)
	c.Literal, c.Fault, c.Kind, c.plain = literal.pack, literal.fault, literal.kind, literal.text
	for _, one := range s.texts(keys) {
		c.take(one)
	}
	slices.SortStableFunc(c.Others, func(a, b Candidate) int { return a.steps() - b.steps() })
	return c.Reading
}

// collector gathers the packs that a scan may mean.
type collector struct {
	Reading
	now    time.Time
	left   tries
	codes  map[string]code
	splits int
}

// read reads a text, each one once.
func (c *collector) read(text string) code {
	one, ok := c.codes[text]
	if !ok {
		one = read(text, c.now, &c.left)
		c.codes[text] = one
	}
	return one
}

// take adds what a text may mean.
func (c *collector) take(one undoneText) {
	as := func(code code, undone Undone) {
		if code.fault != nil {
			return
		}
		c.add(Candidate{Pack: code.pack, Undone: undone})
		code.pack.Serial = one.marked(code.pack.Serial)
		c.add(Candidate{Pack: code.pack, Undone: undone})
	}
	code := c.read(one.text)
	as(code, one.undone)
	if possibleSeparators.MatchString(one.text) {
		undone := one.undone
		undone.Separators = true
		as(c.read(possibleSeparators.ReplaceAllString(one.text, separator)), undone)
	}
	c.isPart = c.isPart || code.isPart
	for _, pack := range code.splits {
		c.addSplit(Candidate{Pack: pack, Undone: one.undone, Split: true})
	}
}

func (c *collector) isLiteral(pack Pack) bool { return c.Fault == nil && pack == c.Literal }

func (c *collector) add(one Candidate) {
	if !c.isLiteral(one.Pack) && !slices.Contains(c.Others, one) {
		c.Others = append(c.Others, one)
	}
}

// addSplit adds a pack that was split, once: in the way that is likely.
func (c *collector) addSplit(one Candidate) {
	if c.isLiteral(one.Pack) {
		return
	}
	isSame := func(other Candidate) bool { return other.Split && other.Pack == one.Pack }
	switch i := slices.IndexFunc(c.Others, isSame); {
	case i >= 0 && !c.mayBe(c.Others[i]):
		c.Others[i] = one
	case i >= 0:
	case c.splits == maxSplits:
		c.isPart = true
	default:
		c.splits++
		c.Others = append(c.Others, one)
	}
}

// frames reports whether a character stands around a scan, and in no field: scanners put STX and ETX, or line ends.
func frames(r rune) bool { return r == ' ' || unicode.IsControl(r) && string(r) != separator }

// steps returns how many things were undone.
func (c Candidate) steps() int {
	if c.Split {
		return c.Undone.steps() + 1
	}
	return c.Undone.steps()
}

// code is a barcode's text as it was read.
type code struct {
	pack   Pack
	fault  *Fault
	splits []Pack // what it may mean without separators
	isPart bool   // it may mean more
	kind   string
	text   string // without the scanner's marks
}

// kinds are the names of barcodes by their symbology identifier. Those with true have the syntax of GS1.
var kinds = map[string]struct {
	name  string
	isGS1 bool
}{
	"]d2": {"GS1 DataMatrix", true}, "]Q3": {"GS1 QR", true}, "]C1": {"GS1-128", true}, "]e0": {"GS1 DataBar", true},
	"]J1": {"GS1 DotCode", true}, "]d1": {"DataMatrix", false}, "]Q1": {"QR", false}, "]Q0": {"QR", false},
	"]C0": {"Code 128", false}, "]A0": {"Code 39", false}, "]I0": {"ITF", false}, "]I1": {"ITF", false},
	"]E0": {"EAN-13", false}, "]E4": {"EAN-8", false}, "]J0": {"DotCode", false}, "]L2": {"PDF417", false},
}

// families are the names of barcodes whose symbology identifier is none of kinds, by its letter (ISO/IEC 15424).
var families = map[byte]string{
	'A': "Code 39", 'C': "Code 128", 'E': "EAN", 'F': "Codabar", 'G': "Code 93", 'I': "ITF", 'J': "DotCode",
	'L': "PDF417", 'Q': "QR", 'U': "MaxiCode", 'd': "DataMatrix", 'e': "GS1 DataBar", 'z': "Aztec",
}

// read reads the text of a barcode, of which nothing needs to be undone.
func read(text string, now time.Time, left *tries) (c code) {
	dropped := 0
	isGS1 := true
	if strings.HasPrefix(text, "]") && len(text) >= 3 {
		kind, ok := kinds[text[:3]]
		if !ok {
			return code{fault: &Fault{Code: OtherBarcode}, kind: families[text[1]], text: text[3:]}
		}
		c.kind, isGS1 = kind.name, kind.isGS1
		text, dropped = text[3:], 3
	}
	c.text = text
	if webAddress.MatchString(text) {
		c.pack, c.fault = parser{text: text, now: now}.link()
		return c
	}
	text = spelledSeparators.ReplaceAllString(text, separator)
	for strings.HasPrefix(text, separator) { // FNC1 in first place means GS1
		text, dropped = text[1:], dropped+1
	}
	p := parser{text: text, dropped: dropped, now: now, tries: left}
	if format, content, ok := message(text); ok {
		p.text, p.dropped = content, dropped+len(text)-len(content)
		switch format {
		case "05":
			c.pack, c.fault = p.elements()
		case "06":
			c.pack, c.fault = p.ppn()
		default:
			c.fault = &Fault{Code: OtherSyntax}
		}
		return c
	}
	switch {
	case text == "":
		c.fault = &Fault{Code: Nothing}
	case isProduct(text):
		c.fault = &Fault{Code: ProductOnly}
	case hibc.MatchString(text) && !turnedKind.MatchString(text):
		c.fault = &Fault{Code: HIBC}
	case !isGS1:
		c.fault = &Fault{Code: OtherBarcode}
	case strings.HasPrefix(text, "(") && strings.Contains(text, ")"):
		c.fault = &Fault{Code: Brackets}
	default:
		c.pack, c.fault = p.elements()
		if !strings.Contains(text, separator) {
			var whole bool
			c.splits, whole = p.others(c.pack)
			c.isPart = !whole
		}
	}
	return c
}

// elements reads fields one after the other.
func (p parser) elements() (pack Pack, fault *Fault) {
	fields, fault := p.fields()
	if fault == nil {
		pack, fault = packOf(fields)
	}
	return pack, fault
}

// hibc matches the Health Industry Bar Code (ANSI/HIBC 2.6): "+", then the labeller's four characters with the product,
// its unit and a check character, or "$" or digits with lot and expiry.
var hibc = regexp.MustCompile(`(?i)^\+([A-Z][A-Z0-9]{3}[A-Z0-9]{1,18}[0-9][A-Z0-9\-. $/+%]|\$|[0-9]{5})`)

// turnedKind matches a GTIN after a kind of barcode of which a keyboard made + of ]: that is no HIBC.
var turnedKind = regexp.MustCompile(`^\+(d2|C1|Q3|e0|J1)0[12][0-9]{14}`)

// isProduct reports whether the text is an EAN, a UPC or an ITF: only digits, with a correct check digit.
func isProduct(text string) bool {
	switch len(text) {
	case 8, 12, 13, 14:
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

// WithCheckDigit returns digits with their check digit.
func WithCheckDigit(digits string) string {
	for last := '0'; last < '9'; last++ {
		if number := digits + string(last); CheckDigit(number) {
			return number
		}
	}
	return digits + "9"
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
		case f.ai == "17" || f.ai == "7003":
			if p.Expiry != "" && !sameExpiry(p.Expiry, f.date) {
				return Pack{}, &Fault{Code: TwoExpiries, AI: f.ai, At: f.at}
			}
			p.Expiry = max(p.Expiry, f.date) // the longer one of the same month says the day
		case f.ai >= "710" && f.ai <= "717" && len(f.ai) == 3:
			p.National = f.value
		}
	}
	switch {
	case p.GTIN == "" && (seen["00"] != "" || seen["02"] != ""):
		return Pack{}, &Fault{Code: Logistic}
	case p.GTIN == "":
		return Pack{}, &Fault{Code: NoGTIN}
	case p.Serial == "":
		return Pack{}, &Fault{Code: NoSerial}
	}
	return p, nil
}

// sameExpiry reports whether two expiries agree as far as both are given.
func sameExpiry(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }
