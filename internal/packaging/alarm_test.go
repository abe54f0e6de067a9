package packaging_test

import (
	"slices"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// played runs a rule minute by minute over a fact that begins at minute 0, and returns what was said when.
func played(rule packaging.AlarmRule, minutes int, is func(minute int) bool, taken int) map[int]packaging.AlarmStep {
	begin := time.Date(2026, 11, 29, 2, 0, 0, 0, time.UTC)
	fact := packaging.AlarmFact{Kind: rule.Kind, Subject: "release 1", Line: packaging.Line{ID: 1}, Since: begin}
	said := map[int]packaging.AlarmStep{}
	var lasting []packaging.Alarm
	for minute := range minutes {
		var facts []packaging.AlarmFact
		if is(minute) {
			facts = append(facts, fact)
		}
		now := begin.Add(time.Duration(minute) * time.Minute)
		for _, step := range packaging.AlarmSteps([]packaging.AlarmRule{rule}, lasting, facts, now) {
			said[minute] = step
			if lasting = nil; step.Says != packaging.AlarmOver {
				lasting = []packaging.Alarm{step.Alarm}
			}
		}
		if minute == taken && len(lasting) > 0 {
			lasting[0].Taken.ID = 7
		}
	}
	return said
}

func TestAnAlarmBeginsOnceIsRepeatedAndPassedOnUntilSomebodyTakesItAndEnds(t *testing.T) {
	rule := packaging.AlarmRule{
		ID: 1, Kind: packaging.AlarmUnknown, Delay: 5 * time.Minute, Repeat: 10 * time.Minute, Next: 12 * time.Minute,
		First: []packaging.RecipientID{1}, Second: []packaging.RecipientID{2},
	}
	until := func(end int) func(int) bool { return func(m int) bool { return m < end } }
	for name, test := range map[string]struct {
		rule  packaging.AlarmRule
		ends  int
		taken int
		want  map[int]packaging.AlarmSays
	}{
		"over before the delay": {rule, 5, -1, nil},
		"left alone": {rule, 40, -1, map[int]packaging.AlarmSays{
			5: packaging.AlarmBegan, 15: packaging.AlarmRepeated, 17: packaging.AlarmPassedOn,
			27: packaging.AlarmRepeated,
			37: packaging.AlarmRepeated, 40: packaging.AlarmOver,
		}},
		"taken": {rule, 40, 7, map[int]packaging.AlarmSays{5: packaging.AlarmBegan, 40: packaging.AlarmOver}},
		"in its hours": {packaging.AlarmRule{
			ID: 1, Kind: packaging.AlarmUnknown, From: 22 * 60, To: 2*60 + 20, First: []packaging.RecipientID{1},
		}, 30, -1, map[int]packaging.AlarmSays{0: packaging.AlarmBegan, 30: packaging.AlarmOver}},
		"outside of its hours at first": {packaging.AlarmRule{
			ID: 1, Kind: packaging.AlarmUnknown, From: 2*60 + 20, To: 3 * 60, First: []packaging.RecipientID{1},
		}, 30, -1, map[int]packaging.AlarmSays{20: packaging.AlarmBegan, 30: packaging.AlarmOver}},
		"of another line": {
			packaging.AlarmRule{ID: 1, Kind: packaging.AlarmUnknown, Lines: []packaging.LineID{2}}, 30, -1, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			said := played(test.rule, 45, until(test.ends), test.taken)
			if len(said) != len(test.want) {
				t.Errorf("%d steps, want %d: %v", len(said), len(test.want), said)
			}
			for minute, says := range test.want {
				if said[minute].Says != says {
					t.Errorf("minute %d says %q, want %q", minute, said[minute].Says, says)
				}
			}
		})
	}
}

func TestThoseWhoComeNextAreToldOfTheEndOnlyIfTheyWereToldOfTheAlarm(t *testing.T) {
	rule := packaging.AlarmRule{
		ID: 1, Kind: packaging.AlarmRefused, Next: 10 * time.Minute, First: []packaging.RecipientID{1},
		Second: []packaging.RecipientID{2},
	}
	for ends, want := range map[int]int{5: 1, 20: 2} {
		said := played(rule, 30, func(m int) bool { return m < ends }, -1)
		if got := len(said[ends].To); got != want {
			t.Errorf("an alarm that ends after %d minutes tells %d recipients, want %d", ends, got, want)
		}
	}
}

func TestWhoWasToldThatAnAlarmBeganIsToldOfItsEndWhateverBecameOfItsRule(t *testing.T) {
	a := packaging.Alarm{
		ID: 3, Rule: 9, Told: []packaging.RecipientID{4, 5},
		Fact: packaging.AlarmFact{Kind: packaging.AlarmStale, Subject: "orders"},
	}
	rule := packaging.AlarmRule{ID: 9, Kind: packaging.AlarmStale, First: []packaging.RecipientID{5, 6}}
	elsewhere := rule
	elsewhere.Kind = packaging.AlarmBackup
	for name, test := range map[string]struct {
		rules []packaging.AlarmRule
		facts []packaging.AlarmFact
		says  packaging.AlarmSays
		to    []packaging.RecipientID
	}{
		"the rule is gone":                  {nil, []packaging.AlarmFact{a.Fact}, packaging.AlarmWithdrawn, a.Told},
		"the rule is gone, and all is well": {nil, nil, packaging.AlarmOver, a.Told},
		"the rule lost a recipient": {
			[]packaging.AlarmRule{rule}, nil, packaging.AlarmOver, []packaging.RecipientID{4, 5, 6},
		},
		"the rule is about something else": {
			[]packaging.AlarmRule{elsewhere},
			[]packaging.AlarmFact{a.Fact},
			packaging.AlarmWithdrawn,
			[]packaging.RecipientID{4, 5, 6},
		},
	} {
		steps := packaging.AlarmSteps(test.rules, []packaging.Alarm{a}, test.facts, time.Now())
		if len(steps) != 1 || steps[0].Says != test.says || !slices.Equal(steps[0].To, test.to) ||
			steps[0].Alarm.Ended.IsZero() {
			t.Errorf("%s: %+v", name, steps)
		}
	}
}
