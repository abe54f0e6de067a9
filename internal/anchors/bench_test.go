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
	path := manyAnchors(b)
	for b.Loop() {
		if c, err := read(path); err != nil || len(c.anchors) != 300_000 {
			b.Fatalf("%d anchors, %v", len(c.anchors), err)
		}
	}
}

// BenchmarkReadTail reads the end of the same file, as a start does.
func BenchmarkReadTail(b *testing.B) {
	path := manyAnchors(b)
	for b.Loop() {
		if c, err := readTail(path); err != nil || c.last() != 300_000 {
			b.Fatalf("the last is %d, %v", c.last(), err)
		}
	}
}

func manyAnchors(b *testing.B) (path string) {
	b.Helper()
	var lines bytes.Buffer
	at := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	for n := range int64(300_000) {
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
