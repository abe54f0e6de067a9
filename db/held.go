package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"lineboard/internal/packaging"
)

// StoreHeld stores an answer that an earlier process kept: with its release, or with the one that stands for it since
// its record was lost. Where it is not certain which release that is, or where that is settled otherwise, the answer is
// kept by itself, for a person. It is NotFound if the tenant is not here.
func (d *DB) StoreHeld(ctx context.Context, h packaging.HeldAnswer) (as packaging.HeldAs, err error) {
	for range maxStale {
		o, err := orderOfHeld(ctx, d.read, h)
		if err != nil {
			return "", err
		}
		var serials []string
		if lacksList(o) {
			serials = h.Answer.Serials
		}
		here, err := hasList(ctx, d.read, o, h.Answer)
		if err != nil {
			return "", err
		}
		came := h.Answer.Outcome == packaging.Released
		err = d.oneList(ctx, o, serials, came, func(list *newList) (err error) {
			list.leaks, list.here = h.Answer.Leaks, here
			as, err = d.storeHeld(ctx, h, list)
			return err
		})
		if !errors.Is(err, errListStale) {
			return as, err
		}
	}
	return "", errListStale
}

// lacksList reports whether an order has a release that a list may come to.
func lacksList(o packaging.Order) bool { return o.Release != nil && o.Release.List == packaging.NoList }

// sameList reports whether an order has the release that it had before, with the list or without.
func sameList(o, before packaging.Order) bool {
	if o.Release == nil || before.Release == nil {
		return o.Release == before.Release
	}
	return o.Release.ID == before.Release.ID && o.Release.List == before.Release.List
}

func (d *DB) storeHeld(
	ctx context.Context, h packaging.HeldAnswer, list *newList,
) (as packaging.HeldAs, err error) {
	err = d.tx(asRelease(ctx), func(t *tx) error {
		o, err := orderOfHeld(ctx, t, h)
		if err != nil {
			return err
		}
		if !sameList(o, list.of) {
			return errListStale
		}
		as, err = t.placeHeld(o, h, list)
		return err
	})
	return as, err
}

// placeHeld stores a held answer where it belongs. The order has the release that it is to, or none.
func (t *tx) placeHeld(o packaging.Order, h packaging.HeldAnswer, list *newList) (packaging.HeldAs, error) {
	r, came := o.Release, h.Answer.Outcome == packaging.Released
	if r == nil {
		return t.keepByItself(o, h)
	}
	stored := func(err error) (packaging.HeldAs, error) { return packaging.HeldStored, err }
	switch {
	case r.ListMissing() && came:
		filled := *r
		filled.List, filled.ListAt = packaging.ListInAnswer, t.now
		return stored(t.addMissing(program, o, filled, list, "serial list, from the release's own answer"))
	case r.Outcome == packaging.Released && came:
		if list.here {
			return packaging.HeldKnown, nil
		}
	case r.Outcome == h.Answer.Outcome, r.Outcome == packaging.Refused && h.Answer.Outcome == packaging.Unknown:
		return packaging.HeldKnown, t.keepBody(r.ID, h.Answer.Body)
	case r.Repeated: // the order went on since
	case r.Outcome == packaging.Sending,
		r.Outcome == packaging.Unknown && (came || r.Requested.Equal(h.Requested)),
		r.ContradictedBy("", packaging.InProgress) && came:
		return stored(t.endHeld(o, h.Answer, list))
	}
	return t.keepByItself(o, h)
}

// endHeld ends a release by an answer that was held, whatever signs or people said of it meanwhile.
func (t *tx) endHeld(o packaging.Order, answer packaging.Answer, list *newList) error {
	r := *o.Release
	r.SettledBy, r.SettledWhy, r.Closed = "", "", time.Time{}
	if r.Outcome == packaging.Refused {
		r.Outcome, r.Reason, r.Proof = packaging.Unknown, packaging.StatusContradicts, packaging.NoProof
		r.Contradicted, r.Settled = t.now, time.Time{}
		if err := t.storeRelease(r); err != nil {
			return err
		}
	}
	if answer.Outcome == packaging.Released && !r.Contradicted.IsZero() {
		r.Oddities = []packaging.Oddity{{Kind: packaging.Contradicted, Count: 1}}
	}
	return t.endByAnswer(o, &r, answer, list)
}

