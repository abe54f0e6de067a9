package db

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"

	"lineboard/internal/packaging"
)

// Reviews returns the versions of the review of a shift, the latest first.
func (d *DB) Reviews(ctx context.Context, in packaging.Scope, o packaging.Occurrence) ([]packaging.Review, error) {
	return d.reviews(ctx, `v.tenant_id = ? AND v.day = ? AND v.shift = ?`, in.Tenant(), o.Day, o.Name)
}

// LatestReviews returns the latest review of each shift of some days that has one.
func (d *DB) LatestReviews(
	ctx context.Context, in packaging.Scope, from, to packaging.Day,
) ([]packaging.Review, error) {
	return d.reviews(ctx, `v.tenant_id = ? AND v.day >= ? AND v.day <= ?
		AND NOT EXISTS (SELECT 1 FROM shift_reviews n WHERE n.tenant_id = v.tenant_id AND n.day = v.day AND n.shift = v.shift AND n.version > v.version)`,
		in.Tenant(), from, to)
}

func (d *DB) reviews(ctx context.Context, condition string, args ...any) ([]packaging.Review, error) {
	return collect(ctx, d.read, func(row scanner) (v packaging.Review, err error) {
		var at int64
		var record string
		var content, hash []byte
		if err := row.Scan(&v.ID, &v.Day, &v.Shift, &v.Version, &at, &content, &record, &v.Comment,
			&v.By.ID, &v.By.Username, &v.By.FullName, &v.By.Role, &v.By.Station, &v.Meaning, &v.Factor,
			&hash); err != nil {
			return v, err
		}
		v.At = moment(at)
		copy(v.Content[:], content)
		copy(v.Hash[:], hash)
		return v, json.Unmarshal([]byte(record), &v.Record)
	}, `
		SELECT v.id, v.day, v.shift, v.version, v.at, v.content, v.record, v.comment,
			s.user_id, s.username, s.full_name, s.role, s.station, s.meaning, s.factor, s.hash
		FROM shift_reviews v JOIN signatures s ON s.kind = '`+packaging.SignedShift+`' AND s.object = v.id
		WHERE `+condition+` ORDER BY v.day, v.ends_at, v.version DESC`, args...)
}

// ShiftSignatures returns the signatures under a shift's reviews, its hand-over and its take-over, and under its
// releases and what people said of them, in the order in which they were given.
func (d *DB) ShiftSignatures(
	ctx context.Context, in packaging.Scope, o packaging.Occurrence,
) (all []packaging.ReportedSignature, err error) {
	w := inScope(in, "r.")
	w.and(true, "r.requested_at >= ? AND r.requested_at < ?", millis(o.Begin), millis(o.Until))
	query := `
		WITH released (id, queue_id, order_key, words) AS (
			SELECT r.id, r.queue_id, o.order_key, r.again_why FROM releases r JOIN orders o ON o.id = r.order_id
			WHERE ` + w.sql + `
		), signed (kind, object, version, order_key, words) AS (
			SELECT 'shift', id, version, '', comment FROM shift_reviews WHERE tenant_id = ? AND day = ? AND shift = ?
			UNION ALL SELECT 'handover', id, 0, '', remarks FROM handovers WHERE tenant_id = ? AND day = ? AND shift = ?
			UNION ALL SELECT 'takeover', t.handover_id, 0, '', t.remarks
				FROM takeovers t JOIN handovers h ON h.id = t.handover_id
				WHERE h.tenant_id = ? AND h.day = ? AND h.shift = ?
			UNION ALL SELECT 'release', id, 0, order_key, words FROM released
			UNION ALL SELECT 'queue', queue_id, 0, order_key, words FROM released WHERE queue_id IS NOT NULL
			UNION ALL SELECT 'settlement', s.id, 0, order_key, s.why
				FROM released JOIN settlements s ON s.release_id = released.id
		)
		SELECT ` + signatureColumns + `, version, order_key, words
		FROM (SELECT s.*, signed.version, signed.order_key, signed.words
			FROM signed CROSS JOIN signatures s ON s.kind = signed.kind AND s.object = signed.object)
		ORDER BY at, kind, object, place, order_key`
	ofShift := []any{in.Tenant(), o.Day, o.Name}
	err = d.readLong(ctx, in.Reader(), reportLimit, func(ctx context.Context, q querier) error {
		all, err = collect(ctx, q, scanReportedSignature, query, slices.Concat(w.args, ofShift, ofShift, ofShift)...)
		return err
	})
	return all, err
}

