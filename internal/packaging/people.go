package packaging

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what a person is at a tenant: one of the roles below, or several of them joined by "+" (see [JoinRoles]).
type Role string

// The roles.
const (
	Operator      Role = "operator"
	Supervisor    Role = "supervisor"
	Manager       Role = "manager"
	Auditor       Role = "auditor"
	Administrator Role = "administrator"
)

// Roles are all of them.
var Roles = []Role{Operator, Supervisor, Manager, Auditor, Administrator}

// JoinRoles is the role of somebody who has all of these, in the order of the alphabet.
func JoinRoles(roles ...Role) Role {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	slices.Sort(names)
	return Role(strings.Join(slices.Compact(names), "+"))
}

// Parts are the roles that r is made of.
func (r Role) Parts() []Role {
	var parts []Role
	for part := range strings.SplitSeq(string(r), "+") {
		parts = append(parts, Role(part))
	}
	return parts
}

// Action is something that a role may or may not do.
type Action string

// The actions.
const (
	ViewOrders    Action = "view_orders"    // boards, search, order pages, serial lists, scanned packs
	WriteNotes    Action = "write_notes"    // notes on orders and lines
	RefreshOrders Action = "refresh_orders" // ask the remote API for the orders now
	ReleaseOrders Action = "release_orders" // release to line
	SettleOrders  Action = "settle_orders"  // ask about an unknown outcome, add a missing serial list
	SetLines      Action = "set_lines"      // say which line an order is for, adopt a line
	ImportOrders  Action = "import_orders"  // bring orders in from a file
	ViewHistory   Action = "view_history"   // the log
	ExportRecords Action = "export_records" // downloads of serials, history and reports
	ViewReports   Action = "view_reports"   // shift reports
	HandOver      Action = "hand_over"      // give a shift over, or take it over
	ReviewShifts  Action = "review_shifts"  // review and sign a shift, verify the history
	ViewSetup     Action = "view_setup"     // people, lines, stations, settings and the health of the connection
	Administer    Action = "administer"     // change those
)

// permissions is the one table of who may do what.
var permissions = map[Role][]Action{
	Operator: {ViewOrders, WriteNotes, RefreshOrders},
	Supervisor: {
		ViewOrders, WriteNotes, RefreshOrders, ReleaseOrders, SettleOrders, SetLines, ImportOrders,
		ViewHistory, ExportRecords, ViewReports, HandOver,
	},
	Manager: {
		ViewOrders, WriteNotes, RefreshOrders, ReleaseOrders, SettleOrders, SetLines, ImportOrders,
		ViewHistory, ExportRecords, ViewReports, HandOver, ReviewShifts,
	},
	Auditor:       {ViewOrders, ViewHistory, ExportRecords, ViewReports, ViewSetup},
	Administrator: {ViewOrders, RefreshOrders, ViewHistory, ViewSetup, Administer},
}

// Known says whether r is one of the roles, or made of them.
func (r Role) Known() bool {
	return !slices.ContainsFunc(r.Parts(), func(part Role) bool { return permissions[part] == nil })
}

// Includes says whether r is part, or is made of it and others.
func (r Role) Includes(part Role) bool { return slices.Contains(r.Parts(), part) }

// May says whether the role allows the action.
func (r Role) May(a Action) bool {
	return slices.ContainsFunc(r.Parts(), func(part Role) bool { return slices.Contains(permissions[part], a) })
}

// Person is somebody signed in, acting for one tenant.
type Person struct {
	Author
	Tenant    Tenant
	Elsewhere bool      // they belong to other tenants too
	Lines     []LineID  // the lines that they are limited to, none where they are not limited
	StationID StationID // where they signed in, 0 elsewhere than at a station
	SignedOn  bool      // they came by single sign-on
	Token     TokenID   // the API token that stands for them, 0 for people
	Language  string    // that they chose to read (BCP 47), empty where they chose none

	HintsDropped []string // the hints for a first use that they have put away
}

// May says whether the person may do a at their tenant, on one line at least.
func (p Person) May(a Action) bool { return p.Role.May(a) }

// Sees says whether the person is not limited to other lines than this one. Of those without a line, who is limited sees
// nothing.
func (p Person) Sees(line LineID) bool { return len(p.Lines) == 0 || slices.Contains(p.Lines, line) }

// Mark tells pages of the same person with the same rights at the same place from others. It names no secret.
func (p Person) Mark() string {
	return fmt.Sprintf("%d %d %d %s %v", p.ID, p.Tenant.ID, p.StationID, p.Role, p.Lines)
}

// Scope is what the person sees of their tenant.
func (p Person) Scope() Scope { return Scope{p.Tenant.ID, p.Lines, p.ID} }

// MayOn says whether the person may do a on a line; line 0 stands for no line.
func (p Person) MayOn(a Action, line LineID) bool { return p.May(a) && p.Sees(line) }

// Scope is the part of a tenant that a query reaches: all of it, or some lines alone. Whatever reads orders, serials, queues
// or the history takes one, so that the limit of a person is a part of the question and can't be forgotten afterwards.
// There are two ways to come by one: [Person.Scope], and for what the program does by itself [Everything].
type Scope struct {
	tenant TenantID
	lines  []LineID
	person UserID
}

// Everything is all of a tenant. It is for the program itself, never for what a person asks.
func Everything(tenant TenantID) Scope { return Scope{tenant: tenant} }

// Tenant is the tenant that the scope is of.
func (s Scope) Tenant() TenantID { return s.tenant }

// Lines are the lines that the scope is limited to, none where it is not limited.
func (s Scope) Lines() []LineID { return s.lines }

// Limited says whether the scope is less than the whole tenant. Of orders without a line, it then has none.
func (s Scope) Limited() bool { return len(s.lines) > 0 }

// Person is whose scope it is: of the history's entries without a line, a limited scope has theirs. 0 for the program.
func (s Scope) Person() UserID { return s.person }
