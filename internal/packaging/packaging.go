// Package packaging is the domain of Lineboard: packaging orders, the lines that run them, releases to line, serial
// numbers, people and what they may do. It imports nothing of the project; every other room imports it.
//
// One word stands for one thing. "Release" is always release to line: the remote API also knows "release serials",
// which means the opposite (unused serials go back to the pool) and which Lineboard never calls.
package packaging

import (
	"net/url"
	"sync"
	"time"
)

// Keys of our own. The vendor's key of an order is text and is called its order ID ([Order.Key]).
type (
	TenantID  int64
	LineID    int64
	OrderID   int64
	ReleaseID int64
	UserID    int64
)

// Tenant is one site's account at the vendor.
type Tenant struct {
	ID       TenantID
	Slug     string
	Name     string
	TimeZone string // IANA name, for example "Europe/Brussels"
	BaseURL  string // of the remote API, for example "https://api.movilitas.cloud"
}

// zones keeps the zones that were asked for: loading one reads and parses a file.
var zones sync.Map

// Location is the tenant's time zone, or UTC where the zone is not known on this machine.
func (t Tenant) Location() *time.Location {
	if loc, ok := zones.Load(t.TimeZone); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(t.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	zones.Store(t.TimeZone, loc)
	return loc
}

// Line is a packaging line. Code is what the API and the people at the line call it.
type Line struct {
	ID      LineID
	Code    string
	Name    string
	Retired bool // it does not show among the lines any more, unless an order needs somebody there
}

// Known says whether there is a line at all: an order may have none yet.
func (l Line) Known() bool { return l.ID != 0 }

// Environment is which of the vendor's systems a tenant talks to.
type Environment string

// The environments. OtherHost is one that the vendor does not document.
const (
	Production Environment = "production"
	Acceptance Environment = "acceptance"
	Sandbox    Environment = "sandbox"
	OtherHost  Environment = "other"
)

// Environment tells by the host of the base URL (documented hosts; the sandbox runs on this machine).
func (t Tenant) Environment() Environment {
	u, err := url.Parse(t.BaseURL)
	if err != nil {
		return OtherHost
	}
	switch host := u.Hostname(); {
	case host == "api.movilitas.cloud":
		return Production
	case host == "api-acc.movilitas.cloud":
		return Acceptance
	case loopback(host):
		return Sandbox
	}
	return OtherHost
}
