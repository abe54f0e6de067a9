package db

import (
	"modernc.org/sqlite/vtab"

	"lineboard/internal/packaging"
)

// freshOrder is an order that was not here before. Nothing but the import says anything of it.
type freshOrder struct {
	id      packaging.OrderID
	row     importedRow
	changes string // in JSON, once it is prepared
}

// freshOrders are the table temp.fresh_orders of a writer: a statement that stores them reads them there. To hand it
// each value by itself takes longer than storing it.
type freshOrders struct{ rows []freshOrder }

const (
	freshOrdersModule  = "fresh_orders"
	createFreshOrders  = `CREATE VIRTUAL TABLE temp.fresh_orders USING ` + freshOrdersModule
	freshOrdersColumns = `id, order_key, line_id, ` + factColumns + `, changes`
)

// Create makes the table, once for each connection.
func (f *freshOrders) Create(ctx vtab.Context, _ []string) (vtab.Table, error) {
	return f, ctx.Declare(`CREATE TABLE fresh_orders (` + freshOrdersColumns + `)`)
}

// Connect is as Create.
func (f *freshOrders) Connect(ctx vtab.Context, args []string) (vtab.Table, error) {
	return f.Create(ctx, args)
}

// BestIndex says nothing: all rows are read from the first on.
func (f *freshOrders) BestIndex(*vtab.IndexInfo) error { return nil }

// Open returns a cursor.
func (f *freshOrders) Open() (vtab.Cursor, error) { return &freshCursor{of: f}, nil }

// Disconnect has nothing to end.
func (f *freshOrders) Disconnect() error { return nil }

// Destroy has nothing to end.
func (f *freshOrders) Destroy() error { return nil }

type freshCursor struct {
	of *freshOrders
	at int
}

// Filter goes to the first row.
func (c *freshCursor) Filter(int, string, []vtab.Value) error {
	c.at = 0
	return nil
}

// Next goes to the next row.
func (c *freshCursor) Next() error {
	c.at++
	return nil
}

// Eof reports whether there are no more rows.
func (c *freshCursor) Eof() bool { return c.at >= len(c.of.rows) }

// Column returns a value of the row.
func (c *freshCursor) Column(column int) (vtab.Value, error) {
	o := &c.of.rows[c.at]
	given := &o.row.given
	switch column {
	case 0:
		return int64(o.id), nil
	case 1:
		return o.row.Key, nil
	case 2:
		return nullable(o.row.line), nil
	case 3:
		return given.LineCode, nil
	case 4:
		return given.LineName, nil
	case 5:
		return given.Product, nil
	case 6:
		return given.GTIN, nil
	case 7:
		return given.Lot, nil
	case 8:
		return given.Expiry, nil
	case 9:
		return given.Quantity, nil
	case 10:
		return given.ExtraPercent, nil
	}
	return o.changes, nil
}

// Rowid returns the place of the row.
func (c *freshCursor) Rowid() (int64, error) { return int64(c.at), nil }

// Close has nothing to end.
func (c *freshCursor) Close() error { return nil }
