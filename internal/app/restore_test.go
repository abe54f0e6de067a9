package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lineboard/db"
	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
	"lineboard/internal/testkit/thorough"
)

// plantEnv are the credentials with which the sandbox lets a site in.
func plantEnv() map[string]string {
	return with(map[string]string{"KEY": sandbox.APIKey, "SECRET": sandbox.APISecret, "CHANNEL": sandbox.ChannelKey})
}

func remoteSandbox(t *testing.T) (*sandbox.Sandbox, string) {
	t.Helper()
	box := sampleSandbox()
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	return box, server.URL
}

// releaseOne releases an order, and waits for its result.
func (s started) releaseOne(t *testing.T, data, key string) {
	t.Helper()
	order := waitForOrder(t, data, key)
	if status := s.press(t.Context(), s.signIn(t), order); status != http.StatusSeeOther {
		t.Fatalf("the press of %s is answered with %d", key, status)
	}
}

func orderIn(t *testing.T, data, key string) packaging.Order {
	t.Helper()
	store, tenant := readData(t, data)
	return orderOf(t, store, tenant, key)
}

func orderOf(t *testing.T, store *db.DB, tenant packaging.Tenant, key string) packaging.Order {
	t.Helper()
	page, err := store.SearchOrders(
		t.Context(), packaging.Everything(tenant.ID), packaging.OrderFilter{Text: key, Limit: 1},
	)
	if err != nil || len(page.Orders) != 1 {
		t.Fatalf("%d orders %s, %v", len(page.Orders), key, err)
	}
	return page.Orders[0]
}

func exitCode(err error) int {
	var own interface{ ExitCode() int }
	switch {
	case errors.As(err, &own):
		return own.ExitCode()
	case err != nil:
		return 1
	}
	return 0
}

func TestAnOlderBackupUnderNewerAnchorsSaysWhatItLacks(t *testing.T) {
	thorough.Once(t)
	box, remote := remoteSandbox(t)
	box.SetSerialsInDetails(true)
	data, file := filepath.Join(t.TempDir(), "data"), site(t, remote)
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", file, "--refresh", "200ms"}
	s := start(t, plantEnv(), args...)
	waitForOrder(t, data, "Order143")
	backup := filepath.Join(t.TempDir(), "backup.db")
	if _, err := command(t, nil, "backup", "--data", data, "--to", backup); err != nil {
		t.Fatal(err)
	}
	s.releaseOne(t, data, "Order143")
	if _, err := command(t, nil, "restore", "--data", data, "--from", backup); err == nil ||
		!strings.Contains(err.Error(), "stop it first") {
		t.Errorf("while it runs: %v", err)
	}
	s.end(t)
	said, err := command(t, nil, "restore", "--data", data, "--from", backup)
	if err != nil || !strings.Contains(said, "Order143") || !strings.Contains(said, "supervisor1") ||
		!strings.Contains(said, "released with ") {
		t.Fatalf("restore: %v, says %s", err, said)
	}
	kept, err := filepath.Glob(filepath.Join(data, databaseFile+".replaced-*Z"))
	if err != nil || len(kept) != 1 {
		t.Errorf("the database from before: %v, %v", kept, err)
	}
	if said, err := command(t, nil, "verify", "--data", data); exitCode(err) != 1 {
		t.Errorf("verified before the start: %v, says %s", err, said)
	}

	s = start(t, plantEnv(), args...)
	if log := s.log.String(); !strings.Contains(log, "its record is lost") || !strings.Contains(log, "order=Order143") {
		t.Errorf("the log: %s", log)
	}
	order := orderIn(t, data, "Order143")
	if r := order.Release; r == nil || !r.Lost || r.By.Username != "supervisor1" {
		t.Fatalf("its order: %+v", r)
	}
	if page := s.page(t, fmt.Sprintf("/orders/%d", order.ID)); !strings.Contains(page, "its record was lost") ||
		!strings.Contains(page, "A part of this site") {
		t.Error("the order's page does not say what was lost")
	}
	if status := s.press(t.Context(), s.signIn(t), order); status == http.StatusSeeOther {
		t.Error("it is released a second time")
	}
	// Its status is asked for, and its list comes.
	waitForRelease(t, data, "Order143", func(r *packaging.Release) bool { return r.Serials == 11 })
	if r := orderIn(t, data, "Order143").Release; r.Proof != packaging.ByStatus || r.List != packaging.ListInDetails {
		t.Errorf("settled by %q, with a list by %q", r.Proof, r.List)
	}
	s.end(t)
	again := start(t, plantEnv(), args...)
	again.end(t)
	if losses := lossesIn(t, data); len(losses) != 1 || len(losses[0].Releases) != 1 {
		t.Errorf("after another start: %+v", losses)
	}
	recordsLoss(t, data, packaging.HistoryLost)
	acknowledgeLoss(t, data)
	for range 2 {
		said, err := command(t, nil, "verify", "--data", data)
		if exitCode(err) != exitAdmitted || !strings.Contains(said, "The history is intact") ||
			!strings.Contains(said, "One restore on ") {
			t.Errorf("verified once acknowledged: %v, says %s", err, said)
		}
		start(t, plantEnv(), args...).end(t)
	}
}

