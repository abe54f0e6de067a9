package packaging

// ListID is the key of a serial list: the order in its low 32 bits, and above them how many releases of the order had
// reached the line before. So the list of a first release has the key of its order.
type ListID int64

const orderBits = 32

// ListOf returns the key of the list of an order's release.
func ListOf(order OrderID, round int) ListID { return ListID(round)<<orderBits | ListID(order) }

// Order returns the order that the list is of.
func (l ListID) Order() OrderID { return OrderID(l & (1<<orderBits - 1)) }

// Round returns how many releases of the order had reached the line before.
func (l ListID) Round() int { return int(l >> orderBits) }

// List returns the key of the list of the order's latest release.
func (o Order) List() ListID {
	if o.Release == nil {
		return ListOf(o.ID, 0)
	}
	return ListOf(o.ID, o.Release.Round)
}

// ShownList returns the key of the list that is the order's own: that of the latest release, or of the one before if
// the latest one was refused.
func (o Order) ShownList() ListID {
	if r := o.Release; r != nil && r.Outcome == Refused && r.Round > 0 {
		return ListOf(o.ID, r.Round-1)
	}
	return o.List()
}
