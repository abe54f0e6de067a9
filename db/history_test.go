package db

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

func TestNothingButAddingIsDoneToTheHistory(t *testing.T) {
	d, ghent, _ := opened(t)
	cache(t, d, ghent.Tenant.ID, facts("Order143"))
	before := entries(t, d, ghent.Tenant.ID)
	const columns = `tenant_id, seq, at, user_id, username, full_name, role, deed, order_id, order_key, line_code, line_name, release_id, object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials, prev_hash, hash, format, station, comment`
	for _, statement := range []string{
		`UPDATE history SET message = 'x' WHERE seq = 2`,
		`UPDATE OR REPLACE history SET seq = 1 WHERE seq = 2`,
		`UPDATE OR IGNORE history SET message = 'x'`,
		`UPDATE history SET id = id + 1000`,
		`DELETE FROM history WHERE seq = 2`,
		`DELETE FROM history`,
		`REPLACE INTO history SELECT * FROM history WHERE seq = 2`,
		`INSERT OR REPLACE INTO history (` + columns + `) SELECT ` + columns + ` FROM history WHERE seq = 2`,
		`INSERT INTO history SELECT * FROM history WHERE seq = 2 ON CONFLICT (id) DO UPDATE SET message = 'x'`,
		`INSERT INTO history (` + columns + `) SELECT ` + columns +
			` FROM history WHERE seq = 2 ON CONFLICT (tenant_id, seq) DO UPDATE SET message = 'x'`,
		`INSERT INTO history (` + columns + `) SELECT ` + columns +
			` FROM history WHERE seq = 2 ON CONFLICT DO NOTHING`,
		// One that follows, but not in the order of keys, by which it would be found in another place.
		`INSERT INTO history (id, ` + columns + `) SELECT -5, ` + strings.Replace(
			strings.Replace(columns, "seq", "seq + 1", 1), "prev_hash", "hash", 1,
		) + ` FROM history WHERE tenant_id = 1 ORDER BY seq DESC LIMIT 1`,
		`PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = '' WHERE name = 'history_is_never_changed'`,
		`INSERT INTO history_index_data SELECT 1, x'00'`,
	} {
		if _, err := d.write.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s: it is done", statement)
		}
	}
	after := entries(t, d, ghent.Tenant.ID)
	if len(after) != len(before) || after[0].Hash != before[0].Hash {
		t.Errorf("%d entries were %d", len(after), len(before))
	}
	if broken := verdict(t, d, ghent.Tenant.ID); broken.Break.Kind != "" {
		t.Errorf("%+v", broken.Break)
	}
}

func verdict(t *testing.T, d *DB, tenant packaging.TenantID) packaging.Verdict {
	t.Helper()
	check := packaging.NewChainCheck(tenant, nil, packaging.AnchorsFound{})
	if err := d.EachEntryUp(t.Context(), tenant, check.Add); err != nil {
		t.Fatal(err)
	}
	return check.Verdict()
}

// A change and its entry are one transaction: where the entry can't be written, nothing is changed.
func TestWithoutItsEntryNothingIsChanged(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"), facts("Order144"))
	line := o.Line.ID
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	second := order(t, d, ghent.Tenant.ID, "Order144")
	if err := d.StartSession(t.Context(), [32]byte{1}, ghent, packaging.Device{}); err != nil {
		t.Fatal(err)
	}
	if err := d.SaveHistoryView(t.Context(), ghent, packaging.HistoryView{Name: "kept", Query: "line=L1"}); err != nil {
		t.Fatal(err)
	}
	changed := setup("ghent")
	changed.Tenant.Name = "Another name"
	if _, err := d.write.ExecContext(
		t.Context(), `CREATE TRIGGER no_entry BEFORE INSERT ON history BEGIN SELECT RAISE(ABORT, 'no entry'); END`,
	); err != nil {
		t.Fatal(err)
	}
	before := state(t, d)
	for name, do := range map[string]func() error{
		"claim": func() error {
			_, err := d.Claim(
				t.Context(), ghent, packaging.Press{Order: second.ID},
			)
			return err
		},
		"settle":    func() error { _, err := d.Settle(t.Context(), claimed, released("a", "b")); return err },
		"interrupt": func() error { _, err := d.InterruptReleases(t.Context()); return err },
		"queue": func() error {
			_, err := d.StartQueue(t.Context(), ghent, line, []packaging.QueuePick{{Order: second.ID}})
			return err
		},
		"sign in":        func() error { return d.StartSession(t.Context(), [32]byte{2}, ghent, packaging.Device{}) },
		"sign out":       func() error { return d.EndSession(t.Context(), [32]byte{1}, ghent) },
		"wrong password": func() error { return d.RecordFailedSignIn(t.Context(), ghent.ID, "") },
		"provisioning":   func() error { return d.Provision(t.Context(), Site{changed}) },
		"save a view": func() error {
			return d.SaveHistoryView(t.Context(), ghent, packaging.HistoryView{Name: "new", Query: "line=L1"})
		},
		"remove a view": func() error { return d.RemoveHistoryView(t.Context(), ghent, 1) },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "no entry") {
			t.Errorf("%s: %v", name, err)
		}
		if after := state(t, d); after != before {
			t.Errorf("%s changed\n%s\nto\n%s", name, before, after)
		}
	}
}

