package admin_test

import (
	"strings"
	"testing"

	"lineboard/internal/testkit/site"
)

func TestAnAdministratorSeesHowLongTransactionsWaitAndHoldTheWriter(t *testing.T) {
	t.Parallel()
	b := site.New(t, site.Options{}).SignIn("administrator1")
	rows := b.Get("/admin/data").All("#writer tbody tr")
	if len(rows) != 3 || !strings.Contains(rows[0], "Releases") || !strings.Contains(rows[1], "People") {
		t.Fatalf("%q", rows)
	}
	// Signing in is a transaction.
	if strings.Contains(rows[1], "People 0 ") || !strings.Contains(rows[1], "99 of 100 within") ||
		!strings.Contains(rows[1], "longest") {
		t.Errorf("%q", rows[1])
	}
}
