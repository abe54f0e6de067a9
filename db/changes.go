package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"modernc.org/sqlite"

	"lineboard/internal/packaging"
)

// watched is a table whose changes reach open pages. Triggers of the writer's connection note them, so that no
// statement can forget to. Expressions are of SQL, with $ for the row.
type watched struct {
	table  string
	about  packaging.Subject
	tenant string
	line   string
	order  string
	when   string   // which rows count; empty for all
	quiet  []string // columns that no page shows: a change of nothing else is none
	only   string   // the one kind of statement that counts; empty for all
}

// watchedTables is the one table of them. A new table of which pages show something joins by a line here.
var watchedTables = []watched{
	{
		table: "orders", about: packaging.AboutOrder, tenant: "$.tenant_id", line: "$.line_id", order: "$.id",
		quiet: []string{"confirmed_at", "listed"},
	},
	{
		table: "releases", about: packaging.AboutOrder, tenant: "$.tenant_id",
		line: "(SELECT line_id FROM orders WHERE id = $.order_id)", order: "$.order_id",
	},
	{table: "queues", about: packaging.AboutOrder, tenant: "$.tenant_id", line: "$.line_id"},
	{
		table: "queue_orders", about: packaging.AboutOrder, tenant: "$.tenant_id",
		line: "(SELECT line_id FROM queues WHERE id = $.queue_id)", order: "$.order_id",
	},
	{
		table: "acknowledgements", about: packaging.AboutOrder, tenant: "$.tenant_id",
		line:  "(SELECT o.line_id FROM orders o JOIN releases r ON r.order_id = o.id WHERE r.id = $.release_id)",
		order: "(SELECT order_id FROM releases WHERE id = $.release_id)",
	},
	{
		table: "imported_facts", about: packaging.AboutOrder, tenant: "$.tenant_id",
		line: "(SELECT line_id FROM orders WHERE id = $.order_id)", order: "$.order_id",
	},
	{
		table: "shown_serials", about: packaging.AboutOrder, tenant: "$.tenant_id",
		line: "(SELECT line_id FROM orders WHERE id = $.order_id)", order: "$.order_id",
	},
	{
		table: "deliveries", about: packaging.AboutOrder, tenant: "$.tenant_id",
		line:  "(SELECT line_id FROM destinations WHERE id = $.destination_id)",
		order: "(SELECT order_id FROM releases WHERE id = $.release_id)",
	},
	{table: "destinations", about: packaging.AboutOrder, tenant: "$.tenant_id", line: "$.line_id"},
	{table: "notes", about: packaging.AboutOrder, tenant: "$.tenant_id", line: "$.line_id", order: "$.order_id"},
	{
		table: "note_withdrawals", about: packaging.AboutOrder, tenant: "$.tenant_id",
		line:  "(SELECT line_id FROM notes WHERE id = $.note_id)",
		order: "(SELECT order_id FROM notes WHERE id = $.note_id)",
	},
	{table: "handovers", about: packaging.AboutOrder, tenant: "$.tenant_id"},
	{table: "takeovers", about: packaging.AboutOrder, tenant: "$.tenant_id"},
	{
		table: "handover_acks", about: packaging.AboutOrder,
		tenant: "(SELECT tenant_id FROM handovers WHERE id = $.handover_id)",
	},
	{table: "shift_reviews", about: packaging.AboutOrder, tenant: "$.tenant_id"},
	{table: "order_events", about: packaging.AboutStory, tenant: "$.tenant_id", order: "$.order_id"},
	{
		table: "history", about: packaging.AboutStory, tenant: "$.tenant_id", order: "$.order_id",
		when: "$.order_id <> 0",
	},
	{table: "history", about: packaging.AboutEntry, tenant: "$.tenant_id"},
	{table: "refreshes", about: packaging.AboutFresh, tenant: "$.tenant_id"},
	{table: "tenants", about: packaging.AboutSite, tenant: "$.id"},
	{table: "lines", about: packaging.AboutSite, tenant: "$.tenant_id"},
	{table: "rules", about: packaging.AboutSite, tenant: "$.tenant_id"},
	{table: "losses", about: packaging.AboutSite, tenant: "$.tenant_id"},
	{
		table: "alarms", about: packaging.AboutOrder, tenant: "$.tenant_id", line: "$.line_id",
		quiet: []string{"said_at"},
	},

	{table: "tenants", about: packaging.AboutPeople},
	{table: "users", about: packaging.AboutPeople},
	{table: "members", about: packaging.AboutPeople},
	{table: "member_roles", about: packaging.AboutPeople},
	{table: "member_lines", about: packaging.AboutPeople},
	{table: "stations", about: packaging.AboutPeople},
	{table: "displays", about: packaging.AboutPeople},
	{table: "station_sessions", about: packaging.AboutPeople, only: "UPDATE", quiet: []string{"used_at"}},
	{table: "sessions", about: packaging.AboutPeople, only: "DELETE"}, // one that begins, or is used, changes no other
}

