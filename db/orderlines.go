package db

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"lineboard/internal/packaging"
)

// UnknownLines returns the lines that the API names and that are not set up here, by code. Code is what the API calls a
// line. Name is the name that it gives beside, or the code. They have no ID, and a scope that is limited to lines has
// none.
func (d *DB) UnknownLines(ctx context.Context, in packaging.Scope) ([]packaging.Line, error) {
	return unknownLines(ctx, d.read, in)
}

func unknownLines(ctx context.Context, q querier, in packaging.Scope) ([]packaging.Line, error) {
	if in.Limited() {
		return nil, nil
	}
	const next = `(SELECT min(api_line) FROM orders INDEXED BY orders_of_unknown_line WHERE tenant_id = ?1 AND line_id IS NULL
		AND withdrawn_at IS NULL AND api_line > `
	// One look at the index finds the next line, however many orders the last one has. Its newest orders name it.
	return collect(ctx, q, func(row scanner) (l packaging.Line, err error) {
		err = row.Scan(&l.Code, &l.Name)
		if l.Name == "" {
			l.Name = l.Code
		}
		return l, err
	}, `
		WITH RECURSIVE line (code) AS (SELECT `+next+`'') UNION ALL SELECT `+next+
		`line.code) FROM line WHERE code IS NOT NULL)
		SELECT min(api_line COLLATE BINARY), max(line_name) FROM line JOIN orders o ON o.id IN (
			SELECT id FROM orders INDEXED BY orders_of_unknown_line WHERE tenant_id = ?1 AND line_id IS NULL AND api_line = line.code ORDER BY id DESC LIMIT 100)
		GROUP BY line.code ORDER BY line.code COLLATE naturally LIMIT ?2`, in.Tenant(), maxUnknownLines)
}

// maxUnknownLines bounds what an API that names lines without end can do to a page.
const maxUnknownLines = 100

// AdoptLine sets a line up that the API names, under a name of ours. All orders with that code belong to it from then
// on.
func (d *DB) AdoptLine(ctx context.Context, by packaging.Person, code, name string) (l packaging.Line, err error) {
	return d.adoptLine(ctx, by, packaging.SetLines, code, name)
}

// SetUpFoundLine is AdoptLine for those who set a site up.
func (d *DB) SetUpFoundLine(ctx context.Context, by packaging.Person, code, name string) (packaging.Line, error) {
	return d.adoptLine(ctx, by, packaging.Administer, code, name)
}

func (d *DB) adoptLine(
	ctx context.Context, by packaging.Person, needs packaging.Action, code, name string,
) (l packaging.Line, err error) {
	err = d.authorizedTx(ctx, by, needs, func(t *tx, by packaging.Person) error {
		tenant := by.Tenant.ID
		if !by.Sees(0) {
			return packaging.Fail(packaging.Forbidden, "error.may_not_set_line")
		}
		// As the API writes it: the same code in capitals and in small letters means the same line.
		err := t.row(
			`SELECT api_line FROM orders WHERE tenant_id = ? AND line_id IS NULL AND api_line = ? ORDER BY api_line COLLATE BINARY LIMIT 1`,
			tenant, code,
		).Scan(&l.Code)
		if err != nil {
			return err
		}
		id, err := t.insert(`INSERT INTO lines (tenant_id, code, name) VALUES (?, ?, ?)`, tenant, l.Code, name)
		if isTaken(err) {
			return packaging.Fail(packaging.Conflict, "error.line_adopted").Because(err)
		}
		if err != nil {
			return err
		}
		l.ID, l.Name = packaging.LineID(id), name
		if err := t.lineMustStandApart(tenant, l); err != nil {
			return err
		}
		if err := t.exec(`
			INSERT INTO order_events (tenant_id, order_id, at, kind, old_value, new_value, source, full_name, station)
			SELECT tenant_id, id, ?, 'line', api_line, ?, 'person', ?, ? FROM orders
			WHERE tenant_id = ? AND line_id IS NULL AND api_line = ? AND api_line COLLATE BINARY <> ?`,
			millis(t.now), name, by.FullName, by.Station, tenant, l.Code, name); err != nil {
			return err
		}
		if err := t.exec(`UPDATE orders SET line_id = ?, revision = revision + 1 WHERE tenant_id = ? AND line_id IS NULL AND api_line = ?`,
			l.ID, tenant, l.Code); err != nil {
			return err
		}
		return t.record(packaging.Entry{
			TenantID: tenant, By: by.Author, Deed: packaging.LineAdopted, LineCode: l.Code, LineName: l.Name,
			Object: packaging.SaysLine.Of(l.Code), New: name,
		})
	})
	return l, err
}

