package shifts

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// ShiftDay is the shifts of a day, the latest first.
type ShiftDay struct {
	Day  packaging.Day
	Rows []shell.ShiftRow
}

// ShiftsPage is the list of shifts, day by day, the latest first.
type ShiftsPage struct {
	Days   []ShiftDay
	At     packaging.Day // before which the page ends, empty on the first
	Before packaging.Day // where an older page begins, empty on the last
	Left   []packaging.Handover
}

// ReportPage is the report of a shift, with what people signed under it.
type ReportPage struct {
	Report   packaging.ShiftReport
	Running  bool
	Whole    bool // the person sees all lines
	Handover *packaging.Handover
	Reviews  []packaging.Review     // the latest first
	Changes  []packaging.Difference // since the latest
	Form     *SignForm              // where the person signs it
}

// SignForm is what a person signs with.
type SignForm struct {
	Shown    string // hash of what the page shows
	Meaning  packaging.Meaning
	Comment  string
	Problem  string
	Obstacle string // why the person can't sign, empty where they can
}

// HandoverPage is the hand-over of a shift.
type HandoverPage struct {
	packaging.Occurrence
	Items    []packaging.HandoverItem // that would be handed over now
	Handover *packaging.Handover      // nil while it was not
	Signed   []packaging.Signature
	Shown    string
	Remarks  string
	Problem  string
}

// span writes a length of time, or that there is none.
func span(ctx context.Context, s packaging.Spans, d time.Duration) string {
	if s.Count == 0 {
		return text.Say(ctx, "value.none")
	}
	return text.Lasting(ctx, d)
}

// itemMark is how an open item looks.
func itemMark(ctx context.Context, kind packaging.ItemKind) shell.Mark {
	word := text.Say(ctx, "item."+string(kind))
	switch kind {
	case packaging.UnknownOutcome:
		return shell.Mark{Icon: "link-2-off", Word: word, Tone: "unknown"}
	case packaging.OddList:
		return shell.Mark{Icon: "triangle-alert", Word: word, Tone: "amber"}
	case packaging.SuspendedOrder:
		return shell.Mark{Icon: "circle-pause", Word: word, Tone: "amber"}
	case packaging.WaitingOrder:
		return shell.Mark{Icon: "send", Word: word, Tone: "pending"}
	case packaging.RunningQueue:
		return shell.Mark{Icon: "list", Word: word, Tone: "calm"}
	}
	return shell.Mark{Icon: "sticky-note", Word: word, Tone: "calm"}
}

// didColumns are the deeds of which a report shows who did them how often, where anybody did.
func didColumns(people []packaging.PersonDeeds) (columns []packaging.Deed) {
	for _, d := range packaging.Work {
		if slices.ContainsFunc(people, func(p packaging.PersonDeeds) bool { return p.Deeds[d] > 0 }) {
			columns = append(columns, d)
		}
	}
	return columns
}

// workers are the people who did any of it.
func workers(people []packaging.PersonDeeds) (all []packaging.PersonDeeds) {
	for _, p := range people {
		if slices.ContainsFunc(packaging.Work, func(d packaging.Deed) bool { return p.Deeds[d] > 0 }) {
			all = append(all, p)
		}
	}
	return all
}

// ---- Plots: drawn by rectangles in a field of 1000 by 100 that is stretched to its place, so that words stay words.

// bar is one rectangle of a plot. Class says what it stands for; the sheet gives it its colour.
type bar struct {
	class      string
	x, y, w, h float64
}

func (b bar) at(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) }

// plotRow is a line of a plot: its name, its drawing, and what the drawing says in words.
type plotRow struct {
	name, says string
	bars       []bar
}

const plotWidth = 1000

// releasesPlot draws each release of a line at its time. Marks of different outcomes have different shapes: a refused one is
// short, an unknown one hollow.
func releasesPlot(ctx context.Context, r packaging.ShiftReport, lines []packaging.LineFigures) (rows []plotRow) {
	length := max(r.Length(), time.Minute)
	for _, l := range lines {
		row := plotRow{name: shell.LineName(ctx, l.Line)}
		var at []string
		for _, one := range r.Releases {
			if one.Line.Code != l.Line.Code || one.Elsewhere() {
				continue
			}
			b := bar{class: "plot-" + string(one.Outcome), x: plotWidth * float64(one.Requested.Sub(r.Begin)) / float64(length), y: 10, w: 6, h: 80}
			switch one.Outcome {
			case packaging.Refused:
				b.y, b.h, b.w = 55, 35, 10
			case packaging.Unknown, packaging.Sending:
				b.w = 10
			}
			b.x = min(b.x, plotWidth-b.w)
			row.bars = append(row.bars, b)
			at = append(at, text.Clock(ctx, one.Requested)[:len("15:04")]+" "+shell.OutcomeMark(ctx, one.Outcome).Word)
		}
		if row.says = strings.Join(at, ", "); len(at) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// outcomesPlot draws how many releases of a line ended how; the longest bar is that of the line with the most.
func outcomesPlot(ctx context.Context, lines []packaging.LineFigures) (rows []plotRow) {
	var most int64 = 1
	for _, l := range lines {
		most = max(most, l.Requested)
	}
	for _, l := range lines {
		row, x := plotRow{name: shell.LineName(ctx, l.Line)}, 0.0
		var parts []string
		for _, part := range []struct {
			outcome packaging.Outcome
			n       int64
		}{{packaging.Released, l.Released}, {packaging.Refused, l.Refused}, {packaging.Unknown, l.Unknown}, {packaging.Sending, l.Sending}} {
			if part.n == 0 {
				continue
			}
			w := plotWidth * float64(part.n) / float64(most)
			row.bars = append(row.bars, bar{"plot-" + string(part.outcome), x, 20, max(w-4, 2), 60})
			x += w
			parts = append(parts, fmt.Sprint(shell.OutcomeMark(ctx, part.outcome).Word, " ", text.Number(ctx, part.n)))
		}
		if row.says = strings.Join(parts, ", "); len(parts) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// waitingPlot draws how long orders of a line waited: the median as a bar, the longest as a thin one on top of it.
func waitingPlot(ctx context.Context, lines []packaging.LineFigures) (rows []plotRow) {
	var longest time.Duration = 1
	for _, l := range lines {
		longest = max(longest, l.Waiting.Longest)
	}
	for _, l := range lines {
		if l.Waiting.Count == 0 {
			continue
		}
		share := func(d time.Duration) float64 { return max(plotWidth*float64(d)/float64(longest), 2) }
		rows = append(rows, plotRow{
			name: shell.LineName(ctx, l.Line),
			says: text.Say(ctx, "report.waited", "Median", text.Lasting(ctx, l.Waiting.Median), "Longest", text.Lasting(ctx, l.Waiting.Longest)),
			bars: []bar{{"plot-longest", 0, 42, share(l.Waiting.Longest), 16}, {"plot-median", 0, 20, share(l.Waiting.Median), 60}},
		})
	}
	return rows
}

// plotTicks are times on the axis of a shift, from its begin to its end in equal steps: of whole hours, where that can be.
func plotTicks(ctx context.Context, r packaging.ShiftReport) (ticks []string) {
	steps := 4
	for _, n := range []time.Duration{4, 3, 5, 2} {
		if r.Length()%(n*time.Hour) == 0 {
			steps = int(n)
			break
		}
	}
	for i := range steps + 1 {
		ticks = append(ticks, text.Clock(ctx, r.Begin.Add(r.Length()*time.Duration(i)/time.Duration(steps)))[:len("15:04")])
	}
	return ticks
}
