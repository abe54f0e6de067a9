package web

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lineboard/internal/live"
)

// A busy day shows thousands of pages once: what nobody can be given any more takes no memory.
func TestPagesThatAreOldAreNotKept(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	k := newPageCache(live.NewHub(1), func() time.Time { return now }, nil)
	show := func(key string, ttl time.Duration, bytes int) {
		t.Helper()
		if _, err := k.get(t.Context(), key, ttl, func(_ context.Context, r *cacheEntry) error {
			r.fragments = []fragment{{plain: make([]byte, bytes)}}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	kept := func(pages, most int) {
		t.Helper()
		if len(k.entries) != pages || k.order.Len() != pages || k.bytes > most {
			t.Errorf("%d pages in %d bytes, want %d pages in at most %d", len(k.entries), k.bytes, pages, most)
		}
	}
	for n := range 100 {
		show(fmt.Sprint("order ", n), pageTTL, 10_000)
	}
	kept(100, 1_100_000)
	now = now.Add(pageTTL)
	show("board", pageTTL, 10_000)
	kept(1, 11_000)
	now = now.Add(-time.Hour) // the clock is set back
	show("another", pageTTL, 10_000)
	kept(1, 11_000)
	show("at a station", 0, 10_000)
	show("board", pageTTL, 10_000)
	kept(2, 22_000)
	for n := range 40 {
		show(fmt.Sprint("long ", n), pageTTL, 1<<20)
	}
	if k.bytes > maxCacheBytes || len(k.entries) < 10 {
		t.Errorf("%d long pages in %d bytes", len(k.entries), k.bytes)
	}
}
