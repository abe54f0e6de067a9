package views

import (
	"context"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// mark is how a status or an outcome looks: an icon of its own shape, a word, and a tone.
type mark struct{ icon, word, tone string }

// statusMark shows a status. Only what needs a person has a colour; a status that is not documented shows as it came.
func statusMark(ctx context.Context, s packaging.Status) mark {
	switch s {
	case packaging.Open:
		return mark{"circle-dashed", text.Say(ctx, "status.open"), "calm"}
	case packaging.PendingRelease:
		return mark{"send", text.Say(ctx, "status.pending"), "pending"}
	case packaging.InProgress:
		return mark{"circle-play", text.Say(ctx, "status.in_progress"), "calm"}
	case packaging.Suspended:
		return mark{"circle-pause", text.Say(ctx, "status.suspended"), "amber"}
	case packaging.Done:
		return mark{"check", text.Say(ctx, "status.done"), "calm"}
	case "":
		return mark{"circle-help", text.Say(ctx, "status.none"), "calm"}
	}
	return mark{"circle-help", string(s), "calm"}
}

// otherMark stands for all statuses that are not documented.
func otherMark(ctx context.Context) mark {
	return mark{"circle-help", text.Say(ctx, "status.other"), "calm"}
}

// outcomeMark shows the outcome of a release.
func outcomeMark(ctx context.Context, o packaging.Outcome) mark {
	switch o {
	case packaging.Sending:
		return mark{"hourglass", text.Say(ctx, "outcome.sending"), "pending"}
	case packaging.Released:
		return mark{"circle-check", text.Say(ctx, "outcome.released"), "calm"}
	case packaging.Refused:
		return mark{"octagon-alert", text.Say(ctx, "outcome.refused"), "red"}
	}
	return mark{"link-2-off", text.Say(ctx, "outcome.unknown"), "unknown"}
}

// orderMark shows where an order stands: while a release of it is not settled, that says more than its status.
func orderMark(ctx context.Context, o packaging.Order) mark {
	switch {
	case o.Release != nil && (o.Release.Outcome == packaging.Sending || o.Release.Outcome == packaging.Unknown):
		return outcomeMark(ctx, o.Release.Outcome)
	case o.NotYetKnown:
		return mark{"circle-help", text.Say(ctx, "status.not_yet_known"), "calm"}
	case o.Gone:
		return mark{"circle-x", text.Say(ctx, "status.gone"), "amber"}
	case o.NeedsLook():
		return lookMark(ctx)
	}
	return statusMark(ctx, o.Status)
}

// lookMark shows a release that a person should look at: its list is missing or odd.
func lookMark(ctx context.Context) mark {
	return mark{"triangle-alert", text.Say(ctx, "outcome.odd"), "amber"}
}
