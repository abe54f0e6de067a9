package packaging

import (
	"slices"
	"time"
)

// ShiftReport is what happened in a shift. Releases belong to the shift in which they were requested, with all that
// became of them until the report is made; everything else belongs to it by its own time.
type ShiftReport struct {
	Occurrence
	AsOf       time.Time
	Releases   []ReportedRelease // as they were requested
	Brought    []BroughtLists    // the lists of these releases, by line and destination
	Declined   []Entry           // presses that sent nothing
	People     []PersonDeeds     // by name
	Notes      []Note            // as they were written
	Exceptions []Entry           // what a manager looks at, at most MaxExceptions of them
	More       bool              // there are more exceptions than those
	History    HistoryRange      // of the shift
}

// MaxExceptions is how many exceptions a report lists. All of them are counted, and stand in the history.
const MaxExceptions = 500

// HistoryRange is the entries of the history from one time to another. First and Last are 0 where there are none.
type HistoryRange struct {
	First, Last int64
	Entries     int64
	LastHash    [32]byte
}

// ReportedRelease is a release of a shift.
type ReportedRelease struct {
	Release
	OrderKey     string
	Product      string
	PendingSince time.Time // when the order was first seen in Pending release, zero where that is not known
}

// Elsewhere says that the order was released elsewhere and only its list was added here: nothing was sent.
func (r ReportedRelease) Elsewhere() bool { return r.Proof == ByPerson && r.SettledBy == "" }

// WasUnknown says that no readable answer came at first.
func (r ReportedRelease) WasUnknown() bool {
	return r.Outcome == Unknown || r.Proof == ByStatus || r.SettledBy != ""
}

// Settling is how long an unknown outcome took to become known; known is false where it always was, or is not yet.
func (r ReportedRelease) Settling() (d time.Duration, known bool) {
	if r.Settled.IsZero() || !r.WasUnknown() {
		return 0, false
	}
	return r.Settled.Sub(r.Answered), true
}

// Waiting is how long the order had been in Pending release when its release was requested.
func (r ReportedRelease) Waiting() (d time.Duration, known bool) {
	if r.PendingSince.IsZero() || r.Elsewhere() || r.PendingSince.After(r.Requested) {
		return 0, false
	}
	return r.Requested.Sub(r.PendingSince), true
}

// BroughtLists says how many serial lists one destination was to get, and where they stand.
type BroughtLists struct {
	Line        Line
	Destination string
	Lists       int64
	States      map[DeliveryState]int64
}

// PersonDeeds is what somebody did in a shift: how often each deed.
type PersonDeeds struct {
	Username, FullName string
	Deeds              map[Deed]int64
}

// Figures are the sums of a report, or of one line in it.
type Figures struct {
	Requested  int64 // releases that were sent
	Released   int64 // of those, as they stand now; the same below
	Refused    int64
	Unknown    int64 // still
	Sending    int64
	WasUnknown int64 // whose outcome was not known at first
	Settling   Spans // how long those took that are known by now
	Waiting    Spans // from Pending release to the request
	Serials    int64
	Missing    int64 // lists that are not here
	Odd        int64 // lists that are odd
	ByPerson   int64 // settled by a person's word, which proves nothing: they count as unknown
	Elsewhere  int64 // orders released elsewhere, whose list was added
	Declined   int64 // presses that sent nothing
}

// Spans sums up lengths of time.
type Spans struct {
	Count           int64
	Median, Longest time.Duration
}

// spans sums lengths up. The median of an even number of them is the lower of the two in the middle, which really was.
func spans(all []time.Duration) (s Spans) {
	if len(all) == 0 {
		return s
	}
	slices.Sort(all)
	return Spans{int64(len(all)), all[(len(all)-1)/2], all[len(all)-1]}
}

// LineFigures are the figures of a line as it was called then. Code is empty for orders without a line.
type LineFigures struct {
	Line Line
	Figures
}

// Total are the figures of the whole shift.
func (r ShiftReport) Total() Figures {
	return figures(r.Releases, len(r.Declined))
}

// FiguresOf are the figures of some releases.
func FiguresOf(releases []ReportedRelease) Figures { return figures(releases, 0) }

// Lines are the figures of each line on which something happened, by code.
func (r ShiftReport) Lines() (lines []LineFigures) {
	releases, declined, called := map[string][]ReportedRelease{}, map[string]int{}, map[string]Line{}
	for _, one := range r.Releases {
		releases[one.Line.Code] = append(releases[one.Line.Code], one)
		called[one.Line.Code] = one.Line
	}
	for _, e := range r.Declined {
		declined[e.LineCode]++
		if _, has := called[e.LineCode]; !has {
			called[e.LineCode] = Line{Code: e.LineCode, Name: e.LineName}
		}
	}
	for code, line := range called {
		lines = append(lines, LineFigures{line, figures(releases[code], declined[code])})
	}
	slices.SortFunc(lines, func(a, b LineFigures) int { return ByCode(a.Line, b.Line) })
	return lines
}

func figures(releases []ReportedRelease, declined int) (f Figures) {
	var settling, waiting []time.Duration
	f.Declined = int64(declined)
	for _, r := range releases {
		f.Serials += r.Serials
		if r.ListMissing() {
			f.Missing++
		}
		if len(r.Oddities) > 0 {
			f.Odd++
		}
		if r.Elsewhere() {
			f.Elsewhere++
			continue
		}
		f.Requested++
		switch r.Says() {
		case Released:
			f.Released++
		case Refused:
			f.Refused++
		case Sending:
			f.Sending++
		default: // neither a sign nor a person's word is a proof
			f.Unknown++
		}
		if r.SettledBy != "" {
			f.ByPerson++
		}
		if r.WasUnknown() {
			f.WasUnknown++
		}
		if d, known := r.Settling(); known {
			settling = append(settling, d)
		}
		if d, known := r.Waiting(); known {
			waiting = append(waiting, d)
		}
	}
	f.Settling, f.Waiting = spans(settling), spans(waiting)
	return f
}

// Period is a time from one moment until just before another.
type Period struct{ From, Until time.Time }

// Activity counts what happened in a period. Releases belong to it by the time of their request, with all that became
// of them since. Settling, Waiting and Declined of its figures are not counted.
type Activity struct {
	Figures
	Notes   int64
	Changed time.Time // when anything about those releases and notes last changed, zero if nothing did
}
