package app

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// spoil changes a database that no program has open.
func spoil(t *testing.T, data string, statements ...string) {
	t.Helper()
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(data, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := raw.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestAFaultThatTheCheckAfterTheStartFindsStopsReleases(t *testing.T) {
	for name, test := range map[string]struct {
		statements []string
		anchors    string
		says       string
	}{
		"a trigger dropped": {
			statements: []string{`DROP TRIGGER losses_are_never_deleted`}, says: "losses_are_never_deleted",
		},
		"an entry changed": {statements: []string{
			`DROP TRIGGER history_is_never_changed`, `UPDATE history SET object = 'nothing' WHERE seq = 2`,
		}, says: "plant-demo"},
		"a record changed": {
			statements: []string{`UPDATE lines SET name = 'another' WHERE id = 1`}, says: "lines [1] changed",
		},
		"a serial number added": {statements: []string{
			`INSERT INTO serial_blocks (id, number, product_id, packed) VALUES ((1 << 24) + 1, 1, 1, CAST(char(6) || 'forged' AS BLOB))`,
		}, says: "serials [1] added"},
		"a tenant gone": {
			anchors: "1 2026-11-24T05:12:08.114Z plant-gone 9 120 " + strings.Repeat("ab", 32) + "\n",
			says:    "plant-gone",
		},
		"the file damaged": {statements: []string{
			`PRAGMA writable_schema = 1`,
			`UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'serial_blocks') WHERE name = 'stations'`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			a, _ := buildDemo(t, data, "http://127.0.0.1:1")
			if err := a.Store.Close(); err != nil {
				t.Fatal(err)
			}
			spoil(t, data, test.statements...)
			if test.anchors != "" {
				anchored, err := os.OpenFile(
					filepath.Join(data, anchorsFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600,
				)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := anchored.WriteString(test.anchors); err != nil {
					t.Fatal(err)
				}
				_ = anchored.Close()
			}
			a = built(t, data)
			defer a.Store.Close()
			if err := a.checks.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			found := a.checks.State()
			if said := fmt.Sprint(found.Schema, found.Broken, found.Damage); !found.Faulty() ||
				!strings.Contains(said, test.says) {
				t.Errorf("found %s", said)
			}
			probe := httptest.NewRecorder()
			a.Handler.ServeHTTP(probe, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
			if probe.Code != http.StatusServiceUnavailable {
				t.Errorf("readyz: %d", probe.Code)
			}
			by := personIn(t, a.Store, "supervisor1")
			if _, err := a.Releaser.Release(
				t.Context(), by, packaging.Press{Order: 1},
			); packaging.CodeOf(err) != packaging.Unavailable {
				t.Errorf("a press: %v", err)
			}
		})
	}
}

func TestWhereAnchorsCantBeWrittenProbeAndPressAgree(t *testing.T) {
	_, remote := remoteSandbox(t)
	data := t.TempDir()
	s := start(
		t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote), "--refresh",
		"200ms",
	)
	s.releaseOne(t, data, "Order143")
	file := filepath.Join(data, anchorsFile)
	if err := errors.Join(os.Rename(file, file+".away"), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	var said string
	// an answer counts for a second
	for status := 0; status != http.StatusServiceUnavailable; time.Sleep(50 * time.Millisecond) {
		status, said = get(t, s.address+"/readyz")
	}
	if !strings.Contains(said, "the anchors can't be written") {
		t.Errorf("readyz says %q", said)
	}
	next := waitForOrder(t, data, "Order144")
	if status := s.press(t.Context(), s.signIn(t), next); status != http.StatusServiceUnavailable {
		t.Errorf("a press is answered with %d", status)
	}
	if o := orderIn(t, data, "Order144"); o.Release != nil {
		t.Errorf("the press released: %+v", o.Release)
	}
	if err := errors.Join(os.Remove(file), os.Rename(file+".away", file)); err != nil {
		t.Fatal(err)
	}
	for status := 0; status != http.StatusOK; time.Sleep(50 * time.Millisecond) {
		status, _ = get(t, s.address+"/readyz")
	}
	if left, err := filepath.Glob(file + ".probe"); err != nil || len(left) > 0 {
		t.Errorf("the probe leaves %q, %v", left, err)
	}
	s.end(t)
}

func TestACheckThatCantEndStopsReleasesUntilOneCan(t *testing.T) {
	data := t.TempDir()
	a, _ := buildDemo(t, data, "http://127.0.0.1:1")
	defer a.Store.Close()
	a.checks.again = 10 * time.Millisecond
	file := filepath.Join(data, anchorsFile)
	if err := errors.Join(os.Rename(file, file+".away"), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.checks.run(t.Context()) }()
	for a.checks.State().Unchecked == "" {
		time.Sleep(time.Millisecond)
	}
	if state := a.checks.State(); !state.Stops() || state.Faulty() {
		t.Errorf("a check that can't end is taken for %+v", state)
	}
	if err := errors.Join(os.Remove(file), os.Rename(file+".away", file)); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if found := a.checks.State(); found.Faulty() || found.Ended.IsZero() {
		t.Errorf("found %+v", found)
	}
	probe := httptest.NewRecorder()
	a.Handler.ServeHTTP(probe, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	if probe.Code != http.StatusOK {
		t.Errorf("readyz: %d %s", probe.Code, probe.Body)
	}
}

func TestAnchorsOfAnotherLineboardStopTheStart(t *testing.T) {
	_, remote := remoteSandbox(t)
	first, second := t.TempDir(), t.TempDir()
	for _, data := range []string{first, second} {
		s := start(
			t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote),
			"--refresh", "200ms",
		)
		s.releaseOne(t, data, map[string]string{first: "Order143", second: "Order144"}[data])
		s.end(t)
	}
	_, err := command(
		t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", first, "--anchors",
		filepath.Join(second, anchorsFile),
	)
	if err == nil || !strings.Contains(err.Error(), "name its own") || !strings.Contains(err.Error(), "Order144") {
		t.Errorf("started: %v", err)
	}
	start(t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", first).end(t) // with its own, nothing is lost
	if losses := lossesIn(t, first); len(losses) != 0 {
		t.Errorf("losses: %+v", losses)
	}
}

func TestAnAnchorThatWasCutOffInItsLineIsToldAndLosesNothing(t *testing.T) {
	_, remote := remoteSandbox(t)
	data := t.TempDir()
	args := []string{
		"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote), "--refresh", "200ms",
	}
	s := start(t, plantEnv(), args...)
	s.releaseOne(t, data, "Order143")
	s.end(t)
	path := filepath.Join(data, anchorsFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-40], 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, plantEnv(), args...)
	if log := s.log.String(); !strings.Contains(log, "the last anchor was not written whole") ||
		strings.Contains(log, "is lost") {
		t.Errorf("the log: %s", log)
	}
	if status := s.press(t.Context(), s.signIn(t), waitForOrder(t, data, "Order144")); status != http.StatusSeeOther {
		t.Errorf("the next release: %d", status)
	}
	s.end(t)
	if said, err := command(t, nil, "verify", "--data", data); err == nil || !strings.Contains(said, "can't be read") &&
		!strings.Contains(said, "missing") {
		t.Errorf("verify does not tell of the line: %v, %s", err, said)
	}
}

func TestARemovedDataFolderIsNoticedUnderTheRunningProgram(t *testing.T) {
	_, remote := remoteSandbox(t)
	data := filepath.Join(t.TempDir(), "data")
	anchors := filepath.Join(t.TempDir(), anchorsFile) // can be written: that the database is gone is enough
	s := start(
		t, plantEnv(), "serve", "--addr", "127.0.0.1:0", "--data", data, "--anchors", anchors,
		"--provision", site(t, remote), "--refresh", "200ms",
	)
	order, browser := waitForOrder(t, data, "Order143"), s.signIn(t)
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	if status := s.press(t.Context(), browser, order); status != http.StatusServiceUnavailable {
		t.Errorf("a press is answered with %d", status)
	}
	for range 3 {
		if status, _ := get(t, s.address+"/readyz"); status != http.StatusServiceUnavailable {
			t.Errorf("ready: %d", status)
		}
	}
	if told := strings.Count(s.log.String(), `msg="not ready"`); told != 1 {
		t.Errorf("that it is not ready is told %d times", told)
	}
	s.stop()
	<-s.ended // whatever it says of the database, which is gone
}

func TestTwoStartsAtOnceServeOnce(t *testing.T) {
	_, remote := remoteSandbox(t)
	data := t.TempDir()
	args := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, remote)}
	s := start(t, plantEnv(), args...)
	if _, err := command(t, plantEnv(), args...); err == nil ||
		!strings.Contains(err.Error(), "another Lineboard is running") {
		t.Errorf("a second start: %v", err)
	}
	s.end(t)
}

// What stands in the place of a part of the schema, under its name, is told by all that look.
func TestWhatIsExchangedInTheSchemaUnderItsNameIsToldByVerifyTheStartAndThePage(t *testing.T) {
	data := t.TempDir()
	serve := []string{"serve", "--addr", "127.0.0.1:0", "--data", data, "--provision", site(t, "http://127.0.0.1:1")}
	start(t, credentials, serve...).end(t)
	exchanged := map[string]string{
		"trigger signatures_are_never_changed": `CREATE TRIGGER signatures_are_never_changed BEFORE UPDATE ON signatures
			BEGIN SELECT 1; END`,
		"trigger notes_never_change":    `CREATE TRIGGER notes_never_change BEFORE UPDATE ON rules BEGIN SELECT 1; END`,
		"index one_release_of_an_order": `CREATE INDEX one_release_of_an_order ON releases (order_id, round)`,
		"view humans":                   `CREATE VIEW humans (user_id, human_id) AS SELECT id, id FROM users`,
		"table orders_index":            `CREATE VIRTUAL TABLE orders_index USING fts5 (text, content = '')`,
		"table sso_grant_roles": `CREATE TABLE sso_grant_roles (
			tenant_id INTEGER NOT NULL,
			place     INTEGER NOT NULL,
			role      TEXT NOT NULL,
			PRIMARY KEY (tenant_id, place, role),
			FOREIGN KEY (tenant_id, place) REFERENCES sso_grants (tenant_id, place) ON DELETE CASCADE
		) STRICT, WITHOUT ROWID`,
	}
	for part, statement := range exchanged {
		spoil(t, data, "DROP "+part, statement)
	}
	verified, err := command(t, nil, "verify", "--data", data)
	if err == nil {
		t.Error("a changed schema is verified")
	}
	s := start(t, credentials, serve...)
	answer, err := s.signIn(t).Post(s.address+"/history/verify", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for part := range exchanged {
		says := "Schema: " + part + " is not as Lineboard made it."
		logged := fmt.Sprintf("part=%q fault=changed", part)
		for where, text := range map[string]string{"verify": verified, "the page": string(page)} {
			if !strings.Contains(text, says) {
				t.Errorf("%s says nothing of %s: %.3000s", where, part, text)
			}
		}
		if !strings.Contains(s.log.String(), logged) {
			t.Errorf("the start says nothing of %s: %s", part, s.log)
		}
	}
	s.end(t)
}
