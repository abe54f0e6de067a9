package db

import (
	"slices"
	"strings"

	"lineboard/internal/packaging"
)

// ask asks about what is probably a mistake: a new order ID that is like a known one, and a lot without the zeros in
// front that the order's lot has.
func (i *importing) ask(did importedRow) error {
	if did.New {
		return i.askKey(did)
	}
	for _, c := range did.Changes {
		if c.Field == packaging.ColumnLot && c.Old != c.New && strings.TrimLeft(c.Old, "0") == c.New {
			i.check.Ask(packaging.ImportFault{
				Row: did.Row, Field: c.Field, Code: packaging.QuestionZerosLost, Value: c.New, Hint: c.Old,
			})
		}
	}
	return nil
}

func (i *importing) askKey(did importedRow) error {
	if i.alike == nil {
		if err := i.readKeys(); err != nil {
			return err
		}
	}
	look := packaging.LookOf(did.Key)
	like, ok := i.alike[look]
	if !ok {
		i.alike[look] = did.Key // further rows may look like this one
		return nil
	}
	code := packaging.QuestionSimilarID
	if strings.TrimLeft(like, "0") == did.Key {
		code = packaging.QuestionZerosLost
	}
	i.check.Ask(packaging.ImportFault{
		Row: did.Row, Field: packaging.ColumnOrderID, Code: code, Value: did.Key, Hint: like,
	})
	return nil
}

// knownKeys are order IDs by what people tell them apart by.
type knownKeys map[string]string

// readKeys reads the order IDs that are open, or begin with zeros, and that the person may see.
func (i *importing) readKeys() error {
	w := inScope(i.by.Scope(), "o.")
	keys, err := collect(i.ctx, i.q, func(row scanner) (key string, err error) { return key, row.Scan(&key) }, `
		SELECT o.order_key FROM orders o WHERE `+w.sql+` AND `+onBoards+` AND o.urgency < 6
		UNION SELECT o.order_key FROM orders o WHERE `+w.sql+
		` AND o.withdrawn_at IS NULL AND o.order_key >= '0' AND o.order_key < '1'`,
		slices.Concat(w.args, w.args)...)
	if err != nil {
		return err
	}
	i.alike = knownKeys{}
	for _, key := range keys {
		i.alike[packaging.LookOf(key)] = key
	}
	return nil
}
