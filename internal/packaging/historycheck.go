package packaging

import (
	"time"
)

// HistoryCheck is the last check of a tenant's history that somebody asked for since the start.
type HistoryCheck struct {
	By      Author
	At      time.Time // zero where nobody asked
	Verdict Verdict   // on all but the serial lists
	Lists   ListCheck
}

// ListCheck is a comparison of a tenant's serial lists with its history: the one that waits or runs, or else the last.
type ListCheck struct {
	By      Author
	Asked   time.Time // zero where there was none
	Begun   time.Time // zero while it waits
	Ended   time.Time // zero until it has ended
	Done    int       // lists that are compared
	Lists   int       // of how many
	Faults  []RecordFault
	Stopped bool // with the server, before all were compared
	Failed  bool // the database could not be read
}

// Open reports whether it waits or runs.
func (c ListCheck) Open() bool { return !c.Asked.IsZero() && c.Ended.IsZero() }

// Whole reports whether it has ended and proved all lists.
func (c ListCheck) Whole() bool {
	return !c.Ended.IsZero() && !c.Stopped && !c.Failed && len(c.Faults) == 0
}

// String says the result as the history keeps it.
func (c ListCheck) String() string {
	said := SaysListsCompared.Of(c.Done, c.Lists)
	switch {
	case c.Stopped:
		said += "; " + SaysListsStopped.Of()
	case c.Failed:
		said += "; " + SaysListsFailed.Of()
	}
	if n := len(c.Faults); n > 0 {
		return said + "; " + SaysRecordsDiffer.Of(n, c.Faults[0])
	}
	return said
}
