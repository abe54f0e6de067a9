package packaging

import (
	"crypto/sha256"
	"hash"
	"slices"
	"time"
)

// Sites whose ERP or MES knows an order better than the remote API does bring its facts in as a file, or over HTTP.
// This is how both kinds of facts live together:
//
//   - A field that an import gave wins over what the API says of it. It does so through all refreshes, until a later
//     import gives it again. What the import leaves empty says nothing: the API's value stands.
//   - What the API says of such a field is kept beside it ([ImportedFact.API]). It is shown where it differs, since a
//     release goes by what the API has.
//   - A line decides who may release. A person, or a token, may be limited to lines. Then a line that they import or
//     set holds only while they work on the API's line too ([ImportedFact.Overruled]).
//   - A line that a person set here stays, whatever a file says.
//   - The status always comes from the API. An order that only an import gave has none ([Order.NotYetKnown]). It can't
//     be released until the API lists it.
//   - An order whose release is under way, or whose outcome is not known, is not touched.
//   - A file is imported whole or not at all.

// ImportField is a fact that an import may give, under the name of its column.
type ImportField string

// The fields, beside the order ID.
const (
	ColumnOrderID  ImportField = "order_id"
	ColumnLine     ImportField = "line"
	ColumnProduct  ImportField = "product"
	ColumnGTIN     ImportField = "gtin"
	ColumnLot      ImportField = "lot"
	ColumnExpiry   ImportField = "expiry"
	ColumnQuantity ImportField = "quantity"
	ColumnExtra    ImportField = "extra_percent"
)

// ImportFields are all of them, in the order of a file's columns.
var ImportFields = []ImportField{
	ColumnOrderID, ColumnLine, ColumnProduct, ColumnGTIN, ColumnLot, ColumnExpiry, ColumnQuantity, ColumnExtra,
}

// Field is where the facts hold a field; the line is its code.
func (f *Facts) Field(name ImportField) *string {
	switch name {
	case ColumnOrderID:
		return &f.Key
	case ColumnLine:
		return &f.LineCode
	case ColumnProduct:
		return &f.Product
	case ColumnGTIN:
		return &f.GTIN
	case ColumnLot:
		return &f.Lot
	case ColumnExpiry:
		return &f.Expiry
	case ColumnQuantity:
		return &f.Quantity
	}
	return &f.ExtraPercent
}

// MaxProduct is the longest name of a product that an import takes, in characters.
const MaxProduct = 200

// MaxLot is the longest lot that GS1 allows in AI (10), in characters.
const MaxLot = 20

// ImportRow is a row of a file that was read: an order ID, and the facts that the row gives. What it leaves empty says
// nothing.
type ImportRow struct {
	Row   int // the line of the file that the row begins on, or the place in a JSON list; both count from 1
	Facts Facts
}

// ImportFault is something that keeps a file from being imported.
type ImportFault struct {
	Row   int // 0 where it is about the whole file
	Field ImportField
	Code  FaultCode
	Value string // what stands there
	Hint  string // what a sentence needs beside: the row of the first, the lines that there are
}

// FaultCode tells faults apart. Programs may rely on it.
type FaultCode string

// The faults of a file.
const (
	FaultEmpty         FaultCode = "empty"
	FaultTooLarge      FaultCode = "too_large"
	FaultTooManyRows   FaultCode = "too_many_rows"
	FaultNotUTF8       FaultCode = "not_utf8"
	FaultNotJSON       FaultCode = "not_json"
	FaultNotCSV        FaultCode = "not_csv" // quotation marks that do not fit
	FaultNotXLSX       FaultCode = "not_xlsx"
	FaultSeparator     FaultCode = "separator_unknown"
	FaultNoOrderID     FaultCode = "no_order_id_column"
	FaultUnknownColumn FaultCode = "unknown_column"
	FaultColumnTwice   FaultCode = "column_twice"
	FaultRowLong       FaultCode = "row_too_long"
)

