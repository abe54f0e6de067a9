package packaging

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// TokenID is our key of an API token.
type TokenID int64

// Token lets a program do some things at a tenant over HTTP. Its value is shown once, to the administrator who creates
// it.
type Token struct {
	ID        TokenID
	Name      string
	Lines     []Line // that it is limited to, none where it is not limited
	Scopes    []TokenScope
	Created   time.Time
	CreatedBy string    // full name
	Expires   time.Time // zero for never
	Used      time.Time // to the minute, zero for never
	Revoked   time.Time // zero while it is not
	RevokedBy string
}

// TokenScope is something that a token lets a program do.
type TokenScope string

// The scopes.
const (
	SendOrdersScope  TokenScope = "send_orders"
	ReadOrdersScope  TokenScope = "read_orders"
	ReadSerialsScope TokenScope = "read_serials"
	ReadHistoryScope TokenScope = "read_history"
	TakeListsScope   TokenScope = "take_lists" // read lists that wait for a program, and say that they were taken
)

// TokenScopes are all of them.
var TokenScopes = []TokenScope{
	SendOrdersScope, ReadOrdersScope, ReadSerialsScope, ReadHistoryScope, TakeListsScope,
}

// Has says whether the token has one of these scopes.
func (t Token) Has(any ...TokenScope) bool {
	return slices.ContainsFunc(any, func(s TokenScope) bool { return slices.Contains(t.Scopes, s) })
}

// Allows says whether the token lets a program change what the action is about.
func (t Token) Allows(a Action) bool {
	return a == ImportOrders && t.Has(SendOrdersScope) || a == TakeLists && t.Has(TakeListsScope)
}

// Ended says whether the token does not let anybody in any more.
func (t Token) Ended(now time.Time) bool {
	return !t.Revoked.IsZero() || !t.Expires.IsZero() && !now.Before(t.Expires)
}

// Author is who the history names for what the token's holder did.
func (t Token) Author() Author { return Author{Username: "token:" + t.Name, FullName: t.Name} }

// MaxTokenName is the longest name of a token, in characters.
const MaxTokenName = 40

// ValidTokenName says whether a text can name a token: 1 to 40 characters that can be seen, and spaces within.
func ValidTokenName(name string) bool {
	n := utf8.RuneCountInString(name)
	return n > 0 && n <= MaxTokenName && name == strings.TrimSpace(name) && Printable(name) &&
		!strings.ContainsFunc(name, Unseen)
}
