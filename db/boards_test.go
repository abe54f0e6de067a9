package db

import (
	"strings"
	"testing"

	"lineboard/internal/packaging"
)

// A site has a million orders after years, and nearly all are Done.
func TestBoardsReadNoOrdersThatAreDone(t *testing.T) {
	d, ghent, _ := opened(t)
	limited := ghent
	limited.Lines = []packaging.LineID{1, 2}
	for name, selects := range map[string]func(packaging.Scope) (string, []any){
		"the overview": foremost,
		"a line": func(in packaging.Scope) (string, []any) {
			query, args := lineOrders(in, 1)
			return query, append(args, 200)
		},
		"orders without a line": func(in packaging.Scope) (string, []any) {
			query, args := lineOrders(in, 0)
			return query, append(args, 200)
		},
	} {
		for _, p := range []packaging.Person{ghent, limited} {
			query, args := selects(p.Scope())
			plan, err := collect(t.Context(), d.read, func(row scanner) (step string, err error) {
				var ignored int
				return step, row.Scan(&ignored, &ignored, &ignored, &step)
			}, `EXPLAIN QUERY PLAN `+query, args...)
			if err != nil || len(plan) == 0 {
				t.Fatalf("%s: %v", name, err)
			}
			for _, step := range plan {
				if strings.HasPrefix(step, "SCAN o") ||
					strings.HasPrefix(step, "SEARCH o ") && !strings.Contains(step, "urgency<?") &&
						!strings.Contains(step, "rowid=?") {
					t.Errorf("%s: %s", name, step)
				}
			}
		}
	}
}
