package anchors

import (
	"context"
	"fmt"
	"slices"

	"lineboard/internal/packaging"
)

// Findings is how the database and its anchors differ at a start. All of it is lost.
type Findings struct {
	Shorter  []packaging.Loss // histories that end before their anchors do, as after a restore
	Rewrote  []packaging.Loss // histories that have other entries than their anchors know
	NoTenant []packaging.Loss // whole tenants that the database does not have
}

// Compare does what CompareAll does, in milliseconds where nothing is lost since the last start, so that a start can
// wait for it. Where the last anchors of each tenant agree with the database, the start of the program that wrote them
// compared those before, and the verification after this start compares them all. One tenant's say nothing of
// another's: they may be of old entries, since a quiet history is anchored anew by a start that does not find it among
// the last lines.
func Compare(ctx context.Context, store Store, path string) (Findings, error) {
	c, err := readTail(path)
	if err != nil {
		return Findings{}, err
	}
	known, err := store.Losses(ctx)
	if err != nil {
		return Findings{}, err
	}
	tail := byTenant(c.anchors, known)
	if len(tail) == 0 { // all that is there tells of losses that are known: others may stand before it
		return CompareAll(ctx, store, path)
	}
	for _, of := range tail {
		if agrees, err := agreement(ctx, store, of); err != nil {
			return Findings{}, err
		} else if slices.Contains(agrees, false) {
			return CompareAll(ctx, store, path)
		}
	}
	return Findings{}, nil
}

// CompareAll compares the anchors in a file with the database that they are of. It leaves out losses that the database
// knows already.
func CompareAll(ctx context.Context, store Store, path string) (f Findings, err error) {
	c, err := read(path)
	if err != nil {
		return f, err
	}
	known, err := store.Losses(ctx)
	if err != nil {
		return f, err
	}
	heads, err := store.Heads(ctx)
	if err != nil {
		return f, err
	}
	tenants, err := store.Tenants(ctx)
	if err != nil {
		return f, err
	}
	for _, unknown := range byTenant(c.anchors, known) {
		last := unknown[len(unknown)-1]
		is := func(t packaging.Tenant) bool { return t.ID == last.Tenant && t.Slug == last.Slug }
		if !slices.ContainsFunc(tenants, is) {
			l, err := lossOf(unknown, 1)
			if err != nil {
				return f, err
			}
			f.NoTenant = append(f.NoTenant, l)
			continue
		}
		if err := f.compare(ctx, store, unknown, headOf(heads, last.Tenant)); err != nil {
			return f, err
		}
	}
	return f, nil
}

// compare adds what anchors of one tenant tell of its history, whose last entry is head. Those after the last one that
// agrees were written to another state of the database, which is lost. Those before it that do not agree tell of a
// history that was written anew; each stretch of them is a loss of its own, which covers none that agrees.
func (f *Findings) compare(ctx context.Context, store Store, unknown []written, head int64) error {
	agrees, err := agreement(ctx, store, unknown)
	if err != nil {
		return err
	}
	agreed, last := int64(0), len(unknown)
	for last > 0 && !agrees[last-1] {
		last--
	}
	var amidst []written
	for i, a := range unknown[:last] { // the last of them agrees
		if agreed = a.Seq; !agrees[i] {
			amidst = append(amidst, a)
		} else if len(amidst) > 0 {
			l, err := lossOf(amidst, amidst[0].Seq)
			if err != nil {
				return err
			}
			f.Rewrote, amidst = append(f.Rewrote, l), nil
		}
	}
	lost := unknown[last:]
	if len(lost) == 0 {
		return nil
	}
	// The history is what it was up to the entry that agrees. An anchor of an entry after that, which is there and
	// is another one, tells of a history that was written anew.
	rewrote := slices.ContainsFunc(lost, func(a written) bool { return a.Seq > agreed && a.Seq <= head })
	if rewrote {
		l, err := lossOf(lost, agreed+1)
		f.Rewrote = append(f.Rewrote, l)
		return err
	}
	l, err := lossOf(lost, head+1)
	f.Shorter = append(f.Shorter, l)
	return err
}

