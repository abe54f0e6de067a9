package history_test

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lineboard/handlers/handlerstest"
	"lineboard/internal/orderfile"
	"lineboard/internal/packaging"
	"lineboard/internal/testkit/site"
	"lineboard/internal/testkit/thorough"
)

func TestTheHistoryExportCarriesWhatItsHashesAreMadeOf(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{Orders: handlerstest.RemoteOrders("=cmd|' /C calc'!A0", "Pending release")})
	b := s.SignIn("supervisor1")
	b.Post(handlerstest.OrderPath(s.Order("=cmd|' /C calc'!A0"), "/release"))
	whole(t, s, s.Order("=cmd|' /C calc'!A0"))
	a := b.Get("/history.csv")
	if a.Status != http.StatusOK || !strings.Contains(
		a.Header.Get("Content-Disposition"), "ghent-history-20261123-07",
	) {
		t.Fatalf("%d %q", a.Status, a.Header.Get("Content-Disposition"))
	}
	rows, err := csv.NewReader(strings.NewReader(a.Body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	entries := s.History()
	if len(rows)-1 != len(entries) {
		t.Fatalf("%d rows for %d entries", len(rows)-1, len(entries))
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for i, row := range rows[1:] {
		e := entries[i]
		if row[column["hash"]] != hex.EncodeToString(e.Hash[:]) ||
			row[column["previous_hash"]] != hex.EncodeToString(e.Prev[:]) {
			t.Errorf("entry %d has another hash", e.Seq)
		}
		for name, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("entry %d: column %d begins as a formula: %q", e.Seq, name, cell)
			}
		}
		if key := orderfile.PlainCell(row[column["order_id"]]); key != e.OrderKey {
			t.Errorf("entry %d: order %q, want %q", e.Seq, key, e.OrderKey)
		}
		cell := func(name string) string { return orderfile.PlainCell(row[column[name]]) }
		if of := exported(t, cell); of.Digest() != e.Hash {
			t.Errorf("entry %d: the hash over its cells is another one: %+v", e.Seq, of)
		}
		if at := e.At.In(s.Tenant("ghent").Location()).Format("2006-01-02T15:04:05.000-07:00"); cell("time_site") != at {
			t.Errorf("entry %d: at %q, want %q", e.Seq, cell("time_site"), at)
		}
	}
	if rows[1][column["deed"]] != string(packaging.Exported) {
		t.Errorf("the export itself is not the newest entry: %v", rows[1])
	}
}

// exported is an entry as a row of the export has it.
func exported(t *testing.T, cell func(string) string) (e packaging.Entry) {
	t.Helper()
	number := func(name string) int64 {
		n, err := strconv.ParseInt(cell(name), 10, 64)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return n
	}
	digest := func(name string) (d [32]byte) {
		b, err := hex.DecodeString(cell(name))
		if err != nil || copy(d[:], b) != len(d) {
			t.Errorf("%s is %q", name, cell(name))
		}
		return d
	}
	at, err := time.Parse("2006-01-02T15:04:05.000Z", cell("time_utc"))
	if err != nil {
		t.Error(err)
	}
	return packaging.Entry{
		Format: int(number("format")), Prev: digest("previous_hash"), TenantID: packaging.TenantID(number("tenant_key")),
		Seq: number("number"), At: at, By: packaging.Author{
			ID: packaging.UserID(number("user_key")), Username: cell("username"), FullName: cell("full_name"),
			Role: packaging.Role(cell("role")), Station: cell("station"),
		},
		Deed: packaging.Deed(cell("deed")), OrderID: packaging.OrderID(number("order_key")), OrderKey: cell("order_id"),
		LineCode: cell("line"), LineName: cell("line_name"), ReleaseID: packaging.ReleaseID(number("release_key")),
		Object: cell("object"), Old: cell("old"), New: cell("new"), Outcome: packaging.Outcome(cell("outcome")),
		Reason: cell("reason"), Took: time.Duration(number("took_ms")) * time.Millisecond,
		HTTPStatus: int(number("http_status")), Code: cell("code"), Message: cell("message"), Serials: number("serials"),
		Comment: cell("comment"), Records: number("records"), RecordsDigest: digest("records_digest"),
	}
}

