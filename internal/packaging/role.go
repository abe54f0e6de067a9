package packaging

import (
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
	TakeAlarms    Action = "take_alarms"    // say "I am on it" of an alarm
	ReviewShifts  Action = "review_shifts"  // review and sign a shift, verify the history
	ViewSetup     Action = "view_setup"     // people, lines, stations, settings and the health of the connection
	Administer    Action = "administer"     // change those
	ConfirmPeople Action = "confirm_people" // confirm that somebody has set their own password
	WaiveConfirm  Action = "waive_confirm"  // say that the site goes without that, where nobody else could

	TakeLists Action = "take_lists" // of programs alone: say that a serial list was taken
)

// looks says whether the action changes nothing that others take for somebody's own. Waiving is allowed too: a site
// with one administrator must find a way out.
func (a Action) looks() bool {
	return slices.Contains([]Action{ViewOrders, RefreshOrders, ViewHistory, ViewReports, ViewSetup, WaiveConfirm}, a)
}

// permissions is the one table of who may do what.
var permissions = map[Role][]Action{
	Operator: {ViewOrders, WriteNotes, RefreshOrders, TakeAlarms},
	Supervisor: {
		ViewOrders, WriteNotes, RefreshOrders, ReleaseOrders, SettleOrders, SetLines, ImportOrders,
		ViewHistory, ExportRecords, ViewReports, HandOver, TakeAlarms,
	},
	Manager: {
		ViewOrders, WriteNotes, RefreshOrders, ReleaseOrders, SettleOrders, SetLines, ImportOrders,
		ViewHistory, ExportRecords, ViewReports, HandOver, ReviewShifts, TakeAlarms, ConfirmPeople,
	},
	Auditor: {ViewOrders, ViewHistory, ExportRecords, ViewReports, ViewSetup},
	Administrator: {
		ViewOrders, RefreshOrders, ViewHistory, ViewSetup, TakeAlarms, Administer, ConfirmPeople, WaiveConfirm,
	},
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
