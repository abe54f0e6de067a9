package packaging

import (
	"crypto/sha256"
	"slices"
	"time"
)

// Head is the newest entry of a tenant's history.
type Head struct {
	Tenant TenantID
	Slug   string // of the tenant
	Seq    int64  // 0 where the history is empty
	Hash   [sha256.Size]byte
}

// Anchor is a head as it was kept outside of the database: what a rewritten history can't have changed with it.
type Anchor struct {
	Head
	Number  int64 // counts from 1, over all tenants, without gaps
	At      time.Time
	Release *AnchoredRelease // that the entry is about, nil where it is about none
}

// BreakKind is what is wrong where a history is not what it was.
type BreakKind string

// The kinds.
const (
	ContentChanged   BreakKind = "content"
	EntriesMissing   BreakKind = "missing"
	EntryInserted    BreakKind = "inserted"
	OrderChanged     BreakKind = "order"
	HistoryTruncated BreakKind = "truncated" // the newest entries are gone: an anchor knows of them
	HistoryRewritten BreakKind = "rewritten" // hashes are right among themselves, but an anchor knows others
)

// BreakKinds are all of them.
var BreakKinds = []BreakKind{
	ContentChanged, EntriesMissing, EntryInserted, OrderChanged, HistoryTruncated, HistoryRewritten,
}

// Break is the first place where a history is not what it was: entries Seq to Until.
type Break struct {
	Kind       BreakKind
	Seq, Until int64
}

// AnchorsFound is what became of the anchors that were written.
type AnchorsFound struct {
	Lost       int64 // lines that were written and are not there
	Unreadable int64 // lines that can't be read: one where the power failed while it was written, or a changed one
	Gone       bool  // the file is not there at all, though something was written to it
}

// Verdict is what checking a tenant's history came to.
type Verdict struct {
	Head     Head  // of what was checked
	Break    Break // of no kind where the chain holds
	Compared int64 // anchors that the chain was compared with
	Anchors  AnchorsFound
	// ClockBack counts the entries whose time is before that of the entry before them: the server's clock was set back.
	// That breaks nothing, since the place in the chain says the order. FirstClockBack is the first of them.
	ClockBack, FirstClockBack int64
	Records                   []RecordFault // at most [MaxFaults]
	Schema                    []SchemaFault
	// Restores are the losses that the history itself admits: it holds without what they name.
	Restores []Loss
	// ByHand is what was done to records before the program wrote them again. The history says so itself, for ever.
	ByHand ByHand
}

// Faulty reports whether the data is not what it was: the chain does not hold, a record is not what its entry says, or
// the schema is not the program's own.
func (v Verdict) Faulty() bool { return v.Break.Kind != "" || len(v.Records) > 0 || len(v.Schema) > 0 }

// Whole reports whether the history and all records with it are proven to be what they were: nothing is faulty, and no
// anchor is missing.
func (v Verdict) Whole() bool { return !v.Faulty() && v.Anchors.Lost == 0 && !v.Anchors.Gone }

// String says the verdict as the history keeps it.
func (v Verdict) String() string {
	said := SaysHold.Of(v.Head.Seq)
	if v.Break.Kind != "" {
		said = SaysBroken.Of(v.Break.Kind, v.Break.Seq, v.Break.Until)
	}
	if v.Anchors.Gone || v.Anchors.Lost > 0 {
		said += "; " + SaysComparedMissing.Of(v.Compared, v.Anchors.Lost)
	} else {
		said += "; " + SaysCompared.Of(v.Compared)
	}
	if v.ClockBack > 0 {
		said += "; " + SaysClockBack.Of(v.ClockBack, v.FirstClockBack)
	}
	if n := len(v.Records); n > 0 {
		said += "; " + SaysRecordsDiffer.Of(n, v.Records[0])
	}
	if n := len(v.Schema); n > 0 {
		said += "; " + SaysSchemaDiffers.Of(n, v.Schema[0].Name+" "+string(v.Schema[0].Kind))
	}
	for _, l := range v.Restores {
		said += "; " + SaysRestored.Of(l.Seen.At.UTC().Format(time.RFC3339), l.From, l.Until)
	}
	if v.ByHand.Count > 0 {
		said += "; " + SaysFoundByHand.Of(v.ByHand.Count, v.ByHand.first())
	}
	return said
}

// ChainCheck checks a tenant's history: it is given all entries, the oldest first, and then asked for the verdict.
type ChainCheck struct {
	verdict  Verdict
	known    []Anchor     // of the tenant, by Seq
	anchors  []Anchor     // those of known that are not compared yet
	anchored int64        // the last entry that agreed with an anchor
	differ   []difference // where entries did not agree with theirs
	losses   []Loss       // that entries bind
	last     Entry        // the last one that holds
	next     *judged      // the one after it: it is judged when the one after that is known
}

// difference is an anchor whose entry has another hash.
type difference struct {
	anchor Anchor
	after  int64 // the last entry before it that agreed with an anchor
}

// NewChainCheck begins a check against the tenant's anchors, the oldest first. Losses that are admitted count as if the
// history named them.
func NewChainCheck(tenant TenantID, anchors []Anchor, found AnchorsFound, admitted ...Loss) *ChainCheck {
	return &ChainCheck{
		known: anchors, anchors: anchors, losses: admitted,
		verdict: Verdict{Head: Head{Tenant: tenant}, Anchors: found},
	}
}

