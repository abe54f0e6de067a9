package anchors_test

import (
	"database/sql"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lineboard/db"
	"lineboard/internal/anchors"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// restored is a plant whose history had 38 entries, and has the first 20 again.
func restored(t *testing.T) *plant {
	t.Helper()
	p := newPlant(t)
	backup := p.backup()
	p.running(func(store *db.DB, w *anchors.Writer) {
		p.write(store, 29)
		p.keep(w)
		p.write(store, 38)
	})
	p.restore(backup)
	return p
}

func (p *plant) backup() []byte {
	p.t.Helper()
	backup, err := os.ReadFile(p.database())
	if err != nil {
		p.t.Fatal(err)
	}
	return backup
}

func (p *plant) restore(backup []byte) {
	p.t.Helper()
	if err := os.WriteFile(p.database(), backup, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// lose does what a start does that finds a restored database, and then more entries are written.
func (p *plant) lose(until int64) (lost packaging.Loss) {
	p.t.Helper()
	p.running(func(store *db.DB, _ *anchors.Writer) {
		found := compare(p.t, store, p)
		if len(found.Shorter) != 1 || len(found.Rewrote)+len(found.NoTenant) != 0 {
			p.t.Fatalf("found %+v", found)
		}
		lost = found.Shorter[0]
		if err := store.RecordLoss(p.t.Context(), lost); err != nil {
			p.t.Fatal(err)
		}
		p.write(store, until)
	})
	return lost
}

func TestBackupsThatAreRestoredInTurnLoseWhatWasWrittenSince(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		second      int // the backup that is restored after the one of 20 entries
		from, until int64
	}{
		"the same again":             {20, 21, 45},
		"one of the first history":   {30, 31, 45},
		"one from after the restore": {33, 34, 45},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t)
			backups := map[int][]byte{20: p.backup()}
			p.running(func(store *db.DB, _ *anchors.Writer) { p.write(store, 30) })
			backups[30] = p.backup()
			p.running(func(store *db.DB, _ *anchors.Writer) { p.write(store, 38) })
			p.restore(backups[20])
			losses := []packaging.Loss{p.lose(33)}
			backups[33] = p.backup()
			p.running(func(store *db.DB, _ *anchors.Writer) { p.write(store, 45) })
			p.restore(backups[test.second])
			lost := p.lose(40)
			if lost.From != test.from || lost.Until != test.until {
				t.Errorf("lost %d to %d", lost.From, lost.Until)
			}
			if test.second == 33 { // which knows of the first
				losses = append(losses, lost)
			} else {
				losses = []packaging.Loss{lost}
			}
			p.running(func(store *db.DB, _ *anchors.Writer) {
				if found := compare(t, store, p); len(found.Shorter)+len(found.Rewrote)+len(found.NoTenant) != 0 {
					t.Errorf("once recorded, found again: %+v", found)
				}
				for _, l := range losses {
					acknowledge(t, store, l)
				}
			})
			if v := p.verify(); !v.Whole() || len(v.Restores) != len(losses) {
				t.Errorf("%+v", v)
			}
		})
	}
}

// The history that was lost and the one that is here have an entry of the same number at their ends: nobody wrote this
// one anew.
func TestALossThatIsAsLongAsWhatIsHereIsALoss(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	backup := p.backup()
	p.running(func(store *db.DB, _ *anchors.Writer) { p.write(store, 30) })
	first := p.backup()
	p.restore(backup)
	p.lose(30)
	p.restore(first)
	if lost := p.lose(35); lost.From != 30 || lost.Until != 30 {
		t.Errorf("lost %d to %d", lost.From, lost.Until)
	}
}

