// Package deliver brings serial lists to the destinations of their lines: again and again until a destination takes
// them, with the same id, name and bytes each time. What is to be brought stands in the store, so that nothing is lost
// when the program ends.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"lineboard/internal/listfile"
	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Store keeps destinations and deliveries.
type Store interface {
	// RunningDestinations returns the destinations that lists are brought to.
	RunningDestinations(ctx context.Context) ([]packaging.Destination, error)
	// DestinationSecrets returns the secret of a destination, and the one before it while that still counts.
	DestinationSecrets(
		ctx context.Context, tenant packaging.TenantID, id packaging.DestinationID,
	) (now, before secret.Text, err error)
	// NextDelivery returns the delivery that a destination is to have next, perhaps only later; NotFound for none.
	NextDelivery(ctx context.Context, to packaging.DestinationID) (packaging.Delivery, error)
	// EachListed hands the serial numbers of a delivery to do.
	EachListed(ctx context.Context, v packaging.Delivery, do func(packaging.Serial) error) error
	// FreezeDelivery stores the form, name, size and digest that a delivery has from its first try on.
	FreezeDelivery(ctx context.Context, v packaging.Delivery) error
	// NoteTaken stores that a destination took a delivery.
	NoteTaken(ctx context.Context, v packaging.Delivery, try packaging.DeliveryTry) error
	// NoteFailedTry stores a failed try, and when the next one may be; zero for never.
	NoteFailedTry(ctx context.Context, v packaging.Delivery, try packaging.DeliveryTry, next time.Time) error
	// CloseDestination stops a destination that wants nothing more.
	CloseDestination(ctx context.Context, to packaging.Destination, why string) error
}

// Options are what a server was started with.
type Options struct {
	Roots map[string]string // folders by the name of their root
	Hosts []string          // that webhooks and SFTP reach, with a port or for any
	First time.Duration     // wait after a first failed try; it doubles
	Most  time.Duration     // up to this one
	Limit time.Duration     // of one try
	Now   func() time.Time
	Log   *slog.Logger
}

// Deliverer brings lists to destinations, to each by a worker of its own: none waits for another.
type Deliverer struct {
	store Store
	Options
	dial outbound.DialFunc

	woken   chan struct{}
	mu      sync.Mutex
	workers map[packaging.DestinationID]*worker
	tried   sync.Map // destinations that are tried now
}

// New returns a Deliverer.
func New(store Store, o Options) *Deliverer {
	return &Deliverer{
		store: store, Options: o, dial: outbound.Only(o.Hosts), woken: make(chan struct{}, 1),
		workers: map[packaging.DestinationID]*worker{},
	}
}

// lookAgain is how often destinations are looked at though nothing woke the Deliverer.
const lookAgain = 30 * time.Second

// Wake has all workers look for lists now. It returns at once.
func (d *Deliverer) Wake() { signal(d.woken) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is on its way already
	}
}

// Run brings lists until ctx ends. A try that hangs does not hold it up.
func (d *Deliverer) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	for {
		destinations, err := d.store.RunningDestinations(ctx)
		if err != nil && ctx.Err() == nil {
			d.Log.Warn("destinations can't be read: lists wait", "err", err)
		}
		for _, to := range destinations {
			if w := d.worker(to.ID); w != nil {
				workers.Go(func() { w.run(ctx) })
			}
		}
		d.wakeWorkers()
		select {
		case <-ctx.Done():
			return nil
		case <-d.woken:
		case <-time.After(lookAgain):
		}
	}
}

// worker returns a new worker of a destination, nil if it has one.
func (d *Deliverer) worker(id packaging.DestinationID) *worker {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.workers[id] != nil {
		return nil
	}
	w := &worker{Deliverer: d, id: id, woken: make(chan struct{}, 1)}
	d.workers[id] = w
	return w
}

func (d *Deliverer) wakeWorkers() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.workers {
		signal(w.woken)
	}
}

// worker brings lists to one destination, one at a time.
type worker struct {
	*Deliverer
	id    packaging.DestinationID
	woken chan struct{}
	stuck chan struct{} // closed when a try that hangs has ended; nil for none
}

func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		if w.stuck != nil { // one at a time: what hangs may still write
			select {
			case <-ctx.Done():
				return
			case <-w.stuck:
				w.stuck = nil
			}
		}
		wait := w.next(ctx)
		if wait <= 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-w.woken:
		case <-time.After(wait):
		}
	}
}

