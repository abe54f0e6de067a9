package soak

import (
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// requests are what reached an object store.
type requests struct {
	writes  int // those that stores count as writing: put, list
	reads   int // get, head
	removes int
	bytes   int64 // that were sent there
}

// counter counts them.
type counter struct {
	mu sync.Mutex
	requests
}

func (c *counter) count(_ int, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case r.Method == http.MethodDelete:
		c.removes++
	case r.Method == http.MethodPut, r.Method == http.MethodPost, strings.Contains(r.URL.RawQuery, "list-type"):
		c.writes++
		c.bytes += max(r.ContentLength, 0)
	default:
		c.reads++
	}
}

// take returns what was counted since the last time.
func (c *counter) take() requests {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.requests
	c.requests = requests{}
	return was
}

// What a copy asks of an object store while nothing is released, and for each release, is what docs/standby.md says: by
// these figures people count what a store is paid for.
func TestHowMuchACopyAsksOfAnObjectStore(t *testing.T) {
	litestream := litestreamOf(t)
	times(t, "SOAK_DRILLS", "1") // builds the program
	place := newBucket(t).(*bucket)
	s := newSoak(t, rand.New(rand.NewPCG(seed(t), 0)))
	s.remote.fate = func() fate { return fate{} }
	s.args = s.args[:len(s.args)-8] // as people have it, by the program's own defaults
	counted := &counter{}
	place.asked = counted.count
	m := beginMachines(t, s, litestream, place)
	m.prepare(1)
	m.remote.box.ClearFaults()
	ids := m.web.find(t, m.prefix(1), newOrders)
	const idle = 30 * time.Second
	time.Sleep(5 * time.Second)
	counted.take()
	time.Sleep(idle)
	none := counted.take()
	m.standBy(true)
	await(t, "a followed copy", m.next.hasFollowed)
	counted.take()
	time.Sleep(idle)
	followed := counted.take()
	m.next.follower.end(syscall.SIGTERM)
	counted.take()
	began := time.Now()
	for key, path := range ids {
		m.note(m.web.press(0, key, path))
		time.Sleep(2 * time.Second)
	}
	some := counted.take()
	released := time.Since(began).Seconds()
	docs := documentedRequests(t)
	docs.hold(t, "a second while nothing is released, with a standby that follows", followed, idle.Seconds(), 0)
	docs.hold(t, "a second while nothing is released", none, idle.Seconds(), 2)
	n := float64(len(ids))
	some.writes -= int(float64(none.writes) * released / idle.Seconds())
	some.reads -= int(float64(none.reads) * released / idle.Seconds())
	some.bytes -= int64(float64(none.bytes) * released / idle.Seconds())
	docs.hold(t, "for each release", some, n, 4)
	docs.near(t, "KB for each release", float64(some.bytes)/n/1000, 6)
}

// documented are the figures of docs/standby.md, in the order of its words.
type documented []float64

var requestsForm = regexp.MustCompile(`makes ([\d.]+) a second that write or list, and ([\d.]+) that\s+read` +
	`[^.]*\. Without a follower it is ([\d.]+) and ([\d.]+)\. A release adds ([\d.]+) and ([\d.]+), and sends (\d+) KB`)

// documentedRequests reads these figures.
func documentedRequests(t *testing.T) (figures documented) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "standby.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := requestsForm.FindSubmatch(text)
	if found == nil {
		t.Fatal("docs/standby.md does not say how many requests there are")
	}
	for _, number := range found[1:] {
		figure, err := strconv.ParseFloat(string(number), 64)
		if err != nil {
			t.Fatal(err)
		}
		figures = append(figures, figure)
	}
	return figures
}

// hold compares what was counted, each time, with two figures: what writes or lists, and what reads.
func (d documented) hold(t *testing.T, what string, counted requests, times float64, first int) {
	t.Helper()
	d.near(t, "written or listed "+what, float64(counted.writes)/times, first)
	d.near(t, "read "+what, float64(counted.reads)/times, first+1)
}

// near fails if a figure is not what was counted, by a quarter or by what rounding hides.
func (d documented) near(t *testing.T, what string, counted float64, figure int) {
	t.Helper()
	t.Logf("%.2f %s; docs/standby.md says %v", counted, what, d[figure])
	if math.Abs(counted-d[figure]) > max(0.25*d[figure], 0.15) {
		t.Errorf("%.2f %s: docs/standby.md says %v", counted, what, d[figure])
	}
}
