package db

import (
	"context"
	"sync"

	"lineboard/internal/packaging"
)

// listLocks let one at a time stage a list.
type listLocks struct {
	mu   sync.Mutex
	held map[packaging.ListID]chan struct{} // closed when it is free again
}

// enter waits until the list is free, or ctx ends. leave must be called.
func (l *listLocks) enter(ctx context.Context, list packaging.ListID) (leave func(), err error) {
	for {
		l.mu.Lock()
		busy, is := l.held[list]
		if !is {
			break
		}
		l.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[packaging.ListID]chan struct{}{}
	}
	free := make(chan struct{})
	l.held[list] = free
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.held, list)
		close(free)
	}, nil
}
