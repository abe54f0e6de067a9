package thorough

import "testing"

// What make race leaves out, make test has tried: a part of a test that both run, and nothing of one that make test
// skips.
func TestMakeRaceLeavesOutOnlyWhatMakeTestHasTried(t *testing.T) {
	defer func(was bool) { On = was }(On)
	for name, begin := range map[string]func(testing.TB){"both": Again, "race alone": func(t testing.TB) {
		mark(t, inBoth)
		mark(t, inRace) // as Rest does, which the race detector would skip
	}} {
		for _, On = range []bool{false, true} {
			begin(t)
			if had, want := HadPart(t), On && name == "both"; had != want {
				t.Errorf("%s, thorough %v: make test had a part: %v", name, On, had)
			}
		}
	}
}
