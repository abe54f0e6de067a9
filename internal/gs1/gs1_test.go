package gs1_test

import (
	"errors"
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
		"as it is":                     {head + "\x1d214YSr5oYFKHwP", pack},
		"with its kind":                {"]d2" + head + "\x1d214YSr5oYFKHwP", pack},
		"with FNC1 first":              {"]d2\x1d" + head + "\x1d214YSr5oYFKHwP\r\n", pack},
		"as a text for GS":             {head + "<GS>214YSr5oYFKHwP", pack},
		"as another text for GS":       {head + "{GS}214YSr5oYFKHwP\t", pack},
		"as Windows types Alt+029":     {head + "↔214YSr5oYFKHwP", pack},
		"with needless separators":     {"0109506000134352\x1d17261231\x1d10ABC123\x1d214YSr5oYFKHwP\x1d", pack},
		"in another order":             {"214YSr5oYFKHwP\x1d10ABC123\x1d17261231" + "0109506000134352", pack},
		"with a national number":       {head + "\x1d214YSr5oYFKHwP\x1d7141234567", national},
		"with what says nothing of it": {head + "\x1d214YSr5oYFKHwP\x1d3103000123\x1d400PO(7)", pack},
		"the same field twice":         {head + "\x1d214YSr5oYFKHwP\x1d10ABC123", pack},
		"without lot and expiry":       {"0109506000134352214YSr5oYFKHwP", gs1.Pack{GTIN: pack.GTIN, Serial: pack.Serial}},
		"with the end of a month":      {"0109506000134352" + "17270200" + "21(01)x", gs1.Pack{GTIN: pack.GTIN, Serial: "(01)x", Expiry: "2027-02"}},
	} {
		got, err := gs1.Read(c.scanned, now)
		if err != nil || got.Pack != c.want {
			t.Errorf("%s: %v\n%s", name, err, cmp.Diff(c.want, got.Pack))
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
		got, err := gs1.Read(scanned, now)
		found := 0
		for _, p := range got.Others {
			p.National = ""
			if p == pack {
				found++
			}
		}
		if err != nil || got.Pack == pack || found != 1 {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	// One that may be very many packs gives some of them, and does not take for ever.
	if got, err := gs1.Read("0109506000134352"+"10"+strings.Repeat("21", 14), now); err != nil || len(got.Others) < 2 || len(got.Others) > 100 {
		t.Errorf("%d ways, %v", len(got.Others), err)
	}
}

func TestAScanThatIsNoPackIsToldWhereAndWhy(t *testing.T) {
	t.Parallel()
	for scanned, want := range map[string]gs1.Fault{
		"":                                      {Code: gs1.Nothing},
		" \r\n":                                 {Code: gs1.Nothing},
		"]d2":                                   {Code: gs1.Nothing},
		strings.Repeat("0", 3_001):              {Code: gs1.TooMuch},
		"]d1something":                          {Code: gs1.OtherBarcode},
		"]E05412345000013":                      {Code: gs1.ProductOnly},
		"4006381333931":                         {Code: gs1.ProductOnly},
		"(01)09506000134352(21)abc":             {Code: gs1.Brackets},
		"hello":                                 {Code: gs1.UnknownField, At: 1},
		"]d20109506000134352ZZ":                 {Code: gs1.UnknownField, At: 20},
		"010950600013435":                       {Code: gs1.TooShort, AI: "01", At: 16},
		"0109506000134353" + "21a":              {Code: gs1.BadCheckDigit, AI: "01", At: 16},
		"01095060001343x2" + "21a":              {Code: gs1.BadCharacter, AI: "01", At: 15},
		"0109506000134352" + "21a b":            {Code: gs1.BadCharacter, AI: "21", At: 20},
		"0109506000134352" + "21a\u00e9":        {Code: gs1.BadCharacter, AI: "21", At: 20},
		"0109506000134352" + "17261331" + "21a": {Code: gs1.BadDate, AI: "17", At: 19},
		"0109506000134352" + "17270230" + "21a": {Code: gs1.BadDate, AI: "17", At: 19},
		"0109506000134352" + "17271300" + "21a": {Code: gs1.BadDate, AI: "17", At: 19},
		"0109506000134352" + "21" + strings.Repeat("A", 21): {Code: gs1.TooLong, AI: "21", At: 39},
		"0109506000134352" + "21a\x1d" + "21b":              {Code: gs1.FieldTwice, AI: "21", At: 21},
		"0109506000134352" + "10ABC":                        {Code: gs1.NoSerial},
		"21abc":                                             {Code: gs1.NoGTIN},
	} {
		got, err := gs1.Read(scanned, now)
		var fault *gs1.Fault
		if !errors.As(err, &fault) || *fault != want {
			t.Errorf("%.40q: %v, %+v, want %v", scanned, err, got, &want)
		}
	}
}

func TestTheCenturyOfADateIsTheNearestOne(t *testing.T) {
	t.Parallel()
	for year, want := range map[int]string{2026: "2076-01-01", 2025: "1976-01-01", 2099: "2076-01-01", 2130: "2176-01-01"} {
		got, err := gs1.Read("0109506000134352"+"17760101"+"21a", time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil || got.Pack.Expiry != want {
			t.Errorf("in %d: %s, want %s (%v)", year, got.Pack.Expiry, want, err)
		}
	}
}

func TestFieldsOfAFixedLengthNeedNoSeparator(t *testing.T) {
	t.Parallel()
	const place = "9506000134352"
	for field, known := range map[string]bool{
		"410" + place: true, "417" + place: true, "409" + place: false, "418" + place: false,
		"3100000123": true, "3699000123": true,
	} {
		got, err := gs1.Read("0109506000134352"+field+"214YSr5oYFKHwP", now)
		var fault *gs1.Fault
		switch {
		case known && (err != nil || got.Pack.Serial != "4YSr5oYFKHwP"):
			t.Errorf("%s: %v, %+v", field, err, got.Pack)
		case !known && (!errors.As(err, &fault) || fault.Code != gs1.UnknownField || fault.At != 17):
			t.Errorf("%s: %v, %+v", field, err, got.Pack)
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
		_, err := gs1.Read(scanned, now)
		var fault *gs1.Fault
		if !errors.As(err, &fault) || *fault != want {
			t.Errorf("%q: %v, want %+v", scanned, err, want)
		}
	}
}

func TestAGTINIsWrittenWithFewerZeros(t *testing.T) {
	t.Parallel()
	for gtin, want := range map[string][]string{
		"09506000134352": {"09506000134352", "9506000134352"},
		"00000096385074": {"00000096385074", "0000096385074", "000096385074", "96385074"},
		"19506000134359": {"19506000134359"},
	} {
		if diff := cmp.Diff(want, gs1.GTINs(gtin)); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("]d20109506000134352" + "17261231" + "10ABC123\x1d214YSr5oYFKHwP")
	f.Add("0109506000134352" + "10" + "2121212121")
	f.Fuzz(func(t *testing.T, scanned string) {
		got, err := gs1.Read(scanned, now)
		if err != nil {
			return
		}
		for _, p := range append(got.Others, got.Pack) {
			if p == (gs1.Pack{}) {
				continue
			}
			if !gs1.CheckDigit(p.GTIN) || len(p.GTIN) != 14 || p.Serial == "" || len(p.Serial) > 20 || !strings.Contains(scanned, p.Serial) {
				t.Errorf("%q is %+v", scanned, p)
			}
		}
	})
}
