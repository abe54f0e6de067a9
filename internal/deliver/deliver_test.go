package deliver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lineboard/internal/packaging"
	"lineboard/internal/secret"
)

// shelf is a store with one list for each of some destinations.
type shelf struct {
	mu           sync.Mutex
	destinations []packaging.Destination
	waiting      map[packaging.DestinationID]packaging.Delivery
	now, before  secret.Text
	serials      []string
	broken       int           // how often storing an outcome fails
	unread       int           // how often reading a list fails
	read         int           // how often a list was read
	unfrozen     int           // how often storing what a list is fails
	hangs        chan struct{} // until it is closed, reading a list for destination 1 does not end; nil for never
	held         bool          // lists are found odd while they are made ready
	failed       chan packaging.DeliveryTry
	taken        chan packaging.Delivery
	closed       chan string
}

func newShelf(destinations ...packaging.Destination) *shelf {
	s := &shelf{
		destinations: destinations, waiting: map[packaging.DestinationID]packaging.Delivery{},
		serials: []string{"S1", `S"2`},
		failed:  make(chan packaging.DeliveryTry, 100), taken: make(chan packaging.Delivery, 100),
		closed: make(chan string, 100),
	}
	for i, d := range destinations {
		s.waiting[d.ID] = packaging.Delivery{
			ID: packaging.DeliveryID(i + 1), UID: fmt.Sprintf("%032x", i+1), Destination: d,
			Made: time.Unix(1_800_000_000, 0), Since: time.Now(),
			Facts: packaging.ListFacts{Order: "4711/A", Number: 1, Line: "L1", Count: 2},
			State: packaging.DeliveryWaiting,
		}
	}
	return s
}

func (s *shelf) RunningDestinations(context.Context) ([]packaging.Destination, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.destinations, nil
}

func (s *shelf) DestinationSecrets(
	context.Context, packaging.Destination,
) (now, before secret.Text, err error) {
	return s.now, s.before, nil
}

func (s *shelf) NextDelivery(_ context.Context, to packaging.DestinationID) (packaging.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.waiting[to]
	if !ok {
		return v, packaging.Fail(packaging.NotFound, "error.not_found")
	}
	if i := slices.IndexFunc(s.destinations, func(d packaging.Destination) bool { return d.ID == to }); i >= 0 {
		v.Destination = s.destinations[i]
	}
	return v, nil
}

func (s *shelf) EachListed(_ context.Context, v packaging.Delivery, do func(packaging.Serial) error) error {
	if s.hangs != nil && v.Destination.ID == 1 {
		<-s.hangs
	}
	s.mu.Lock()
	s.read++
	s.unread--
	broken := s.unread >= 0
	s.mu.Unlock()
	if broken {
		return errors.New("the database can't be read")
	}
	for i, one := range s.serials {
		if err := do(packaging.Serial{Seq: int64(i) + 1, Value: one}); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) BeginTry(_ context.Context, v packaging.Delivery) (packaging.Delivery, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unfrozen--; s.unfrozen >= 0 {
		return v, false, errors.New("the disk is full")
	}
	if s.held {
		return v, false, nil
	}
	v.Frozen = true
	s.waiting[v.Destination.ID] = v
	return v, true, nil
}

func (s *shelf) NoteTaken(_ context.Context, v packaging.Delivery, _ packaging.DeliveryTry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken > 0 {
		s.broken--
		return errors.New("the disk is full")
	}
	delete(s.waiting, v.Destination.ID)
	s.taken <- v
	return nil
}

func (s *shelf) NoteFailedTry(
	_ context.Context, v packaging.Delivery, try packaging.DeliveryTry, next time.Time,
) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.Tries++
	v.Next = next
	s.waiting[v.Destination.ID] = v
	if next.IsZero() {
		delete(s.waiting, v.Destination.ID)
	}
	s.failed <- try
	return nil
}

func (s *shelf) CloseDestination(_ context.Context, to packaging.Destination, why string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, to.ID)
	s.closed <- why
	return nil
}

