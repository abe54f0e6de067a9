package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"

	"lineboard/internal/packaging"
)

// notRecords are the tables that hold no records, each with the reason. All others do: a new table is one by itself.
var notRecords = map[string]string{
	"history":              "its own chain proves it",
	"record_log":           "the entries of the history prove it",
	"anchoring":            "the file of anchors is compared with it",
	"goose_db_version":     "the whole schema is compared with the program's own",
	"sessions":             "who is signed in now; sessions end by themselves, and the history has each sign-in",
	"station_sessions":     "the same at stations",
	"import_previews":      "a file that waits a few minutes for its person, sealed",
	"import_preview_parts": "what it says, sealed part by part",
	"wrong_tries":          "counts of wrong tries, forgotten with time",
	"refreshes":            "when the API was last asked",
	"order_checks":         "when the API was last asked about an order",
	"orders_unindexed":     "orders that the index of words is yet to take in",
	"lists_to_compare":     "lists that are yet to be compared with others of their product",
	"kept_keys":            "sealed: what was changed opens nothing, and what is gone fits no mark",
	"alarms":               "the history has each begin, who took it over, and each end",
	"alarm_messages":       "what waits to be sent, and what went out of late",
	"alarm_items":          "the same, alarm by alarm",
	"heartbeats":           "whether the last heartbeat arrived",
	"delivery_offers":      "what deliveries wait, in the order in which programs ask for them",
	"write_probe":          "random bytes, written to see whether a release could be",
	"staged_lists":         "lists that do not count yet; a logged one that is named there is missing",
	marksOfLists:           "an index of the serial lists, which are records: a check of a list looks up all of it",
	"serial_runs":          "the part of that index that is yet to be put in its place",
}

// quietColumns say when something was last looked at or where it is found, and nothing of what it is.
var quietColumns = map[string][]string{
	"orders":      {"confirmed_at", "revision"},
	"releases":    {"asked_at"},
	"api_tokens":  {"used_at"},
	"users":       {"hints"},
	blocksOfLists: {"number"},
	"deliveries":  {"tries", "tried_at", "begun_at", "next_at", "problem", "detail"},
}

// groupedRecords are records of several rows, by what their rows have in common. Of others each row is a record.
var groupedRecords = map[string]string{
	"order_events":   "order_id",
	"import_changes": "import_id",
	"queue_orders":   "queue_id",
	"handover_items": "handover_id",
	"shifts":         "plan_id",
}

// recordOwners select the tenants of a row, $, of a table that does not name its tenant.
var recordOwners = map[string]string{
	"tenants": "SELECT $.id AS tenant",
	// only lost releases know some people
	"users": "SELECT tenant_id AS tenant FROM members WHERE user_id = $.id UNION " +
		"SELECT made.tenant_id FROM lost_releases JOIN releases made ON made.id = release_id WHERE made.user_id = $.id",
	"answers":       "SELECT tenant_id AS tenant FROM releases WHERE id = $.release_id",
	"handover_acks": "SELECT tenant_id AS tenant FROM handovers WHERE id = $.handover_id",
	"serial_blocks": "SELECT tenant_id AS tenant FROM orders WHERE id = ($.id >> 24 & 4294967295)",
	// A loss of a tenant that is not here is a record of all tenants until one of its name comes.
	"losses": "SELECT id AS tenant FROM tenants WHERE id = $.tenant_id OR $.tenant_id IS NULL",
	"lost_releases": "SELECT tenants.id AS tenant FROM tenants JOIN losses l " +
		"ON tenants.id = l.tenant_id OR l.tenant_id IS NULL WHERE l.id = $.loss_id",
}

