package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// network stands between a browser and a server as a weak Wi-Fi does, and counts what goes through it: answers begin
// after a delay, and all of them share so many bytes a second.
type network struct {
	*httptest.Server
	delay          time.Duration
	bytesPerSecond float64

	mu       sync.Mutex
	free     time.Time // when what was sent so far is through
	requests int
	bytes    int
	last     time.Time // when something went through
}

func newNetwork(to string, delay time.Duration, bytesPerSecond float64) (*network, error) {
	target, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	n := &network{delay: delay, bytesPerSecond: bytesPerSecond}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1, // a stream goes on as it comes
		// A browser that leaves a page drops what it asked for.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
	}
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.requests++
		n.last = time.Now()
		n.mu.Unlock()
		time.Sleep(n.delay)
		proxy.ServeHTTP(&slowed{w, n}, r)
	}))
	return n, nil
}

// carry waits until so many bytes are through.
func (n *network) carry(count int) {
	n.mu.Lock()
	now := time.Now()
	if n.free.Before(now) {
		n.free = now
	}
	n.free = n.free.Add(time.Duration(float64(count) / n.bytesPerSecond * float64(time.Second)))
	n.bytes += count
	n.last = n.free
	wait := n.free.Sub(now)
	n.mu.Unlock()
	time.Sleep(wait)
}

// count waits until nothing has gone through for a while, and gives what has since it was asked last.
func (n *network) count() (requests, bytes int) {
	for {
		n.mu.Lock()
		if idle := time.Since(n.last); idle > n.delay+500*time.Millisecond {
			requests, bytes = n.requests, n.bytes
			n.requests, n.bytes = 0, 0
			n.mu.Unlock()
			return requests, bytes
		}
		n.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
	}
}

// slowed is an answer that goes through the network.
type slowed struct {
	http.ResponseWriter
	network *network
}

func (s *slowed) WriteHeader(status int) {
	var head bytes.Buffer
	_ = s.Header().Write(&head) // memory takes it
	s.network.carry(len("HTTP/1.1 200 OK\r\n\r\n") + head.Len())
	s.ResponseWriter.WriteHeader(status)
}

func (s *slowed) Write(p []byte) (int, error) {
	s.network.carry(len(p))
	return s.ResponseWriter.Write(p)
}

// Unwrap lets what is written be flushed.
func (s *slowed) Unwrap() http.ResponseWriter { return s.ResponseWriter }
