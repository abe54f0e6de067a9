package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"lineboard/internal/packaging"
)

// importing is an import that is checked, or carried out.
type importing struct {
	ctx   context.Context
	q     querier
	by    packaging.Person
	lines []packaging.Line
	reach reach
	check *packaging.ImportCheck
	each  func(importedRow) error
	alike *knownKeys // nil until a row has a new order ID
}

// importedRow is what an import does to one order: before and after.
type importedRow struct {
	packaging.ImportedOrder
	was   heldOrder
	given packaging.Facts // by this import and those before it
	line  packaging.LineID
	reach reach // of who gave the line
}

// heldOrder is an order as it is before an import; its id is 0 where there is none.
type heldOrder struct {
	id          packaging.OrderID
	line        packaging.LineID
	shown       packaging.Facts
	given, said packaging.Facts // where imported
	imported    bool
	reach       reach             // of who imported its line
	known       bool              // the API has told of it
	lineSet     bool              // by a person
	withdrawn   bool              // what it was counts no more: an import makes it anew
	outcome     packaging.Outcome // of its latest release
}

// importChunk is how many orders are read at once.
const importChunk = 1000

func newImporting(
	ctx context.Context, q querier, by packaging.Person, each func(importedRow) error,
) (*importing, error) {
	lines, err := linesOf(ctx, q, packaging.Everything(by.Tenant.ID))
	if err != nil {
		return nil, err
	}
	reach, err := reachOf(by)
	return &importing{
		ctx: ctx, q: q, by: by, lines: lines, reach: reach, check: packaging.NewImportCheck(), each: each,
	}, err
}

// run hands what the import does to each order to each, in the order of the rows, leaving out those with a fault.
func (i *importing) run(rows packaging.ImportRows) error {
	for chunk := range rows.Chunks(importChunk) {
		held, err := i.held(chunk)
		if err != nil {
			return err
		}
		for _, row := range chunk {
			did, ok := i.compare(row, held[row.Facts.Key])
			if !ok {
				continue
			}
			i.check.Add(did.ImportedOrder)
			if err := i.ask(did); err != nil {
				return err
			}
			if err := i.each(did); err != nil {
				return err
			}
		}
	}
	return nil
}

