package packaging

// Line is a packaging line. Code is what the API and the people at the line call it.
type Line struct {
	ID      LineID
	Code    string
	Name    string
	Retired bool // it does not show among the lines any more, unless an order needs somebody there
}

// ByCode compares lines for lists of them.
func ByCode(a, b Line) int { return Naturally(a.Code, b.Code) }

// Known says whether there is a line at all: an order may have none yet.
func (l Line) Known() bool { return l.ID != 0 }