// next brings the next list, if it is time for one. It returns how long to wait for another one.
func (w *worker) next(ctx context.Context) time.Duration {
	v, err := w.store.NextDelivery(ctx, w.id)
	switch {
	case packaging.CodeOf(err) == packaging.NotFound:
		return lookAgain
	case err != nil:
		if ctx.Err() == nil {
			w.Log.Warn("lists that wait can't be read", "destination", w.id, "err", err)
		}
		return w.First
	}
	if wait := v.Next.Sub(w.Now()); wait > 0 {
		return min(wait, lookAgain)
	}
	if err := w.bring(ctx, v); err != nil && ctx.Err() == nil {
		w.Log.Error("what a try to bring a list came to can't be stored: it is tried again", "delivery", v.UID, "err", err)
		return w.First
	}
	return 0
}

// bring tries to bring a list, and stores what came of it.
func (w *worker) bring(ctx context.Context, v packaging.Delivery) error {
	try := packaging.DeliveryTry{At: w.Now()}
	begun := time.Now()
	err := w.attempt(ctx, &v)
	try.Took = time.Since(begun)
	if ctx.Err() != nil { // the program ends: that is no fault of the destination
		return nil
	}
	log := w.Log.With("delivery", v.UID, "destination", w.id, "order", v.List.Order())
	if err == nil {
		log.Info("serial list taken", "took", try.Took)
		return w.store.NoteTaken(ctx, v, try)
	}
	try.DeliveryFailure = failureOf(err)
	log.Warn("serial list not taken: it is tried again", "problem", try.Problem, "detail", try.Detail)
	if try.Problem == packaging.GoneThere {
		if err := w.store.CloseDestination(ctx, v.Destination, "410 Gone: "+try.Detail); err != nil {
			return err
		}
		return w.store.NoteFailedTry(ctx, v, try, w.Now())
	}
	next := w.Now().Add(w.wait(v.Tries))
	if w.Now().Sub(v.Since) >= v.Destination.GiveUp {
		next = time.Time{}
	}
	return w.store.NoteFailedTry(ctx, v, try, next)
}

// wait returns how long to wait after so many tries before: longer each time, and never just as long as others.
func (d *Deliverer) wait(tries int) time.Duration {
	wait := d.Most
	if tries < 20 {
		wait = min(d.First<<tries, d.Most)
	}
	return wait*8/10 + rand.N(wait*4/10+1) //nolint:gosec // nobody guesses for anything here
}

// maxDetail is how much of what a destination says is kept, in bytes.
const maxDetail = 300

// failureOf returns what a try failed by.
func failureOf(err error) packaging.DeliveryFailure {
	var failure *packaging.DeliveryFailure
	switch {
	case errors.As(err, &failure):
	case errors.Is(err, outbound.ErrNotListed):
		failure = &packaging.DeliveryFailure{Problem: packaging.HostNotAllowed}
	case errors.Is(err, context.DeadlineExceeded):
		failure = &packaging.DeliveryFailure{Problem: packaging.TimedOutThere}
	case errors.Is(err, secret.ErrWrongKey):
		failure = &packaging.DeliveryFailure{Problem: packaging.SecretNotOpened}
	default:
		failure = &packaging.DeliveryFailure{Problem: packaging.Unreachable, Detail: err.Error()}
	}
	f := *failure
	f.Detail = clean(f.Detail)
	return f
}

// fail makes a failure of an error.
func fail(problem packaging.DeliveryProblem, err error) error {
	var known *packaging.DeliveryFailure
	if errors.As(err, &known) || errors.Is(err, outbound.ErrNotListed) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &packaging.DeliveryFailure{Problem: problem, Detail: err.Error()}
}

// attempt makes sure of what the bytes of a delivery are, and brings them. A try that goes on beyond its limit counts as
// timed out, and no other one of the destination begins before it has ended.
func (w *worker) attempt(ctx context.Context, v *packaging.Delivery) error {
	if err := w.freeze(ctx, v); err != nil {
		return err
	}
	return w.bounded(ctx, func(ctx context.Context) error {
		to, err := w.carrier(ctx, v.Destination)
		if err != nil {
			return err
		}
		return to.bring(ctx, w.parcel(ctx, *v))
	})
}

