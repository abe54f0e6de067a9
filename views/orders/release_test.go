package orders

import (
	"context"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/text"
)

func person(r packaging.Role) packaging.Person {
	return packaging.Person{Author: packaging.Author{ID: 1, Role: r}}
}

func pending(o packaging.Outcome) packaging.Order {
	order := packaging.Order{Facts: packaging.Facts{Key: "Order143", Status: packaging.PendingRelease}}
	if o != "" {
		order.Release = &packaging.Release{Outcome: o}
	}
	return order
}

func TestThePanelOffersWhatCanBeDoneAndNothingElse(t *testing.T) {
	suspended := packaging.Order{Facts: packaging.Facts{Key: "a", Status: packaging.Suspended}}
	for name, test := range map[string]struct {
		order packaging.Order
		role  packaging.Role
		armed bool
		want  action
	}{
		"first look":                    {pending(""), packaging.Supervisor, false, offerArm},
		"armed":                         {pending(""), packaging.Supervisor, true, offerExecute},
		"armed by an operator":          {pending(""), packaging.Operator, true, offerNothing},
		"refused before":                {pending(packaging.Refused), packaging.Manager, false, offerArm},
		"under way":                     {pending(packaging.Sending), packaging.Supervisor, true, offerWait},
		"under way, seen by an auditor": {pending(packaging.Sending), packaging.Auditor, false, offerWait},
		"outcome unknown":               {pending(packaging.Unknown), packaging.Supervisor, true, offerNothing},
		"released":                      {pending(packaging.Released), packaging.Supervisor, true, offerNothing},
		"suspended":                     {suspended, packaging.Supervisor, true, offerNothing},
	} {
		if got := offer(test.order, person(test.role), test.armed); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestThePanelAsksAgainOnlyWhileSomethingIsOpen(t *testing.T) {
	for outcome, want := range map[packaging.Outcome]int{
		"": 0, packaging.Sending: 1, packaging.Unknown: 3, packaging.Released: 0, packaging.Refused: 0,
	} {
		if got := pollIntervalSeconds(pending(outcome)); got != want {
			t.Errorf("%q: %d, want %d", outcome, got, want)
		}
	}
}

func TestAReleaseClaimsNoMoreThanIsProven(t *testing.T) {
	ctx, o := context.Background(), pending("")
	line := packaging.Line{ID: 1, Code: "L1", Name: "Blister line 1"}
	for name, test := range map[string]struct {
		release  packaging.Release
		says     []string
		saysNot  []string
		saysDoes bool
	}{
		"by its answer": {
			packaging.Release{
				Outcome: packaging.Released,
				Proof:   packaging.ByAnswer,
				List:    packaging.ListInAnswer,
				Serials: 11,
				Line:    line,
			},
			[]string{"Order143 is released to Blister line 1.", "11 serial numbers received."},
			nil, false,
		},
		"by its status": {
			packaging.Release{
				Outcome: packaging.Released,
				Proof:   packaging.ByStatus,
				Status:  packaging.InProgress,
				Settled: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC),
				Line:    line,
			},
			[]string{
				"was at the line: its status was In progress (2026-11-23 06:00:00", "not proven", "list is missing",
			},
			[]string{"is released to", "status is"}, // the order has moved on since
			true,
		},
		"elsewhere": {
			packaging.Release{
				Outcome: packaging.Released,
				Proof:   packaging.ByPerson,
				List:    packaging.ListByPerson,
				ListBy:  "Sofie",
				Serials: 1,
				Line:    line,
			},
			[]string{"was released elsewhere", "Sofie added the list."},
			[]string{"is released to"},
			false,
		},
		"unknown": {
			packaging.Release{Outcome: packaging.Unknown, Reason: packaging.TimedOut, Line: line},
			[]string{"It is not known whether Order143 was released."},
			[]string{"was not released", "is released"},
			true,
		},
		"refused": {
			packaging.Release{
				Outcome: packaging.Refused,
				Reason:  packaging.WrongStatus,
				Status:  packaging.Suspended,
				Line:    line,
			},
			[]string{"Order143 was not released.", "in status Suspended"},
			nil, true,
		},
	} {
		e := resultOf(ctx, test.release, o)
		said := e.What + " " + e.Why
		for _, says := range test.says {
			if !strings.Contains(said, says) {
				t.Errorf("%s: %q is not in %q", name, says, said)
			}
		}
		for _, not := range test.saysNot {
			if strings.Contains(said, not) {
				t.Errorf("%s: %q is in %q", name, not, said)
			}
		}
		if (e.Do != "") != test.saysDoes {
			t.Errorf("%s: says to do %q", name, e.Do)
		}
	}
}

func TestAnOrderThatWaitsAgainWasNeverSeenSoForTheLastTimeBeforeTheFirst(t *testing.T) {
	first := time.Date(2026, 11, 23, 6, 0, 1, 0, time.UTC)
	p := OrderPage{Order: pending(packaging.Released), BackSince: first}
	p.Order.AsOf = first.Add(-time.Second)
	want := text.Moment(t.Context(), first)
	if said := backText(t.Context(), p); strings.Count(said, want) != 2 {
		t.Errorf("first seen at %s: %q", want, said)
	}
}

func TestNumbersAreWrittenAsPeopleReadThemAndOtherTextAsItCame(t *testing.T) {
	for given, want := range map[string]string{
		"10": "10", "5000": "5,000", "1234567": "1,234,567", "": "–",
		"ten": "ten", "12.5": "12.5", "1234567890123": "1234567890123", "-1": "-1",
	} {
		if got := amount(context.Background(), given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

// Red is for what is proven not to be released; a strip and a wall have room for a few words.
func TestAResultIsRedOnlyIfItIsProvenAndSaidInAFewWords(t *testing.T) {
	ctx := text.With(context.Background(), text.In("en", time.UTC))
	for name, test := range map[string]struct {
		release    packaging.Release
		tone, says string
	}{
		"not proven": {
			packaging.Release{Outcome: packaging.Refused, Reason: packaging.StillPending, Status: packaging.PendingRelease},
			"amber", "Not proven: look whether the line has it",
		},
		"another status": {
			packaging.Release{Outcome: packaging.Refused, Reason: packaging.WrongStatus, Status: packaging.Suspended},
			"red", "Not released: status Suspended",
		},
		"released": {packaging.Release{Outcome: packaging.Released, Serials: 11}, "calm", "Released · 11 serials"},
	} {
		t.Run(name, func(t *testing.T) {
			if tone := resultTone(test.release); tone != test.tone {
				t.Errorf("the tone is %q, want %q", tone, test.tone)
			}
			if says := resultSays(ctx, test.release); says != test.says {
				t.Errorf("it says %q, want %q", says, test.says)
			}
		})
	}
}
