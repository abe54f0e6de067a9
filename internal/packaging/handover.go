package packaging

import (
	"cmp"
	"strings"
	"time"
)

// HandoverID is our key of a hand-over.
type HandoverID int64

// Handover is a shift as one person handed it over to the next: what was open then, each thing an item.
type Handover struct {
	ID       HandoverID
	TenantID TenantID
	Day      Day
	Shift    string
	Begin    time.Time // of the shift
	Until    time.Time
	At       time.Time
	By       Author
	Human    UserID // the account that stands for By, 0 where it is their own
	Remarks  string
	Items    []HandoverItem
	Taken    *Takeover // nil while nobody took it over
}

// Takeover is that another person took a shift over.
type Takeover struct {
	At      time.Time
	By      Author
	Remarks string
}

// ItemKind is what is open.
type ItemKind string

// The kinds, in the order in which they are listed.
const (
	UnknownOutcome ItemKind = "unknown"   // a release whose outcome is not known
	OddList        ItemKind = "odd"       // a list that is missing or odd, or late at its line
	SuspendedOrder ItemKind = "suspended" // an order
	RunningRelease ItemKind = "sending"   // an order whose release is under way
	RunningQueue   ItemKind = "queue"     // of a line
	WaitingOrder   ItemKind = "waiting"   // an order in Pending release
	ShiftNote      ItemKind = "note"      // that was written in the shift
)

// ItemKinds are all of them.
var ItemKinds = []ItemKind{
	UnknownOutcome, OddList, SuspendedOrder, RunningRelease, RunningQueue, WaitingOrder, ShiftNote,
}

// NeedsPerson says whether somebody must acknowledge such an item. What simply waits, or runs, needs nobody.
func (k ItemKind) NeedsPerson() bool {
	return k != RunningRelease && k != RunningQueue && k != WaitingOrder
}

// HandoverItem is one thing that was open when a shift was handed over.
type HandoverItem struct {
	Place    int // from 1
	Kind     ItemKind
	Line     Line
	OrderID  OrderID
	OrderKey string
	NoteID   NoteID
	Words    string // the product and lot of an order, the words of a note, the orders of a queue
	Since    time.Time
	Release  ReleaseID // the latest one of the order, 0 for none
	// NotYetCopied says that the copy of the database may lack that release.
	NotYetCopied bool

	From    ItemRef   // the item of an earlier hand-over that nobody acknowledged, and that this one carries on
	Acked   time.Time // when another person acknowledged it, zero where nobody did
	AckBy   string
	Carried bool // nobody acknowledged it, and a later hand-over carries it on
}

// ItemRef names an item of a hand-over.
type ItemRef struct {
	Handover HandoverID
	Place    int
}

// Open says that somebody must acknowledge the item, and nobody did yet.
func (i HandoverItem) Open() bool { return i.Kind.NeedsPerson() && i.Acked.IsZero() && !i.Carried }

// ToDestination begins the words of a list that the line has not taken. The destinations follow.
const ToDestination = "→ "

// Untaken says that the item is a list that the line has not taken, and not one that is odd itself.
func (i HandoverItem) Untaken() bool {
	return i.Kind == OddList && strings.HasPrefix(i.Words, ToDestination)
}

// same says whether two items are about the same thing.
func (i HandoverItem) same(other HandoverItem) bool {
	return i.Kind == other.Kind && i.OrderID == other.OrderID && i.NoteID == other.NoteID &&
		i.Line.Code == other.Line.Code
}

// Carry returns what is open now together with what earlier hand-overs left. An item about the same thing carries the
// earlier one on. What is left of other things stays as it was.
func Carry(now []HandoverItem, left []HandoverItem) (items []HandoverItem) {
	items = append(items, now...)
next:
	for _, l := range left {
		for i := range items {
			if items[i].From == (ItemRef{}) && items[i].same(l) {
				items[i].From = l.From
				if l.Since.Before(items[i].Since) {
					items[i].Since = l.Since
				}
				continue next
			}
		}
		items = append(items, l)
	}
	for i := range items {
		items[i].Place, items[i].Acked, items[i].AckBy = i+1, time.Time{}, ""
	}
	return items
}

// ToAcknowledge returns how many of its items somebody must acknowledge.
func (h Handover) ToAcknowledge() (n int) {
	for _, i := range h.Items {
		if i.Kind.NeedsPerson() {
			n++
		}
	}
	return n
}

// OpenItems are those that nobody acknowledged.
func (h Handover) OpenItems() (open []HandoverItem) {
	for _, i := range h.Items {
		if i.Open() {
			open = append(open, i)
		}
	}
	return open
}

func (h Handover) byAnother(p Person) bool { return cmp.Or(h.Human, h.By.ID) != p.human() }

// MayTakeOver says whether the person may take the shift over: another person, once.
func (h Handover) MayTakeOver(p Person) bool {
	return h.Taken == nil && h.byAnother(p) && p.May(HandOver)
}

// MayAcknowledge says whether the person may acknowledge what was left when the shift was taken over.
func (h Handover) MayAcknowledge(p Person) bool {
	return h.Taken != nil && h.byAnother(p) && p.May(HandOver)
}
