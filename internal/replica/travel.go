package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
)

// Names in the folder of an epoch.
const (
	anchorsFolder = "anchors"
	reserveFolder = "reserve"
	canaryName    = "canary"
)

// segmentSize is the size of a piece of the anchors at the place, in bytes. The last piece is written anew at each
// change.
const segmentSize = 128 << 10

// Travel brings to the place what a standby needs beside the database: the anchors, answers that the database could not
// take, and a canary that only the right key opens. The key itself never goes there.
type Travel struct {
	Place   Place
	Epoch   func() int64                      // 0 while there is none: then nothing travels
	Anchors string                            // path of the file
	Kept    func() (map[string][]byte, error) // answers in the reserve, sealed, by the names of their slots
	Canary  []byte                            // sealed

	mu      sync.Mutex
	epoch   int64             // that the rest is about
	size    int64             // of the anchors that are at the place
	slots   map[string][]byte // answers that are at the place; nil while that is not known
	canary  bool              // it is at the place
	started bool              // size is known
}

// With returns a function that has sync copy the database, and brings the rest at the same time. An answer that does not
// wait in the reserve any more leaves the place only after that: the database took it, and until the copy has the
// database, nothing else at the place has the answer.
func (t *Travel) With(sync func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		t.mu.Lock()
		defer t.mu.Unlock()
		kept, err := t.Kept() // read before the copy begins
		if err != nil {
			return err
		}
		done := make(chan error, 1)
		go func() { done <- t.push(ctx, kept) }()
		if err := errors.Join(sync(ctx), <-done); err != nil {
			return err
		}
		return t.dropKept(ctx, kept)
	}
}

// push brings what is not there yet. It returns once all of it is.
func (t *Travel) push(ctx context.Context, kept map[string][]byte) error {
	epoch := t.Epoch()
	if epoch == 0 {
		return nil
	}
	if epoch != t.epoch {
		t.epoch, t.size, t.slots, t.canary, t.started = epoch, 0, nil, false, false
	}
	if !t.canary {
		if err := t.Place.Put(ctx, path.Join(EpochFolder(epoch), canaryName), t.Canary); err != nil {
			return err
		}
		t.canary = true
	}
	return errors.Join(t.pushAnchors(ctx), t.pushKept(ctx, kept))
}

// pushAnchors brings the end of the anchors that has grown.
func (t *Travel) pushAnchors(ctx context.Context) error {
	file, err := os.Open(t.Anchors)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	folder := path.Join(EpochFolder(t.epoch), anchorsFolder)
	if !t.started { // pieces that an earlier process brought whole stay as they are
		names, err := t.Place.List(ctx, folder)
		if err != nil {
			return err
		}
		if t.size, err = t.atPlace(ctx, file, folder, len(names)); err != nil {
			return err
		}
		t.started = true
	}
	if size < t.size {
		t.size = 0 // another file, as after a restore
	}
	if t.size == 0 {
		if err := t.dropPieces(ctx, folder, size); err != nil {
			return err
		}
	}
	for at := t.size / segmentSize * segmentSize; at < size; at += segmentSize {
		piece := make([]byte, min(segmentSize, size-at))
		if _, err := file.ReadAt(piece, at); err != nil {
			return err
		}
		if err := t.Place.Put(ctx, path.Join(folder, fmt.Sprintf("%08d", at/segmentSize)), piece); err != nil {
			return err
		}
		t.size = at + int64(len(piece))
	}
	return nil
}

// dropPieces removes what an earlier, longer file left at the place.
func (t *Travel) dropPieces(ctx context.Context, folder string, size int64) error {
	names, err := t.Place.List(ctx, folder)
	for _, name := range names {
		n, wrong := strconv.ParseInt(name, 10, 64)
		if wrong == nil && n*segmentSize >= size {
			err = errors.Join(err, t.Place.Remove(ctx, path.Join(folder, name)))
		}
	}
	return err
}

// atPlace returns how much of the anchors is at the place already, of which an earlier process brought so many pieces.
// It is nothing if the last whole piece is another, as after the file was replaced.
func (t *Travel) atPlace(ctx context.Context, file io.ReaderAt, folder string, pieces int) (int64, error) {
	whole := int64(pieces) - 1
	if whole < 1 {
		return 0, nil
	}
	there, err := t.Place.Get(ctx, path.Join(folder, fmt.Sprintf("%08d", whole-1)))
	if err != nil {
		return 0, err
	}
	here := make([]byte, segmentSize)
	if _, err := file.ReadAt(here, (whole-1)*segmentSize); err != nil || !bytes.Equal(here, there) {
		return 0, nil //nolint:nilerr // a shorter file is another one
	}
	return whole * segmentSize, nil
}

