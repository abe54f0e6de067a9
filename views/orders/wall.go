package orders

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// Wall is what a screen on the wall shows: a row for each line, and what the shift has come to.
type Wall struct {
	Alarms []packaging.Alarm // that last
	Rows   []WallRow         // the worst first
	Shift  packaging.Occurrence
	Done   packaging.Figures // of the shift so far, or of the day between shifts
}

// WallRow is a line on the wall.
type WallRow struct {
	packaging.Lane
	Trouble *packaging.Order // the worst of the line, nil for none
	Late    int              // lists that wait for their destination for too long
}

// next returns the order that comes next and is not the trouble itself, nil for none.
func (r WallRow) next() *packaging.Order {
	for i, o := range r.Next {
		if r.Trouble == nil || o.ID != r.Trouble.ID {
			return &r.Next[i]
		}
	}
	return nil
}

// rank orders rows: what nobody knows, what failed, what needs a look, what goes out now, then what runs, waits, is
// idle.
func (r WallRow) rank() int {
	switch {
	case r.Trouble != nil:
		return troubleRank(*r.Trouble.Release)
	case r.Late > 0:
		return 3
	case len(r.Running) > 0:
		return 4
	case !r.Idle():
		return 5
	}
	return 6
}

func troubleRank(r packaging.Release) int {
	switch r.Outcome {
	case packaging.Unknown:
		return 0
	case packaging.Refused:
		if r.Says() == packaging.Refused {
			return 1
		}
		return 2
	case packaging.Sending:
		return 3
	}
	return 2
}

// troubleSince returns since when a release is as it is.
func troubleSince(r packaging.Release) time.Time {
	if r.HasResult() {
		return r.Ended()
	}
	return r.Requested
}

// NewWall puts troubles to their lanes, and the worst first: of equals the older trouble.
func NewWall(
	lanes []packaging.Lane, troubles []packaging.Order, late map[packaging.LineID][]packaging.Delivery,
) (w Wall) {
	worst := map[string]*packaging.Order{}
	for i, o := range troubles {
		key := wallKey(o.Line, o.APILine())
		if was := worst[key]; was == nil || worse(*o.Release, *was.Release) {
			worst[key] = &troubles[i]
		}
	}
	for _, l := range lanes {
		w.Rows = append(w.Rows, WallRow{l, worst[wallKey(l.Line, l.Line.Code)], len(late[l.Line.ID])})
	}
	slices.SortStableFunc(w.Rows, func(a, b WallRow) int {
		byRank := cmp.Compare(a.rank(), b.rank())
		if byRank != 0 || a.Trouble == nil || b.Trouble == nil {
			return byRank
		}
		return troubleSince(*a.Trouble.Release).Compare(troubleSince(*b.Trouble.Release))
	})
	return w
}

func worse(a, b packaging.Release) bool {
	if byRank := cmp.Compare(troubleRank(a), troubleRank(b)); byRank != 0 {
		return byRank < 0
	}
	return troubleSince(a).Before(troubleSince(b))
}

// wallKey tells lanes apart: by the code of their line, or by what the API calls one that is not set up here.
func wallKey(l packaging.Line, apiLine string) string {
	if l.Known() {
		return l.Code
	}
	return "\n" + strings.ToLower(apiLine)
}

// wallMark returns the mark of the tile, and its tone as the class of the row.
func wallMark(ctx context.Context, r WallRow) shell.Mark {
	switch {
	case r.Trouble == nil && len(r.Running) > 0:
		return shell.Mark{Icon: "circle-play", Word: text.Say(ctx, "wall.running"), Tone: "calm"}
	case r.Trouble == nil && !r.Idle():
		return shell.Mark{Icon: "clock", Word: text.Say(ctx, "wall.waits"), Tone: "calm"}
	case r.Trouble == nil:
		return shell.Mark{Icon: "circle-dashed", Word: text.Say(ctx, "wall.idle"), Tone: "calm"}
	case r.Trouble.Release.HasResult() && r.Trouble.Release.Outcome == packaging.Released:
		return shell.LookMark(ctx)
	}
	return shell.OutcomeMark(ctx, r.Trouble.Release.Says())
}

// wallTotals returns what the shift, or the day between shifts, has come to.
func wallTotals(ctx context.Context, w Wall) string {
	name := w.Shift.Name
	if name == "" {
		name = text.Say(ctx, "wall.today")
	}
	said := []string{name, text.Say(ctx, "wall.released", "Count", int(w.Done.Released))}
	if w.Done.Refused > 0 {
		said = append(said, text.Say(ctx, "wall.refused", "Count", int(w.Done.Refused)))
	}
	if w.Done.Unknown > 0 {
		said = append(said, text.Say(ctx, "wall.unknown", "Count", int(w.Done.Unknown)))
	}
	if w.Done.Sending > 0 {
		said = append(said, text.Say(ctx, "wall.sending", "Count", int(w.Done.Sending)))
	}
	return strings.Join(said, " · ")
}

// wallReason returns what is the matter with an order, in a few words.
func wallReason(ctx context.Context, o packaging.Order) string {
	r := *o.Release
	switch {
	case r.Outcome == packaging.Refused:
		return briefReason(ctx, r)
	case !r.ListMissing() && len(r.Oddities) > 0:
		return shell.OddityBrief(ctx, r.Oddities[0], r)
	}
	return troubleReason(ctx, o)
}

// wallRunning says since when an order runs, where that is known here.
func wallRunning(ctx context.Context, o packaging.Order) string {
	if r := o.Release; r != nil && r.Outcome == packaging.Released && r.Proof == packaging.ByAnswer {
		return text.Say(ctx, "wall.running_since", "Time", text.ShortClock(ctx, r.Answered))
	}
	return text.Say(ctx, "wall.running")
}