// SetOrderLine sets the line of an order because a person says so. Refreshes keep it from then on. Line 0 gives the
// order back to the line that the API says. A retired line takes no orders. was is the line that the person saw: if the
// order has another one by now, nothing is set. It is refused while the line must stay as it is, and if the person may
// not set the old or the new one.
func (d *DB) SetOrderLine(
	ctx context.Context, by packaging.Person, id packaging.OrderID, was, line packaging.LineID,
) error {
	return d.authorizedTx(ctx, by, packaging.SetLines, func(t *tx, by packaging.Person) error {
		o, err := orderOf(ctx, t, by.Scope(), id)
		if err != nil {
			return err
		}
		lines, err := linesOf(ctx, t, packaging.Everything(by.Tenant.ID))
		if err != nil {
			return err
		}
		next := line
		if line == 0 {
			next = lineFor(lines, o.Facts)
		} else if l, known := lineByID(lines, line); !known || l.Retired {
			return packaging.Fail(packaging.NotFound, "error.not_found")
		}
		api, err := t.apiLine(o, lines)
		if err != nil {
			return err
		}
		if err := t.mustBeMovable(by, o, was, next, api); err != nil {
			return err
		}
		return t.moveOrder(by, o, lines, line, next)
	})
}

// apiLine is the line that the API says by itself, 0 where it says none that is set up here. What it has not told of is
// for the line that it has.
func (t *tx) apiLine(o packaging.Order, lines []packaging.Line) (packaging.LineID, error) {
	if o.NotYetKnown {
		return o.Line.ID, nil
	}
	said := o.Facts
	err := t.row(
		`SELECT api_line_code, api_line_name FROM imported_facts WHERE order_id = ?`, o.ID,
	).Scan(&said.LineCode, &said.LineName)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return lineFor(lines, said), err
}

// mustBeMovable fails if the person may not give the order another line, or if its line must stay for now. They must
// work on the line that the API says too: nobody takes an order from a line that is not theirs.
func (t *tx) mustBeMovable(by packaging.Person, o packaging.Order, was, next, api packaging.LineID) error {
	switch {
	case !by.Sees(o.Line.ID), !by.Sees(next), !by.Sees(api):
		return packaging.Fail(packaging.Forbidden, "error.may_not_set_line")
	case o.Line.ID != was:
		return packaging.Fail(packaging.Conflict, "set_line.changed")
	case o.LineFixed():
		return packaging.Fail(packaging.Conflict, "set_line.fixed")
	case o.Withdrawn.Given():
		return packaging.Fail(packaging.Conflict, "set_line.withdrawn")
	}
	var queued bool
	err := t.row(`
		SELECT EXISTS (SELECT 1 FROM queue_orders p JOIN queues q ON q.id = p.queue_id
			WHERE p.order_id = ? AND q.stop = '' AND p.place >= q.position)`, o.ID).Scan(&queued)
	if err == nil && queued {
		err = packaging.Fail(packaging.Conflict, "set_line.queued")
	}
	return err
}

func (t *tx) moveOrder(
	by packaging.Person, o packaging.Order, lines []packaging.Line, line, next packaging.LineID,
) error {
	deed, at, who := packaging.OrderLineSet, any(millis(t.now)), by.FullName
	reach, err := reachOf(by)
	if err != nil {
		return err
	}
	if line == 0 {
		deed, at, who, reach.Valid = packaging.OrderLineBack, nil, "", false
		if o.LineSetAt.IsZero() {
			return nil // it is as the API says
		}
	}
	if err := t.exec(`UPDATE orders SET line_id = ?, line_set_at = ?, line_set_by = ?, line_set_reach = ?, revision = revision + 1 WHERE id = ?`,
		nullable(next), at, who, reach, o.ID); err != nil {
		return err
	}
	before, after := lineLabel(lines, o.Line.ID, o.Facts), lineLabel(lines, next, o.Facts)
	if before != after {
		if err := t.addEvent(o.TenantID, o.ID, packaging.OrderEvent{
			Kind: packaging.LineChanged, Old: before, New: after, Source: packaging.BySomebody, By: by.Author,
		}); err != nil {
			return err
		}
	}
	o.Line, _ = lineByID(lines, next)
	e := entryOf(deed, by.Author, o)
	e.ReleaseID, e.Object, e.Old, e.New = 0, "line", before, after
	return t.record(e)
}

// lineFor is the line that the API means: it may give a line's code or its name. 0 is none that we know.
func lineFor(lines []packaging.Line, f packaging.Facts) packaging.LineID {
	for _, given := range []string{f.LineCode, f.LineName} {
		if given == "" {
			continue
		}
		for _, l := range lines {
			if strings.EqualFold(given, l.Code) {
				return l.ID
			}
		}
		for _, l := range lines {
			if strings.EqualFold(given, l.Name) {
				return l.ID
			}
		}
	}
	return 0
}

func lineByID(lines []packaging.Line, id packaging.LineID) (packaging.Line, bool) {
	for _, l := range lines {
		if l.ID == id {
			return l, true
		}
	}
	return packaging.Line{}, false
}

// lineLabel names an order's line: as we call it, or as the API does where it is not set up here; empty where it has
// none.
func lineLabel(lines []packaging.Line, id packaging.LineID, f packaging.Facts) string {
	if l, known := lineByID(lines, id); known {
		return l.Name
	}
	return f.APILine()
}
