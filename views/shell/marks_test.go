package shell

import (
	"context"
	"strings"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// The mark of this tablet's network says nothing of the cloud.
func TestAStripThatTheCloudIsAwayHasTheCloudsMark(t *testing.T) {
	var drawn strings.Builder
	now := time.Now()
	fresh := packaging.Freshness{Succeeded: now.Add(-time.Hour), Connected: true, Problem: packaging.NotConnected}
	if err := freshness(fresh, now).Render(context.Background(), &drawn); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(drawn.String(), icons["cloud-off"]) || strings.Contains(drawn.String(), icons["wifi-off"]) {
		t.Errorf("it is marked by another icon: %s", drawn.String())
	}
}

func TestEveryMarkHasAnIconAndAWordAndUnknownIsLikeNoOther(t *testing.T) {
	ctx := context.Background()
	seen := map[string]string{}
	marks := map[string]Mark{"odd": LookMark(ctx)}
	for _, s := range append([]packaging.Status{"", "Waiting for QA"}, packaging.Statuses...) {
		marks["status "+string(s)] = StatusMark(ctx, s)
	}
	for _, o := range packaging.Outcomes {
		marks["outcome "+string(o)] = OutcomeMark(ctx, o)
	}
	for name, m := range marks {
		if icons[m.Icon] == "" || m.Word == "" || strings.Contains(m.Word, "⟦") {
			t.Errorf("%s: %+v", name, m)
		}
		seen[m.Tone+" "+m.Icon] += name + "; "
	}
	if unknown := OutcomeMark(ctx, packaging.Unknown); seen[unknown.Tone+" "+unknown.Icon] != "outcome unknown; " {
		t.Errorf("unknown looks like %s", seen[unknown.Tone+" "+unknown.Icon])
	}
	if got := StatusMark(ctx, "Waiting for QA").Word; got != "Waiting for QA" {
		t.Errorf("a status that is not documented shows as %q", got)
	}
}
