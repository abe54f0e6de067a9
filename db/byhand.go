package db

import (
	"bytes"
	"cmp"
	"slices"

	"lineboard/internal/packaging"
)

// lookBefore notes which records were not as the log says before the transaction: somebody did that by hand. It looks
// at them on another connection, which sees nothing of what the transaction has written. was has the last lines about
// them.
func (l *recordLog) lookBefore(these recordsOfTable, was digests) error {
	if l.before == nil {
		return nil
	}
	if these.record == serialLists {
		return l.lookForListsBefore(these)
	}
	before := digests{}
	if err := l.storedDigests(l.before, these, before); err != nil {
		return err
	}
	differ, err := these.without(func(key string) bool {
		return bytes.Equal(before[these.one(key)], was[these.one(key)])
	})
	if err != nil || len(differ.keys) == 0 {
		return err
	}
	return l.noteByHand(differ, before)
}

// lookForListsBefore notes which serial lists are stored that the log has already: somebody has deleted them.
func (l *recordLog) lookForListsBefore(these recordsOfTable) error {
	logged := digests{}
	if err := l.lastLines(l.before, these, logged); err != nil {
		return err
	}
	for r, digest := range logged {
		if digest != nil {
			l.byHand[r] = packaging.FaultMissing
		}
	}
	return nil
}

// noteByHand notes which records were not as the last lines say that stood before the transaction: it may have written
// lines itself since.
func (l *recordLog) noteByHand(these recordsOfTable, before digests) error {
	logged := digests{}
	if err := l.lastLines(l.before, these, logged); err != nil {
		return err
	}
	for _, key := range these.keys {
		r := these.one(key)
		switch stood, said := before[r], logged[r]; {
		case bytes.Equal(stood, said):
		case stood == nil:
			l.byHand[r] = packaging.FaultMissing
		case said == nil:
			l.byHand[r] = packaging.FaultAdded
		default:
			l.byHand[r] = packaging.FaultChanged
		}
	}
	return nil
}

// ofSchemaFirst has parts of the schema named before records: these may be many.
func ofSchemaFirst(a, b touchedRecord) int {
	switch a, b := a.record == partsOfSchema, b.record == partsOfSchema; {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// recordByHand has the history keep what was done by hand to records that the transaction writes again: their lines say
// from now on what they are, and nothing else tells. It names so many of each tenant, and counts the rest.
func (t *tx) recordByHand() error {
	if len(t.byHand) == 0 {
		return nil
	}
	found := make([]touchedRecord, 0, len(t.byHand))
	for r := range t.byHand {
		found = append(found, r)
	}
	slices.SortFunc(found, func(a, b touchedRecord) int {
		return cmp.Or(
			cmp.Compare(a.tenant, b.tenant), ofSchemaFirst(a, b), cmp.Compare(a.record, b.record),
			packaging.Naturally(a.key, b.key),
		)
	})
	// Before the entries of what was done: an entry that is the last of a history can be cut off until it is anchored.
	done := t.entries
	t.entries = nil
	defer func() { t.entries = append(t.entries, done...) }()
	named, more := map[packaging.TenantID]int{}, map[packaging.TenantID]int{}
	for _, r := range found {
		if named[r.tenant]++; named[r.tenant] > packaging.MaxFaults {
			more[r.tenant]++
			continue
		}
		fault := packaging.RecordFault{Kind: t.byHand[r], Record: r.record, Key: r.key}
		if err := t.record(fault.FoundByHand(r.tenant, program)); err != nil {
			return err
		}
	}
	for tenant, n := range more {
		if err := t.record(packaging.MoreByHand(n, tenant, program)); err != nil {
			return err
		}
	}
	return nil
}