// A copy that was made during a release has its request, and not its outcome: its page says so, and nothing of a stop
// that there never was. The list is fetched.
func TestACopyMadeDuringAReleaseSaysThatItsOutcomeIsLost(t *testing.T) {
	remote := holdReleases(t)
	data, file := filepath.Join(t.TempDir(), "data"), site(t, remote.URL)
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", file, "--refresh", "200ms"}
	s := start(t, plantEnv(), args...)
	order := waitForOrder(t, data, "Order143")
	remote.box.SetSerialsInDetails(true)
	pressed := make(chan int, 1)
	browser := s.signIn(t)
	go func() { pressed <- s.press(t.Context(), browser, order) }()
	waitForRelease(t, data, "Order143", func(r *packaging.Release) bool { return r != nil })
	backup := filepath.Join(t.TempDir(), "backup.db")
	if _, err := command(t, nil, "backup", "--data", data, "--to", backup); err != nil {
		t.Fatal(err)
	}
	close(remote.open)
	<-pressed
	waitForRelease(t, data, "Order143", func(r *packaging.Release) bool { return r.Outcome == packaging.Released })
	s.end(t)
	said, err := command(t, nil, "restore", "--data", data, "--from", backup)
	if err != nil || !strings.Contains(said, "how a release of order Order143 on line L1 ended, released with 11") {
		t.Fatalf("restore: %v, says %s", err, said)
	}
	s = start(t, plantEnv(), args...)
	waitForRelease(t, data, "Order143", func(r *packaging.Release) bool { return r.Serials == 11 })
	page := s.page(t, fmt.Sprintf("/orders/%d", order.ID))
	for _, want := range []string{"The record of how it ended", "released, 11 serial numbers", "A part of this site"} {
		if !strings.Contains(page, want) {
			t.Errorf("the order's page does not say %q", want)
		}
	}
	if strings.Contains(page, "was stopped while") {
		t.Error("it says that the release was interrupted")
	}
	if r := orderIn(t, data, "Order143").Release; !r.Lost || r.List != packaging.ListInDetails || r.Proof != packaging.ByStatus {
		t.Errorf("its release: %+v", r)
	}
	s.end(t)
}

