package app

import (
	"path/filepath"
	"slices"
	"strings"

	"lineboard/internal/packaging"
)

// nearlyFull is how many bytes a disk must have left: a release needs one megabyte, and an administrator some days.
const nearlyFull = 512 << 20

// facts returns what is the case of the installation that an alarm can be about. A fact that is over is left out, and so
// its alarm ends.
func (a *App) facts() (facts []packaging.AlarmFact) {
	now := a.parts.Now()
	add := func(kind packaging.AlarmKind, detail string) {
		f := packaging.AlarmFact{Kind: kind, Subject: string(kind), Since: now, Detail: detail}
		if since, known := a.since[kind]; known {
			f.Since = since
		}
		facts = append(facts, f)
	}
	if b := a.copier.State(); b.Problem != "" {
		add(packaging.AlarmBackup, b.Problem)
	}
	check := a.checks.State()
	if check.Unanchored != "" {
		add(packaging.AlarmAnchors, check.Unanchored)
	}
	if check.Faulty() {
		said := slices.Clone(check.Damage)
		for _, b := range check.Broken {
			said = append(said, b.Slug+": "+b.Verdict)
		}
		add(packaging.AlarmHistory, strings.Join(said, ", "))
	}
	if left, err := freeBytes(filepath.Dir(a.parts.Anchors)); err == nil && uint64(left) < nearlyFull {
		add(packaging.AlarmDisk, "")
	}
	a.remember(facts)
	return facts
}

// remember keeps since when each fact is the case.
func (a *App) remember(facts []packaging.AlarmFact) {
	clear(a.since)
	for _, f := range facts {
		a.since[f.Kind] = f.Since
	}
}
