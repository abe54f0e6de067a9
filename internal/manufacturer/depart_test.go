package manufacturer

import (
	"context"
	"errors"
	"testing"

	"lineboard/internal/packaging"
	"lineboard/internal/sandbox"
)

func TestAReleaseThatMayNotDepartSendsNothingAndIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says   error
		reason packaging.Reason
	}{
		"another took over": {
			&packaging.NotSent{Reason: packaging.TakenOver, Why: "second took over"}, packaging.TakenOver,
		},
		"the place does not answer": {errors.New("hung"), packaging.NotCopied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			asked := 0
			ctx := packaging.WithDeparture(t.Context(), func(context.Context) error {
				asked++
				return c.says
			})
			a := r.client.ReleaseToLine(ctx, "Order143")
			if a.Outcome != packaging.Refused || a.Reason != c.reason || asked != 1 {
				t.Errorf("%s after it was asked %d times", a, asked)
			}
			if n := r.box.Calls()[sandbox.ReleaseToLine]; n != 0 {
				t.Errorf("the release was sent %d times", n)
			}
		})
	}
}

func TestAReleaseAsksAtEachTryWhetherItMayDepart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.signIn()
	r.box.Inject(sandbox.Fault{Call: sandbox.ReleaseToLine, Kind: sandbox.ExpiredToken, Times: 1})
	asked := 0
	ctx := packaging.WithDeparture(t.Context(), func(context.Context) error {
		asked++
		return nil
	})
	if a := r.client.ReleaseToLine(ctx, "Order143"); a.Outcome != packaging.Released || asked != 2 {
		t.Errorf("%s after it was asked %d times", a, asked)
	}
}
