package replica

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot returns the time since the machine started, with the time that it slept or stood still.
func sinceBoot() time.Duration {
	var at unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &at) != nil {
		return time.Since(started)
	}
	return time.Duration(at.Nano())
}

var started = time.Now()
