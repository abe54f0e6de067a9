package manufacturer

import (
	"net/http"
	"testing"
	"time"

	"lineboard/internal/giveway"
	"lineboard/internal/packaging"
)

// TestAPressIsUnderWayUntilItsCallHasLeft has no tests beside it: there is one road for the whole program. A machine may
// stand still for longer than a press counts at most; so it tries several times.
func TestAPressIsUnderWayUntilItsCallHasLeft(t *testing.T) {
	const asLongAsItCounts = 900 * time.Millisecond
	var took time.Duration
	c, _ := static(t, func(w http.ResponseWriter, r *http.Request) {
		arrived := time.Now()
		for giveway.UnderWay() > 0 {
			time.Sleep(time.Millisecond)
		}
		took = time.Since(arrived)
		says(200, `{"success":true,"message":"","data":[]}`)(w, r)
	})
	for range 5 {
		ctx, end := giveway.Press(t.Context())
		if a := c.ReleaseToLine(ctx, "A-1"); a.Outcome != packaging.Released {
			t.Fatalf("answer %v", a)
		}
		end()
		if took < asLongAsItCounts {
			return
		}
	}
	t.Errorf("a press counted for %s after its call had arrived", took)
}