// held returns the orders of the rows that are here, by their order ID.
func (i *importing) held(rows []packaging.ImportRow) (map[string]heldOrder, error) {
	keys := make([]string, len(rows))
	for n, row := range rows {
		keys[n] = row.Facts.Key
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	scan := func(row scanner) (h heldOrder, err error) {
		var line sql.Null[packaging.LineID]
		var given, said [8]sql.Null[string]
		into := append(
			[]any{&h.id, &h.shown.Key, &line, &h.outcome, &h.imported, &h.reach, &h.known, &h.lineSet, &h.withdrawn},
			factFields(&h.shown)...,
		)
		for _, facts := range []*[8]sql.Null[string]{&given, &said} {
			for n := range facts {
				into = append(into, &facts[n])
			}
		}
		err = row.Scan(into...)
		h.line = line.V
		h.said = h.shown
		if h.imported {
			for n, at := range factFields(&h.given) {
				*at.(*string) = given[n].V
			}
			for n, at := range factFields(&h.said) {
				*at.(*string) = said[n].V
			}
		}
		if h.withdrawn {
			h = heldOrder{id: h.id, line: h.line, withdrawn: true, shown: packaging.Facts{Key: h.shown.Key}}
			h.said = h.shown
		}
		return h, err
	}
	// CROSS JOIN has each wanted order looked up by its key; the planner would rather go through all that there are.
	all, err := collect(i.ctx, i.q, scan, `
		SELECT o.id, o.order_key, o.line_id, coalesce(r.outcome, ''), i.order_id IS NOT NULL, i.line_reach, o.known, o.line_set_at IS NOT NULL, o.withdrawn_at IS NOT NULL, `+prefixed("o.", factColumns)+`,
			`+prefixed("i.", factColumns)+`, `+prefixed("i.api_", factColumns)+`
		FROM json_each(?) AS wanted
		CROSS JOIN orders o ON o.tenant_id = ? AND o.order_key = wanted.value
		LEFT JOIN releases r ON r.id = o.last_release_id
		LEFT JOIN imported_facts i ON i.order_id = o.id`, string(list), i.by.Tenant.ID)
	held := make(map[string]heldOrder, len(all))
	for _, h := range all {
		held[h.shown.Key] = h
	}
	return held, err
}

// compare says what a row does to an order, ok where it may do it.
func (i *importing) compare(row packaging.ImportRow, was heldOrder) (did importedRow, ok bool) {
	given := row.Facts
	did = importedRow{was: was, given: was.given, line: was.line, reach: was.reach}
	did.Row, did.Key, did.ID, did.New = row.Row, given.Key, was.id, was.id == 0 || was.withdrawn
	if was.withdrawn {
		did.line = 0
	}
	fault := func(field packaging.ImportField, code packaging.FaultCode, value, hint string) (importedRow, bool) {
		i.check.Faults.Add(packaging.ImportFault{Row: row.Row, Field: field, Code: code, Value: value, Hint: hint})
		return did, false
	}
	if given.LineCode != "" {
		line, known := lineNamed(i.lines, given.LineCode)
		if !known {
			return fault(packaging.ColumnLine, packaging.FaultNoLine, given.LineCode, i.lineCodes())
		}
		given.LineCode, given.LineName, did.line = line.Code, line.Name, line.ID
	}
	if was.lineSet {
		given.LineCode, given.LineName, did.line = was.given.LineCode, was.given.LineName, was.line
	}
	if !i.by.Sees(did.line) || was.id != 0 && !i.by.Sees(was.line) {
		return fault(packaging.ColumnLine, packaging.FaultLineForbidden, given.LineCode, "")
	}
	for _, field := range packaging.ImportFields[1:] {
		to, before, shown := *given.Field(field), *was.given.Field(field), *was.shown.Field(field)
		if field == packaging.ColumnLine && i.overruled(was) {
			before = "" // it counts once somebody gives it who works on both lines
		}
		if to == "" || to == before {
			continue
		}
		if field == packaging.ColumnLine {
			if was.known && !i.by.Sees(lineFor(i.lines, was.said)) {
				return fault(packaging.ColumnLine, packaging.FaultLineForbidden, given.LineCode, "")
			}
			did.given.LineName, did.reach = given.LineName, i.reach
			shown = i.lineCode(was)
		}
		*did.given.Field(field) = to
		did.Changes = append(did.Changes, packaging.FactChange{Field: field, Old: shown, New: to})
	}
	if len(did.Changes) > 0 {
		switch was.outcome {
		case packaging.Sending:
			return fault(packaging.ColumnOrderID, packaging.FaultBeingReleased, did.Key, "")
		case packaging.Unknown:
			return fault(packaging.ColumnOrderID, packaging.FaultOutcomeUnknown, did.Key, "")
		}
	}
	return did, true
}

// overruled says whether the API's line stands, since who imported another one does not work on it.
func (i *importing) overruled(was heldOrder) bool {
	return was.known && !was.lineSet && was.given.LineCode != "" && !was.reach.holds(lineFor(i.lines, was.said))
}

// lineCode is the code of the line that an order has, as the site spells it.
func (i *importing) lineCode(was heldOrder) string {
	for _, l := range i.lines {
		if l.ID == was.line {
			return l.Code
		}
	}
	return was.shown.LineCode
}

// lineNamed is the line that a file means: it may give a line's code or its name.
func lineNamed(lines []packaging.Line, given string) (packaging.Line, bool) {
	for _, name := range []func(packaging.Line) string{
		func(l packaging.Line) string { return l.Code }, func(l packaging.Line) string { return l.Name },
	} {
		for _, l := range lines {
			if strings.EqualFold(given, name(l)) {
				return l, true
			}
		}
	}
	return packaging.Line{}, false
}

// lineCodes are the lines that may be named.
func (i *importing) lineCodes() string {
	var codes []string
	for _, l := range i.lines {
		if i.by.Sees(l.ID) {
			codes = append(codes, l.Code)
		}
	}
	return strings.Join(codes, ", ")
}

// CheckImport says what an import by somebody would do now, order by order to see, what is in its way, and what it
// asks.
func (d *DB) CheckImport(
	ctx context.Context, by packaging.Person, ask packaging.ImportRequest, see func(packaging.ImportedOrder),
) (packaging.ImportSum, error) {
	i, err := newImporting(ctx, d.slow, by, func(row importedRow) error {
		see(row.ImportedOrder)
		return nil
	})
	if err == nil {
		err = i.run(ask.Rows)
	}
	i.check.AskOf(ask.Questions)
	return i.check.Sum(), err
}