func scanReportedSignature(row scanner) (r packaging.ReportedSignature, err error) {
	r.Signature, err = scanSignature(longerRow{row, []any{&r.Version, &r.OrderKey, &r.Words}})
	return r, err
}

// StillOpen returns what of a reported shift is open now, and a reviewer must not overlook.
func (d *DB) StillOpen(
	ctx context.Context, in packaging.Scope, report packaging.ShiftReport,
) (open []packaging.HandoverItem, err error) {
	err = d.snapshotLong(ctx, in.Reader(), reportLimit, func(ctx context.Context, q querier) error {
		open, err = stillOpen(ctx, q, in, report)
		return err
	})
	return open, err
}

func stillOpen(
	ctx context.Context, q querier, in packaging.Scope, report packaging.ShiftReport,
) ([]packaging.HandoverItem, error) {
	now, err := openItems(ctx, q, in, report.Occurrence, report.AsOf)
	if err != nil {
		return nil, err
	}
	h, err := handoverOf(ctx, q, in, report.Occurrence)
	switch {
	case packaging.CodeOf(err) == packaging.NotFound:
		return report.StillOpen(now, nil), nil
	case err != nil:
		return nil, err
	}
	return report.StillOpen(now, &h), nil
}

// SignShift signs the report of a shift that has ended, as it was shown to the person: where it has changed since, it
// is a Conflict. While something of it is open, it is Invalid without a comment. It records which entries of the
// history were reviewed.
func (d *DB) SignShift(
	ctx context.Context, by packaging.Person, o packaging.Occurrence, comment string, shown [32]byte,
	s packaging.Signature,
) error {
	return d.authorizedTx(ctx, by, packaging.ReviewShifts, func(t *tx, by packaging.Person) error {
		if err := mustSee(by, 0); err != nil {
			return err
		}
		if t.now.Before(o.Until) {
			return packaging.Fail(packaging.Conflict, "review.not_ended")
		}
		report, err := reportOf(ctx, t, by.Scope(), o, t.now)
		if err != nil {
			return err
		}
		other, err := otherReviewer(ctx, t, by.Tenant.ID)
		if err != nil {
			return err
		}
		switch {
		case other && report.WorkedBy(by):
			return packaging.Fail(packaging.Forbidden, "error.other_reviewer")
		case report.Record().Digest() != shown:
			return packaging.Fail(packaging.Conflict, "review.changed")
		}
		if comment == "" {
			open, err := stillOpen(ctx, t, by.Scope(), report)
			if err != nil {
				return err
			}
			if len(open) > 0 {
				return packaging.Fail(packaging.Invalid, "review.comment_open")
			}
		}
		record := report.Signed(comment)
		s.Content = record.Digest()
		text, err := json.Marshal(record)
		if err != nil {
			return err
		}
		id, err := t.insert(`
			INSERT INTO shift_reviews (tenant_id, day, shift, version, ends_at, at, content, record, comment)
			VALUES (?1, ?2, ?3, 1 + (SELECT count(*) FROM shift_reviews WHERE tenant_id = ?1 AND day = ?2 AND shift = ?3), ?4, ?5, ?6, ?7, ?8)`,
			by.Tenant.ID, o.Day, o.Name, millis(o.Until), millis(t.now), s.Content[:], string(text), comment)
		if err != nil {
			return err
		}
		e := packaging.Entry{
			TenantID: by.Tenant.ID, By: by.Author, Deed: packaging.ShiftReviewed, Object: o.Label(),
			New: packaging.SaysContent.Of(hex.EncodeToString(s.Content[:])) + " · " + report.History.String(), Comment: comment,
		}
		if err := t.record(e); err != nil {
			return err
		}
		s.TenantID, s.Kind, s.Object, s.Place, s.By = by.Tenant.ID, packaging.SignedShift, id, 1, by.Author
		return t.sign(s, e)
	})
}
