package packaging

import "time"

// OrderEvent is something that the cache saw happen to an order. What people did stands in the history; a line that a
// person set stands in both, since it is kept here and nowhere else.
type OrderEvent struct {
	At       time.Time
	Kind     EventKind
	Field    Field // with FactsChanged
	Old, New string
	Source   Source
	By       Author // with BySomebody: full name and station, as of then
}

// EventKind is what happened.
type EventKind string

// The kinds.
const (
	OrderSeen     EventKind = "seen"   // for the first time; New is its status
	StatusChanged EventKind = "status" // Old and New are statuses
	OrderLost     EventKind = "gone"   // the API does not know it any more
	OrderBack     EventKind = "back"   // the API knows it again
	FactsChanged  EventKind = "facts"  // Field says which, Old and New are its values
	LineChanged   EventKind = "line"   // Old and New name lines, empty for none
)

// EventKinds are all of them.
var EventKinds = []EventKind{OrderSeen, StatusChanged, OrderLost, OrderBack, FactsChanged, LineChanged}

// Source is where an event was learnt from.
type Source string

// The sources.
const (
	ByList       Source = "list"       // the API's list of open orders
	ByDetails    Source = "details"    // the order's details
	ByReleasing  Source = "answer"     // the answer to a release
	BySettlement Source = "settlement" // asking about a release whose outcome was unknown
	ByImport     Source = "import"     // a file
	BySomebody   Source = "person"
)

// Sources are all of them.
var Sources = []Source{ByList, ByDetails, ByReleasing, BySettlement, ByImport, BySomebody}

// Field is one of an order's facts.
type Field string

// The fields. LineField is the line as the API names it, while the order keeps another one that a person set.
const (
	ProductField  Field = "product"
	GTINField     Field = "gtin"
	LotField      Field = "lot"
	ExpiryField   Field = "expiry"
	QuantityField Field = "quantity"
	ExtraField    Field = "extra"
	LineField     Field = "line"
)

// ChangesFrom are the events of the facts other than status and line that differ from before.
func (f Facts) ChangesFrom(before Facts) (events []OrderEvent) {
	for _, c := range []struct {
		field    Field
		old, new string
	}{
		{ProductField, before.Product, f.Product},
		{GTINField, before.GTIN, f.GTIN},
		{LotField, before.Lot, f.Lot},
		{ExpiryField, before.Expiry, f.Expiry},
		{QuantityField, before.Quantity, f.Quantity},
		{ExtraField, before.ExtraPercent, f.ExtraPercent},
	} {
		if c.old != c.new {
			events = append(events, OrderEvent{Kind: FactsChanged, Field: c.field, Old: c.old, New: c.new})
		}
	}
	return events
}
