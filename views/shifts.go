package views

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

// ShiftRow is a shift in the list of them, or a time between two.
type ShiftRow struct {
	packaging.Occurrence // without a name between shifts
	packaging.Figures
	Running  bool
	Notes    int
	Handover *packaging.Handover // without its items, nil where it was not handed over
	Review   *packaging.Review   // the latest, nil where there is none
	Changed  bool                // since that review
}

// Busy says that something happened in the shift.
func (r ShiftRow) Busy() bool { return r.Requested+r.Elsewhere+r.Declined > 0 || r.Notes > 0 }

// Due says that the shift is over, something happened in it, and nobody handed it over; unsigned likewise.
func (r ShiftRow) Due(now time.Time) bool { return r.over(now) && r.Handover == nil }

// Unsigned says that nobody signed the shift.
func (r ShiftRow) Unsigned(now time.Time) bool { return r.over(now) && r.Review == nil }

func (r ShiftRow) over(now time.Time) bool { return r.Named() && r.Busy() && !now.Before(r.Until) }

// ShiftDay is the shifts of a day, the latest first.
type ShiftDay struct {
	Day  packaging.Day
	Rows []ShiftRow
}

// ShiftsPage is the list of shifts, day by day, the latest first.
type ShiftsPage struct {
	Days   []ShiftDay
	At     packaging.Day // before which the page ends, empty on the first
	Before packaging.Day // where an older page begins, empty on the last
	Left   []packaging.Handover
}

// Digest is what a manager is told on the overview, and what anybody is who takes over. Nothing of it is no digest.
type Digest struct {
	Day      packaging.Figures // of today
	Due      []ShiftRow        // over and not handed over
	Unsigned []ShiftRow        // over and not signed
	Changed  []ShiftRow        // since they were signed
	Left     []packaging.Handover
}

// Calm says that there is nothing to tell.
func (d Digest) Calm() bool {
	return d.Day.Refused+d.Day.Unknown+d.Day.Missing+d.Day.Odd == 0 && len(d.Due)+len(d.Unsigned)+len(d.Changed)+len(d.Left) == 0
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

// ShiftsForm is the plan of shifts as it is edited.
type ShiftsForm struct {
	Plan     packaging.Plan // the one that is edited
	Rows     []ShiftFields
	Current  packaging.Plan
	Coming   []packaging.Plan
	Other    bool // who signs must be somebody else
	Problem  string
	Done     bool
	Earliest packaging.Day
}

// ShiftFields are a shift as typed.
type ShiftFields struct {
	Name, Start, End string
	Days             []string
}

// clockOf writes a time of day of the site, to the minute, and the day where it is another one.
func clockOf(ctx context.Context, at time.Time, day packaging.Day) string {
	clock := text.Clock(ctx, at)[:len("15:04")]
	if written := text.Day(ctx, at); written != dayText(ctx, day) {
		return written + " " + clock
	}
	return clock
}

// dayText writes a day as the language does.
func dayText(ctx context.Context, d packaging.Day) string {
	date, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return string(d)
	}
	return text.Date(ctx, date)
}

// weekdayText names the day of the week.
func weekdayText(ctx context.Context, d time.Weekday) string {
	return text.Say(ctx, "weekday."+packaging.DayNames[slices.Index(packaging.Week, d)])
}

// hours writes from when until when a shift is, by the clock.
func hours(ctx context.Context, o packaging.Occurrence) string {
	return text.Clock(ctx, o.Begin)[:len("15:04")] + "–" + text.Clock(ctx, o.Until)[:len("15:04")]
}

// shiftTitle names a shift with its day.
func shiftTitle(ctx context.Context, o packaging.Occurrence) string {
	return o.Name + " · " + weekdayText(ctx, o.Day.Weekday()) + " " + dayText(ctx, o.Day)
}

// daysText names the days of a shift.
func daysText(ctx context.Context, w packaging.Weekdays) string {
	if w == packaging.EveryDay {
		return text.Say(ctx, "shifts.every_day")
	}
	var names []string
	for _, d := range packaging.Week {
		if w.Has(d) {
			names = append(names, weekdayText(ctx, d))
		}
	}
	return strings.Join(names, " ")
}

// span writes a length of time, or that there is none.
func span(ctx context.Context, s packaging.Spans, d time.Duration) string {
	if s.Count == 0 {
		return text.Say(ctx, "value.none")
	}
	return text.Lasting(ctx, d)
}

// itemMark is how an open item looks.
func itemMark(ctx context.Context, kind packaging.ItemKind) mark {
	word := text.Say(ctx, "item."+string(kind))
	switch kind {
	case packaging.UnknownOutcome:
		return mark{"link-2-off", word, "unknown"}
	case packaging.OddList:
		return mark{"triangle-alert", word, "amber"}
	case packaging.SuspendedOrder:
		return mark{"circle-pause", word, "amber"}
	case packaging.WaitingOrder:
		return mark{"send", word, "pending"}
	case packaging.RunningQueue:
		return mark{"list", word, "calm"}
	}
	return mark{"sticky-note", word, "calm"}
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
		row := plotRow{name: lineName(ctx, l.Line)}
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
			at = append(at, text.Clock(ctx, one.Requested)[:len("15:04")]+" "+outcomeMark(ctx, one.Outcome).word)
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
		row, x := plotRow{name: lineName(ctx, l.Line)}, 0.0
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
			parts = append(parts, fmt.Sprint(outcomeMark(ctx, part.outcome).word, " ", text.Number(ctx, part.n)))
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
			name: lineName(ctx, l.Line),
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
