package gs1

import (
	"fmt"
	"image/color"
	"strings"
	"time"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/datamatrix"
)

// Symbol is a GS1 DataMatrix: its modules in rows, true if dark.
type Symbol [][]bool

// Draw returns the GS1 DataMatrix of a pack with GTIN, expiry (YYYY-MM-DD), lot and serial number. It fails if one of
// them is missing, or cannot stand in a barcode.
func Draw(p Pack) (Symbol, error) {
	code := func(fnc1 string) string {
		return "01" + p.GTIN + "17" + p.ExpiryDigits() + "10" + p.Lot + fnc1 + "21" + p.Serial
	}
	now, err := time.Parse(time.DateOnly, p.Expiry)
	if err != nil {
		return nil, err
	}
	if read := read(code(separator), now, new(tries)); read.fault != nil || read.pack != p {
		return nil, fmt.Errorf("gs1: the barcode of %+v reads as %+v", p, read.pack)
	}
	fnc1 := string([]byte{datamatrix.FNC1})
	drawn, err := datamatrix.EncodeWithColor(fnc1+code(fnc1), barcode.ColorScheme8)
	if err != nil {
		return nil, err
	}
	size := drawn.Bounds().Dx()
	symbol := make(Symbol, size)
	for y := range symbol {
		symbol[y] = make([]bool, size)
		for x := range symbol[y] {
			symbol[y][x] = color.GrayModel.Convert(drawn.At(x, y)).(color.Gray).Y < 128
		}
	}
	return symbol, nil
}

// ExpiryDigits returns the expiry as it stands in a barcode and beside it: YYMMDD.
func (p Pack) ExpiryDigits() string {
	digits := strings.ReplaceAll(p.Expiry, "-", "")
	return digits[min(2, len(digits)):]
}

// Path returns the dark modules as the path of an SVG, a unit a module.
func (s Symbol) Path() string {
	var path strings.Builder
	for y, row := range s {
		for x := 0; x < len(row); x++ {
			if !row[x] {
				continue
			}
			length := 1
			for x+length < len(row) && row[x+length] {
				length++
			}
			fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x, y, length, length)
			x += length
		}
	}
	return path.String()
}

// TestPack is of no product: its barcode shows what scanner and device do to a scan. The serial number has letters and
// punctuation that change their places between keyboards.
var TestPack = Pack{GTIN: "02000000000008", Expiry: "2049-12-31", Lot: "TEST", Serial: `yzaqmwYZAQMW-_/+?&"`}
