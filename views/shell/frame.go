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
	Section string               // the entry of the navigation that the page belongs to
	Path    string               // of the page itself, to return to after a change of language
	Hint    string               // explains the page at its first use; empty for none
	Wall    bool                 // the page hangs on a wall, read from afar and never touched
	Person  packaging.Person     // nobody on the sign-in page
	Member  []packaging.Person   // the person at each of their tenants
	Line    packaging.Line       // stays in view; zero on a page that is about no line
	Fresh   *packaging.Freshness // nil on a page that shows no cached orders
	Refresh *RefreshButton       // nil on a page without that button
	Now     time.Time
	Steps   *packaging.SetupSteps // on pages for administrators: what is set up already

	// At a station: which one, and how long it may stay unused before it locks.
	Station packaging.Station
	LockIn  time.Duration

	Loss bool // a part of the site's history is lost, and no administrator has acknowledged it

	Copied packaging.CopyState // how the copy of the database is

	Live      Live   // of the page's content
	FreshLive Live   // of the freshness
	Slot      string // marks where clock, freshness and content go in later; empty for a page with its content
}

// OnLine returns the frame of a page about one line.
func (f Frame) OnLine(l packaging.Line) Frame {
	f.Line = l
	return f
}

// needsHint says whether the page has a hint that the person has not dismissed.
func (f Frame) needsHint() bool {
	return f.Hint != "" && f.Person.ID != 0 && !f.Wall && !slices.Contains(f.Person.HintsDropped, f.Hint)
}

// environmentIcon returns the icon of an environment: a flask for each that is not production.
func environmentIcon(e packaging.Environment) string {
	if e == packaging.Production {
		return "factory"
	}
	return "flask"
}

// Live is what a part of a page depends on. The script reloads the part when one of the topics has a newer version.
type Live struct {
	Topics  []packaging.Topic
	Version uint64
}

// TopicNames returns the topics separated by spaces.
func (l Live) TopicNames() string {
	words := make([]string, len(l.Topics))
	for i, t := range l.Topics {
		words[i] = string(t)
	}
	return strings.Join(words, " ")
}

// RefreshButton refreshes the orders on a board.
type RefreshButton struct {
	Line   packaging.Line // of the board, zero on the overview
	Result string         // of the last press, empty before one
}
