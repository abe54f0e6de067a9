package packaging

import "strings"

// Status is the status of a packaging order as the API names it. A status that is not one of the five below is kept and
// shown as it was received.
type Status string

// The documented statuses: Open → Pending release → In progress → Done; Suspended stands beside them and is left by a
// person in the vendor's administration pages.
const (
	Open           Status = "Open"
	PendingRelease Status = "Pending release"
	InProgress     Status = "In progress"
	Suspended      Status = "Suspended"
	Done           Status = "Done"
)

// Statuses are the documented ones, by what needs a person first.
var Statuses = []Status{PendingRelease, Suspended, InProgress, Open, Done}

// ParseStatus understands a documented status in any case and with spaces, underscores or hyphens between its words.
// Anything else comes back as it was, without the white space around it.
func ParseStatus(raw string) Status {
	raw = strings.TrimSpace(raw)
	plain := plainStatus(raw)
	for _, s := range Statuses {
		if plain == plainStatus(string(s)) {
			return s
		}
	}
	return Status(raw)
}

// plainStatus drops what spellings of a status differ in: case and what stands between words.
func plainStatus(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '_', '-', '\t':
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// Known says whether s is one of the documented statuses.
func (s Status) Known() bool {
	switch s {
	case Open, PendingRelease, InProgress, Suspended, Done:
		return true
	}
	return false
}

// Left reports whether an order with this status has left Pending release: it is out, or was.
func (s Status) Left() bool { return s == InProgress || s == Suspended || s == Done }

// Releasable says whether the API accepts a release to line in this status (documented: only Pending release).
func (s Status) Releasable() bool { return s == PendingRelease }

// Urgency is the place of s among what needs a person first, from 1 on. All that are not documented have one place.
func (s Status) Urgency() int {
	switch s {
	case PendingRelease:
		return 1
	case Suspended:
		return 2
	case InProgress:
		return 4
	case Open:
		return 5
	case Done:
		return 6
	}
	return 3
}
