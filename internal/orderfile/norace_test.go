//go:build !race

package orderfile_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lineboard/internal/orderfile"
)

// The race detector would slow these down many times, and there is nothing in them to race.

// orders is a file of n orders that is made while it is read.
func orders(t *testing.T, n int) io.Reader {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { _ = r.Close() })
	go func() {
		_, err := io.WriteString(w, "order_id,line,product,gtin,lot,expiry,quantity,extra_percent\r\n")
		for i := range n {
			if err == nil {
				_, err = fmt.Fprintf(
					w, "Order%06d,L1,Paracetamol 500 mg,09506000134352,LOT%06d,2028-05-31,12000,2.5\r\n", i, i,
				)
			}
		}
		w.CloseWithError(err)
	}()
	return r
}

func TestAHundredThousandOrdersAreReadAndNoMore(t *testing.T) {
	t.Parallel()
	file, err := orderfile.Read(orders(t, orderfile.MaxRows), orderfile.CSV)
	rows, faults := slices.Collect(file.Rows.All()), file.Faults
	if err != nil || faults.Count != 0 || len(rows) != orderfile.MaxRows || rows[99_999].Facts.Lot != "LOT099999" ||
		rows[99_999].Row != 100_001 {
		t.Errorf("%d rows, %+v, %v", len(rows), faults, err)
	}
	if file, err = orderfile.Read(orders(t, orderfile.MaxRows+1), orderfile.CSV); err != nil ||
		!slices.Equal(faultLines(file.Faults), []string{"0 too_many_rows"}) {
		t.Errorf("%+v, %v", faults, err)
	}
}

// endless gives the same bytes for ever, and counts them.
type endless struct {
	bytes []byte
	given int64
}

func (e *endless) Read(into []byte) (n int, err error) {
	for n < len(into) {
		n += copy(into[n:], e.bytes)
	}
	e.given += int64(n)
	return n, nil
}

func TestAFileWithoutEndIsReadToTheLimitAndNotKept(t *testing.T) {
	for _, content := range []string{"\n", ",", "x", " ", "\"", "\x00\n"} {
		source := &endless{bytes: bytes.Repeat([]byte(content), 4096)}
		for _, format := range []orderfile.Format{orderfile.CSV, orderfile.JSON} {
			source.given = 0
			file, err := orderfile.Read(source, format)
			rows, faults := slices.Collect(file.Rows.All()), file.Faults
			if err != nil || len(rows) != 0 || faults.Count == 0 {
				t.Errorf("%q as %s: %d rows, %+v, %v", content, format, len(rows), faults, err)
			}
			if source.given > orderfile.MaxBytes+1<<20 {
				t.Errorf("%q as %s: %d bytes were read", content, format, source.given)
			}
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	file, err := orderfile.Read(orders(t, 10_000), orderfile.CSV)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > int64(file.Rows.Len())*150 {
		t.Errorf("%d rows keep %d bytes", file.Rows.Len(), kept)
	}
	runtime.KeepAlive(file)
}

func TestARowLongerThanAnyOrderIsRefusedAtOnce(t *testing.T) {
	names := func(n int) string {
		var all bytes.Buffer
		for i := range n {
			fmt.Fprintf(&all, `"n%d":1,`, i)
		}
		return all.String()
	}
	const head, large = "order_id,lot\r\n", 30 << 20
	for name, file := range map[string]struct {
		format  orderfile.Format
		content string
		want    string
	}{
		"headings without end": {orderfile.CSV, strings.Repeat("a,", large/2), "1 row_too_long"},
		"a row of many cells":  {orderfile.CSV, head + strings.Repeat("a,", large/2), "2 row_too_long"},
		"a long cell":          {orderfile.CSV, head + strings.Repeat("a", large), "2 row_too_long"},
		"a long quoted cell": {
			orderfile.CSV, head + "x,y\r\n\"" + strings.Repeat("a", large) + "\"", "3 row_too_long",
		},
		"an object of names":  {orderfile.JSON, `[{` + names(200_000) + `"lot":"A"}]`, "1 row_too_long"},
		"a small one of many": {orderfile.JSON, `[{` + names(200) + `"lot":"A"}]`, "1 row_too_long"},
		"a long text": {
			orderfile.JSON, `[{"order_id":"a"},{"lot":"` + strings.Repeat("a", large) + `"}]`, "2 row_too_long",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, err := orderfile.Read(strings.NewReader(file.content), file.format)
			runtime.ReadMemStats(&after)
			if lines := faultLines(got.Faults); err != nil || !slices.Contains(lines, file.want) {
				t.Errorf("%.3q, %v", lines, err)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
				t.Errorf("it took %d bytes of memory", took)
			}
		})
	}
}
