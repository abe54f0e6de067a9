package db

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cespare/xxhash/v2"

	"lineboard/internal/giveway"
	"lineboard/internal/packaging"
)

// A list of serials is stored in blocks, each of a page of the file: as it came, and with little beside it. A block's
// key is that of its first serial.

// A serial's key is its list's key and its place in the list.
const placeBits = 24

func serialKey(list packaging.ListID, place int64) int64 { return int64(list)<<placeBits | place }

func placeOf(key int64) int64 { return key & (1<<placeBits - 1) }

func listOf(key int64) packaging.ListID { return packaging.ListID(key >> placeBits) }

// orderOfSerial is the SQL of the order that a serial's key, $, belongs to (see [packaging.ListID]).
const orderOfSerial = "($ >> 24 & 4294967295)"

// blockSize is how many bytes of serials a block has at most, so that its row fits on a page. A longer serial has a
// block of its own.
const blockSize = 4000

// serialBlock is a stretch of a list.
type serialBlock struct {
	first  int64 // place
	number int64 // its own, unlike that of any other block
	packed []byte
}

// packBlocks makes blocks of serials, the first of which has the place.
func packBlocks(place int64, serials []string) (blocks []serialBlock) {
	b := serialBlock{first: place}
	for i, s := range serials {
		giveWay(i)
		if len(b.packed) > 0 && len(b.packed)+len(s)+binary.MaxVarintLen16 > blockSize {
			blocks = append(blocks, b)
			b = serialBlock{first: place, packed: make([]byte, 0, blockSize)}
		}
		b.packed = append(binary.AppendUvarint(b.packed, uint64(len(s))), s...)
		place++
	}
	if len(b.packed) > 0 {
		blocks = append(blocks, b)
	}
	return blocks
}

// giveWay lets presses go first beside the work on the serials of a long list, at about every millisecond of it. A
// short list may be read in a write transaction.
func giveWay(at int) {
	const serialsAStep = 5_000
	if at%serialsAStep == serialsAStep-1 {
		giveway.Step()
	}
}

// errNoBlock is the error of bytes that are no block of serials.
var errNoBlock = errors.New("a block of serial numbers is damaged")

// eachPacked hands the serials of a block to do until it fails. They are valid until the block is.
func eachPacked(packed []byte, do func(serial []byte) error) error {
	for len(packed) > 0 {
		length, n := binary.Uvarint(packed)
		if n <= 0 || length > uint64(len(packed)-n) {
			return errNoBlock
		}
		if err := do(packed[n : n+int(length)]); err != nil {
			return err
		}
		packed = packed[n+int(length):]
	}
	return nil
}

// UnpackSerials returns the serials of a stored block, for programs that read the file themselves.
func UnpackSerials(packed []byte) (serials []string, err error) {
	err = eachPacked(packed, func(serial []byte) error {
		serials = append(serials, string(serial))
		return nil
	})
	return serials, err
}

// Serials are found by marks. A mark is the beginning of a hash over tenant, GTIN and serial, and the number of the
// block that has the serial. A look-up reads the blocks of the hash, and compares what is in them: two serials may have
// one hash.
const (
	numberBits = 26
	hashBits   = 63 - numberBits
	maxNumber  = 1<<numberBits - 1
)

// serialHasher hashes serials of one product.
type serialHasher struct{ product xxhash.Digest }

func newSerialHasher(tenant packaging.TenantID, gtin string) serialHasher {
	var h serialHasher
	h.product.Reset()
	_, _ = h.product.Write(binary.BigEndian.AppendUint64(nil, uint64(tenant))) // a hash never fails
	_, _ = h.product.WriteString(gtin + "\x1d")
	return h
}

func (h serialHasher) hash(serial string) int64 {
	d := h.product
	_, _ = d.WriteString(serial)
	return int64(d.Sum64() >> (64 - hashBits))
}

// hashedSerial is a serial of a list by its hash.
type hashedSerial struct {
	hash int64
	at   int32 // in the list, from 0
}

// hashed returns the serials in the order of their hashes.
func (h serialHasher) hashed(serials []string) []hashedSerial {
	all := make([]hashedSerial, len(serials))
	for i, s := range serials {
		giveWay(i)
		all[i] = hashedSerial{h.hash(s), int32(i)}
	}
	slices.SortFunc(all, func(a, b hashedSerial) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.at, b.at))
	})
	return all
}

// marksOf returns the sorted marks of serials that lie in blocks.
func marksOf(hashed []hashedSerial, blocks []serialBlock) []int64 {
	marks := make([]int64, len(hashed))
	for i, h := range hashed {
		giveWay(i)
		after, _ := slices.BinarySearchFunc(blocks, int64(h.at)+1, func(b serialBlock, place int64) int {
			if b.first-blocks[0].first < place {
				return -1
			}
			return 1
		})
		marks[i] = h.hash<<numberBits | blocks[after-1].number
	}
	return slices.Compact(marks)
}

// PackedList is a list as it is stored, for programs that fill a database themselves.
type PackedList struct {
	Blocks []PackedBlock
	Marks  []int64 // of serial_marks, sorted
}

// PackedBlock is a row of serial_blocks.
type PackedBlock struct {
	ID, Number int64
	Packed     []byte
}

// PackList packs a list. Its blocks have the numbers from the given one on.
func PackList(
	tenant packaging.TenantID, gtin string, list packaging.ListID, number int64, serials []string,
) (p PackedList) {
	blocks := packBlocks(1, serials)
	for i := range blocks {
		blocks[i].number = number + int64(i)
		p.Blocks = append(p.Blocks, PackedBlock{serialKey(list, blocks[i].first), blocks[i].number, blocks[i].packed})
	}
	p.Marks = marksOf(newSerialHasher(tenant, gtin).hashed(serials), blocks)
	return p
}

// readBlock is a block that was read, with its list and its product.
type readBlock struct {
	list    packaging.ListID
	first   int64
	product int64
	gtin    string // of the product, where it was asked for
	packed  sql.RawBytes
}

// eachBlock hands the blocks of a query for id, product, GTIN and content to do until it fails. A block is valid until
// do returns.
func eachBlock(ctx context.Context, q querier, do func(readBlock) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return coded(err)
	}
	defer rows.Close()
	for rows.Next() {
		var b readBlock
		var id int64
		if err := rows.Scan(&id, &b.product, &b.gtin, &b.packed); err != nil {
			return coded(err)
		}
		b.list, b.first = listOf(id), placeOf(id)
		if err := do(b); err != nil {
			return err
		}
	}
	return coded(rows.Err())
}