// started brings what a shelf has, with waits of milliseconds, until the test ends.
func started(t *testing.T, s *shelf, o Options) *Deliverer {
	t.Helper()
	o.First, o.Most, o.Now = time.Millisecond, 4*time.Millisecond, time.Now
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Limit == 0 {
		o.Limit = 10 * time.Second
	}
	d := New(s, o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(60 * time.Second):
			t.Error("it does not end")
		}
	})
	return d
}

func await[T any](t *testing.T, from chan T) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(60 * time.Second):
		t.Fatal("nothing came")
	}
	return got
}

func aFolder(id packaging.DestinationID) packaging.Destination {
	return packaging.Destination{
		ID: id, Name: "Share", Kind: packaging.FolderDestination, Address: "drop", Format: packaging.CSVFormat,
		FileName: "{{.Line}}/{{.Order}}-{{.Number}}.csv", GiveUp: time.Hour,
	}
}

const aList = "order,gtin,lot,expiry,number,serial\r\n4711/A,,,,1,S1\r\n4711/A,,,,2,\"S\"\"2\"\r\n"

// only returns the path of the one file below a folder.
func only(t *testing.T, root string) string {
	t.Helper()
	var all []string
	_ = filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, name)
		}
		return nil
	})
	if len(all) != 1 {
		t.Fatalf("files: %v", all)
	}
	return all[0]
}

func TestAListBecomesAWholeFileBelowItsRoot(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newShelf(aFolder(1))
	s.broken = 2 // it is taken, and that can't be stored: it comes again, and is the same
	started(t, s, Options{Roots: map[string]string{"drop": root}})
	v := await(t, s.taken)
	name := only(t, root)
	content, err := os.ReadFile(name)
	if err != nil || string(content) != aList || v.Digest != sha256.Sum256(content) || v.Size != int64(len(content)) {
		t.Errorf("%q %v", content, err)
	}
	if rel, _ := filepath.Rel(root, name); !strings.HasPrefix(rel, "L1/4711_A~") || filepath.ToSlash(rel) != v.Name {
		t.Errorf("%s is not %s", rel, v.Name)
	}
}

func TestNoFileIsWrittenOverAnother(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	to := aFolder(1)
	to.FileName = "{{.Line}}-{{.Number}}.csv"
	theirs := filepath.Join(root, "L1-1.csv")
	if err := os.WriteFile(theirs, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newShelf(to)
	started(t, s, Options{Roots: map[string]string{"drop": root}})
	if try := await(t, s.failed); try.Problem != packaging.OtherFileThere {
		t.Errorf("%+v", try)
	}
	if content, err := os.ReadFile(theirs); err != nil || string(content) != "theirs" {
		t.Errorf("%q %v", content, err)
	}
	if err := os.Remove(theirs); err != nil { // it has been imported
		t.Fatal(err)
	}
	await(t, s.taken)
	if content, err := os.ReadFile(theirs); err != nil || string(content) != aList {
		t.Errorf("%q %v", content, err)
	}
}

func TestALinkOutOfTheRootLeadsNowhere(t *testing.T) {
	t.Parallel()
	root, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(root, "L1")); err != nil {
		t.Skip(err)
	}
	s := newShelf(aFolder(1))
	started(t, s, Options{Roots: map[string]string{"drop": root}})
	if try := await(t, s.failed); try.Problem != packaging.NotWritten {
		t.Errorf("%+v", try)
	}
	if files, err := os.ReadDir(outside); err != nil || len(files) > 0 {
		t.Errorf("%v %v", files, err)
	}
}

// pipeName names the pipe that mkfifo makes.
const pipeName = "list.csv"

func TestWhatHangsHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	hangs := aFolder(1)
	hangs.Address, hangs.FileName = "hangs", pipeName
	s := newShelf(hangs, aFolder(2))
	mount := filepath.Join(t.TempDir(), "mount")
	if err := mkfifo(mount); err != nil {
		t.Skip(err)
	}
	started(t, s, Options{Roots: map[string]string{"drop": root, "hangs": mount}, Limit: time.Second})
	if v := await(t, s.taken); v.Destination.ID != 2 {
		t.Errorf("destination %d took it", v.Destination.ID)
	}
	tries := func() int { s.mu.Lock(); defer s.mu.Unlock(); return s.waiting[1].Tries }
	for tries() == 0 { // on a slow machine the other one may fail first
		if try := await(t, s.failed); try.Problem != packaging.TimedOutThere {
			t.Errorf("%+v", try)
		}
	}
	time.Sleep(100 * time.Millisecond) // for many more tries
	if tries() > 1 {
		t.Error("another try began while the first one hangs")
	}
	end, err := os.OpenFile(filepath.Join(mount, pipeName), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	if err := os.Remove(filepath.Join(mount, pipeName)); err != nil {
		t.Fatal(err)
	}
	if err := end.Close(); err != nil {
		t.Fatal(err)
	}
	if v := await(t, s.taken); v.Destination.ID != 1 {
		t.Errorf("destination %d took it", v.Destination.ID)
	}
}

// The first try reads the whole list for its digest, and a template may be slow.
func TestAListThatCantBeReadInTimeHoldsUpItsDestinationAlone(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newShelf(aFolder(1), aFolder(2))
	s.hangs = make(chan struct{})
	started(t, s, Options{Roots: map[string]string{"drop": root}, Limit: 50 * time.Millisecond})
	if v := await(t, s.taken); v.Destination.ID != 2 {
		t.Errorf("destination %d took it", v.Destination.ID)
	}
	if try := await(t, s.failed); try.Problem != packaging.TimedOutThere {
		t.Errorf("%+v", try)
	}
	close(s.hangs)
	await(t, s.taken)
}

func TestADatabaseThatFailsIsNoFailureOfTheDestination(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(*shelf){
		"its list can't be read at first":      func(s *shelf) { s.unread = 1 },
		"its list can't be read while it goes": func(s *shelf) { s.waiting[1] = frozenOf(s.waiting[1]); s.unread = 1 },
		"what it is can't be stored":           func(s *shelf) { s.unfrozen = 1 },
		"what came of the try can't be stored": func(s *shelf) { s.broken = 1 },
	} {
		s := newShelf(aFolder(1))
		breaks(s)
		started(t, s, Options{Roots: map[string]string{"drop": t.TempDir()}})
		await(t, s.taken)
		if len(s.failed) > 0 {
			t.Errorf("%s: the destination is blamed: %+v", name, <-s.failed)
		}
	}
}

// frozenOf returns a delivery of two serial numbers as it is after a first try.
func frozenOf(v packaging.Delivery) packaging.Delivery {
	v.Frozen, v.Form, v.Name = true, packaging.ListForm{Format: packaging.CSVFormat}, "list.csv"
	v.Size, v.Digest = int64(len(aList)), sha256.Sum256([]byte(aList))
	return v
}

func TestAWorkerEndsWithItsDestinationAndAnotherBeginsWithIt(t *testing.T) {
	t.Parallel()
	s := newShelf(aFolder(1))
	d := started(t, s, Options{Roots: map[string]string{"drop": t.TempDir()}})
	await(t, s.taken)
	all := s.destinations
	set := func(destinations []packaging.Destination, waiting packaging.Delivery) {
		s.mu.Lock()
		s.destinations = destinations
		if waiting.ID != 0 {
			s.waiting[1] = waiting
		}
		s.mu.Unlock()
		d.Wake(1)
	}
	workers := func() int { d.mu.Lock(); defer d.mu.Unlock(); return len(d.workers) }
	set(nil, packaging.Delivery{})
	for until := time.Now().Add(60 * time.Second); workers() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the worker of a destination that is gone goes on")
		}
	}
	set(all, newShelf(all...).waiting[1])
	await(t, s.taken)
}

func TestAListThatIsTriedTooLongStops(t *testing.T) {
	t.Parallel()
	to := aFolder(1)
	to.Address, to.GiveUp = "not there", time.Nanosecond
	s := newShelf(to)
	started(t, s, Options{})
	if try := await(t, s.failed); try.Problem != packaging.NoSuchRoot {
		t.Errorf("%+v", try)
	}
	if _, err := s.NextDelivery(t.Context(), 1); packaging.CodeOf(err) != packaging.NotFound {
		t.Error("it is tried on")
	}
}

