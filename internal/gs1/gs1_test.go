package gs1_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/gs1"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// The sample of GS1: a pack of medicine.
var pack = gs1.Pack{GTIN: "09506000134352", Serial: "4YSr5oYFKHwP", Lot: "ABC123", Expiry: "2026-12-31"}

func TestAPackIsReadAsScannersSendIt(t *testing.T) {
	t.Parallel()
	const head = "0109506000134352" + "17261231" + "10ABC123"
	national := pack
	national.National = "1234567"
	for name, c := range map[string]struct {
		scanned string
		want    gs1.Pack
	}{
		"as it is":                       {head + "\x1d214YSr5oYFKHwP", pack},
		"with its kind":                  {"]d2" + head + "\x1d214YSr5oYFKHwP", pack},
		"with FNC1 first":                {"]d2\x1d" + head + "\x1d214YSr5oYFKHwP\r\n", pack},
		"as another text for GS":         {head + "{GS}214YSr5oYFKHwP\t", pack},
		"as Windows types Alt+029":       {head + "↔214YSr5oYFKHwP", pack},
		"as its name in square brackets": {head + "[GS]214YSr5oYFKHwP", pack},
		"as FNC1":                        {head + "{FNC1}214YSr5oYFKHwP", pack},
		"with Caps Lock in its name":     {head + "{gs}214YSr5oYFKHwP", pack},
		"as a caret notation":            {head + "^]214YSr5oYFKHwP", pack},
		"as an escape":                   {head + "\\u001d214YSr5oYFKHwP", pack},
		"as a short escape":              {head + "\\x1d214YSr5oYFKHwP", pack},
		"as a picture":                   {head + "␝214YSr5oYFKHwP", pack},
		"as a pilcrow":                   {head + "¶214YSr5oYFKHwP", pack},
		"as a space":                     {head + " 214YSr5oYFKHwP", pack},
		"as a bar":                       {head + "|214YSr5oYFKHwP", pack},
		"as a tilde":                     {head + "~214YSr5oYFKHwP", pack},
		"with needless separators":       {"0109506000134352\x1d17261231\x1d10ABC123\x1d214YSr5oYFKHwP\x1d", pack},
		"with separators twice": {
			"0109506000134352\x1d\x1d17261231\x1d\x1d10ABC123\x1d\x1d214YSr5oYFKHwP\x1d\x1d", pack,
		},
		"between STX and ETX":          {"\x02" + head + "\x1d214YSr5oYFKHwP\x03\r\n", pack},
		"in another order":             {"214YSr5oYFKHwP\x1d10ABC123\x1d17261231" + "0109506000134352", pack},
		"with a national number":       {head + "\x1d214YSr5oYFKHwP\x1d7141234567", national},
		"with what says nothing of it": {head + "\x1d214YSr5oYFKHwP\x1d3103000123\x1d400PO(7)", pack},
		"the same field twice":         {head + "\x1d214YSr5oYFKHwP\x1d10ABC123", pack},
		"without lot and expiry": {
			"0109506000134352214YSr5oYFKHwP", gs1.Pack{GTIN: pack.GTIN, Serial: pack.Serial},
		},
		"in full width": {"０１０９５０６０００１３４３５２" + "１７２６１２３１１０ＡＢＣ１２３\x1d２１４ＹＳｒ５ｏＹＦＫＨｗＰ", pack},
		"with an expiry to the minute": {
			"0109506000134352" + "7003" + "2612312359\x1d" + "10ABC123\x1d" + "214YSr5oYFKHwP", pack,
		},
		"with both expiries": {head + "\x1d7003" + "2612312359\x1d" + "214YSr5oYFKHwP", pack},
		"as a GS1 Digital Link": {
			"https://id.example/some/01/09506000134352/10/ABC123/21/4YSr5oYFKHwP?17=261231&lang=de", pack,
		},
		"as a Digital Link of an EAN": {
			"HTTP://ID.EXAMPLE/gtin/9506000134352/lot/ABC123/ser/4YSr5oYFKHwP?exp=261231", pack,
		},
		"as a link in a QR": {"]Q1https://id.example/01/09506000134352/10/ABC123/21/4YSr5oYFKHwP?17=261231", pack},
		"as escaped in a link": {
			"https://id.example/01/09506000134352/21/a%2Fb%25", gs1.Pack{GTIN: pack.GTIN, Serial: "a/b%"},
		},
		"as a link in which a plus sign is one": {
			"https://id.example/01/09506000134352/21/a+b?10=c+d", gs1.Pack{GTIN: pack.GTIN, Serial: "a+b", Lot: "c+d"},
		},
		"as a link with semicolons": {
			"https://id.example/01/09506000134352/21/4YSr5oYFKHwP?10=ABC123;17=261231#top", pack,
		},
		"as a link with a port, names in capitals and an escaped lot": {
			"https://id.example:8443/GTIN/09506000134352/LOT/ABC%31%323/SER/4YSr5oYFKHwP?EXP=261231", pack,
		},
		"as a narrow space":               {head + "\u202f214YSr5oYFKHwP", pack},
		"as a space that does not break":  {head + "\u00a0214YSr5oYFKHwP", pack},
		"as a number in a document":       {head + "&#29;214YSr5oYFKHwP", pack},
		"pasted with a mark of its order": {"\ufeff" + head + "\u200b\x1d214YSr5o\u2060YFKHwP", pack},
		"in a message without its end":    {"[)>\x1e05\x1d" + head + "\x1d214YSr5oYFKHwP", pack},
		"in a PPN code with a GTIN": {
			"[)>\x1e06\x1d8P09506000134352\x1d1TABC123\x1d16D20251231\x1dD261231\x1dS4YSr5oYFKHwP", pack,
		},
		"in a message of format 05":         {"]d1[)>\x1e05\x1d" + head + "\x1d214YSr5oYFKHwP\x1e\x04", pack},
		"in a message without controls":     {"[)>05" + head + "\x1d214YSr5oYFKHwP", pack},
		"in a message without its envelope": {"05\x1d" + head + "\x1d214YSr5oYFKHwP", pack},
		"in a PPN code with a GTIN and without its envelope": {
			"8P09506000134352\x1d1TABC123\x1dD261231\x1dS4YSr5oYFKHwP", pack,
		},
		"in a PPN code without its envelope": {
			"06\x1d9N111234567842\x1d1T12345ABCD\x1dD270228\x1dSZ9Y8X7",
			gs1.Pack{
				GTIN: "04150123456782", Serial: "Z9Y8X7", Lot: "12345ABCD", Expiry: "2027-02-28", PPN: "111234567842",
			},
		},
		"in a PPN code with a PZN": {
			"[)>\x1e06\x1d9N111234567842\x1d1T12345ABCD\x1dD270228\x1dSZ9Y8X7\x1e\x04",
			gs1.Pack{
				GTIN: "04150123456782", Serial: "Z9Y8X7", Lot: "12345ABCD", Expiry: "2027-02-28", PPN: "111234567842",
			},
		},
		"in a PPN code of another agency": {
			"[)>\x1e06\x1d9N110123456782\x1d1T12345ABCD\x1dD270228\x1dSZ9Y8X7\x1e\x04",
			gs1.Pack{
				Serial: "Z9Y8X7", Lot: "12345ABCD", Expiry: "2027-02-28", PPN: "110123456782",
			},
		},
		"with the end of a month": {
			"0109506000134352" + "17270200" + "21(01)x", gs1.Pack{GTIN: pack.GTIN, Serial: "(01)x", Expiry: "2027-02"},
		},
	} {
		got := gs1.Read(gs1.Scan{Text: c.scanned}, now)
		if got.Fault != nil || got.Literal != c.want {
			t.Errorf("%s: %v\n%s", name, got.Fault, cmp.Diff(c.want, got.Literal))
		}
	}
}

