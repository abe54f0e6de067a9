package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
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

// factsAt are where factColumns are read into, or what they are written from.
func factsAt(f *packaging.Facts) []any {
	return []any{&f.LineCode, &f.LineName, &f.Product, &f.GTIN, &f.Lot, &f.Expiry, &f.Quantity, &f.ExtraPercent}
}

// over is what is shown of an order: what imports gave, over what the API says.
func over(given, said packaging.Facts) packaging.Facts {
	shown := given.FilledFrom(said)
	shown.Key, shown.Status, shown.Raw, shown.Serials = said.Key, said.Status, said.Raw, said.Serials
	return shown
}

// importing is an import that is checked, or carried out.
type importing struct {
	ctx   context.Context
	q     querier
	by    packaging.Person
	lines []packaging.Line
	check *packaging.ImportCheck
	each  func(importedRow) error
}

// importedRow is what an import does to one order: before and after.
type importedRow struct {
	packaging.ImportedOrder
	was   heldOrder
	given packaging.Facts // by this import and those before it
	line  packaging.LineID
}

// heldOrder is an order as it is before an import; its id is 0 where there is none.
type heldOrder struct {
	id          packaging.OrderID
	line        packaging.LineID
	shown       packaging.Facts
	given, said packaging.Facts // where imported
	imported    bool
	lineSet     bool              // by a person
	outcome     packaging.Outcome // of its latest release
}

// importChunk is how many orders are read at once.
const importChunk = 1000

func newImporting(ctx context.Context, q querier, by packaging.Person, each func(importedRow) error) (*importing, error) {
	lines, err := linesOf(ctx, q, packaging.Everything(by.Tenant.ID))
	return &importing{ctx, q, by, lines, packaging.NewImportCheck(), each}, err
}

// run hands what the import does to each order to each, in the order of the rows, leaving out those with a fault.
func (i *importing) run(rows []packaging.ImportRow) error {
	for chunk := range slices.Chunk(rows, importChunk) {
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
			if err := i.each(did); err != nil {
				return err
			}
		}
	}
	return nil
}

