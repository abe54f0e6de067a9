// Package deliver brings serial lists to the destinations of their lines: again and again until a destination takes
// them, with the same id, name and bytes each time. What is to be brought stands in the store, so that nothing is lost
// when the program ends.
package deliver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"lineboard/internal/listfile"
	"lineboard/internal/outbound"
	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// Store keeps destinations and deliveries.
type Store interface {
	// RunningDestinations returns the destinations that lists are brought to.
	RunningDestinations(ctx context.Context) ([]packaging.Destination, error)
	// DestinationSecrets returns the secret of a destination, and the one before it while that still counts. It fails
	// where the destination is elsewhere by now.
	DestinationSecrets(ctx context.Context, to packaging.Destination) (now, before secret.Text, err error)
	// NextDelivery returns the delivery that a destination is to have next, perhaps only later; NotFound for none.
	NextDelivery(ctx context.Context, to packaging.DestinationID) (packaging.Delivery, error)
	// EachListed hands the serial numbers of a delivery to do.
	EachListed(ctx context.Context, v packaging.Delivery, do func(packaging.Serial) error) error
	// BeginTry decides that a delivery goes out now, stores the form, name, size and digest that it has from its first
	// try on, and returns it as it is stored; false for one that does not go any more.
	BeginTry(ctx context.Context, v packaging.Delivery) (now packaging.Delivery, goes bool, err error)
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
	Busy  func() bool       // people wait for releases: lists give way for a moment; nil for never
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
	changed map[packaging.LineID]bool // lines whose destinations may have another list
	workers map[packaging.DestinationID]*worker
	tried   sync.Map           // destinations that are tried now
	asked   singleflight.Group // destinations that are asked now whether they are there
}

// New returns a Deliverer.
func New(store Store, o Options) *Deliverer {
	return &Deliverer{
		store: store, Options: o, dial: outbound.Only(o.Hosts), woken: make(chan struct{}, 1),
		changed: map[packaging.LineID]bool{}, workers: map[packaging.DestinationID]*worker{},
	}
}

// lookAgain is how often destinations are looked at though nothing woke the Deliverer.
const lookAgain = 30 * time.Second

// Wake has the workers of some lines look for lists now. It returns at once.
func (d *Deliverer) Wake(lines ...packaging.LineID) {
	if len(lines) == 0 {
		return
	}
	d.mu.Lock()
	for _, line := range lines {
		d.changed[line] = true
	}
	d.mu.Unlock()
	signal(d.woken)
}

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
		switch {
		case err == nil:
			for _, w := range d.employ(destinations) {
				workers.Go(func() { w.run(ctx) })
			}
		case ctx.Err() == nil:
			d.Log.Warn("destinations can't be read: lists wait", "err", err)
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

// employ returns a new worker for each destination that has none. Workers of other destinations are not wanted any
// more.
func (d *Deliverer) employ(destinations []packaging.Destination) (fresh []*worker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.workers {
		w.wanted = false
	}
	for _, to := range destinations {
		w := d.workers[to.ID]
		if w == nil {
			w = &worker{Deliverer: d, id: to.ID, line: to.Line.ID, woken: make(chan struct{}, 1)}
			d.workers[to.ID], fresh = w, append(fresh, w)
		}
		w.wanted = true
	}
	return fresh
}

// leaves ends the employment of a worker that is not wanted any more. Until then its destination gets no other one.
func (w *worker) leaves() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.wanted {
		delete(w.workers, w.id)
	}
	return !w.wanted
}

// wakeWorkers wakes the workers of lines that changed, and those that are not wanted any more. Others look by
// themselves when it is time.
func (d *Deliverer) wakeWorkers() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.workers {
		if d.changed[w.line] || !w.wanted {
			signal(w.woken)
		}
	}
	clear(d.changed)
}

// worker brings lists to one destination, one at a time.
type worker struct {
	*Deliverer
	id     packaging.DestinationID
	line   packaging.LineID
	wanted bool // guarded by mu
	woken  chan struct{}
	stuck  chan struct{} // closed when a try that hangs has ended; nil for none
}

