package handlers_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"lineboard/internal/testkit/site"
)

func TestACellIsNoFormulaWhereverASpreadsheetPartsCells(t *testing.T) {
	t.Parallel()
	s := site.New(t, site.Options{})
	const words = "x;=cmd|' /C calc'!A0;\t+1"
	b := s.SignIn("supervisor1")
	b.Post("/lines/L1/notes", "words", words)
	b.Post("/lines/L1/notes", "words", "=1+1")
	file := b.Get("/history.csv").Body
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		for _, cell := range row {
			if strings.Contains(cell, "cmd") || strings.Contains(cell, "1+1") {
				got = append(got, cell)
			}
		}
	}
	if len(got) != 2 || got[0] != "'=1+1" || got[1] != words {
		t.Errorf("the cells are %q", got)
	}
	// Where cells are parted at semicolons, a text with some is one cell only if it is quoted.
	if !strings.Contains(file, `"`+words+`"`) {
		t.Errorf("the text is not quoted: %s", file)
	}
}
