package app

// The exit codes of the program, beside 0 and 1.
const (
	exitAdmitted = 3 // of verify: all holds, but for restores and changes by hand that the history itself tells of
	exitWarning  = 4 // of doctor: there is something to look after
	exitFault    = 5 // of doctor: something is wrong
)

// exitError is an error with an exit code of its own.
type exitError struct {
	error
	code int
}

// saidError is an error that stands in the log already.
type saidError struct{ error }

// Said marks it for whoever would print it.
func (e saidError) Said() {}

// Unwrap returns the error.
func (e saidError) Unwrap() error { return e.error }

// ExitCode returns the code that the process ends with.
func (e exitError) ExitCode() int { return e.code }
