package replica

import (
	"context"
	"time"
)

// maxAnswer is how long somebody who takes over waits for one answer of the place: so long that a busy one gives it,
// and not for ever, since a place may hang.
const maxAnswer = 30 * time.Second

// Bounded returns a place whose answers are waited for so long at most, and told of; nil tells nobody. A file system may
// hang whatever a context says, so only so many ask at once.
func Bounded(p Place, answers func()) Place {
	b := newBounded(p, maxAnswer)
	b.answers = answers
	return b
}

func newBounded(p Place, limit time.Duration) bounded {
	return bounded{Place: p, limit: limit, asking: make(chan struct{}, maxAsking)}
}

type bounded struct {
	Place
	limit   time.Duration
	asking  chan struct{} // has room for those who ask
	answers func()        // nil for nobody
}

func (b bounded) Create(ctx context.Context, name string, content []byte) error {
	_, err := answered(ctx, b, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, b.Place.Create(ctx, name, content)
	})
	return err
}

func (b bounded) Put(ctx context.Context, name string, content []byte) error {
	_, err := answered(ctx, b, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, b.Place.Put(ctx, name, content)
	})
	return err
}

func (b bounded) Get(ctx context.Context, name string) ([]byte, error) {
	return answered(ctx, b, func(ctx context.Context) ([]byte, error) { return b.Place.Get(ctx, name) })
}

func (b bounded) List(ctx context.Context, name string) ([]string, error) {
	return answered(ctx, b, func(ctx context.Context) ([]string, error) { return b.Place.List(ctx, name) })
}

func (b bounded) Remove(ctx context.Context, name string) error {
	_, err := answered(ctx, b, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, b.Place.Remove(ctx, name)
	})
	return err
}

// answered asks, and waits until the limit or the end of ctx at most.
func answered[T any](
	ctx context.Context, b bounded, ask func(context.Context) (T, error),
) (answer T, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.limit, errHangs)
	defer cancel()
	select {
	case b.asking <- struct{}{}:
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	}
	type reply struct {
		answer T
		err    error
	}
	replies := make(chan reply, 1)
	go func() {
		defer func() { <-b.asking }()
		answer, err := ask(ctx)
		replies <- reply{answer, err}
	}()
	select {
	case r := <-replies:
		if b.answers != nil {
			b.answers()
		}
		return r.answer, r.err
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	}
}
