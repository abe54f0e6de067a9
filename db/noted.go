package db

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// trigger notes the rows of a table that a kind of statement changes, in tables of the connection. Each start makes
// some two hundred. SQLite reads each twice, and then all that are there. So a table has one for each kind of
// statement, for its records and for what pages are told, and none for what the table refuses.
type trigger struct {
	table string
	on    rowChange
	notes []note
}

// rowChange is what a kind of statement does to a row.
type rowChange struct {
	statement string
	rows      []string // whose keys are noted: an order that moves leaves a line and comes to another
}

var rowChanges = []rowChange{
	{"INSERT", []string{"NEW"}}, {"DELETE", []string{"OLD"}}, {"UPDATE", []string{"OLD", "NEW"}},
}

// differs is the condition that an update changes one of the columns. Other statements change all.
func (c rowChange) differs(columns []string) string {
	if c.statement != "UPDATE" {
		return ""
	}
	var differs []string
	for _, column := range columns {
		differs = append(differs, fmt.Sprintf("NEW.%s IS NOT OLD.%[1]s COLLATE BINARY", column))
	}
	return strings.Join(differs, " OR ")
}

// note is what a trigger writes.
type note struct {
	into    string // the table
	when    string // which changes count; empty for all
	queries []string
}

// sql is the statement that makes the trigger.
func (t trigger) sql() string {
	alike := !slices.ContainsFunc(t.notes, func(n note) bool { return n.when != t.notes[0].when })
	when, body := "", ""
	if alike && t.notes[0].when != "" {
		when = "WHEN " + t.notes[0].when
	}
	for _, n := range t.notes {
		rows := strings.Join(n.queries, " UNION ALL ")
		if !alike && n.when != "" {
			rows = fmt.Sprintf("SELECT * FROM (%s) WHERE %s", rows, n.when)
		}
		body += fmt.Sprintf("INSERT INTO %s %s; ", n.into, rows)
	}
	return fmt.Sprintf("CREATE TEMP TRIGGER noted_%[1]s_%[2]s AFTER %[2]s ON main.%[1]s %[3]s BEGIN %[4]s END",
		t.table, t.on.statement, when, body)
}

// triggersOf returns those of a writer: each change of a record and of what pages show is noted.
func triggersOf(records map[string]recordTable, columns map[string][]schemaColumn) (all []trigger, err error) {
	refuses, err := refusals()
	if err != nil {
		return nil, err
	}
	noting := map[string][]func(rowChange) (note, bool){}
	for _, r := range records {
		if r.name != blocksOfLists { // a list is too long to be noted row by row: addSerials does it
			noting[r.name] = append(noting[r.name], r.note)
		}
	}
	for _, w := range watchedTables {
		if len(columns[w.table]) == 0 {
			return nil, fmt.Errorf("there is no table %s to watch", w.table)
		}
		noting[w.table] = append(noting[w.table], func(c rowChange) (note, bool) { return w.note(c, columns[w.table]) })
	}
	for _, table := range slices.Sorted(maps.Keys(noting)) {
		for _, c := range rowChanges {
			t := trigger{table: table, on: c}
			for _, its := range noting[table] {
				if n, is := its(c); is {
					t.notes = append(t.notes, n)
				}
			}
			if len(t.notes) > 0 && !refuses[refusal{c.statement, table}] {
				all = append(all, t)
			}
		}
	}
	return all, nil
}

// refusal is a kind of statement that changes no row of a table, since a trigger of the schema ends it.
type refusal struct{ statement, table string }

// refusing is such a trigger. One with a condition is none: it lets some rows be changed.
var refusing = regexp.MustCompile(
	`^CREATE TRIGGER \w+ BEFORE (UPDATE|DELETE) ON (\w+) BEGIN SELECT RAISE\(ABORT,'[^']*'\); END$`)

// refusals are those of the program's own schema: what a hand put there may be gone the next moment.
func refusals() (map[refusal]bool, error) {
	parts, err := ownSchema()
	all := map[refusal]bool{}
	for _, statement := range parts {
		if found := refusing.FindStringSubmatch(statement); found != nil {
			all[refusal{found[1], found[2]}] = true
		}
	}
	return all, err
}
