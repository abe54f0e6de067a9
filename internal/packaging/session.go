package packaging

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Device is where a person signs in from.
type Device struct {
	Address string // of the client, as far as it is known: see the setting of trusted proxies
	Agent   string // the browser, as it names itself; at most MaxAgent characters are kept
}

// MaxAgent is how much of a browser's name is kept.
const MaxAgent = 200

// Session is a sign-in that goes on.
type Session struct {
	ID      string // names it in lists. It is not the token of its cookie, nor does it lead there.
	Person  Person
	Device  Device
	Started time.Time
	Seen    time.Time // when it was last used, to the minute
}

// Throttling is a time in which passwords are not looked at because too many were wrong.
type Throttling struct {
	Username string // as tried, in lower case; empty where an address is slowed down for all names
	Address  string // empty where a person is slowed down for all addresses but their own
	Tries    int    // how many were not looked at, or wrong, since it began
}

// SessionID is what names a session in lists: the beginning of the hash that it is kept under.
func SessionID(hash [sha256.Size]byte) string { return hex.EncodeToString(hash[:8]) }
