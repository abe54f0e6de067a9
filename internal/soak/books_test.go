package soak

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	store "lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
)

// books are the accounts of the same releases: what the sandbox carried out and what reached it, what the database
// says, what the history says, and what was told to those who pressed.
type books struct {
	sandbox   map[string]sandbox.Order
	keys      []string
	carried   []sandbox.Released
	patches   []patch
	presses   []press
	orders    map[string]orderRow
	releases  map[string][]*releaseRow // of each order, by its ID, the oldest first
	byID      map[int64]*releaseRow
	serials   map[int64][]string
	history   []packaging.Entry
	integrity []string
}

type orderRow struct {
	id     int64
	key    string
	status string
	gone   bool
	last   int64 // its latest release, 0 for none
}

type releaseRow struct {
	id          int64
	order, user string
	requested   time.Time
	answered    time.Time
	outcome     packaging.Outcome
	reason      packaging.Reason
	proof       packaging.Proof
	list        packaging.ListSource
	received    int64
	oddities    string
	entries     []packaging.Entry // of the history, in their order
	patches     []patch           // that this release sent
}

// database opens the database of the program to read it.
func (s *soak) database() *sql.DB {
	s.t.Helper()
	return s.databaseOf(s.args[4])
}

// databaseOf opens the database of a data folder to read it.
func (s *soak) databaseOf(data string) *sql.DB {
	s.t.Helper()
	path := filepath.Join(data, "lineboard.db")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro")
	if err != nil {
		s.t.Fatal(err)
	}
	return db
}

// readBooks reads the database of the stopped program.
func (s *soak) readBooks() books {
	db := s.database()
	defer db.Close()
	b := books{
		sandbox: map[string]sandbox.Order{}, keys: s.orders, carried: s.remote.box.Released(), patches: s.remote.of(""),
		presses: s.presses,
		orders:  map[string]orderRow{}, releases: map[string][]*releaseRow{}, byID: map[int64]*releaseRow{},
		serials: map[int64][]string{},
	}
	for _, key := range s.orders {
		b.sandbox[key], _ = s.remote.box.Order(key)
	}
	each(s.t, db, `SELECT id, order_key, status, gone, coalesce(last_release_id, 0) FROM orders`,
		func(scan func(...any)) {
			var o orderRow
			scan(&o.id, &o.key, &o.status, &o.gone, &o.last)
			b.orders[o.key] = o
		})
	each(s.t, db, `
		SELECT r.id, o.order_key, r.username, r.requested_at, coalesce(r.answered_at, 0), r.outcome, r.reason, r.proof, r.list_source,
			r.serials_received, r.oddities
		FROM releases r JOIN orders o ON o.id = r.order_id ORDER BY r.id`, func(scan func(...any)) {
		r := &releaseRow{}
		var requested, answered int64
		scan(
			&r.id, &r.order, &r.user, &requested, &answered, &r.outcome, &r.reason, &r.proof, &r.list, &r.received,
			&r.oddities,
		)
		r.requested, r.answered = time.UnixMilli(requested), time.UnixMilli(answered)
		b.releases[r.order] = append(b.releases[r.order], r)
		b.byID[r.id] = r
	})
	each(s.t, db, `SELECT id >> 24, packed FROM serial_blocks ORDER BY id`, func(scan func(...any)) {
		var order int64
		var packed []byte
		scan(&order, &packed)
		serials, err := store.UnpackSerials(packed)
		if err != nil {
			s.t.Error(err)
		}
		b.serials[order] = append(b.serials[order], serials...)
	})
	each(s.t, db, `PRAGMA integrity_check`, func(scan func(...any)) {
		var said string
		if scan(&said); said != "ok" {
			b.integrity = append(b.integrity, said)
		}
	})
	each(s.t, db, `PRAGMA foreign_key_check`, func(scan func(...any)) {
		b.integrity = append(b.integrity, "a foreign key points nowhere")
	})
	each(s.t, db, `
		SELECT tenant_id, seq, at, user_id, username, full_name, role, deed, order_id, order_key, line_code, line_name, release_id,
			object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials, prev_hash, hash, format,
			station, comment, records, records_digest
		FROM history ORDER BY tenant_id, seq`, func(scan func(...any)) {
		var e packaging.Entry
		var at, took int64
		var prev, hash, records []byte
		scan(&e.TenantID, &e.Seq, &at, &e.By.ID, &e.By.Username, &e.By.FullName, &e.By.Role, &e.Deed, &e.OrderID,
			&e.OrderKey, &e.LineCode,
			&e.LineName, &e.ReleaseID, &e.Object, &e.Old, &e.New, &e.Outcome, &e.Reason, &took, &e.HTTPStatus, &e.Code,
			&e.Message,
			&e.Serials, &prev, &hash, &e.Format, &e.By.Station, &e.Comment, &e.Records, &records)
		e.At, e.Took = time.UnixMilli(at), time.Duration(took)*time.Millisecond
		copy(e.Prev[:], prev)
		copy(e.Hash[:], hash)
		copy(e.RecordsDigest[:], records)
		b.history = append(b.history, e)
	})
	return b
}

// each runs a query and hands its rows on.
func each(t *testing.T, db *sql.DB, query string, row func(scan func(...any))) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	defer rows.Close()
	for rows.Next() {
		row(func(into ...any) {
			if err := rows.Scan(into...); err != nil {
				t.Fatalf("%v: %s", err, query)
			}
		})
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v: %s", err, query)
	}
}
