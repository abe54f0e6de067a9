package packaging

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// NotSent is why a release that was claimed was not sent.
type NotSent struct {
	Reason Reason
	Why    string // for the log and the answer's message
}

func (e *NotSent) Error() string { return fmt.Sprintf("not sent: %s: %s", e.Reason, e.Why) }

// Answer returns what becomes of a release that was not sent because of err.
func (e *NotSent) Answer() Answer { return Answer{Outcome: Refused, Reason: e.Reason, Message: e.Why} }

// NotSentOf returns err as a NotSent. One of another kind counts as the copy's.
func NotSentOf(err error) *NotSent {
	var not *NotSent
	if errors.As(err, &not) {
		return not
	}
	return &NotSent{Reason: NotCopied, Why: err.Error()}
}

type departureKey struct{}

// WithDeparture returns a context whose releases ask last of all, before their first byte, whether they may leave.
func WithDeparture(ctx context.Context, may func(context.Context) error) context.Context {
	return context.WithValue(ctx, departureKey{}, may)
}

// Depart returns why a release must not leave now, nil if it may.
func Depart(ctx context.Context) error {
	if may, ok := ctx.Value(departureKey{}).(func(context.Context) error); ok {
		return may(ctx)
	}
	return nil
}

// CopyState is how the copy of the database is.
type CopyState struct {
	On        bool      // there is to be a copy
	Confirmed time.Time // as of when everything is in the copy, zero before the first confirmation since the start
	Behind    time.Time // since when something is missing from the copy, zero if nothing is
	Problem   string    // why the last wait failed, empty if it did not
	Standby   *Epoch    // in which this Lineboard releases; nil if no standby can take over
	TakenOver *Epoch    // of another Lineboard that took over; nil if none did
}

// Lag returns for how long the copy has been behind.
func (s CopyState) Lag(now time.Time) time.Duration {
	if s.Behind.IsZero() {
		return 0
	}
	return max(0, now.Sub(s.Behind))
}

// Epoch is a time in which one Lineboard of several releases. Its number grows, and only one can begin each.
type Epoch struct {
	Number int64     `json:"epoch"`
	ID     string    `json:"id"` // random, of who began it
	Host   string    `json:"host"`
	Began  time.Time `json:"began"`
}
