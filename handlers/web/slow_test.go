package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lineboard/internal/live"
)

// A tablet that takes nothing is dropped, and comes back to the newest version.
func TestAReaderWhoTakesNothingIsDroppedAndRecovers(t *testing.T) {
	t.Parallel()
	hub := live.NewHub(0)
	s := &Kit{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		news, err := hub.Subscribe("1/line/1")
		if err != nil {
			t.Error(err)
			return
		}
		defer news.Close()
		w.Header().Set("Content-Type", "text/event-stream")
		s.writeEvents(
			r.Context(), &stream{w, http.NewResponseController(w), 200 * time.Millisecond}, news,
			func() bool { return true },
		)
	}))
	t.Cleanup(web.Close)
	t.Cleanup(hub.Close)
	open := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(web.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	slow := open()
	if err := slow.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the reader", func() bool { return hub.Subscribers() == 1 })
	waitFor(t, "the slow reader to be dropped", func() bool {
		for range 1000 {
			hub.Publish("1/line/1")
			time.Sleep(time.Microsecond) // so that they are told one by one, and fill what lies between the two
		}
		return hub.Subscribers() == 0
	})
	newest := fmt.Sprintf("data: line/1 %d\n", hub.Now())
	back := bufio.NewReader(open())
	for {
		line, err := back.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == newest {
			return
		}
	}
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !is(); {
		if time.Now().After(limit) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}
