package anchors

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// BenchmarkRead reads the anchors of some 150,000 releases, as a check does after the start.
func BenchmarkRead(b *testing.B) {
	path := manyAnchors(b, 300_000)
	for b.Loop() {
		if c, err := read(path); err != nil || len(c.anchors) != 300_000 {
			b.Fatalf("%d anchors, %v", len(c.anchors), err)
		}
	}
}

// BenchmarkReadTail reads the end of the same file, as a start does.
func BenchmarkReadTail(b *testing.B) {
	path := manyAnchors(b, 300_000)
	for b.Loop() {
		if c, err := readTail(path); err != nil || c.last() != 300_000 {
			b.Fatalf("the last is %d, %v", c.last(), err)
		}
	}
}

func TestAStartReadsTheEndOfALongFileAlone(t *testing.T) {
	t.Parallel()
	const lines = 3 * tailSize / 100 // each has more than 100 bytes
	c, err := readTail(manyAnchors(t, lines))
	if err != nil || c.last() != lines || len(c.anchors) > tailSize/100 {
		t.Errorf("it reads %d lines, the last is %d: %v", len(c.anchors), c.last(), err)
	}
}

func manyAnchors(b testing.TB, count int64) (path string) {
	b.Helper()
	var lines bytes.Buffer
	at := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	for n := range count {
		lines.WriteString(line(packaging.Anchor{
			Head: packaging.Head{Tenant: 1, Slug: "plant-ghent", Seq: n + 1}, Number: n + 1, At: at,
			Release: &packaging.AnchoredRelease{
				Deed: packaging.ReleaseRequested, ID: packaging.ReleaseID(n + 1), At: at,
				OrderKey: fmt.Sprintf("Order%d", n),
				LineCode: "L1", LineName: "Blister line 1", Username: "sofie", FullName: "Sofie Peeters",
			},
		}))
	}
	path = filepath.Join(b.TempDir(), "anchors.log")
	if err := os.WriteFile(path, lines.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}
