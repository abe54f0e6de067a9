package views

import (
	"context"
	"strings"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// action is what the release panel of an order offers.
type action string

const (
	offerArm     action = "arm"     // the first of two steps
	offerExecute action = "execute" // the second
	offerNothing action = "nothing" // something stands in the way, which the panel says
	offerWait    action = "wait"    // a release is under way
)

// offer decides what the panel offers to a person. Armed is whether they took the first step.
func offer(o packaging.Order, p packaging.Person, armed bool) action {
	obstacle := o.ReleaseObstacle()
	switch {
	case obstacle == packaging.BeingReleased:
		return offerWait
	case obstacle != packaging.NoObstacle, !p.May(packaging.ReleaseOrders):
		return offerNothing
	case armed:
		return offerExecute
	}
	return offerArm
}

// pollEvery is how often the page asks whether anything has changed, in seconds, where it is not told of changes: while a
// release is under way, and more calmly while its outcome is not known. 0 leaves it to the script.
func pollEvery(o packaging.Order) int {
	switch o.ReleaseObstacle() {
	case packaging.BeingReleased:
		return 1
	case packaging.OutcomeUnknown:
		return 3
	}
	return 0
}

// pressedBefore says that somebody has released the order, or is at it: a second press is then no error, and its result
// panel tells who, when and with what outcome.
func pressedBefore(o packaging.Order) bool {
	switch o.ReleaseObstacle() {
	case packaging.BeingReleased, packaging.OutcomeUnknown, packaging.AlreadyReleased:
		return true
	}
	return false
}

// explanation is a state told in three parts: what it is, why, and what to do.
type explanation struct{ what, why, do string }

// whyNot explains why an order can't be released by a person, and what can be done about it.
func whyNot(ctx context.Context, o packaging.Order, p packaging.Person) explanation {
	key := "obstacle." + string(o.ReleaseObstacle())
	switch o.ReleaseObstacle() {
	case packaging.NoObstacle:
		return explanation{
			what: text.Say(ctx, "obstacle.role"),
			do:   text.Say(ctx, "obstacle.role.do", "Role", roleText(ctx, p.Role)),
		}
	case packaging.NotPending:
		if !o.Status.Known() {
			key = "obstacle.not_pending.other"
		} else {
			key = "obstacle.not_pending." + statusKey(o.Status)
		}
	}
	return explanation{
		what: text.Say(ctx, key, "Status", statusMark(ctx, o.Status).word),
		do:   text.Say(ctx, key+".do", "Order", OrderID(o.Key)),
	}
}

func statusKey(s packaging.Status) string {
	switch s {
	case packaging.Open:
		return "open"
	case packaging.InProgress:
		return "in_progress"
	case packaging.Suspended:
		return "suspended"
	case packaging.Done:
		return "done"
	}
	return "other"
}

// resultOf explains the outcome of a release.
func resultOf(ctx context.Context, r packaging.Release, o packaging.Order) explanation {
	line := lineName(ctx, r.Line)
	switch r.Outcome {
	case packaging.Released:
		return releasedTo(ctx, r, o, line)
	case packaging.Refused:
		return explanation{
			what: text.Say(ctx, "result.refused", "Order", OrderID(o.Key)),
			why:  reasonOf(ctx, r.Reason, r.Status),
			do:   text.Say(ctx, "reason."+string(r.Reason)+".do"),
		}
	case packaging.Unknown:
		return explanation{
			what: text.Say(ctx, "result.unknown", "Order", OrderID(o.Key)),
			why:  reasonOf(ctx, r.Reason, r.Status) + " " + text.Say(ctx, "result.asking"),
			do:   text.Say(ctx, "result.unknown.do"),
		}
	}
	return explanation{
		what: text.Say(ctx, "result.sending", "Order", OrderID(o.Key), "Line", line),
		do:   text.Say(ctx, "result.sending.do"),
	}
}

// releasedTo explains a release that is out at the line, and claims no more than what is proven about it.
func releasedTo(ctx context.Context, r packaging.Release, o packaging.Order, line string) (e explanation) {
	switch r.Proof {
	case packaging.ByStatus:
		e.what = text.Say(ctx, "result.settled", "Order", OrderID(o.Key), "Status", statusMark(ctx, r.Status).word)
		e.why = text.Say(ctx, "result.settled.who")
	case packaging.ByPerson:
		e.what = text.Say(ctx, "result.elsewhere", "Order", OrderID(o.Key))
	default:
		e.what = text.Say(ctx, "result.released", "Order", OrderID(o.Key), "Line", line)
	}
	if r.ListMissing() {
		e.why += " " + text.Say(ctx, "result.list_missing")
		e.do = text.Say(ctx, "result.list_missing.do")
		return e
	}
	e.why += " " + text.Say(ctx, "result.released.serials", "Count", int(r.Serials))
	if r.List == packaging.ListByPerson {
		e.why += " " + text.Say(ctx, "result.list_by", "Person", r.ListBy)
	}
	return e
}

// seenText is who has looked at a result, when, and what they found.
func seenText(ctx context.Context, seen packaging.Acknowledgement) string {
	said := text.Say(ctx, "acknowledge.seen", "Person", seen.By, "Time", text.Moment(ctx, seen.At))
	if seen.Comment != "" {
		said += " " + text.Say(ctx, "acknowledge.found", "Comment", seen.Comment)
	}
	return said
}

// askedText is what came of the last question about an unknown release.
func askedText(ctx context.Context, r packaging.Release) string {
	switch status := packaging.Status(r.AskedSays); {
	case status.Known():
		return text.Say(ctx, "result.asked_status", "Status", statusMark(ctx, status).word)
	case text.Has(ctx, "reason."+r.AskedSays):
		return text.Say(ctx, "reason."+r.AskedSays, "Status", "")
	case status != "":
		return text.Say(ctx, "result.asked_status", "Status", r.AskedSays)
	}
	return text.Say(ctx, "result.asked_nothing")
}

// reasonOf is why a call ended as it did, in a person's words.
func reasonOf(ctx context.Context, reason packaging.Reason, status packaging.Status) string {
	return text.Say(ctx, "reason."+string(reason), "Status", statusMark(ctx, status).word)
}

// historyReason is the reason of an entry: why a call ended so, or what stood in the way of one.
func historyReason(ctx context.Context, e packaging.Entry) string {
	switch {
	case e.Reason == "":
		return ""
	case e.Deed == packaging.SignDeclined:
		return text.Say(ctx, "sign_declined."+e.Reason)
	case e.Deed == packaging.SignOnDeclined, e.Deed == packaging.SignOnTested:
		return text.Say(ctx, "sign_on."+e.Reason)
	case e.Deed == packaging.ReleaseDeclined:
		return text.Say(ctx, "declined."+e.Reason)
	case e.Deed == packaging.ReleaseSettled, e.Deed == packaging.QueueEnded:
		return "" // the deed says it
	}
	return text.Say(ctx, "reason."+e.Reason, "Status", "")
}

// oddityText says what is odd about a list.
func oddityText(ctx context.Context, odd packaging.Oddity, r packaging.Release) string {
	return text.Say(ctx, "oddity."+string(odd.Kind), "Count", int(odd.Count), "Expected", text.Number(ctx, r.Expected))
}

// sentence is what the second button says: all of it.
func sentence(ctx context.Context, o packaging.Order) string {
	if !o.Line.Known() {
		return text.Say(ctx, "release.execute_no_line", "Order", OrderID(o.Key))
	}
	return text.Say(ctx, "release.execute", "Order", OrderID(o.Key), "Line", o.Line.Name)
}

// roleText names a role, or each of several.
func roleText(ctx context.Context, role packaging.Role) string {
	var names []string
	for _, part := range role.Parts() {
		names = append(names, text.Say(ctx, "role."+string(part)))
	}
	return strings.Join(names, ", ")
}

// authorText is who did something, and at which station.
func authorText(ctx context.Context, by packaging.Author) string {
	if by.Station == "" {
		return by.FullName
	}
	if by.FullName == "" {
		return by.Station
	}
	return text.Say(ctx, "author.at_station", "Person", by.FullName, "Station", by.Station)
}

// lineName is how a line is called on pages.
func lineName(ctx context.Context, l packaging.Line) string {
	if l.Name == "" {
		return text.Say(ctx, "line.none")
	}
	return l.Name
}

// expected is how many serials an order should bring, in words.
func expected(ctx context.Context, f packaging.Facts) string {
	n, known := f.SerialsExpected()
	if !known {
		return text.Say(ctx, "order.expected_unknown")
	}
	return text.Number(ctx, n)
}

// amount writes a number that was understood as the language does, and anything else as it came.
func amount(ctx context.Context, s string) string { return orNone(ctx, text.Decimal(ctx, s)) }

// expiry writes a date that was understood as the language does, and anything else as it came.
func expiry(ctx context.Context, f packaging.Facts) string {
	if date, ok := f.ExpiryDate(); ok {
		return text.Date(ctx, date)
	}
	return orNone(ctx, f.Expiry)
}

// percent writes an extra percentage.
func percent(ctx context.Context, s string) string {
	if s == "" {
		return text.Say(ctx, "value.none")
	}
	return text.Decimal(ctx, s) + " %"
}

// orNone writes a text, or that there is none.
func orNone(ctx context.Context, s string) string {
	if s == "" {
		return text.Say(ctx, "value.none")
	}
	return s
}
