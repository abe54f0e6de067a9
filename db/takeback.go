package db

import (
	"context"
	"encoding/json"
	"slices"

	"lineboard/internal/packaging"
)

// WithdrawOrder takes an order from the boards that only an import told of. It is refused with a Conflict if the API
// has listed the order meanwhile, or if it is withdrawn already.
func (d *DB) WithdrawOrder(ctx context.Context, by packaging.Person, id packaging.OrderID, why string) error {
	return d.authorizedTx(ctx, by, packaging.ImportOrders, func(t *tx, by packaging.Person) error {
		o, err := orderOf(ctx, t, by.Scope(), id)
		if err != nil {
			return err
		}
		if !by.MayWithdraw(o) {
			return packaging.Fail(packaging.Conflict, "error.not_to_withdraw")
		}
		return t.withdraw(by, o, why)
	})
}

func (t *tx) withdraw(by packaging.Person, o packaging.Order, why string) error {
	if err := t.exec(`UPDATE orders SET withdrawn_at = ?, withdrawn_by = ?, withdrawn_why = ?, revision = revision + 1 WHERE id = ?`,
		millis(t.now), by.FullName, why, o.ID); err != nil {
		return err
	}
	if err := t.addEvent(o.TenantID, o.ID, packaging.OrderEvent{
		Kind: packaging.OrderLost, Source: packaging.BySomebody, By: by.Author,
	}); err != nil {
		return err
	}
	e := entryOf(packaging.OrderWithdrawn, by.Author, o)
	e.Comment = why
	return t.record(e)
}

// giving is what is given back of one order.
type giving struct {
	heldOrder
	order  packaging.Order
	fields []packaging.ImportField
}

// GiveValueBack ends that an imported value counts: the order has what the API says of the field again. was is the
// value that the person saw. It is refused with a Conflict if another one counts by now, or if a release is not
// settled.
func (d *DB) GiveValueBack(
	ctx context.Context, by packaging.Person, id packaging.OrderID, field packaging.ImportField, was, why string,
) error {
	if !slices.Contains(packaging.ImportFields[1:], field) {
		return packaging.Fail(packaging.Invalid, "error.invalid")
	}
	return d.authorizedTx(ctx, by, packaging.ImportOrders, func(t *tx, by packaging.Person) error {
		i, err := newImporting(ctx, t, by, nil)
		if err != nil {
			return err
		}
		o, err := orderOf(ctx, t, by.Scope(), id)
		if err != nil {
			return err
		}
		g, err := i.giving(o)
		if err != nil {
			return err
		}
		if was == "" || *g.given.Field(field) != was || o.Withdrawn.Given() {
			return packaging.Fail(packaging.Conflict, "error.value_changed")
		}
		g.fields = []packaging.ImportField{field}
		if err := i.mayGiveBack(g); err != nil {
			return err
		}
		if err := t.giveBack(i, g); err != nil {
			return err
		}
		e := entryOf(packaging.ValueGivenBack, by.Author, o)
		e.ReleaseID, e.Object, e.Old, e.New, e.Comment = 0, string(field), was, *g.said.Field(field), why
		return t.record(e)
	})
}

// giving reads what imports gave of an order.
func (i *importing) giving(o packaging.Order) (giving, error) {
	held, err := i.held([]packaging.ImportRow{{Facts: packaging.Facts{Key: o.Key}}})
	return giving{heldOrder: held[o.Key], order: o}, err
}

// mayGiveBack fails if a release of the order is not settled, or if its line would change against a rule for lines.
func (i *importing) mayGiveBack(g giving) error {
	switch line := i.lineWithout(g); {
	case g.order.LineFixed():
		return packaging.Fail(packaging.Conflict, "error.value_fixed")
	case !i.by.Sees(line):
		return packaging.Fail(packaging.Forbidden, "error.may_not_set_line")
	default:
		return nil
	}
}

// without returns the facts that imports gave but for those that are given back, and what is shown with them.
func (g giving) without(lines []packaging.Line) (given, shown packaging.Facts) {
	given = g.given
	for _, field := range g.fields {
		*given.Field(field) = ""
	}
	if given.LineCode == "" {
		given.LineName = ""
	}
	standing := given
	if g.known && !g.reach.holds(lineFor(lines, g.said)) {
		standing = withoutLine(given)
	}
	return given, overlay(standing, g.said)
}

// lineWithout returns the line that the order has then.
func (i *importing) lineWithout(g giving) packaging.LineID {
	if g.lineSet || !slices.Contains(g.fields, packaging.ColumnLine) {
		return g.line
	}
	_, shown := g.without(i.lines)
	return lineFor(i.lines, shown)
}