// hasList reports whether an order's release has the list of an answer already, in whatever order.
func hasList(ctx context.Context, q querier, o packaging.Order, a packaging.Answer) (bool, error) {
	r := o.Release
	if r == nil || r.List == packaging.NoList || a.Outcome != packaging.Released || r.Serials != int64(len(a.Serials)) {
		return false, nil
	}
	stored, err := serialsOf(
		ctx, q, packaging.Everything(o.TenantID), packaging.ListOf(o.ID, r.Round), "", 0, len(a.Serials),
	)
	if err != nil {
		return false, err
	}
	here := make([]string, len(stored))
	for i, s := range stored {
		here[i] = s.Value
	}
	slices.Sort(here)
	return slices.Equal(here, slices.Sorted(slices.Values(a.Serials))), nil
}

// keepBody keeps what came with an answer that could not be read, unless the release has such a one.
func (t *tx) keepBody(id packaging.ReleaseID, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	return t.exec(`INSERT INTO answers (release_id, body) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, body)
}

// keepByItself keeps an answer that can't be stored with a release.
func (t *tx) keepByItself(o packaging.Order, h packaging.HeldAnswer) (packaging.HeldAs, error) {
	var again bool
	if err := t.row(`
		SELECT EXISTS (SELECT 1 FROM kept_answers
			WHERE tenant_id = ? AND order_key = ? AND requested_at = ? AND release = ?)`,
		o.TenantID, h.OrderKey, millis(h.Requested), h.Release).Scan(&again); err != nil || again {
		return packaging.HeldKnown, err
	}
	serials, err := json.Marshal(append([]string{}, h.Answer.Serials...))
	if err != nil {
		return "", err
	}
	came, digest := h.Answer.Came, listDigestOf(h.Answer.Serials)
	if came.IsZero() {
		came = t.now
	}
	if err := t.exec(`
		INSERT INTO kept_answers (tenant_id, order_key, release, requested_at, came_at, kept_at, outcome, reason, message,
			code, http_status, serials, count, digest, body) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		o.TenantID, h.OrderKey, h.Release, millis(h.Requested), millis(came), millis(t.now), h.Answer.Outcome,
		h.Answer.Reason, h.Answer.Message, h.Answer.Code, h.Answer.HTTPStatus, string(serials), len(h.Answer.Serials),
		digest[:], append([]byte{}, h.Answer.Body...)); err != nil {
		return "", err
	}
	if o.ID != 0 {
		if err := t.bumpRevision(o); err != nil {
			return "", err
		}
	}
	o.Release = nil
	e := entryOf(packaging.AnswerKept, program, o)
	e.OrderKey, e.Old, e.New = h.OrderKey, instant(h.Requested), string(h.Answer.Outcome)
	e.HTTPStatus, e.Code, e.Message = h.Answer.HTTPStatus, h.Answer.Code, h.Answer.Message
	e.Serials = int64(len(h.Answer.Serials))
	return packaging.HeldByItself, t.record(e)
}

// listDigestOf tells one list of serials from another, in their order.
func listDigestOf(serials []string) (sum [sha256.Size]byte) {
	var c packaging.Canonical
	for _, s := range serials {
		c.Text(s)
	}
	return sha256.Sum256(c)
}

// orderOfHeld returns the order of a held answer, with the release that the answer is to: that of its own key, or the
// one that stands for it, which was requested at the same millisecond as an anchor says. Where that is none or several,
// the order comes without a release; without its key where it is not here.
func orderOfHeld(ctx context.Context, q querier, h packaging.HeldAnswer) (o packaging.Order, err error) {
	err = q.QueryRowContext(
		ctx, `SELECT id FROM tenants WHERE CASE ?1 WHEN '' THEN id = ?2 ELSE slug = ?1 END`, h.Slug, h.Tenant,
	).Scan(&o.TenantID)
	if err != nil {
		return o, coded(err)
	}
	o.Key = h.OrderKey
	var id packaging.OrderID
	err = q.QueryRowContext(
		ctx, `SELECT id FROM orders WHERE tenant_id = ? AND order_key = ?`, o.TenantID, h.OrderKey,
	).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return o, nil
	}
	if err != nil {
		return o, coded(err)
	}
	if o, err = orderOf(ctx, q, packaging.Everything(o.TenantID), id); err != nil {
		return o, err
	}
	found, err := releasesOfHeld(ctx, q, o, h)
	switch {
	case err != nil:
		return o, err
	case len(found) != 1:
		o.Release = nil
	case o.Release.ID != found[0].ID:
		found[0].Repeated = true
		o.Release = &found[0].Release
	}
	return o, nil
}

