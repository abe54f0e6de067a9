package packaging

// Role is what a person is at a tenant.
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

// Action is something that a role may or may not do.
type Action string

// The actions.
const (
	ViewOrders    Action = "view_orders"    // boards, search, order pages, serial lists
	ReleaseOrders Action = "release_orders" // release to line
	SettleOrders  Action = "settle_orders"  // ask about an unknown outcome, add a missing serial list
	ViewHistory   Action = "view_history"   // the log
	ExportRecords Action = "export_records" // downloads of serials and history
)

// permissions is the one table of who may do what.
var permissions = map[Role]map[Action]bool{
	Operator:      {ViewOrders: true},
	Supervisor:    {ViewOrders: true, ReleaseOrders: true, SettleOrders: true, ViewHistory: true, ExportRecords: true},
	Manager:       {ViewOrders: true, ReleaseOrders: true, SettleOrders: true, ViewHistory: true, ExportRecords: true},
	Auditor:       {ViewOrders: true, ViewHistory: true, ExportRecords: true},
	Administrator: {ViewOrders: true, ViewHistory: true},
}

// Known says whether r is one of the roles.
func (r Role) Known() bool { return permissions[r] != nil }

// May says whether the role allows the action.
func (r Role) May(a Action) bool { return permissions[r][a] }

// Person is somebody signed in, acting for one tenant.
type Person struct {
	Author
	Tenant    Tenant
	Elsewhere bool // they belong to other tenants too
}

// May says whether the person may do a at their tenant.
func (p Person) May(a Action) bool { return p.Role.May(a) }