func TestWithoutSeparatorsEachPackThatItMayBeIsGiven(t *testing.T) {
	t.Parallel()
	for name, scanned := range map[string]string{
		"lot before serial":            "0109506000134352" + "17261231" + "10ABC123" + "214YSr5oYFKHwP",
		"serial before lot":            "0109506000134352" + "214YSr5oYFKHwP" + "10ABC123" + "17261231",
		"serial, lot, national number": "0109506000134352" + "17261231" + "214YSr5oYFKHwP" + "10ABC123" + "7141234567",
	} {
		got := gs1.Read(gs1.Scan{Text: scanned}, now)
		found := 0
		for _, c := range got.Others {
			c.National = ""
			if c.Pack == pack && c.Split && !c.Undone.Any() {
				found++
			}
		}
		if got.Literal == pack || found != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// One that may be very many packs gives some of them, and does not take for ever.
	many := gs1.Read(gs1.Scan{Text: "0109506000134352" + "10" + strings.Repeat("21", 14)}, now)
	if len(many.Others) < 2 || len(many.Others) > 200 {
		t.Errorf("%d ways", len(many.Others))
	}
}

// A text that may be more packs than are looked for is never certain to be one of them.
func TestAPackOfVeryManyIsUndecided(t *testing.T) {
	t.Parallel()
	read := gs1.Read(gs1.Scan{Text: "010950600013435217291231211717122122101002171121101112111117111011"}, now)
	known := gs1.Pack{GTIN: "09506000134352", Serial: "1", Lot: "10021", Expiry: "2029-12-31"}
	isKnown := func(c gs1.Candidate) bool { return c.Pack.ID() == known.ID() && c.Pack.Lot == known.Lot }
	if !slices.ContainsFunc(read.Others, isKnown) {
		t.Fatalf("%+v", read.Others)
	}
	listed := map[gs1.ID][]gs1.Listed{known.ID(): {{Lot: known.Lot, Expiry: known.Expiry}}}
	if v := gs1.Decide(read, listed); v.Kind != gs1.Undecided {
		t.Errorf("%+v", v)
	}
}

func TestAScanThatIsNoPackIsToldWhereAndWhy(t *testing.T) {
	t.Parallel()
	for scanned, want := range map[string]gs1.Fault{
		"":                           {Code: gs1.Nothing},
		" \r\n":                      {Code: gs1.Nothing},
		"]d2":                        {Code: gs1.Nothing},
		strings.Repeat("0", 3_001):   {Code: gs1.TooMuch},
		"]d1something":               {Code: gs1.OtherBarcode},
		"]E05412345000013":           {Code: gs1.ProductOnly},
		"4006381333931":              {Code: gs1.ProductOnly},
		"(01)09506000134352(21)abc":  {Code: gs1.Brackets},
		"hello":                      {Code: gs1.UnknownField, At: 1},
		"]d20109506000134352ZZ":      {Code: gs1.UnknownField, At: 20},
		"010950600013435":            {Code: gs1.TooShort, AI: "01", At: 16},
		"0109506000134353" + "21a":   {Code: gs1.BadCheckDigit, AI: "01", At: 16},
		"01095060001343x2" + "21a":   {Code: gs1.BadCharacter, AI: "01", At: 15},
		"0109506000134352" + "21a#b": {Code: gs1.BadCharacter, AI: "21", At: 20},
		"09506000134352":             {Code: gs1.ProductOnly},
		"+A123BJC5D6E71G":            {Code: gs1.HIBC},
		"+a123bjc5d6e71g":            {Code: gs1.HIBC}, // Caps Lock
		"]C0+A99912345/$$52001510X3": {Code: gs1.HIBC},
		"]d1+A99912345/$$3261231ABC": {Code: gs1.HIBC},
		"+$$3261231LOT123C":          {Code: gs1.HIBC},
		"+12":                        {Code: gs1.UnknownField, At: 1},
		"+d20109506000134352GS+21/":  {Code: gs1.UnknownField, At: 1}, // ]d2 of a US scanner on a Spanish keyboard
		"https://example.com/about":  {Code: gs1.WebAddress},
		"]Q1https://example.com/01":  {Code: gs1.WebAddress},
		"https://id.example/01/09506000134353/21/a": {Code: gs1.BadCheckDigit, AI: "01"},
		"[)>\x1e12\x1dabc\x1e\x04":                  {Code: gs1.OtherSyntax},
		"[)>\x1e06\x1d1P123\x1dSabc\x1e\x04":        {Code: gs1.OtherSyntax},
		"[)>":                                       {Code: gs1.OtherSyntax},
		"0109506000134352" + "17261231" + "21a\x1d" + "7003" + "2701312359": {Code: gs1.TwoExpiries, AI: "7003", At: 29},
		"0109506000134352" + "21a\u00e9":                                    {Code: gs1.BadCharacter, AI: "21", At: 20},
		"0109506000134352" + "17261331" + "21a":                             {Code: gs1.BadDate, AI: "17", At: 19},
		"0109506000134352" + "17270230" + "21a":                             {Code: gs1.BadDate, AI: "17", At: 19},
		"0109506000134352" + "17271300" + "21a":                             {Code: gs1.BadDate, AI: "17", At: 19},
		"0109506000134352" + "21" + strings.Repeat("A", 21):                 {Code: gs1.TooLong, AI: "21", At: 39},
		"0109506000134352" + "21a\x1d" + "21b":                              {Code: gs1.FieldTwice, AI: "21", At: 21},
		"0109506000134352" + "10ABC":                                        {Code: gs1.NoSerial},
		"21abc":                                                             {Code: gs1.NoGTIN},
	} {
		got := gs1.Read(gs1.Scan{Text: scanned}, now)
		if got.Fault == nil || *got.Fault != want {
			t.Errorf("%.40q: %+v, want %v", scanned, got, &want)
		}
	}
}

func TestTheCenturyOfADateIsTheNearestOne(t *testing.T) {
	t.Parallel()
	for year, want := range map[int]string{
		2026: "2076-01-01", 2025: "1976-01-01", 2099: "2076-01-01", 2130: "2176-01-01",
	} {
		got := gs1.Read(
			gs1.Scan{Text: "0109506000134352" + "17760101" + "21a"}, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC),
		)
		if got.Literal.Expiry != want {
			t.Errorf("in %d: %s, want %s (%v)", year, got.Literal.Expiry, want, got.Fault)
		}
	}
}