func compare(t *testing.T, store *db.DB, p *plant) anchors.Findings {
	t.Helper()
	found, err := anchors.Compare(t.Context(), store, p.anchors())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// acknowledge records what is lost as a start does, and as an administrator does who acknowledges it.
func acknowledge(t *testing.T, store *db.DB, l packaging.Loss) {
	t.Helper()
	e := l.Entry(
		packaging.LossAcknowledged,
		packaging.Author{ID: 1, Username: "a", FullName: "A", Role: packaging.Administrator},
	)
	e.TenantID, e.Comment = 1, "restored after the disk had failed"
	if err := store.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func TestARestoreIsNamedForEverOnceItIsAcknowledged(t *testing.T) {
	t.Parallel()
	p := restored(t)
	var loss packaging.Loss
	p.running(func(store *db.DB, _ *anchors.Writer) {
		found := compare(t, store, p)
		if len(found.Shorter) != 1 || len(found.Rewrote)+len(found.NoTenant) != 0 {
			t.Fatalf("found %+v", found)
		}
		loss = found.Shorter[0]
		if loss.From != 21 || loss.Until != 38 || loss.Slug != "ghent" {
			t.Errorf("lost: %d to %d of %s", loss.From, loss.Until, loss.Slug)
		}
		if err := store.RecordLoss(t.Context(), loss); err != nil {
			t.Fatal(err)
		}
		if found := compare(t, store, p); len(found.Shorter) != 0 {
			t.Errorf("once recorded, found again: %+v", found)
		}
		p.write(store, 30)
	})
	if v := p.verify(); v.Whole() {
		t.Error("it holds before anybody has acknowledged the loss")
	}
	p.running(func(store *db.DB, _ *anchors.Writer) {
		p.write(store, 45) // beyond what was lost
		acknowledge(t, store, loss)
		p.write(store, 50)
	})
	for range 2 {
		v := p.verify()
		if !v.Whole() || len(v.Restores) != 1 || v.Restores[0].From != 21 || v.Restores[0].Until != 38 {
			t.Fatalf("%+v", v)
		}
		if said := v.String(); !strings.Contains(said, "entries 21 to 38 are lost") {
			t.Errorf("it says %q", said)
		}
		p.running(func(store *db.DB, _ *anchors.Writer) { p.write(store, 60) })
	}
}

func TestAnAcknowledgementHidesNothingButWhatItNames(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(l *packaging.Loss)         // of what is acknowledged
		tamper func(exec func(string, ...any)) // afterwards
		want   packaging.BreakKind
	}{
		"another hash":   {func(l *packaging.Loss) { l.Hash[0]++ }, nil, packaging.HistoryRewritten},
		"another anchor": {func(l *packaging.Loss) { l.Anchor-- }, nil, packaging.HistoryRewritten},
		"fewer entries":  {func(l *packaging.Loss) { l.Until = 30 }, nil, packaging.HistoryRewritten},
		"another tenant": {func(l *packaging.Loss) { l.Tenant = 2 }, nil, packaging.HistoryRewritten},
		"the newest deleted": {
			nil, func(exec func(string, ...any)) { exec(`DELETE FROM history WHERE seq > 45`) },
			packaging.HistoryTruncated,
		},
		"deleted, once restored": {
			nil, func(exec func(string, ...any)) { exec(`DELETE FROM history WHERE seq BETWEEN 25 AND 27`) },
			packaging.EntriesMissing,
		},
		"deleted, from before": {
			nil, func(exec func(string, ...any)) { exec(`DELETE FROM history WHERE seq = 7`) },
			packaging.EntriesMissing,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := restored(t)
			p.running(func(store *db.DB, _ *anchors.Writer) {
				loss := compare(t, store, p).Shorter[0]
				if err := store.RecordLoss(t.Context(), loss); err != nil {
					t.Fatal(err)
				}
				if test.change != nil {
					test.change(&loss)
				}
				p.write(store, 40)
				acknowledge(t, store, loss)
				p.write(store, 50)
			})
			if test.tamper != nil {
				p.tamper(func(exec func(string, ...any), _ *sql.DB) { test.tamper(exec) })
			}
			if v := p.verify(); v.Break.Kind != test.want {
				t.Errorf("%+v", v)
			}
		})
	}
}

func TestATenantThatOnlyTheAnchorsKnowIsFound(t *testing.T) {
	t.Parallel()
	for name, another := range map[string]bool{"no tenant": false, "another tenant under its key": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t)
			if err := os.Remove(p.database()); err != nil {
				t.Fatal(err)
			}
			store, err := db.Open(t.Context(), p.database(), p.box, p.clock())
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			if another {
				if err := store.Provision(t.Context(), site("lyon")); err != nil {
					t.Fatal(err)
				}
			}
			found := compare(t, store, p)
			if len(found.NoTenant) != 1 || found.NoTenant[0].Until != 20 || found.NoTenant[0].Slug != "ghent" {
				t.Errorf("found %+v", found)
			}
		})
	}
}

