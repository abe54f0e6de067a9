package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"lineboard/internal/anchors"
	"lineboard/internal/packaging"
)

// The two histories: a long one, and one that is as short as any.
const (
	long    = "long"
	short   = "short"
	shortBy = 100 // entries
)

// measureHistory measures a history of a million entries, each figure beside the same on one of a hundred, or beside
// the bare work.
func (b *bench) measureHistory(ctx context.Context) error {
	b.say("filling a history with %s entries", thousands(int64(b.entries)))
	sides := map[string]*reader{}
	for name, entries := range map[string]int{long: b.entries, short: shortBy} {
		p, err := b.serve(ctx, name)
		if err != nil {
			return err
		}
		if err := errors.Join(
			b.stop(p), fillHistory(ctx, b.database(name), entries), fillReleases(ctx, b.database(name)),
		); err != nil {
			return err
		}
		r, err := b.read(ctx, &store{name: name})
		if err != nil {
			return err
		}
		defer r.db.Close() //nolint:errcheck // closed before the export; a second time does nothing
		sides[name] = r
	}
	for _, measure := range []func(context.Context, map[string]*reader) error{
		b.measurePages, b.measureReports, b.measureWriting, b.measureVerifying,
	} {
		if err := measure(ctx, sides); err != nil {
			return err
		}
	}
	for _, r := range sides {
		if err := r.db.Close(); err != nil {
			return err
		}
	}
	return b.measureExport(ctx)
}

func (b *bench) measurePages(ctx context.Context, sides map[string]*reader) error {
	b.say("history: pages")
	yesterday := epoch.Add(time.Duration(b.entries-10_000) * apart)
	for _, page := range []struct {
		what   string
		filter packaging.HistoryFilter
	}{
		{"first page", packaging.HistoryFilter{}},
		{"page of a line, of what was refused", packaging.HistoryFilter{LineCode: "L3", Outcome: packaging.Refused}},
		{
			"page of exceptions of a person, in some days",
			packaging.HistoryFilter{
				Exceptions: true, Person: "supervisor4", From: yesterday, To: yesterday.Add(72 * time.Hour),
			},
		},
		{
			"page of three filters that nothing has all of",
			packaging.HistoryFilter{
				LineCode: "L3", Person: "supervisor1", Outcome: packaging.Unknown, Deed: packaging.SignedIn,
			},
		},
		{"page of all but the newest, by time", packaging.HistoryFilter{To: yesterday}},
		{"text search for a rare word", packaging.HistoryFilter{Text: "order77"}},
		{"text search for two words, each in half of all", packaging.HistoryFilter{Text: "released packag"}},
	} {
		page.filter.Limit = 50
		var took [2][]float64
		for round := -1; round < b.rounds; round++ {
			for i, name := range []string{long, short} {
				started := time.Now()
				for range 10 {
					if _, err := sides[name].db.History(
						ctx, packaging.Everything(sides[name].tenant), page.filter,
					); err != nil {
						return err
					}
				}
				if round >= 0 {
					took[i] = append(took[i], milliseconds(time.Since(started))/10)
				}
			}
		}
		b.table.add(partHistory, fmt.Sprintf("%s entries: %s", thousands(int64(b.entries)), page.what),
			figure{median(took[0]), "ms"}, figure{median(took[1]), "ms"}, "100 entries")
	}
	return nil
}

// measureReports makes the report of a shift and that of one a hundred times as busy, each beside the sums that it
// begins with: how many releases each line had of which outcome, asked of the same history.
func (b *bench) measureReports(ctx context.Context, sides map[string]*reader) error {
	b.say("history: reports of shifts")
	raw, err := sql.Open(
		"sqlite", "file:"+(&url.URL{Path: b.database(long)}).EscapedPath()+"?mode=ro&_pragma=cache_size(-65536)",
	)
	if err != nil {
		return err
	}
	defer raw.Close()
	until := epoch.Add(time.Duration(b.entries) * apart)
	for _, length := range []time.Duration{8 * time.Hour, 800 * time.Hour} {
		shift := packaging.Occurrence{Shift: packaging.Shift{Name: "Early"}, Begin: until.Add(-length), Until: until}
		var entries, releases int
		var took [2][]float64
		for round := -1; round < b.rounds; round++ {
			started := time.Now()
			r, err := sides[long].db.ShiftReport(ctx, packaging.Everything(sides[long].tenant), shift)
			if err != nil {
				return err
			}
			total := r.Total()
			lines := r.Lines()
			ours := time.Since(started)
			entries, releases = int(r.History.Entries), int(total.Requested)
			if releases == 0 || len(lines) != 8 {
				return fmt.Errorf("the report has %d releases on %d lines", releases, len(lines))
			}
			started = time.Now()
			if err := sums(ctx, raw, sides[long].tenant, shift); err != nil {
				return err
			}
			if beside := time.Since(started); round >= 0 {
				took[0], took[1] = append(took[0], milliseconds(ours)), append(took[1], milliseconds(beside))
			}
		}
		b.table.add(partHistory, fmt.Sprintf(
			"  report of a shift, %s releases in %s entries", thousands(int64(releases)), thousands(int64(entries)),
		),
			figure{median(took[0]), "ms"}, figure{median(took[1]), "ms"}, "the sums alone, in SQL")
	}
	return nil
}

