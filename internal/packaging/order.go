package packaging

import (
	"math/big"
	"regexp"
	"time"
	"unicode/utf8"
)

// MaxOrderKey is the longest order ID that the API accepts, in characters (documented for details: 1 to 255).
const MaxOrderKey = 255

// Facts are what the API says about a packaging order. A field that the API did not give is empty. Quantity,
// ExtraPercent and Expiry hold the understood form (a plain decimal number, YYYY-MM-DD), or the text as it was received
// where it was not understood.
type Facts struct {
	Key          string // the vendor's order_id
	LineCode     string
	LineName     string
	Product      string
	GTIN         string
	Lot          string
	Expiry       string
	Quantity     string
	ExtraPercent string
	Status       Status
	Raw          []byte // the element of the answer, as received but for credentials
	Detailed     bool   // its details were had too, and what they add is filled in

	// Serials are those that details give of an order (assumed: whether they do is not documented).
	Serials []string
	Leaks   int64 // how many of them hold a credential of the connection
}

// Complete says whether everything that a supervisor decides on is there, so that details need not be asked.
func (f Facts) Complete() bool {
	return f.Product != "" && f.GTIN != "" && f.Lot != "" && f.Expiry != "" && f.Quantity != "" &&
		f.ExtraPercent != "" && f.Status != "" && f.LineCode != ""
}

// FilledFrom is f with each field that f lacks taken from other. Raw stays f's own.
func (f Facts) FilledFrom(other Facts) Facts {
	fill := func(to *string, from string) {
		if *to == "" {
			*to = from
		}
	}
	fill(&f.LineCode, other.LineCode)
	fill(&f.LineName, other.LineName)
	fill(&f.Product, other.Product)
	fill(&f.GTIN, other.GTIN)
	fill(&f.Lot, other.Lot)
	fill(&f.Expiry, other.Expiry)
	fill(&f.Quantity, other.Quantity)
	fill(&f.ExtraPercent, other.ExtraPercent)
	if f.Status == "" {
		f.Status = other.Status
	}
	return f
}

// Order is a packaging order in the local cache.
type Order struct {
	ID       OrderID
	TenantID TenantID
	Facts
	Line      Line      // zero where the order has no line that we know
	LineSetBy string    // who set the line here, empty where it is as the API says
	LineSetAt time.Time // zero if it is as the API says

	Revision  int64     // grows with every change of what is shown, so that a release can name what it was decided on
	FirstSeen time.Time // when the cache first learnt of it
	AsOf      time.Time // when the API last confirmed what is here
	Gone      bool      // the API answered that it does not know the order any more
	// NotYetKnown says that only an import knows of the order: the API has not listed it yet, so that it has no status.
	NotYetKnown bool
	Withdrawn   Withdrawal // of an order that is not yet known

	Release *Release // the latest try to release it, nil before the first
}

// SerialsExpected is how many serial numbers a release of the order should bring: quantity plus extra percentage,
// rounded up (assumed: the rounding is not documented). It is not known if either was not understood, or if the number
// is too large to count; a missing extra percentage counts as none.
func (f Facts) SerialsExpected() (n int64, known bool) {
	quantity, ok := decimal(f.Quantity)
	if !ok {
		return 0, false
	}
	extra := new(big.Rat)
	if f.ExtraPercent != "" {
		if extra, ok = decimal(f.ExtraPercent); !ok {
			return 0, false
		}
	}
	factor := extra.Add(extra, big.NewRat(100, 1)).Quo(extra, big.NewRat(100, 1))
	total := quantity.Mul(quantity, factor)
	up := new(big.Int).Add(total.Num(), new(big.Int).Sub(total.Denom(), big.NewInt(1)))
	if up.Div(up, total.Denom()); !up.IsInt64() {
		return 0, false
	}
	return up.Int64(), true
}

// A quantity beyond twelve digits is no quantity of packs; the bound keeps the arithmetic small.
var decimalForm = regexp.MustCompile(`^\d{1,12}(\.\d{1,6})?$`)

func decimal(s string) (*big.Rat, bool) {
	if !decimalForm.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// ExpiryDate is the expiry as a date, if it was understood.
func (f Facts) ExpiryDate() (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, f.Expiry)
	return t, err == nil
}

// Obstacle is why an order can't be released to its line.
type Obstacle string

// The obstacles, in the order in which they are named.
const (
	NoObstacle      Obstacle = ""
	BeingReleased   Obstacle = "being_released"    // a release of it is under way
	OutcomeUnknown  Obstacle = "outcome_unknown"   // the outcome of a release of it is not known
	AlreadyReleased Obstacle = "already_released"  // Lineboard released it before
	NotReleasedHere Obstacle = "not_released_here" // for one more release: none that reached the line is recorded
	NotLookedAt     Obstacle = "not_looked_at"     // the same: nobody has acknowledged what is odd about the one before
	// a release of it was requested, its record was lost, and nobody has looked
	ReleaseWasLost Obstacle = "release_was_lost"
	WasWithdrawn   Obstacle = "withdrawn"     // only an import told of it, and a person withdrew it
	NotYetKnown    Obstacle = "not_yet_known" // the API has not told of it yet, only an import has
	OrderGone      Obstacle = "order_gone"    // the API does not know it any more
	KeyUnusable    Obstacle = "key_unusable"  // its order ID has a length that the API does not accept
	NotPending     Obstacle = "not_pending"   // its status is not Pending release
)

// ReleaseObstacle says what stands between the order and a first release, as far as the cache knows.
func (o Order) ReleaseObstacle() Obstacle {
	switch {
	case o.Release == nil:
	case o.Release.Outcome == Sending:
		return BeingReleased
	case o.Release.Outcome == Unknown:
		return OutcomeUnknown
	case o.WasReleased():
		return AlreadyReleased
	case o.AwaitsLook():
		return ReleaseWasLost
	}
	return o.standsBetween()
}

// AwaitsLook reports whether the latest release stands for one whose record was lost, and nobody has looked at it.
func (o Order) AwaitsLook() bool {
	return o.Release != nil && o.Release.Lost && !o.Release.Seen.Given()
}

// AgainObstacle says what stands between an order that was released from here and one more release. That is for an
// order which the API says waits for its release again, once a person has looked at what became of the one before.
func (o Order) AgainObstacle() Obstacle {
	switch {
	case o.Release != nil && o.Release.Outcome == Sending:
		return BeingReleased
	case o.Release != nil && o.Release.Outcome == Unknown:
		return OutcomeUnknown
	case !o.WasReleased():
		return NotReleasedHere
	case o.Release.Round >= MaxRounds:
		return AlreadyReleased
	case o.NeedsLook(): // as one whose record was lost does
		return NotLookedAt
	case o.Release.Outcome == Released && !o.SetBack():
		return AlreadyReleased
	}
	return o.standsBetween()
}

// MaxRounds is how often an order can be released once more, by how lists are stored.
const MaxRounds = 127

// WasReleased reports whether a release of the order is recorded that reached the line.
func (o Order) WasReleased() bool {
	return o.Release != nil && (o.Release.Outcome == Released || o.Release.Round > 0)
}

// NextNumber is the number of a release that would come now (see [Release.Number]).
func (o Order) NextNumber() int {
	switch r := o.Release; {
	case r == nil:
		return 1
	case r.Outcome == Released:
		return r.Number() + 1
	default:
		return r.Number()
	}
}

// SetBack reports whether the API says that the order waits for its release, although it was released from here and the
// API has said otherwise since. What a person said of a release without a list is opened again by that instead.
func (o Order) SetBack() bool {
	r := o.Release
	return r != nil && r.Outcome == Released && !(r.Proof == ByPerson && r.ListMissing()) &&
		(o.Status == PendingRelease || o.Status == Open) && o.AsOf.After(r.Ended())
}

// standsBetween says what of the order itself stands between it and a release.
func (o Order) standsBetween() Obstacle {
	switch n := utf8.RuneCountInString(o.Key); {
	case o.Withdrawn.Given():
		return WasWithdrawn
	case o.NotYetKnown:
		return NotYetKnown
	case o.Gone:
		return OrderGone
	case n < 1 || n > MaxOrderKey:
		return KeyUnusable
	case !o.Status.Releasable():
		return NotPending
	}
	return NoObstacle
}

// APILine is the order's line as the API names it: its code, or its name where it gives no code.
func (f Facts) APILine() string {
	if f.LineCode == "" {
		return f.LineName
	}
	return f.LineCode
}

// LineMayBegin reports whether the line may not have begun with the order yet, as far as its status tells, while its
// list is here. In progress says that the order is out, not that the line runs; Suspended and Done say that it did.
func (o Order) LineMayBegin() bool {
	isListed := o.Release != nil && o.Release.Serials > 0
	return isListed && !o.Gone && (o.Status == Open || o.Status == PendingRelease || o.Status == InProgress)
}

// LineFixed says that the order's line must stay as it is: a release of it is under way, or its outcome is not known.
func (o Order) LineFixed() bool {
	return o.Release != nil && (o.Release.Outcome == Sending || o.Release.Outcome == Unknown)
}

// MayAddList says whether a person may add the order's serial list: the order is out, and no list of it is here.
func (o Order) MayAddList() bool {
	if o.Release != nil {
		switch o.Release.Outcome {
		case Released:
			return o.Release.ListMissing()
		case Sending, Unknown:
			return false
		}
	}
	return o.Status == InProgress || o.Status == Done
}

// ListExpected returns how many serial numbers a list has that a person adds now: as many as its release expected, or
// as the order's facts say where it was released elsewhere.
func (o Order) ListExpected() (n int64, known bool) {
	if r := o.Release; r != nil && r.ListMissing() {
		return r.Expected, r.ExpectedKnown
	}
	return o.SerialsExpected()
}

