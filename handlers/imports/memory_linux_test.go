//go:build !race

package imports_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/orderfile"
	"lineboard/internal/testkit/site"
)

// wideOrders writes a file of as many orders as one may have, and nearly as many bytes.
func wideOrders(into io.Writer) {
	product := strings.Repeat("é", 120)
	_, _ = io.WriteString(into, "order_id,line,product,gtin,lot,expiry,quantity,extra_percent\n")
	for i := range orderfile.MaxRows {
		_, _ = fmt.Fprintf(into, "W%06d,L2,%s,09506000134352,LOT%06d,2029-05-31,12000,2.5\n", i, product, i)
	}
}

// It runs by itself: what runs beside it would count.
func TestALargeFileIsCheckedAndShownWithin200MiBOfMemory(t *testing.T) {
	s := site.New(t, site.Options{})
	b := s.SignIn("supervisor1")
	var a site.Answer
	took := handlerstest.Took(t, func() { // with the browser's part
		a = handlerstest.Upload(b, "/imports", nil, "orders.csv", wideOrders)
	})
	if a.Status != http.StatusSeeOther {
		t.Fatalf("%d %.300s", a.Status, a.Text("main"))
	}
	says(t, b.Get(a.Header.Get("Location")), "main", "Import 100,000 orders")
	t.Logf("%d MiB above rest", took)
	if took > 200 {
		t.Errorf("it took %d MiB above rest", took)
	}
}
