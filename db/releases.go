package db

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"lineboard/internal/packaging"
)

// Claim begins a release: in one transaction it makes sure that the order may be released and that no other release of
// it is under way, stores the release as sending, and records the request. Once it is back, the claim is durable.
//
// Where the order has changed since the person decided on it, nothing is claimed. What stands in the way comes back as
// the order and a Conflict whose key names the obstacle.
//
// The signatures that were given under the order as it was shown are stored with the claim; those for a queue stand
// under it already. Where the tenant wants others, or the order is not just that any more, nothing is claimed.
//
// A claim that could not be kept outside the database is an ErrNotAnchored with the order: it stands, and must end
// without a call. Where the tenant's rules let releases go on, it is no error.
func (d *DB) Claim(ctx context.Context, by packaging.Person, press packaging.Press) (o packaging.Order, err error) {
	var claim *tx
	var rules packaging.Rules
	notNow := d.anchorsFail()
	err = d.authorizedTx(asRelease(ctx), by, packaging.ReleaseOrders, func(t *tx, by packaging.Person) error {
		claim = t
		if rules, err = rulesOf(ctx, t, by.Tenant.ID); err != nil {
			return err
		}
		if notNow != nil && !rules.ReleaseUnanchored {
			return packaging.Fail(packaging.Unavailable, "error.not_anchored").Because(notNow)
		}
		if o, err = orderOf(ctx, t, by.Scope(), press.Order); err != nil {
			return err
		}
		if err := t.mustHaveTurn(o, press.Queue); err != nil {
			return err
		}
		obstacle := o.ReleaseObstacle()
		if press.Again != "" {
			obstacle = o.AgainObstacle()
		}
		if obstacle != packaging.NoObstacle {
			return packaging.Fail(packaging.Conflict, "obstacle."+string(obstacle))
		}
		if (press.Revision != 0 || press.Again != "") && press.Revision != o.Revision {
			return packaging.Fail(packaging.Conflict, "obstacle.order_changed")
		}
		if err := t.mustBeSigned(by, o, press); err != nil {
			return err
		}
		signed := press.Signed
		if press.Again != "" {
			signed = under(o.AgainRecord(press.Again), signed)
		}
		if err := t.startRelease(by, press, &o); err != nil {
			return err
		}
		return t.recordRequest(by, o, signed)
	})
	if err == nil && claim.unanchored != nil && !rules.ReleaseUnanchored {
		err = fmt.Errorf("%w: %w", packaging.ErrNotAnchored, claim.unanchored)
	}
	return o, err
}

// mustHaveTurn fails for a release of a queue that has ended, or in which it is the turn of another order. A person may
// stop a queue at any moment: what counts is how it stands in the transaction that would release one more.
func (t *tx) mustHaveTurn(o packaging.Order, queue packaging.QueueID) error {
	if queue == 0 {
		return nil
	}
	var turn bool
	if err := t.row(`
		SELECT EXISTS (SELECT 1 FROM queues q JOIN queue_orders i ON i.queue_id = q.id AND i.place = q.position
			WHERE q.id = ? AND q.tenant_id = ? AND q.stop = '' AND i.order_id = ?)`, queue, o.TenantID,
		o.ID).Scan(&turn); err != nil {
		return err
	}
	if !turn {
		return packaging.NotItsTurn
	}
	return nil
}

// mustBeSigned refuses a release without the signatures that the tenant wants, under the order as it is or under its
// queue.
func (t *tx) mustBeSigned(by packaging.Person, o packaging.Order, press packaging.Press) error {
	rules, err := rulesOf(t.ctx, t, by.Tenant.ID)
	if err != nil {
		return err
	}
	record, signed := o.ReleaseRecord(), press.Signed
	if press.Again != "" {
		record = o.AgainRecord("")
	}
	if press.Queue != 0 && rules.SignReleases {
		if record, signed, err = t.signedWithQueue(o, press.Queue); err != nil {
			return err
		}
	}
	if signed, err = t.signers(signed); err != nil {
		return err
	}
	if rules.SignaturesMissing(by, record, signed) {
		return packaging.Fail(packaging.Conflict, "obstacle.signature_missing")
	}
	return nil
}

