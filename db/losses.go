package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"lineboard/internal/packaging"
)

// Losses returns all that is known to be lost of histories, the oldest loss first, without its releases.
func (d *DB) Losses(ctx context.Context) ([]packaging.Loss, error) {
	return collect(ctx, d.read, scanLoss, selectLoss+`ORDER BY id`)
}

// TenantLosses returns the losses that are told of at a tenant, the newest first, with their releases.
func (d *DB) TenantLosses(ctx context.Context, tenant packaging.TenantID) ([]packaging.Loss, error) {
	losses, err := collect(ctx, d.read, scanLoss, selectLoss+`WHERE tenant_id = ? ORDER BY id DESC`, tenant)
	for i := range losses {
		if losses[i].Releases, err = lostReleases(ctx, d.read, `loss_id = ?`, losses[i].ID); err != nil {
			return nil, err
		}
	}
	return losses, err
}

// HasLoss reports whether a tenant has a loss that no administrator has acknowledged.
func (d *DB) HasLoss(ctx context.Context, tenant packaging.TenantID) (has bool, err error) {
	err = d.read.QueryRowContext(
		ctx, `SELECT EXISTS (SELECT 1 FROM losses WHERE tenant_id = ? AND seen_at IS NULL)`, tenant,
	).Scan(&has)
	return has, coded(err)
}

const selectLoss = `SELECT id, tenant_key, slug, first_entry, last_entry, first_anchor, anchor, hash, found_at, accepted,
	coalesce(seen_at, 0), seen_by, comment FROM losses `

func scanLoss(row scanner) (l packaging.Loss, err error) {
	var found, seen int64
	var hash []byte
	err = row.Scan(&l.ID, &l.Tenant, &l.Slug, &l.From, &l.Until, &l.First, &l.Anchor, &hash, &found, &l.Accepted, &seen,
		&l.Seen.By, &l.Seen.Comment)
	l.Found, l.Seen.At = moment(found), moment(seen)
	copy(l.Hash[:], hash)
	return l, err
}

func lostReleases(ctx context.Context, q querier, condition string, args ...any) ([]packaging.LostRelease, error) {
	return collect(ctx, q, func(row scanner) (l packaging.LostRelease, err error) {
		var at, ended int64
		var outcomeAlone bool
		err = row.Scan(
			&l.Anchor, &l.Entry, &l.OrderKey, &l.LineCode, &l.LineName, &at, &l.Username, &l.FullName, &l.Ended,
			&l.Serials, &outcomeAlone, &ended, &l.Proof, &l.Status,
		)
		l.At, l.EndedAt, l.Deed = moment(at), moment(ended), packaging.ReleaseRequested
		if outcomeAlone {
			l.Deed = packaging.ReleaseEnded
		}
		return l, err
	}, `SELECT anchor, entry, order_key, line_code, line_name, requested_at, username, full_name, outcome, serials,
			outcome_alone, coalesce(ended_at, 0), proof, proof_status
		FROM lost_releases WHERE `+condition+` ORDER BY anchor`, args...)
}

