package db

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	_ "lineboard/internal/secret/cheaphash"
	"lineboard/internal/testkit/thorough"
)

var start = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

func box(t testing.TB, fill byte) *secret.Box {
	t.Helper()
	b, err := secret.NewBox(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func setup(slug string) TenantSetup {
	return TenantSetup{
		Tenant: packaging.Tenant{
			Slug: slug, Name: "Plant " + slug, TimeZone: "Europe/Brussels", BaseURL: "http://127.0.0.1:1",
		},
		Credentials: secret.Credentials{
			TokenKind: "dynamic", TokenHeader: "x-access-token",
			APIKey: secret.New("canary-key"), APISecret: secret.New("canary-secret"),
			ChannelKey: secret.New("canary-channel"),
		},
		Lines: []packaging.Line{{Code: "L1", Name: "Blister line 1"}},
		People: []PersonSetup{
			{
				Username: slug + "-boss", FullName: "The boss of " + slug, Role: packaging.Supervisor,
				Password: secret.New("canary-password"),
			},
		},
	}
}

// opened is a database with the tenants ghent and basel.
func opened(t *testing.T) (*DB, packaging.Person, packaging.Person) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lineboard.db")
	writeCopy(t, file, "two tenants", func(file string) {
		d := openTicking(t, file, start, time.Second)
		defer d.Close()
		if err := d.Provision(t.Context(), Site{setup("ghent"), setup("basel")}); err != nil {
			t.Fatal(err)
		}
	})
	d := openTicking(t, file, start.Add(time.Minute), time.Second)
	t.Cleanup(func() {
		nothingWasDoneByHand(t, d)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d, boss(t, d, "ghent"), boss(t, d, "basel")
}

// openTicking opens a database whose clock moves on with each look at it.
func openTicking(t testing.TB, file string, from time.Time, tick time.Duration) *DB {
	t.Helper()
	now := from
	d, err := Open(t.Context(), file, box(t, 1), func() time.Time {
		now = now.Add(tick)
		return now
	})
	if err != nil {
		t.Fatal(err)
	}
	unsynced(t, d)
	return d
}

// unsynced has a test not wait for the disk: no test pulls the plug.
func unsynced(t testing.TB, d *DB) {
	t.Helper()
	if _, err := d.write.ExecContext(t.Context(), `PRAGMA synchronous = OFF`); err != nil {
		t.Fatal(err)
	}
}

// copies are the databases that tests begin with, by name.
var copies struct {
	sync.Mutex
	content map[string][]byte
}

// writeCopy writes the named database to a file. It is filled once for all tests, because hashing passwords and
// creating the schema take time.
func writeCopy(t testing.TB, file, name string, fill func(file string)) {
	t.Helper()
	copies.Lock()
	defer copies.Unlock()
	content, filled := copies.content[name]
	if !filled {
		first := filepath.Join(t.TempDir(), "first.db")
		fill(first)
		var err error
		if content, err = os.ReadFile(first); err != nil {
			t.Fatal(err)
		}
		if copies.content == nil {
			copies.content = map[string][]byte{}
		}
		copies.content[name] = content
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func boss(t *testing.T, d *DB, slug string) packaging.Person {
	t.Helper()
	user, _, err := d.Credential(t.Context(), strings.ToUpper(slug)+"-BOSS")
	if err != nil {
		t.Fatal(err)
	}
	people, err := d.Memberships(t.Context(), user)
	if err != nil || len(people) != 1 {
		t.Fatalf("%d memberships, %v", len(people), err)
	}
	return people[0]
}

// become returns a person one role, and limits them to lines; with none the limit is lifted. It gives them as they then
// are.
func become(t *testing.T, d *DB, p packaging.Person, role packaging.Role, lines ...packaging.LineID) packaging.Person {
	t.Helper()
	if err := d.tx(t.Context(), func(t *tx) error {
		s := &setupTx{tx: t, tenant: p.Tenant.ID}
		if err := s.giveRole(p.ID, role); err != nil {
			return err
		}
		return s.limitLines(p.ID, lines)
	}); err != nil {
		t.Fatal(err)
	}
	p.Role, p.Lines = role, lines
	return p
}

// facts are those of an order that can be released.
func facts(key string) packaging.Facts {
	return packaging.Facts{
		Key: key, LineCode: "L1", Product: "Paracetamol", GTIN: "09506000134352", Lot: "ABC123", Expiry: "2028-12-31",
		Quantity: "2", ExtraPercent: "0", Status: packaging.PendingRelease, Raw: []byte(`{"order_id":"` + key + `"}`),
	}
}

// cache puts orders into a tenant's cache and gives the first.
func cache(t *testing.T, d *DB, tenant packaging.TenantID, all ...packaging.Facts) packaging.Order {
	t.Helper()
	if _, err := d.ApplyRefresh(t.Context(), tenant, packaging.Refresh{Started: d.now(), Listed: all}); err != nil {
		t.Fatal(err)
	}
	return order(t, d, tenant, all[0].Key)
}

func order(t *testing.T, d *DB, tenant packaging.TenantID, key string) packaging.Order {
	t.Helper()
	page, err := d.SearchOrders(t.Context(), packaging.Everything(tenant), packaging.OrderFilter{Text: key, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(page.Orders, func(o packaging.Order) bool { return o.Key == key })
	if i < 0 {
		t.Fatalf("no order %q", key)
	}
	return page.Orders[i]
}

func released(serials ...string) packaging.Answer {
	return packaging.Answer{
		Outcome: packaging.Released, Serials: serials, Message: "Packaging order released", HTTPStatus: 200,
	}
}

// What a page shows as an obstacle the claim refuses too, whoever asks for it.
func TestAnOrderThatIsNotPendingReleaseIsNotClaimed(t *testing.T) {
	d, ghent, _ := opened(t)
	for _, status := range []packaging.Status{packaging.Open, packaging.InProgress, packaging.Suspended, packaging.Done} {
		f := facts("order " + string(status))
		f.Status = status
		o := cache(t, d, ghent.Tenant.ID, f)
		_, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID, Revision: o.Revision})
		var why *packaging.Error
		if !errors.As(err, &why) || why.Key != "obstacle.not_pending" {
			t.Errorf("%s: %v", status, err)
		}
	}
	gone := cache(t, d, ghent.Tenant.ID, facts("gone"))
	if _, err := d.ApplyRefresh(t.Context(), ghent.Tenant.ID, packaging.Refresh{
		Started: d.now(), Gone: []string{"gone"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: gone.ID},
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("an order that is gone: %v", err)
	}
}

func TestAClaimBlocksEveryOtherUntilItIsRefused(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: o.ID},
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("while sending: %v", err)
	}
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Refused, Reason: packaging.Throttled},
	); err != nil {
		t.Fatal(err)
	}
	if claimed, err = d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID}); err != nil {
		t.Fatalf("after a refusal: %v", err)
	}
	if _, err := d.Settle(
		t.Context(), claimed, packaging.Answer{Outcome: packaging.Unknown, Reason: packaging.Cut, Body: []byte("half")},
	); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: o.ID},
	); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("while unknown: %v", err)
	}
	if body, err := answerBody(t.Context(), d.read, ghent.Scope(), claimed.Release.ID, 100); string(body) != "half" ||
		err != nil {
		t.Errorf("the answer is kept as %q, %v", body, err)
	}
}

