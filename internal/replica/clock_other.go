//go:build !linux

package replica

import "time"

// sinceBoot returns a time that only grows. On Windows it counts sleep too.
func sinceBoot() time.Duration { return time.Since(started) }

var started = time.Now()
