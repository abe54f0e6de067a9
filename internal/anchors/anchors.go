package anchors

import (
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"lineboard/internal/packaging"
)

// Store is the database that the histories are in.
type Store interface {
	Heads(ctx context.Context) ([]packaging.Head, error)
	Entry(ctx context.Context, in packaging.Scope, seq int64) (e packaging.Entry, follows bool, err error)
	EachEntryUp(ctx context.Context, tenant packaging.TenantID, do func(packaging.Entry) (more bool)) error
	AnchorLines(ctx context.Context) (int64, error)
	NoteAnchorLines(ctx context.Context, n int64) error
}

// The pace of a Keeper: a history's head is kept when it is Many entries ahead of what was kept last, or Long after that.
const (
	Many = 100
	Long = 5 * time.Minute
	look = 2 * time.Second // between two looks at the heads
)

// Keeper writes heads to the file of anchors while the program runs.
type Keeper struct {
	store Store
	file  file
	now   func() time.Time
	log   *slog.Logger

	number int64 // of the last line
	kept   map[packaging.TenantID]packaging.Anchor
}

// NewKeeper begins to keep heads in the file, which it makes where there is none. A history that is not what its last
// anchor says is logged at once; the program goes on, since a line must not stand still for it.
func NewKeeper(ctx context.Context, store Store, path string, now func() time.Time, log *slog.Logger) (*Keeper, error) {
	k := &Keeper{store: store, file: file{path: path}, now: now, log: log, kept: map[packaging.TenantID]packaging.Anchor{}}
	c, err := read(path)
	if err != nil {
		return nil, err
	}
	written, err := store.AnchorLines(ctx)
	if err != nil {
		return nil, err
	}
	if found := c.found(written); found.Lost > 0 {
		log.Error("anchors of the history are missing", "file", path, "missing", found.Lost, "written", written)
	}
	if c.torn {
		log.Warn("the last anchor was not written whole", "file", path)
	}
	// A file that was lost goes on with the number after it, so that the gap stays in sight.
	if k.number = max(written, c.last()); k.number > written { // the program died after it wrote to the file
		if err := store.NoteAnchorLines(ctx, k.number); err != nil {
			return nil, err
		}
	}
	for _, a := range c.anchors {
		k.kept[a.Tenant] = a
	}
	for _, a := range k.kept {
		if e, _, err := store.Entry(ctx, packaging.Everything(a.Tenant), a.Seq); err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return nil, err
		} else if e.Hash != a.Hash {
			log.Error("the history is not what its anchor says: run lineboard verify", "tenant", a.Slug, "entry", a.Seq, "anchor", a.Number)
			delete(k.kept, a.Tenant)
		}
	}
	if err := k.file.reopen(); err != nil {
		return nil, err
	}
	return k, nil
}

// Run keeps heads until ctx ends. A file that can't be written to is tried again.
func (k *Keeper) Run(ctx context.Context) error {
	failed := false
	for {
		err := k.KeepDue(ctx)
		if err != nil && ctx.Err() == nil && !failed {
			k.log.Error("the history's heads could not be kept", "file", k.file.path, "err", err)
		}
		failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(look):
		}
	}
}

// KeepDue keeps the heads that are [Many] entries or [Long] after what was kept last.
func (k *Keeper) KeepDue(ctx context.Context) error { return k.keep(ctx, k.due) }

// Keep keeps every head that is not kept yet.
func (k *Keeper) Keep(ctx context.Context) error {
	return k.keep(ctx, func(h packaging.Head, last packaging.Anchor) bool { return h.Seq != last.Seq })
}

// Close keeps every head, and ends.
func (k *Keeper) Close(ctx context.Context) error {
	err := k.Keep(ctx)
	if closed := k.file.close(); err == nil {
		err = closed
	}
	return err
}

func (k *Keeper) due(h packaging.Head, last packaging.Anchor) bool {
	return h.Seq >= last.Seq+Many || h.Seq != last.Seq && (last.Number == 0 || k.now().Sub(last.At).Abs() >= Long)
}

func (k *Keeper) keep(ctx context.Context, due func(packaging.Head, packaging.Anchor) bool) error {
	heads, err := k.store.Heads(ctx)
	if err != nil {
		return err
	}
	var anchors []packaging.Anchor
	for _, h := range heads {
		if due(h, k.kept[h.Tenant]) {
			anchors = append(anchors, packaging.Anchor{Head: h, Number: k.number + int64(len(anchors)) + 1, At: k.now()})
		}
	}
	if len(anchors) == 0 {
		return nil
	}
	if err := k.file.append(anchors); err != nil {
		return err
	}
	for _, a := range anchors {
		k.number, k.kept[a.Tenant] = a.Number, a
		k.log.Info("history anchored", "tenant", a.Slug, "entry", a.Seq, "hash", hex.EncodeToString(a.Hash[:]), "anchor", a.Number)
	}
	// After the file: where the program dies in between, the file has more lines than are known of, and none is missing.
	return k.store.NoteAnchorLines(ctx, k.number)
}

// Verifier checks histories against the file of anchors. It checks one at a time, since that takes a whole core.
type Verifier struct {
	store Store
	path  string
	one   chan struct{}
}

// NewVerifier makes a Verifier.
func NewVerifier(store Store, path string) *Verifier {
	return &Verifier{store, path, make(chan struct{}, 1)}
}

// Verify checks the whole history of a tenant.
func (v *Verifier) Verify(ctx context.Context, tenant packaging.TenantID) (packaging.Verdict, error) {
	select {
	case v.one <- struct{}{}:
		defer func() { <-v.one }()
	case <-ctx.Done():
		return packaging.Verdict{}, ctx.Err()
	}
	// First the known number, then the file, then the entries: what is written meanwhile is more than was asked for, and
	// never less.
	written, err := v.store.AnchorLines(ctx)
	if err != nil {
		return packaging.Verdict{}, err
	}
	c, err := read(v.path)
	if err != nil {
		return packaging.Verdict{}, err
	}
	check := packaging.NewChainCheck(tenant, c.of(tenant), c.found(written))
	if err := v.store.EachEntryUp(ctx, tenant, check.Add); err != nil {
		return packaging.Verdict{}, err
	}
	return check.Verdict(), nil
}
