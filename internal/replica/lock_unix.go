//go:build unix

package replica

import (
	"errors"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// FollowLock keeps followers away until it is closed. A process that inherited it keeps it if this one ends first.
type FollowLock struct{ *os.File }

// lockFile locks a file until it is closed. It fails with [ErrFollowed] if somebody has the lock.
func lockFile(path string) (*FollowLock, error) {
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
	return &FollowLock{file}, nil
}

// Close gives the lock back. To close the file alone is not enough: any process that is just being started has a copy
// of it until its program runs.
func (l *FollowLock) Close() error {
	return errors.Join(unix.Flock(int(l.Fd()), unix.LOCK_UN), l.File.Close())
}

func inherit(command *exec.Cmd, lock *FollowLock) { command.ExtraFiles = []*os.File{lock.File} }
