package orders

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

const (
	listKeptFor  = 15 * time.Minute
	maxKeptLists = 64 << 20 // bytes of all, packed
)

// keptLists are odd lists that wait to be confirmed and are too long to be shown again. They are in memory: after a
// restart a list is given again.
type keptLists struct {
	mu  sync.Mutex
	all map[packaging.UserID]keptList // a person's last one
}

type keptList struct {
	order  packaging.OrderID
	name   string
	packed []byte
	until  time.Time
}

// keep keeps a list of a person for an order, and returns the name that it is asked for by: "" where there is no room.
func (k *keptLists) keep(by packaging.UserID, order packaging.OrderID, list string, now time.Time) (name string) {
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestSpeed) // the level is one
	_, _ = io.WriteString(w, list)                    // a buffer takes all
	_ = w.Close()
	digest := sha256.Sum256([]byte(list))
	name = hex.EncodeToString(digest[:])
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.all, by)
	size := packed.Len()
	for person, other := range k.all {
		if size += len(other.packed); !now.Before(other.until) {
			size -= len(other.packed)
			delete(k.all, person)
		}
	}
	if size > maxKeptLists {
		return ""
	}
	if k.all == nil {
		k.all = map[packaging.UserID]keptList{}
	}
	k.all[by] = keptList{order, name, packed.Bytes(), now.Add(listKeptFor)}
	return name
}

// give returns a list that was kept; ok is false if it is not kept any more.
func (k *keptLists) give(
	by packaging.UserID, order packaging.OrderID, name string, now time.Time,
) (list string, ok bool) {
	k.mu.Lock()
	kept := k.all[by]
	k.mu.Unlock()
	if kept.order != order || kept.name != name || !now.Before(kept.until) {
		return "", false
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(kept.packed)))
	return string(text), err == nil
}

// drop forgets what was kept for a person.
func (k *keptLists) drop(by packaging.UserID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.all, by)
}
