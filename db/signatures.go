package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"lineboard/internal/packaging"
)

const signatureColumns = `tenant_id, kind, object, content, place, user_id, username, full_name, role, station, meaning, at, factor, hash`

func scanSignature(row scanner) (s packaging.Signature, err error) {
	var at int64
	var content, hash []byte
	err = row.Scan(
		&s.TenantID, &s.Kind, &s.Object, &content, &s.Place,
		&s.By.ID, &s.By.Username, &s.By.FullName, &s.By.Role, &s.By.Station, &s.Meaning, &at, &s.Factor, &hash,
	)
	s.At = moment(at)
	copy(s.Content[:], content)
	copy(s.Hash[:], hash)
	return s, err
}

// Signatures returns those under a record of a kind, the first signer's first.
func (d *DB) Signatures(
	ctx context.Context, tenant packaging.TenantID, kind string, object int64,
) ([]packaging.Signature, error) {
	return signaturesOf(ctx, d.read, tenant, kind, object)
}

func signaturesOf(
	ctx context.Context, db querier, tenant packaging.TenantID, kind string, object int64,
) ([]packaging.Signature, error) {
	return collect(ctx, db, scanSignature,
		`SELECT `+signatureColumns+` FROM signatures WHERE tenant_id = ? AND kind = ? AND object = ? ORDER BY place`,
		tenant, kind, object)
}

// signRecord stores the signatures of people who may release on a line, the first signer's first.
func (t *tx) signRecord(
	kind string, object int64, line packaging.LineID, signed []packaging.Signature, about packaging.Entry,
) error {
	if err := t.reauthorizeSigners(about.TenantID, line, signed); err != nil {
		return err
	}
	for i, s := range signed {
		s.TenantID, s.Kind, s.Object, s.Place = about.TenantID, kind, object, i+1
		if err := t.sign(s, about); err != nil {
			return err
		}
	}
	return nil
}

// signers returns signatures with the human of each.
func (t *tx) signers(signed []packaging.Signature) ([]packaging.Signature, error) {
	signed = slices.Clone(signed)
	for i := range signed {
		err := t.row(`SELECT human_id FROM humans WHERE user_id = ?`, signed[i].By.ID).Scan(&signed[i].Human)
		if err != nil {
			return nil, err
		}
	}
	return signed, nil
}

// reauthorizeSigners fails unless everybody who signed may release on a line now.
func (t *tx) reauthorizeSigners(tenant packaging.TenantID, line packaging.LineID, signed []packaging.Signature) error {
	for _, s := range signed {
		by := packaging.Person{Author: s.By, Tenant: packaging.Tenant{ID: tenant}}
		now, err := t.reauthorize(by, packaging.ReleaseOrders)
		if err == nil {
			err = mustSee(now, line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// signedWithQueue returns what was signed of a queue, and the signatures under it. It fails with Conflict if the order
// is not as it was signed, or not of the queue. Each signer must still be allowed to release on the order's line.
func (t *tx) signedWithQueue(
	o packaging.Order, queue packaging.QueueID,
) (record packaging.Record, signed []packaging.Signature, err error) {
	q, err := scanQueue(t.QueryRowContext(t.ctx, selectQueue+`WHERE q.id = ? AND q.tenant_id = ?`, queue, o.TenantID))
	if err != nil {
		return record, nil, coded(err)
	}
	type shown struct {
		order   packaging.OrderID
		content [sha256.Size]byte
	}
	rows, err := collect(t.ctx, t, func(row scanner) (s shown, err error) {
		var content []byte
		err = row.Scan(&s.order, &content)
		copy(s.content[:], content)
		return s, err
	}, `SELECT order_id, content FROM queue_orders WHERE queue_id = ? ORDER BY place`, queue)
	if err != nil {
		return record, nil, err
	}
	var releases [][sha256.Size]byte
	for _, row := range rows {
		releases = append(releases, row.content)
	}
	if !slices.Contains(rows, shown{o.ID, o.ReleaseRecord().Digest()}) {
		return record, nil, packaging.Fail(packaging.Conflict, "obstacle.signature_missing")
	}
	if signed, err = signaturesOf(t.ctx, t, o.TenantID, packaging.SignedQueue, int64(queue)); err != nil {
		return record, nil, err
	}
	return packaging.QueueRecord(q.Line, releases), signed, t.reauthorizeSigners(o.TenantID, o.Line.ID, signed)
}

// sign stores a signature under what its kind and object name, and records it in about, an entry that says what is
// concerned. It fills in the time and the hash. That somebody signs the same thing twice is a Conflict.
func (t *tx) sign(s packaging.Signature, about packaging.Entry) error {
	s.At = t.now
	for _, text := range []*string{&s.By.Username, &s.By.FullName, &s.By.Station, &s.Meaning} {
		*text = strings.ToValidUTF8(*text, "�") // what the hash is over must be what any reader gets back
	}
	s.Hash = s.Digest()
	err := t.exec(`INSERT INTO signatures (`+signatureColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		s.TenantID, s.Kind, s.Object, s.Content[:], s.Place, s.By.ID, s.By.Username, s.By.FullName, s.By.Role,
		s.By.Station,
		s.Meaning, millis(s.At), s.Factor, s.Hash[:])
	if isTaken(err) {
		return packaging.Fail(packaging.Conflict, "obstacle.signature_missing").Because(err)
	}
	if err != nil {
		return err
	}
	about.By, about.Deed, about.Object = s.By, packaging.Signed, "signature"
	about.New = s.Meaning + " · " + hex.EncodeToString(s.Hash[:])
	return t.record(about)
}
