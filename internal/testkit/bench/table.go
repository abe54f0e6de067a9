package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// figure is something measured.
type figure struct {
	value float64
	unit  string
}

// String has three digits that count, and thousands with commas.
func (f figure) String() string {
	text := ""
	switch size := math.Abs(f.value); {
	case size == 0:
		text = "0"
	case size >= 999.5:
		text = thousands(int64(math.Round(f.value)))
	default:
		digits := 2 - int(math.Floor(math.Log10(size)))
		text = strconv.FormatFloat(f.value, 'f', min(max(digits, 0), 6), 64)
	}
	return strings.TrimSpace(text + " " + f.unit)
}

func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// row is one line of the table.
type row struct {
	part         string
	what         string
	ours, beside figure
	besideWhat   string
}

// cells are what is printed of a row. A ratio with what is not there is left out.
func (r row) cells() []string {
	ratio := ""
	if r.beside.value != 0 {
		ratio = figure{r.ours.value / r.beside.value, ""}.String()
	}
	return []string{r.what, r.ours.String(), r.beside.String(), r.besideWhat, ratio}
}

// table is what a run prints.
type table struct{ rows []row }

func (t *table) add(part, what string, ours, beside figure, besideWhat string) {
	t.rows = append(t.rows, row{part, what, ours, beside, besideWhat})
}

// print writes the rows by parts, with numbers to the right and words to the left.
func (t *table) print(w io.Writer) error {
	slices.SortStableFunc(t.rows, func(a, b row) int {
		return slices.Index(parts, a.part) - slices.Index(parts, b.part)
	})
	lines := [][]string{{"Measured", "Lineboard", "Beside", "which is", "Ratio"}}
	for i, r := range t.rows {
		if i > 0 && r.part != t.rows[i-1].part {
			lines = append(lines, nil)
		}
		lines = append(lines, r.cells())
	}
	var width [5]int
	for _, line := range lines {
		for i, cell := range line {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		text := ""
		for i, cell := range line {
			space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if words := i == 0 || i == 3; words {
				text += cell + space + "  "
			} else {
				text += space + cell + "  "
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(text, " ")); err != nil {
			return err
		}
	}
	return nil
}
