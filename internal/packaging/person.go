package packaging

import (
	"cmp"
	"fmt"
	"slices"
)

// Person is somebody signed in, acting for one tenant.
type Person struct {
	Author
	Tenant    Tenant
	Human     UserID    // the account that stands for the human, 0 where it is their own
	Accounts  []string  // usernames of their other accounts
	Elsewhere bool      // they belong to other tenants too
	Lines     []LineID  // the lines that they are limited to, none where they are not limited
	StationID StationID // where they signed in, 0 elsewhere than at a station
	SignedOn  bool      // they came by single sign-on
	Token     TokenID   // the API token that stands for them, 0 for people
	// Who else set their password or badge, empty once it is confirmed.
	PasswordSetBy, BadgeSetBy string

	Language string // that they chose to read (BCP 47), empty where they chose none

	HintsDropped []string // the hints for a first use that they have put away
}

// May says whether the person may do a at their tenant, on one line at least.
// Until a password that somebody else set is confirmed, they look and do nothing that others would take for theirs.
func (p Person) May(a Action) bool { return p.Role.May(a) && (p.PasswordSetBy == "" || a.looks()) }

// SameHuman says whether both are accounts of one human: rules of two go by humans.
func (p Person) SameHuman(other Person) bool { return p.human() == other.human() }

func (p Person) human() UserID { return cmp.Or(p.Human, p.ID) }

// Sees says whether the person is not limited to other lines than this one. Of those without a line, who is limited
// sees nothing.
func (p Person) Sees(line LineID) bool { return len(p.Lines) == 0 || slices.Contains(p.Lines, line) }

// Mark tells pages of the same person with the same rights at the same place from others. It names no secret.
func (p Person) Mark() string {
	return fmt.Sprintf(
		"%d %d %d %d %s %v %q %q", p.ID, p.human(), p.Tenant.ID, p.StationID, p.Role, p.Lines, p.PasswordSetBy,
		p.BadgeSetBy,
	)
}

// Scope is what the person sees of their tenant.
func (p Person) Scope() Scope { return Scope{p.Tenant.ID, p.Lines, p.ID, p.Token} }

// MayOn says whether the person may do a on a line; line 0 stands for no line.
func (p Person) MayOn(a Action, line LineID) bool { return p.May(a) && p.Sees(line) }

// MaySetLine says whether the person may set the line of the order as it stands.
func (p Person) MaySetLine(o Order) bool {
	return p.MayOn(SetLines, o.Line.ID) && !o.LineFixed() && !o.Withdrawn.Given()
}

// Member is a person as the administrators of a tenant see them, active or not.
type Member struct {
	Person
	Active bool
	// Shared says that the person belongs to a tenant too that the viewer does not administer: their name, password and
	// activity are not this tenant's alone to change.
	Shared bool
}

// Confirmations is what waits to be confirmed of a person's password, and of those of others.
type Confirmations struct {
	Changed  bool // they have changed the password that somebody else set
	Older    bool // they had one before, and can confirm with it
	Waived   bool // the site goes without a second person
	MayWaive bool // they may say so
	Waiting  []WaitingPassword
}

// WaitingPassword is a password that another person may confirm. Shown tells it from one that is set later: only what
// its page showed is confirmed.
type WaitingPassword struct {
	Person
	Shown string
}