// state is all that those deeds could change.
func state(t *testing.T, d *DB) string {
	t.Helper()
	var all string
	if err := d.read.QueryRowContext(t.Context(), `
		SELECT (SELECT group_concat(outcome || coalesce(answered_at, '')) FROM releases) || '|' || (SELECT count(*) FROM serial_blocks) || '|' ||
			(SELECT count(*) FROM sessions) || '|' || (SELECT count(*) FROM queues) || '|' || (SELECT group_concat(name) FROM tenants) || '|' ||
			(SELECT group_concat(name) FROM history_views) || '|' || (SELECT group_concat(status || revision) FROM orders) || '|' ||
			(SELECT count(*) FROM history)`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Every combination of filters is answered by an index, in the order of the page: nothing is sorted, and no entry is
// read that the index does not give.
func TestEveryCombinationOfFiltersIsAnsweredByAnIndex(t *testing.T) {
	thorough.Once(t)
	d, ghent, _ := opened(t)
	set := []struct {
		name string
		on   func(*packaging.HistoryFilter)
	}{
		{"text", func(f *packaging.HistoryFilter) { f.Text = `tenant "x` }},
		{"line", func(f *packaging.HistoryFilter) { f.LineCode = "L1" }},
		{"order", func(f *packaging.HistoryFilter) { f.OrderKey = "Order143" }},
		{"orders", func(f *packaging.HistoryFilter) { f.Orders = []string{"a", "b"} }},
		{"person", func(f *packaging.HistoryFilter) { f.Person = "provisioning" }},
		{"deed", func(f *packaging.HistoryFilter) { f.Deed = packaging.TenantSet }},
		{"outcome", func(f *packaging.HistoryFilter) { f.Outcome = packaging.Refused }},
		{"exceptions", func(f *packaging.HistoryFilter) { f.Exceptions = true }},
		{"from", func(f *packaging.HistoryFilter) { f.From = start.Add(-time.Hour) }},
		{"to", func(f *packaging.HistoryFilter) { f.To = start.Add(time.Hour) }},
	}
	pages := []func(*packaging.HistoryFilter){
		func(*packaging.HistoryFilter) {},
		func(f *packaging.HistoryFilter) { f.Before = 5 },
		func(f *packaging.HistoryFilter) { f.After = 5 },
	}
	all := 1<<len(set) - 1
	for n := range 3 * (all + 1) {
		mask := n / 3
		if bits.OnesCount(uint(mask)) > 2 && mask != all {
			continue // what is true of any two is true of more: they all go to one index
		}
		f, name := packaging.HistoryFilter{Limit: 50}, fmt.Sprint("page ", n%3)
		pages[n%3](&f)
		for i, one := range set {
			if mask>>i&1 == 1 {
				one.on(&f)
				name += ", " + one.name
			}
		}
		in := ghent.Scope()
		if n%2 == 1 { // somebody limited to a line
			limited := ghent
			limited.Lines = []packaging.LineID{1}
			in = limited.Scope()
			name += ", limited"
		}
		query, args, err := historyQuery(t.Context(), d.read, in, f)
		if err != nil || query == "" {
			t.Fatalf("%s: %q, %v", name, query, err)
		}
		plan, err := collect(t.Context(), d.read, func(row scanner) (step string, err error) {
			var ignored int
			return step, row.Scan(&ignored, &ignored, &ignored, &step)
		}, `EXPLAIN QUERY PLAN `+query, args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, step := range plan {
			if strings.Contains(step, "TEMP B-TREE") || strings.HasPrefix(step, "SCAN") &&
				!strings.HasPrefix(step, "SCAN history_index VIRTUAL TABLE INDEX") &&
				!strings.HasPrefix(step, "SCAN json_each") { // the few lines that somebody is limited to
				t.Fatalf("%s: %q\n%s", name, plan, query)
			}
		}
		if _, err := d.History(t.Context(), in, f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func TestATimeIsMadeOfHoursDaysAndLongerSpans(t *testing.T) {
	const hour, day = int64(3_600_000), 24 * int64(3_600_000)
	length := map[string]int64{"h": hour, "y": day, "m": 32 * day}
	for _, test := range []struct {
		from, to int64
		most     int
	}{
		{0, 1, 1},
		{5, 5, 0},
		{7, 3, 0},
		{8*hour + 5, 16 * hour, 8},
		{20_000 * day, 20_001 * day, 1},
		{20_000*day + 1, 20_001*day + 1, 25},
		{16_000*day + 7, 20_000*day + 9, 24 + 24 + 32 + 32 + 125},
	} {
		keys := spans(7, test.from, test.to)
		if len(keys) > test.most {
			t.Errorf("%d to %d: %d keys, want at most %d", test.from, test.to, len(keys), test.most)
		}
		at := test.from - test.from%hour
		for _, key := range keys {
			var kind string
			var n int64
			if _, err := fmt.Sscanf(
				strings.TrimPrefix(key, fmt.Sprintf(`keys : "%c`, keyMark)), "%1s7z%d", &kind, &n,
			); err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			if n*length[kind] != at {
				t.Fatalf("%d to %d: %s begins at %d and not at %d", test.from, test.to, key, n*length[kind], at)
			}
			at += length[kind]
		}
		if len(keys) > 0 && (at < test.to || at >= test.to+hour) {
			t.Errorf("%d to %d ends at %d", test.from, test.to, at)
		}
	}
}

// An index that is rebuilt finds the same.
func TestTheIndexIsWhatTheEntriesSay(t *testing.T) {
	d, ghent, _ := opened(t)
	for _, statement := range []string{
		`INSERT INTO history_index (history_index, rank) VALUES ('integrity-check', 1)`,
		`INSERT INTO history_index (history_index) VALUES ('rebuild')`,
		`INSERT INTO history_index (history_index, rank) VALUES ('integrity-check', 1)`,
	} {
		if _, err := d.write.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if page, err := d.History(
		t.Context(), packaging.Everything(ghent.Tenant.ID), packaging.HistoryFilter{Text: "blister", Limit: 10},
	); err != nil || len(page.Entries) != 1 {
		t.Errorf("%d entries, %v", len(page.Entries), err)
	}
}

// Entries of the first program are of format 1. They hold, and newer ones follow them.
func TestAHistoryOfFormat1HoldsAndGoesOn(t *testing.T) {
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "lineboard.db"), box(t, 1), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.tx(t.Context(), func(t *tx) error {
		return errors.Join(t.exec(
			`INSERT INTO tenants (slug, name, time_zone, base_url, token_kind, token_header)
			VALUES ('ghent', 'Plant Ghent', 'Europe/Brussels', 'http://127.0.0.1:1', 'dynamic', 'x-access-token')`,
		), t.exec(`INSERT INTO refreshes (tenant_id) VALUES (1)`))
	}); err != nil {
		t.Fatal(err)
	}
	var prev [32]byte
	for seq := int64(1); seq <= 20; seq++ {
		e := packaging.Entry{
			TenantID: 1, Seq: seq, At: start.Add(time.Duration(seq) * time.Second),
			By:   packaging.Author{ID: 7, Username: "old", FullName: "Old Hand", Role: packaging.Supervisor},
			Deed: packaging.ReleaseEnded, OrderID: 3, OrderKey: "Order143", LineCode: "L1", LineName: "Blister line 1",
			ReleaseID: 4,
			Outcome:   packaging.Refused, Reason: "throttled", Took: 5 * time.Millisecond, HTTPStatus: 429,
			Message: "wait", Format: 1, Prev: prev,
		}
		e.Hash = e.Digest()
		prev = e.Hash
		if _, err := d.write.ExecContext(t.Context(),
			`INSERT INTO history (tenant_id, seq, at, user_id, username, full_name, role, deed, order_id, order_key,
				line_code, line_name, release_id, object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials, prev_hash, hash)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			e.TenantID, e.Seq, millis(e.At), e.By.ID, e.By.Username, e.By.FullName, e.By.Role, e.Deed, e.OrderID,
			e.OrderKey, e.LineCode, e.LineName,
			e.ReleaseID, e.Object, e.Old, e.New, e.Outcome, e.Reason, e.Took.Milliseconds(), e.HTTPStatus, e.Code,
			e.Message, e.Serials, e.Prev[:], e.Hash[:]); err != nil {
			t.Fatal(err)
		}
	}
	if v := verdict(t, d, 1); v.Break.Kind != "" || v.Head.Seq != 20 {
		t.Fatalf("%+v", v)
	}
	if err := d.Record(
		t.Context(),
		packaging.Entry{
			TenantID: 1, By: packaging.Author{Username: "new", Station: "Tablet 1"}, Deed: packaging.SignedIn,
			Comment: "why",
		},
	); err != nil {
		t.Fatal(err)
	}
	if v := verdict(t, d, 1); v.Break.Kind != "" || v.Head.Seq != 21 {
		t.Errorf("%+v", v)
	}
	if e, follows, err := d.Entry(t.Context(), packaging.Everything(1), 21); err != nil || !follows || e.Format != 3 ||
		e.By.Station != "Tablet 1" {
		t.Errorf("%+v, %v", e, err)
	}
	for text, want := range map[string]int{"hand": 20, "tablet": 1} {
		if page, err := d.History(
			t.Context(), packaging.Everything(1), packaging.HistoryFilter{Text: text, Limit: 100},
		); err != nil || len(page.Entries) != want {
			t.Errorf("%q: %d entries, want %d; %v", text, len(page.Entries), want, err)
		}
	}
}

func TestABackupIsOneStateOfTheDatabaseAndItsHistoryHolds(t *testing.T) {
	d, ghent, _ := opened(t)
	path := pathOf(t, d)
	entry := packaging.Entry{TenantID: ghent.Tenant.ID, Deed: packaging.SignedIn}
	if err := d.Record(t.Context(), entry); err != nil { // it is in the write-ahead log alone
		t.Fatal(err)
	}
	first, err := d.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	writing, stop := context.WithCancel(t.Context())
	wrote := make(chan error, 1)
	go func() {
		for writing.Err() == nil {
			if err := d.Record(context.Background(), entry); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- nil
	}()
	to := filepath.Join(t.TempDir(), "copy", "lineboard.db")
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	err = Backup(t.Context(), path, to)
	stop()
	if err := errors.Join(err, <-wrote); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := filepath.Glob(to + "?*"); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	before, err := d.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	restored, err := Open(t.Context(), to, box(t, 1), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	v := verdict(t, restored, ghent.Tenant.ID)
	if v.Break.Kind != "" || v.Head.Seq < first[0].Seq || v.Head.Seq > before[0].Seq {
		t.Errorf("%+v", v)
	}
	if err := restored.Record(
		t.Context(), packaging.Entry{TenantID: ghent.Tenant.ID, Deed: packaging.SignedOut},
	); err != nil {
		t.Fatal(err)
	}
	if page, err := restored.History(
		t.Context(), packaging.Everything(ghent.Tenant.ID), packaging.HistoryFilter{Text: "signed out", Limit: 10},
	); err != nil || len(page.Entries) != 1 {
		t.Errorf("%d entries found, %v", len(page.Entries), err)
	}
	if err := Backup(t.Context(), path, to); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("over a file: %v", err)
	}
	if err := Backup(t.Context(), path, filepath.Join(t.TempDir(), "no", "such", "folder")); err == nil {
		t.Error("into no folder")
	}
	if err := Backup(t.Context(), path+".not", filepath.Join(t.TempDir(), "copy.db")); err == nil ||
		!strings.Contains(err.Error(), "there is no database") {
		t.Errorf("of no database: %v", err)
	}
}

func pathOf(t *testing.T, d *DB) (path string) {
	t.Helper()
	if err := d.read.QueryRowContext(t.Context(), `SELECT file FROM pragma_database_list WHERE name = 'main'`).
		Scan(&path); err != nil {
		t.Fatal(err)
	}
	return path
}
