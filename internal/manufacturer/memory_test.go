//go:build !race

// The race detector multiplies memory, so there is nothing to measure beside it.

package manufacturer

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// A large answer must not take the memory of a small machine. The peak is that of the heap over what was there before.
func TestAnAnswerOf64MiBTakesAtMost150MBOfMemory(t *testing.T) {
	for name, body := range map[string][]byte{
		"no JSON": bytes.Repeat([]byte("<p>Sorry</p>"), 64<<20/12),
		"a long text": append(
			append([]byte(`{"success":true,"data":["`), bytes.Repeat([]byte("a"), 63<<20)...), `"]}`...,
		),
		"serial numbers": append(append([]byte(`{"success":true,"data":["`),
			bytes.Repeat([]byte(`4YSr5oYFKHwPbfFWAkNs","`), 2_700_000)...), `"]}`...),
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := static(t, says(200, `{"success":true,"data":[]}`))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write(body)
			}))
			defer server.Close()
			order143(t, c) // signed in
			c.base = server.URL
			peak := heapPeak(func() {
				if a := order143(t, c); a.Outcome == packaging.Refused {
					t.Errorf("answer %v", a)
				}
			})
			t.Logf("%d MB", peak>>20)
			if peak > 150_000_000 {
				t.Errorf("it takes %d bytes", peak)
			}
		})
	}
}

// heapPeak returns how many bytes the heap grows by at most while do runs.
func heapPeak(do func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // that of the program: the tests' own may be another
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	before, peak := sample[0].Value.Uint64(), uint64(0)
	ended := make(chan struct{})
	go func() { defer close(ended); do() }()
	for {
		metrics.Read(sample)
		peak = max(peak, sample[0].Value.Uint64())
		select {
		case <-ended:
			return peak - min(before, peak)
		case <-time.After(time.Millisecond):
		}
	}
}
