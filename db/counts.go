package db

import (
	"context"
	"fmt"
	"strings"
)

// Counts returns how many rows each table has.
func (d *DB) Counts(ctx context.Context) (map[string]int64, error) {
	tables, err := collect(ctx, d.slow.DB, func(row scanner) (name string, err error) { return name, row.Scan(&name) },
		`SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT GLOB 'sqlite_*'`)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for _, table := range tables {
		var n int64
		query := fmt.Sprintf(`SELECT count(*) FROM "%s"`, strings.ReplaceAll(table, `"`, `""`))
		if err := d.slow.DB.QueryRowContext(ctx, query).Scan(&n); err != nil {
			return nil, coded(err)
		}
		counts[table] = n
	}
	return counts, nil
}
