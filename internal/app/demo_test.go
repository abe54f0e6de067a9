package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDemoStartsSaysWhomToSignInAsAndLeavesNothing(t *testing.T) {
	before, err := filepath.Glob(filepath.Join(os.TempDir(), "lineboard-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, nil, "demo", "--addr", "127.0.0.1:0")
	if status, body := get(t, s.address+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d %s", status, body)
	}
	_, body := get(t, s.address+"/login")
	if !strings.Contains(body, "supervisor1") || !strings.Contains(body, "lineboard-demo") {
		t.Error("the sign-in page does not say whom to sign in as")
	}
	s.end(t)
	after, err := filepath.Glob(filepath.Join(os.TempDir(), "lineboard-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(after) > len(before) {
		t.Errorf("left behind %v", after)
	}
}
