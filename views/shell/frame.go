package shell

import (
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// Frame is what every page shows around its own content.
type Frame struct {
	Title   string
	Section string               // which entry of the navigation the page belongs to
	Path    string               // of the page itself, where a choice of the language leads back to
	Hint    string               // the hint that explains the page at a first use, empty for none
	Wall    bool                 // the page hangs on a wall: it is read from afar and nobody touches it
	Person  packaging.Person     // nobody on the sign-in page
	Member  []packaging.Person   // the person at each tenant that they belong to
	Line    packaging.Line       // the line that the page is about, which stays in view; zero where it is about none
	Fresh   *packaging.Freshness // nil where the page shows nothing of the cache
	Refresh *RefreshButton       // nil where the orders are not refreshed from
	Now     time.Time
	Steps   *packaging.SetupSteps // on pages for administrators: what is set up so far

	// Where somebody signed in at a station: which one, and how long until it is locked if nobody uses it.
	Station packaging.Station
	LockIn  time.Duration

	Live      Live   // of the page's content
	FreshLive Live   // of how fresh it is
	Slot      string // stands in the place of the clock, of the freshness and of the content, where those are put in later
}

// OnLine is the frame of a page about one line.
func (f Frame) OnLine(l packaging.Line) Frame {
	f.Line = l
	return f
}

// needsHint says whether the person has not put the page's hint away yet.
func (f Frame) needsHint() bool {
	return f.Hint != "" && f.Person.ID != 0 && !f.Wall && !slices.Contains(f.Person.HintsDropped, f.Hint)
}

// Live is what a part of a page depends on: when one of the topics has a newer version, the script asks for the part again.
type Live struct {
	Topics  []packaging.Topic
	Version uint64
}

func (l Live) TopicNames() string {
	words := make([]string, len(l.Topics))
	for i, t := range l.Topics {
		words[i] = string(t)
	}
	return strings.Join(words, " ")
}

// RefreshButton has the orders refreshed from a board.
type RefreshButton struct {
	Line   packaging.Line // that the board is of, zero on the overview
	Result string         // what came of the last press, empty where nobody pressed
}
