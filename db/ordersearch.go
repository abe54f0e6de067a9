package db

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"lineboard/internal/packaging"
)

// SearchOrders returns a page of the orders that match, in the order that the filter asks for. It reads along an index:
// as many rows as the page has where the filter is broad, and at most maxCandidates where it is narrow.
func (d *DB) SearchOrders(
	ctx context.Context, in packaging.Scope, f packaging.OrderFilter,
) (page packaging.OrderPage, err error) {
	err = d.search(ctx, in.Reader(), f.Text, func(ctx context.Context, q querier) error {
		if f.Sort.By == packaging.SortByLine {
			page.Orders, err = ordersByLine(ctx, q, in, f)
		} else {
			page.Orders, err = ordersAlong(ctx, q, orderSorts[f.Sort.By], where{}, in, f)
		}
		return err
	})
	if len(page.Orders) > f.Limit {
		page.Orders = page.Orders[:f.Limit]
		page.Next = page.Orders[f.Limit-1].ID
	}
	return page, err
}

// orderSort is an order to read in: an index, and its columns behind the tenant. $ stands for the table.
type orderSort struct {
	index    string
	columns  []string
	backward bool // the last comes first
}

var (
	byArrival = orderSort{"sqlite_autoindex_orders_2", []string{"$id"}, true}
	byStatus  = orderSort{"orders_by_status", []string{"$urgency", "$status", "$id"}, false}
)

var orderSorts = map[packaging.OrderColumn]orderSort{
	packaging.SortByArrival:  byArrival,
	packaging.SortByStatus:   byStatus,
	packaging.SortByKey:      {"sqlite_autoindex_orders_1", []string{"$order_key"}, false},
	packaging.SortByProduct:  {"orders_by_product", []string{"$product", "$id"}, false},
	packaging.SortByLot:      {"orders_by_lot", []string{"$lot", "$id"}, false},
	packaging.SortByExpiry:   {"orders_by_expiry", []string{"$expiry", "$id"}, false},
	packaging.SortByQuantity: {"orders_by_quantity", []string{"CAST($quantity AS REAL)", "$id"}, false},
}

func (s orderSort) list(table, suffix string) string {
	return strings.ReplaceAll(strings.Join(s.columns, suffix+", ")+suffix, "$", table+".")
}

// ordersAlong returns the orders of a page and one more, read along an index.
func ordersAlong(
	ctx context.Context, q querier, s orderSort, also where, in packaging.Scope, f packaging.OrderFilter,
) ([]packaging.Order, error) {
	direction, beyond := " ASC", " > "
	if f.Sort.Descending != s.backward {
		direction, beyond = " DESC", " < "
	}
	r, err := readFirst(ctx, q, s, in, f)
	if err != nil {
		return nil, err
	}
	w := orderWhere(in, f)
	w.and(also.sql != "", also.sql, also.args...)
	w.and(r.match != "", "c.orders_index MATCH ?", r.match)
	w.and(f.Before != 0,
		"("+r.sort.list("o", "")+")"+beyond+"(SELECT "+s.list("b", "")+
			" FROM orders b WHERE b.tenant_id = ? AND b.id = ?)",
		in.Tenant(), f.Before)
	ids := `SELECT o.id FROM ` + r.from + ` WHERE ` + w.sql + ` ORDER BY ` + r.sort.list("o", direction) + ` LIMIT ?`
	args := append(append(r.args, w.args...), f.Limit+1)
	return collect(ctx, q, scanOrder, selectOrder+`WHERE o.id IN (`+ids+`) ORDER BY `+s.list("o", direction), args...)
}

// orderWhere is what the orders of a search must fulfil.
func orderWhere(in packaging.Scope, f packaging.OrderFilter) where {
	w := inScope(in, "o.")
	if f.Text != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(f.Text) + "%"
		w.and(true,
			`(o.order_key LIKE ? ESCAPE '\' OR o.product LIKE ? ESCAPE '\' OR o.gtin LIKE ? ESCAPE '\' OR o.lot LIKE ? ESCAPE '\')`,
			like, like, like, like)
	}
	w.and(f.Status != "", "o.urgency = ? AND o.status = ?", f.Status.Urgency(), f.Status)
	w.and(f.Open, onBoards+" AND o.urgency < 6")
	w.and(f.Withdrawn, "o.withdrawn_at IS NOT NULL")
	w.and(!f.Withdrawn && f.Text == "", "o.withdrawn_at IS NULL")
	w.and(f.LineID != 0, "o.line_id = ?", f.LineID)
	w.and(f.NoLine, "o.line_id IS NULL AND o.api_line = ''")
	w.and(f.APILine != "", "o.line_id IS NULL AND o.api_line = ?", f.APILine)
	return w
}

// orderRead is what a search reads first, and the order in which it comes.
type orderRead struct {
	from  string
	args  []any
	match string // asked of the index of words
	sort  orderSort
}

