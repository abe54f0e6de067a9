package packaging_test

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// The digests were made by another program from docs/history-format.md alone.
func TestEntriesOfEachFormatHaveTheDigestThatIsPublished(t *testing.T) {
	e := packaging.Entry{
		TenantID: 1, Seq: 7, At: time.UnixMilli(1795345200075),
		By: packaging.Author{
			ID: 3, Username: "zoë", FullName: "Zoë Müller", Role: packaging.Supervisor, Station: "Station 1",
		},
		Deed: "release_answered", OrderID: 5, OrderKey: "PO-0815", LineCode: "L1", LineName: "Blister line 1",
		ReleaseID: 9, Object: "what", Old: "old", New: "new",
		Outcome: packaging.Released, Reason: "late", Took: 1234 * time.Millisecond, HTTPStatus: 200, Code: "C", Message: "message", Serials: 11, Comment: "a comment", Records: 42,
	}
	copy(e.Prev[:], bytes.Repeat([]byte{0xab}, 32))
	copy(e.RecordsDigest[:], bytes.Repeat([]byte{0xcd}, 32))
	for format, want := range map[int]string{
		1: "b3c583a5838c55b8ccd89451496ace2ef7a9d6e1b0732c65f7584eca111a0e96",
		2: "2b02e9bb75b920e94acd6a97da8bfbee4ca108d202841aa41dd99f543ea573b1",
		3: "c043da6527febd76014738dcfa238dc17ed97585900a05c118faafa15c4c8b91",
	} {
		e.Format = format
		if got := e.Digest(); hex.EncodeToString(got[:]) != want {
			t.Errorf("format %d: %x", format, got)
		}
	}
}