func TestAnEntryAboutAReleaseIsNamedByItsAnchor(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	at := p.now
	entry := packaging.Entry{
		TenantID: 1, Seq: 21, At: at, Deed: packaging.ReleaseRequested, ReleaseID: 57, OrderKey: "Order 143 & = % é\n7",
		LineCode: "L 1", LineName: "Blister\tline", By: packaging.Author{Username: "anna", FullName: "Anna Ä"},
		Hash: [32]byte{1},
	}
	ended := entry
	ended.Seq, ended.Deed, ended.Outcome, ended.Serials = 22, packaging.ReleaseEnded, packaging.Released, 12
	p.running(func(store *db.DB, w *anchors.Writer) {
		if err := w.WriteReleases(t.Context(), []packaging.Entry{entry, ended}); err != nil {
			t.Fatal(err)
		}
		found := compare(t, store, p)
		if len(found.Shorter) != 1 || len(found.Shorter[0].Releases) != 1 {
			t.Fatalf("found %+v", found)
		}
		lost := found.Shorter[0].Releases[0]
		if lost.OrderKey != entry.OrderKey || lost.LineCode != "L 1" || lost.LineName != "Blister\tline" ||
			lost.Username != "anna" ||
			lost.FullName != "Anna Ä" || !lost.At.Equal(at) || lost.ID != 57 || lost.Entry != 21 ||
			lost.Ended != packaging.Released || lost.Serials != 12 {
			t.Errorf("%+v", lost)
		}
	})
}

// One anchor amidst others that the history does not agree with tells of a history that was written anew.
func TestAnchorsThatDoNotAgreeAreFoundWhereverTheyStand(t *testing.T) {
	t.Parallel()
	type entries struct{ from, until int64 }
	for name, test := range map[string]struct {
		lines []int // of the file, which do not agree
		want  []entries
	}{
		"the first":                    {[]int{0}, []entries{{10, 10}}},
		"two, and between them a good": {[]int{0, 2}, []entries{{10, 10}, {25, 25}}},
		"two side by side":             {[]int{1, 2}, []entries{{20, 25}}},
		"all":                          {[]int{0, 1, 2, 3}, []entries{{1, 30}}},
		"the last two":                 {[]int{2, 3}, []entries{{21, 30}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t)
			for _, until := range []int64{25, 30} {
				p.running(func(store *db.DB, _ *anchors.Writer) { p.write(store, until) })
			}
			content, err := os.ReadFile(p.anchors())
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(content), "\n")
			for _, i := range test.lines {
				fields := strings.Fields(lines[i])
				fields[5] = strings.Repeat("00", 32)
				lines[i] = strings.Join(fields, " ")
			}
			if err := os.WriteFile(p.anchors(), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			p.running(func(store *db.DB, _ *anchors.Writer) {
				found := compare(t, store, p)
				var got []entries
				for _, l := range found.Rewrote {
					got = append(got, entries{l.From, l.Until})
				}
				if !slices.Equal(got, test.want) || len(found.Shorter)+len(found.NoTenant) != 0 {
					t.Errorf("found %v, want %v; %+v", got, test.want, found)
				}
			})
		})
	}
}

// A history that is quiet for long is anchored anew by a start that does not find it among the last lines. That its old
// entry is still there says nothing of another history.
func TestALossIsFoundThoughTheNewestAnchorIsOfAnotherHistory(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.running(func(store *db.DB, w *anchors.Writer) {
		if err := store.Provision(t.Context(), db.Site{{
			Tenant: packaging.Tenant{
				Slug: "basel", Name: "Plant Basel", TimeZone: "Europe/Zurich", BaseURL: "http://127.0.0.1:1",
			},
			Credentials: secret.Credentials{TokenKind: "dynamic", TokenHeader: "x-access-token"},
		}}); err != nil {
			t.Fatal(err)
		}
		p.keep(w)
	})
	backup := p.backup()
	p.running(func(store *db.DB, w *anchors.Writer) { p.write(store, 30) })
	content, err := os.ReadFile(p.anchors())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	for _, line := range lines {
		if fields := strings.Fields(line); fields[2] == "basel" {
			fields[0] = strconv.Itoa(len(lines) + 1)
			content = append(content, strings.Join(fields, " ")+"\n"...)
			break
		}
	}
	if err := os.WriteFile(p.anchors(), content, 0o600); err != nil {
		t.Fatal(err)
	}
	p.restore(backup)
	p.running(func(store *db.DB, _ *anchors.Writer) {
		if found := compare(t, store, p); len(found.Shorter) != 1 || found.Shorter[0].Slug != "ghent" {
			t.Errorf("found %+v", found)
		}
	})
}