// pushKept brings answers that wait in the reserve.
func (t *Travel) pushKept(ctx context.Context, kept map[string][]byte) error {
	folder := path.Join(EpochFolder(t.epoch), reserveFolder)
	if t.slots == nil { // what an earlier process brought may not wait any more
		names, err := t.Place.List(ctx, folder)
		if err != nil {
			return err
		}
		t.slots = map[string][]byte{}
		for _, name := range names {
			t.slots[name] = nil
		}
	}
	for name, content := range kept {
		if bytes.Equal(t.slots[name], content) {
			continue
		}
		if err := t.Place.Put(ctx, path.Join(folder, name), content); err != nil {
			return err
		}
		t.slots[name] = content
	}
	return nil
}

// dropKept removes answers that do not wait any more.
func (t *Travel) dropKept(ctx context.Context, kept map[string][]byte) error {
	folder := path.Join(EpochFolder(t.epoch), reserveFolder)
	for name := range t.slots {
		if kept[name] != nil {
			continue
		}
		if err := t.Place.Remove(ctx, path.Join(folder, name)); err != nil {
			return err
		}
		delete(t.slots, name)
	}
	return nil
}

// Canary returns the newest canary at a place, nil if there is none.
func Canary(ctx context.Context, place Place) ([]byte, error) {
	latest, err := Latest(ctx, place)
	for n := latest.Number; n > 0 && err == nil; n-- {
		canary, missing := place.Get(ctx, path.Join(EpochFolder(n), canaryName))
		switch {
		case missing == nil:
			return canary, nil
		case !errors.Is(missing, fs.ErrNotExist):
			return nil, missing
		}
	}
	return nil, err
}

// Copied returns the last epoch, not after the given one, in which Litestream copied something; 0 for none.
func Copied(ctx context.Context, place Place, until int64) (int64, error) {
	for n := until; n > 0; n-- {
		switch names, err := place.List(ctx, DatabaseFolder(n)); {
		case err != nil:
			return 0, err
		case len(names) > 0:
			return n, nil
		}
	}
	return 0, nil
}

// Fetch writes the anchors and the kept answers of an epoch to new files.
func Fetch(ctx context.Context, place Place, epoch int64, anchors, reserve string) error {
	var all bytes.Buffer
	folder := path.Join(EpochFolder(epoch), anchorsFolder)
	names, err := place.List(ctx, folder)
	if err != nil {
		return err
	}
	for i, name := range names {
		if n, err := strconv.Atoi(name); err != nil || n != i {
			return fmt.Errorf("the anchors at %s lack a piece before %s", place, name)
		}
		piece, err := place.Get(ctx, path.Join(folder, name))
		if err != nil {
			return err
		}
		all.Write(piece)
	}
	if err := WriteFile(anchors, all.Bytes()); err != nil {
		return err
	}
	folder = path.Join(EpochFolder(epoch), reserveFolder)
	if names, err = place.List(ctx, folder); err != nil || len(names) == 0 {
		return err
	}
	if err := os.MkdirAll(reserve, 0o700); err != nil {
		return err
	}
	for _, name := range names {
		content, err := place.Get(ctx, path.Join(folder, name))
		if err != nil {
			return err
		}
		if err := WriteFile(filepath.Join(reserve, path.Base(name)), content); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes a file, in the place of one that may be there. It is on the disk once it returns.
func WriteFile(name string, content []byte) error {
	return folder{filepath.Dir(name)}.Put(context.Background(), filepath.Base(name), content)
}

// RestoringConfig returns a configuration for Litestream, in JSON, which is YAML too: it restores a database from the
// folder of an epoch.
func RestoringConfig(place Place, epoch int64, database string) ([]byte, error) {
	return litestreamConfig(database, place.Litestream(DatabaseFolder(epoch)), nil)
}

// ReplicatingConfig returns one that copies a database to the folder of an epoch, and is asked for it at a socket.
func ReplicatingConfig(place Place, epoch int64, database, socket string) ([]byte, error) {
	to := place.Litestream(DatabaseFolder(epoch))
	if at, ok := to["path"].(string); ok && to["type"] == "file" && runtime.GOOS != "windows" {
		link, err := linked(filepath.Dir(at), database)
		if err != nil {
			return nil, err
		}
		to["path"] = filepath.Join(link, filepath.Base(at))
	}
	return litestreamConfig(database, to, map[string]any{"enabled": true, "path": socket})
}

// litestreamConfig returns a configuration. Below zero, truncate-page-n has Litestream 0.5 never cut the log: that would
// hold up writers.
func litestreamConfig(database string, replica, socket map[string]any) ([]byte, error) {
	config := map[string]any{"dbs": []any{map[string]any{"path": database, "truncate-page-n": -1, "replica": replica}}}
	if socket != nil {
		config["socket"] = socket
	}
	raw, err := json.MarshalIndent(config, "", "  ")
	return append(raw, '\n'), err
}
