package db

import (
	"context"
	"slices"
	"time"

	"lineboard/internal/packaging"
)

const (
	// ordersPerTx is how many orders one transaction of a refresh changes: a release must not wait for a long list.
	ordersPerTx = 100
	// goneFor is how long an order that the API does not know any more is asked about, in case it comes back.
	goneFor = 7 * 24 * time.Hour
)

// ApplyRefresh brings the cache to what a refresh found. It returns whether anything that pages show has changed.
// Reading alone finds out what is to be changed: orders that did not change are not written, and the others a few at a
// time. Lists of serials that were missing are stored, too. A refresh counts as good once all of that is done. Until
// then, the orders are as of the one before. One refresh of a tenant is applied at a time.
func (d *DB) ApplyRefresh(
	ctx context.Context, tenant packaging.TenantID, r packaging.Refresh,
) (changed bool, err error) {
	found, err := d.findings(ctx, tenant, r)
	if err != nil {
		return false, err
	}
	changes := 0
	for some := range slices.Chunk(found, ordersPerTx) {
		n := 0 // counted once the transaction is done
		if err := d.tx(inBackground(ctx), func(t *tx) (err error) {
			n, err = t.applyFindings(tenant, r.Started, some)
			return err
		}); err != nil {
			return changes > 0, err
		}
		changes += n
	}
	if err := d.fillLists(ctx, tenant, slices.Concat(r.Listed, r.Unlisted)); err != nil {
		return changes > 0, err
	}
	err = d.tx(inBackground(ctx), func(t *tx) error {
		if err := t.storeChecks(tenant, r); err != nil {
			return err
		}
		return t.exec(`
			UPDATE refreshes SET tried_at = ?1, succeeded_at = ?1, problem = '', message = '', nameless = ?2, changes = ?3 WHERE tenant_id = ?4`,
			millis(r.Started), r.Nameless, changes, tenant)
	})
	return changes > 0, err
}

// fillLists adds the lists that are missing here to the releases of a tenant's orders, as far as details have them.
func (d *DB) fillLists(ctx context.Context, tenant packaging.TenantID, all []packaging.Facts) error {
	lists := map[string]packaging.Facts{}
	for _, f := range all {
		if len(f.Serials) > 0 {
			lists[f.Key] = f
		}
	}
	if len(lists) == 0 {
		return nil
	}
	missing, err := d.WithoutList(ctx)
	if err != nil {
		return err
	}
	for _, o := range missing {
		if details, has := lists[o.Key]; has && o.TenantID == tenant {
			if err := d.FillList(ctx, o, details); err != nil && packaging.CodeOf(err) != packaging.Conflict {
				return err
			}
		}
	}
	return nil
}

// findings are those of a refresh that change something, as far as reading shows.
func (d *DB) findings(ctx context.Context, tenant packaging.TenantID, r packaging.Refresh) ([]finding, error) {
	all := make([]finding, 0, len(r.Listed)+len(r.Unlisted)+len(r.Gone))
	found := make(map[string]bool, cap(all))
	add := func(f finding) {
		all, found[f.key] = append(all, f), true
	}
	for i := range r.Listed {
		add(finding{key: r.Listed[i].Key, facts: &r.Listed[i], listed: true})
	}
	for i := range r.Unlisted {
		add(finding{key: r.Unlisted[i].Key, facts: &r.Unlisted[i]})
	}
	for _, key := range r.Gone {
		add(finding{key: key, gone: true})
	}
	a := &applying{tenant: tenant, started: r.Started}
	if err := a.read(ctx, d.read); err != nil {
		return nil, err
	}
	if err := a.readListed(ctx, d.read); err != nil {
		return nil, err
	}
	for key := range a.before {
		if !found[key] {
			all = append(all, finding{key: key}) // not in the list any more
		}
	}
	var others []string
	for _, f := range all {
		if _, read := a.before[f.key]; !read {
			others = append(others, f.key)
		}
	}
	if err := a.readOrders(ctx, d.read, others); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(f finding) bool { return !a.next(f).writes }), nil
}

// applyFindings changes orders, and says of how many pages show something else now.
func (t *tx) applyFindings(tenant packaging.TenantID, started time.Time, found []finding) (changes int, err error) {
	a := &applying{tenant: tenant, started: started}
	if err := a.read(t.ctx, t); err != nil {
		return 0, err
	}
	keys := make([]string, len(found))
	for i, f := range found {
		keys[i] = f.key
	}
	if err := a.readOrders(t.ctx, t, keys); err != nil {
		return 0, err
	}
	for _, f := range found {
		next := a.next(f)
		if err := t.storeNext(tenant, started, next); err != nil {
			return 0, err
		}
		if next.shows {
			changes++
		}
	}
	return changes, nil
}
