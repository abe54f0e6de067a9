// Package web is what all pages share: who asks, from which station, and in which language. It has the frame around a
// page, the page cache, forms, proofs, errors, downloads and live events. It knows no feature.
package web

import (
	"encoding/hex"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"lineboard/internal/live"
	"lineboard/internal/packaging"
	"lineboard/internal/throttle"
)

// Config is what the kit is set up with.
type Config struct {
	Store    Store
	Clients  Clients
	Hub      *live.Hub
	Log      *slog.Logger
	Now      func() time.Time
	Interval time.Duration // between two refreshes of the cache
	Secure   bool          // people reach the server by HTTPS
	Idle     time.Duration // a session ends when it was not used for so long
	Limit    time.Duration // a session ends so long after sign-in
	Prefix   string        // the path below which a proxy serves the pages, empty for the top
	Demo     bool          // the demo, whose people stand on the page to sign in

	Proxies   []netip.Prefix    // whose X-Forwarded-For and X-Forwarded-Proto are believed
	Local     throttle.Networks // local networks of IPv6, where each address is one machine
	PerSecond float64           // requests that an address or a session may make in a second, 0 for any number

	Held      func() int                 // answers of the API that are not stored yet
	Releases  func() error               // why no release can begin, whatever its order is
	Copied    func() packaging.CopyState // how the copy of the database is
	CacheUsed func(hit bool)             // hears of each use of the cache of pages; may be nil
	AccessLog bool                       // log each request, not at debug level alone
	Hints     map[string]string          // what explains a page at a person's first use, by its route
	Lock      echo.HandlerFunc           // answers a request of a locked session
}

// Clients are those of the remote API that calls are made with.
type Clients interface {
	// Down says whether the API does not answer a tenant's calls at the moment, and since when.
	Down(tenant packaging.TenantID) (since time.Time, down bool)
}

// Kit is what all features build their pages with.
type Kit struct {
	Log    *slog.Logger
	Now    func() time.Time
	Secure bool // people reach the server by HTTPS: cookies are Secure

	accessLog   bool
	store       Store
	clients     Clients
	hub         *live.Hub
	interval    time.Duration
	idle, limit time.Duration
	demo        bool
	prefix      string // of the paths of all pages, empty for the top
	instance    string // an id of this Lineboard, the same over restarts
	proxies     []netip.Prefix
	networks    throttle.Networks
	held        func() int
	releases    func() error
	copied      func() packaging.CopyState
	hints       map[string]string
	lock        echo.HandlerFunc

	sessions                          *sessionStore
	security                          *securityLog
	rate                              *throttle.Rate
	streamsOfSession, streamsOfPerson *throttle.Concurrency
	unreadableHop                     atomic.Pointer[string] // of X-Forwarded-For
	foreignHosts                      atomic.Int64           // requests that a missing Host may have made look foreign
	unready                           atomic.Pointer[string] // why, nil while it is ready
	pages                             *pageCache
	recent                            *microCache
	programReads, programWrites       tokenRates
}

// New makes a kit.
func New(c Config) *Kit {
	c.Log = slog.New(requestLog{c.Log.Handler()})
	s := &Kit{
		accessLog: c.AccessLog,
		Log:       c.Log, Now: c.Now, Secure: c.Secure,
		store: c.Store, clients: c.Clients, hub: c.Hub, interval: c.Interval, idle: c.Idle, limit: c.Limit,
		demo: c.Demo, prefix: c.Prefix, instance: instanceOf(c.Store), proxies: c.Proxies, networks: c.Local,
		held: c.Held, releases: c.Releases, copied: c.Copied, hints: c.Hints, lock: c.Lock,
		rate: throttle.NewRate(c.PerSecond), pages: newPageCache(c.Hub, c.Now, c.CacheUsed),
		streamsOfSession: throttle.NewConcurrency(maxOfSession), streamsOfPerson: throttle.NewConcurrency(maxOfPerson),
	}
	s.programReads.every, s.programReads.burst = readInterval, readBurst
	s.programWrites.every, s.programWrites.burst = TokenInterval, writeBurst
	s.security = &securityLog{log: c.Log, window: eventWindow, further: map[eventKey]int{}}
	s.sessions = newSessionStore(c, s.Address)
	s.sessions.name, s.sessions.options.Path = s.CookieName("", true), s.CookiePath("/")
	s.recent = &microCache{hub: c.Hub, now: c.Now, all: map[requestKey]microCacheEntry{}}
	return s
}

// instanceOf returns an id of the Lineboard whose store it is. It tells nothing else.
func instanceOf(store Store) string {
	const length = 4 // bytes
	return hex.EncodeToString(store.DeviceMark([]byte("instance"), "")[:length])
}
