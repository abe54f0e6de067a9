package packaging

import "time"

// OrderView is what an order's page shows: all of it as of one moment.
type OrderView struct {
	Order        Order
	Signatures   []Signature  // under its latest release, or under the queue of that
	Serials      []Serial     // the first of its list
	Earlier      []Release    // that reached the line before its latest one, the oldest first
	BackSince    time.Time    // when it was first seen to wait again after its release, zero if it does not
	Events       []OrderEvent // the latest of its timeline, the newest first
	History      HistoryPage  // its latest entries, if the viewer may see the history
	FirstChanges []OrderEvent // of each fact that has changed, and of the line
	Imported     []ImportedFact
	Notes        []Note        // the latest, the newest first
	Raw          string        // the API's own element
	Lost         []LostRelease // whose record was lost, for which its latest release stands
	Kept         []KeptAnswer  // to its releases, that belong to none of them with certainty
	Answer       []byte        // the first bytes of an answer to its latest release that could not be read

	Deliveries  []Delivery    // of its lists, the oldest first
	Undelivered []Destination // of its line, that its latest list was not brought to

	// The lines that the viewer may choose from for the order, and those that the API names and nobody has set up. Both
	// are empty if the viewer may not set the order's line.
	Lines, UnknownLines []Line
}

// OrderViewLimits is how much of each list an [OrderView] holds at most.
type OrderViewLimits struct {
	Serials     int
	Events      int
	Entries     int // of the history
	Notes       int
	AnswerBytes int
}

// SignedRecord names what the signatures of the latest release are under: the release, or the queue that it belongs to.
// It returns false before the first release.
func (o Order) SignedRecord() (kind string, object int64, ok bool) {
	switch r := o.Release; {
	case r == nil:
		return "", 0, false
	case r.Queue != 0:
		return SignedQueue, int64(r.Queue), true
	default:
		return SignedRelease, int64(r.ID), true
	}
}
