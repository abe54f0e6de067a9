package orderfile

import (
	"math/big"
	"regexp"
	"strings"
	"unicode"

	"lineboard/internal/packaging"
)

// A spreadsheet changes values when it opens a file. Nothing proves that later, so a value that looks changed is a
// question to who imports it, no fault.

const monthNames = `jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|` +
	`mär|mrz|mai|okt|dez|janv|févr|fév|mars|avr|avril|juin|juil|août|déc|` +
	`ene|abr|ago|dic|febr|márc|ápr|máj|jún|júl|szept`

var (
	monthCell = regexp.MustCompile(`(?i)^(\d{1,4}[-./ ]{1,2})?(` + monthNames + `)\.?([-./ ]{1,2}\d{1,4})?$`)
	dateCell  = regexp.MustCompile(
		`^(\d{1,2}([-./])\d{1,2}([-./])(\d{2}|\d{4})|(18|19|20)\d{2}([-/]|\. ?)\d{1,2}([-/]|\. ?)\d{1,2})\.?` +
			`( \d{1,2}:\d{2}(:\d{2})?)?$|^\d{1,2}:\d{2}(:\d{2})?$`,
	)
	dayNumber      = regexp.MustCompile(`^4[3-9]\d{3}$|^5[0-4]\d{3}$`) // days since 1900: 2017 to 2050
	scientificCell = regexp.MustCompile(`^-?\d([.,]\d+)?[Ee]\+\d{1,3}$`)
	roundedCell    = regexp.MustCompile(`^\d{15}0+$`)
	apostropheCell = regexp.MustCompile(`^['’][\pL\pN]`)
	noValueCell    = regexp.MustCompile(`(?i)^(true|wahr|vrai|verdadero|igaz|false|falsch|faux|falso|hamis|` +
		`null|nil|none|n/?a|-+|\?+)$`)
	textFormula = regexp.MustCompile(`^="([^"]*)"$`)
)

// suspicion returns what a spreadsheet may have done to an order ID or a lot, or "".
func suspicion(field packaging.ImportField, value string, from cell) packaging.FaultCode {
	if field != packaging.ColumnOrderID && field != packaging.ColumnLot {
		return ""
	}
	hasDigit := strings.ContainsFunc(value, unicode.IsDigit)
	switch {
	case apostropheCell.MatchString(value):
		return packaging.QuestionApostrophe
	case !hasDigit && noValueCell.MatchString(value):
		return packaging.QuestionNoValue
	case from.exact:
		return ""
	}
	isNumber := value != "" && value[0] <= '9' // or begins as one
	switch {
	case hasDigit && monthCell.MatchString(value), isNumber && dateCell.MatchString(value),
		isNumber && field == packaging.ColumnLot && dayNumber.MatchString(value):
		return packaging.QuestionDate
	case from.scientific, isNumber && scientificCell.MatchString(value):
		return packaging.QuestionScientific
	case from.rounded, isNumber && roundedCell.MatchString(value):
		return packaging.QuestionRounded
	}
	return ""
}

// asText returns a cell whose formula says no more than a text. Programs write that so that a spreadsheet keeps its
// zeros.
func asText(c cell) cell {
	if given := textFormula.FindStringSubmatch(c.text); given != nil && !c.exact {
		return cell{text: given[1], exact: true}
	}
	return c
}

// isUnseen reports whether a character can't be seen, or can't be told from a plain space.
func isUnseen(r rune) bool { return r != ' ' && (unicode.IsSpace(r) || unicode.Is(unicode.Cf, r)) }

// trimmed returns a text without spaces around it, and without characters around it that can't be seen: they come along
// where a text was copied from a page.
func trimmed(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return r == ' ' || isUnseen(r) })
}

// footerWords begin the last row of a report, in the languages of Lineboard.
var footerWords = regexp.MustCompile(`(?i)^(grand total|sub ?total|totals?|sum|count|end|eof|page|` +
	`(gesamt|zwischen)?summe|gesamt|anzahl|ende|seite|somme|nombre|fin|suma|totales|página|összesen|összeg|vége|oldal)` +
	`([ :.*=-].*)?$|^\d+ (rows?|orders?|records?|zeilen?|aufträge|lignes?|ordres?|filas?|órdenes|sor|rendelés)\b`)

// askFooter asks about the last row if it looks like a sum or an end rather than like an order.
func (p *parser) askFooter() {
	if p.rows.Len() == 0 {
		return
	}
	key := strings.Trim(p.last.Facts.Key, " *=-_.")
	if key == "" || footerWords.MatchString(key) || p.endsWithSum() {
		p.ask(p.last.Row, packaging.ColumnOrderID, packaging.QuestionFooter, p.last.Facts.Key)
	}
}

// endsWithSum reports whether the quantity of the last row is the sum of at least two before.
func (p *parser) endsWithSum() bool {
	last, ok := new(big.Int).SetString(p.last.Facts.Quantity, 10)
	return ok && p.rows.Len() >= 3 && p.sum.Cmp(last) == 0
}

func (p *parser) ask(row int, field packaging.ImportField, code packaging.FaultCode, value string) {
	p.questions.Add(packaging.ImportFault{Row: row, Field: field, Code: code, Value: shortened(value)})
}
