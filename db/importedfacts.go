package db

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"lineboard/internal/packaging"
)

// factColumns are the facts that both the API and an import may give, as every table names them.
const factColumns = `line_code, line_name, product, gtin, lot, expiry, quantity, extra_percent`

// prefixed names columns of a table, or those of another name.
func prefixed(prefix, columns string) string {
	return prefix + strings.ReplaceAll(columns, ", ", ", "+prefix)
}

// orEmpty is prefixed for columns of an outer join: empty where it has no row.
func orEmpty(prefix, columns string) string {
	all := strings.Split(prefixed(prefix, columns), ", ")
	for i, column := range all {
		all[i] = "coalesce(" + column + ", '')"
	}
	return strings.Join(all, ", ")
}

// factFields are where factColumns are read into, or what they are written from.
func factFields(f *packaging.Facts) []any {
	return []any{&f.LineCode, &f.LineName, &f.Product, &f.GTIN, &f.Lot, &f.Expiry, &f.Quantity, &f.ExtraPercent}
}

// overlay is what is shown of an order: what imports gave, over what the API says.
func overlay(given, said packaging.Facts) packaging.Facts {
	shown := given.FilledFrom(said)
	shown.Key, shown.Status, shown.Raw = said.Key, said.Status, said.Raw
	shown.Serials, shown.Leaks = said.Serials, said.Leaks
	return shown
}

// ImportedFactsOf returns the facts of each order that imports gave, in the order of the columns, each with its latest
// import. Orders that no import gave facts of, or that are outside the scope, are not in it.
func (d *DB) ImportedFactsOf(
	ctx context.Context, in packaging.Scope, ids []packaging.OrderID,
) (facts map[packaging.OrderID][]packaging.ImportedFact, err error) {
	err = d.read.snapshot(ctx, func(q querier) error {
		facts, err = importedFactsOf(ctx, q, in, ids)
		return err
	})
	return facts, err
}

// givenFacts are the facts that imports gave of an order, and those that the API says.
type givenFacts struct {
	order       packaging.OrderID
	given, said packaging.Facts
	overruled   bool // the line that was given does not stand
}

// importNote is what one import changed of an order.
type importNote struct {
	order   packaging.OrderID
	of      packaging.Import
	changes []packaging.FactChange
}

func importedFactsOf(
	ctx context.Context, q querier, in packaging.Scope, ids []packaging.OrderID,
) (map[packaging.OrderID][]packaging.ImportedFact, error) {
	keys, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	w := inScope(in, "o.")
	all, err := collect(ctx, q, func(row scanner) (g givenFacts, err error) {
		return g, row.Scan(slices.Concat([]any{&g.order, &g.overruled}, factFields(&g.given), factFields(&g.said))...)
	}, `
		SELECT o.id, o.known AND o.line_set_at IS NULL AND o.line_code <> i.line_code, `+prefixed("i.", factColumns)+
		`, `+prefixed("i.api_", factColumns)+`
		FROM json_each(?) AS wanted CROSS JOIN orders o ON o.id = wanted.value JOIN imported_facts i ON i.order_id = o.id
		WHERE `+w.sql, append([]any{string(keys)}, w.args...)...)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	notes, err := collect(ctx, q, func(row scanner) (n importNote, err error) {
		var at int64
		var changes string
		if err := row.Scan(
			&n.order, &n.of.ID, &at, &n.of.By.Username, &n.of.By.FullName, &n.of.By.Station, &changes,
		); err != nil {
			return n, err
		}
		n.of.At = moment(at)
		return n, json.Unmarshal([]byte(changes), &n.changes)
	}, `
		SELECT c.order_id, i.id, i.at, i.username, i.full_name, i.station, c.changes
		FROM json_each(?) AS wanted
		CROSS JOIN import_changes c ON c.order_id = wanted.value JOIN imports i ON i.id = c.import_id
		WHERE c.tenant_id = ? ORDER BY c.import_id DESC`, string(keys), in.Tenant())
	facts := make(map[packaging.OrderID][]packaging.ImportedFact, len(all))
	for _, g := range all {
		facts[g.order] = g.facts(notes)
	}
	return facts, err
}

// facts are the facts that imports gave, each with the latest of the notes about it. The latest note comes first.
func (g givenFacts) facts(notes []importNote) (facts []packaging.ImportedFact) {
	for _, field := range packaging.ImportFields[1:] {
		fact := packaging.ImportedFact{Field: field, Value: *g.given.Field(field), API: *g.said.Field(field)}
		if fact.Value == "" {
			continue
		}
		sameLine := strings.EqualFold(g.said.LineCode, g.given.LineCode) ||
			strings.EqualFold(g.said.LineCode, g.given.LineName)
		if field == packaging.ColumnLine {
			fact.Overruled = g.overruled && !sameLine
			if fact.API == "" {
				fact.API = g.said.LineName
			}
		}
		if field == packaging.ColumnLine && sameLine {
			fact.API = fact.Value // in other words
		}
		gave := func(n importNote) bool {
			return n.order == g.order &&
				slices.ContainsFunc(n.changes, func(c packaging.FactChange) bool { return c.Field == field })
		}
		if n := slices.IndexFunc(notes, gave); n >= 0 {
			fact.Import, fact.At, fact.By = notes[n].of.ID, notes[n].of.At, notes[n].of.By
		}
		facts = append(facts, fact)
	}
	return facts
}
