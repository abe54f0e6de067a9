package soak

import "syscall"

// together has a program end with the test that started it, however that ends: a test that panics cleans nothing up.
var together = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