// A spreadsheet parts cells at what its country's locale says, and a careless one at line breaks in quotes too.
func TestACellIsNoFormulaWhereverASpreadsheetPartsCells(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	var all []string
	b := s.SignIn("supervisor1")
	for _, separator := range []string{",", ";", "\t", "|", "\n", ""} {
		for _, start := range []string{
			"=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "'=1", `"=1`, "''=1", " =1", "x; @1",
		} {
			words := "x" + separator + start
			if separator == "" {
				words = strings.TrimSpace(start)
			}
			all = append(all, words)
			b.Post("/lines/L1/notes", "words", words)
		}
	}
	file := b.Get("/history.csv").Body
	for _, separator := range ",;\t|" {
		reader := csv.NewReader(strings.NewReader(file))
		reader.Comma, reader.LazyQuotes, reader.FieldsPerRecord = separator, true, -1
		rows, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, cell := range row {
				for part := range strings.FieldsFuncSeq(cell, func(r rune) bool {
					return r == '\n' || r == '\r' ||
						r == separator
				}) {
					if part = strings.TrimLeft(part, `" `); part != "" &&
						strings.ContainsRune("=+-@\t\r", rune(part[0])) {
						t.Errorf("parted at %q a cell is a formula: %q", separator, part)
					}
				}
			}
		}
	}
	// The cells say what was written all the same.
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(rows[0], "new")
	var got []string
	for _, row := range slices.Backward(rows) {
		if slices.Contains(row, "note_written") {
			got = append(got, orderfile.PlainCell(row[column]))
		}
	}
	if !slices.Equal(got, all) {
		t.Errorf("the notes come back as %q, want %q", got, all)
	}
}

// What another program makes of an export by docs/history-format.md.
func TestAProgramInAnotherLanguageChecksTheExport(t *testing.T) {
	thorough.Once(t)
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: the second verifier is not tried")
	}
	s := site.New(
		t,
		site.Options{
			Orders: handlerstest.RemoteOrders(
				"=cmd|' /C calc'!A0", "Pending release", "'quoted'\r\nand, \"more\"", "Pending release",
			),
		},
	)
	b := s.SignIn("supervisor1")
	for _, o := range []string{"=cmd|' /C calc'!A0", "'quoted'\r\nand, \"more\""} {
		b.Post(handlerstest.OrderPath(s.Order(o), "/release"))
	}
	whole(t, s, s.Order("=cmd|' /C calc'!A0"))
	if err := s.Anchors.WriteAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	export := filepath.Join(t.TempDir(), "history.csv")
	anchors := filepath.Join(filepath.Dir(s.Path), "anchors.log")
	check := func(content, holds string, args ...string) {
		t.Helper()
		if err := os.WriteFile(export, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(
			context.WithoutCancel(t.Context()), python,
			append([]string{"../../docs/verify_history.py", export}, args...)...,
		).CombinedOutput()
		if good := holds == "The history is intact"; (err == nil) != good || !strings.Contains(string(out), holds) {
			t.Errorf("%v, %s; want %q", err, out, holds)
		}
	}
	whole := b.Get("/history.csv").Body
	check(whole, "The history is intact", "--anchors", anchors)
	b.Post("/language", "language", "de")
	check(b.Get("/history.csv?for=people").Body, "The history is intact", "--anchors", anchors)
	check(b.Get("/history.csv?line=L1").Body, "The history is intact", "--part")
	check(strings.Replace(whole, "Person auditor1", "Person auditor9", 1), "content was changed")
	rows, err := csv.NewReader(strings.NewReader(whole)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	without := func(from, to int) string {
		var text strings.Builder
		if err := csv.NewWriter(&text).WriteAll(slices.Delete(slices.Clone(rows), from, to)); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	check(without(len(rows)-4, len(rows)-3), "entry 4 is missing")
	check(without(1, len(rows)-4), "were written, by their anchors, and are gone", "--anchors", anchors)
	check(without(1, len(rows)), "The export has no entries", "--anchors", anchors)
	byHand := packaging.RecordFault{Kind: packaging.FaultChanged, Record: "releases", Key: "[1]"}.FoundByHand(
		1, packaging.Author{Username: "lineboard"},
	)
	if err := s.Store.Record(t.Context(), byHand); err != nil {
		t.Fatal(err)
	}
	check(b.Get("/history.csv").Body, "found, before it was written again: record releases [1], changed by hand")
}
