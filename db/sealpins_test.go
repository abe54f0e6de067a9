package db

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
	"lineboard/internal/testkit/thorough"
)

func TestPINsOfAnOlderDatabaseAreSealedAndStillFit(t *testing.T) {
	thorough.Once(t)
	file, _ := schema20(t)
	pool, err := open(file, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	pin := secret.New("271828")
	hash := secret.HashPIN(pin)
	if _, err := pool.Exec(`UPDATE station_factors SET pin_hash = ?`, hash); err != nil {
		t.Fatal(err)
	}
	var user packaging.UserID
	var tenant packaging.TenantID
	if err := pool.QueryRow(`SELECT user_id, tenant_id FROM station_factors LIMIT 1`).Scan(&user, &tenant); err != nil {
		t.Fatal(err)
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return start }
	if d, err := Open(t.Context(), file, box(t, 7), now); !errors.Is(err, secret.ErrWrongKey) {
		if err == nil {
			d.Close()
		}
		t.Fatalf("an upgrade with another key: %v", err)
	}
	d, err := Open(t.Context(), file, box(t, 2), now)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fits := func() {
		t.Helper()
		if _, stored, err := d.PIN(t.Context(), tenant, user); err != nil || !secret.VerifyPassword(stored, pin) {
			t.Errorf("the PIN does not fit any more: %v", err)
		}
	}
	fits()
	if err := d.Rotate(t.Context(), box(t, 9)); err != nil {
		t.Fatal(err)
	}
	fits()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(content, []byte(hash[:len(hash)-8])) {
		t.Error("the database still holds the hash of the PIN in clear")
	}
	if d, err = Open(t.Context(), file, box(t, 2), now); err != nil {
		t.Fatal(err)
	}
	if err := d.CheckKey(t.Context()); !errors.Is(err, secret.ErrWrongKey) {
		t.Errorf("the old key opens it: %v", err)
	}
}