func TestBytesThatDifferFromTheFirstTryAreNotBrought(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newShelf(aFolder(1))
	v := s.waiting[1]
	v.Frozen, v.Form, v.Name, v.Size, v.Digest = true, packaging.ListForm{
		Format: packaging.CSVFormat,
	}, "a.csv", 3, sha256.Sum256([]byte("old"))
	s.waiting[1] = v
	started(t, s, Options{Roots: map[string]string{"drop": root}})
	if try := await(t, s.failed); try.Problem != packaging.BytesDiffer {
		t.Errorf("%+v", try)
	}
	if files, err := os.ReadDir(root); err != nil || len(files) > 0 {
		t.Errorf("%v %v", files, err)
	}
}

func TestTheTestOfAFolderLeavesNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	d := New(newShelf(), Options{Roots: map[string]string{"drop": root}, Limit: 20 * time.Second, Now: time.Now})
	if err := d.Try(t.Context(), aFolder(1)); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(root); err != nil || len(files) > 0 {
		t.Errorf("%v %v", files, err)
	}
	var failure *packaging.DeliveryFailure
	if err := d.Try(t.Context(), packaging.Destination{Kind: packaging.FolderDestination}); !errors.As(err, &failure) ||
		failure.Problem != packaging.NoSuchRoot {
		t.Error(err)
	}
}

func TestWaitsGrowAndDifferAndEnd(t *testing.T) {
	d := New(newShelf(), Options{First: 2 * time.Second, Most: 10 * time.Minute})
	seen := map[time.Duration]bool{}
	for range 20 {
		seen[d.wait(3)] = true
	}
	if len(seen) < 10 {
		t.Error("waits are the same")
	}
	for tries, most := range map[int]time.Duration{0: 3 * time.Second, 5: 80 * time.Second, 1000: 12 * time.Minute} {
		if wait := d.wait(tries); wait <= 0 || wait > most || tries == 1000 && wait < 8*time.Minute {
			t.Errorf("after %d tries: %v", tries, wait)
		}
	}
}

func TestAListIsReadOnceForItsFirstTry(t *testing.T) {
	t.Parallel()
	s := newShelf(aFolder(1))
	started(t, s, Options{Roots: map[string]string{"drop": t.TempDir()}})
	await(t, s.taken)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read != 1 {
		t.Errorf("it was read %d times", s.read)
	}
}

func TestAListGivesWayToReleasesForAMomentAndNoLonger(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int32{"releases that end": 3, "releases that never end": math.MaxInt32} {
		s := newShelf(aFolder(1))
		var asked atomic.Int32
		began := time.Now()
		started(t, s, Options{Roots: map[string]string{"drop": t.TempDir()}, Busy: func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			if _, waits := s.waiting[1]; waits && s.read > 0 {
				t.Errorf("%s: the list was read meanwhile", name)
			}
			return asked.Add(1) < most
		}})
		await(t, s.taken)
		if took := time.Since(began); most == math.MaxInt32 && took < giveWayFor || asked.Load() < 3 {
			t.Errorf("%s: taken after %s, asked %d times", name, took, asked.Load())
		}
	}
}

func TestAListThatIsHeldWhileItGivesWayDoesNotGoOutThoughItWasTriedBefore(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newShelf(aFolder(1))
	s.waiting[1] = frozenOf(s.waiting[1])
	d := New(s, Options{
		Roots: map[string]string{"drop": root}, Limit: 10 * time.Second, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Busy: func() bool {
			_, waits := s.waiting[1]
			delete(s.waiting, 1) // a person holds it
			return waits
		},
	})
	(&worker{Deliverer: d, id: 1}).next(t.Context())
	if files, err := os.ReadDir(root); err != nil || len(files)+len(s.taken)+len(s.failed) > 0 {
		t.Errorf("%v, %d taken, %d failed: %v", files, len(s.taken), len(s.failed), err)
	}
}
