//go:build peers

package gs1_test

import (
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lineboard/internal/gs1"
)

// Two readers of other people read what is drawn.
func TestOtherReadersReadADrawnDataMatrix(t *testing.T) {
	for _, p := range []gs1.Pack{
		gs1.TestPack, {GTIN: "09506000134352", Expiry: "2026-12-31", Lot: "ABC123", Serial: "4YSr5oYFKHwP"},
	} {
		symbol, err := gs1.Draw(p)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "code.png")
		writePNG(t, symbol, file)
		for _, reader := range [][]string{
			{"dmtxread", "-n", "-G29", file}, {"ZXingReader", "-format", "DataMatrix", file},
		} {
			out, err := exec.CommandContext(t.Context(), reader[0], reader[1:]...).CombinedOutput()
			t.Logf("%s: %q", reader[0], out)
			if err != nil || !strings.Contains(string(out), p.Serial) || !strings.Contains(string(out), p.GTIN) {
				t.Errorf("%s: %v %q", reader[0], err, out)
			}
		}
	}
}

// writePNG draws a symbol as the page does: modules of whole pixels, on light ground with a quiet zone.
func writePNG(t *testing.T, symbol gs1.Symbol, file string) {
	t.Helper()
	const module, quiet = 6, 2
	size := (len(symbol) + 2*quiet) * module
	picture := image.NewGray(image.Rect(0, 0, size, size))
	for i := range picture.Pix {
		x, y := i%size/module-quiet, i/size/module-quiet
		isDark := y >= 0 && y < len(symbol) && x >= 0 && x < len(symbol) && symbol[y][x]
		if picture.Pix[i] = 255; isDark {
			picture.Pix[i] = 0
		}
	}
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := png.Encode(out, picture); err != nil {
		t.Fatal(err)
	}
}