func sums(ctx context.Context, raw *sql.DB, tenant packaging.TenantID, o packaging.Occurrence) error {
	rows, err := raw.QueryContext(ctx, `SELECT line_code, outcome, count(*), sum(serials) FROM history
		WHERE tenant_id = ? AND at >= ? AND at < ? AND deed = 'release_ended' GROUP BY line_code, outcome`, tenant,
		o.Begin.UnixMilli(), o.Until.UnixMilli())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line, outcome string
		var n, serials int64
		if err := rows.Scan(&line, &outcome, &n, &serials); err != nil {
			return err
		}
	}
	return rows.Err()
}

// measureWriting writes entries one by one, each on the disk before the next, beside the same rows without a chain, an
// index or a trigger.
func (b *bench) measureWriting(ctx context.Context, sides map[string]*reader) error {
	b.say("history: writing")
	const settings = "?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate&_pragma=cache_size(-65536)"
	plain, err := sql.Open("sqlite", "file:"+filepath.Join(b.folder, "plain.db")+settings)
	if err != nil {
		return err
	}
	defer plain.Close()
	plain.SetMaxOpenConns(1)
	if _, err := plain.ExecContext(
		ctx, `CREATE TABLE history (id INTEGER PRIMARY KEY, `+historyColumns+`)`,
	); err != nil {
		return err
	}
	each := max(b.lookups/10, 20)
	var took [2][]float64
	for round := -1; round < b.rounds; round++ {
		for i, write := range []func(packaging.Entry) error{
			func(e packaging.Entry) error { return sides[long].db.Record(ctx, e) },
			func(e packaging.Entry) error {
				_, err := plain.ExecContext(ctx, insertEntry, valuesOf(e)...)
				return err
			},
		} {
			started := time.Now()
			for n := range each {
				if err := write(entry(sides[long].tenant, n)); err != nil {
					return err
				}
			}
			if round >= 0 {
				took[i] = append(took[i], milliseconds(time.Since(started))/float64(each))
			}
		}
	}
	b.table.add(
		partHistory, "  write one, durably", figure{median(took[0]), "ms"}, figure{median(took[1]), "ms"},
		"a plain insert, durably",
	)
	return nil
}

// measureVerifying checks the whole history with its records, and its chain alone, beside SHA-256 over the same bytes
// in memory.
func (b *bench) measureVerifying(ctx context.Context, sides map[string]*reader) error {
	b.say("history: verifying")
	r := sides[long]
	verifier := anchors.NewVerifier(r.db, filepath.Join(b.dataFolder(long), "anchors.log"))
	var rate, chain, bare []float64
	for range b.rounds {
		started := time.Now()
		check := packaging.NewChainCheck(r.tenant, nil, packaging.AnchorsFound{})
		if err := r.db.EachEntryUp(ctx, r.tenant, check.Add); err != nil {
			return err
		}
		chain = append(chain, float64(check.Verdict().Head.Seq)/time.Since(started).Seconds())
		started = time.Now()
		v, err := verifier.Verify(ctx, r.tenant)
		if err == nil && v.Break.Kind != "" {
			err = fmt.Errorf("the history that was filled does not hold: %s", v)
		}
		if err != nil {
			return err
		}
		rate = append(rate, float64(v.Head.Seq)/time.Since(started).Seconds())
		content := make([][]byte, 10_000)
		for i := range content {
			content[i] = entry(r.tenant, i).Canonical()
		}
		hashed := sha256.New()
		started = time.Now()
		for n := range int(v.Head.Seq) {
			hashed.Reset()
			hashed.Write(content[n%len(content)])
			hashed.Sum(nil)
		}
		bare = append(bare, float64(v.Head.Seq)/time.Since(started).Seconds())
	}
	b.table.add(
		partHistory, "  verify the chain alone", figure{median(chain), "/s"}, figure{median(bare), "/s"},
		"bare SHA-256, the same bytes",
	)
	b.table.add(
		partHistory, "  verify all of them", figure{median(rate), "/s"}, figure{median(bare), "/s"},
		"bare SHA-256, the same bytes",
	)
	return nil
}

