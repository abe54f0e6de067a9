package handlerstest

import (
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"testing"
)

// Took does something, and returns how much memory this process took at most meanwhile, above rest, in MiB. What runs
// beside it counts. It skips the test where a process may not measure that.
func Took(t *testing.T, do func()) int {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // that of the program: the tests' own may be another
	debug.FreeOSMemory()
	// "5" begins the measurement of the most memory anew (Linux, proc_pid_clear_refs(5)).
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skipf("the most memory can't be measured here: %v", err)
	}
	rest := memory(t, "VmRSS")
	do()
	return memory(t, "VmHWM") - rest
}

// memory returns what this process takes by that name, in MiB.
func memory(t *testing.T, name string) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		t.Fatalf("no %s", name)
	}
	kb, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}
