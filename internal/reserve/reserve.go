// Package reserve keeps answers to releases on the disk while the database can't take them. It takes the room for an
// answer before the release is claimed: on a full disk, an answer that came still has a place.
package reserve

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/release"
	"lineboard/internal/secret"
)

const (
	// SlotSize is the room that one answer is sure to have, in bytes. It holds 40,000 serial numbers of 20 characters,
	// also if they can't be compressed. A longer answer makes its slot grow, as far as the disk lets it.
	SlotSize = 1 << 20
	minSlots = 4  // that are there before the first release
	maxSlots = 64 // more releases than this are not under way at a time
)

// Box seals what is kept.
type Box interface {
	Seal(t secret.Text, owner string) []byte
	Open(sealed []byte, owner string) (secret.Text, error)
}

// Reserve is a folder of slots, each a file.
type Reserve struct {
	folder string
	box    Box

	mu    sync.Mutex
	free  []*slot
	slots int
	held  []Held

	unreadable []error
}

// Held is an answer that was kept and that the database may not have.
type Held struct {
	packaging.HeldAnswer

	slot *slot
}

// Free forgets the answer.
func (h Held) Free() { h.slot.Free() }

// SetAside keeps the answer for good, under another name, and returns the file.
func (h Held) SetAside() (string, error) { return h.slot.setAside(h.Release) }

// Open opens the reserve in a folder, and makes it where it is not there. It fails if the folder or its first slots
// can't be made.
func Open(folder string, box Box) (*Reserve, error) {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	r := &Reserve{folder: folder, box: box}
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if n, err := strconv.Atoi(strings.TrimPrefix(f.Name(), prefix)); err == nil && f.Name() == name(n) {
			r.slots = max(r.slots, n)
		}
	}
	for n := 1; n <= max(r.slots, minSlots); n++ {
		s, err := r.open(n)
		if err != nil {
			return nil, err
		}
		held, err := s.read()
		if err != nil { // it is whole and was sealed with another key: that one may come back
			aside, failed := s.setAside(0)
			r.unreadable = append(r.unreadable, fmt.Errorf("%w; it is set aside as %s", err, aside))
			if s, err = r.open(n); err != nil || failed != nil {
				return nil, errors.Join(err, failed)
			}
		}
		switch {
		case held != nil:
			r.held = append(r.held, *held)
		default:
			r.free = append(r.free, s)
		}
	}
	r.slots = max(r.slots, minSlots)
	for _, file := range Aside(folder) { // the key that fits may be back, or a newer Lineboard stores it
		s := &slot{reserve: r, path: file, aside: true}
		if held, err := s.read(); err == nil && held != nil {
			r.held = append(r.held, *held)
		}
	}
	return r, nil
}

// Held returns the answers that an earlier process kept.
func (r *Reserve) Held() []Held { return r.held }

// Unreadable returns why answers that an earlier process kept can't be read. Each is set aside.
func (r *Reserve) Unreadable() []error { return r.unreadable }

// Kept returns what is sealed in the slots of a folder, by their names, without opening it. Slots without an answer are
// left out, and so is a folder that is not there.
func Kept(folder string) (map[string][]byte, error) {
	files, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	kept := map[string][]byte{}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), prefix) {
			continue
		}
		content, failed := sealedIn(filepath.Join(folder, f.Name()))
		if err = errors.Join(err, failed); content != nil {
			kept[f.Name()] = content
		}
	}
	return kept, err
}

// sealedIn returns the header of a slot and what it seals, nil for a slot without an answer.
func sealedIn(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(file, header); err != nil || string(header[:len(magic)]) != magic {
		return nil, nil //nolint:nilerr // a slot that was not written whole has no answer
	}
	length := binary.BigEndian.Uint64(header[len(magic):])
	sealed, err := io.ReadAll(io.LimitReader(file, int64(min(length, 1<<40)))) //nolint:gosec // it fits
	return append(header, sealed...), err
}

// Take takes a slot for the answer of a release at a tenant. Where none is free, it makes one, as long as the disk has
// room.
func (r *Reserve) Take(at packaging.Tenant) (release.Room, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.next()
	if err != nil {
		return nil, err
	}
	s.tenant = at.Slug
	return s, nil
}

// Ready fails as Take would. Where no slot is free, it makes the next one.
func (r *Reserve) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.next()
	if err == nil {
		r.free = append(r.free, s)
	}
	return err
}

// next returns a slot that is free. The caller holds r.mu.
func (r *Reserve) next() (*slot, error) {
	if last := len(r.free) - 1; last >= 0 {
		s := r.free[last]
		r.free = r.free[:last]
		return s, nil
	}
	if r.slots >= maxSlots {
		return nil, packaging.Fail(packaging.Unavailable, "error.too_many_releases")
	}
	s, err := r.open(r.slots + 1)
	if err != nil {
		return nil, packaging.Fail(packaging.Unavailable, "error.no_room_for_answer").Because(err)
	}
	r.slots++
	return s, nil
}

