package packaging

import "slices"

// StillOpen returns what a reviewer must not overlook: of the shift's releases those that are under way, whose outcome
// is unknown or whose list is odd, among what is open now, and what nobody acknowledged of the shift's hand-over. h is
// nil where there is no hand-over.
func (r ShiftReport) StillOpen(now []HandoverItem, h *Handover) (open []HandoverItem) {
	add := func(i HandoverItem) {
		if !slices.ContainsFunc(open, i.same) {
			open = append(open, i)
		}
	}
	for _, i := range now {
		ofShift := slices.ContainsFunc(r.Releases, func(one ReportedRelease) bool { return one.OrderID == i.OrderID })
		if ofShift && slices.Contains([]ItemKind{UnknownOutcome, RunningRelease, OddList}, i.Kind) {
			add(i)
		}
	}
	if h != nil && h.Taken != nil {
		for _, i := range h.OpenItems() {
			add(i)
		}
	}
	return open
}
