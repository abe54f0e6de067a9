package packaging

// FaultKind is how something stored differs from what it must be.
type FaultKind string

// The kinds.
const (
	FaultChanged FaultKind = "changed"
	FaultMissing FaultKind = "missing"
	FaultAdded   FaultKind = "added" // it is there and must not be
)

// FaultKinds are all of them.
var FaultKinds = []FaultKind{FaultChanged, FaultMissing, FaultAdded}

// SchemaFault is a part of a database's schema that is not as this program made it.
type SchemaFault struct {
	Kind FaultKind
	Name string // type and name, "trigger history_is_never_changed" for example
}