func TestFieldsOfAFixedLengthNeedNoSeparator(t *testing.T) {
	t.Parallel()
	const place = "9506000134352"
	for field, known := range map[string]bool{
		"410" + place: true, "417" + place: true, "409" + place: false, "418" + place: false,
		"3100000123": true, "3695000123": true, "3696000123": false,
	} {
		got := gs1.Read(gs1.Scan{Text: "0109506000134352" + field + "214YSr5oYFKHwP"}, now)
		switch {
		case known && got.Literal.Serial != "4YSr5oYFKHwP":
			t.Errorf("%s: %v, %+v", field, got.Fault, got.Literal)
		case !known && (got.Fault == nil || got.Fault.Code != gs1.UnknownField || got.Fault.At != 17):
			t.Errorf("%s: %v, %+v", field, got.Fault, got.Literal)
		}
	}
}

func TestAnEmptyFieldIsTooShort(t *testing.T) {
	t.Parallel()
	for scanned, want := range map[string]gs1.Fault{
		"0109506000134352" + "10\x1d214YSr5oYFKHwP": {Code: gs1.TooShort, AI: "10", At: 19},
		"0109506000134352" + "10\x1d21":             {Code: gs1.TooShort, AI: "10", At: 19},
		"0109506000134352" + "10A\x1d21":            {Code: gs1.TooShort, AI: "21", At: 23},
	} {
		if got := gs1.Read(gs1.Scan{Text: scanned}, now); got.Fault == nil || *got.Fault != want {
			t.Errorf("%q: %v, want %+v", scanned, got.Fault, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("]d20109506000134352"+"17261231"+"10ABC123\x1d214YSr5oYFKHwP", "", "on")
	f.Add("0109506000134352"+"10"+"2121212121", "Digit0 +KeyQ GS", "")
	f.Add("à&àç(à-àà&\"'\"(éé&'YSr(oYFKHzP", "", "off")
	f.Add("https://id.example/01/09506000134352/21/a%2F?17=261231", "", "")
	f.Add("[)>\x1e06\x1d9N111234567842\x1dSZ9Y8X7\x1e\x04", "", "")
	f.Fuzz(func(t *testing.T, scanned, keys, capsLock string) {
		got := gs1.Read(gs1.Scan{Text: scanned, Keys: keys, CapsLock: gs1.CapsLock(capsLock)}, now)
		packs := []gs1.Pack{got.Literal}
		for _, c := range got.Others {
			packs = append(packs, c.Pack)
		}
		for i, p := range packs {
			if i == 0 && got.Fault != nil || p.GTIN == "" && p.PPN != "" {
				continue
			}
			if !gs1.CheckDigit(p.GTIN) || len(p.GTIN) != 14 || p.Serial == "" || p.PPN == "" && len(p.Serial) > 20 {
				t.Errorf("%q is %+v", scanned, p)
			}
		}
		if v := gs1.Decide(got, nil); v.Kind == gs1.Known || v.Kind == gs1.Differs {
			t.Errorf("%q is %s, and no pack is known", scanned, v.Kind)
		}
		listed := map[gs1.ID][]gs1.Listed{}
		for _, id := range got.IDs() {
			listed[id] = []gs1.Listed{{}}
		}
		unseen := gs1.Scan{Text: scanned, CapsLock: gs1.CapsLock(capsLock), Typed: true}
		if v := gs1.Decide(gs1.Read(unseen, now), listed); v.Kind == gs1.Known {
			t.Errorf("%q is %+v, and its keys were not seen", scanned, v.Pack)
		}
		gs1.Decide(got, listed)
	})
}

// No identifier of the dictionary is missing, and none begins another: a reader could not tell them apart.
func TestEveryIdentifierIsReadAlone(t *testing.T) {
	t.Parallel()
	all := gs1.Identifiers()
	if len(all) != 541 { // of the dictionary that identifiers.txt names
		t.Errorf("%d identifiers", len(all))
	}
	slices.Sort(all)
	for i := range all[1:] { // what begins another stands before it
		if strings.HasPrefix(all[i+1], all[i]) {
			t.Errorf("%s begins %s", all[i], all[i+1])
		}
	}
	for ai, value := range map[string]string{
		"8030": "AAECAwQFBgcICQ", "7230": "EMAB12345", "7239": "AB1", "7011": "281231", "4300": "Name",
		"4333": "000250-",
		"4309": "02790858483015297971", "7040": "1ABC", "7241": "01", "8026": "095060001343520102",
		"8010": "ABC#12", "4321": "1", "4324": "2812312359", "415": "9506000134352", "8008": "28123123",
		"253": "9506000134352A",
	} {
		scanned := "0109506000134352" + "214YSr5oYFKHwP\x1d" + ai + value
		got := gs1.Read(gs1.Scan{Text: scanned}, now)
		if want := (gs1.Pack{GTIN: pack.GTIN, Serial: pack.Serial}); got.Literal != want {
			t.Errorf("(%s)%s: %v, %+v", ai, value, got.Fault, got.Literal)
		}
	}
}
