package db

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

// guarded is a database with rows that the schema guards: a release that reached its line, one whose outcome is unknown,
// one that was lost, a token.
func guarded(t *testing.T) *DB {
	t.Helper()
	d := openTicking(t, filepath.Join(t.TempDir(), "lineboard.db"), start, time.Second)
	t.Cleanup(func() { _ = d.Close() })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(d.Provision(t.Context(), Site{setup("ghent")}))
	p := boss(t, d, "ghent")
	for key, answer := range map[string]packaging.Answer{
		"out":     released("a", "b"),
		"unknown": {Outcome: packaging.Unknown, Reason: packaging.Cut},
		"refused": {Outcome: packaging.Refused, Reason: packaging.WrongStatus},
	} {
		claimed, err := d.Claim(
			t.Context(), p, packaging.Press{Order: cache(t, d, p.Tenant.ID, facts(key)).ID},
		)
		must(err)
		_, err = d.Settle(t.Context(), claimed, answer)
		must(err)
	}
	cache(t, d, p.Tenant.ID, facts("lost"))
	must(d.RecordLoss(t.Context(), packaging.Loss{
		Tenant: p.Tenant.ID, Slug: p.Tenant.Slug, From: 900, Until: 920, First: 40, Anchor: 44, Hash: [32]byte{1},
		Releases: []packaging.LostRelease{{AnchoredRelease: packaging.AnchoredRelease{
			Deed: packaging.ReleaseRequested, ID: 77, At: start, OrderKey: "lost", Username: p.Username, FullName: p.FullName,
		}, Entry: 901, Anchor: 41}},
	}))
	d.exec(t, `
		INSERT INTO member_roles (user_id, tenant_id, role) SELECT id, 1, 'administrator' FROM users WHERE username = 'ghent-boss'`)
	d.exec(t, `
		INSERT INTO api_tokens (tenant_id, name, hash, created_at, created_by, creator_name, revoked_at, revoked_by)
		SELECT 1, 'ERP', zeroblob(32), 1, id, full_name, 2, id FROM users WHERE username = 'ghent-boss'`)
	return d
}

