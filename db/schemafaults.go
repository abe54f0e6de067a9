package db

import (
	"cmp"
	"context"
	_ "embed" // for schema.json
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"lineboard/internal/packaging"
)

// SchemaFaults compares the tables, indexes, triggers and views of the database with those that this program makes. It
// returns what differs, sorted by name, and nothing if all is as it must be.
func (d *DB) SchemaFaults(ctx context.Context) ([]packaging.SchemaFault, error) {
	return schemaFaultsIn(ctx, d.read)
}

func schemaFaultsIn(ctx context.Context, q querier) ([]packaging.SchemaFault, error) {
	want, err := ownSchema()
	if err != nil {
		return nil, err
	}
	has, err := schemaIn(ctx, q)
	if err != nil {
		return nil, err
	}
	var faults []packaging.SchemaFault
	for name, statement := range want {
		switch found, is := has[name]; {
		case !is:
			faults = append(faults, packaging.SchemaFault{Kind: packaging.FaultMissing, Name: name})
		case found != statement:
			faults = append(faults, packaging.SchemaFault{Kind: packaging.FaultChanged, Name: name})
		}
	}
	for name := range has {
		if _, is := want[name]; !is {
			faults = append(faults, packaging.SchemaFault{Kind: packaging.FaultAdded, Name: name})
		}
	}
	slices.SortFunc(faults, func(a, b packaging.SchemaFault) int { return cmp.Compare(a.Name, b.Name) })
	return faults, nil
}

// ownParts is what [schemaIn] returns of a new database, as JSON. `make schema` writes the file: to make a database for
// it took a start as long as opening its own.
//
//go:embed schema.json
var ownParts []byte

// ownSchema is what a new database has.
var ownSchema = sync.OnceValues(func() (all map[string]string, err error) {
	err = json.Unmarshal(ownParts, &all)
	return all, err
})

// schemaIn returns the statement behind each part of the schema by its type and name, without comments and spacing. Left
// out are the tables that others make in a database, as long as they are just these.
func schemaIn(ctx context.Context, q querier) (map[string]string, error) {
	type part struct{ name, statement string }
	parts, err := collect(ctx, q, func(row scanner) (p part, err error) { return p, row.Scan(&p.name, &p.statement) },
		`SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema`)
	all := map[string]string{}
	for _, p := range parts {
		if plain := plainOf(p.name, p.statement); madeByOthers[p.name] == "" || madeByOthers[p.name] != plain {
			all[p.name] = plain
		}
	}
	return all, err
}

// plainRead are the statements that were last read of parts of the program's own: most databases have the same.
var plainRead sync.Map // name → [2]string

// plainOf returns [plainStatement] of the statement behind a part.
func plainOf(name, statement string) string {
	if last, is := plainRead.Load(name); is && last.([2]string)[0] == statement {
		return last.([2]string)[1]
	}
	plain := plainStatement(statement)
	if own, err := ownSchema(); err == nil && own[name] != "" { // a hand can make any number of others
		plainRead.Store(name, [2]string{statement, plain})
	}
	return plain
}

// plainStatement returns a statement as it would be without comments, and with the spaces alone that it needs. Each
// start reads some hundred statements twice, which took a fifth of it by patterns.
func plainStatement(statement string) string {
	var plain strings.Builder
	for rest := spacedStatement(statement); rest != ""; {
		if marked := strings.TrimPrefix(rest, " "); marked != "" && strings.ContainsAny(marked[:1], "(),") {
			plain.WriteByte(marked[0])
			rest = strings.TrimPrefix(marked[1:], " ")
			continue
		}
		whole := max(quotedSQL(rest), 1)
		plain.WriteString(rest[:whole])
		rest = rest[whole:]
	}
	return strings.TrimSpace(plain.String())
}

// spacedStatement returns a statement with one space in place of each run of spaces and comments.
func spacedStatement(statement string) string {
	var spaced strings.Builder
	for rest := statement; rest != ""; {
		if space := spaceOfSQL(rest); space > 0 {
			spaced.WriteByte(' ')
			rest = rest[space:]
			continue
		}
		whole := max(quotedSQL(rest), 1)
		spaced.WriteString(rest[:whole])
		rest = rest[whole:]
	}
	return spaced.String()
}

// quotedSQL is how long what a text begins with stands in quotes, in which nothing is a comment and each space counts.
func quotedSQL(text string) int {
	const begin, end = "'\"`[", "'\"`]"
	quote := strings.IndexByte(begin, text[0])
	if quote < 0 {
		return 0
	}
	return 1 + strings.IndexByte(text[1:], end[quote]) + 1
}

// spaceOfSQL is how long the spaces and comments are that a text begins with.
func spaceOfSQL(text string) int {
	rest := text
	for {
		rest = strings.TrimLeft(rest, "\t\n\f\r ")
		if !strings.HasPrefix(rest, "--") {
			return len(text) - len(rest)
		}
		// A comment with a zero byte is none to leave out: SQLite reads nothing behind it.
		end := strings.IndexAny(rest, "\n\x00")
		if end < 0 {
			return len(text)
		}
		rest = rest[end:]
	}
}

// madeByOthers are the tables that Litestream 0.5 makes in a database that it copies, and those in which SQLite itself
// keeps what it has counted, where somebody had it count.
var madeByOthers = map[string]string{
	"table _litestream_seq":  "CREATE TABLE _litestream_seq(id INTEGER PRIMARY KEY,seq INTEGER)",
	"table _litestream_lock": "CREATE TABLE _litestream_lock(id INTEGER)",
	"table sqlite_stat1":     "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
	"table sqlite_stat4":     "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
}
