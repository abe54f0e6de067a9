package packaging

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func minute(s string) Minute {
	m, ok := ParseMinute(s)
	if !ok {
		panic(s)
	}
	return m
}

func shift(name, start, end string, days Weekdays) Shift {
	return Shift{Name: name, Start: minute(start), End: minute(end), Days: days}
}

var threeShifts = Plan{From: "2026-01-01", Shifts: []Shift{
	shift("Early", "06:00", "14:00", EveryDay), shift("Late", "14:00", "22:00", EveryDay),
	shift("Night", "22:00", "06:00", EveryDay),
}}

func TestAShiftIsLongerOrShorterOnTheNightWhenTheClockIsChanged(t *testing.T) {
	brussels, howe := zone(t, "Europe/Brussels"), zone(t, "Australia/Lord_Howe")
	for _, c := range []struct {
		zone         *time.Location
		day          Day
		shift        Shift
		begin, until string
		length       time.Duration
	}{
		{brussels, "2026-11-23", threeShifts.Shifts[2], "2026-11-23T21:00:00Z", "2026-11-24T05:00:00Z", 8 * time.Hour},
		{brussels, "2026-03-28", threeShifts.Shifts[2], "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z", 7 * time.Hour},
		{brussels, "2026-10-24", threeShifts.Shifts[2], "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z", 9 * time.Hour},
		// 02:30 is skipped in March: the moment of the change stands for it. In October it comes twice: the first
		// counts.
		{
			brussels, "2026-03-29", shift("a", "00:00", "02:30", EveryDay), "2026-03-28T23:00:00Z",
			"2026-03-29T01:00:00Z", 2 * time.Hour,
		},
		{
			brussels, "2026-03-29", shift("b", "02:30", "04:00", EveryDay), "2026-03-29T01:00:00Z",
			"2026-03-29T02:00:00Z", time.Hour,
		},
		{
			brussels, "2026-03-29", shift("c", "02:10", "02:50", EveryDay), "2026-03-29T01:00:00Z",
			"2026-03-29T01:00:00Z", 0,
		},
		{
			brussels, "2026-10-25", shift("d", "02:30", "04:00", EveryDay), "2026-10-25T00:30:00Z",
			"2026-10-25T03:00:00Z", 150 * time.Minute,
		},
		// Half an hour only, and in the other half of the year.
		{howe, "2026-10-03", threeShifts.Shifts[2], "2026-10-03T11:30:00Z", "2026-10-03T19:00:00Z", 450 * time.Minute},
		{
			zone(t, "America/New_York"), "2026-11-01", shift("e", "06:00", "06:00", EveryDay), "2026-11-01T11:00:00Z",
			"2026-11-02T11:00:00Z", 24 * time.Hour,
		},
	} {
		o := c.shift.on(c.day, c.zone)
		if o.Begin.Format(time.RFC3339) != c.begin || o.Until.Format(time.RFC3339) != c.until ||
			o.Length() != c.length {
			t.Errorf("%s %v: %v to %v, %v", c.day, c.shift, o.Begin, o.Until, o.Length())
		}
	}
}

func TestShiftsThatOverlapAreRefusedAndGapsAreNot(t *testing.T) {
	weekend := On(time.Saturday, time.Sunday)
	for name, c := range map[string]struct {
		shifts []Shift
		key    string
	}{
		"three that adjoin": {threeShifts.Shifts, ""},
		"a gap": {
			[]Shift{shift("Day", "06:00", "14:00", EveryDay), shift("Night", "22:00", "05:00", EveryDay)}, "",
		},
		"none":       {nil, ""},
		"a day long": {[]Shift{shift("Day", "06:00", "06:00", EveryDay)}, ""},
		"the same hours, other days": {
			[]Shift{shift("Week", "06:00", "14:00", EveryDay&^weekend), shift("Weekend", "06:00", "18:00", weekend)},
			"",
		},
		"a minute": {
			[]Shift{shift("A", "06:00", "14:01", EveryDay), shift("B", "14:00", "22:00", EveryDay)}, "shifts.overlap",
		},
		"over midnight": {
			[]Shift{shift("A", "22:00", "06:00", On(time.Sunday)), shift("B", "05:00", "07:00", On(time.Monday))},
			"shifts.overlap",
		},
		"over the end of a week": {
			[]Shift{shift("A", "22:00", "06:00", On(time.Saturday)), shift("B", "05:00", "07:00", On(time.Sunday))},
			"shifts.overlap",
		},
		"the same name": {
			[]Shift{shift("A", "06:00", "07:00", EveryDay), shift("a", "08:00", "09:00", EveryDay)}, "shifts.same_name",
		},
		"no name":                   {[]Shift{shift("", "06:00", "07:00", EveryDay)}, "shifts.bad_name"},
		"a name that is no segment": {[]Shift{shift("a/b", "06:00", "07:00", EveryDay)}, "shifts.bad_name"},
		"dots":                      {[]Shift{shift("..", "06:00", "07:00", EveryDay)}, "shifts.bad_name"},
		"no days":                   {[]Shift{shift("A", "06:00", "07:00", 0)}, "shifts.no_days"},
		"40 letters":                {[]Shift{shift(strings.Repeat("é", 40), "06:00", "07:00", EveryDay)}, ""},
		"41 letters": {
			[]Shift{shift(strings.Repeat("é", 41), "06:00", "07:00", EveryDay)}, "shifts.bad_name",
		},
		"a time before the day": {[]Shift{{Name: "A", Start: -1, End: 60, Days: EveryDay}}, "shifts.bad_time"},
		"from midnight":         {[]Shift{{Name: "A", Start: 0, End: 60, Days: EveryDay}}, ""},
		"to midnight":           {[]Shift{{Name: "A", Start: 60, End: 0, Days: EveryDay}}, ""},
		"an end that no clock shows": {
			[]Shift{{Name: "A", Start: 60, End: 24 * 60, Days: EveryDay}}, "shifts.bad_time",
		},
		"an end before the day": {[]Shift{{Name: "A", Start: 60, End: -1, Days: EveryDay}}, "shifts.bad_time"},
	} {
		err := Plan{From: "2026-01-01", Shifts: c.shifts}.Check()
		key := ""
		if err != nil {
			key = err.(*Error).Key
		}
		if key != c.key {
			t.Errorf("%s: %q, want %q", name, key, c.key)
		}
	}
}

