package shifts

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
	"lineboard/views/shell"
)

// ByWeek names the trends by week in an address; by day is the standard.
const ByWeek = "week"

// TrendsPage is a row of days, or weeks.
type TrendsPage struct {
	By     string        // ByWeek, or empty for days
	Until  packaging.Day // the last day, empty for today
	Today  packaging.Day
	Trends []packaging.Trend
}

// step returns the number of days from one period to the next.
func (p TrendsPage) step() int {
	if p.By == ByWeek {
		return 7
	}
	return 1
}

// earlier returns the day before the first period.
func (p TrendsPage) earlier() packaging.Day { return p.Trends[0].First.Plus(-1) }

// isNewest says whether today is on the page.
func (p TrendsPage) isNewest() bool { return p.Trends[len(p.Trends)-1].First.Plus(p.step()) > p.Today }

// later returns the last day of the page after this one.
func (p TrendsPage) later() packaging.Day {
	last := p.Trends[len(p.Trends)-1]
	return last.First.Plus(p.step()*len(p.Trends) + p.step() - 1)
}

// mostSent returns the releases of the period with the most, at least 1.
func (p TrendsPage) mostSent() (most int64) {
	for _, t := range p.Trends {
		most = max(most, t.Released+t.Refused+t.Unknown+t.Sending)
	}
	return max(most, 1)
}

// sending returns how many releases are under way.
func (p TrendsPage) sending() (n int64) {
	for _, t := range p.Trends {
		n += t.Sending
	}
	return n
}

// longestWait returns the longest wait of all periods, at least a minute.
func (p TrendsPage) longestWait() (longest time.Duration) {
	for _, t := range p.Trends {
		longest = max(longest, t.Waiting.Longest)
	}
	return max(longest, time.Minute)
}

// column is a period in a plot of columns: its label, its bars, and the same in words.
type column struct {
	label [2]string
	says  string
	bars  []bar
}

// The field of a plot of columns, in units that the page stretches.
const (
	columnsHeight = 300
	columnShare   = 0.7 // of a column's place that it fills
)

// columnLabel returns a day in two short rows: day and month in the order of the language or, in trends by day, its
// number and its weekday.
func columnLabel(ctx context.Context, p TrendsPage, d packaging.Day) [2]string {
	if p.By == ByWeek {
		return text.DayAndMonth(ctx, string(d))
	}
	day := strings.TrimLeft(string(d[8:]), "0")
	weekday := []rune(shell.WeekdayText(ctx, d.Weekday()))
	return [2]string{day, string(weekday[:min(2, len(weekday))])}
}

// outcomeColumns draws how many releases of each period ended how, one on the other.
func outcomeColumns(ctx context.Context, p TrendsPage) (columns []column) {
	for i, t := range p.Trends {
		c := column{label: columnLabel(ctx, p, t.First)}
		bottom := float64(columnsHeight)
		var parts []string
		for _, part := range []struct {
			outcome packaging.Outcome
			n       int64
		}{
			{packaging.Released, t.Released},
			{packaging.Refused, t.Refused},
			{packaging.Unknown, t.Unknown},
			{packaging.Sending, t.Sending},
		} {
			if part.n == 0 {
				continue
			}
			h := columnsHeight * float64(part.n) / float64(p.mostSent())
			bottom -= h
			c.bars = append(c.bars, columnBar(p, i, "plot-"+string(part.outcome), bottom, h, 1))
			parts = append(parts, fmt.Sprint(shell.OutcomeMark(ctx, part.outcome).Word, " ", text.Number(ctx, part.n)))
		}
		c.says = says(ctx, p, t, strings.Join(parts, ", "))
		columns = append(columns, c)
	}
	return columns
}

// waitingColumns draws how long orders of each period waited: the median, and thin beside it the longest.
func waitingColumns(ctx context.Context, p TrendsPage) (columns []column) {
	height := func(d time.Duration) float64 { return columnsHeight * float64(d) / float64(p.longestWait()) }
	for i, t := range p.Trends {
		c := column{label: columnLabel(ctx, p, t.First)}
		if t.Waiting.Count > 0 {
			median, most := height(t.Waiting.Median), height(t.Waiting.Longest)
			c.bars = []bar{
				columnBar(p, i, "plot-longest", columnsHeight-most, most, 0.3),
				columnBar(p, i, "plot-median", columnsHeight-median, median, 1),
			}
			c.says = says(ctx, p, t, text.Say(ctx, "report.waited",
				"Median", text.Lasting(ctx, t.Waiting.Median), "Longest", text.Lasting(ctx, t.Waiting.Longest)))
		}
		columns = append(columns, c)
	}
	return columns
}

// columnBar returns a bar in the column of a period, as wide as a share of the column.
func columnBar(p TrendsPage, i int, class string, y, h, share float64) bar {
	place := plotWidth / float64(len(p.Trends))
	w := place * columnShare * share
	return bar{class, place*(float64(i)+0.5) - w/2, y, w, max(h, 2)}
}

// says returns a period's name and what of it is drawn, empty where that is nothing.
func says(ctx context.Context, p TrendsPage, t packaging.Trend, what string) string {
	if what == "" {
		return ""
	}
	return periodText(ctx, p, t) + ": " + what
}

// periodText names a period: a day, or the first day of a week.
func periodText(ctx context.Context, p TrendsPage, t packaging.Trend) string {
	if p.By == ByWeek {
		return text.Say(ctx, "trends.week_of", "Day", shell.DayText(ctx, t.First))
	}
	return shell.WeekdayText(ctx, t.First.Weekday()) + " " + shell.DayText(ctx, t.First)
}

// saysAll returns the words of all columns.
func saysAll(columns []column) string {
	var all []string
	for _, c := range columns {
		if c.says != "" {
			all = append(all, c.says)
		}
	}
	return strings.Join(all, "; ")
}
