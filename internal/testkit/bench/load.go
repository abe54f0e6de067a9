package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// connections is how many ask for the board at once.
const connections = 16

// target is a page that load is put on.
type target struct {
	server        *program
	path, cookies string
	gzip          bool
	tag           string // of what the page has already: the server says only that nothing has changed
}

// load is how a server bore it.
type load struct {
	perSecond float64
	p99       float64 // in ms
	processor float64 // what the server used of it for a page, in ms; 0 where that is not known
}

// put asks for the page again and again on each connection, for so long. The requests are written and read on bare
// connections: the client of net/http needs as much of the two cores as the servers that are measured.
func (t target) put(ctx context.Context, during time.Duration) (load, error) {
	took := make([][]time.Duration, connections)
	before, known := t.server.processor()
	started := time.Now()
	end := started.Add(during)
	group, ctx := errgroup.WithContext(ctx)
	for i := range took {
		group.Go(func() (err error) {
			took[i], err = t.askUntil(ctx, end)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return load{}, err
	}
	passed := time.Since(started)
	var all []time.Duration
	for _, some := range took {
		all = append(all, some...)
	}
	l := load{perSecond: float64(len(all)) / passed.Seconds(), p99: milliseconds(percentile(all, 99))}
	if after, ok := t.server.processor(); ok && known {
		l.processor = milliseconds(after-before) / float64(len(all))
	}
	return l, nil
}

func (t target) askUntil(ctx context.Context, end time.Time) (took []time.Duration, err error) {
	address := strings.TrimPrefix(t.server.base, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(end.Add(startLimit)); err != nil {
		return nil, err
	}
	request := "GET " + t.path + " HTTP/1.1\r\nHost: " + address + "\r\nCookie: " + t.cookies + "\r\n"
	if t.gzip {
		request += "Accept-Encoding: gzip\r\n"
	}
	want := http.StatusOK
	if t.tag != "" {
		request += "HX-Request: true\r\nIf-None-Match: " + t.tag + "\r\n"
		want = http.StatusNotModified
	}
	request += "\r\n"
	reader := bufio.NewReaderSize(conn, 64<<10)
	for time.Now().Before(end) && ctx.Err() == nil {
		started := time.Now()
		if _, err := io.WriteString(conn, request); err != nil {
			return nil, err
		}
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			return nil, err
		}
		if encoded := answer.Header.Get("Content-Encoding") == "gzip"; answer.StatusCode != want || encoded != t.gzip {
			return nil, fmt.Errorf("%s was answered with %s, gzip %t", t.path, answer.Status, encoded)
		}
		took = append(took, time.Since(started))
	}
	return took, ctx.Err()
}
