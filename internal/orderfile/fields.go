package orderfile

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lineboard/internal/gs1"
	"lineboard/internal/packaging"
)

// addRow checks and normalizes the facts of a row. It adds the row, or its faults.
func (p *parser) addRow(row int, facts packaging.Facts) {
	faults := p.faults.Count
	if facts.Product != "" {
		facts.Product = strings.Join(strings.Fields(facts.Product), " ") // cells may hold line breaks
	}
	for _, field := range packaging.ImportFields {
		value := facts.Field(field)
		if !packaging.Printable(*value) {
			p.fault(row, field, packaging.FaultNotText, *value)
			continue
		}
		normal, code := normalize(field, *value)
		if code != "" {
			p.fault(row, field, code, *value)
			continue
		}
		*value = normal
	}
	if strings.ContainsFunc(facts.Key, isUnseen) {
		p.ask(row, packaging.ColumnOrderID, packaging.QuestionInvisible, facts.Key)
	}
	if facts.Key != "" {
		if first, ok := p.firstRow[facts.Key]; ok {
			p.faults.Add(packaging.ImportFault{
				Row: row, Field: packaging.ColumnOrderID, Code: packaging.FaultOrderIDTwice,
				Value: shortened(facts.Key), Hint: strconv.Itoa(first),
			})
		} else {
			p.firstRow[strings.Clone(facts.Key)] = row // its row may be one text
		}
	}
	if p.faults.Count == faults {
		p.keep(packaging.ImportRow{Row: row, Facts: facts})
	}
}

// keep adds a row without faults.
func (p *parser) keep(row packaging.ImportRow) {
	if before, ok := new(big.Int).SetString(p.last.Facts.Quantity, 10); ok {
		p.sum.Add(p.sum, before)
	}
	p.rows.Add(row)
	p.last = row
}

// normalize returns a value as it is stored, or what is wrong with it. Only the order ID is required.
func normalize(field packaging.ImportField, value string) (string, packaging.FaultCode) {
	if value == "" && field != packaging.ColumnOrderID {
		return "", ""
	}
	switch field {
	case packaging.ColumnOrderID:
		switch {
		case value == "":
			return "", packaging.FaultOrderIDMissing
		case utf8.RuneCountInString(value) > packaging.MaxOrderKey:
			return "", packaging.FaultOrderIDLong
		}
	case packaging.ColumnProduct:
		if utf8.RuneCountInString(value) > packaging.MaxProduct {
			return "", packaging.FaultProductLong
		}
	case packaging.ColumnGTIN:
		return gtin(value)
	case packaging.ColumnLot:
		switch {
		case !packaging.InCSET82(value):
			return "", packaging.FaultLotText
		case len(value) > packaging.MaxLot:
			return "", packaging.FaultLotLong
		}
	case packaging.ColumnExpiry:
		return expiry(value)
	case packaging.ColumnQuantity:
		return quantity(value)
	case packaging.ColumnExtra:
		return extraPercent(value)
	}
	return value, ""
}

var gtinForm = regexp.MustCompile(`^(\d{8}|\d{12,14})$`)

// gtin returns a GTIN with 14 digits.
func gtin(value string) (string, packaging.FaultCode) {
	if !gtinForm.MatchString(value) {
		return "", packaging.FaultGTIN
	}
	value = strings.Repeat("0", 14-len(value)) + value
	if !gs1.CheckDigit(value) {
		return "", packaging.FaultGTINCheck
	}
	return value, ""
}

var (
	dayForms    = []string{time.DateOnly, "02.01.2006"}
	withoutDay  = regexp.MustCompile(`^(\d{4}[-./]\d{1,2}([-./]00)?|(00[-./])?\d{1,2}[-./]\d{4}|\d{4}00)$`)
	dateAlike   = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}|\d{2}\.\d{2}\.\d{4})$`)
	firstExpiry = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// expiry returns a date as YYYY-MM-DD. It refuses a month without a day: Lineboard must not choose the day.
func expiry(value string) (string, packaging.FaultCode) {
	for _, form := range dayForms {
		date, err := time.Parse(form, value)
		if err == nil && dateAlike.MatchString(value) && !date.Before(firstExpiry) {
			return date.Format(time.DateOnly), ""
		}
	}
	switch {
	case withoutDay.MatchString(value):
		return "", packaging.FaultExpiryNoDay
	case dateAlike.MatchString(value):
		return "", packaging.FaultExpiryNoDate
	}
	return "", packaging.FaultExpiry
}

var (
	quantityForm = regexp.MustCompile(`^\d{1,12}$`)
	extraForm    = regexp.MustCompile(`^(\d{1,2}|100)([.,]\d{1,6})?$`)
)

// quantity returns a whole number of packs without leading zeros.
func quantity(value string) (string, packaging.FaultCode) {
	plain := strings.TrimLeft(value, "0")
	if !quantityForm.MatchString(value) || plain == "" {
		return "", packaging.FaultQuantity
	}
	return plain, ""
}

// extraPercent returns a decimal from 0 to 100 with a point and without needless zeros. A comma means a point: what is
// parted by one in thousands is no percentage.
func extraPercent(value string) (string, packaging.FaultCode) {
	if !extraForm.MatchString(value) {
		return "", packaging.FaultExtra
	}
	whole, part, _ := strings.Cut(strings.Replace(value, ",", ".", 1), ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	part = strings.TrimRight(part, "0")
	if whole == "100" && part != "" {
		return "", packaging.FaultExtra
	}
	if part != "" {
		return whole + "." + part, ""
	}
	return whole, ""
}
