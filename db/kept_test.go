package db

import (
	"strings"
	"testing"
	"time"
)

// What happened is kept: even without foreign keys, no row of these tables can be deleted.
func TestWhatIsKeptIsDeletedFromNoTable(t *testing.T) {
	file, _ := schema20(t)
	d, err := Open(t.Context(), file, box(t, 2), func() time.Time { return start.Add(time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	hand := aHand(t, d)
	doByHand(t, hand, `PRAGMA foreign_keys = OFF`)
	for _, table := range []string{
		"history", "record_log", "orders", "order_events", "releases", "settlements", "acknowledgements", "serial_blocks",
		"list_gtins", "shown_serials", "queue_orders", "imports", "import_changes", "notes", "note_withdrawals", "handovers",
		"handover_items", "handover_acks", "takeovers", "shift_plans", "shifts", "shift_reviews", "signatures", "losses",
		"lost_releases", "users", "lines", "api_tokens", "destinations", "deliveries", "list_templates",
	} {
		var triggers string
		if err := d.read.QueryRowContext(t.Context(), `
			SELECT coalesce(group_concat(name), '') FROM sqlite_schema
			WHERE type = 'trigger' AND tbl_name = ? AND sql LIKE '%BEFORE DELETE%'`, table).Scan(&triggers); err != nil {
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
		if _, err := hand.ExecContext(t.Context(), `DELETE FROM `+table); err == nil ||
			!strings.Contains(err.Error(), "constraint failed") {
			t.Errorf("%s: its rows are deleted, %v", table, err)
		}
	}
}
