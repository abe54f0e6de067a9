//go:build unix

package replica

import (
	"errors"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// lockFile locks a file until it is closed here and in all processes that inherited it.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrFollowed
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func inherit(command *exec.Cmd, lock *os.File) { command.ExtraFiles = []*os.File{lock} }
