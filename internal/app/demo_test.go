package app

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/thorough"
)

func TestTheDemoStartsSaysWhomToSignInAsAndLeavesNothing(t *testing.T) {
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "lineboard-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, nil, "demo", "--addr", "127.0.0.1:0")
	if status, body := get(t, s.address+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d %s", status, body)
	}
	_, body := get(t, s.address+"/login")
	if !strings.Contains(body, "supervisor1") || !strings.Contains(body, "lineboard-demo") {
		t.Error("the sign-in page does not say whom to sign in as")
	}
	s.end(t)
	after, err := filepath.Glob(filepath.Join(os.TempDir(), "lineboard-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(after) > len(before) {
		t.Errorf("left behind %v", after)
	}
}

// TestTheDemoHasAPastWeekThatVerifies looks at what reports, plots and the history show in the first minute.
func TestTheDemoHasAPastWeekThatVerifies(t *testing.T) {
	thorough.Once(t)
	folder := filepath.Join(t.TempDir(), "data")
	start(t, nil, "demo", "--addr", "127.0.0.1:0", "--data", folder).end(t)
	printed, err := command(t, nil, "verify", "--data", folder)
	if err != nil || !strings.Contains(printed, "The history is intact") ||
		!strings.Contains(printed, "anchors outside the database compared") {
		t.Errorf("verify: %v %s", err, printed)
	}
	store, err := openData(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tenants, err := store.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in, now := packaging.Everything(tenants[0].ID), time.Now()
	checkDemoWeek(t, store, in, packaging.Period{From: now.AddDate(0, 0, -daysPast), Until: now})

	line, err := store.Line(t.Context(), in, "L1")
	if err != nil {
		t.Fatal(err)
	}
	orders, err := store.LineOrders(t.Context(), in, line.ID, 10)
	if err != nil {
		t.Fatal(err)
	}
	if first := orders[0]; first.Key != "Order143" || first.Status != packaging.PendingRelease || first.Release != nil {
		t.Errorf("the first order to release is %s, %s", first.Key, first.Status)
	}
	today := packaging.DayOf(now, tenants[0].Location())
	handovers, err := store.Handovers(t.Context(), in, today.Plus(-daysPast), today)
	if err != nil {
		t.Fatal(err)
	}
	reviews, err := store.LatestReviews(t.Context(), in, today.Plus(-daysPast), today)
	if err != nil {
		t.Fatal(err)
	}
	if len(handovers) < 2 || handovers[0].Taken == nil || handovers[len(handovers)-1].Taken != nil {
		t.Errorf("%d hand-overs; the last one waits for a person to take it over, and no other", len(handovers))
	}
	if len(reviews) == 0 {
		t.Error("nobody signed a shift")
	}
}

// checkDemoWeek checks what became of the releases of a week.
func checkDemoWeek(t *testing.T, store *db.DB, in packaging.Scope, p packaging.Period) {
	t.Helper()
	report, err := store.ShiftReport(t.Context(), in, packaging.Occurrence{Begin: p.From, Until: p.Until})
	if err != nil {
		t.Fatal(err)
	}
	total := report.Total()
	if len(report.Lines()) != 3 || total.Released < 50 || total.Refused != 1 || total.WasUnknown != 1 ||
		total.Unknown != 0 ||
		total.Odd != 1 || total.Missing != 0 || len(report.Notes) < 5 {
		t.Errorf("the week has %d lines, %d notes and %+v", len(report.Lines()), len(report.Notes), total)
	}
	perDay := map[int]int{} // back from now
	for _, one := range report.Releases {
		perDay[int(p.Until.Sub(one.Requested)/(24*time.Hour))]++
		if !plantID.MatchString(one.OrderKey) || len(strings.Fields(one.Product)) < 2 {
			t.Errorf("an order as no plant has it: %q of %q", one.OrderKey, one.Product)
		}
	}
	if len(perDay) < daysPast-1 {
		t.Errorf("releases by days back from now: %v", perDay)
	}
}

// plantID is the form of the order IDs of a plant.
var plantID = regexp.MustCompile(`^PO-20\d\d-\d{6}$`)