// maxCandidates is how many orders a part of a filter has at most for a search to read just these, and sort them.
const maxCandidates = 2_000

// readFirst chooses the few orders that one part of the filter has, or else the index that has the order. What most
// searches ask, a status or a text alone with the newest first, has an index in just that order.
func readFirst(
	ctx context.Context, q querier, s orderSort, in packaging.Scope, f packaging.OrderFilter,
) (orderRead, error) {
	match, err := matchOrder(ctx, q, f.Text)
	if err != nil {
		return orderRead{}, err
	}
	newest := s.index == byArrival.index
	parts := orderParts(in, f, match)
	if newest && len(parts) == 1 && f.Status != "" {
		return orderRead{from: `orders o INDEXED BY ` + byStatus.index, sort: s}, nil
	}
	whole := newest && match != "" // the index of words has all of them, in this order
	if whole {
		unindexed, err := someUnindexed(ctx, q)
		if err != nil {
			return orderRead{}, err
		}
		whole = !unindexed
	}
	if !whole || len(parts) > 1 {
		for _, part := range parts {
			var n int
			if err := q.QueryRowContext(ctx, `SELECT count(*) FROM (`+part.sql+` LIMIT ?)`,
				append(slices.Clone(part.args), maxCandidates+1)...).Scan(&n); err != nil {
				return orderRead{}, coded(err)
			}
			if n <= maxCandidates {
				return orderRead{
					from: `(` + part.sql + `) AS c CROSS JOIN orders o ON o.id = c.id`, args: part.args, sort: s,
				}, nil
			}
		}
	}
	if whole {
		return orderRead{
			from: `orders_index AS c CROSS JOIN orders o ON o.id = c.rowid`, match: match,
			sort: orderSort{columns: []string{"c.rowid"}},
		}, nil
	}
	return orderRead{from: `orders o INDEXED BY ` + s.index, sort: s}, nil
}

// orderParts are the queries for the orders that fulfil each part of a filter, each by an index of its own.
func orderParts(in packaging.Scope, f packaging.OrderFilter, match string) (parts []where) {
	part := func(wanted bool, sql string, args ...any) {
		if wanted {
			parts = append(parts, where{`SELECT id FROM orders INDEXED BY ` + sql, append([]any{in.Tenant()}, args...)})
		}
	}
	if match != "" {
		parts = append(parts, where{`SELECT rowid AS id FROM orders_index WHERE orders_index MATCH ?
			AND rowid NOT IN (SELECT order_id FROM orders_unindexed) UNION ALL SELECT order_id FROM orders_unindexed`, []any{match}})
	}
	const ofLines = `orders_of_line WHERE tenant_id = ? AND gone IN (0, 1) AND line_id `
	part(
		f.Status != "", `orders_by_status WHERE tenant_id = ? AND urgency = ? AND status = ?`, f.Status.Urgency(),
		f.Status,
	)
	part(f.LineID != 0, ofLines+`= ?`, f.LineID)
	part(in.Limited(), ofLines+`IN (SELECT value FROM json_each(?))`, lineList(in))
	part(f.NoLine, `orders_of_unknown_line WHERE tenant_id = ? AND line_id IS NULL AND api_line = ''`)
	part(f.APILine != "", `orders_of_unknown_line WHERE tenant_id = ? AND line_id IS NULL AND api_line = ?`, f.APILine)
	part(f.Withdrawn, `orders_withdrawn WHERE tenant_id = ? AND withdrawn_at IS NOT NULL`)
	part(f.Open, `orders_by_status WHERE tenant_id = ? AND urgency < 6`)
	return parts
}

// matchOrder asks the index of words for orders that may have a text, in the language of FTS5. Orders that have three
// rare characters in a row are read quickly, and common ones take long to look through. So it takes two rare ones of the
// end of the text, where IDs differ in their digits, and else some of all of it. It is empty for a text that is too
// short.
func matchOrder(ctx context.Context, q querier, text string) (string, error) {
	all := trigrams(text)
	var found []string
	for _, one := range all[:min(len(all), maxTried)] {
		if !strings.ContainsAny(one, "0123456789") {
			continue
		}
		is, err := isRare(ctx, q, one)
		if err != nil {
			return "", err
		}
		if is {
			found = append(found, one)
		}
		if len(found) == 2 {
			return strings.Join(found, " AND "), nil
		}
	}
	for i, one := range all {
		if (i%3 == 0 || i == len(all)-1) && !slices.Contains(found, one) && len(found) < maxTrigrams {
			found = append(found, one)
		}
	}
	return strings.Join(found, " AND "), nil
}

const (
	maxTried    = 4 // of the end of a text, whether they are rare
	maxTrigrams = 6 // that the index is asked for: the rest is compared
)

