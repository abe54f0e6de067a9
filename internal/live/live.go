// Package live tells open pages that something has changed, and nothing more: a topic and its newest version. A page then
// asks for what it shows.
package live

import (
	"errors"
	"slices"
	"sync"
)

// Version is the place of a change in the order of all changes. A topic's version is that of its latest change.
type Version uint64

// Bounds of a hub. What is beyond them is told so, or is told once too often; nothing is lost.
const (
	MaxSubscribers = 4096 // at once
	MaxTopics      = 16   // of a subscriber
	remembered     = 8192 // topics whose versions are known apart, twice over
)

// Why a hub takes no subscriber.
var (
	ErrFull   = errors.New("there are as many subscribers as there may be")
	ErrClosed = errors.New("the server is about to stop")
)

// Hub knows the version of each topic and tells subscribers of new ones.
type Hub struct {
	mu          sync.Mutex
	now         Version            // of the latest change
	young, old  map[string]Version // old ones are forgotten when there are many young ones
	floor       Version            // of every topic that is in neither
	subscribers map[string]map[*Subscriber]struct{}
	count       int
	ended       chan struct{}
	closed      bool
}

// NewHub makes a hub whose versions come after first. Where first is the time in microseconds, versions go on growing
// when the program starts again, and a page from before finds that all it shows has a new one.
func NewHub(first Version) *Hub {
	return &Hub{now: first, floor: first, young: map[string]Version{}, old: map[string]Version{}, subscribers: map[string]map[*Subscriber]struct{}{}, ended: make(chan struct{})}
}

// Publish gives the topics a new version. It never waits for a subscriber.
func (h *Hub) Publish(topics ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now++
	for _, t := range topics {
		if len(h.young) >= remembered {
			// What is forgotten counts as changed now: too new is only asked for once more.
			h.young, h.old, h.floor = map[string]Version{}, h.young, h.now
		}
		h.young[t] = h.now
		for s := range h.subscribers[t] {
			s.tell(t, h.now)
		}
	}
}

// Now is the version of the latest change of all. What is read after asking for it is at least as new.
func (h *Hub) Now() Version {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Version is the newest of the topics' versions.
func (h *Hub) Version(topics ...string) (v Version) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range topics {
		v = max(v, h.version(t))
	}
	return v
}

func (h *Hub) version(topic string) Version {
	if v, ok := h.young[topic]; ok {
		return v
	}
	return max(h.old[topic], h.floor)
}

// Subscribe begins to tell of changes of these topics, and first of the versions that they have: whoever missed something
// sees it there.
func (h *Hub) Subscribe(topics ...string) (*Subscriber, error) {
	if len(topics) > MaxTopics {
		return nil, errors.New("too many topics")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if h.count >= MaxSubscribers {
		return nil, ErrFull
	}
	s := &Subscriber{hub: h, topics: topics, waiting: map[string]Version{}, woken: make(chan struct{}, 1)}
	h.count++
	for _, t := range topics {
		if h.subscribers[t] == nil {
			h.subscribers[t] = map[*Subscriber]struct{}{}
		}
		h.subscribers[t][s] = struct{}{}
		s.tell(t, h.version(t))
	}
	return s, nil
}

// Close ends all subscribers and takes no more: a server that stops would wait for their streams.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.ended)
	}
}

// Subscribers is how many there are.
func (h *Hub) Subscribers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// Subscriber is told of changes. What it has not taken yet is kept as the newest version of each topic, so that a slow one
// needs no more room than a fast one, and never holds anybody up.
type Subscriber struct {
	hub    *Hub
	topics []string
	woken  chan struct{}
	closed bool // under the hub's lock

	mu      sync.Mutex
	waiting map[string]Version
}

func (s *Subscriber) tell(topic string, v Version) {
	s.mu.Lock()
	s.waiting[topic] = v
	s.mu.Unlock()
	select {
	case s.woken <- struct{}{}:
	default: // it knows already that there is something
	}
}

// Changed has something when there is something to take.
func (s *Subscriber) Changed() <-chan struct{} { return s.woken }

// Ended is closed when the hub is.
func (s *Subscriber) Ended() <-chan struct{} { return s.hub.ended }

// News is a topic with its newest version.
type News struct {
	Topic   string
	Version Version
}

// Take gives what has changed since it was last asked for, the oldest change first.
func (s *Subscriber) Take() []News {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := make([]News, 0, len(s.waiting))
	for _, t := range s.topics {
		if v, ok := s.waiting[t]; ok {
			news = append(news, News{t, v})
		}
	}
	clear(s.waiting)
	slices.SortStableFunc(news, func(a, b News) int { return int(int64(a.Version - b.Version)) })
	return news
}

// Close ends it.
func (s *Subscriber) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.hub.count--
	for _, t := range s.topics {
		delete(s.hub.subscribers[t], s)
		if len(s.hub.subscribers[t]) == 0 {
			delete(s.hub.subscribers, t)
		}
	}
}
