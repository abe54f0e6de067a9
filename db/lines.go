package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"lineboard/internal/packaging"
)

func scanLine(row scanner) (l packaging.Line, err error) {
	return l, row.Scan(&l.ID, &l.Code, &l.Name, &l.Retired)
}

// withinLines begins a condition on the table of lines with the scope.
func withinLines(in packaging.Scope) where {
	w := where{"tenant_id = ?", []any{in.Tenant()}}
	w.and(in.Limited(), "id IN (SELECT value FROM json_each(?))", lineList(in))
	return w
}

// Lines returns the lines, by code.
func (d *DB) Lines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error) {
	return linesOf(ctx, d.read, in)
}

func linesOf(ctx context.Context, q querier, in packaging.Scope) ([]packaging.Line, error) {
	w := withinLines(in)
	return collect(
		ctx, q, scanLine, `SELECT id, code, name, retired FROM lines WHERE `+w.sql+`
		ORDER BY code COLLATE naturally`, w.args...,
	)
}

// Line returns one line by its code; one outside the scope is not found.
func (d *DB) Line(ctx context.Context, in packaging.Scope, code string) (packaging.Line, error) {
	w := withinLines(in)
	w.and(true, "code = ?", code)
	l, err := scanLine(d.read.QueryRowContext(ctx, `SELECT id, code, name, retired FROM lines WHERE `+w.sql, w.args...))
	return l, coded(err)
}

// SetupLines returns all lines of the viewer's tenant by code, whatever lines the viewer works on.
func (d *DB) SetupLines(ctx context.Context, viewer packaging.Person) ([]packaging.Line, error) {
	return linesOf(ctx, d.read, packaging.Everything(viewer.Tenant.ID))
}

// SetupLine returns one of them.
func (d *DB) SetupLine(ctx context.Context, viewer packaging.Person, code string) (packaging.Line, error) {
	return d.Line(ctx, packaging.Everything(viewer.Tenant.ID), code)
}

// AddLine makes a line; its code must be free.
func (d *DB) AddLine(ctx context.Context, by packaging.Person, l packaging.Line) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		switch _, err := s.line(l.Code); {
		case err == nil:
			return packaging.Fail(packaging.Conflict, "error.line_taken")
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		if err := s.setLine(l); err != nil {
			return err
		}
		if err := s.codeMustStandApart(s.tenant, l.Code); err != nil {
			return err
		}
		return s.lineMustStandApart(s.tenant, l)
	})
}

// SetLine changes a line. set gets it as it is in the transaction, and changes its name or whether it is retired.
func (d *DB) SetLine(ctx context.Context, by packaging.Person, code string, set func(*packaging.Line)) error {
	return d.setupTx(ctx, by, func(s *setupTx) error {
		was, err := s.line(code)
		if err != nil {
			return err
		}
		l := was
		set(&l)
		if err := s.exec(`UPDATE lines SET name = ?, retired = ? WHERE id = ?`, l.Name, l.Retired, was.ID); err != nil {
			return err
		}
		if !l.Retired && (l.Name != was.Name || was.Retired) {
			if err := s.lineMustStandApart(s.tenant, l); err != nil {
				return err
			}
		}
		return s.recordChange(packaging.LineSet, packaging.SaysLine.Of(was.Code), was.Details(), l.Details())
	})
}

func (s *setupTx) line(code string) (packaging.Line, error) {
	return scanLine(s.row(`SELECT id, code, name, retired FROM lines WHERE tenant_id = ? AND code = ?`, s.tenant, code))
}

// setLine makes a line or renames the one with the code.
func (s *setupTx) setLine(l packaging.Line) error {
	was := packaging.Line{}
	err := s.row(`SELECT name FROM lines WHERE tenant_id = ? AND code = ?`, s.tenant, l.Code).Scan(&was.Name)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if was.Name == l.Name {
		return nil
	}
	if err := s.exec(`INSERT INTO lines (tenant_id, code, name) VALUES (?, ?, ?)
		ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name`, s.tenant, l.Code, l.Name); err != nil {
		return err
	}
	return s.recordChange(packaging.LineSet, packaging.SaysLine.Of(l.Code), was.Details(), packaging.Line{Name: l.Name}.Details())
}

// lineIDs returns the keys of the tenant's lines with these codes.
func (s *setupTx) lineIDs(codes []string) (ids []packaging.LineID, err error) {
	for _, code := range codes {
		var id packaging.LineID
		switch err := s.row(`SELECT id FROM lines WHERE tenant_id = ? AND code = ?`, s.tenant, code).Scan(&id); {
		case errors.Is(err, sql.ErrNoRows):
			return nil, packaging.Fail(packaging.Invalid, "error.no_line").Because(
				fmt.Errorf("there is no line %s", code),
			)
		case err != nil:
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
