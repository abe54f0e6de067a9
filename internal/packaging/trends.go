package packaging

import "time"

// Trend is what happened in a period of a row of them: a day or a week. Settling and Declined of its figures are not
// counted.
type Trend struct {
	First Day // of the period
	Period
	Figures
}

// SpansOf sums lengths of time up.
func SpansOf(all []time.Duration) Spans { return spans(all) }

// DaysUntil returns the last n days up to one, each a period that ends at now at the latest.
func DaysUntil(last Day, n int, now time.Time, zone *time.Location) []Trend {
	return trends(last.Plus(1-n), 1, n, now, zone)
}

// WeeksUntil returns the last n weeks up to that of a day, from Monday on.
func WeeksUntil(last Day, n int, now time.Time, zone *time.Location) []Trend {
	monday := last.Plus(-(int(last.Weekday()) + 6) % 7)
	return trends(monday.Plus(7*(1-n)), 7, n, now, zone)
}

func trends(first Day, days, n int, now time.Time, zone *time.Location) (all []Trend) {
	for range n {
		next := first.Plus(days)
		until := At(next, 0, zone)
		if until.After(now) {
			until = now
		}
		all = append(all, Trend{First: first, Period: Period{From: At(first, 0, zone), Until: until}})
		first = next
	}
	return all
}
