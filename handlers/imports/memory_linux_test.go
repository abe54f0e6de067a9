//go:build !race

package imports_test

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"lineboard/internal/orderfile"
	"lineboard/internal/testkit/site"
)

// memory returns what this process takes by that name, in MiB.
func memory(t *testing.T, name string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no %s", name)
	}
	kb, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}

// wideOrders writes a file of as many orders as one may have, and nearly as many bytes. It is made while it is read.
func wideOrders(into io.Writer) error {
	product := strings.Repeat("é", 120)
	_, err := io.WriteString(into, "order_id,line,product,gtin,lot,expiry,quantity,extra_percent\n")
	for i := 0; i < orderfile.MaxRows && err == nil; i++ {
		_, err = fmt.Fprintf(into, "W%06d,L2,%s,09506000134352,LOT%06d,2029-05-31,12000,2.5\n", i, product, i)
	}
	return err
}

// It runs by itself: what runs beside it would count.
func TestALargeFileIsCheckedAndShownWithin200MiBOfMemory(t *testing.T) {
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	body, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		part, err := form.CreateFormFile("file", "orders.csv")
		if err == nil {
			err = wideOrders(part)
		}
		if err == nil {
			err = form.Close()
		}
		w.CloseWithError(err)
	}()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skipf("the most memory can't be measured here: %v", err)
	}
	rest := memory(t, "VmRSS")
	a := b.Send(http.MethodPost, "/imports", form.FormDataContentType(), body)
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d %.300s", a.Status, a.Text("main"))
	}
	says(t, b.Get(a.Header.Get("Location")), "main", "Import 100,000 orders")
	if took := memory(t, "VmHWM") - rest; took > 200 { // with the browser’s part
		t.Errorf("it took %d MiB above rest", took)
	} else {
		t.Logf("%d MiB above rest", took)
	}
}
