package packaging

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Day is a calendar day of a site, as in "2026-11-23". Days compare as text.
type Day string

// DayOf is the day that the site's clock shows at a moment.
func DayOf(t time.Time, zone *time.Location) Day { return Day(t.In(zone).Format(time.DateOnly)) }

// ParseDay reads a day of 1970 to 2999: what is far from now is a mistake, and the days around it must be days too.
func ParseDay(s string) (Day, bool) {
	t, err := time.Parse(time.DateOnly, s)
	return Day(s), err == nil && t.Year() >= 1970 && t.Year() <= 2999
}

// Plus is the day so many days later, or earlier.
func (d Day) Plus(days int) Day { return Day(d.midnight().AddDate(0, 0, days).Format(time.DateOnly)) }

// Weekday is the day's.
func (d Day) Weekday() time.Weekday { return d.midnight().Weekday() }

// midnight is the day's beginning on a clock that is always right, in UTC; zero where it is no day.
func (d Day) midnight() time.Time {
	t, _ := time.Parse(time.DateOnly, string(d))
	return t
}

// Minute is a time of day on the site's clock, in minutes since midnight: 0 to 1439.
type Minute int

const dayMinutes = 24 * 60

// ParseMinute reads a time of day as in "06:00".
func ParseMinute(s string) (Minute, bool) {
	t, err := time.Parse("15:04", s)
	return Minute(t.Hour()*60 + t.Minute()), err == nil && len(s) == len("15:04")
}

func (m Minute) String() string { return fmt.Sprintf("%02d:%02d", int(m)/60, int(m)%60) }

// Weekdays are some days of the week; bit n is [time.Weekday] n, from Sunday.
type Weekdays uint8

// EveryDay is all of them.
const EveryDay Weekdays = 1<<7 - 1

// On is the set of just these days.
func On(days ...time.Weekday) (w Weekdays) {
	for _, d := range days {
		w |= 1 << d
	}
	return w
}

// Has says whether the day is one of them.
func (w Weekdays) Has(d time.Weekday) bool { return w&(1<<d) != 0 }

// Week is the days of a week from Monday on, as people at work count them.
var Week = []time.Weekday{
	time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday,
}

// DayNames are how a provisioning file and the history write the days of [Week].
var DayNames = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func (w Weekdays) String() string {
	var names []string
	for i, d := range Week {
		if w.Has(d) {
			names = append(names, DayNames[i])
		}
	}
	return strings.Join(names, " ")
}

// Shift is one shift of a plan, by the site's clock. It ends on the next day where End is not after Start; so one of
// 06:00 to 06:00 lasts a day.
type Shift struct {
	Name  string
	Start Minute
	End   Minute
	Days  Weekdays // on which it begins
}

func (s Shift) String() string {
	return fmt.Sprintf("%s %v–%v %v", s.Name, s.Start, s.End, s.Days)
}

// minutes is how long the shift is by the clock.
func (s Shift) minutes() int {
	n := int(s.End) - int(s.Start)
	if n <= 0 {
		n += dayMinutes
	}
	return n
}

// Plan is the shifts of a tenant from a day on, until another plan begins. Plans are only added, so that what past days
// were divided into never changes.
type Plan struct {
	From   Day
	Shifts []Shift
}

func (p Plan) String() string {
	shifts := make([]string, len(p.Shifts))
	for i, s := range p.Shifts {
		shifts[i] = s.String()
	}
	return "from " + string(p.From) + ": " + strings.Join(shifts, "; ")
}

// ReadPlan reads a plan as the history has it. A shift's name has no semicolon.
func ReadPlan(recorded string) (p Plan, ok bool) {
	from, shifts, ok := strings.Cut(strings.TrimPrefix(recorded, "from "), ": ")
	if p.From = Day(from); !ok || p.From.midnight().IsZero() {
		return p, false
	}
	for _, one := range strings.Split(shifts, "; ") {
		s, ok := readShift(one)
		if !ok {
			return p, false
		}
		p.Shifts = append(p.Shifts, s)
	}
	return p, true
}

// readShift reads a name, which may have spaces, the times, and the days.
func readShift(recorded string) (s Shift, ok bool) {
	words := strings.Split(recorded, " ")
	for len(words) > 0 && slices.Contains(DayNames, words[len(words)-1]) {
		s.Days |= On(Week[slices.Index(DayNames, words[len(words)-1])])
		words = words[:len(words)-1]
	}
	if len(words) < 2 {
		return s, false
	}
	start, end, _ := strings.Cut(words[len(words)-1], "–")
	s.Name = strings.Join(words[:len(words)-1], " ")
	var starts, ends bool
	s.Start, starts = ParseMinute(start)
	s.End, ends = ParseMinute(end)
	return s, starts && ends
}

