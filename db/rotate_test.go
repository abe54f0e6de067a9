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
	return names
}

func TestAfterARotationNothingIsSealedWithTheOldKey(t *testing.T) {
	d, ghent, basel := opened(t)
	before := sealedWith(t, d, box(t, 1))
	if len(before) != 6 {
		t.Fatalf("sealed before: %q", before)
	}
	if err := d.Rotate(t.Context(), box(t, 2)); err != nil {
		t.Fatal(err)
	}
	if left := sealedWith(t, d, box(t, 1)); len(left) > 0 {
		t.Errorf("still sealed with the old key: %q", left)
	}
	if now := sealedWith(t, d, box(t, 2)); len(now) != len(before)+1 { // and the kept key of marks
		t.Errorf("sealed with the new key: %q", now)
	}
	for _, p := range []packaging.Person{ghent, basel} {
		c, err := d.Credentials(t.Context(), p.Tenant.ID)
		if err != nil || c.APIKey.Reveal() != "canary-key" || c.APISecret.Reveal() != "canary-secret" ||
			c.ChannelKey.Reveal() != "canary-channel" || !c.StaticToken.Empty() {
			t.Errorf("%s: %v", p.Tenant.Slug, err)
		}
		page, err := d.History(t.Context(), p.Scope(), packaging.HistoryFilter{Limit: 1})
		if err != nil || len(page.Entries) != 1 || page.Entries[0].Deed != packaging.KeyRotated {
			t.Errorf("%s: history %+v, %v", p.Tenant.Slug, page.Entries, err)
		}
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
	if err := d.CheckKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed := sealedWith(t, d, box(t, 2))
	for _, table := range []string{
		"destinations.secret", "destinations.old_secret", "recipients.target", "recipients.secret",
		"alarm_settings.mail_password", "alarm_settings.heartbeat_url", "station_factors.pin", "kept_keys.sealed",
		"tenants.api_key",
	} {
		if !slices.ContainsFunc(sealed, func(name string) bool { return strings.HasPrefix(name, table+" ") }) {
			t.Errorf("no %s is sealed", table)
		}
	}
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