func TestALaterPlanChangesNoDayBeforeIt(t *testing.T) {
	brussels := zone(t, "Europe/Brussels")
	two := Plan{
		From:   "2026-06-01",
		Shifts: []Shift{shift("Day", "06:00", "18:00", EveryDay), shift("Night", "18:00", "06:00", EveryDay)},
	}
	r := Roster{threeShifts, two}
	if err := r.CheckChange(); err != nil {
		t.Fatal(err)
	}
	for d, want := range map[Day]int{"2025-12-31": 0, "2026-01-01": 3, "2026-05-31": 3, "2026-06-01": 2} {
		if got := len(r.Of(d, brussels)); got != want {
			t.Errorf("%s has %d shifts, want %d", d, got, want)
		}
	}
	if o, ok := r.At(time.Date(2026, 6, 1, 2, 0, 0, 0, time.UTC), brussels); !ok || o.Name != "Night" ||
		o.Day != "2026-05-31" || o.Length() != 8*time.Hour {
		t.Errorf("the last night of the old plan is %+v", o)
	}
	two.Shifts[0].Start, two.Shifts[1].End = minute("05:00"), minute("05:00")
	if err := (Roster{threeShifts, two}).CheckChange(); CodeOf(err) != Invalid {
		t.Errorf("a plan that begins within the last night of the one before: %v", err)
	}
}

func TestOfSeveralPlansForOneDayTheOneAddedLastCounts(t *testing.T) {
	brussels := zone(t, "Europe/Brussels")
	one := Plan{From: "2026-01-01", Shifts: []Shift{shift("Day", "06:00", "14:00", EveryDay)}}
	r := Roster{threeShifts, one, {From: "2025-06-01"}}
	if got := r.Of("2026-01-01", brussels); len(got) != 1 || got[0].Name != "Day" {
		t.Errorf("%v", got)
	}
}