// Each trigger refuses what it is for by itself: the others of its table are gone, and its words are the reason.
func TestEachTriggerRefusesWhatItIsFor(t *testing.T) {
	thorough.Once(t)
	d := guarded(t)
	const of = `(SELECT r.id FROM releases r JOIN orders o ON o.id = r.order_id WHERE o.order_key = '%s')`
	release := func(key string) string { return fmt.Sprintf(of, key) }
	insert := func(key, outcome string) string {
		return fmt.Sprintf(`
			INSERT INTO releases (tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at,
				outcome, answered_at, reason)
			SELECT tenant_id, order_id, user_id, username, full_name, role, line_code, line_name, requested_at, '%s', %s, ''
			FROM releases WHERE id = %s`, outcome, map[bool]string{true: "NULL", false: "1"}[outcome == "sending"], release(key))
	}
	for trigger, statement := range map[string]string{
		"releases_keep_their_round":      `UPDATE releases SET again_why = 'x' WHERE id = ` + release("out"),
		"releases_keep_their_station":    `UPDATE releases SET station = 'x' WHERE id = ` + release("out"),
		"releases_stay_with_their_queue": `UPDATE releases SET queue_id = 7 WHERE id = ` + release("out"),
		"releases_only_go_forward":       `UPDATE releases SET username = 'x' WHERE id = ` + release("out"),
		"releases_start_as_sending":      insert("refused", "released"),
		"lost_releases_are_looked_at":    insert("lost", "sending"),
		"a_released_list_is_final":       `UPDATE releases SET answered_at = 1 WHERE id = ` + release("out"),
		"a_person_settles_with_a_reason": `UPDATE releases SET outcome = 'released', proof = 'person' WHERE id = ` + release("unknown"),
		"pending_release_is_seen_twice":  `UPDATE releases SET outcome = 'refused', proof = 'status' WHERE id = ` + release("unknown"),
		"releases_are_never_deleted":     `DELETE FROM releases WHERE id = ` + release("unknown"),
		"an_order_keeps_its_key":         `UPDATE orders SET id = id + 100`,
		"orders_stay_known":              `UPDATE orders SET known = 0 WHERE order_key = 'lost'`,
		"orders_on_their_way_are_not_withdrawn": `
			UPDATE orders SET withdrawn_at = 1, withdrawn_by = 'x', withdrawn_why = 'x' WHERE order_key = 'out'`,
		"orders_are_there_before_they_are_withdrawn": `
			INSERT INTO orders (tenant_id, order_key, line_code, line_name, product, gtin, lot, expiry, quantity,
				extra_percent, status, raw, listed, first_seen_at, confirmed_at, known, withdrawn_at, withdrawn_by, withdrawn_why)
			VALUES (1, 'new', '', '', '', '', '', '', '', '', '', '', 0, 1, 1, 0, 1, 'x', 'x')`,
		"order_events_only_grow": `INSERT OR REPLACE INTO order_events SELECT * FROM order_events LIMIT 1`,
		"record_log_only_grows": `
			INSERT INTO record_log (tenant_id, number, record, key) SELECT tenant_id, max(number) + 2, 'x', '[1]' FROM record_log`,
		"only_unknown_outcomes_are_settled_by_word": `
			INSERT INTO settlements (tenant_id, release_id, at, user_id, username, full_name, role, station, verdict, why)
			SELECT tenant_id, id, 1, user_id, username, full_name, role, '', 'was_released', 'x' FROM releases
			WHERE id = ` + release("out"),
		"only_results_are_acknowledged": `
			INSERT INTO acknowledgements (release_id, tenant_id, list_source, username, full_name, role, station, at, comment)
			SELECT id, tenant_id, result, username, full_name, role, '', 1, 'x' FROM releases WHERE id = ` + release("unknown"),
		"losses_never_change":                       `UPDATE losses SET anchor = 45`,
		"lost_releases_never_change":                `UPDATE lost_releases SET order_key = 'x'`,
		"tokens_stay_revoked":                       `UPDATE api_tokens SET revoked_at = NULL, revoked_by = NULL`,
		"a_password_is_never_taken_away":            `UPDATE users SET password_hash = '' WHERE username = 'ghent-boss'`,
		"a_tenant_keeps_an_administrator":           `DELETE FROM member_roles WHERE role = 'administrator'`,
		"a_last_administrator_stays_active":         `UPDATE users SET active = 0 WHERE username = 'ghent-boss'`,
		"signatures_of_releases_of_their_tenant":    signedOf("release"),
		"signatures_of_queues_of_their_tenant":      signedOf("queue"),
		"signatures_of_settlements_of_their_tenant": signedOf("settlement"),
	} {
		if err := d.alone(t, trigger, statement); err != nil {
			t.Errorf("%s: %v", trigger, err)
		}
	}
}

// signedOf is a signature under a record of a kind that there is not.
func signedOf(kind string) string {
	return fmt.Sprintf(`
		INSERT INTO signatures (tenant_id, kind, object, content, place, user_id, username, full_name, role, station, meaning,
			at, factor, hash)
		SELECT 1, '%s', 4711, zeroblob(32), 1, id, username, full_name, 'manager', '', 'x', 1, 'pin', zeroblob(32)
		FROM users WHERE username = 'ghent-boss'`, kind)
}

// alone fails unless a trigger refuses a statement with its own words, while its table has no other. Nothing stays.
func (d *DB) alone(t *testing.T, trigger, statement string) error {
	t.Helper()
	tx, err := d.write.BeginTx(t.Context(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing is to stay
	var sql string
	if err := tx.QueryRowContext(
		t.Context(), `SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?`, trigger,
	).Scan(&sql); err != nil {
		return err
	}
	others, err := collect(t.Context(), tx, func(row scanner) (name string, err error) { return name, row.Scan(&name) }, `
		SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name <> ?1
			AND tbl_name = (SELECT tbl_name FROM sqlite_schema WHERE name = ?1)`, trigger)
	if err != nil {
		return err
	}
	for _, other := range others {
		if _, err := tx.ExecContext(t.Context(), `DROP TRIGGER `+other); err != nil {
			return err
		}
	}
	_, words, _ := strings.Cut(sql, "RAISE(ABORT, '")
	words, _, _ = strings.Cut(words, "')")
	if _, err = tx.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), words) || words == "" {
		return fmt.Errorf("%s\nis refused by %w, want %q", statement, err, words)
	}
	return nil
}
