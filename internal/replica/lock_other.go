//go:build !unix

package replica

import (
	"os"
	"os/exec"
)

// lockFile opens a file. This system lets nobody move a database that a follower has open.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) }

func inherit(*exec.Cmd, *os.File) {}