// MaxShifts is how many shifts a plan can have.
const MaxShifts = 12

// maxShiftName is the longest name of a shift, in characters.
const maxShiftName = 40

// Check fails with Invalid for a plan that can't be: a shift without days, or without a name; a name that an address
// can't hold, or that two have; shifts that overlap, be it by a minute. There may be gaps between shifts.
func (p Plan) Check() error {
	names := map[string]bool{}
	for _, s := range p.Shifts {
		name := strings.ToLower(s.Name)
		switch n := utf8.RuneCountInString(s.Name); {
		case n == 0 || n > maxShiftName || strings.TrimSpace(s.Name) != s.Name || strings.ContainsAny(s.Name, `/\.;`) ||
			strings.ContainsFunc(s.Name, func(r rune) bool { return Unseen(r) || r == utf8.RuneError }):
			return Fail(Invalid, "shifts.bad_name", "Name", s.Name)
		case names[name]:
			return Fail(Invalid, "shifts.same_name", "Name", s.Name)
		case s.Start < 0 || s.Start >= dayMinutes || s.End < 0 || s.End >= dayMinutes:
			return Fail(Invalid, "shifts.bad_time", "Name", s.Name)
		case s.Days == 0 || s.Days > EveryDay:
			return Fail(Invalid, "shifts.no_days", "Name", s.Name)
		}
		names[name] = true
	}
	if len(p.Shifts) > MaxShifts {
		return Fail(Invalid, "shifts.too_many")
	}
	return p.checkOverlaps()
}

// checkOverlaps goes through the minutes of a week. On the night when the clock is put forward or back nothing can
// overlap that does not overlap here: see [At].
func (p Plan) checkOverlaps() error {
	var taken [7 * dayMinutes]string
	for _, s := range p.Shifts {
		for _, day := range Week {
			if !s.Days.Has(day) {
				continue
			}
			for m := range s.minutes() {
				at := &taken[(int(day)*dayMinutes+int(s.Start)+m)%len(taken)]
				if *at != "" {
					return Fail(Invalid, "shifts.overlap", "Name", s.Name, "Other", *at)
				}
				*at = s.Name
			}
		}
	}
	return nil
}

// At returns the moment at which the clock of a zone first shows a time of a day, or a later one. A time that the clock
// skips is the moment of the change. A time that it shows twice is the first of the two. So times keep their order:
// what adjoins by the clock adjoins in fact, and nothing overlaps.
func At(d Day, m Minute, zone *time.Location) time.Time {
	shown := d.midnight().Add(time.Duration(m) * time.Minute) // as if the zone were UTC
	// No zone is more than 14 hours ahead of UTC; from before that on, go through the times between two changes of the
	// clock.
	for from := shown.Add(-15 * time.Hour); ; {
		_, offset := from.In(zone).Zone()
		_, until := from.In(zone).ZoneBounds()
		t := shown.Add(-time.Duration(offset) * time.Second)
		switch {
		case t.Before(from):
			return from.UTC() // skipped
		case until.IsZero() || t.Before(until):
			return t
		}
		from = until
	}
}

// LastAt is the moment at which the clock of a zone last shows a time of a day: where the clock is put back, the second
// of the two. Otherwise it is that of [At].
func LastAt(d Day, m Minute, zone *time.Location) time.Time {
	first := At(d, m, zone)
	_, before := first.In(zone).Zone()
	_, change := first.In(zone).ZoneBounds()
	if change.IsZero() {
		return first
	}
	_, after := change.In(zone).Zone()
	if second := first.Add(time.Duration(before-after) * time.Second); !second.Before(change) {
		return second
	}
	return first
}

// Occurrence is a shift as it takes place on a day: the one on which it begins.
type Occurrence struct {
	Shift
	Day   Day
	Begin time.Time // included, UTC
	Until time.Time // excluded; equal to Begin where the clock skipped the whole shift
}

// Length is how long it lasts: a shift of eight hours by the clock has seven or nine when the clock is changed.
func (o Occurrence) Length() time.Duration { return o.Until.Sub(o.Begin) }

