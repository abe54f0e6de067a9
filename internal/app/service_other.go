//go:build !windows

package app

// Run says that this system has no such service.
func (service) Run(run) error { return errNotWindows }

// asService runs a command.
func asService(p run, command func(run) error) error { return command(p) }
