package doctor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// well is an installation in which all is well.
func well() Facts {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	ghent := packaging.Tenant{ID: 1, Slug: "ghent", Name: "Plant Ghent", TimeZone: "Europe/Brussels"}
	return Facts{
		Now:      now,
		Disks:    []Disk{{Folder: "/data", Free: 50 << 30}},
		Database: Database{Check: packaging.SelfCheck{Ended: now}},
		Backups: packaging.Backups{
			Folder: "/backups", Every: 24 * time.Hour, Last: now.Add(-20 * time.Hour), LastFile: "a.db",
		},
		Copied:      packaging.CopyState{On: true, Confirmed: now, Standby: &packaging.Epoch{Number: 3, Began: now}},
		Certificate: Certificate{File: "cert.pem", Until: now.AddDate(0, 3, 0)},
		Tenants:     []packaging.Tenant{ghent},
		APIs:        []API{{Tenant: ghent, Dated: true, Off: -2 * time.Second}},
		Ends: []End{
			{ghent, packaging.CredentialsEnd{LastDay: "2026-12-30", RemindDays: 30}},
			{packaging.Tenant{ID: 2}, packaging.CredentialsEnd{RemindDays: 30}}, // says nothing
		},
		Destinations: []Destination{
			{Destination: packaging.Destination{Tenant: 1, Name: "MES", Line: packaging.Line{Code: "L1"}}},
		},
	}
}

func TestWhatIsWellIsSaidCheckByCheck(t *testing.T) {
	found := Examine(well())
	var checks []string
	for _, f := range found {
		checks = append(checks, f.Check)
		if f.Grade != packaging.Good {
			t.Errorf("%s is a %s", f.Key, f.Grade)
		}
	}
	if got := strings.Join(checks, " "); got != "settings files disk database history key backups copy copy "+
		"certificate zone api clock credentials destination" {
		t.Errorf("checks: %s", got)
	}
}

