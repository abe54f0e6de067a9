package db

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"lineboard/internal/giveway"
	"lineboard/internal/packaging"
)

// Most of the time that reading an entry takes goes into its thirty values, one by one. Where many are read, SQLite
// joins the values of all into one text, which is taken apart here.

// separator stands between the values. It is another one in each process: nobody who changes entries by hand can know
// it. Its first character is nowhere else in it, so that a part of it before it parts nothing.
var separator = "\x1f" + rand.Text()[:6]

// joined reads a query for entryColumns as one row: how many entries there are, their values, and their hashes.
func joined(query string) string {
	return `SELECT count(*), coalesce(group_concat(concat_ws(?, tenant_id, seq, at, user_id, username, full_name, role, deed, order_id,
			order_key, line_code, line_name, release_id, object, old_value, new_value, outcome, reason, took_ms, http_status, code,
			message, serials, format, station, comment, records), ?), ''),
		coalesce(group_concat(concat(prev_hash, hash, coalesce(records_digest, zeroblob(32))), ''), '') FROM (` +
		query + `)`
}

const joinedValues = 27

// manyEntries returns the entries of a query for entryColumns, in its order.
func manyEntries(ctx context.Context, q querier, query string, args ...any) ([]packaging.Entry, error) {
	var n int
	var values string
	var hashes sql.RawBytes
	rows, err := q.QueryContext(ctx, joined(query), append([]any{separator, separator}, args...)...)
	if err != nil {
		return nil, coded(err)
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&n, &values, &hashes)
	}
	if err = cmp.Or(err, rows.Err()); err != nil {
		return nil, coded(err)
	}
	if entries, ok := takeApart(n, values, hashes); ok {
		return entries, nil
	}
	if err := rows.Close(); err != nil {
		return nil, coded(err)
	}
	return collect(ctx, q, scanEntry, query, args...) // something in them is not as it was written
}

// takeApart makes entries of what was joined. It fails where the values are not as many and as long as they must be.
func takeApart(n int, values string, hashes []byte) ([]packaging.Entry, bool) {
	if n == 0 {
		return nil, true
	}
	if len(hashes) != n*3*sha256.Size {
		return nil, false
	}
	entries := make([]packaging.Entry, n)
	whole, more := true, true
	for i := range entries {
		var v [joinedValues]string
		for j := range v {
			whole = whole && more
			v[j], values, more = strings.Cut(values, separator)
		}
		number := func(at int) int64 {
			n, err := strconv.ParseInt(v[at], 10, 64)
			whole = whole && err == nil
			return n
		}
		e := packaging.Entry{
			TenantID: packaging.TenantID(number(0)), Seq: number(1), At: moment(number(2)),
			By: packaging.Author{
				ID: packaging.UserID(number(3)), Username: v[4], FullName: v[5], Role: packaging.Role(v[6]),
				Station: v[24],
			},
			Deed: packaging.Deed(v[7]), OrderID: packaging.OrderID(number(8)), OrderKey: v[9], LineCode: v[10],
			LineName:  v[11],
			ReleaseID: packaging.ReleaseID(number(12)), Object: v[13], Old: v[14], New: v[15],
			Outcome: packaging.Outcome(v[16]), Reason: v[17], Took: time.Duration(number(18)) * time.Millisecond,
			HTTPStatus: int(number(19)), Code: v[20], Message: v[21], Serials: number(22), Format: int(number(23)),
			Comment: v[25], Records: number(26),
		}
		h := hashes[i*3*sha256.Size:]
		copy(e.Prev[:], h)
		copy(e.Hash[:], h[sha256.Size:])
		copy(e.RecordsDigest[:], h[2*sha256.Size:])
		entries[i] = e
	}
	return entries, whole && !more
}

// EachEntry hands the matching entries to do, newest first, until it fails. While do is at work on a page of them it
// reads the next one. It holds no connection while do is slow.
func (d *DB) EachEntry(
	ctx context.Context, in packaging.Scope, f packaging.HistoryFilter, do func(packaging.Entry) error,
) error {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	pages := make(chan []packaging.Entry)
	group, within := errgroup.WithContext(within)
	group.Go(func() error {
		defer close(pages)
		for f.Limit = 1_000; ; {
			var page packaging.HistoryPage
			err := d.readLong(within, in.Reader(), pageLimit, func(ctx context.Context, q querier) (err error) {
				page, err = historyOf(ctx, q, in, f)
				return err
			})
			if err != nil {
				return err
			}
			select {
			case pages <- page.Entries:
			case <-within.Done():
				return within.Err()
			}
			if f.Before = page.Next; f.Before == 0 {
				return nil
			}
		}
	})
	for page := range pages {
		for i, e := range page {
			if i%entriesAStep == 0 {
				giveway.Step()
			}
			if err := do(e); err != nil {
				cancel()
				_ = group.Wait() // it was told to end
				return err
			}
		}
	}
	return group.Wait()
}

const (
	entriesAtOnce = 500 // read by one query
	entryReaders  = 2   // side by side
	entriesAStep  = 100 // take about a millisecond
)

// EachEntryUp hands all entries of the tenant to do with the digest of their content, the oldest first, until it wants
// no more. It reads one state of the history, whatever is written meanwhile, and holds no connection while do is slow.
func (d *DB) EachEntryUp(
	ctx context.Context, tenant packaging.TenantID, do func(e packaging.Entry, digest [sha256.Size]byte) (more bool),
) error {
	var last int64
	if err := d.slow.QueryRowContext(
		ctx, `SELECT coalesce(max(seq), 0) FROM history WHERE tenant_id = ?`, tenant,
	).Scan(&last); err != nil {
		return coded(err)
	}
	stretches := max(int(last+entriesAtOnce-1)/entriesAtOnce, 1)
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	group, within := errgroup.WithContext(within)
	read := make([]chan stretch, entryReaders)
	for r := range read {
		read[r] = make(chan stretch, 2)
		group.Go(func() error {
			defer close(read[r])
			for i := r; i < stretches; i += entryReaders {
				some, err := d.stretch(within, tenant, int64(i), last)
				if err != nil {
					return err
				}
				select {
				case read[r] <- some:
				case <-within.Done():
					return within.Err()
				}
			}
			return nil
		})
	}
	for i := range stretches {
		some, ok := <-read[i%entryReaders]
		if !ok {
			return group.Wait()
		}
		for j, e := range some.entries {
			if j%entriesAStep == 0 {
				giveway.Step()
			}
			if !do(e, some.digests[j]) {
				cancel()
				_ = group.Wait() // it was told to end
				return nil
			}
		}
	}
	return group.Wait()
}

// stretch is some entries with the digests of their content.
type stretch struct {
	entries []packaging.Entry
	digests [][sha256.Size]byte
}

// stretch returns the entries of one stretch of the history up to the last one. The first has whatever stands before
// it.
func (d *DB) stretch(ctx context.Context, tenant packaging.TenantID, i, last int64) (s stretch, err error) {
	w := where{"tenant_id = ? AND seq <= ?", []any{tenant, min((i+1)*entriesAtOnce, last)}}
	w.and(i > 0, "seq > ?", i*entriesAtOnce)
	err = d.readLong(ctx, 0, pageLimit, func(ctx context.Context, q querier) (err error) {
		s.entries, err = manyEntries(
			ctx, q, `SELECT `+entryColumns+` FROM history WHERE `+w.sql+` ORDER BY seq, id`, w.args...,
		)
		return err
	})
	s.digests = make([][sha256.Size]byte, len(s.entries))
	for i := range s.entries {
		s.digests[i] = s.entries[i].Digest()
	}
	return s, err
}