// measureExport takes the export out as a person does, beside what SQLite's own program writes as CSV.
func (b *bench) measureExport(ctx context.Context) error {
	b.say("history: export")
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		b.say("sqlite3 is not installed: the export is not compared with its CSV")
		return nil
	}
	server, err := b.serveFilled(ctx, long)
	if err != nil {
		return err
	}
	p, err := signIn(ctx, server)
	if err != nil {
		return err
	}
	var took [2][]float64
	for range b.rounds {
		started := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.base+"/history.csv", nil)
		if err != nil {
			return err
		}
		answer, err := p.client.Do(request)
		if err != nil {
			return err
		}
		bytes, err := io.Copy(io.Discard, answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil || bytes < int64(b.entries)*100 {
			return fmt.Errorf("the export has %d bytes: %w", bytes, err)
		}
		took[0] = append(took[0], milliseconds(time.Since(started)))
		started = time.Now()
		own := exec.CommandContext(
			ctx, program, "-readonly", "-csv", b.database(long),
			"SELECT *, hex(prev_hash), hex(hash) FROM history ORDER BY seq DESC",
		)
		out, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		own.Stdout = out
		if err := errors.Join(own.Run(), out.Close()); err != nil {
			return err
		}
		took[1] = append(took[1], milliseconds(time.Since(started)))
	}
	b.table.add(
		partHistory, "  export all of them over HTTP", figure{median(took[0]), "ms"}, figure{median(took[1]), "ms"},
		"sqlite3 -csv to nowhere",
	)
	return b.stop(server)
}

// Entries of the history that is filled are so far apart: a million of them are a year.
const apart = 30 * time.Second

var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// entry is one as a site has them: half of them are releases and what became of them.
func entry(tenant packaging.TenantID, n int) packaging.Entry {
	order, line := n/4, n/4%8+1
	e := packaging.Entry{
		TenantID: tenant, At: epoch.Add(time.Duration(n) * apart), Format: packaging.EntryFormat,
		By: packaging.Author{
			ID: packaging.UserID(n/4%20 + 1), Username: fmt.Sprintf("supervisor%d", n/4%20+1),
			FullName: fmt.Sprintf("Supervisor %d", n/4%20+1), Role: packaging.Supervisor,
			Station: fmt.Sprintf("Tablet %d", line),
		},
		OrderID: packaging.OrderID(order + 1), OrderKey: fmt.Sprintf("Order%d", order),
		LineCode:  fmt.Sprintf("L%d", line),
		LineName:  fmt.Sprintf("Blister line %d", line),
		ReleaseID: packaging.ReleaseID(order + 1), Deed: packaging.ReleaseRequested,
	}
	switch n % 4 {
	case 1:
		e.Deed, e.Outcome, e.Took, e.HTTPStatus, e.Serials = packaging.ReleaseEnded, packaging.Released, 812*time.Millisecond, 200, 11_000
		e.Object, e.Old, e.New, e.Message = "order status", "Pending release", "In progress", "Packaging order released"
		switch {
		case order%50 == 7:
			e.Outcome, e.Reason, e.Serials, e.Message, e.New = packaging.Unknown, "timed_out", 0, "", ""
		case order%12 == 5:
			e.Outcome, e.Reason, e.Serials, e.Message, e.New = packaging.Refused, "wrong_status", 0, "Packaging order is in status: Suspended", "Suspended"
		}
	case 2, 3:
		e.OrderID, e.OrderKey, e.LineCode, e.LineName, e.ReleaseID = 0, "", "", "", 0
		e.Deed = packaging.SignedIn
		if n%4 == 3 {
			e.Deed, e.Object = packaging.Exported, "serials.csv"
		}
	}
	return e
}

const historyColumns = `tenant_id, seq, at, user_id, username, full_name, role, deed, order_id, order_key, line_code, line_name, release_id,
	object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials, prev_hash, hash, format, station, comment`

