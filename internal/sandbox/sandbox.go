// Package sandbox stands in for the Manufacturer V2 API: an [http.Handler] that behaves as the API is documented to,
// with faults on demand.
//
// The documentation gives the paths of the calls, their headers, the body and success of release_to_line, the token's
// payload and life, the statuses of an order, and the messages and codes of errors. The rest is ASSUMED:
//
//   - sign-in's answer holds the token as "token"; wrong credentials are answered with 401 and "Authentication failed"
//   - an error is {"success": false, "message": …, "code": …}, the code only where one is documented; a validation
//     error has "details"
//   - the HTTP statuses of errors: 401 for the token, 404 for an unknown order or path, 409 for the wrong status, else
//     400
//   - the token is checked first, then the channel key, then the body, then the order
//   - "open" lists every order that is not Done, without pages; an order looks as [Order] does in JSON
//   - "details" has no serial numbers, unless [Options] says so
//   - a fractional count of serial numbers is rounded up
//   - an order that a line refuses after the cloud pushed it is Suspended, without having been In progress
package sandbox

import (
	"crypto/rand"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// The sample credentials of the documentation; the static token is the sandbox's own.
const (
	APIKey      = "s_ajk42KdKAhGr!7MFmcT6S8SCsCChssdhMtERSA!CpP8ed93ShmCHhhr2Nh7cGA"
	APISecret   = "Abcd1234!"
	ChannelKey  = "Ky1SpfEXmjj05fW3USBFD3pgoEi9AQ29Atsnj4Zy"
	StaticToken = "sandbox-static-token-Zx81Qm40Lw"
)

// The documented statuses of an order.
const (
	Open           = "Open"
	PendingRelease = "Pending release"
	InProgress     = "In progress"
	Suspended      = "Suspended"
	Done           = "Done"
)

// Order is a packaging order as the sandbox keeps it, and its JSON.
type Order struct {
	ID           string  `json:"order_id"`
	LineCode     string  `json:"line_code,omitempty"`
	LineName     string  `json:"line_name,omitempty"`
	Product      string  `json:"product,omitempty"`
	GTIN         string  `json:"gtin,omitempty"`
	Lot          string  `json:"lot,omitempty"`
	Expiry       string  `json:"expiry,omitempty"` // YYYY-MM-DD
	Quantity     int     `json:"quantity"`
	ExtraPercent float64 `json:"extra_percentage"`
	Status       string  `json:"status"`

	// Serials are the serial numbers of its release. If empty, the sandbox generates them.
	Serials []string `json:"serials,omitempty"`
}

// Released is a release to line that was carried out.
type Released struct {
	OrderID string    `json:"order_id"`
	Serials []string  `json:"serials"`
	At      time.Time `json:"at"`
}

// Options configure a sandbox. A zero field means its default.
type Options struct {
	APIKey, APISecret, ChannelKey, StaticToken string // default: the constants of this package

	Now              func() time.Time // default: the clock of this machine
	Seed             uint64           // the same seed gives the same serial numbers; default: random
	SerialsInDetails bool             // details has the serial numbers of a released order
}

// Sandbox is the stand-in. It is safe for concurrent use.
type Sandbox struct {
	options Options
	random  io.Reader

	mu       sync.Mutex
	key      []byte // signs tokens; a new one makes all issued tokens invalid
	ids      []string
	orders   map[string]Order
	given    map[string][]string // order ID → serials of its release
	used     map[string]bool     // serials
	released []Released
	calls    map[string]int
	faults   []Fault
	late     []func() answer

	serialsInDetails bool
}

// New returns a sandbox without orders.
func New(o Options) *Sandbox {
	standard := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	standard(&o.APIKey, APIKey)
	standard(&o.APISecret, APISecret)
	standard(&o.ChannelKey, ChannelKey)
	standard(&o.StaticToken, StaticToken)
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Sandbox{
		options: o,
		random:  rand.Reader,
		orders:  map[string]Order{},
		given:   map[string][]string{},
		used:    map[string]bool{},
		calls:   map[string]int{},
	}
	s.serialsInDetails = o.SerialsInDetails
	if o.Seed != 0 {
		var seed [32]byte
		copy(seed[:], strconv.FormatUint(o.Seed, 10))
		s.random = mathrand.NewChaCha8(seed)
	}
	s.newKey()
	return s
}

// Put adds orders, or replaces those with the same ID.
func (s *Sandbox) Put(orders ...Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range orders {
		if _, known := s.orders[o.ID]; !known {
			s.ids = append(s.ids, o.ID)
		}
		s.orders[o.ID] = o
	}
}

// Order returns the order with the ID, and whether there is one.
func (s *Sandbox) Order(id string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[id]
	return o, ok
}

// SetStatus changes an order's status, as a line or a person in the vendor's pages would. It returns false if there
// is no such order.
func (s *Sandbox) SetStatus(id, status string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.orders[id]
	if ok {
		o.Status = status
		s.orders[id] = o
	}
	return ok
}

// SetSerialsInDetails changes whether details has the serial numbers of released orders: of those released before too.
func (s *Sandbox) SetSerialsInDetails(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serialsInDetails = on
}

// Released returns every release that was carried out, the oldest first.
func (s *Sandbox) Released() []Released {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Released{}, s.released...)
}