func TestShiftsOfAnyTimeAreFoundWhereTheyTakePlaceInPart(t *testing.T) {
	utc := Roster{{From: "2026-01-01", Shifts: []Shift{
		shift("Long", "10:00", "10:00", On(time.Monday)), shift("Late", "22:00", "23:30", On(time.Wednesday)),
	}}}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		from, to time.Time
		want     string
	}{
		"a moment before it begins":  {at(23, 9, 0), at(23, 10, 0), ""},
		"its first minute":           {at(23, 9, 0), at(23, 10, 1), "Long"},
		"on the day after":           {at(24, 9, 59), at(24, 12, 0), "Long"},
		"once it has ended":          {at(24, 10, 0), at(24, 12, 0), ""},
		"both":                       {at(24, 9, 0), at(25, 23, 0), "Long Late"},
		"on the day before the last": {at(25, 23, 29), at(26, 0, 0), "Late"},
	} {
		var names []string
		for _, o := range utc.Between(c.from, c.to, time.UTC) {
			names = append(names, o.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if o, ok := utc.At(at(24, 9, 59), time.UTC); !ok || o.Name != "Long" {
		t.Errorf("%v %v", o, ok)
	}
}

// somePlan is any plan that can be: the week is cut at some times, and some of the pieces are shifts.
func somePlan(t *rapid.T) Plan {
	p := Plan{From: "2020-01-01"}
	cuts := rapid.SliceOfNDistinct(rapid.IntRange(0, dayMinutes-1), 1, 5, func(n int) int { return n }).Draw(t, "cuts")
	for i := range cuts {
		for j := range i {
			if cuts[i] < cuts[j] {
				cuts[i], cuts[j] = cuts[j], cuts[i]
			}
		}
	}
	for i, start := range cuts {
		days := Weekdays(rapid.IntRange(0, int(EveryDay)).Draw(t, "days"))
		if rapid.Bool().Draw(t, "every day") {
			days = EveryDay
		}
		if days != 0 {
			p.Shifts = append(
				p.Shifts,
				Shift{Name: fmt.Sprint("S", i), Start: Minute(start), End: Minute(cuts[(i+1)%len(cuts)]), Days: days},
			)
		}
	}
	return p
}

// zonesTried are on both halves of the earth, with changes of an hour and of half an hour, at night and at midnight,
// with none, and one that once left out a day.
var zonesTried = []string{
	"Europe/Brussels", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "America/Havana", "Asia/Kolkata",
	"Pacific/Auckland", "Pacific/Apia", "UTC", "America/St_Johns", "Africa/Casablanca",
}

func TestEveryMomentBelongsToOneShiftOrToNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, rapid.SampledFrom(zonesTried).Draw(t, "zone"))
		p := somePlan(t)
		if err := p.Check(); err != nil {
			t.Fatalf("%v: %v", p, err)
		}
		p.From = "2000-01-01"
		r := Roster{p}
		// Half of the moments are near a change of the clock.
		at := time.Unix(rapid.Int64Range(1_262_304_000, 1_830_297_600).Draw(t, "seconds"), 0) // 2010 to 2027
		if _, change := at.In(z).ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "near a change") {
			at = change.Add(time.Duration(rapid.Int64Range(-6*3600, 6*3600).Draw(t, "off")) * time.Second)
		}
		all := r.Between(at.Add(-72*time.Hour), at.Add(72*time.Hour), z)
		var holding []Occurrence
		for i, o := range all {
			if o.Until.Before(o.Begin) {
				t.Fatalf("%+v ends before it begins", o)
			}
			if i > 0 && o.Begin.Before(all[i-1].Until) {
				t.Fatalf("%+v begins before %+v ends", o, all[i-1])
			}
			// What adjoins by the clock adjoins in fact.
			if before := all[max(i-1, 0)]; i > 0 &&
				before.Day.Plus((int(before.Start)+before.minutes())/dayMinutes) == o.Day &&
				(int(before.Start)+before.minutes())%dayMinutes == int(o.Start) && !before.Until.Equal(o.Begin) {
				t.Fatalf("%+v and %+v do not adjoin", before, o)
			}
			if o.Holds(at) {
				holding = append(holding, o)
			}
		}
		found, ok := r.At(at, z)
		if len(holding) > 1 || ok != (len(holding) == 1) || ok && found != holding[0] {
			t.Fatalf("%v is in %+v, and found in %+v", at.In(z), holding, found)
		}
	})
}

func TestShiftsWithoutGapsFillAYear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, rapid.SampledFrom(zonesTried).Draw(t, "zone"))
		p := somePlan(t)
		if len(p.Shifts) == 0 {
			t.Skip("no shift")
		}
		for i := range p.Shifts { // all pieces, each day
			p.Shifts[i].Days = EveryDay
			p.Shifts[i].End = p.Shifts[(i+1)%len(p.Shifts)].Start
		}
		p.From = "2000-01-01"
		year := rapid.IntRange(2008, 2030).Draw(t, "year")
		first, last := Day(fmt.Sprintf("%d-01-01", year)), Day(fmt.Sprintf("%d-01-01", year+1))
		var sum time.Duration
		for d := first; d < last; d = d.Plus(1) {
			for _, o := range (Roster{p}).Of(d, z) {
				sum += o.Length()
			}
		}
		if want := At(last, p.Shifts[0].Start, z).Sub(At(first, p.Shifts[0].Start, z)); sum != want {
			t.Fatalf("%v of %d in %v: %v, want %v", p, year, z, sum, want)
		}
	})
}

func TestAMomentByTheClockIsTheFirstOrTheLastThatShowsIt(t *testing.T) {
	for _, test := range []struct{ zone, day, minute, first, last string }{
		{"Europe/Brussels", "2027-10-31", "02:10", "2027-10-31T00:10:00Z", "2027-10-31T01:10:00Z"},
		{"Europe/Brussels", "2027-10-31", "03:00", "2027-10-31T02:00:00Z", "2027-10-31T02:00:00Z"},
		{"Europe/Brussels", "2027-03-28", "02:30", "2027-03-28T01:00:00Z", "2027-03-28T01:00:00Z"},
		{"America/New_York", "2027-11-07", "01:30", "2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z"},
		// the clock skips midnight
		{"America/Santiago", "2027-09-05", "00:00", "2027-09-05T04:00:00Z", "2027-09-05T04:00:00Z"},
		{"UTC", "2027-10-31", "02:10", "2027-10-31T02:10:00Z", "2027-10-31T02:10:00Z"},
	} {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		minute, _ := ParseMinute(test.minute)
		first, last := At(Day(test.day), minute, zone), LastAt(Day(test.day), minute, zone)
		if f, l := first.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339); f != test.first ||
			l != test.last {
			t.Errorf(
				"%s %s %s: %s and %s, want %s and %s", test.zone, test.day, test.minute, f, l, test.first, test.last,
			)
		}
	}
}