// What code checks first, the schema refuses by itself: these go round the code.
func TestTheSchemaMakesBadStatesImpossible(t *testing.T) {
	d, ghent, basel := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"), facts("Order144"))
	theirs := cache(t, d, basel.Tenant.ID, facts("Order143"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Settle(t.Context(), claimed, released("a", "b")); err != nil {
		t.Fatal(err)
	}
	d.exec(t, `INSERT INTO users (username, full_name, password_hash) VALUES ('of no site', 'Of no site', '');
		INSERT INTO staged_lists (list) VALUES (1 << 30)`)
	const insert = `INSERT INTO releases (tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at, outcome, answered_at, reason)
		VALUES (%d, %d, %d, 'a', 'a', 'a', '', '', 1, '%s', %s, '')`
	for name, statement := range map[string]string{
		"a second release of an order that is out": fmt.Sprintf(
			insert, ghent.Tenant.ID, o.ID, ghent.ID, "sending", "NULL",
		),
		"a release of another tenant's order": fmt.Sprintf(
			insert, ghent.Tenant.ID, theirs.ID, ghent.ID, "sending", "NULL",
		),
		"a release that begins as released": fmt.Sprintf(insert, ghent.Tenant.ID, o.ID+1, ghent.ID, "released", "1"),
		"a release of nobody":               fmt.Sprintf(insert, ghent.Tenant.ID, o.ID+1, 999, "sending", "NULL"),
		"taking a release back":             `UPDATE releases SET outcome = 'sending', answered_at = NULL`,
		"making a release unknown again":    `UPDATE releases SET outcome = 'unknown', reason = 'cut', serials_received = 0`,
		"another person's release":          `UPDATE releases SET username = 'somebody else'`,
		"forgetting a release":              `DELETE FROM releases`,
		"changing a serial":                 `UPDATE serial_blocks SET packed = x'0178'`,
		"forgetting a serial":               `DELETE FROM serial_blocks`,
		"replacing a serial":                `INSERT OR REPLACE INTO serial_blocks SELECT id, number, product_id, x'0178' FROM serial_blocks`,
		"staging a list that is here":       `INSERT INTO staged_lists SELECT id >> 24 FROM serial_blocks`,
		"staging it under another's name":   `UPDATE staged_lists SET list = (SELECT min(id) >> 24 FROM serial_blocks)`,
		"changing history":                  `UPDATE history SET message = 'x'`,
		"forgetting history":                `DELETE FROM history`,
		"forgetting the newest entry":       `DELETE FROM history WHERE id = (SELECT max(id) FROM history)`,
		"replacing history":                 `INSERT OR REPLACE INTO history SELECT * FROM history WHERE seq = 2`,
		"history out of order":              `INSERT INTO history (tenant_id, seq, at, user_id, username, full_name, role, deed, order_id, order_key, line_code, line_name, release_id, object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials, prev_hash, hash) SELECT tenant_id, seq + 2, at, user_id, username, full_name, role, deed, order_id, order_key, line_code, line_name, release_id, object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials, hash, hash FROM history ORDER BY id DESC LIMIT 1`,
		"history that follows nothing":      `INSERT INTO history (tenant_id, seq, at, user_id, username, full_name, role, deed, order_id, order_key, line_code, line_name, release_id, object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials, prev_hash, hash) SELECT tenant_id, seq + 1, at, user_id, username, full_name, role, deed, order_id, order_key, line_code, line_name, release_id, object, old_value, new_value, outcome, reason, took_ms, http_status, code, message, serials, zeroblob(32), hash FROM history ORDER BY id DESC LIMIT 1`,
		"forgetting a person":               `DELETE FROM users`,
		"forgetting a person of no site":    `DELETE FROM users WHERE username = 'of no site'`,
		"forgetting an order":               `DELETE FROM orders`,
		"an order of another tenant's line": `UPDATE orders SET line_id = (SELECT id FROM lines WHERE tenant_id <> orders.tenant_id)`,
		"an order without an ID":            `UPDATE orders SET order_key = ''`,
		"an order twice":                    `UPDATE orders SET order_key = 'Order143'`,
		"a tenant in capitals":              `UPDATE tenants SET slug = 'GHENT'`,
		"a role that there is not":          `UPDATE member_roles SET role = 'god'`,
		"changing a timeline":               `UPDATE order_events SET new_value = 'x'`,
		"forgetting a timeline":             `DELETE FROM order_events`,
		"replacing in a timeline":           `INSERT OR REPLACE INTO order_events SELECT * FROM order_events`,
		"an event of another tenant's order": fmt.Sprintf(
			`INSERT INTO order_events (tenant_id, order_id, at, kind, source) VALUES (%d, %d, 1, 'gone', 'details')`,
			ghent.Tenant.ID, theirs.ID,
		),
		"a status that changes to itself": fmt.Sprintf(
			`INSERT INTO order_events (tenant_id, order_id, at, kind, old_value, new_value, source) VALUES (%d, %d, 1, 'status', 'Open', 'Open', 'list')`,
			ghent.Tenant.ID, o.ID,
		),
		"a line set by nobody":     `UPDATE orders SET line_set_at = 1`,
		"no line, set by a person": `UPDATE orders SET line_id = NULL, line_set_at = 1, line_set_by = 'a'`,
		"a session of nobody's":    `INSERT INTO sessions (token_hash, user_id, tenant_id, created_at, seen_at) VALUES (zeroblob(32), 999, 1, 1, 1)`,
	} {
		refusedBySchema(t, d, name, statement)
		if _, err := d.read.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s: a reader may write", name)
		}
	}
}

// refusedBySchema has the schema refuse a statement. One with a mistake in it fails too, and proves nothing.
func refusedBySchema(t *testing.T, d *DB, name, statement string) {
	t.Helper()
	var refused *sqlite.Error
	if _, err := d.write.ExecContext(t.Context(), statement); !errors.As(err, &refused) ||
		refused.Code()&0xff != sqlite3.SQLITE_CONSTRAINT {
		t.Errorf("%s: the schema does not refuse it: %v", name, err)
	}
}

func TestTheOrdersOfAQueueStayAndItsReleasesAreOfThem(t *testing.T) {
	d, boss, other := opened(t)
	first := cache(t, d, boss.Tenant.ID, facts("a"), facts("b"))
	line := first.Line.ID
	q, err := d.StartQueue(t.Context(), boss, line, []packaging.QueuePick{{Order: first.ID, Revision: first.Revision}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(t.Context(), boss, packaging.Press{Order: first.ID, Queue: q.ID}); err != nil {
		t.Fatal(err)
	}
	second := order(t, d, boss.Tenant.ID, "b")
	const insert = `INSERT INTO releases (tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at, outcome, reason, queue_id)
		VALUES (%d, %d, %d, 'a', 'a', 'a', '', '', 1, 'sending', '', %d)`
	const sign = `INSERT INTO signatures (tenant_id, kind, object, content, place, user_id, username, full_name, role, station, meaning, at, factor, hash)
		VALUES (%d, 'queue', %d, zeroblob(32), 1, %d, 'a', 'a', 'a', '', 'a', 1, 'pin', zeroblob(32))`
	for name, statement := range map[string]string{
		"a release of an order that is not of the queue": fmt.Sprintf(insert, boss.Tenant.ID, second.ID, boss.ID, q.ID),
		"a release of a queue that there is not":         fmt.Sprintf(insert, boss.Tenant.ID, second.ID, boss.ID, 999),
		"a release that leaves its queue":                `UPDATE releases SET queue_id = NULL`,
		"what was seen of an order changed":              `UPDATE queue_orders SET content = zeroblob(32)`,
		"another order in a queue": fmt.Sprintf(
			`UPDATE queue_orders SET order_id = %d`, second.ID,
		),
		"an order of a queue forgotten":            `DELETE FROM queue_orders`,
		"a signature under another tenant's queue": fmt.Sprintf(sign, other.Tenant.ID, q.ID, other.ID),
	} {
		refusedBySchema(t, d, name, statement)
	}
}

func TestOutcomeSerialsStatusAndHistoryAreStoredTogetherOrNotAtAll(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	var serials []string
	for i := range 40_000 {
		serials = append(serials, fmt.Sprintf("SERIAL%014d", i))
	}
	limitPages(t, d, 20) // as a full disk does
	before := entries(t, d, ghent.Tenant.ID)
	if _, err := d.Settle(t.Context(), claimed, released(serials...)); packaging.CodeOf(err) != packaging.Unavailable ||
		!strings.Contains(err.Error(), "disk_full") {
		t.Fatalf("on a full disk: %v", err)
	}
	if err := d.Ready(t.Context()); err != nil {
		t.Errorf("a list does not fit, but a small write does: %v", err)
	}
	after := order(t, d, ghent.Tenant.ID, "Order143")
	if after.Release.Outcome != packaging.Sending || after.Status != packaging.PendingRelease ||
		len(entries(t, d, ghent.Tenant.ID)) != len(before) {
		t.Errorf("half is stored: %+v", after.Release)
	}
	limitPages(t, d, 1<<20)
	if r, err := d.Settle(t.Context(), claimed, released(serials...)); err != nil || r.Serials != 40_000 {
		t.Fatalf("with space again: %+v, %v", r, err)
	}
	n := 0
	if err := d.EachSerial(t.Context(), ghent.Scope(), o.List(), func(s packaging.Serial) error {
		if s.Value != serials[n] || s.Seq != int64(n)+1 {
			return fmt.Errorf("serial %d is %+v", n, s)
		}
		n++
		return nil
	}); err != nil || n != 40_000 {
		t.Errorf("%d serials, %v", n, err)
	}
}

func TestHoweverManyProbesAskTheWriterIsTakenOnceASecond(t *testing.T) {
	d, _, _ := opened(t)
	const many = 10_000
	began, before := time.Now(), d.now() // each transaction takes a look at the clock, and moves it by a second
	for range many {
		if err := d.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	probes, most := int(d.now().Sub(before)/time.Second)-1, int(time.Since(began)/time.Second)+1
	if probes < 1 || probes > most {
		t.Errorf("%d asked, and the writer was taken %d times, want at most %d", many, probes, most)
	}
}

// Whoever asks gets an answer, though the writer is taken for as long as somebody wants it.
func TestAProbeIsAnsweredThoughTheWriterIsHeld(t *testing.T) {
	t.Parallel()
	d, _, _ := opened(t)
	d.probe.limit = 50 * time.Millisecond
	held, give, given := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(given)
		_ = d.tx(context.Background(), func(*tx) error { close(held); <-give; return nil })
	}()
	<-held
	asked := make(chan error, 1)
	go func() { asked <- d.Ready(t.Context()) }()
	select {
	case err := <-asked:
		if err == nil {
			t.Error("it says that it is ready")
		}
	case <-time.After(60 * time.Second):
		t.Error("it does not answer")
	}
	close(give)
	<-given
	d.probe.at, d.probe.limit = time.Time{}, time.Minute // as a second later
	if err := d.Ready(t.Context()); err != nil {
		t.Errorf("once the writer is free: %v", err)
	}
}

// limitPages lets the file grow by no more than so many pages.
func limitPages(t *testing.T, d *DB, more int) {
	t.Helper()
	var pages int
	if err := d.write.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := d.write.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+more)); err != nil {
		t.Fatal(err)
	}
}

func TestAClaimOnAFullDiskClaimsNothing(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	limitPages(t, d, 0)
	// Rows still fit into pages that are half full: press until they are not.
	for range 200 {
		claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
		if err != nil {
			if packaging.CodeOf(err) != packaging.Unavailable || !strings.Contains(err.Error(), "disk_full") {
				t.Fatalf("on a full disk: %v", err)
			}
			return
		}
		if _, err := d.Settle(
			t.Context(), claimed,
			packaging.Answer{
				Outcome: packaging.Refused, Reason: packaging.Throttled, Message: strings.Repeat("x", 500),
			},
		); err != nil {
			if packaging.CodeOf(err) != packaging.Unavailable {
				t.Fatal(err)
			}
			return
		}
	}
	t.Error("the disk never got full")
}

func TestSerialsAreKeptAsTheyCame(t *testing.T) {
	d, ghent, basel := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	claimed, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"zz", "aB", "Ab", "zz", "", " ", "'; DROP TABLE serials; --", "1e5", "007", "😀é", "a\x00b", "\xff\xfe"}
	r, err := d.Settle(t.Context(), claimed, released(want...))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Oddities) == 0 {
		t.Error("nothing is odd about the list")
	}
	list, err := d.Serials(t.Context(), ghent.Scope(), o.List(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, s.Value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if list, err := d.Serials(t.Context(), basel.Scope(), o.List(), 0, 100); err != nil || len(list) != 0 {
		t.Errorf("another tenant reads %d of them, %v", len(list), err)
	}
	known := packaging.PackID{GTIN: "09506000134352", Serial: "Ab"}
	packs := []packaging.PackID{{GTIN: "19506000134352", Serial: "Ab"}, {GTIN: known.GTIN, Serial: "nobody's"}, known}
	found, err := d.FindPacks(t.Context(), ghent.Scope(), packs)
	if diff := cmp.Diff([]packaging.PackFound{{PackID: known, Order: o.ID, Place: 3}}, found); err != nil ||
		diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if found, err := d.FindPacks(t.Context(), basel.Scope(), packs); err != nil || len(found) > 0 {
		t.Errorf("another tenant finds %v, %v", found, err)
	}
}

func entries(t *testing.T, d *DB, tenant packaging.TenantID) []packaging.Entry {
	t.Helper()
	page, err := d.History(t.Context(), packaging.Everything(tenant), packaging.HistoryFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return page.Entries
}

func TestEachTenantsHistoryIsAChain(t *testing.T) {
	d, ghent, basel := opened(t)
	for _, p := range []packaging.Person{ghent, basel} {
		claimed, err := d.Claim(t.Context(), p, packaging.Press{Order: cache(t, d, p.Tenant.ID, facts("Order143")).ID})
		if err != nil {
			t.Fatal(err)
		}
		answer := released("a", "b")
		answer.Message = "not UTF-8: \xff\xfe, a NUL: \x00, and <b>é😀</b>"
		if _, err := d.Settle(t.Context(), claimed, answer); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []packaging.Person{ghent, basel} {
		all := entries(t, d, p.Tenant.ID)
		var prev [sha256.Size]byte
		for i := len(all) - 1; i >= 0; i-- {
			e := all[i]
			if e.Seq != int64(len(all)-i) || e.Prev != prev || e.Hash != e.Digest() {
				t.Errorf("%s: entry %d does not follow the one before it", p.Tenant.Slug, e.Seq)
			}
			if e.By.Username == "" || e.By.FullName == "" {
				t.Errorf("%s: entry %d, %s, does not say who did it: %+v", p.Tenant.Slug, e.Seq, e.Deed, e.By)
			}
			if isRelease := e.Deed == packaging.ReleaseRequested || e.Deed == packaging.ReleaseEnded; isRelease &&
				e.By != p.Author {
				t.Errorf("%s: entry %d is by %+v, want %+v", p.Tenant.Slug, e.Seq, e.By, p.Author)
			}
			prev = e.Hash
		}
		if len(all) < 8 || all[0].Deed != packaging.ReleaseEnded {
			t.Errorf("%d entries, the newest is %s", len(all), all[0].Deed)
		}
	}
}

// Who writes the file may know what is in it: its password lets a person in whom the site had already, and no more.
func TestAPasswordOfAProvisioningFileIsSomebodyElsesForPeopleThatThereAre(t *testing.T) {
	d, ghent, _ := opened(t)
	if !ghent.May(packaging.ReleaseOrders) {
		t.Fatal("who came with the first file may not release")
	}
	file := setup("ghent")
	file.People[0].Password = secret.New("canary-password-2")
	file.People = append(file.People, PersonSetup{
		Username: "fresh", FullName: "Fresh", Role: packaging.Supervisor, Password: secret.New("canary-password-3"),
	})
	if err := d.Provision(t.Context(), Site{file}); err != nil {
		t.Fatal(err)
	}
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	ghent = boss(t, d, "ghent")
	if ghent.PasswordSetBy == "" || ghent.May(packaging.ReleaseOrders) || !ghent.May(packaging.ViewOrders) {
		t.Errorf("a new password of the file: set by %q", ghent.PasswordSetBy)
	}
	if _, err := d.Claim(
		t.Context(), ghent, packaging.Press{Order: o.ID},
	); packaging.CodeOf(err) != packaging.Forbidden {
		t.Errorf("a release by a new password of the file: %v", err)
	}
	// The file that gives it again confirms nothing, and neither does a next one.
	for _, word := range []string{"canary-password-2", "canary-password-4"} {
		file.People[0].Password = secret.New(word)
		if err := d.Provision(t.Context(), Site{file}); err != nil {
			t.Fatal(err)
		}
		if ghent = boss(t, d, "ghent"); ghent.May(packaging.ReleaseOrders) {
			t.Errorf("%s confirmed itself", word)
		}
	}
	user, _, err := d.Credential(t.Context(), "fresh")
	if err != nil {
		t.Fatal(err)
	}
	if people, err := d.Memberships(t.Context(), user); err != nil || len(people) != 1 ||
		people[0].May(packaging.ReleaseOrders) || !people[0].May(packaging.ViewOrders) {
		t.Errorf("who comes with a file to a site that has begun releases by its password: %+v, %v", people, err)
	}
	// Elsewhere the file confirmed it as the first one, and here it does not count either.
	begins := setup("mons")
	if err := d.Provision(t.Context(), Site{begins}); err != nil {
		t.Fatal(err)
	}
	if p := boss(t, d, "mons"); !p.May(packaging.ReleaseOrders) {
		t.Error("who came with the file with which a site begins may not release")
	}
}

// Where a site is without anybody who could confirm, its word is for that site: a file brings it to no other.
func TestAFileBringsNobodyToASiteWhomNobodyThereConfirmed(t *testing.T) {
	d, ghent, _ := opened(t)
	alone := setup("mons")
	alone.People = append(alone.People, PersonSetup{
		Username: "eve", FullName: "Eve", Role: packaging.Supervisor, Password: secret.New("canary-password-3"),
	})
	alone.People[0].Role = packaging.Administrator
	provision := func(of TenantSetup) {
		t.Helper()
		if err := d.Provision(t.Context(), Site{of}); err != nil {
			t.Fatal(err)
		}
	}
	provision(alone)
	admin := boss(t, d, "mons")
	if err := d.WaiveConfirmation(t.Context(), admin, true); err != nil {
		t.Fatal(err)
	}
	eve, _, err := d.Credential(t.Context(), "eve")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetPersonsPassword(t.Context(), admin, eve, secret.New("canary-password-4")); err != nil {
		t.Fatal(err)
	}
	_, was, err := d.Credential(t.Context(), "eve")
	if err != nil {
		t.Fatal(err)
	}
	members, err := d.Memberships(t.Context(), eve)
	if err != nil || len(members) != 1 {
		t.Fatal(members, err)
	}
	if err := d.ChangePassword(t.Context(), members[0], was, "another hash", [32]byte{}); err != nil {
		t.Fatal(err)
	}
	file := setup("ghent")
	file.People = append(file.People, alone.People[1])
	provision(file)
	members, err = d.Memberships(t.Context(), eve)
	if err != nil || len(members) != 2 {
		t.Fatal(members, err)
	}
	for _, p := range members {
		if p.Tenant.ID == ghent.Tenant.ID && p.May(packaging.ReleaseOrders) {
			t.Error("an administrator who is alone at one site releases as another at the next one")
		}
	}
}

func TestAProvisioningFileBringsNobodyWhoseUsernamePassesForAnother(t *testing.T) {
	d, ghent, _ := opened(t)
	before := len(entries(t, d, ghent.Tenant.ID))
	for name, usernames := range map[string][]string{
		"a Cyrillic letter":             {"ghent-b\u043ess"},
		"letters of other scripts":      {"\u0455\u0441\u043e\u0440\u0435"},
		"a letter for a digit":          {"ghent-boss1", "ghent-bossl"},
		"that of another site":          {"base1-boss"},
		"the program's":                 {"Lineboard"},
		"the program's, with a digit":   {"1ineboard"},
		"two of the file":               {"anna.l", "anna.1"},
		"two of the file by their case": {"Idris", "ldris"},
	} {
		file := setup("ghent")
		for _, username := range usernames {
			file.People = append(file.People, PersonSetup{
				Username: username, FullName: "Mallory", Role: packaging.Manager, Password: secret.New("canary-password-2"),
			})
		}
		err := d.Provision(t.Context(), Site{file})
		if code := packaging.CodeOf(err); code != packaging.Invalid && code != packaging.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := len(entries(t, d, ghent.Tenant.ID)); after != before {
		t.Errorf("%d entries came into the history", after-before)
	}
}

func TestProvisioningAgainChangesAndRecordsNothing(t *testing.T) {
	d, ghent, _ := opened(t)
	before := entries(t, d, ghent.Tenant.ID)
	if err := d.StartSession(t.Context(), [32]byte{1}, ghent, packaging.Device{}); err != nil {
		t.Fatal(err)
	}
	if err := d.Provision(t.Context(), Site{setup("ghent")}); err != nil {
		t.Fatal(err)
	}
	if after := entries(t, d, ghent.Tenant.ID); len(after) != len(before)+1 {
		t.Errorf("%d entries became %d, one of them the sign-in", len(before), len(after))
	}
	changed := setup("ghent")
	changed.Tenant.Name, changed.Credentials.APISecret = "Another name", secret.New("canary-other")
	changed.Lines[0].Name, changed.People[0].Role = "Another line", packaging.Manager
	changed.People[0].Password = secret.New("canary-password-2")
	if err := d.Provision(t.Context(), Site{changed}); err != nil {
		t.Fatal(err)
	}
	said := map[packaging.Deed]string{}
	for _, e := range entries(t, d, ghent.Tenant.ID)[:6] {
		said[e.Deed] = e.Object + ": " + e.Old + " → " + e.New
	}
	want := map[packaging.Deed]string{
		packaging.TenantSet:     "tenant ghent: Plant ghent · Europe/Brussels · http://127.0.0.1:1 · dynamic token in x-access-token → Another name · Europe/Brussels · http://127.0.0.1:1 · dynamic token in x-access-token",
		packaging.CredentialSet: "api_secret:  → ",
		packaging.LineSet:       "line L1: Blister line 1 → Another line",
		packaging.PersonSet:     "user ghent-boss: The boss of ghent · supervisor → The boss of ghent · manager",
		packaging.PasswordSet:   "user ghent-boss:  → ",
		packaging.SessionEnded:  "session of ghent-boss:  → ",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, _, err := d.Session(
		t.Context(), [32]byte{1}, time.Time{}, time.Time{},
	); packaging.CodeOf(err) != packaging.NotFound {
		t.Errorf("a new password leaves old sessions: %v", err)
	}
	if c, err := d.Credentials(t.Context(), ghent.Tenant.ID); err != nil || c.APISecret.Reveal() != "canary-other" ||
		c.APIKey.Reveal() != "canary-key" {
		t.Errorf("credentials %v", err)
	}
}

func TestNoCredentialStandsInTheFile(t *testing.T) {
	d, _, _ := opened(t)
	var path string
	if err := d.read.QueryRowContext(t.Context(), `SELECT file FROM pragma_database_list WHERE name = 'main'`).
		Scan(&path); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("canary")) {
			t.Errorf("a credential stands in %s in clear", filepath.Base(path)+suffix)
		}
	}
}

func TestASealedCredentialMovedToAnotherTenantDoesNotOpen(t *testing.T) {
	d, _, basel := opened(t)
	if _, err := d.write.ExecContext(
		t.Context(),
		`UPDATE tenants SET api_key = (SELECT api_key FROM tenants WHERE slug = 'ghent') WHERE slug = 'basel'`,
	); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Credentials(t.Context(), basel.Tenant.ID); err == nil {
		t.Error("it opened")
	}
}

// Whoever opens a file that is not this program's database reads what it is, and what to do.
func TestAFileThatIsNoDatabaseOfThisProgramIsRefusedWithWhatItIs(t *testing.T) {
	thorough.Once(t)
	whole := filepath.Join(t.TempDir(), "whole.db")
	d, err := Open(t.Context(), whole, box(t, 1), time.Now)
	if err = errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]struct {
		content    []byte
		statements string
		says       string
		opens      bool // by the program that serves
		backed     bool // up, as it is
	}{
		"empty":             {nil, ``, "Start Lineboard once, or restore a backup", true, false},
		"hardly begun":      {nil, `CREATE TABLE goose_db_version (version_id INT)`, "Start Lineboard once", false, false},
		"another program's": {nil, `CREATE TABLE songs (name)`, "a database of another program", false, false},
		"another one's goose": {
			nil, `CREATE TABLE songs (name); CREATE TABLE goose_db_version (version_id INT)`,
			"a database of another program", false, false,
		},
		"no SQLite database": {bytes.Repeat([]byte("this is no database "), 1000), ``, "no SQLite database", false, false},
		"a newer program's": {
			content, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`,
			"newer Lineboard (schema 9999, this program knows up to ", false, true,
		},
		"another program's, between": {
			content, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (98, 1)`,
			"another Lineboard (this program does not know schema 98)", false, true,
		},
		"before the first": {
			content, `UPDATE goose_db_version SET version_id = 7`,
			"from before the first release of Lineboard (schema 7", false, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lineboard.db")
			if err := os.WriteFile(path, of.content, 0o600); err != nil {
				t.Fatal(err)
			}
			spoil(t, path, of.statements)
			refuses := func(by string, err error) {
				t.Helper()
				if err == nil || !strings.Contains(err.Error(), of.says) ||
					strings.Contains(err.Error(), "no such table") {
					t.Errorf("%s: %v", by, err)
				}
			}
			_, err := OpenToRead(t.Context(), path)
			refuses("to read", err)
			_, err = Readable(t.Context(), path)
			refuses("looked at", err)
			if err := Backup(t.Context(), path, path+".copy"); !of.backed {
				refuses("backed up", err)
			}
			d, err := Open(t.Context(), path, box(t, 1), time.Now)
			if of.opens && err == nil {
				err = errors.Join(d.Close(), errors.New(of.says))
			}
			if name != "hardly begun" { // the program makes that table itself, with more columns
				refuses("served", err)
			}
		})
	}
}

// The newest migration says nothing of those before it: their numbers have gaps, which a later one may fill.
func TestADatabaseThatLacksAMigrationInTheMidstIsToldOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lineboard.db")
	d, err := Open(t.Context(), path, box(t, 1), time.Now)
	if err = errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	if current, err := Readable(t.Context(), path); !current || err != nil {
		t.Errorf("as it was made: %v, %v", current, err)
	}
	spoil(t, path, `DELETE FROM goose_db_version WHERE version_id = 96`)
	if _, err := OpenToRead(t.Context(), path); err == nil || !strings.Contains(err.Error(), "it lacks schema 96") {
		t.Errorf("to read: %v", err)
	}
	if current, err := Readable(t.Context(), path); current || err != nil {
		t.Errorf("looked at: %v, %v", current, err)
	}
}

