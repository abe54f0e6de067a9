package packaging

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
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

// ParseBaseURL reads the address that the paths of the API's calls are put behind, and gives it without a slash at its
// end. Credentials go there: it must be https, except on this machine. Errors do not repeat the address, because a
// wrong one may hold a password.
func ParseBaseURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("base URL: not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("base URL: must begin with https://")
	case u.Hostname() == "":
		return "", errors.New("base URL: has no host")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", errors.New("base URL: must begin with https:// (http:// is for this machine alone)")
	case u.User != nil:
		return "", errors.New("base URL: must not hold a user name or password")
	case strings.ContainsAny(text, "?#"):
		return "", errors.New("base URL: must not hold a query or a fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }
