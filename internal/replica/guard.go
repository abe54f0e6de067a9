package replica

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"lineboard/internal/packaging"
)

// maxDeparture is how long a call may take to leave after the epoch was read.
const maxDeparture = 2 * time.Second

// Guard knows whether this Lineboard is the one that releases. A standby that takes over begins the next epoch at the
// copy's place before it restores: a call leaves only if, moments before, the place still had this Lineboard's epoch as
// the last one. By then its claim was copied, so whoever begins an epoch after that finds the claim.
type Guard struct {
	place Place
	file  string             // what the data folder knows of its epoch
	begun func(number int64) // is called once the epoch of this Lineboard is known
	clock func() time.Duration
	now   func() time.Time
	log   *slog.Logger

	mu        sync.Mutex
	own       Own
	takenOver *packaging.Epoch
	problem   error
	writes    bool          // something was copied in this epoch
	over      chan struct{} // closed once another Lineboard took over
	asking    chan struct{} // has room for those who ask the place
}

// NewGuard returns the guard of a data folder. It need not reach the place yet. begun is called with the number of this
// Lineboard's epoch, at once or when the first one begins.
func NewGuard(
	place Place, file string, begun func(number int64), now func() time.Time, log *slog.Logger,
) (*Guard, error) {
	own, err := ReadOwn(file)
	if err == nil && own.From != 0 {
		err = errors.New("a promotion of this standby did not end: run lineboard promote again")
	}
	if err != nil {
		return nil, err
	}
	if own.Begun {
		begun(own.Number)
	}
	return &Guard{
		begun: begun,
		place: place, file: file, clock: sinceBoot, now: now, log: log, own: own, problem: errUnread,
		asking: make(chan struct{}, maxAsking), over: make(chan struct{}),
	}, nil
}

var errUnread = errors.New("the copy's place was not asked yet")

// Own returns the epoch in which this Lineboard releases.
func (g *Guard) Own() *packaging.Epoch {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := g.own.Epoch
	return &own
}

// TakenOver returns the epoch of the Lineboard that took over, nil if none did.
func (g *Guard) TakenOver() *packaging.Epoch {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.takenOver
}

// Over is closed once another Lineboard took over.
func (g *Guard) Over() <-chan struct{} { return g.over }

// Ready refuses presses once another Lineboard took over.
func (g *Guard) Ready() error {
	if e := g.TakenOver(); e != nil {
		return packaging.Fail(packaging.Unavailable, "error.taken_over",
			"Host", e.Host, "When", e.Began.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return nil
}

// Look asks the place who releases, and begins the first epoch where there is none. State and Ready tell what it found.
// Only one may look at a time.
func (g *Guard) Look(ctx context.Context) {
	err := g.bounded(ctx, func(ctx context.Context) error {
		if g.Number() == 0 {
			return g.begin(ctx)
		}
		return g.look(ctx)
	})
	if err == nil || ctx.Err() != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.problem == nil || errors.Is(g.problem, errUnread) {
		g.log.Error("who releases can't be read at the copy's place", "place", g.place.String(), "err", err)
	}
	g.problem = err
}

// bounded asks the place within the time that a call may take to leave.
func (g *Guard) bounded(ctx context.Context, ask func(context.Context) error) error {
	_, err := answered(ctx, bounded{limit: maxDeparture, asking: g.asking}, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, ask(ctx)
	})
	return err
}

// maxAsking is how many ask the place at once.
const maxAsking = 16

var errHangs = errors.New("the copy's place does not answer")

// Number returns the number of this Lineboard's epoch, 0 before it began.
func (g *Guard) Number() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.own.Begun {
		return 0
	}
	return g.own.Number
}

// look fails unless this Lineboard is the one that releases.
func (g *Guard) look(ctx context.Context) error {
	g.mu.Lock()
	own, over := g.own, g.takenOver
	g.mu.Unlock()
	if over != nil {
		return takenOver(*over)
	}
	if !own.Begun {
		return errUnread
	}
	mine, err := epochAt(ctx, g.place, own.Number)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf(
			"epoch %d of this Lineboard is not at %s: it is another place, or it was emptied", own.Number, g.place,
		)
	case err != nil:
		return err
	case mine.ID != own.ID:
		return g.lost(mine)
	}
	switch next, err := epochAt(ctx, g.place, own.Number+1); {
	case errors.Is(err, fs.ErrNotExist):
		return g.kept(ctx, own)
	case err != nil:
		return err
	default:
		return g.lost(next)
	}
}

// begin begins the first epoch of a place. A place that has one belongs to whoever began it.
func (g *Guard) begin(ctx context.Context) error {
	g.mu.Lock()
	own := g.own
	g.mu.Unlock()
	latest, err := Latest(ctx, g.place)
	switch {
	case err != nil:
		return err
	case latest.Number > 0 && latest.ID != own.ID:
		return g.lost(latest)
	}
	if own.Number == 0 {
		own.Epoch = NewEpoch(1, g.now())
		if err := own.Write(g.file); err != nil {
			return err
		}
		g.mu.Lock()
		g.own = own // so that another try begins the same
		g.mu.Unlock()
	}
	if err := Begin(ctx, g.place, own.Epoch); err != nil {
		return err
	}
	own.Begun = true
	if err := own.Write(g.file); err != nil {
		return err
	}
	g.begun(own.Number)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.own = own
	g.log.Info("this Lineboard releases", "epoch", own.Number, "place", g.place.String())
	return errors.New("the first epoch has just begun")
}

// lost notes that another Lineboard took over.
func (g *Guard) lost(to packaging.Epoch) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.takenOver != nil { // another reading found it first
		return takenOver(to)
	}
	g.takenOver = &to
	close(g.over)
	g.log.Error("another Lineboard took over: this one releases nothing any more", "host", to.Host, "since", to.Began,
		"epoch", to.Number)
	return takenOver(to)
}

// kept notes that this Lineboard still is the one. It fails while nothing was copied in its epoch: then Litestream
// writes elsewhere, and a standby would find nothing.
func (g *Guard) kept(ctx context.Context, own Own) error {
	g.mu.Lock()
	writes := g.writes
	g.mu.Unlock()
	if !writes {
		names, err := g.place.List(ctx, DatabaseFolder(own.Number))
		switch {
		case err != nil:
			return err
		case len(names) == 0:
			return fmt.Errorf("nothing was copied by Litestream to %s of %s", DatabaseFolder(own.Number), g.place)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.problem != nil && !errors.Is(g.problem, errUnread) {
		g.log.Info("the copy's place says again who releases")
	}
	g.writes, g.problem = true, nil
	return nil
}

// takenOver is why a release was not sent that another Lineboard may have in hand by now.
func takenOver(by packaging.Epoch) error {
	return &packaging.NotSent{Reason: packaging.TakenOver, Why: fmt.Sprintf("%s took over at %s (epoch %d)",
		by.Host, by.Began.UTC().Format(time.RFC3339), by.Number)}
}

// Depart returns nil if a call may leave right now. It counts the time by a clock that goes on while the machine
// sleeps.
func (g *Guard) Depart(ctx context.Context) error {
	began := g.clock()
	err := g.bounded(ctx, g.look)
	if took := g.clock() - began; err == nil && took > maxDeparture {
		err = fmt.Errorf("it took %s to read who releases", took.Round(time.Millisecond))
	}
	if err != nil {
		return packaging.NotSentOf(err)
	}
	return nil
}

// Problem returns why it is not known who releases, nil if it is.
func (g *Guard) Problem() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.problem
}
