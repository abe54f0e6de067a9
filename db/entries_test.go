package db

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lineboard/internal/packaging"
)

func TestManyEntriesAreReadAsEachIs(t *testing.T) {
	d, ghent, _ := opened(t)
	for i, text := range []string{"", "a\x00b", "\x1e\x1f", strings.Repeat("é", 3000), "\n,\"", "<" + separator[:5]} {
		if err := d.Record(t.Context(), packaging.Entry{
			TenantID: ghent.Tenant.ID, By: ghent.Author, Deed: packaging.NoteWritten, New: text, Comment: fmt.Sprint(i),
			Serials: int64(-i), Took: 1e9,
		}); err != nil {
			t.Fatal(err)
		}
	}
	same := func(what string) {
		t.Helper()
		const all = `SELECT ` + entryColumns + ` FROM history ORDER BY seq`
		want, wantErr := collect(t.Context(), d.slow, scanEntry, all)
		got, err := manyEntries(t.Context(), d.slow, all)
		if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: %v, %v (-each +many)\n%s", what, wantErr, err, diff)
		}
	}
	same("as they were written")
	if _, err := d.write.ExecContext(t.Context(), `DROP TRIGGER history_is_never_changed`); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{
		`message = 'a` + separator + `b'`, `hash = zeroblob(32), prev_hash = zeroblob(32)`, `records_digest = NULL`,
	} {
		if _, err := d.write.ExecContext(t.Context(), `UPDATE history SET `+change+` WHERE seq = 3`); err != nil {
			t.Fatal(err)
		}
		same(change)
	}
}

func TestALongHistoryIsReadOnceFromItsBeginningToItsEnd(t *testing.T) {
	d, ghent, _ := opened(t)
	if err := d.tx(t.Context(), func(t *tx) error {
		for range 2*entriesAtOnce + 1 {
			if err := t.record(packaging.Entry{
				TenantID: ghent.Tenant.ID, By: ghent.Author, Deed: packaging.NoteWritten, New: "a note",
			}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, most := range []int64{1, entriesAtOnce + 1, 1 << 30} {
		last := int64(0)
		if err := d.EachEntryUp(t.Context(), ghent.Tenant.ID, func(e packaging.Entry, digest [32]byte) bool {
			if e.Seq != last+1 || e.Digest() != digest {
				t.Errorf("entry %d comes after %d", e.Seq, last)
			}
			last = e.Seq
			return last < most
		}); err != nil {
			t.Fatal(err)
		}
		if end := history(t, d, ghent)[0].Seq; last != min(most, end) || end <= 2*entriesAtOnce {
			t.Errorf("who wants %d of %d entries gets %d", most, end, last)
		}
	}
}