// waitForRelease waits until the latest release of an order is as wanted.
func waitForRelease(t *testing.T, data, key string, as func(*packaging.Release) bool) {
	t.Helper()
	store, tenant := readData(t, data)
	until := time.Now().Add(time.Minute)
	for !as(orderOf(t, store, tenant, key).Release) {
		if time.Now().After(until) {
			t.Fatalf("the release of %s: %+v", key, orderOf(t, store, tenant, key).Release)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s started) page(t *testing.T, path string) string {
	t.Helper()
	response, err := s.signIn(t).Get(s.address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func lossesIn(t *testing.T, data string) []packaging.Loss {
	t.Helper()
	store, tenant := readData(t, data)
	losses, err := store.TenantLosses(t.Context(), tenant.ID)
	if err != nil {
		t.Fatal(err)
	}
	return losses
}

// recordsLoss fails unless the history has one entry of that deed, which names what is lost.
func recordsLoss(t *testing.T, data string, deed packaging.Deed) {
	t.Helper()
	store, tenant := readData(t, data)
	page, err := store.History(
		t.Context(), packaging.Everything(tenant.ID), packaging.HistoryFilter{Deed: deed, Limit: 2},
	)
	if err != nil || len(page.Entries) != 1 || !strings.HasPrefix(page.Entries[0].Old, "entries ") {
		t.Errorf("the history says of its loss: %+v, %v", page.Entries, err)
	}
}

// acknowledgeLoss acknowledges the loss of a stopped Lineboard as its administrator does.
func acknowledgeLoss(t *testing.T, data string) {
	t.Helper()
	store, err := openData(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tenants, err := store.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	losses, err := store.TenantLosses(t.Context(), tenants[0].ID)
	if err != nil || len(losses) == 0 {
		t.Fatalf("%d losses, %v", len(losses), err)
	}
	e := losses[0].Entry(
		packaging.LossAcknowledged,
		packaging.Author{Username: "admin", FullName: "Admin", Role: packaging.Administrator},
	)
	e.TenantID, e.Comment = tenants[0].ID, "the disk failed"
	if err := store.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func TestADataFolderThatIsLostIsNotBegunAnewUnlessThatIsAccepted(t *testing.T) {
	_, remote := remoteSandbox(t)
	data, anchors, file := filepath.Join(t.TempDir(), "data"), filepath.Join(
		t.TempDir(), "anchors.log",
	), site(t, remote)
	args := []string{
		"serve", "--addr", "127.0.0.1:0", "--data", data, "--anchors", anchors, "--provision", file, "--refresh",
		"200ms",
	}
	s := start(t, plantEnv(), args...)
	s.releaseOne(t, data, "Order143")
	s.end(t)
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	_, err := command(t, plantEnv(), args...)
	if err == nil || !strings.Contains(err.Error(), "Order143") ||
		!strings.Contains(err.Error(), "--accept-lost-history=plant-ghent:") {
		t.Fatalf("started without its history: %v", err)
	}
	_, accept, _ := strings.Cut(err.Error(), "add ")
	accept, _, _ = strings.Cut(accept, ";")
	if said, err := command(t, nil, "verify", "--data", data, "--anchors", anchors); exitCode(err) != 1 ||
		!strings.Contains(said, "the whole tenant is gone") {
		t.Errorf("verify: %v, says %s", err, said)
	}
	if _, err := command(t, plantEnv(), append(args, "--accept-lost-history=plant-ghent:1")...); err == nil {
		t.Error("another entry is accepted")
	}
	s = start(t, plantEnv(), append(args, accept)...)
	if r := orderIn(t, data, "Order143").Release; r == nil || !r.Lost {
		t.Errorf("its order: %+v", r)
	}
	s.end(t)
	recordsLoss(t, data, packaging.LossAccepted)
	start(t, plantEnv(), args...).end(t) // accepted once is accepted
	if said, err := command(t, nil, "verify", "--data", data, "--anchors", anchors); exitCode(err) != exitAdmitted ||
		!strings.Contains(said, "of an earlier tenant of this name are lost") {
		t.Errorf("verify: %v, says %s", err, said)
	}
}

// Of two sites that are gone both must be accepted at one start: what one start records of the first, the next one would
// take for all that is lost.
func TestOfTwoLostSitesNoneIsRecordedBeforeBothAreAccepted(t *testing.T) {
	_, remote := remoteSandbox(t)
	one := site(t, remote)
	two := strings.ReplaceAll(strings.TrimPrefix(content(t, one), "tenants:\n"), "plant-ghent", "plant-lyon")
	two = strings.ReplaceAll(two, "supervisor1", "supervisor2")
	two = strings.ReplaceAll(two, "Plant Ghent", "Plant Lyon")
	if err := os.WriteFile(one, []byte(content(t, one)+two), 0o600); err != nil {
		t.Fatal(err)
	}
	data, anchors := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "anchors.log")
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--anchors", anchors, "--provision", one}
	start(t, plantEnv(), args...).end(t)
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	var accepted []string
	for range 2 {
		_, err := command(t, plantEnv(), append(args, accepted...)...)
		if err == nil {
			t.Fatalf("started with %q", accepted)
		}
		_, accept, _ := strings.Cut(err.Error(), "add ")
		accept, _, _ = strings.Cut(accept, ";")
		if slices.Contains(accepted, accept) {
			t.Fatalf("%s was given, and is asked for: %v", accept, err)
		}
		accepted = append(accepted, accept)
	}
	if _, err := command(t, plantEnv(), append(args, accepted[1])...); err == nil ||
		!strings.Contains(err.Error(), accepted[0]) {
		t.Errorf("what a refused start was given counts at the next: %v", err)
	}
	start(t, plantEnv(), append(args, accepted...)...).end(t)
}

func TestABackupThatIsMadeWhileEntriesAreWrittenDoesNotAccuseItself(t *testing.T) {
	_, remote := remoteSandbox(t)
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote))
	order, browser := waitForOrder(t, data, "Order143"), s.signIn(t)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.press(t.Context(), browser, order)
			}
		}
	}()
	for n := range 6 {
		backup := filepath.Join(t.TempDir(), fmt.Sprintf("backup%d.db", n))
		if err := makeBackup(
			t.Context(), filepath.Join(data, databaseFile), filepath.Join(data, anchorsFile), backup,
		); err != nil {
			t.Fatal(err)
		}
		if err := proveBackup(t.Context(), backup); err != nil {
			t.Errorf("backup %d: %v", n, err)
		}
	}
	close(stop)
	s.end(t)
}