func (t *tx) giveBack(i *importing, g giving) error {
	given, shown := g.without(i.lines)
	line := i.lineWithout(g)
	if err := t.exec(`UPDATE orders SET line_id = ?, (`+factColumns+
		`) = (?,?,?,?,?,?,?,?), revision = revision + 1 WHERE id = ?`,
		slices.Concat([]any{nullable(line)}, factFields(&shown), []any{g.id})...); err != nil {
		return err
	}
	if err := t.exec(`UPDATE imported_facts SET (`+factColumns+`) = (?,?,?,?,?,?,?,?) WHERE order_id = ?`,
		append(factFields(&given), g.id)...); err != nil {
		return err
	}
	events := shown.ChangesFrom(g.shown)
	before, after := lineLabel(i.lines, g.line, g.shown), lineLabel(i.lines, line, shown)
	if before != after {
		events = append(events, packaging.OrderEvent{Kind: packaging.LineChanged, Old: before, New: after})
	}
	for _, e := range events {
		e.Source, e.By = packaging.BySomebody, i.by.Author
		if err := t.addEvent(i.by.Tenant.ID, g.id, e); err != nil {
			return err
		}
	}
	return nil
}

// importedPart is what an import gave of an order, as far as no later import gave it again.
type importedPart struct {
	order   packaging.OrderID
	changes []packaging.FactChange
}

// GiveImportBack gives back each value of an import that still counts, and withdraws the orders that no other import
// and not the API told of. Orders whose release is not settled, and those outside the person's lines, stay as they are.
func (d *DB) GiveImportBack(
	ctx context.Context, by packaging.Person, id packaging.ImportID, why string,
) (done packaging.GivenBack, err error) {
	err = d.authorizedTx(ctx, by, packaging.ImportOrders, func(t *tx, by packaging.Person) error {
		w := withinImports(by.Scope())
		of, err := scanImport(t.row(selectImport+`WHERE `+w.sql+` AND i.id = ?`, append(w.args, id)...))
		if err != nil {
			return err
		}
		parts, err := t.importedParts(by.Scope(), id)
		if err != nil {
			return err
		}
		i, err := newImporting(ctx, t, by, nil)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(parts, importChunk) {
			for _, part := range some {
				if err := t.givePartBack(i, part, why, &done); err != nil {
					return err
				}
			}
			if err := t.settle(); err != nil {
				return err
			}
		}
		if !done.Any() {
			return packaging.Fail(packaging.Conflict, "error.nothing_to_give_back")
		}
		return t.record(packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.ImportGivenBack, Object: of.FileName, Comment: why,
			New: packaging.SaysGivenBack.Of(id, done.Values, done.Withdrawn, done.Kept),
		})
	})
	return done, err
}

// importedParts returns what an import gave of each order in the scope.
func (t *tx) importedParts(in packaging.Scope, id packaging.ImportID) ([]importedPart, error) {
	w := inScope(in, "o.")
	return collect(t.ctx, t, func(row scanner) (p importedPart, err error) {
		var changes string
		if err := row.Scan(&p.order, &changes); err != nil {
			return p, err
		}
		return p, json.Unmarshal([]byte(changes), &p.changes)
	}, `
		SELECT o.id, (SELECT json_group_array(json(mine.value)) FROM json_each(c.changes) AS mine WHERE NOT EXISTS (
			SELECT 1 FROM import_changes l, json_each(l.changes) AS later
			WHERE l.order_id = c.order_id AND l.import_id > c.import_id AND later.value ->> 'Field' = mine.value ->> 'Field'))
		FROM import_changes c JOIN orders o ON o.id = c.order_id
		WHERE `+w.sql+` AND o.withdrawn_at IS NULL AND c.import_id = ? ORDER BY o.id`, append(w.args, id)...)
}

func (t *tx) givePartBack(i *importing, part importedPart, why string, done *packaging.GivenBack) error {
	o, err := orderOf(t.ctx, t, i.by.Scope(), part.order)
	if err != nil {
		return err
	}
	g, err := i.giving(o)
	if err != nil {
		return err
	}
	for _, c := range part.changes {
		if *g.given.Field(c.Field) == c.New {
			g.fields = append(g.fields, c.Field)
		}
	}
	left, _ := g.without(i.lines)
	switch nothingLeft := !slices.ContainsFunc(packaging.ImportFields[1:], func(f packaging.ImportField) bool {
		return *left.Field(f) != ""
	}); {
	case nothingLeft && i.by.MayWithdraw(o):
		done.Withdrawn++
		return t.withdraw(i.by, o, why)
	case len(g.fields) == 0:
		return nil
	case i.mayGiveBack(g) != nil:
		done.Kept++
		return nil
	}
	done.Values += len(g.fields)
	return t.giveBack(i, g)
}
