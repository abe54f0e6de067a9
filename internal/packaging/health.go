package packaging

import "time"

// Backups is what became of the backups that Lineboard makes by itself.
type Backups struct {
	Folder   string // empty if it makes none
	Every    time.Duration
	Keep     int
	SameDisk bool      // the folder is on the disk of the database
	Tried    time.Time // the last try, zero before the first
	Last     time.Time // when the newest one that is proven was made, zero for none
	LastFile string
	Problem  string // why the last try failed, empty if it did not
}

// SelfCheck is what Lineboard found out about its own data since its start.
type SelfCheck struct {
	Ended      time.Time     // zero while it runs
	Unchecked  string        // why it could not end, empty if it could; it begins again
	Schema     []SchemaFault // what is not as this program made it
	Damage     []string      // of the file
	Broken     []BrokenHistory
	Anchors    AnchorsFound // what became of the anchors that were written
	Unanchored string       // why the last anchor could not be written, empty if it was
}

// BrokenHistory is a tenant's history that does not hold, or whose records are not what it says.
type BrokenHistory struct {
	Tenant  TenantID
	Slug    string
	Verdict string
}

// Stops reports whether releases are stopped: a fault was found, or nobody knows whether there is one.
func (s SelfCheck) Stops() bool { return s.Faulty() || s.Unchecked != "" }

// Faulty reports whether a fault was found.
func (s SelfCheck) Faulty() bool { return len(s.Schema)+len(s.Damage)+len(s.Broken) > 0 }