// judged is an entry with the digest of its content.
type judged struct {
	Entry
	digest [sha256.Size]byte
}

// Add takes the next entry and what [Entry.Digest] gives for it. It says whether more are wanted: after a break, the
// rest tells nothing new.
func (c *ChainCheck) Add(e Entry, digest [sha256.Size]byte) bool {
	before := c.next
	c.next = &judged{e, digest}
	if before != nil {
		c.judge(*before, &e)
	}
	return c.verdict.Break.Kind == ""
}

// Verdict ends the check.
func (c *ChainCheck) Verdict() Verdict {
	v := &c.verdict
	if v.Break.Kind == "" && c.next != nil {
		c.judge(*c.next, nil)
	}
	c.next = nil
	v.Restores = c.proven()
	if v.Break.Kind == "" && len(c.anchors) > 0 { // those that are left are of entries that are not there
		v.Compared += int64(len(c.anchors))
		if gone := unexplained(c.anchors, v.Restores); len(gone) > 0 {
			v.Break = Break{HistoryTruncated, v.Head.Seq + 1, gone[len(gone)-1].Seq}
		}
		c.anchors = nil
	}
	for _, d := range c.differ {
		if len(unexplained([]Anchor{d.anchor}, v.Restores)) == 0 {
			continue
		}
		if rewritten := (Break{HistoryRewritten, d.after + 1, d.anchor.Seq}); v.Break.Kind == "" ||
			rewritten.Until < v.Break.Seq {
			v.Break = rewritten
		}
		break
	}
	return *v
}

// unexplained returns the anchors that no loss covers.
func unexplained(anchors []Anchor, losses []Loss) (rest []Anchor) {
	for _, a := range anchors {
		if !slices.ContainsFunc(losses, func(l Loss) bool { return l.Covers(a) }) {
			rest = append(rest, a)
		}
	}
	return rest
}

// proven returns the losses whose newest anchor is the one that they name, each once.
func (c *ChainCheck) proven() (proven []Loss) {
	for i, l := range c.losses {
		if !slices.ContainsFunc(c.losses[:i], l.is) && slices.ContainsFunc(c.known, l.names) {
			proven = append(proven, l)
		}
	}
	return proven
}

// judge says whether e follows the last entry that holds; after is the one behind it, nil at the end.
func (c *ChainCheck) judge(e judged, after *Entry) {
	if c.verdict.Break = c.broken(e, after); c.verdict.Break.Kind != "" {
		return
	}
	if e.At.Before(c.last.At) {
		if c.verdict.ClockBack++; c.verdict.ClockBack == 1 {
			c.verdict.FirstClockBack = e.Seq
		}
	}
	for len(c.anchors) > 0 && c.anchors[0].Seq <= e.Seq {
		c.verdict.Compared++
		if c.anchors[0].Hash == e.Hash {
			c.anchored = e.Seq
		} else {
			c.differ = append(c.differ, difference{c.anchors[0], c.anchored})
		}
		c.anchors = c.anchors[1:]
	}
	if l, ok := lossOf(e.Entry); ok && l.Tenant == e.TenantID {
		c.losses = append(c.losses, l)
	}
	c.verdict.ByHand.add(e.Entry)
	c.last = e.Entry
	c.verdict.Head.Seq, c.verdict.Head.Hash = e.Seq, e.Hash
}

// furthest is how far from its place an entry is looked for that was renumbered.
const furthest = 1000

// broken says what is wrong with e. Entries that were renumbered still have the hash of their old number, and all know
// the one that they were written after: that tells a change from a gap, and a gap from another order.
func (c *ChainCheck) broken(e judged, after *Entry) Break {
	place, whole := c.last.Seq+1, e.digest == e.Hash
	at := func(kind BreakKind, seq int64) Break { return Break{kind, seq, seq} }
	switch {
	case e.Seq > place:
		return Break{EntriesMissing, place, e.Seq - 1}
	case e.Seq < place:
		return at(EntryInserted, e.Seq)
	case whole && e.Prev == c.last.Hash:
		return Break{}
	case c.last.Seq > 0 && e.Prev == c.last.Prev && (whole || e.wasAt(e.Seq-1)):
		return at(EntryInserted, c.last.Seq) // e was written after the entry before it
	case whole && c.last.Seq > 0:
		return at(ContentChanged, c.last.Seq) // with a new hash of its own, which e does not know
	case whole:
		return at(ContentChanged, e.Seq)
	}
	for by := int64(1); by <= furthest; by++ {
		if !e.wasAt(e.Seq + by) {
			continue
		}
		if after != nil && !after.wasAt(after.Seq+by) {
			return at(OrderChanged, e.Seq) // the rest was not moved with it
		}
		return Break{EntriesMissing, e.Seq, e.Seq + by - 1}
	}
	if after != nil && after.Prev == c.last.Hash && after.wasAt(after.Seq-1) {
		return at(EntryInserted, e.Seq)
	}
	return at(ContentChanged, e.Seq)
}

// wasAt says whether the entry has the hash of another place in the history.
func (e Entry) wasAt(seq int64) bool {
	e.Seq = seq
	return e.Digest() == e.Hash
}
