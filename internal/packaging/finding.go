package packaging

import "time"

// Grade says how a check of the installation came out.
type Grade string

// The grades, from good to bad. A warning is for the next days; a fault needs somebody now.
const (
	Good    Grade = "ok"
	Warning Grade = "warning"
	Fault   Grade = "fault"
)

// Finding is what one check of the installation found.
type Finding struct {
	Check  string // what was checked, such as "disk": "doctor.check.disk" is its name in the catalogue
	Grade  Grade
	Key    string         // of the sentence in the catalogue; with ".do" of what to do
	Args   map[string]any // fill the sentence's gaps
	Tenant TenantID       // whose installation it is about, 0 for everybody's
}

// Worst returns the worst grade of findings, Good without any.
func Worst(findings []Finding) Grade {
	worst := Good
	for _, f := range findings {
		if f.Grade == Fault || f.Grade == Warning && worst == Good {
			worst = f.Grade
		}
	}
	return worst
}

// Condition is how a running Lineboard and its server are.
type Condition struct {
	Version       string
	Since         time.Time // of its start
	DatabaseBytes int64
	LogBytes      int64 // of the write-ahead log
	Pages         int   // open ones
	Findings      []Finding
}

// For returns the findings that people of a tenant may see.
func (c Condition) For(tenant TenantID) (mine []Finding) {
	for _, f := range c.Findings {
		if f.Tenant == 0 || f.Tenant == tenant {
			mine = append(mine, f)
		}
	}
	return mine
}
