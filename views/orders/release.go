package orders

import (
	"context"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// action is a step that the release panel offers.
type action string

const (
	offerArm     action = "arm"     // the first of two steps
	offerExecute action = "execute" // the second
	offerAgain   action = "again"   // the first of two steps of one more release
	offerNothing action = "nothing" // the panel says what prevents a release
	offerWait    action = "wait"    // a release is under way
)

// offer returns what the panel offers to a person. Armed means that they took the first step.
func offer(o packaging.Order, p packaging.Person, armed bool) action {
	obstacle, again := o.ReleaseObstacle(), o.AgainObstacle() == packaging.NoObstacle
	switch {
	case again && !p.May(packaging.ReleaseOrders):
		return offerNothing
	case again && armed:
		return offerExecute
	case again:
		return offerAgain
	case obstacle == packaging.BeingReleased:
		return offerWait
	case obstacle != packaging.NoObstacle, !p.May(packaging.ReleaseOrders):
		return offerNothing
	case armed:
		return offerExecute
	}
	return offerArm
}

// pollIntervalSeconds returns how often a page without live updates polls. It is short while a release is under way,
// longer while its outcome is unknown, and otherwise 0: the script decides.
func pollIntervalSeconds(o packaging.Order) int {
	switch o.ReleaseObstacle() {
	case packaging.BeingReleased:
		return 1
	case packaging.OutcomeUnknown:
		return 3
	}
	return 0
}

// pressedBefore says that a release of the order began before. A second press is then no error: the panel shows the
// first one's result.
func pressedBefore(o packaging.Order) bool {
	switch o.ReleaseObstacle() {
	case packaging.BeingReleased, packaging.OutcomeUnknown, packaging.AlreadyReleased:
		return true
	}
	return false
}

// whyNot explains why a person can't release the order, and what to do.
func whyNot(ctx context.Context, o packaging.Order, p packaging.Person) shell.Explanation {
	key := "obstacle." + string(o.ReleaseObstacle())
	switch o.ReleaseObstacle() {
	case packaging.NoObstacle:
		return shell.Explanation{
			What: text.Say(ctx, "obstacle.role"),
			Do:   text.Say(ctx, "obstacle.role.do", "Role", shell.RoleText(ctx, p.Role)),
		}
	case packaging.NotPending:
		if !o.Status.Known() {
			key = "obstacle.not_pending.other"
		} else {
			key = "obstacle.not_pending." + shell.StatusKey(o.Status)
		}
	}
	return shell.Explanation{
		What: text.Say(ctx, key, "Status", shell.StatusMark(ctx, o.Status).Word),
		Do:   text.Say(ctx, key+".do", "Order", shell.OrderID(o.Key)),
	}
}

// resultOf explains the outcome of a release.
func resultOf(ctx context.Context, r packaging.Release, o packaging.Order) shell.Explanation {
	line := shell.LineName(ctx, r.Line)
	switch r.Outcome {
	case packaging.Released:
		return releasedTo(ctx, r, o, line)
	case packaging.Refused:
		what := text.Say(ctx, "result.refused", "Order", shell.OrderID(o.Key))
		if r.Says() == packaging.SaidPending {
			what = text.Say(ctx, "result.said_pending", "Order", shell.OrderID(o.Key))
		} else if r.Says() == packaging.SaidNotReleased {
			what = text.Say(ctx, "result.said_not_released", "Order", shell.OrderID(o.Key), "Person", r.SettledBy)
		}
		return shell.Explanation{
			What: what,
			Why:  shell.ReleaseReason(ctx, r),
			Do:   text.Say(ctx, "reason."+string(r.Reason)+".do"),
		}
	case packaging.Unknown:
		if r.IsClosed() {
			return shell.Explanation{
				What: text.Say(ctx, "result.not_knowable", "Order", shell.OrderID(o.Key)),
				Why: text.Say(ctx, "result.said_so", "Person", r.SettledBy, "Time", text.Moment(ctx, r.Closed),
					"Why", r.SettledWhy),
				Do: text.Say(ctx, "result.not_knowable.do"),
			}
		}
		return shell.Explanation{
			What: text.Say(ctx, "result.unknown", "Order", shell.OrderID(o.Key)),
			Why:  shell.ReasonText(ctx, r.Reason, r.Status) + " " + text.Say(ctx, "result.asking"),
			Do:   text.Say(ctx, "result.unknown.do"),
		}
	}
	return shell.Explanation{
		What: text.Say(ctx, "result.sending", "Order", shell.OrderID(o.Key), "Line", line),
		Do:   text.Say(ctx, "result.sending.do"),
	}
}

// latestResult explains the outcome of an order's latest release, and that the order waits for its release again.
func latestResult(ctx context.Context, p OrderPage, r packaging.Release) shell.Explanation {
	e := resultOf(ctx, r, p.Order)
	if !p.Order.SetBack() {
		return e
	}
	e.Why += " " + backText(ctx, p)
	switch p.Order.AgainObstacle() {
	case packaging.NoObstacle:
		e.Do = text.Say(ctx, "result.back.do")
	case packaging.NotLookedAt:
		e.Do = text.Say(ctx, "obstacle.not_looked_at") + " " + text.Say(ctx, "obstacle.not_looked_at.do")
	default:
		e.Do = text.Say(ctx, "result.back.other.do")
	}
	return e
}

// backText says that an order which was released here waits again, and since when that is known.
func backText(ctx context.Context, p OrderPage) string {
	last := p.Order.AsOf // when the API was asked, which is before its answer was first seen
	if last.Before(p.BackSince) {
		last = p.BackSince
	}
	return text.Say(ctx, "result.back", "Status", shell.StatusMark(ctx, p.Order.Status).Word,
		"Since", text.Moment(ctx, p.BackSince), "Time", text.Moment(ctx, last))
}

// releasedTo explains a release that reached the line. It claims no more than the proof does.
func releasedTo(ctx context.Context, r packaging.Release, o packaging.Order, line string) (e shell.Explanation) {
	switch r.Proof {
	case packaging.ByStatus:
		e.What = text.Say(ctx, "result.settled", "Order", shell.OrderID(o.Key),
			"Status", shell.StatusMark(ctx, r.Status).Word, "Time", text.Moment(ctx, r.Settled))
		e.Why = text.Say(ctx, "result.settled.who")
	case packaging.ByPerson:
		if r.SettledBy != "" {
			e.What = text.Say(ctx, "result.said_released", "Order", shell.OrderID(o.Key), "Person", r.SettledBy)
			e.Why = text.Say(
				ctx, "result.said_so", "Person", r.SettledBy, "Time", text.Moment(ctx, r.Settled), "Why", r.SettledWhy,
			)
		} else {
			e.What = text.Say(ctx, "result.elsewhere", "Order", shell.OrderID(o.Key))
		}
	default:
		e.What = text.Say(ctx, "result.released", "Order", shell.OrderID(o.Key), "Line", line)
	}
	if r.ListMissing() {
		e.Why += " " + text.Say(ctx, "result.list_missing")
		e.Do = text.Say(ctx, "result.list_missing.do")
		return e
	}
	e.Why += " " + text.Say(ctx, "result.released.serials", "Count", int(r.Serials))
	if r.List == packaging.ListByPerson {
		e.Why += " " + text.Say(ctx, "result.list_by", "Person", r.ListBy)
	}
	return e
}

// seenText returns who acknowledged a result, when, and what they found.
func seenText(ctx context.Context, seen packaging.Acknowledgement) string {
	said := text.Say(ctx, "acknowledge.seen", "Person", seen.By, "Time", text.Moment(ctx, seen.At))
	if seen.Comment != "" {
		said += " " + text.Say(ctx, "acknowledge.found", "Comment", seen.Comment)
	}
	return said
}

// againSentence returns the words on the button that releases an order once more.
func againSentence(ctx context.Context, o packaging.Order) string {
	return text.Say(ctx, "again.execute", "Order", shell.OrderID(o.Key), "Line", shell.LineName(ctx, o.Line))
}

// askedText returns the API's last answer about an unknown release.
func askedText(ctx context.Context, r packaging.Release) string {
	switch status := packaging.Status(r.AskedSays); {
	case status.Known():
		return text.Say(ctx, "result.asked_status", "Status", shell.StatusMark(ctx, status).Word)
	case text.Has(ctx, "reason."+r.AskedSays):
		return text.Say(ctx, "reason."+r.AskedSays, "Status", "")
	case status != "":
		return text.Say(ctx, "result.asked_status", "Status", r.AskedSays)
	}
	return text.Say(ctx, "result.asked_nothing")
}

// sentence returns the words on the button of the second step: all that it does.
func sentence(ctx context.Context, o packaging.Order) string {
	if !o.Line.Known() {
		return text.Say(ctx, "release.execute_no_line", "Order", shell.OrderID(o.Key))
	}
	return text.Say(ctx, "release.execute", "Order", shell.OrderID(o.Key), "Line", o.Line.Name)
}

// shortSentence is [sentence] for a board, whose card shows the whole order ID.
func shortSentence(ctx context.Context, o packaging.Order) string {
	return text.Say(ctx, "release.execute", "Order", shell.ShortOrderID(o.Key), "Line", o.Line.Name)
}