// The faults of a row.
const (
	FaultTooManyColumns FaultCode = "too_many_columns"
	FaultUnknownField   FaultCode = "unknown_field" // JSON alone
	FaultFieldTwice     FaultCode = "field_twice"   // JSON alone
	FaultType           FaultCode = "wrong_type"    // JSON alone
	FaultNotText        FaultCode = "control_character"
	FaultCellError      FaultCode = "cell_error" // XLSX alone
	FaultOrderIDMissing FaultCode = "order_id_missing"
	FaultOrderIDLong    FaultCode = "order_id_long"
	FaultOrderIDTwice   FaultCode = "order_id_twice"
	FaultProductLong    FaultCode = "product_long"
	FaultGTIN           FaultCode = "gtin_form"
	FaultGTINCheck      FaultCode = "gtin_check_digit"
	FaultLotLong        FaultCode = "lot_long"
	FaultLotText        FaultCode = "lot_characters"
	FaultExpiry         FaultCode = "expiry_form"
	FaultExpiryNoDay    FaultCode = "expiry_no_day"
	FaultExpiryNoDate   FaultCode = "expiry_no_date"
	FaultQuantity       FaultCode = "quantity_form"
	FaultExtra          FaultCode = "extra_percent_form"
	FaultNoLine         FaultCode = "line_unknown"
	FaultLineForbidden  FaultCode = "line_forbidden"
	FaultBeingReleased  FaultCode = "being_released"
	FaultOutcomeUnknown FaultCode = "outcome_unknown"
)

// The questions about a file: what may be a mistake, which the person or program that imports it must decide.
const (
	QuestionDate       FaultCode = "looks_like_date"
	QuestionScientific FaultCode = "scientific_notation"
	QuestionRounded    FaultCode = "digits_rounded"
	QuestionZerosLost  FaultCode = "zeros_lost"
	QuestionSimilarID  FaultCode = "similar_order_id"
	QuestionFooter     FaultCode = "footer_row"
	QuestionInvisible  FaultCode = "invisible_characters"
	QuestionApostrophe FaultCode = "leading_apostrophe"
	QuestionNoValue    FaultCode = "looks_like_no_value"
	QuestionSheets     FaultCode = "further_sheets" // XLSX alone
	QuestionHidden     FaultCode = "hidden_row"     // the same
	QuestionHiddenCol  FaultCode = "hidden_column"  // the same
)

// maxFaults is how many faults are listed one by one.
const maxFaults = 200

// ImportFaults are the first faults of a file, and how many there are in all.
type ImportFaults struct {
	First []ImportFault
	Count int
}

// Add notes a fault.
func (f *ImportFaults) Add(fault ImportFault) {
	f.Count++
	if len(f.First) < maxFaults {
		f.First = append(f.First, fault)
	}
}

// Join is the faults of both, by their rows.
func (f ImportFaults) Join(other ImportFaults) ImportFaults {
	first := slices.Concat(f.First, other.First)
	slices.SortStableFunc(first, func(a, b ImportFault) int { return a.Row - b.Row })
	return ImportFaults{first[:min(len(first), maxFaults)], f.Count + other.Count}
}

// Forbidden says whether one of the first faults is that somebody may not import orders of a line.
func (f ImportFaults) Forbidden() bool {
	for _, fault := range f.First {
		if fault.Code == FaultLineForbidden {
			return true
		}
	}
	return false
}

// FactChange is a field that an import changes, or gives for the first time.
type FactChange struct {
	Field ImportField
	Old   string `json:",omitempty"` // nothing, of each field of each new order
	New   string
}

// ImportedOrder is what an import does to one order.
type ImportedOrder struct {
	Row     int
	Key     string
	ID      OrderID // 0 while the order is not here yet
	New     bool
	Changes []FactChange // none where the order stays as it is
}

// ImportSum is what an import comes to.
type ImportSum struct {
	New, Changed, Unchanged int
	Faults                  ImportFaults
	Questions               ImportFaults
	// Digest is the SHA-256 over all that the import does to the orders, so that what is applied is what was shown.
	Digest [sha256.Size]byte
}

