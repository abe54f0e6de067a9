// Package anchors writes the heads of the histories to a file outside of the database, and checks histories against
// that file. The chain of hashes shows a changed entry. The anchors show a history that was cut short, or rewritten
// as a whole with matching hashes. The file only grows.
package anchors

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

const timeForm = "2006-01-02T15:04:05.000Z"

// line returns an anchor as a line of the file:
//
//	7 2026-11-24T05:12:08.114Z plant-ghent 1 120 9f86d081884c7d65…
//
// These are its number in the file, the time it was written (UTC), the tenant's slug and key, and the entry's number
// and hash. If the entry is about a release, what names the release follows, as the query of a URL, and a checksum of
// the line so far: without it, a line that was cut off would name another order.
//
//	… 9f86d081884c7d65… at=2026-11-24T05%3A12%3A08.114Z&by=anna&deed=release_requested&line=L1&order=Order143&release=57 6ca13d52
func line(a packaging.Anchor) string {
	text := fmt.Sprintf("%d %s %s %d %d %x", a.Number, a.At.UTC().Format(timeForm), a.Slug, a.Tenant, a.Seq, a.Hash)
	if a.Release != nil {
		text += " " + releaseQuery(*a.Release)
		text += " " + checksum(text)
	}
	return text + "\n"
}

// checksum returns the first 8 hexadecimal digits of the SHA-256 of a text.
func checksum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

func releaseQuery(r packaging.AnchoredRelease) string {
	query := url.Values{}
	for name, value := range map[string]string{
		"deed":      string(r.Deed),
		"release":   strconv.FormatInt(int64(r.ID), 10),
		"at":        r.At.UTC().Format(timeForm),
		"order":     r.OrderKey,
		"line":      r.LineCode,
		"line_name": r.LineName,
		"by":        r.Username,
		"name":      r.FullName,
		"outcome":   string(r.Outcome),
		"proof":     string(r.Proof),
		"status":    string(r.Status),
		"requested": requestedText(r),
		"serials":   strconv.FormatInt(r.Serials, 10),
	} {
		if value != "" && value != "0" {
			query.Set(name, value)
		}
	}
	return query.Encode()
}

// requestedText says when a release was requested whose anchor is of what became of it.
func requestedText(r packaging.AnchoredRelease) string {
	if r.Requested.IsZero() || r.Deed == packaging.ReleaseRequested {
		return ""
	}
	return r.Requested.UTC().Format(timeForm)
}

func parseRelease(text string) (*packaging.AnchoredRelease, error) {
	query, err := url.ParseQuery(text)
	if err != nil {
		return nil, err
	}
	number := func(name string) int64 {
		if !query.Has(name) {
			return 0
		}
		n, failed := strconv.ParseInt(query.Get(name), 10, 64)
		err = errors.Join(err, failed)
		return n
	}
	at, failed := time.Parse(timeForm, query.Get("at"))
	r := &packaging.AnchoredRelease{
		Deed:     packaging.Deed(query.Get("deed")),
		ID:       packaging.ReleaseID(number("release")),
		At:       at,
		OrderKey: query.Get("order"),
		LineCode: query.Get("line"),
		LineName: query.Get("line_name"),
		Username: query.Get("by"),
		FullName: query.Get("name"),
		Outcome:  packaging.Outcome(query.Get("outcome")),
		Proof:    packaging.Proof(query.Get("proof")),
		Status:   packaging.Status(query.Get("status")),
		Serials:  number("serials"),
	}
	err = errors.Join(err, failed)
	switch {
	case r.Deed == packaging.ReleaseRequested:
		r.Requested = r.At
	case query.Has("requested"): // an earlier Lineboard did not write it
		r.Requested, failed = time.Parse(timeForm, query.Get("requested"))
	}
	return r, errors.Join(err, failed)
}

// written is an anchor as it stands in the file. What it says of a release is read where it is needed: a check reads
// hundreds of thousands of lines, and needs that of a few.
type written struct {
	packaging.Anchor
	release string // empty where the entry is about none
}

func parse(text string) (a written, ok bool) {
	fields := strings.Split(text, " ")
	if len(fields) == 8 {
		if checksum(strings.TrimSuffix(text, " "+fields[7])) != fields[7] {
			return a, false
		}
		a.release, fields = fields[6], fields[:6]
	}
	if len(fields) != 6 {
		return a, false
	}
	var numbers [3]int64
	for i, field := range []string{fields[0], fields[3], fields[4]} {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil || n < 1 {
			return a, false
		}
		numbers[i] = n
	}
	at, err := time.Parse(timeForm, fields[1])
	hash, hashErr := hex.DecodeString(fields[5])
	if err != nil || hashErr != nil || len(hash) != len(a.Hash) {
		return a, false
	}
	a.Number, a.Tenant, a.Seq, a.At, a.Slug = numbers[0], packaging.TenantID(numbers[1]), numbers[2], at, fields[2]
	copy(a.Hash[:], hash)
	return a, true
}