// joinedRecords select other records, with their tenants and keys, that become or end records of a tenant by a change
// of a row, $.
var joinedRecords = map[string][]string{
	"members": {"SELECT 'users', $.tenant_id, json_array($.user_id)"},
	"tenants": {
		"SELECT 'losses', $.id, json_array(id) FROM losses WHERE tenant_id IS NULL",
		"SELECT 'lost_releases', $.id, json_array(r.id) FROM losses l JOIN lost_releases r ON r.loss_id = l.id " +
			"WHERE l.tenant_id IS NULL",
	},
	"losses": {"SELECT 'lost_releases', t.id, json_array(r.id) FROM lost_releases r JOIN tenants t " +
		"ON t.id = $.tenant_id OR $.tenant_id IS NULL WHERE r.loss_id = $.id"},
	"lost_releases": {"SELECT 'users', tenant_id, json_array(user_id) FROM releases WHERE id = $.release_id"},
}

const ownTenant = "SELECT $.tenant_id AS tenant"

// serialLists are records too, with a digest of their own: they are long, and read by themselves. blocksOfLists is the
// table that has them, and marksOfLists the index by which look-ups find them.
const (
	serialLists   = "serials"
	blocksOfLists = "serial_blocks"
	marksOfLists  = "serial_marks"
)

// recordTable is a table that holds records.
type recordTable struct {
	name    string
	columns []recordColumn
	primary []string // columns of the primary key
	key     []string // expressions, with $ for the row
	owners  string
}

type recordColumn struct {
	name  string
	unset any // its default
}

// schemaColumn is a column of a table, but for one that is made of others.
type schemaColumn struct {
	name    string
	unset   sql.Null[string] // an expression
	primary int
}

// columnsIn reads the columns of all tables, by table, those of the primary key last.
func columnsIn(ctx context.Context, q querier) (map[string][]schemaColumn, error) {
	type row struct {
		table string
		schemaColumn
	}
	rows, err := collect(ctx, q, func(s scanner) (r row, err error) {
		return r, s.Scan(&r.table, &r.name, &r.unset, &r.primary)
	}, `
		SELECT t.name, c.name, c.dflt_value, c.pk FROM pragma_table_list t JOIN pragma_table_info(t.name) c
		WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT GLOB 'sqlite_*' ORDER BY t.name, c.pk, c.cid`)
	all := map[string][]schemaColumn{}
	for _, r := range rows {
		all[r.table] = append(all[r.table], r.schemaColumn)
	}
	return all, err
}

// recordTables reads the tables of records from the schema, by name.
func recordTables(ctx context.Context, q querier) (map[string]recordTable, error) {
	columns, err := columnsIn(ctx, q)
	if err != nil {
		return nil, err
	}
	return recordTablesAmong(ctx, q, columns)
}

