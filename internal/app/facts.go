package app

import (
	"slices"
	"strings"
	"time"

	"lineboard/internal/doctor"
	"lineboard/internal/packaging"
)

// facts are what is the case of the installation that alarms can be about.
type facts struct {
	backups func() packaging.Backups
	check   func() packaging.SelfCheck
	copied  func() packaging.CopyState
	disks   func() []doctor.Disk // nil for none that is watched
	now     func() time.Time
	since   map[packaging.AlarmKind]time.Time // since when each is the case
}

func (a *App) facts() *facts {
	return &facts{
		backups: a.copier.State, check: a.checks.State, copied: a.copied, disks: a.parts.Disks, now: a.parts.Now,
		since: map[packaging.AlarmKind]time.Time{},
	}
}

// of returns the facts as a site may know them: of the histories of others it learns that one does not hold, and no
// more. A fact that is over is left out, and so its alarm ends.
func (f *facts) of(tenant packaging.TenantID) (all []packaging.AlarmFact) {
	note := func(kind packaging.AlarmKind, is bool, detail string) {
		if !is {
			delete(f.since, kind)
			return
		}
		if _, known := f.since[kind]; !known {
			f.since[kind] = f.now()
		}
		all = append(all, packaging.AlarmFact{Kind: kind, Subject: string(kind), Since: f.since[kind], Detail: detail})
	}
	backups, check, copied := f.backups(), f.check(), f.copied()
	note(packaging.AlarmBackup, backups.Problem != "", backups.Problem)
	note(packaging.AlarmAnchors, check.Unanchored != "", check.Unanchored)
	note(packaging.AlarmHistory, check.Stops(), faultOf(check, tenant))
	note(packaging.AlarmCopy, copied.Problem != "", copied.Problem)
	full := f.fullDisk()
	note(packaging.AlarmDisk, full != "", full)
	return all
}

// fullDisk returns the folder on a disk that is nearly full, empty if there is none.
func (f *facts) fullDisk() string {
	if f.disks == nil {
		return ""
	}
	for _, d := range f.disks() {
		if d.NearlyFull() {
			return d.Folder
		}
	}
	return ""
}

// faultOf returns what of a check's findings a site may know.
func faultOf(check packaging.SelfCheck, tenant packaging.TenantID) string {
	said := slices.Clone(check.Damage)
	if check.Unchecked != "" {
		said = append(said, check.Unchecked)
	}
	for _, s := range check.Schema {
		said = append(said, s.Name+" "+string(s.Kind))
	}
	for _, b := range check.Broken {
		if b.Tenant == tenant {
			said = append(said, b.Verdict)
		}
	}
	return strings.Join(said, ", ")
}