// MayBeSettledByWord reports whether a person may say what became of the order's release: its outcome is unknown, the
// API was asked about it, and what it said does not settle it. Pending release settles it soon, unless it did so before
// and was contradicted. An outcome that was closed can still become known.
func (o Order) MayBeSettledByWord() bool {
	r := o.Release
	if r == nil || r.Outcome != Unknown {
		return false
	}
	settlesSoon := !r.FirstPending.IsZero() && r.Contradicted.IsZero()
	return r.IsClosed() || r.Asked.After(r.Contradicted) && !settlesSoon
}

// NeedsLook says that something is odd about the order's latest release which nobody has looked at yet.
func (o Order) NeedsLook() bool {
	return o.Release != nil && o.Release.Odd() && !o.Release.Seen.Given() && o.Status != Done
}

// Freshness is how old the cache of a tenant's orders is.
type Freshness struct {
	Interval  time.Duration // between two refreshes
	Tried     time.Time     // the last try, zero before the first
	Succeeded time.Time     // the last try that worked, zero before the first
	Problem   Reason        // why the last try did not work, NoReason if it did
	Message   string        // the API's own words about that, or the transport's
	Nameless  int           // how many elements of the last answer had no order ID and could not be kept
	Connected bool          // the tenant has all that its API asks for
	DownSince time.Time     // since when the API answers no call, zero while it does
	Changes   int           // how many orders the last try that worked found new or changed
}

// Stale says whether the cache missed several refreshes in a row.
func (f Freshness) Stale(now time.Time) bool {
	return f.Succeeded.IsZero() || now.Sub(f.Succeeded) > 3*f.Interval+10*time.Second
}

// Lane is one line on the overview: what runs, what comes next, what needs a person.
type Lane struct {
	// not known for a line that is not set up here, which the API names; zero for orders without a line
	Line     Line
	Running  []Order // In progress, at most two, the latest released here first
	Next     []Order // Pending release and in no release or running queue, at most two, the longest waiting first
	Counts   LaneCounts
	Releases LaneReleases
}

// Idle says whether nothing of the lane is open.
func (l Lane) Idle() bool { return l.Counts == LaneCounts{} && l.Releases == LaneReleases{} }

// LaneCounts counts the orders of a lane that are not Done.
type LaneCounts struct{ Pending, Suspended, Running, Open, Other int }

// Sum returns how many orders they are.
func (c LaneCounts) Sum() int { return c.Pending + c.Suspended + c.Running + c.Open + c.Other }

// LaneReleases counts the releases of a lane that are not settled. It also counts those that nobody has acknowledged
// while their order is not Done: refused ones, and those that a person should look at (see [Release.Odd]).
type LaneReleases struct{ Sending, Unknown, Refused, SaidPending, Odd int }

// OrderFilter narrows a search for orders. Zero values narrow nothing.
type OrderFilter struct {
	Text   string // in order ID, product, GTIN or lot
	Status Status
	Open   bool // only orders that are neither Done nor gone
	// Withdrawn finds those orders alone. Without it and without a text, none of them is found.
	Withdrawn bool
	LineID    LineID
	NoLine    bool   // only orders without a line
	APILine   string // only orders whose line is not set up here, and which the API calls so
	Sort      OrderSort
	Before    OrderID // where the previous page ended: only orders that follow this one
	Limit     int
}

// OfAnyStatus returns the filter without what it says of the status, to count the orders of each.
func (f OrderFilter) OfAnyStatus() OrderFilter {
	f.Status, f.Withdrawn = "", false
	return f
}

// OrderSort is the order of orders.
type OrderSort struct {
	By         OrderColumn
	Descending bool // the other way round
}

// OrderColumn is what orders are sorted by.
type OrderColumn string

// The columns.
const (
	SortByArrival  OrderColumn = ""       // the newest first
	SortByStatus   OrderColumn = "status" // what needs a person first
	SortByLine     OrderColumn = "line"   // by its code, orders without one last
	SortByKey      OrderColumn = "key"
	SortByProduct  OrderColumn = "product"
	SortByLot      OrderColumn = "lot"
	SortByExpiry   OrderColumn = "expiry"
	SortByQuantity OrderColumn = "quantity"
)

// StatusCount is how many orders have a status. One above [MaxCount] says that there are more.
type StatusCount struct {
	Status Status
	Orders int
}

// MaxCount is how far orders are counted.
const MaxCount = 1_000

// OrderPage is one page of a search. Next is 0 on the last page.
type OrderPage struct {
	Orders []Order
	Next   OrderID
}

// CachedOrder is what the cache knows of an order that may have to be asked about.
type CachedOrder struct {
	Asked time.Time // when its details were last asked for, zero for never
	Gone  bool
}

// Refresh is what a refresh of a tenant's orders brought.
type Refresh struct {
	Started  time.Time
	Listed   []Facts  // the open orders, with what details added
	Unlisted []Facts  // orders that are not in the list any more, as details give them
	Gone     []string // keys that details does not know any more
	Asked    []string // keys whose details were asked for
	Nameless int      // elements without an order ID, which could not be kept
}
