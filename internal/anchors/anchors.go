package anchors

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// Store is the database that the histories are in.
type Store interface {
	Tenants(ctx context.Context) ([]packaging.Tenant, error)
	Tenant(ctx context.Context, id packaging.TenantID) (packaging.Tenant, error)
	Losses(ctx context.Context) ([]packaging.Loss, error)
	Heads(ctx context.Context) ([]packaging.Head, error)
	Hashes(ctx context.Context, tenant packaging.TenantID, entries []int64) (map[int64][sha256.Size]byte, error)
	Entry(ctx context.Context, in packaging.Scope, seq int64) (e packaging.Entry, follows bool, err error)
	EachEntryUp(
		ctx context.Context, tenant packaging.TenantID, do func(
			e packaging.Entry, digest [sha256.Size]byte,
		) (more bool),
	) error
	AnchorLines(ctx context.Context) (int64, error)
	NoteAnchorLines(ctx context.Context, n int64) error
	RecordFaults(ctx context.Context, tenant packaging.TenantID) ([]packaging.RecordFault, error)
	ListFaults(
		ctx context.Context, tenant packaging.TenantID, progress func(done, all int),
	) ([]packaging.RecordFault, error)
	IndexFaults(ctx context.Context) ([]packaging.RecordFault, error)
	SchemaFaults(ctx context.Context) ([]packaging.SchemaFault, error)
}

// A Writer anchors a history's head when it is MaxEntries entries ahead of its last anchor, or MaxAge after it.
const (
	MaxEntries   = 100
	MaxAge       = 5 * time.Minute
	pollInterval = 2 * time.Second // between two reads of the heads
)

// Writer writes the heads of histories to the file of anchors while the program runs. Only one goroutine may use it
// at a time.
type Writer struct {
	store Store
	file  file
	now   func() time.Time
	log   *slog.Logger

	mu     sync.Mutex
	number int64                                   // of the last line
	noted  int64                                   // number that the database knows
	last   map[packaging.TenantID]packaging.Anchor // of each tenant
	slugs  map[packaging.TenantID]string
	failed error // of the last write
}

// NewWriter returns a Writer that appends to the file. It creates the file if there is none, and fails if the file
// can't be read or written. If a history does not match its last anchor, it logs that and goes on: packaging must not
// stop.
func NewWriter(ctx context.Context, store Store, path string, now func() time.Time, log *slog.Logger) (*Writer, error) {
	w := &Writer{
		store: store, file: file{path: path}, now: now, log: log, last: map[packaging.TenantID]packaging.Anchor{},
		slugs: map[packaging.TenantID]string{},
	}
	c, err := readTail(path)
	if err != nil {
		return nil, err
	}
	written, err := store.AnchorLines(ctx)
	if err != nil {
		return nil, err
	}
	if c.torn {
		log.Warn("the last anchor was not written whole", "file", path)
	}
	// If the file was lost, the numbers go on after it: the gap stays visible.
	if w.number = max(written, c.last()); w.number > written { // the program died after it wrote to the file
		if err := store.NoteAnchorLines(ctx, w.number); err != nil {
			return nil, err
		}
	}
	w.noted = w.number
	known, err := store.Losses(ctx)
	if err != nil {
		return nil, err
	}
	for _, group := range byTenant(c.anchors, known) {
		newest := group[len(group)-1]
		w.last[newest.Tenant] = newest.Anchor
	}
	for _, a := range w.last {
		e, _, err := store.Entry(ctx, packaging.Everything(a.Tenant), a.Seq)
		if err != nil && packaging.CodeOf(err) != packaging.NotFound {
			return nil, err
		}
		if e.Hash != a.Hash {
			log.Error("the history is not what its anchor says: run lineboard verify",
				"tenant", a.Slug, "entry", a.Seq, "anchor", a.Number)
			delete(w.last, a.Tenant)
		}
	}
	if err := w.file.reopen(); err != nil {
		return nil, err
	}
	return w, nil
}