func TestBackupsAreMadeProvenAndPrunedByThemselves(t *testing.T) {
	_, remote := remoteSandbox(t)
	data, backups := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backups")
	if err := os.MkdirAll(backups, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"lineboard-20200101T000000Z.db", "lineboard-20200102T000000Z.db", "other.db"} {
		if err := os.WriteFile(filepath.Join(backups, old), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(
		t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote), "--backup-dir",
		backups, "--backup-keep", "2",
	)
	for !strings.Contains(s.log.String(), "backup made and proven") {
		if t.Context().Err() != nil {
			t.Fatal(s.log.String())
		}
	}
	s.end(t)
	files, err := filepath.Glob(filepath.Join(backups, "*.db"))
	if err != nil || len(files) != 3 { // the two that are kept, and one that is none of ours
		t.Errorf("%v, %v", files, err)
	}
	if _, err := os.Stat(filepath.Join(backups, "lineboard-20200101T000000Z.db")); !os.IsNotExist(err) {
		t.Error("the oldest is kept")
	}
	if !strings.Contains(s.log.String(), "backups are on the disk of the database") {
		t.Error("nothing warns of one disk for both")
	}
}

func TestTheNextBackupIsMadeWhenTheNewestIsOldEnough(t *testing.T) {
	data, backups := t.TempDir(), t.TempDir()
	a, _ := buildDemo(t, data, "http://127.0.0.1:1")
	if err := a.Store.Close(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := &copier{
			database: filepath.Join(data, databaseFile), anchors: filepath.Join(data, anchorsFile), folder: backups,
			every: 24 * time.Hour, keep: 9, now: time.Now, log: slog.New(slog.DiscardHandler),
		}
		ctx, stop := context.WithCancel(t.Context())
		go c.run(ctx) //nolint:errcheck // it returns nil
		time.Sleep(71 * time.Hour)
		stop()
		synctest.Wait()
		files, err := filepath.Glob(filepath.Join(backups, "*.db"))
		if err != nil || len(files) != 3 || c.State().Problem != "" {
			t.Errorf("after 71 hours: %v, %v, %q", files, err, c.State().Problem)
		}
		if wait := c.untilNext(); wait != time.Hour {
			t.Errorf("the next one waits %s", wait)
		}
	})
}

