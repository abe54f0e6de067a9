package db

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"lineboard/internal/packaging"
)

// SettleByWord settles an unknown outcome by what a person says of it, who may release on the order's line. It returns
// a Conflict if the order has changed since the person looked, if its status settles the release or shows that the
// order was out, or if the signatures under it are not those that the tenant wants; Invalid without a reason.
func (d *DB) SettleByWord(ctx context.Context, by packaging.Person, w packaging.Word) error {
	w.Why = strings.ToValidUTF8(strings.TrimSpace(w.Why), "�")
	switch n := utf8.RuneCountInString(w.Why); {
	case n == 0:
		return packaging.Fail(packaging.Invalid, "settle.no_reason")
	case n > packaging.MaxWhy:
		return packaging.Fail(packaging.Invalid, "error.comment_long")
	}
	return d.authorizedTx(ctx, by, packaging.ReleaseOrders, func(t *tx, by packaging.Person) error {
		o, err := orderOf(ctx, t, by.Scope(), w.Order)
		if err != nil {
			return err
		}
		if err := t.mustBeUnsettled(o, w); err != nil {
			return err
		}
		if err := t.storeWord(by, o, w); err != nil {
			return err
		}
		r := *o.Release
		r.SettleByWord(by, w, t.now)
		if err := t.storeRelease(r); err != nil {
			return err
		}
		if err := t.bumpRevision(o); err != nil {
			return err
		}
		e := entryOf(packaging.ReleaseSettled, by.Author, o)
		e.Object, e.Old, e.New = "outcome, by a person's word", string(o.Release.Says()), string(w.Ruling)
		e.Outcome, e.Reason, e.Comment = r.Says(), string(packaging.ByWord), w.Why
		return t.record(e)
	})
}

// mustBeUnsettled fails unless it is up to a person to say what became of an order's release.
func (t *tx) mustBeUnsettled(o packaging.Order, w packaging.Word) error {
	switch {
	case !slices.Contains(packaging.Rulings, w.Ruling):
		return packaging.Fail(packaging.Invalid, "settle.no_outcome")
	case !o.MayBeSettledByWord():
		return packaging.Fail(packaging.Conflict, "settle.not_open")
	case w.Revision != o.Revision:
		return packaging.Fail(packaging.Conflict, "obstacle.order_changed")
	}
	if w.Ruling == packaging.WasReleased {
		return nil
	}
	running, err := seenRunning(t.ctx, t, o)
	switch {
	case err != nil:
		return err
	case running:
		return packaging.Fail(packaging.Conflict, "settle.seen_running")
	case o.Status == packaging.Done: // a refresh saw it before the question that settles the release
		return packaging.Fail(packaging.Conflict, "settle.not_open")
	}
	return nil
}

// storeWord stores what a person said of an order's release, with the signatures under it.
func (t *tx) storeWord(by packaging.Person, o packaging.Order, w packaging.Word) error {
	rules, err := rulesOf(t.ctx, t, by.Tenant.ID)
	if err != nil {
		return err
	}
	if rules.SignaturesMissing(by, o.WordRecord("", ""), w.Signed) {
		return packaging.Fail(packaging.Conflict, "obstacle.signature_missing")
	}
	id, err := t.insert(`
		INSERT INTO settlements (tenant_id, release_id, at, user_id, username, full_name, role, station, verdict, why)
		VALUES (?,?,?,?,?,?,?,?,?,?)`,
		o.TenantID, o.Release.ID, millis(t.now), by.ID, by.Username, by.FullName, by.Role, by.Station, w.Ruling, w.Why)
	if err != nil {
		return err
	}
	signed := under(o.WordRecord(w.Ruling, w.Why), w.Signed)
	return t.signRecord(packaging.SignedWord, id, o.Line.ID, signed, entryOf(packaging.Signed, by.Author, o))
}

// under returns the signatures as those under a record that adds to what was shown what the signers wrote themselves.
func under(record packaging.Record, signed []packaging.Signature) []packaging.Signature {
	all := slices.Clone(signed)
	for i := range all {
		all[i].Content = record.Digest()
	}
	return all
}
