package soak

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lineboard/internal/packaging"
)

// late is a site whose calls of release leave late, or arrive late.
type late struct {
	*machines
	bucket *bucket

	mu     sync.Mutex
	reads  int       // of who releases, since the last stop
	went   time.Time // when the program went on after its last stop
	stands chan struct{}
}

// A program that stands still between the reading of who releases and its call drops the call, whether another machine
// took over meanwhile or not. A call that left in time and arrives late contradicts what the standby took it for.
func TestALateCallIsDroppedAndOneThatLeftAllTheSameIsShownAtTheStandby(t *testing.T) {
	litestream := litestreamOf(t)
	times(t, "SOAK_DRILLS", "1") // builds the program
	place := newBucket(t)
	s := newSoak(t, rand.New(rand.NewPCG(seed(t), 0)))
	s.remote.fate = func() fate { return fate{} }
	l := &late{machines: beginMachines(t, s, litestream, place), bucket: place.(*bucket)}
	l.drops()
	l.dropsBesideAStandby()
	l.contradicts()
}

// order puts an order on the board, and returns its ID and path.
func (l *late) order() (key, path string) {
	l.drills++
	l.prepare(l.drills)
	l.remote.box.ClearFaults()
	for key, path := range l.web.find(l.t, l.prefix(l.drills), newOrders) {
		return key, path
	}
	return "", ""
}

// standStill has the program stop when it asks who releases next, once the claim of an order is in the copy, and
// returns what is closed then.
func (l *late) standStill(key string) <-chan struct{} {
	running, number, data := l.running, l.number, l.machine
	l.mu.Lock()
	l.stands = make(chan struct{})
	stands := l.stands
	l.mu.Unlock()
	copied, stopped := false, false
	l.bucket.mu.Lock()
	defer l.bucket.mu.Unlock()
	l.bucket.asked = func(machine int, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case machine != number:
		case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/db/") && !copied:
			copied = l.claimed(data, key)
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, l.nextEpoch()):
			if copied && !stopped {
				stopped = true
				_ = running.command.Process.Signal(syscall.SIGSTOP)
				close(stands)
			} else if stopped {
				l.reads++
			}
		}
	}
	return stands
}

// nextEpoch is the end of the name of the file that whoever takes over next makes.
func (l *late) nextEpoch() string { return fmt.Sprintf("/epochs/%06d", len(l.lives)+1) }

// claimed reports whether a release of an order is claimed and has no outcome.
func (l *late) claimed(at machine, key string) bool {
	db := l.databaseOf(at.data)
	defer db.Close()
	var n int
	err := db.QueryRow(`SELECT count(*) FROM releases r JOIN orders o ON o.id = r.order_id
		WHERE o.order_key = ? AND r.outcome = ?`, key, packaging.Sending).Scan(&n)
	return err == nil && n > 0
}

// goOn has a program go on that stands still.
func (l *late) goOn(p *program) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads, l.went = 0, time.Now()
	_ = p.command.Process.Signal(syscall.SIGCONT)
}

// readAnew reports whether who releases was read anew since the program went on.
func (l *late) readAnew() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads > 0
}

// tooLate is longer than a call may take to leave.
const tooLate = 2500 * time.Millisecond

// drops has a program stand still for too long. Once in a while it stops at another reading than that of the call, and
// reads anew before the call leaves: then it is tried again.
func (l *late) drops() {
	for range 5 {
		key, path := l.order()
		stands, pressed := l.standStill(key), make(chan press, 1)
		web := l.web
		go func() { pressed <- web.press(0, key, path) }()
		<-stands
		time.Sleep(tooLate)
		l.goOn(l.running)
		l.note(<-pressed)
		anew := l.readAnew()
		l.settle()
		if len(l.remote.of(key)) == 0 {
			return
		}
		if !anew {
			l.t.Errorf("order %s: its call left late", key)
			return
		}
	}
	l.t.Error("it never stood still between the reading and the call")
}

// dropsBesideAStandby does the same, and another machine takes over meanwhile.
func (l *late) dropsBesideAStandby() {
	key, path := l.order()
	l.standBy(false)
	stands, pressed := l.standStill(key), make(chan press, 1)
	oldWeb, old := l.web, l.machine
	running := l.running
	go func() { pressed <- oldWeb.press(0, key, path) }()
	<-stands
	began := time.Now()
	l.takeOver()
	time.Sleep(time.Until(began.Add(tooLate)))
	l.goOn(running)
	l.note(<-pressed)
	l.web.signIn(l.t)
	l.settle()
	if n := len(l.remote.of(key)); n > 0 {
		l.t.Errorf("order %s: %d calls left late", key, n)
	}
	running.kill()
	old.litestream.end(syscall.SIGKILL)
	l.note(l.web.press(0, key, l.web.find(l.t, key, 1)[key]))
	l.settle()
	if n := len(l.remote.carried(key)); n != 1 {
		l.t.Errorf("order %s was carried out %d times", key, n)
	}
}

// contradicts has a call leave in time and arrive after the standby has found that the order still waits.
func (l *late) contradicts() {
	key, path := l.order()
	l.standBy(false)
	arrives := make(chan struct{})
	l.remote.with(func() { l.remote.fate = func() fate { return fate{until: arrives} } })
	pressed, oldWeb, old := make(chan press, 1), l.web, l.machine
	go func() { pressed <- oldWeb.press(0, key, path) }()
	if !l.remote.await(hang, func() bool {
		return len(l.remote.patches) > 0 && l.remote.patches[len(l.remote.patches)-1].order == key
	}) {
		l.t.Fatal("the call does not leave")
	}
	l.running.kill()
	l.note(<-pressed)
	l.takeOver()
	old.litestream.end(syscall.SIGKILL)
	l.web.signIn(l.t)
	path = l.web.find(l.t, key, 1)[key]
	await(l.t, "the standby takes it for not released", func() bool {
		return l.web.page(l.t, path).Find(".result-refused").Length() > 0
	})
	l.remote.with(func() { l.remote.fate = func() fate { return fate{} } })
	close(arrives)
	await(l.t, "the page says that the status contradicts that", func() bool {
		page := l.web.page(l.t, path)
		return page.Find(".result-unknown").Length() > 0 &&
			strings.Contains(page.Find(".result").Text(), "A later status does not fit how this release was settled")
	})
	history := l.web.page(l.t, "/history?q="+key).Find("main").Text()
	if !strings.Contains(history, "Its status became In progress, which does not fit how this release was settled") {
		l.t.Errorf("the history of %s: %s", key, history)
	}
	if n := len(l.remote.carried(key)); n != 1 {
		l.t.Errorf("order %s was carried out %d times", key, n)
	}
}