func headOf(heads []packaging.Head, tenant packaging.TenantID) int64 {
	for _, h := range heads {
		if h.Tenant == tenant {
			return h.Seq
		}
	}
	return 0
}

// byTenant returns the anchors of each tenant as they were written, without those of known losses. A tenant has a key
// and a slug: another one may have the same key in a database that was made anew.
func byTenant(anchors []written, known []packaging.Loss) (groups [][]written) {
	type tenant struct {
		id   packaging.TenantID
		slug string
	}
	place := map[tenant]int{}
	for _, a := range anchors {
		if isKnown(known, a) {
			continue
		}
		i, ok := place[tenant{a.Tenant, a.Slug}]
		if !ok {
			i = len(groups)
			place[tenant{a.Tenant, a.Slug}] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], a)
	}
	return groups
}

// isKnown reports whether a known loss explains that the database lacks what an anchor says.
func isKnown(losses []packaging.Loss, a written) bool {
	return slices.ContainsFunc(losses, func(l packaging.Loss) bool { return l.Slug == a.Slug && l.Covers(a.Anchor) })
}

// agreement returns of each of a tenant's anchors whether the history has the entry that it says.
func agreement(ctx context.Context, store Store, anchors []written) (agrees []bool, err error) {
	for some := range slices.Chunk(anchors, 1000) {
		entries := make([]int64, len(some))
		for i, a := range some {
			entries[i] = a.Seq
		}
		hashes, err := store.Hashes(ctx, some[0].Tenant, entries)
		if err != nil {
			return nil, err
		}
		for _, a := range some {
			hash, there := hashes[a.Seq]
			agrees = append(agrees, there && hash == a.Hash)
		}
	}
	return agrees, nil
}

// lossOf returns the loss that a tenant's anchors tell of. The entry from is lost, even if only later ones have
// anchors. It fails if one is of a release that can't be read.
func lossOf(lost []written, from int64) (l packaging.Loss, err error) {
	newest := lost[len(lost)-1]
	l = packaging.Loss{
		Tenant: newest.Tenant, Slug: newest.Slug, From: from,
		First: lost[0].Number, Anchor: newest.Number, Hash: newest.Hash,
	}
	found := map[identity]int{}
	for _, a := range lost {
		l.From, l.Until = min(l.From, a.Seq), max(l.Until, a.Seq)
		if a.release == "" {
			continue
		}
		if a.Release, err = parseRelease(a.release); err != nil {
			return l, fmt.Errorf("the release in line %d of the anchors can't be read: %w", a.Number, err)
		}
		itsTime, itsKey := identities(*a.Release)
		i, known := found[itsTime]
		if a.Release.Requested.IsZero() {
			i, known = found[itsKey]
		}
		if begins := a.Release.Deed == packaging.ReleaseRequested; begins || !known && ends(a.Release.Deed) {
			i, known = len(l.Releases), true
			found[itsTime], found[itsKey] = i, i
			l.Releases = append(
				l.Releases, packaging.LostRelease{AnchoredRelease: *a.Release, Entry: a.Seq, Anchor: a.Number},
			)
		}
		if known && a.Release.Outcome != "" {
			l.Releases[i].Learn(*a.Release)
		}
	}
	return l, nil
}

// identity tells one release from another: a database that went back in time gives its keys to others too, and another
// release that stands for a lost one was requested when that was.
type identity struct {
	order     string
	requested int64 // in milliseconds
	id        packaging.ReleaseID
}

// identities returns what a release is known by: when it was requested, and its key where an earlier Lineboard did not
// anchor that.
func identities(r packaging.AnchoredRelease) (byTime, byKey identity) {
	return identity{order: r.OrderKey, requested: r.Requested.UnixMilli()}, identity{order: r.OrderKey, id: r.ID}
}

// ends says whether an entry is the one by which a release ended, or by which its unknown outcome was settled.
func ends(deed packaging.Deed) bool {
	return deed == packaging.ReleaseEnded || deed == packaging.ReleaseSettled
}
