package release

import (
	"context"

	"lineboard/internal/packaging"
)

// Copy is a copy of the store elsewhere. A release is sent only once its claim is there: whoever goes on from the copy
// knows of it.
type Copy interface {
	// Ready returns why no release can be sent, whatever its order is, or nil.
	Ready() error
	// Confirmed returns why releases are refused now because of the copy, as far as is known, or nil.
	Confirmed(ctx context.Context) error
	// Claimed returns once the claim of an order is in the copy. Its error says why the release must not be sent.
	Claimed(ctx context.Context, o packaging.Order) error
	// Depart returns why a call must not leave right now, or nil. It is asked last of all.
	Depart(ctx context.Context) error
	// Settled returns once the outcome of an order is in the copy, or after the time that this may take.
	Settled(ctx context.Context, o packaging.Order)
}

// WaitFor has releases wait for a copy. It must be called before the first release.
func (r *Releaser) WaitFor(c Copy) { r.copied = c }

// callOnceCopied makes the call once its claim is in the copy. If it does not get there, nothing is sent.
func (r *Releaser) callOnceCopied(ctx context.Context, o packaging.Order) packaging.Answer {
	if r.copied == nil {
		return r.call(ctx, o)
	}
	if err := r.copied.Claimed(ctx, o); err != nil {
		r.log.Error(
			"release not sent: its claim is not in the copy", "order", o.ID, "release", o.Release.ID, "err", err,
		)
		return packaging.NotSentOf(err).Answer()
	}
	return r.call(packaging.WithDeparture(ctx, r.copied.Depart), o)
}
