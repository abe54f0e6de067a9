package packaging

import "fmt"

// CallError is a call of the remote API, other than a release, that did not work.
type CallError struct {
	Reason     Reason
	Message    string // the API's own words, or the transport's error, without credentials
	Code       string
	HTTPStatus int // 0 where there was no answer
}

func (e *CallError) Error() string {
	return fmt.Sprintf("%s (HTTP %d %s): %s", e.Reason, e.HTTPStatus, e.Code, e.Message)
}
