//go:build unix

package deliver

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// It is not parallel: the limit is the whole program's.
func TestANameIsFreeAgainWhereItsClaimCantBeWritten(t *testing.T) {
	dir := t.TempDir()
	putting(t, dir, map[string]string{"a.part": "ours"})
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var usual syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
		t.Fatal(err)
	}
	small := usual
	small.Cur = 4
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
		t.Skip(err)
	}
	failed := claimUnlessThere(root, "a.part", "list.csv")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &usual); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(failed, syscall.EFBIG) {
		t.Errorf("the claim is written: %v", failed)
	}
	if said, err := os.ReadFile(only(t, dir)); err != nil || string(said) != "ours" {
		t.Errorf("%q is there: %v", said, err)
	}
}