func recordTablesAmong(
	ctx context.Context, q querier, columns map[string][]schemaColumn,
) (map[string]recordTable, error) {
	unset, err := defaultsOf(ctx, q, columns)
	if err != nil {
		return nil, err
	}
	all := map[string]recordTable{}
	for name := range columns {
		if notRecords[name] != "" || madeByOthers["table "+name] != "" {
			continue
		}
		if all[name], err = recordTableOf(name, columns[name], unset); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// defaultsOf returns what the columns have where nothing is given, by expression. One query asks for all.
func defaultsOf(ctx context.Context, q querier, columns map[string][]schemaColumn) (map[string]any, error) {
	values := map[string]any{}
	for _, table := range columns {
		for _, c := range table {
			if c.unset.Valid {
				values[c.unset.V] = nil
			}
		}
	}
	if len(values) == 0 {
		return values, nil
	}
	expressions := slices.Collect(maps.Keys(values))
	given, into := make([]any, len(expressions)), make([]any, len(expressions))
	for i := range given {
		into[i] = &given[i]
	}
	err := q.QueryRowContext(ctx, `SELECT `+strings.Join(expressions, ", ")).Scan(into...)
	for i, e := range expressions {
		values[e] = given[i]
	}
	return values, err
}

func recordTableOf(name string, columns []schemaColumn, unset map[string]any) (recordTable, error) {
	table := recordTable{name: name, owners: recordOwners[name]}
	for _, c := range columns {
		if c.name == "tenant_id" && table.owners == "" {
			table.owners = ownTenant
		}
		if c.primary > 0 {
			table.primary = append(table.primary, c.name)
		}
		if !slices.Contains(quietColumns[name], c.name) {
			table.columns = append(table.columns, recordColumn{c.name, unset[c.unset.V]})
		}
	}
	if table.owners == "" {
		return table, fmt.Errorf("table %s says neither whose its records are nor why it has none", name)
	}
	for _, c := range table.primary {
		table.key = append(table.key, "$."+c)
	}
	switch group := groupedRecords[name]; {
	case name == blocksOfLists:
		table.key = []string{"$.id >> 24"}
	case group != "":
		table.key = []string{"$." + group}
	}
	return table, nil
}

// keyOf is the key of a row as a JSON array.
func (r recordTable) keyOf(row string) string {
	return "json_array(" + of(strings.Join(r.key, ", "), row) + ")"
}

// isKey is the condition that a row's key is that of a JSON array.
func (r recordTable) isKey(row, array string) string {
	var same []string
	for i, k := range r.key {
		same = append(same, fmt.Sprintf("%s = json_extract(%s, '$[%d]')", of(k, row), array, i))
	}
	return strings.Join(same, " AND ")
}

// note is the record that a row which changes belongs to, by its tenants and key, with those that come or go with it.
func (r recordTable) note(c rowChange) (n note, is bool) {
	var columns []string
	for _, column := range r.columns {
		columns = append(columns, column.name)
	}
	n = note{into: "touched", when: c.differs(columns)}
	for _, row := range c.rows {
		n.queries = append(n.queries,
			fmt.Sprintf("SELECT '%s', tenant, %s FROM (%s)", r.name, r.keyOf(row), of(r.owners, row)))
		for _, joined := range joinedRecords[r.name] {
			n.queries = append(n.queries, of(joined, row))
		}
	}
	return n, true
}

// selectRows selects the rows of records of the tenant ?1 in the order of their keys.
func (r recordTable) selectRows() string { return r.selectFrom(r.name+" AS r", "") }

// selectThese selects the rows of those records of the tenant ?1 whose keys are in the JSON list ?2. CROSS JOIN has
// each looked up by its key.
func (r recordTable) selectThese() string {
	return r.selectFrom("json_each(?2) AS wanted CROSS JOIN "+r.name+" AS r", " AND "+r.isKey("r", "wanted.value"))
}

// selectThis selects the rows of the record of the tenant ?1 whose key is ?2. An index gives the order: a record
// of an import has 100,000 rows, and to sort them takes much memory.
func (r recordTable) selectThis() string {
	return r.selectFrom(r.name+" AS r", " AND "+r.isKey("r", "?2"))
}

func (r recordTable) selectFrom(from, condition string) string {
	var columns []string
	for _, c := range r.columns {
		columns = append(columns, "r."+c.name)
	}
	order := slices.Concat(r.key, []string{"$." + strings.Join(r.primary, ", $.")})
	return "SELECT " + r.keyOf("r") + ", " + strings.Join(columns, ", ") + " FROM " + from + " WHERE ?1 IN (" +
		of(r.owners, "r") + ")" + condition + " ORDER BY " + of(strings.Join(order, ", "), "r")
}

// eachRecord hands the key and the digest of each record of a query by selectRows to do.
func (r recordTable) eachRecord(rows *sql.Rows, do func(key string, digest [sha256.Size]byte) error) error {
	defer rows.Close()
	var key, now string
	values := make([]any, len(r.columns))
	into := []any{&now}
	for i := range values {
		into = append(into, &values[i])
	}
	content, digest := packaging.Canonical{}, sha256.New() // row by row: a record of an import has 100,000
	end := func() error {
		if key == "" {
			return nil
		}
		return do(key, [sha256.Size]byte(digest.Sum(nil)))
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if now != key {
			if err := end(); err != nil {
				return err
			}
			key = now
			digest.Reset()
			r.begin(&content)
		}
		r.write(&content, values)
		_, _ = digest.Write(content)
		content = content[:0]
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return end()
}

func (r recordTable) begin(content *packaging.Canonical) {
	content.Text("lineboard log 1")
	content.Text(r.name)
}

// newDigests are those of records, each of one row, that are about to be stored.
type newDigests struct {
	table   recordTable
	places  []int // of the columns that are given
	values  []any
	content packaging.Canonical
	all     []byte
	grown   hash.Hash // of one record with all rows
}

// digestsOf returns no digest yet. columns are those that rows are given with: the others have their defaults.
func (r recordTable) digestsOf(columns string) *newDigests {
	d := &newDigests{table: r, grown: sha256.New()}
	r.begin(&d.content)
	_, _ = d.grown.Write(d.content)
	for _, c := range r.columns {
		d.values = append(d.values, c.unset)
	}
	for name := range strings.SplitSeq(columns, ", ") {
		d.places = append(d.places, slices.IndexFunc(r.columns, func(c recordColumn) bool { return c.name == name }))
	}
	return d
}

// add takes the next row as a record, with values as the database gives them.
func (d *newDigests) add(values ...any) {
	d.content = d.content[:0]
	d.table.begin(&d.content)
	d.write(values)
	sum := sha256.Sum256(d.content)
	d.all = append(d.all, sum[:]...)
}

// grow takes the next row of one record.
func (d *newDigests) grow(values ...any) {
	d.content = d.content[:0]
	d.write(values)
	_, _ = d.grown.Write(d.content)
}

func (d *newDigests) write(values []any) {
	for i, place := range d.places {
		d.values[place] = values[i]
	}
	d.table.write(&d.content, d.values)
}

// write adds a row to what a digest is over: name and value of each column that does not hold its default, and an end.
// So a column that an upgrade adds changes no digest.
func (r recordTable) write(content *packaging.Canonical, values []any) {
	for i, c := range r.columns {
		switch v := values[i].(type) {
		case nil:
			if c.unset != nil {
				content.Text(c.name)
				content.Text("null")
			}
		case int64:
			if c.unset != v {
				content.Text(c.name)
				content.Typed("integer ", strconv.FormatInt(v, 10))
			}
		case string:
			if c.unset != v {
				content.Text(c.name)
				content.Typed("text ", v)
			}
		case []byte:
			content.Text(c.name)
			content.Typed("blob ", string(v))
		default: // of a kind that no column has, unless somebody changed it by hand
			content.Text(c.name)
			content.Text(fmt.Sprintf("%T %v", v, v))
		}
	}
	content.Text("")
}

// listDigest grows with each serial of a list.
type listDigest struct {
	content packaging.Canonical
	hash    interface {
		Write([]byte) (int, error)
		Sum([]byte) []byte
	}
	place, product int64
}

func newListDigest() *listDigest {
	d := &listDigest{hash: sha256.New()}
	d.content.Text("lineboard serial list 1")
	return d
}

// add takes the next serial. Where it is not in the next place, or of another product than the one before, the digest
// is over that too.
func (d *listDigest) add(place, product int64, serial string) {
	if place != d.place+1 || product != d.product {
		d.content.Text(fmt.Sprintf("place %d product %d", place, product))
	}
	d.place, d.product = place, product
	d.content.Text(serial)
	if len(d.content) > 1<<15 {
		d.flush()
	}
}

func (d *listDigest) flush() {
	d.hash.Write(d.content) //nolint:errcheck // a hash never fails
	d.content = d.content[:0]
}

func (d *listDigest) sum() (digest [sha256.Size]byte) {
	d.flush()
	copy(digest[:], d.hash.Sum(nil))
	return digest
}