// Effect says whether the import would change anything.
func (s ImportSum) Effect() bool { return s.New+s.Changed > 0 }

// ImportCheck collects what an import does to each order, in the order of the file, into its sum.
type ImportCheck struct {
	ImportSum
	sum     hash.Hash    // over the orders so far, each in canonical form
	said    Canonical    // of the last one
	touched map[int]bool // rows that change something
}

// NewImportCheck begins a check.
func NewImportCheck() *ImportCheck {
	c := &ImportCheck{sum: sha256.New(), touched: map[int]bool{}}
	var begin Canonical
	begin.Text("lineboard import 1")
	_, _ = c.sum.Write(begin)
	return c
}

// Add counts one order.
func (c *ImportCheck) Add(o ImportedOrder) {
	what := "unchanged"
	c.touched[o.Row] = o.New || len(o.Changes) > 0
	switch {
	case o.New:
		what = "new"
		c.New++
	case len(o.Changes) > 0:
		what = "changed"
		c.Changed++
	default:
		c.Unchanged++
	}
	c.said = c.said[:0]
	c.said.Text(o.Key)
	c.said.Text(what)
	c.said.Number(int64(len(o.Changes)))
	for _, change := range o.Changes {
		c.said.Text(string(change.Field))
		c.said.Text(change.Old)
		c.said.Text(change.New)
	}
	_, _ = c.sum.Write(c.said)
}

// Ask adds a question. What was confirmed is in the digest too.
func (c *ImportCheck) Ask(question ImportFault) {
	c.Questions.Add(question)
	var said Canonical
	said.Text("question")
	said.Text(string(question.Code))
	said.Text(question.Value)
	said.Text(question.Hint)
	_, _ = c.sum.Write(said)
}

// AskOf adds the questions about the file itself. What changes nothing raises none.
func (c *ImportCheck) AskOf(file ImportFaults) {
	if file.Count == len(file.First) {
		file.First = slices.DeleteFunc(slices.Clone(file.First), func(q ImportFault) bool {
			return q.Row > 0 && !c.touched[q.Row]
		})
		file.Count = len(file.First)
	}
	c.Questions = file.Join(c.Questions)
}

// Sum is what was added so far.
func (c *ImportCheck) Sum() ImportSum {
	c.Digest = [sha256.Size]byte(c.sum.Sum(nil))
	return c.ImportSum
}

// ImportFile is what a file says that a person gave to be imported, while they look at what it would do.
type ImportFile struct {
	ID        PreviewID
	Name      string
	Rows      ImportRows
	Questions ImportFaults // about the file itself
	Until     time.Time    // it is not kept longer
}

// ShownImport is what a person saw before they had a kept file imported.
type ShownImport struct {
	Preview PreviewID
	Digest  [sha256.Size]byte
}

// Keys of our own.
type (
	PreviewID int64
	ImportID  int64
)

// ImportRequest is what somebody asks to import.
type ImportRequest struct {
	FileName  string // or how it came, where that was no file
	Rows      ImportRows
	Questions ImportFaults // about the file itself
	Confirmed bool         // the answer to all questions is yes
	Shown     *ShownImport // what a person saw before; nil for a program
}

// Import is one that was carried out.
type Import struct {
	ID       ImportID
	At       time.Time
	By       Author
	FileName string // or how it came, where that was no file
	ImportSum
}

// ImportedPage is a page of the orders that an import made or changed, in the order of the file. Next is 0 on the last
// page.
type ImportedPage struct {
	Orders []ImportedOrder
	Next   OrderID
}

// ImportedFact is a fact of an order that an import gave.
type ImportedFact struct {
	Field  ImportField
	Value  string
	API    string // what the API says of it, empty where it says nothing
	Import ImportID
	At     time.Time
	By     Author
	// Overruled says that the API's line stands, since who imported another one is limited and does not work on it.
	Overruled bool
}

// Differs says whether the API says something else, by which a release goes.
func (f ImportedFact) Differs() bool { return f.API != "" && f.API != f.Value }
