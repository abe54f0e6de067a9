//go:build peers

package orders_test

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/testkit/site"
)

// Two readers of other people read the image that the page shows of a real serial number.
func TestOtherReadersReadTheImageOfThePage(t *testing.T) {
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	o := s.Order("Order143")
	b.Post(handlerstest.OrderPath(o, "/release"), "revision", fmt.Sprint(o.Revision))
	page := b.Post(handlerstest.OrderPath(o, "/serials/show"), "not_begun", "yes")
	serials := b.Get(handlerstest.OrderPath(o, "/serials")).All("code.serial")
	file := filepath.Join(t.TempDir(), "page.png")
	drawSVG(
		t, page.Attr("figure svg", "viewBox"), page.Attr("figure svg", "width"), page.Attr("svg path.dark", "d"), file,
	)
	want := "01" + o.GTIN + "17" + strings.ReplaceAll(o.Expiry, "-", "")[2:] + "10" + o.Lot
	for _, reader := range [][]string{
		{"dmtxread", "-n", "-G29", file}, {"ZXingReader", "-format", "DataMatrix", file},
	} {
		out, err := exec.CommandContext(t.Context(), reader[0], reader[1:]...).CombinedOutput()
		t.Logf("%s: %q", reader[0], out)
		plain := strings.NewReplacer("(", "", ")", "").Replace(string(out))
		if err != nil || !strings.Contains(plain, want) || !strings.Contains(plain, "21"+serials[len(serials)-1]) {
			t.Errorf("%s: %v %q", reader[0], err, out)
		}
	}
}

var rectangle = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`)

// drawSVG draws the image as a browser does: rectangles of one row on light ground.
func drawSVG(t *testing.T, viewBox, width, path, file string) {
	t.Helper()
	var left, top, units, height int
	if _, err := fmt.Sscan(viewBox, &left, &top, &units, &height); err != nil {
		t.Fatalf("viewBox %q: %v", viewBox, err)
	}
	size, err := strconv.Atoi(width)
	if err != nil {
		t.Fatal(err)
	}
	picture := image.NewGray(image.Rect(0, 0, size, size))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	scale := size / units
	for _, m := range rectangle.FindAllStringSubmatch(path, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		for py := (y - top) * scale; py < (y-top+1)*scale; py++ {
			for px := (x - left) * scale; px < (x-left+n)*scale; px++ {
				picture.Pix[py*picture.Stride+px] = 0
			}
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