// held gives the orders of the rows that are here, by their order ID.
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
		into := append([]any{&h.id, &h.shown.Key, &line, &h.outcome, &h.imported, &h.lineSet}, factsAt(&h.shown)...)
		for _, facts := range []*[8]sql.Null[string]{&given, &said} {
			for n := range facts {
				into = append(into, &facts[n])
			}
		}
		err = row.Scan(into...)
		h.line = line.V
		h.said = h.shown
		if h.imported {
			for n, at := range factsAt(&h.given) {
				*at.(*string) = given[n].V
			}
			for n, at := range factsAt(&h.said) {
				*at.(*string) = said[n].V
			}
		}
		return h, err
	}
	// CROSS JOIN has each wanted order looked up by its key; the planner would rather go through all that there are.
	all, err := collect(i.ctx, i.q, scan, `
		SELECT o.id, o.order_key, o.line_id, coalesce(r.outcome, ''), i.order_id IS NOT NULL, o.line_set_at IS NOT NULL, `+prefixed("o.", factColumns)+`,
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
	did = importedRow{was: was, given: was.given, line: was.line}
	did.Row, did.Key, did.ID, did.New = row.Row, given.Key, was.id, was.id == 0
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
	if !i.by.Sees(did.line) || !did.New && !i.by.Sees(was.line) {
		return fault(packaging.ColumnLine, packaging.FaultLineForbidden, given.LineCode, "")
	}
	for _, field := range packaging.ImportFields[1:] {
		to, before, shown := *given.Field(field), *was.given.Field(field), *was.shown.Field(field)
		if to == "" || to == before {
			continue
		}
		if field == packaging.ColumnLine {
			did.given.LineName = given.LineName
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

// CheckImport says what an import of the rows by somebody would do now, order by order to see, and what is in its way.
func (d *DB) CheckImport(ctx context.Context, by packaging.Person, rows []packaging.ImportRow, see func(packaging.ImportedOrder)) (packaging.ImportSum, error) {
	i, err := newImporting(ctx, d.read, by, func(row importedRow) error {
		see(row.ImportedOrder)
		return nil
	})
	if err == nil {
		err = i.run(rows)
	}
	return i.check.Sum(), err
}

// errFaults ends an import that has faults; they are in its sum.
var errFaults = packaging.Fail(packaging.Invalid, "import.nothing_while_wrong")

// Import imports the rows, all of them or none, and records it. One that changes nothing is not stored and has no ID. With
// faults it is not carried out, and the error is Invalid.
//
// Where shown is given, it is what the person saw: where the orders have changed so that the import would now do something
// else, nothing is imported, and the error is a Conflict. Its preview is forgotten with it.
func (d *DB) Import(ctx context.Context, by packaging.Person, fileName string, rows []packaging.ImportRow, shown *packaging.ShownImport) (done packaging.Import, err error) {
	err = d.authorizedTx(ctx, by, packaging.ImportOrders, func(t *tx, by packaging.Person) error {
		done = packaging.Import{By: by.Author, FileName: fileName}
		if shown != nil {
			if err := t.takePreview(by, shown.Preview); err != nil {
				return err
			}
		}
		w, err := t.startImport(by)
		if err != nil {
			return err
		}
		defer w.close()
		i, err := newImporting(ctx, t, by, w.write)
		if err == nil {
			err = i.run(rows)
		}
		if err != nil {
			return err
		}
		done.ImportSum = i.check.Sum()
		switch {
		case done.Faults.Count > 0:
			return errFaults
		case shown != nil && shown.Digest != done.Digest:
			return packaging.Fail(packaging.Conflict, "import.orders_changed")
		case !done.Effect():
			return nil
		}
		done.ID, done.At = w.id, t.now
		return t.storeImport(by.Tenant.ID, done)
	})
	return done, err
}

// storeImport stores an import whose changes are written, and records it.
func (t *tx) storeImport(tenant packaging.TenantID, done packaging.Import) error {
	if err := t.exec(`
		INSERT INTO imports (id, tenant_id, at, user_id, username, full_name, role, station, file_name,
			new_orders, changed_orders, unchanged_orders, digest)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		done.ID, tenant, millis(t.now), nullable(done.By.ID), done.By.Username, done.By.FullName, done.By.Role, done.By.Station,
		done.FileName, done.New, done.Changed, done.Unchanged, done.Digest[:]); err != nil {
		return err
	}
	return t.record(packaging.Entry{
		TenantID: tenant, By: done.By, Deed: packaging.OrdersImported, Object: done.FileName,
		New: fmt.Sprintf("%d new, %d changed, %d unchanged, SHA-256 %s", done.New, done.Changed, done.Unchanged, hex.EncodeToString(done.Digest[:])),
	})
}

// importWriter writes what an import does to each order.
type importWriter struct {
	*tx
	tenant                                packaging.TenantID
	lines                                 []packaging.Line
	id                                    packaging.ImportID
	addOrder, setOrder, setFacts, addNote *sql.Stmt
}