// Holds says whether a moment belongs to it.
func (o Occurrence) Holds(t time.Time) bool { return !t.Before(o.Begin) && t.Before(o.Until) }

// Named says whether there is a shift at all.
func (o Occurrence) Named() bool { return o.Name != "" }

// on is the shift as it takes place on a day.
func (s Shift) on(d Day, zone *time.Location) Occurrence {
	last := d
	if s.End <= s.Start {
		last = d.Plus(1)
	}
	return Occurrence{Shift: s, Day: d, Begin: At(d, s.Start, zone), Until: At(last, s.End, zone)}
}

// Roster is all plans of a tenant, the one added last being last.
type Roster []Plan

// PlanOf returns the plan of a day: the one that began last. Of several that begin on one day, it is the one added
// last. Before the first there is none, which has no shifts.
func (r Roster) PlanOf(d Day) (plan Plan) {
	for _, p := range r {
		if p.From <= d && p.From >= plan.From {
			plan = p
		}
	}
	return plan
}

// Changes are the days after a day on which another plan begins, in turn.
func (r Roster) Changes(after Day) (days []Day) {
	for _, p := range r {
		if p.From > after {
			days = append(days, p.From)
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// First is the first day that has a plan, empty where there is none.
func (r Roster) First() (first Day) {
	for _, p := range r {
		if first == "" || p.From < first {
			first = p.From
		}
	}
	return first
}

// Of returns the shifts of a day, in the order in which they take place.
func (r Roster) Of(d Day, zone *time.Location) (all []Occurrence) {
	for _, s := range r.PlanOf(d).Shifts {
		if s.Days.Has(d.Weekday()) {
			all = append(all, s.on(d, zone))
		}
	}
	slices.SortFunc(all, func(a, b Occurrence) int { return a.Begin.Compare(b.Begin) })
	return all
}

// Find returns a shift of a day by its name in any case.
func (r Roster) Find(d Day, name string, zone *time.Location) (Occurrence, bool) {
	for _, o := range r.Of(d, zone) {
		if strings.EqualFold(o.Name, name) {
			return o, true
		}
	}
	return Occurrence{}, false
}

// Names are what shifts are or were called, each once in whatever case; those of the newest plan come first.
func (r Roster) Names() (names []string) {
	for _, p := range slices.Backward(r) {
		for _, s := range p.Shifts {
			if !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, s.Name) }) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// Latest returns the shift of a name, in any case, that has begun last.
func (r Roster) Latest(name string, now time.Time, zone *time.Location) (Occurrence, bool) {
	for d, first := DayOf(now, zone), r.First(); first != "" && d >= first; d = d.Plus(-1) {
		if o, ok := r.Find(d, name, zone); ok && !o.Begin.After(now) {
			return o, true
		}
	}
	return Occurrence{}, false
}

// At returns the shift that a moment belongs to; ok is false between shifts.
func (r Roster) At(t time.Time, zone *time.Location) (o Occurrence, ok bool) {
	today := DayOf(t, zone)
	for _, d := range []Day{today.Plus(-1), today, today.Plus(1)} {
		for _, o := range r.Of(d, zone) {
			if o.Holds(t) {
				return o, true
			}
		}
	}
	return Occurrence{}, false
}

// Between returns the shifts that take place wholly or in part from a moment on and before another, in their order.
func (r Roster) Between(from, to time.Time, zone *time.Location) (all []Occurrence) {
	for d, last := DayOf(from, zone).Plus(-1), DayOf(to, zone).Plus(1); d <= last; d = d.Plus(1) {
		for _, o := range r.Of(d, zone) {
			if o.Begin.Before(to) && o.Until.After(from) {
				all = append(all, o)
			}
		}
	}
	return all
}

// CheckChange says, as an Invalid, that where one plan follows another the last shift of the one and the first of the
// other overlap.
func (r Roster) CheckChange() error {
	for _, p := range r {
		before, after := r.PlanOf(p.From.Plus(-1)), r.PlanOf(p.From)
		for _, a := range before.Shifts {
			for _, b := range after.Shifts {
				if a.Days.Has(p.From.Plus(-1).Weekday()) && b.Days.Has(p.From.Weekday()) &&
					int(a.Start)+a.minutes() > dayMinutes+int(b.Start) {
					return Fail(
						Invalid, "shifts.overlap_change", "Name", b.Name, "Other", a.Name, "Day", string(p.From),
					)
				}
			}
		}
	}
	return nil
}
