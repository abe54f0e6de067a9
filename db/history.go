package db

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

const entryColumns = `tenant_id, seq, at, user_id, username, full_name, role, deed, order_id, order_key, line_code,
	line_name, release_id, object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials,
	prev_hash, hash, format, station, comment`

// record adds an entry to the tenant's history. It fills in the time, the place in the chain and the hashes.
func (t *tx) record(e packaging.Entry) error {
	e.At = t.now
	var prev []byte
	err := t.row(`SELECT seq, hash FROM history WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1`, e.TenantID).Scan(&e.Seq, &prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	e.Seq++
	e.Format = packaging.EntryFormat
	copy(e.Prev[:], prev)
	for _, text := range []*string{
		&e.By.Username, &e.By.FullName, &e.OrderKey, &e.LineCode, &e.LineName,
		&e.Object, &e.Old, &e.New, &e.Reason, &e.Code, &e.Message, &e.By.Station, &e.Comment,
	} {
		*text = strings.ToValidUTF8(*text, "�") // what the hash is over must be what any reader gets back
	}
	e.Took = e.Took.Truncate(time.Millisecond)
	e.Hash = e.Digest()
	return t.exec(`INSERT INTO history (`+entryColumns+`)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		e.TenantID, e.Seq, millis(e.At), e.By.ID, e.By.Username, e.By.FullName, e.By.Role, e.Deed, e.OrderID, e.OrderKey,
		e.LineCode, e.LineName, e.ReleaseID, e.Object, e.Old, e.New, e.Outcome, e.Reason, e.Took.Milliseconds(),
		e.HTTPStatus, e.Code, e.Message, e.Serials, e.Prev[:], e.Hash[:], e.Format, e.By.Station, e.Comment)
}

func scanEntry(row scanner) (e packaging.Entry, err error) {
	var at, took int64
	var prev, hash []byte
	err = row.Scan(&e.TenantID, &e.Seq, &at, &e.By.ID, &e.By.Username, &e.By.FullName, &e.By.Role, &e.Deed, &e.OrderID,
		&e.OrderKey, &e.LineCode, &e.LineName, &e.ReleaseID, &e.Object, &e.Old, &e.New, &e.Outcome, &e.Reason, &took,
		&e.HTTPStatus, &e.Code, &e.Message, &e.Serials, &prev, &hash, &e.Format, &e.By.Station, &e.Comment)
	e.At, e.Took = moment(at), time.Duration(took)*time.Millisecond
	copy(e.Prev[:], prev)
	copy(e.Hash[:], hash)
	return e, err
}

// Record adds an entry that stands for itself: nothing else changes with it.
func (d *DB) Record(ctx context.Context, e packaging.Entry) error {
	return d.tx(ctx, func(t *tx) error { return t.record(e) })
}

// History gives a page of the entries, newest first. A limited scope has those of its lines, by the code that the line had
// then, and of those without a line the person's own.
func (d *DB) History(ctx context.Context, in packaging.Scope, f packaging.HistoryFilter) (packaging.HistoryPage, error) {
	where, args := historyWhere(in, f)
	entries, err := collect(ctx, d.read, scanEntry,
		`SELECT `+entryColumns+` FROM history WHERE `+where+` ORDER BY seq DESC LIMIT ?`, append(args, f.Limit+1)...)
	page := packaging.HistoryPage{Entries: entries}
	if len(entries) > f.Limit {
		page.Entries = entries[:f.Limit]
		page.Next = page.Entries[f.Limit-1].Seq
	}
	return page, err
}

// EachEntry hands the matching entries to do, newest first, until it fails. It holds no more than a page of them, and no
// connection while do is slow.
func (d *DB) EachEntry(ctx context.Context, in packaging.Scope, f packaging.HistoryFilter, do func(packaging.Entry) error) error {
	for f.Limit = 1_000; ; {
		page, err := d.History(ctx, in, f)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			if err := do(e); err != nil {
				return err
			}
		}
		if f.Before = page.Next; f.Before == 0 {
			return nil
		}
	}
}

func historyWhere(in packaging.Scope, f packaging.HistoryFilter) (string, []any) {
	w := where{"tenant_id = ?", []any{in.Tenant()}}
	w.and(in.Limited(), `(line_code IN (SELECT code FROM lines WHERE id IN (SELECT value FROM json_each(?))) OR line_code = '' AND user_id = ?)`,
		lineList(in), in.Person())
	w.and(f.LineCode != "", "line_code = ?", f.LineCode)
	w.and(f.OrderKey != "", "order_key = ?", f.OrderKey)
	w.and(f.Person != "", "username = ?", f.Person)
	w.and(f.Outcome != "", "outcome = ?", f.Outcome)
	w.and(!f.From.IsZero(), "at >= ?", millis(f.From))
	w.and(!f.To.IsZero(), "at < ?", millis(f.To))
	w.and(f.Before > 0, "seq < ?", f.Before)
	return w.sql, w.args
}
