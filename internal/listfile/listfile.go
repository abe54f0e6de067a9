// Package listfile writes serial lists as the files that destinations want, and names them. The same delivery gives the
// same bytes each time.
package listfile

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// Document is what a file is made of. Templates see its fields.
type Document struct {
	ID       string    // of the delivery, the same for ever
	Order    string    // order ID
	Number   int       // of the order's release, from 1
	Line     string    // code
	LineName string    //
	Product  string    //
	GTIN     string    //
	Lot      string    //
	Expiry   string    // YYYY-MM-DD, or as received
	Quantity string    //
	Count    int64     // of serial numbers
	Released time.Time // UTC
	Serials  iter.Seq[Item]

	failed func() error // what ended Serials too early
}

// Item is a serial number with its place in the list, from 1.
type Item struct {
	Number int64
	Serial string
}

// Of returns the document of a delivery. each hands all its serial numbers to a function, until that fails.
func Of(v packaging.Delivery, each func(do func(packaging.Serial) error) error) Document {
	f := v.Facts
	d := Document{
		ID: v.UID, Order: f.Order, Number: f.Number, Line: f.Line, LineName: f.LineName, Product: f.Product,
		GTIN: f.GTIN,
		Lot:  f.Lot, Expiry: f.Expiry, Quantity: f.Quantity, Count: f.Count, Released: time.UnixMilli(f.Released).UTC(),
	}
	var failed error
	d.failed = func() error { return failed }
	d.Serials = func(yield func(Item) bool) {
		var n int64
		err := each(func(s packaging.Serial) error {
			n++
			if !yield(Item{s.Seq, s.Value}) {
				return errEnough
			}
			return nil
		})
		switch {
		case err == errEnough: //nolint:errorlint // it comes as it is
		case err != nil:
			failed = err
		case n != f.Count:
			failed = fmt.Errorf("the list has %d serial numbers and not %d", n, f.Count)
		}
	}
	return d
}

// errEnough ends a list whose reader wants no more.
var errEnough = fmt.Errorf("enough")

// Write writes a document. An error of the template is a [packaging.BadTemplate] failure.
func Write(w io.Writer, form packaging.ListForm, d Document) error {
	buffered := bufio.NewWriterSize(w, 64<<10)
	var err error
	switch form.Format {
	case packaging.CSVFormat:
		err = writeCSV(buffered, d)
	case packaging.TextFormat:
		err = writeText(buffered, d)
	case packaging.OwnFormat:
		err = writeTemplate(buffered, form.Template, d)
	default:
		err = writeJSON(buffered, d)
	}
	if err == nil {
		err = d.failed()
	}
	if err == nil {
		err = buffered.Flush()
	}
	return err
}

func writeCSV(w io.Writer, d Document) error {
	rows := csv.NewWriter(w)
	rows.UseCRLF = true
	err := rows.Write([]string{"order", "gtin", "lot", "expiry", "number", "serial"})
	for item := range d.Serials {
		if err != nil {
			break
		}
		err = rows.Write([]string{d.Order, d.GTIN, d.Lot, d.Expiry, strconv.FormatInt(item.Number, 10), item.Serial})
	}
	rows.Flush()
	if err == nil {
		err = rows.Error()
	}
	return err
}

func writeText(w io.Writer, d Document) (err error) {
	for item := range d.Serials {
		if _, err = io.WriteString(w, item.Serial+"\n"); err != nil {
			break
		}
	}
	return err
}

// head is a document in JSON before its serial numbers.
type head struct {
	ID       string `json:"id"`
	Order    string `json:"order"`
	Number   int    `json:"number"`
	Line     string `json:"line"`
	LineName string `json:"line_name"`
	Product  string `json:"product"`
	GTIN     string `json:"gtin"`
	Lot      string `json:"lot"`
	Expiry   string `json:"expiry"`
	Quantity string `json:"quantity"`
	Count    int64  `json:"count"`
	Released string `json:"released"`
}

// Head returns what a document says beside its serial numbers, for JSON.
func Head(d Document) any {
	return head{
		d.ID, d.Order, d.Number, d.Line, d.LineName, d.Product, d.GTIN, d.Lot, d.Expiry, d.Quantity, d.Count,
		d.Released.Format("2006-01-02T15:04:05.000Z"),
	}
}

func writeJSON(w io.Writer, d Document) error {
	begin, err := json.Marshal(Head(d))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\"serials\":[", begin[:len(begin)-1]); err != nil {
		return err
	}
	between := ""
	for item := range d.Serials {
		value, err := json.Marshal(item.Serial)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", between, value); err != nil {
			return err
		}
		between = ","
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

// Sum returns the size in bytes and the SHA-256 of what Write writes.
func Sum(form packaging.ListForm, d Document) (size int64, digest [sha256.Size]byte, err error) {
	s := NewSummer(io.Discard)
	err = Write(s, form, d)
	size, digest = s.Sum()
	return size, digest, err
}

// Summer passes bytes on, and sums them up.
type Summer struct {
	to   io.Writer
	hash hash.Hash
	size int64
}

// NewSummer returns a Summer that passes bytes on to w.
func NewSummer(w io.Writer) *Summer { return &Summer{to: w, hash: sha256.New()} }

func (s *Summer) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.size += int64(n)
	s.hash.Write(p[:n])
	return n, err
}

// Sum returns how many bytes there were, and their SHA-256.
func (s *Summer) Sum() (size int64, digest [sha256.Size]byte) {
	copy(digest[:], s.hash.Sum(nil))
	return s.size, digest
}

// Sample returns a document to try templates with. It has n serial numbers, and values that files of lines stumble
// over.
func Sample(n int) Document {
	v := packaging.Delivery{UID: strings.Repeat("0", 32), Facts: packaging.ListFacts{
		Order: "4711/A", Number: 1, Line: "L1", LineName: "Blister line 1", Product: `Tablets 5 mg, "blue"`,
		GTIN: "04012345678901", Lot: "LOT-1", Expiry: "2027-12-31", Quantity: strconv.Itoa(n), Count: int64(n),
		Released: time.Date(2026, 11, 29, 12, 4, 5, 0, time.UTC).UnixMilli(),
	}}
	return Of(v, func(do func(packaging.Serial) error) error {
		for i := range n {
			if err := do(packaging.Serial{Seq: int64(i) + 1, Value: fmt.Sprintf("SAMPLE%06d", i+1)}); err != nil {
				return err
			}
		}
		return nil
	})
}
