package shifts

import (
	"slices"
	"strconv"
	"strings"

	"lineboard/internal/packaging"
)

// itemParts are the items of a hand-over as its page shows them.
type itemParts struct {
	urgent []packaging.HandoverItem // need a person, or run
	waits  []lineWaits
	notes  []packaging.HandoverItem
}

// lineWaits is how many orders of a line simply wait for their release.
type lineWaits struct {
	line  packaging.Line
	count int
}

// partsOf sorts items into the parts of a page. Each line is counted once.
func partsOf(items []packaging.HandoverItem) (p itemParts) {
	for _, i := range items {
		switch i.Kind {
		case packaging.ShiftNote:
			p.notes = append(p.notes, i)
		case packaging.WaitingOrder:
			at := slices.IndexFunc(p.waits, func(w lineWaits) bool { return w.line.Code == i.Line.Code })
			if at < 0 {
				p.waits, at = append(p.waits, lineWaits{line: i.Line}), len(p.waits)
			}
			p.waits[at].count++
		default:
			p.urgent = append(p.urgent, i)
		}
	}
	slices.SortStableFunc(p.waits, func(a, b lineWaits) int { return packaging.ByCode(a.line, b.line) })
	return p
}

// openPlaces returns the places of the items that are open, with commas between them.
func openPlaces(items []packaging.HandoverItem) string {
	var places []string
	for _, i := range items {
		if i.Open() {
			places = append(places, strconv.Itoa(i.Place))
		}
	}
	return strings.Join(places, ",")
}
