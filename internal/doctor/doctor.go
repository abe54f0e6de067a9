// Package doctor judges an installation: from what is known of files, disks, data, certificate and API it finds what is
// well, what to look after, and what is wrong. It looks at nothing itself.
package doctor

import (
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// Facts is what is known of an installation.
type Facts struct {
	Now          time.Time
	Provisioning error // why the provisioning file can't be used
	PlainHTTP    bool  // people reach Lineboard without HTTPS
	LooseFiles   []string
	ForeignFiles []string // files of another owner than their folder's
	AsideAnswers []string // files of answers of the API that could not be stored
	Disks        []Disk
	Database     Database
	Key          error // why the key does not open what is sealed
	Backups      packaging.Backups
	Copied       packaging.CopyState
	CopyKey      CopyKey
	Certificate  Certificate
	Tenants      []packaging.Tenant
	APIs         []API
	Ends         []End
	Destinations []Destination
}

// CopyKey is how the key goes with the copy.
type CopyKey struct {
	Tried  bool
	Sealed bool  // something was sealed for the copy
	Err    error // why the key does not open it, or why that is not known
}

// Destination is where serial lists of a line are brought.
type Destination struct {
	packaging.Destination
	Problem error // why it is not reached
}

// Disk is the file system of a folder.
type Disk struct {
	Folder string
	Free   uint64 // in bytes
	Err    error  // why that is not known
}

// NearlyFull reports whether so little is left that somebody must make room before releases stop.
func (d Disk) NearlyFull() bool { return d.Err == nil && d.Free < lowDisk }

// Database is the state of the database.
type Database struct {
	Err   error // why it can't be read
	Older bool  // the next start upgrades it
	// Standby says that there is none yet: the folder is that of a standby.
	Standby bool
	Check   packaging.SelfCheck
}

// Certificate is the one that Lineboard serves HTTPS with.
type Certificate struct {
	File  string // empty for none
	Until time.Time
	Err   error // why it can't be used
}

// API is how a tenant's API answers.
type API struct {
	Tenant  packaging.Tenant
	Unasked bool
	Problem string        // why it does not answer, empty if it does
	Dated   bool          // its answers say what time it is
	Off     time.Duration // its clock less this one's
}

// End is what is known of the end of a tenant's credentials.
type End struct {
	Tenant packaging.Tenant
	packaging.CredentialsEnd
}

// The bounds of what is well.
const (
	lowDisk     = 1 << 30   // bytes
	fullDisk    = 100 << 20 // bytes
	soonOver    = 21 * 24 * time.Hour
	maxClockOff = time.Minute
)

// Examine returns what is found, check by check in a fixed order.
func Examine(f Facts) (found []packaging.Finding) {
	for _, check := range []func(Facts) []packaging.Finding{
		settings, files, disks, database, history, key, backups, copied, certificate, zones, apis, credentials,
		destinations,
	} {
		found = append(found, check(f)...)
	}
	return found
}

// finding returns one finding; args are names and values by turns.
func finding(check string, grade packaging.Grade, key string, args ...any) packaging.Finding {
	f := packaging.Finding{Check: check, Grade: grade, Key: "doctor." + check + "." + key, Args: map[string]any{}}
	for i := 0; i+1 < len(args); i += 2 {
		f.Args[args[i].(string)] = args[i+1]
	}
	return f
}

func one(f packaging.Finding) []packaging.Finding { return []packaging.Finding{f} }

func settings(f Facts) []packaging.Finding {
	switch {
	case f.Provisioning != nil:
		return one(finding("settings", packaging.Fault, "provisioning", "Why", f.Provisioning.Error()))
	case f.PlainHTTP:
		return one(finding("settings", packaging.Warning, "plain_http"))
	}
	return one(finding("settings", packaging.Good, "ok"))
}

func files(f Facts) (found []packaging.Finding) {
	if len(f.LooseFiles) > 0 {
		found = append(found, finding("files", packaging.Warning, "loose", "Files", strings.Join(f.LooseFiles, ", ")))
	}
	if len(f.ForeignFiles) > 0 {
		found = append(found, finding("files", packaging.Fault, "foreign", "Files", strings.Join(f.ForeignFiles, ", ")))
	}
	if len(f.AsideAnswers) > 0 {
		found = append(found, finding("files", packaging.Fault, "aside", "Files", strings.Join(f.AsideAnswers, ", ")))
	}
	if len(found) == 0 {
		found = one(finding("files", packaging.Good, "ok"))
	}
	return found
}

func disks(f Facts) (found []packaging.Finding) {
	for _, d := range f.Disks {
		megabytes := int64(d.Free >> 20)
		switch {
		case d.Err != nil:
			found = append(
				found, finding("disk", packaging.Warning, "unknown", "Folder", d.Folder, "Why", d.Err.Error()),
			)
		case d.Free < fullDisk:
			found = append(found, finding("disk", packaging.Fault, "low", "Folder", d.Folder, "Free", megabytes))
		case d.NearlyFull():
			found = append(found, finding("disk", packaging.Warning, "low", "Folder", d.Folder, "Free", megabytes))
		default:
			found = append(found, finding("disk", packaging.Good, "ok", "Folder", d.Folder, "Free", megabytes))
		}
	}
	return found
}

func database(f Facts) (found []packaging.Finding) {
	d := f.Database
	if d.Err != nil {
		return one(finding("database", packaging.Fault, "unreadable", "Why", d.Err.Error()))
	}
	if d.Older {
		return one(finding("database", packaging.Warning, "older"))
	}
	if d.Standby {
		return one(finding("database", packaging.Good, "standby"))
	}
	if len(d.Check.Damage) > 0 {
		found = append(
			found, finding("database", packaging.Fault, "damaged", "What", strings.Join(d.Check.Damage, "; ")),
		)
	}
	if len(d.Check.Schema) > 0 {
		var parts []string
		for _, fault := range d.Check.Schema {
			parts = append(parts, string(fault.Kind)+" "+fault.Name)
		}
		found = append(found, finding("database", packaging.Fault, "schema", "What", strings.Join(parts, ", ")))
	}
	switch {
	case len(found) > 0:
		return found
	case d.Check.Unchecked != "":
		return one(finding("database", packaging.Fault, "unchecked", "Why", d.Check.Unchecked))
	case d.Check.Ended.IsZero():
		return one(finding("database", packaging.Good, "running"))
	}
	return one(finding("database", packaging.Good, "ok"))
}

func history(f Facts) (found []packaging.Finding) {
	d := f.Database
	if d.Err != nil || d.Older || d.Standby {
		return nil
	}
	if len(d.Check.Broken) > 0 {
		var sites []string
		for _, one := range d.Check.Broken {
			sites = append(sites, one.Slug)
		}
		found = append(found, finding("history", packaging.Fault, "broken", "Sites", strings.Join(sites, ", ")))
	}
	if d.Check.Unanchored != "" {
		found = append(found, finding("history", packaging.Fault, "unanchored", "Why", d.Check.Unanchored))
	}
	if lost := int(d.Check.Anchors.Lost); d.Check.Anchors.Gone {
		found = append(found, finding("history", packaging.Warning, "anchors_gone", "Count", lost))
	} else if lost > 0 {
		found = append(found, finding("history", packaging.Warning, "anchors_lost", "Count", lost))
	}
	switch {
	case len(found) > 0:
		return found
	case d.Check.Ended.IsZero():
		return one(finding("history", packaging.Good, "running"))
	}
	return one(finding("history", packaging.Good, "ok"))
}

func key(f Facts) []packaging.Finding {
	switch {
	case f.Key != nil:
		return one(finding("key", packaging.Fault, "wrong", "Why", f.Key.Error()))
	case f.Database.Err != nil || f.Database.Older || f.Database.Standby:
		return nil // what it must open can't be read
	}
	return one(finding("key", packaging.Good, "ok"))
}

func backups(f Facts) (found []packaging.Finding) {
	b := f.Backups
	if b.Folder == "" {
		return one(finding("backups", packaging.Warning, "by_hand"))
	}
	if b.SameDisk {
		found = append(found, finding("backups", packaging.Warning, "same_disk"))
	}
	switch {
	case b.Problem != "":
		return append(found, finding("backups", packaging.Fault, "failed", "Why", b.Problem))
	case b.Last.IsZero():
		return append(found, finding("backups", packaging.Warning, "first", "Folder", b.Folder))
	case f.Now.Sub(b.Last) > 2*b.Every:
		return append(found, finding("backups", packaging.Fault, "old", "When", b.Last))
	}
	return append(found, finding("backups", packaging.Good, "ok", "When", b.Last, "File", b.LastFile))
}

// maxLag is how long the copy may be behind.
const maxLag = 5 * time.Second

func copied(f Facts) (found []packaging.Finding) {
	c := f.Copied
	switch {
	case f.CopyKey.Err != nil:
		found = one(finding("copy", packaging.Fault, "key", "Why", f.CopyKey.Err.Error()))
	case f.CopyKey.Sealed:
		found = one(finding("copy", packaging.Good, "key_fits"))
	case f.CopyKey.Tried:
		found = one(finding("copy", packaging.Warning, "key_unproven"))
	}
	if !c.On {
		return found
	}
	switch lag := c.Lag(f.Now); {
	case c.TakenOver != nil:
		return append(found, finding("copy", packaging.Fault, "taken_over",
			"Host", c.TakenOver.Host, "When", c.TakenOver.Began, "Number", c.TakenOver.Number))
	case c.Problem != "":
		return append(
			found, finding("copy", packaging.Fault, "behind", "Seconds", int64(lag/time.Second), "Why", c.Problem),
		)
	case c.Confirmed.IsZero():
		return append(found, finding("copy", packaging.Warning, "first"))
	case lag > maxLag:
		return append(found, finding("copy", packaging.Warning, "slow", "Seconds", int64(lag/time.Second)))
	}
	found = append(found, finding("copy", packaging.Good, "ok", "When", c.Confirmed))
	if c.Standby != nil {
		found = append(
			found, finding("copy", packaging.Good, "epoch", "Number", c.Standby.Number, "When", c.Standby.Began),
		)
	}
	return found
}

func certificate(f Facts) []packaging.Finding {
	c := f.Certificate
	switch {
	case c.File == "":
		return nil
	case c.Err != nil:
		return one(finding("certificate", packaging.Fault, "unusable", "Why", c.Err.Error()))
	case !f.Now.Before(c.Until):
		return one(finding("certificate", packaging.Fault, "over", "When", c.Until))
	case c.Until.Sub(f.Now) < soonOver:
		return one(finding("certificate", packaging.Warning, "soon", "When", c.Until))
	}
	return one(finding("certificate", packaging.Good, "ok", "When", c.Until))
}

func zones(f Facts) []packaging.Finding {
	var wrong []packaging.Finding
	for _, t := range f.Tenants {
		if _, err := time.LoadLocation(t.TimeZone); err != nil {
			w := finding("zone", packaging.Fault, "strange", "Site", t.Name, "Zone", t.TimeZone)
			w.Tenant = t.ID
			wrong = append(wrong, w)
		}
	}
	if len(wrong) == 0 && len(f.Tenants) > 0 {
		return one(finding("zone", packaging.Good, "ok"))
	}
	return wrong
}

func apis(f Facts) (found []packaging.Finding) {
	for _, a := range f.APIs {
		mine := one(reached(a))
		if a.Dated && a.Problem == "" {
			mine = append(mine, clockOf(a))
		}
		for i := range mine {
			mine[i].Tenant = a.Tenant.ID
		}
		found = slices.Concat(found, mine)
	}
	return found
}

func reached(a API) packaging.Finding {
	switch {
	case a.Unasked:
		return finding("api", packaging.Good, "unasked", "Site", a.Tenant.Name)
	case a.Problem != "":
		return finding("api", packaging.Fault, "away", "Site", a.Tenant.Name, "Why", a.Problem)
	}
	return finding("api", packaging.Good, "ok", "Site", a.Tenant.Name)
}

func destinations(f Facts) (found []packaging.Finding) {
	for _, d := range f.Destinations {
		mine := finding("destination", packaging.Good, "ok", "Line", d.Line.Code, "Name", d.Name)
		if d.Problem != nil {
			mine = finding("destination", packaging.Fault, "away",
				"Line", d.Line.Code, "Name", d.Name, "Why", d.Problem)
		}
		mine.Tenant = d.Tenant
		found = append(found, mine)
	}
	return found
}

func clockOf(a API) packaging.Finding {
	seconds := int64(a.Off.Abs().Round(time.Second) / time.Second)
	if a.Off.Abs() > maxClockOff {
		return finding("clock", packaging.Warning, "off", "Site", a.Tenant.Name, "Seconds", seconds)
	}
	return finding("clock", packaging.Good, "ok", "Site", a.Tenant.Name, "Seconds", seconds)
}

// credentials says nothing of a tenant whose credentials have no known end.
func credentials(f Facts) (found []packaging.Finding) {
	for _, e := range f.Ends {
		zone := e.Tenant.Location()
		at := e.At(zone)
		if at.IsZero() {
			continue
		}
		args := []any{"Site", e.Tenant.Name, "Day", e.Day(zone)}
		mine := finding("credentials", packaging.Good, "ok", args...)
		switch {
		case !f.Now.Before(at):
			mine = finding("credentials", packaging.Fault, "over", args...)
		case !f.Now.Before(e.RemindAt(zone)):
			mine = finding("credentials", packaging.Warning, "soon", args...)
		}
		mine.Tenant = e.Tenant.ID
		found = append(found, mine)
	}
	return found
}
