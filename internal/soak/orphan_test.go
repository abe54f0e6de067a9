//go:build !linux

package soak

import "syscall"

// together would have a program end with the test that started it; this system can't.
var together *syscall.SysProcAttr
