package db

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// blobs are all values of a kind that a key can have sealed, with where they stand: a column that is added later is
// among them.
func blobs(t *testing.T, d *DB) map[string][]byte {
	t.Helper()
	name := func(row scanner) (s string, err error) { return s, row.Scan(&s) }
	tables, err := collect(
		t.Context(), d.read, name, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
	)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, table := range tables {
		columns, err := collect(t.Context(), d.read, name, `SELECT name FROM pragma_table_info(?)`, table)
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range columns {
			values, err := collect(t.Context(), d.read,
				func(row scanner) (b []byte, err error) { return b, row.Scan(&b) },
				`SELECT "`+column+`" FROM "`+table+`" WHERE typeof("`+column+`") = 'blob'`)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				all[fmt.Sprintf("%s.%s %d", table, column, i)] = v
			}
		}
	}
	return all
}

// sealedWith names what a box has sealed: it begins with the ID of its key.
func sealedWith(t *testing.T, d *DB, b *secret.Box) (names []string) {
	t.Helper()
	id := b.Seal(secret.New("x"), "anybody")[:4]
	for name, v := range blobs(t, d) {
		if bytes.HasPrefix(v, id) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// sealedColumns are all that hold what the key has sealed.
var sealedColumns = []string{
	"alarm_settings.heartbeat_url", "alarm_settings.mail_password", "destinations.old_secret", "destinations.secret",
	"import_preview_parts.content", "import_previews.outline", "kept_keys.sealed", "recipients.secret",
	"recipients.target", "sso.client_secret", "station_factors.pin", "tenants.api_key", "tenants.api_secret",
	"tenants.channel_key", "tenants.static_token",
}

// unsealedColumns are the other ones of bytes. Nothing in them needs the key to be read.
var unsealedColumns = map[string]string{
	"answers.body":                "what the API said, without credentials",
	"api_tokens.hash":             "a hash",
	"deliveries.digest":           "a hash",
	"destinations.secret_mark":    "a mark, whose key is kept",
	"displays.code_mark":          "a mark, whose key is kept",
	"displays.token_hash":         "a hash",
	"history.hash":                "a hash",
	"history.prev_hash":           "a hash",
	"history.records_digest":      "a hash",
	"history_index_data.block":    "the index of the history's words",
	"imports.digest":              "a hash",
	"kept_answers.body":           "what the API said, without credentials",
	"kept_answers.digest":         "a hash",
	"losses.hash":                 "a hash",
	"orders_index_data.block":     "the index of the orders' words",
	"queue_orders.content":        "a hash",
	"record_log.digest":           "a hash",
	"record_log.digests":          "hashes",
	"releases.content":            "a hash",
	"serial_blocks.packed":        "serial numbers",
	"serial_runs.marks":           "hashes of serial numbers",
	"sessions.token_hash":         "a hash",
	"shift_reviews.content":       "a hash",
	"signatures.content":          "a hash",
	"signatures.hash":             "a hash",
	"station_factors.badge_mark":  "a mark, whose key is kept",
	"station_sessions.token_hash": "a hash",
	"stations.code_mark":          "a mark, whose key is kept",
	"stations.token_hash":         "a hash",
	"users.password_mark":         "a mark, whose key is kept",
	"write_probe.content":         "nothing",
}

// TestEveryColumnOfBytesIsSealedOrIsKnownNotToBe fails for a new column: what is sealed in it must be in what
// sealsEverything seals, so that the tests below see whether it is sealed anew.
func TestEveryColumnOfBytesIsSealedOrIsKnownNotToBe(t *testing.T) {
	d, _, _ := opened(t)
	columns, err := collect(t.Context(), d.read, func(row scanner) (s string, err error) { return s, row.Scan(&s) }, `
		SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND c.type IN ('BLOB', 'ANY') ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range columns {
		_, unsealed := unsealedColumns[column]
		if sealed := slices.Contains(sealedColumns, column); sealed == unsealed {
			t.Errorf("is %s sealed with the key, or what else is it?", column)
		}
	}
}

// sealsEverything has something in each column that the key seals, of ghent or basel.
func sealsEverything(t *testing.T, d *DB, ghent packaging.Person) packaging.DestinationID {
	t.Helper()
	basel := setup("basel")
	basel.Credentials.TokenKind, basel.Credentials.StaticToken = "static", secret.New("canary-token")
	if err := d.Provision(t.Context(), Site{signOnSetup("ghent"), basel}); err != nil {
		t.Fatal(err)
	}
	ghent = become(t, d, ghent, everything)
	hook := add(t, d, ghent, webhookOn("L1"))
	if err := d.RotateSigningSecret(
		t.Context(), ghent, hook, secret.New("whsec_second"), d.now().Add(time.Hour),
	); err != nil {
		t.Fatal(err)
	}
	setAlarms(t, d, ghent)
	if err := d.SetPIN(t.Context(), ghent, secret.HashPIN(secret.New("482915"))); err != nil {
		t.Fatal(err)
	}
	if err := d.Rotate(t.Context(), box(t, 2)); err != nil { // keeps the key of marks
		t.Fatal(err)
	}
	file := packaging.ImportFile{Name: "x.csv", Rows: numbered([]packaging.Facts{{Key: "a"}})}
	if _, err := d.KeepPreview(t.Context(), ghent, file, time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, column := range sealedColumns {
		if len(ofColumn(sealedWith(t, d, box(t, 2)), column)) == 0 {
			t.Fatalf("no %s is sealed: the test would show nothing of it", column)
		}
	}
	return hook
}

func ofColumn(names []string, column string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, column+" ") })
}

func TestAfterARotationNothingIsSealedWithTheOldKey(t *testing.T) {
	d, ghent, basel := opened(t)
	hook := sealsEverything(t, d, ghent)
	before := sealedWith(t, d, box(t, 2))
	if err := d.Rotate(t.Context(), box(t, 3)); err != nil {
		t.Fatal(err)
	}
	if left := sealedWith(t, d, box(t, 2)); len(left) > 0 {
		t.Errorf("still sealed with the old key: %q", left)
	}
	now := sealedWith(t, d, box(t, 3))
	for _, column := range sealedColumns {
		want := ofColumn(before, column)
		if strings.HasPrefix(column, "import_preview") {
			want = nil // such a file is given again
		}
		if got := ofColumn(now, column); !slices.Equal(got, want) {
			t.Errorf("%s: sealed with the new key are %q, before %q", column, got, want)
		}
	}
	if err := d.CheckKey(t.Context()); err != nil {
		t.Error(err)
	}
	for _, p := range []packaging.Person{ghent, basel} {
		page, err := d.History(t.Context(), p.Scope(), packaging.HistoryFilter{Limit: 1})
		if err != nil || len(page.Entries) != 1 || page.Entries[0].Deed != packaging.KeyRotated {
			t.Errorf("%s: history %+v, %v", p.Tenant.Slug, page.Entries, err)
		}
	}
	opensAsItWas(t, d, ghent.Tenant.ID, ghent.ID, hook)
	if c, err := d.Credentials(t.Context(), basel.Tenant.ID); err != nil || c.StaticToken.Reveal() != "canary-token" {
		t.Errorf("the static token is %q: %v", c.StaticToken.Reveal(), err)
	}
}

// opensAsItWas fails where what sealsEverything sealed is not read as it was given. What alarms are sent with has a
// test of its own.
func opensAsItWas(t *testing.T, d *DB, tenant packaging.TenantID, user packaging.UserID, hook packaging.DestinationID) {
	t.Helper()
	c, err := d.Credentials(t.Context(), tenant)
	if err != nil || c.APIKey.Reveal() != "canary-key" || c.APISecret.Reveal() != "canary-secret" ||
		c.ChannelKey.Reveal() != "canary-channel" || !c.StaticToken.Empty() {
		t.Errorf("the credentials are not as they were: %v", err)
	}
	if _, client, _, err := d.SingleSignOn(t.Context(), tenant); err != nil || client.Reveal() != "canary-client-secret" {
		t.Errorf("the client secret is %q: %v", client.Reveal(), err)
	}
	to, err := destinationOf(t.Context(), d.read, tenant, hook)
	if err != nil {
		t.Fatal(err)
	}
	key, old, err := d.DestinationSecrets(t.Context(), to)
	if err != nil || key.Reveal() != "whsec_second" || old.Reveal() != "whsec_canary" {
		t.Errorf("the secrets of the destination are %q and %q: %v", key.Reveal(), old.Reveal(), err)
	}
	_, pin, err := d.PIN(t.Context(), tenant, user)
	if err != nil || !secret.VerifyPassword(pin, secret.New("482915")) {
		t.Errorf("the PIN does not fit: %v", err)
	}
}

func TestMarksOutliveAnyNumberOfRotations(t *testing.T) {
	d, ghent, _ := opened(t)
	mine, err := secret.HashPassword(secret.New("a password of my own"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.ChangePassword(t.Context(), ghent, passwordOf(t, d, ghent), mine, [32]byte{}); err != nil {
		t.Fatal(err)
	}
	for key := byte(2); key < 5; key++ {
		if err := d.Rotate(t.Context(), box(t, key)); err != nil {
			t.Fatal(err)
		}
	}
	if done, err := d.RotatedTo(t.Context(), box(t, 4)); err != nil || !done {
		t.Errorf("rotated to the last key: %v, %v", done, err)
	}
	if done, err := d.RotatedTo(t.Context(), box(t, 3)); err != nil || done {
		t.Errorf("rotated to the key before: %v, %v", done, err)
	}
	// The file that set the first password is applied again: it still is the one that it set, and not the person's own.
	if err := d.Provision(t.Context(), Site{setup("ghent")}); err != nil {
		t.Fatal(err)
	}
	if _, hash, err := d.Credential(t.Context(), ghent.Username); err != nil || hash != mine {
		t.Errorf("provisioning after a rotation took a person's password away: %v", err)
	}
	if err := d.CheckKey(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestARotationThatFailsChangesNothing(t *testing.T) {
	d, ghent, _ := opened(t)
	if _, err := d.write.ExecContext(
		t.Context(), `UPDATE tenants SET api_key = zeroblob(40) WHERE id = ?`, ghent.Tenant.ID,
	); err != nil {
		t.Fatal(err)
	}
	before := sealedWith(t, d, box(t, 1))
	if err := d.Rotate(t.Context(), box(t, 2)); err == nil || !strings.Contains(err.Error(), "api_key") {
		t.Errorf("a credential of an unknown key: %v", err)
	}
	if now := sealedWith(t, d, box(t, 1)); len(now) != len(before) || len(sealedWith(t, d, box(t, 2))) > 0 {
		t.Errorf("sealed with the old key: %q, before %q", now, before)
	}
}

func TestAKeyOfMarksThatCantBeReadIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lineboard.db")
	d, err := Open(t.Context(), path, box(t, 1), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.write.ExecContext(
		t.Context(), `ALTER TABLE kept_keys RENAME COLUMN sealed TO unreadable`,
	); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(t.Context(), path, box(t, 1), time.Now); err == nil ||
		!strings.Contains(err.Error(), "the key of marks can't be read") {
		t.Errorf("opened without its key of marks: %v", err)
	}
	if err == nil {
		_ = d.Close()
	}
}

// Each kind of secret is there: one that is added later and not checked is found here.
func TestAKeyThatDoesNotOpenEverySecretIsFoundAtTheStart(t *testing.T) {
	d, ghent, _ := opened(t)
	sealsEverything(t, d, ghent)
	if err := d.CheckKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed := slices.DeleteFunc(sealedWith(t, d, box(t, 2)), func(name string) bool {
		return strings.HasPrefix(name, "import_preview") // a file that waits can be given again
	})
	all := blobs(t, d)
	for _, name := range sealed {
		column, _, _ := strings.Cut(name, " ")
		table, column, _ := strings.Cut(column, ".")
		swap := func(from, to []byte) {
			t.Helper()
			if _, err := d.write.ExecContext(
				t.Context(), fmt.Sprintf(`UPDATE %s SET %s = ? WHERE %[2]s = ?`, table, column), to, from,
			); err != nil {
				t.Fatal(name, err)
			}
		}
		other := box(t, 3).Seal(secret.New("x"), "anybody")
		swap(all[name], other)
		if err := d.CheckKey(t.Context()); !errors.Is(err, secret.ErrWrongKey) {
			t.Errorf("%s is sealed with another key: %v", name, err)
		}
		swap(other, all[name])
	}
}
