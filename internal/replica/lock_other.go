//go:build !unix

package replica

import (
	"os"
	"os/exec"
)

// FollowLock is an open file: this system lets nobody move a database that a follower has open.
type FollowLock = os.File

// lockFile opens the file.
func lockFile(path string) (*FollowLock, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}

func inherit(*exec.Cmd, *FollowLock) {}