// Calls returns how many calls have come, by the names that [Fault] uses, including faulty ones.
func (s *Sandbox) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make(map[string]int, len(s.calls))
	for name, n := range s.calls {
		calls[name] = n
	}
	return calls
}

// release carries out a release to line: Pending release → In progress, with serials. For an order in another status it
// does nothing and returns false as released.
func (s *Sandbox) release(id string) (order Order, serials []string, known, released bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, known := s.orders[id]
	if !known || o.Status != PendingRelease {
		return o, nil, known, false
	}
	o.Status = InProgress
	s.orders[id] = o
	serials = o.Serials
	if len(serials) == 0 {
		serials = s.newSerials(serialCount(o.Quantity, o.ExtraPercent))
	}
	s.given[id] = serials
	s.released = append(s.released, Released{OrderID: id, Serials: serials, At: s.options.Now()})
	return o, serials, true, true
}

// serialCount returns quantity plus extra percentage, rounded up. It computes with fractions: in floating point, 10 and
// 10 % would give 12.
func serialCount(quantity int, extraPercent float64) int {
	extra, ok := new(big.Rat).SetString(strconv.FormatFloat(extraPercent, 'f', -1, 64))
	if !ok {
		return quantity
	}
	hundred := big.NewRat(100, 1)
	total := extra.Mul(extra.Quo(extra.Add(extra, hundred), hundred), big.NewRat(int64(quantity), 1))
	up := new(big.Int).Add(total.Num(), new(big.Int).Sub(total.Denom(), big.NewInt(1)))
	return int(up.Div(up, total.Denom()).Int64())
}

const serialAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newSerials returns n unused serials of 12 characters. The caller holds the lock.
func (s *Sandbox) newSerials(n int) []string {
	serials := []string{}
	for len(serials) < n {
		var b [12]byte
		s.fill(b[:])
		for i := range b {
			b[i] = serialAlphabet[int(b[i])%len(serialAlphabet)]
		}
		if serial := string(b[:]); !s.used[serial] {
			s.used[serial] = true
			serials = append(serials, serial)
		}
	}
	return serials
}

func (s *Sandbox) fill(b []byte) {
	if _, err := io.ReadFull(s.random, b); err != nil {
		panic(fmt.Sprintf("sandbox: no random bytes: %v", err)) // neither source ever fails
	}
}

// newKey invalidates all issued tokens. The key never depends on the seed: knowing the seed must not reveal tokens.
func (s *Sandbox) newKey() {
	s.key = make([]byte, 32)
	rand.Read(s.key) // never fails, by its documentation
}