// run brings lists until ctx ends, or until the worker is not wanted any more and nothing of it hangs.
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
		if w.leaves() {
			return
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

// next brings the next list, if it is time for one. It returns how long to wait for another one. It gives way before it
// looks for one: a list that is held or carried meanwhile does not go out.
func (w *worker) next(ctx context.Context) time.Duration {
	w.giveWay(ctx)
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
	if wait := v.Next.Sub(w.Now()); wait > 0 && wait <= w.longest() {
		return min(wait, lookAgain)
	}
	if err := w.bring(ctx, v); err != nil && ctx.Err() == nil {
		w.Log.Error("the store failed while a list was brought: it is tried again", "delivery", v.UID, "err", err)
		return w.First
	}
	return 0
}

// bring tries to bring a list, and stores what came of it. Where our own store fails, that is no try: it returns the
// error.
func (w *worker) bring(ctx context.Context, v packaging.Delivery) error {
	try := packaging.DeliveryTry{At: w.Now()}
	begun := time.Now()
	v, err := w.attempt(ctx, v)
	try.Took = time.Since(begun)
	if ctx.Err() != nil { // the program ends: that is no fault of the destination
		return nil
	}
	if errors.Is(err, errNotWaiting) {
		return nil
	}
	var own *storeError
	if errors.As(err, &own) {
		return own
	}
	log := w.Log.With("delivery", v.UID, "destination", w.id, "order", v.List.Order())
	if err == nil {
		log.Info("serial list taken", "took", try.Took)
		return w.store.NoteTaken(ctx, v, try)
	}
	try.DeliveryFailure = failureOf(err)
	log = log.With("problem", try.Problem, "detail", try.Detail)
	if try.Problem == packaging.GoneThere {
		log.Warn("the destination wants no more serial lists: it is stopped")
		if err := w.store.CloseDestination(ctx, v.Destination, "410 Gone: "+try.Detail); err != nil {
			return err
		}
		return w.store.NoteFailedTry(ctx, v, try, w.Now())
	}
	if w.Now().Sub(v.Since) >= v.Destination.GiveUp {
		log.Warn("serial list not taken: it is given up until a person sends it")
		return w.store.NoteFailedTry(ctx, v, try, time.Time{})
	}
	log.Warn("serial list not taken: it is tried again")
	return w.store.NoteFailedTry(ctx, v, try, w.Now().Add(w.wait(v.Tries)))
}

// The longest time for which a list gives way to releases, and how often it looks whether any is under way. A call that
// takes long holds up no list for longer.
const (
	giveWayFor  = 2 * time.Second
	giveWayLook = 20 * time.Millisecond
)

// giveWay waits while people wait for releases: to read a list and write it takes what a press needs too.
func (w *worker) giveWay(ctx context.Context) {
	for until := time.Now().Add(giveWayFor); w.Busy != nil && w.Busy() && time.Now().Before(until); {
		select {
		case <-ctx.Done():
			return
		case <-time.After(giveWayLook):
		}
	}
}

// errNotWaiting says that a list was found odd or carried, or its destination stopped, while it was made ready.
var errNotWaiting = errors.New("the list does not wait any more")

// storeError is a failure of our own store, which no destination can do anything about.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

// own marks an error of the store, unless what is done was to end anyway.
func own(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return &storeError{err}
}

// longest is the longest wait that there is. What is to be tried only later was put off before the clock was set back.
func (d *Deliverer) longest() time.Duration { return d.Most * 12 / 10 }

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

// failureOf returns what a try failed by, as it can be shown.
func failureOf(err error) packaging.DeliveryFailure {
	f := saidOf(err)
	f.Detail = clean(f.Detail)
	return f
}

// saidOf returns what a try failed by, in all that the destination said.
func saidOf(err error) packaging.DeliveryFailure {
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
	return *failure
}

// fail makes a failure of an error.
func fail(problem packaging.DeliveryProblem, err error) error {
	var known *packaging.DeliveryFailure
	var ours *storeError
	if errors.As(err, &known) || errors.As(err, &ours) || errors.Is(err, outbound.ErrNotListed) ||
		errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &packaging.DeliveryFailure{Problem: problem, Detail: err.Error()}
}

// attempt makes sure of what the bytes of a delivery are, brings them, and returns the delivery as it is stored. The
// store decides last whether it goes: what is decided later does not call it back. A try that goes on beyond its limit
// counts as timed out, and no other one of the destination begins before it has ended.
func (w *worker) attempt(ctx context.Context, v packaging.Delivery) (packaging.Delivery, error) {
	return bounded(ctx, w, v, func(ctx context.Context) (packaging.Delivery, error) {
		var made keeper
		v, err := w.shaped(ctx, v, &made)
		if err != nil {
			return v, err
		}
		now, goes, err := w.store.BeginTry(ctx, v)
		if err != nil {
			return v, own(ctx, err)
		}
		if !goes {
			return now, errNotWaiting
		}
		to, err := w.carrier(ctx, now.Destination)
		if err != nil {
			return now, err
		}
		return now, to.bring(ctx, w.parcel(ctx, now, made.bytes))
	})
}

// bounded runs do for the limit of a try. What goes on beyond it gives late.
func bounded[T any](ctx context.Context, w *worker, late T, do func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	limited, cancel := context.WithTimeout(ctx, w.Limit)
	done, ended := make(chan result, 1), make(chan struct{})
	go func() {
		defer close(ended)
		defer cancel()
		defer func() {
			if p := recover(); p != nil {
				done <- result{
					late, &packaging.DeliveryFailure{Problem: packaging.ProgramFailed, Detail: fmt.Sprint(p)},
				}
			}
		}()
		value, err := do(limited)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-limited.Done():
	}
	select { // what heeds its context ends soon
	case r := <-done:
		return r.value, r.err
	case <-time.After(min(time.Second, w.Limit)):
		w.stuck = ended
		return late, limited.Err()
	}
}

// shaped returns a delivery with its form, name, bytes and link. Those of one that was never tried are made now, and
// made keeps the bytes.
func (w *worker) shaped(ctx context.Context, v packaging.Delivery, made *keeper) (packaging.Delivery, error) {
	var err error
	if !v.Frozen {
		if v, err = w.written(ctx, v, made); err != nil {
			return v, err
		}
	}
	v.Link, err = linkOf(v)
	return v, err
}

// written returns a delivery with its form, its name, and what its bytes are.
func (w *worker) written(ctx context.Context, v packaging.Delivery, made *keeper) (packaging.Delivery, error) {
	to := v.Destination
	v.Form = packaging.ListForm{Format: to.Format, Template: to.Template}
	document := listfile.Of(v, w.each(ctx, v))
	var err error
	if to.Kind.WritesFiles() {
		if v.Name, err = listfile.FileName(to.FileName, document); err != nil {
			return v, err
		}
	}
	sum := listfile.NewSummer(made)
	if err := listfile.Write(sum, v.Form, document); err != nil {
		return v, fail(packaging.ProgramFailed, err)
	}
	v.Size, v.Digest = sum.Sum()
	return v, nil
}

// maxKept is how many bytes of a list are kept from the moment when they are made until they go out.
const maxKept = 1 << 20

// keeper keeps what is written to it, or nothing once that is too much.
type keeper struct {
	bytes []byte
	full  bool
}

func (k *keeper) Write(p []byte) (int, error) {
	if k.full = k.full || len(k.bytes)+len(p) > maxKept; k.full {
		k.bytes = nil
	} else {
		k.bytes = append(k.bytes, p...)
	}
	return len(p), nil
}

// each returns what hands on the serial numbers of a delivery. An error of the store is a storeError.
func (d *Deliverer) each(ctx context.Context, v packaging.Delivery) func(func(packaging.Serial) error) error {
	return func(do func(packaging.Serial) error) error {
		var stopped error
		err := d.store.EachListed(ctx, v, func(s packaging.Serial) error {
			stopped = do(s)
			return stopped
		})
		if stopped != nil {
			return stopped
		}
		return own(ctx, err)
	}
}

// parcel is what a carrier brings.
type parcel struct {
	packaging.Delivery
	document func() listfile.Document
	made     []byte // what was just made of it; nil where that is to be made again
}

func (d *Deliverer) parcel(ctx context.Context, v packaging.Delivery, made []byte) parcel {
	return parcel{v, func() listfile.Document { return listfile.Of(v, d.each(ctx, v)) }, made}
}

// writeTo writes the bytes of the parcel. It fails if they are not those of the first try: then nothing may be taken
// for them.
func (p parcel) writeTo(w io.Writer) error {
	if p.made != nil && sha256.Sum256(p.made) == p.Digest {
		_, err := w.Write(p.made)
		return err
	}
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
	now, before, err := d.store.DestinationSecrets(ctx, to)
	switch {
	case errors.Is(err, secret.ErrWrongKey):
		return nil, err
	case err != nil:
		return nil, own(ctx, err)
	}
	switch to.Kind {
	case packaging.FolderDestination:
		return folder{d.Roots[to.Address]}, nil
	case packaging.SFTPDestination:
		return discreet{sftpServer{to, now, d.dial}, now}, nil
	case packaging.WebhookDestination:
		return webhook{to, now, before, d.dial, d.Now}, nil
	}
	return nil, &packaging.DeliveryFailure{Problem: packaging.ProgramFailed, Detail: "nothing is brought there"}
}

// discreet is a carrier to a server that gets a password. Whatever such a server says may repeat it, and passes here
// before it is kept, shown or logged.
type discreet struct {
	carrier
	secret secret.Text
}

func (d discreet) bring(ctx context.Context, p parcel) error {
	return d.hidden(d.carrier.bring(ctx, p))
}

func (d discreet) try(ctx context.Context) error { return d.hidden(d.carrier.try(ctx)) }

func (d discreet) hidden(err error) error {
	var ours *storeError
	if err == nil || errors.As(err, &ours) {
		return err
	}
	f := saidOf(err)
	f.Detail = secret.HideIn(f.Detail, d.secret)
	return &f
}

// Try brings a test to a destination that is set up. The error is a [packaging.DeliveryFailure], or one of the store.
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
	_, err := bounded(ctx, w, to.ID, func(ctx context.Context) (packaging.DestinationID, error) {
		carrier, err := d.carrier(ctx, to)
		if err != nil {
			return to.ID, err
		}
		return to.ID, carrier.try(ctx)
	})
	var ours *storeError
	if err == nil || errors.As(err, &ours) {
		return err
	}
	f := failureOf(err)
	return &f
}

// RootNames returns the names of the roots that the server was started with, sorted.
func (d *Deliverer) RootNames() []string { return slices.Sorted(maps.Keys(d.Roots)) }
