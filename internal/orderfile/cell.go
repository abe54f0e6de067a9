package orderfile

import "strings"

// What spreadsheets part cells at, in any country, and what a formula begins with, after spaces too. The rest of the
// second are marks that a spreadsheet takes away first.
const (
	cellEnds      = ",;|\t\r\n"
	formulaStarts = "=+-@\t\r'\""
)

// Cell keeps a spreadsheet from taking a text for a formula. At the beginning, and after each separator and line break,
// it puts an apostrophe before what begins as a formula. [PlainCell] takes it away.
func Cell(s string) string {
	begins := true
	for i := range len(s) {
		if begins && strings.IndexByte(formulaStarts, s[i]) >= 0 {
			return s[:i] + marked(s[i:])
		}
		begins = parts[s[i]] || begins && s[i] == ' '
	}
	return s // as nearly all are
}

// parts says of each byte whether it is one of cellEnds: most bytes of most files are looked at here.
var parts = func() (ends [256]bool) {
	for _, c := range []byte(cellEnds) {
		ends[c] = true
	}
	return ends
}()

// marked is a text that begins a cell, with all apostrophes that [Cell] puts in.
func marked(s string) string {
	var cell strings.Builder
	begins := true
	for _, c := range []byte(s) {
		if begins && strings.IndexByte(formulaStarts, c) >= 0 {
			cell.WriteByte('\'')
		}
		cell.WriteByte(c)
		begins = parts[c] || begins && c == ' '
	}
	return cell.String()
}

// PlainCell returns the text that [Cell] was given. An apostrophe that Cell did not put there stays.
func PlainCell(cell string) string {
	if strings.IndexByte(cell, '\'') < 0 {
		return cell // as nearly all are
	}
	var s strings.Builder
	begins := true
	for i := 0; i < len(cell); i++ {
		if begins && cell[i] == '\'' && i+1 < len(cell) && strings.IndexByte(formulaStarts, cell[i+1]) >= 0 {
			i++
		}
		s.WriteByte(cell[i])
		begins = parts[cell[i]] || begins && cell[i] == ' '
	}
	return s.String()
}
