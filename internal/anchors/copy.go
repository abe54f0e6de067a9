package anchors

import (
	"bytes"
	"context"
	"os"
	"strings"

	"lineboard/internal/packaging"
)

// Copy writes those lines of a file of anchors to a new file that belong to a copy of the database. Lines of what was
// written to the database after it was copied are left out: with them, the copy would look cut short.
func Copy(ctx context.Context, copied Store, from, to string) (err error) {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	written, err := copied.AnchorLines(ctx)
	if err != nil {
		return err
	}
	heads, err := copied.Heads(ctx)
	if err != nil {
		return err
	}
	ends := map[packaging.TenantID]int64{}
	for _, h := range heads {
		ends[h.Tenant] = h.Seq
	}
	var own []byte
	for text := range bytes.Lines(raw) {
		a, ok := parse(strings.TrimSuffix(string(text), "\n"))
		if ok && a.Number > written && a.Seq > ends[a.Tenant] {
			break
		}
		own = append(own, text...)
	}
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = file.Write(own); err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
