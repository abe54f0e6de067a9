package db

import (
	"context"
	"slices"

	"lineboard/internal/packaging"
)

// Roster returns all plans of shifts of a tenant, the one added last being last.
func (d *DB) Roster(ctx context.Context, in packaging.Scope) (packaging.Roster, error) {
	return rosterOf(ctx, d.read, in.Tenant())
}

func rosterOf(ctx context.Context, q querier, tenant packaging.TenantID) (r packaging.Roster, err error) {
	type row struct {
		plan  int64
		from  packaging.Day
		shift packaging.Shift
	}
	rows, err := collect(ctx, q, func(s scanner) (r row, err error) {
		return r, s.Scan(&r.plan, &r.from, &r.shift.Name, &r.shift.Start, &r.shift.End, &r.shift.Days)
	}, `
		SELECT p.id, p.valid_from, coalesce(s.name, ''), coalesce(s.starts, 0), coalesce(s.ends, 0), coalesce(s.days, 0)
		FROM shift_plans p LEFT JOIN shifts s ON s.plan_id = p.id
		WHERE p.tenant_id = ? ORDER BY p.id, s.place`, tenant)
	var last int64
	for _, one := range rows {
		if one.plan != last {
			r, last = append(r, packaging.Plan{From: one.from}), one.plan
		}
		if one.shift.Name != "" {
			r[len(r)-1].Shifts = append(r[len(r)-1].Shifts, one.shift)
		}
	}
	return r, err
}

// SetShifts adds a plan, which begins on a later day than today, or where it is the first, whenever it says. A plan
// that can't be is Invalid.
func (d *DB) SetShifts(ctx context.Context, by packaging.Person, p packaging.Plan) error {
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		return t.setShifts(by.Tenant, by.Author, p)
	})
}

func (t *tx) setShifts(tenant packaging.Tenant, by packaging.Author, p packaging.Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	r, err := rosterOf(t.ctx, t, tenant.ID)
	if err != nil {
		return err
	}
	if len(r) > 0 && p.From <= packaging.DayOf(t.now, tenant.Location()) {
		return packaging.Fail(packaging.Invalid, "shifts.too_early")
	}
	if err := append(slices.Clone(r), p).CheckChange(); err != nil {
		return err
	}
	id, err := t.insert(
		`INSERT INTO shift_plans (tenant_id, valid_from, set_at) VALUES (?, ?, ?)`, tenant.ID, p.From, millis(t.now),
	)
	if err != nil {
		return err
	}
	for place, s := range p.Shifts {
		if err := t.exec(`INSERT INTO shifts (plan_id, tenant_id, place, name, starts, ends, days) VALUES (?,?,?,?,?,?,?)`,
			id, tenant.ID, place, s.Name, s.Start, s.End, s.Days); err != nil {
			return err
		}
	}
	e := packaging.Entry{
		TenantID: tenant.ID, By: by, Deed: packaging.ShiftsSet,
		Object: packaging.SaysShifts.Of(), New: p.String(),
	}
	if before := r.PlanOf(p.From); before.From != "" {
		e.Old = before.String()
	}
	return t.record(e)
}

// setShifts starts a plan of shifts. The first plan of a site starts on the day before, so that the shift which runs is
// one of it. A plan other than the last one starts on the next day. Without shifts it changes nothing.
func (s *setupTx) setShifts(setup TenantSetup) error {
	if len(setup.Shifts) == 0 {
		return nil
	}
	tenant := setup.Tenant
	tenant.ID = s.tenant
	r, err := rosterOf(s.ctx, s, tenant.ID)
	if err != nil {
		return err
	}
	today := packaging.DayOf(s.now, tenant.Location())
	plan := packaging.Plan{From: today.Plus(-1), Shifts: setup.Shifts}
	if len(r) > 0 {
		if slices.Equal(r[len(r)-1].Shifts, setup.Shifts) {
			return nil
		}
		plan.From = today.Plus(1)
	}
	return s.tx.setShifts(tenant, provisioner, plan)
}
