package packaging

// Scope is the part of a tenant that a query reaches: all of it, or some lines alone. Whatever reads orders, serials,
// queues or the history takes one. So the limit of a person is a part of the question, and can't be forgotten
// afterwards. A scope comes from [Person.Scope], or from [Everything] for what the program does by itself.
type Scope struct {
	tenant TenantID
	lines  []LineID
	person UserID
	token  TokenID
}

// Everything is all of a tenant. It is for the program itself, never for what a person asks.
func Everything(tenant TenantID) Scope { return Scope{tenant: tenant} }

// Tenant is the tenant that the scope is of.
func (s Scope) Tenant() TenantID { return s.tenant }

// Lines are the lines that the scope is limited to, none where it is not limited.
func (s Scope) Lines() []LineID { return s.lines }

// Limited says whether the scope is less than the whole tenant. Of orders without a line, it then has none.
func (s Scope) Limited() bool { return len(s.lines) > 0 }

// Reader is who waits in line for a long reading: the person, or the token of a program by a number below 0. 0 is
// Lineboard itself.
func (s Scope) Reader() UserID {
	if s.token != 0 {
		return -UserID(s.token)
	}
	return s.person
}

// Person is whose scope it is: of the history's entries without a line, a limited scope has theirs. 0 for the program.
func (s Scope) Person() UserID { return s.person }
