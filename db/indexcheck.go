package db

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"lineboard/internal/packaging"
)

// foundHistory looks for entries that are there and are not found by what filters ask for.
func (c *recordCheck) foundHistory(asOfNow func(step func() error) error) error {
	for seq, more := int64(0), true; more; {
		if err := asOfNow(func() (err error) {
			seq, more, err = c.foundEntries(seq)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// indexedTables are the tables whose indexes people and the program look records up by.
func indexedTables(records map[string]recordTable) []string {
	return append(slices.Sorted(maps.Keys(records)), "history", "record_log")
}

// indexesOf compares the rows of a table with each of its indexes.
func (c *recordCheck) indexesOf(table string) error {
	said, err := collect(c.ctx, c.q, func(row scanner) (s string, err error) { return s, row.Scan(&s) },
		`PRAGMA integrity_check(`+table+`)`)
	if err != nil {
		return err
	}
	var broken []string
	for _, s := range said {
		if _, index, is := strings.Cut(s, " index "); is && !slices.Contains(broken, index) {
			broken = append(broken, index)
		}
	}
	for _, index := range broken {
		if err := c.fault(packaging.FaultHidden, index, "[]", 0); err != nil {
			return err
		}
	}
	return c.madeOfOthers(table)
}

// storedColumn is a column of a table that SQLite makes of others, and stores.
var storedColumn = regexp.MustCompile(`(?s)(\w+)\s+[A-Z ]+ GENERATED ALWAYS AS \((.*?)\) STORED`)

// madeOfOthers looks whether columns that SQLite makes of others are what it makes of them: boards look orders up by
// one. They are no part of what the log says of a record.
func (c *recordCheck) madeOfOthers(table string) error {
	var schema string
	if err := c.q.QueryRowContext(c.ctx, `SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?`, table).
		Scan(&schema); err != nil {
		return coded(err)
	}
	for _, column := range storedColumn.FindAllStringSubmatch(schema, -1) {
		others, err := collect(c.ctx, c.q, func(row scanner) (key string, err error) { return key, row.Scan(&key) },
			`SELECT json_array(rowid) FROM `+table+` WHERE `+column[1]+` IS NOT (`+column[2]+`) LIMIT ?`,
			packaging.MaxFaults)
		if err != nil {
			return err
		}
		for _, key := range others {
			if err := c.fault(packaging.FaultHidden, table, key, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// entriesAtATime are looked up together: each key that some of them have takes one look into the index.
const entriesAtATime = 5000

// foundEntries looks the next entries up by each of their keys. It returns the last one, and false after the end.
func (c *recordCheck) foundEntries(after int64) (last int64, more bool, err error) {
	type entry struct {
		id, seq int64
		keys    string
	}
	entries, err := collect(c.ctx, c.q, func(row scanner) (e entry, err error) {
		return e, row.Scan(&e.id, &e.seq, &e.keys)
	}, `SELECT h.id, h.seq, f.keys FROM history h JOIN history_found_by f ON f.id = h.id
		WHERE h.tenant_id = ? AND h.seq > ? ORDER BY h.seq LIMIT ?`, c.tenant, after, entriesAtATime)
	if err != nil || len(entries) == 0 {
		return after, false, err
	}
	have, seqs := map[string][]int64{}, map[int64]int64{}
	hidden := map[int64]bool{} // by the number of the entry
	for i, e := range entries {
		hidden[e.seq] = i > 0 && e.id <= entries[i-1].id // pages of a filter come in the order of ids
		seqs[e.id] = e.seq
		for key := range strings.FieldsSeq(e.keys) {
			have[key] = append(have[key], e.id)
		}
	}
	for key, ids := range have {
		found, err := collect(c.ctx, c.q, func(row scanner) (id int64, err error) { return id, row.Scan(&id) }, `
			SELECT rowid FROM history_index WHERE history_index MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid`,
			`keys : "`+key+`"`, entries[0].id, entries[len(entries)-1].id)
		if err != nil {
			return after, false, err
		}
		for _, id := range differing(ids, found) {
			hidden[seqs[id]] = true
		}
	}
	for _, e := range entries {
		if !hidden[e.seq] {
			continue
		}
		if err := c.fault(packaging.FaultHidden, "history", fmt.Sprintf("[%d]", e.seq), 0); err != nil {
			return after, false, err
		}
	}
	return entries[len(entries)-1].seq, true, nil
}

// differing returns what one of two lists has alone. Both are sorted, unless somebody changed what they come from.
func differing(a, b []int64) (alone []int64) {
	if slices.Equal(a, b) {
		return nil
	}
	for _, lists := range [][2][]int64{{a, b}, {b, a}} {
		other := map[int64]bool{}
		for _, id := range lists[1] {
			other[id] = true
		}
		for _, id := range lists[0] {
			if !other[id] {
				alone = append(alone, id)
			}
		}
	}
	return alone
}
