// Package live notifies open pages of changes. A notification is only a topic and its newest version; the page then
// requests what it shows.
package live

import (
	"errors"
	"slices"
	"sync"
)

// Version numbers the changes in their order. A topic's version is that of its latest change.
type Version uint64

// Limits of a hub.
const (
	MaxSubscribers = 4096 // at the same time
	MaxTopics      = 16   // of a subscriber
	// maxVersions limits each of the two maps of versions. A topic that is in neither may get one notification too
	// many, never one too few.
	maxVersions = 8192
)

// Why a hub accepts no subscriber.
var (
	ErrFull   = errors.New("there are as many subscribers as there may be")
	ErrClosed = errors.New("the server is about to stop")
)

// Hub knows the version of each topic and notifies subscribers of new ones. It is safe for concurrent use.
type Hub struct {
	mu          sync.Mutex
	now         Version            // of the latest change
	young, old  map[string]Version // when young is full, it replaces old
	floor       Version            // of every topic that is in neither
	subscribers map[string]map[*Subscriber]struct{}
	count       int
	ended       chan struct{}
	closed      bool
}

// NewHub returns a hub whose versions follow first. If first is the time in microseconds, versions keep growing across
// restarts: an older page then finds a newer version of all it shows.
func NewHub(first Version) *Hub {
	return &Hub{
		now: first, floor: first, young: map[string]Version{}, old: map[string]Version{},
		subscribers: map[string]map[*Subscriber]struct{}{}, ended: make(chan struct{}),
	}
}

// Publish gives the topics a new version. It never waits for a subscriber.
func (h *Hub) Publish(topics ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now++
	for _, t := range topics {
		if len(h.young) >= maxVersions {
			// Dropped topics count as changed now: a version that is too new costs only one more request.
			h.young, h.old, h.floor = map[string]Version{}, h.young, h.now
		}
		h.young[t] = h.now
		for s := range h.subscribers[t] {
			s.notify(t, h.now)
		}
	}
}

// Now returns the version of the latest change. Data that is read after the call is at least as new.
func (h *Hub) Now() Version {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// Version returns the newest version of the topics.
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

// Subscribe returns a subscriber to the topics. Its first notifications are their current versions: they show a page
// what it has missed. Subscribe fails with ErrFull or ErrClosed, or if there are more than MaxTopics topics.
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
	s := &Subscriber{hub: h, topics: topics, waiting: map[string]Version{}, changed: make(chan struct{}, 1)}
	h.count++
	for _, t := range topics {
		if h.subscribers[t] == nil {
			h.subscribers[t] = map[*Subscriber]struct{}{}
		}
		h.subscribers[t][s] = struct{}{}
		s.notify(t, h.version(t))
	}
	return s, nil
}

// Close ends all subscribers and accepts no more. A server that stops would otherwise wait for their streams.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.ended)
	}
}

// Subscribers returns the number of subscribers.
func (h *Hub) Subscribers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// Subscriber receives notifications. Of those it has not taken yet, the hub keeps only the newest version of each
// topic. So a slow subscriber needs no more memory than a fast one, and nobody waits for it.
type Subscriber struct {
	hub     *Hub
	topics  []string
	changed chan struct{}
	closed  bool // guarded by hub.mu

	mu      sync.Mutex
	waiting map[string]Version
}

func (s *Subscriber) notify(topic string, v Version) {
	s.mu.Lock()
	s.waiting[topic] = v
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default: // a signal waits already
	}
}

// Changed returns a channel that receives a signal when there is something to take.
func (s *Subscriber) Changed() <-chan struct{} { return s.changed }

// Ended returns a channel that is closed with the hub.
func (s *Subscriber) Ended() <-chan struct{} { return s.hub.ended }

// News is a topic with its newest version.
type News struct {
	Topic   string
	Version Version
}

// Take returns what has changed since the last call, the oldest change first.
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

// Close ends the subscription.
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
