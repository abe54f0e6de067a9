package app

import (
	"slices"
	"testing"
	"time"

	"lineboard/internal/doctor"
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

func TestWhatIsTheCaseOfTheInstallationIsAFactUntilItIsOver(t *testing.T) {
	begin := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	now := begin
	var backups packaging.Backups
	var check packaging.SelfCheck
	var copied packaging.CopyState
	var disks []doctor.Disk
	f := facts{
		backups: func() packaging.Backups { return backups }, check: func() packaging.SelfCheck { return check },
		copied: func() packaging.CopyState { return copied }, disks: func() []doctor.Disk { return disks },
		now: func() time.Time { return now }, since: map[packaging.AlarmKind]time.Time{},
	}
	plenty := doctor.Disk{Folder: "/data", Free: 1 << 40}
	for kind, is := range map[packaging.AlarmKind]struct {
		begins, ends func()
		detail       string
	}{
		packaging.AlarmBackup: {
			func() { backups.Problem = "no room" }, func() { backups.Problem = "" }, "no room",
		},
		packaging.AlarmAnchors: {
			func() { check.Unanchored = "read-only" }, func() { check.Unanchored = "" }, "read-only",
		},
		packaging.AlarmHistory: {
			func() { check.Damage = []string{"page 3"} }, func() { check.Damage = nil }, "page 3",
		},
		packaging.AlarmCopy: {
			func() { copied.Problem = "not confirmed" }, func() { copied.Problem = "" }, "not confirmed",
		},
		packaging.AlarmDisk: {
			func() { disks = []doctor.Disk{plenty, {Folder: "/backups", Free: 1}} },
			func() { disks = []doctor.Disk{plenty} }, "/backups",
		},
	} {
		if all := f.of(1); len(all) > 0 {
			t.Fatalf("before %s: %v", kind, all)
		}
		is.begins()
		since := now
		want := []packaging.AlarmFact{{Kind: kind, Subject: string(kind), Since: since, Detail: is.detail}}
		for range 2 {
			if all := f.of(1); !slices.Equal(all, want) {
				t.Errorf("%s: %+v, want %+v", kind, all, want)
			}
			now = now.Add(time.Minute)
		}
		is.ends()
	}
	if all := f.of(1); len(all) > 0 {
		t.Errorf("when all is over: %v", all)
	}
	check.Broken = []packaging.BrokenHistory{{Tenant: 2, Verdict: "entry 9 is gone"}}
	if mine, theirs := f.of(1), f.of(2); len(mine) != 1 || mine[0].Detail != "" || len(theirs) != 1 ||
		theirs[0].Detail != "entry 9 is gone" {
		t.Errorf("of the history of site 2 site 1 learns %+v, and site 2 %+v", mine, theirs)
	}
}
