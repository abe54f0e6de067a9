package packaging

// FaultKind is how something stored differs from what it must be.
type FaultKind string

// The kinds.
const (
	FaultChanged FaultKind = "changed"
	FaultMissing FaultKind = "missing"
	FaultAdded   FaultKind = "added" // it is there and must not be
)

// FaultHidden is that of a record that is there and that look-ups do not find, or of an index by which they do not.
const FaultHidden FaultKind = "hidden"

// FaultKinds are those of what is not as it was.
var FaultKinds = []FaultKind{FaultChanged, FaultMissing, FaultAdded}

// SchemaFault is a part of a database's schema that is not as this program made it.
type SchemaFault struct {
	Kind FaultKind
	Name string // type and name, "trigger history_is_never_changed" for example
}
