package packaging

import "time"

// DisplayID is our key of a display.
type DisplayID int64

// Display is a screen on the wall that shows the lines of a tenant. It is nobody's, and only reads.
type Display struct {
	ID       DisplayID
	TenantID TenantID
	Name     string
	Language string    // of what it shows (BCP 47), empty for the browser's
	Bound    time.Time // when its screen was bound, zero while none is
	Waits    time.Time // until when a code that binds a screen can be entered, zero where none can
}

// Known says whether there is a display at all.
func (d Display) Known() bool { return d.ID != 0 }

// Reader returns who reads what a display shows: nobody in particular, who may do nothing and sees all lines.
func (d Display) Reader(t Tenant) Person { return Person{Tenant: t} }