// content is what the file holds.
type content struct {
	anchors    []written
	unreadable int64
	gone       bool // there is no file
	torn       bool // the last line has no end
}

// last returns the number of the last line.
func (c content) last() int64 {
	if len(c.anchors) == 0 {
		return 0
	}
	return c.anchors[len(c.anchors)-1].Number
}

// read reads the file from its path each time: the file that was opened before may have been moved away.
func read(path string) (c content, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return content{gone: true}, nil
	}
	if err != nil {
		return c, fmt.Errorf("the anchors can't be read: %w", err)
	}
	return contentOf(raw), nil
}

// tailSize is how much of the file a start reads: some hundred lines.
const tailSize = 64 << 10

// readTail reads the last lines of the file, and all of a short one or of one whose last lines can't be read.
func readTail(path string) (content, error) {
	f, err := os.Open(path)
	if err != nil {
		return read(path) // which says why
	}
	defer f.Close() //nolint:errcheck // nothing was written
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size <= tailSize {
		return read(path)
	}
	tail := make([]byte, tailSize)
	if _, err := f.ReadAt(tail, size-tailSize); err != nil {
		return content{}, fmt.Errorf("the anchors can't be read: %w", err)
	}
	if c := contentOf(tail[bytes.IndexByte(tail, '\n')+1:]); len(c.anchors) > 0 {
		return c, nil
	}
	return read(path)
}

// contentOf reads lines of the file.
func contentOf(raw []byte) (c content) {
	c.torn = len(raw) > 0 && raw[len(raw)-1] != '\n'
	c.anchors = make([]written, 0, bytes.Count(raw, []byte("\n"))+1)
	for text := range strings.Lines(string(raw)) {
		if a, ok := parse(strings.TrimSuffix(text, "\n")); ok {
			c.anchors = append(c.anchors, a)
		} else {
			c.unreadable++
		}
	}
	return c
}

// found compares the file with the number of lines that were written to it.
func (c content) found(written int64) packaging.AnchorsFound {
	f := packaging.AnchorsFound{Unreadable: c.unreadable, Gone: c.gone && written > 0}
	numbers := map[int64]bool{}
	for _, a := range c.anchors {
		numbers[a.Number] = true
		written = max(written, a.Number)
	}
	f.Lost = written - int64(len(numbers))
	return f
}

// of returns the anchors of a tenant, ordered by their entries. Without a slug, its key alone tells which they are.
func (c content) of(tenant packaging.TenantID, slug string) (anchors []packaging.Anchor) {
	for _, a := range c.anchors {
		if a.Tenant == tenant && (slug == "" || a.Slug == slug) {
			anchors = append(anchors, a.Anchor)
		}
	}
	sortBySeq(anchors)
	return anchors
}

func sortBySeq(anchors []packaging.Anchor) {
	slices.SortStableFunc(anchors, func(a, b packaging.Anchor) int { return cmp.Compare(a.Seq, b.Seq) })
}

// file is only ever appended to.
type file struct {
	path string
	mu   sync.Mutex
	open *os.File
}

// append adds lines and syncs them to the disk.
func (f *file) append(anchors []packaging.Anchor) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.reopen(); err != nil {
		return err
	}
	var lines strings.Builder
	if torn, err := f.torn(); err != nil {
		return err
	} else if torn {
		lines.WriteByte('\n')
	}
	for _, a := range anchors {
		lines.WriteString(line(a))
	}
	end, err := f.open.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := f.open.WriteString(lines.String()); err != nil {
		return errors.Join(err, f.open.Truncate(end)) // a full disk takes a part of a line
	}
	return f.open.Sync()
}

// releaseRoom is no less than what the anchors of a release take: a block of the disk.
const releaseRoom = 4 << 10

// ready fails where the file can't be opened, or where its disk has no room for the anchors of a release. It takes that
// room with another file for a moment: nothing but anchors is ever written to the file itself.
func (f *file) ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.reopen(); err != nil {
		return err
	}
	probe := f.path + ".probe"
	err := os.WriteFile(probe, make([]byte, releaseRoom), 0o600)
	if gone := os.Remove(probe); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// reopen opens the file if it is not open, or if its path now names another file.
func (f *file) reopen() error {
	if f.open != nil {
		ours, err := f.open.Stat()
		current, missing := os.Stat(f.path)
		if err == nil && missing == nil && os.SameFile(ours, current) {
			return nil
		}
		if err := f.close(); err != nil {
			return err
		}
	}
	open, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	f.open = open
	return err
}

// torn reports whether the last line has no end, as after a power failure.
func (f *file) torn() (bool, error) {
	size, err := f.open.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return false, err
	}
	last := make([]byte, 1)
	_, err = f.open.ReadAt(last, size-1)
	return last[0] != '\n', err
}

func (f *file) close() error {
	if f.open == nil {
		return nil
	}
	err := f.open.Close()
	f.open = nil
	return err
}
