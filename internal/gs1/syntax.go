package gs1

import (
	"net/url"
	"regexp"
	"strings"
)

// spelledSeparators are texts for a separator that can stand in no field: its names in brackets, its escapes in
// programs and documents, its pictures, what Windows types for Alt+029, and characters that GS1 does not have.
var spelledSeparators = regexp.MustCompile(
	`(?i)[\[{](?:GS|FNC1|0?x?1D|029)[\]}]|\^\]|\\u001d|\\x1d|\\035|\\F|&#(?:29|x1d);|[␝¶↔ |~\x{a0}\x{202f}]`,
)

// possibleSeparators are spelled in characters that a field may hold.
var possibleSeparators = regexp.MustCompile(`(?i)<(?:GS|FNC1|0?x?1D|029)>|%1D|_x001D_`)

// Marks of ISO/IEC 15434: a message begins with its header, and its formats end with a record separator.
const (
	messageHeader   = "[)>"
	recordSeparator = "\x1e"
	endOfMessage    = "\x04"
)

// bareMessage matches a message whose envelope the scanner takes away: the fields of format 05 or 06. No field of GS1
// begins so.
var bareMessage = regexp.MustCompile(`(?s)^(?:(05)\x1d(01.*)|(?:06\x1d)?((?:9N|8P)[0-9A-Z]{12}.*))$`)

// message returns the format of an ISO/IEC 15434 message and what is in it. Keyboards often lose its control
// characters.
func message(text string) (format, content string, ok bool) {
	rest, ok := strings.CutPrefix(text, messageHeader)
	if !ok {
		return withoutEnvelope(text)
	}
	rest = strings.TrimPrefix(rest, recordSeparator)
	content, _, _ = strings.Cut(strings.TrimRight(rest, endOfMessage+recordSeparator), recordSeparator)
	if len(content) < 2 {
		return "", "", true
	}
	return content[:2], strings.TrimPrefix(content[2:], separator), true
}

func withoutEnvelope(text string) (format, content string, ok bool) {
	bare := bareMessage.FindStringSubmatch(text)
	switch {
	case bare == nil:
		return "", "", false
	case bare[1] != "":
		return bare[1], bare[2], true
	}
	return "06", bare[3], true
}

// ppn reads the fields of a PPN code (IFA), which has those of ASC MH10.8.2: 9N the PPN or 8P the GTIN, 1T the lot, D
// the expiry as YYMMDD, S the serial number.
func (p parser) ppn() (pack Pack, fault *Fault) {
	gtin := ""
	for field := range strings.SplitSeq(p.text, separator) {
		switch {
		case strings.HasPrefix(field, "9N"):
			pack.PPN = field[2:]
		case strings.HasPrefix(field, "8P") && len(field) == 16 && isDigits(field[2:]):
			if gtin = field[2:]; !CheckDigit(gtin) {
				return Pack{}, &Fault{Code: BadCheckDigit, AI: "8P"}
			}
		case strings.HasPrefix(field, "1T"):
			pack.Lot = field[2:]
		case strings.HasPrefix(field, "D") && len(field) == 7 && isDigits(field[1:]):
			if pack.Expiry = dateOf(field[1:], p.now); pack.Expiry == "" {
				return Pack{}, &Fault{Code: BadDate, AI: "D"}
			}
		case strings.HasPrefix(field, "S"):
			pack.Serial = field[1:]
		}
	}
	pack.GTIN = gtinOfPPN(pack.PPN)
	switch {
	case pack.PPN == "" && gtin == "":
		return Pack{}, &Fault{Code: OtherSyntax}
	case pack.Serial == "":
		return Pack{}, &Fault{Code: NoSerial}
	case pack.GTIN == "":
		pack.GTIN = gtin
	case gtin != "" && gtin != pack.GTIN:
		return Pack{}, &Fault{Code: FieldTwice, AI: "8P"}
	}
	return pack, nil
}

// gtinOfPPN returns the GTIN of a German PPN, or "" if it holds no PZN of 8 digits. Germany's GTINs for medicines
// (NTIN) are 04150, the PZN and a check digit.
func gtinOfPPN(ppn string) string {
	pzn, ok := strings.CutPrefix(ppn, "11")
	if !ok || len(pzn) != 10 || !isDigits(ppn) || ppnCheck(ppn[:10]) != ppn[10:] || !isPZN(pzn[:8]) {
		return ""
	}
	return WithCheckDigit("04150" + pzn[:8])
}

// ppnCheck returns the two check digits of a PPN: its characters' codes, weighted from 2 up, modulo 97.
func ppnCheck(content string) string {
	sum := 0
	for i := range len(content) {
		sum += int(content[i]) * (i + 2)
	}
	sum %= 97
	return string([]byte{byte('0' + sum/10), byte('0' + sum%10)})
}

// isPZN reports whether the last of 8 digits is the check digit of a PZN: the others, weighted from 1 up, modulo 11.
func isPZN(digits string) bool {
	sum := 0
	for i := range 7 {
		sum += int(digits[i]-'0') * (i + 1)
	}
	return sum%11 == int(digits[7]-'0')
}

// parameterEnds part the parameters of an address. A semicolon does so too; no value that is written as it should be
// has one.
var parameterEnds = regexp.MustCompile(`[&;]`)

var webAddress = regexp.MustCompile(`(?i)^https?://`)

// aliases are names that addresses had for identifiers before GS1 Digital Link 1.2.
var aliases = map[string]string{"gtin": "01", "lot": "10", "ser": "21", "exp": "17"}

// link reads a GS1 Digital Link: identifiers and values alternate in its path from the GTIN on, and in its query. It
// fails with WebAddress if the address has no GTIN.
func (p parser) link() (pack Pack, fault *Fault) {
	address, err := url.Parse(p.text)
	if err != nil {
		return Pack{}, &Fault{Code: WebAddress}
	}
	segments := strings.Split(strings.Trim(address.EscapedPath(), "/"), "/")
	for len(segments) > 0 && aliasOf(segments[0]) != "01" {
		segments = segments[1:]
	}
	if len(segments) < 2 {
		return Pack{}, &Fault{Code: WebAddress}
	}
	var fields []field
	add := func(name, value string) {
		ai := aliasOf(name)
		format, ok := formats[ai]
		if !ok || fault != nil {
			return // an address may have other parameters
		}
		if ai == "01" && len(value) < 14 {
			value = strings.Repeat("0", 14-len(value)) + value
		}
		var f field
		f, fault = parser{text: ai + value, now: p.now}.field(ai, format, 0, len(ai)+len(value))
		f.at = 0
		fields = append(fields, f)
	}
	for ; len(segments) >= 2; segments = segments[2:] {
		value, err := url.PathUnescape(segments[1])
		if err != nil {
			return Pack{}, &Fault{Code: WebAddress}
		}
		add(segments[0], value)
	}
	for _, parameter := range parameterEnds.Split(address.RawQuery, -1) {
		name, escaped, _ := strings.Cut(parameter, "=")
		value, err := url.PathUnescape(escaped) // a plus sign stands for itself: no field holds a space
		if err != nil {
			return Pack{}, &Fault{Code: WebAddress}
		}
		add(name, value)
	}
	if fault != nil {
		return Pack{}, &Fault{Code: fault.Code, AI: fault.AI}
	}
	return packOf(fields)
}

func aliasOf(name string) string {
	if ai, ok := aliases[strings.ToLower(name)]; ok {
		return ai
	}
	return name
}
