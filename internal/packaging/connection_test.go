package packaging_test

import (
	"testing"
	"time"

	"lineboard/internal/packaging"
)

func TestTheFirstEndThatIsKnownCountsByTheClockOfTheSite(t *testing.T) {
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	token := time.Date(2027, 3, 27, 23, 30, 0, 0, time.UTC) // the 28th at half past midnight in Brussels
	for name, c := range map[string]struct {
		end                packaging.CredentialsEnd
		at, remind, detail string
	}{
		"nothing is known": {end: packaging.CredentialsEnd{RemindDays: 30}},
		"a last day is whole": {
			packaging.CredentialsEnd{LastDay: "2027-03-28", RemindDays: 7}, // an hour short
			"2027-03-28T22:00:00Z", "2027-03-20T23:00:00Z", "2027-03-28",
		},
		"the token's own end": {
			packaging.CredentialsEnd{Token: token, RemindDays: 1},
			"2027-03-27T23:30:00Z", "2027-03-26T23:00:00Z", "2027-03-28",
		},
		"the token ends first": {
			packaging.CredentialsEnd{LastDay: "2027-12-31", Token: token, RemindDays: 1},
			"2027-03-27T23:30:00Z", "2027-03-26T23:00:00Z", "2027-03-28",
		},
		"the last day comes first": {
			packaging.CredentialsEnd{LastDay: "2027-02-28", Token: token, RemindDays: 365},
			"2027-02-28T23:00:00Z", "2026-02-27T23:00:00Z", "2027-02-28",
		},
	} {
		at, remind := c.end.At(brussels), c.end.RemindAt(brussels)
		if c.at == "" {
			if _, ok := c.end.Fact(token, brussels); ok || !at.IsZero() || !remind.IsZero() {
				t.Errorf("%s: ends %v, told from %v", name, at, remind)
			}
			continue
		}
		if at.Format(time.RFC3339) != c.at || remind.Format(time.RFC3339) != c.remind {
			t.Errorf("%s: ends %s, told from %s", name, at.Format(time.RFC3339), remind.Format(time.RFC3339))
		}
		if _, early := c.end.Fact(remind.Add(-time.Millisecond), brussels); early {
			t.Errorf("%s: told too early", name)
		}
		if f, ok := c.end.Fact(remind, brussels); !ok || f.Detail != c.detail || !f.Since.Equal(remind) {
			t.Errorf("%s: what is told: %+v", name, f)
		}
	}
}
