package db

import (
	"hash/maphash"
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
	like, err := i.alikeTo(look)
	if err != nil || like == "" {
		i.alike.rows[i.alike.hash(look)] = did.Key // further rows may look like this one
		return err
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

// knownKeys are order IDs by a hash of what people tell them apart by. Of the orders that are here their number alone is
// kept: a site may have a million.
type knownKeys struct {
	seed   maphash.Seed
	orders map[uint64]packaging.OrderID
	rows   map[uint64]string // of the import
}

func (k *knownKeys) hash(look string) uint64 { return maphash.String(k.seed, look) }

// readKeys reads the order IDs that are open, or begin with zeros, and that the person may see.
func (i *importing) readKeys() error {
	i.alike = &knownKeys{maphash.MakeSeed(), map[uint64]packaging.OrderID{}, map[uint64]string{}}
	w := inScope(i.by.Scope(), "o.")
	rows, err := i.q.QueryContext(i.ctx, `
		SELECT o.id, o.order_key FROM orders o WHERE `+w.sql+` AND `+onBoards+` AND o.urgency < 6
		UNION ALL SELECT o.id, o.order_key FROM orders o WHERE `+w.sql+
		` AND o.withdrawn_at IS NULL AND o.order_key >= '0' AND o.order_key < '1'`,
		slices.Concat(w.args, w.args)...)
	if err != nil {
		return coded(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id packaging.OrderID
		var key string
		if err := rows.Scan(&id, &key); err != nil {
			return coded(err)
		}
		i.alike.orders[i.alike.hash(packaging.LookOf(key))] = id
	}
	return coded(rows.Err())
}

// alikeTo returns an order ID that has a look, of an order that is here or of a row before, or "".
func (i *importing) alikeTo(look string) (like string, err error) {
	hash := i.alike.hash(look)
	like, ok := i.alike.rows[hash]
	if order, known := i.alike.orders[hash]; known && !ok {
		err = coded(i.q.QueryRowContext(i.ctx, `SELECT order_key FROM orders WHERE id = ?`, order).Scan(&like))
	}
	if like != "" && packaging.LookOf(like) != look {
		like = ""
	}
	return like, err
}