func TestEachFactThatIsNotWellIsFoundWithItsGrade(t *testing.T) {
	for key, c := range map[string]struct {
		grade packaging.Grade
		is    func(*Facts)
	}{
		"doctor.settings.provisioning": {packaging.Fault, func(f *Facts) { f.Provisioning = errors.New("line 3") }},
		"doctor.settings.plain_http":   {packaging.Warning, func(f *Facts) { f.PlainHTTP = true }},
		"doctor.files.loose": {
			packaging.Warning, func(f *Facts) { f.LooseFiles = []string{"lineboard.key (0644)"} },
		},
		"doctor.files.aside":         {packaging.Fault, func(f *Facts) { f.AsideAnswers = []string{"answer-of-release-7"} }},
		"doctor.files.foreign":       {packaging.Fault, func(f *Facts) { f.ForeignFiles = []string{"lineboard.db"} }},
		"doctor.credentials.soon":    {packaging.Warning, func(f *Facts) { f.Ends[0].LastDay = "2026-12-29" }},
		"doctor.credentials.over":    {packaging.Fault, func(f *Facts) { f.Ends[0].LastDay = "2026-11-28" }},
		"doctor.disk.low":            {packaging.Warning, func(f *Facts) { f.Disks[0].Free = 900 << 20 }},
		"doctor.disk.unknown":        {packaging.Warning, func(f *Facts) { f.Disks[0].Err = errors.New("gone") }},
		"doctor.database.unreadable": {packaging.Fault, func(f *Facts) { f.Database.Err = errors.New("gone") }},
		"doctor.database.older":      {packaging.Warning, func(f *Facts) { f.Database.Older = true }},
		"doctor.database.damaged": {
			packaging.Fault, func(f *Facts) { f.Database.Check.Damage = []string{"page 7"} },
		},
		"doctor.database.unchecked": {packaging.Fault, func(f *Facts) { f.Database.Check.Unchecked = "gone" }},
		"doctor.database.schema": {packaging.Fault, func(f *Facts) {
			f.Database.Check.Schema = []packaging.SchemaFault{{Kind: packaging.FaultMissing, Name: "trigger x"}}
		}},
		"doctor.database.running": {packaging.Good, func(f *Facts) { f.Database.Check.Ended = time.Time{} }},
		"doctor.history.broken": {
			packaging.Fault, func(f *Facts) { f.Database.Check.Broken = []packaging.BrokenHistory{{Slug: "ghent"}} },
		},
		"doctor.history.anchors_gone": {packaging.Warning, func(f *Facts) {
			f.Database.Check.Anchors = packaging.AnchorsFound{Lost: 7, Gone: true}
		}},
		"doctor.history.anchors_lost": {packaging.Warning, func(f *Facts) { f.Database.Check.Anchors.Lost = 7 }},
		"doctor.history.unanchored":   {packaging.Fault, func(f *Facts) { f.Database.Check.Unanchored = "full" }},
		"doctor.key.wrong":            {packaging.Fault, func(f *Facts) { f.Key = errors.New("another") }},
		"doctor.backups.by_hand":      {packaging.Warning, func(f *Facts) { f.Backups = packaging.Backups{} }},
		"doctor.backups.same_disk":    {packaging.Warning, func(f *Facts) { f.Backups.SameDisk = true }},
		"doctor.backups.failed":       {packaging.Fault, func(f *Facts) { f.Backups.Problem = "full" }},
		"doctor.backups.first":        {packaging.Warning, func(f *Facts) { f.Backups.Last = time.Time{} }},
		"doctor.backups.old":          {packaging.Fault, func(f *Facts) { f.Backups.Last = f.Now.Add(-49 * time.Hour) }},
		"doctor.copy.key":             {packaging.Fault, func(f *Facts) { f.CopyKey.Err = errors.New("another") }},
		"doctor.copy.key_fits":        {packaging.Good, func(f *Facts) { f.CopyKey = CopyKey{Tried: true, Sealed: true} }},
		"doctor.copy.key_unproven":    {packaging.Warning, func(f *Facts) { f.CopyKey.Tried = true }},
		"doctor.database.standby":     {packaging.Good, func(f *Facts) { f.Database = Database{Standby: true} }},
		"doctor.copy.behind":          {packaging.Fault, func(f *Facts) { f.Copied.Problem = "hung" }},
		"doctor.copy.first":           {packaging.Warning, func(f *Facts) { f.Copied.Confirmed = time.Time{} }},
		"doctor.copy.slow":            {packaging.Warning, func(f *Facts) { f.Copied.Behind = f.Now.Add(-time.Minute) }},
		"doctor.copy.taken_over": {packaging.Fault, func(f *Facts) {
			f.Copied.TakenOver = &packaging.Epoch{Number: 4, Host: "b"}
		}},
		"doctor.certificate.unusable": {packaging.Fault, func(f *Facts) { f.Certificate.Err = errors.New("gone") }},
		"doctor.certificate.over":     {packaging.Fault, func(f *Facts) { f.Certificate.Until = f.Now }},
		"doctor.certificate.soon": {
			packaging.Warning, func(f *Facts) { f.Certificate.Until = f.Now.AddDate(0, 0, 20) },
		},
		"doctor.zone.strange": {packaging.Fault, func(f *Facts) { f.Tenants[0].TimeZone = "Europe/Nowhere" }},
		"doctor.api.away":     {packaging.Fault, func(f *Facts) { f.APIs[0].Problem = "connection refused" }},
		"doctor.api.unasked":  {packaging.Good, func(f *Facts) { f.APIs[0].Unasked = true }},
		"doctor.destination.away": {
			packaging.Fault, func(f *Facts) { f.Destinations[0].Problem = errors.New("connection refused") },
		},
		"doctor.clock.off": {packaging.Warning, func(f *Facts) { f.APIs[0].Off = -2 * time.Minute }},
	} {
		facts := well()
		c.is(&facts)
		found := Examine(facts)
		if packaging.Worst(found) != c.grade {
			t.Errorf("%s: the worst is %s", key, packaging.Worst(found))
		}
		is := false
		for _, f := range found {
			is = is || f.Key == key && f.Grade == c.grade
		}
		if !is {
			t.Errorf("%s is not found as %s: %v", key, c.grade, found)
		}
	}
	full := well()
	full.Disks[0].Free = 90 << 20
	if packaging.Worst(Examine(full)) != packaging.Fault {
		t.Error("a disk that is all but full is no fault")
	}
}

func TestASiteSeesWhatIsOfItselfOrOfAll(t *testing.T) {
	facts := well()
	lyon := packaging.Tenant{ID: 2, Slug: "lyon", Name: "Plant Lyon", TimeZone: "Europe/Paris"}
	facts.Tenants, facts.APIs = append(facts.Tenants, lyon), append(facts.APIs, API{Tenant: lyon, Problem: "refused"})
	c := packaging.Condition{Findings: Examine(facts)}
	if packaging.Worst(c.For(1)) != packaging.Good || packaging.Worst(c.For(2)) != packaging.Fault {
		t.Errorf("Ghent: %s, Lyon: %s", packaging.Worst(c.For(1)), packaging.Worst(c.For(2)))
	}
}