// recordRequest records the request of a release, and the signatures under it.
func (t *tx) recordRequest(by packaging.Person, o packaging.Order, signed []packaging.Signature) error {
	e := entryOf(packaging.ReleaseRequested, by.Author, o)
	if r := o.Release; r.Round > 0 {
		e.Object, e.Comment = releaseNumber(*r), r.AgainWhy
	}
	if err := t.record(e); err != nil {
		return err
	}
	return t.signRecord(
		packaging.SignedRelease, int64(o.Release.ID), o.Line.ID, signed, entryOf(packaging.Signed, by.Author, o),
	)
}

// releaseNumber says which release of an order one is, as the history has it.
func releaseNumber(r packaging.Release) string {
	return fmt.Sprintf(packaging.ReleaseNumbered, r.Number())
}

// startRelease begins a release: a first one, or the next one if the press says why.
func (t *tx) startRelease(by packaging.Person, press packaging.Press, o *packaging.Order) error {
	r := &packaging.Release{
		OrderID: o.ID, By: by.Author, Line: o.Line, Queue: press.Queue, Requested: t.now, AgainWhy: press.Again,
	}
	if press.Again != "" {
		var err error
		if r.Round, err = t.roundOf(o.ID); err != nil {
			return err
		}
	}
	r.Expected, r.ExpectedKnown = o.SerialsExpected()
	return t.insertRelease(o, r)
}

// roundOf is how many releases of an order have reached the line.
func (t *tx) roundOf(id packaging.OrderID) (round int, err error) {
	err = t.row(`SELECT count(*) FROM releases WHERE order_id = ? AND outcome = 'released'`, id).Scan(&round)
	return round, err
}

