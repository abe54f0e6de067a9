package packaging

import (
	"errors"
	"fmt"
)

// Code classes an error by what its receiver can do about it.
type Code string

// The codes. An error without one is Internal: logged, and not shown.
const (
	Invalid      Code = "invalid"     // the input is wrong
	SignInNeeded Code = "sign_in"     // nobody is signed in
	Forbidden    Code = "forbidden"   // the person may not do it
	NotFound     Code = "not_found"   // there is no such thing, or it is another tenant's
	Conflict     Code = "conflict"    // the state does not allow it
	Unavailable  Code = "unavailable" // the server can't do it now: disk full, database locked, stopping
	Internal     Code = "internal"
)

// Error is a coded error. Key names its sentence in the catalogue of texts; Args fill its gaps.
type Error struct {
	Code Code
	Key  string
	Args map[string]string
	Err  error // the cause, for the log only
}

// Fail makes a coded error whose sentence is key; args are pairs of a gap's name and its text.
func Fail(code Code, key string, args ...string) *Error {
	e := &Error{Code: code, Key: key}
	if len(args) > 0 {
		e.Args = make(map[string]string, len(args)/2)
		for i := 0; i+1 < len(args); i += 2 {
			e.Args[args[i]] = args[i+1]
		}
	}
	return e
}

// Because is e with its cause.
func (e *Error) Because(err error) *Error {
	with := *e
	with.Err = err
	return &with
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Key, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Key)
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code of err, Internal where it has none.
func CodeOf(err error) Code {
	var coded *Error
	if errors.As(err, &coded) {
		return coded.Code
	}
	return Internal
}
