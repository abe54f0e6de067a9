package db

import (
	"context"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// endless counts for ever.
const endless = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`

func TestASearchThatTakesTooLongEndsAndSaysSo(t *testing.T) {
	d, _, _ := opened(t)
	began := time.Now()
	err := d.inPlace(t.Context(), 1, 50*time.Millisecond, "error.search_slow", func(ctx context.Context) error {
		var n int
		return d.slow.QueryRowContext(ctx, endless).Scan(&n)
	})
	if packaging.CodeOf(err) != packaging.Invalid || time.Since(began) > 30*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	var one int
	if err := d.slow.QueryRowContext(t.Context(), `SELECT 1`).Scan(&one); err != nil {
		t.Errorf("the next search: %v", err)
	}
	err = d.search(t.Context(), 1, "words", func(ctx context.Context, _ querier) error {
		if ends, has := ctx.Deadline(); !has || time.Until(ends) > 2*time.Second {
			t.Errorf("a search may go on until %v, %v", ends, has)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// With all connections of what takes long taken, boards, releases and probes go on: they need none of theirs.
func TestBoardsReleasesAndProbesDoNotWaitForWhatTakesLong(t *testing.T) {
	d, p, _ := opened(t)
	o := cache(t, d, p.Tenant.ID, facts("Order143"))
	for range slowReaders {
		c, err := d.slow.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	in := p.Scope()
	for _, step := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"the overview", func(ctx context.Context) error {
			_, err := d.Lanes(ctx, in)
			return err
		}},
		{"what is wrong", func(ctx context.Context) error {
			_, err := d.Troubles(ctx, in)
			return err
		}},
		{"the board of a line", func(ctx context.Context) error {
			_, err := d.LineOrders(ctx, in, o.Line.ID, 10)
			return err
		}},
		{"an order's page", func(ctx context.Context) error {
			_, err := d.OrderView(ctx, p, o.ID, packaging.OrderViewLimits{})
			return err
		}},
		{"a refresh", func(ctx context.Context) error {
			_, err := d.ApplyRefresh(ctx, p.Tenant.ID, packaging.Refresh{
				Started: d.now(), Listed: []packaging.Facts{facts("Order143")},
			})
			return err
		}},
		{"a release", func(ctx context.Context) error {
			claimed, err := d.Claim(ctx, p, packaging.Press{Order: o.ID})
			if err == nil {
				_, err = d.Settle(ctx, claimed, released("S1", "S2"))
			}
			return err
		}},
		{"a probe", d.Ready},
	} {
		within, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		if err := step.do(within); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		cancel()
	}
}

// With all connections of boards taken, what takes long still reads: it has none of theirs.
func TestWhatTakesLongTakesNoConnectionOfBoards(t *testing.T) {
	d, _, p := opened(t)
	for range readers {
		c, err := d.read.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	in, tenant := p.Scope(), p.Tenant.ID
	hours := packaging.Occurrence{Begin: start, Until: start.Add(8 * time.Hour)}
	for name, read := range map[string]func(ctx context.Context) error{
		"a search of the history": func(ctx context.Context) error {
			_, err := d.History(ctx, in, packaging.HistoryFilter{Text: "user", Limit: 10})
			return err
		},
		"a page of the history": func(ctx context.Context) error {
			_, err := d.History(ctx, in, packaging.HistoryFilter{Limit: 10})
			return err
		},
		"an export of the history": func(ctx context.Context) error {
			return d.EachEntry(ctx, in, packaging.HistoryFilter{}, func(packaging.Entry) error { return nil })
		},
		"verifying the chain": func(ctx context.Context) error {
			return d.EachEntryUp(ctx, tenant, func(packaging.Entry, [32]byte) bool { return true })
		},
		"verifying records": func(ctx context.Context) error {
			_, err := d.RecordFaults(ctx, tenant)
			return err
		},
		"verifying lists": func(ctx context.Context) error {
			_, err := d.ListFaults(ctx, tenant, func(int, int) {})
			return err
		},
		"a search of orders": func(ctx context.Context) error {
			_, err := d.SearchOrders(ctx, in, packaging.OrderFilter{Text: "para", Limit: 10})
			return err
		},
		"an export of serials": func(ctx context.Context) error {
			return d.EachSerial(ctx, in, 1, func(packaging.Serial) error { return nil })
		},
		"a search of serials": func(ctx context.Context) error {
			_, err := d.FindSerials(ctx, in, 1, "7", 0, 10)
			return err
		},
		"orders of a serial": func(ctx context.Context) error {
			_, err := d.OrdersOfSerial(ctx, in, "7", 10)
			return err
		},
		"a preview of an import": func(ctx context.Context) error {
			ask := packaging.ImportRequest{
				Rows: packaging.ImportRowsOf(packaging.ImportRow{Row: 1, Facts: packaging.Facts{Key: "A-1", LineCode: "L1"}}),
			}
			_, err := d.CheckImport(ctx, p, ask, func(packaging.ImportedOrder) {})
			return err
		},
		"a shift's report": func(ctx context.Context) error {
			_, err := d.ShiftReport(ctx, in, hours)
			return err
		},
	} {
		within, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		if err := read(within); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}
