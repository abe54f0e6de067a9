//go:build unix

package deliver

import (
	"os"
	"path/filepath"
	"syscall"
)

// mkfifo makes a folder whose file of the next list is a pipe that nobody writes to: reading it hangs, as a mount of a
// dead server does.
func mkfifo(root string) error {
	if err := os.MkdirAll(filepath.Join(root, "L1"), 0o755); err != nil {
		return err
	}
	return syscall.Mkfifo(filepath.Join(root, "L1", "4711_A~b6eed464-1.csv"), 0o600)
}