// isRare reports whether few orders have three characters in a row: the newest of these lie far apart.
func isRare(ctx context.Context, q querier, trigram string) (bool, error) {
	const sampled, apart = 20, 16
	var span int64
	err := q.QueryRowContext(ctx, `
		SELECT (SELECT coalesce(max(id), 0) FROM orders) - coalesce((SELECT rowid FROM orders_index
			WHERE orders_index MATCH ? ORDER BY rowid DESC LIMIT 1 OFFSET ?), 0)`, trigram, sampled-1).Scan(&span)
	return span >= sampled*apart, coded(err)
}

// trigrams are each three characters in a row of a text, the last first, quoted for FTS5.
func trigrams(text string) (all []string) {
	const size = 3
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil
	}
	characters := []rune(text)
	for end := len(characters); end >= size; end-- {
		all = append(all, `"`+strings.ReplaceAll(string(characters[end-size:end]), `"`, `""`)+`"`)
	}
	return all
}

// ordersByLine returns the orders of a page and one more, line by line in the order of their codes, and those without a
// line after them. A line's own are in the order of what needs a person first.
func ordersByLine(
	ctx context.Context, q querier, in packaging.Scope, f packaging.OrderFilter,
) (orders []packaging.Order, err error) {
	lines, err := linesOf(ctx, q, in)
	if err != nil {
		return nil, err
	}
	type stretch struct {
		line packaging.LineID
		gone bool
	}
	var all []stretch
	for _, l := range lines {
		all = append(all, stretch{l.ID, false}, stretch{l.ID, true})
	}
	all = append(all, stretch{})
	if f.Sort.Descending {
		slices.Reverse(all)
	}
	var from stretch
	if f.Before != 0 {
		if err := q.QueryRowContext(ctx,
			`SELECT coalesce(line_id, 0), gone AND line_id IS NOT NULL FROM orders WHERE tenant_id = ? AND id = ?`,
			in.Tenant(), f.Before).Scan(&from.line, &from.gone); err != nil {
			return nil, coded(err)
		}
		all = all[max(slices.Index(all, from), 0):]
	}
	limit := f.Limit
	for _, one := range all {
		s, also := ofLine, where{"o.line_id = ? AND o.gone = ?", []any{one.line, one.gone}}
		if one.line == 0 {
			s, also = ofUnknownLine, where{sql: "o.line_id IS NULL"}
		}
		f.Limit = limit - len(orders)
		more, err := ordersAlong(ctx, q, s, also, in, f)
		if err != nil {
			return nil, err
		}
		if orders = append(orders, more...); len(orders) > limit {
			break
		}
		f.Before = 0
	}
	return orders, nil
}

// The orders of one line, and those whose line is not set up here.
var (
	ofLine        = orderSort{"orders_of_line", []string{"$urgency", "$id"}, false}
	ofUnknownLine = orderSort{"orders_of_unknown_line", []string{"$api_line", "$id"}, false}
)

// CountOrders counts the orders of each status that match but for their status and text, up to
// [packaging.MaxCount] and one more, which says that there are more. It leaves out what no order has.
func (d *DB) CountOrders(
	ctx context.Context, in packaging.Scope, f packaging.OrderFilter,
) (counts []packaging.StatusCount, err error) {
	others, err := d.OtherStatuses(ctx, in)
	if err != nil {
		return nil, err
	}
	f.Text = ""
	for _, status := range slices.Concat(packaging.Statuses, others) {
		f.Status = status
		r, err := readFirst(ctx, d.slow, byStatus, in, f)
		if err != nil {
			return nil, err
		}
		w := orderWhere(in, f)
		c := packaging.StatusCount{Status: status}
		if err := d.slow.QueryRowContext(ctx, `SELECT count(*) FROM (SELECT 1 FROM `+r.from+` WHERE `+w.sql+` LIMIT ?)`,
			append(append(r.args, w.args...), packaging.MaxCount+1)...).Scan(&c.Orders); err != nil {
			return nil, coded(err)
		}
		if c.Orders > 0 {
			counts = append(counts, c)
		}
	}
	return counts, nil
}

// OtherStatuses are the statuses among the orders that are not documented.
func (d *DB) OtherStatuses(ctx context.Context, in packaging.Scope) ([]packaging.Status, error) {
	w := inScope(in, "o.")
	const next = `(SELECT min(status) FROM orders INDEXED BY orders_by_status WHERE tenant_id = ?1 AND urgency = 3 AND status > `
	// One look at the index finds the next status, however many orders have the last one.
	return collect(ctx, d.read, func(row scanner) (s packaging.Status, err error) { return s, row.Scan(&s) }, `
		WITH RECURSIVE other (status) AS (SELECT `+next+`'') UNION ALL SELECT `+next+
		`other.status) FROM other WHERE status IS NOT NULL)
		SELECT status FROM other WHERE status IS NOT NULL AND EXISTS (
			SELECT 1 FROM orders o WHERE `+w.sql+` AND o.urgency = 3 AND o.status = other.status) LIMIT 50`,
		append([]any{in.Tenant()}, w.args...)...)
}