// earlierBackup is a backup of the last program before the first release, and the anchors of its data folder.
func earlierBackup(t *testing.T) (file string, anchored []byte) {
	t.Helper()
	from := filepath.Join("..", "..", "db", "testdata", "schema20")
	packed, err := os.Open(filepath.Join(from, "lineboard.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "backup.db")
	anchored, err = os.ReadFile(filepath.Join(from, "anchors"))
	err = errors.Join(err, os.WriteFile(file, content, 0o600), os.WriteFile(file+ofAnchors, anchored, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return file, anchored
}

func TestABackupOfAnEarlierLineboardSaysWhatItLacksBeforeItIsInPlace(t *testing.T) {
	backup, anchored := earlierBackup(t)
	data := t.TempDir()
	lines := strings.Split(strings.TrimSpace(string(anchored)), "\n")
	newest := strings.Fields(lines[len(lines)-1])
	newest[0], newest[4], newest[5] = "900", "900", strings.Repeat("ab", 32)
	newer := append(anchored, strings.Join(newest, " ")+"\n"...)
	key := strings.Repeat("02", 32) // that the backup is sealed with
	err := os.WriteFile(filepath.Join(data, anchorsFile), newer, 0o600)
	if err = errors.Join(err, os.WriteFile(filepath.Join(data, keyFile), []byte(key), 0o600)); err != nil {
		t.Fatal(err)
	}
	said, err := command(t, nil, "restore", "--data", data, "--from", backup)
	if err != nil || !strings.Contains(said, newest[2]+": the backup lacks entries") ||
		!strings.Contains(said, "to 900, which the anchors know") {
		t.Errorf("restore: %v, says %s", err, said)
	}
	files, err := os.ReadDir(data)
	if err != nil || len(files) > 4 { // the database, its lock, the anchors and the key
		t.Errorf("left in the folder: %v, %v", files, err)
	}
}

// provenBackup is a backup in a folder of its own, with its anchors, and the data folder that it is of.
func provenBackup(t *testing.T) (backup, data string) {
	t.Helper()
	data, backup = t.TempDir(), filepath.Join(t.TempDir(), databaseFile)
	a, _ := buildDemo(t, data, "http://127.0.0.1:1")
	err := makeBackup(t.Context(), filepath.Join(data, databaseFile), filepath.Join(data, anchorsFile), backup)
	if err = errors.Join(err, a.Store.Close()); err != nil {
		t.Fatal(err)
	}
	return backup, data
}

func TestABackupThatIsNotWhatItWasIsNotPutInPlace(t *testing.T) {
	thorough.Once(t)
	for name, spoiled := range map[string]func(t *testing.T, backup string){
		"an entry changed": func(t *testing.T, backup string) {
			spoil(t, filepath.Dir(backup), `DROP TRIGGER history_is_never_changed`,
				`UPDATE history SET object = 'nothing' WHERE seq = 1`)
		},
		"a record changed": func(t *testing.T, backup string) {
			spoil(t, filepath.Dir(backup), `UPDATE lines SET name = 'another' WHERE id = 1`)
		},
		"a trigger gone": func(t *testing.T, backup string) {
			spoil(t, filepath.Dir(backup), `DROP TRIGGER history_is_never_changed`)
		},
		"cut short": func(t *testing.T, backup string) {
			if err := os.Truncate(backup, 100_000); err != nil {
				t.Fatal(err)
			}
		},
		"no database": func(t *testing.T, backup string) {
			if err := os.WriteFile(backup, []byte("PK"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			backup, data := provenBackup(t)
			spoiled(t, backup)
			before, err := os.ReadFile(filepath.Join(data, databaseFile))
			if err != nil {
				t.Fatal(err)
			}
			said, err := command(t, nil, "restore", "--data", data, "--from", backup)
			if err == nil || !strings.Contains(err.Error(), "was not restored") {
				t.Errorf("restore: %v, says %s", err, said)
			}
			after, err := os.ReadFile(filepath.Join(data, databaseFile))
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the database from before is not as it was: %v", err)
			}
			if aside, err := filepath.Glob(filepath.Join(data, databaseFile+".*ed-*")); err != nil || len(aside) > 0 {
				t.Errorf("left in the folder: %q, %v", aside, err)
			}
		})
	}
}

// What is put in place is the backup alone: a log that is left of the database from before would be read into it.
// Who was signed out since a backup, by an administrator for example, is not signed in again by it.
func TestARestoreSignsNobodyInAgain(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	serve := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, "http://127.0.0.1:1")}
	s := start(t, credentials, serve...)
	browser := s.signIn(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	if _, err := command(t, nil, "backup", "--data", data, "--to", backup); err != nil {
		t.Fatal(err)
	}
	signedIn := func(s started) bool {
		t.Helper()
		response, err := browser.Get(s.address + "/account")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
	if !signedIn(s) {
		t.Fatal("nobody is signed in")
	}
	s.end(t)
	if _, err := command(t, nil, "restore", "--from", backup, "--data", data); err != nil {
		t.Fatal(err)
	}
	if s := start(t, credentials, serve...); signedIn(s) {
		t.Error("a session of the backup goes on")
	}
}

func TestARestoreMovesAllOfTheDatabaseFromBeforeAside(t *testing.T) {
	backup, data := provenBackup(t)
	log := filepath.Join(data, databaseFile+"-wal")
	if err := os.WriteFile(log, []byte("what was not yet in its place"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, nil, "restore", "--data", data, "--from", backup); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(log); !os.IsNotExist(err) {
		t.Errorf("the log of the database from before is read into the backup: %v", err)
	}
	if aside, err := filepath.Glob(filepath.Join(data, databaseFile+".replaced-*")); err != nil || len(aside) != 2 {
		t.Errorf("kept from before: %q, %v", aside, err)
	}
}

func TestARestoreToANewMachineBringsTheAnchorsAndAsksForTheKey(t *testing.T) {
	backup, _ := provenBackup(t)
	data := filepath.Join(t.TempDir(), "new")
	said, err := command(t, nil, "restore", "--data", data, "--from", backup)
	if err != nil || !strings.Contains(said, "The key is not there.") {
		t.Fatalf("restore: %v, says %s", err, said)
	}
	its, err := os.ReadFile(backup + ofAnchors)
	if err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(filepath.Join(data, anchorsFile)); err != nil || !bytes.Equal(now, its) {
		t.Errorf("the anchors of the backup are not in place: %v", err)
	}
	if said, err := command(t, nil, "verify", "--data", data); err != nil {
		t.Errorf("verify: %v, says %s", err, said)
	}
}

func TestAStopBeforeItServesIsNoFailureAndTheNextStartGoesOn(t *testing.T) {
	_, remote := remoteSandbox(t)
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote)}
	for _, after := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
		ctx, stop := context.WithTimeout(t.Context(), after)
		log := &output{}
		err := Run(ctx, args, Process{Getenv: environ(plantEnv()), Stdout: io.Discard, Stderr: log})
		stop()
		if err != nil {
			t.Errorf("stopped after %v: %v", after, err)
		}
		if after == 0 && !strings.Contains(log.String(), "stopped before it served") {
			t.Errorf("the log: %s", log)
		}
	}
	start(t, plantEnv(), args...).end(t)
}

// Whatever is lost of the database later, the file of anchors has each claim when its call arrives, and each outcome
// when somebody is told.
func TestAClaimIsAnchoredBeforeItsCallAndItsOutcomeBeforeItIsTold(t *testing.T) {
	data, remote := t.TempDir(), holdReleases(t)
	s := start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote.URL))
	order, browser := waitForOrder(t, data, "Order143"), s.signIn(t)
	anchored := func(deed packaging.Deed) bool {
		for line := range strings.Lines(content(t, data, anchorsFile)) {
			if strings.Contains(line, "deed="+string(deed)+"&") && strings.Contains(line, "order=Order143&") {
				return true
			}
		}
		return false
	}
	pressed := make(chan int, 1)
	go func() { pressed <- s.press(t.Context(), browser, order) }()
	<-remote.arrived
	if !anchored(packaging.ReleaseRequested) || anchored(packaging.ReleaseEnded) {
		t.Errorf("when the call arrives: %s", content(t, data, anchorsFile))
	}
	close(remote.open)
	if status := <-pressed; status != http.StatusSeeOther || !anchored(packaging.ReleaseEnded) {
		t.Errorf("told with %d: %s", status, content(t, data, anchorsFile))
	}
	s.end(t)
}
