package db

import (
	"compress/gzip"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/anchors"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

// schema20 unpacks a database that the last program before the first release filled. Every table has rows. The box of
// byte 2 opens it. Its anchors lie beside it.
func schema20(t *testing.T) (file, anchorFile string) {
	t.Helper()
	packed, err := os.Open(filepath.Join("testdata", "schema20", "lineboard.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "lineboard.db")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, filepath.Join("testdata", "schema20", "anchors")
}

// schemaOf returns the statement behind each part of the schema, and the columns of each table in their order.
func schemaOf(t *testing.T, d *DB) map[string]string {
	t.Helper()
	all, err := schemaIn(t.Context(), d.read)
	if err != nil {
		t.Fatal(err)
	}
	type table struct{ name, columns string }
	tables, err := collect(t.Context(), d.read,
		func(row scanner) (s table, err error) { return s, row.Scan(&s.name, &s.columns) }, `
		SELECT 'columns of ' || s.name, (SELECT group_concat(cid || ' ' || c.name || ' ' || c.type || ' ' || "notnull" || ' ' ||
			coalesce(dflt_value, 'none') || ' ' || pk || ' ' || hidden ORDER BY cid) FROM pragma_table_xinfo(s.name) c)
		FROM sqlite_schema s WHERE s.type IN ('table', 'view')`)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tables {
		all[s.name] = s.columns
	}
	return all
}

func TestADatabaseOfSchema20IsAdoptedAndEqualsAFreshOne(t *testing.T) {
	thorough.Once(t)
	file, anchorFile := schema20(t)
	before, err := open(file, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	old, err := schemaIn(t.Context(), before)
	if err = errors.Join(err, before.Close()); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), file, box(t, 2), func() time.Time { return start.Add(time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fresh, _, _ := opened(t)
	want := schemaOf(t, fresh)
	if len(want) < 150 {
		t.Errorf("only %d things are in the schema", len(want))
	}
	if faults, err := d.SchemaFaults(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	if diff := cmp.Diff(want, schemaOf(t, d)); diff != "" {
		t.Errorf("the adopted schema is not the fresh one (-fresh +adopted)\n%s", diff)
	}
	for name := range old {
		table, is := strings.CutPrefix(name, "table ")
		var rows int
		if !is {
			continue
		}
		if table == "serials" { // they moved
			table = blocksOfLists
		}
		if err := d.read.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&rows); err != nil ||
			rows == 0 {
			t.Errorf("%s holds %d rows, %v", table, rows, err)
		}
	}
	if copies, err := filepath.Glob(file + ".schema20-*"); err != nil || len(copies) != 1 {
		t.Errorf("copies from before the upgrade: %v, %v", copies, err)
	}
	for _, check := range []string{
		`SELECT * FROM pragma_integrity_check`, `SELECT count(*) || '' FROM pragma_foreign_key_check`,
	} {
		var says string
		if err := d.read.QueryRowContext(t.Context(), check).Scan(&says); err != nil || says != "ok" && says != "0" {
			t.Errorf("%s: %s, %v", check, says, err)
		}
	}
	if err := d.CheckKey(t.Context()); err != nil {
		t.Error(err)
	}
	tenants, err := d.Tenants(t.Context())
	if err != nil || len(tenants) != 3 {
		t.Fatalf("%d tenants, %v", len(tenants), err)
	}
	for _, tenant := range tenants {
		v, err := anchors.NewVerifier(d, anchorFile).Verify(t.Context(), tenant.ID)
		if err != nil || !v.Whole() || v.Compared == 0 {
			t.Errorf("%s: %+v, %v", tenant.Slug, v, err)
		}
	}
	// The program goes on from where the last one was stopped.
	if n, err := d.InterruptReleases(t.Context()); n != 1 || err != nil {
		t.Errorf("%d releases were under way, %v", n, err)
	}
	otto, _, err := d.Credential(t.Context(), "otto")
	if err != nil {
		t.Fatal(err)
	}
	people, err := d.Memberships(t.Context(), otto)
	if err != nil || len(people) != 1 {
		t.Fatalf("%d memberships, %v", len(people), err)
	}
	cache(t, d, people[0].Tenant.ID, facts("after the upgrade"))
	o := order(t, d, people[0].Tenant.ID, "after the upgrade")
	if _, err := d.Claim(t.Context(), people[0], packaging.Press{Order: o.ID}); err != nil {
		t.Errorf("release after the upgrade: %v", err)
	}
	if v := verdict(t, d, people[0].Tenant.ID); v.Break.Kind != "" {
		t.Errorf("%+v", v)
	}
}

// Lists that are as odd as lists get are the same in blocks, and each of their serials is found.
func TestOddListsOfBeforeAreInBlocksAsTheyWere(t *testing.T) {
	thorough.Once(t)
	file, _ := schema20(t)
	pool, err := open(file, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := migrations(pool, box(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), 38); err != nil {
		t.Fatal(err)
	}
	var orderID packaging.OrderID
	var tenant packaging.TenantID
	if err := pool.QueryRowContext(
		t.Context(), `SELECT id, tenant_id FROM orders ORDER BY id LIMIT 1`,
	).Scan(&orderID, &tenant); err != nil {
		t.Fatal(err)
	}
	lists := [][]string{
		{
			"a", strings.Repeat("x", 255), strings.Repeat("é", 255), "日本", "nul\x00in", "tab\t\r\n\x1d", " ", "", "a",
			"A", "",
			"\xff\xfe", strings.Repeat("z", 9_000), "=1+1",
		},
		{"a"},
		longList("b")[:9_000],
	}
	gtins := []string{"9506000134352", "", "é"}
	for i, list := range lists {
		if _, err := pool.ExecContext(
			t.Context(), `INSERT INTO products (id, tenant_id, gtin) VALUES (?,?,?)`, 900+i, tenant, gtins[i],
		); err != nil {
			t.Fatal(err)
		}
		for place, serial := range list {
			if _, err := pool.ExecContext(t.Context(), `INSERT INTO serials (id, product_id, serial) VALUES (?,?,?)`,
				serialKey(packaging.ListOf(orderID, 50+i), int64(place)+1), 900+i, serial); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), file, box(t, 2), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i, list := range lists {
		key := packaging.ListOf(orderID, 50+i)
		now, err := d.Serials(t.Context(), packaging.Everything(tenant), key, 0, len(list)+1)
		if err != nil || len(now) != len(list) {
			t.Fatalf("%d serials, %v", len(now), err)
		}
		for j, serial := range list {
			if now[j].Value != serial || now[j].Seq != int64(j)+1 {
				t.Fatalf("%q is %q in place %d", serial, now[j].Value, now[j].Seq)
			}
			if j > 20 && j%500 > 0 {
				continue
			}
			places, err := placesOf(
				t.Context(), d.read, tenant,
				[]packTarget{{PackID: packaging.PackID{GTIN: gtins[i], Serial: serial}, was: gtins[i]}},
			)
			if err != nil || !slices.ContainsFunc(places, func(p packPlace) bool {
				return p.Key == serialKey(key, int64(j)+1)
			}) {
				t.Errorf("%q is found at %v, %v", serial, places, err)
			}
		}
	}
	if faults := faultsOf(t, d, tenant); len(faults) > 0 {
		t.Errorf("%v", faults)
	}
}

func TestADatabaseFromBeforeTheFirstReleaseIsRefused(t *testing.T) {
	for _, version := range []int{1, 7, 19} {
		file, _ := schema20(t)
		pool, err := open(file, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pool.ExecContext(
			t.Context(), `DELETE FROM goose_db_version WHERE version_id > ?`, version,
		); err != nil {
			t.Fatal(err)
		}
		if version == 19 { // there was no 19
			if _, err := pool.ExecContext(
				t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (19, 1)`,
			); err != nil {
				t.Fatal(err)
			}
		}
		if err := pool.Close(); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(
			"from before the first release of Lineboard (schema %d, this program reads 20 and later)", version,
		)
		if _, err := Open(t.Context(), file, box(t, 2), time.Now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opening schema %d: %v", version, err)
		}
		if _, err := OpenToRead(t.Context(), file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("reading schema %d: %v", version, err)
		}
		after, err := os.ReadFile(file)
		if err != nil || string(after) != string(before) {
			t.Errorf("the refused database of schema %d was changed, %v", version, err)
		}
	}
}

// What was done to the schema by hand is found, whatever it was.
func TestASchemaThatWasChangedByHandIsFound(t *testing.T) {
	d, _, _ := opened(t)
	for _, statement := range []string{
		`DROP TRIGGER history_is_never_changed`,
		`DROP TRIGGER notes_never_change`,
		`CREATE TRIGGER notes_never_change BEFORE UPDATE ON notes WHEN 0 BEGIN SELECT 1; END`,
		`DROP INDEX one_release_of_an_order`,
		`CREATE TABLE shadow (id INTEGER PRIMARY KEY) STRICT`,
		`ALTER TABLE rules ADD COLUMN backdoor INTEGER`,
	} {
		if _, err := d.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.SchemaFaults(t.Context())
	want := []packaging.SchemaFault{
		{Kind: packaging.FaultMissing, Name: "index one_release_of_an_order"},
		{Kind: packaging.FaultChanged, Name: "table rules"},
		{Kind: packaging.FaultAdded, Name: "table shadow"},
		{Kind: packaging.FaultMissing, Name: "trigger history_is_never_changed"},
		{Kind: packaging.FaultChanged, Name: "trigger notes_never_change"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// Litestream makes two tables in the database that it copies. Anything else under their names is found.
func TestTheTablesThatLitestreamMakesAreNoFault(t *testing.T) {
	d, _, _ := opened(t)
	do := func(statement string) {
		t.Helper()
		if _, err := d.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do(`CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);`)
	do(`CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);`)
	if faults, err := d.SchemaFaults(t.Context()); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	if _, err := recordTables(t.Context(), d.read); err != nil {
		t.Errorf("the next start fails: %v", err)
	}
	do(`ALTER TABLE _litestream_lock ADD COLUMN more TEXT`)
	do(`CREATE TRIGGER hidden AFTER UPDATE ON _litestream_seq BEGIN SELECT 1; END`)
	faults, err := d.SchemaFaults(t.Context())
	want := []packaging.SchemaFault{
		{Kind: packaging.FaultAdded, Name: "table _litestream_lock"},
		{Kind: packaging.FaultAdded, Name: "trigger hidden"},
	}
	if diff := cmp.Diff(want, faults); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// A list of the database that was adopted follows the GTIN that its order had got meanwhile.
func TestAnAdoptedListFollowsTheGTINOfItsOrder(t *testing.T) {
	thorough.Once(t)
	file, _ := schema20(t)
	old, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	var tenant packaging.TenantID
	var serial string
	err = old.QueryRowContext(t.Context(), `UPDATE orders SET gtin = '04150123456782'
		WHERE id = (SELECT id >> 24 FROM serials WHERE id & 0xffffff = 1 LIMIT 1)
		RETURNING tenant_id, (SELECT serial FROM serials WHERE id = (orders.id << 24) + 1)`).Scan(&tenant, &serial)
	if err := errors.Join(err, old.Close()); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), file, box(t, 2), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	found, err := d.FindPacks(
		t.Context(), packaging.Everything(tenant), []packaging.PackID{{GTIN: "04150123456782", Serial: serial}},
	)
	if err != nil || len(found) != 1 || found[0].Place != 1 {
		t.Errorf("found %v, %v", found, err)
	}
}
