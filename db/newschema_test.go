package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"lineboard/internal/testkit/thorough"
)

var update = flag.Bool("update", false, "write schema.sql anew")

// A new database gets its schema from one file. It is what the migrations make, with each row that they fill in.
func TestANewDatabaseIsWhatTheMigrationsMake(t *testing.T) {
	thorough.Once(t)
	ctx := t.Context()
	build := func(name string, make func(*sql.DB, *goose.Provider) error) *sql.DB {
		pool, err := open(filepath.Join(t.TempDir(), name), 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { pool.Close() })
		provider, err := migrations(pool, box(t, 1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.GetDBVersion(ctx); err != nil {
			t.Fatal(err)
		}
		if err := make(pool, provider); err != nil {
			t.Fatal(err)
		}
		return pool
	}
	migrated := build("migrated.db", func(_ *sql.DB, p *goose.Provider) error { _, err := p.Up(ctx); return err })
	script := schemaScript(t, migrated)
	parts, err := schemaIn(ctx, &reader{DB: migrated})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		for name, content := range map[string]string{"schema.sql": script, "schema.json": asJSON(t, parts)} {
			if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	own, err := ownSchema()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parts, own); diff != "" {
		t.Errorf("schema.json is not what the migrations make: run make schema (-migrated +schema.json)\n%s", diff)
	}
	if diff := cmp.Diff(script, newestTables); diff != "" {
		t.Errorf("schema.sql is not what the migrations make: run make schema (-migrated +schema.sql)\n%s", diff)
	}
	created := build("new.db", func(pool *sql.DB, p *goose.Provider) error { return create(ctx, pool, p) })
	if diff := cmp.Diff(script, schemaScript(t, created)); diff != "" {
		t.Errorf("a new database (-migrated +new)\n%s", diff)
	}
	if diff := cmp.Diff(versionsIn(t, migrated), versionsIn(t, created)); diff != "" {
		t.Errorf("migrations that are done (-migrated +new)\n%s", diff)
	}
}

// asJSON returns the parts of a schema by name, a line each, and statements as they are.
func asJSON(t *testing.T, parts map[string]string) string {
	t.Helper()
	var text strings.Builder
	to := json.NewEncoder(&text)
	to.SetEscapeHTML(false)
	to.SetIndent("", "\t")
	if err := to.Encode(parts); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// A database that a program without one of the migrations brought further than that gets what it lacks.
func TestAMigrationThatCameLateIsCarriedOut(t *testing.T) {
	thorough.Once(t)
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "lineboard.db")
	pool, err := open(path, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := migrations(pool, box(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	const late = 110 // no later one changes what it makes
	for _, s := range provider.ListSources() {
		if s.Version == late {
			continue
		}
		if _, err := provider.ApplyVersion(ctx, s.Version, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Open(ctx, path, box(t, 1), func() time.Time { return start })
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if faults, err := d.SchemaFaults(ctx); err != nil || len(faults) > 0 {
		t.Errorf("it lacks %v, %v", faults, err)
	}
}

// zeros only hold room.
var zeros = regexp.MustCompile(`X'(00)+'`)

// schemaScript writes the statements that make a database's tables, each with its indexes and triggers, and then its
// rows. What SQLite, FTS5 and goose make for themselves is left out.
func schemaScript(t *testing.T, q querier) string {
	t.Helper()
	statements := collected(t, q, `
		SELECT sql || ';' FROM sqlite_schema s
		WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' AND tbl_name <> 'goose_db_version' AND NOT EXISTS (
			SELECT 1 FROM pragma_table_list l WHERE l.schema = 'main' AND l.name = s.tbl_name AND l.type = 'shadow')
		ORDER BY tbl_name, type NOT IN ('table', 'view'), type, name`)
	var script strings.Builder
	script.WriteString("-- Made by `make schema` from the migrations, which upgrade what exists. Never change it by hand.\n")
	for _, s := range statements {
		fmt.Fprintf(&script, "\n%s\n", s)
	}
	script.WriteString("\n")
	for _, table := range collected(t, q, `
		SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT GLOB 'sqlite_*'
			AND name <> 'goose_db_version' ORDER BY name`) {
		columns := collected(t, q, fmt.Sprintf(`SELECT 'quote("' || name || '")' FROM pragma_table_info('%s')`, table))
		for _, row := range collected(t, q, fmt.Sprintf(
			`SELECT 'INSERT INTO %s VALUES (' || concat_ws(', ', %s) || ');' FROM "%[1]s"`, table, strings.Join(columns, ", "),
		)) {
			script.WriteString(zeros.ReplaceAllStringFunc(row, func(s string) string {
				return fmt.Sprintf("zeroblob(%d)", (len(s)-len("X''"))/2)
			}) + "\n")
		}
	}
	return script.String()
}

func versionsIn(t *testing.T, q querier) []string {
	t.Helper()
	return collected(t, q, `SELECT version_id || ' ' || is_applied FROM goose_db_version ORDER BY id`)
}

func collected(t *testing.T, q querier, query string) []string {
	t.Helper()
	all, err := collect(context.Background(), q, func(row scanner) (s string, err error) { return s, row.Scan(&s) }, query)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