const prefix = "slot-"

func name(n int) string { return fmt.Sprintf("%s%02d", prefix, n) }

// open opens a slot and takes its room on the disk.
func (r *Reserve) open(n int) (s *slot, err error) {
	path := filepath.Join(r.folder, name(n))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if missing := SlotSize - info.Size(); missing > 0 {
		if err := grow(file, info.Size(), missing); err != nil {
			return nil, err
		}
	}
	return &slot{reserve: r, path: path}, nil
}

// grow makes a file longer, or leaves it as it was: a slot that does not fit must not take the last room of the disk.
func grow(file *os.File, size, missing int64) error {
	_, err := file.WriteAt(make([]byte, missing), size)
	if err == nil {
		err = file.Sync()
	}
	if err != nil && size == 0 {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err != nil {
		return errors.Join(err, file.Truncate(size))
	}
	return nil
}

// slot is a file that begins with a header: magic, the length of what is sealed, and its SHA-256. An answer is whole or
// is not there: a write that was cut off does not match its hash.
type slot struct {
	reserve *Reserve
	path    string
	tenant  string // slug of the one whose answer it is for
	used    bool
	aside   bool // it is no slot for another answer
}

const (
	magic      = "LBHELD1\n"
	headerSize = len(magic) + 8 + sha256.Size
	owner      = "held answer"
)

// Keep stores an answer durably.
func (s *slot) Keep(o packaging.Order, answer packaging.Answer) error {
	plain, err := json.Marshal(packaging.HeldAnswer{
		Tenant: o.TenantID, Slug: s.tenant, Order: o.ID, OrderKey: o.Key,
		Release: o.Release.ID, Requested: o.Release.Requested, Answer: answer,
	})
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	packer := gzip.NewWriter(&packed)
	if _, err := packer.Write(plain); err != nil {
		return err
	}
	if err := packer.Close(); err != nil {
		return err
	}
	sealed := s.reserve.box.Seal(secret.New(packed.String()), owner)
	content := append([]byte(magic), binary.BigEndian.AppendUint64(nil, uint64(len(sealed)))...)
	sum := sha256.Sum256(sealed)
	content = append(append(content, sum[:]...), sealed...)
	s.used = true
	return s.write(content)
}

func (s *slot) write(content []byte) (err error) {
	file, err := os.OpenFile(s.path, os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteAt(content, 0); err != nil {
		return err
	}
	return file.Sync()
}

// Free forgets the answer and gives the slot back. A slot that can't be emptied is not used again.
func (s *slot) Free() {
	if s.aside {
		_ = os.Remove(s.path) // the next start finds it stored already
		return
	}
	if s.used {
		if s.write(make([]byte, headerSize)) != nil || os.Truncate(s.path, SlotSize) != nil {
			return
		}
		s.used = false
	}
	s.reserve.mu.Lock()
	defer s.reserve.mu.Unlock()
	s.reserve.free = append(s.reserve.free, s)
}

// read returns the answer in the slot, nil if there is none or if it was not written whole.
func (s *slot) read() (*Held, error) {
	content, err := os.ReadFile(s.path)
	if err != nil {
		return nil, err
	}
	if len(content) < headerSize || string(content[:len(magic)]) != magic {
		return nil, nil
	}
	length, sealed := binary.BigEndian.Uint64(content[len(magic):]), content[headerSize:]
	if length > uint64(len(sealed)) {
		return nil, nil
	}
	sealed = sealed[:length]
	if sum := sha256.Sum256(sealed); !bytes.Equal(sum[:], content[len(magic)+8:headerSize]) {
		return nil, nil
	}
	packed, err := s.reserve.box.Open(sealed, owner)
	if err != nil {
		return nil, fmt.Errorf("the answer in %s: %w", s.path, err)
	}
	unpacked, err := gzip.NewReader(strings.NewReader(packed.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("the answer in %s: %w", s.path, err)
	}
	plain, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, fmt.Errorf("the answer in %s: %w", s.path, err)
	}
	held := &Held{slot: s}
	if err := json.Unmarshal(plain, &held.HeldAnswer); err != nil {
		return nil, fmt.Errorf("the answer in %s: %w", s.path, err)
	}
	s.used = true
	return held, nil
}

// setAside gives the file of a slot another name. The slot is not used again.
func (s *slot) setAside(id packaging.ReleaseID) (string, error) {
	if s.aside {
		return s.path, nil
	}
	aside := filepath.Join(s.reserve.folder, fmt.Sprintf("%s%d-%d", asidePrefix, id, time.Now().UnixMilli()))
	return aside, os.Rename(s.path, aside)
}

const asidePrefix = "answer-of-release-"

// Aside returns the files of a folder that hold answers which were set aside.
func Aside(folder string) []string {
	files, _ := filepath.Glob(filepath.Join(folder, asidePrefix+"*")) // only a bad pattern fails
	return files
}
