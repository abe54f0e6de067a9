package anchors_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/anchors"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	_ "lineboard/internal/secret/cheaphash"
	"lineboard/internal/testkit/thorough"
)

// plant is a database with 20 entries of one tenant, and anchors of entries 10 and 20.
type plant struct {
	t      *testing.T
	folder string
	box    *secret.Box
	now    time.Time
	log    bytes.Buffer
}

func newPlant(t *testing.T) *plant {
	t.Helper()
	box, err := secret.NewBox(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	p := &plant{t: t, folder: t.TempDir(), box: box, now: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)}
	p.running(func(store *db.DB, w *anchors.Writer) {
		if err := store.Provision(t.Context(), site("ghent")); err != nil {
			t.Fatal(err)
		}
		p.write(store, 10)
		p.keep(w)
		p.write(store, 20)
	})
	return p
}

func site(slug string) db.Site {
	return db.Site{{
		Tenant: packaging.Tenant{
			Slug: slug, Name: "Plant " + slug, TimeZone: "Europe/Brussels", BaseURL: "http://127.0.0.1:1",
		},
		Credentials: secret.Credentials{TokenKind: "dynamic", TokenHeader: "x-access-token"},
	}}
}

func (p *plant) database() string { return filepath.Join(p.folder, "lineboard.db") }

func (p *plant) anchors() string { return filepath.Join(p.folder, "anchors.log") }

// clock returns a clock that moves on with each look at it.
func (p *plant) clock() func() time.Time {
	return func() time.Time { p.now = p.now.Add(time.Second); return p.now }
}

// running does something while the program runs.
func (p *plant) running(do func(*db.DB, *anchors.Writer)) {
	p.t.Helper()
	clock := p.clock()
	store, err := db.Open(p.t.Context(), p.database(), p.box, clock)
	if err != nil {
		p.t.Fatal(err)
	}
	w, err := anchors.NewWriter(p.t.Context(), store, p.anchors(), clock, slog.New(slog.NewTextHandler(&p.log, nil)))
	if err != nil {
		p.t.Fatal(err)
	}
	do(store, w)
	if err := w.Close(context.Background()); err != nil {
		p.t.Error(err)
	}
	if err := store.Close(); err != nil {
		p.t.Error(err)
	}
}