// bounded runs do for the limit of a try.
func (w *worker) bounded(ctx context.Context, do func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, w.Limit)
	done, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				done <- &packaging.DeliveryFailure{Problem: packaging.ProgramFailed, Detail: fmt.Sprint(p)}
			}
		}()
		done <- do(limited)
	}()
	select {
	case err := <-done:
		return err
	case <-limited.Done():
	}
	select { // what heeds its context ends soon
	case err := <-done:
		return err
	case <-time.After(min(time.Second, w.Limit)):
		w.stuck = ended
		return limited.Err()
	}
}

// freeze gives a delivery that was never tried its form, name and bytes. Of one that was, it makes sure that they are
// the same still.
func (w *worker) freeze(ctx context.Context, v *packaging.Delivery) error {
	if v.Frozen {
		return nil
	}
	to := v.Destination
	v.Form = packaging.ListForm{Format: to.Format, Template: to.Template}
	document := listfile.Of(*v, w.each(ctx, *v))
	var err error
	if to.Kind.WritesFiles() {
		if v.Name, err = listfile.FileName(to.FileName, document); err != nil {
			return err
		}
	}
	if v.Size, v.Digest, err = listfile.Sum(v.Form, document); err != nil {
		return fail(packaging.ProgramFailed, err)
	}
	v.Frozen = true
	return w.store.FreezeDelivery(ctx, *v)
}

func (d *Deliverer) each(ctx context.Context, v packaging.Delivery) func(func(packaging.Serial) error) error {
	return func(do func(packaging.Serial) error) error { return d.store.EachListed(ctx, v, do) }
}

// parcel is what a carrier brings.
type parcel struct {
	packaging.Delivery
	document func() listfile.Document
}

func (d *Deliverer) parcel(ctx context.Context, v packaging.Delivery) parcel {
	return parcel{v, func() listfile.Document { return listfile.Of(v, d.each(ctx, v)) }}
}

// writeTo writes the bytes of the parcel. It fails if they are not those of the first try: then nothing may be taken for
// them.
func (p parcel) writeTo(w io.Writer) error {
	sum := listfile.NewSummer(w)
	if err := listfile.Write(sum, p.Form, p.document()); err != nil {
		return err
	}
	if size, digest := sum.Sum(); size != p.Size || digest != p.Digest {
		return &packaging.DeliveryFailure{Problem: packaging.BytesDiffer}
	}
	return nil
}

// carrier brings lists to one kind of destination. It returns once the destination has said that it took a list. try
// brings a test, which has no serial number and a name that no line imports.
type carrier interface {
	bring(ctx context.Context, p parcel) error
	try(ctx context.Context) error
}

// carrier returns what brings lists to a destination.
func (d *Deliverer) carrier(ctx context.Context, to packaging.Destination) (carrier, error) {
	now, before, err := d.store.DestinationSecrets(ctx, to.Tenant, to.ID)
	if err != nil {
		return nil, err
	}
	switch to.Kind {
	case packaging.FolderDestination:
		return folder{d.Roots[to.Address]}, nil
	case packaging.SFTPDestination:
		return sftpServer{to, now, d.dial}, nil
	case packaging.WebhookDestination:
		return webhook{to, now, before, d.dial, d.Now}, nil
	}
	return nil, &packaging.DeliveryFailure{Problem: packaging.ProgramFailed, Detail: "nothing is brought there"}
}

// Try brings a test to a destination that is set up. The error is a [packaging.DeliveryFailure].
func (d *Deliverer) Try(ctx context.Context, to packaging.Destination) error {
	if _, running := d.tried.LoadOrStore(to.ID, true); running {
		return &packaging.DeliveryFailure{Problem: packaging.TimedOutThere, Detail: "the last try has not ended"}
	}
	w := &worker{Deliverer: d, id: to.ID}
	defer func() {
		if w.stuck == nil {
			d.tried.Delete(to.ID)
			return
		}
		go func() { <-w.stuck; d.tried.Delete(to.ID) }()
	}()
	err := w.bounded(ctx, func(ctx context.Context) error {
		carrier, err := d.carrier(ctx, to)
		if err != nil {
			return err
		}
		return carrier.try(ctx)
	})
	if err == nil {
		return nil
	}
	f := failureOf(err)
	return &f
}

// RootNames returns the names of the roots that the server was started with, sorted.
func (d *Deliverer) RootNames() []string { return slices.Sorted(maps.Keys(d.Roots)) }
