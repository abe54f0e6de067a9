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

// What a copy asks of an object store while nothing is released, and for each release: by these docs/standby.md counts
// what a store is paid for.
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
	for key, path := range ids {
		m.note(m.web.press(0, key, path))
		time.Sleep(2 * time.Second)
	}
	some := counted.take()
	say := func(what string, a requests, per float64) string {
		return fmt.Sprintf("%s: %.2f written or listed, %.2f read, %.2f removed, %.1f KB sent",
			what, float64(a.writes)/per, float64(a.reads)/per, float64(a.removes)/per, float64(a.bytes)/per/1000)
	}
	t.Log(say("a second while nothing is released", none, idle.Seconds()))
	t.Log(say("a second likewise, with a standby that follows", followed, idle.Seconds()))
	t.Log(say(fmt.Sprintf("for each of %d releases, with 2 s beside it", len(ids)), some, float64(len(ids))))
	if perSecond := float64(none.writes+none.reads) / idle.Seconds(); perSecond > 4 {
		t.Errorf("an idle site asks the store %.1f times a second", perSecond)
	}
	if perSecond := float64(followed.writes) / idle.Seconds(); perSecond > 5 {
		t.Errorf("with a follower it writes and lists %.1f times a second", perSecond)
	}
}
