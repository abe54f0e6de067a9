package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"lineboard/internal/certificate"
	"lineboard/internal/throttle"
)

const (
	headerLimit    = 10 * time.Second // for the header of a request
	maxHeaderBytes = 32 << 10
	readLimit      = time.Minute // for a request with its body
	idleLimit      = 2 * time.Minute
	stallLimit     = 30 * time.Second // for an answer that the client does not take
	stopLimit      = 3 * time.Second  // for requests under way when the program stops and nothing holds them up
)

// server is an HTTP server at an address.
type server struct {
	addr        string
	flag        string                // that names the address; default --addr
	certificate *certificate.Reloader // nil for plain HTTP
	handler     http.Handler
	announce    func(address string) // called once people can reach it
	stopping    func()               // ends requests that would not end by themselves; may be nil
	awaited     func()               // returns once nothing is under way that requests wait for; may be nil
	log         *slog.Logger         // may be nil
	networks    throttle.Networks
	proxies     []netip.Prefix // that have no bound of an address
	stall       time.Duration  // default stallLimit
	connections int            // of an address at once; 0 for any number
	// allConnections is how many there may be at once; by default as many as fit the files that the program may open.
	allConnections int
}

// run listens, and serves until ctx ends.
func (s server) run(ctx context.Context) error {
	listener, err := s.listen()
	if err != nil {
		return err
	}
	return s.serve(ctx, listener)
}

func (s server) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return nil, fmt.Errorf("can't listen on %s (another address can be given with %s): %w",
			s.addr, cmp.Or(s.flag, "--addr"), err)
	}
	return listener, nil
}

// serve serves until ctx ends, then lets requests under way finish.
func (s server) serve(ctx context.Context, listener net.Listener) error {
	address := localAddress(listener.Addr().(*net.TCPAddr))
	listener = &boundedListener{
		Listener:  listener,
		ofAddress: s.connections,
		ofAll:     cmp.Or(s.allConnections, connectionsWithin(openFiles())),
		networks:  s.networks,
		proxies:   s.proxies,
		open:      map[string]map[*countedConn]struct{}{},
	}
	web := &http.Server{
		Handler:           endStalled(s.handler, cmp.Or(s.stall, stallLimit)),
		ReadHeaderTimeout: headerLimit,
		ReadTimeout:       readLimit,
		IdleTimeout:       idleLimit,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	if s.log != nil { // by itself it would write lines of another form
		web.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
	}
	serve, scheme := func() error { return web.Serve(listener) }, "http"
	if s.certificate != nil {
		web.TLSConfig = s.certificate.Config()
		serve, scheme = func() error { return web.ServeTLS(listener, "", "") }, "https"
	}
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	s.announce(scheme + "://" + address)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	s.stop(context.WithoutCancel(ctx), web)
	return nil
}

// stop takes no new request and lets those under way finish. It cuts off those that do not end in time: a client that
// sends a request by halves must not hold up a stop, nor make it a failure.
func (s server) stop(ctx context.Context, web *http.Server) {
	if s.stopping != nil {
		s.stopping()
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		if s.awaited != nil {
			s.awaited()
		}
		time.AfterFunc(stopLimit, cancel)
	}()
	if web.Shutdown(limited) == nil {
		return
	}
	if s.log != nil {
		s.log.Warn("requests that did not end in time were cut off by the stop")
	}
	_ = web.Close() // all that it closes is given up
}

// localAddress returns where a person on this machine finds the server.
func localAddress(a *net.TCPAddr) string {
	host := a.IP.String()
	if a.IP.IsUnspecified() || a.IP.IsLoopback() {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.Itoa(a.Port))
}