// insertRelease stores a release as sending, and makes it the latest of its order.
func (t *tx) insertRelease(o *packaging.Order, r *packaging.Release) error {
	var expected any
	if r.ExpectedKnown {
		expected = r.Expected
	}
	r.Outcome = packaging.Sending
	id, err := t.insert(`
		INSERT INTO releases (tenant_id, order_id, user_id, username, full_name, role, line_id, line_code, line_name,
			requested_at, serials_expected, outcome, station, queue_id, round, again_why)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		o.TenantID, o.ID, r.By.ID, r.By.Username, r.By.FullName, r.By.Role, nullable(r.Line.ID), r.Line.Code,
		r.Line.Name,
		millis(r.Requested), expected, r.Outcome, r.By.Station, nullable(r.Queue), r.Round, r.AgainWhy)
	if isTaken(err) {
		// The latest release is refused but an earlier one stands: the index knows better than what was read.
		return packaging.Fail(packaging.Conflict, "obstacle."+string(packaging.AlreadyReleased)).Because(err)
	}
	if err != nil {
		return err
	}
	r.ID, o.Release = packaging.ReleaseID(id), r
	o.Revision++
	return t.exec(`UPDATE orders SET last_release_id = ?, revision = ? WHERE id = ?`, id, o.Revision, o.ID)
}

// Settle ends a claimed release with the answer to its call: outcome, serial numbers, the order's status and the
// history, in one transaction. It returns the release as it now stands. A release that is not being sent any more is a
// Conflict.
func (d *DB) Settle(
	ctx context.Context, claimed packaging.Order, answer packaging.Answer,
) (r packaging.Release, err error) {
	r = *claimed.Release
	err = d.withList(ctx, claimed, answer.Serials, answer.Outcome == packaging.Released,
		func(list *newList) (err error) {
			list.leaks = answer.Leaks
			r, err = d.settle(ctx, claimed, answer, list)
			return err
		})
	return r, err
}

func (d *DB) settle(
	ctx context.Context, claimed packaging.Order, answer packaging.Answer, list *newList,
) (r packaging.Release, err error) {
	err = d.tx(asRelease(ctx), func(t *tx) error {
		o, err := t.orderIn(packaging.Sending, claimed)
		if err != nil {
			return err
		}
		r = *o.Release
		return t.endByAnswer(o, &r, answer, list)
	})
	return r, err
}

// endByAnswer ends a release of an order by the answer to its call.
func (t *tx) endByAnswer(o packaging.Order, r *packaging.Release, answer packaging.Answer, list *newList) error {
	r.Outcome, r.Reason, r.Status, r.Answered = answer.Outcome, answer.Reason, answer.Status, t.now
	if !answer.Came.IsZero() {
		r.Answered = answer.Came
	}
	r.Message, r.Code, r.HTTPStatus = answer.Message, answer.Code, answer.HTTPStatus
	if list.came {
		r.List = packaging.ListInAnswer
	}
	if r.Outcome != packaging.Unknown {
		r.Proof = packaging.ByAnswer
	}
	if err := t.keepList(o, r, list); err != nil {
		return err
	}
	return t.endRelease(o, *r, answer.Body)
}

// orderIn reloads an order whose latest release still is the one that was read, with the outcome that it had. Anything
// else is a Conflict: the release was settled meanwhile.
func (t *tx) orderIn(outcome packaging.Outcome, was packaging.Order) (packaging.Order, error) {
	o, err := orderOf(t.ctx, t, packaging.Everything(was.TenantID), was.ID)
	if err == nil && (o.Release == nil || o.Release.ID != was.Release.ID || o.Release.Outcome != outcome) {
		err = packaging.Fail(packaging.Conflict, "obstacle.settled")
	}
	return o, err
}

// endRelease stores how the call of a release ended.
func (t *tx) endRelease(o packaging.Order, r packaging.Release, body []byte) error {
	if err := t.storeRelease(r); err != nil {
		return err
	}
	if len(body) > 0 {
		if err := t.exec(`INSERT INTO answers (release_id, body) VALUES (?, ?)`, r.ID, body); err != nil {
			return err
		}
	}
	status, err := t.followAnswer(o, r)
	if err != nil {
		return err
	}
	e := entryOf(packaging.ReleaseEnded, r.By, o)
	if status != "" {
		e.Object, e.Old, e.New = "order status", string(o.Status), string(status)
	}
	if e.Proof, err = t.provenAlone(r); err != nil {
		return err
	}
	e.Outcome, e.Reason, e.Took = r.Outcome, string(r.Reason), r.Took()
	e.HTTPStatus, e.Code, e.Message, e.Serials = r.HTTPStatus, r.Code, r.Message, r.Serials
	if err := t.record(e); err != nil {
		return err
	}
	return t.recordOdd(r.By, o, r, r.Oddities...)
}

// provenAlone returns what proves that a release ended as it did. Nothing does of one that stands for others too, which
// were requested at other times and whose records were lost: it may have been one of them.
func (t *tx) provenAlone(r packaging.Release) (packaging.Proof, error) {
	var others bool
	err := t.row(`SELECT EXISTS (SELECT 1 FROM lost_releases WHERE release_id = ? AND requested_at <> ?)`,
		r.ID, millis(r.Requested)).Scan(&others)
	if others {
		return packaging.NoProof, err
	}
	return r.Proven(), err
}

// recordOdd records what was found to be odd about the list of a release, if anything was.
func (t *tx) recordOdd(by packaging.Author, o packaging.Order, r packaging.Release, found ...packaging.Oddity) error {
	var says []string
	for _, odd := range found {
		if odd.Kind == packaging.Contradicted { // not of the list, and recorded already
			continue
		}
		says = append(says, fmt.Sprintf("%s %d", odd.Kind, odd.Count))
	}
	if len(says) == 0 {
		return nil
	}
	e := entryOf(packaging.ListOdd, by, o)
	e.Object, e.New, e.Serials = "serial list", strings.Join(says, ", "), r.Serials
	return t.record(e)
}

// storeRelease stores all of a release that can change.
func (t *tx) storeRelease(r packaging.Release) error {
	oddities, err := json.Marshal(append([]packaging.Oddity{}, r.Oddities...))
	if err != nil {
		return err
	}
	return t.exec(`
		UPDATE releases SET outcome = ?, answered_at = ?, reason = ?, order_status = ?, message = ?, code = ?,
			http_status = ?, serials_received = ?, oddities = ?, proof = ?, settled_at = ?, asked_at = ?, asked_says = ?,
			list_source = ?, list_by = ?, list_at = ?, flagged_at = ?, pending_since = ?, pending_again = ?,
			contradicted_at = ?, settled_by = ?, settled_why = ?, closed_at = ? WHERE id = ?`,
		r.Outcome, nullTime(r.Answered), r.Reason, r.Status, r.Message, r.Code,
		r.HTTPStatus, r.Serials, string(oddities), r.Proof, nullTime(r.Settled), nullTime(r.Asked), r.AskedSays,
		r.List, r.ListBy, nullTime(r.ListAt), nullTime(r.Flagged), nullTime(r.FirstPending), nullTime(r.SecondPending),
		nullTime(r.Contradicted), r.SettledBy, r.SettledWhy, nullTime(r.Closed), r.ID)
}

// followAnswer brings the order to what the answer proves about it, and no further. It gives the status that is proven,
// none where a newer one is known.
func (t *tx) followAnswer(o packaging.Order, r packaging.Release) (packaging.Status, error) {
	follow := func(status packaging.Status, gone bool) error {
		return t.setStatus(o, status, gone, r.Answered, packaging.ByReleasing)
	}
	switch {
	case isOvertaken(o, r) && r.Outcome == packaging.Released && !o.Status.Left():
		return "", t.tellSetBack(o, r.Answered)
	case isOvertaken(o, r):
	case r.Outcome == packaging.Released:
		return packaging.InProgress, follow(packaging.InProgress, o.Gone)
	case r.Reason == packaging.WrongStatus && r.Status != "":
		return r.Status, follow(r.Status, o.Gone)
	case r.Reason == packaging.OrderNotFound:
		return "", follow(o.Status, true)
	}
	return "", t.bumpRevision(o)
}

// isOvertaken reports whether the API said more of an order since it answered its release, as where the answer was
// held. While the release was under way, nothing else that the API said counted (see [cachedRow]).
func isOvertaken(o packaging.Order, r packaging.Release) bool {
	return o.Release.Outcome != packaging.Sending && o.AsOf.After(r.Answered)
}

// tellSetBack has the timeline of an order tell that it was out when its release was answered, and that it waits again
// by what the API said since.
func (t *tx) tellSetBack(o packaging.Order, answered time.Time) error {
	source, err := t.sourceOf(o)
	if err != nil {
		return err
	}
	out := packaging.OrderEvent{
		At: answered, Kind: packaging.StatusChanged, Old: string(o.Status), New: string(packaging.InProgress),
		Source: packaging.ByReleasing,
	}
	back := packaging.OrderEvent{
		At: o.AsOf, Kind: packaging.StatusChanged, Old: out.New, New: out.Old, Source: source,
	}
	if err := errors.Join(t.addEvent(o.TenantID, o.ID, out), t.addEvent(o.TenantID, o.ID, back)); err != nil {
		return err
	}
	return t.bumpRevision(o)
}

// sourceOf returns where the API said last what an order is.
func (t *tx) sourceOf(o packaging.Order) (packaging.Source, error) {
	var isListed bool
	err := t.row(`
		SELECT o.listed AND f.succeeded_at = ?
		FROM orders o JOIN refreshes f ON f.tenant_id = o.tenant_id WHERE o.id = ?`,
		millis(o.AsOf), o.ID).Scan(&isListed)
	if isListed {
		return packaging.ByList, err
	}
	return packaging.ByDetails, err
}

// InterruptReleases settles as unknown what was still being sent when the process before this one ended: whether those
// calls were carried out is not known. It says how many there were.
func (d *DB) InterruptReleases(ctx context.Context) (n int, err error) {
	err = d.tx(ctx, func(t *tx) error {
		orders, err := collect(ctx, t, scanOrder, selectOrder+`WHERE r.outcome = 'sending'`)
		if err != nil {
			return err
		}
		for _, o := range orders {
			r := *o.Release
			r.Outcome, r.Reason, r.Answered = packaging.Unknown, packaging.Interrupted, t.now
			if err := t.endRelease(o, r, nil); err != nil {
				return err
			}
		}
		n = len(orders)
		return nil
	})
	return n, err
}

// releaseOf returns the release that a list came with.
func releaseOf(ctx context.Context, q querier, list packaging.ListID) (packaging.ReportedRelease, error) {
	r, err := scanReported(q.QueryRowContext(ctx, selectReported+`
		WHERE r.order_id = ? AND r.round = ? AND r.outcome = 'released'`, list.Order(), list.Round()))
	return r, coded(err)
}

// earlierReleases returns the releases of an order that reached the line before its latest one, the oldest first.
func earlierReleases(ctx context.Context, q querier, o packaging.Order) (all []packaging.Release, err error) {
	if o.Release == nil || o.Release.Round == 0 {
		return nil, nil
	}
	reported, err := collect(ctx, q, scanReported, selectReported+`
		WHERE r.order_id = ? AND r.outcome = 'released' AND r.id <> ? ORDER BY r.round`, o.ID, o.Release.ID)
	for _, one := range reported {
		one.Repeated = true
		all = append(all, one.Release)
	}
	return all, err
}

// EarlierReleases returns the releases of an order that reached the line before its latest one, the oldest first. An
// order outside the scope has none.
func (d *DB) EarlierReleases(
	ctx context.Context, in packaging.Scope, id packaging.OrderID,
) ([]packaging.Release, error) {
	o, err := d.Order(ctx, in, id)
	if err != nil {
		return nil, err
	}
	return earlierReleases(ctx, d.read, o)
}

// OrderOfRelease returns an order with the one of its releases that has the number, instead of its latest one. 0 leaves
// it the latest one. NotFound if the order is outside the scope, or if no release of the number reached the line.
func (d *DB) OrderOfRelease(
	ctx context.Context, in packaging.Scope, id packaging.OrderID, number int,
) (packaging.Order, error) {
	return orderOfRelease(ctx, d.read, in, id, number)
}

func orderOfRelease(
	ctx context.Context, q querier, in packaging.Scope, id packaging.OrderID, number int,
) (packaging.Order, error) {
	o, err := orderOf(ctx, q, in, id)
	if err != nil || number == 0 || o.Release != nil && o.Release.Number() == number {
		return o, err
	}
	if number < 0 || number > packaging.MaxRounds+1 {
		return packaging.Order{}, packaging.Fail(packaging.NotFound, "error.not_found")
	}
	earlier, err := releaseOf(ctx, q, packaging.ListOf(id, number-1))
	if err != nil {
		return packaging.Order{}, err
	}
	earlier.Repeated = true
	o.Release = &earlier.Release
	return o, nil
}

// setBackSince returns when the API was first seen to say that an order waits for its release, after its release.
func setBackSince(ctx context.Context, q querier, o packaging.Order) (time.Time, error) {
	var at int64
	err := q.QueryRowContext(ctx, `
		SELECT coalesce(max(at), 0) FROM order_events
		WHERE order_id = ? AND kind = 'status' AND new_value IN (?, ?) AND old_value NOT IN (?2, ?3)`,
		o.ID, packaging.PendingRelease, packaging.Open).Scan(&at)
	return moment(at), coded(err)
}

// answerBody returns the first bytes, at most limit, of what was received for a release whose answer could not be read.
func answerBody(
	ctx context.Context, q querier, in packaging.Scope, id packaging.ReleaseID, limit int,
) (body []byte, err error) {
	w := inScope(in, "o.")
	w.and(true, "r.id = ?", id)
	err = q.QueryRowContext(ctx, `
		SELECT substr(a.body, 1, ?) FROM answers a JOIN releases r ON r.id = a.release_id JOIN orders o ON o.id = r.order_id
		WHERE `+w.sql, append([]any{limit}, w.args...)...).Scan(&body)
	return body, coded(err)
}

// entryOf begins an entry about an order and its latest release.
func entryOf(deed packaging.Deed, by packaging.Author, o packaging.Order) packaging.Entry {
	e := packaging.Entry{
		TenantID: o.TenantID, By: by, Deed: deed,
		OrderID: o.ID, OrderKey: o.Key, LineCode: o.Line.Code, LineName: o.Line.Name,
	}
	if o.Release != nil {
		e.ReleaseID, e.Requested = o.Release.ID, o.Release.Requested
	}
	return e
}