// releasesOfHeld returns the releases of an order that a held answer may be to.
func releasesOfHeld(
	ctx context.Context, q querier, o packaging.Order, h packaging.HeldAnswer,
) ([]packaging.ReportedRelease, error) {
	return collect(ctx, q, scanReported, `
		WITH lost AS (
			SELECT l.release_id FROM lost_releases l JOIN losses x ON x.id = l.loss_id
			WHERE x.tenant_id = ?1 AND x.tenant_key = ?2 AND l.order_key = ?4 AND l.requested_at = ?5 AND NOT l.outcome_alone),
		own AS (
			SELECT id FROM releases
			WHERE order_id = ?3 AND requested_at = ?5 AND (tenant_id = ?2 AND id = ?6 OR EXISTS (SELECT 1 FROM lost)))
		`+selectReported+`
		WHERE r.order_id = ?3 AND (r.id IN (SELECT id FROM own)
			OR NOT EXISTS (SELECT 1 FROM own) AND r.id IN (SELECT release_id FROM lost))`,
		o.TenantID, h.Tenant, o.ID, h.OrderKey, millis(h.Requested), h.Release)
}

// KeptAnswers returns the answers of a tenant that are kept by themselves, the oldest first: those of one order, or of
// all for an empty key. One whose list was added since, or that a person dismissed, is left out.
func (d *DB) KeptAnswers(
	ctx context.Context, tenant packaging.TenantID, orderKey string,
) ([]packaging.KeptAnswer, error) {
	return keptAnswers(ctx, d.read, `k.tenant_id = ?1 AND (?2 = '' OR k.order_key = ?2)`, tenant, orderKey)
}

func keptAnswers(ctx context.Context, q querier, condition string, args ...any) ([]packaging.KeptAnswer, error) {
	return collect(ctx, q, func(row scanner) (k packaging.KeptAnswer, err error) {
		var requested, came int64
		err = row.Scan(&k.ID, &k.OrderID, &k.OrderKey, &requested, &came, &k.Outcome, &k.Message, &k.Count)
		k.Requested, k.Came = moment(requested), moment(came)
		return k, err
	}, `SELECT k.id, coalesce(o.id, 0), k.order_key, k.requested_at, k.came_at, k.outcome, k.message, k.count
		FROM kept_answers k LEFT JOIN orders o ON o.tenant_id = k.tenant_id AND o.order_key = k.order_key
		WHERE k.added_at IS NULL AND k.dismissed_at IS NULL AND `+condition+` ORDER BY k.id`, args...)
}

// DismissKept records that an answer which is kept by itself needs nobody any more, and why a person says so. It
// returns its order, 0 where that is not here. Who is limited to lines does so for their orders alone.
func (d *DB) DismissKept(
	ctx context.Context, by packaging.Person, id packaging.KeptAnswerID, why string,
) (order packaging.OrderID, err error) {
	if why == "" {
		return 0, packaging.Fail(packaging.Invalid, "error.comment_missing")
	}
	err = d.authorizedTx(ctx, by, packaging.SettleOrders, func(t *tx, by packaging.Person) error {
		found, err := keptAnswers(ctx, t, `k.id = ?1 AND k.tenant_id = ?2`, id, by.Tenant.ID)
		if err != nil {
			return err
		}
		if len(found) == 0 || found[0].OrderID == 0 && by.Scope().Limited() {
			return packaging.Fail(packaging.NotFound, "error.not_found")
		}
		k, o := found[0], packaging.Order{TenantID: by.Tenant.ID, Facts: packaging.Facts{Key: found[0].OrderKey}}
		if order = k.OrderID; order != 0 {
			if o, err = orderOf(ctx, t, by.Scope(), order); err != nil {
				return err
			}
			if err := t.bumpRevision(o); err != nil {
				return err
			}
		}
		if err := t.exec(
			`UPDATE kept_answers SET dismissed_at = ?, dismissed_by = ?, dismissed_why = ? WHERE id = ?`,
			millis(t.now), by.FullName, why, id,
		); err != nil {
			return err
		}
		o.Release = nil
		e := entryOf(packaging.AnswerDismissed, by.Author, o)
		e.Old, e.New, e.Serials, e.Comment = instant(k.Requested), string(k.Outcome), k.Count, why
		return t.record(e)
	})
	return order, err
}

