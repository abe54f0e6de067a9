package db

import (
	"lineboard/internal/packaging"
)

// mustStandApart makes sure that nobody takes a new name for another one of its list, which the query selects: two that
// look alike are refused. A name that is there already stays, and the provisioning file names what it likes: it is read
// at each start, and what somebody has named on a page must keep no server from starting.
func (t *tx) mustStandApart(name, others string, args ...any) error {
	return t.noneIs(func(other string) bool { return packaging.LooksLike(name, other) }, others, args...)
}

// noneIs fails with Conflict, and names it, where one of the names that the query selects is taken for the new one.
func (t *tx) noneIs(taken func(string) bool, others string, args ...any) error {
	names, err := collect(
		t.ctx, t, func(row scanner) (name string, err error) { return name, row.Scan(&name) }, others, args...,
	)
	for _, other := range names {
		if taken(other) {
			return packaging.Fail(packaging.Conflict, "error.name_alike", "Name", other)
		}
	}
	return err
}

// lineMustStandApart is mustStandApart for the name of a line among those that are not retired.
func (t *tx) lineMustStandApart(tenant packaging.TenantID, l packaging.Line) error {
	return t.mustStandApart(
		l.Name, `SELECT name FROM lines WHERE tenant_id = ? AND code <> ? AND NOT retired`, tenant, l.Code,
	)
}

// codeMustStandApart makes sure that nobody takes the code of a new line for another one. It is that of the API: L1
// and LI may both be codes.
func (t *tx) codeMustStandApart(tenant packaging.TenantID, code string) error {
	return t.noneIs(func(other string) bool { return packaging.PassesFor(code, other) },
		`SELECT code FROM lines WHERE tenant_id = ? AND code <> ?`, tenant, code)
}
