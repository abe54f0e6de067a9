package app

import (
	"testing"

	"lineboard/internal/packaging"
)

func TestASiteIsToldNothingOfTheHistoryOfAnother(t *testing.T) {
	check := packaging.SelfCheck{Broken: []packaging.BrokenHistory{
		{Tenant: 1, Slug: "ghent", Verdict: "entry 3 is changed"},
		{Tenant: 2, Slug: "basel", Verdict: "entry 9 is gone"},
	}}
	for tenant, want := range map[packaging.TenantID]string{1: "entry 3 is changed", 2: "entry 9 is gone", 3: ""} {
		if said := faultOf(check, tenant); said != want {
			t.Errorf("site %d is told %q, want %q", tenant, said, want)
		}
	}
}