var insertEntry = `INSERT INTO history (` + historyColumns + `) VALUES (?` + strings.Repeat(",?", 27) + `)`

// valuesOf are the values of an entry, as insertEntry takes them.
func valuesOf(e packaging.Entry) []any {
	return []any{
		e.TenantID, e.Seq, e.At.UnixMilli(), e.By.ID, e.By.Username, e.By.FullName, e.By.Role, e.Deed, e.OrderID,
		e.OrderKey,
		e.LineCode, e.LineName, e.ReleaseID,
		e.Object, e.Old, e.New, e.Outcome, e.Reason, e.Took.Milliseconds(), e.HTTPStatus, e.Code, e.Message, e.Serials,
		e.Prev[:], e.Hash[:], e.Format, e.By.Station, e.Comment,
	}
}

// openToFill opens a database for what need not survive a crash.
func openToFill(path string) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+url.Values{
		"_pragma": {"locking_mode(EXCLUSIVE)", "journal_mode(OFF)", "synchronous(OFF)", "cache_size(-500000)"},
	}.Encode())
	if err == nil {
		pool.SetMaxOpenConns(1)
	}
	return pool, err
}

// fillReleases adds the orders and releases that the history tells of. Those whose outcome was unknown were settled a
// minute later, so that nothing asks about them.
func fillReleases(ctx context.Context, path string) error {
	pool, err := openToFill(path)
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, statement := range []string{
		`INSERT INTO orders (tenant_id, order_key, line_code, line_name, product, gtin, lot, expiry, quantity, extra_percent, status, raw, listed, first_seen_at, confirmed_at)
			SELECT tenant_id, order_key, line_code, line_name, 'Paracetamol 500 mg', '', '', '', '', '', 'Done', '{}', 0, at - 3600000, at
			FROM history WHERE deed = 'release_requested' ON CONFLICT DO NOTHING`,
		`INSERT INTO order_events (tenant_id, order_id, at, kind, new_value, source)
			SELECT tenant_id, id, first_seen_at, 'seen', 'Pending release', 'list' FROM orders WHERE status = 'Done'`,
		`INSERT INTO releases (tenant_id, order_id, user_id, username, full_name, role, station, line_code, line_name, requested_at, serials_expected, outcome)
			SELECT h.tenant_id, o.id, h.user_id, h.username, h.full_name, h.role, h.station, h.line_code, h.line_name, h.at, 11000, 'sending'
			FROM history h JOIN orders o ON o.tenant_id = h.tenant_id AND o.order_key = h.order_key WHERE h.deed = 'release_requested'`,
		`UPDATE releases SET outcome = iif(e.outcome = 'released', 'released', 'refused'), answered_at = e.at, reason = iif(e.outcome = 'unknown', 'not_carried_out', e.reason),
			proof = iif(e.outcome = 'unknown', 'status', 'answer'), settled_at = iif(e.outcome = 'unknown', e.at + 60000, NULL),
			list_source = iif(e.outcome = 'released', 'answer', ''), list_at = iif(e.outcome = 'released', e.at, NULL), serials_received = e.serials,
			message = e.message, http_status = e.http_status
			FROM (SELECT h.*, o.id AS released FROM history h JOIN orders o ON o.tenant_id = h.tenant_id AND o.order_key = h.order_key WHERE h.deed = 'release_ended') AS e
			WHERE e.released = releases.order_id`,
	} {
		if _, err := pool.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// fillHistory adds entries with right hashes, as they would have come in years: the schema's triggers are at work.
func fillHistory(ctx context.Context, path string, entries int) error {
	pool, err := openToFill(path)
	if err != nil {
		return err
	}
	defer pool.Close()
	var tenant packaging.TenantID
	var seq int64
	var prev []byte
	if err := pool.QueryRowContext(
		ctx, `SELECT tenant_id, seq, hash FROM history ORDER BY seq DESC LIMIT 1`,
	).Scan(&tenant, &seq, &prev); err != nil {
		return err
	}
	for n := 0; n < entries; {
		tx, err := pool.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		add, err := tx.PrepareContext(ctx, insertEntry)
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		for range min(10_000, entries-n) {
			e := entry(tenant, n)
			seq++
			e.Seq = seq
			copy(e.Prev[:], prev)
			e.Hash = e.Digest()
			prev = e.Hash[:]
			if _, err := add.ExecContext(ctx, valuesOf(e)...); err != nil {
				return errors.Join(err, tx.Rollback())
			}
			n++
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}
