package shifts

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// bar is one rectangle in a field of 1000 by 100 units, which the page stretches to its place.
// The style sheet colours it by its class.
type bar struct {
	class      string
	x, y, w, h float64
}

func (b bar) at(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) }

// plotRow is a row of a plot: its name, its bars, and the same in words.
type plotRow struct {
	name, says string
	bars       []bar
}

const plotWidth = 1000

// releasesPlot draws each release of a line at its time.
// Outcomes differ in shape too: a refused one is short, an unknown one hollow.
func releasesPlot(ctx context.Context, r packaging.ShiftReport, lines []packaging.LineFigures) (rows []plotRow) {
	length := max(r.Length(), time.Minute)
	for _, l := range lines {
		row := plotRow{name: shell.LineName(ctx, l.Line)}
		var at []string
		for _, one := range r.Releases {
			if one.Line.Code != l.Line.Code || one.Elsewhere() {
				continue
			}
			b := bar{
				class: "plot-" + string(plotted(one)),
				x:     plotWidth * float64(one.Requested.Sub(r.Begin)) / float64(length),
				y:     10,
				w:     6,
				h:     80,
			}
			switch plotted(one) {
			case packaging.Refused:
				b.y, b.h, b.w = 55, 35, 10
			case packaging.Unknown, packaging.Sending:
				b.w = 10
			}
			b.x = min(b.x, plotWidth-b.w)
			row.bars = append(row.bars, b)
			at = append(at, text.ShortClock(ctx, one.Requested)+" "+shell.OutcomeMark(ctx, one.Says()).Word)
		}
		if row.says = strings.Join(at, ", "); len(at) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// plotted returns the outcome that a release is drawn and counted as: one that is settled by a sign is not known.
func plotted(one packaging.ReportedRelease) packaging.Outcome {
	if one.Reason == packaging.StillPending {
		return packaging.Unknown
	}
	return one.Outcome
}

// outcomesPlot draws how many releases of a line had each outcome. The line with the most has the longest bar.
func outcomesPlot(ctx context.Context, lines []packaging.LineFigures) (rows []plotRow) {
	var longest int64 = 1
	for _, l := range lines {
		longest = max(longest, l.Requested)
	}
	for _, l := range lines {
		row, x := plotRow{name: shell.LineName(ctx, l.Line)}, 0.0
		var parts []string
		for _, part := range []struct {
			outcome packaging.Outcome
			n       int64
		}{
			{packaging.Released, l.Released},
			{packaging.Refused, l.Refused},
			{packaging.Unknown, l.Unknown},
			{packaging.Sending, l.Sending},
		} {
			if part.n == 0 {
				continue
			}
			w := plotWidth * float64(part.n) / float64(longest)
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

// waitingPlot draws how long orders of a line waited: the median as a bar, the longest as a thin bar on top.
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
			says: text.Say(ctx, "report.waited",
				"Median", text.Lasting(ctx, l.Waiting.Median), "Longest", text.Lasting(ctx, l.Waiting.Longest)),
			bars: []bar{
				{"plot-longest", 0, 42, share(l.Waiting.Longest), 16},
				{"plot-median", 0, 20, share(l.Waiting.Median), 60},
			},
		})
	}
	return rows
}

// plotTicks returns times on the axis of a shift in equal steps, of full hours if possible.
func plotTicks(ctx context.Context, r packaging.ShiftReport) (ticks []string) {
	steps := 4
	for _, n := range []time.Duration{4, 3, 5, 2} {
		if r.Length()%(n*time.Hour) == 0 {
			steps = int(n)
			break
		}
	}
	for i := range steps + 1 {
		ticks = append(
			ticks, text.ShortClock(ctx, r.Begin.Add(r.Length()*time.Duration(i)/time.Duration(steps))),
		)
	}
	return ticks
}
