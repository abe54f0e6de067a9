//go:build unix

package deliver

import (
	"os"
	"path/filepath"
	"syscall"
)

// mkfifo makes a folder with a pipe, pipeName, that nobody writes to: reading it hangs, as a mount of a dead server
// does.
func mkfifo(root string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	return syscall.Mkfifo(filepath.Join(root, pipeName), 0o600)
}