func (p *plant) keep(w *anchors.Writer) {
	p.t.Helper()
	if err := w.WriteAll(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// write adds entries until there are so many.
func (p *plant) write(store *db.DB, until int64) {
	p.t.Helper()
	for {
		heads, err := store.Heads(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		if heads[0].Seq >= until {
			return
		}
		if err := store.Record(p.t.Context(), packaging.Entry{
			TenantID: 1,
			By: packaging.Author{
				ID: 1, Username: "a", FullName: "A", Role: packaging.Manager, Station: "Tablet 1",
			},
			Deed: packaging.Exported, Object: fmt.Sprintf("file %d", heads[0].Seq+1), Comment: "because",
		}); err != nil {
			p.t.Fatal(err)
		}
	}
}

// tamper changes the file behind the program's back: with the triggers gone, nothing is forbidden.
func (p *plant) tamper(do func(exec func(string, ...any), raw *sql.DB)) {
	p.t.Helper()
	raw, err := sql.Open("sqlite", "file:"+p.database())
	if err != nil {
		p.t.Fatal(err)
	}
	raw.SetMaxOpenConns(1)
	defer raw.Close()
	exec := func(statement string, args ...any) {
		p.t.Helper()
		if _, err := raw.ExecContext(p.t.Context(), statement, args...); err != nil {
			p.t.Fatalf("%s: %v", statement, err)
		}
	}
	var back []string
	for _, trigger := range []string{
		"history_is_never_changed", "history_is_never_deleted", "history_only_grows", "history_is_found",
	} {
		var statement string
		if err := raw.QueryRowContext(
			p.t.Context(), `SELECT sql FROM sqlite_schema WHERE name = ?`, trigger,
		).Scan(&statement); err != nil {
			p.t.Fatal(err)
		}
		back = append(back, statement)
		exec("DROP TRIGGER " + trigger)
	}
	do(exec, raw)
	for _, statement := range back {
		exec(statement)
	}
}

func (p *plant) verify() packaging.Verdict {
	p.t.Helper()
	store, err := db.OpenToRead(p.t.Context(), p.database())
	if err != nil {
		p.t.Fatal(err)
	}
	defer store.Close()
	v, err := anchors.NewVerifier(store, p.anchors()).Verify(p.t.Context(), 1)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// all reads the entries as they stand.
func (p *plant) all(raw *sql.DB) (entries []packaging.Entry) {
	p.t.Helper()
	rows, err := raw.QueryContext(
		p.t.Context(),
		`SELECT seq, at, user_id, username, full_name, role, deed, object, old_value, new_value, format, station, comment, message, prev_hash, hash, records, records_digest FROM history ORDER BY seq`,
	)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		e := packaging.Entry{TenantID: 1}
		var at int64
		var prev, hash, digest []byte
		if err := rows.Scan(
			&e.Seq, &at, &e.By.ID, &e.By.Username, &e.By.FullName, &e.By.Role, &e.Deed, &e.Object, &e.Old, &e.New,
			&e.Format, &e.By.Station, &e.Comment, &e.Message, &prev, &hash, &e.Records, &digest,
		); err != nil {
			p.t.Fatal(err)
		}
		e.At = time.UnixMilli(at)
		copy(e.Prev[:], prev)
		copy(e.Hash[:], hash)
		copy(e.RecordsDigest[:], digest)
		entries = append(entries, e)
	}
	if rows.Err() != nil {
		p.t.Fatal(rows.Err())
	}
	return entries
}

// rehash gives the entries from one number to another the hashes that their content asks for.
func (p *plant) rehash(exec func(string, ...any), raw *sql.DB, from, to int64) {
	p.t.Helper()
	var prev [32]byte
	for _, e := range p.all(raw) {
		if e.Seq >= from && e.Seq <= to {
			e.Prev = prev
			e.Hash = e.Digest()
			exec(`UPDATE history SET prev_hash = ?, hash = ? WHERE seq = ?`, e.Prev[:], e.Hash[:], e.Seq)
		}
		prev = e.Hash
	}
}

const (
	renumber = `UPDATE history SET seq = -(seq + %d) WHERE seq > %d`
	settle   = `UPDATE history SET seq = -seq WHERE seq < 0`
	copied   = `INSERT INTO history SELECT id + 1000, tenant_id, %d, at, user_id, username, full_name, role, deed, order_id, order_key, line_code, line_name, release_id, 'forged', old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials, %s, %s, station, comment, records, records_digest, format FROM history WHERE seq = 3`
)

func TestWhatIsDoneToAHistoryIsFoundAndNamed(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	type statements = func(exec func(string, ...any), raw *sql.DB, p *plant)
	sql := func(all ...string) statements {
		return func(exec func(string, ...any), _ *sql.DB, _ *plant) {
			for _, statement := range all {
				exec(statement)
			}
		}
	}
	for name, test := range map[string]struct {
		do   statements
		want packaging.Break
	}{
		"nothing": {sql(), packaging.Break{}},
		"content changed": {
			sql(`UPDATE history SET message = 'x' WHERE seq = 7`),
			packaging.Break{Kind: packaging.ContentChanged, Seq: 7, Until: 7},
		},
		"time changed": {
			sql(`UPDATE history SET at = at + 1 WHERE seq = 7`),
			packaging.Break{Kind: packaging.ContentChanged, Seq: 7, Until: 7},
		},
		"comment taken away": {
			sql(`UPDATE history SET comment = '' WHERE seq = 15`),
			packaging.Break{Kind: packaging.ContentChanged, Seq: 15, Until: 15},
		},
		"made an older format": {
			sql(`UPDATE history SET format = 1 WHERE seq = 15`),
			packaging.Break{Kind: packaging.ContentChanged, Seq: 15, Until: 15},
		},
		"last content changed": {
			sql(`UPDATE history SET username = 'b' WHERE seq = 20`),
			packaging.Break{Kind: packaging.ContentChanged, Seq: 20, Until: 20},
		},
		"content changed, with a hash of its own": {func(exec func(string, ...any), raw *sqlDB, p *plant) {
			exec(`UPDATE history SET message = 'x' WHERE seq = 7`)
			p.rehash(exec, raw, 7, 7)
		}, packaging.Break{Kind: packaging.ContentChanged, Seq: 7, Until: 7}},
		"one deleted": {
			sql(`DELETE FROM history WHERE seq = 7`), packaging.Break{Kind: packaging.EntriesMissing, Seq: 7, Until: 7},
		},
		"three deleted": {
			sql(`DELETE FROM history WHERE seq BETWEEN 7 AND 9`),
			packaging.Break{Kind: packaging.EntriesMissing, Seq: 7, Until: 9},
		},
		"the first deleted": {
			sql(`DELETE FROM history WHERE seq = 1`), packaging.Break{Kind: packaging.EntriesMissing, Seq: 1, Until: 1},
		},
		"one deleted, the rest renumbered": {
			sql(`DELETE FROM history WHERE seq = 7`, fmt.Sprintf(renumber, -1, 7), settle),
			packaging.Break{Kind: packaging.EntriesMissing, Seq: 7, Until: 7},
		},
		"two deleted, the rest renumbered": {
			sql(`DELETE FROM history WHERE seq IN (7, 8)`, fmt.Sprintf(renumber, -2, 8), settle),
			packaging.Break{Kind: packaging.EntriesMissing, Seq: 7, Until: 8},
		},
		"the first deleted, the rest renumbered": {
			sql(`DELETE FROM history WHERE seq = 1`, fmt.Sprintf(renumber, -1, 1), settle),
			packaging.Break{Kind: packaging.EntriesMissing, Seq: 1, Until: 1},
		},
		"one inserted": {
			sql(fmt.Sprintf(renumber, 1, 6), settle, fmt.Sprintf(copied, 7, "zeroblob(32)", "zeroblob(32)")),
			packaging.Break{Kind: packaging.EntryInserted, Seq: 7, Until: 7},
		},
		"one inserted, with hashes of its own": {func(exec func(string, ...any), raw *sqlDB, p *plant) {
			for _, statement := range []string{
				fmt.Sprintf(renumber, 1, 6), settle, fmt.Sprintf(copied, 7, "zeroblob(32)", "zeroblob(32)"),
			} {
				exec(statement)
			}
			p.rehash(exec, raw, 7, 7)
		}, packaging.Break{Kind: packaging.EntryInserted, Seq: 7, Until: 7}},
		"two exchanged": {
			sql(
				`UPDATE history SET seq = -seq WHERE seq IN (7, 8)`,
				`UPDATE history SET seq = CASE seq WHEN -7 THEN 8 ELSE 7 END WHERE seq < 0`,
			),
			packaging.Break{Kind: packaging.OrderChanged, Seq: 7, Until: 7},
		},
		"two far apart exchanged": {
			sql(
				`UPDATE history SET seq = -seq WHERE seq IN (7, 16)`,
				`UPDATE history SET seq = CASE seq WHEN -7 THEN 16 ELSE 7 END WHERE seq < 0`,
			),
			packaging.Break{Kind: packaging.OrderChanged, Seq: 7, Until: 7},
		},
		"cut short": {
			sql(`DELETE FROM history WHERE seq > 15`),
			packaging.Break{Kind: packaging.HistoryTruncated, Seq: 16, Until: 20},
		},
		"emptied": {
			sql(`DELETE FROM history`), packaging.Break{Kind: packaging.HistoryTruncated, Seq: 1, Until: 20},
		},
		"given to nobody": {
			sql(`UPDATE history SET tenant_id = 2 WHERE seq > 18`),
			packaging.Break{Kind: packaging.HistoryTruncated, Seq: 19, Until: 20},
		},
		"rewritten from the start": {
			rewritten(1), packaging.Break{Kind: packaging.HistoryRewritten, Seq: 1, Until: 10},
		},
		"rewritten from the middle": {
			rewritten(12), packaging.Break{Kind: packaging.HistoryRewritten, Seq: 11, Until: 20},
		},
		"the newest rewritten": {rewritten(20), packaging.Break{Kind: packaging.HistoryRewritten, Seq: 11, Until: 20}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t)
			p.tamper(func(exec func(string, ...any), raw *sqlDB) {
				exec(`PRAGMA foreign_keys = OFF`)
				test.do(exec, raw, p)
			})
			v := p.verify()
			if v.Break != test.want || v.Whole() != (test.want.Kind == "") {
				t.Errorf("%+v, want %+v", v.Break, test.want)
			}
			if test.want.Kind == "" && (v.Head.Seq != 20 || v.Compared != 2) {
				t.Errorf("%d entries, %d anchors compared", v.Head.Seq, v.Compared)
			}
		})
	}
}

type sqlDB = sql.DB

// rewritten changes an entry and gives it, and all after it, right hashes.
func rewritten(from int64) func(exec func(string, ...any), raw *sqlDB, p *plant) {
	return func(exec func(string, ...any), raw *sqlDB, p *plant) {
		exec(`UPDATE history SET message = 'x' WHERE seq = ?`, from)
		p.rehash(exec, raw, from, 20)
	}
}

func TestAHistoryThatWasCutShortAndGoesOnIsFound(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.tamper(func(exec func(string, ...any), _ *sql.DB) { exec(`DELETE FROM history WHERE seq > 15`) })
	p.log.Reset()
	p.running(func(store *db.DB, w *anchors.Writer) { p.write(store, 30) })
	if v := p.verify(); v.Break != (packaging.Break{Kind: packaging.HistoryRewritten, Seq: 11, Until: 20}) {
		t.Errorf("%+v", v.Break)
	}
	if said := p.log.String(); !strings.Contains(said, "the history is not what its anchor says") {
		t.Errorf("at start the log says %q", said)
	}
}

// like returns a line of the file with another value in one of its fields, and without a release.
func like(line string, field int, value string) string {
	fields := strings.Fields(line)[:6]
	fields[field] = value
	return strings.Join(fields, " ") + "\n"
}

func TestAnchorsThatAreMissingAreTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(lines []string) []string
		want   packaging.AnchorsFound
	}{
		"all of them":   {nil, packaging.AnchorsFound{Lost: 2, Gone: true}},
		"an empty file": {func([]string) []string { return nil }, packaging.AnchorsFound{Lost: 2}},
		"the last":      {func(lines []string) []string { return lines[:1] }, packaging.AnchorsFound{Lost: 1}},
		"the first":     {func(lines []string) []string { return lines[1:] }, packaging.AnchorsFound{Lost: 1}},
		"half of the last": {
			func(lines []string) []string { return []string{lines[0], lines[1][:20]} },
			packaging.AnchorsFound{Lost: 1, Unreadable: 1},
		},
		"none, but a line more that is none": {
			func(lines []string) []string { return append(lines, "nonsense\n") }, packaging.AnchorsFound{Unreadable: 1},
		},
		"none, but a line more whose number is 0": {
			func(lines []string) []string { return append(lines, like(lines[1], 0, "0")) },
			packaging.AnchorsFound{Unreadable: 1},
		},
		"none, but a line more whose entry is no number": {
			func(lines []string) []string { return append(lines, like(lines[1], 4, "one")) },
			packaging.AnchorsFound{Unreadable: 1},
		},
		"none, but one of another site under the same key": {
			func(lines []string) []string {
				other := like(like(lines[0], 2, "lyon"), 0, "3")
				return append(lines, like(other, 5, strings.Repeat("00", 32)))
			},
			packaging.AnchorsFound{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t)
			content, err := os.ReadFile(p.anchors())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(p.anchors()); err != nil {
				t.Fatal(err)
			}
			if test.change != nil {
				lines := strings.SplitAfter(strings.TrimSuffix(string(content), "\n"), "\n")
				lines[1] += "\n"
				if err := os.WriteFile(p.anchors(), []byte(strings.Join(test.change(lines), "")), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if v := p.verify(); v.Anchors != test.want || v.Whole() != (test.want.Lost == 0) || v.Break.Kind != "" {
				t.Errorf("%+v, whole %v, %+v", v.Anchors, v.Whole(), v.Break)
			}
			// The program goes on with the number after the last one that it knows of: the gap stays.
			p.running(func(store *db.DB, _ *anchors.Writer) { p.write(store, 25) })
			if v := p.verify(); v.Anchors.Lost != test.want.Lost || v.Compared == 0 {
				t.Errorf("later: %+v, %d compared", v.Anchors, v.Compared)
			}
		})
	}
}

