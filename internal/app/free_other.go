//go:build !linux && !darwin && !windows

package app

import "errors"

// freeBytes fails: this system says it in another way.
func freeBytes(string) (uint64, error) { return 0, errors.ErrUnsupported }
