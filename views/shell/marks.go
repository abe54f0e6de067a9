package shell

import (
	"context"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// Mark is how a status or an outcome looks: an icon of its own shape, a word, and a tone.
type Mark struct{ Icon, Word, Tone string }

// StatusMark returns the mark of a status. Only what needs a person has a colour. An unknown status shows as it came.
func StatusMark(ctx context.Context, s packaging.Status) Mark {
	switch s {
	case packaging.Open:
		return Mark{Icon: "circle-dashed", Word: text.Say(ctx, "status.open"), Tone: "calm"}
	case packaging.PendingRelease:
		return Mark{Icon: "send", Word: text.Say(ctx, "status.pending"), Tone: "pending"}
	case packaging.InProgress:
		return Mark{Icon: "circle-play", Word: text.Say(ctx, "status.in_progress"), Tone: "calm"}
	case packaging.Suspended:
		return Mark{Icon: "circle-pause", Word: text.Say(ctx, "status.suspended"), Tone: "amber"}
	case packaging.Done:
		return Mark{Icon: "check", Word: text.Say(ctx, "status.done"), Tone: "calm"}
	case "":
		return Mark{Icon: "circle-help", Word: text.Say(ctx, "status.none"), Tone: "calm"}
	}
	return Mark{Icon: "circle-help", Word: string(s), Tone: "calm"}
}

// OtherMark returns the mark of a status that the API does not document.
func OtherMark(ctx context.Context) Mark {
	return Mark{Icon: "circle-help", Word: text.Say(ctx, "status.other"), Tone: "calm"}
}

// OutcomeMark returns the mark of a release's outcome.
func OutcomeMark(ctx context.Context, o packaging.Outcome) Mark {
	switch o {
	case packaging.Sending:
		return Mark{Icon: "hourglass", Word: text.Say(ctx, "outcome.sending"), Tone: "pending"}
	case packaging.Released:
		return Mark{Icon: "circle-check", Word: text.Say(ctx, "outcome.released"), Tone: "calm"}
	case packaging.Refused:
		return Mark{Icon: "octagon-alert", Word: text.Say(ctx, "outcome.refused"), Tone: "red"}
	}
	switch o {
	case packaging.SaidPending, packaging.SaidReleased, packaging.SaidNotReleased, packaging.NotKnowable:
		return Mark{Icon: "circle-help", Word: text.Say(ctx, "outcome."+string(o)), Tone: "amber"}
	}
	return Mark{Icon: "link-2-off", Word: text.Say(ctx, "outcome.unknown"), Tone: "unknown"}
}

// OrderMark returns the mark of an order. An unsettled release says more than the status.
func OrderMark(ctx context.Context, o packaging.Order) Mark {
	switch {
	case o.Release != nil && (o.Release.Outcome == packaging.Sending || o.Release.Outcome == packaging.Unknown):
		return OutcomeMark(ctx, o.Release.Says())
	case o.Withdrawn.Given():
		return Mark{Icon: "circle-x", Word: text.Say(ctx, "status.withdrawn"), Tone: "calm"}
	case o.NotYetKnown:
		return Mark{Icon: "circle-help", Word: text.Say(ctx, "status.not_yet_known"), Tone: "calm"}
	case o.Gone:
		return Mark{Icon: "circle-x", Word: text.Say(ctx, "status.gone"), Tone: "amber"}
	case o.NeedsLook():
		return LookMark(ctx)
	case o.SetBack():
		return Mark{Icon: "triangle-alert", Word: text.Say(ctx, "outcome.set_back"), Tone: "amber"}
	}
	return StatusMark(ctx, o.Status)
}

// LookMark returns the mark of a release that a person should check: its list is missing or odd.
func LookMark(ctx context.Context) Mark {
	return Mark{Icon: "triangle-alert", Word: text.Say(ctx, "outcome.odd"), Tone: "amber"}
}

// StatusKey returns the name of a status in catalogue keys.
func StatusKey(s packaging.Status) string {
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
