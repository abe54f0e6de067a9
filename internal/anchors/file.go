// Package anchors keeps the heads of the histories outside of the database, in a file that only grows, and checks a
// history against it. The chain of hashes shows a changed entry; the anchors show a history that was cut short, or
// rewritten as a whole with hashes that are right among themselves.
package anchors

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

const timeForm = "2006-01-02T15:04:05.000Z"

// line is an anchor as the file has it:
//
//	7 2026-11-24T05:12:08.114Z plant-ghent 1 120 9f86d081884c7d65…
//
// its number in the file, the time it was written (UTC), the tenant's slug and key, and the entry's number and hash.
func line(a packaging.Anchor) string {
	return fmt.Sprintf("%d %s %s %d %d %x\n", a.Number, a.At.UTC().Format(timeForm), a.Slug, a.Tenant, a.Seq, a.Hash)
}

func parse(text string) (a packaging.Anchor, ok bool) {
	fields := strings.Split(text, " ")
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
	hash, wrong := hex.DecodeString(fields[5])
	if err != nil || wrong != nil || len(hash) != len(a.Hash) {
		return a, false
	}
	a.Number, a.Tenant, a.Seq, a.At, a.Slug = numbers[0], packaging.TenantID(numbers[1]), numbers[2], at, fields[2]
	copy(a.Hash[:], hash)
	return a, true
}

// content is what the file has.
type content struct {
	anchors    []packaging.Anchor
	unreadable int64
	gone       bool // there is no file
	torn       bool // its last line has no end
}

// last is the number of the last line.
func (c content) last() int64 {
	if len(c.anchors) == 0 {
		return 0
	}
	return c.anchors[len(c.anchors)-1].Number
}

// read reads the file anew each time: what was opened before may have been moved away.
func read(path string) (c content, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return content{gone: true}, nil
	}
	if err != nil {
		return c, fmt.Errorf("the anchors can't be read: %w", err)
	}
	c.torn = len(raw) > 0 && raw[len(raw)-1] != '\n'
	for text := range bytes.Lines(raw) {
		if a, ok := parse(strings.TrimSuffix(string(text), "\n")); ok {
			c.anchors = append(c.anchors, a)
		} else {
			c.unreadable++
		}
	}
	return c, nil
}

// found compares what the file has with how many lines were written to it.
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

// of are the anchors of a tenant, by the entries that they are of.
func (c content) of(tenant packaging.TenantID) (anchors []packaging.Anchor) {
	for _, a := range c.anchors {
		if a.Tenant == tenant {
			anchors = append(anchors, a)
		}
	}
	slices.SortStableFunc(anchors, func(a, b packaging.Anchor) int { return cmp.Compare(a.Seq, b.Seq) })
	return anchors
}

// file is appended to, and never anything else.
type file struct {
	path string
	mu   sync.Mutex
	open *os.File
}

// append adds lines and has them on the disk.
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
	if _, err := f.open.WriteString(lines.String()); err != nil {
		return err
	}
	return f.open.Sync()
}

// reopen opens the file where it is not open, or where another stands under its name.
func (f *file) reopen() error {
	if f.open != nil {
		ours, err := f.open.Stat()
		there, missing := os.Stat(f.path)
		if err == nil && missing == nil && os.SameFile(ours, there) {
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

// torn says whether the last line has no end: the power failed while it was written.
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
