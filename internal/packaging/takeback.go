package packaging

import "time"

// Withdrawal is that of an order which only an import told of.
type Withdrawal struct {
	At  time.Time // zero where the order stands
	By  string
	Why string
}

// Given reports whether the order is withdrawn.
func (w Withdrawal) Given() bool { return !w.At.IsZero() }

// MayWithdraw reports whether the person may withdraw the order: one that the API never listed, and that has no
// release.
func (p Person) MayWithdraw(o Order) bool {
	return o.NotYetKnown && !o.Withdrawn.Given() && o.Release == nil && p.MayOn(ImportOrders, o.Line.ID)
}

// GivenBack is what became of an import whose values were given back to the API.
type GivenBack struct {
	Values    int // that count no more
	Withdrawn int // orders that only this import told of
	Kept      int // orders that stay as they are, since a release of them is not settled
}

// Any reports whether anything was given back.
func (g GivenBack) Any() bool { return g.Values+g.Withdrawn > 0 }