func TestAnchorsSurviveCrashesAndRestarts(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	for until := int64(25); until <= 40; until += 5 {
		p.running(func(store *db.DB, w *anchors.Writer) { p.write(store, until) })
	}
	// The program died after it wrote to the file and before the database knew of it.
	p.tamper(func(exec func(string, ...any), _ *sql.DB) { exec(`UPDATE anchoring SET lines = lines - 1`) })
	if v := p.verify(); !v.Whole() || v.Compared != 6 || v.Head.Seq != 40 {
		t.Errorf("%+v", v)
	}
	// The power failed while a line was written.
	file, err := os.OpenFile(p.anchors(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("7 2026-11-2"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	const torn = "the last anchor was not written whole"
	if strings.Contains(p.log.String(), torn) {
		t.Errorf("before the power failed, the log says %s", &p.log)
	}
	p.running(func(store *db.DB, w *anchors.Writer) {
		if !strings.Contains(p.log.String(), torn) {
			t.Errorf("after the power failed, the log says %s", &p.log)
		}
		p.write(store, 45)
		p.keep(w)
		// Somebody moved the file away while the program ran.
		if err := os.Rename(p.anchors(), p.anchors()+".old"); err != nil {
			t.Fatal(err)
		}
		p.write(store, 50)
	})
	if v := p.verify(); v.Anchors.Lost != 7 || v.Compared != 1 {
		t.Errorf("after it was moved away: %+v, %d compared", v.Anchors, v.Compared)
	}
	old, err := os.ReadFile(p.anchors() + ".old")
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := os.ReadFile(p.anchors())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.anchors(), append(old, fresh...), 0o600); err != nil {
		t.Fatal(err)
	}
	if v := p.verify(); !v.Whole() || v.Anchors.Unreadable != 1 || v.Compared != 8 {
		t.Errorf("put back: %+v, %d compared", v.Anchors, v.Compared)
	}
}

func TestAHeadIsKeptAfterManyEntriesOrALongTime(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	lines := func() int {
		content, err := os.ReadFile(p.anchors())
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(content, []byte("\n"))
	}
	p.running(func(store *db.DB, w *anchors.Writer) {
		look := func(want int, after string) {
			t.Helper()
			if err := w.WriteDue(t.Context()); err != nil || lines() != want {
				t.Errorf("%s: %d lines, want %d; %v", after, lines(), want, err)
			}
		}
		p.write(store, 21)
		look(2, "after one entry")
		p.now = p.now.Add(anchors.MaxAge)
		look(3, "after a long time")
		p.now = p.now.Add(anchors.MaxAge)
		look(3, "after a long time without an entry")
		p.write(store, 22)
		look(4, "after the first entry in a long time")
		p.write(store, 21+anchors.MaxEntries)
		look(4, "after one entry less than many")
		p.write(store, 22+anchors.MaxEntries)
		look(5, "after many entries")
		p.write(store, 23+anchors.MaxEntries)
		p.now = p.now.Add(-2 * anchors.MaxAge)
		look(6, "after the clock was set back")
		p.write(store, 24+anchors.MaxEntries)
	})
	if lines() != 7 {
		t.Errorf("at stop: %d lines, want 7", lines())
	}
	if n := strings.Count(p.log.String(), "history anchored"); n != 7 {
		t.Errorf("the log has %d of them", n)
	}
}

func TestAWriterEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.running(func(_ *db.DB, w *anchors.Writer) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}

// countingStore counts how often all indexes are checked.
type damagedStore struct {
	anchors.Store
	damaged bool
}

func (d *damagedStore) IndexFaults(ctx context.Context) ([]packaging.RecordFault, error) {
	faults, err := d.Store.IndexFaults(ctx)
	if d.damaged {
		faults = append(faults, packaging.RecordFault{Kind: packaging.FaultHidden, Record: "orders_by_lot", Key: "[]"})
	}
	return faults, err
}

// All sites share the indexes: what is found of them is told at each. Who asks again wants to know how it is now.
func TestIndexesAreToldOfAtEachSiteAsTheyAreNow(t *testing.T) {
	p := newPlant(t)
	store, err := db.OpenToRead(t.Context(), p.database())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	shared := &damagedStore{Store: store}
	verifier := anchors.NewVerifier(shared, p.anchors())
	for faults, damaged := range []bool{false, true} {
		shared.damaged = damaged
		indexes, err := verifier.IndexFaults(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for tenant := range packaging.TenantID(2) {
			v, err := verifier.VerifyAll(t.Context(), tenant+1, indexes, nil, func(int, int) {})
			if err != nil || len(v.Records) != faults {
				t.Errorf("%v, %v, want %d", v.Records, err, faults)
			}
		}
		if lists, err := verifier.VerifyLists(t.Context(), 1, func(int, int) {}); err != nil || len(lists) != faults {
			t.Errorf("of the lists alone: %v, %v, want %d", lists, err, faults)
		}
	}
}