// Run writes the heads that are due until ctx ends, and returns nil. If the file can't be written, it tries again.
func (w *Writer) Run(ctx context.Context) error {
	for {
		if err := w.WriteDue(ctx); err != nil && ctx.Err() == nil {
			w.log.Error("the history's heads could not be kept", "file", w.file.path, "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollInterval):
		}
	}
}

// WriteDue writes the heads that are [MaxEntries] entries or [MaxAge] ahead of their last anchor.
func (w *Writer) WriteDue(ctx context.Context) error { return w.write(ctx, w.due) }

// WriteAll writes every head that has moved since its last anchor.
func (w *Writer) WriteAll(ctx context.Context) error {
	return w.write(ctx, func(h packaging.Head, last packaging.Anchor) bool { return h.Seq > last.Seq })
}

// Close writes every head as WriteAll does, and closes the file.
func (w *Writer) Close(ctx context.Context) error {
	return errors.Join(w.WriteAll(ctx), w.file.close())
}

// Err returns why the last anchor could not be written, or nil.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// WriteReleases anchors entries about releases, and returns once they are on the disk.
func (w *Writer) WriteReleases(ctx context.Context, entries []packaging.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var anchors []packaging.Anchor
	for _, e := range entries {
		slug, err := w.slug(ctx, e.TenantID)
		if err != nil {
			return err
		}
		anchors = append(anchors, packaging.Anchor{
			Head:    packaging.Head{Tenant: e.TenantID, Slug: slug, Seq: e.Seq, Hash: e.Hash},
			Release: releaseOf(e),
		})
	}
	return w.append(anchors)
}

// Ready returns why the anchors of a release could not be written now, or nil.
func (w *Writer) Ready() error { return w.file.ready() }

// releaseOf returns what an anchor says of the release that an entry is about.
func releaseOf(e packaging.Entry) *packaging.AnchoredRelease {
	return &packaging.AnchoredRelease{
		Deed: e.Deed, ID: e.ReleaseID, At: e.At, Requested: requestedOf(e), OrderKey: e.OrderKey,
		LineCode: e.LineCode, LineName: e.LineName,
		Username: e.By.Username, FullName: e.By.FullName, Outcome: e.Outcome, Serials: e.Serials,
		Proof: e.Proof, Status: e.Status,
	}
}

// requestedOf returns when the release of an entry was requested. A request itself has that time.
func requestedOf(e packaging.Entry) time.Time {
	if e.Deed == packaging.ReleaseRequested {
		return e.At
	}
	return e.Requested
}

func (w *Writer) slug(ctx context.Context, id packaging.TenantID) (string, error) {
	if w.slugs[id] == "" {
		t, err := w.store.Tenant(ctx, id)
		if err != nil {
			return "", err
		}
		w.slugs[id] = t.Slug
	}
	return w.slugs[id], nil
}

func (w *Writer) due(h packaging.Head, last packaging.Anchor) bool {
	if h.Seq >= last.Seq+MaxEntries {
		return true
	}
	old := last.Number == 0 || w.now().Sub(last.At).Abs() >= MaxAge // also if the clock was set back
	return h.Seq > last.Seq && old
}

func (w *Writer) write(ctx context.Context, due func(packaging.Head, packaging.Anchor) bool) error {
	heads, err := w.store.Heads(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var anchors []packaging.Anchor
	for _, h := range heads {
		if due(h, w.last[h.Tenant]) {
			anchors = append(anchors, packaging.Anchor{Head: h})
		}
	}
	if err := w.append(anchors); err != nil || w.number == w.noted {
		return err
	}
	// After the file: if the program dies in between, the file has more lines than the database knows of, never fewer.
	if err := w.store.NoteAnchorLines(ctx, w.number); err != nil {
		return err
	}
	w.noted = w.number
	return nil
}

// append numbers anchors and appends them to the file. The caller holds w.mu.
func (w *Writer) append(anchors []packaging.Anchor) error {
	if len(anchors) == 0 {
		return nil
	}
	for i := range anchors {
		anchors[i].Number, anchors[i].At = w.number+int64(i)+1, w.now()
	}
	if w.failed = w.file.append(anchors); w.failed != nil {
		w.log.Error("the history could not be anchored", "file", w.file.path, "err", w.failed)
		return w.failed
	}
	for _, a := range anchors {
		w.number = a.Number
		if a.Seq >= w.last[a.Tenant].Seq {
			w.last[a.Tenant] = a
		}
		w.log.Info("history anchored",
			"tenant", a.Slug, "entry", a.Seq, "hash", hex.EncodeToString(a.Hash[:]), "anchor", a.Number)
	}
	return nil
}

// Verifier checks histories against the file of anchors. It checks one at a time, since a check keeps a whole core
// busy.
type Verifier struct {
	store Store
	path  string
	slot  chan struct{} // held during a check
}

// NewVerifier returns a Verifier.
func NewVerifier(store Store, path string) *Verifier {
	return &Verifier{store: store, path: path, slot: make(chan struct{}, 1)}
}

// IndexFaults checks the indexes, which all tenants share. Who goes over all tenants checks them once.
func (v *Verifier) IndexFaults(ctx context.Context) ([]packaging.RecordFault, error) {
	return v.store.IndexFaults(ctx)
}

// VerifyAll checks the whole history of a tenant, all its records with the serial lists, and the schema. indexes are
// what [Verifier.IndexFaults] found just now. Losses that are admitted count as if the history named them: nobody has
// acknowledged them yet. progress is told how many of how many lists are done. It fails as Verify does.
func (v *Verifier) VerifyAll(
	ctx context.Context, tenant packaging.TenantID, indexes []packaging.RecordFault, admitted []packaging.Loss,
	progress func(done, all int),
) (packaging.Verdict, error) {
	verdict, err := v.verify(ctx, tenant, admitted)
	if err != nil {
		return verdict, err
	}
	lists, err := v.store.ListFaults(ctx, tenant, progress)
	if err != nil {
		return verdict, err
	}
	verdict.Records = slices.Concat(verdict.Records, lists, indexes)
	return verdict, nil
}

// Verify checks the whole history of a tenant, its records but for serial lists, and the schema. It fails if the
// history or the file can't be read, or when ctx ends.
func (v *Verifier) Verify(ctx context.Context, tenant packaging.TenantID) (packaging.Verdict, error) {
	return v.verify(ctx, tenant, nil)
}

func (v *Verifier) verify(
	ctx context.Context, tenant packaging.TenantID, admitted []packaging.Loss,
) (packaging.Verdict, error) {
	select {
	case v.slot <- struct{}{}:
		defer func() { <-v.slot }()
	case <-ctx.Done():
		return packaging.Verdict{}, ctx.Err()
	}
	// First the known number, then the file, then the entries: what is written meanwhile adds to what is checked, and
	// is never missing from it.
	written, err := v.store.AnchorLines(ctx)
	if err != nil {
		return packaging.Verdict{}, err
	}
	c, err := read(v.path)
	if err != nil {
		return packaging.Verdict{}, err
	}
	slug := ""
	if t, err := v.store.Tenant(ctx, tenant); err == nil {
		slug = t.Slug
	}
	check := packaging.NewChainCheck(tenant, c.of(tenant, slug), c.found(written), admitted...)
	if err := v.store.EachEntryUp(ctx, tenant, check.Add); err != nil {
		return packaging.Verdict{}, err
	}
	verdict := check.Verdict()
	if verdict.Records, err = v.store.RecordFaults(ctx, tenant); err != nil {
		return packaging.Verdict{}, err
	}
	verdict.Schema, err = v.store.SchemaFaults(ctx)
	return verdict, err
}

// VerifyLists compares the serial lists of a tenant with the history, and checks the indexes. progress is told how many
// of how many lists are done. It fails as Verify does.
func (v *Verifier) VerifyLists(
	ctx context.Context, tenant packaging.TenantID, progress func(done, all int),
) ([]packaging.RecordFault, error) {
	faults, err := v.store.ListFaults(ctx, tenant, progress)
	if err != nil {
		return nil, err
	}
	hidden, err := v.store.IndexFaults(ctx)
	return append(faults, hidden...), err
}