// A database that went back in time gives keys once more: what became of one release says nothing of another one, and
// that of a release that stands for a lost one is that of the lost one.
func TestTheOutcomeOfALostReleaseIsThatOfItsOwnOrder(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	entry := packaging.Entry{
		TenantID: 1, Seq: 21, At: p.now, Deed: packaging.ReleaseRequested, ReleaseID: 57, OrderKey: "Order143",
		By: packaging.Author{Username: "anna", FullName: "Anna"}, Hash: [32]byte{1},
	}
	other := entry
	other.Seq, other.Deed, other.OrderKey = 22, packaging.ReleaseSettled, "Order144"
	other.Outcome, other.Serials = packaging.Released, 5
	p.running(func(store *db.DB, w *anchors.Writer) {
		if err := w.WriteReleases(t.Context(), []packaging.Entry{entry, other}); err != nil {
			t.Fatal(err)
		}
		lost := compare(t, store, p).Shorter[0].Releases
		if len(lost) != 2 || lost[0].OrderKey != "Order143" || lost[0].Ended != "" || !lost[0].EndedAt.IsZero() ||
			lost[0].Serials != 0 {
			t.Errorf("%+v", lost)
		}
		again := entry
		again.Seq, again.ReleaseID, again.At = 23, 58, entry.At.Add(time.Minute)
		stands := again // for the first one, in a database that gave it the key of the second
		stands.Seq, stands.Deed, stands.Outcome = 22, packaging.ReleaseSettled, packaging.SaidPending
		stands.Requested = entry.At
		if err := w.WriteReleases(t.Context(), []packaging.Entry{again, stands}); err != nil {
			t.Fatal(err)
		}
		lost = compare(t, store, p).Shorter[0].Releases
		if len(lost) != 3 || lost[0].Ended != packaging.SaidPending || !lost[2].At.Equal(again.At) || lost[2].Ended != "" {
			t.Errorf("with another release of the order: %+v", lost)
		}
	})
}

func TestALostRecordOfAListIsNoLostRelease(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.running(func(store *db.DB, w *anchors.Writer) {
		if err := w.WriteReleases(t.Context(), []packaging.Entry{{
			TenantID: 1, Seq: 21, At: p.now, Deed: packaging.ListAdded, ReleaseID: 57, OrderKey: "Order143",
			Outcome: packaging.Released, Serials: 5, Hash: [32]byte{1}, Requested: p.now.Add(-time.Hour),
		}}); err != nil {
			t.Fatal(err)
		}
		if found := compare(t, store, p).Shorter; len(found) != 1 || len(found[0].Releases) != 0 {
			t.Errorf("found %+v", found)
		}
	})
}

// What an anchor proves of a release stays, whatever later ones tell of a release that stands for it.
func TestWhatAnAnchorProvesOfALostReleaseStays(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	entry := packaging.Entry{
		TenantID: 1, Seq: 21, At: p.now, Deed: packaging.ReleaseRequested, ReleaseID: 57, OrderKey: "Order143",
		By: packaging.Author{Username: "anna", FullName: "Anna"}, Hash: [32]byte{1}, Requested: p.now,
	}
	tells := func(deed packaging.Deed, after time.Duration, outcome packaging.Outcome) packaging.Entry {
		e := entry
		e.Deed, e.At, e.Outcome = deed, entry.At.Add(after), outcome
		e.Seq++
		return e
	}
	proven := tells(packaging.ReleaseSettled, 2*time.Second, packaging.Released)
	proven.Proof, proven.Status, proven.Serials = packaging.ByStatus, packaging.InProgress, 12
	p.running(func(store *db.DB, w *anchors.Writer) {
		if err := w.WriteReleases(t.Context(), []packaging.Entry{
			entry, tells(packaging.ReleaseEnded, time.Second, packaging.Unknown), proven,
			tells(packaging.ReleaseSettled, time.Hour, packaging.SaidPending),
		}); err != nil {
			t.Fatal(err)
		}
		lost := compare(t, store, p).Shorter[0].Releases
		if len(lost) != 1 || lost[0].Ended != packaging.Released || lost[0].Proof != packaging.ByStatus ||
			lost[0].Status != packaging.InProgress || !lost[0].EndedAt.Equal(proven.At) || lost[0].Serials != 12 {
			t.Errorf("%+v", lost)
		}
	})
}
