package db

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"lineboard/internal/packaging"
)

// Heads returns the newest entry of each tenant's history.
func (d *DB) Heads(ctx context.Context) ([]packaging.Head, error) {
	return collect(ctx, d.read, func(row scanner) (h packaging.Head, err error) {
		var hash []byte
		err = row.Scan(&h.Tenant, &h.Slug, &h.Seq, &hash)
		copy(h.Hash[:], hash)
		return h, err
	}, `
		SELECT t.id, t.slug, h.seq, h.hash FROM tenants t
		JOIN history h ON h.tenant_id = t.id AND h.seq = (SELECT max(seq) FROM history WHERE tenant_id = t.id)
		ORDER BY t.id`)
}

// Hashes returns the hashes of entries of a tenant's history, by their numbers. One that is not there is left out.
func (d *DB) Hashes(
	ctx context.Context, tenant packaging.TenantID, entries []int64,
) (hashes map[int64][sha256.Size]byte, err error) {
	numbers, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	hashes = make(map[int64][sha256.Size]byte, len(entries))
	// CROSS JOIN: for each number its entry, not for each entry all numbers.
	_, err = collect(ctx, d.read, func(row scanner) (none struct{}, err error) {
		var seq int64
		var raw []byte
		err = row.Scan(&seq, &raw)
		var hash [sha256.Size]byte
		copy(hash[:], raw)
		hashes[seq] = hash
		return none, err
	}, `SELECT h.seq, h.hash FROM json_each(?) e CROSS JOIN history h ON h.tenant_id = ? AND h.seq = e.value`,
		string(numbers), tenant)
	return hashes, err
}

// AnchorLines is how many lines were written to the file of anchors.
func (d *DB) AnchorLines(ctx context.Context) (n int64, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT lines FROM anchoring`).Scan(&n)
	return n, coded(err)
}

// NoteAnchorLines keeps how many lines were written to the file of anchors.
func (d *DB) NoteAnchorLines(ctx context.Context, n int64) error {
	return d.tx(ctx, func(t *tx) error { return t.exec(`UPDATE anchoring SET lines = max(lines, ?)`, n) })
}

// AnchorReleases has entries about releases kept outside the database. keep gets them once they are committed and
// before anybody is told of them; it returns when they are on the disk. ready returns why keep could not keep any now,
// or nil.
func (d *DB) AnchorReleases(keep func(context.Context, []packaging.Entry) error, ready func() error) {
	d.anchor.Store(&anchoring{keep, ready})
}

type anchoring struct {
	keep  func(context.Context, []packaging.Entry) error
	ready func() error
}

// anchorsFail returns why entries could not be kept outside the database now, or nil.
func (d *DB) anchorsFail() error {
	if anchor := d.anchor.Load(); anchor != nil {
		return anchor.ready()
	}
	return nil
}

// canAnchor returns ErrNotAnchored where the claims of a tenant can't be kept outside the database, and may not go on
// without.
func (d *DB) canAnchor(ctx context.Context) error {
	why := d.anchorsFail()
	if why == nil {
		return nil
	}
	tenants, err := d.Tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		if rules, err := d.Rules(ctx, t.ID); err != nil || !rules.ReleaseUnanchored {
			return errors.Join(fmt.Errorf("%w: %w", packaging.ErrNotAnchored, why), err)
		}
	}
	return nil
}
