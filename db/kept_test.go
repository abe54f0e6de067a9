package db

import (
	"strings"
	"testing"
	"time"

	"lineboard/internal/testkit/thorough"
)

// What happened is kept: even without foreign keys, no row of these tables can be deleted.
func TestWhatIsKeptIsDeletedFromNoTable(t *testing.T) {
	thorough.Once(t)
	eachKept(t, "DELETE", []string{
		"history", "record_log", "orders", "order_events", "releases", "settlements", "acknowledgements", "serial_blocks",
		"list_gtins", "shown_serials", "queue_orders", "imports", "import_changes", "notes", "note_withdrawals", "handovers",
		"handover_items", "handover_acks", "takeovers", "shift_plans", "shifts", "shift_reviews", "signatures", "losses",
		"lost_releases", "users", "lines", "api_tokens", "api_token_scopes", "destinations", "deliveries", "list_templates",
		"kept_answers", "known_as",
	}, func(table string, _ string) string { return `DELETE FROM ` + table })
}

// Nor can a row of those be changed that say what happened.
func TestWhatHappenedIsChangedInNoTable(t *testing.T) {
	thorough.Once(t)
	eachKept(t, "UPDATE", []string{
		"history", "record_log", "order_events", "settlements", "acknowledgements", "serial_blocks", "list_gtins",
		"shown_serials", "queue_orders", "imports", "import_changes", "notes", "note_withdrawals", "handovers",
		"handover_items", "handover_acks", "takeovers", "shift_plans", "shifts", "shift_reviews", "signatures",
		"api_token_scopes", "list_templates", "identities", "known_as",
	}, func(table, column string) string { return `UPDATE ` + table + ` SET ` + column + ` = ` + column })
}

// eachKept fails unless a trigger of each table refuses a statement on all of its rows. Where the fixture is older than
// the table, and has none, the trigger is there.
func eachKept(t *testing.T, change string, tables []string, statement func(table, column string) string) {
	t.Helper()
	file, _ := schema20(t)
	d, err := Open(t.Context(), file, box(t, 2), func() time.Time { return start.Add(time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	hand := aHand(t, d)
	doByHand(t, hand, `PRAGMA foreign_keys = OFF`)
	for _, table := range tables {
		var triggers string
		if err := d.read.QueryRowContext(t.Context(), `
			SELECT coalesce(group_concat(name), '') FROM sqlite_schema
			WHERE type = 'trigger' AND tbl_name = ? AND sql LIKE '%BEFORE ' || ? || ' ON %'
				AND (? = 'DELETE' OR sql NOT LIKE '%WHEN%')`, table, change, change).Scan(&triggers); err != nil {
			t.Fatal(err)
		}
		var column string
		if err := d.read.QueryRowContext(
			t.Context(), `SELECT name FROM pragma_table_info(?) ORDER BY cid DESC LIMIT 1`, table,
		).Scan(&column); err != nil {
			t.Fatal(err)
		}
		var filled bool
		if err := hand.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT 1 FROM `+table+`)`).Scan(&filled); err != nil {
			t.Fatal(err)
		}
		if !filled && triggers == "" {
			t.Errorf("nothing keeps a row of %s", table)
		}
		if !filled {
			continue // the fixture is older than the table
		}
		if _, err := hand.ExecContext(t.Context(), statement(table, column)); err == nil ||
			!strings.Contains(err.Error(), "constraint failed") {
			t.Errorf("%s: %s is carried out, %v", table, change, err)
		}
	}
}