// mustWait fails where an answer of an order that is kept by itself waits for nobody any more. 0 is none.
func (t *tx) mustWait(o packaging.Order, kept packaging.KeptAnswerID) error {
	if kept == 0 {
		return nil
	}
	found, err := keptAnswers(
		t.ctx, t, `k.id = ? AND k.tenant_id = ? AND k.order_key = ?`, kept, o.TenantID, o.Key,
	)
	if err == nil && len(found) == 0 {
		err = packaging.Fail(packaging.Conflict, "error.kept_settled")
	}
	return err
}

// KeptSerials returns the list of an answer to a release of an order that is kept by itself, or was: to compare.
// NotFound where the order has no such answer, or is outside the scope.
func (d *DB) KeptSerials(
	ctx context.Context, in packaging.Scope, id packaging.OrderID, kept packaging.KeptAnswerID,
) (serials []string, err error) {
	o, err := d.Order(ctx, in, id)
	if err != nil {
		return nil, err
	}
	var list string
	err = d.read.QueryRowContext(
		ctx, `SELECT serials FROM kept_answers WHERE id = ? AND tenant_id = ? AND order_key = ? AND outcome = 'released'`,
		kept, o.TenantID, o.Key,
	).Scan(&list)
	if err != nil {
		return nil, coded(err)
	}
	return serials, json.Unmarshal([]byte(list), &serials)
}

// waitingKept chooses the answers by themselves of an order that wait with a list of so many serials.
const waitingKept = `FROM kept_answers WHERE tenant_id = ? AND order_key = ? AND count = ? AND outcome = 'released'
	AND added_at IS NULL AND dismissed_at IS NULL`

// findKept notes which answers by themselves have the serials of the list too, in whatever order.
func (l *newList) findKept(ctx context.Context, q querier) error {
	type answer struct {
		id   int64
		same bool
	}
	digest := listDigestOf(l.serials)
	waiting, err := collect(ctx, q, func(row scanner) (a answer, err error) { return a, row.Scan(&a.id, &a.same) },
		`SELECT id, digest = ? `+waitingKept, digest[:], l.of.TenantID, l.of.Key, len(l.serials))
	if err != nil {
		return err
	}
	l.kept = map[int64]bool{}
	var sorted []string
	for _, a := range waiting {
		if !a.same {
			if sorted == nil {
				sorted = slices.Sorted(slices.Values(l.serials))
			}
			if a.same, err = keptHas(ctx, q, a.id, sorted); err != nil {
				return err
			}
		}
		l.kept[a.id] = a.same
	}
	return nil
}

// keptHas reports whether an answer by itself has serials that are given in their order.
func keptHas(ctx context.Context, q querier, id int64, sorted []string) (bool, error) {
	var list string
	err := q.QueryRowContext(ctx, `SELECT serials FROM kept_answers WHERE id = ?`, id).Scan(&list)
	if err != nil {
		return false, coded(err)
	}
	var kept []string
	if err := json.Unmarshal([]byte(list), &kept); err != nil {
		return false, err
	}
	slices.Sort(kept)
	return slices.Equal(kept, sorted), nil
}

// endKept notes that a list which answers by themselves have was stored with a release of its order. Which have it was
// found before the transaction: it takes long for a long list.
func (t *tx) endKept(l *newList) error {
	waiting, err := collect(t.ctx, t, func(row scanner) (id int64, err error) { return id, row.Scan(&id) },
		`SELECT id `+waitingKept, l.of.TenantID, l.of.Key, len(l.serials))
	if err != nil {
		return err
	}
	for _, id := range waiting {
		same, found := l.kept[id]
		if !found {
			return errListStale
		}
		if !same {
			continue
		}
		if err := t.exec(`UPDATE kept_answers SET added_at = ? WHERE id = ?`, millis(t.now), id); err != nil {
			return err
		}
	}
	return nil
}
