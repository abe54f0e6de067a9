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
	all map[keptFor]*keptList
}

// keptFor is whose list it is, and for what: a person's last one for each order.
type keptFor struct {
	person packaging.UserID
	order  packaging.OrderID
}

type keptList struct {
	name   string
	packed []byte
	until  time.Time
	ends   *time.Timer // forgets it, also where nobody asks for it again
}

// keep keeps a list of a person for an order, and returns the name that it is asked for by: "" where there is no room.
func (k *keptLists) keep(whose keptFor, list string, now time.Time) (name string) {
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestSpeed) // the level is one
	_, _ = io.WriteString(w, list)                    // a buffer takes all
	_ = w.Close()
	digest := sha256.Sum256([]byte(list))
	name = hex.EncodeToString(digest[:])
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(whose)
	size := packed.Len()
	for _, other := range k.all {
		size += len(other.packed)
	}
	if size > maxKeptLists {
		return ""
	}
	if k.all == nil {
		k.all = map[keptFor]*keptList{}
	}
	kept := &keptList{name: name, packed: packed.Bytes(), until: now.Add(listKeptFor)}
	kept.ends = time.AfterFunc(listKeptFor, func() { k.end(whose, kept) })
	k.all[whose] = kept
	return name
}

// end forgets a list whose time is over, unless another one has its place.
func (k *keptLists) end(whose keptFor, kept *keptList) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all[whose] == kept {
		delete(k.all, whose)
	}
}

// give returns a list that was kept; ok is false if it is not kept any more.
func (k *keptLists) give(whose keptFor, name string, now time.Time) (list string, ok bool) {
	k.mu.Lock()
	kept := k.all[whose]
	k.mu.Unlock()
	if kept == nil || kept.name != name || !now.Before(kept.until) {
		return "", false
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(kept.packed)))
	return string(text), err == nil
}

// drop forgets a list.
func (k *keptLists) drop(whose keptFor) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(whose)
}

// forget drops a list. The caller holds the lock.
func (k *keptLists) forget(whose keptFor) {
	if kept := k.all[whose]; kept != nil {
		kept.ends.Stop()
		delete(k.all, whose)
	}
}
