package db

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"lineboard/internal/packaging"
)

// selectOrder reads an order with its line, its latest release, and how fresh it is. $where follows.
const selectOrder = `
SELECT o.id, o.tenant_id, o.order_key, o.line_code, o.line_name, o.product, o.gtin, o.lot, o.expiry, o.quantity,
	o.extra_percent, o.status, o.revision, o.first_seen_at,
	max(o.confirmed_at, coalesce(c.confirmed_at, 0), CASE WHEN o.listed THEN f.succeeded_at ELSE 0 END), o.gone, NOT o.known,
	coalesce(o.withdrawn_at, 0), o.withdrawn_by, o.withdrawn_why, o.line_set_by, o.line_set_at, l.id, l.code, l.name,
	r.id, r.user_id, r.username, r.full_name, r.role, r.line_id, r.line_code, r.line_name, r.requested_at, r.answered_at,
	r.outcome, r.reason, r.order_status, r.message, r.code, r.http_status, r.serials_received, r.serials_expected,
	r.oddities, r.proof, r.settled_at, r.asked_at, r.asked_says, r.list_source, r.list_by, r.list_at, r.flagged_at, r.station,
	r.pending_since, r.pending_again, r.contradicted_at, r.settled_by, r.settled_why, r.closed_at, r.round, r.again_why,
	r.queue_id, EXISTS (SELECT 1 FROM lost_releases x WHERE x.release_id = r.id), a.full_name, a.at, a.comment
FROM orders o
JOIN refreshes f ON f.tenant_id = o.tenant_id
LEFT JOIN order_checks c ON c.order_id = o.id
LEFT JOIN lines l ON l.id = o.line_id
LEFT JOIN releases r ON r.id = o.last_release_id
LEFT JOIN acknowledgements a ON a.release_id = r.id AND a.list_source = r.result
`

func scanOrder(row scanner) (o packaging.Order, err error) {
	var firstSeen, asOf, withdrawn int64
	var lineSet sql.Null[int64]
	var line struct {
		id         sql.Null[packaging.LineID]
		code, name sql.Null[string]
	}
	var r nullRelease
	err = row.Scan(&o.ID, &o.TenantID, &o.Key, &o.LineCode, &o.LineName, &o.Product, &o.GTIN, &o.Lot, &o.Expiry,
		&o.Quantity, &o.ExtraPercent, &o.Status, &o.Revision, &firstSeen, &asOf, &o.Gone, &o.NotYetKnown,
		&withdrawn, &o.Withdrawn.By, &o.Withdrawn.Why, &o.LineSetBy, &lineSet, &line.id, &line.code, &line.name,
		&r.id, &r.userID, &r.username, &r.fullName, &r.role, &r.lineID, &r.lineCode, &r.lineName, &r.requested,
		&r.answered,
		&r.outcome, &r.reason, &r.status, &r.message, &r.code, &r.httpStatus, &r.received, &r.expected, &r.oddities,
		&r.proof, &r.settled, &r.asked, &r.askedSays, &r.list, &r.listBy, &r.listAt, &r.flagged, &r.station,
		&r.pendingSince, &r.pendingAgain, &r.contradicted, &r.settledBy, &r.settledWhy, &r.closed, &r.round,
		&r.againWhy,
		&r.queue, &r.lost, &r.seenBy, &r.seenAt, &r.comment)
	if err != nil {
		return o, err
	}
	o.FirstSeen, o.AsOf, o.LineSetAt = moment(firstSeen), moment(asOf), moment(lineSet.V)
	o.Withdrawn.At = moment(withdrawn)
	o.Line = packaging.Line{ID: line.id.V, Code: line.code.V, Name: line.name.V}
	if r.id.Valid {
		o.Release, err = r.release(o.ID)
	}
	return o, err
}

// nullRelease is a release as an outer join gives it.
type nullRelease struct {
	id                  sql.Null[packaging.ReleaseID]
	queue               sql.Null[packaging.QueueID]
	userID              sql.Null[packaging.UserID]
	username, fullName  sql.Null[string]
	role                sql.Null[packaging.Role]
	lineID              sql.Null[packaging.LineID]
	lineCode, lineName  sql.Null[string]
	requested, answered sql.Null[int64]
	outcome             sql.Null[packaging.Outcome]
	reason              sql.Null[packaging.Reason]
	status              sql.Null[packaging.Status]
	message, code       sql.Null[string]
	httpStatus          sql.Null[int]
	received, expected  sql.Null[int64]
	oddities            sql.Null[string]
	proof               sql.Null[packaging.Proof]
	settled, asked      sql.Null[int64]
	askedSays           sql.Null[string]
	list                sql.Null[packaging.ListSource]
	listBy              sql.Null[string]
	listAt, flagged     sql.Null[int64]
	station             sql.Null[string]

	pendingSince, pendingAgain sql.Null[int64]
	contradicted, closed       sql.Null[int64]
	settledBy, settledWhy      sql.Null[string]
	round                      sql.Null[int]
	againWhy                   sql.Null[string]

	lost    bool
	seenBy  sql.Null[string]
	seenAt  sql.Null[int64]
	comment sql.Null[string]
}

