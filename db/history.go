package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

const entryColumns = `tenant_id, seq, at, user_id, username, full_name, role, deed, order_id, order_key, line_code,
	line_name, release_id, object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials,
	prev_hash, hash, format, station, comment, records, records_digest`

// record adds an entry to the tenant's history at the end of the transaction, with what all of it has changed.
func (t *tx) record(e packaging.Entry) error {
	t.entries = append(t.entries, e)
	return nil
}

// writeEntries writes the entries of the transaction.
func (t *tx) writeEntries() error {
	for _, e := range t.entries {
		if err := t.writeEntry(e); err != nil {
			return err
		}
	}
	return nil
}

// writeEntry fills in the time, the place in the chain, what the entry covers of the log of records, and the hashes.
func (t *tx) writeEntry(e packaging.Entry) error {
	e.At = t.now
	var prev []byte
	var covered int64
	err := t.row(`SELECT seq, hash, records FROM history WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1`, e.TenantID).
		Scan(&e.Seq, &prev, &covered)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	e.Seq++
	e.Format = packaging.EntryFormat
	copy(e.Prev[:], prev)
	if e.Records, e.RecordsDigest, err = t.logAfter(e.TenantID, covered); err != nil {
		return err
	}
	for _, text := range []*string{
		&e.By.Username, &e.By.FullName, &e.OrderKey, &e.LineCode, &e.LineName,
		&e.Object, &e.Old, &e.New, &e.Reason, &e.Code, &e.Message, &e.By.Station, &e.Comment,
	} {
		*text = strings.ToValidUTF8(*text, "�") // what the hash is over must be what any reader gets back
	}
	e.Took = e.Took.Truncate(time.Millisecond)
	e.Hash = e.Digest()
	if e.ReleaseID != 0 && (e.Deed == packaging.ReleaseRequested || e.Outcome != "") {
		t.releases = append(t.releases, e)
	}
	return t.exec(`INSERT INTO history (`+entryColumns+`)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		e.TenantID, e.Seq, millis(e.At), e.By.ID, e.By.Username, e.By.FullName, e.By.Role, e.Deed, e.OrderID,
		e.OrderKey,
		e.LineCode, e.LineName, e.ReleaseID, e.Object, e.Old, e.New, e.Outcome, e.Reason, e.Took.Milliseconds(),
		e.HTTPStatus, e.Code, e.Message, e.Serials, e.Prev[:], e.Hash[:], e.Format, e.By.Station, e.Comment,
		e.Records, e.RecordsDigest[:])
}

func scanEntry(row scanner) (e packaging.Entry, err error) {
	var at, took int64
	var prev, hash, records []byte
	err = row.Scan(&e.TenantID, &e.Seq, &at, &e.By.ID, &e.By.Username, &e.By.FullName, &e.By.Role, &e.Deed, &e.OrderID,
		&e.OrderKey, &e.LineCode, &e.LineName, &e.ReleaseID, &e.Object, &e.Old, &e.New, &e.Outcome, &e.Reason, &took,
		&e.HTTPStatus, &e.Code, &e.Message, &e.Serials, &prev, &hash, &e.Format, &e.By.Station, &e.Comment,
		&e.Records, &records)
	e.At, e.Took = moment(at), time.Duration(took)*time.Millisecond
	copy(e.Prev[:], prev)
	copy(e.Hash[:], hash)
	copy(e.RecordsDigest[:], records)
	return e, err
}

// Record adds an entry that stands for itself: nothing else changes with it.
func (d *DB) Record(ctx context.Context, e packaging.Entry) error {
	return d.tx(ctx, func(t *tx) error { return t.record(e) })
}

// History returns a page of the entries, newest first. A limited scope has those of its lines, by the code that the
// line had then, and of those without a line the person's own.
func (d *DB) History(
	ctx context.Context, in packaging.Scope, f packaging.HistoryFilter,
) (page packaging.HistoryPage, err error) {
	err = d.search(ctx, in.Reader(), f.Text, func(ctx context.Context, q querier) error {
		page, err = historyOf(ctx, q, in, f)
		return err
	})
	return page, err
}

func historyOf(
	ctx context.Context, q querier, in packaging.Scope, f packaging.HistoryFilter,
) (packaging.HistoryPage, error) {
	query, args, err := historyQuery(ctx, q, in, f)
	if err != nil || query == "" {
		return packaging.HistoryPage{}, err
	}
	entries, err := manyEntries(ctx, q, query, args...)
	more := len(entries) > f.Limit
	entries = entries[:min(len(entries), f.Limit)]
	page := packaging.HistoryPage{Entries: entries}
	older, newer := more, f.Before > 0
	if f.After > 0 {
		slices.Reverse(entries)
		older, newer = true, more
	}
	if n := len(entries); n > 0 {
		if older {
			page.Next = entries[n-1].Seq
		}
		if newer {
			page.Newer = entries[0].Seq
		}
	}
	return page, err
}

// NewEntries counts the matching entries after one, up to the filter's limit and one more, which says that there are
// more.
func (d *DB) NewEntries(ctx context.Context, in packaging.Scope, f packaging.HistoryFilter) (n int, err error) {
	err = d.search(ctx, in.Reader(), f.Text, func(ctx context.Context, q querier) error {
		query, args, err := historyQuery(ctx, q, in, f)
		if err != nil || query == "" {
			return err
		}
		return q.QueryRowContext(ctx, `SELECT count(*) FROM (`+query+`)`, args...).Scan(&n)
	})
	return n, coded(err)
}

// Entry returns one entry of the history; one that is not in the scope is not found. It follows the one before it where
// its hash is over its content and over the hash that the one before has.
func (d *DB) Entry(ctx context.Context, in packaging.Scope, seq int64) (e packaging.Entry, follows bool, err error) {
	conditions, args := historyWhere(in, packaging.HistoryFilter{})
	e, err = scanEntry(
		d.read.QueryRowContext(
			ctx, `SELECT `+entryColumns+` FROM history WHERE `+conditions+` AND seq = ?`, append(args, seq)...,
		),
	)
	if err != nil {
		return e, false, coded(err)
	}
	before := make([]byte, len(e.Prev)) // of the first entry
	err = d.read.QueryRowContext(ctx, `SELECT hash FROM history WHERE tenant_id = ? AND seq = ?`, in.Tenant(), seq-1).
		Scan(&before)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return e, e.Digest() == e.Hash && bytes.Equal(e.Prev[:], before), coded(err)
}

// HistoryPeople returns whom the tenant's history names, by username, each as of their newest entry: also those who are
// not there any more, and the program itself.
func (d *DB) HistoryPeople(ctx context.Context, tenant packaging.TenantID) ([]packaging.Author, error) {
	return collect(ctx, d.slow,
		func(row scanner) (a packaging.Author, err error) { return a, row.Scan(&a.Username, &a.FullName) }, `
		WITH RECURSIVE person (username) AS (
			SELECT min(username) FROM history WHERE tenant_id = ?1
			UNION ALL
			SELECT (SELECT min(username) FROM history WHERE tenant_id = ?1 AND username > person.username)
			FROM person WHERE person.username IS NOT NULL
		)
		SELECT username, (SELECT full_name FROM history h WHERE h.tenant_id = ?1 AND h.username = person.username ORDER BY seq DESC LIMIT 1)
		FROM person WHERE username IS NOT NULL ORDER BY username COLLATE naturally`, tenant)
}
