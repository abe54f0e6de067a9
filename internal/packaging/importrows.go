package packaging

import (
	"encoding/binary"
	"errors"
	"iter"
	"slices"
)

// ImportRows are the rows of a file, in its order. They are kept packed, many in one text, so that a hundred thousand
// of them take little more memory than what they say.
type ImportRows struct {
	full  []string // packed rows
	begun []byte   // the last ones, packed
	count int
	size  int // bytes
}

// packedAtOnce is how many bytes of packed rows make a text.
const packedAtOnce = 64 << 10

// ImportRowsOf returns the rows packed.
func ImportRowsOf(rows ...ImportRow) (packed ImportRows) {
	for _, row := range rows {
		packed.Add(row)
	}
	return packed
}

// Len is how many rows there are.
func (r ImportRows) Len() int { return r.count }

// Size is how many bytes of memory they take.
func (r ImportRows) Size() int { return r.size }

// Add adds a copy of a row.
func (r *ImportRows) Add(row ImportRow) {
	before := len(r.begun)
	r.begun = binary.AppendUvarint(r.begun, uint64(row.Row)) //nolint:gosec // rows count from 1
	for _, field := range ImportFields {
		value := *row.Facts.Field(field)
		r.begun = binary.AppendUvarint(r.begun, uint64(len(value)))
		r.begun = append(r.begun, value...)
	}
	r.count++
	if r.size += len(r.begun) - before; len(r.begun) >= packedAtOnce {
		r.full = append(r.full, string(r.begun))
		r.begun = r.begun[:0]
	}
}

// Parts returns the rows as texts of some 64 KiB, from which [UnpackImportRows] has them again.
func (r ImportRows) Parts() []string {
	if len(r.begun) == 0 {
		return r.full
	}
	return append(slices.Clone(r.full), string(r.begun))
}

// All returns the rows one after the other.
func (r ImportRows) All() iter.Seq[ImportRow] {
	return func(yield func(ImportRow) bool) {
		for _, packed := range r.Parts() {
			for packed != "" {
				var row ImportRow
				row, packed, _ = unpackRow(packed)
				if !yield(row) {
					return
				}
			}
		}
	}
}

// Chunks returns the rows, so many at a time. Each chunk is valid until the next one.
func (r ImportRows) Chunks(size int) iter.Seq[[]ImportRow] {
	return func(yield func([]ImportRow) bool) {
		chunk := make([]ImportRow, 0, min(size, r.count))
		for row := range r.All() {
			if chunk = append(chunk, row); len(chunk) < size {
				continue
			}
			if !yield(chunk) {
				return
			}
			chunk = chunk[:0]
		}
		if len(chunk) > 0 {
			yield(chunk)
		}
	}
}

// errNotPacked is for a text that is none of packed rows.
var errNotPacked = errors.New("rows of an import can't be unpacked")

// UnpackImportRows returns the rows of [ImportRows.Parts].
func UnpackImportRows(parts []string) (rows ImportRows, err error) {
	rows.full = parts
	for _, packed := range parts {
		for rows.size += len(packed); packed != ""; rows.count++ {
			if _, packed, err = unpackRow(packed); err != nil {
				return ImportRows{}, err
			}
		}
	}
	return rows, nil
}

// unpackRow returns the first of packed rows, and the others.
func unpackRow(packed string) (row ImportRow, rest string, err error) {
	var ok bool
	if row.Row, packed, ok = unpackNumber(packed); !ok {
		return ImportRow{}, "", errNotPacked
	}
	for _, field := range ImportFields {
		var length int
		if length, packed, ok = unpackNumber(packed); !ok || length > len(packed) {
			return ImportRow{}, "", errNotPacked
		}
		*row.Facts.Field(field), packed = packed[:length], packed[length:]
	}
	return row, packed, nil
}

func unpackNumber(packed string) (number int, rest string, ok bool) {
	const longest = 4 // bytes: neither rows nor lengths come near 28 bits
	for i := range min(len(packed), longest) {
		number |= int(packed[i]&0x7f) << (7 * i)
		if packed[i] < 0x80 {
			return number, packed[i+1:], true
		}
	}
	return 0, "", false
}
