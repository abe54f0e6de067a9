package db

import (
	"testing"

	"lineboard/internal/packaging"
)

func TestQueuesEndAtARestartWithTheirEntries(t *testing.T) {
	d, ghent, basel := opened(t)
	queue := func(p packaging.Person, keys ...string) packaging.Queue {
		var all []packaging.Facts
		for _, key := range keys {
			all = append(all, facts(key))
		}
		first := cache(t, d, p.Tenant.ID, all...)
		var picks []packaging.QueuePick
		for _, key := range keys {
			picks = append(picks, packaging.QueuePick{Order: order(t, d, p.Tenant.ID, key).ID})
		}
		q, err := d.StartQueue(t.Context(), p, first.Line.ID, picks)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	ours, theirs := queue(ghent, "a", "b"), queue(basel, "c")
	if running, err := d.AdvanceQueue(t.Context(), ours); !running || err != nil {
		t.Fatalf("runs %v, %v", running, err)
	}
	if err := d.EndQueue(t.Context(), theirs, basel.Author, packaging.QueueDone); err != nil {
		t.Fatal(err)
	}
	before := len(entries(t, d, basel.Tenant.ID))
	for range 2 { // the second restart finds nothing that runs
		if err := d.InterruptQueues(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	now, err := d.Queue(t.Context(), ghent.Scope(), ours.Line.ID)
	if err != nil || now.Stop != packaging.StopByRestart || now.Ended.IsZero() || now.At != 1 {
		t.Errorf("stopped by %q at %v, in place %d, %v", now.Stop, now.Ended, now.At, err)
	}
	all := entries(t, d, ghent.Tenant.ID)
	if e := all[0]; e.Deed != packaging.QueueEnded || e.Reason != string(packaging.StopByRestart) ||
		e.By.Username != "lineboard" || e.LineCode != "L1" {
		t.Errorf("the newest entry is %+v", e)
	}
	if all[1].Deed == packaging.QueueEnded {
		t.Error("the end of one queue is recorded twice")
	}
	if now, err := d.Queue(t.Context(), basel.Scope(), theirs.Line.ID); err != nil || now.Stop != packaging.QueueDone ||
		len(entries(t, d, basel.Tenant.ID)) != before {
		t.Errorf("a queue that had ended stopped by %q, %v", now.Stop, err)
	}
	if running, err := d.AdvanceQueue(t.Context(), ours); running || err != nil {
		t.Errorf("a queue that ended at a restart runs %v, %v", running, err)
	}
	// The line is free for another queue.
	if _, err := d.StartQueue(
		t.Context(), ghent, ours.Line.ID, []packaging.QueuePick{{Order: order(t, d, ghent.Tenant.ID, "b").ID}},
	); err != nil {
		t.Errorf("another queue on the line: %v", err)
	}
}