func (n nullRelease) release(order packaging.OrderID) (*packaging.Release, error) {
	r := &packaging.Release{
		ID: n.id.V, OrderID: order, Queue: n.queue.V,
		By: packaging.Author{
			ID: n.userID.V, Username: n.username.V, FullName: n.fullName.V, Role: n.role.V, Station: n.station.V,
		},
		Line:      packaging.Line{ID: n.lineID.V, Code: n.lineCode.V, Name: n.lineName.V},
		Requested: moment(n.requested.V), Answered: moment(n.answered.V),
		Outcome: n.outcome.V, Reason: n.reason.V, Status: n.status.V, Message: n.message.V, Code: n.code.V,
		HTTPStatus: n.httpStatus.V, Serials: n.received.V, Expected: n.expected.V, ExpectedKnown: n.expected.Valid,
		Proof: n.proof.V, Settled: moment(n.settled.V), Asked: moment(n.asked.V), AskedSays: n.askedSays.V,
		List: n.list.V, ListBy: n.listBy.V, ListAt: moment(n.listAt.V), Flagged: moment(n.flagged.V),
		FirstPending: moment(n.pendingSince.V), SecondPending: moment(n.pendingAgain.V),
		Contradicted: moment(n.contradicted.V),
		SettledBy:    n.settledBy.V, SettledWhy: n.settledWhy.V, Closed: moment(n.closed.V),
		Round: n.round.V, AgainWhy: n.againWhy.V, Lost: n.lost,
		Seen: packaging.Acknowledgement{By: n.seenBy.V, At: moment(n.seenAt.V), Comment: n.comment.V},
	}
	if n.oddities.V == "[]" { // nearly all
		r.Oddities = []packaging.Oddity{}
		return r, nil
	}
	return r, json.Unmarshal([]byte(n.oddities.V), &r.Oddities)
}

func orderOf(ctx context.Context, q querier, in packaging.Scope, id packaging.OrderID) (packaging.Order, error) {
	w := inScope(in, "o.")
	w.and(true, "o.id = ?", id)
	o, err := scanOrder(q.QueryRowContext(ctx, selectOrder+`WHERE `+w.sql, w.args...))
	return o, coded(err)
}

// Order returns one order; one outside the scope, as another tenant's or another line's, is not found.
func (d *DB) Order(ctx context.Context, in packaging.Scope, id packaging.OrderID) (packaging.Order, error) {
	return orderOf(ctx, d.read, in, id)
}

// rawOf returns the API's own element of an order.
func rawOf(ctx context.Context, q querier, in packaging.Scope, id packaging.OrderID) (string, error) {
	var raw string
	w := inScope(in, "")
	w.and(true, "id = ?", id)
	err := q.QueryRowContext(ctx, `SELECT raw FROM orders WHERE `+w.sql, w.args...).Scan(&raw)
	return raw, coded(err)
}

// onBoards is the condition on orders that boards show: the API still knows them, and nobody has withdrawn them.
const onBoards = `o.gone = 0 AND o.withdrawn_at IS NULL`

// LineOrders returns the orders of a line that are neither Done nor gone. What needs a person comes first: an unknown
// outcome, then Pending release, Suspended, what is not understood, In progress, Open. Line 0 stands for orders without
// a line. It returns at most limit+1, so that the caller sees that there are more.
func (d *DB) LineOrders(
	ctx context.Context, in packaging.Scope, line packaging.LineID, limit int,
) ([]packaging.Order, error) {
	query, args := lineOrders(in, line)
	return collect(ctx, d.read, scanOrder, query, append(args, limit+1)...)
}

// lineOrders selects the orders of a line's board. Those that are open and those whose release is out have an index
// each, so that nothing reads what was Done in years.
func lineOrders(in packaging.Scope, line packaging.LineID) (query string, args []any) {
	w := inScope(in, "o.")
	w.and(true, onBoards+" AND o.line_id IS ?", nullable(line))
	return selectOrder + `WHERE o.id IN (
			SELECT o.id FROM orders o WHERE ` + w.sql + ` AND o.urgency < 6
			UNION SELECT o.id FROM releases r JOIN orders o ON o.id = r.order_id
			WHERE r.tenant_id = ? AND r.outcome IN ('sending', 'unknown') AND ` + w.sql + `)
			AND (o.urgency < 6 OR r.outcome IN ('sending', 'unknown'))
		ORDER BY coalesce(r.outcome IN ('sending', 'unknown'), 0) DESC, o.urgency, o.id LIMIT ?`,
		slices.Concat(w.args, []any{in.Tenant()}, w.args)
}
