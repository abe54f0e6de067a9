package packaging

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AnchoredRelease is what an anchor says of the release that its entry is about, so that the release can be named when
// its record is lost.
type AnchoredRelease struct {
	Deed      Deed // [ReleaseRequested], or what became of it
	ID        ReleaseID
	At        time.Time // of the entry
	Requested time.Time // of the release; zero in an anchor of an earlier Lineboard
	Proof     Proof     // of its outcome; none where nothing proves it of this release alone, or in an earlier anchor
	Status    Status    // with ByStatus: which proves it
	OrderKey  string
	LineCode  string
	LineName  string
	Username  string // of the entry's author
	FullName  string
	Outcome   Outcome // none in a request
	Serials   int64
}

// LostRelease is a release that was requested here and whose record is lost, as a whole or from its outcome on.
type LostRelease struct {
	AnchoredRelease       // its request, or its outcome where that alone is lost
	Entry           int64 // the number that this had in the history
	Anchor          int64 // number of the anchor that tells of it
	Ended           Outcome
	EndedAt         time.Time // zero while no outcome is known
	Proof           Proof     // of the outcome, of this release alone
	Status          Status    // with ByStatus: which proves it
	Serials         int64     // how many came, as far as anchors tell
}

// Learn takes in what one more anchor says of how the release ended. What was proven of it stays: a release that stands
// for it since may stand for others too.
func (l *LostRelease) Learn(a AnchoredRelease) {
	if l.Proof == NoProof || a.Proof != NoProof {
		l.Ended, l.EndedAt, l.Proof, l.Status = a.Outcome, a.At, a.Proof, a.Status
	}
	if l.Ended == a.Outcome {
		l.Serials = max(l.Serials, a.Serials)
	}
}

// OutcomeAlone says that the request of the release is here, and that the record of what became of it is lost.
func (l LostRelease) OutcomeAlone() bool { return l.Deed != ReleaseRequested }

// Known returns the outcome that is known of the release, none where no anchor tells of one that anything supports: a
// refusal in words that prove nothing may be of a release that the line has.
func (l LostRelease) Known() Outcome {
	if l.Ended == Refused && l.Proof == NoProof {
		return ""
	}
	return l.Ended
}

// EndLost ends a release that stands for a lost one: its outcome is unknown. Where another lost release of the order
// followed, this one had ended before, since an order is out once at a time: it ends as its anchor proves, or by the
// sign or the word that its anchor tells. Without a proof, nothing says that it was released or refused: the anchor may
// be of a record that stood for both releases after an earlier restore.
func (r *Release) EndLost(lost LostRelease, followed bool) {
	r.Outcome, r.Reason, r.Proof = Unknown, RecordLost, NoProof
	r.SettledBy, r.SettledWhy, r.Closed = "", "", time.Time{}
	switch {
	case !followed:
	case lost.Ended == SaidPending:
		r.Outcome, r.Proof = Refused, ByStatus
	case lost.Ended == SaidNotReleased:
		r.Outcome, r.Proof = Refused, ByPerson
	case lost.Proof == NoProof:
	case lost.Ended == Refused:
		r.Outcome, r.Proof, r.Answered = Refused, lost.Proof, lost.EndedAt
	case lost.Ended == Released:
		r.Outcome, r.Reason, r.Proof, r.Status, r.Answered = Released, NoReason, lost.Proof, lost.Status, lost.EndedAt
		if lost.Proof == ByStatus {
			r.Settled = lost.EndedAt
		}
	}
}

// WhyLost stands for the reason of a second release whose record is lost.
const WhyLost = "lost with its record"

// LossID names a loss.
type LossID int64

// Loss is a part of a history that its anchors know and the database does not: the database went back in time, as one
// does that was restored.
type Loss struct {
	ID          LossID
	Tenant      TenantID // whose history it is
	Slug        string   // of the tenant
	From, Until int64    // entries that are lost
	First       int64    // number of the oldest anchor of what is lost
	Anchor      int64    // number of the newest one
	Hash        [sha256.Size]byte
	Found       time.Time
	Accepted    bool // the program was told to start in spite of it
	Releases    []LostRelease
	Seen        Acknowledgement // by an administrator
}

// Covers reports whether the loss explains that the history lacks what an anchor says.
func (l Loss) Covers(a Anchor) bool {
	return a.Tenant == l.Tenant && a.Number >= l.First && a.Number <= l.Anchor && a.Seq >= l.From && a.Seq <= l.Until
}

// names reports whether an anchor is the newest one of what is lost.
func (l Loss) names(a Anchor) bool { return a.Number == l.Anchor && a.Hash == l.Hash }

func (l Loss) is(other Loss) bool { return l.Anchor == other.Anchor && l.Hash == other.Hash }

// Entry returns the entry by which a deed of the history names the loss for ever: [HistoryLost], [LossAccepted] or
// [LossAcknowledged].
func (l Loss) Entry(deed Deed, by Author) Entry {
	return Entry{
		By: by, Deed: deed, Object: SaysHistory.Of(l.Tenant, l.Slug),
		Old: SaysLost.Of(l.From, l.Until),
		New: fmt.Sprintf("anchors %d to %d %x", l.First, l.Anchor, l.Hash),
	}
}

// lossOf returns the loss that an entry binds, and whether it binds one.
func lossOf(e Entry) (l Loss, ok bool) {
	if e.Deed != LossAccepted && e.Deed != LossAcknowledged {
		return l, false
	}
	object, old, said := strings.Fields(e.Object), strings.Fields(e.Old), strings.Fields(e.New)
	if len(object) != 5 || len(old) != 4 || len(said) != 5 {
		return l, false
	}
	var numbers [5]int64
	for i, text := range []string{object[3], old[1], old[3], said[1], said[3]} {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return l, false
		}
		numbers[i] = n
	}
	hash, err := hex.DecodeString(said[4])
	if err != nil || len(hash) != len(l.Hash) {
		return l, false
	}
	l.Tenant, l.Slug = TenantID(numbers[0]), object[4]
	l.From, l.Until, l.First, l.Anchor = numbers[1], numbers[2], numbers[3], numbers[4]
	l.Seen = Acknowledgement{By: e.By.FullName, At: e.At, Comment: e.Comment}
	copy(l.Hash[:], hash)
	return l, true
}
