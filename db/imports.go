package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"lineboard/internal/packaging"
)

// errFaults ends an import that has faults; they are in its sum.
var errFaults = packaging.Fail(packaging.Invalid, "import.nothing_while_wrong")

// errQuestions ends an import with questions that nobody has answered; they are in its sum.
var errQuestions = packaging.Fail(packaging.Invalid, "import.confirm_first")

// Import imports the rows, all of them or none, and records it. An import that changes nothing is not stored and has no
// ID. It fails with Invalid for faults, and for questions that are not confirmed.
//
// If a person saw the import before and it would now do something else, it fails with Conflict. Its preview is dropped.
//
// A long one makes way for releases and people, and begins again after them. If that takes too long, it fails with
// Unavailable.
func (d *DB) Import(
	ctx context.Context, by packaging.Person, ask packaging.ImportRequest,
) (done packaging.Import, err error) {
	if ask.Rows.Len() <= shortImport {
		return d.importOnce(inBackground(ctx), by, ask)
	}
	bulk, end, err := d.inBulk(makingWay(ctx))
	if err != nil {
		return done, err
	}
	defer end() //nolint:errcheck // what is committed stands
	for until := time.Now().Add(importPatience); ; {
		done, err = d.importOnce(bulk, by, ask)
		switch {
		case !errors.Is(err, errMadeWay):
			return done, err
		case time.Now().After(until):
			return done, packaging.Fail(packaging.Unavailable, "error.database_busy").Because(err)
		}
	}
}

// shortImport is how many orders one transaction imports without holding up others.
const shortImport = 500

// importPatience is for how long a long import begins again.
const importPatience = time.Minute

func (d *DB) importOnce(
	ctx context.Context, by packaging.Person, ask packaging.ImportRequest,
) (done packaging.Import, err error) {
	err = d.authorizedTx(ctx, by, packaging.ImportOrders, func(t *tx, by packaging.Person) error {
		done = packaging.Import{By: by.Author, FileName: ask.FileName}
		if ask.Shown != nil {
			if err := t.takePreview(by, ask.Shown.Preview); err != nil {
				return err
			}
		}
		w, err := t.startImport(by)
		if err != nil {
			return err
		}
		i, err := newImporting(t.ctx, t, by, w.write)
		if err == nil {
			err = i.run(ask.Rows)
		}
		if err == nil {
			err = w.end()
		}
		if err != nil {
			return err
		}
		i.check.AskOf(ask.Questions)
		done.ImportSum = i.check.Sum()
		switch {
		case done.Faults.Count > 0:
			return errFaults
		case ask.Shown != nil && ask.Shown.Digest != done.Digest:
			return packaging.Fail(packaging.Conflict, "import.orders_changed")
		case !done.Effect():
			return nil
		case done.Questions.Count > 0 && !ask.Confirmed:
			return errQuestions
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
		done.ID, tenant, millis(t.now), nullable(done.By.ID), done.By.Username, done.By.FullName, done.By.Role,
		done.By.Station,
		done.FileName, done.New, done.Changed, done.Unchanged, done.Digest[:]); err != nil {
		return err
	}
	digest := hex.EncodeToString(done.Digest[:])
	came := packaging.SaysImported.Of(done.New, done.Changed, done.Unchanged, digest)
	if n := done.Questions.Count; n > 0 {
		came = packaging.SaysImportedAsked.Of(done.New, done.Changed, done.Unchanged, digest, n)
	}
	return t.record(packaging.Entry{
		TenantID: tenant, By: done.By, Deed: packaging.OrdersImported, Object: done.FileName, New: came,
	})
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

// withinImports begins a condition on imports with the scope: of a limited one, those that touched an order of its
// lines.
func withinImports(in packaging.Scope) where {
	w := where{"i.tenant_id = ?", []any{in.Tenant()}}
	w.and(in.Limited(), `EXISTS (
		SELECT 1 FROM import_changes c JOIN orders o ON o.id = c.order_id
		WHERE c.import_id = i.id AND o.line_id IN (SELECT value FROM json_each(?)))`, lineList(in))
	return w
}

// Imports returns the latest imports, the newest first.
func (d *DB) Imports(ctx context.Context, in packaging.Scope, limit int) ([]packaging.Import, error) {
	w := withinImports(in)
	return collect(
		ctx, d.read, scanImport, selectImport+`WHERE `+w.sql+` ORDER BY i.id DESC LIMIT ?`, append(w.args, limit)...,
	)
}

// ImportOf returns one import; one outside the scope is not found.
func (d *DB) ImportOf(ctx context.Context, in packaging.Scope, id packaging.ImportID) (packaging.Import, error) {
	w := withinImports(in)
	i, err := scanImport(
		d.read.QueryRowContext(ctx, selectImport+`WHERE `+w.sql+` AND i.id = ?`, append(w.args, id)...),
	)
	return i, coded(err)
}

// ImportedOrders returns a page of what an import did, by our key of the orders.
func (d *DB) ImportedOrders(
	ctx context.Context, in packaging.Scope, id packaging.ImportID, after packaging.OrderID, limit int,
) (packaging.ImportedPage, error) {
	scan := func(row scanner) (o packaging.ImportedOrder, err error) {
		var changes string
		if err := row.Scan(&o.ID, &o.Key, &o.New, &changes); err != nil {
			return o, err
		}
		return o, json.Unmarshal([]byte(changes), &o.Changes)
	}
	w := inScope(in, "o.")
	orders, err := collect(ctx, d.read, scan, `
		SELECT c.order_id, o.order_key, c.is_new, c.changes FROM import_changes c JOIN orders o ON o.id = c.order_id
		WHERE `+w.sql+` AND c.import_id = ? AND c.order_id > ? ORDER BY c.order_id LIMIT ?`, append(
		w.args, id, after, limit+1,
	)...)
	page := packaging.ImportedPage{Orders: orders}
	if len(orders) > limit {
		page.Orders = orders[:limit]
		page.Next = page.Orders[limit-1].ID
	}
	return page, err
}