// note is what pages are to be told of a row that changes, of a table that has these columns.
func (w watched) note(c rowChange, columns []schemaColumn) (n note, is bool) {
	if w.only != "" && w.only != c.statement {
		return n, false
	}
	var shown []string
	for _, column := range columns {
		if !slices.Contains(w.quiet, column.name) {
			shown = append(shown, column.name)
		}
	}
	n = note{into: "changed", when: c.differs(shown)}
	switch {
	case w.when != "" && n.when != "":
		n.when = "(" + n.when + ") AND " + of(w.when, c.rows[0])
	case w.when != "":
		n.when = of(w.when, c.rows[0])
	}
	for _, row := range c.rows {
		n.queries = append(n.queries, fmt.Sprintf("SELECT '%s', %s, %s, %s",
			w.about, key(w.tenant, row), key(w.line, row), key(w.order, row)))
	}
	return n, true
}

func of(expression, row string) string { return strings.ReplaceAll(expression, "$", row) }

// key is a key of a changed row, 0 where it has none.
func key(expression, row string) string {
	if expression == "" {
		return "0"
	}
	return "coalesce(" + of(expression, row) + ", 0)"
}

// openWatched opens a writer. The driver may close its connection and open another: each has its triggers, but for
// those that note new rows of some tables.
func openWatched(path string, settings url.Values, triggers []trigger, unnoted ...string) (*reader, error) {
	d, fresh := &sqlite.Driver{}, &freshOrders{}
	if err := d.RegisterModule(freshOrdersModule, fresh); err != nil {
		return nil, err
	}
	d.MustRegisterCollationUtf8(naturally, packaging.Naturally)
	w := &reader{fresh: fresh}
	d.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, _ string) error {
		w.schema.Store(0) // a new connection reads the schema anew, and counts versions of its own
		w.rights.forget()
		return watchOn(c, triggers, unnoted)
	})
	w.DB = sql.OpenDB(connector{d, dsn(path, settings)})
	w.SetMaxOpenConns(1)
	return w, nil
}

type connector struct {
	driver *sqlite.Driver
	dsn    string
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	// Here and not in a hook: the driver registers modules once the hooks have run.
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, createFreshOrders, nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func (c connector) Driver() driver.Driver { return c.driver }

func watchOn(c sqlite.ExecQuerierContext, triggers []trigger, unnoted []string) error {
	statements := []string{
		"CREATE TEMP TABLE changed (about TEXT, tenant INTEGER, line INTEGER, ord INTEGER)",
		"CREATE TEMP TABLE touched (record TEXT, tenant INTEGER, key TEXT)",
	}
	for _, t := range triggers {
		if t.on.statement != "INSERT" || !slices.Contains(unnoted, t.table) {
			statements = append(statements, t.sql())
		}
	}
	for _, s := range statements {
		if _, err := c.ExecContext(context.Background(), s, nil); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// Notify calls tell with the changes of each transaction, after its commit and before the caller goes on. tell must
// return soon.
func (d *DB) Notify(tell func([]packaging.Change)) { d.notify.Store(&tell) }

// changes are what the transaction has changed since they were asked for last.
func (t *tx) changes() ([]packaging.Change, error) {
	all, err := collect(t.ctx, t, func(row scanner) (c packaging.Change, err error) {
		return c, row.Scan(&c.About, &c.Tenant, &c.Line, &c.Order)
	}, `SELECT DISTINCT about, tenant, line, ord FROM temp.changed`)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all, t.exec(`DELETE FROM temp.changed`)
}