func (t *tx) startImport(by packaging.Person) (w *importWriter, err error) {
	w = &importWriter{tx: t, tenant: by.Tenant.ID}
	if w.lines, err = linesOf(t.ctx, t, packaging.Everything(w.tenant)); err != nil {
		return nil, err
	}
	if err := t.row(`SELECT coalesce(max(id), 0) + 1 FROM imports`).Scan(&w.id); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&w.addOrder, `
			INSERT INTO orders (tenant_id, order_key, line_id, ` + factColumns + `, status, raw, listed, known, first_seen_at, confirmed_at)
			VALUES (?,?,?,?,?,?,?,?,?,?,?, '', '', 0, 0, ?, 0)`},
		{&w.setOrder, `UPDATE orders SET line_id = ?, (` + factColumns + `) = (?,?,?,?,?,?,?,?), revision = revision + 1 WHERE id = ?`},
		{&w.setFacts, `
			INSERT INTO imported_facts (order_id, tenant_id, ` + factColumns + `, ` + prefixed("api_", factColumns) + `)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT (order_id) DO UPDATE SET (` + factColumns + `) = (` + prefixed("excluded.", factColumns) + `)`},
		{&w.addNote, `INSERT INTO import_changes (import_id, order_id, tenant_id, is_new, changes) VALUES (?,?,?,?,?)`},
	} {
		if *s.into, err = t.PrepareContext(t.ctx, s.query); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

func (w *importWriter) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{w.addOrder, w.setOrder, w.setFacts, w.addNote} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

func (w *importWriter) write(row importedRow) error {
	if !row.New && len(row.Changes) == 0 {
		return nil
	}
	row.was.said.Key = row.Key
	shown, id := over(row.given, row.was.said), row.ID
	if row.New {
		result, err := w.addOrder.ExecContext(w.ctx, slices.Concat([]any{w.tenant, row.Key, nullable(row.line)}, factsAt(&shown), []any{millis(w.now)})...)
		if err != nil {
			return err
		}
		key, err := result.LastInsertId()
		if err != nil {
			return err
		}
		id = packaging.OrderID(key)
	} else if _, err := w.setOrder.ExecContext(w.ctx, slices.Concat([]any{nullable(row.line)}, factsAt(&shown), []any{id})...); err != nil {
		return err
	}
	if _, err := w.setFacts.ExecContext(w.ctx, slices.Concat([]any{id, w.tenant}, factsAt(&row.given), factsAt(&row.was.said))...); err != nil {
		return err
	}
	if err := w.addEvents(id, row, shown); err != nil {
		return err
	}
	changes, err := json.Marshal(append([]packaging.FactChange{}, row.Changes...))
	if err != nil {
		return err
	}
	_, err = w.addNote.ExecContext(w.ctx, w.id, id, w.tenant, row.New, string(changes))
	return err
}

// addEvents has an order's timeline tell what the import did to it.
func (w *importWriter) addEvents(id packaging.OrderID, row importedRow, shown packaging.Facts) error {
	events := shown.ChangesFrom(row.was.shown)
	switch {
	case row.New:
		events = []packaging.OrderEvent{{Kind: packaging.OrderSeen}}
	case row.line != row.was.line:
		line := packaging.OrderEvent{Kind: packaging.LineChanged, Old: lineLabel(w.lines, row.was.line, row.was.shown), New: lineLabel(w.lines, row.line, shown)}
		if line.Old != line.New {
			events = append(events, line)
		}
	}
	for _, e := range events {
		e.Source = packaging.ByImport
		if err := w.addEvent(w.tenant, id, e); err != nil {
			return err
		}
	}
	return nil
}

const selectImport = `
SELECT i.id, i.at, coalesce(i.user_id, 0), i.username, i.full_name, i.role, i.station, i.file_name, i.new_orders,
	i.changed_orders, i.unchanged_orders, i.digest
FROM imports i
`

func scanImport(row scanner) (i packaging.Import, err error) {
	var at int64
	var digest []byte
	err = row.Scan(&i.ID, &at, &i.By.ID, &i.By.Username, &i.By.FullName, &i.By.Role, &i.By.Station, &i.FileName,
		&i.New, &i.Changed, &i.Unchanged, &digest)
	i.At = moment(at)
	if len(digest) == sha256.Size {
		i.Digest = [sha256.Size]byte(digest)
	}
	return i, err
}

// withinImports begins a condition on imports with the scope: of a limited one, those that touched an order of its lines.
func withinImports(in packaging.Scope) where {
	w := where{"i.tenant_id = ?", []any{in.Tenant()}}
	w.and(in.Limited(), `EXISTS (
		SELECT 1 FROM import_changes c JOIN orders o ON o.id = c.order_id
		WHERE c.import_id = i.id AND o.line_id IN (SELECT value FROM json_each(?)))`, lineList(in))
	return w
}

// Imports gives the latest imports, the newest first.
func (d *DB) Imports(ctx context.Context, in packaging.Scope, limit int) ([]packaging.Import, error) {
	w := withinImports(in)
	return collect(ctx, d.read, scanImport, selectImport+`WHERE `+w.sql+` ORDER BY i.id DESC LIMIT ?`, append(w.args, limit)...)
}

// ImportOf gives one import; one outside the scope is not found.
func (d *DB) ImportOf(ctx context.Context, in packaging.Scope, id packaging.ImportID) (packaging.Import, error) {
	w := withinImports(in)
	i, err := scanImport(d.read.QueryRowContext(ctx, selectImport+`WHERE `+w.sql+` AND i.id = ?`, append(w.args, id)...))
	return i, coded(err)
}

// ImportedOrders gives a page of what an import did, by our key of the orders.
func (d *DB) ImportedOrders(ctx context.Context, in packaging.Scope, id packaging.ImportID, after packaging.OrderID, limit int) (packaging.ImportedPage, error) {
	scan := func(row scanner) (o packaging.ImportedOrder, err error) {
		var changes string
		if err := row.Scan(&o.ID, &o.Key, &o.New, &changes); err != nil {
			return o, err
		}
		return o, json.Unmarshal([]byte(changes), &o.Changes)
	}
	w := within(in, "o.")
	orders, err := collect(ctx, d.read, scan, `
		SELECT c.order_id, o.order_key, c.is_new, c.changes FROM import_changes c JOIN orders o ON o.id = c.order_id
		WHERE `+w.sql+` AND c.import_id = ? AND c.order_id > ? ORDER BY c.order_id LIMIT ?`, append(w.args, id, after, limit+1)...)
	page := packaging.ImportedPage{Orders: orders}
	if len(orders) > limit {
		page.Orders = orders[:limit]
		page.Next = page.Orders[limit-1].ID
	}
	return page, err
}

// ImportedFacts returns the facts of an order that imports gave, in the order of the columns, each with its latest
// import.
func (d *DB) ImportedFacts(ctx context.Context, in packaging.Scope, id packaging.OrderID) ([]packaging.ImportedFact, error) {
	facts, err := d.ImportedFactsOf(ctx, in, []packaging.OrderID{id})
	return facts[id], err
}

// ImportedFactsOf returns what [DB.ImportedFacts] does for several orders at once. Orders that no import gave facts of, or
// that are outside the scope, are not in it.
func (d *DB) ImportedFactsOf(ctx context.Context, in packaging.Scope, ids []packaging.OrderID) (facts map[packaging.OrderID][]packaging.ImportedFact, err error) {
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
}

// importNote is what one import changed of an order.
type importNote struct {
	order   packaging.OrderID
	of      packaging.Import
	changes []packaging.FactChange
}

func importedFactsOf(ctx context.Context, q querier, in packaging.Scope, ids []packaging.OrderID) (map[packaging.OrderID][]packaging.ImportedFact, error) {
	keys, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	w := within(in, "o.")
	all, err := collect(ctx, q, func(row scanner) (g givenFacts, err error) {
		return g, row.Scan(slices.Concat([]any{&g.order}, factsAt(&g.given), factsAt(&g.said))...)
	}, `
		SELECT o.id, `+prefixed("i.", factColumns)+`, `+prefixed("i.api_", factColumns)+`
		FROM json_each(?) AS wanted CROSS JOIN orders o ON o.id = wanted.value JOIN imported_facts i ON i.order_id = o.id
		WHERE `+w.sql, append([]any{string(keys)}, w.args...)...)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	notes, err := collect(ctx, q, func(row scanner) (n importNote, err error) {
		var at int64
		var changes string
		if err := row.Scan(&n.order, &n.of.ID, &at, &n.of.By.Username, &n.of.By.FullName, &n.of.By.Station, &changes); err != nil {
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
		sameLine := strings.EqualFold(g.said.LineCode, g.given.LineCode) || strings.EqualFold(g.said.LineCode, g.given.LineName)
		if field == packaging.ColumnLine && sameLine {
			fact.API = fact.Value // in other words
		}
		gave := func(n importNote) bool {
			return n.order == g.order && slices.ContainsFunc(n.changes, func(c packaging.FactChange) bool { return c.Field == field })
		}
		if n := slices.IndexFunc(notes, gave); n >= 0 {
			fact.Import, fact.At, fact.By = notes[n].of.ID, notes[n].of.At, notes[n].of.By
		}
		facts = append(facts, fact)
	}
	return facts
}