func TestAFolderIsNoDatabase(t *testing.T) {
	path := t.TempDir()
	_, toRead := OpenToRead(t.Context(), path)
	_, looked := Readable(t.Context(), path)
	for by, err := range map[string]error{
		"to read": toRead, "looked at": looked, "backed up": Backup(t.Context(), path, filepath.Join(path, "to")),
	} {
		if err == nil || !strings.Contains(err.Error(), "is no file") {
			t.Errorf("%s: %v", by, err)
		}
	}
}

// spoil carries out statements in a file.
func spoil(t *testing.T, path, statements string) {
	t.Helper()
	if statements == "" {
		return
	}
	hand, err := open(path, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = hand.ExecContext(t.Context(), statements)
	if err = errors.Join(err, hand.Close()); err != nil {
		t.Fatal(err)
	}
}

// A start that was stopped when it had begun nothing but the table of versions is gone on with by the next one.
func TestADatabaseThatWasHardlyBegunIsMadeByTheNextStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lineboard.db")
	pool, err := open(path, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := migrations(pool, box(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.GetDBVersion(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenToRead(t.Context(), path); err == nil || !strings.Contains(err.Error(), "Start Lineboard once") {
		t.Errorf("read before that: %v", err)
	}
	d, err := Open(t.Context(), path, box(t, 1), time.Now)
	if err = errors.Join(err, d.Close()); err != nil {
		t.Error(err)
	}
}

func TestOneProcessAtATimeHasTheData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lineboard.db")
	first, err := Open(t.Context(), path, box(t, 1), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, box(t, 1), time.Now); err == nil ||
		!strings.Contains(err.Error(), "another Lineboard is running") {
		t.Errorf("a second one: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(t.Context(), path, box(t, 1), time.Now)
	if err != nil {
		t.Fatalf("after the first closed: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatWasBeingSentWhenTheProgramStoppedIsUnknown(t *testing.T) {
	d, ghent, _ := opened(t)
	o := cache(t, d, ghent.Tenant.ID, facts("Order143"))
	if _, err := d.Claim(t.Context(), ghent, packaging.Press{Order: o.ID}); err != nil {
		t.Fatal(err)
	}
	for want := 1; want >= 0; want-- {
		if n, err := d.InterruptReleases(t.Context()); n != want || err != nil {
			t.Errorf("%d interrupted, %v; want %d", n, err, want)
		}
	}
	after := order(t, d, ghent.Tenant.ID, "Order143")
	if after.Release.Outcome != packaging.Unknown || after.Release.Reason != packaging.Interrupted ||
		after.Status != packaging.PendingRelease {
		t.Errorf("release %+v", after.Release)
	}
	if e := entries(t, d, ghent.Tenant.ID)[0]; e.Outcome != packaging.Unknown || e.By.Username != "ghent-boss" {
		t.Errorf("history %+v", e)
	}
}

// libc must be the version that this SQLite was made with: its own go.mod says which.
func TestTheDatabaseAndItsLibcBelongTogether(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"modernc.org/sqlite v1.61.1", "modernc.org/libc v1.79.0"} {
		if !bytes.Contains(mod, []byte(want)) {
			t.Errorf("go.mod does not have %s", want)
		}
	}
}

func TestNobodySignsTheSameThingTwiceAndSignaturesOnlyGrow(t *testing.T) {
	d, boss, other := opened(t)
	o := cache(t, d, boss.Tenant.ID, facts("Order143"))
	o, err := d.Claim(t.Context(), boss, packaging.Press{Order: o.ID})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(place int, user packaging.UserID, tenant packaging.TenantID, content byte) error {
		return d.tx(t.Context(), func(tx *tx) error {
			s := packaging.Signature{
				TenantID: tenant, Kind: packaging.SignedRelease, Object: int64(o.Release.ID), Place: place,
				By: boss.Author, Meaning: "checked", Factor: packaging.ByPassword,
			}
			s.By.ID, s.Content[0] = user, content
			return tx.sign(s, packaging.Entry{TenantID: tenant})
		})
	}
	if err := sign(2, boss.ID, boss.Tenant.ID, 1); err == nil {
		t.Error("a second signature without a first was stored")
	}
	if err := sign(1, boss.ID, other.Tenant.ID, 1); err == nil {
		t.Error("a signature of another tenant was stored")
	}
	if err := sign(1, boss.ID, boss.Tenant.ID, 1); err != nil {
		t.Fatal(err)
	}
	if err := sign(2, boss.ID, boss.Tenant.ID, 1); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("the same person a second time: %v", err)
	}
	if err := sign(1, other.ID, boss.Tenant.ID, 1); packaging.CodeOf(err) != packaging.Conflict {
		t.Errorf("a second first signature: %v", err)
	}
	if err := sign(2, other.ID, boss.Tenant.ID, 2); err == nil {
		t.Error("a second signature under other content was stored")
	}
	if err := sign(2, other.ID, boss.Tenant.ID, 1); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{
		`UPDATE signatures SET meaning = 'other'`, `DELETE FROM signatures`,
		`REPLACE INTO signatures SELECT * FROM signatures`,
	} {
		if _, err := d.write.ExecContext(t.Context(), change); err == nil {
			t.Errorf("%s went through", change)
		}
	}
	all, err := d.Signatures(t.Context(), boss.Tenant.ID, packaging.SignedRelease, int64(o.Release.ID))
	if err != nil || len(all) != 2 {
		t.Fatalf("%d signatures, %v", len(all), err)
	}
	for _, s := range all {
		if s.Hash != s.Digest() {
			t.Errorf("the hash of signature %d is not that of what is stored", s.Place)
		}
	}
}

func TestCommitsWaitForTheDiskAgainAfterDataThatCanBeMadeAnew(t *testing.T) {
	d := openTicking(t, filepath.Join(t.TempDir(), "lineboard.db"), start, time.Second)
	waits := func() (level int) {
		t.Helper()
		if err := d.write.QueryRowContext(t.Context(), `PRAGMA synchronous`).Scan(&level); err != nil {
			t.Fatal(err)
		}
		return level
	}
	failed := errors.New("it ended early")
	err := d.Unsynced(t.Context(), func() error {
		if off := 0; waits() != off {
			t.Error("a commit waits for the disk")
		}
		return failed
	})
	if full := 2; !errors.Is(err, failed) || waits() != full {
		t.Errorf("%v, and commits wait at level %d", err, waits())
	}
}
