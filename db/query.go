package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"lineboard/internal/packaging"
)

// querier is what a reader and a transaction have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect reads all rows of a query with scan.
func collect[T any](
	ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any,
) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, coded(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, coded(err)
		}
		all = append(all, one)
	}
	return all, coded(rows.Err())
}

type scanner interface{ Scan(into ...any) error }

// longerRow is a row that has more behind what is read of it.
type longerRow struct {
	scanner
	more []any
}

func (r longerRow) Scan(into ...any) error { return r.scanner.Scan(append(into, r.more...)...) }

// where is a condition that grows.
type where struct {
	sql  string
	args []any
}

// inScope begins the condition of a query with the scope that it is asked in, for a table whose columns tenant_id and
// line_id stand after the prefix. Every query for people begins so.
func inScope(in packaging.Scope, prefix string) where {
	w := where{prefix + "tenant_id = ?", []any{in.Tenant()}}
	w.and(in.Limited(), prefix+"line_id IN (SELECT value FROM json_each(?))", lineList(in))
	return w
}

// lineList is the lines of a scope as one parameter, so that a query is the same for any number of them.
func lineList(in packaging.Scope) string {
	list, _ := json.Marshal(in.Lines()) // numbers alone
	return string(list)
}

func (w *where) and(wanted bool, condition string, args ...any) {
	if wanted {
		w.sql += " AND " + condition
		w.args = append(w.args, args...)
	}
}

// millis and moment are how times are stored: milliseconds since 1970 UTC, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// nullTime is nil where there is no time.
func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// nullable is nil where a key is 0, as foreign keys want it.
func nullable[T ~int64](key T) any {
	if key == 0 {
		return nil
	}
	return int64(key)
}