// RecordLoss stores that parts of histories are lost, and which releases: each order of them gets an unknown release in
// their place. So does one whose release is here, but not what became of it. A loss of a tenant that is not here waits
// for a tenant of that name. All are stored or none: the next start looks no further where it knows of what is lost at
// the end of the anchors.
func (d *DB) RecordLoss(ctx context.Context, losses ...packaging.Loss) error {
	return d.tx(ctx, func(t *tx) error {
		for _, l := range losses {
			if err := t.storeLoss(l); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) storeLoss(l packaging.Loss) error {
	id, err := t.insert(`
		INSERT INTO losses (tenant_key, slug, first_entry, last_entry, first_anchor, anchor, hash, found_at, accepted)
		VALUES (?,?,?,?,?,?,?,?,?)`,
		l.Tenant, l.Slug, l.From, l.Until, l.First, l.Anchor, l.Hash[:], millis(t.now), l.Accepted)
	if err != nil {
		return err
	}
	for _, r := range l.Releases {
		if err := t.storeLost(id, l.Slug, r); err != nil {
			return err
		}
	}
	var tenant packaging.TenantID
	err = t.row(`SELECT id FROM tenants WHERE slug = ?`, l.Slug).Scan(&tenant)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.recordLosses(tenant, l.Slug)
}

// storeLost stores what is lost of a release. Where its outcome alone is lost, it does so if the release is here without.
func (t *tx) storeLost(loss int64, slug string, r packaging.LostRelease) error {
	requested := millis(r.At)
	if r.OutcomeAlone() {
		err := t.row(`
			SELECT r.requested_at, r.username, r.full_name, r.line_code, r.line_name
			FROM releases r JOIN orders o ON o.last_release_id = r.id JOIN tenants t ON t.id = o.tenant_id
			WHERE t.slug = ? AND o.order_key = ? AND r.outcome IN ('sending', 'unknown')
				AND CASE WHEN ?3 IS NULL THEN r.id = ?4 ELSE r.requested_at = ?3 END`,
			slug, r.OrderKey, nullTime(r.Requested), r.ID,
		).Scan(&requested, &r.Username, &r.FullName, &r.LineCode, &r.LineName)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return t.exec(`
		INSERT INTO lost_releases (loss_id, anchor, entry, order_key, line_code, line_name, requested_at, username,
			full_name, outcome, serials, outcome_alone, ended_at, proof, proof_status)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		loss, r.Anchor, r.Entry, r.OrderKey, r.LineCode, r.LineName, requested, r.Username, r.FullName, r.Ended,
		r.Serials, r.OutcomeAlone(), nullTime(r.EndedAt), r.Proof, r.Status)
}

// recordLosses records the losses under a tenant's name that no history has yet.
func (t *tx) recordLosses(tenant packaging.TenantID, slug string) error {
	losses, err := collect(t.ctx, t, scanLoss, selectLoss+`WHERE slug = ? AND tenant_id IS NULL ORDER BY id`, slug)
	if err != nil {
		return err
	}
	for _, l := range losses {
		if err := t.exec(`UPDATE losses SET tenant_id = ? WHERE id = ?`, tenant, l.ID); err != nil {
			return err
		}
		e := l.Entry(packaging.HistoryLost, program)
		if l.Accepted {
			e.Deed = packaging.LossAccepted
		}
		e.TenantID = tenant
		if err := t.record(e); err != nil {
			return err
		}
		releases, err := lostReleases(t.ctx, t, `loss_id = ?`, l.ID)
		if err != nil {
			return err
		}
		for i, r := range releases {
			if err := t.restoreRelease(tenant, r, among(r, releases[:i], releases[i+1:])); err != nil {
				return fmt.Errorf("release of order %s: %w", r.OrderKey, err)
			}
		}
		// At the end: once a release stands for a lost one a person must look at it, and the order gets no other.
		if err := t.exec(`
			UPDATE lost_releases SET release_id = (
				SELECT last_release_id FROM orders WHERE tenant_id = ? AND order_key = lost_releases.order_key)
			WHERE loss_id = ?`, tenant, l.ID); err != nil {
			return err
		}
	}
	return nil
}

// neighbours says which other lost releases the order of a lost one has, in the same loss.
type neighbours struct{ before, after bool }

func among(lost packaging.LostRelease, before, after []packaging.LostRelease) neighbours {
	ofOrder := func(l packaging.LostRelease) bool { return l.OrderKey == lost.OrderKey }
	another := func(l packaging.LostRelease) bool { return ofOrder(l) && !l.OutcomeAlone() }
	return neighbours{slices.ContainsFunc(before, ofOrder), slices.ContainsFunc(after, another)}
}

// restoreRelease gives the order of a lost release one in its place, whose outcome is unknown. One that was followed by
// another lost one had ended before: it ends as its anchor says, and the other gets a place of its own. Where the order
// has a release that stands in the way of a new one, that release stands for the lost one too. One that reached the line
// does not: what was requested after it was to bring the order there once more.
func (t *tx) restoreRelease(tenant packaging.TenantID, lost packaging.LostRelease, others neighbours) error {
	o, err := t.orderOfLost(tenant, lost)
	if err != nil {
		return err
	}
	switch o.ReleaseObstacle() {
	case packaging.AlreadyReleased:
		cameLater := others.before || lost.At.After(o.Release.Requested) // whatever the clock said
		if cameLater && !o.AwaitsLook() && o.Release.Round < packaging.MaxRounds {
			err = t.startLost(&o, lost, others.after)
		} else {
			err = t.bumpRevision(o)
		}
	case packaging.BeingReleased:
		err = t.loseOutcome(o, lost, others.after && lost.OutcomeAlone())
	case packaging.OutcomeUnknown:
		if others.after && lost.OutcomeAlone() && lost.Proof != packaging.NoProof {
			err = t.loseOutcome(o, lost, true)
		} else {
			err = t.bumpRevision(o)
		}
	case packaging.ReleaseWasLost:
		err = t.bumpRevision(o)
	default:
		err = t.startLost(&o, lost, others.after)
	}
	if err != nil {
		return err
	}
	e := entryOf(packaging.ReleaseLost, program, o)
	e.LineCode, e.LineName = lost.LineCode, lost.LineName
	e.Object = packaging.SaysEntry.Of(lost.Entry)
	e.Old = packaging.SaysRequested.Of(lost.At.Format("2006-01-02T15:04:05.000Z"), lost.Username, lost.FullName)
	if e.New = "record lost"; lost.OutcomeAlone() {
		e.New = "outcome lost"
	}
	if known := lost.Known(); known != "" {
		e.New += fmt.Sprintf("; anchored as %s with %d serials", known, lost.Serials)
	}
	return t.record(e)
}

// loseOutcome stores that the outcome is lost of a release that had none, or an unknown one, when the copy was made.
func (t *tx) loseOutcome(o packaging.Order, lost packaging.LostRelease, followed bool) error {
	r := *o.Release
	if r.Answered.IsZero() {
		r.Answered = t.now
	}
	r.EndLost(lost, followed)
	if err := t.storeRelease(r); err != nil {
		return err
	}
	return t.bumpRevision(o)
}

// orderOfLost returns the order of a lost release. One that is lost too is made anew, and the API tells the rest of it.
func (t *tx) orderOfLost(tenant packaging.TenantID, lost packaging.LostRelease) (packaging.Order, error) {
	var id packaging.OrderID
	err := t.row(`SELECT id FROM orders WHERE tenant_id = ? AND order_key = ?`, tenant, lost.OrderKey).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		var key int64
		key, err = t.insert(`
			INSERT INTO orders (tenant_id, order_key, line_id, line_code, line_name, product, gtin, lot, expiry, quantity,
				extra_percent, status, raw, listed, first_seen_at, confirmed_at)
			VALUES (?1, ?2, (SELECT id FROM lines WHERE tenant_id = ?1 AND code = ?3), ?3, ?4, '', '', '', '', '', '', '', '', 0, ?5, 0)`,
			tenant, lost.OrderKey, lost.LineCode, lost.LineName, millis(t.now))
		id = packaging.OrderID(key)
	} else if err == nil { // the API told of it before the release
		err = t.exec(`UPDATE orders SET known = 1 WHERE id = ? AND known = 0`, id)
	}
	if err != nil {
		return packaging.Order{}, err
	}
	return orderOf(t.ctx, t, packaging.Everything(tenant), id)
}

// noPassword is the hash that no password has.
const noPassword = "*"

// startLost starts a release as its anchor says, whose outcome is unknown unless another lost one followed.
func (t *tx) startLost(o *packaging.Order, lost packaging.LostRelease, followed bool) error {
	by := packaging.Author{Username: lost.Username, FullName: lost.FullName}
	err := t.row(`SELECT id FROM users WHERE username = ?`, by.Username).Scan(&by.ID)
	// the person came after the copy was made: no password fits, and no tenant has them
	if errors.Is(err, sql.ErrNoRows) {
		by.ID, err = t.insertUser(by.Username, by.FullName, noPassword)
	}
	if err != nil {
		return err
	}
	if err := (&setupTx{tx: t, tenant: o.TenantID}).knowAs(by.ID, by.Username); err != nil {
		return err
	}
	line := packaging.Line{ID: o.Line.ID, Code: lost.LineCode, Name: lost.LineName}
	if o.Line.Code != lost.LineCode {
		line.ID = 0
	}
	r := &packaging.Release{OrderID: o.ID, By: by, Line: line, Requested: lost.At}
	if o.WasReleased() {
		r.AgainWhy = packaging.WhyLost
		if r.Round, err = t.roundOf(o.ID); err != nil {
			return err
		}
	}
	r.Expected, r.ExpectedKnown = o.SerialsExpected()
	if err := t.insertRelease(o, r); err != nil {
		return err
	}
	r.Answered = t.now
	r.EndLost(lost, followed)
	return t.storeRelease(*r)
}

// AcknowledgeLoss records that an administrator knows of a loss, and binds what is lost in the history for ever. One
// that is acknowledged already stays as it is. Without a comment it is Invalid.
func (d *DB) AcknowledgeLoss(ctx context.Context, by packaging.Person, id packaging.LossID, comment string) error {
	if comment == "" {
		return packaging.Fail(packaging.Invalid, "error.comment_missing")
	}
	return d.authorizedTx(ctx, by, packaging.Administer, func(t *tx, by packaging.Person) error {
		l, err := scanLoss(t.row(selectLoss+`WHERE id = ? AND tenant_id = ?`, id, by.Tenant.ID))
		if err != nil || l.Seen.Given() {
			return err
		}
		if err := t.exec(`UPDATE losses SET seen_at = ?, seen_by = ?, comment = ? WHERE id = ?`,
			millis(t.now), by.FullName, comment, id); err != nil {
			return err
		}
		e := l.Entry(packaging.LossAcknowledged, by.Author)
		e.TenantID, e.Comment = by.Tenant.ID, comment
		return t.record(e)
	})
}
